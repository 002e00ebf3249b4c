use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::source_text::{Problem, render};

const COMPLETE: &str = include_str!("tests/complete.toml");

/// A part of a register with the line that every register needs.
fn with_schema(text: &str) -> String {
    format!("schema = \"breakglass/register/v1\"\n{text}")
}

fn problems(text: &str) -> Vec<Problem> {
    Register::from_toml("register.toml", text, None).expect_err("this is not valid")
}

/// Each input with what is said about it.
fn table(cases: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, text) in cases {
        let said = match Register::parse("register.toml", text, None) {
            Ok(parsed) => format!("valid; warnings:\n{}", render(&parsed.warnings)),
            Err(problems) => render(&problems),
        };
        writeln!(out, "## {name}\n{said}").unwrap();
    }
    out
}

#[test]
fn r1_the_complete_register_is_read_in_full() {
    let parsed = Register::parse("register.toml", COMPLETE, None).unwrap();
    assert_eq!(render(&parsed.warnings), "");
    insta::assert_json_snapshot!(parsed.register);
}

#[test]
fn r1_a_person_is_authorised_from_the_first_day_to_the_last() {
    let day = jiff::civil::date;
    let person = Person {
        authorised_since: Some(day(2026, 3, 1)),
        authorised_until: Some(day(2026, 3, 31)),
        ..Person::default()
    };
    for (on, authorised) in [
        (day(2026, 2, 28), false),
        (day(2026, 3, 1), true),
        (day(2026, 3, 31), true),
        (day(2026, 4, 1), false),
    ] {
        assert_eq!(person.authorised_on(on), authorised, "{on}");
    }
    assert!(Person::default().authorised_on(day(2026, 3, 1)));
}

#[test]
fn r1_the_same_register_in_two_files_with_crlf_and_byte_order_mark() {
    let one = Register::from_toml("register.toml", COMPLETE, None).unwrap();
    let (main, sealed) = COMPLETE.split_once("[sealed]").unwrap();
    let main = format!("\u{feff}{}", main.replace('\n', "\r\n"));
    let sealed = format!("[sealed]{sealed}").replace('\n', "\r\n");
    let sealed_file = Some(("register-sealed.toml", sealed.as_str()));
    let mut two = Register::from_toml("register.toml", &main, sealed_file).unwrap();
    assert_eq!(two.protection, Some(Protection::OwnFile), "R2");
    two.protection = Some(Protection::SameFile);
    assert_eq!(one, two);
    let without = Register::from_toml("register.toml", &main, None).unwrap();
    assert_eq!(without.sealed, None);
    assert_eq!(
        without.accounts, one.accounts,
        "places cannot be judged without the sealed part"
    );
}

#[test]
fn r1_defaults_where_nothing_is_said() {
    let text = with_schema("[[account]]\nid = \"<EmergencyAccessAccount>\"\n");
    let register = Register::from_toml("register.toml", &text, None).unwrap();
    assert_eq!(register.max_global_administrators, 4);
    assert_eq!(register.drills, DrillPolicy::default());
    assert_eq!(register.sealed, None);
}

