//! What the service refuses of policies and named locations.
//!
//! Messages begin with a number where one is documented; for the others Microsoft documents no number, and none is
//! invented here.

use serde_json::Value;

use super::{
    context::{Object, is, items, same, text},
    templates,
};
use crate::{State, graph::Version, lab::ApiError};

/// What a check depends on besides the policy.
pub(super) struct Rule {
    pub(super) version: Version,
}

/// 400 with a numbered message.
pub(super) fn numbered(number: u16, message: &str) -> ApiError {
    ApiError::new(400, "BadRequest", format!("{number}: {message}"))
}

/// 400 without a number.
pub(super) fn refused(message: &str) -> ApiError {
    ApiError::new(400, "BadRequest", message)
}

fn schema(what: &str) -> ApiError {
    numbered(
        1007,
        &format!(
            "Incoming ConditionalAccessPolicy object is null or does not match the schema of \
                  ConditionalAccessPolicy type: {what}."
        ),
    )
}

const TOP: &[&str] = &[
    "id",
    "templateId",
    "displayName",
    "description",
    "createdDateTime",
    "modifiedDateTime",
    "deletedDateTime",
    "state",
    "conditions",
    "grantControls",
    "sessionControls",
    "partialEnablementStrategy",
];
const CONDITIONS: &[&str] = &[
    "users",
    "applications",
    "clientAppTypes",
    "platforms",
    "locations",
    "devices",
    "clientApplications",
    "authenticationFlows",
    "signInRiskLevels",
    "userRiskLevels",
    "servicePrincipalRiskLevels",
    "insiderRiskLevels",
];
const BETA_CONDITIONS: &[&str] = &["deviceStates", "times", "agentIdRiskLevels", "clients"];
const USERS: &[&str] = &[
    "includeUsers",
    "excludeUsers",
    "includeGroups",
    "excludeGroups",
    "includeRoles",
    "excludeRoles",
    "includeGuestsOrExternalUsers",
    "excludeGuestsOrExternalUsers",
];
const APPLICATIONS: &[&str] = &[
    "includeApplications",
    "excludeApplications",
    "includeUserActions",
    "includeAuthenticationContextClassReferences",
    "applicationFilter",
];
const BETA_APPLICATIONS: &[&str] = &["globalSecureAccess", "networkAccess"];
const GRANT: &[&str] = &[
    "operator",
    "builtInControls",
    "customAuthenticationFactors",
    "termsOfUse",
    "authenticationStrength",
];
const SESSION: &[&str] = &[
    "applicationEnforcedRestrictions",
    "cloudAppSecurity",
    "signInFrequency",
    "persistentBrowser",
    "disableResilienceDefaults",
    "secureSignInSession",
];
const BETA_SESSION: &[&str] = &[
    "continuousAccessEvaluation",
    "globalSecureAccessFilteringProfile",
];
const STATES: &[&str] = &["enabled", "disabled", "enabledForReportingButNotEnforced"];
const CONTROLS: &[&str] = &[
    "block",
    "mfa",
    "compliantDevice",
    "domainJoinedDevice",
    "approvedApplication",
    "compliantApplication",
    "passwordChange",
    "riskRemediation",
];
const CLIENTS: &[&str] = &[
    "all",
    "browser",
    "mobileAppsAndDesktopClients",
    "exchangeActiveSync",
    "easSupported",
    "other",
];
const PLATFORMS: &[&str] = &[
    "android",
    "iOS",
    "windows",
    "windowsPhone",
    "macOS",
    "linux",
    "all",
];
/// The word for guests of every type.
const ALL_GUESTS: &str = "GuestsOrExternalUsers";
const RISKS: &[&str] = &["low", "medium", "high", "hidden", "none"];

/// Whether every name at the top of a change is one of a policy.
pub(super) fn names(change: &Value) -> Result<(), ApiError> {
    keys(change, &[TOP], "the policy")
}

