//! Writing resources, and the few actions.

use serde_json::{Map, Value, json};

use super::{
    Request,
    access::{self, Access, Deed},
    authorize, check, derived,
    kind::{Kind, Place},
    not_found,
    path::{Target, same, within},
    read::{id_of, rows},
};
use crate::{
    Fault, State,
    lab::{Answer, ApiError},
    times::stamp,
};

/// Diagnostic settings that a tenant may have.
const MOST_SETTINGS: usize = 5;
/// Rules of a subscription that may run every minute.
const MOST_FAST: usize = 100;
/// Reads for which a setting that was just written or deleted shows as before.
const LAG: u8 = 3;

fn object(body: Option<Value>) -> Result<Map<String, Value>, ApiError> {
    match body {
        Some(Value::Object(body)) => Ok(body),
        _ => Err(ApiError::new(
            400,
            "InvalidRequestContent",
            "The request content was invalid and could not be deserialized.",
        )),
    }
}

pub(super) fn put(
    request: &Request<'_>,
    target: &Target,
    kind: &Kind,
    body: Option<Value>,
) -> Result<Answer, ApiError> {
    let given = object(body)?;
    let now = request.lab.now();
    let mut state = request.lab.state();
    allow(request, &state, kind, Deed::Write)?;
    check_place(&state, target, kind, now)?;
    let old = rows(&state, kind, now)
        .into_iter()
        .find(|row| same(id_of(row), &request.path))
        .or_else(|| state.table(kind.table).get(&request.path).cloned());
    let id = old
        .as_ref()
        .map_or(request.path.clone(), |old| id_of(old).to_owned());
    let mut new = json!({"id": id, "name": target.name(), "type": kind.name});
    if let Some(new) = new.as_object_mut() {
        for (name, value) in given {
            if !matches!(name.as_str(), "id" | "name" | "type" | "systemData") {
                new.insert(name, value);
            }
        }
    }
    if kind.table == "azureRoleAssignments" {
        return assign(request, &mut state, &mut new, old.as_ref());
    }
    check_number(&state, kind, &new, old.is_some())?;
    if kind.table == "diagnosticSettings" {
        allow_linked(request, &state, &new)?;
    }
    store(request, &mut state, kind, target.name(), new, old)
}

pub(super) fn patch(
    request: &Request<'_>,
    target: &Target,
    kind: &Kind,
    body: Option<Value>,
) -> Result<Answer, ApiError> {
    let given = object(body)?;
    let now = request.lab.now();
    let mut state = request.lab.state();
    allow(request, &state, kind, Deed::Write)?;
    let old = rows(&state, kind, now)
        .into_iter()
        .find(|row| same(id_of(row), &request.path))
        .ok_or_else(|| not_found(target))?;
    let new = check::patched(&old, &given);
    let mut answer = store(request, &mut state, kind, target.name(), new, Some(old))?;
    answer.status = 200;
    Ok(answer)
}

/// Checks a resource, keeps it and answers with it.
fn store(
    request: &Request<'_>,
    state: &mut State,
    kind: &Kind,
    name: &str,
    mut new: Value,
    old: Option<Value>,
) -> Result<Answer, ApiError> {
    let now = request.lab.now();
    let tenant = state.tenant.clone();
    let mut draft = check::Draft {
        name,
        body: &mut new,
        old: old.as_ref(),
        tenant: &tenant,
        version: &request.version,
        now: stamp(now),
    };
    check::check(kind.table, &mut draft)?;
    derived::settle(state, kind.table, now);
    let id = id_of(&new).to_owned();
    let created = old.is_none();
    if kind.table == "diagnosticSettings" && request.lab.faults.on(Fault::DiagnosticLag) {
        state.unsettled.insert(id.to_lowercase(), (LAG, old));
    }
    state.put(kind.table, &id, new.clone(), now);
    record(request, state, kind, Deed::Write, &id);
    // Tenant-wide settings answer 200 whether they were there or not.
    let status = if created && kind.place != Place::Tenant {
        201
    } else {
        200
    };
    Ok(Answer::json(status, new))
}