#[test]
fn r1_what_is_wrong_is_said_with_place_and_help() {
    let cases = [
        ("empty", String::new()),
        ("only the schema", with_schema("")),
        (
            "another schema",
            "schema = \"breakglass/register/v9\"".to_owned(),
        ),
        ("not toml", with_schema("[tenant\nid = \"x\"\nname = \n")),
        ("not toml at all", "\u{0}PK\u{3}\u{4} binary".to_owned()),
        (
            "given twice",
            with_schema("[tenant]\nid = \"a\"\nid = \"b\"\n"),
        ),
        (
            "unknown fields",
            with_schema(
                "acount = 1\n[tenat]\n[[account]]\nid = \"a\"\nlable = 1\n[[account.key]]\nlabl = \"x\"\n",
            ),
        ),
        (
            "wrong types",
            with_schema(
                "tenant = 3\naccount = \"a\"\nworkstation = [1]\n[drills]\nevery_days = \"90\"\nwarn_days = 75\n[[person]]\nid = 1\nname = true\nroles = \"custodian\"\nauthorised_since = 1.5\n",
            ),
        ),
        (
            "numbers out of limits",
            with_schema("[drills]\nevery_days = 0\nwarn_days = [-1, 0x10, 99999999999999999999]\n"),
        ),
        (
            "dates",
            with_schema(
                "[[person]]\nid = \"a\"\nname = \"A\"\nauthorised_since = \"2026-02-30\"\nauthorised_until = 2026-01-31T10:00:00Z\n[[person]]\nid = \"b\"\nname = \"B\"\nauthorised_since = 2026-03-01\nauthorised_until = 2026-02-01\n[[drill]]\naccount = \"x\"\non = \"yesterday\"\n",
            ),
        ),
        (
            "a date that TOML refuses",
            with_schema("[[drill]]\naccount = \"x\"\non = 2026-02-30\n"),
        ),
        (
            "missing",
            with_schema(
                "[[account]]\ngroup = \"g\"\n[[account.key]]\nserial = \"1\"\n[[person]]\ntraining = [{}]\n[[drill]]\n[[workstation]]\n[[sealed.place]]\n[[sealed.envelope]]\nchecked = [{ by = \"nobody\" }]\n",
            ),
        ),
        (
            "empty texts and bad ids",
            with_schema(
                "[[account]]\nid = \" \"\nupn = \"breakglass\"\n[[account.key]]\nlabel = \"A\"\naaguid = \"yubikey\"\n[[person]]\nid = \"anna\"\nname = \"Anna\"\nroles = [\"custodain\", \"boss\"]\n",
            ),
        ),
        (
            "duplicates",
            with_schema(
                "[[account]]\nid = \"A1\"\nupn = \"bg@contoso.com\"\n[[account.key]]\nlabel = \"K\"\n[[account]]\nid = \"a1\"\nupn = \"BG@contoso.com\"\n[[account.key]]\nlabel = \"K\"\n[[person]]\nid = \"anna\"\nname = \"A\"\n[[person]]\nid = \"anna\"\nname = \"B\"\n[[sealed.place]]\nid = \"p\"\n[[sealed.place]]\nid = \"p\"\n[[sealed.envelope]]\nid = \"e\"\n[[sealed.envelope]]\nid = \"e\"\n[[workstation]]\ndevice_id = \"d\"\n[[workstation]]\ndevice_id = \"D\"\n",
            ),
        ),
        (
            "references",
            with_schema(
                "[[account]]\nid = \"a\"\n[[account.key]]\nlabel = \"K\"\nplace = \"hq-sfae\"\nenvelope = \"E-9\"\n[[person]]\nid = \"Anna\"\nname = \"A\"\ndeputy_for = [\"ana\"]\n[[drill]]\naccount = \"a\"\non = 2026-01-01\nby = \"zoe\"\n[[sealed.place]]\nid = \"hq-safe\"\nopens = [\"zoe\"]\n[[sealed.envelope]]\nid = \"E-1\"\nplace = \"bank\"\nchecked = [{ on = 2026-01-01, by = \"zoe\", seal_ok = true }]\n",
            ),
        ),
        (
            "doubtful",
            with_schema(
                "[[account]]\nupn = \"bg@contoso.com\"\n[[account.key]]\nlabel = \"K\"\nplace = \"p\"\nenvelope = \"e\"\n[[drill]]\naccount = \"other\"\non = 2026-01-01\n[[sealed.place]]\nid = \"p\"\n[[sealed.place]]\nid = \"q\"\n[[sealed.envelope]]\nid = \"e\"\nplace = \"q\"\nholds = [\"key:X\", \"pin:Y\", \"a sheet\"]\n",
            ),
        ),
    ];
    let cases: Vec<_> = cases
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    insta::assert_snapshot!(table(&cases));
}

#[test]
fn r2_the_two_files_are_told_apart() {
    let main = with_schema(
        "[[account]]\nid = \"a\"\nplaec = 1\n[[account.key]]\nlabel = \"K\"\nplace = \"x\"\n[sealed]\n",
    );
    let cases = [
        "[sealed]\n[[sealed.place]]\nid = \"p\"\nopens = [\"zoe\"]\n[tenant]\n",
        "schema = \"other\"\n",
        "[sealed\nwrong",
    ];
    let said: Vec<String> = cases
        .iter()
        .map(|sealed| {
            let sealed = Some(("register-sealed.toml", *sealed));
            render(&Register::from_toml("register.toml", &main, sealed).unwrap_err())
        })
        .collect();
    insta::assert_snapshot!(said.join("\n---\n"));
}

#[test]
fn s2_secrets_are_refused_and_never_repeated() {
    let fields = [
        "pin = \"8531\"",
        "PIN2 = 8531",
        "pins = [\"8531\", 8531]",
        "safe_code = \"x8531\"",
        "safeCode = { a = \"8531\" }",
        "password = '8531'",
        "pin-8531 = true",
        "\"pin 8531\" = true",
        "passcode.k8531 = 8531",
        "my_secret = \"\"\"\n8531\nand 8531\n\"\"\"",
        "combination = \"8531\"",
        "note = \"the pin is not here, but PIN: 8531 is\"",
        "note = '''\nline\npin\n8531'''",
        "note = \"p\\u0069n \\u0038531\"",
        "lable = \"x\" # pin 8531",
        "# PIN=8531",
    ];
    let mut said = String::new();
    for field in fields {
        for around in [
            "",
            "[tenant]\n",
            "[[person]]\n",
            "[[sealed.place]]\n",
            "[[account.key]]\n",
        ] {
            // Once as TOML, and once as a file that is broken behind the secret.
            let whole = with_schema(&format!("{around}{field}\n"));
            let broken = format!("{whole}\nx = \n[[[");
            let rendered = render(&problems(&whole));
            assert!(!rendered.contains("8531"), "{rendered}");
            assert!(rendered.contains("kept here"), "{whole}\n{rendered}");
            if around.is_empty() {
                writeln!(said, "{rendered}").unwrap();
            }
            let rendered = render(&problems(&broken));
            assert!(!rendered.contains("8531"), "{rendered}");
        }
    }
    insta::assert_snapshot!(said);
}