/// Judges a whole policy.
pub(super) fn policy(
    state: &State,
    policy: &Value,
    old: Option<&Value>,
    rule: &Rule,
) -> Result<(), ApiError> {
    keys(policy, &[TOP], "the policy")?;
    if text(policy, "displayName").is_empty() {
        return Err(schema("displayName is missing"));
    }
    one_of(policy.get("state"), STATES, "state")?;
    let beta = rule.version == Version::Beta;
    let none = Value::Null;
    let conditions = policy.get("conditions").unwrap_or(&none);
    // What a policy of beta already carries may stay there, so its extra names are known either way.
    keys(conditions, &[CONDITIONS, BETA_CONDITIONS], "conditions")?;
    if !beta
        && BETA_CONDITIONS
            .iter()
            .any(|name| old.is_none() && set(conditions.get(*name)))
    {
        return Err(schema("conditions has a property of beta"));
    }
    device_states(conditions, old)?;
    many_of(conditions, "clientAppTypes", CLIENTS)?;
    if items(conditions, "clientAppTypes").is_empty() {
        return Err(schema("clientAppTypes must not be null or empty"));
    }
    for name in [
        "signInRiskLevels",
        "userRiskLevels",
        "servicePrincipalRiskLevels",
    ] {
        many_of(conditions, name, RISKS)?;
    }
    if let Some(platforms) = conditions.get("platforms").filter(|value| !value.is_null()) {
        for name in ["includePlatforms", "excludePlatforms"] {
            many_of(platforms, name, PLATFORMS)?;
        }
    }
    let workload = conditions
        .get("clientApplications")
        .is_some_and(|own| !items(own, "includeServicePrincipals").is_empty());
    let before = old
        .and_then(|old| old.pointer("/conditions/users"))
        .unwrap_or(&none);
    let own = conditions.get("users").unwrap_or(&none);
    users(state, own, workload)?;
    roles(state, own, before)?;
    applications(conditions.get("applications").unwrap_or(&none))?;
    locations(state, conditions.get("locations").unwrap_or(&none))?;
    controls(state, policy)?;
    let on = text(policy, "state") != "disabled"
        && old.is_none_or(|old| text(old, "state") == "disabled");
    let defaults = state
        .table("identitySecurityDefaultsEnforcementPolicy")
        .all()
        .any(|policy| is(policy, "isEnabled"));
    if on && defaults {
        return Err(refused(
            "Security Defaults is enabled in the tenant. You must disable Security defaults before enabling a \
             Conditional Access policy.",
        ));
    }
    Ok(())
}

fn users(state: &State, users: &Value, workload: bool) -> Result<(), ApiError> {
    keys(users, &[USERS], "users")?;
    let included = ["includeUsers", "includeGroups", "includeRoles"]
        .iter()
        .any(|list| !items(users, list).is_empty());
    if !included && !set(users.get("includeGuestsOrExternalUsers")) && !workload {
        return Err(schema("the policy must include users"));
    }
    let unknown = |table: &str, id: &str| {
        !state.unknown.contains(table) && state.table(table).get(id).is_none()
    };
    for list in ["includeGroups", "excludeGroups"] {
        for id in strings(users, list) {
            if unknown("groups", id) {
                return Err(numbered(1054, &format!("Invalid group value: {id}.")));
            }
        }
    }
    for list in ["includeUsers", "excludeUsers"] {
        for id in strings(users, list) {
            let word = ["All", "None", ALL_GUESTS].iter().any(|own| same(own, id));
            if !word && unknown("users", id) {
                return Err(refused(&format!("Invalid user value: {id}.")));
            }
        }
    }
    for side in ["include", "exclude"] {
        let token = strings(users, &format!("{side}Users")).any(|id| same(id, ALL_GUESTS));
        let object = set(users.get(format!("{side}GuestsOrExternalUsers")));
        if token && object {
            return Err(refused(&format!(
                "{side}Users: {ALL_GUESTS} cannot be combined with {side}GuestsOrExternalUsers."
            )));
        }
    }
    Ok(())
}

/// Refuses roles that are no templates of built-in ones. What the policy had before stays, since a tenant that is
/// served may know a role that the twin does not.
fn roles(state: &State, users: &Value, before: &Value) -> Result<(), ApiError> {
    for list in ["includeRoles", "excludeRoles"] {
        for id in strings(users, list) {
            let listed = state
                .table("roleDefinitions")
                .get(id)
                .map(|role| role.get("isBuiltIn").and_then(Value::as_bool) != Some(false));
            let had = strings(before, list).any(|own| same(own, id));
            if !listed.unwrap_or_else(|| had || templates::is_template(id)) {
                return Err(numbered(1103, &format!("Invalid role value: {id}.")));
            }
        }
    }
    Ok(())
}

/// Refuses the withdrawn condition on the state of devices, which an old policy may still have.
fn device_states(conditions: &Value, old: Option<&Value>) -> Result<(), ApiError> {
    let own = conditions.get("deviceStates");
    let before = old.and_then(|old| old.pointer("/conditions/deviceStates"));
    if !set(own) || own == before {
        return Ok(());
    }
    Err(if set(conditions.get("devices")) {
        numbered(1060, "deviceStates and devices cannot be used together.")
    } else {
        numbered(1088, "deviceStates is withdrawn. Use devices instead.")
    })
}

