//! Sign-ins and changes, as Graph lists them.
//!
//! Microsoft Graph, *List signIns*, *List directoryAudits*: newest first; v1.0 has the interactive sign-ins of users and
//! nothing else, beta has all kinds, but shows others only to a filter that names them.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Version,
    kind::{self, Kind},
    page::{List, Rows},
    read::{Reader, not_premium},
    route::Found,
};
use crate::{
    Fault, LogKind, LogRow,
    lab::ApiError,
    permissions::{self, APPLIED_POLICIES, APPLIED_POLICIES_ROLES},
    records,
};

fn no_segment(segment: &str) -> ApiError {
    ApiError::new(
        400,
        "BadRequest",
        format!("Resource not found for the segment '{segment}'."),
    )
}

/// A log, or one record of it.
pub(super) fn find<'a>(
    reader: &Reader<'a>,
    rest: &[&str],
    key: Option<&'a str>,
) -> Result<Found<'a>, ApiError> {
    let (kind, rows) = match rest.first() {
        Some(&"signins") => {
            if reader.lab.faults.on(Fault::NoPremium) {
                return Err(not_premium());
            }
            (&kind::SIGN_IN, sign_ins(reader, rest.len() > 1))
        }
        Some(&"directoryaudits") => {
            let rows = readable(reader, "activityDateTime", |row| row.kind == LogKind::Audit);
            let rows = rows.into_iter().map(|row| Cow::Borrowed(&row.record));
            (&kind::AUDIT, rows.collect())
        }
        other => return Err(no_segment(other.copied().unwrap_or("auditLogs"))),
    };
    match (rest, key) {
        ([_], _) => {
            for option in ["$search", "$skip"] {
                if reader.request.query.get(option).is_some() {
                    return Err(ApiError::new(
                        400,
                        "BadRequest",
                        format!("Query option '{option}' is not allowed."),
                    ));
                }
            }
            Ok(Found::List(List {
                rows: Rows::Values(rows),
                kind,
                context: kind.set.to_owned(),
                mixed: false,
                cast: false,
            }))
        }
        ([_, _], Some(key)) => one(rows, key, kind),
        _ => Err(no_segment(key.unwrap_or_default())),
    }
}

fn one<'a>(
    rows: Vec<Cow<'a, Value>>,
    key: &str,
    kind: &'static Kind,
) -> Result<Found<'a>, ApiError> {
    let object = rows
        .into_iter()
        .find(|row| row.get("id").and_then(Value::as_str) == Some(key))
        .ok_or_else(|| ApiError::not_found(key))?;
    Ok(Found::One {
        object,
        kind,
        context: kind.set.to_owned(),
        mixed: false,
    })
}

/// The records that can be read by now, newest first.
fn readable<'a>(
    reader: &Reader<'a>,
    time: &str,
    wanted: impl Fn(&LogRow) -> bool,
) -> Vec<&'a LogRow> {
    let mut rows: Vec<(Timestamp, &'a LogRow)> = reader
        .state
        .logs
        .iter()
        .filter(|row| row.readable_at <= reader.now && wanted(row))
        .map(|row| {
            let at = row.record.get(time).and_then(Value::as_str);
            let at = at.and_then(|at| at.parse().ok());
            (at.unwrap_or(Timestamp::MIN), row)
        })
        .collect();
    rows.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    rows.into_iter().map(|(_, row)| row).collect()
}

fn sign_ins<'a>(reader: &Reader<'a>, single: bool) -> Vec<Cow<'a, Value>> {
    let beta = reader.request.version == Version::Beta;
    let filter = reader.request.query.get("$filter").unwrap_or_default();
    let all_kinds = beta && (single || filter.contains("signInEventTypes"));
    let rows = readable(reader, "createdDateTime", |row| match row.kind {
        LogKind::Interactive => true,
        LogKind::Audit => false,
        LogKind::NonInteractive | LogKind::ServicePrincipal | LogKind::ManagedIdentity => all_kinds,
    });
    // Without a permission for policies the property is silently missing.
    let applied = permissions::holds(reader.caller, APPLIED_POLICIES)
        && permissions::has_role(
            reader.state,
            reader.caller,
            APPLIED_POLICIES_ROLES,
            reader.now,
        );
    rows.into_iter()
        .map(|row| {
            let mut record = if beta {
                records::graph_beta(row, reader.now)
            } else {
                Cow::Owned(records::graph_v1(row))
            };
            if !applied && let Some(fields) = record.to_mut().as_object_mut() {
                fields.shift_remove("appliedConditionalAccessPolicies");
            }
            record
        })
        .collect()
}
