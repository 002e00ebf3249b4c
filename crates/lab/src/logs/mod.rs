//! Log Analytics queries, for the part of KQL that a monitor uses.
//!
//! Sources: Azure Monitor, *Log Analytics API* (request format, response format, errors) and *Tables reference*; Azure
//! Data Explorer, *Kusto Query Language*.
//!
//! Invariants:
//! - a query that is not understood is refused, never answered in part;
//! - rows are made from the records that Graph shows, so that both tell the same;
//! - cells of dynamic columns come as text, and 200 with an `error` beside the tables means that rows are missing.

mod batch;
mod error;
mod eval;
mod lexer;
mod run;
mod schema;
mod syntax;
mod tree;
mod value;
mod workspace;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    Fault, Lab, arm,
    lab::{Answer, Body, Caller},
    tokens::DATA_READ,
};
use workspace::Workspace;

const QUERY: &str = "Microsoft.OperationalInsights/workspaces/query";

/// Answers a call. Path and query are as they came, encoded.
pub(crate) fn answer(
    lab: &Lab,
    caller: &Caller,
    method: &str,
    path: &str,
    query: &str,
    prefer: &str,
    body: Option<&Value>,
) -> Answer {
    let segments: Vec<&str> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    let low: Vec<String> = segments
        .iter()
        .map(|segment| segment.to_lowercase())
        .collect();
    let low: Vec<&str> = low.iter().map(String::as_str).collect();
    let named = match low.as_slice() {
        ["v1", "$batch" | "%24batch"] if method == "POST" => {
            return batch::answer(lab, caller, body);
        }
        ["v1", "workspaces", id, "query"] => (*id).to_owned(),
        ["v1", "subscriptions", .., "query"] => {
            format!("/{}", segments[1..segments.len() - 1].join("/"))
        }
        _ => return error::not_found("PathNotFoundError", "The requested path does not exist"),
    };
    let parameter = |name: &str| {
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.into_owned())
    };
    let (kql, timespan) = match (method, body) {
        ("GET", _) => (parameter("query"), parameter("timespan")),
        ("POST", Some(body)) => return asked(lab, caller, &named, prefer, body),
        // The service answers 200 with nothing to a body that is missing.
        ("POST", None) => {
            return Answer {
                status: 200,
                ..Answer::no_content()
            };
        }
        _ => return error::not_found("PathNotFoundError", "The requested path does not exist"),
    };
    answer_query(lab, caller, &named, prefer, (kql, timespan))
}

/// The answer to a body with a query.
fn asked(lab: &Lab, caller: &Caller, named: &str, prefer: &str, body: &Value) -> Answer {
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    answer_query(
        lab,
        caller,
        named,
        prefer,
        (text("query"), text("timespan")),
    )
}

/// The answer to a query and its range of time.
fn answer_query(
    lab: &Lab,
    caller: &Caller,
    named: &str,
    prefer: &str,
    (kql, timespan): (Option<String>, Option<String>),
) -> Answer {
    let Some(kql) = kql.filter(|kql| !kql.trim().is_empty()) else {
        return error::bad("The request has no query.");
    };
    let mut answer = run(lab, caller, named, &kql, timespan.as_deref());
    if let Body::Json(body) = &mut answer.body
        && let Some(body) = body.as_object_mut()
        && body.contains_key("tables")
    {
        // Azure Monitor, *Log Analytics API*, *Prefer options*: both only when they are asked for.
        let preferred = |name: &str| {
            prefer
                .split([',', ' '])
                .any(|part| part.trim().eq_ignore_ascii_case(name))
        };
        if preferred("include-statistics=true") {
            let statistics = json!({"query": {"executionTime": 0.015_625}});
            body.insert("statistics".to_owned(), statistics);
        }
        if preferred("include-render=true") {
            body.insert(
                "render".to_owned(),
                json!({"visualization": null, "title": null}),
            );
        }
    }
    answer
}

fn run(lab: &Lab, caller: &Caller, named: &str, kql: &str, timespan: Option<&str>) -> Answer {
    let now = lab.now();
    let state = lab.state();
    let text = |value: &Value, key: &str| {
        value
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let found = arm::workspaces(&state, now).into_iter().find(|workspace| {
        let customer = workspace
            .get("properties")
            .map(|own| text(own, "customerId"))
            .unwrap_or_default();
        customer.eq_ignore_ascii_case(named) || text(workspace, "id").eq_ignore_ascii_case(named)
    });
    let Some(found) = found else {
        return error::not_found(
            "ResourceNotFoundError",
            "The requested resource was not found",
        );
    };
    let id = text(&found, "id");
    // A person's own rights count; an app needs to be let in at all.
    if caller.user.is_none() && !caller.permissions.contains(DATA_READ) {
        return error::no_permission();
    }
    if !arm::reads(lab, &state, caller, QUERY, &id) {
        return error::no_access();
    }
    if lab.faults.on(Fault::LogsEmpty) {
        return Answer::no_content();
    }
    let range = match timespan {
        None => (Timestamp::MIN, Timestamp::MAX),
        Some(given) => match workspace::range(given, now) {
            Some(range) => range,
            None => return error::bad("The timespan is not valid."),
        },
    };
    let workspace = Workspace {
        lab,
        state: &state,
        customer: found
            .get("properties")
            .map(|own| text(own, "customerId"))
            .unwrap_or_default(),
        id,
        now,
        range,
    };
    let outcome = syntax::parse(kql).and_then(|query| run::run(&query, &workspace, now));
    let mut table = match outcome {
        Ok(table) => table,
        Err(fault) => return fault.answer(),
    };
    if lab.faults.on(Fault::LogsPartial) {
        table.rows.truncate(table.rows.len() / 2);
        return Answer::json(
            200,
            json!({"tables": [table.json()], "error": {
                "code": "PartialError", "message": "There were some errors when processing your query.",
                "details": [{"code": "EngineError", "message": "Something went wrong processing your query on the server.",
                    "innererror": {"code": "-2133196797", "message": "The results of this query exceed the set limit.",
                        "severity": 2, "severityName": "Error"}}],
            }}),
        );
    }
    Answer::json(200, json!({"tables": [table.json()]}))
}

#[cfg(test)]
mod tests;
