//! Any JSON as a policy, or as a list of policies, asked about one sign-in.
#![no_main]

use std::sync::LazyLock;

use breakglass_conditional_access::{
    Enforce, Engine, Environment, Identity, Policy, SignIn, policy,
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

static SIGN_IN: LazyLock<SignIn> = LazyLock::new(|| {
    let text = r#"{
        "audiences": ["11111111-aaaa-4aaa-8aaa-000000000001"],
        "ip": "2001:db8::1",
        "country": "DE",
        "platform": "windows",
        "clientApp": "browser",
        "device": {"isCompliant": true, "extensionAttribute1": "SAW"},
        "signInRisk": "low",
        "userRisk": "none",
        "insiderRisk": "none"
    }"#;
    serde_json::from_str(text).expect("the fixed sign-in is valid")
});

fuzz_target!(|data: &[u8]| {
    let Ok(value) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    let policies: Vec<Policy> = match &value {
        Value::Array(items) => items.iter().map(policy::read).collect(),
        one => vec![policy::read(one)],
    };
    for enforce in [Enforce::Enabled, Enforce::ReportOnlyToo] {
        let engine = Engine::new(&policies, &Environment::default(), enforce);
        let subject = engine.subject(&Identity::default());
        let evaluation = engine.evaluate(&subject, &SIGN_IN);
        let _ = (
            evaluation.outcome(),
            evaluation.gates(),
            evaluation.missing(),
        );
        for policy in 0..policies.len() {
            let _ = (evaluation.applies(policy), evaluation.met(policy));
            let _ = (evaluation.conditions(policy), evaluation.unmet(policy));
        }
    }
});
