//! `lab`: the twin as a child process, which the tests of `collect`, `doctor` and `lockout --confirm` share.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Killed, code, err, out, program, wait_until};

/// How long anything here may take before a test gives up; a loaded machine is slow.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

/// A running twin, and a directory to work in. The twin's own files lie in `lab/` there.
pub(crate) struct Twin {
    place: TempDir,
    child: Option<Killed>,
}

impl Twin {
    /// Starts one, without limits on requests, and waits until it answers.
    pub(crate) fn of(tenant: &str) -> Self {
        Self::with(&["--tenant", tenant, "--fault", "throttling=off"])
    }

    /// Serves a snapshot.
    pub(crate) fn of_snapshot(snapshot: &str) -> Self {
        Self::of_snapshot_with(snapshot, &[])
    }

    /// Serves a snapshot, with more arguments.
    pub(crate) fn of_snapshot_with(snapshot: &str, more: &[&str]) -> Self {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("given.json"), snapshot).unwrap();
        let arguments = ["--tenant", "given.json", "--fault", "throttling=off"];
        Self::start(place, &[&arguments[..], more].concat())
    }

    pub(crate) fn with(arguments: &[&str]) -> Self {
        Self::start(tempfile::tempdir().unwrap(), arguments)
    }

    fn start(place: TempDir, arguments: &[&str]) -> Self {
        let mut child = Killed(
            program()
                .args(["lab", "--data-dir", "lab"])
                .args(arguments)
                .current_dir(place.path())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::inherit())
                .spawn()
                .unwrap(),
        );
        let state = place.path().join("lab/lab.json");
        wait_until("the twin", LIMIT, || {
            assert_eq!(child.0.try_wait().unwrap(), None, "the twin ended");
            fs::read_to_string(&state)
                .is_ok_and(|text| serde_json::from_str::<Value>(&text).is_ok())
        });
        Self {
            place,
            child: Some(child),
        }
    }

    /// Ends it, without a chance to tidy up.
    pub(crate) fn kill(&mut self) {
        self.child = None;
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// A file of JSON.
    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.text(name)).unwrap()
    }

    /// Runs the program in the directory.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        program()
            .args(arguments)
            .current_dir(self.place.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// The program in the directory, to be started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command
            .args(arguments)
            .current_dir(self.place.path())
            .stdin(Stdio::null());
        command
    }

    /// Starts the program in the directory.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs it with `--format json`: exit code and document.
    pub(crate) fn document(&self, arguments: &[&str]) -> (i32, Value) {
        let mut call = arguments.to_vec();
        call.extend(["--format", "json"]);
        let output = self.run(&call);
        let document = serde_json::from_str(&out(&output))
            .unwrap_or_else(|error| panic!("{call:?}: {error}\n{}", err(&output)));
        (code(&output), document)
    }

    /// `collect --out <file>`, and more.
    pub(crate) fn collect(&self, file: &str, more: &[&str]) -> Output {
        let mut call = vec!["collect", "--config", "lab/breakglass.toml", "--out", file];
        call.extend(more);
        self.run(&call)
    }

    /// Calls Graph as the app that may write.
    pub(crate) fn graph(&self, method: &reqwest::Method, path: &str, body: &Value) -> Value {
        let state = self.json("lab/lab.json");
        let ca =
            reqwest::Certificate::from_pem(&fs::read(self.path("lab/ca.pem")).unwrap()).unwrap();
        let config: toml::Table = self.text("lab/breakglass.toml").parse().unwrap();
        let tenant = config["tenant"]["id"].as_str().unwrap();
        let address = |name: &str| state[name].as_str().unwrap().trim_end_matches('/');
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let client = reqwest::Client::builder()
                .add_root_certificate(ca)
                .build()
                .unwrap();
            let form = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("grant_type", "client_credentials")
                .append_pair("client_id", "b1a55000-0000-4000-8000-0000000a0003")
                .append_pair("client_secret", &self.text("lab/apply.secret"))
                .append_pair("scope", &format!("{}/.default", address("graph")))
                .finish();
            let answer = client
                .post(format!("{}/{tenant}/oauth2/v2.0/token", address("login")))
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form)
                .send()
                .await
                .unwrap();
            let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
            let token = answer["access_token"]
                .as_str()
                .unwrap_or_else(|| panic!("{answer}"));
            let answer = client
                .request(method.clone(), format!("{}/v1.0/{path}", address("graph")))
                .bearer_auth(token)
                .header("content-type", "application/json")
                .body(body.to_string())
                .send()
                .await
                .unwrap();
            let status = answer.status();
            let text = answer.text().await.unwrap();
            assert!(status.is_success(), "{status}: {text}");
            serde_json::from_str(&text).unwrap_or_default()
        })
    }

    /// Switches a fault as a user does.
    pub(crate) fn fault(&self, name: &str, switch: &str) {
        let output = self.run(&["lab", "fault", name, switch, "--data-dir", "lab"]);
        assert_eq!(code(&output), 0, "{}", err(&output));
        assert!(out(&output).contains(&format!("{name} is {switch}")));
    }
}

