//! What a planned change says, read from the file that a user gives to `lockout preflight --change`.
//!
//! Two forms are accepted: Microsoft Graph JSON (one object, a list, a page `{"value": […]}`) and what
//! `terraform show -json <plan>` writes. Both become [`Change`]s with bodies in Graph's camelCase; the
//! mapping follows section 1.1 of the semantics sheet and the schema of the azuread provider.
//!
//! Invariants:
//! - bytes in, values out: no I/O;
//! - a file is never silently nothing: it gives changes, or a warning that says why not, or an error;
//! - what a form cannot express is not invented, and what is known only after the change was applied
//!   stands as [`KNOWN_AFTER_APPLY`].

mod apply;
mod azuread;
mod body;
mod graph;
mod plan;

use std::borrow::Cow;

use breakglass_model::{export::normalise, text};
use serde_json::Value;

pub use apply::{apply, apply_kind};

/// The text that stands for a value that is only known after the change is applied (Terraform
/// `after_unknown`): in place of the value, for lists as an element.
pub const KNOWN_AFTER_APPLY: &str = "(known after apply)";

/// The most bytes of a file, packed or not: above any plan of a real tenant, below what would exhaust
/// the memory once it is a tree of values.
const LIMIT: usize = 128 << 20;

/// Position of an error that is about no single place.
const WHOLE: &str = "whole file";

/// What a change does to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Create, or replace by id, else by display name, else add.
    Put,
    /// Remove.
    Delete,
    /// Merge onto the present object: a partial body, or a PATCH. Merged recursively, with a warning:
    /// how deep Graph itself merges is not documented.
    Merge,
}

/// What kind of object a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `conditionalAccessPolicy`.
    Policy,
    /// `ipNamedLocation` or `countryNamedLocation`; `@odata.type` tells which.
    NamedLocation,
    /// `authenticationStrengthPolicy`.
    AuthenticationStrength,
    /// `group`.
    Group,
    /// One membership: `{"groupId", "memberId"}`.
    GroupMember,
    /// One directory role assignment: `{"roleDefinitionId", "principalId", "directoryScopeId"}`.
    RoleAssignment,
}

impl Kind {
    /// Several of them, for messages.
    fn plural(self) -> &'static str {
        match self {
            Self::Policy => "policies",
            Self::NamedLocation => "named locations",
            Self::AuthenticationStrength => "authentication strengths",
            Self::Group => "groups",
            Self::GroupMember => "memberships",
            Self::RoleAssignment => "role assignments",
        }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What it is about.
    pub kind: Kind,
    /// What it does.
    pub action: Action,
    /// The object's id, without a path before it; `None` when it is new or the file does not say.
    pub id: Option<String>,
    /// The display name after the change; of a deleted object the name that it had.
    pub name: Option<String>,
    /// The object in Graph's camelCase; of a deleted object as it was, as far as the file says.
    pub body: Value,
    /// Where it was written: the file and the position in it, or the Terraform address.
    pub source: String,
    /// The earlier name from Terraform's `before`, so that a renamed policy replaces the right one.
    pub before_name: Option<String>,
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// The changes, in an order in which they can be applied one after the other.
    pub changes: Vec<Change>,
    /// Things said once to the user: partial bodies merged, values known after apply, resources that
    /// this program does not read, a file that changes nothing.
    pub warnings: Vec<String>,
    /// Why the file does not tell all changes.
    pub incomplete: Vec<String>,
}

/// Why a file cannot be read as a change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {position}: {reason}: {help}")]
pub struct ChangeError {
    /// The file, as the user named it.
    pub file: String,
    /// Line and column, the JSON path, or `whole file`.
    pub position: String,
    /// What is wrong.
    pub reason: String,
    /// What to do next.
    pub help: String,
}

/// How to get a file that can be read.
const HOW: &str = "give the policy as Microsoft Graph JSON (`GET /identity/conditionalAccess/\
                   policies/<id>`, edited), or the output of `terraform show -json <plan>`";

/// How to get a plan as JSON.
const HOW_PLAN: &str = "run `terraform plan -out=tfplan`, then `terraform show -json tfplan >plan.json`, \
                        and give `plan.json`";

