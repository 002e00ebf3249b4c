//! Values and tables of a query.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Scalar types of Kusto, as far as they are met here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    DateTime,
    Dynamic,
    Long,
    Real,
    Text,
    TimeSpan,
}

impl Kind {
    /// As answers spell it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::DateTime => "datetime",
            Self::Dynamic => "dynamic",
            Self::Long => "long",
            Self::Real => "real",
            Self::Text => "string",
            Self::TimeSpan => "timespan",
        }
    }
}

/// A scalar.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Time(Timestamp),
    Dynamic(Value),
    Long(i64),
    Real(f64),
    Text(String),
    Span(SignedDuration),
}

impl Scalar {
    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Null | Self::Dynamic(_) => Kind::Dynamic,
            Self::Bool(_) => Kind::Bool,
            Self::Time(_) => Kind::DateTime,
            Self::Long(_) => Kind::Long,
            Self::Real(_) => Kind::Real,
            Self::Text(_) => Kind::Text,
            Self::Span(_) => Kind::TimeSpan,
        }
    }

    /// A cell of this type out of JSON; text is never null, but empty.
    pub(super) fn of(value: &Value, kind: Kind) -> Self {
        match (kind, value) {
            (Kind::Text, Value::Null) => Self::Text(String::new()),
            (Kind::Text, Value::String(text)) => Self::Text(text.clone()),
            (Kind::Text, other) => Self::Text(other.to_string()),
            (_, Value::Null) => Self::Null,
            (Kind::DateTime, Value::String(text)) => text.parse().map_or(Self::Null, Self::Time),
            (Kind::Bool, Value::Bool(is)) => Self::Bool(*is),
            (Kind::Long, value) => value.as_i64().map_or(Self::Null, Self::Long),
            (Kind::Real, value) => value.as_f64().map_or(Self::Null, Self::Real),
            // An empty text stands for nothing in a dynamic column.
            (Kind::Dynamic, Value::String(text)) if text.is_empty() => Self::Null,
            (Kind::Dynamic, value) => Self::Dynamic(value.clone()),
            _ => Self::Null,
        }
    }

    /// As text, which is what `tostring` gives and what text operators see.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Null | Self::Dynamic(Value::Null) => String::new(),
            Self::Bool(is) => if *is { "True" } else { "False" }.to_owned(),
            Self::Time(at) => crate::records::ticks(*at),
            Self::Dynamic(Value::String(text)) | Self::Text(text) => text.clone(),
            Self::Dynamic(value) => value.to_string(),
            Self::Long(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Span(span) => {
                let seconds = span.as_secs();
                let (days, rest) = (seconds / 86_400, seconds % 86_400);
                let time = format!(
                    "{:02}:{:02}:{:02}",
                    rest / 3600,
                    rest % 3600 / 60,
                    rest % 60
                );
                if days == 0 {
                    time
                } else {
                    format!("{days}.{time}")
                }
            }
        }
    }

    /// As JSON of an answer: dynamic values come as text.
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Null | Self::Dynamic(Value::Null) => Value::Null,
            Self::Bool(is) => json!(is),
            Self::Long(number) => json!(number),
            Self::Real(number) => json!(number),
            other => json!(other.text()),
        }
    }

    /// A member of a dynamic value without its wrapping: text and numbers compare as such.
    pub(super) fn plain(&self) -> Self {
        match self {
            Self::Dynamic(Value::Null) => Self::Null,
            Self::Dynamic(Value::Bool(is)) => Self::Bool(*is),
            Self::Dynamic(Value::String(text)) => Self::Text(text.clone()),
            Self::Dynamic(Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Self::Long(whole),
                (None, Some(real)) => Self::Real(real),
                (None, None) => Self::Null,
            },
            other => other.clone(),
        }
    }

    /// The order of two values of one type; `None`: they do not compare.
    #[expect(
        clippy::cast_precision_loss,
        reason = "Kusto compares long and real as reals"
    )]
    pub(super) fn compare(&self, other: &Self) -> Option<std::cmp::Ordering> {
        match (self.plain(), other.plain()) {
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(&b)),
            (Self::Time(a), Self::Time(b)) => Some(a.cmp(&b)),
            (Self::Span(a), Self::Span(b)) => Some(a.cmp(&b)),
            (Self::Long(a), Self::Long(b)) => Some(a.cmp(&b)),
            (Self::Long(a), Self::Real(b)) => (a as f64).partial_cmp(&b),
            (Self::Real(a), Self::Long(b)) => a.partial_cmp(&(b as f64)),
            (Self::Real(a), Self::Real(b)) => a.partial_cmp(&b),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(&b)),
            (Self::Time(a), Self::Text(b)) => b.parse().ok().map(|b| a.cmp(&b)),
            (Self::Dynamic(a), Self::Dynamic(b)) => (a == b).then_some(std::cmp::Ordering::Equal),
            _ => None,
        }
    }
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// A table; rows are as long as the columns are many.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Scalar>>,
}

impl Table {
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// As answers have it.
    pub(super) fn json(&self) -> Value {
        let columns: Vec<Value> = self
            .columns
            .iter()
            .map(|column| json!({"name": column.name, "type": column.kind.word()}))
            .collect();
        let rows: Vec<Vec<Value>> = self
            .rows
            .iter()
            .map(|row| row.iter().map(Scalar::json).collect())
            .collect();
        json!({"name": "PrimaryResult", "columns": columns, "rows": rows})
    }
}
