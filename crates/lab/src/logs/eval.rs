//! The value of an expression in a row.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    error::Fault,
    syntax::moment,
    tree::Expr,
    value::{Kind, Scalar, Table},
};

/// What expressions may refer to besides columns.
pub(super) struct Scope {
    pub(super) now: Timestamp,
    pub(super) scalars: BTreeMap<String, Scalar>,
}

/// Functions of scalars that are known, with the type of what they give.
fn function(name: &str) -> Option<Kind> {
    Some(match name {
        "ago" | "now" | "todatetime" | "ingestion_time" | "bin" | "startofday" | "startofhour" => {
            Kind::DateTime
        }
        "tostring" | "tolower" | "toupper" | "strcat" | "substring" => Kind::Text,
        "parse_json" | "todynamic" | "parsejson" | "column_ifexists" | "iff" | "iif"
        | "coalesce" => Kind::Dynamic,
        "toint" | "tolong" | "strlen" | "array_length" => Kind::Long,
        "toreal" | "todouble" => Kind::Real,
        "isempty" | "isnotempty" | "isnull" | "isnotnull" | "not" | "tobool" => Kind::Bool,
        _ => return None,
    })
}

impl Scope {
    /// The type of an expression over a table; refuses names that do not exist, whether there are rows or not.
    pub(super) fn kind(&self, expr: &Expr, table: &Table) -> Result<Kind, Fault> {
        match expr {
            Expr::Literal(value) => Ok(value.kind()),
            Expr::Star => Err(Fault::Semantic("'*' is not expected here".to_owned())),
            Expr::Name(name) => {
                let column = table.place(name).map(|place| table.columns[place].kind);
                column
                    .or_else(|| self.scalars.get(name).map(Scalar::kind))
                    .ok_or_else(|| {
                        Fault::Semantic(format!(
                            "Failed to resolve scalar expression named '{name}'"
                        ))
                    })
            }
            Expr::Member(value, member) => {
                self.kind(value, table)?;
                self.kind(member, table)?;
                Ok(Kind::Dynamic)
            }
            Expr::Any(parts) | Expr::All(parts) => {
                for part in parts {
                    self.kind(part, table)?;
                }
                Ok(Kind::Bool)
            }
            Expr::In(_, value, list) => {
                self.kind(value, table)?;
                for item in list {
                    self.kind(item, table)?;
                }
                Ok(Kind::Bool)
            }
            Expr::Between(value, low, high) => {
                for part in [value, low, high] {
                    self.kind(part, table)?;
                }
                Ok(Kind::Bool)
            }
            Expr::Binary(operator, left, right) => {
                let (left, right) = (self.kind(left, table)?, self.kind(right, table)?);
                Ok(match (operator.as_str(), left, right) {
                    ("-", Kind::DateTime, Kind::DateTime)
                    | ("+" | "-", Kind::TimeSpan, Kind::TimeSpan)
                    | ("-", Kind::Long, Kind::TimeSpan) => Kind::TimeSpan,
                    ("+" | "-", Kind::DateTime, _) | ("+", _, Kind::DateTime) => Kind::DateTime,
                    ("+" | "-" | "*" | "/", Kind::Real, _)
                    | ("+" | "-" | "*" | "/", _, Kind::Real) => Kind::Real,
                    ("+" | "-" | "*" | "/", ..) => Kind::Long,
                    _ => Kind::Bool,
                })
            }
            Expr::Call(name, arguments) => {
                let kind = function(name)
                    .ok_or_else(|| Fault::Semantic(format!("Unknown function: '{name}'")))?;
                let mut kinds = Vec::new();
                for argument in arguments {
                    kinds.push(self.kind(argument, table)?);
                }
                Ok(match name.as_str() {
                    "iff" | "iif" => kinds.get(1).copied().unwrap_or(kind),
                    "coalesce" | "bin" => kinds.first().copied().unwrap_or(kind),
                    _ => kind,
                })
            }
        }
    }

