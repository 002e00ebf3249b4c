//! What is kept of people, and of what names them.
//!
//! Of a user who is neither an emergency account nor an administrator, a snapshot keeps exactly: `id`, `accountEnabled`,
//! `userType`, `creationType`, `externalUserState`, and `domain`, the part of the user principal name behind `@`. Of one
//! from outside also `homeDomain`, the domain that Microsoft Entra wrote into the name before `#EXT#`, and the kinds and
//! issuers of `identities`, without what the issuer calls the person. Names come only with `--with-names`.
//! What other objects say of their authors and approvers is reduced to ids ([`nameless`]).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// What is asked of every user.
pub(super) const ORDINARY: &str =
    "id,accountEnabled,userType,creationType,externalUserState,identities,userPrincipalName";

/// What is asked of emergency accounts and administrators (Microsoft Graph, *user resource type*).
pub(super) const FULL: &[&str] = &[
    "id",
    "userPrincipalName",
    "displayName",
    "accountEnabled",
    "userType",
    "creationType",
    "externalUserState",
    "createdDateTime",
    "identities",
    "onPremisesSyncEnabled",
    "onPremisesImmutableId",
    "onPremisesLastSyncDateTime",
    "onPremisesDistinguishedName",
    "onPremisesSecurityIdentifier",
    "onPremisesSamAccountName",
    "onPremisesDomainName",
    "onPremisesUserPrincipalName",
    "assignedLicenses",
    "passwordPolicies",
    "lastPasswordChangeDateTime",
    "passwordProfile",
    "signInSessionsValidFromDateTime",
    "isManagementRestricted",
    "authorizationInfo",
    "mobilePhone",
    "businessPhones",
    "otherMails",
    "mail",
    "employeeId",
    "jobTitle",
    "department",
    "companyName",
    "usageLocation",
];

/// What is asked of groups (Microsoft Graph, *group resource type*).
pub(super) const GROUP: &[&str] = &[
    "id",
    "displayName",
    "isAssignableToRole",
    "isManagementRestricted",
    "groupTypes",
    "membershipRule",
    "membershipRuleProcessingState",
    "securityEnabled",
    "mailEnabled",
    "onPremisesSyncEnabled",
    "createdDateTime",
    "expirationDateTime",
    "visibility",
    "classification",
];

/// What is asked of service principals.
pub(super) const PRINCIPAL: &[&str] = &[
    "id",
    "appId",
    "displayName",
    "servicePrincipalType",
    "accountEnabled",
    "appOwnerOrganizationId",
];

/// Text of a property.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Whether an object is of a kind, by its annotation; an answer without one says nothing.
pub(super) fn is_kind(object: &Value, kind: &str) -> Option<bool> {
    let name = text(object, "@odata.type");
    let name = name
        .trim_start_matches('#')
        .strip_prefix("microsoft.graph.")?;
    Some(name.eq_ignore_ascii_case(kind))
}

/// A user as a snapshot keeps ordinary ones.
pub(super) fn ordinary(user: &Value, with_names: bool) -> Value {
    let mut kept = Map::new();
    let mut keep = |key: &str| {
        if let Some(value) = user.get(key) {
            kept.insert(key.to_owned(), value.clone());
        }
    };
    for key in [
        "id",
        "accountEnabled",
        "userType",
        "creationType",
        "externalUserState",
    ] {
        keep(key);
    }
    if with_names {
        keep("userPrincipalName");
        keep("displayName");
    }
    let (local, domain) = text(user, "userPrincipalName")
        .rsplit_once('@')
        .unwrap_or_default();
    if !domain.is_empty() {
        kept.insert("domain".to_owned(), json!(domain.to_lowercase()));
    }
    let mark = local.to_ascii_uppercase().find("#EXT#");
    let outside = mark.is_some()
        || text(user, "creationType").eq_ignore_ascii_case("Invitation")
        || text(user, "userType").eq_ignore_ascii_case("Guest");
    if let Some((_, home)) = mark.and_then(|at| local.get(..at)?.rsplit_once('_')) {
        kept.insert("homeDomain".to_owned(), json!(home.to_lowercase()));
    }
    if outside && let Some(identities) = user.get("identities").and_then(Value::as_array) {
        let kinds = identities.iter().map(
            |identity| json!({"signInType": identity.get("signInType"), "issuer": identity.get("issuer")}),
        );
        kept.insert("identities".to_owned(), kinds.collect());
    }
    Value::Object(kept)
}

