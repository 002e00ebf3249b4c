//! A report with every verdict and severity, and one with hostile text in every field.

use breakglass_model::{
    CheckReport, Evidence, Finding, NotRead, SetAside, Severity, Verdict,
    finding::{AccountRef, Answer, CHECK_REPORT_SCHEMA, Question, Summary, TenantRef, Tool},
};
use breakglass_posture::report::RuleText;

fn finding(
    check: &str,
    requirement: &str,
    verdict: Verdict,
    severity: Severity,
    texts: [&str; 4],
) -> Finding {
    let [title, subject, because, fix] = texts;
    Finding {
        check: check.into(),
        requirement: requirement.into(),
        title: title.into(),
        verdict,
        severity,
        subject: subject.into(),
        because: because.into(),
        evidence: vec![Evidence {
            object: format!("users/{subject}"),
            field: "authentication/methods".into(),
            value: "passwordAuthenticationMethod, fido2AuthenticationMethod".into(),
        }],
        fix: fix.into(),
        controls: vec!["CIS M365 1.1.2".into()],
    }
}

fn question(id: &str, question: &str, answer: Answer, because: &[&str]) -> Question {
    Question {
        id: id.into(),
        question: question.into(),
        answer,
        because: because.iter().map(|&b| b.into()).collect(),
    }
}

fn account(name: &str, id: &str, declared: bool, reasons: &[&str]) -> AccountRef {
    AccountRef {
        id: id.parse().ok(),
        upn: name.parse().ok(),
        declared,
        reasons: reasons.iter().map(|&r| r.into()).collect(),
    }
}

pub(crate) fn plain() -> CheckReport {
    let one = "emergency-north@contoso.onmicrosoft.com";
    let two = "emergency-south@contoso.onmicrosoft.com";
    let policies = "the input holds no Conditional Access policies";
    let read_policies = "Grant Policy.Read.All to the reader, or add the policies to the export.";
    let findings = vec![
        finding(
            "BG031",
            "A5",
            Verdict::Fail,
            Severity::Low,
            [
                "Name hides the purpose",
                two,
                "The display name `svc-0042` tells the people on call nothing.",
                "Rename it so that anyone on call knows it at once.",
            ],
        ),
        finding(
            "BG014",
            "K4",
            Verdict::Fail,
            Severity::High,
            [
                "Password beside the keys",
                two,
                "A password is registered beside the security keys, so the account can be guessed or phished.",
                "Remove the method, and keep the two hardware keys.",
            ],
        ),
        finding(
            "BG014",
            "K4",
            Verdict::Fail,
            Severity::High,
            [
                "Password beside the keys",
                one,
                "A password is registered beside the security keys, so the account can be guessed or phished.",
                "Remove the method, and keep the two hardware keys.",
            ],
        ),
        finding(
            "BG041",
            "D2",
            Verdict::Fail,
            Severity::Critical,
            [
                "Drill overdue",
                "tenant",
                "The last complete drill ended 131 days ago; the floor is 90 days.",
                "Run a drill this week: breakglass drill start.",
            ],
        ),
        finding(
            "BG025",
            "S3",
            Verdict::Fail,
            Severity::Medium,
            [
                "Both keys in one place",
                "place/head-office",
                "Both keys lie in the safe of the head office, so one fire takes both.",
                "Move one key to another site and record the seal.",
            ],
        ),
        finding(
            "BG050",
            "C1",
            Verdict::CannotTell,
            Severity::Critical,
            [
                "A policy can lock the account out",
                one,
                policies,
                read_policies,
            ],
        ),
        finding(
            "BG050",
            "C1",
            Verdict::CannotTell,
            Severity::Critical,
            [
                "A policy can lock the account out",
                two,
                policies,
                read_policies,
            ],
        ),
        finding(
            "BG052",
            "C3",
            Verdict::CannotTell,
            Severity::Medium,
            ["Sessions last too long", "tenant", policies, read_policies],
        ),
        finding(
            "BG001",
            "A1",
            Verdict::Pass,
            Severity::Critical,
            [
                "Fewer than two accounts",
                "tenant",
                "Two accounts are declared and were found.",
                "",
            ],
        ),
        finding(
            "BG002",
            "A2",
            Verdict::Pass,
            Severity::High,
            [
                "Account not cloud-only",
                one,
                "It was created in the cloud, on the initial domain.",
                "",
            ],
        ),
        finding(
            "BG071",
            "W10",
            Verdict::NotApplicable,
            Severity::Low,
            [
                "Sentinel rule misses uses",
                "tenant",
                "Microsoft Sentinel is not used here.",
                "",
            ],
        ),
        finding(
            "BG012",
            "K3",
            Verdict::Waived,
            Severity::Medium,
            [
                "One key vendor for both",
                "tenant",
                "Accepted by M. Okafor until 2026-06-30: the second vendor's keys are on order.",
                "",
            ],
        ),
    ];
    CheckReport {
        schema: CHECK_REPORT_SCHEMA.into(),
        tool: Tool {
            name: "breakglass".into(),
            version: "0.1.0".into(),
        },
        at: "2026-03-01T12:00:00Z".into(),
        tenant: TenantRef {
            id: Some("0c1f6f1e-3a56-4a4c-9d0e-5f2b7a3f9b11".into()),
            name: Some("Contoso".into()),
            collected_at: Some("2026-03-01T08:30:00Z".into()),
            digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        },
        left_out: Vec::new(),
        assumptions: vec!["`<BreakGlassGroup>` was compared as text: it is a placeholder.".into()],
        not_read: vec![NotRead {
            collection: "identity/conditionalAccess/policies".into(),
            reason: "Graph answered 403 Forbidden".into(),
            permission: Some("Policy.Read.All".into()),
        }],
        set_aside: vec![SetAside {
            file: "export/groups.json".into(),
            position: "line 3 column 7".into(),
            reason: "a comma is missing".into(),
        }],
        questions: vec![
            question(
                "two-accounts",
                "Do you have at least two emergency access accounts, built the modern way?",
                Answer::Yes,
                &[
                    "Two accounts are declared, were found, and are permanently Global Administrator.",
                ],
            ),
            question(
                "tested",
                "Have you tested them end to end recently?",
                Answer::No,
                &[
                    "The last complete drill ended 131 days ago; the floor is 90 days.",
                    "That drill did not show that an alert reached a person.",
                ],
            ),
            question(
                "would-work",
                "Would they get you back in if everything else failed right now, and would you be told?",
                Answer::CannotTell,
                &[
                    "The Conditional Access policies were not read, so a lockout can't be ruled out.",
                ],
            ),
        ],
        accounts: vec![
            account(one, "6b1b8d3e-6c0c-4c9b-8f0e-0f6a55a0b001", true, &[]),
            account(two, "6b1b8d3e-6c0c-4c9b-8f0e-0f6a55a0b002", true, &[]),
            account(
                "svc-0042@contoso.onmicrosoft.com",
                "6b1b8d3e-6c0c-4c9b-8f0e-0f6a55a0b003",
                false,
                &["it is excluded from 14 of 15 policies"],
            ),
        ],
        summary: Summary::of(&findings),
        findings,
    }
}

