//! `apply --seal`: the password of an account that is made, opened with the stock `age` tool.

use std::{fs, process::Command};

use breakglass_model::example;
use jiff::Timestamp;

use crate::{
    apply::{call, planned},
    lab::Twin,
    person::Person,
    support::{code, err, out},
};

const NEW: &str = "BreakGlass03@contoso.onmicrosoft.com";

/// A twin of a tenant whose register names a third account that has still to be made.
fn twin() -> Twin {
    let twin = Twin::of("contoso");
    let example = example::tenant("contoso", Timestamp::now()).unwrap();
    let register = format!("{}\n[[account]]\nupn = \"{NEW}\"\n", example.register_toml);
    twin.write("lab/register.toml", &register);
    twin
}

/// What the sign-in page says after a password.
async fn tried(twin: &Twin, password: &str) -> String {
    let mut person = Person::at(twin, None);
    person.open("/lab/signin", &[]).await;
    person.step("name", &[("username", NEW)]).await;
    person.step("password", &[("password", password)]).await;
    person.page
}

/// K1, S2: sealed to a person of the register before it is sent, and it is the account's.
#[test]
fn the_password_of_a_new_account_is_sealed_to_people_of_the_register() {
    let twin = twin();
    let key = twin.path("key.txt");
    let made = Command::new("age-keygen").arg("-o").arg(&key).output();
    let Ok(made) = made else {
        assert!(
            std::env::var_os("BREAKGLASS_TEST_REQUIRED").is_none(),
            "there is no age"
        );
        println!("skipped: there is no age here; ./test installs it");
        return;
    };
    assert!(made.status.success(), "{}", err(&made));
    let text = fs::read_to_string(&key).unwrap();
    let recipient = text.split("public key: ").nth(1).unwrap();
    let recipient = recipient.lines().next().unwrap();
    let register = twin.text("lab/register.toml");
    let plan = planned(&twin, &[]);
    let digest = plan["digest"].as_str().unwrap();
    let sealing = ["--register", "lab/register.toml", "--seal", "sealed"];

    let output = twin.run(&call(digest, &sealing));
    assert_eq!(code(&output), 2, "{}", err(&output));
    assert!(
        err(&output).contains("sealed to nobody"),
        "{}",
        err(&output)
    );

    let with = |recipient: &str| {
        let own = format!("id = \"anna\"\nrecipient = \"{recipient}\"");
        let text = register.replacen("id = \"anna\"", &own, 1);
        assert_ne!(text, register);
        twin.write("lab/register.toml", &text);
    };
    with("age1nonsense");
    let output = twin.run(&call(digest, &sealing));
    assert_eq!(code(&output), 2, "{}", err(&output));
    assert!(
        err(&output).contains("is no public age key"),
        "{}",
        err(&output)
    );

    with(recipient);
    let output = twin.run(&call(digest, &sealing));
    assert!(matches!(code(&output), 0 | 1), "{}", err(&output));
    let files: Vec<_> = fs::read_dir(twin.path("sealed"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let [file] = &files[..] else {
        panic!("{files:?}")
    };
    assert!(err(&output).contains("for anna"), "{}", err(&output));
    let opened = Command::new("age")
        .args(["-d", "-i"])
        .arg(&key)
        .arg(file)
        .output()
        .unwrap();
    assert!(opened.status.success(), "{}", err(&opened));
    let password = out(&opened);
    assert!(password.len() > 60, "{password}");
    for place in ["plan.json", "plan.json.journal"] {
        assert!(!twin.text(place).contains(&password), "{place}");
    }
    assert!(!out(&output).contains(&password) && !err(&output).contains(&password));

    let runtime = breakglass::runtime().unwrap();
    let wrong = runtime.block_on(tried(&twin, "Not-The-Password-1"));
    assert!(wrong.contains("password is incorrect"), "{wrong}");
    let right = runtime.block_on(tried(&twin, &password));
    assert!(!right.contains("password is incorrect"), "{right}");
}
