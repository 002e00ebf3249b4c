//! One Graph object into one of ours. A key that is absent was not read; a key that is null has the
//! meaning that Graph gives to null.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::guard;
use crate::{
    ObjectId, Reading, TenantId, Upn,
    tenant::{
        AdministrativeUnit, AssignmentKind, Device, Domain, Group, Method, MethodKind, Policy,
        RegisteredMethods, Role, RoleAssignment, User,
    },
};

pub(super) fn text<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str)
}

pub(super) fn owned(object: &Value, key: &str) -> Option<String> {
    text(object, key).map(str::to_owned)
}

pub(super) fn object_id(value: &Value) -> Option<ObjectId> {
    let id = match value {
        Value::String(id) => id,
        other => other.get("id")?.as_str()?,
    };
    ObjectId::parse(id).ok()
}

pub(super) fn tenant_id(text: &str) -> Option<TenantId> {
    TenantId::parse(text).ok()
}

pub(super) fn absent<T>(key: &str) -> Reading<T> {
    Reading::NotRead(format!("the input has no `{key}` for it"))
}

/// A Boolean property, for which Graph may write null in place of `null_is`.
fn boolean(object: &Value, key: &str, null_is: Option<bool>) -> Reading<bool> {
    match (object.get(key), null_is) {
        (Some(Value::Bool(value)), _) => Reading::Read(*value),
        (Some(Value::Null), Some(value)) => Reading::Read(value),
        (None, _) => absent(key),
        (Some(_), _) => Reading::NotRead(format!("`{key}` is neither true nor false")),
    }
}

/// Per-user multifactor authentication, as Graph beta's `authentication/requirements` tells it: expanded, or
/// beside the user's own properties.
fn per_user_mfa(object: &Value) -> Reading<bool> {
    const KEY: &str = "perUserMfaState";
    let state = object
        .get(KEY)
        .or_else(|| object.get("authentication")?.get("requirements")?.get(KEY))
        .and_then(Value::as_str);
    match state {
        Some(state) => Reading::Read(!state.eq_ignore_ascii_case("disabled")),
        None => absent(KEY),
    }
}

pub(super) fn user(object: &Value) -> User {
    User {
        id: object_id(object),
        upn: text(object, "userPrincipalName").and_then(|upn| Upn::parse(upn).ok()),
        domain: owned(object, "domain"),
        home_domain: owned(object, "homeDomain"),
        display_name: owned(object, "displayName"),
        account_enabled: boolean(object, "accountEnabled", None),
        synchronised: synchronised(object),
        user_type: owned(object, "userType"),
        creation_type: owned(object, "creationType"),
        personal: personal(object),
        licences: licences(object),
        last_sign_in: last_sign_in(object),
        methods: Reading::NotRead(
            "the input holds no authentication methods of this user".to_owned(),
        ),
        registered: None,
        transitive_member_of: Reading::NotRead(
            "the input does not list the groups of this user".to_owned(),
        ),
        roles: Reading::NotRead("the input does not list the roles of this user".to_owned()),
        per_user_mfa: per_user_mfa(object),
        devices: Reading::NotRead(
            "the input does not list the registered devices of this user".to_owned(),
        ),
        password: guard::password(object),
        described_in: None,
    }
}

/// Classes of methods of an entry of the registration report.
pub(super) fn registered(entry: &Value) -> Option<RegisteredMethods> {
    let words = entry.get("methodsRegistered")?.as_array()?;
    Some(RegisteredMethods::of(
        words.iter().filter_map(Value::as_str),
    ))
}

/// The devices among what a user owns or registered.
pub(super) fn devices(items: Vec<Value>) -> Reading<Vec<Device>> {
    items
        .into_iter()
        .filter(|item| {
            text(item, "@odata.type")
                .is_none_or(|kind| kind.trim_start_matches('#') == "microsoft.graph.device")
        })
        .map(serde_json::from_value)
        .collect::<Result<_, _>>()
        .map_or_else(
            |error| Reading::NotRead(format!("a device of this user is not readable: {error}")),
            Reading::Read,
        )
}

/// `onPremisesSyncEnabled` is null for a user that was never synchronised; an immutable id alone
/// decides only where the flag was not exported.
fn synchronised(object: &Value) -> Reading<bool> {
    match boolean(object, "onPremisesSyncEnabled", Some(false)) {
        Reading::NotRead(why) => match object.get("onPremisesImmutableId") {
            Some(Value::Null) => Reading::Read(false),
            Some(Value::String(_)) => Reading::Read(true),
            _ => Reading::NotRead(why),
        },
        read @ Reading::Read(_) => read,
    }
}

const PERSONAL: &[&str] = &[
    "mobilePhone",
    "businessPhones",
    "otherMails",
    "manager",
    "employeeId",
    "mail",
    "jobTitle",
    "department",
];

