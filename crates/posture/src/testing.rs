//! A small tenant in which everything is right, to be broken by tests.

use breakglass_model::{
    Collection, Finding, History, ObjectId, Reading, Register, TenantSnapshot, Upn, Verdict,
    aaguid::Tables,
    history::{DrillOutcome, DrillRecord},
    register::{
        Account, Envelope, Key, Person, Place, Protection, SealCheck, Sealed, Training, Workstation,
    },
    tenant::{
        AdministrativeUnit, AssignmentKind, Domain, GLOBAL_ADMINISTRATOR, Group, Method,
        MethodKind, Policy, Role, RoleAssignment, User,
    },
};
use jiff::{
    Timestamp,
    civil::{Date, date},
};

use serde_json::{Value, json};

#[path = "testing/guarded.rs"]
mod guarded;
#[path = "testing/watched.rs"]
mod watched;

use crate::{Context, Lockout, Settings, find, resolve};

pub(crate) use guarded::seen_use;
pub(crate) use watched::sentinel;

pub(crate) const YUBICO: &str = "19083c3d-8383-4b18-bc03-8f1c9ab2fd1b";
pub(crate) const FEITIAN: &str = "833b721a-ff5f-4d00-bb2e-bdda3ec01e29";

pub(crate) fn oid(text: &str) -> ObjectId {
    ObjectId::parse(text).unwrap()
}

/// A tenant, its register and its history.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) snapshot: TenantSnapshot,
    pub(crate) register: Register,
    pub(crate) history: History,
}

impl World {
    /// Everything right: `bg1` and `bg2`, and one everyday administrator `adm1`.
    pub(crate) fn modern() -> Self {
        let mut snapshot = TenantSnapshot::empty();
        snapshot.collected_at = Some(now());
        snapshot.users = Collection::complete(vec![
            account("bg1", "BreakGlass01", YUBICO),
            account("bg2", "BreakGlass02", FEITIAN),
            everyday("adm1"),
        ]);
        snapshot.groups = Collection::complete(vec![Group {
            id: Some(oid("grp")),
            role_assignable: Reading::Read(true),
            dynamic: Reading::Read(false),
            members: Reading::Read(vec![oid("bg1"), oid("bg2")]),
            ..Group::default()
        }]);
        snapshot.roles = Collection::complete(vec![Role {
            id: Some(oid(GLOBAL_ADMINISTRATOR)),
            template_id: Some(oid(GLOBAL_ADMINISTRATOR)),
            ..Role::default()
        }]);
        snapshot.active_assignments = Collection::complete(
            ["bg1", "bg2", "adm1"]
                .map(|p| assignment(p, AssignmentKind::Active))
                .to_vec(),
        );
        snapshot.eligible_assignments = Collection::complete(Vec::new());
        snapshot.units = Collection::complete(vec![AdministrativeUnit {
            id: Some(oid("unit")),
            display_name: None,
            restricted: Reading::Read(true),
            members: Reading::Read(vec![oid("bg1"), oid("bg2"), oid("grp")]),
        }]);
        snapshot.domains = Collection::complete(vec![
            domain("contoso.onmicrosoft.com", true, false),
            domain("contoso.com", false, true),
        ]);
        snapshot.policies = Collection::complete(Vec::new());
        snapshot.access_reviews = Collection::complete(Vec::new());
        snapshot.lifecycle_workflows = Collection::complete(Vec::new());
        guarded::guard(&mut snapshot);
        watched::watch(&mut snapshot);
        let history = History {
            from_store: true,
            drills: vec![
                drill("bg1", date(2026, 9, 1)),
                drill("bg2", date(2026, 9, 2)),
            ],
            uses: vec![
                seen_use("bg1", "2026-09-01T09:00:00Z"),
                seen_use("bg2", "2026-09-02T09:00:00Z"),
            ],
            runs: Vec::new(),
            alone: Vec::new(),
        };
        let mut world = Self {
            snapshot,
            register: register(),
            history,
        };
        world.dedicated(&json!({"id": "00000000-0000-0000-0000-000000000004"}));
        world.last_policy()["sessionControls"] = json!({"signInFrequency": {"isEnabled": true, "value": 4, "type": "hours"},
                "persistentBrowser": {"isEnabled": true, "mode": "never"}});
        world
    }

