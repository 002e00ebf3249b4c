//! Reads a policy from Graph's JSON: v1.0 or beta, exported, hand-written, or mapped from Terraform.
//!
//! Absent, `null`, `[]` and an object whose members are all empty mean the same, *any*; keys with `@` or `#`
//! are annotations; keys, ids and tokens are compared without regard to letter case, since exports vary.

mod controls;

use serde_json::{Map, Value};

use super::{
    AppFilter, ClientApps, DeviceFilter, FilterMode, Guests, Levels, Locations, Platforms, Policy,
    Resources, State, Target, Tenants, UserSet, Users,
};
use crate::{
    device_filter::DeviceRule,
    sign_in::{ClientApp, Flow, InsiderRisk, Platform, Risk},
};

/// The policy that a JSON object describes.
///
/// Never fails: what is not understood is *unknown* in the policy, by name. A value that is no object has
/// nothing but unknowns.
pub fn read(raw: &Value) -> Policy {
    let top = Object::new(raw);
    let mut unknown = Vec::new();
    let id = top.text("id");
    let name = top.text("displayName");
    let label = |first: Option<String>, second: Option<String>| {
        first
            .or(second)
            .unwrap_or_else(|| "(policy without id and name)".to_owned())
    };
    let conditions = Object::of(top.get("conditions"));
    if top
        .get("conditions")
        .is_some_and(|value| !value.is_object())
    {
        unknown.push("conditions".to_owned());
    }
    let read = Conditions::read(&conditions, &mut unknown);
    let microsoft_managed = name
        .as_deref()
        .is_some_and(|name| name.to_lowercase().starts_with("microsoft-managed"));
    Policy {
        id: label(id.clone(), name.clone()),
        name: label(name, id),
        state: state(&top),
        users: read.users,
        target: read.target,
        client_apps: read.client_apps,
        platforms: read.platforms,
        locations: read.locations,
        sign_in_risk: read.sign_in_risk,
        user_risk: read.user_risk,
        insider_risk: read.insider_risk,
        device: read.device,
        flows: read.flows,
        unknown,
        left_out: Vec::new(),
        grant: top.get("grantControls").and_then(controls::grant),
        session: top
            .get("sessionControls")
            .map(controls::session)
            .unwrap_or_default(),
        microsoft_managed,
    }
}

/// An object whose keys are found in any letter case, annotations left out.
struct Object<'a>(Option<&'a Map<String, Value>>);

impl<'a> Object<'a> {
    fn new(value: &'a Value) -> Self {
        Self(value.as_object())
    }

    fn of(value: Option<&'a Value>) -> Self {
        Self(value.and_then(Value::as_object))
    }

    fn entries(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.0
            .into_iter()
            .flatten()
            .filter(|(key, value)| !key.contains(['@', '#']) && !is_blank(value))
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.entries()
            .find(|(own, _)| own.eq_ignore_ascii_case(key))
            .map(|(_, value)| value)
    }

    fn text(&self, key: &str) -> Option<String> {
        self.get(key)
            .and_then(Value::as_str)
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
    }

    /// A list of words: a list of texts, one text, or a comma list (flag enums are written so).
    fn words(&self, key: &str) -> Vec<String> {
        match self.get(key) {
            Some(Value::Array(items)) => items.iter().map(word).collect(),
            Some(Value::String(text)) => text
                .split(',')
                .map(|part| part.trim().to_owned())
                .filter(|part| !part.is_empty())
                .collect(),
            Some(other) => vec![word(other)],
            None => Vec::new(),
        }
    }

    /// A list of ids, which may hold commas.
    fn ids(&self, key: &str) -> Vec<String> {
        match self.get(key) {
            Some(Value::Array(items)) => items.iter().map(word).collect(),
            Some(other) => vec![word(other)],
            None => Vec::new(),
        }
    }

    fn switched_on(&self, key: &str) -> bool {
        match self.get(key) {
            Some(Value::Object(_)) => {
                Self::of(self.get(key)).get("isEnabled") != Some(&Value::Bool(false))
            }
            Some(Value::Bool(on)) => *on,
            other => other.is_some(),
        }
    }

    /// Adds the path of every entry that is not in `known`.
    fn others(&self, known: &[&str], at: &str, unknown: &mut Vec<String>) {
        unknown.extend(
            self.entries()
                .filter(|(key, _)| !known.iter().any(|k| k.eq_ignore_ascii_case(key)))
                .map(|(key, _)| {
                    if at.is_empty() {
                        key.clone()
                    } else {
                        format!("{at}.{key}")
                    }
                }),
        );
    }
}