fn personal(object: &Value) -> Reading<Vec<(String, String)>> {
    if !PERSONAL.iter().any(|key| object.get(key).is_some()) {
        return Reading::NotRead(
            "the input has none of the fields that tell a person (mobilePhone, otherMails, …)"
                .to_owned(),
        );
    }
    let mut signs = Vec::new();
    for key in PERSONAL {
        let value = match object.get(key) {
            Some(Value::String(value)) => value.clone(),
            Some(Value::Array(values)) => values
                .iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(", "),
            Some(manager @ Value::Object(_)) => text(manager, "userPrincipalName")
                .or_else(|| text(manager, "id"))
                .unwrap_or("set")
                .to_owned(),
            _ => continue,
        };
        if !value.trim().is_empty() {
            signs.push(((*key).to_owned(), value));
        }
    }
    // One sign is enough to know; that there is none is known when every field was read.
    let unread: Vec<&str> = PERSONAL
        .iter()
        .copied()
        .filter(|key| object.get(key).is_none())
        .collect();
    if signs.is_empty() && !unread.is_empty() {
        return Reading::NotRead(format!(
            "the input leaves out {} of this user",
            unread.join(", ")
        ));
    }
    Reading::Read(signs)
}

fn licences(object: &Value) -> Reading<Vec<String>> {
    match object.get("assignedLicenses") {
        Some(Value::Array(licences)) => Reading::Read(
            licences
                .iter()
                .map(|licence| {
                    owned(licence, "skuId").unwrap_or_else(|| "one without skuId".to_owned())
                })
                .collect(),
        ),
        Some(Value::Null) => Reading::Read(Vec::new()),
        _ => absent("assignedLicenses"),
    }
}

fn last_sign_in(object: &Value) -> Reading<Option<Timestamp>> {
    match object.get("signInActivity") {
        None => absent("signInActivity"),
        // Each of the two may be the later one: a sign-in with a key is often a non-interactive one.
        Some(Value::Object(activity))
            if !["lastSignInDateTime", "lastNonInteractiveSignInDateTime"]
                .iter()
                .all(|key| activity.contains_key(*key)) =>
        {
            Reading::NotRead("`signInActivity` is in the input without all of its times".to_owned())
        }
        Some(activity) => Reading::Read(
            [
                "lastSignInDateTime",
                "lastNonInteractiveSignInDateTime",
                "lastSuccessfulSignInDateTime",
            ]
            .iter()
            .filter_map(|key| text(activity, key)?.parse().ok())
            .max(),
        ),
    }
}

/// OData types of authentication methods (lower case), Microsoft Graph `authenticationMethod`.
const METHODS: &[(&str, MethodKind)] = &[
    ("fido2", MethodKind::Fido2),
    ("windowshelloforbusiness", MethodKind::WindowsHello),
    ("microsoftauthenticator", MethodKind::MicrosoftAuthenticator),
    (
        "passwordlessmicrosoftauthenticator",
        MethodKind::MicrosoftAuthenticator,
    ),
    ("phone", MethodKind::Phone),
    ("email", MethodKind::Email),
    ("softwareoath", MethodKind::SoftwareOath),
    ("hardwareoath", MethodKind::HardwareOath),
    ("temporaryaccesspass", MethodKind::TemporaryAccessPass),
    ("x509certificate", MethodKind::Certificate),
    ("platformcredential", MethodKind::PlatformCredential),
    ("external", MethodKind::External),
    ("password", MethodKind::Password),
];

pub(super) fn method(object: &Value) -> Method {
    let kind = text(object, "@odata.type").unwrap_or_default();
    let name = kind
        .trim_start_matches("#microsoft.graph.")
        .trim_end_matches("AuthenticationMethod")
        .to_lowercase();
    Method {
        id: owned(object, "id"),
        kind: METHODS
            .iter()
            .find(|(known, _)| *known == name)
            .map_or_else(
                || MethodKind::Other(kind.to_owned()),
                |(_, kind)| kind.clone(),
            ),
        aaguid: text(object, "aaGuid").map(str::to_lowercase),
        name: owned(object, "displayName").or_else(|| owned(object, "model")),
        attestation: owned(object, "attestationLevel"),
        passkey_type: owned(object, "passkeyType"),
        // One sample of the documentation has the older spelling.
        created: owned(object, "createdDateTime").or_else(|| owned(object, "creationDateTime")),
        phone_type: owned(object, "phoneType"),
        usable_once: object.get("isUsableOnce").and_then(Value::as_bool),
        usable: object.get("isUsable").and_then(Value::as_bool),
        combination: None,
    }
}

