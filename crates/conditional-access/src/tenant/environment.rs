//! The environment of a policy set: locations, strengths, names, attributes.

use std::{
    collections::{BTreeMap, HashSet},
    net::IpAddr,
};

use breakglass_model::TenantSnapshot;
use ipnet::IpNet;
use serde_json::Value;

use super::{is_off, key::Key, strengths};
use crate::{
    Environment, Policy,
    change::KNOWN_AFTER_APPLY,
    environment::{Location, LocationKind},
    identity::fold,
    policy::Target,
};

/// The location of the compliant network, the same in every tenant.
const COMPLIANT_NETWORK: &str = "3d46dbda-8382-466a-856d-eb00cbc6b910";

/// Well-known built-in roles: template id, name (Microsoft: *Microsoft Entra built-in roles*).
const ROLES: [(&str, &str); 15] = [
    (
        "62e90394-69f5-4237-9190-012177145e10",
        "Global Administrator",
    ),
    (
        "e8611ab8-c189-46e8-94e1-60213ab1f814",
        "Privileged Role Administrator",
    ),
    (
        "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
        "Privileged Authentication Administrator",
    ),
    (
        "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9",
        "Conditional Access Administrator",
    ),
    (
        "194ae4cb-b126-40b2-bd5b-6091b380977d",
        "Security Administrator",
    ),
    (
        "c4e39bd9-1100-46d3-8c65-fb160da0071f",
        "Authentication Administrator",
    ),
    (
        "0526716b-113d-4c15-b2c8-68e3c22b9f80",
        "Authentication Policy Administrator",
    ),
    ("fe930be7-5e62-47db-91af-98c3a49a38b1", "User Administrator"),
    (
        "729827e3-9c14-49f7-bb1b-9608f156bbb8",
        "Helpdesk Administrator",
    ),
    (
        "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
        "Application Administrator",
    ),
    (
        "158c047a-c907-4556-b7ef-446551a6b5f7",
        "Cloud Application Administrator",
    ),
    (
        "29232cdf-9323-42fd-ade2-1d097af3e4de",
        "Exchange Administrator",
    ),
    (
        "f28a1f50-f6e7-4571-818b-6a12f2af6b6c",
        "SharePoint Administrator",
    ),
    (
        "b0f54661-2d74-4c50-afa3-1ec803f12efe",
        "Billing Administrator",
    ),
    (
        "966707d0-3269-4727-9be2-8c3a10f19b9d",
        "Password Administrator",
    ),
];

/// The objects of a collection that the snapshot keeps whole.
pub(super) fn list<'a>(snapshot: &'a TenantSnapshot, name: &str) -> &'a [Value] {
    snapshot.other.get(name).map_or(&[], Vec::as_slice)
}

/// A text property that is not empty.
pub(super) fn text<'a>(raw: &'a Value, key: &str) -> Option<&'a str> {
    raw.get(key)
        .and_then(Value::as_str)
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

/// A list of texts.
pub(super) fn texts<'a>(raw: &'a Value, key: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    raw.get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// The display name, or the id.
pub(super) fn label(raw: &Value, id: &str) -> String {
    text(raw, "displayName").unwrap_or(id).to_owned()
}

/// Reads everything that policies refer to.
pub(super) fn read(
    snapshot: &TenantSnapshot,
    policies: &[Policy],
    assumptions: &mut Vec<String>,
) -> Environment {
    let mut environment = Environment {
        locations: locations(snapshot),
        locations_unread: !snapshot.other.contains_key("namedLocations"),
        object_names: names(snapshot, policies),
        ..Environment::default()
    };
    strengths::read(snapshot, policies, &mut environment.strengths, assumptions);
    let defaults = list(snapshot, "identitySecurityDefaultsEnforcementPolicy")
        .iter()
        .find_map(|policy| policy.get("isEnabled")?.as_bool());
    environment.security_defaults = defaults == Some(true);
    if defaults.is_none() && policies.iter().all(is_off) {
        assumptions.push(
            "security defaults are taken to be off: their policy is not in the input".to_owned(),
        );
    }
    for raw in ["applications", "servicePrincipals"]
        .iter()
        .flat_map(|name| list(snapshot, name))
    {
        if let (Some(app), Some(name)) = (text(raw, "appId"), text(raw, "displayName")) {
            environment.app_names.insert(fold(app), name.to_owned());
        }
    }
    let filters = policies.iter().any(|policy| {
        matches!(&policy.target, Target::Resources(resources) if resources.filter.is_some())
    });
    if filters {
        environment.app_attributes = attributes(snapshot);
    }
    environment
}