/// An entry of the registration report, without names.
pub(super) fn registration(entry: &Value) -> Value {
    only(
        entry,
        &[
            "id",
            "isMfaRegistered",
            "isMfaCapable",
            "isPasswordlessCapable",
            "methodsRegistered",
            "lastUpdatedDateTime",
        ],
    )
}

/// What Identity Protection says of an account (Microsoft Graph, *riskyUser resource type*), without names.
pub(super) fn risk(row: &Value) -> Value {
    only(
        row,
        &[
            "id",
            "riskState",
            "riskLevel",
            "riskDetail",
            "riskLastUpdatedDateTime",
            "isDeleted",
        ],
    )
}

/// A member of a list: what it is, and its id.
pub(super) fn reference(object: &Value) -> Value {
    only(object, &["@odata.type", "id"])
}

/// Somebody who has a role on a unit, without the name.
pub(super) fn scoped(row: &Value, with_names: bool) -> Value {
    let mut row = row.clone();
    if !with_names && let Some(member) = row.get_mut("roleMemberInfo") {
        *member = only(member, &["id"]);
    }
    row
}

/// Who made or changed an object, without the name: of a person only the id is left. The same of people who approve.
pub(super) fn nameless(mut value: Value) -> Value {
    strip(&mut value, false);
    value
}

/// Fields that hold a person: authors, and the owner whom an automation rule of Microsoft Sentinel names.
const AUTHORS: &[&str] = &[
    "createdBy",
    "lastModifiedBy",
    "modifiedBy",
    "updatedBy",
    "owner",
];
const NAMES: &[&str] = &[
    "assignedTo",
    "displayName",
    "userPrincipalName",
    "userDisplayName",
    "email",
    "mail",
    "name",
    "upn",
];

fn strip(value: &mut Value, person: bool) {
    match value {
        Value::Object(fields) => {
            let kind = fields.get("@odata.type").and_then(Value::as_str);
            let approver = kind.is_some_and(|kind| kind == "#microsoft.graph.singleUser");
            fields.retain(|name, value| {
                let author = AUTHORS.contains(&name.as_str());
                let named = person && NAMES.contains(&name.as_str());
                let described = approver && name == "description";
                let signed = author && value.is_string();
                !(named || described || signed)
            });
            for (name, value) in fields {
                strip(value, person || AUTHORS.contains(&name.as_str()));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| strip(item, person)),
        _ => {}
    }
}

/// The rule that raised an alert, in lower case.
pub(super) fn rule_of(alert: &Value) -> String {
    text(&alert["properties"]["essentials"], "alertRule").to_lowercase()
}

/// An alert that fired: what, when, how it stands, and whether its action groups were taken away.
pub(super) fn alert(row: &Value) -> Value {
    let mut kept = only(row, &["id", "name", "type"]);
    kept["properties"] = json!({"essentials": only(
        &row["properties"]["essentials"],
        &[
            "severity", "signalType", "alertState", "monitorCondition", "targetResource", "alertRule", "startDateTime",
            "lastModifiedDateTime", "actionStatus",
        ],
    )});
    kept
}

/// Operations on the chain of alerting, by their beginnings (Azure Monitor, *Azure Activity Log event schema*).
const DEEDS: [&str; 5] = [
    "microsoft.insights/scheduledqueryrules/",
    "microsoft.insights/actiongroups/",
    "microsoft.insights/activitylogalerts/",
    "microsoft.insights/diagnosticsettings/",
    "microsoft.alertsmanagement/actionrules/",
];

/// Whether an event of the activity log changed the chain of alerting.
pub(super) fn is_deed(row: &Value) -> bool {
    let operation = text(&row["operationName"], "value").to_lowercase();
    DEEDS.iter().any(|start| operation.starts_with(start))
        && text(&row["status"], "value").eq_ignore_ascii_case("Succeeded")
}

/// An event of the activity log without claims; of who did it an object id, or an application's name for itself.
pub(super) fn deed(row: &Value, with_names: bool) -> Value {
    let mut kept = only(
        row,
        &[
            "id",
            "eventDataId",
            "eventTimestamp",
            "operationName",
            "status",
            "resourceId",
            "correlationId",
            "caller",
        ],
    );
    let is_person = text(&kept, "caller").contains('@');
    if is_person
        && !with_names
        && let Some(fields) = kept.as_object_mut()
    {
        fields.remove("caller");
    }
    kept
}

/// An item of a list, with what names an emergency account and nothing else; `None`: it names none.
pub(super) fn list_item(row: &Value, accounts: &BTreeSet<String>) -> Option<Value> {
    let values = row["properties"]["itemsKeyValue"].as_object()?;
    let named: Map<String, Value> = values
        .iter()
        .filter(|(_, value)| {
            value
                .as_str()
                .is_some_and(|own| accounts.contains(&own.trim().to_lowercase()))
        })
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if named.is_empty() {
        return None;
    }
    let mut kept = only(row, &["id", "name", "type"]);
    kept["properties"] = json!({"itemsKeyValue": named});
    Some(kept)
}

/// The object with these properties and no others.
pub(super) fn only(object: &Value, names: &[&str]) -> Value {
    let kept: Map<String, Value> = names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), object.get(*name)?.clone())))
        .collect();
    Value::Object(kept)
}