pub(super) fn group(object: &Value) -> Group {
    Group {
        id: object_id(object),
        display_name: owned(object, "displayName"),
        role_assignable: boolean(object, "isAssignableToRole", Some(false)),
        dynamic: match object.get("groupTypes") {
            Some(Value::Array(kinds)) => Reading::Read(kinds.iter().any(|kind| {
                kind.as_str()
                    .is_some_and(|kind| kind.eq_ignore_ascii_case("DynamicMembership"))
            })),
            Some(Value::Null) => Reading::Read(false),
            _ => absent("groupTypes"),
        },
        members: Reading::NotRead("the input does not list the members of this group".to_owned()),
        transitive_members: Reading::NotRead(
            "the input does not list the transitive members of this group".to_owned(),
        ),
        owners: Reading::NotRead("the input does not list the owners of this group".to_owned()),
        expires: guard::expires(object),
    }
}

pub(super) fn role(object: &Value) -> Role {
    let id_of = |key: &str| text(object, key).and_then(|id| ObjectId::parse(id).ok());
    Role {
        id: object_id(object),
        template_id: id_of("templateId").or_else(|| id_of("roleTemplateId")),
        display_name: owned(object, "displayName"),
        built_in: boolean(object, "isBuiltIn", None),
        actions: object
            .get("rolePermissions")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|part| part.get("allowedResourceActions")?.as_array())
            .flatten()
            .filter_map(|action| action.as_str().map(str::to_owned))
            .collect(),
    }
}

/// An assignment; `None` when it lacks the principal or the role.
pub(super) fn assignment(
    object: &Value,
    kind: AssignmentKind,
    scheduled: bool,
) -> Option<RoleAssignment> {
    let id_of = |key: &str, expanded: &str| {
        text(object, key)
            .and_then(|id| ObjectId::parse(id).ok())
            .or_else(|| object_id(object.get(expanded)?))
    };
    Some(RoleAssignment {
        id: owned(object, "id"),
        principal: id_of("principalId", "principal")?,
        role: id_of("roleDefinitionId", "roleDefinition")?,
        kind,
        scope: match (text(object, "directoryScopeId"), object.get("appScopeId")) {
            (Some(scope), _) => Reading::Read(scope.to_owned()),
            // An assignment within one application reaches no directory object.
            (None, Some(Value::String(scope))) => Reading::Read(format!("app:{scope}")),
            (None, _) => absent("directoryScopeId"),
        },
        end: match object.get("endDateTime") {
            _ if !scheduled => Reading::NotRead(
                "the input holds roleAssignments, which have no end: \
                 roleAssignmentScheduleInstances tells it"
                    .to_owned(),
            ),
            Some(Value::Null) => Reading::Read(None),
            Some(Value::String(end)) => match end.parse() {
                Ok(end) => Reading::Read(Some(end)),
                Err(_) => Reading::NotRead("`endDateTime` is not a time".to_owned()),
            },
            _ => absent("endDateTime"),
        },
        activated: match text(object, "assignmentType") {
            Some(kind) => Reading::Read(kind.eq_ignore_ascii_case("Activated")),
            None if matches!(kind, AssignmentKind::Eligible) => Reading::Read(false),
            None => absent("assignmentType"),
        },
    })
}

pub(super) fn unit(object: &Value) -> AdministrativeUnit {
    AdministrativeUnit {
        id: object_id(object),
        display_name: owned(object, "displayName"),
        restricted: boolean(object, "isMemberManagementRestricted", Some(false)),
        members: Reading::NotRead("the input does not list the members of this unit".to_owned()),
    }
}

pub(super) fn domain(object: &Value) -> Option<Domain> {
    Some(Domain {
        name: text(object, "id")?.to_lowercase(),
        initial: boolean(object, "isInitial", None),
        federated: match text(object, "authenticationType") {
            Some(kind) => Reading::Read(kind.eq_ignore_ascii_case("Federated")),
            None => absent("authenticationType"),
        },
        password_days: guard::password_days(object),
    })
}

pub(super) fn policy(object: Value) -> Policy {
    Policy {
        id: object_id(&object),
        display_name: owned(&object, "displayName"),
        state: owned(&object, "state"),
        raw: object,
    }
}

/// The transitive groups of a user or group, through `memberOf` lists that are all known.
pub(super) fn closure(
    first: &[ObjectId],
    member_of: &BTreeMap<String, Vec<ObjectId>>,
) -> Option<Vec<ObjectId>> {
    let mut found: Vec<ObjectId> = Vec::new();
    let mut next = first.to_vec();
    while let Some(group) = next.pop() {
        if !found.contains(&group) {
            next.extend(member_of.get(&group.folded())?.iter().cloned());
            found.push(group);
        }
    }
    Some(found)
}