/// Reads one file.
///
/// UTF-8 or UTF-16, with or without byte order mark, plain or gzip; Graph JSON of v1.0 or beta, in
/// Graph's camelCase or as PowerShell writes it; or a Terraform plan, told by `format_version`.
///
/// # Errors
/// Where the file is not text, not JSON, nested too deeply, too large, or JSON of something else.
pub fn read(file: &str, bytes: &[u8]) -> Result<Changes, ChangeError> {
    let fail = |position: &str, reason: &str, help: &str| ChangeError {
        file: file.to_owned(),
        position: position.to_owned(),
        reason: reason.to_owned(),
        help: help.to_owned(),
    };
    if bytes.starts_with(b"PK\x03\x04") {
        return Err(fail(
            WHOLE,
            "this is a ZIP file, as Terraform's plan in binary form is",
            HOW_PLAN,
        ));
    }
    let bytes = if text::is_gzip(bytes) {
        let content =
            text::gunzip(bytes, LIMIT).map_err(|error| fail(WHOLE, &error.to_string(), HOW))?;
        Cow::Owned(content)
    } else {
        Cow::Borrowed(bytes)
    };
    if bytes.len() > LIMIT {
        let reason = format!("the file is larger than {} MB", LIMIT >> 20);
        return Err(fail(
            WHOLE,
            &reason,
            "give only the changed policies, or the plan of the part that holds them",
        ));
    }
    let text = text::decode(&bytes).map_err(|error| fail(WHOLE, &error.to_string(), HOW))?;
    match text.trim_start().chars().next() {
        None => return Err(fail(WHOLE, "the file is empty", HOW)),
        Some('<') => {
            return Err(fail(
                WHOLE,
                "this is HTML or XML, not JSON; perhaps a sign-in page was saved in its place",
                HOW,
            ));
        }
        Some(_) => {}
    }
    let document = serde_json::from_str(&text).map_err(|error| {
        let position = format!("line {} column {}", error.line(), error.column());
        let why = error.to_string();
        let why = why.split(" at line ").next().unwrap_or(&why);
        if why.starts_with("recursion limit") {
            let reason = "nested more deeply than 128 levels, which no policy and no plan is";
            fail(&position, reason, HOW)
        } else if is_log(&text) {
            let reason = "this is the log that `terraform plan -json` prints, not the plan";
            fail(&position, reason, HOW_PLAN)
        } else {
            fail(&position, &format!("not valid JSON ({why})"), HOW)
        }
    })?;
    match &document {
        Value::Object(map)
            if map.contains_key("format_version") || map.contains_key("resource_changes") =>
        {
            plan::read(file, &document)
        }
        _ => graph::read(file, normalise(document)),
    }
}

/// Whether the text is a stream of Terraform's log messages, one JSON object a line.
fn is_log(text: &str) -> bool {
    serde_json::Deserializer::from_str(text)
        .into_iter::<Value>()
        .next()
        .and_then(Result::ok)
        .is_some_and(|first| first.get("@level").is_some())
}

/// The text at a key, unless it is empty or known only after apply.
fn known_text<'v>(object: &'v Value, key: &str) -> Option<&'v str> {
    object
        .get(key)?
        .as_str()
        .filter(|text| !text.trim().is_empty() && *text != KNOWN_AFTER_APPLY)
}

/// The id at the end of a path such as `/identity/conditionalAccess/policies/<id>`.
fn last_segment(id: &str) -> &str {
    id.trim_end_matches('/').rsplit('/').next().unwrap_or(id)
}

/// What a body lacks to be a whole policy. A body with gaps is partial: leaving a property out of a
/// PATCH leaves it as it was (semantics sheet 1.1, "Updates").
fn gaps(policy: &Value) -> Vec<&'static str> {
    let absent = |path: &str| policy.pointer(path).is_none_or(Value::is_null);
    let mut gaps = Vec::new();
    for (path, name) in [("/displayName", "displayName"), ("/state", "state")] {
        if absent(path) {
            gaps.push(name);
        }
    }
    if absent("/conditions") {
        gaps.push("conditions");
    } else if !policy["conditions"].is_string() {
        // A policy for workload identities has no need of users.
        if absent("/conditions/users") && absent("/conditions/clientApplications") {
            gaps.push("conditions.users");
        }
        if absent("/conditions/applications") {
            gaps.push("conditions.applications");
        }
    }
    // An export writes both, one of them as null.
    if policy.get("grantControls").is_none() && policy.get("sessionControls").is_none() {
        gaps.push("grantControls");
    }
    gaps
}

#[cfg(test)]
mod tests;
