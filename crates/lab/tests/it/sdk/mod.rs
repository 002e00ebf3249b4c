//! Microsoft's own clients against the twin: `msgraph-sdk` with `azure-identity` (Python), `@microsoft/microsoft-graph-client`
//! with `@azure/identity` (Node), and the Azure CLI with a custom cloud.
//!
//! `./test` installs them and says where by environment variables; without those the tests say that they are skipped. What
//! the clients make of the answers is printed by the scripts in `tests/sdk` and judged here.

mod cli;
mod node;
mod people;
mod python;

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use breakglass_entra::{Cloud, Credential, Entra, Https, Prompt, Trust};
use breakglass_lab::{Addresses, App, Fault, GRAPH_COMMAND_LINE, LogKind, LogRow, default_apps};
use breakglass_model::Clock;
use jiff::{SignedDuration, Timestamp};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

use crate::support::Twin;

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sdk");
const BREAK_GLASS: &str = "7b3e1a00-41c2-4d8a-b6f0-9c5d1e2a4000";
const BREAK_GLASS_GROUP: &str = "7b3e1ce4-41c2-4d8a-b6f0-9c5d1e2a507c";
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
/// An app that may do everything that any of our commands does, and one that may do nothing.
const ABLE: &str = "b1a55000-0000-4000-8000-0000000a0100";
const UNABLE: &str = "b1a55000-0000-4000-8000-0000000a0200";
const SECRET: &str = "twin~secret-of-no-real-tenant";

/// Where an installation is; `None`, and a line, where `./test` did not say.
fn installed(variable: &str) -> Option<OsString> {
    let found = std::env::var_os(variable);
    if found.is_none() {
        println!("skipped: {variable} is not set; ./test installs what it names");
    }
    found
}

/// The twin with the files that clients need to trust it.
pub(crate) struct Outside {
    pub(crate) twin: Twin,
    pub(crate) snapshot: Value,
    place: TempDir,
}

/// The machine's clock: the clients that are tested have no other, and sign their assertions by it.
#[derive(Clone, Copy)]
pub(crate) struct MachineClock;

impl Clock for MachineClock {
    #[allow(clippy::disallowed_methods)]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A built-in tenant, dated by the machine's clock.
pub(crate) fn example(name: &str) -> Value {
    let example = breakglass_model::example::tenant(name, MachineClock.now()).unwrap();
    serde_json::from_str(&example.snapshot_json).unwrap()
}

/// The two apps.
fn apps() -> Vec<App> {
    let known = default_apps();
    let mut permissions: Vec<String> = known
        .iter()
        .flat_map(|app| app.permissions.clone())
        .collect();
    permissions.sort();
    permissions.dedup();
    let app = |client: &str, name: &str| App {
        client_id: client.to_owned(),
        principal: client.replace("-0000000a", "-0000000b"),
        name: name.to_owned(),
        secret: Some(SECRET.to_owned()),
        ..App::default()
    };
    let able = App {
        permissions,
        azure: vec!["Reader at /".to_owned()],
        ..app(ABLE, "able")
    };
    let public = known.into_iter().filter(|app| app.public);
    [able, app(UNABLE, "unable")]
        .into_iter()
        .chain(public)
        .collect()
}

impl Outside {
    pub(crate) async fn of(snapshot: Value) -> Self {
        let place = TempDir::new().unwrap();
        let mut apps = apps();
        // A certificate made as people make one, with an RSA key: Microsoft's libraries take no other.
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let certificate = CertificateParams::new(Vec::new())
            .unwrap()
            .self_signed(&key)
            .unwrap();
        apps[0].certificates = vec![certificate.der().to_vec()];
        let pair = format!("{}{}", key.serialize_pem(), certificate.pem());
        fs::write(place.path().join("app.pem"), pair).unwrap();
        let twin = Twin::with(snapshot.clone(), |config| {
            config.apps = apps;
            config.clock = Arc::new(MachineClock);
        })
        .await;
        fs::write(place.path().join("ca.pem"), &twin.running.ca_pem).unwrap();
        Self {
            twin,
            snapshot,
            place,
        }
    }

    fn authority(&self) -> PathBuf {
        self.place.path().join("ca.pem")
    }

    fn addresses(&self) -> &Addresses {
        &self.twin.running.addresses
    }

    /// A record of a log that was written a minute ago, so that exports have it too.
    pub(crate) fn log(&self, kind: LogKind, record: Value) {
        self.twin.running.lab().log(LogRow {
            kind,
            record,
            readable_at: MachineClock.now() - SignedDuration::from_mins(1),
        });
    }

