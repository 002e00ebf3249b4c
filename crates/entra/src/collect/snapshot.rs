//! The parts, put together.

use std::{collections::BTreeMap, io::Write};

use flate2::{Compression, write::GzEncoder};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    CollectError, STEPS, Start, Summary,
    keep::text,
    session::Session,
    work::{Done, Work},
};
use crate::{error::SKEW, file::replace};

/// The schema of a snapshot, as `breakglass_model::export` reads it.
const SCHEMA: &str = breakglass_model::export::SNAPSHOT_SCHEMA;

impl Session<'_> {
    /// Writes the snapshot, and takes the parts away.
    pub(super) fn write(self, start: Start) -> Result<Summary, CollectError> {
        let mut name = None;
        let mut id = self.work.borrow().state.tenant.clone();
        self.each("organization", |organization| {
            name = Some(text(&organization, "displayName").to_owned());
            id = Some(text(&organization, "id").to_owned());
        })?;
        let ahead = self.entra.clock_offset().and_then(clock);
        let (resumed, anew) = start.told();
        let out = self.options.out.clone();
        let work = self.work.into_inner();
        let steps = steps(&work.state.done);
        let mut summary = Summary {
            out: out.clone(),
            tenant: id,
            name,
            started: work.state.started,
            collections: BTreeMap::new(),
            not_read: steps
                .iter()
                .flat_map(|done| done.not_read.clone())
                .collect(),
            notes: steps
                .iter()
                .flat_map(|done| done.notes.clone())
                .chain(ahead)
                .collect(),
            resumed,
            anew,
        };
        for done in &steps {
            if let Some(collection) = &done.collection {
                *summary.collections.entry(collection.clone()).or_default() += done.objects;
            }
        }
        let mut failure = None;
        let written = replace(&out, |file| {
            let compressed = out
                .extension()
                .is_some_and(|ending| ending.eq_ignore_ascii_case("gz"));
            let result = if compressed {
                let mut gzip = GzEncoder::new(file, Compression::default());
                let result = put(&mut gzip, &work, &steps, &summary);
                gzip.finish()?;
                result
            } else {
                put(file, &work, &steps, &summary)
            };
            result.map_err(|error| match error {
                CollectError::Io { what, error } => {
                    failure = Some(what);
                    error
                }
                other => std::io::Error::other(other.to_string()),
            })
        });
        written.map_err(|error| CollectError::Io {
            what: failure.unwrap_or_else(|| format!("writing `{}`", out.display())),
            error,
        })?;
        work.remove()?;
        Ok(summary)
    }
}

/// What a reader must know where our clock was off: the time of the snapshot is ours, all others are Microsoft's.
/// `ahead`: how far ours was ahead.
fn clock(ahead: SignedDuration) -> Option<String> {
    let side = if ahead.is_negative() {
        "behind"
    } else {
        "ahead of"
    };
    (ahead.abs() >= SKEW).then(|| {
        format!(
            "this machine's clock was {} s {side} Microsoft's when this was collected, so the snapshot's own time is wrong by \
             as much: set the clock, and collect again where ages matter",
            ahead.abs().as_secs()
        )
    })
}

/// The finished steps in the order of the plan, whatever order they were taken in.
fn steps(done: &[Done]) -> Vec<Done> {
    let mut steps = done.to_vec();
    steps.sort_by_key(|done| STEPS.iter().position(|step| *step == done.step));
    steps
}

fn put(
    out: &mut dyn Write,
    work: &Work,
    steps: &[Done],
    summary: &Summary,
) -> Result<(), CollectError> {
    let failed = |error| CollectError::Io {
        what: "writing the snapshot".to_owned(),
        error,
    };
    let head = |started: Timestamp| {
        format!(
            "{{\n \"schema\": {},\n \"tenant\": {},\n \"collectedAt\": {},\n \"collections\": {{",
            json!(SCHEMA),
            json!({"id": summary.tenant, "name": summary.name}),
            json!(started.to_string()),
        )
    };
    out.write_all(head(summary.started).as_bytes())
        .map_err(failed)?;
    let mut names: Vec<&str> = Vec::new();
    for name in steps.iter().filter_map(|done| done.collection.as_deref()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for (number, name) in names.iter().enumerate() {
        let comma = if number == 0 { "" } else { "," };
        write!(out, "{comma}\n  {}: [", json!(name)).map_err(failed)?;
        let mut first = true;
        for done in steps
            .iter()
            .filter(|done| done.collection.as_deref() == Some(name))
        {
            first = work.copy(&done.step, out, first)?;
        }
        let end = if first { "]" } else { "\n  ]" };
        out.write_all(end.as_bytes()).map_err(failed)?;
    }
    let lines = |items: Vec<Value>| {
        if items.is_empty() {
            return "[]".to_owned();
        }
        let items: Vec<String> = items.iter().map(|item| format!("\n  {item}")).collect();
        format!("[{}\n ]", items.join(","))
    };
    let not_read = summary.not_read.iter().map(|item| json!(item)).collect();
    let notes = summary.notes.iter().map(|note| json!(note)).collect();
    write!(
        out,
        "\n }},\n \"notRead\": {},\n \"notes\": {}\n}}\n",
        lines(not_read),
        lines(notes)
    )
    .map_err(failed)
}
