//! Small random tenants: a handful of policies in Graph's words, what they refer to, and one account.
//!
//! Few dimensions are in use at a time, so that their product can be walked through; over many tenants all of
//! them are, with every kind of unknown.

use std::collections::BTreeMap;

use breakglass_conditional_access::{
    Environment, Identity, Policy,
    environment::{
        ADMIN_PORTALS, AZURE_MANAGEMENT, BaselineScopes, Location, LocationKind, MICROSOFT_GRAPH,
        REGISTER_DEVICE, REGISTER_SECURITY_INFO, WINDOWS_AZURE_AD,
    },
    policy::read,
    strength::{Combination, Restriction, Strength},
};
use serde_json::{Value, json};

use crate::{accounts::account, numbers::Numbers};

/// The account that everything is asked about.
pub(crate) const ME: &str = "u-me";
pub(crate) const TRAFFIC: &str = "5dc48733-b5df-475c-a49b-fa307ef00853";
pub(crate) const COMPLIANT_NETWORK: &str = "l-net";
pub(crate) const KEY: &str = "aaaaaaaa-1111-2222-3333-444444444444";
pub(crate) const GROUPS: [&str; 4] = ["g-bg", "g-staff", "g-nested", "g-other"];
pub(crate) const ROLES: [&str; 3] = [
    "62e90394-69f5-4237-9190-012177145e10",
    "194ae4cb-b126-40b2-bd5b-6091b380977d",
    // Directory synchronisation accounts.
    "d29b2b05-8046-44ba-8758-1e26182fcf32",
];
pub(crate) const GUESTS: [&str; 3] = [
    "b2bCollaborationGuest",
    "internalGuest",
    "b2bDirectConnectUser",
];
const APPS: [&str; 11] = [
    "All",
    "Office365",
    "MicrosoftAdminPortals",
    ADMIN_PORTALS,
    MICROSOFT_GRAPH,
    AZURE_MANAGEMENT,
    WINDOWS_AZURE_AD,
    TRAFFIC,
    "app-a",
    "app-b",
    "00000002-0000-0ff1-ce00-000000000000",
];
const LOCATIONS: [&str; 12] = [
    "All",
    "AllTrusted",
    "l-office",
    "l-part",
    "l-branch",
    "l-six",
    "l-fi",
    "l-nordic",
    "l-gps",
    COMPLIANT_NETWORK,
    "l-gone",
    "l-odd",
];
const RANGES: [&str; 12] = [
    "198.51.100.0/24",
    "198.51.100.128/25",
    "203.0.113.0/26",
    "203.0.113.7/32",
    "0.0.0.0/1",
    "128.0.0.0/1",
    "0.0.0.0/0",
    "255.255.255.255/32",
    "2001:db8:10::/48",
    "2001:db8:10:8000::/49",
    "::/1",
    "8000::/1",
];
const RULES: [&str; 12] = [
    "device.trustType -eq \"ServerAD\"",
    "device.trustType -ne \"AzureAD\"",
    "device.isCompliant -eq True",
    "device.isCompliant -ne True",
    "device.extensionAttribute1 -eq \"SAW\"",
    "device.displayName -startsWith \"PC-\" -and device.operatingSystem -eq \"Windows\"",
    "device.displayName -contains \"7\" -or device.isCompliant -eq True",
    "device.model -notIn [\"Tab\", \"Pad\"]",
    "device.deviceOwnership -eq \"Company\" -and device.trustType -ne \"Workplace\"",
    "device.trustType -eq \"AzureAD\" -and device.trustType -eq \"ServerAD\"",
    "device.displayName -endsWith \"7\" -and -not (device.displayName -startsWith \"PC-\")",
    "device.foo -regex \".*\"",
];
const TAG_RULES: [&str; 3] = [
    "CustomSecurityAttribute.Set_Tier -contains \"zero\"",
    "CustomSecurityAttribute.Set_Tier -notContains \"zero\"",
    "nonsense",
];
const STRENGTHS: [&str; 6] = [
    "00000000-0000-0000-0000-000000000002",
    "00000000-0000-0000-0000-000000000003",
    "00000000-0000-0000-0000-000000000004",
    "s-key",
    "s-sms",
    "s-gone",
];

