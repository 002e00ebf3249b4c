//! Running the program and finding things.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// The built program, without anything of the surrounding environment that could change its answers.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_breakglass"));
    command
        .env_remove("BREAKGLASS_STORE")
        .env("NO_COLOR", "1")
        .env("TZ", "UTC")
        .env("USER", "tester");
    command
}

/// Runs it in an empty directory, so that no configuration of the developer is found.
pub(crate) fn run(arguments: &[&str]) -> Output {
    let place = tempfile::tempdir().unwrap();
    program()
        .args(arguments)
        .current_dir(place.path())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Runs it with bytes on standard input.
pub(crate) fn run_with_input(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = program()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // The program may stop reading early, on purpose; then the rest has nowhere to go.
        let _gone = pipe.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Every line of standard output as JSON.
pub(crate) fn lines(output: &Output) -> Vec<Value> {
    out(output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The shared data directory, when this checkout stands beside one.
pub(crate) fn shared() -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join("shared/data"))
        .find(|folder| folder.is_dir());
    if found.is_none() {
        println!("skipped: no shared data");
    }
    found
}

/// Every file below a directory.
pub(crate) fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

/// Kills the child when the test ends, however it ends.
pub(crate) struct Killed(pub(crate) Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Waits until something is true; says what it waited for when it never is.
pub(crate) fn wait_until(what: &str, limit: Duration, mut ready: impl FnMut() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(start.elapsed() < limit, "waited {limit:?} for: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// An Event Hub record of a sign-in of `BreakGlass01`, one line.
pub(crate) fn sign_in(number: usize, code: &str) -> String {
    format!(
        r#"{{"time":"2026-11-24T18:00:05Z","category":"SignInLogs","tenantId":"{TENANT}","operationName":"Sign-in activity","resultType":"{code}","callerIpAddress":"203.0.113.7","properties":{{"id":"d0000000-0000-4000-8000-{number:012}","createdDateTime":"2026-11-24T18:00:00Z","userPrincipalName":"breakglass01@contoso.onmicrosoft.com","userId":"{ACCOUNT}","appDisplayName":"Azure Portal","ipAddress":"203.0.113.7","status":{{"errorCode":{code}}},"location":{{"city":"Bonn","countryOrRegion":"DE"}},"authenticationDetails":[{{"authenticationMethod":"Passkey (FIDO2)","succeeded":true}}],"isInteractive":true}}}}"#
    )
}

pub(crate) const TENANT: &str = "7c1e0a52-3b8d-4f0e-9a43-5d1f6b2c8e90";
pub(crate) const ACCOUNT: &str = "b1b1b1b1-0000-4000-8000-0000000000b1";
pub(crate) const UPN: &str = "BreakGlass01@contoso.onmicrosoft.com";
