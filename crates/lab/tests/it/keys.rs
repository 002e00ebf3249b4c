//! Passkeys by WebAuthn: what verifies, what does not, and the records of it in every shape.

use breakglass_lab::{
    LogKind,
    records::{event_hub, graph_beta, graph_v1, log_analytics_row},
};
use breakglass_model::record::{LogRecord, SignIn};
use serde_json::{Value, json};

use crate::{
    signin::Person,
    softkey::SoftKey,
    support::{Twin, example},
};

pub(crate) const BREAKGLASS: &str = "BreakGlass01@contoso.onmicrosoft.com";

/// The options that a page hands to the browser.
fn options(person: &Person<'_>) -> Value {
    let (_, rest) = person
        .page
        .split_once("data-options=\"")
        .unwrap_or_else(|| panic!("no options in {}", person.page));
    let escaped = rest.split('"').next().unwrap();
    serde_json::from_str(
        &escaped
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&amp;", "&"),
    )
    .unwrap()
}

fn pairs<'a>(fields: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    fields
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}

/// Enrols a key of software in place of the first key of a user.
pub(crate) async fn enrol(
    person: &mut Person<'_>,
    twin: &Twin,
    upn: &str,
    method: &str,
) -> SoftKey {
    person
        .post("/lab/enrol", &[("step", "who"), ("username", upn)])
        .await;
    let (key, fields) = SoftKey::create(&options(person), &twin.running.addresses.login);
    let enrolment = person.hidden("enrolment");
    let form = [
        &[
            ("step", "create"),
            ("enrolment", enrolment.as_str()),
            ("method", method),
        ],
        pairs(&fields).as_slice(),
    ]
    .concat();
    person.post("/lab/enrol", &form).await;
    assert!(person.page.contains("stands in for"), "{}", person.page);
    key
}

/// Goes to the page of the passkey.
async fn to_the_key(person: &mut Person<'_>, upn: &str) {
    person.open("/lab/signin", &[]).await;
    person.step("name", &[("username", upn)]).await;
    person.step("choose", &[("way", "passkey")]).await;
}

pub(crate) async fn use_key(person: &mut Person<'_>, twin: &Twin, key: &mut SoftKey) {
    to_the_key(person, BREAKGLASS).await;
    let fields = key.assert(&options(person), &twin.running.addresses.login);
    person.step("passkey", &pairs(&fields)).await;
}

#[tokio::test]
async fn only_an_assertion_of_this_site_ceremony_and_person_verifies() {
    let twin = Twin::of(example("contoso-modern")).await;
    let login = twin.running.addresses.login.clone();
    let mut person = Person::new(&twin);
    to_the_key(&mut person, BREAKGLASS).await;
    assert!(
        person.page.contains("nobody holds one here"),
        "{}",
        person.page
    );
    let mut key = enrol(&mut person, &twin, BREAKGLASS, "m-BG01-A").await;

    use_key(&mut person, &twin, &mut key).await;
    assert!(person.page.contains("You are signed in"), "{}", person.page);

    let refused = async |person: &mut Person<'_>, fields: &[(&'static str, String)], why: &str| {
        person.step("passkey", &pairs(fields)).await;
        assert!(person.page.contains(why), "{why}: {}", person.page);
    };
    // A challenge is good once, and another site's origin is not ours.
    to_the_key(&mut person, BREAKGLASS).await;
    let replayed = key.assert(&options(&person), &login);
    to_the_key(&mut person, BREAKGLASS).await;
    refused(&mut person, &replayed, "Challenge does not match").await;
    let foreign = key.assert(&options(&person), "https://login.microsoft.example");
    refused(&mut person, &foreign, "is not https://localhost").await;
    key.verified = false;
    let unverified = key.assert(&options(&person), &login);
    refused(&mut person, &unverified, "User was not verified").await;
    key.verified = true;
    let mut broken = key.assert(&options(&person), &login);
    broken[2].1 = broken[2].1.replace('A', "B");
    refused(&mut person, &broken, "AADSTS500121").await;
    key.count = 0;
    let copied = key.assert(&options(&person), &login);
    refused(&mut person, &copied, "Signature counter went back").await;
    // Somebody else's key.
    key.count = 50;
    to_the_key(&mut person, "BreakGlass02@contoso.onmicrosoft.com").await;
    let mut other = enrol(
        &mut person,
        &twin,
        "BreakGlass02@contoso.onmicrosoft.com",
        "m-BG02-A",
    )
    .await;
    to_the_key(&mut person, BREAKGLASS).await;
    let theirs = other.assert(&options(&person), &login);
    refused(&mut person, &theirs, "Passkey is not known").await;
    // Without a user name the key tells who it is.
    person.open("/lab/signin", &[]).await;
    person.step("discover", &[]).await;
    let fields = key.assert(&options(&person), &login);
    person.step("passkey", &pairs(&fields)).await;
    assert!(person.page.contains("You are signed in"), "{}", person.page);
}

