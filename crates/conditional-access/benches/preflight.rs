//! Pre-flight of one change on a tenant of 200,000 users, 5,000 groups and 200 policies, from a snapshot in
//! memory. Prints seconds and the peak of memory.
//!
//! `cargo bench -p breakglass-conditional-access --bench preflight [-- <users>]`

#![expect(clippy::disallowed_methods, reason = "it measures")]
#![allow(clippy::expect_used, reason = "a bench may stop")]

use std::time::Instant;

use breakglass_conditional_access::{
    Enforce, change,
    preflight::{Input, population, run},
    prove::Options,
    tenant::{Changed, People, Tenant},
};
use breakglass_model::{
    Collection, ObjectId, Reading, TenantSnapshot, Upn,
    tenant::{
        AssignmentKind, GLOBAL_ADMINISTRATOR, Group, Method, MethodKind, Policy, RoleAssignment,
        User,
    },
};
use serde_json::{Value, json};

const GROUPS: usize = 5_000;
const POLICIES: usize = 200;
/// Groups that policies name: personas, rings and exclusions.
const NAMED: usize = 60;

fn id(kind: u32, number: usize) -> ObjectId {
    ObjectId::parse(&format!("{number:08x}-0000-4000-8000-{kind:012x}")).expect("a GUID")
}

fn user(number: usize) -> User {
    let kinds = [
        MethodKind::MicrosoftAuthenticator,
        MethodKind::Phone,
        MethodKind::Fido2,
        MethodKind::SoftwareOath,
    ];
    User {
        id: Some(id(1, number)),
        upn: Upn::parse(&format!("user{number}@contoso.com")).ok(),
        user_type: Some(if number % 20 == 7 { "Guest" } else { "Member" }.to_owned()),
        account_enabled: Reading::Read(true),
        methods: Reading::Read(vec![
            Method {
                kind: MethodKind::Password,
                ..Method::default()
            },
            Method {
                kind: kinds[number % kinds.len()].clone(),
                ..Method::default()
            },
        ]),
        ..User::default()
    }
}

/// Everybody is in one of ten personas; every 50th in a pilot ring, every 1000th in an exclusion group. The
/// other groups are what a large directory is full of.
fn group(number: usize, users: usize) -> Group {
    let members: Vec<ObjectId> = match number {
        0 => vec![id(1, 0), id(1, 1)],
        1..=10 => (number..users)
            .step_by(10)
            .map(|user| id(1, user))
            .collect(),
        11..=30 => (number * 7..users)
            .step_by(50 * 20)
            .map(|user| id(1, user))
            .collect(),
        31..NAMED => (number * 11..users)
            .step_by(1000 * 30)
            .map(|user| id(1, user))
            .collect(),
        _ => (0..200)
            .map(|step| id(1, (number * 200 + step) % users))
            .collect(),
    };
    Group {
        id: Some(id(2, number)),
        display_name: Some(format!("Group {number}")),
        members: Reading::Read(members),
        ..Group::default()
    }
}

fn policy(number: usize) -> Value {
    let apps = [
        "All",
        "Office365",
        "MicrosoftAdminPortals",
        "00000002-0000-0ff1-ce00-000000000000",
    ];
    let users = if number.is_multiple_of(4) {
        json!({"includeUsers": ["All"], "excludeGroups": [id(2, 0).as_str(), id(2, 31 + number % 29).as_str()]})
    } else {
        json!({"includeGroups": [id(2, 1 + number % 30).as_str()],
               "excludeGroups": [id(2, 0).as_str(), id(2, 31 + number % 29).as_str()]})
    };
    let mut conditions = json!({"users": users, "applications": {"includeApplications": [apps[number % apps.len()]]}});
    match number % 7 {
        0 => {
            conditions["platforms"] =
                json!({"includePlatforms": ["all"], "excludePlatforms": ["windows", "macOS"]});
        }
        1 => {
            conditions["locations"] = json!({"includeLocations": ["All"], "excludeLocations": ["AllTrusted", format!("loc{}", number % 40)]});
        }
        2 => conditions["clientAppTypes"] = json!(["exchangeActiveSync", "other"]),
        3 => conditions["signInRiskLevels"] = json!(["high"]),
        4 => {
            conditions["devices"] = json!({"deviceFilter": {"mode": "exclude",
                "rule": format!("device.isCompliant -eq True -or device.extensionAttribute{} -eq \"SAW\"", 1 + number % 5)}});
        }
        _ => {}
    }
    let grant = match number % 5 {
        0 => json!({"operator": "OR", "builtInControls": ["block"]}),
        1 => json!({"operator": "OR", "builtInControls": ["mfa", "compliantDevice"]}),
        2 => {
            json!({"operator": "OR", "authenticationStrength": {"id": "00000000-0000-0000-0000-000000000004"}})
        }
        _ => json!({"operator": "OR", "builtInControls": ["mfa"]}),
    };
    let blocks_without_condition = number.is_multiple_of(5) && number % 7 > 4;
    json!({"id": format!("p{number}"), "displayName": format!("CA{number:03}"),
           "state": if blocks_without_condition { "enabledForReportingButNotEnforced" } else { "enabled" },
           "conditions": conditions, "grantControls": grant})
}

