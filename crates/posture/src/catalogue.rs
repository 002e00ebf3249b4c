//! The table of checks, and what a check is.

use breakglass_model::{Evidence, Finding, NotRead, Severity, Verdict};

use crate::{Context, checks, controls::with_version, report::RuleText};

/// A check: its code, its texts and its function.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Code, `BG001`. Never given to another check.
    pub id: &'static str,
    /// Name in kebab-case.
    pub name: &'static str,
    /// The requirement, `A1` … `R3`.
    pub requirement: &'static str,
    /// What holds when it passes.
    pub title: &'static str,
    /// How bad a failure is.
    pub severity: Severity,
    /// What it looks at and when it fails.
    pub what: &'static str,
    /// Why it matters.
    pub rationale: &'static str,
    /// How to mend it; `{subject}` stands for the finding's subject.
    pub fix: &'static str,
    /// Ids of controls in frameworks.
    pub controls: &'static [&'static str],
    /// Where to read more.
    pub references: &'static [&'static str],
    /// The judgement.
    pub run: fn(&Context<'_>) -> Vec<Finding>,
}

impl Check {
    /// The check's page in Markdown, in fixed sections.
    pub fn doc(&self) -> String {
        let references: Vec<String> = self
            .references
            .iter()
            .map(|one| format!("- {one}"))
            .collect();
        let sides: String = self
            .conflicts()
            .iter()
            .map(|own| {
                format!(
                    "## Where authorities disagree: {}\n\n| One side | The other | Here |\n|---|---|---|\n| {} | {} | {} |\n\n",
                    own.topic, own.one, own.other, own.ours
                )
            })
            .collect();
        format!(
            "## What it does\n\n{}\n\n## Why it matters\n\n{}\n\n## How to fix\n\n{}\n\n{sides}## References\n\n{}\n",
            self.what,
            self.rationale,
            self.fixed("`<subject>`"),
            references.join("\n"),
        )
    }

    /// Its controls, each with the version of its framework.
    fn versioned_controls(&self) -> Vec<String> {
        let all = self.controls.iter();
        all.map(|own| with_version(own).into_owned()).collect()
    }

    /// Conflicts that it is part of.
    fn conflicts(&self) -> Vec<Conflict> {
        let all = conflicts().iter();
        all.filter(|own| own.checks.contains(&self.id))
            .copied()
            .collect()
    }

    /// The check as reports show it.
    pub fn rule_text(&self) -> RuleText {
        RuleText {
            id: self.id.to_owned(),
            name: self.name.to_owned(),
            requirement: self.requirement.to_owned(),
            title: self.title.to_owned(),
            severity: self.severity,
            rationale: self.rationale.to_owned(),
            fix: self.fixed("<subject>"),
            help_markdown: self.doc(),
            conflicts: self.conflicts(),
            controls: self.versioned_controls(),
        }
    }

    /// What to do, with the step of a plan where there is one.
    fn fixed(&self, subject: &str) -> String {
        let fix = self.fix.replace("{subject}", subject);
        if PLANNED.contains(&self.id) && !fix.contains("breakglass plan") {
            format!("{fix} `breakglass plan` plans it where it can.")
        } else {
            fix
        }
    }

    fn finding(&self, verdict: Verdict, subject: &str, because: String, fix: String) -> Finding {
        Finding {
            check: self.id.to_owned(),
            requirement: self.requirement.to_owned(),
            title: self.title.to_owned(),
            verdict,
            severity: self.severity,
            subject: subject.to_owned(),
            because,
            evidence: Vec::new(),
            fix,
            controls: self.versioned_controls(),
        }
    }

    pub(crate) fn pass(&self, subject: &str, because: impl Into<String>) -> Finding {
        self.finding(Verdict::Pass, subject, because.into(), String::new())
    }

    pub(crate) fn fail(&self, subject: &str, because: impl Into<String>) -> Finding {
        let fix = self.fixed(subject);
        self.finding(Verdict::Fail, subject, because.into(), fix)
    }

    pub(crate) fn not_applicable(&self, subject: &str, because: impl Into<String>) -> Finding {
        self.finding(
            Verdict::NotApplicable,
            subject,
            because.into(),
            String::new(),
        )
    }

