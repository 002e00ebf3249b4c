//! A tenant in memory behind the seam for HTTP: as much of Microsoft Graph and Azure Resource Manager as collecting asks
//! for, with switches for what goes wrong.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use breakglass_entra::{
    Cloud, Entra, Error, HttpRequest, HttpResponse, Service, Token, Tokens, Transport,
    TransportError,
};
use breakglass_model::FixedClock;
use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

pub(crate) const NOW: &str = "2026-06-01T10:00:00Z";
/// Objects in a page, whatever is asked for.
const PAGE: usize = 2;

/// What goes wrong with calls whose path holds a text.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// This answer.
    Answer(u16, Value),
    /// No answer at all, this often from the beginning on.
    Unreachable,
}

#[derive(Debug, Default)]
struct Inner {
    /// The tenant, as a snapshot.
    tenant: Value,
    faults: BTreeMap<String, Fault>,
    /// `Date` of each answer.
    date: Option<String>,
    /// Method, path and query of every call; those of a batch by themselves.
    calls: Vec<String>,
}

/// See the module. Copies are the same tenant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fake(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Signed;

#[async_trait]
impl Tokens for Signed {
    async fn token(&self, _: Service, _: bool) -> Result<Token, Error> {
        let claims =
            json!({"tid": "6f1d2c3a-58b4-4e0f-9a7d-2b1c0e4f5a61", "roles": ["Policy.Read.All"]});
        let claims = BASE64URL_NOPAD.encode(claims.to_string().as_bytes());
        let end = NOW.parse::<Timestamp>().unwrap();
        Ok(Token::new(format!("e30.{claims}.x"), end))
    }
}

impl Fake {
    pub(crate) fn new(tenant: Value) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            tenant,
            ..Inner::default()
        })))
    }

    pub(crate) fn fault(&self, path: &str, fault: Fault) {
        self.0.lock().unwrap().faults.insert(path.to_owned(), fault);
    }

    pub(crate) fn date(&self, date: &str) {
        self.0.lock().unwrap().date = Some(date.to_owned());
    }

    pub(crate) fn mended(&self) {
        self.0.lock().unwrap().faults.clear();
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        self.0.lock().unwrap().calls.clone()
    }

    pub(crate) fn forget(&self) {
        self.0.lock().unwrap().calls.clear();
    }

    pub(crate) fn edit(&self, change: impl FnOnce(&mut Value)) {
        change(&mut self.0.lock().unwrap().tenant["collections"]);
    }

    pub(crate) fn entra(&self) -> Entra {
        let url = |host: &str| format!("https://{host}/").parse().unwrap();
        Entra::new(
            Cloud::custom(url("login"), url("graph"), url("arm"), url("logs")),
            Arc::new(Signed),
            Arc::new(self.clone()),
            Arc::new(FixedClock(NOW.parse().unwrap())),
            Arc::new(|_| {}),
        )
    }
}

pub(crate) fn refused(status: u16, code: &str) -> Fault {
    Fault::Answer(status, json!({"error": {"code": code, "message": "no"}}))
}

#[async_trait]
impl Transport for Fake {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let url = &request.url;
        let query = url
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        let call = decoded(&format!("{}{query}", url.path()));
        let mut inner = self.0.lock().unwrap();
        let (status, body) = if call.ends_with("/$batch") {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let version = call.trim_end_matches("/$batch");
            let mut responses = Vec::new();
            for one in body["requests"].as_array().unwrap() {
                let call = decoded(&format!("{version}{}", one["url"].as_str().unwrap()));
                let (status, body) = inner.answer(&call)?;
                responses.push(json!({"id": one["id"], "status": status, "body": body}));
            }
            // Answers of a batch come in any order.
            responses.reverse();
            (200, json!({"responses": responses}))
        } else {
            inner.answer(&call)?
        };
        let date = inner.date.clone();
        Ok(HttpResponse {
            status,
            headers: [("request-id".to_owned(), "r-1".to_owned())]
                .into_iter()
                .chain(date.map(|date| ("date".to_owned(), date)))
                .collect(),
            body: body.to_string().into_bytes().into(),
        })
    }
}

fn decoded(text: &str) -> String {
    text.replace("%20", " ")
        .replace("%27", "'")
        .replace('+', " ")
}

fn not_found() -> (u16, Value) {
    (
        404,
        json!({"error": {"code": "Request_ResourceNotFound", "message": "it does not exist"}}),
    )
}

impl Inner {
    fn answer(&mut self, call: &str) -> Result<(u16, Value), TransportError> {
        self.calls.push(call.to_owned());
        for (path, fault) in &self.faults {
            if call.contains(path) {
                return match fault {
                    Fault::Answer(status, body) => Ok((*status, body.clone())),
                    Fault::Unreachable => Err(TransportError::passing(
                        "the host cannot be reached".to_owned(),
                    )),
                };
            }
        }
        let (path, query) = call.split_once('?').unwrap_or((call, ""));
        let options: BTreeMap<&str, &str> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .collect();
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        let segments = match segments.as_slice() {
            ["v1.0" | "beta" | "providers", rest @ ..] => rest.to_vec(),
            all => all.to_vec(),
        };
        Ok(match self.find(path, &segments) {
            Some(Value::Array(mut rows)) => {
                if let Some(filter) = options.get("$filter") {
                    rows.retain(|row| passes(row, filter));
                }
                (200, page(call, &rows, &options))
            }
            Some(object) => (200, selected(&object, &options)),
            None => not_found(),
        })
    }

    fn table(&self, name: &str) -> Option<Value> {
        self.tenant["collections"].get(name).cloned()
    }