#[test]
fn s2_labels_and_dates_about_secrets_are_none() {
    let text = with_schema(
        "[[account]]\nid = \"a\"\n[[account.key]]\nlabel = \"BG01-A\"\n[[sealed.place]]\nid = \"p\"\ncombination_changed = 2026-03-01\n[[sealed.envelope]]\nid = \"e\"\nholds = [\"pin:BG01-A\", \"the opinion 12345 of pines\"]\n",
    );
    let parsed = Register::parse("register.toml", &text, None).unwrap();
    assert_eq!(render(&parsed.warnings), "");
}

#[test]
fn r1_many_tables_in_tables_do_no_harm() {
    for (open, close) in [("[", "]"), ("{a=", "}"), ("a.", "b")] {
        let deep = format!("x = {}1{}\n", open.repeat(5_000), close.repeat(5_000));
        problems(&deep);
        problems(&deep[4..]);
    }
}

const CANARY: &str = "kanarienvogel7";

fn snippets() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec![
        "pin",
        "PIN",
        "password",
        "safe_code",
        "secret",
        "passcode1",
        "\"pin\"",
    ]);
    let values = prop::sample::select(vec![
        "\"C\"",
        "'C'",
        "C",
        "[\"C\", 1]",
        "{ C = \"C\" }",
        "\"\"\"\nC\nC\"\"\"",
        "\"C",
        "\"\\C\"",
        "\"\"\"\nC\n",
    ]);
    let headers = prop::sample::select(vec![
        "",
        "[tenant]\n",
        "[[person]]\n",
        "[[account]]\n[[account.key]]\n",
        "x = [\n",
        "bad = {",
    ]);
    let separators = prop::sample::select(vec![" = ", "=", " ", ".a = ", " =\t"]);
    let tails = prop::sample::select(vec![
        "",
        "\n[tenant]\nid = 1\n",
        "\nx = ",
        "\n[[person]]\nname = 3\n",
        "\r\nlable = 1\r\n",
        "\"\"\"\nid = 3\n",
    ]);
    (headers, names, separators, values, tails).prop_map(
        |(header, name, separator, value, tail)| {
            let value = value.replace('C', CANARY);
            format!("{header}{name}{separator}{value}{tail}")
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn s2_no_secret_ever_appears_in_what_is_said(text in snippets(), schema: bool) {
        let text = if schema { with_schema(&text) } else { text };
        let problems = Register::from_toml("r", &text, None).unwrap_err();
        let sealed = Register::from_toml("r", "", Some(("s", &text))).unwrap_err();
        for said in [render(&problems), render(&sealed)] {
            prop_assert!(!said.contains(CANARY), "{}\n{}", text, said);
        }
    }

    #[test]
    fn r1_any_text_is_read_without_panic(text in "(?s).{0,200}", at in 0..COMPLETE.len(), cut in 0..50_usize) {
        let _ = Register::from_toml("r", &text, Some(("s", &text)));
        // The complete register with a piece exchanged: almost valid files reach further.
        let end = (at + cut).min(COMPLETE.len());
        let (head, tail) = (COMPLETE.get(..at).unwrap(), COMPLETE.get(end..).unwrap());
        for changed in [format!("{head}{tail}"), format!("{head}{text}{tail}")] {
            if let Err(problems) = Register::from_toml("r", &changed, None) {
                prop_assert!(!problems.is_empty());
                let lines = changed.split('\n').count();
                prop_assert!(problems.iter().all(|p| p.line >= 1 && p.line <= lines && p.column >= 1));
                let escape = '\u{1b}';
                prop_assert!(!render(&problems).contains(escape));
            }
        }
    }
}

#[test]
fn r1_the_registers_of_the_built_in_tenants_are_good() {
    let now: jiff::Timestamp = "2026-11-24T20:00:00Z".parse().unwrap();
    for name in crate::example::NAMES {
        let example = crate::example::tenant(name, now).unwrap();
        if let Err(problems) = Register::from_toml(name, &example.register_toml, None) {
            panic!("{name}: {}", crate::source_text::render(&problems));
        }
    }
}