fn tenant(users: usize) -> TenantSnapshot {
    let mut snapshot = TenantSnapshot::empty();
    snapshot.users = Collection::complete((0..users).map(user).collect());
    snapshot.groups =
        Collection::complete((0..GROUPS).map(|number| group(number, users)).collect());
    snapshot.active_assignments = Collection::complete(
        (0..5)
            .map(|number| RoleAssignment {
                id: None,
                principal: id(1, number),
                role: ObjectId::parse(GLOBAL_ADMINISTRATOR).expect("a GUID"),
                kind: AssignmentKind::Active,
                scope: Reading::Read("/".to_owned()),
                end: Reading::Read(None),
                activated: Reading::Read(false),
            })
            .collect(),
    );
    snapshot.eligible_assignments = Collection::complete(Vec::new());
    snapshot.policies = Collection::complete(
        (0..POLICIES)
            .map(policy)
            .map(|raw| Policy {
                id: None,
                display_name: None,
                state: None,
                raw,
            })
            .collect(),
    );
    snapshot.other.insert(
        "namedLocations".to_owned(),
        (0..40_usize)
            .map(|number| json!({"@odata.type": "#microsoft.graph.ipNamedLocation", "id": format!("loc{number}"),
                "displayName": format!("Site {number}"), "isTrusted": number.is_multiple_of(2),
                "ipRanges": (0..20).map(|range| json!({"cidrAddress": format!("10.{number}.{range}.0/24")})).collect::<Vec<_>>()}))
            .collect(),
    );
    snapshot
}

/// The peak of resident memory in MB, where the system tells.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}

fn main() {
    let users = std::env::args()
        .find_map(|arg| arg.parse().ok())
        .unwrap_or(200_000);
    let snapshot = tenant(users);
    let loaded = peak();
    let file = json!({"displayName": "Compliant device for everybody", "state": "enabled",
        "conditions": {"users": {"includeUsers": ["All"], "excludeGroups": [id(2, 0).as_str()]},
                       "applications": {"includeApplications": ["All"]}},
        "grantControls": {"operator": "OR", "builtInControls": ["compliantDevice"]}});
    let changes = change::read("change.json", file.to_string().as_bytes()).expect("a policy");
    let start = Instant::now();
    let before = Tenant::read(&snapshot);
    let planned = Changed::new(&snapshot, &before, &changes.changes, &[]);
    let people = People::new(&snapshot, &[&before, &planned.tenant]);
    let people = population(&people, &[id(1, 0), id(1, 1)], &planned.overlay);
    let read = start.elapsed();
    let options = Options::default();
    let input = Input {
        before: (&before.policies, &before.environment),
        after: (&planned.tenant.policies, &planned.tenant.environment),
        people: &people,
        options: &options,
    };
    let report = run(&input, [Enforce::Enabled; 2]);
    let all = start.elapsed();
    let lost: usize = report.lost.iter().map(|loss| loss.who.count).sum();
    println!(
        "{users} users, {GROUPS} groups, {POLICIES} policies: {:.2} s ({:.2} s of it to tell people apart, {} kinds); \
         {:?}, {lost} people in {} signatures lose sign-ins; peak {:?} MB ({loaded:?} MB the snapshot)",
        all.as_secs_f64(),
        read.as_secs_f64(),
        people.len(),
        report.verdict,
        report.lost.len(),
        peak(),
    );
}
