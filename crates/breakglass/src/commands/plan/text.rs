//! A plan for a person at a terminal.

use std::{fmt::Write as _, path::Path};

use breakglass_model::plan::{Api, Plan, PlanStep, Remaining, Send, Stage, Verb};
use breakglass_posture::report::text::Style;
use serde_json::Value;

use crate::output;

/// Where the texts of a step begin.
const INDENT: usize = 5;

/// The plan as text.
pub(super) fn text(plan: &Plan, style: Style, out: Option<&Path>) -> String {
    let width = style.width.clamp(40, 200);
    let mut page = String::new();
    let name = plan
        .tenant
        .name
        .as_deref()
        .unwrap_or("a tenant without a name");
    let id = plan.tenant.id.as_deref().unwrap_or("no id");
    block(&mut page, "", 0, &format!("Plan for {name} ({id})"), width);
    let made = match &plan.tenant.collected_at {
        Some(at) => format!("Made at {} from data collected {at}", plan.at),
        None => format!(
            "Made at {}; the input does not say when the data was collected",
            plan.at
        ),
    };
    block(&mut page, "", 0, &made, width);
    page.push('\n');
    if plan.steps.is_empty() {
        block(&mut page, "", 0, nothing(plan), width);
    } else {
        let _ = writeln!(
            page,
            "{}, in this order; digest\n{}",
            count(plan.steps.len(), "step"),
            plan.digest
        );
    }
    for warning in &plan.warnings {
        page.push('\n');
        block(&mut page, "! ", 2, warning, width);
    }
    let mut stage = None;
    for (place, step) in plan.steps.iter().enumerate() {
        if stage != Some(step.stage) {
            stage = Some(step.stage);
            heading(&mut page, stage_name(step.stage), width);
        }
        page.push('\n');
        one(&mut page, place + 1, step, width);
    }
    remaining(&mut page, &plan.remaining, width);
    page.push('\n');
    match (out, plan.steps.is_empty()) {
        (_, true) => {}
        (Some(out), _) => {
            let next = "Next: have a second person read it and sign the digest, then";
            block(&mut page, "", 0, next, width);
            // In one line, to be copied.
            let _ = writeln!(
                page,
                "  breakglass apply {} --identity apply.toml --by <you> --approval plan.sig",
                out.display()
            );
        }
        (None, _) => {
            let next =
                "Nothing was changed. To take the steps, write the plan to a file: --out plan.json";
            block(&mut page, "", 0, next, width);
        }
    }
    page
}

/// What a plan without a step says.
pub(super) fn nothing(plan: &Plan) -> &'static str {
    if plan.warnings.is_empty() {
        "Nothing to do: what a plan can change is as it should be."
    } else {
        "No step: what a plan can change is as it should be, or waits for what is said here."
    }
}

/// A number of things.
pub(in crate::commands) fn count(number: usize, thing: &str) -> String {
    if number == 1 {
        format!("1 {thing}")
    } else {
        format!("{number} {thing}s")
    }
}

/// The heading of a stage.
pub(super) fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Accounts => "Accounts",
        Stage::Keys => "Keys are let in",
        Stage::Group => "Group",
        Stage::Strength => "Authentication strength",
        Stage::Exclusions => "Exclusions from policies that keep the accounts out",
        Stage::DedicatedPolicy => "Dedicated policy, in report-only",
        Stage::Role => "Role",
        Stage::Enforcement => "Dedicated policy is switched on",
        Stage::OtherExclusions => "Exclusions from policies that the accounts could meet",
        Stage::Methods => "Weak methods",
        Stage::HeadCount => "Standing Global Administrators",
        Stage::Protection => "Restricted unit and keeper role",
        Stage::Logs => "Logs",
        Stage::Alerts => "Alerts",
    }
}

fn one(page: &mut String, number: usize, step: &PlanStep, width: usize) {
    let checks = if step.checks.is_empty() {
        String::new()
    } else {
        format!(", mends {}", step.checks.join(", "))
    };
    block(
        page,
        &format!("{number:>3}  "),
        INDENT,
        &format!("{} ({}{checks})", step.title, step.requirement),
        width,
    );
    block(page, "     ", INDENT, &step.reason, width);
    for change in changes(&step.write.before, &step.write.after) {
        block(page, "       ", 9, &change, width);
    }
    block(
        page,
        "     sends ",
        11,
        &request(step.write.api, &step.write.send),
        width,
    );
    block(page, "     needs ", 11, &step.permission, width);
    if !step.after.is_empty() {
        block(page, "     after ", 11, &step.after.join(", "), width);
    }
    block(page, "     risk  ", 11, &step.risk, width);
    block(page, "     undo  ", 11, &step.undo_text, width);
}

fn remaining(page: &mut String, all: &[Remaining], width: usize) {
    if all.is_empty() {
        return;
    }
    heading(page, "What remains, and who closes it", width);
    let mut closers: Vec<&str> = all.iter().map(|one| one.closed_by.as_str()).collect();
    closers.sort_unstable();
    closers.dedup();
    for closer in closers {
        page.push('\n');
        block(page, "", 0, &capital(closer), width);
        for one in all.iter().filter(|one| one.closed_by == closer) {
            let verdict = if one.verdict == "fail" {
                "fails"
            } else {
                "cannot tell"
            };
            block(
                page,
                &format!("  {} ", one.check),
                8,
                &format!(
                    "{}: {} ({verdict}: {})",
                    one.title, one.subject, one.because
                ),
                width,
            );
        }
    }
}

