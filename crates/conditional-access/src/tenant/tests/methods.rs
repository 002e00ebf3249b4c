use breakglass_model::{
    Reading, Upn,
    tenant::{Device, Method, MethodKind, User},
};

use super::*;
use crate::{
    identity::{Fact, GuestKind},
    strength::{Combination, UsableMethod},
};

const FEITIAN: &str = "ee041bce-25e5-4cdb-8f86-897fd6418464";
const YUBICO: &str = "cb69481e-8ff7-4039-93ec-0a2729a154a8";

fn key(model: Option<&str>) -> Value {
    json!({"@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "displayName": "Key", "aaGuid": model})
}

fn of_kind(kind: &str) -> Value {
    json!({"@odata.type": format!("#microsoft.graph.{kind}AuthenticationMethod"), "id": kind})
}

fn with_methods(methods: &[Value], policy: Option<Value>) -> TenantSnapshot {
    let mut one = user("bg1");
    one["authentication"] = json!({"methods": methods});
    let mut collections = json!({
        "users": [one],
        "domains": [{"id": "contoso.com", "authenticationType": "Managed"}],
        "groups": [{"id": "keys", "groupTypes": [], "members": [{"id": "bg1"}]}],
    });
    if let Some(policy) = policy {
        collections["authenticationMethodsPolicy"] = json!([policy]);
    }
    snapshot(&collections)
}

fn methods_of(snapshot: &TenantSnapshot) -> Vec<UsableMethod> {
    identity(snapshot, "bg1").methods.known().unwrap().clone()
}

fn words(snapshot: &TenantSnapshot) -> Vec<(String, bool)> {
    methods_of(snapshot)
        .into_iter()
        .map(|method| (method.combination.to_string(), method.certain))
        .collect()
}

fn notes(snapshot: &TenantSnapshot) -> Vec<String> {
    let tenant = Tenant::read(snapshot);
    People::new(snapshot, &[&tenant]).notes(&oid("bg1"))
}

fn fido2(include: &str, restrictions: &Value) -> Value {
    json!({"authenticationMethodConfigurations": [{
        "id": "Fido2", "state": "enabled", "keyRestrictions": restrictions,
        "includeTargets": [{"targetType": "group", "id": include}],
    }]})
}

fn enforced(kind: &str, models: &[&str]) -> Value {
    json!({"isEnforced": true, "enforcementType": kind, "aaGuids": models})
}

#[test]
fn k5_registered_methods_become_combinations() {
    let snapshot = with_methods(
        &[
            key(Some(&YUBICO.to_uppercase())),
            of_kind("windowsHelloForBusiness"),
            of_kind("platformCredential"),
            of_kind("microsoftAuthenticator"),
            json!({"@odata.type": "#microsoft.graph.phoneAuthenticationMethod", "phoneType": "office"}),
            json!({"@odata.type": "#microsoft.graph.temporaryAccessPassAuthenticationMethod", "isUsableOnce": false}),
            json!({"@odata.type": "#microsoft.graph.temporaryAccessPassAuthenticationMethod", "isUsable": false}),
            of_kind("x509Certificate"),
            of_kind("email"),
            of_kind("password"),
        ],
        None,
    );
    let methods = methods_of(&snapshot);
    assert!(methods.contains(&UsableMethod::new("fido2").model(YUBICO)));
    let find = |words: &str| {
        let combination = Combination::new(words);
        let found: Vec<_> = methods
            .iter()
            .filter(|m| m.combination == combination)
            .collect();
        found
            .iter()
            .map(|m| (m.device_bound, m.certain))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        find("windowsHelloForBusiness"),
        [(true, false), (true, true)]
    );
    assert_eq!(find("password,microsoftAuthenticatorPush"), [(false, true)]);
    assert_eq!(find("deviceBasedPush"), [(false, false)]);
    assert_eq!(find("password,voice"), [(false, true)]);
    assert_eq!(find("password,sms"), []);
    assert_eq!(find("temporaryAccessPassMultiUse"), [(false, true)]);
    assert_eq!(find("temporaryAccessPassOneTime"), []);
    assert_eq!(find("x509CertificateMultiFactor"), [(false, false)]);
    assert_eq!(find("password"), [(false, true)]);
    let assumptions = Tenant::read(&snapshot).assumptions;
    assert!(
        assumptions
            .iter()
            .any(|line| line.contains("methods policy")),
        "{assumptions:?}"
    );
}

#[test]
fn k5_methods_that_were_not_read_are_unknown() {
    let snapshot = snapshot(&json!({"users": [user("bg1")]}));
    assert!(identity(&snapshot, "bg1").methods.why().is_some());
}

#[test]
fn k5_key_restrictions_refuse_a_key() {
    let snapshot = with_methods(
        &[key(Some(YUBICO)), key(Some(FEITIAN)), key(None)],
        Some(fido2("all_users", &enforced("allow", &[FEITIAN]))),
    );
    let mut unsure = UsableMethod::new("fido2");
    unsure.certain = false;
    assert_eq!(
        methods_of(&snapshot),
        [unsure, UsableMethod::new("fido2").model(FEITIAN)]
    );
    let notes = notes(&snapshot);
    assert!(notes[0].contains("refuses this model"), "{notes:?}");
    assert!(notes[1].contains("not known"), "{notes:?}");
    let blocked = with_methods(
        &[key(Some(YUBICO))],
        Some(fido2("all_users", &enforced("block", &[YUBICO]))),
    );
    assert_eq!(methods_of(&blocked), []);
    let relaxed = json!({"isEnforced": false, "enforcementType": "allow", "aaGuids": []});
    let relaxed = with_methods(&[key(None)], Some(fido2("all_users", &relaxed)));
    assert_eq!(methods_of(&relaxed), [UsableMethod::new("fido2")]);
}

#[test]
fn k5_the_methods_policy_decides_by_group() {
    let relaxed = json!({"isEnforced": false});
    let of = |group: &str| words(&with_methods(&[key(None)], Some(fido2(group, &relaxed))));
    assert_eq!(of("keys"), [("fido2".to_owned(), true)]);
    assert_eq!(of("deleted"), []);
    let mut excluding = fido2("all_users", &relaxed);
    excluding["authenticationMethodConfigurations"][0]["excludeTargets"] = json!([{"id": "KEYS"}]);
    let excluded = with_methods(&[key(None)], Some(excluding));
    assert_eq!(words(&excluded), []);
    assert!(notes(&excluded)[0].contains("excludes the person"));

    let mut unread = with_methods(&[key(None)], Some(fido2("keys", &relaxed)));
    unread.groups.items[0].members = Reading::NotRead("the export left them out".to_owned());
    assert_eq!(words(&unread), [("fido2".to_owned(), false)]);
}

#[test]
fn k5_what_is_switched_off_is_dropped_unless_older_settings_may_allow_it() {
    let policy = |state: &str| {
        json!({
            "policyMigrationState": state,
            "authenticationMethodConfigurations": [
                {"id": "Sms", "state": "disabled", "includeTargets": [{"id": "all_users"}]},
                {"id": "Voice", "state": "enabled", "includeTargets": [{"id": "all_users"}]},
            ],
        })
    };
    let phone = [of_kind("phone")];
    let strict = with_methods(&phone, Some(policy("migrationComplete")));
    assert_eq!(words(&strict), [("password,voice".to_owned(), true)]);
    let old = with_methods(&phone, Some(policy("preMigration")));
    assert_eq!(
        words(&old),
        [
            ("password,sms".to_owned(), false),
            ("password,voice".to_owned(), true)
        ]
    );
}

#[test]
fn a2_the_first_factor_of_a_federated_user_is_the_outside_provider() {
    let mut snapshot = with_methods(&[of_kind("softwareOath"), of_kind("password")], None);
    assert_eq!(identity(&snapshot, "bg1").federated, Fact::Known(false));
    snapshot.domains.items[0].federated = Reading::Read(true);
    let bg1 = identity(&snapshot, "bg1");
    assert_eq!(bg1.federated, Fact::Known(true));
    assert_eq!(
        words(&snapshot),
        [
            ("federatedSingleFactor".to_owned(), true),
            ("federatedSingleFactor,softwareOath".to_owned(), true)
        ]
    );
}

#[test]
fn c4_a_person_described_by_hand_is_as_described() {
    let mut snapshot = snapshot(&json!({
        "conditionalAccessPolicies": [
            policy(&json!({"includeRoles": [GA, SECURITY], "excludeGroups": ["g", "h"]})),
        ],
    }));
    snapshot.users.items.push(User {
        id: Some(oid("bg1")),
        upn: Upn::parse("bg1@contoso.com").ok(),
        roles: Reading::Read(vec![oid(GA)]),
        transitive_member_of: Reading::Read(vec![oid("G")]),
        methods: Reading::Read(vec![
            Method {
                kind: MethodKind::MicrosoftAuthenticator,
                combination: Some("password,microsoftAuthenticatorPush".to_owned()),
                ..Method::default()
            },
            Method {
                combination: Some("no such thing".to_owned()),
                ..Method::default()
            },
        ]),
        devices: Reading::Read(vec![Device {
            is_compliant: Some(true),
            trust_type: Some("azuread".to_owned()),
            ..Device::default()
        }]),
        described_in: Some("person.json".to_owned()),
        ..User::default()
    });
    let bg1 = identity(&snapshot, "bg1");
    assert_eq!(
        bg1.methods,
        Fact::Known(vec![UsableMethod::new(
            "password,microsoftAuthenticatorPush"
        )])
    );
    assert!(way(bg1.groups.of("g")).is_empty());
    assert_eq!(bg1.groups.of("h"), Membership::NotHeld);
    assert!(way(bg1.roles.of(GA)).is_empty());
    assert_eq!(bg1.roles.of(SECURITY), Membership::NotHeld);
    assert_eq!(bg1.guest, Fact::Known(GuestKind::Member));
    assert_eq!(bg1.enabled, Fact::Known(true));
    let devices = bg1.devices.known().unwrap();
    assert_eq!(devices[0].trust_type.as_deref(), Some("AzureAD"));
    let assumptions = Tenant::read(&snapshot).assumptions;
    assert!(
        assumptions
            .iter()
            .any(|line| line.contains("taken to be enabled")),
        "{assumptions:?}"
    );
    assert!(notes(&snapshot)[0].contains("no such thing"));
}

#[test]
fn k5_per_user_mfa_is_read_and_keeps_a_password_out() {
    use crate::{Enforce, Engine, Environment, Outcome, SignIn, sign_in::ClientApp};
    let mut one = user("bg1");
    one["accountEnabled"] = json!(true);
    one["perUserMfaState"] = json!("enforced");
    one["authentication"] = json!({"methods": [of_kind("password")]});
    let snapshot = snapshot(&json!({"users": [one]}));
    let person = identity(&snapshot, "bg1");
    assert!(person.per_user_mfa);
    let engine = Engine::new(&[], &Environment::default(), Enforce::Enabled);
    let subject = engine.subject(&person);
    let sign_in = SignIn {
        audiences: ["x".to_owned()].into(),
        client_app: Some(ClientApp::Browser),
        ..SignIn::default()
    };
    assert_eq!(engine.evaluate(&subject, &sign_in).outcome(), Outcome::Deny);
}
