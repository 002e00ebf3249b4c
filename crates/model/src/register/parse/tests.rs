use super::*;

const GOOD: &str = r#"
schema = "breakglass/register/v1"
[tenant]
id = "7c1e0a52-3b8d-4f0e-9a43-5d1f6b2c8e90"
[[account]]
id = "b1b1b1b1-0000-4000-8000-0000000000b1"
upn = "BreakGlass01@contoso.onmicrosoft.com"
[[account.key]]
label = "BG01-A"
aaguid = "CB69481E-8FF7-4039-93EC-0A2729A154A8"
place = "hq-safe"
envelope = "E-0017"
[[person]]
id = "anna"
name = "Anna"
training = [{ topic = "procedure", on = 2026-02-01, valid_days = 365 }]
[drills]
every_days = 180
[[drill]]
account = "breakglass01@CONTOSO.onmicrosoft.com"
on = 2026-08-01
by = "anna"
[[sealed.place]]
id = "hq-safe"
opens = ["anna"]
combination_changed = 2026-03-01
[[sealed.envelope]]
id = "E-0017"
place = "hq-safe"
holds = ["key:BG01-A", "pin:BG01-A", "sheet:BG01"]
checked = [{ on = 2026-09-01, by = "anna", seal_ok = true }]
"#;

fn problems(text: &str) -> Vec<String> {
    Register::from_toml("register.toml", text, None)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn r1_a_good_register_is_read_whole() {
    let register = Register::from_toml("register.toml", GOOD, None).unwrap();
    assert_eq!(
        register.accounts[0].keys[0].aaguid.as_deref(),
        Some("cb69481e-8ff7-4039-93ec-0a2729a154a8")
    );
    assert_eq!(register.drills.every_days, 180);
    assert_eq!(register.declared_drills.len(), 1);
    assert_eq!(register.max_global_administrators, 4);
    let sealed = register.sealed.unwrap();
    assert_eq!(sealed.envelopes[0].checked.len(), 1);
    assert_eq!(sealed.places[0].opens, ["anna"]);
    let crlf = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    assert!(Register::from_toml("register.toml", &crlf, None).is_ok());
}

#[test]
fn r1_the_sealed_part_may_be_a_file_of_its_own() {
    let cut = GOOD.find("[[sealed.place]]").unwrap();
    let sealed = format!("schema = \"breakglass/register/v1\"\n{}", &GOOD[cut..]);
    let register = Register::from_toml("a", &GOOD[..cut], Some(("b", &sealed))).unwrap();
    assert_eq!(register.sealed.unwrap().places.len(), 1);
    assert!(Register::from_toml("a", GOOD, Some(("b", &sealed))).is_err());
    // Without the sealed part, places are not known, and that is no problem.
    assert!(
        Register::from_toml("a", &GOOD[..cut], None)
            .unwrap()
            .sealed
            .is_none()
    );
}

#[test]
fn r1_every_problem_is_reported_at_once_with_its_place() {
    let found = problems(
        "schema = \"breakglass/register/v1\"\n[[account]]\nnmae = \"x\"\n[[person]]\nid = \"a\"\nname = 3\n[[drill]]\naccount = \"b@c.d\"\non = \"2026-08-01\"\nby = \"nobody\"\n",
    );
    let all = found.join("\n");
    for part in [
        "register.toml:2:",
        "neither `id` nor `upn`",
        "no field `nmae`",
        "`name` is a number, but must be text",
        "no person `nobody`",
        "no account `b@c.d`",
    ] {
        assert!(all.contains(part), "{part}: {all}");
    }
    let impossible = problems(
        "schema = \"breakglass/register/v1\"\n[[person]]\nid=\"a\"\nname=\"A\"\nauthorised_since = \"2026-02-30\"\n",
    );
    assert!(
        impossible[0].contains("register.toml:5:20") && impossible[0].contains("not a day"),
        "{impossible:?}"
    );
}

#[test]
fn r1_what_is_no_register_is_told_so() {
    assert!(problems("")[0].contains("does not say what it is"));
    assert!(problems("schema = \"other\"")[0].contains("not a register that this version reads"));
    assert!(problems("schema = [")[0].contains("not TOML"));
    let twice = GOOD.replace(
        "[drills]",
        "[[person]]\nid = \"ANNA\"\nname = \"B\"\n[drills]",
    );
    assert!(problems(&twice)[0].contains("there twice"));
}

#[test]
fn r2_secrets_are_refused_and_never_repeated() {
    for line in [
        "pin = \"98765432\"",
        "admin_password = \"98765432\"",
        "passcode = 98765432",
        "note = \"the Pin: 98765432\"",
        "safe-code = \"98765432\"",
        "combination = \"98765432\"",
    ] {
        let text = GOOD.replace("id = \"anna\"", &format!("id = \"anna\"\n{line}"));
        let found = problems(&text).join("\n");
        assert!(
            found.contains("secret") || found.contains("PIN"),
            "{line}: {found}"
        );
        assert!(!found.contains("98765432"), "{line}: {found}");
    }
    assert!(!looks_like_a_pin("shopping 1234"));
    assert!(!looks_like_a_pin("pin:BG01-A"));
    assert!(looks_like_a_pin("his PIN is-- no: pin=0815"));
    assert!(!named_like_a_secret("combination_changed"));
    assert!(!named_like_a_secret("opinion"));
}

#[test]
fn r1_the_registers_of_the_built_in_tenants_are_good() {
    let now: jiff::Timestamp = "2026-11-24T20:00:00Z".parse().unwrap();
    for name in crate::example::NAMES {
        let example = crate::example::tenant(name, now).unwrap();
        if let Err(problems) = Register::from_toml(name, &example.register_toml, None) {
            panic!(
                "{name}: {}",
                problems
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join("\n")
            );
        }
    }
}

proptest::proptest! {
    #[test]
    fn r2_no_text_makes_the_reader_panic_or_repeat_a_secret(before in "[a-z\\[\\]=\"\n .]{0,60}", after in ".{0,40}") {
        let text = format!("{before}\npin = \"canary4711\"\n{after}");
        if let Err(problems) = Register::from_toml("r", &text, None) {
            for problem in problems {
                proptest::prop_assert!(!problem.to_string().contains("canary4711"));
            }
        }
    }
}
