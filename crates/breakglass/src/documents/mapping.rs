//! Requirements and controls of frameworks, each with the checks that judge it or the reason why none does.

use std::fmt::Write as _;

use breakglass_posture::{catalogue, conflicts, controls, requirements};

/// Path and text of both documents.
pub(super) fn all() -> Vec<(String, String)> {
    vec![
        ("docs/requirements.md".to_owned(), of_requirements()),
        ("docs/controls.md".to_owned(), of_controls()),
    ]
}

fn links(ids: impl Iterator<Item = &'static str>) -> String {
    let all: Vec<String> = ids.map(|id| format!("[{id}](checks/{id}.md)")).collect();
    all.join(" ")
}

fn of_requirements() -> String {
    let mut text = String::from(
        "# Requirements\n\nWritten by `cargo xtask generate` from `crates/posture/src/requirements.rs`.\n\nEvery check, \
         test and page names the requirement that it serves. The numbers are stable. A requirement without a check of \
         its own says why.\n\n| id | in short | checks | what no check judges |\n|---|---|---|---|\n",
    );
    for own in requirements() {
        let checks = links(own.checks().into_iter().map(|check| check.id));
        let _infallible = writeln!(
            text,
            "| {} | {} | {checks} | {} |",
            own.id, own.text, own.reason
        );
    }
    text
}

fn of_controls() -> String {
    let mut text = String::from(
        "# Controls of frameworks\n\nWritten by `cargo xtask generate` from `crates/posture/src/controls/`.\n\nIds and \
         our own short words; the texts are their owners'. *Names it*: the control is about these accounts, or about \
         this very duty. *Conflict*: it asks for the opposite of something else; both sides stand below, and an \
         exception has to be recorded.\n\n## Where authorities disagree\n\n| matter | one side | the other | here | \
         checks |\n|---|---|---|---|---|\n",
    );
    for own in conflicts() {
        let checks = links(own.checks.iter().copied());
        let _infallible = writeln!(
            text,
            "| {} | {} | {} | {} | {checks} |",
            own.topic, own.one, own.other, own.ours
        );
    }
    text.push_str(
        "\n## Mapping\n\n| framework | version | controls | | asks, in short | checks | what else, or why none |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for row in controls() {
        let checks = links(row.checks.iter().copied());
        let _infallible = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {checks} | {} |",
            row.framework,
            row.version,
            row.ids,
            row.kind.as_str(),
            row.asks,
            row.reason
        );
    }
    text.push_str("\n## By check\n\n| check | controls |\n|---|---|\n");
    for check in catalogue() {
        let _infallible = writeln!(
            text,
            "| {} | {} |",
            links([check.id].into_iter()),
            check.rule_text().controls.join("; ")
        );
    }
    text
}
