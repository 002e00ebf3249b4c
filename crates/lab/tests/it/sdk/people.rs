//! People who sign in with Microsoft's clients: the client shows a code, and somebody types it on another device.

use std::{
    io::{self, BufRead, BufReader, Read as _},
    process::Command,
};

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{ABLE, SCRIPTS, Script, cli::Cli, command, twin};
use crate::{signin::Person, support::Twin};

const ADELE: &str = "adele.admin@contoso.com";

/// Types a code, signs in with password and phone, and confirms.
async fn sign_in(twin: &Twin, code: &str) {
    let mut adele = Person::new(twin);
    adele.open("/devicelogin", &[]).await;
    adele.post("/devicelogin", &[("otc", code)]).await;
    adele.step("name", &[("username", ADELE)]).await;
    adele
        .step("federated", &[("password", "Twin-Password-1")])
        .await;
    adele.step("choose", &[("way", "push")]).await;
    let number = adele.hidden("answer");
    adele.step("approve", &[("answer", &number)]).await;
    adele.step("confirm", &[]).await;
    assert!(adele.page.contains("You have signed in"), "{}", adele.page);
}

/// Runs a client that shows a code; gives the rest of its output, once the code was typed.
async fn with_code(
    twin: &Twin,
    mut command: Command,
    code_in: fn(&str) -> Option<String>,
) -> String {
    let (show, shown) = oneshot::channel();
    let run = tokio::task::spawn_blocking(move || {
        let (output, input) = io::pipe().unwrap();
        command.stdout(input.try_clone().unwrap()).stderr(input);
        let mut child = command.spawn().unwrap();
        // It holds the ends that are written to.
        drop(command);
        let mut lines = BufReader::new(output);
        let mut line = String::new();
        let code = loop {
            line.clear();
            if lines.read_line(&mut line).unwrap() == 0 {
                break None;
            }
            if let Some(code) = code_in(&line) {
                break Some(code);
            }
        };
        // When nobody waits any more, the test has failed already.
        let _ = show.send(code);
        let mut rest = String::new();
        lines.read_to_string(&mut rest).unwrap();
        assert!(child.wait().unwrap().success(), "{rest}");
        rest
    });
    let code = shown.await.unwrap().expect("no code was shown");
    sign_in(twin, &code).await;
    run.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signs_in_with_the_python_client_and_a_code() {
    let twin = twin().await;
    let Some(script) = Script::python(&twin) else {
        return;
    };
    let mut command = command(script.program.clone(), &twin, ABLE);
    command.arg(format!("{SCRIPTS}/graph.py")).arg("person");
    let code = |line: &str| {
        let shown: Value = serde_json::from_str(line).ok()?;
        shown["code"].as_str().map(str::to_owned)
    };
    let rest = with_code(&twin.twin, command, code).await;
    let seen: Value = serde_json::from_str(&rest).unwrap();
    let seen = &seen["person"];
    assert_eq!(seen["me"][1], ADELE);
    assert_eq!(seen["organisation"], json!([twin.tenant()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signs_in_with_the_azure_cli_and_a_code() {
    let twin = twin().await;
    let Some(cli) = Cli::start(&twin).await else {
        return;
    };
    let mut login = cli.command(&[
        "login",
        "--use-device-code",
        "--allow-no-subscriptions",
        "--output",
        "none",
    ]);
    login.args(["--tenant", twin.tenant()]);
    // The code comes as a warning.
    login.env("AZURE_CORE_ONLY_SHOW_ERRORS", "no");
    let code = |line: &str| {
        let (_, rest) = line.split_once("enter the code ")?;
        rest.split(' ').next().map(str::to_owned)
    };
    with_code(&twin.twin, login, code).await;
    let account = cli.ask(&["account", "show"]).await;
    assert_eq!(account["user"]["name"], ADELE);
    assert_eq!(account["user"]["type"], "user");
    let own = cli.ask(&["ad", "signed-in-user", "show"]).await;
    assert_eq!(own["userPrincipalName"], ADELE);
}