/// Whether a value configures nothing.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().all(Value::is_null),
        Value::Object(map) => map
            .iter()
            .all(|(key, value)| key.contains(['@', '#']) || is_blank(value)),
        Value::String(text) => text.trim().is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn word(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), |text| text.trim().to_owned())
}

fn state(top: &Object<'_>) -> State {
    let state = match top.text("state") {
        // A template without a state is judged as what it would be when it is switched on.
        None => State::Unknown("(no state)".to_owned()),
        Some(state) => match state.to_lowercase().as_str() {
            "enabled" => State::Enabled,
            "disabled" => State::Disabled,
            "enabledforreportingbutnotenforced" => State::ReportOnly,
            _ => State::Unknown(state),
        },
    };
    if state == State::Enabled && top.get("partialEnablementStrategy").is_some() {
        return State::Unknown("enabled, in a phased roll-out".to_owned());
    }
    state
}

struct Conditions {
    users: Users,
    target: Target,
    client_apps: Option<ClientApps>,
    platforms: Option<Platforms>,
    locations: Option<Locations>,
    sign_in_risk: Option<Levels>,
    user_risk: Option<Levels>,
    insider_risk: Option<Levels>,
    device: Option<DeviceFilter>,
    flows: Option<Levels>,
}

/// Conditions that stand for service principals and agents; a policy that has one never meets a user
/// (Microsoft: *Conditional Access for workload identities*, and for agents).
const WORKLOADS: [&str; 5] = [
    "clientApplications",
    "agents",
    "agentContext",
    "agentIdRiskLevels",
    "servicePrincipalRiskLevels",
];

impl Conditions {
    fn read(conditions: &Object<'_>, unknown: &mut Vec<String>) -> Self {
        conditions.others(
            &[
                "users",
                "applications",
                "clientAppTypes",
                "platforms",
                "locations",
                "signInRiskLevels",
                "userRiskLevels",
                "insiderRiskLevels",
                "devices",
                "authenticationFlows",
                WORKLOADS[0],
                WORKLOADS[1],
                WORKLOADS[2],
                WORKLOADS[3],
                WORKLOADS[4],
            ],
            "",
            unknown,
        );
        // A block that is no object, such as one that is only known after a plan is applied, may say anything.
        for key in [
            "users",
            "applications",
            "platforms",
            "locations",
            "devices",
            "authenticationFlows",
        ] {
            if conditions.get(key).is_some_and(|value| !value.is_object()) {
                unknown.push(key.to_owned());
            }
        }
        let devices = Object::of(conditions.get("devices"));
        devices.others(&["deviceFilter"], "devices", unknown);
        Object::of(devices.get("deviceFilter")).others(
            &["mode", "rule"],
            "devices.deviceFilter",
            unknown,
        );
        let flows = Object::of(conditions.get("authenticationFlows"));
        flows.others(&["transferMethods"], "authenticationFlows", unknown);
        let mut users = users(&Object::of(conditions.get("users")), unknown);
        users.workloads_only = WORKLOADS.iter().any(|key| conditions.get(key).is_some());
        Self {
            users,
            target: target(&Object::of(conditions.get("applications")), unknown),
            client_apps: client_apps(&conditions.words("clientAppTypes")),
            platforms: platforms(&Object::of(conditions.get("platforms")), unknown),
            locations: locations(&Object::of(conditions.get("locations")), unknown),
            sign_in_risk: levels(&conditions.words("signInRiskLevels"), |w| {
                Risk::from_word(w).map(Risk::bit)
            }),
            user_risk: levels(&conditions.words("userRiskLevels"), |w| {
                Risk::from_word(w).map(Risk::bit)
            }),
            insider_risk: levels(&conditions.words("insiderRiskLevels"), |w| {
                InsiderRisk::from_word(w).map(InsiderRisk::bit)
            }),
            device: devices.get("deviceFilter").map(device_filter),
            flows: levels(&flows.words("transferMethods"), |w| {
                Flow::from_word(w).map(Flow::bit)
            })
            // `none` alone says that no flow is chosen.
            .filter(|levels| levels.unknown || levels.mask != Flow::None.bit())
            .map(|levels| Levels {
                mask: levels.mask & !Flow::None.bit(),
                ..levels
            }),
        }
    }
}

fn users(users: &Object<'_>, unknown: &mut Vec<String>) -> Users {
    users.others(
        &[
            "includeUsers",
            "excludeUsers",
            "includeGroups",
            "excludeGroups",
            "includeRoles",
            "excludeRoles",
            "includeGuestsOrExternalUsers",
            "excludeGuestsOrExternalUsers",
        ],
        "users",
        unknown,
    );
    for side in [
        "includeGuestsOrExternalUsers",
        "excludeGuestsOrExternalUsers",
    ] {
        let guests = Object::of(users.get(side));
        guests.others(
            &["guestOrExternalUserTypes", "externalTenants"],
            &format!("users.{side}"),
            unknown,
        );
        Object::of(guests.get("externalTenants")).others(
            &["membershipKind", "members"],
            &format!("users.{side}.externalTenants"),
            unknown,
        );
    }
    Users {
        include: user_set(users, "include"),
        exclude: user_set(users, "exclude"),
        workloads_only: false,
    }
}