fn applications(applications: &Value) -> Result<(), ApiError> {
    keys(
        applications,
        &[APPLICATIONS, BETA_APPLICATIONS],
        "applications",
    )?;
    let full = |list: &str| !items(applications, list).is_empty();
    let kinds = [
        full("includeApplications") || set(applications.get("applicationFilter")),
        full("includeUserActions"),
        full("includeAuthenticationContextClassReferences"),
    ];
    match kinds.iter().filter(|kind| **kind).count() {
        0 if BETA_APPLICATIONS
            .iter()
            .any(|name| set(applications.get(*name))) =>
        {
            Ok(())
        }
        0 => Err(schema("the policy must include applications")),
        1 => Ok(()),
        _ => Err(numbered(
            1012,
            "Policy contains invalid applications: includeApplications, includeUserActions and \
             includeAuthenticationContextClassReferences exclude each other.",
        )),
    }
}

fn locations(state: &State, locations: &Value) -> Result<(), ApiError> {
    const MFA_TRUSTED: &str = "00000000-0000-0000-0000-000000000000";
    for list in ["includeLocations", "excludeLocations"] {
        for id in strings(locations, list) {
            let word = ["All", "AllTrusted", MFA_TRUSTED]
                .iter()
                .any(|own| same(own, id));
            if !word
                && !state.unknown.contains("namedLocations")
                && state.table("namedLocations").get(id).is_none()
            {
                return Err(refused(&format!("Invalid location value: {id}.")));
            }
        }
    }
    Ok(())
}

fn controls(state: &State, policy: &Value) -> Result<(), ApiError> {
    let none = Value::Null;
    let grant = policy.get("grantControls").unwrap_or(&none);
    let session = policy.get("sessionControls").unwrap_or(&none);
    if !grant.is_null() {
        let plain: Object = grant
            .as_object()
            .ok_or_else(|| schema("grantControls is not an object"))?
            .iter()
            .filter(|(name, _)| !name.contains('@'))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        keys(&Value::Object(plain), &[GRANT], "grantControls")?;
        if set(grant.get("operator")) {
            one_of(grant.get("operator"), &["AND", "OR"], "operator")?;
        }
        many_of(grant, "builtInControls", CONTROLS)?;
        let holds = |control: &str| strings(grant, "builtInControls").any(|own| same(own, control));
        let strength = grant
            .get("authenticationStrength")
            .filter(|strength| !strength.is_null());
        if strength.is_some() && holds("mfa") {
            return Err(refused(
                "The control mfa and an authentication strength exclude each other.",
            ));
        }
        let others = items(grant, "builtInControls").len() > 1 || strength.is_some();
        if holds("block") && others {
            return Err(refused(
                "The control block cannot be combined with another control.",
            ));
        }
        if let Some(strength) = strength {
            let id = text(strength, "id");
            if state
                .table("authenticationStrengthPolicies")
                .get(id)
                .is_none()
            {
                return Err(refused(&format!(
                    "Invalid authentication strength value: {id}."
                )));
            }
        }
    }
    if !session.is_null() {
        keys(session, &[SESSION, BETA_SESSION], "sessionControls")?;
        frequency(session.get("signInFrequency").unwrap_or(&none))?;
    }
    let grants = [
        "builtInControls",
        "customAuthenticationFactors",
        "termsOfUse",
    ]
    .iter()
    .any(|list| !items(grant, list).is_empty())
        || set(grant.get("authenticationStrength"));
    let sessions = session
        .as_object()
        .is_some_and(|session| session.values().any(|control| set(Some(control))));
    if grants || sessions {
        Ok(())
    } else {
        Err(schema("the policy must have a grant or session control"))
    }
}

fn frequency(frequency: &Value) -> Result<(), ApiError> {
    if frequency.is_null() || !is(frequency, "isEnabled") {
        return Ok(());
    }
    if same(text(frequency, "frequencyInterval"), "everyTime") {
        return if set(frequency.get("value")) || set(frequency.get("type")) {
            Err(schema(
                "a sign-in frequency of every time has neither value nor type",
            ))
        } else {
            Ok(())
        };
    }
    let most = match text(frequency, "type") {
        "hours" => 23,
        "days" => 365,
        other => {
            return Err(schema(&format!(
                "`{other}` is no type of sign-in frequency"
            )));
        }
    };
    let value = frequency
        .get("value")
        .and_then(Value::as_i64)
        .unwrap_or_default();
    if (1..=most).contains(&value) {
        Ok(())
    } else {
        Err(schema("the value of the sign-in frequency is out of range"))
    }
}

/// Whether Microsoft manages a policy.
pub(super) fn is_managed(policy: &Value) -> bool {
    set(policy.get("templateId")) && text(policy, "displayName").starts_with("Microsoft-managed:")
}

