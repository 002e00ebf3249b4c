//! Every form of the plans of conformance tenants: what a form names it declares, and no name of a step is left in it.

#[path = "../../../../../posture/tests/it/conformance/fixture.rs"]
#[allow(
    dead_code,
    reason = "the tenants of the posture crate's tests; their findings are not looked at here"
)]
mod fixture;

use std::{
    collections::BTreeSet,
    io::Write as _,
    process::{Command, Stdio},
    thread,
};

use breakglass_model::{History, ObjectId, Register, TenantSnapshot, Upn, plan::Plan};
use breakglass_posture::plan::{PlanInput, Wishes, plan};

use super::{bicep, graph_script, terraform};

fn planned(snapshot: &TenantSnapshot, register: &Register) -> Plan {
    let id = |text: &str| ObjectId::parse(text).unwrap();
    let wishes = Wishes {
        keepers: vec![id("7b3e1a94-41c2-4d8a-b6f0-9c5d1e2a434c")],
        approvers: vec![id("7b3e1a4a-41c2-4d8a-b6f0-9c5d1e2a41a6")],
        alert_mail: vec!["soc@contoso.example".to_owned()],
        ..Wishes::default()
    };
    plan(&PlanInput {
        keys: breakglass_model::aaguid::Tables::built_in(),
        snapshot,
        register: Some(register),
        history: &History::default(),
        accounts: &[],
        wishes: &wishes,
        now: fixture::now(),
        version: "test",
    })
    .unwrap()
}

/// The tenants that a plan must mend, each with an account that has still to be made.
fn plans() -> Vec<(String, Plan)> {
    let mut tenants = fixture::fixtures();
    tenants.retain(|own| own.planned);
    assert!(tenants.len() >= 40, "{}", tenants.len());
    let half = tenants.len() / 2;
    let make = |tenants: &[fixture::Fixture]| -> Vec<(String, Plan)> {
        let plan = |own: &fixture::Fixture| {
            let (snapshot, mut register) = own.make();
            register.accounts.push(breakglass_model::register::Account {
                upn: Some(Upn::parse("BreakGlass03@contoso.onmicrosoft.com").unwrap()),
                ..Default::default()
            });
            (own.name.clone(), planned(&snapshot, &register))
        };
        tenants.iter().map(plan).collect()
    };
    thread::scope(|scope| {
        let first = scope.spawn(|| make(&tenants[..half]));
        let mut all = make(&tenants[half..]);
        all.extend(first.join().unwrap());
        all
    })
}

/// The text without comments, and without what stands in quotes but the references there; the quotes stay.
fn code(text: &str, comment: &str, quote: char) -> String {
    let mut out = String::new();
    for line in text
        .lines()
        .filter(|line| !line.trim_start().starts_with(comment))
    {
        let mut quoted = false;
        let mut letters = line.chars().peekable();
        while let Some(c) = letters.next() {
            match c {
                '\\' if quoted => drop(letters.next()),
                '$' if quoted && letters.peek() == Some(&'$') => {
                    letters.next();
                    letters.next_if_eq(&'{');
                }
                '$' if quoted && letters.peek() == Some(&'{') => {
                    out.push('$');
                    out.extend(letters.by_ref().take_while(|c| *c != '}'));
                    out.push('}');
                }
                c if c == quote => {
                    quoted = !quoted;
                    out.push(c);
                }
                _ if quoted => {}
                c => out.push(c),
            }
        }
        assert!(!quoted, "a text without end: {line}");
        out.push('\n');
    }
    out
}

