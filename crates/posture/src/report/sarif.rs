//! SARIF 2.1.0 for code scanning services: a small model by hand, only with what we fill.

use breakglass_model::{CheckReport, Finding, Severity, Verdict};
use serde_json::{Value, json};

use super::{ReportError, RuleText, arrange, clean::clean};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The report as a SARIF log with one run. Results are what needs a person: failures, undecided checks,
/// and waived failures with their suppression.
pub fn sarif(report: &CheckReport, rules: &[RuleText]) -> Result<String, ReportError> {
    let shown: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|f| {
            matches!(
                f.verdict,
                Verdict::Fail | Verdict::CannotTell | Verdict::Waived
            )
        })
        .collect();
    let mut descriptors: Vec<Value> = rules.iter().map(descriptor).collect();
    let mut ids: Vec<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
    for finding in &shown {
        if !ids.contains(&finding.check.as_str()) {
            ids.push(&finding.check);
            descriptors.push(descriptor_of_unlisted(finding));
        }
    }
    let results: Vec<Value> = shown.iter().map(|finding| result(finding, &ids)).collect();
    let about = report.tenant.id.as_deref().unwrap_or(&report.tenant.digest);
    let notifications: Vec<Value> = report.not_read.iter().map(|n| {
        json!({ "level": "warning", "message": { "text": format!("{} was not read: {}", clean(&n.collection), clean(&n.reason)) } })
    }).chain(report.set_aside.iter().map(|s| {
        json!({ "level": "warning", "message": { "text": format!("{} {} was set aside: {}", clean(&s.file), clean(&s.position), clean(&s.reason)) } })
    })).collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": clean(&report.tool.name),
                "version": clean(&report.tool.version),
                "rules": descriptors,
            }},
            "automationDetails": { "id": format!("breakglass/check/{}/", clean(about)) },
            "invocations": [{ "executionSuccessful": true, "toolExecutionNotifications": notifications }],
            "results": results,
            "properties": { "tenant": arrange::tenant_name(report), "at": clean(&report.at) },
        }],
    });
    let mut out = serde_json::to_string_pretty(&log)?;
    out.push('\n');
    Ok(out)
}

fn descriptor(rule: &RuleText) -> Value {
    json!({
        "id": rule.id,
        "name": rule.name,
        "shortDescription": { "text": clean(&rule.title) },
        "fullDescription": { "text": clean(&rule.rationale) },
        "help": { "text": clean(&rule.fix), "markdown": rule.help_markdown },
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": {
            "tags": rule.controls,
            "requirement": rule.requirement,
            "security-severity": security_severity(rule.severity),
        },
    })
}

fn descriptor_of_unlisted(finding: &Finding) -> Value {
    json!({
        "id": finding.check,
        "shortDescription": { "text": clean(&finding.title) },
        "defaultConfiguration": { "level": level(finding.severity) },
    })
}

/// SARIF allows a level other than `none` only where `kind` is `fail` (3.27.10), and viewers hide
/// `none`. An undecided check must be seen, so it is a warning whose message says that we cannot tell.
fn result(finding: &Finding, ids: &[&str]) -> Value {
    let undecided = finding.verdict == Verdict::CannotTell;
    let subject = clean(&finding.subject);
    let prefix = if undecided { "Cannot tell: " } else { "" };
    let because = clean(&finding.because);
    let mut text = format!("{prefix}{} ({subject}).", because.trim_end_matches('.'));
    if !finding.fix.is_empty() {
        text.push_str(" To do: ");
        text.push_str(&clean(&finding.fix));
    }
    let mut result = json!({
        "ruleId": finding.check,
        "ruleIndex": ids.iter().position(|id| *id == finding.check),
        "kind": "fail",
        "level": if undecided { "warning" } else { level(finding.severity) },
        "message": { "text": text },
        "locations": [{ "logicalLocations": [{ "fullyQualifiedName": subject, "kind": "resource" }] }],
        "partialFingerprints": { "breakglassCheckAndSubject/v1": format!("{}|{subject}", clean(&finding.check)) },
        "properties": {
            "verdict": finding.verdict.as_str(),
            "severity": finding.severity.as_str(),
            "evidence": finding.evidence,
        },
    });
    if finding.verdict == Verdict::Waived {
        result["suppressions"] = json!([{ "kind": "external", "status": "accepted", "justification": clean(&finding.because) }]);
    }
    result
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// The number by which code scanning services sort security results.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
    }
}