    pub(crate) fn cannot_tell(
        &self,
        subject: &str,
        because: impl Into<String>,
        fix: &str,
    ) -> Finding {
        self.finding(Verdict::CannotTell, subject, because.into(), fix.to_owned())
    }

    /// *Cannot tell*: a collection was not read, or only in part.
    pub(crate) fn unread(&self, subject: &str, missing: &NotRead) -> Finding {
        let permission = missing.permission.as_deref().unwrap_or_default();
        self.unknown(subject, &missing.collection, &missing.reason, permission)
    }

    /// *Cannot tell*: a datum was not read.
    pub(crate) fn unknown(
        &self,
        subject: &str,
        datum: &str,
        why: &str,
        permission: &str,
    ) -> Finding {
        let (because, fix) = if permission.is_empty() {
            (
                format!("{datum} could not be read: {why}"),
                format!("Add {datum} to the input."),
            )
        } else {
            (
                format!("{datum} could not be read: {why} (permission: {permission})"),
                format!(
                    "Grant {permission} to the reading identity and collect again, or add {datum} to the input."
                ),
            )
        };
        self.finding(Verdict::CannotTell, subject, because, fix)
    }
}

/// Adds facts to a finding.
pub(crate) trait Seen: Sized {
    /// Adds one fact.
    fn seen(self, object: impl Into<String>, field: &str, value: impl ToString) -> Self;
    /// Another fix than the check's, which names several.
    fn mended_by(self, fix: &str) -> Self;
}

impl Seen for Finding {
    fn seen(mut self, object: impl Into<String>, field: &str, value: impl ToString) -> Self {
        self.evidence.push(Evidence {
            object: object.into(),
            field: field.to_owned(),
            value: value.to_string(),
        });
        self
    }

    fn mended_by(mut self, fix: &str) -> Self {
        fix.clone_into(&mut self.fix);
        self
    }
}

/// Microsoft's page on the subject.
pub(crate) const EMERGENCY_ACCESS: &str = "https://learn.microsoft.com/entra/identity/role-based-access-control/security-emergency-access";
/// Microsoft's page on restricted management administrative units.
pub(crate) const RESTRICTED_UNITS: &str = "https://learn.microsoft.com/entra/identity/role-based-access-control/admin-units-restricted-management";
/// Microsoft's page on mandatory multifactor authentication.
pub(crate) const MANDATORY_MFA: &str = "https://learn.microsoft.com/entra/identity/authentication/concept-mandatory-multifactor-authentication";

/// Microsoft's page on activation of roles.
pub(crate) const PIM_SETTINGS: &str = "https://learn.microsoft.com/entra/id-governance/privileged-identity-management/pim-how-to-change-default-settings";
/// Microsoft's page on groups that roles can be assigned to.
pub(crate) const ROLE_GROUPS: &str =
    "https://learn.microsoft.com/entra/identity/role-based-access-control/groups-concept";
/// Microsoft's page on passkeys.
pub(crate) const PASSKEYS: &str =
    "https://learn.microsoft.com/entra/identity/authentication/how-to-enable-passkey-fido2";

/// Every check, by code.
pub fn catalogue() -> &'static [Check] {
    checks::ALL
}

/// The check with this code or name, in any case.
pub fn find(id: &str) -> Option<&'static Check> {
    let id = id.trim();
    catalogue()
        .iter()
        .find(|check| check.id.eq_ignore_ascii_case(id) || check.name.eq_ignore_ascii_case(id))
}

/// Two authorities that ask for opposite things of these accounts, to be shown side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Conflict {
    /// The matter.
    pub topic: &'static str,
    /// Who asks for one thing.
    pub one: &'static str,
    /// Who asks for the other.
    pub other: &'static str,
    /// What we do, and what to record.
    pub ours: &'static str,
    /// Our checks that are concerned.
    pub checks: &'static [&'static str],
}

