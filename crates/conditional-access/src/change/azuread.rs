//! Resources of Terraform's azuread provider, mapped attribute by attribute (semantics sheet 1.1).

mod referred;

use serde_json::{Map, Value, json};

use super::{
    KNOWN_AFTER_APPLY, Kind, known_text, last_segment,
    plan::{Object, Sent},
};

use referred::{assignment, group, location, strength};

/// How the value of an attribute becomes Graph's.
enum How {
    /// As it is.
    Same,
    /// A list as it is.
    List,
    /// A list of ids or tokens; of a path the last segment.
    Ids,
    /// A list that Graph writes as one text with commas.
    Flags,
    /// Flags inside an object of their own.
    FlagsIn(&'static str),
    /// An id inside an object of its own.
    IdIn,
    /// A nested block: a list of at most one.
    Block(&'static [Rule]),
}
use How::{Block, Flags, FlagsIn, IdIn, Ids, List, Same};

/// Terraform's name, Graph's name, and how.
struct Rule(&'static str, &'static str, How);

const FILTER: &[Rule] = &[Rule("mode", "mode", Same), Rule("rule", "rule", Same)];

const TENANTS: &[Rule] = &[
    Rule("membership_kind", "membershipKind", Same),
    Rule("members", "members", List),
];

const GUESTS: &[Rule] = &[
    Rule(
        "guest_or_external_user_types",
        "guestOrExternalUserTypes",
        Flags,
    ),
    Rule("external_tenants", "externalTenants", Block(TENANTS)),
];

const USERS: &[Rule] = &[
    Rule("included_users", "includeUsers", Ids),
    Rule("excluded_users", "excludeUsers", Ids),
    Rule("included_groups", "includeGroups", Ids),
    Rule("excluded_groups", "excludeGroups", Ids),
    Rule("included_roles", "includeRoles", Ids),
    Rule("excluded_roles", "excludeRoles", Ids),
    Rule(
        "included_guests_or_external_users",
        "includeGuestsOrExternalUsers",
        Block(GUESTS),
    ),
    Rule(
        "excluded_guests_or_external_users",
        "excludeGuestsOrExternalUsers",
        Block(GUESTS),
    ),
];

const APPLICATIONS: &[Rule] = &[
    Rule("included_applications", "includeApplications", Ids),
    Rule("excluded_applications", "excludeApplications", Ids),
    Rule("included_user_actions", "includeUserActions", List),
    Rule("filter", "applicationFilter", Block(FILTER)),
];

const CLIENT_APPLICATIONS: &[Rule] = &[
    Rule(
        "included_service_principals",
        "includeServicePrincipals",
        Ids,
    ),
    Rule(
        "excluded_service_principals",
        "excludeServicePrincipals",
        Ids,
    ),
    Rule("filter", "servicePrincipalFilter", Block(FILTER)),
];

const LOCATIONS: &[Rule] = &[
    Rule("included_locations", "includeLocations", Ids),
    Rule("excluded_locations", "excludeLocations", Ids),
];

const PLATFORMS: &[Rule] = &[
    Rule("included_platforms", "includePlatforms", List),
    Rule("excluded_platforms", "excludePlatforms", List),
];

const DEVICES: &[Rule] = &[Rule("filter", "deviceFilter", Block(FILTER))];

const CONDITIONS: &[Rule] = &[
    Rule("users", "users", Block(USERS)),
    Rule("applications", "applications", Block(APPLICATIONS)),
    Rule(
        "client_applications",
        "clientApplications",
        Block(CLIENT_APPLICATIONS),
    ),
    Rule("client_app_types", "clientAppTypes", List),
    Rule("locations", "locations", Block(LOCATIONS)),
    Rule("platforms", "platforms", Block(PLATFORMS)),
    Rule("devices", "devices", Block(DEVICES)),
    Rule("sign_in_risk_levels", "signInRiskLevels", List),
    Rule("user_risk_levels", "userRiskLevels", List),
    Rule(
        "service_principal_risk_levels",
        "servicePrincipalRiskLevels",
        List,
    ),
    Rule("insider_risk_levels", "insiderRiskLevels", Flags),
    Rule(
        "authentication_flow_transfer_methods",
        "authenticationFlows",
        FlagsIn("transferMethods"),
    ),
];

const GRANT: &[Rule] = &[
    Rule("operator", "operator", Same),
    Rule("built_in_controls", "builtInControls", List),
    Rule("terms_of_use", "termsOfUse", Ids),
    Rule(
        "custom_authentication_factors",
        "customAuthenticationFactors",
        Ids,
    ),
    Rule(
        "authentication_strength_policy_id",
        "authenticationStrength",
        IdIn,
    ),
];

/// The object that a resource describes; `None` for a resource that is not read.
pub(super) fn object(resource: &str, values: &Value) -> Option<Object> {
    let (kind, body) = match resource {
        "azuread_conditional_access_policy" => (Kind::Policy, policy(values)),
        "azuread_named_location" => (Kind::NamedLocation, location(values)),
        "azuread_authentication_strength_policy" => {
            (Kind::AuthenticationStrength, strength(values))
        }
        "azuread_group" | "azuread_group_without_members" => (Kind::Group, group(values)),
        "azuread_group_member" => (
            Kind::GroupMember,
            json!({
                "groupId": id_of(&values["group_object_id"]),
                "memberId": id_of(&values["member_object_id"]),
            }),
        ),
        "azuread_directory_role_assignment" => (Kind::RoleAssignment, assignment(values)),
        _ => return None,
    };
    let id = match kind {
        // Its id is made of both ends.
        Kind::GroupMember => None,
        _ => known_text(values, "object_id").or(known_text(values, "id")),
    };
    let id = id.map(|id| last_segment(id).to_owned());
    let mut body = body;
    if let (Some(id), Some(map)) = (&id, body.as_object_mut()) {
        map.insert("id".to_owned(), Value::from(id.clone()));
    }
    Some(Object {
        kind,
        id,
        name: known_text(values, "display_name").map(str::to_owned),
        body,
        sent: Sent::Whole,
    })
}

fn policy(values: &Value) -> Value {
    let part = |name, rules| block(&values[name]).map(|block| map(block, rules));
    json!({
        "displayName": values["display_name"],
        "state": values["state"],
        "conditions": part("conditions", CONDITIONS).unwrap_or_else(|| json!({})),
        "grantControls": part("grant_controls", GRANT),
        "sessionControls": block(&values["session_controls"]).map_or(Value::Null, session),
    })
}

fn map(values: &Value, rules: &[Rule]) -> Value {
    if is_unknown(values) {
        return values.clone();
    }
    let mut mapped = Map::new();
    for Rule(from, to, how) in rules {
        let value = &values[from];
        let value = match how {
            Same => Some(value.clone()).filter(is_set),
            List => list(value).map(Value::Array),
            Ids => list(value).map(|items| items.iter().map(id_of).collect()),
            Flags => flags(value),
            FlagsIn(name) => flags(value).map(|flags| json!({ *name: flags })),
            IdIn => Some(value)
                .filter(|id| is_set(id))
                .map(|id| json!({ "id": id_of(id) })),
            Block(rules) => block(value).map(|block| map(block, rules)),
        };
        if let Some(value) = value {
            mapped.insert((*to).to_owned(), value);
        }
    }
    Value::Object(mapped)
}

/// The session controls that take effect, as the provider sends them: a block without any is null.
fn session(values: &Value) -> Value {
    if is_unknown(values) {
        return values.clone();
    }
    let set = |name: &str| Some(&values[name]).filter(|value| is_set(value));
    let on =
        |name: &str| Some(&values[name]).filter(|v| v.as_bool() == Some(true) || is_unknown(v));
    let mut controls = Map::new();
    let mut put = |name: &str, value: Value| {
        controls.insert(name.to_owned(), value);
    };
    if let Some(kind) = set("cloud_app_security_policy") {
        put(
            "cloudAppSecurity",
            json!({"isEnabled": true, "cloudAppSecurityType": kind}),
        );
    }
    if let Some(mode) = set("persistent_browser_mode") {
        put(
            "persistentBrowser",
            json!({"isEnabled": true, "mode": mode}),
        );
    }
    let count = set("sign_in_frequency").filter(|count| count.as_f64() != Some(0.0));
    let interval = set("sign_in_frequency_interval");
    let kind = set("sign_in_frequency_authentication_type");
    let every_time = interval.is_some_and(|interval| interval == "everyTime");
    // The service fills in the last two by itself; without a number they say nothing.
    let secondary = kind.is_some_and(|kind| kind == "secondaryAuthentication");
    if count.is_some() || every_time || interval.is_some_and(is_unknown) || secondary {
        let default = |value: Option<&Value>, text: &str| value.map_or(json!(text), Value::clone);
        put(
            "signInFrequency",
            json!({
                "isEnabled": true,
                "value": count,
                "type": count.and(set("sign_in_frequency_period")),
                "authenticationType": default(kind, "primaryAndSecondaryAuthentication"),
                "frequencyInterval": default(interval, "timeBased"),
            }),
        );
    }
    // Graph does not take these two beside "every time", and the provider leaves them out.
    if !every_time {
        if let Some(enabled) = on("application_enforced_restrictions_enabled") {
            put(
                "applicationEnforcedRestrictions",
                json!({"isEnabled": enabled}),
            );
        }
        if let Some(disabled) = on("disable_resilience_defaults") {
            put("disableResilienceDefaults", disabled.clone());
        }
    }
    if controls.is_empty() {
        Value::Null
    } else {
        Value::Object(controls)
    }
}

fn is_unknown(value: &Value) -> bool {
    value == KNOWN_AFTER_APPLY
}

/// Terraform's plugin framework writes a text that is not set as null or as empty.
fn is_set(value: &Value) -> bool {
    !value.is_null() && value != ""
}

/// A list without the gaps; one that is unknown as a whole has one unknown element.
fn list(value: &Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(items) => Some(items.iter().filter(|i| !i.is_null()).cloned().collect()),
        Value::Null => None,
        one => Some(vec![one.clone()]).filter(|_| is_set(one)),
    }
}

/// The content of a nested block: `[]`, `[null]` and null are no block.
fn block(value: &Value) -> Option<&Value> {
    match value {
        Value::Array(items) => items.iter().find(|item| !item.is_null()),
        Value::Null => None,
        one => Some(one),
    }
}

fn flags(value: &Value) -> Option<Value> {
    let items = list(value)?;
    let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
    (!texts.is_empty()).then(|| json!(texts.join(",")))
}

fn id_of(value: &Value) -> Value {
    match value.as_str() {
        // A path is an id of the provider; an Office 365 or user action token never starts so.
        Some(text) if text.starts_with('/') => json!(last_segment(text)),
        _ => value.clone(),
    }
}