    /// The same without any Conditional Access policy.
    pub(crate) fn without_policies() -> Self {
        let mut world = Self::modern();
        world.snapshot.policies.items.clear();
        world
    }

    pub(crate) fn user(&mut self, id: &str) -> &mut User {
        self.snapshot
            .users
            .items
            .iter_mut()
            .find(|u| u.id == Some(oid(id)))
            .unwrap()
    }

    /// Somebody deleted a user; what named it still does.
    pub(crate) fn delete_user(&mut self, id: &str) {
        let gone = oid(id);
        let users = &mut self.snapshot.users.items;
        users.retain(|user| user.id.as_ref() != Some(&gone));
    }

    /// Adds a Conditional Access policy as Graph writes it: with every key.
    pub(crate) fn policy(&mut self, mut raw: Value) {
        breakglass_conditional_access::policy::complete(&mut raw);
        self.snapshot.policies.items.push(Policy {
            id: raw["id"].as_str().map(oid),
            display_name: raw["displayName"].as_str().map(str::to_owned),
            state: raw["state"].as_str().map(str::to_owned),
            raw,
        });
    }

    /// Adds the policy of C2: the accounts' group, all resources, this strength.
    pub(crate) fn dedicated(&mut self, strength: &Value) {
        self.policy(json!({"id": "ded", "displayName": "Break glass", "state": "enabled",
            "conditions": {"users": {"includeGroups": ["grp"]}, "applications": {"includeApplications": ["All"]}},
            "grantControls": {"operator": "OR", "authenticationStrength": strength}}));
    }

    pub(crate) fn last_policy(&mut self) -> &mut Value {
        &mut self.snapshot.policies.items.last_mut().unwrap().raw
    }

    /// Adds a group that holds another one.
    pub(crate) fn nest(&mut self, inner: &str, outer: &str) {
        self.snapshot.groups.items.push(Group {
            id: Some(oid(outer)),
            members: Reading::Read(vec![oid(inner)]),
            ..Group::default()
        });
    }

    pub(crate) fn sealed(&mut self) -> &mut Sealed {
        self.register.sealed.as_mut().unwrap()
    }

    pub(crate) fn run(&self, check: &str) -> Vec<Finding> {
        self.run_with(check, Some(&self.register))
    }

    pub(crate) fn run_with(&self, check: &str, register: Option<&Register>) -> Vec<Finding> {
        self.run_for(check, register, &["bg1".to_owned(), "bg2".to_owned()])
    }

    /// With the accounts that are declared beside those of the register.
    pub(crate) fn run_for(
        &self,
        check: &str,
        register: Option<&Register>,
        declared: &[String],
    ) -> Vec<Finding> {
        let accounts = resolve(&self.snapshot, register, declared);
        let lockout = Lockout::new(&self.snapshot, &accounts);
        let context = Context {
            lockout: &lockout,
            snapshot: &self.snapshot,
            register,
            history: &self.history,
            accounts: &accounts,
            candidates: &[],
            now: now(),
            keys: Tables::built_in(),
            settings: Settings::default(),
        };
        (find(check).unwrap().run)(&context)
    }

    /// The verdicts of a check, in its order.
    pub(crate) fn verdicts(&self, check: &str) -> Vec<Verdict> {
        self.run(check).iter().map(|f| f.verdict).collect()
    }

    /// The verdicts without a register.
    pub(crate) fn verdicts_unregistered(&self, check: &str) -> Vec<Verdict> {
        self.run_with(check, None)
            .iter()
            .map(|f| f.verdict)
            .collect()
    }
}

pub(crate) fn now() -> Timestamp {
    "2026-10-01T12:00:00Z".parse().unwrap()
}

pub(crate) fn method(kind: MethodKind) -> Method {
    Method {
        kind,
        ..Method::default()
    }
}

pub(crate) fn key(aaguid: &str) -> Method {
    Method {
        kind: MethodKind::Fido2,
        aaguid: Some(aaguid.to_owned()),
        attestation: Some("attested".to_owned()),
        passkey_type: Some("deviceBound".to_owned()),
        ..Method::default()
    }
}

pub(crate) fn assignment(principal: &str, kind: AssignmentKind) -> RoleAssignment {
    RoleAssignment {
        id: Some(format!("ra-{principal}")),
        principal: oid(principal),
        role: oid(GLOBAL_ADMINISTRATOR),
        kind,
        scope: Reading::Read("/".to_owned()),
        end: Reading::Read(None),
        activated: Reading::Read(false),
    }
}

