//! Tenants as large ones are: policies by persona, long lists of groups and roles, some sixty named locations.
//!
//! A set of *n* policies is the beginning of every longer one. Nothing is random but the picks, which come from
//! a fixed seed.

use breakglass_conditional_access::{
    Environment, Identity, Policy, SignIn,
    device_filter::Device,
    environment::{ADMIN_PORTALS, AZURE_MANAGEMENT, Location, LocationKind, MICROSOFT_GRAPH},
    identity::{Fact, GuestKind, IdentityKind, Memberships},
    policy::read,
    sign_in::{ClientApp, Flow, InsiderRisk, Platform, Risk, Who},
    strength::{Combination, Restriction, Strength, UsableMethod},
};
use serde_json::{Value, json};

use crate::numbers::Numbers;

const PERSONAS: [&str; 10] = [
    "global",
    "admins",
    "internals",
    "externals",
    "guests",
    "service",
    "developers",
    "frontline",
    "board",
    "suppliers",
];
const ROLES: [&str; 14] = [
    "62e90394-69f5-4237-9190-012177145e10",
    "194ae4cb-b126-40b2-bd5b-6091b380977d",
    "f28a1f50-f6e7-4571-818b-6a12f2af6b6c",
    "29232cdf-9323-42fd-ade2-1d097af3e4de",
    "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9",
    "729827e3-9c14-49f7-bb1b-9608f156bbb8",
    "b0f54661-2d74-4c50-afa3-1ec803f12efe",
    "fe930be7-5e62-47db-91af-98c3a49a38b1",
    "c4e39bd9-1100-46d3-8c65-fb160da0071f",
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
    "158c047a-c907-4556-b7ef-446551a6b5f7",
    "966707d0-3269-4727-9be2-8c3a10f19b9d",
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
    "e8611ab8-c189-46e8-94e1-60213ab1f814",
];
const RULES: [&str; 8] = [
    "device.isCompliant -eq True",
    "device.isCompliant -ne True -and device.trustType -ne \"ServerAD\"",
    "device.extensionAttribute1 -eq \"SAW\"",
    "device.extensionAttribute2 -eq \"Kiosk\" -or device.displayName -startsWith \"KSK-\"",
    "device.deviceOwnership -eq \"Company\"",
    "device.trustType -ne \"AzureAD\" -and device.trustType -ne \"ServerAD\"",
    "device.operatingSystem -eq \"Windows\" -and device.model -in [\"Surface Hub\", \"Meeting Room\"]",
    "device.displayName -startsWith \"CPC-\"",
];
const KEYS: [&str; 3] = [
    "cb69481e-8ff7-4039-93ec-0a2729a154a8",
    "fa2b99dc-9e39-4257-8f92-4a30d23c4118",
    "2fc0579f-8113-47ea-b116-bb5a8db9202a",
];
const COUNTRIES: [&str; 40] = [
    "AT", "AU", "BE", "BG", "BY", "CA", "CH", "CN", "CU", "CZ", "DE", "DK", "EE", "ES", "FI", "FR",
    "GB", "GR", "HR", "HU", "IE", "IN", "IR", "IT", "JP", "KP", "LT", "LU", "LV", "NL", "NO", "PL",
    "PT", "RO", "RU", "SE", "SI", "SK", "SY", "US",
];
const BREAK_GLASS: &str = "0f000000-0000-4000-8000-000000000001";

/// Everything that the measurements ask about.
pub(crate) struct Tenant {
    pub(crate) environment: Environment,
    pub(crate) policies: Vec<Policy>,
}

fn id(kind: u32, number: usize) -> String {
    format!("{kind:08x}-0000-4000-8000-{number:012x}")
}

fn group(number: usize) -> String {
    id(0x0f00_0001, number)
}

fn app(number: usize) -> String {
    id(0x0a00_0001, number)
}

fn location(number: usize) -> String {
    id(0x1000_0001, number)
}