    /// Our own client, with the permissions of `able`.
    pub(crate) fn ours(&self) -> Entra {
        let own = self.addresses();
        let [login, graph, arm, logs] = [&own.login, &own.graph, &own.arm, &own.logs]
            .map(|address| Url::parse(address).unwrap());
        let cloud = Cloud::custom(login, graph, arm, logs);
        let trust = Trust {
            extra_roots: vec![self.twin.running.ca_pem.clone().into_bytes()],
        };
        let transport = Arc::new(Https::new(&trust).unwrap());
        let clock = Arc::new(MachineClock);
        let credential = Credential::Secret {
            tenant: self.tenant().to_owned(),
            client: ABLE.to_owned(),
            secret: SECRET.to_owned(),
        };
        let nobody_is_asked: Prompt = Arc::new(|_| {});
        let tokens = credential
            .tokens(&cloud, transport.clone(), clock.clone(), nobody_is_asked)
            .unwrap();
        Entra::new(cloud, tokens, transport, clock, Arc::new(|_| {}))
    }

    fn tenant(&self) -> &str {
        self.snapshot["tenant"]["id"].as_str().unwrap()
    }

    fn switch(&self, fault: Fault, on: bool) {
        self.twin.switch(fault, on);
    }
}

/// A command that knows the twin, and of the machine's network settings nothing: all that is asked for is on loopback.
fn command(program: impl Into<OsString>, twin: &Outside, client: &str) -> Command {
    let mut command = Command::new(program.into());
    for proxy in [
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ] {
        command.env_remove(proxy);
    }
    let places = twin.addresses();
    command
        .env("NO_PROXY", "*")
        .env("LAB_GRAPH", &places.graph)
        .env("LAB_LOGIN", &places.login)
        .env("LAB_LOGS", &places.logs)
        .env("LAB_CA", twin.authority())
        .env("NODE_EXTRA_CA_CERTS", twin.authority())
        .env("LAB_TENANT", twin.tenant())
        .env("LAB_CLIENT_ID", client)
        .env("LAB_CLIENT_SECRET", SECRET)
        .env("LAB_PUBLIC_CLIENT", GRAPH_COMMAND_LINE)
        .env("LAB_USER", BREAK_GLASS)
        .env("LAB_GROUP", BREAK_GLASS_GROUP)
        .env("LAB_CERTIFICATE", twin.place.path().join("app.pem"))
        .env("LAB_ORDINARY", ordinary(&twin.snapshot));
    command
}

/// A user without a role.
fn ordinary(snapshot: &Value) -> String {
    let collections = &snapshot["collections"];
    let holds = |id: &Value| {
        [
            "roleAssignmentScheduleInstances",
            "roleEligibilityScheduleInstances",
        ]
        .iter()
        .any(|rows| {
            list(&collections[rows])
                .iter()
                .any(|row| row["principalId"] == *id)
        }) || list(&collections["groups"]).iter().any(|group| {
            list(&group["members"])
                .iter()
                .any(|member| member["id"] == *id)
        })
    };
    let users = list(&collections["users"]);
    let user = users.iter().find(|user| !holds(&user["id"])).unwrap();
    user["id"].as_str().unwrap().to_owned()
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn column(rows: &[Value], name: &str) -> Vec<Value> {
    rows.iter().map(|row| row[name].clone()).collect()
}

fn sorted(mut values: Vec<Value>) -> Vec<Value> {
    values.sort_by_key(ToString::to_string);
    values
}

/// Runs a command to its end and reads its output as JSON.
async fn output(mut command: Command) -> Value {
    let done = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&done.stdout);
    let problem = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{text}\n{problem}");
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}\n{problem}"))
}

/// The parts of a script, run for an app.
struct Script<'a> {
    twin: &'a Outside,
    program: OsString,
    file: &'static str,
    node: Option<OsString>,
}

impl<'a> Script<'a> {
    fn python(twin: &'a Outside) -> Option<Self> {
        let program = installed("BREAKGLASS_TEST_SDK_PYTHON")?;
        Some(Self {
            twin,
            program,
            file: "graph.py",
            node: None,
        })
    }

    fn node(twin: &'a Outside) -> Option<Self> {
        let folder = installed("BREAKGLASS_TEST_NODE_DIR")?;
        Some(Self {
            twin,
            program: "node".into(),
            file: "graph.cjs",
            node: Some(folder),
        })
    }

