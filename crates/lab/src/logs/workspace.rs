//! What lies in a workspace: the tables whose category a diagnostic setting sends there.

use jiff::{SignedDuration, Span, Timestamp};
use serde_json::Value;

use super::{
    run::Tables,
    schema::Schema,
    value::{Scalar, Table},
};
use crate::{Fault, Lab, State, records};

/// A workspace as a query sees it.
pub(super) struct Workspace<'a> {
    pub(super) lab: &'a Lab,
    pub(super) state: &'a State,
    /// Resource id.
    pub(super) id: String,
    /// What queries name it by.
    pub(super) customer: String,
    pub(super) now: Timestamp,
    /// Times outside are left out.
    pub(super) range: (Timestamp, Timestamp),
}

impl Workspace<'_> {
    /// Whether a setting sends a category here.
    fn receives(&self, category: &str) -> bool {
        self.state.table("diagnosticSettings").all().any(|setting| {
            let properties = setting.get("properties").unwrap_or(&Value::Null);
            let here = properties
                .get("workspaceId")
                .and_then(Value::as_str)
                .is_some_and(|id| id.trim_end_matches('/').eq_ignore_ascii_case(&self.id));
            let logs = properties.get("logs").and_then(Value::as_array);
            here && logs.into_iter().flatten().any(|log| {
                log.get("enabled") == Some(&Value::Bool(true))
                    && log
                        .get("category")
                        .and_then(Value::as_str)
                        .is_some_and(|own| own.eq_ignore_ascii_case(category))
            })
        })
    }
}

impl Tables for Workspace<'_> {
    fn table(&self, name: &str) -> Option<Table> {
        let schema = Schema::of(name)?;
        if !self.receives(schema.category) {
            return None;
        }
        let columns = schema.columns();
        let copies = if self.lab.faults.on(Fault::LogDuplicates) {
            2
        } else {
            1
        };
        let mut rows = Vec::new();
        for record in self
            .state
            .logs
            .iter()
            .filter(|row| row.kind == schema.kind && row.readable_at <= self.now)
        {
            for copy in 0..copies {
                let row =
                    records::log_analytics_row(record, &self.state.tenant, &self.customer, copy);
                let at: Option<Timestamp> = row
                    .get("TimeGenerated")
                    .and_then(Value::as_str)
                    .and_then(|at| at.parse().ok());
                let shown =
                    at.is_some_and(|at| at <= self.now && self.range.0 <= at && at <= self.range.1);
                if shown {
                    let cell = |name: &String| row.get(name).unwrap_or(&Value::Null);
                    rows.push(
                        columns
                            .iter()
                            .map(|own| Scalar::of(cell(&own.name), own.kind))
                            .collect(),
                    );
                }
            }
        }
        Some(Table { columns, rows })
    }
}

/// The range that a time span names: a duration up to now, `start/end`, `start/duration` or `duration/end`.
pub(super) fn range(text: &str, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let before = |end: Timestamp, text: &str| -> Option<Timestamp> {
        let span: Span = text.parse().ok()?;
        end.to_zoned_datetime(jiff::tz::TimeZone::UTC)
            .checked_sub(span)
            .ok()
            .map(|at| at.timestamp())
    };
    let after = |start: Timestamp, text: &str| -> Option<Timestamp> {
        let span: Span = text.parse().ok()?;
        start
            .to_zoned_datetime(jiff::tz::TimeZone::UTC)
            .checked_add(span)
            .ok()
            .map(|at| at.timestamp())
    };
    let at = |text: &str| match super::syntax::moment(text) {
        Some(Scalar::Time(at)) => Some(at),
        _ => None,
    };
    match text.split_once('/') {
        None => {
            // What is a moment old at most is not cut off by its own arrival.
            let end = now.checked_add(SignedDuration::from_mins(1)).unwrap_or(now);
            Some((before(now, text)?, end))
        }
        Some((first, second)) => match (at(first), at(second)) {
            (Some(start), Some(end)) => Some((start, end)),
            (Some(start), None) => Some((start, after(start, second)?)),
            (None, Some(end)) => Some((before(end, first)?, end)),
            (None, None) => None,
        },
    }
}
