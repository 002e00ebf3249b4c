//! A field that was not read never makes a tenant look better: each field of each object of the built-in tenants,
//! taken away as an export takes it away, by leaving its key out.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_model::{
    History, Register, TenantSnapshot, Verdict,
    aaguid::Tables,
    example,
    export::{self, InputFile},
};
use breakglass_posture::{Context, Lockout, Settings, catalogue, resolve};
use serde_json::{Value, json};

use crate::conformance::now;

/// A built-in tenant, as its file has it.
struct Built {
    document: Value,
    register: Register,
}

/// A field: the collection, and the keys from an object of it. Lists on the way are gone into.
type Field = (String, Vec<String>);

impl Built {
    fn new(name: &str) -> Self {
        let example = example::tenant(name, now()).unwrap();
        Self {
            document: serde_json::from_str(&example.snapshot_json).unwrap(),
            register: Register::from_toml("register.toml", &example.register_toml, None).unwrap(),
        }
    }

    /// What the checks say of a document. What Conditional Access does is proved anew unless it can't have changed.
    fn check(&self, document: &Value, proved: Option<&Lockout>) -> Verdicts {
        let snapshot = read(document);
        let accounts = resolve(&snapshot, Some(&self.register), &[]);
        let own = proved.is_none().then(|| Lockout::new(&snapshot, &accounts));
        let history = History::default();
        let context = Context {
            lockout: proved.or(own.as_ref()).unwrap(),
            snapshot: &snapshot,
            register: Some(&self.register),
            history: &history,
            accounts: &accounts,
            candidates: &[],
            now: now(),
            keys: Tables::built_in(),
            settings: Settings::default(),
        };
        catalogue()
            .iter()
            .flat_map(|check| (check.run)(&context))
            .map(|f| ((f.check, f.subject), f.verdict))
            .collect()
    }

    /// The proofs of the tenant as it is.
    fn proved(&self) -> Lockout {
        let snapshot = read(&self.document);
        let accounts = resolve(&snapshot, Some(&self.register), &[]);
        Lockout::new(&snapshot, &accounts)
    }

    /// Every field of every object, by collection.
    fn fields(&self) -> BTreeSet<Field> {
        let mut all = BTreeSet::new();
        for (name, objects) in self.document["collections"].as_object().unwrap() {
            let mut paths = BTreeSet::new();
            walk(objects, &mut Vec::new(), &mut paths);
            all.extend(paths.into_iter().map(|path| (name.clone(), path)));
        }
        all
    }

    /// The tenant with another value of a field in every object that has it.
    fn with(&self, (name, path): &Field, change: &dyn Fn(&mut Value, &str)) -> Value {
        let mut document = self.document.clone();
        each(&mut document["collections"][name], path, change);
        document
    }
}

fn read(document: &Value) -> TenantSnapshot {
    export::read([InputFile {
        path: "tenant.snapshot.json".to_owned(),
        bytes: document.to_string().into_bytes(),
    }])
}

/// Whether Conditional Access hangs on a collection: what is read of Azure says nothing of it.
fn of_azure(collection: &str) -> bool {
    [
        "diagnosticSettings",
        "scheduledQueryRules",
        "actionGroups",
        "actionRules",
        "activityLogAlerts",
        "azureRoleAssignments",
        "workspaces",
        "workspaceTables",
        "workspaceFreshness",
        "subscriptions",
        "locks",
        "onboardingStates",
        "alertRules",
        "automationRules",
        "alerts",
        "activityLog",
        "logDestinations",
        "watchlists",
        "watchlistItems",
        "accessReviews",
        "lifecycleWorkflows",
        "riskyUsers",
        "appRoleAssignments",
    ]
    .contains(&collection)
}

/// How deep fields are taken away; the objects of Azure have theirs below `properties`.
const DEPTH: usize = 5;

fn walk(value: &Value, at: &mut Vec<String>, paths: &mut BTreeSet<Vec<String>>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, at, paths)),
        Value::Object(map) if at.len() < DEPTH => {
            for (key, value) in map {
                at.push(key.clone());
                paths.insert(at.clone());
                walk(value, at, paths);
                at.pop();
            }
        }
        _ => {}
    }
}

/// Changes the field at a path in every object that has it.
fn each(value: &mut Value, path: &[String], change: &dyn Fn(&mut Value, &str)) {
    match (value, path) {
        (Value::Array(items), _) => items.iter_mut().for_each(|item| each(item, path, change)),
        (value @ Value::Object(_), [key]) if value.get(key).is_some() => change(value, key),
        (_, [_]) => {}
        (Value::Object(map), [key, rest @ ..]) => {
            if let Some(inner) = map.get_mut(key) {
                each(inner, rest, change);
            }
        }
        _ => {}
    }
}

fn remove(object: &mut Value, key: &str) {
    object.as_object_mut().unwrap().remove(key);
}

/// Other values that a field could have.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Bool(on) => vec![json!(!on)],
        Value::Number(_) => vec![json!(0), json!(100_000)],
        Value::String(_) => vec![json!("other"), json!("Disabled")],
        Value::Array(_) => vec![json!([])],
        Value::Object(_) => vec![json!({}), Value::Null],
        Value::Null => vec![json!(true), json!("2027-01-01T00:00:00Z")],
    }
}

