//! Gates outside Conditional Access: no exclusion helps against them.

use breakglass_conditional_access::{
    Enforce, Engine, Environment, Identity, Outcome, SignIn,
    engine::GateKind,
    environment::ADMIN_PORTALS,
    identity::{Fact, GuestKind, Memberships},
    prove::{Options, Prover, Verdict},
    sign_in::{ClientApp, Platform},
    strength::UsableMethod,
};

fn person(methods: &[&str], roles: &[&str]) -> Identity {
    Identity {
        id: "p".to_owned(),
        name: "p".to_owned(),
        guest: Fact::Known(GuestKind::Member),
        groups: Memberships::known([""; 0]),
        roles: Memberships::known(roles),
        methods: Fact::Known(methods.iter().map(|m| UsableMethod::new(m)).collect()),
        devices: Fact::Known(Vec::new()),
        enabled: Fact::Known(true),
        ..Identity::default()
    }
}

fn portal(client: ClientApp) -> SignIn {
    SignIn {
        audiences: [ADMIN_PORTALS.to_owned()].into(),
        client_app: Some(client),
        platform: Some(Platform::Windows),
        device: None.into(),
        ..SignIn::default()
    }
}

fn outcome(environment: &Environment, person: &Identity, sign_in: &SignIn) -> Outcome {
    let engine = Engine::new(&[], environment, Enforce::Enabled);
    let subject = engine.subject(person);
    engine.evaluate(&subject, sign_in).outcome()
}

#[test]
fn k5_mandatory_mfa_stops_a_password_and_asks_a_key() {
    let environment = Environment::default();
    let sign_in = portal(ClientApp::Browser);
    assert_eq!(
        outcome(&environment, &person(&["password"], &[]), &sign_in),
        Outcome::Deny
    );
    assert_eq!(
        outcome(&environment, &person(&["fido2"], &[]), &sign_in),
        Outcome::Challenge
    );
    let mut elsewhere = sign_in.clone();
    elsewhere.audiences = ["00000002-0000-0ff1-ce00-000000000000".to_owned()].into();
    assert_eq!(
        outcome(&environment, &person(&["password"], &[]), &elsewhere),
        Outcome::Allow
    );
}

#[test]
fn k5_an_account_with_a_password_is_locked_out_without_any_policy() {
    let environment = Environment::default();
    let engine = Engine::new(&[], &environment, Enforce::Enabled);
    let prover = Prover::new(&engine, &Options::default());
    let proof = prover.account(&engine.subject(&person(&["password"], &[])), &[]);
    assert_eq!(proof.verdict, Verdict::LockedOut);
    assert!(proof.blame.is_empty(), "no policy is to blame");
    assert!(
        proof.because[0].contains("mandatory"),
        "{:?}",
        proof.because
    );
}

#[test]
fn x1_security_defaults_ask_administrators_and_stop_legacy_clients() {
    let environment = Environment {
        security_defaults: true,
        mandatory_mfa: [].into(),
        ..Environment::default()
    };
    let administrator = person(&["password"], &["62e90394-69f5-4237-9190-012177145e10"]);
    assert_eq!(
        outcome(&environment, &administrator, &portal(ClientApp::Browser)),
        Outcome::Deny
    );
    let user = person(&["password"], &[]);
    assert_eq!(
        outcome(&environment, &user, &portal(ClientApp::Browser)),
        Outcome::Unknown
    );
    let legacy = portal(ClientApp::Other);
    assert_eq!(
        outcome(&environment, &person(&["fido2"], &[]), &legacy),
        Outcome::Deny
    );
}

#[test]
fn a2_a_disabled_account_gets_nowhere_and_an_unread_state_is_no_answer() {
    let environment = Environment::default();
    let mut person = person(&["fido2"], &[]);
    person.enabled = Fact::Known(false);
    assert_eq!(
        outcome(&environment, &person, &portal(ClientApp::Browser)),
        Outcome::Deny
    );
    person.enabled = Fact::Unknown("not read".to_owned());
    assert_eq!(
        outcome(&environment, &person, &portal(ClientApp::Browser)),
        Outcome::Unknown
    );
    let engine = Engine::new(&[], &environment, Enforce::Enabled);
    let subject = engine.subject(&person);
    let sign_in = portal(ClientApp::Browser);
    let evaluation = engine.evaluate(&subject, &sign_in);
    assert!(
        evaluation
            .gates()
            .iter()
            .any(|gate| gate.kind == GateKind::AccountEnabled)
    );
    assert!(
        evaluation.missing()[0].contains("enabled"),
        "{:?}",
        evaluation.missing()
    );
}
