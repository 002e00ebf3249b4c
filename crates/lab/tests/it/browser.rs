//! The sign-in page in a real browser, with a security key of software: what comes of it is what proofs say.

use breakglass_conditional_access::{
    Enforce, Engine, Outcome, SignIn, Truth,
    environment::ADMIN_PORTALS,
    sign_in::{ClientApp, Flow, Given, InsiderRisk, Platform, Risk},
    tenant::{People, Tenant},
};
use breakglass_lab::LogKind;
use breakglass_model::{
    ObjectId,
    export::{self, InputFile},
};
use serde_json::{Value, json};

use crate::{
    chromium::{self, Browser},
    support::{Twin, example},
};

const BREAKGLASS: &str = "BreakGlass01@contoso.onmicrosoft.com";
const BREAKGLASS_ID: &str = "7b3e1a00-41c2-4d8a-b6f0-9c5d1e2a4000";
const SITE: &str = "https://login.microsoft.com";

/// What Conditional Access says of the account with all its methods, and the policies that are not met: worked out from
/// the snapshot alone.
fn expected(snapshot: &Value) -> (Outcome, Vec<String>) {
    let snapshot = export::read([InputFile {
        path: "twin.snapshot.json".to_owned(),
        bytes: snapshot.to_string().into_bytes(),
    }]);
    let tenant = Tenant::read(&snapshot);
    let people = People::new(&snapshot, &[&tenant]);
    let identity = people.identity(&ObjectId::parse(BREAKGLASS_ID).unwrap());
    let engine = Engine::new(&tenant.policies, &tenant.environment, Enforce::Enabled);
    let subject = engine.subject(&identity);
    let sign_in = SignIn {
        audiences: [ADMIN_PORTALS.to_owned()].into(),
        ip: Some("203.0.113.10".parse().unwrap()),
        country: Given::Value("CH".to_owned()),
        compliant_network: Some(false),
        platform: Some(Platform::Linux),
        client_app: Some(ClientApp::Browser),
        device: Given::Nothing,
        sign_in_risk: Some(Risk::None),
        user_risk: Some(Risk::None),
        insider_risk: Some(InsiderRisk::None),
        flow: Some(Flow::None),
        ..SignIn::default()
    };
    let evaluation = engine.evaluate(&subject, &sign_in);
    let unmet = tenant
        .policies
        .iter()
        .enumerate()
        .filter(|(place, _)| {
            evaluation.applies(*place) == Truth::Yes && evaluation.met(*place) == Truth::No
        })
        .map(|(_, policy)| policy.name.clone())
        .collect();
    (evaluation.outcome(), unmet)
}

async fn enrol(browser: &Browser) {
    browser.plug_in_a_key().await;
    browser.open(&format!("{SITE}/lab/enrol")).await;
    browser.fill("username", BREAKGLASS).await;
    look(browser, "enrol-who").await;
    browser.click("Next").await;
    browser.find("[data-passkey=create]").await;
    look(browser, "enrol-key").await;
    browser.click("Create the passkey").await;
    browser.find("a.button").await;
    look(browser, "enrol-done").await;
}

/// Every page of a sign-in is looked at: nothing sticks out.
async fn look(browser: &Browser, name: &str) {
    browser.shot(name).await;
    assert!(browser.fits().await, "{name} is too wide");
}

async fn sign_in(browser: &Browser) {
    browser
        .open(&format!("{SITE}/lab/signin?lab_app=entra"))
        .await;
    browser.heading("Sign in").await;
    look(browser, "sign-in-name").await;
    browser.find("summary").await.click().await.unwrap();
    look(browser, "sign-in-circumstances").await;
    browser.fill("username", BREAKGLASS).await;
    browser.click("Next").await;
    browser.heading("Choose a way").await;
    look(browser, "sign-in-ways").await;
    browser.click("security key").await;
    browser.heading("security key").await;
    look(browser, "sign-in-passkey").await;
    browser.click("Use a passkey").await;
}