/// A tenant with so many policies.
pub(crate) fn tenant(policies: usize) -> Tenant {
    let mut numbers = Numbers::new(20_260_101);
    Tenant {
        environment: environment(&mut numbers),
        policies: (0..policies)
            .map(|number| read(&policy(&mut numbers, number)))
            .collect(),
    }
}

fn environment(n: &mut Numbers) -> Environment {
    let mut locations = Vec::new();
    for number in 0..60 {
        let kind = match number {
            58 => LocationKind::CompliantNetwork,
            42..=57 | 59 => LocationKind::Country {
                codes: n
                    .some(&COUNTRIES, 25)
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
                include_unknown: n.chance(20),
                by_gps: number == 59,
            },
            _ => LocationKind::Ip {
                trusted: n.chance(50),
                ranges: (0..=n.below(12)).map(|_| range(n)).collect(),
            },
        };
        locations.push(Location {
            id: location(number),
            name: format!("Location {number}"),
            kind,
        });
    }
    let strength = |id: &str, allowed: &[&str], keys: &[&str]| Strength {
        id: id.to_owned(),
        name: id.to_owned(),
        allowed: allowed.iter().map(|text| Combination::new(text)).collect(),
        restrictions: if keys.is_empty() {
            Vec::new()
        } else {
            vec![Restriction {
                applies_to: vec![Combination::new("fido2")],
                aaguids: keys.iter().map(|key| (*key).to_owned()).collect(),
            }]
        },
    };
    let mut environment = Environment {
        locations,
        ..Environment::default()
    };
    environment.strengths.extend([
        strength("5e000000-0000-4000-8000-000000000001", &["fido2"], &KEYS),
        strength(
            "5e000000-0000-4000-8000-000000000002",
            &[
                "fido2",
                "windowsHelloForBusiness",
                "password,microsoftAuthenticatorPush",
            ],
            &[],
        ),
    ]);
    environment
}

fn range(n: &mut Numbers) -> ipnet::IpNet {
    let text = if n.chance(20) {
        format!("2001:db8:{:x}::/48", n.below(0x400))
    } else {
        // Offices are neighbours now and then.
        format!(
            "198.{}.{}.0/{}",
            18 + n.below(2),
            n.below(256),
            24 + n.below(5)
        )
    };
    text.parse().unwrap()
}