/// A tenant with one account.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub(crate) environment: Environment,
    pub(crate) policies: Vec<Value>,
    pub(crate) me: Identity,
    /// Bound on device classes.
    pub(crate) device_limit: usize,
}

impl Tenant {
    pub(crate) fn read(&self) -> Vec<Policy> {
        self.policies.iter().map(read).collect()
    }

    /// Everything that it takes to see a difference again.
    pub(crate) fn describe(&self) -> String {
        let policies: Vec<String> = self.policies.iter().map(ToString::to_string).collect();
        format!(
            "policies\n{}\nlocations {:?}\ntrusted {:?}\nbaseline {:?}, mandatory {:?}, defaults {}, immune {:?}, \
             tags {:?}\naccount {:?}",
            policies.join("\n"),
            self.environment.locations,
            self.environment.mfa_trusted_ips,
            self.environment.baseline_scopes,
            self.environment.mandatory_mfa,
            self.environment.security_defaults,
            self.environment.immune,
            self.environment.app_attributes,
            self.me
        )
    }
}

/// The conditions that a tenant's policies may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Target,
    Network,
    Platform,
    Client,
    SignInRisk,
    UserRisk,
    InsiderRisk,
    Device,
    Flow,
}

const PARTS: [Part; 9] = [
    Part::Target,
    Part::Network,
    Part::Platform,
    Part::Client,
    Part::SignInRisk,
    Part::UserRisk,
    Part::InsiderRisk,
    Part::Device,
    Part::Flow,
];

pub(crate) fn tenant(seed: u64) -> Tenant {
    let mut numbers = Numbers::new(seed);
    let n = &mut numbers;
    let parts = n.some(&PARTS, 4);
    let number = 1 + n.below(6);
    Tenant {
        policies: (0..number)
            .map(|place| policy(n, &format!("p{place}"), &parts))
            .collect(),
        environment: environment(n),
        me: account(n),
        device_limit: if n.chance(10) {
            n.pick(&[0, 3, 10, 30, 100])
        } else {
            20_000
        },
    }
}

/// One more policy, about anything.
pub(crate) fn any_policy(n: &mut Numbers, id: &str) -> Value {
    let parts = n.some(&PARTS, 3);
    policy(n, id, &parts)
}

fn policy(n: &mut Numbers, id: &str, parts: &[Part]) -> Value {
    let mut conditions =
        json!({"users": users(n), "applications": {"includeApplications": ["All"]}});
    for part in parts {
        if n.chance(60) {
            condition(n, *part, &mut conditions);
        }
    }
    if n.chance(4) {
        conditions["futureCondition"] = json!({"include": ["x"]});
    }
    if n.chance(2) {
        conditions["clientApplications"] = json!({"includeServicePrincipals": ["x"]});
    }
    let state = match n.below(20) {
        0 => "disabled",
        1 => "enabledForReportingButNotEnforced",
        2 => "enabledForSome",
        _ => "enabled",
    };
    json!({
        "id": id,
        "displayName": format!("Policy {id}"),
        "state": state,
        "conditions": conditions,
        "grantControls": grant(n),
        "sessionControls": session(n),
    })
}

fn users(n: &mut Numbers) -> Value {
    let mut users = json!({});
    match n.below(20) {
        0..=8 => users["includeUsers"] = json!(["All"]),
        9..=11 => users["includeGroups"] = json!(n.some(&GROUPS, 3)),
        12 | 13 => users["includeUsers"] = json!([ME, "u-other"]),
        14 | 15 => users["includeRoles"] = json!(n.some(&ROLES, 2)),
        16 => users["includeUsers"] = json!(["GuestsOrExternalUsers"]),
        17 => users["includeGuestsOrExternalUsers"] = guests(n),
        18 => {
            users["includeUsers"] = json!(["u-other"]);
            users["includeGroups"] = json!(n.some(&GROUPS, 2));
            users["includeRoles"] = json!(n.some(&ROLES, 1));
        }
        _ => users["includeUsers"] = json!([n.pick(&["None", "u-other"])]),
    }
    if n.chance(40) {
        match n.below(5) {
            0 | 1 => users["excludeGroups"] = json!(n.some(&GROUPS, 2)),
            2 => users["excludeUsers"] = json!([n.pick(&[ME, "u-other", "GuestsOrExternalUsers"])]),
            3 => users["excludeRoles"] = json!(n.some(&ROLES, 1)),
            _ => users["excludeGuestsOrExternalUsers"] = guests(n),
        }
    }
    users
}

