//! Collections that follow from others, where the snapshot holds only those.
//!
//! Microsoft Graph, *unifiedRoleAssignment*, *unifiedRoleAssignmentScheduleInstance*: a plain assignment shows among the
//! schedule instances too, and the other way round.

use crate::{state::text, times::stamp};
use std::{borrow::Cow, collections::HashSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::write::{assignment_id, runs};
use crate::State;

/// Who, which role, where: what makes two rows the same assignment.
fn key(row: &Value) -> (String, String, String) {
    let folded = |name| text(row, name).to_lowercase();
    (
        folded("principalId"),
        folded("roleDefinitionId"),
        folded("directoryScopeId"),
    )
}

/// Plain assignments: what the snapshot or a write put there, and the direct schedule instances that run now.
pub(crate) fn assignments<'a>(state: &'a State, now: Timestamp) -> Vec<Cow<'a, Value>> {
    let mut seen = HashSet::new();
    let mut all: Vec<Cow<'a, Value>> = Vec::new();
    for row in state.table("roleAssignments").all_seen(now) {
        if seen.insert(key(row)) {
            all.push(Cow::Borrowed(row));
        }
    }
    for row in state.table("roleAssignmentScheduleInstances").all_seen(now) {
        let direct = text(row, "memberType").is_empty()
            || text(row, "memberType").eq_ignore_ascii_case("direct");
        if direct && runs(row, now) && seen.insert(key(row)) {
            let (principal, role, scope) = (
                text(row, "principalId"),
                text(row, "roleDefinitionId"),
                text(row, "directoryScopeId"),
            );
            all.push(Cow::Owned(json!({
                "id": assignment_id(role, principal, scope), "principalId": principal, "directoryScopeId": scope,
                "appScopeId": row.get("appScopeId"), "roleDefinitionId": role, "condition": null,
            })));
        }
    }
    all
}

/// Active assignments as Privileged Identity Management sees them: its own, and those that were made past it.
pub(crate) fn active<'a>(state: &'a State, now: Timestamp) -> Vec<Cow<'a, Value>> {
    let own = state.table("roleAssignmentScheduleInstances");
    let mut all: Vec<Cow<'a, Value>> = own
        .all_seen(now)
        .filter(|row| runs(row, now))
        .map(Cow::Borrowed)
        .collect();
    let seen: HashSet<_> = all.iter().map(|row| key(row)).collect();
    for row in state.table("roleAssignments").all_seen(now) {
        if seen.contains(&key(row)) {
            continue;
        }
        let id = text(row, "id");
        all.push(Cow::Owned(json!({
            "id": id, "principalId": row.get("principalId"), "roleDefinitionId": row.get("roleDefinitionId"),
            "directoryScopeId": row.get("directoryScopeId"), "appScopeId": row.get("appScopeId"),
            "startDateTime": null, "endDateTime": null, "assignmentType": "Assigned", "memberType": "Direct",
            "roleAssignmentOriginId": id, "roleAssignmentScheduleId": id,
        })));
    }
    all
}

/// The schedules behind instances.
pub(crate) fn schedules<'a>(
    instances: &[Cow<'a, Value>],
    id: &str,
    eligible: bool,
) -> Vec<Cow<'a, Value>> {
    instances
        .iter()
        .map(|row| {
            let end = row.get("endDateTime").filter(|end| !end.is_null());
            let mut schedule = json!({
                "id": row.get(id).or_else(|| row.get("id")), "principalId": row.get("principalId"),
                "roleDefinitionId": row.get("roleDefinitionId"), "directoryScopeId": row.get("directoryScopeId"),
                "appScopeId": row.get("appScopeId"), "createdUsing": row.get(id),
                "createdDateTime": row.get("startDateTime"), "modifiedDateTime": null, "status": "Provisioned",
                "memberType": row.get("memberType"),
                "scheduleInfo": {
                    "startDateTime": row.get("startDateTime"), "recurrence": null,
                    "expiration": {
                        "type": if end.is_some() { "afterDateTime" } else { "noExpiration" },
                        "endDateTime": end, "duration": null,
                    },
                },
            });
            if !eligible {
                schedule["assignmentType"] =
                    row.get("assignmentType").cloned().unwrap_or_default();
            }
            Cow::Owned(schedule)
        })
        .collect()
}