fn user_set(users: &Object<'_>, side: &str) -> UserSet {
    let mut set = UserSet {
        groups: users.ids(&format!("{side}Groups")),
        roles: users.ids(&format!("{side}Roles")),
        guests: users
            .get(&format!("{side}GuestsOrExternalUsers"))
            .map(self::guests),
        ..UserSet::default()
    };
    for id in users.ids(&format!("{side}Users")) {
        match id.to_lowercase().as_str() {
            "all" => set.all = true,
            "none" => set.none = true,
            "guestsorexternalusers" => set.any_guest = true,
            _ => set.users.push(id),
        }
    }
    set
}

fn guests(value: &Value) -> Guests {
    let guests = Object::new(value);
    let Some(external) = guests.get("externalTenants") else {
        return Guests {
            // A block that is no object may stand for any kind of guest.
            types: if value.is_object() {
                guests.words("guestOrExternalUserTypes")
            } else {
                vec![word(value)]
            },
            tenants: if value.is_object() {
                Tenants::All
            } else {
                Tenants::Unknown
            },
        };
    };
    let tenants = Object::new(external);
    let kind = tenants
        .text("membershipKind")
        .map(|kind| kind.to_lowercase());
    Guests {
        types: guests.words("guestOrExternalUserTypes"),
        tenants: match kind.as_deref() {
            Some("enumerated") => Tenants::Listed(tenants.ids("members")),
            Some("all") => Tenants::All,
            None if external.is_object() && tenants.get("members").is_none() => Tenants::All,
            _ => Tenants::Unknown,
        },
    }
}

fn target(applications: &Object<'_>, unknown: &mut Vec<String>) -> Target {
    applications.others(
        &[
            "includeApplications",
            "excludeApplications",
            "includeUserActions",
            "includeAuthenticationContextClassReferences",
            "applicationFilter",
        ],
        "applications",
        unknown,
    );
    Object::of(applications.get("applicationFilter")).others(
        &["mode", "rule"],
        "applications.applicationFilter",
        unknown,
    );
    let actions = applications.ids("includeUserActions");
    if !actions.is_empty() {
        return Target::UserActions(actions);
    }
    let contexts = applications.ids("includeAuthenticationContextClassReferences");
    if !contexts.is_empty() {
        return Target::Contexts(contexts);
    }
    let resources = Resources {
        include: applications.ids("includeApplications"),
        exclude: applications.ids("excludeApplications"),
        filter: applications.get("applicationFilter").map(|filter| {
            let filter = Object::new(filter);
            AppFilter {
                mode: mode(&filter),
                rule: filter.text("rule").unwrap_or_default(),
            }
        }),
    };
    // Something is left out, but of what is not said.
    let only_excludes = resources
        .filter
        .as_ref()
        .is_none_or(|filter| filter.mode != FilterMode::Include);
    if resources.include.is_empty() && only_excludes {
        return Target::Unknown;
    }
    Target::Resources(resources)
}

fn mode(filter: &Object<'_>) -> FilterMode {
    match filter
        .text("mode")
        .map(|mode| mode.to_lowercase())
        .as_deref()
    {
        Some("include") => FilterMode::Include,
        Some("exclude") => FilterMode::Exclude,
        _ => FilterMode::Unknown,
    }
}

fn client_apps(words: &[String]) -> Option<ClientApps> {
    if words.is_empty() || words.iter().any(|word| word.eq_ignore_ascii_case("all")) {
        return None;
    }
    let mut apps = ClientApps::default();
    for word in words {
        match ClientApp::from_word(word) {
            Some(app) => apps.mask |= app.bit(),
            None if word.eq_ignore_ascii_case("easSupported") => apps.supported_active_sync = true,
            None => apps.unknown = true,
        }
    }
    Some(apps)
}