    /// The value of an expression; what has none is null.
    pub(super) fn value(&self, expr: &Expr, table: &Table, row: &[Scalar]) -> Scalar {
        match expr {
            Expr::Literal(value) => value.clone(),
            Expr::Star => Scalar::Null,
            Expr::Name(name) => table
                .place(name)
                .and_then(|place| row.get(place))
                .or_else(|| self.scalars.get(name))
                .cloned()
                .unwrap_or(Scalar::Null),
            Expr::Member(value, member) => {
                let (value, member) = (
                    self.value(value, table, row),
                    self.value(member, table, row),
                );
                let found = match (&value, &member) {
                    (Scalar::Dynamic(value), Scalar::Text(name)) => value.get(name),
                    (Scalar::Dynamic(value), Scalar::Long(place)) => usize::try_from(*place)
                        .ok()
                        .and_then(|place| value.get(place)),
                    _ => None,
                };
                found.map_or(Scalar::Null, |value| Scalar::Dynamic(value.clone()))
            }
            Expr::Between(value, low, high) => {
                let value = self.value(value, table, row);
                let (low, high) = (self.value(low, table, row), self.value(high, table, row));
                let fits = value.compare(&low).is_some_and(std::cmp::Ordering::is_ge)
                    && value.compare(&high).is_some_and(std::cmp::Ordering::is_le);
                Scalar::Bool(fits)
            }
            Expr::In(operator, value, list) => {
                let value = self.value(value, table, row);
                Scalar::Bool(self.is_in(operator, &value, list, table, row))
            }
            Expr::Any(parts) => Scalar::Bool(
                parts
                    .iter()
                    .any(|part| truth(&self.value(part, table, row))),
            ),
            Expr::All(parts) => Scalar::Bool(
                parts
                    .iter()
                    .all(|part| truth(&self.value(part, table, row))),
            ),
            Expr::Binary(operator, left, right) => binary(
                operator,
                &self.value(left, table, row),
                &self.value(right, table, row),
            ),
            Expr::Call(name, arguments) => {
                let values: Vec<Scalar> = arguments
                    .iter()
                    .map(|own| self.value(own, table, row))
                    .collect();
                self.call(name, &values, table, row)
            }
        }
    }

    fn is_in(
        &self,
        operator: &str,
        value: &Scalar,
        list: &[Expr],
        table: &Table,
        row: &[Scalar],
    ) -> bool {
        let fold = operator.ends_with('~') || operator == "has_any";
        let whole = operator != "has_any";
        let text = value.text();
        // A dynamic list counts by its items.
        let items = list
            .iter()
            .flat_map(|item| match self.value(item, table, row) {
                Scalar::Dynamic(Value::Array(items)) => {
                    items.into_iter().map(Scalar::Dynamic).collect()
                }
                single => vec![single],
            });
        let mut found = false;
        for item in items {
            let item = item.plain();
            found |= match (whole, fold, &item) {
                (false, ..) => has(&text, &item.text()),
                (true, true, _) => same(&text, &item.text()),
                (true, false, Scalar::Text(item)) => *item == text,
                (true, false, item) => value.compare(item) == Some(std::cmp::Ordering::Equal),
            };
        }
        found != operator.starts_with('!')
    }