/// The object without what OData says about the answer.
pub(super) fn plain(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.retain(|name, _| name != "@odata.context" && !name.starts_with("@microsoft.graph."));
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_user_keeps_the_domain_and_no_name() {
        let user = json!({"id": "u", "accountEnabled": true, "userType": "Member", "creationType": null,
            "userPrincipalName": "anna.keller@Contoso.com", "displayName": "Anna Keller",
            "identities": [{"signInType": "userPrincipalName", "issuer": "contoso.com", "issuerAssignedId": "anna"}]});
        assert_eq!(
            ordinary(&user, false),
            json!({"id": "u", "accountEnabled": true, "userType": "Member", "creationType": null,
                "domain": "contoso.com"})
        );
        let named = ordinary(&user, true);
        assert_eq!(named["displayName"], "Anna Keller");
        assert_eq!(named["userPrincipalName"], "anna.keller@Contoso.com");
    }

    #[test]
    fn who_changed_an_object_is_an_id_only() {
        let object = json!({"displayName": "Rule", "createdBy": {"user": {"id": "u", "displayName": "Eve"}},
            "systemData": {"createdBy": "eve@contoso.com", "createdAt": "2026-01-01"},
            "approvers": [{"@odata.type": "#microsoft.graph.singleUser", "userId": "u", "description": "Eve"}]});
        assert_eq!(
            nameless(object),
            json!({"displayName": "Rule", "createdBy": {"user": {"id": "u"}},
                "systemData": {"createdAt": "2026-01-01"},
                "approvers": [{"@odata.type": "#microsoft.graph.singleUser", "userId": "u"}]})
        );
    }

    #[test]
    fn a_guest_keeps_the_home_domain_and_the_issuer() {
        let user = json!({"id": "g", "userType": "Guest", "creationType": "Invitation",
            "userPrincipalName": "bob_smith_Fabrikam.com#EXT#@contoso.onmicrosoft.com",
            "identities": [{"signInType": "federated", "issuer": "ExternalAzureAD", "issuerAssignedId": "bob"}]});
        let kept = ordinary(&user, false);
        assert_eq!(kept["homeDomain"], "fabrikam.com");
        assert_eq!(
            kept["identities"],
            json!([{"signInType": "federated", "issuer": "ExternalAzureAD"}])
        );
        assert!(!kept.to_string().contains("bob"));
    }
}