fn failing(row: &Value) -> Vec<String> {
    row["appliedConditionalAccessPolicies"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|policy| policy["result"] == "failure")
        .map(|policy| policy["displayName"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_gets_in_where_the_proof_says_so_until_the_portal_locks_everybody_out() {
    if !chromium::is_here() {
        return;
    }
    let twin = Twin::of(example("contoso-modern")).await;
    let lab = twin.running.lab().clone();
    assert!(expected(&lab.snapshot()).0.gets_in());
    let own = lab.clone();
    chromium::run(&twin.running, async move |browser: Browser| {
        enrol(&browser).await;
        sign_in(&browser).await;
        browser.heading("You are signed in").await;
        look(&browser, "signed-in").await;

        // What the administrator does by one click, the proof and the page see alike.
        browser.click("Open the portal").await;
        browser.heading("Portal of").await;
        look(&browser, "portal").await;
        browser
            .click("Require a compliant device of everyone")
            .await;
        browser.find("[role=status]").await;
        look(&browser, "portal-done").await;
        let (outcome, unmet) = expected(&own.snapshot());
        assert!(outcome.fails());
        sign_in(&browser).await;
        browser.heading("You can't get there from here").await;
        look(&browser, "blocked").await;
        let text = browser.text().await;
        let row = own.logs().pop().unwrap().record;
        assert!(
            text.contains("53000") && text.contains(row["id"].as_str().unwrap()),
            "{text}"
        );
        assert_eq!(failing(&row), unmet);
        browser.as_on_a_phone(true).await;
        browser.open(&format!("{SITE}/portal")).await;
        browser.heading("Portal of").await;
        look(&browser, "portal-phone").await;
    })
    .await;

    let rows = lab.logs();
    let of = |code: u64| {
        rows.iter()
            .find(|row| row.record["status"]["errorCode"] == code)
            .unwrap()
    };
    // With a key, and a refresh token obtained: not among the interactive ones.
    let used = of(0);
    assert_eq!(used.kind, LogKind::NonInteractive);
    assert_eq!(used.record["conditionalAccessStatus"], "success");
    let step = &used.record["authenticationDetails"][0];
    assert_eq!(step["authenticationMethod"], "Passkey (device-bound)");
    assert!(
        step["authenticationMethodDetail"]
            .as_str()
            .unwrap()
            .contains("19083c3d-8383-4b18-bc03-8f1c9ab2fd1b")
    );
    assert_eq!(of(53000).kind, LogKind::Interactive);
    let audit = rows
        .iter()
        .find(|row| {
            row.kind == LogKind::Audit && row.record["loggedByService"] == "Conditional Access"
        })
        .unwrap();
    assert_eq!(audit.record["initiatedBy"]["user"]["id"], BREAKGLASS_ID);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_compliant_device_policy_stops_the_key_as_the_proof_says() {
    if !chromium::is_here() {
        return;
    }
    let twin = Twin::of(example("contoso")).await;
    let lab = twin.running.lab().clone();
    let (outcome, unmet) = expected(&lab.snapshot());
    assert!(outcome.fails() && unmet.iter().any(|name| name.starts_with("CA003")));
    chromium::run(&twin.running, async move |browser: Browser| {
        browser.as_on_a_phone(true).await;
        enrol(&browser).await;
        sign_in(&browser).await;
        browser.heading("You can't get there from here").await;
        look(&browser, "blocked-dark").await;
    })
    .await;
    let row = lab.logs().pop().unwrap();
    assert_eq!(row.record["status"]["errorCode"], 53000);
    assert_eq!(failing(&row.record), unmet);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_localhost_the_page_says_which_keys_it_uses_and_hostile_names_do_nothing() {
    if !chromium::is_here() {
        return;
    }
    let hostile = "\"><img src=x onerror=\"document.title='executed'\"><script>document.title='executed'</script>";
    let mut snapshot = example("contoso");
    snapshot["tenant"]["name"] = json!(hostile);
    for user in snapshot["collections"]["users"].as_array_mut().unwrap() {
        user["displayName"] = json!(hostile);
    }
    let twin = Twin::of(snapshot).await;
    let login = twin.running.addresses.login.clone();
    chromium::run(&twin.running, async move |browser: Browser| {
        let harmless = async |title: &str| {
            assert_eq!(browser.driver.title().await.unwrap(), title);
            let found = browser
                .driver
                .find_all(thirtyfour::By::Css("img, main script"))
                .await
                .unwrap();
            assert!(found.is_empty());
        };
        browser.open(&format!("{login}/lab")).await;
        look(&browser, "front").await;
        harmless("The twin").await;
        browser
            .open(&format!("{login}/lab/enrol?username={BREAKGLASS}"))
            .await;
        browser.plug_in_a_key().await;
        browser.click("Next").await;
        browser.find("[data-passkey=create]").await;
        assert!(browser.text().await.contains("bound to localhost"));
        look(&browser, "enrol-localhost").await;
        browser.click("Create the passkey").await;
        browser.find("a.button").await;
        browser.open(&format!("{login}/lab/signin")).await;
        browser.click("without a user name").await;
        browser.heading("security key").await;
        assert!(browser.text().await.contains("passkeys of localhost"));
        look(&browser, "passkey-localhost").await;
        browser.click("Use a passkey").await;
        browser.heading("You can't get there from here").await;
        harmless("You can't get there from here").await;
    })
    .await;
}