fn platforms(platforms: &Object<'_>, unknown: &mut Vec<String>) -> Option<Platforms> {
    platforms.others(
        &["includePlatforms", "excludePlatforms"],
        "platforms",
        unknown,
    );
    let include = platforms.words("includePlatforms");
    let exclude = platforms.words("excludePlatforms");
    if include.is_empty() && exclude.is_empty() {
        return None;
    }
    let mask = |words: &[String]| {
        words.iter().fold((0u8, false), |(mask, odd), word| {
            if word.eq_ignore_ascii_case("all") {
                return (u8::MAX, odd);
            }
            match Platform::from_word(word) {
                // `unknown` is our word for what no list can name.
                Some(platform) if platform != Platform::Unknown => (mask | platform.bit(), odd),
                _ => (mask, true),
            }
        })
    };
    let (mut included, include_unknown) = mask(&include);
    let (excluded, exclude_unknown) = mask(&exclude);
    if include.is_empty() {
        included = u8::MAX;
    }
    Some(Platforms {
        include: included,
        exclude: excluded,
        include_unknown,
        exclude_unknown,
    })
}

fn locations(locations: &Object<'_>, unknown: &mut Vec<String>) -> Option<Locations> {
    locations.others(
        &["includeLocations", "excludeLocations"],
        "locations",
        unknown,
    );
    let mut include = locations.ids("includeLocations");
    let exclude = locations.ids("excludeLocations");
    if include.is_empty() && exclude.is_empty() {
        return None;
    }
    if include.is_empty() {
        include.push("All".to_owned());
    }
    Some(Locations { include, exclude })
}

fn levels(words: &[String], bit: impl Fn(&str) -> Option<u8>) -> Option<Levels> {
    if words.is_empty() {
        return None;
    }
    Some(
        words
            .iter()
            .fold(Levels::default(), |levels, word| match bit(word) {
                Some(bit) => Levels {
                    mask: levels.mask | bit,
                    ..levels
                },
                None => Levels {
                    unknown: true,
                    ..levels
                },
            }),
    )
}

fn device_filter(value: &Value) -> DeviceFilter {
    let filter = Object::new(value);
    let text = filter.text("rule").unwrap_or_default();
    DeviceFilter {
        mode: mode(&filter),
        rule: DeviceRule::parse(&text).map_err(|error| error.to_string()),
        text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::policy::{Control, Frequency};

    #[test]
    fn nothing_configured_means_any_in_every_spelling() {
        let policy = read(&json!({
            "id": "p", "state": "enabled",
            "conditions": {
                "users": {"includeUsers": ["all"], "users@odata.context": "x"},
                "applications": {"includeApplications": ["All"]},
                "clientAppTypes": [], "platforms": null, "locations": {"includeLocations": []},
                "times": null, "devices": {"deviceFilter": null}, "signInRiskLevels": []
            }
        }));
        assert!(policy.users.include.all);
        assert_eq!(policy.client_apps, None);
        assert_eq!(policy.platforms, None);
        assert_eq!(policy.locations, None);
        assert_eq!(policy.device, None);
        assert_eq!(policy.unknown, Vec::<String>::new());
        assert_eq!(policy.name, "p");
    }

    #[test]
    fn what_is_not_known_is_named() {
        let policy = read(&json!({
            "id": "p", "state": "enabled",
            "conditions": {
                "times": {"includedRanges": ["x"]},
                "applications": {"networkAccess": {"includeTrafficProfiles": "m365"}},
                "clientAppTypes": ["unknownFutureValue"]
            },
            "grantControls": {"operator": "AND", "builtInControls": ["mfa", "compliantNetwork"]},
            "sessionControls": {"blockSensitiveActions": {"isEnabled": true}}
        }));
        assert_eq!(policy.unknown, ["times", "applications.networkAccess"]);
        assert_eq!(policy.target, Target::Unknown);
        assert!(policy.client_apps.unwrap().unknown);
        let grant = policy.grant.unwrap();
        assert_eq!(
            grant.controls,
            [Control::Mfa, Control::Unknown("compliantNetwork".into())]
        );
        assert_eq!(policy.session.unknown, ["blockSensitiveActions"]);
    }

    #[test]
    fn odd_spellings_of_real_exports() {
        let policy = read(&json!({
            "displayName": "Template", "state": "enabledForReportingButNotEnforced",
            "conditions": {"authenticationFlows": {"transferMethods": ["deviceCodeFlow"]},
                           "insiderRiskLevels": "moderate,elevated"},
            "GrantControls": {"operator": "OR", "builtInControls": ["Block"]},
            "sessionControls": {"disableResilienceDefaults": false,
                                "signInFrequency": {"isEnabled": true, "type": "days", "value": 2}}
        }));
        assert_eq!(policy.id, "Template");
        assert!(policy.blocks());
        assert_eq!(policy.flows.unwrap().mask, Flow::DeviceCode.bit());
        assert_eq!(policy.insider_risk.unwrap().mask, 0b1100);
        assert!(!policy.session.no_resilience);
        assert_eq!(policy.session.frequency, Some(Frequency::Hours(48)));
    }
}