/// Somebody who tries the twin finds all that the other commands need in its directory.
#[test]
fn lab_writes_what_the_other_commands_need_and_only_its_owner_may_read_it() {
    let twin = Twin::of("contoso");
    for name in [
        "ca.pem",
        "breakglass.toml",
        "register.toml",
        "posture.secret",
        "watch.secret",
        "apply.secret",
        "lab.json",
    ] {
        let path = twin.path("lab").join(name);
        assert!(path.is_file(), "{name}");
        owner_only(&path);
    }
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/lab.md");
    let docs = fs::read_to_string(docs).unwrap();
    for file in fs::read_dir(twin.path("lab")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(docs.contains(&format!("`{name}`")), "docs/lab.md: {name}");
    }
    for fault in breakglass_lab::Fault::ALL {
        let row = format!("\n| `{}` ", fault.word());
        assert!(docs.contains(&row), "docs/lab.md: {}", fault.word());
    }
    let output = twin.run(&["lab", "faults", "--data-dir", "lab"]);
    assert_eq!(code(&output), 0);
    let text = out(&output);
    assert!(text.starts_with("Faults of the running twin"), "{text}");
    let throttling = |text: &str| {
        text.lines()
            .find(|line| line.contains(" throttling "))
            .unwrap()
            .trim()
            .to_owned()
    };
    assert!(throttling(&text).starts_with('-'), "{text}");
    twin.fault("throttling", "on");
    let text = out(&twin.run(&["lab", "faults", "--data-dir", "lab"]));
    assert!(throttling(&text).starts_with("on"), "{text}");
}

pub(crate) fn owner_only(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
    }
    #[cfg(not(unix))]
    let _ = path;
}

#[test]
fn lab_runs_once_in_a_directory() {
    let twin = Twin::of("contoso-modern");
    let output = twin.run(&["lab", "--data-dir", "lab"]);
    assert_eq!(code(&output), 2);
    assert!(
        err(&output).contains("another twin runs in `lab`"),
        "{}",
        err(&output)
    );
}

/// Careless use: each is refused at once, with what to do instead.
#[test]
fn lab_refuses_what_it_cannot_do_and_says_what_it_can() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("bad.json"), "{\n \"a\": }").unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (arguments, says) in [
        (
            vec!["lab", "fault", "throttle-strom", "on"],
            vec!["no fault `throttle-strom`", "did you mean `throttle-storm`"],
        ),
        (
            vec!["lab", "fault", "throttle-storm", "on", "--data-dir", "x"],
            vec!["no twin runs in `x`", "start one with `breakglass lab`"],
        ),
        (
            vec!["lab", "--fault", "throttling=maybe"],
            vec!["not a fault with on or off", "throttling=off"],
        ),
        (
            vec!["lab", "--tenant", "contosso"],
            vec!["contosso", "`contoso`, `contoso-modern`"],
        ),
        (
            vec!["lab", "--tenant", "bad.json"],
            vec!["`bad.json` is not JSON", "line 2"],
        ),
        (vec!["lab", "--port", &port], vec!["could not start", &port]),
        (
            vec!["lab", "--port", "65533"],
            vec!["no five ports from 65533 on", "65531"],
        ),
    ] {
        let output = program()
            .args(&arguments)
            .current_dir(place.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let told = err(&output);
        assert_eq!(code(&output), 2, "{arguments:?}: {told}");
        for words in says {
            assert!(told.contains(words), "{arguments:?}: {words}: {told}");
        }
    }
    let output = program()
        .args(["lab", "faults"])
        .current_dir(place.path())
        .output()
        .unwrap();
    assert_eq!(code(&output), 0);
    assert!(out(&output).contains("the defaults are shown"));
}

/// A twin that is killed leaves `lab.json` behind; that is no running twin.
#[test]
fn lab_that_was_killed_is_not_running_and_another_can_start() {
    let mut twin = Twin::of("contoso");
    twin.kill();
    let output = twin.run(&["lab", "fault", "throttling", "on", "--data-dir", "lab"]);
    assert_eq!(code(&output), 2, "{}", err(&output));
    assert!(err(&output).contains("no twin runs"), "{}", err(&output));
    let place = std::mem::replace(&mut twin.place, tempfile::tempdir().unwrap());
    fs::remove_file(place.path().join("lab/lab.json")).unwrap();
    let again = Twin::start(place, &["--fault", "throttling=off"]);
    again.fault("tiny-pages", "on");
}
