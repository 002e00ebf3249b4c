//! Collections that follow from others, where the snapshot holds only those.
//!
//! Microsoft Graph, *unifiedRoleAssignment*, *unifiedRoleAssignmentScheduleInstance*: a plain assignment shows among the
//! schedule instances too, and the other way round.

use std::{borrow::Cow, collections::HashSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::write::{assignment_id, runs};
use crate::State;

/// Roles that Microsoft labels privileged: Microsoft Entra, *Built-in roles*.
const PRIVILEGED: &[&str] = &[
    "db506228-d27e-4b7d-95e5-295956d6615f",
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
    "cf1c38e5-3621-4004-a7cb-879624dced7c",
    "ecb2c6bf-0ab6-418e-bd87-7986f8d63bbe",
    "422218e4-db15-4ef9-bbe0-8afb41546d79",
    "c4e39bd9-1100-46d3-8c65-fb160da0071f",
    "25a516ed-2fa0-40ea-a2d0-12923a21473a",
    "aaf43236-0c0d-4d5f-883a-6955382ac081",
    "158c047a-c907-4556-b7ef-446551a6b5f7",
    "7698a772-787b-4ac8-901f-60d6b08affd2",
    "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9",
    "9360feb5-f418-4baa-8175-e2a00bac4301",
    "8329153b-31d0-4727-b945-745eb3bc5f31",
    "be2f45a1-457d-42af-a067-6ec1fa63bc45",
    "62e90394-69f5-4237-9190-012177145e10",
    "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
    "729827e3-9c14-49f7-bb1b-9608f156bbb8",
    "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2",
    "3a2c62db-5318-420d-8d74-23affee5d9d5",
    "59d46f88-662b-457b-bceb-5c3809e5908f",
    "4ba39ca4-527c-499a-b93d-d9b492c50246",
    "e00e864a-17c5-4a4b-9c06-f5b95a8d5bd8",
    "966707d0-3269-4727-9be2-8c3a10f19b9d",
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
    "e8611ab8-c189-46e8-94e1-60213ab1f814",
    "194ae4cb-b126-40b2-bd5b-6091b380977d",
    "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f",
    "5d6b6bb7-de71-4623-b4af-96380a352509",
    "fe930be7-5e62-47db-91af-98c3a49a38b1",
];

/// Whether a built-in role is labelled privileged.
pub(crate) fn is_privileged(template: &str) -> bool {
    PRIVILEGED.contains(&template.to_lowercase().as_str())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

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
        "lastUpdatedDateTime": now.to_string(),
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
