use std::path::Path;

use super::*;

fn problems(text: &str) -> String {
    let problems = parse("breakglass.toml", text, Path::new("/etc")).unwrap_err();
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_example_is_valid_and_paths_are_relative_to_it() {
    let config = parse("breakglass.toml", EXAMPLE, Path::new("/etc/breakglass")).unwrap();
    assert_eq!(config.channels.len(), 3);
    assert_eq!(config.sources.len(), 2);
    assert_eq!(
        config.register.unwrap(),
        Path::new("/etc/breakglass/register.toml")
    );
    assert!(
        matches!(config.store, Some(StorePlace::Url(url)) if url == "sqlite:/etc/breakglass/breakglass.db")
    );
    assert!(config.warnings.is_empty());
}

#[test]
fn every_problem_is_reported_at_once() {
    let said = problems(
        "[stroe]\nurl = \"sqlite:a\"\n[[source]]\nkind = \"kafka\"\n[[channel]]\nkind = \"smtp\"\nserver = \"mail:x\"\n[[channel]]\nkind = \"fax\"\n[[waiver]]\ncheck = \"BG001\"\nsubject = \"tenant\"\nreason = \"\"\n[check]\nfail_on = \"never\"\n[message]\ntime_zone = \"Mars\"\n",
    );
    for part in [
        "no field `stroe`",
        "did you mean `store`?",
        "does not read `kafka`",
        "no recipient",
        "has no `from`",
        "no usable port",
        "no kind of channel `fax`",
        "`reason` is empty",
        "has no end",
        "nobody approved",
        "must be low",
        "no such time zone",
    ] {
        assert!(said.contains(part), "{part} is missing in:\n{said}");
    }
}

#[test]
fn a_literal_secret_is_refused_and_not_repeated() {
    for text in [
        "[[channel]]\nkind = \"pagerduty\"\nrouting_key = \"canary4711\"\n",
        "[[channel]]\nkind = \"webhook\"\nurl = \"https://x.example\"\nsecret = \"canary4711\"\n",
        "[[channel]]\nkind = \"smtp\"\nto = [\"a@b.c\"]\nfrom = \"a@b.c\"\nserver = \"m:25\"\nuser = \"u\"\npassword = \"canary4711\"\n",
        "[store]\nurl = \"postgres://u:canary4711@h/d\"\n",
    ] {
        let said = problems(text);
        assert!(
            said.contains("in clear") || said.contains("holds a password"),
            "{said}"
        );
        assert!(!said.contains("canary4711"), "{said}");
    }
}

#[test]
fn later_sections_are_accepted_with_a_word() {
    let config = parse("b.toml", "[web]\norigin = \"https://x\"\n", Path::new("/")).unwrap();
    assert!(config.warnings[0].contains("web"));
}
