//! `schema`: the JSON Schemas of the documents.

use breakglass_model::Signal;
use serde_json::Value;

use crate::{
    commands::{
        alert::AlertTestReport,
        collect::CollectDocument,
        doctor::DoctorDocument,
        incident,
        key::{EnrolmentDocument, KeyDocument, KeysDocument},
        lockout::document::{
            preflight::PreflightDocument, proof::ProofDocument, what_if::WhatIfDocument,
        },
        watch::WatchSummary,
    },
    failure::{Failure, exit},
    output,
};

/// Name and schema of every document.
pub fn all() -> Vec<(&'static str, Value)> {
    let derived = |schema: schemars::Schema, name: &str| {
        let mut value = schema.to_value();
        if let Some(object) = value.as_object_mut() {
            object.insert("$id".to_owned(), format!("breakglass/{name}/v1").into());
        }
        value
    };
    vec![
        ("check-report", breakglass_posture::report::json::schema()),
        ("signal", derived(schemars::schema_for!(Signal), "signal")),
        (
            "watch-summary",
            derived(schemars::schema_for!(WatchSummary), "watch-summary"),
        ),
        (
            "incident-list",
            derived(
                schemars::schema_for!(incident::ListDocument),
                "incident-list",
            ),
        ),
        (
            "incident",
            derived(schemars::schema_for!(incident::Document), "incident"),
        ),
        (
            "alert-test",
            derived(schemars::schema_for!(AlertTestReport), "alert-test"),
        ),
        (
            "lockout-proof",
            derived(schemars::schema_for!(ProofDocument), "lockout-proof"),
        ),
        (
            "what-if",
            derived(schemars::schema_for!(WhatIfDocument), "what-if"),
        ),
        (
            "collect",
            derived(schemars::schema_for!(CollectDocument), "collect"),
        ),
        (
            "doctor",
            derived(schemars::schema_for!(DoctorDocument), "doctor"),
        ),
        (
            "plan",
            derived(schemars::schema_for!(breakglass_model::plan::Plan), "plan"),
        ),
        (
            "apply",
            derived(
                schemars::schema_for!(crate::commands::apply::Document),
                "apply",
            ),
        ),
        (
            "preflight",
            derived(schemars::schema_for!(PreflightDocument), "preflight"),
        ),
        ("keys", derived(schemars::schema_for!(KeysDocument), "keys")),
        ("key", derived(schemars::schema_for!(KeyDocument), "key")),
        (
            "key-enrolment",
            derived(schemars::schema_for!(EnrolmentDocument), "key-enrolment"),
        ),
    ]
}

/// Prints one schema.
pub fn run(name: &str) -> Result<u8, Failure> {
    let all = all();
    let wanted = name
        .trim_start_matches("breakglass/")
        .trim_end_matches("/v1");
    let Some((_, schema)) = all.iter().find(|(known, _)| *known == wanted) else {
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        return Err(Failure::usage(format!("there is no document `{name}`"))
            .help(format!("the documents are: {}", names.join(", "))));
    };
    output::print(&output::json(schema)?)?;
    Ok(exit::CLEAN)
}