/// Markup, terminal escapes, a table cell, a formula, wide characters, a direction override, a long word.
pub(crate) const HOSTILE: &str = "=cmd()|<script>alert(1)</script>\"'&\u{1b}[2J\u{9b}31m\r\n| x | @team 🔑字\u{202e}\u{0}\t[a](javascript:b) wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww";

pub(crate) fn hostile() -> CheckReport {
    let mut report = plain();
    let h = || HOSTILE.to_owned();
    report.tool = Tool {
        name: h(),
        version: h(),
    };
    report.at = h();
    report.tenant = TenantRef {
        id: Some(h()),
        name: Some(h()),
        collected_at: Some(h()),
        digest: h(),
    };
    report.assumptions = vec![h()];
    report.not_read = vec![NotRead {
        collection: h(),
        reason: h(),
        permission: Some(h()),
    }];
    report.set_aside = vec![SetAside {
        file: h(),
        position: h(),
        reason: h(),
    }];
    for q in &mut report.questions {
        q.question = h();
        q.because = vec![h()];
    }
    for a in &mut report.accounts {
        a.id = "<script>alert(1)</script>".parse().ok();
        a.upn = "<b>|\u{202e}=x@contoso.com".parse().ok();
        a.reasons = vec![h()];
    }
    for f in &mut report.findings {
        for field in [
            &mut f.check,
            &mut f.requirement,
            &mut f.title,
            &mut f.subject,
            &mut f.because,
            &mut f.fix,
        ] {
            *field = h();
        }
        f.evidence = vec![Evidence {
            object: h(),
            field: h(),
            value: h(),
        }];
        f.controls = vec![h()];
    }
    report
}

pub(crate) fn rules() -> Vec<RuleText> {
    let mut rules: Vec<RuleText> = Vec::new();
    for f in plain().findings {
        if rules.iter().any(|rule| rule.id == f.check) {
            continue;
        }
        rules.push(RuleText {
            name: f.title.to_lowercase().replace(' ', "-"),
            help_markdown: format!("# {}\n\nWhy and how.", f.title),
            id: f.check,
            requirement: f.requirement,
            title: f.title,
            severity: f.severity,
            rationale: "An account that fails this will not be there on the night when everything else is gone.".into(),
            fix: "Mend it, and run a drill.".into(),
            controls: f.controls,
            conflicts: Vec::new(),
        });
    }
    rules
}