pub(crate) fn drill(account: &str, on: Date) -> DrillRecord {
    DrillRecord {
        account: oid(account),
        on,
        by: Some("anna".to_owned()),
        outcome: DrillOutcome::Passed,
    }
}

fn domain(name: &str, initial: bool, federated: bool) -> Domain {
    Domain {
        name: name.to_owned(),
        initial: Reading::Read(initial),
        federated: Reading::Read(federated),
        password_days: Reading::Read(None),
    }
}

fn account(id: &str, name: &str, aaguid: &str) -> User {
    User {
        id: Some(oid(id)),
        upn: Some(Upn::parse(&format!("{name}@contoso.onmicrosoft.com")).unwrap()),
        display_name: Some(name.to_owned()),
        account_enabled: Reading::Read(true),
        synchronised: Reading::Read(false),
        user_type: Some("Member".to_owned()),
        personal: Reading::Read(Vec::new()),
        licences: Reading::Read(Vec::new()),
        last_sign_in: Reading::Read(None),
        methods: Reading::Read(vec![method(MethodKind::Password), key(aaguid)]),
        transitive_member_of: Reading::default(),
        ..User::default()
    }
}

fn everyday(id: &str) -> User {
    User {
        id: Some(oid(id)),
        upn: Some(Upn::parse(&format!("{id}@contoso.com")).unwrap()),
        account_enabled: Reading::Read(true),
        last_sign_in: Reading::Read(Some(now())),
        methods: Reading::Read(vec![
            method(MethodKind::Password),
            method(MethodKind::MicrosoftAuthenticator),
        ]),
        ..User::default()
    }
}

fn register() -> Register {
    let entry = |id: &str, name: &str, label: &str, aaguid: &str, place: &str| Account {
        id: Some(oid(id)),
        upn: Some(Upn::parse(&format!("{name}@contoso.onmicrosoft.com")).unwrap()),
        group: Some(oid("grp")),
        unit: Some(oid("unit")),
        keys: vec![Key {
            label: label.to_owned(),
            aaguid: Some(aaguid.to_owned()),
            place: Some(place.to_owned()),
            envelope: Some(format!("E-{label}")),
            ..Key::default()
        }],
        ..Account::default()
    };
    let person = |id: &str, role: &str, user: Option<&str>| Person {
        id: id.to_owned(),
        name: id.to_owned(),
        object_id: user.map(oid),
        roles: vec![role.to_owned(), "custodian".to_owned()],
        authorised_since: Some(date(2026, 1, 1)),
        training: vec![Training {
            topic: "procedure".to_owned(),
            on: date(2026, 2, 1),
            valid_days: Some(365),
        }],
        ..Person::default()
    };
    let place = |id: &str, site: &str| Place {
        id: id.to_owned(),
        site: Some(site.to_owned()),
        hours: Some("always".to_owned()),
        opens: vec!["anna".to_owned(), "ben".to_owned()],
        ..Place::default()
    };
    let envelope = |label: &str, place: &str| Envelope {
        id: format!("E-{label}"),
        place: Some(place.to_owned()),
        holds: vec![
            format!("key:{label}"),
            format!("pin:{label}"),
            format!("sheet:{}", &label[..4]),
        ],
        seal: Some("S-1".to_owned()),
        checked: vec![SealCheck {
            on: date(2026, 9, 1),
            by: Some("ben".to_owned()),
            seal_ok: true,
        }],
    };
    Register {
        initial_domain: Some("contoso.onmicrosoft.com".to_owned()),
        accounts: vec![
            entry("bg1", "BreakGlass01", "BG01-A", YUBICO, "hq-safe"),
            entry("bg2", "BreakGlass02", "BG02-A", FEITIAN, "bank"),
        ],
        people: vec![
            person("anna", "responder", Some("adm1")),
            person("ben", "stakeholder", Some("adm1")),
        ],
        protection: Some(Protection::Encrypted),
        workstations: vec![Workstation {
            device_id: "paw-1".to_owned(),
            name: None,
        }],
        sealed: Some(Sealed {
            places: vec![place("hq-safe", "HQ"), place("bank", "City")],
            envelopes: vec![envelope("BG01-A", "hq-safe"), envelope("BG02-A", "bank")],
        }),
        ..Register::default()
    }
}