/// What was done to a resource of a subscription stands in its activity log (Azure Monitor, *Activity log event schema*).
fn record(request: &Request<'_>, state: &mut State, kind: &Kind, deed: Deed, id: &str) {
    const LOG: &str = "activityLog";
    if super::path::subscription(id).is_none() || !state.tables.contains_key(LOG) {
        return;
    }
    let now = request.lab.now();
    let event = uuid::Uuid::new_v4();
    let caller = request.caller;
    let by = caller
        .user
        .as_ref()
        .or(caller.principal.as_ref())
        .unwrap_or(&caller.app);
    let row = json!({
        "id": format!("{id}/events/{event}/ticks/{}", now.as_microsecond()), "eventDataId": event.to_string(),
        "eventTimestamp": stamp(now), "caller": by, "resourceId": id, "level": "Informational",
        "correlationId": uuid::Uuid::new_v4().to_string(), "category": {"value": "Administrative"},
        "operationName": {"value": format!("{}/{}", kind.name, deed.word())}, "status": {"value": "Succeeded"},
    });
    let key = row["id"].as_str().unwrap_or_default().to_owned();
    state.put(LOG, &key, row, now);
}

pub(super) fn delete(request: &Request<'_>, kind: &Kind) -> Result<Answer, ApiError> {
    let now = request.lab.now();
    let mut state = request.lab.state();
    allow(request, &state, kind, Deed::Delete)?;
    derived::settle(&mut state, kind.table, now);
    let id = request.path.trim_end_matches('/').to_owned();
    let Some(old) = state.remove(kind.table, &id, now) else {
        return Ok(Answer::no_content());
    };
    record(request, &mut state, kind, Deed::Delete, &id);
    if kind.table == "diagnosticSettings" && request.lab.faults.on(Fault::DiagnosticLag) {
        state
            .unsettled
            .insert(id.to_lowercase(), (LAG, Some(old.clone())));
    }
    Ok(if kind.table == "azureRoleAssignments" {
        Answer::json(200, old)
    } else {
        Answer {
            status: 200,
            ..Answer::no_content()
        }
    })
}

/// Roles first, then locks: a lock on anything above holds for owners too.
fn allow(request: &Request<'_>, state: &State, kind: &Kind, deed: Deed) -> Result<(), ApiError> {
    let now = request.lab.now();
    let access = Access::of(request.lab, state, request.caller, now);
    authorize(request, &access, kind.name, deed, &request.path)?;
    if kind.table == "locks" {
        return Ok(());
    }
    let locked = state.table("locks").all_seen(now).find(|lock| {
        let id = id_of(lock);
        let end = id
            .to_lowercase()
            .rfind("/providers/microsoft.authorization/locks")
            .unwrap_or(0);
        let scope = id.get(..end).unwrap_or_default();
        let level = lock["properties"]["level"].as_str().unwrap_or_default();
        !scope.is_empty()
            && within(&request.path, scope)
            && (level == "ReadOnly" || deed == Deed::Delete)
    });
    match locked {
        None => Ok(()),
        Some(lock) => Err(ApiError::new(
            409,
            "ScopeLocked",
            format!(
                "The scope '{}' cannot perform {} operation because following scope(s) are locked: '{}'. Please remove \
                 the lock and try again.",
                request.path,
                deed.word(),
                id_of(lock)
            ),
        )),
    }
}