fn guests(n: &mut Numbers) -> Value {
    let tenants = match n.below(3) {
        0 => Value::Null,
        1 => json!({"membershipKind": "all"}),
        _ => json!({"membershipKind": "enumerated", "members": n.some(&["t-a", "t-b"], 2)}),
    };
    json!({
        "guestOrExternalUserTypes": n.some(&GUESTS, 2).join(","),
        "externalTenants": tenants,
    })
}

/// `{include…: […], exclude…: […]}`, with both sides or one.
fn sides(n: &mut Numbers, words: &[&str], what: &str, all: &str) -> Value {
    let include = if n.chance(40) {
        vec![all]
    } else {
        n.some(words, 3)
    };
    let exclude = if n.chance(50) {
        n.some(words, 2)
    } else {
        Vec::new()
    };
    let mut sides = json!({});
    sides[format!("include{what}")] = json!(include);
    sides[format!("exclude{what}")] = json!(exclude);
    sides
}

fn condition(n: &mut Numbers, part: Part, conditions: &mut Value) {
    let odd = n.chance(3);
    let levels = |n: &mut Numbers, words: &[&'static str]| {
        let mut levels = n.some(words, 3);
        if odd {
            levels.push("unknownFutureValue");
        }
        levels
    };
    let risks = ["none", "low", "medium", "high"];
    match part {
        Part::Target => conditions["applications"] = applications(n),
        Part::Network => conditions["locations"] = sides(n, &LOCATIONS, "Locations", "All"),
        Part::Platform => {
            let words = [
                "windows",
                "macOS",
                "iOS",
                "android",
                "linux",
                "windowsPhone",
            ];
            conditions["platforms"] = sides(n, &words, "Platforms", "all");
            if odd {
                conditions["platforms"]["includePlatforms"] = json!(["fuchsia"]);
            }
        }
        Part::Client => {
            let words = [
                "browser",
                "mobileAppsAndDesktopClients",
                "exchangeActiveSync",
                "other",
                "easSupported",
            ];
            conditions["clientAppTypes"] = json!(levels(n, &words));
        }
        Part::SignInRisk => conditions["signInRiskLevels"] = json!(levels(n, &risks)),
        Part::UserRisk => conditions["userRiskLevels"] = json!(levels(n, &risks)),
        Part::InsiderRisk => {
            let words = ["none", "minor", "moderate", "elevated"];
            conditions["insiderRiskLevels"] = json!(levels(n, &words).join(","));
        }
        Part::Device => {
            let mode = n.pick(&["include", "exclude"]);
            conditions["devices"] = json!({"deviceFilter": {"mode": mode, "rule": n.pick(&RULES)}});
        }
        Part::Flow => {
            let flows = levels(n, &["deviceCodeFlow", "authenticationTransfer"]).join(",");
            conditions["authenticationFlows"] = json!({"transferMethods": flows});
        }
    }
}

fn applications(n: &mut Numbers) -> Value {
    match n.below(12) {
        0 => {
            json!({"includeUserActions": n.some(&[REGISTER_SECURITY_INFO, REGISTER_DEVICE], 2)})
        }
        1 => json!({"includeAuthenticationContextClassReferences": n.some(&["c1", "c2"], 2)}),
        2 => json!({"includeApplications": ["None"]}),
        3 => json!({"networkAccess": {"x": "y"}}),
        4 => json!({
            "includeApplications": if n.chance(50) { vec!["All"] } else { Vec::new() },
            "applicationFilter": {"mode": n.pick(&["include", "exclude"]), "rule": n.pick(&TAG_RULES)},
        }),
        _ => sides(n, &APPS, "Applications", "All"),
    }
}