/// Shapes of policies in turn, for one persona after the other.
fn policy(n: &mut Numbers, number: usize) -> Value {
    let persona = number / 19 % PERSONAS.len();
    let mut conditions = json!({
        "users": users(n, persona),
        "applications": {"includeApplications": ["All"]},
        "clientAppTypes": ["all"],
    });
    let mut grant = json!({"operator": "OR", "builtInControls": ["mfa"]});
    let mut session = Value::Null;
    let block = json!({"operator": "OR", "builtInControls": ["block"]});
    let strength = |id: &str| json!({"operator": "OR", "builtInControls": [], "authenticationStrength": {"id": id}});
    let places = |n: &mut Numbers, most: usize| -> Vec<String> {
        let numbers: Vec<usize> = (0..58).collect();
        n.some(&numbers, most).into_iter().map(location).collect()
    };
    match number % 19 {
        0 => {}
        1 => {
            conditions["clientAppTypes"] = json!(["exchangeActiveSync", "other"]);
            grant = block;
        }
        2 => {
            conditions["locations"] =
                json!({"includeLocations": ["All"], "excludeLocations": places(n, 6)});
            grant = block;
        }
        3 => {
            conditions["platforms"] = json!({
                "includePlatforms": ["all"],
                "excludePlatforms": ["android", "iOS", "windows", "macOS"],
            });
            grant = block;
        }
        4 => {
            conditions["users"] = json!({"includeRoles": ROLES, "excludeGroups": [BREAK_GLASS]});
            grant = strength("00000000-0000-0000-0000-000000000004");
        }
        5 => {
            conditions["signInRiskLevels"] = json!(["high", "medium"]);
            session =
                json!({"signInFrequency": {"isEnabled": true, "frequencyInterval": "everyTime"}});
        }
        6 => {
            conditions["userRiskLevels"] = json!(["high"]);
            grant = json!({"operator": "AND", "builtInControls": ["mfa", "passwordChange"]});
        }
        7 => {
            conditions["applications"] =
                json!({"includeUserActions": ["urn:user:registersecurityinfo"]});
            conditions["locations"] =
                json!({"includeLocations": ["All"], "excludeLocations": ["AllTrusted"]});
        }
        8 => {
            conditions["authenticationFlows"] =
                json!({"transferMethods": "deviceCodeFlow,authenticationTransfer"});
            grant = block;
        }
        9 => {
            conditions["platforms"] = json!({"includePlatforms": ["windows", "macOS"]});
            conditions["clientAppTypes"] = json!(["mobileAppsAndDesktopClients"]);
            grant = json!({"operator": "OR", "builtInControls": ["compliantDevice", "domainJoinedDevice"]});
        }
        10 => {
            conditions["devices"] =
                json!({"deviceFilter": {"mode": "exclude", "rule": n.pick(&RULES)}});
            conditions["applications"] = json!({"includeApplications": ["Office365"]});
            conditions["clientAppTypes"] = json!(["browser"]);
            grant = Value::Null;
            session = json!({"applicationEnforcedRestrictions": {"isEnabled": true}});
        }
        11 => {
            let numbers: Vec<usize> = (0..120).collect();
            let apps: Vec<String> = n.some(&numbers, 20).into_iter().map(app).collect();
            conditions["applications"] = json!({"includeApplications": apps});
            grant = strength("5e000000-0000-4000-8000-000000000002");
        }
        12 => {
            conditions["applications"] = json!({
                "includeApplications": ["MicrosoftAdminPortals", AZURE_MANAGEMENT],
            });
            conditions["devices"] =
                json!({"deviceFilter": {"mode": "include", "rule": n.pick(&RULES)}});
            grant = json!({"operator": "AND", "builtInControls": ["mfa", "compliantDevice"]});
        }
        13 => {
            conditions["platforms"] = json!({"includePlatforms": ["iOS", "android"]});
            grant = json!({"operator": "OR", "builtInControls": ["compliantApplication", "compliantDevice"]});
        }
        14 => {
            conditions["locations"] =
                json!({"includeLocations": places(n, 4), "excludeLocations": ["AllTrusted"]});
            grant = block;
        }
        15 => {
            let context = format!("c{}", 1 + n.below(20));
            conditions["applications"] =
                json!({"includeAuthenticationContextClassReferences": [context]});
            grant = strength("5e000000-0000-4000-8000-000000000001");
        }
        16 => {
            conditions["insiderRiskLevels"] = json!("elevated");
            conditions["applications"] = json!({"includeApplications": ["Office365"]});
            grant = block;
        }
        17 => {
            conditions["applications"] = json!({
                "includeApplications": ["All"],
                "excludeApplications": [app(n.below(120)), app(n.below(120)), "Office365"],
            });
            conditions["locations"] =
                json!({"includeLocations": ["All"], "excludeLocations": places(n, 3)});
            grant = json!({"operator": "OR", "builtInControls": ["mfa", "compliantDevice"]});
        }
        _ => {
            conditions["users"] = json!({"includeGroups": [BREAK_GLASS]});
            grant = strength("5e000000-0000-4000-8000-000000000001");
        }
    }
    json!({
        "id": id(0x0c00_0001, number),
        "displayName": format!("CA{number:03}-{}", PERSONAS[persona]),
        "state": if number % 23 == 22 { "enabledForReportingButNotEnforced" } else { "enabled" },
        "conditions": conditions,
        "grantControls": grant,
        "sessionControls": session,
    })
}