fn locations(snapshot: &TenantSnapshot) -> Vec<Location> {
    let mut locations: Vec<Location> = list(snapshot, "namedLocations")
        .iter()
        .filter_map(|raw| {
            let id = text(raw, "id")?;
            Some(Location {
                id: id.to_owned(),
                name: label(raw, id),
                kind: location_kind(raw),
            })
        })
        .collect();
    if !locations
        .iter()
        .any(|location| fold(&location.id) == COMPLIANT_NETWORK)
    {
        locations.push(Location {
            id: COMPLIANT_NETWORK.to_owned(),
            name: "All Compliant Network locations".to_owned(),
            kind: LocationKind::CompliantNetwork,
        });
    }
    locations
}

fn location_kind(raw: &Value) -> LocationKind {
    let declared = text(raw, "@odata.type").unwrap_or_default().to_lowercase();
    let declared = declared
        .trim_start_matches('#')
        .trim_start_matches("microsoft.graph.");
    let has = |key: &str| raw.get(key).is_some_and(|value| !value.is_null());
    let is_built_in = text(raw, "id").is_some_and(|id| fold(id) == COMPLIANT_NETWORK);
    match declared {
        "ipnamedlocation" => ip_location(raw),
        "countrynamedlocation" => country(raw),
        _ if declared == "compliantnetworknamedlocation" || is_built_in => {
            LocationKind::CompliantNetwork
        }
        "" | "namedlocation" if has("ipRanges") => ip_location(raw),
        "" | "namedlocation" if has("countriesAndRegions") => country(raw),
        "" | "namedlocation" => {
            LocationKind::Unknown("the input does not tell what kind of location it is".to_owned())
        }
        other => LocationKind::Unknown(format!(
            "locations of the kind `{}` are not known",
            other.chars().take(60).collect::<String>()
        )),
    }
}

const OPEN: &str = "a part of it is known only after the change is applied";

/// Whether a value is known only after a plan is applied.
fn is_open(value: Option<&Value>) -> bool {
    value.and_then(Value::as_str) == Some(KNOWN_AFTER_APPLY)
}

fn country(raw: &Value) -> LocationKind {
    let Some(Value::Array(countries)) = raw.get("countriesAndRegions") else {
        return LocationKind::Unknown("the input does not list its countries".to_owned());
    };
    let open = ["includeUnknownCountriesAndRegions", "countryLookupMethod"]
        .iter()
        .any(|key| is_open(raw.get(*key)));
    if open || countries.iter().any(|code| is_open(Some(code))) {
        return LocationKind::Unknown(OPEN.to_owned());
    }
    LocationKind::Country {
        codes: texts(raw, "countriesAndRegions")
            .map(|code| code.trim().to_uppercase())
            .collect(),
        include_unknown: raw
            .get("includeUnknownCountriesAndRegions")
            .and_then(Value::as_bool)
            .unwrap_or(false),
        by_gps: text(raw, "countryLookupMethod")
            .is_some_and(|method| method.eq_ignore_ascii_case("authenticatorAppGps")),
    }
}