    async fn run_as(&self, client: &str, part: &str) -> Value {
        let mut command = command(self.program.clone(), self.twin, client);
        command.arg(Path::new(SCRIPTS).join(self.file)).arg(part);
        if let Some(folder) = &self.node {
            command.env("LAB_NODE_DIR", folder);
        }
        output(command).await[part].take()
    }

    async fn run(&self, part: &str) -> Value {
        self.run_as(ABLE, part).await
    }
}

/// The twin of `contoso-modern` with one sign-in in its log, without its limits: what they do to clients has its own tests.
async fn twin() -> Outside {
    let twin = Outside::of(example("contoso-modern")).await;
    let policy = twin.snapshot["collections"]["conditionalAccessPolicies"][0]["id"].clone();
    twin.log(
        LogKind::Interactive,
        json!({
            "id": "5ad7c5d6-0000-4000-8000-000000000001", "createdDateTime": MachineClock.now(), "userId": BREAK_GLASS,
            "userPrincipalName": "breakglass01@contoso.onmicrosoft.com", "userDisplayName": "Break Glass 01",
            "appId": "c44b4083-3bb0-49c1-b47d-974e53cbdf3c", "appDisplayName": "Azure Portal", "ipAddress": "198.51.100.7",
            "clientAppUsed": "Browser", "correlationId": "5ad7c5d6-0000-4000-8000-000000000002", "isInteractive": true,
            "conditionalAccessStatus": "success", "signInEventTypes": ["interactiveUser"],
            "appliedConditionalAccessPolicies": [{"id": policy, "displayName": "CA", "result": "success",
                "enforcedGrantControls": ["Mfa"], "enforcedSessionControls": []}],
            "status": {"errorCode": 0, "failureReason": "Other.", "additionalDetails": null},
            "riskDetail": "none", "riskLevelAggregated": "none", "riskLevelDuringSignIn": "none", "riskState": "none",
        }),
    );
    twin
}

fn users(twin: &Outside) -> Vec<Value> {
    sorted(column(&list(&twin.snapshot["collections"]["users"]), "id"))
}

/// A refusal that the client took apart: status, code and request id.
fn is_refused(answer: &Value, status: u16, code: &str) {
    assert_eq!(answer["status"], status, "{answer}");
    assert_eq!(answer["code"], code, "{answer}");
    assert!(
        answer["requestId"]
            .as_str()
            .is_some_and(|id| id.len() == 36),
        "{answer}"
    );
}

/// Enabled and report-only policies are in the answer, disabled ones aren't, and some apply.
fn what_if(twin: &Outside, answer: &[Value], applies: &str) {
    let policies = list(&twin.snapshot["collections"]["conditionalAccessPolicies"]);
    let judged: Vec<Value> = column(answer, "id");
    for policy in policies {
        assert_eq!(
            judged.contains(&policy["id"]),
            policy["state"] != "disabled",
            "{policy}"
        );
    }
    assert!(
        answer.iter().all(|row| row[applies].is_boolean()),
        "{answer:?}"
    );
    assert!(answer.iter().any(|row| row[applies] == true), "{answer:?}");
    assert!(answer.iter().any(|row| row[applies] == false), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_clients_survive_a_storm_of_refusals() {
    let twin = twin().await;
    twin.switch(Fault::ThrottleStorm, true);
    let survives = async |script: Option<Script<'_>>| {
        if let Some(script) = script {
            let seen = script.run("storm").await;
            let all = json!({"survived": 3, "failed": []});
            assert_eq!(seen, all, "{}", script.file);
        }
    };
    tokio::join!(
        survives(Script::python(&twin)),
        survives(Script::node(&twin))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn both_clients_get_over_the_documented_limits() {
    let twin = twin().await;
    twin.switch(Fault::Throttling, true);
    let policies = list(&twin.snapshot["collections"]["conditionalAccessPolicies"]).len();
    let reads = async |script: Option<Script<'_>>| {
        if let Some(script) = script {
            let seen = script.run("read").await;
            let found = &seen["policies"];
            let found = found.as_array().map(Vec::len);
            let found = found.or(seen["policies"].as_object().map(serde_json::Map::len));
            assert_eq!(found, Some(policies), "{}", script.file);
            assert_eq!(list(&script.run("logs").await["signIns"]).len(), 1);
        }
    };
    tokio::join!(reads(Script::python(&twin)), reads(Script::node(&twin)));
}