/// Checks that a step of a plan mends.
pub const PLANNED: &[&str] = &[
    "BG001", "BG002", "BG006", "BG009", "BG010", "BG013", "BG024", "BG025", "BG026", "BG027",
    "BG042", "BG043", "BG044", "BG045", "BG046", "BG047", "BG048", "BG049", "BG050", "BG052",
    "BG053", "BG054", "BG055", "BG056", "BG057", "BG058", "BG061", "BG062", "BG063", "BG066",
    "BG067", "BG068", "BG069", "BG071", "BG073", "BG076", "BG077", "BG078", "BG079", "BG082",
    "BG085", "BG086", "BG088", "BG089", "BG091", "BG094", "BG096",
];

/// The known conflicts.
pub fn conflicts() -> &'static [Conflict] {
    &[
        Conflict {
            topic: "dormancy",
            one: "NIST AC-2(3), CIS Controls 5.3, PCI DSS 8.2.6: inactive accounts are disabled (45 or 90 days)",
            other: "NIST AC-2 discussion, Microsoft: accounts of last resort sleep and stay enabled",
            ours: "keep them enabled, drill within 90 days, record the exception",
            checks: &["BG002", "BG016", "BG017", "BG036"],
        },
        Conflict {
            topic: "permanence",
            one: "SCuBA MS.AAD.7.4v1, 7.5v1: no permanent active assignment, none outside PAM",
            other: "Microsoft, the note of 7.4v1: emergency accounts hold the role permanently",
            ours: "permanent and active; 7.5v1 and 7.6v1 name no exception, so record one",
            checks: &["BG009", "BG010", "BG072", "BG075", "BG080", "BG082"],
        },
        Conflict {
            topic: "how many",
            one: "Zero Trust Assessment 21835: exactly two",
            other: "Microsoft, CIS M365 1.1.2: two or more",
            ours: "two or more, all of them declared",
            checks: &["BG001"],
        },
        Conflict {
            topic: "Conditional Access",
            one: "CIS M365 1.1.2 (one account), Maester MT.1005, Zero Trust Assessment 21835: excluded from all policies",
            other: "Microsoft, SCuBA MS.AAD.3.6v1: covered by phishing-resistant authentication",
            ours: "excluded from what blocks, included in one dedicated policy",
            checks: &["BG018", "BG042", "BG043", "BG045", "BG048", "BG079"],
        },
        Conflict {
            topic: "shared key",
            one: "PCI DSS 8.3.11, HIPAA 164.312(a)(2)(i): one token, one person",
            other: "PCI DSS 8.2.2 and the nature of the account: shared by exception, every use attributed",
            ours: "custody records and reviews show who used it; record the exception",
            checks: &["BG008", "BG014", "BG033"],
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_and_names_are_never_changed() {
        let codes: Vec<String> = catalogue()
            .iter()
            .map(|c| format!("{} {} {}", c.id, c.requirement, c.name))
            .collect();
        insta::assert_snapshot!(codes.join("\n"));
    }

    #[test]
    fn every_check_has_its_texts_and_its_own_code() {
        let ids: BTreeSet<_> = catalogue().iter().map(|c| c.id).collect();
        let names: BTreeSet<_> = catalogue().iter().map(|c| c.name).collect();
        assert_eq!(ids.len(), catalogue().len());
        assert_eq!(names.len(), catalogue().len());
        for check in catalogue() {
            for text in [check.title, check.what, check.rationale, check.fix] {
                assert!(text.len() > 10, "{}: `{text}`", check.id);
            }
            assert!(
                !check.controls.is_empty() && !check.references.is_empty(),
                "{}",
                check.id
            );
            assert!(check.doc().contains(check.rationale));
            assert_eq!(find(check.name).map(|c| c.id), Some(check.id));
        }
    }

    #[test]
    fn conflicts_name_real_checks() {
        for conflict in conflicts() {
            assert!(
                conflict.checks.iter().all(|id| find(id).is_some()),
                "{}",
                conflict.topic
            );
        }
        let explained = crate::report::explain(&find("BG010").unwrap().rule_text(), 80);
        assert!(explained.contains("Where authorities disagree: permanence"));
        assert!(explained.contains("The other: Microsoft, the note of 7.4v1"));
    }
}