fn grant(n: &mut Numbers) -> Value {
    if n.chance(10) {
        return Value::Null;
    }
    if n.chance(30) {
        return json!({"operator": "OR", "builtInControls": ["block"]});
    }
    let words = [
        "mfa",
        "mfa",
        "compliantDevice",
        "domainJoinedDevice",
        "approvedApplication",
        "compliantApplication",
        "passwordChange",
        "riskRemediation",
        "unknownFutureValue",
    ];
    let operator = if n.chance(3) {
        "XOR"
    } else {
        n.pick(&["AND", "OR"])
    };
    let mut grant = json!({"operator": operator, "builtInControls": []});
    if n.chance(35) {
        grant["authenticationStrength"] = json!({"id": n.pick(&STRENGTHS)});
    }
    if grant.get("authenticationStrength").is_none() || n.chance(30) {
        grant["builtInControls"] = json!(n.some(&words, 2));
    }
    if n.chance(5) {
        grant["termsOfUse"] = json!(["tou"]);
    }
    if n.chance(3) {
        grant["customAuthenticationFactors"] = json!(["custom"]);
    }
    grant
}

fn session(n: &mut Numbers) -> Value {
    match n.below(20) {
        0 => json!({"secureSignInSession": {"isEnabled": true}}),
        1 => json!({"signInFrequency": {"isEnabled": true, "frequencyInterval": "everyTime"}}),
        2 => {
            json!({"cloudAppSecurity": {"isEnabled": true, "cloudAppSecurityType": "mcasConfigured"}})
        }
        3 => json!({"continuousAccessEvaluation": {"mode": "strictLocation"}}),
        4 => json!({"applicationEnforcedRestrictions": {"isEnabled": true}}),
        _ => Value::Null,
    }
}

fn environment(n: &mut Numbers) -> Environment {
    let location = |id: &str, kind: LocationKind| Location {
        id: id.to_owned(),
        name: id.to_owned(),
        kind,
    };
    let mut ip = |id: &str| {
        let ranges = if n.chance(10) {
            Vec::new()
        } else {
            n.some(&RANGES, 3)
        };
        location(
            id,
            LocationKind::Ip {
                trusted: n.chance(40),
                ranges: ranges.iter().map(|range| range.parse().unwrap()).collect(),
            },
        )
    };
    let mut locations = vec![ip("l-office"), ip("l-part"), ip("l-branch"), ip("l-six")];
    let mut country = |id: &str, codes: &[&str], by_gps| {
        location(
            id,
            LocationKind::Country {
                codes: codes.iter().map(|code| (*code).to_owned()).collect(),
                include_unknown: n.chance(40),
                by_gps,
            },
        )
    };
    locations.extend([
        country("l-fi", &["FI"], false),
        country("l-nordic", &["fi", "SE", "NO"], false),
        country("l-gps", &["FI", "US"], true),
    ]);
    locations.push(location(COMPLIANT_NETWORK, LocationKind::CompliantNetwork));
    locations.push(location(
        "l-odd",
        LocationKind::Unknown("a new kind".to_owned()),
    ));
    let mut environment = Environment {
        locations,
        approved_app_retired: n.chance(80),
        security_defaults: n.chance(5),
        baseline_scopes: match n.below(5) {
            0 => BaselineScopes::Legacy,
            1 => BaselineScopes::Custom("app-b".to_owned()),
            _ => BaselineScopes::Enforced,
        },
        ..Environment::default()
    };
    if n.chance(20) {
        environment.mfa_trusted_ips = vec![n.pick(&RANGES).parse().unwrap()];
    }
    if n.chance(60) {
        environment.mandatory_mfa.clear();
    }
    if n.chance(10) {
        environment
            .immune
            .insert(n.pick(&["app-a", MICROSOFT_GRAPH]).to_owned());
    }
    if n.chance(70) {
        let tier = BTreeMap::from([(
            "Set_Tier".to_owned(),
            vec!["zero".to_owned(), "x".to_owned()],
        )]);
        environment.app_attributes.insert("app-a".to_owned(), tier);
        environment
            .app_attributes
            .insert(ADMIN_PORTALS.to_owned(), BTreeMap::new());
    }
    environment.strengths.extend([
        Strength {
            id: "s-key".to_owned(),
            name: "Our keys".to_owned(),
            allowed: vec![Combination::new("fido2")],
            restrictions: vec![Restriction {
                applies_to: vec![Combination::new("fido2")],
                aaguids: vec![KEY.to_owned()],
            }],
        },
        Strength {
            id: "s-sms".to_owned(),
            name: "Text messages".to_owned(),
            allowed: vec![Combination::new("password,sms")],
            restrictions: Vec::new(),
        },
    ]);
    environment
}