fn ip_location(raw: &Value) -> LocationKind {
    let Some(Value::Array(items)) = raw.get("ipRanges") else {
        return LocationKind::Unknown("the input does not list its addresses".to_owned());
    };
    if is_open(raw.get("isTrusted")) {
        return LocationKind::Unknown(OPEN.to_owned());
    }
    let mut ranges = Vec::with_capacity(items.len());
    for item in items {
        let written = item
            .as_str()
            .or_else(|| text(item, "cidrAddress"))
            .unwrap_or_default();
        match range(written) {
            Some(range) => ranges.push(range),
            None => {
                return LocationKind::Unknown(format!(
                    "`{}` is not a range of addresses",
                    if written.is_empty() {
                        item.to_string()
                    } else {
                        written.to_owned()
                    }
                    .chars()
                    .take(80)
                    .collect::<String>()
                ));
            }
        }
    }
    LocationKind::Ip {
        trusted: raw
            .get("isTrusted")
            .and_then(Value::as_bool)
            .unwrap_or(false),
        ranges,
    }
}

/// A range, or a single address.
fn range(written: &str) -> Option<IpNet> {
    let written = written.trim();
    let range = written
        .parse::<IpNet>()
        .ok()
        .or_else(|| written.parse::<IpAddr>().ok().map(IpNet::from))?;
    Some(range.trunc())
}

/// Names of all groups and roles, and of the users that policies name.
fn names(snapshot: &TenantSnapshot, policies: &[Policy]) -> BTreeMap<String, String> {
    let mut names: BTreeMap<String, String> = ROLES
        .iter()
        .map(|(id, name)| ((*id).to_owned(), (*name).to_owned()))
        .collect();
    for role in &snapshot.roles {
        if let (Some(id), Some(name)) = (
            role.template_id.as_ref().or(role.id.as_ref()),
            &role.display_name,
        ) {
            names.insert(id.folded(), name.clone());
        }
    }
    for group in &snapshot.groups {
        if let (Some(id), Some(name)) = (&group.id, &group.display_name) {
            names.insert(id.folded(), name.clone());
        }
    }
    let mentioned: HashSet<Key> = policies
        .iter()
        .flat_map(|policy| [&policy.users.include, &policy.users.exclude])
        .flat_map(|set| &set.users)
        .map(|id| Key::of(id))
        .collect();
    if mentioned.is_empty() {
        return names;
    }
    for user in &snapshot.users {
        let Some(id) = &user.id else { continue };
        let name = user
            .upn
            .as_ref()
            .map(ToString::to_string)
            .or_else(|| user.display_name.clone());
        if let Some(name) = name
            && mentioned.contains(&Key::of(id.as_str()))
        {
            names.insert(id.folded(), name);
        }
    }
    names
}

/// Custom security attributes by app id. Graph leaves them out, or null, for whoever may not read them: an
/// application without any counts as read only when another one shows that they could be read.
pub(super) fn attributes(
    snapshot: &TenantSnapshot,
) -> BTreeMap<String, BTreeMap<String, Vec<String>>> {
    let objects = || {
        ["applications", "servicePrincipals"]
            .iter()
            .flat_map(|name| list(snapshot, name))
            .filter_map(|raw| Some((text(raw, "appId")?, raw.get("customSecurityAttributes")?)))
    };
    let readable = objects().any(|(_, sets)| sets.is_object());
    let mut all = BTreeMap::new();
    for (app, sets) in objects() {
        let own: &mut BTreeMap<String, Vec<String>> = match sets {
            Value::Object(_) => all.entry(fold(app)).or_default(),
            Value::Null if readable => all.entry(fold(app)).or_default(),
            _ => continue,
        };
        // The PowerShell SDK puts one level between.
        let sets = sets.get("AdditionalProperties").unwrap_or(sets);
        for (set, values) in sets.as_object().into_iter().flatten() {
            for (name, value) in values.as_object().into_iter().flatten() {
                if name.contains('@') {
                    continue;
                }
                let written = match value {
                    Value::Array(items) => items.iter().filter_map(plain).collect(),
                    other => plain(other).into_iter().collect(),
                };
                own.insert(format!("{set}_{name}"), written);
            }
        }
    }
    all
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}
