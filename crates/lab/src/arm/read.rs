//! Reading resources.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Request,
    access::{self, Access, Deed},
    authorize, derived,
    kind::{Kind, Place},
    lists, not_found,
    path::{self, Target, same, within},
};
use crate::{
    State,
    lab::{Answer, ApiError, not_held},
    times::stamp,
};

/// What is no resource of the state: categories, role definitions, health, registration of providers.
pub(super) fn special(request: &Request<'_>, target: &Target) -> Result<Option<Answer>, ApiError> {
    if request.method != "GET" {
        return Ok(None);
    }
    let kind = target.kind.to_lowercase();
    let now = request.lab.now();
    let state = request.lab.state();
    let access = Access::of(request.lab, &state, request.caller, now);
    match kind.as_str() {
        // Documented, and refused by the real service.
        "microsoft.aadiam/diagnosticsettingscategories" => Err(ApiError::new(
            400,
            "BadRequest",
            "The requested operation is not supported for this resource type.",
        )),
        "microsoft.authorization/roledefinitions" => {
            let wanted = request
                .parameter("$filter")
                .and_then(|filter| quoted(filter, "roleName eq "));
            if target.is_item() {
                return access::by_id(target.name())
                    .map(|role| Some(Answer::json(200, role.json())))
                    .ok_or_else(|| {
                        ApiError::new(
                            404,
                            "RoleDefinitionDoesNotExist",
                            format!(
                                "The specified role definition with ID '{}' does not exist.",
                                target.name()
                            ),
                        )
                    });
            }
            let list = access::ROLES
                .iter()
                .filter(|role| {
                    wanted
                        .as_ref()
                        .is_none_or(|name| role.name.eq_ignore_ascii_case(name))
                })
                .map(access::Role::json)
                .collect();
            Ok(Some(lists::page(request, list)))
        }
        "microsoft.resourcehealth/availabilitystatuses" => {
            authorize(request, &access, &target.kind, Deed::Read, &target.scope)?;
            let rule = state.table("scheduledQueryRules").seen(&target.scope, now);
            let rule = rule.ok_or_else(|| not_found(target))?;
            let status = health(&state, rule, now);
            Ok(Some(if target.is_item() {
                Answer::json(200, status)
            } else {
                lists::page(request, vec![status])
            }))
        }
        "microsoft.insights/eventtypes/values" => {
            let name = "Microsoft.Insights/eventtypes/values";
            authorize(request, &access, name, Deed::Read, &target.scope)?;
            if !state.tables.contains_key("activityLog") {
                let mut error = super::refused(request, name, Deed::Read, &target.scope);
                error.message.push_str(&not_held("activityLog"));
                return Err(error);
            }
            let events = state.table("activityLog").all_seen(now).cloned().collect();
            activity(request, &target.scope, events).map(Some)
        }
        _ if !kind.contains('/') => {
            // `GET /subscriptions/{id}/providers/{namespace}`.
            let registered = json!({
                "id": request.path, "namespace": target.kind, "registrationState": "Registered",
                "registrationPolicy": "RegistrationRequired", "resourceTypes": [],
            });
            Ok(Some(Answer::json(200, registered)))
        }
        "microsoft.insights/actiongroups/notificationstatus" => {
            authorize(request, &access, &target.kind, Deed::Read, &request.path)?;
            let stamp = stamp(now);
            Ok(Some(Answer::json(
                200,
                json!({"context": {"notificationSource": "Microsoft.Insights/TestNotification",
                    "contextType": "Microsoft.Insights/LogAlertV2"}, "state": "Complete", "createdTime": stamp,
                    "completedTime": stamp, "actionDetails": []}),
            )))
        }
        _ => Ok(None),
    }
}

/// What the snapshot does not have and what does not follow from the rest, nobody may read here either.
fn refuse_unknown(request: &Request<'_>, state: &State, kind: &Kind) -> Result<(), ApiError> {
    const FOLLOWS: [&str; 3] = ["workspaces", "workspaceTables", "onboardingStates"];
    let follows = FOLLOWS.contains(&kind.table) && !state.unknown.contains(kind.table);
    if follows || state.tables.contains_key(kind.table) {
        return Ok(());
    }
    let mut error = super::refused(request, kind.name, Deed::Read, &request.path);
    error.message.push_str(&not_held(kind.table));
    Err(error)
}

/// Rows of a collection as readers see them, derived ones included.
pub(super) fn rows(state: &State, kind: &Kind, now: Timestamp) -> Vec<Value> {
    match kind.table {
        "workspaces" => derived::workspaces(state, now),
        "workspaceTables" => derived::tables(state, now),
        "onboardingStates" => derived::onboarding(state, now),
        table => state.table(table).all_seen(now).cloned().collect(),
    }
}