/// Registered methods by the type of the method: Microsoft Graph, *userRegistrationDetails*.
const REGISTERED: &[(&str, &str)] = &[
    ("fido2AuthenticationMethod", "fido2SecurityKey"),
    (
        "microsoftAuthenticatorAuthenticationMethod",
        "microsoftAuthenticatorPush",
    ),
    ("emailAuthenticationMethod", "email"),
    (
        "softwareOathAuthenticationMethod",
        "softwareOneTimePasscode",
    ),
    (
        "hardwareOathAuthenticationMethod",
        "hardwareOneTimePasscode",
    ),
    (
        "temporaryAccessPassAuthenticationMethod",
        "temporaryAccessPass",
    ),
    (
        "windowsHelloForBusinessAuthenticationMethod",
        "windowsHelloForBusiness",
    ),
    (
        "platformCredentialAuthenticationMethod",
        "macOsSecureEnclaveKey",
    ),
    ("externalAuthenticationMethod", "externalAuthMethod"),
];

fn registered(method: &Value) -> Option<&'static str> {
    let kind = text(method, "@odata.type")
        .rsplit('.')
        .next()
        .unwrap_or_default();
    if kind == "phoneAuthenticationMethod" {
        return Some(match text(method, "phoneType") {
            "alternateMobile" => "alternateMobilePhone",
            "office" => "officePhone",
            _ => "mobilePhone",
        });
    }
    REGISTERED
        .iter()
        .find(|(name, _)| *name == kind)
        .map(|(_, word)| *word)
}

/// What a user has registered, by the methods that the state has of them. Disabled users are not listed, nor those whose
/// methods the snapshot does not know.
pub(crate) fn registration(user: &Value, admin: bool, now: Timestamp) -> Option<Value> {
    if user.get("accountEnabled") == Some(&Value::Bool(false)) {
        return None;
    }
    let methods = user.pointer("/authentication/methods")?.as_array()?;
    let mut words: Vec<&str> = methods.iter().filter_map(registered).collect();
    words.sort_unstable();
    words.dedup();
    let has = |any: &[&str]| words.iter().any(|word| any.contains(word));
    let passwordless = has(&[
        "fido2SecurityKey",
        "windowsHelloForBusiness",
        "macOsSecureEnclaveKey",
        "microsoftAuthenticatorPasswordless",
    ]);
    let mfa = passwordless
        || has(&[
            "microsoftAuthenticatorPush",
            "softwareOneTimePasscode",
            "hardwareOneTimePasscode",
            "mobilePhone",
            "alternateMobilePhone",
            "officePhone",
            "temporaryAccessPass",
            "externalAuthMethod",
        ]);
    let reset = has(&[
        "email",
        "mobilePhone",
        "alternateMobilePhone",
        "officePhone",
        "microsoftAuthenticatorPush",
    ]);
    let id = text(user, "id");
    let guest = text(user, "userType").eq_ignore_ascii_case("guest");
    Some(json!({
        "id": id, "userPrincipalName": user.get("userPrincipalName"), "userDisplayName": user.get("displayName"),
        "userType": if guest { "guest" } else { "member" },
        "isAdmin": admin,
        "isSsprRegistered": reset, "isSsprEnabled": false, "isSsprCapable": false,
        "isMfaRegistered": mfa, "isMfaCapable": mfa, "isPasswordlessCapable": passwordless,
        "methodsRegistered": words, "isSystemPreferredAuthenticationMethodEnabled": false,
        "systemPreferredAuthenticationMethods": [], "userPreferredMethodForSecondaryAuthentication": "none",
        "lastUpdatedDateTime": stamp(now),
    }))
}

/// The organisation of a tenant without premium licences.
pub(crate) fn without_premium(organization: &Value) -> Value {
    const PREMIUM: &[&str] = &[
        "41781fb2-bc02-4b7c-bd55-b576c07bb09d",
        "eec0eb4f-6444-4f95-aba0-50c24d67f998",
    ];
    let mut organization = organization.clone();
    for list in ["assignedPlans", "servicePlans"] {
        if let Some(Value::Array(plans)) = organization.get_mut(list) {
            plans.retain(|plan| {
                !PREMIUM.contains(&text(plan, "servicePlanId").to_lowercase().as_str())
            });
        }
    }
    organization
}

/// Takes what the service leaves out.
pub(crate) fn without(object: &Value, names: &[&str]) -> Value {
    let Value::Object(fields) = object else {
        return object.clone();
    };
    let kept: Map<String, Value> = fields
        .iter()
        .filter(|(name, _)| !names.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Value::Object(kept)
}