fn balanced(code: &str) {
    let mut open = Vec::new();
    for c in code.chars() {
        match c {
            '{' | '[' | '(' => open.push(c),
            '}' => assert_eq!(open.pop(), Some('{')),
            ']' => assert_eq!(open.pop(), Some('[')),
            ')' => assert_eq!(open.pop(), Some('(')),
            _ => {}
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

/// What stands between `${` and `}`.
fn references(code: &str) -> Vec<&str> {
    code.split("${")
        .skip(1)
        .filter_map(|rest| rest.split('}').next())
        .collect()
}

/// Names that lines of these kinds declare, by the word at a place.
fn declared(text: &str, kind: &str, name: impl Fn(&[&str]) -> String) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for line in text
        .lines()
        .filter(|line| line.starts_with(&format!("{kind} ")))
    {
        let words: Vec<&str> = line.split(' ').map(|word| word.trim_matches('"')).collect();
        assert!(all.insert(name(&words)), "declared twice: {line}");
    }
    all
}

/// What the text of a resource or look-up exports.
fn exports(text: &str, block: &str) -> bool {
    text.split("\n\n")
        .filter(|own| own.contains(block))
        .any(|own| own.contains("response_export_values"))
}

/// One test for all forms: the plans take the time.
#[test]
fn m1_w3_a_form_declares_every_name_that_it_uses() {
    let plans = plans();
    in_terraform(&plans);
    in_bicep(&plans);
    in_the_script(&plans);
}

fn in_terraform(plans: &[(String, Plan)]) {
    let mut written = String::new();
    for (tenant, plan) in plans {
        let text = terraform(plan);
        assert!(!text.contains("new:"), "{tenant}: {text}");
        let code = code(&text, "#", '"');
        balanced(&code);
        let mut names = declared(&text, "resource", |words| {
            format!("{}.{}", words[1], words[2])
        });
        names.extend(declared(&text, "data", |words| {
            format!("data.{}.{}", words[1], words[2])
        }));
        let variables = declared(&text, "variable", |words| format!("var.{}", words[1]));
        names.extend(variables.iter().cloned());
        let mut used = BTreeSet::new();
        for reference in references(&code) {
            let parts: Vec<&str> = reference.split('.').collect();
            let length = if parts[0] == "data" { 3 } else { 2 };
            let name = parts[..length].join(".");
            assert!(
                names.contains(&name),
                "{tenant}: {reference} is declared nowhere"
            );
            if parts.get(length) == Some(&"output") {
                let block = format!("\"{}\" \"{}\"", parts[length - 2], parts[length - 1]);
                assert!(
                    exports(&text, &block),
                    "{tenant}: {reference} is not exported"
                );
            }
            used.insert(name);
        }
        for list in code.split("depends_on = [").skip(1) {
            for name in list.split(']').next().unwrap().split(", ") {
                assert!(names.contains(name), "{tenant}: {name} is declared nowhere");
            }
        }
        for variable in variables {
            assert!(used.contains(&variable), "{tenant}: {variable} is not used");
        }
        written.push_str(&text);
    }
    // The account is not made by Terraform: whoever runs it gives its id.
    assert!(written.contains("${var.new_account_breakglass03}"));
    assert!(written.contains("variable \"new_account_breakglass03\""));
    assert!(written.contains("principalId\" = \"${azapi_resource.alert_"));
    // A rule waits for the action group that it names.
    assert!(written.contains("  depends_on = [azapi_resource.receivers]\n"));
}

fn in_bicep(plans: &[(String, Plan)]) {
    let mut written = String::new();
    for (tenant, plan) in plans {
        let text = bicep(plan);
        assert!(!text.contains("new:"), "{tenant}: {text}");
        let code = code(&text, "//", '\'');
        balanced(&code);
        let mut names = declared(&text, "resource", |words| words[1].to_owned());
        names.extend(declared(&text, "param", |words| words[1].to_owned()));
        // Values that are no text, number or list: names.
        let values = code
            .lines()
            .filter_map(|line| line.trim().split_once(": "))
            .map(|(_, value)| value)
            .filter(|value| value.starts_with(|c: char| c.is_ascii_lowercase()))
            .filter(|value| !matches!(*value, "true" | "false" | "null"));
        for reference in references(&code).into_iter().chain(values) {
            let name = reference.split('.').next().unwrap();
            assert!(
                names.contains(name),
                "{tenant}: {reference} is declared nowhere"
            );
        }
        for list in code.split("dependsOn: [").skip(1) {
            for name in list.split(']').next().unwrap().split_whitespace() {
                assert!(names.contains(name), "{tenant}: {name} is declared nowhere");
            }
        }
        written.push_str(&text);
    }
    // A rule waits for the action group that it names.
    assert!(written.contains("  dependsOn: [\n    receivers\n  ]\n"));
    // The unit is not made by Bicep; a role on the workspace is given there, and not on the whole group.
    assert!(written.contains("\nparam new_unit string\n"));
    assert!(written.contains("\"${new_unit}\""));
    assert!(written.contains("  scope: on_law_security\n"));
}

/// Every variable is set before it is used, and the shell reads the script.
fn in_the_script(plans: &[(String, Plan)]) {
    for (tenant, plan) in plans {
        let text = graph_script(plan);
        assert!(!text.contains("new:"), "{tenant}: {text}");
        let mut set = BTreeSet::from(["graph".to_owned(), "arm".to_owned()]);
        for line in text.lines() {
            let used = line.split("${").skip(1).zip(line.split("${"));
            for (rest, before) in used {
                let name = rest.split('}').next().unwrap();
                assert!(
                    before.ends_with('\\') || set.contains(name),
                    "{tenant}: {name} in {line}"
                );
            }
            if let Some((name, _)) = line.split_once("=$(") {
                set.insert(name.to_owned());
            }
        }
        let mut shell = Command::new("bash")
            .arg("-n")
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        shell
            .stdin
            .take()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        let told = shell.wait_with_output().unwrap();
        assert!(
            told.status.success(),
            "{tenant}: {}",
            String::from_utf8_lossy(&told.stderr)
        );
    }
}
