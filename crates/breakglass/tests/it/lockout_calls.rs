//! `lockout`: calls that are wrong, and what is said then.

use std::fs;

use crate::support::{code, err, out, run};

/// Advice names options that the command has.
#[test]
fn x1_confirming_without_an_identity_advises_what_the_command_can() {
    let sign_in = [
        "--user",
        "adele.admin@contoso.com",
        "--app",
        "Exchange Online",
    ];
    for call in [
        [
            &["lockout", "prove", "--tenant", "contoso", "--confirm"][..],
            &[],
        ]
        .concat(),
        [
            &["lockout", "whatif", "--tenant", "contoso", "--confirm"][..],
            &sign_in,
        ]
        .concat(),
    ] {
        let output = run(&call);
        assert_eq!(code(&output), 2, "{}", err(&output));
        let told = err(&output);
        assert!(
            told.contains("[identity.posture]") && !told.contains("--login"),
            "{told}"
        );
    }
}

/// A verdict about "now" from data of another day says so, in words and in the document, whichever command gives it.
#[test]
fn x1_data_of_another_day_is_not_taken_for_now() {
    let place = tempfile::tempdir().unwrap();
    let now: jiff::Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    let example = breakglass_model::example::tenant("contoso-modern", now).unwrap();
    let file = |name: &str, text: &str| {
        let path = place.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let tenant = file("tenant.json", &example.snapshot_json);
    let register = file("register.toml", &example.register_toml);
    let with = ["--tenant", &tenant, "--format", "json", "--at"];
    let guarded = ["--register", &register];
    let sign_in = [
        "--user",
        "adele.admin@contoso.com",
        "--app",
        "Exchange Online",
    ];
    for (command, more) in [
        (&["check"][..], &guarded[..]),
        (&["lockout", "prove"], &guarded),
        (&["lockout", "whatif"], &sign_in),
        (&["plan"], &guarded),
    ] {
        for (at, says) in [
            ("2026-11-25T08:00:00Z", None),
            ("2036-01-01T00:00:00Z", Some("days old")),
            (
                "2016-01-01T00:00:00Z",
                Some("after the moment that is judged"),
            ),
        ] {
            let call = [command, &with[..], &[at], more].concat();
            let output = run(&call);
            let document: serde_json::Value = serde_json::from_str(&out(&output))
                .unwrap_or_else(|error| panic!("{call:?}: {error}: {}", err(&output)));
            let key = if command == ["plan"] {
                "warnings"
            } else {
                "assumptions"
            };
            let document = document[key].to_string();
            for told in [err(&output), document] {
                match says {
                    Some(says) => assert!(told.contains(says), "{call:?}: {told}"),
                    None => assert!(!told.contains("the data "), "{call:?}: {told}"),
                }
            }
        }
    }
}

#[test]
fn a_wrong_call_of_lockout_is_exit_2_with_nothing_on_standard_output() {
    let place = tempfile::tempdir().unwrap();
    let empty = place.path().join("empty.json");
    fs::write(&empty, "").unwrap();
    let none = place.path().join("none");
    fs::create_dir(&none).unwrap();
    let (empty, none) = (empty.to_str().unwrap(), none.to_str().unwrap());
    let user = "adele.admin@contoso.com";
    for call in [
        &["lockout"][..],
        &["lockout", "prove"],
        &["lockout", "prove", "--tenant", "/nowhere"],
        &["lockout", "prove", "--tenant", "contoso", "--account", ""],
        &[
            "lockout",
            "prove",
            "--tenant",
            "contoso",
            "--account",
            "@/nowhere.json",
        ],
        &[
            "lockout", "prove", "--tenant", "contoso", "--target", "Exchange",
        ],
        &[
            "lockout", "prove", "--tenant", "contoso", "--format", "sarif",
        ],
        &[
            "lockout",
            "prove",
            "--tenant",
            "contoso",
            "--register",
            empty,
        ],
        &["lockout", "prove", "--tenant", "contoso", "--confirm"],
        &["lockout", "whatif", "--tenant", "contoso"],
        &["lockout", "whatif", "--tenant", "contoso", "--user", user],
        &[
            "lockout",
            "whatif",
            "--tenant",
            "contoso",
            "--user",
            "x@contoso.com",
            "--app",
            "Azure CLI",
        ],
        &[
            "lockout", "whatif", "--tenant", "contoso", "--user", user, "--app", "Teams",
        ],
        &[
            "lockout",
            "whatif",
            "--tenant",
            "contoso",
            "--user",
            user,
            "--app",
            "Azure CLI",
            "--platform",
            "amiga",
        ],
        &[
            "lockout",
            "whatif",
            "--tenant",
            "contoso",
            "--user",
            user,
            "--app",
            "Azure CLI",
            "--country",
            "Brazil",
        ],
        &[
            "lockout",
            "whatif",
            "--tenant",
            "contoso",
            "--user",
            user,
            "--app",
            "Azure CLI",
            "--context",
            "c100",
        ],
        &[
            "lockout",
            "whatif",
            "--tenant",
            "contoso",
            "--user",
            user,
            "--app",
            "Azure CLI",
            "--device",
            "{\"a\":1}",
        ],
        &[
            "lockout",
            "whatif",
            "--tenant",
            "contoso",
            "--user",
            user,
            "--app",
            "Azure CLI",
            "--method",
            "phone",
        ],
        &[
            "lockout", "whatif", "--tenant", "contoso", "--user", user, "--action", "dance",
        ],
        &[
            "lockout",
            "whatif",
            "--tenant",
            "contoso",
            "--sign-in",
            "{\"clientapp\": \"browser\"}",
        ],
        &[
            "lockout",
            "whatif",
            "--tenant",
            "contoso",
            "--sign-in",
            empty,
        ],
        &["lockout", "whatif", "--tenant", "-", "--sign-in", "-"],
        &[
            "lockout",
            "whatif",
            "--tenant",
            "contoso",
            "--user",
            user,
            "--confirm",
        ],
        &["lockout", "preflight", "--tenant", "contoso"],
        &[
            "lockout",
            "preflight",
            "--tenant",
            "contoso",
            "--change",
            empty,
        ],
        &[
            "lockout",
            "preflight",
            "--tenant",
            "contoso",
            "--change",
            none,
        ],
        &[
            "lockout",
            "preflight",
            "--tenant",
            "contoso",
            "--change",
            "/nowhere",
        ],
        &[
            "lockout",
            "preflight",
            "--tenant",
            "contoso",
            "--delete",
            "CA999",
        ],
    ] {
        let output = run(call);
        assert_eq!(code(&output), 2, "{call:?}: {}", err(&output));
        assert_eq!(out(&output), "", "{call:?}");
        assert!(!err(&output).trim().is_empty(), "{call:?}");
        assert!(!err(&output).contains("panicked"), "{call:?}");
    }
}

/// With no account declared they are proposed, never guessed.
#[test]
fn a1_no_account_is_guessed_by_prove() {
    let place = tempfile::tempdir().unwrap();
    fs::write(
        place.path().join("users.json"),
        r#"{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users","value":[
            {"id":"b1b1b1b1-0000-4000-8000-0000000000b1","userPrincipalName":"BreakGlass01@contoso.onmicrosoft.com","displayName":"Break Glass 01"}]}"#,
    )
    .unwrap();
    let output = run(&[
        "lockout",
        "prove",
        "--tenant",
        place.path().to_str().unwrap(),
    ]);
    assert_eq!(code(&output), 2);
    assert!(
        err(&output).contains("these look like ones: BreakGlass01@contoso.onmicrosoft.com"),
        "{}",
        err(&output)
    );
}

/// C4: a promise that this version can't keep is refused, not passed over.
#[test]
fn c4_confirming_needs_a_connected_tenant() {
    let run = run(&["lockout", "prove", "--tenant", "contoso", "--confirm"]);
    assert_eq!(code(&run), 2);
    let said = err(&run);
    assert!(
        said.contains("nobody is named who may read the tenant") && !said.contains("--login"),
        "{said}"
    );
}