#[tokio::test]
async fn a_key_whose_model_the_policy_forbids_is_refused() {
    let mut snapshot = example("contoso-modern");
    snapshot["collections"]["authenticationMethodsPolicy"] = json!([{
        "id": "authenticationMethodsPolicy",
        "authenticationMethodConfigurations": [{
            "@odata.type": "#microsoft.graph.fido2AuthenticationMethodConfiguration", "id": "Fido2", "state": "enabled",
            "isSelfServiceRegistrationAllowed": true, "isAttestationEnforced": false,
            "keyRestrictions": {"isEnforced": true, "enforcementType": "block", "aaGuids": ["19083c3d-8383-4b18-bc03-8f1c9ab2fd1b"]},
            "includeTargets": [{"targetType": "group", "id": "all_users"}], "excludeTargets": [],
        }],
    }]);
    let twin = Twin::of(snapshot).await;
    let mut person = Person::new(&twin);
    let mut key = enrol(&mut person, &twin, BREAKGLASS, "m-BG01-A").await;
    person.open("/lab/signin", &[]).await;
    person.step("discover", &[]).await;
    let fields = key.assert(&options(&person), &twin.running.addresses.login);
    person.step("passkey", &pairs(&fields)).await;
    assert!(person.page.contains("AADSTS130501"), "{}", person.page);
}

fn read(value: &Value) -> SignIn {
    match LogRecord::from_json(value) {
        LogRecord::SignIn(own) => *own,
        other => panic!("no sign-in: {other:?}"),
    }
}

#[tokio::test]
async fn every_shape_of_a_sign_in_says_the_same() {
    let twin = Twin::of(example("contoso")).await;
    let mut person = Person::new(&twin);
    let mut key = enrol(&mut person, &twin, BREAKGLASS, "m-BG01-A").await;
    use_key(&mut person, &twin, &mut key).await;
    person
        .open(
            "/lab/signin",
            &[("lab_device", "compliant"), ("lab_platform", "windows")],
        )
        .await;
    person.step("name", &[("username", BREAKGLASS)]).await;
    person.step("choose", &[("way", "passkey")]).await;
    let fields = key.assert(&options(&person), &twin.running.addresses.login);
    person.step("passkey", &pairs(&fields)).await;
    assert!(person.page.contains("You are signed in"), "{}", person.page);

    let tenant = twin.tenant();
    let rows = twin.running.lab().logs();
    assert_eq!(rows[0].kind, LogKind::Interactive);
    assert_eq!(rows[0].record["status"]["errorCode"], 53000);
    assert_eq!(rows[1].kind, LogKind::NonInteractive);
    for row in &rows {
        let beta = graph_beta(row, row.readable_at).into_owned();
        let hub = event_hub(row, &tenant, 0);
        let table = log_analytics_row(row, &tenant, "11111111-2222-4333-8444-555555555555", 0);
        let first = read(&beta);
        assert!(first.common.when.is_some());
        for other in [graph_v1(row), hub.clone(), table.clone()] {
            let own = read(&other);
            let common = |own: &SignIn| {
                (
                    own.common.id.clone(),
                    own.common.when,
                    own.common.correlation.clone(),
                    own.common.stream.clone(),
                )
            };
            assert_eq!(common(&own), common(&first));
            assert_eq!(
                (&own.user, &own.code, own.outcome),
                (&first.user, &first.code, first.outcome)
            );
            assert_eq!(
                (&own.reason, &own.ip, &own.app),
                (&first.reason, &first.ip, &first.app)
            );
            assert_eq!(
                (&own.resource, &own.device, &own.location),
                (&first.resource, &first.device, &first.location)
            );
            assert_eq!(own.policies, first.policies);
            let signal = |value: &Value| LogRecord::from_json(value).signal_id(Some(&tenant));
            assert_eq!(signal(&other), signal(&beta));
        }
        for whole in [&hub, &table] {
            let own = read(whole);
            assert_eq!(own.methods, ["Passkey (device-bound)"]);
            assert_eq!(own.common.tenant.as_deref(), Some(tenant.as_str()));
        }
        // What differs by shape does.
        assert!(
            hub["properties"]["appliedConditionalAccessPolicies"][0]["conditionsSatisfied"]
                .is_u64()
        );
        assert!(beta["appliedConditionalAccessPolicies"][0]["conditionsSatisfied"].is_string());
        assert_eq!(
            table["Status"].is_object(),
            row.kind == LogKind::Interactive
        );
        assert!(table["AuthenticationDetails"].is_string());
        assert!(graph_v1(row).get("authenticationDetails").is_none());
        assert_eq!(
            table["Type"],
            if row.kind == LogKind::Interactive {
                "SigninLogs"
            } else {
                "AADNonInteractiveUserSignInLogs"
            }
        );
    }
    // Every policy is listed, whatever it came to.
    let results: Vec<&str> = rows[0].record["appliedConditionalAccessPolicies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|policy| policy["result"].as_str().unwrap())
        .collect();
    assert_eq!(results.len(), 10);
    assert!(
        ["success", "failure", "notApplied"]
            .iter()
            .all(|own| results.contains(own)),
        "{results:?}"
    );
    assert!(
        results.iter().any(|own| own.starts_with("reportOnly")),
        "{results:?}"
    );
}

#[tokio::test]
async fn the_steps_of_a_late_record_are_filled_in_later_still() {
    let twin = Twin::with(example("contoso-modern"), |config| {
        config.log_delay = Some(jiff::SignedDuration::from_mins(4));
    })
    .await;
    twin.switch(breakglass_lab::Fault::LogDelay, true);
    let mut person = Person::new(&twin);
    let mut key = enrol(&mut person, &twin, BREAKGLASS, "m-BG01-A").await;
    use_key(&mut person, &twin, &mut key).await;
    let row = twin.running.lab().logs().pop().unwrap();
    let steps = |minutes: i64| {
        let now = row
            .readable_at
            .checked_add(jiff::SignedDuration::from_mins(minutes))
            .unwrap();
        graph_beta(&row, now)["authenticationDetails"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((steps(0), steps(4), steps(5)), (0, 0, 1));
}
