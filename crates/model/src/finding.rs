//! What a check says: verdict, severity, finding, and the report they stand in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{NotRead, ObjectId, SetAside, Upn};

/// How bad it is, from least to worst.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// To be mended in the normal course.
    Medium,
    /// To be mended soon.
    High,
    /// The accounts would not work, or nobody would be told.
    Critical,
}

impl Severity {
    /// The word in documents and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// The five answers of a check.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The requirement is met, and the evidence shows it.
    Pass,
    /// It is not met, and the evidence shows it.
    Fail,
    /// Needed data was missing or unreadable. Never shown as green.
    CannotTell,
    /// The requirement does not arise here.
    NotApplicable,
    /// It fails, and somebody has accepted that, with a reason and an end date.
    Waived,
}

impl Verdict {
    /// The word in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::CannotTell => "cannot-tell",
            Self::NotApplicable => "not-applicable",
            Self::Waived => "waived",
        }
    }
}

/// One fact that a verdict rests on: the object that was read, its field, and the value found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The object, as Graph addresses it (`users/<id>`, `roleAssignments/<id>`) or a register path.
    pub object: String,
    /// The field of the object.
    pub field: String,
    /// The value found, as text.
    pub value: String,
}

/// What one check says about one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The check's code, `BG001`. A code is never reused.
    pub check: String,
    /// The requirement in `A1` … `X7` form.
    pub requirement: String,
    /// The check's title.
    pub title: String,
    /// The verdict.
    pub verdict: Verdict,
    /// The severity that the check has when it fails.
    pub severity: Severity,
    /// Who or what it is about: a UPN, an object, or `tenant`.
    pub subject: String,
    /// One sentence: why this verdict. For *cannot tell*, the datum that is missing.
    pub because: String,
    /// The facts.
    pub evidence: Vec<Evidence>,
    /// What to do next; empty when there is nothing to do.
    pub fix: String,
    /// Controls of frameworks that this finding is evidence for (`CIS M365 1.1.2`).
    pub controls: Vec<String>,
}

/// The answer to one of the three questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Shown by evidence.
    Yes,
    /// Refuted by evidence.
    No,
    /// Not decidable with what was read.
    CannotTell,
}

/// One of the three questions, answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Question {
    /// `two-accounts`, `tested` or `would-work`.
    pub id: String,
    /// The question in words.
    pub question: String,
    /// The answer.
    pub answer: Answer,
    /// Why, one sentence an item.
    pub because: Vec<String>,
}

/// An emergency access account as the report names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountRef {
    /// Object id, where known.
    pub id: Option<ObjectId>,
    /// User principal name, where known.
    pub upn: Option<Upn>,
    /// Whether somebody declared it (argument, register, configuration). `false`: a candidate that we propose.
    pub declared: bool,
    /// For a candidate: the reasons for proposing it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

/// How many findings have each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    /// Passed.
    pub pass: usize,
    /// Failed.
    pub fail: usize,
    /// Undecided.
    pub cannot_tell: usize,
    /// Did not arise.
    pub not_applicable: usize,
    /// Accepted by somebody.
    pub waived: usize,
}

impl Summary {
    /// Counts the findings.
    pub fn of(findings: &[Finding]) -> Self {
        let mut summary = Self::default();
        for finding in findings {
            *match finding.verdict {
                Verdict::Pass => &mut summary.pass,
                Verdict::Fail => &mut summary.fail,
                Verdict::CannotTell => &mut summary.cannot_tell,
                Verdict::NotApplicable => &mut summary.not_applicable,
                Verdict::Waived => &mut summary.waived,
            } += 1;
        }
        summary
    }
}

/// Who wrote a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `breakglass`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The tenant that a document is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TenantRef {
    /// Tenant id, where the input tells it.
    pub id: Option<String>,
    /// Display name, where the input tells it.
    pub name: Option<String>,
    /// When the data was collected, RFC 3339, where the input tells it.
    pub collected_at: Option<String>,
    /// SHA-256 over the input, in hex.
    pub digest: String,
}

/// The document of `check --format json`, schema `breakglass/check-report/v1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckReport {
    /// Always `breakglass/check-report/v1`.
    pub schema: String,
    /// Who wrote it.
    pub tool: Tool,
    /// The moment that due dates were judged against, RFC 3339.
    pub at: String,
    /// The tenant.
    pub tenant: TenantRef,
    /// Checks that had something to say and were left out by `--only` or `--skip`; absent when none was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// What was taken for granted in reading the input.
    pub assumptions: Vec<String>,
    /// What was not read, and what would make it readable.
    pub not_read: Vec<NotRead>,
    /// Files, or parts of files, that could not be understood.
    pub set_aside: Vec<SetAside>,
    /// The three questions.
    pub questions: Vec<Question>,
    /// The accounts, declared or proposed.
    pub accounts: Vec<AccountRef>,
    /// What the checks say.
    pub findings: Vec<Finding>,
    /// Counts per verdict.
    pub summary: Summary,
}

/// The schema name of a check report.
pub const CHECK_REPORT_SCHEMA: &str = "breakglass/check-report/v1";