type Verdicts = BTreeMap<(String, String), Verdict>;

/// What a loss made better: what failed or was open and passes, or is not asked any more.
fn better(before: &Verdicts, after: &Verdicts) -> Vec<String> {
    let open = |verdict: &Verdict| matches!(verdict, Verdict::Fail | Verdict::CannotTell);
    before
        .iter()
        .filter(|(_, verdict)| open(verdict))
        .filter(|(key, _)| match after.get(*key) {
            Some(now) => !open(now),
            // An object without its name is another subject, whose verdict counts then.
            None => !after
                .iter()
                .any(|(other, now)| other.0 == key.0 && open(now)),
        })
        .map(|((check, subject), verdict)| format!("{check} {subject}: was {verdict:?}"))
        .collect()
}

fn shown((name, path): &Field) -> String {
    format!("{name}/{}", path.join("/"))
}

#[test]
fn a_field_that_was_not_read_never_turns_a_failure_into_a_pass() {
    let mut found = Vec::new();
    for name in example::NAMES {
        let built = Built::new(name);
        let proved = built.proved();
        let before = built.check(&built.document, Some(&proved));
        for field in built.fields() {
            let less = built.with(&field, &remove);
            let after = built.check(&less, of_azure(&field.0).then_some(&proved));
            for what in better(&before, &after) {
                found.push(format!("{name} without {}: {what}", shown(&field)));
            }
        }
    }
    assert!(found.is_empty(), "{}\n{}", found.len(), found.join("\n"));
}

/// Fields without which a pass stands, and why it may.
const ELSEWHERE: [(&str, &str); 8] = [
    (
        "users/onPremisesSyncEnabled",
        "onPremisesImmutableId is null, which says the same",
    ),
    (
        "users/transitiveMemberOf",
        "the members of the groups were read, too",
    ),
    (
        "groups/transitiveMembers",
        "the direct members were read, and none of them is a group",
    ),
    (
        "groups/expirationDateTime",
        "groupTypes says that it is no Microsoft 365 group, and others never expire",
    ),
    (
        "authenticationStrengthPolicies/allowedCombinations",
        "the policy carries its strength, too, and Microsoft's own are known",
    ),
    (
        "conditionalAccessPolicies/sessionControls/secureSignInSession",
        "only beta writes it",
    ),
    (
        "workspaceTables/properties/totalRetentionInDays",
        "it is never less than retentionInDays, which is there",
    ),
    (
        "scheduledQueryRules/properties/muteActionsDuration",
        "Azure leaves it out when no pause is set",
    ),
];

fn elsewhere(field: &Field) -> bool {
    let path = shown(field);
    ELSEWHERE
        .iter()
        .any(|(known, _)| path == *known || path.starts_with(&format!("{known}/")))
}

/// A check rests on a field when another value of it makes the check fail. Not so of an object's own id: with another one
/// it is another object.
#[test]
fn a_pass_does_not_outlive_the_field_that_it_rests_on() {
    let built = Built::new("contoso-modern");
    let proved = built.proved();
    let before = built.check(&built.document, Some(&proved));
    let mut found = Vec::new();
    for field in built.fields() {
        if field.1 == ["id"] || elsewhere(&field) {
            continue;
        }
        let same = of_azure(&field.0).then_some(&proved);
        let after = built.check(&built.with(&field, &remove), same);
        let stays: BTreeSet<_> = before
            .iter()
            .filter(|(key, verdict)| {
                **verdict == Verdict::Pass && after.get(*key) == Some(&Verdict::Pass)
            })
            .map(|(key, _)| key.clone())
            .collect();
        let mut samples: Vec<Value> = Vec::new();
        let seen = std::cell::RefCell::new(&mut samples);
        built.with(&field, &|object, key| {
            for other in others(&object[key]) {
                if !seen.borrow().contains(&other) {
                    seen.borrow_mut().push(other);
                }
            }
        });
        for other in samples {
            let changed = built.with(&field, &|object, key| object[key] = other.clone());
            let changed = built.check(&changed, same);
            for key in stays
                .iter()
                .filter(|key| changed.get(*key) == Some(&Verdict::Fail))
            {
                found.push(format!(
                    "{} {} passes without {}, and fails when it is {other}",
                    key.0,
                    key.1,
                    shown(&field)
                ));
            }
        }
    }
    assert!(found.is_empty(), "{}\n{}", found.len(), found.join("\n"));
}

#[test]
fn a2_without_its_type_an_account_may_be_a_guest() {
    let built = Built::new("contoso-modern");
    let field = ("users".to_owned(), vec!["userType".to_owned()]);
    for less in [
        built.with(&field, &remove),
        built.with(&field, &|user, key| user[key] = Value::Null),
    ] {
        let found = built.check(&less, None);
        let of_type = found.iter().filter(|(key, _)| key.0 == "BG003");
        let verdicts: Vec<Verdict> = of_type.map(|(_, verdict)| *verdict).collect();
        assert_eq!(verdicts, [Verdict::CannotTell; 2]);
    }
}