/// Rules that run near real time are known to preview versions of the API only.
fn shows(request: &Request<'_>, row: &Value) -> bool {
    row.get("kind").and_then(Value::as_str) != Some("NRT") || request.version.ends_with("-preview")
}

pub(super) fn item(
    request: &Request<'_>,
    target: &Target,
    kind: &Kind,
) -> Result<Answer, ApiError> {
    let now = request.lab.now();
    let mut state = request.lab.state();
    let access = Access::of(request.lab, &state, request.caller, now);
    authorize(request, &access, kind.name, Deed::Read, &request.path)?;
    refuse_unknown(request, &state, kind)?;
    let found = match look(&mut state, &request.path) {
        Seen::Before(seen) => seen,
        Seen::Present => rows(&state, kind, now)
            .into_iter()
            .find(|row| same(id_of(row), &request.path)),
    };
    found
        .filter(|row| shows(request, row))
        .map(|row| Answer::json(200, row))
        .ok_or_else(|| not_found(target))
}

pub(super) fn list(
    request: &Request<'_>,
    target: &Target,
    kind: &Kind,
) -> Result<Answer, ApiError> {
    let now = request.lab.now();
    let mut state = request.lab.state();
    let access = Access::of(request.lab, &state, request.caller, now);
    // A table's workspace stands among the names, not in the scope.
    let mut scope = target.scope.clone();
    if !target.names.is_empty() {
        scope = request
            .path
            .rsplit_once('/')
            .map(|(parent, _)| parent.to_owned())
            .unwrap_or_default();
    }
    let checked = match scope.as_str() {
        "" if kind.name.starts_with("microsoft.aadiam/") => "/providers/microsoft.aadiam",
        "" => "/",
        scope => scope,
    };
    authorize(request, &access, kind.name, Deed::Read, checked)?;
    refuse_unknown(request, &state, kind)?;
    let mut list = rows(&state, kind, now);
    if kind.table == "diagnosticSettings" {
        let settings = list;
        let mut seen = Vec::new();
        for row in settings {
            let id = id_of(&row).to_owned();
            match look(&mut state, &id) {
                Seen::Before(own) => seen.extend(own),
                Seen::Present => seen.push(row),
            }
        }
        seen.extend(deleted(&mut state, &seen));
        return Ok(Answer::json(200, json!({"value": seen})));
    }
    if kind.table == "azureRoleAssignments" {
        list.retain(|row| assigned(request, row, &scope));
    } else {
        list.retain(|row| within(id_of(row), &scope) && shows(request, row));
        if kind.table == "logDestinations" {
            // Several types lie in one table.
            list.retain(|row| {
                row["type"]
                    .as_str()
                    .is_some_and(|own| own.eq_ignore_ascii_case(kind.name))
            });
        }
        // Locks are listed with those of all that lies below the scope (Azure Resource Manager, *Management Locks: List At
        // Subscription Level*); of other extensions, and by `atScope()`, only those right at the scope.
        let deep = kind.table == "locks"
            && !request
                .parameter("$filter")
                .is_some_and(|filter| filter.to_lowercase().contains("atscope()"));
        if kind.place == Place::Extension && !deep {
            let start = format!("{scope}/providers/").to_lowercase();
            list.retain(|row| {
                let id = id_of(row).to_lowercase();
                id.strip_prefix(&start)
                    .is_some_and(|rest| !rest.contains("/providers/"))
            });
        }
    }
    Ok(lists::page(request, list))
}

/// The activity log of a subscription (Azure Monitor, *Activity Logs - List*): a beginning is asked for, and at most one
/// more property can be filtered by.
fn activity(
    request: &Request<'_>,
    scope: &str,
    mut events: Vec<Value>,
) -> Result<Answer, ApiError> {
    let filter = request.parameter("$filter").unwrap_or_default();
    let time = |word: &str| quoted(filter, word).and_then(|text| text.parse::<Timestamp>().ok());
    let Some(since) = time("eventTimestamp ge ") else {
        return Err(ApiError::new(
            400,
            "BadRequest",
            "The start time of the query is missing: $filter must hold eventTimestamp ge.",
        ));
    };
    let until = time("eventTimestamp le ");
    let provider =
        quoted(filter, "resourceProvider eq ").map(|own| format!("{}/", own.to_lowercase()));
    events.retain(|event| {
        let at = event["eventTimestamp"]
            .as_str()
            .and_then(|text| text.parse::<Timestamp>().ok());
        let operation = event["operationName"]["value"]
            .as_str()
            .unwrap_or_default()
            .to_lowercase();
        at.is_some_and(|at| at >= since && until.is_none_or(|until| at <= until))
            && within(event["resourceId"].as_str().unwrap_or_default(), scope)
            && provider
                .as_ref()
                .is_none_or(|own| operation.starts_with(own))
    });
    Ok(lists::page(request, events))
}

