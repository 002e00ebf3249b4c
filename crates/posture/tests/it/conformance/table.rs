//! The table that a reviewer reads, and expectations written back into the data files.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
};

use super::fixture::{Expect, files, folder};

const HEAD: &str = "<!-- Made from the data files of this directory; CONFORMANCE_TABLE=1 writes it anew. -->

# Conformance tenants

Each is a built-in tenant with a small change, and what must be found of it. *Failing* and *cannot tell* list check codes beside
those of the built-in tenant; the two built-in tenants stand first, with all that is found of them. `BG009(02)`: of
BreakGlass02 only; `-BG009`: no longer found. *Gets in* is the verdict of the lockout proof, *reached by* lists the
policies that can apply to an account and are not intended (`?`: perhaps). *Not yet found* is what
the requirement asks for and no check or plan says; nothing tests it: clear it by hand. *Planned*: a plan must mend it.
";

#[test]
fn the_table_is_current() {
    let table = render();
    let path = folder().join("README.md");
    if super::asked("CONFORMANCE_TABLE").is_some() {
        fs::write(&path, &table).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == table,
        "the table is not what the data files say: CONFORMANCE_TABLE=1 writes it anew"
    );
}

fn render() -> String {
    let mut text = HEAD.to_owned();
    for (_, title, tenants) in files() {
        let _ = write!(
            text,
            "\n## {title}\n\n| name | what is wrong | source | failing | cannot tell | gets in | reached by | not yet found | planned |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        );
        for tenant in tenants {
            let or = |text: &str, empty: &str| {
                if text.is_empty() { empty } else { text }.replace('|', "\\|")
            };
            let expect = &tenant.expect;
            let wrong = if tenant.base == "contoso" && !tenant.is_base() {
                format!("(on the old design) {}", tenant.wrong)
            } else {
                tenant.wrong.clone()
            };
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                tenant.name,
                or(&wrong, ""),
                tenant.source,
                or(&expect.fails, "–"),
                or(&expect.unknown, "–"),
                or(&expect.verdicts, "all"),
                or(&expect.reached_by, "only intended"),
                or(&tenant.missed, ""),
                if tenant.planned { "yes" } else { "" },
            );
        }
    }
    text
}

/// Writes what these checks find into the data files; every other expectation stays.
pub(super) fn accept(found: &BTreeMap<String, Expect>, checks: &BTreeSet<&str>) {
    for (path, _, tenants) in files() {
        let mut text = fs::read_to_string(&path).unwrap();
        for tenant in tenants {
            let Some(now) = found.get(&tenant.name) else {
                continue;
            };
            let start = text.find(&format!("name = \"{}\"", tenant.name)).unwrap();
            let end = text[start..]
                .find("\n[[tenant]]")
                .map_or(text.len(), |length| start + length);
            let mut block = text[start..end].to_owned();
            for (key, expected, now) in [
                ("fails", &tenant.expect.fails, &now.fails),
                ("unknown", &tenant.expect.unknown, &now.unknown),
            ] {
                block = with(&block, key, &merged(expected, now, checks));
            }
            text.replace_range(start..end, &block);
        }
        fs::write(&path, text).unwrap();
    }
}

/// The expectation with the words of these checks taken from what was found.
fn merged(expected: &str, found: &str, checks: &BTreeSet<&str>) -> String {
    let of = |word: &&str| {
        let code = word.trim_start_matches('-');
        checks.contains(code.split('(').next().unwrap_or(code))
    };
    let mut words: Vec<&str> = expected.split(' ').filter(|word| !of(word)).collect();
    words.extend(found.split(' ').filter(of));
    words.retain(|word| !word.is_empty());
    words.sort_by_key(|word| (word.starts_with('-'), *word));
    words.join(" ")
}

/// The block of a tenant with the line `expect.<key>` set; without one it is left out.
fn with(block: &str, key: &str, value: &str) -> String {
    let start = format!("expect.{key} = ");
    let mut lines: Vec<String> = block.lines().map(str::to_owned).collect();
    let place = lines.iter().position(|line| line.starts_with(&start));
    let line = format!("{start}\"{value}\"");
    match place {
        Some(place) if value.is_empty() => {
            lines.remove(place);
        }
        Some(place) => lines[place] = line,
        None if value.is_empty() => {}
        None => {
            let source = lines
                .iter()
                .position(|line| line.starts_with("source = "))
                .unwrap_or_default();
            lines.insert(source + 1, line);
        }
    }
    lines.join("\n") + if block.ends_with('\n') { "\n" } else { "" }
}