/// Whoever sends logs somewhere needs rights there as well (Azure Monitor, *Diagnostic settings*): on the workspace, and
/// to list the keys of an event hub's rule and of a storage account.
fn allow_linked(request: &Request<'_>, state: &State, setting: &Value) -> Result<(), ApiError> {
    const DESTINATIONS: [(&str, &str); 3] = [
        (
            "workspaceId",
            "Microsoft.OperationalInsights/workspaces/sharedKeys/action",
        ),
        (
            "eventHubAuthorizationRuleId",
            "Microsoft.EventHub/namespaces/authorizationRules/listkeys/action",
        ),
        (
            "storageAccountId",
            "Microsoft.Storage/storageAccounts/listkeys/action",
        ),
    ];
    let access = Access::of(request.lab, state, request.caller, request.lab.now());
    for (name, action) in DESTINATIONS {
        let id = setting["properties"][name].as_str().unwrap_or_default();
        let kind = action.trim_end_matches("/action");
        if !id.is_empty() && !id.starts_with('/') {
            return Err(ApiError::new(
                400,
                "LinkedInvalidPropertyId",
                format!(
                    "Property id '{id}' at path 'properties.{name}' is invalid. Expect fully qualified resource Id that \
                     start with '/subscriptions/{{subscriptionId}}' or '/providers/{{resourceProviderNamespace}}/'."
                ),
            ));
        }
        if id.is_empty() || access.allows(kind, Deed::Write, id) {
            continue;
        }
        return Err(ApiError::new(
            403,
            "LinkedAuthorizationFailed",
            format!(
                "The client '{}' has permission to perform action 'microsoft.aadiam/diagnosticSettings/write' on scope \
                 '{}', however it does not have permission to perform action '{action}' on the linked scope(s) '{id}' \
                 or the linked scope(s) are invalid.",
                request.caller.app, request.path
            ),
        ));
    }
    Ok(())
}

/// What has to exist before: the workspace of tables and of Sentinel, and Sentinel itself.
fn check_place(
    state: &State,
    target: &Target,
    kind: &Kind,
    now: jiff::Timestamp,
) -> Result<(), ApiError> {
    let fits = match kind.place {
        Place::Tenant => target.scope.is_empty(),
        Place::Group => super::path::group(&target.scope).is_some(),
        Place::Extension | Place::Observed => true,
    };
    if !fits {
        return Err(ApiError::new(
            404,
            "InvalidResourceType",
            format!(
                "The resource type '{}' does not exist at this scope.",
                kind.name
            ),
        ));
    }
    let workspace = match kind.table {
        "workspaceTables" => {
            format!(
                "{}/providers/Microsoft.OperationalInsights/workspaces/{}",
                target.scope, target.names[0]
            )
        }
        _ if kind.name.starts_with("Microsoft.SecurityInsights/") => target.scope.clone(),
        _ => return Ok(()),
    };
    let exists = derived::workspaces(state, now)
        .iter()
        .any(|own| id_of(own).eq_ignore_ascii_case(&workspace));
    if !exists {
        return Err(ApiError::new(
            404,
            "ResourceNotFound",
            format!("The Resource '{workspace}' was not found."),
        ));
    }
    let needs_sentinel =
        kind.name.starts_with("Microsoft.SecurityInsights/") && kind.table != "onboardingStates";
    let onboarded = derived::onboarding(state, now)
        .iter()
        .any(|own| within(id_of(own), &workspace));
    if needs_sentinel && !onboarded {
        return Err(check::bad(format!(
            "Workspace '{workspace}' is not onboarded to Microsoft Sentinel."
        )));
    }
    Ok(())
}

/// Limits on how many of a kind there may be.
fn check_number(state: &State, kind: &Kind, new: &Value, exists: bool) -> Result<(), ApiError> {
    let table = state.table(kind.table);
    if kind.table == "diagnosticSettings" && !exists && table.len() >= MOST_SETTINGS {
        return Err(ApiError::new(
            409,
            "Conflict",
            "The limit of 5 diagnostic settings was reached. To create a new one, delete an existing one.",
        ));
    }
    let fast = |rule: &Value| {
        rule["properties"]["evaluationFrequency"] == "PT1M"
            && rule["properties"]["enabled"] != json!(false)
    };
    if kind.table == "scheduledQueryRules" && fast(new) {
        let others = table
            .all()
            .filter(|rule| fast(rule) && !id_of(rule).eq_ignore_ascii_case(id_of(new)))
            .filter(|rule| {
                super::path::subscription(id_of(rule)) == super::path::subscription(id_of(new))
            })
            .count();
        if others >= MOST_FAST {
            return Err(check::bad(
                "The limit of 100 rules with a frequency of one minute was reached.",
            ));
        }
    }
    Ok(())
}