pub(super) fn id_of(row: &Value) -> &str {
    row.get("id").and_then(Value::as_str).unwrap_or_default()
}

/// How a resource shows.
enum Seen {
    /// As it is.
    Present,
    /// As it was: a setting that was just written or deleted.
    Before(Option<Value>),
}

/// How a setting shows at this look; each one counts.
fn look(state: &mut State, id: &str) -> Seen {
    let key = id.to_lowercase();
    let Some((left, seen)) = state.unsettled.get_mut(&key) else {
        return Seen::Present;
    };
    let shown = seen.clone();
    *left = left.saturating_sub(1);
    if *left == 0 {
        state.unsettled.remove(&key);
    }
    Seen::Before(shown)
}

/// Settings that are gone and still shown.
fn deleted(state: &mut State, seen: &[Value]) -> Vec<Value> {
    let gone: Vec<String> = state
        .unsettled
        .iter()
        .filter(|(id, (_, shown))| {
            shown.is_some() && !seen.iter().any(|row| id_of(row).eq_ignore_ascii_case(id))
        })
        .map(|(id, _)| id.clone())
        .collect();
    gone.iter()
        .filter_map(|id| match look(state, id) {
            Seen::Before(shown) => shown,
            Seen::Present => None,
        })
        .collect()
}

/// Whether an assignment belongs to the answer of a scope, by the filter that was given.
fn assigned(request: &Request<'_>, row: &Value, scope: &str) -> bool {
    let own = access::scope_of(row);
    let (above, below) = (within(scope, &own), within(&own, scope));
    let filter = request.parameter("$filter").unwrap_or_default();
    let principal = row["properties"]["principalId"]
        .as_str()
        .unwrap_or_default();
    if let Some(wanted) =
        quoted(filter, "principalId eq ").or_else(|| quoted(filter, "assignedTo("))
    {
        return (above || below) && principal.eq_ignore_ascii_case(&wanted);
    }
    if filter.to_lowercase().contains("atscope()") {
        return above;
    }
    above || below
}

/// The text in quotes after a word of a filter.
fn quoted(filter: &str, word: &str) -> Option<String> {
    let start = filter.to_lowercase().find(&word.to_lowercase())? + word.len();
    let rest = filter.get(start..)?.strip_prefix('\'')?;
    rest.split('\'').next().map(str::to_owned)
}

/// The health of an alert rule (Azure Monitor, *Monitor the health of log alert rules*).
fn health(state: &State, rule: &Value, now: Timestamp) -> Value {
    let properties = rule.get("properties").unwrap_or(&Value::Null);
    let text = |key: &str| {
        properties
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let scope = properties["scopes"][0]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let exists = derived::workspaces(state, now)
        .iter()
        .any(|workspace| id_of(workspace).eq_ignore_ascii_case(&scope));
    let identity = rule["identity"]["principalId"].as_str().unwrap_or_default();
    let allowed = identity.is_empty()
        || !state.tables.contains_key("azureRoleAssignments")
        || state
            .table("azureRoleAssignments")
            .all_seen(now)
            .any(|row| {
                row["properties"]["principalId"]
                    .as_str()
                    .is_some_and(|own| own.eq_ignore_ascii_case(identity))
                    && within(&scope, &access::scope_of(row))
                    && access::by_id(
                        row["properties"]["roleDefinitionId"]
                            .as_str()
                            .unwrap_or_default(),
                    )
                    .is_some()
            });
    let slow = !["PT1M", "PT5M", "PT10M", "PT15M", ""].contains(&text("evaluationFrequency"));
    let (availability, title) = match () {
        () if slow => (
            "Unknown",
            "Health is not known for rules that run less often than every 15 minutes",
        ),
        () if properties["enabled"] == json!(false) => ("Unknown", "Disabled"),
        () if !exists
            && path::subscription(&scope).is_some()
            && scope.to_lowercase().contains("/workspaces/") =>
        {
            ("Unavailable", "Workspace not found")
        }
        () if !allowed => ("Unavailable", "Unauthorized to run query"),
        () => ("Available", "Available"),
    };
    json!({
        "id": format!("{}/providers/Microsoft.ResourceHealth/availabilityStatuses/current", id_of(rule)),
        "name": "current", "type": "Microsoft.ResourceHealth/AvailabilityStatuses",
        "location": rule.get("location"),
        "properties": {"availabilityState": availability, "title": title, "summary": title, "reasonType": "",
            "reasonChronicity": "Persistent", "occuredTime": stamp(now), "reportedTime": stamp(now)},
    })
}