    fn call(&self, name: &str, values: &[Scalar], table: &Table, row: &[Scalar]) -> Scalar {
        let first = values.first().unwrap_or(&Scalar::Null);
        match (name, first) {
            ("ago", Scalar::Span(span)) => self
                .now
                .checked_sub(*span)
                .map_or(Scalar::Null, Scalar::Time),
            ("now", Scalar::Span(span)) => self
                .now
                .checked_add(*span)
                .map_or(Scalar::Null, Scalar::Time),
            ("now", _) => Scalar::Time(self.now),
            ("ingestion_time", _) => table
                .place("TimeGenerated")
                .and_then(|place| row.get(place))
                .cloned()
                .unwrap_or(Scalar::Null),
            ("todatetime", Scalar::Time(_))
            | ("parse_json" | "todynamic" | "parsejson", Scalar::Dynamic(_))
            | ("toint" | "tolong", Scalar::Long(_))
            | ("toreal" | "todouble", Scalar::Real(_)) => first.clone(),
            ("todatetime", _) => moment(&first.text()).unwrap_or(Scalar::Null),
            ("tostring", _) => Scalar::Text(first.text()),
            ("tolower", _) => Scalar::Text(first.text().to_lowercase()),
            ("toupper", _) => Scalar::Text(first.text().to_uppercase()),
            ("strcat", _) => Scalar::Text(values.iter().map(Scalar::text).collect()),
            ("substring", _) => {
                let count = |place: usize| match values.get(place) {
                    Some(Scalar::Long(number)) => usize::try_from(*number).ok(),
                    _ => None,
                };
                let rest = first
                    .text()
                    .chars()
                    .skip(count(1).unwrap_or(0))
                    .take(count(2).unwrap_or(usize::MAX))
                    .collect();
                Scalar::Text(rest)
            }
            ("parse_json" | "todynamic" | "parsejson", _) => {
                let text = first.text();
                Scalar::Dynamic(serde_json::from_str(&text).unwrap_or(Value::String(text)))
            }
            ("column_ifexists", Scalar::Text(name)) => table
                .place(name)
                .and_then(|place| row.get(place))
                .or_else(|| values.get(1))
                .cloned()
                .unwrap_or(Scalar::Null),
            ("iff" | "iif", _) => values
                .get(if truth(first) { 1 } else { 2 })
                .cloned()
                .unwrap_or(Scalar::Null),
            ("coalesce", _) => values
                .iter()
                .find(|value| !empty(value))
                .cloned()
                .unwrap_or(Scalar::Null),
            ("toint" | "tolong", _) => first
                .text()
                .trim()
                .parse()
                .map_or(Scalar::Null, Scalar::Long),
            ("toreal" | "todouble", _) => first
                .text()
                .trim()
                .parse()
                .map_or(Scalar::Null, Scalar::Real),
            ("strlen", _) => length(first.text().chars().count()),
            ("array_length", Scalar::Dynamic(Value::Array(items))) => length(items.len()),
            ("isempty", _) => Scalar::Bool(empty(first)),
            ("isnotempty", _) => Scalar::Bool(!empty(first)),
            ("isnull", _) => Scalar::Bool(first.plain() == Scalar::Null),
            ("isnotnull", _) => Scalar::Bool(first.plain() != Scalar::Null),
            ("not", _) => Scalar::Bool(!truth(first)),
            ("tobool", _) => Scalar::Bool(truth(first) || same(&first.text(), "true")),
            ("bin", _) => binned(first, values.get(1)),
            ("startofday", Scalar::Time(_)) => binned(
                first,
                Some(&Scalar::Span(jiff::SignedDuration::from_hours(24))),
            ),
            ("startofhour", Scalar::Time(_)) => binned(
                first,
                Some(&Scalar::Span(jiff::SignedDuration::from_hours(1))),
            ),
            _ => Scalar::Null,
        }
    }
}

fn length(count: usize) -> Scalar {
    i64::try_from(count).map_or(Scalar::Null, Scalar::Long)
}

/// The start of the bin that a value lies in.
fn binned(value: &Scalar, size: Option<&Scalar>) -> Scalar {
    match (value, size) {
        (Scalar::Time(at), Some(Scalar::Span(size))) if size.as_millis() > 0 => {
            let (at, size) = (i128::from(at.as_millisecond()), size.as_millis());
            let start = at.div_euclid(size) * size;
            i64::try_from(start)
                .ok()
                .and_then(|start| Timestamp::from_millisecond(start).ok())
                .map_or(Scalar::Null, Scalar::Time)
        }
        (Scalar::Long(number), Some(Scalar::Long(size))) if *size > 0 => number
            .div_euclid(*size)
            .checked_mul(*size)
            .map_or(Scalar::Null, Scalar::Long),
        _ => Scalar::Null,
    }
}

/// Whether a condition holds; null does not.
pub(super) fn truth(value: &Scalar) -> bool {
    matches!(
        value,
        Scalar::Bool(true) | Scalar::Dynamic(Value::Bool(true))
    )
}

fn empty(value: &Scalar) -> bool {
    value.text().is_empty()
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || a.to_lowercase() == b.to_lowercase()
}