    fn object(&self, table: &str, key: &str) -> Option<Value> {
        self.tenant["collections"][table]
            .as_array()?
            .iter()
            .find(|one| {
                ["id", "userPrincipalName"].iter().any(|name| {
                    one[*name]
                        .as_str()
                        .is_some_and(|own| own.eq_ignore_ascii_case(key))
                })
            })
            .cloned()
    }

    fn find(&self, path: &str, segments: &[&str]) -> Option<Value> {
        match segments {
            ["organization" | "domains" | "users" | "groups" | "servicePrincipals"] => {
                self.table(segments[0])
            }
            ["domains", id, "federationConfiguration"] => self
                .object("domains", id)?
                .get("federationConfiguration")
                .cloned(),
            ["users" | "groups", id] => self.object(segments[0], id),
            ["users", id, "authentication", what] => self.object("users", id)?["authentication"]
                .get(*what)
                .cloned(),
            ["users", id, "manager"] => self
                .object("users", id)?
                .get("manager")
                .filter(|one| one.is_object())
                .cloned(),
            // A group without owners.
            ["groups", id, "owners"] => {
                let group = self.object("groups", id)?;
                Some(group.get("owners").cloned().unwrap_or(json!([])))
            }
            ["users" | "groups", id, list] => self.object(segments[0], id)?.get(*list).cloned(),
            ["directory", "administrativeUnits"] => self.table("administrativeUnits"),
            ["directory", "administrativeUnits", id, list] => {
                let unit = self.object("administrativeUnits", id)?;
                Some(unit.get(*list).cloned().unwrap_or(json!([])))
            }
            ["servicePrincipals", id] => self.object("servicePrincipals", id),
            ["servicePrincipals", _, "appRoleAssignedTo"] => self.table("appRoleAssignments"),
            ["identityProtection", "riskyUsers", id] => self.object("riskyUsers", id),
            ["identity", "conditionalAccess", "policies"] => {
                let mut all = self.table("conditionalAccessPolicies")?;
                if path.starts_with("/v1.0")
                    && let Some(all) = all.as_array_mut()
                {
                    all.retain(|policy| policy.get("preview").is_none());
                }
                Some(all)
            }
            [
                "policies",
                name @ ("identitySecurityDefaultsEnforcementPolicy"
                | "authenticationMethodsPolicy"
                | "authorizationPolicy"),
            ] => self.table(name)?.get(0).cloned(),
            ["identityGovernance", "accessReviews", "definitions"] => self.table("accessReviews"),
            ["identityGovernance", "lifecycleWorkflows", "workflows"] => {
                self.table("lifecycleWorkflows")
            }
            ["identityGovernance", "privilegedAccess", "group", set] => {
                let name = if set.starts_with("assignment") {
                    "privilegedAccessGroupAssignmentScheduleInstances"
                } else {
                    "privilegedAccessGroupEligibilityScheduleInstances"
                };
                self.table(name)
            }
            ["subscriptions" | "microsoft.aadiam", ..] => self.azure(path),
            [.., last] => self.table(last),
            [] => None,
        }
    }

    fn azure(&self, path: &str) -> Option<Value> {
        let last = path.rsplit('/').next()?;
        match last {
            "roleAssignments" => self.table("azureRoleAssignments"),
            "default" => self.table("onboardingStates")?.get(0).cloned(),
            "query" => None,
            "values" => self.table("activityLog"),
            "current" => self.object("ruleHealth", path),
            _ if path.contains("/tables/") => self.object("workspaceTables", path),
            _ if path.contains("/storageAccounts/") => self.object("logDestinations", path),
            _ => self.table(last),
        }
    }
}

/// Filters that decide which of several calls an object answers: a group, and the provider of an operation.
fn passes(row: &Value, filter: &str) -> bool {
    let wanted = |word: &str| filter.split_once(word)?.1.split('\'').next();
    let group = wanted("groupId eq '");
    let provider = wanted("resourceProvider eq '");
    let operation = row["operationName"]["value"].as_str().unwrap_or_default();
    group.is_none_or(|group| row["groupId"] == group)
        && provider.is_none_or(|own| operation.starts_with(own))
}

fn page(call: &str, rows: &[Value], options: &BTreeMap<&str, &str>) -> Value {
    let from: usize = options
        .get("$skiptoken")
        .map_or(0, |token| token.parse().unwrap());
    let shown: Vec<Value> = rows
        .iter()
        .skip(from)
        .take(PAGE)
        .map(|row| selected(row, options))
        .collect();
    let mut body = json!({"value": shown});
    if from + PAGE < rows.len() {
        let base = call.split("&$skiptoken").next().unwrap();
        let base = base.split("?$skiptoken").next().unwrap();
        let mark = if base.contains('?') { '&' } else { '?' };
        let host = if call.contains("api-version") {
            "arm"
        } else {
            "graph"
        };
        let next = format!("https://{host}{base}{mark}$skiptoken={}", from + PAGE);
        body["@odata.nextLink"] = json!(next);
    }
    body
}

/// The selected properties; relations only where they are asked for by path.
fn selected(object: &Value, options: &BTreeMap<&str, &str>) -> Value {
    let Some(names) = options.get("$select") else {
        let mut object = object.clone();
        if let Some(fields) = object.as_object_mut() {
            for relation in ["scopedRoleMembers", "members", "federationConfiguration"] {
                fields.shift_remove(relation);
            }
        }
        return object;
    };
    let mut shown = Map::new();
    if let Some(kind) = object.get("@odata.type") {
        shown.insert("@odata.type".to_owned(), kind.clone());
    }
    for name in names.split(',') {
        shown.insert(
            name.to_owned(),
            object.get(name).cloned().unwrap_or_default(),
        );
    }
    Value::Object(shown)
}