fn users(n: &mut Numbers, persona: usize) -> Value {
    let exclude: Vec<String> = std::iter::once(BREAK_GLASS.to_owned())
        .chain((0..=n.below(4)).map(|_| group(n.below(60))))
        .collect();
    match persona {
        0 => {
            json!({"includeUsers": ["All"], "excludeGroups": exclude, "excludeRoles": [ROLES[13]]})
        }
        1 => json!({"includeRoles": n.some(&ROLES, 14), "excludeGroups": exclude}),
        4 => json!({
            "includeGuestsOrExternalUsers": {
                "guestOrExternalUserTypes": "internalGuest,b2bCollaborationGuest,b2bCollaborationMember",
                "externalTenants": {"membershipKind": "all"},
            },
            "excludeGroups": exclude,
        }),
        _ => {
            let numbers: Vec<usize> = (0..60).collect();
            let include: Vec<String> = n.some(&numbers, 8).into_iter().map(group).collect();
            json!({"includeGroups": include, "excludeGroups": exclude, "excludeUsers": [id(0x0b00_0001, n.below(500))]})
        }
    }
}

/// An administrator in some groups, with a key and a phone.
pub(crate) fn administrator() -> Identity {
    let mut n = Numbers::new(7);
    Identity {
        id: id(0x0b00_0001, 1_000),
        name: "administrator@example.com".to_owned(),
        kind: IdentityKind::User,
        guest: Fact::Known(GuestKind::Member),
        home_tenant: None,
        groups: Memberships::known((0..12).map(|_| group(n.below(60)))),
        roles: Memberships::known(&ROLES[..2]),
        eligible_roles: Vec::new(),
        methods: Fact::Known(vec![
            UsableMethod::new("fido2").model(KEYS[0]),
            UsableMethod::new("password,microsoftAuthenticatorPush"),
        ]),
        devices: Fact::Known(Vec::new()),
        enabled: Fact::Known(true),
        federated: Fact::Known(false),
        per_user_mfa: false,
    }
}

/// The account that is meant to get in.
pub(crate) fn break_glass() -> Identity {
    Identity {
        id: id(0x0b00_0001, 2_000),
        groups: Memberships::known([BREAK_GLASS]),
        methods: Fact::Known(vec![UsableMethod::new("fido2").model(KEYS[1])]),
        ..administrator()
    }
}

/// Sign-ins of one person as a day brings them.
pub(crate) fn sign_ins(person: &Identity, number: usize) -> Vec<SignIn> {
    let mut numbers = Numbers::new(99);
    let n = &mut numbers;
    let managed = Device {
        display_name: Some("CPC-ADM-0042".to_owned()),
        is_compliant: Some(true),
        trust_type: Some("AzureAD".to_owned()),
        operating_system: Some("Windows".to_owned()),
        device_ownership: Some("Company".to_owned()),
        ..Device::default()
    };
    (0..number)
        .map(|_| SignIn {
            user: Some(Who::Name(person.id.clone())),
            audiences: [match n.below(5) {
                0 => ADMIN_PORTALS.to_owned(),
                1 => MICROSOFT_GRAPH.to_owned(),
                2 => "00000003-0000-0ff1-ce00-000000000000".to_owned(),
                _ => app(n.below(200)),
            }]
            .into(),
            ip: Some(if n.chance(20) {
                format!("2001:db8:{:x}::1", n.below(0x400)).parse().unwrap()
            } else {
                format!("198.{}.{}.{}", 18 + n.below(2), n.below(256), n.below(256))
                    .parse()
                    .unwrap()
            }),
            country: Some(n.pick(&COUNTRIES).to_owned()).into(),
            compliant_network: Some(false),
            platform: Some(n.pick(&[Platform::Windows, Platform::Ios, Platform::MacOs])),
            client_app: Some(n.pick(&[ClientApp::Browser, ClientApp::Modern])),
            device: n.chance(70).then(|| managed.clone()).into(),
            sign_in_risk: Some(if n.chance(5) {
                Risk::Medium
            } else {
                Risk::None
            }),
            user_risk: Some(Risk::None),
            insider_risk: Some(InsiderRisk::None),
            flow: Some(Flow::None),
            tracked_flow: Some(Flow::None),
            ..SignIn::default()
        })
        .collect()
}