/// A role assignment: never changed, and one for each scope, role and principal.
fn assign(
    request: &Request<'_>,
    state: &mut State,
    new: &mut Value,
    old: Option<&Value>,
) -> Result<Answer, ApiError> {
    let now = request.lab.now();
    let properties = new.get("properties").cloned().unwrap_or(Value::Null);
    let text = |name: &str| {
        properties
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let (role, principal) = (text("roleDefinitionId"), text("principalId"));
    if access::by_id(&role).is_none() {
        return Err(ApiError::new(
            400,
            "RoleDefinitionDoesNotExist",
            format!("The specified role definition with ID '{role}' does not exist."),
        ));
    }
    let known = ["users", "groups", "servicePrincipals"]
        .iter()
        .any(|table| state.table(table).get(&principal).is_some())
        || state
            .table("scheduledQueryRules")
            .all()
            .any(|rule| rule["identity"]["principalId"] == principal.as_str())
        || request
            .lab
            .apps
            .iter()
            .any(|app| app.principal == principal);
    // A fresh identity is not found until replication is through, unless its type is told.
    if !known && text("principalType").is_empty() {
        return Err(ApiError::new(
            400,
            "PrincipalNotFound",
            format!(
                "Principal {} does not exist in the directory.",
                principal.replace('-', "")
            ),
        ));
    }
    let scope = access::scope_of(&json!({"id": id_of(new)}));
    let equal = |row: &Value| {
        access::scope_of(row).eq_ignore_ascii_case(&scope)
            && row["properties"]["principalId"]
                .as_str()
                .is_some_and(|own| own.eq_ignore_ascii_case(&principal))
            && access::by_id(
                row["properties"]["roleDefinitionId"]
                    .as_str()
                    .unwrap_or_default(),
            )
            .map(|role| role.id)
                == access::by_id(&role).map(|role| role.id)
    };
    match old {
        Some(old) if equal(old) => return Ok(Answer::json(200, old.clone())),
        Some(_) => {
            return Err(ApiError::new(
                409,
                "RoleAssignmentUpdateNotPermitted",
                "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
            ));
        }
        None => {}
    }
    if state.table("azureRoleAssignments").all().any(equal) {
        return Err(ApiError::new(
            409,
            "RoleAssignmentExists",
            "The role assignment already exists.",
        ));
    }
    let stamp = stamp(now);
    let by = request
        .caller
        .user
        .as_ref()
        .or(request.caller.principal.as_ref());
    if let Some(own) = new.get_mut("properties").and_then(Value::as_object_mut) {
        own.insert(
            "scope".to_owned(),
            json!(if scope.is_empty() { "/" } else { &scope }),
        );
        for (name, value) in [
            ("principalType", json!("User")),
            ("condition", Value::Null),
            ("conditionVersion", Value::Null),
        ] {
            own.entry(name).or_insert(value);
        }
        own.insert("createdOn".to_owned(), json!(stamp));
        own.insert("updatedOn".to_owned(), json!(stamp));
        own.insert("createdBy".to_owned(), json!(by));
        own.insert("updatedBy".to_owned(), json!(by));
    }
    let id = id_of(new).to_owned();
    state.put("azureRoleAssignments", &id, new.clone(), now);
    Ok(Answer::json(201, new.clone()))
}

/// POST of what is no resource.
pub(super) fn action(
    request: &Request<'_>,
    target: &Target,
    body: Option<&Value>,
) -> Result<Option<Answer>, ApiError> {
    if request.method != "POST" {
        return Ok(None);
    }
    let now = request.lab.now();
    let kind = target.kind.to_lowercase();
    match kind.as_str() {
        "microsoft.authorization/elevateaccess" => elevate(request).map(Some),
        "microsoft.insights/actiongroups/subscribe" => enable(request, body).map(Some),
        "microsoft.insights/actiongroups/createnotifications" => {
            let group = request
                .path
                .rsplit_once('/')
                .map(|(group, _)| group.to_owned())
                .unwrap_or_default();
            let state = request.lab.state();
            let access = Access::of(request.lab, &state, request.caller, now);
            authorize(
                request,
                &access,
                "Microsoft.Insights/actionGroups",
                Deed::Write,
                &group,
            )?;
            if state.table("actionGroups").get(&group).is_none() {
                return Err(not_found(target));
            }
            let status = format!(
                "{}{group}/notificationStatus/{}?api-version={}",
                request.lab.addresses.arm,
                uuid::Uuid::new_v4(),
                request.version
            );
            Ok(Some(Answer {
                status: 202,
                headers: vec![
                    ("location", status.clone()),
                    ("azure-asyncoperation", status),
                    ("retry-after", "1".to_owned()),
                ],
                ..Answer::no_content()
            }))
        }
        _ => Ok(None),
    }
}

/// A Global Administrator makes themselves User Access Administrator of everything.
fn elevate(request: &Request<'_>) -> Result<Answer, ApiError> {
    const ROLE: &str = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9";
    const GLOBAL: &str = "62e90394-69f5-4237-9190-012177145e10";
    let now = request.lab.now();
    let mut state = request.lab.state();
    let user = request.caller.user.clone().unwrap_or_default();
    let roles = crate::graph::write::active_roles(&state, &user, now);
    if !roles.contains(&(GLOBAL.to_owned(), "/".to_owned())) {
        let access = Access::of(request.lab, &state, request.caller, now);
        authorize(
            request,
            &access,
            "Microsoft.Authorization/elevateAccess",
            Deed::Write,
            "/",
        )?;
    }
    let name = uuid::Uuid::new_v5(
        &uuid::Uuid::NAMESPACE_URL,
        format!("elevated {user}").as_bytes(),
    );
    let id = format!("/providers/Microsoft.Authorization/roleAssignments/{name}");
    let row = json!({
        "id": id, "name": name.to_string(), "type": "Microsoft.Authorization/roleAssignments",
        "properties": {"roleDefinitionId": format!("/providers/Microsoft.Authorization/roleDefinitions/{ROLE}"),
            "principalId": user, "principalType": "User", "scope": "/", "createdOn": stamp(now)},
    });
    state.put("azureRoleAssignments", &id, row, now);
    crate::audit::elevated(&mut state, &user, &request.caller.ip, now);
    Ok(Answer {
        status: 200,
        ..Answer::no_content()
    })
}

/// Switches a receiver on again that its owner had stopped.
fn enable(request: &Request<'_>, body: Option<&Value>) -> Result<Answer, ApiError> {
    let now = request.lab.now();
    let mut state = request.lab.state();
    let id = request
        .path
        .rsplit_once('/')
        .map(|(group, _)| group.to_owned())
        .unwrap_or_default();
    let access = Access::of(request.lab, &state, request.caller, now);
    authorize(
        request,
        &access,
        "Microsoft.Insights/actionGroups",
        Deed::Write,
        &id,
    )?;
    let name = body
        .and_then(|body| body.get("receiverName")?.as_str())
        .unwrap_or_default();
    let mut group = state
        .table("actionGroups")
        .get(&id)
        .cloned()
        .ok_or_else(|| {
            ApiError::new(
                404,
                "ResourceNotFound",
                format!("The Resource '{id}' was not found."),
            )
        })?;
    let mut found = None;
    for kind in ["emailReceivers", "smsReceivers"] {
        let list = group["properties"][kind].as_array_mut();
        for receiver in list.into_iter().flatten() {
            if receiver["name"]
                .as_str()
                .is_some_and(|own| own.eq_ignore_ascii_case(name))
            {
                found = Some(receiver["status"] == "Disabled");
                receiver["status"] = json!("Enabled");
            }
        }
    }
    match found {
        None => Err(ApiError::new(
            404,
            "NotFound",
            format!("The receiver '{name}' was not found."),
        )),
        Some(false) => Err(ApiError::new(
            409,
            "Conflict",
            format!("The receiver '{name}' is enabled already."),
        )),
        Some(true) => {
            state.put("actionGroups", &id, group, now);
            Ok(Answer {
                status: 200,
                ..Answer::no_content()
            })
        }
    }
}