/// With a capital letter.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// A title, with a rule that fills the line.
fn heading(page: &mut String, title: &str, width: usize) {
    page.push('\n');
    match width.checked_sub(title.chars().count() + 4) {
        Some(rest) => {
            let _ = writeln!(page, "── {title} {}", "─".repeat(rest));
        }
        None => block(page, "── ", 3, title, width),
    }
}

/// A paragraph: its first line begins with a mark, the others are indented.
fn block(page: &mut String, mark: &str, indent: usize, text: &str, width: usize) {
    let lines = output::lines(text, width.saturating_sub(indent));
    for (place, line) in lines.iter().enumerate() {
        if place == 0 {
            let _ = writeln!(page, "{mark}{line}");
        } else {
            let _ = writeln!(page, "{:indent$}{line}", "");
        }
    }
}

/// Method and address of a request.
pub(super) fn request(api: Api, send: &Send) -> String {
    let (host, prefix) = match api {
        Api::Graph => ("Graph", "/v1.0"),
        Api::GraphBeta => ("Graph", "/beta"),
        Api::Arm => ("Azure", ""),
    };
    format!("{host} {} {prefix}{}", verb(send.verb), send.path)
}

/// The method as it is written.
pub(super) fn verb(verb: Verb) -> &'static str {
    match verb {
        Verb::Post => "POST",
        Verb::Patch => "PATCH",
        Verb::Put => "PUT",
        Verb::Delete => "DELETE",
    }
}

/// What a step changes, a line for each field.
pub(super) fn changes(before: &Value, after: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    match (before, after) {
        (_, Value::Null) => lines.push("is removed".to_owned()),
        (before, after) => walk("", before, after, &mut lines),
    }
    lines
}

fn walk(at: &str, before: &Value, after: &Value, lines: &mut Vec<String>) {
    match (before, after) {
        (before, after) if before == after => {}
        (Value::Array(old), Value::Array(new))
            if old.iter().chain(new).all(|item| !item.is_object()) =>
        {
            let gone: Vec<String> = old
                .iter()
                .filter(|item| !new.contains(item))
                .map(brief)
                .collect();
            let come: Vec<String> = new
                .iter()
                .filter(|item| !old.contains(item))
                .map(brief)
                .collect();
            let mut parts = Vec::new();
            if !come.is_empty() {
                parts.push(format!("gets {}", come.join(", ")));
            }
            if !gone.is_empty() {
                parts.push(format!("loses {}", gone.join(", ")));
            }
            lines.push(format!("{at} {}", parts.join(" and ")));
        }
        (_, Value::Object(fields)) => {
            for (name, value) in fields {
                let at = if at.is_empty() {
                    name.clone()
                } else {
                    format!("{at}.{name}")
                };
                walk(&at, before.get(name).unwrap_or(&Value::Null), value, lines);
            }
        }
        (Value::Null, after) => lines.push(format!("{at}: {}", brief(after))),
        (before, after) => lines.push(format!("{at}: {} → {}", brief(before), brief(after))),
    }
}

/// A value in one line, cut where it is long.
fn brief(value: &Value) -> String {
    let text = match value {
        Value::String(text) => output::one_line(text),
        other => other.to_string(),
    };
    match text.char_indices().nth(100) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use breakglass_model::{History, Register, example};
    use breakglass_posture::{
        plan::{PlanInput, Wishes, plan},
        report::text::Style,
    };
    use serde_json::json;

    use super::{changes, text};

    #[test]
    fn k1_a_plan_that_waits_does_not_say_that_all_is_well() {
        let now = "2026-11-24T12:00:00Z".parse().unwrap();
        let example = example::tenant("contoso-modern", now).unwrap();
        let register = Register::from_toml("register.toml", &example.register_toml, None).unwrap();
        let mut plan = plan(&PlanInput {
            keys: breakglass_model::aaguid::Tables::built_in(),
            snapshot: &example.snapshot,
            register: Some(&register),
            history: &History::default(),
            accounts: &[],
            wishes: &Wishes::default(),
            now,
            version: "test",
        })
        .unwrap();
        let style = || Style {
            color: false,
            width: 100,
            verbose: false,
        };
        assert!(text(&plan, style(), None).contains("Nothing to do"));
        plan.warnings
            .push("no key of BG01 is registered".to_owned());
        let waits = text(&plan, style(), None);
        assert!(!waits.contains("Nothing to do"), "{waits}");
        assert!(waits.contains("waits for what is said here"), "{waits}");
    }

    #[test]
    fn what_changes_is_told_by_field() {
        let mut lines = changes(
            &json!({"state": "off", "users": {"excludeGroups": ["a"]}}),
            &json!({"state": "on", "users": {"excludeGroups": ["a", "b"]}, "new": 1}),
        );
        lines.sort();
        assert_eq!(
            lines,
            ["new: 1", "state: off → on", "users.excludeGroups gets b"]
        );
    }
}