/// Whether a text holds a term: a whole word, in any letter case.
fn has(text: &str, term: &str) -> bool {
    let (text, term) = (text.to_lowercase(), term.to_lowercase());
    if term.is_empty() {
        return true;
    }
    let bound = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    text.match_indices(&term).any(|(at, found)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text
            .get(at + found.len()..)
            .and_then(|after| after.chars().next());
        bound(before) && bound(after)
    })
}

fn binary(operator: &str, left: &Scalar, right: &Scalar) -> Scalar {
    let folded = || (left.text().to_lowercase(), right.text().to_lowercase());
    let order = || left.compare(right);
    let is = match operator {
        "==" => order() == Some(std::cmp::Ordering::Equal),
        "!=" => order() != Some(std::cmp::Ordering::Equal),
        "<" => order().is_some_and(std::cmp::Ordering::is_lt),
        "<=" => order().is_some_and(std::cmp::Ordering::is_le),
        ">" => order().is_some_and(std::cmp::Ordering::is_gt),
        ">=" => order().is_some_and(std::cmp::Ordering::is_ge),
        "=~" => same(&left.text(), &right.text()),
        "!~" => !same(&left.text(), &right.text()),
        "has" => has(&left.text(), &right.text()),
        "!has" => !has(&left.text(), &right.text()),
        "has_cs" => has(&left.text(), &right.text()) && left.text().contains(&right.text()),
        "contains" => folded().0.contains(&folded().1),
        "!contains" => !folded().0.contains(&folded().1),
        "contains_cs" => left.text().contains(&right.text()),
        "startswith" | "hasprefix" => folded().0.starts_with(&folded().1),
        "!startswith" => !folded().0.starts_with(&folded().1),
        "endswith" => folded().0.ends_with(&folded().1),
        "!endswith" => !folded().0.ends_with(&folded().1),
        _ => return arithmetic(operator, &left.plain(), &right.plain()),
    };
    Scalar::Bool(is)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Kusto adds long and real as reals"
)]
fn arithmetic(operator: &str, left: &Scalar, right: &Scalar) -> Scalar {
    let time = |at: Result<Timestamp, jiff::Error>| at.map_or(Scalar::Null, Scalar::Time);
    let real = |a: f64, b: f64| match operator {
        "+" => Scalar::Real(a + b),
        "-" => Scalar::Real(a - b),
        "*" => Scalar::Real(a * b),
        "/" => Scalar::Real(a / b),
        _ => Scalar::Null,
    };
    match (left, operator, right) {
        (Scalar::Time(at), "+", Scalar::Span(span))
        | (Scalar::Span(span), "+", Scalar::Time(at)) => time(at.checked_add(*span)),
        (Scalar::Time(at), "-", Scalar::Span(span)) => time(at.checked_sub(*span)),
        (Scalar::Time(a), "-", Scalar::Time(b)) => Scalar::Span(a.duration_since(*b)),
        (Scalar::Span(a), "+", Scalar::Span(b)) => {
            a.checked_add(*b).map_or(Scalar::Null, Scalar::Span)
        }
        (Scalar::Span(a), "-", Scalar::Span(b)) => {
            a.checked_sub(*b).map_or(Scalar::Null, Scalar::Span)
        }
        (Scalar::Long(0), "-", Scalar::Span(span)) => {
            span.checked_neg().map_or(Scalar::Null, Scalar::Span)
        }
        (Scalar::Long(a), _, Scalar::Long(b)) => match operator {
            "+" => a.checked_add(*b),
            "-" => a.checked_sub(*b),
            "*" => a.checked_mul(*b),
            "/" => a.checked_div(*b),
            _ => None,
        }
        .map_or(Scalar::Null, Scalar::Long),
        (Scalar::Real(a), _, Scalar::Real(b)) => real(*a, *b),
        (Scalar::Long(a), _, Scalar::Real(b)) => real(*a as f64, *b),
        (Scalar::Real(a), _, Scalar::Long(b)) => real(*a, *b as f64),
        _ => Scalar::Null,
    }
}