/// Of a policy that Microsoft manages only the state and the exclusions can be changed.
pub(super) fn managed(policy: &Value, change: &Value) -> Result<(), ApiError> {
    if !is_managed(policy) {
        return Ok(());
    }
    let none = Object::new();
    let conditions = change.get("conditions").unwrap_or(&Value::Null);
    let same_or =
        |name: &str, value: &Value, own: &Value| own.get(name).unwrap_or(&Value::Null) == value;
    let own = policy.get("conditions").unwrap_or(&Value::Null);
    let kept = change
        .as_object()
        .unwrap_or(&none)
        .iter()
        .all(|(name, value)| {
            name == "state" || name == "conditions" || same_or(name, value, policy)
        })
        && conditions
            .as_object()
            .unwrap_or(&none)
            .iter()
            .all(|(name, value)| name == "users" || same_or(name, value, own));
    let own_users = own.get("users").unwrap_or(&Value::Null);
    let users = conditions
        .get("users")
        .and_then(Value::as_object)
        .unwrap_or(&none);
    let kept = kept
        && users
            .iter()
            .all(|(name, value)| name.starts_with("exclude") || same_or(name, value, own_users));
    if kept {
        Ok(())
    } else {
        Err(refused(
            "Only the state and the exclusions of a policy that Microsoft manages can be changed.",
        ))
    }
}

/// Judges a named location, or a change of one.
pub(super) fn location(body: &Value, old: Option<&Value>) -> Result<(), ApiError> {
    let kind = text(body, "@odata.type");
    let known = matches!(
        kind,
        "#microsoft.graph.ipNamedLocation"
            | "#microsoft.graph.countryNamedLocation"
            | "#microsoft.graph.compliantNetworkNamedLocation"
    );
    if !known {
        return Err(refused(
            "The property '@odata.type' must name a type of named location.",
        ));
    }
    if old.is_some_and(|old| !same(text(old, "@odata.type"), kind)) {
        return Err(refused("The type of a named location cannot be changed."));
    }
    let new = old.is_none();
    if (new || body.get("displayName").is_some()) && text(body, "displayName").is_empty() {
        return Err(refused("The property 'displayName' is required."));
    }
    if kind.ends_with("countryNamedLocation") {
        let countries = items(body, "countriesAndRegions");
        let fits = |code: &Value| code.as_str().is_some_and(|code| code.len() == 2);
        let missing = new && countries.is_empty() && !is(body, "includeUnknownCountriesAndRegions");
        if missing || !countries.iter().all(fits) {
            return Err(refused(
                "The property 'countriesAndRegions' must hold two-letter codes.",
            ));
        }
    }
    if kind.ends_with("ipNamedLocation") {
        if new && items(body, "ipRanges").is_empty() {
            return Err(refused("The property 'ipRanges' must not be empty."));
        }
        for range in items(body, "ipRanges") {
            let cidr = text(range, "cidrAddress");
            let lower = text(range, "lowerAddress");
            let address = if cidr.is_empty() {
                lower
            } else {
                cidr.split('/').next().unwrap_or_default()
            };
            if address.parse::<std::net::IpAddr>().is_err() {
                return Err(refused(&format!(
                    "'{cidr}{lower}' is not an address range."
                )));
            }
        }
    }
    Ok(())
}

fn set(value: Option<&Value>) -> bool {
    value.is_some_and(|value| !value.is_null())
}

fn strings<'v>(value: &'v Value, list: &str) -> impl Iterator<Item = &'v str> {
    items(value, list).iter().filter_map(Value::as_str)
}

fn keys(value: &Value, known: &[&[&str]], of: &str) -> Result<(), ApiError> {
    let Some(object) = value.as_object() else {
        return if value.is_null() {
            Ok(())
        } else {
            Err(schema(&format!("{of} is not an object")))
        };
    };
    for name in object.keys() {
        if !name.contains('@') && !known.iter().any(|list| list.contains(&name.as_str())) {
            return Err(schema(&format!("`{name}` is no property of {of}")));
        }
    }
    Ok(())
}

fn one_of(value: Option<&Value>, known: &[&str], name: &str) -> Result<(), ApiError> {
    let given = value.and_then(Value::as_str).unwrap_or_default();
    if known.iter().any(|own| same(own, given)) {
        Ok(())
    } else {
        Err(schema(&format!("`{given}` is no value of {name}")))
    }
}

fn many_of(value: &Value, list: &str, known: &[&str]) -> Result<(), ApiError> {
    for item in items(value, list) {
        one_of(Some(item), known, list)?;
    }
    Ok(())
}
