//! Filters for applications: the rule of a policy's `applications.applicationFilter`, over custom security
//! attributes of applications (Microsoft: *Conditional Access: Filter for applications*).
//!
//! Microsoft documents less of it than of filters for devices: one example (`-contains` on an attribute with
//! several values), that attributes are texts, and in Graph's reference that the syntax is like that of
//! dynamic membership rules. What follows from none of these is *unknown* here:
//!
//! - every operator but `-contains` and `-notContains` on several values;
//! - `-contains` on one value that has the constant as a part only: a part is enough for a text, but not for
//!   a collection, and the value does not say whether its attribute may have several;
//! - letter case in values: membership rules ignore it, while Graph compares custom security attributes
//!   with it elsewhere (`customSecurityAttributeStringValueExemption`).

use std::collections::BTreeMap;
use std::fmt;

use crate::Truth;
use crate::device_filter::{
    RuleError,
    attribute::Kind,
    expression::{Comparison, Expression},
    language::Named,
    operator::{Operator, Test, same},
    parser,
};

/// Whether an application with these attributes (values by `<Set>_<Attribute>`) meets a rule; *unknown* for a
/// rule that can't be read. Whoever asks about many applications keeps an [`AppRule`] instead.
pub(crate) fn matches(rule: &str, attributes: &BTreeMap<String, Vec<String>>) -> Truth {
    AppRule::parse(rule).map_or(Truth::Unknown, |rule| rule.matches(attributes))
}

/// An application filter's rule that has been read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AppRule {
    root: Expression<Attribute>,
}

impl AppRule {
    /// Reads a rule.
    pub(crate) fn parse(text: &str) -> Result<Self, RuleError> {
        parser::parse(text).map(|root| Self { root })
    }

    /// Whether an application with these attributes (values by `<Set>_<Attribute>`) meets it. An attribute
    /// that the application has not makes positive operators false and negative ones true.
    pub(crate) fn matches(&self, attributes: &BTreeMap<String, Vec<String>>) -> Truth {
        decide(&self.root, attributes)
    }
}

impl fmt::Display for AppRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)
    }
}

/// `<Set>_<Attribute>`, as the rule spells it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Attribute(String);

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Named for Attribute {
    const OBJECT: &'static str = "CustomSecurityAttribute";
    const KNOWN: &'static str = "the name of an attribute set, `_` and the name of an attribute";

    fn named(name: &str) -> Option<Self> {
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let (set, attribute) = name.split_once('_')?;
        (plain && !set.is_empty() && !attribute.is_empty()).then(|| Self(name.to_owned()))
    }

    fn kind(&self) -> Kind {
        Kind::Text
    }

    fn operators(&self) -> &'static [Operator] {
        &Operator::ALL
    }
}

fn decide(rule: &Expression<Attribute>, attributes: &BTreeMap<String, Vec<String>>) -> Truth {
    let each = |part: &Expression<Attribute>| decide(part, attributes);
    match rule {
        Expression::Any(parts) => parts.iter().map(each).fold(Truth::No, Truth::or),
        Expression::All(parts) => parts.iter().map(each).fold(Truth::Yes, Truth::and),
        Expression::Not(part) => !decide(part, attributes),
        Expression::Compare(comparison) => {
            let name = &comparison.attribute.0;
            let values: Vec<&str> = attributes
                .iter()
                .filter(|(own, _)| own.eq_ignore_ascii_case(name))
                .flat_map(|(_, values)| values.iter().map(String::as_str))
                .collect();
            let positive = passes(comparison, &values);
            match comparison.operator.negative() {
                true => !positive,
                false => positive,
            }
        }
    }
}

/// What the comparison's operator, or its positive twin, makes of these values.
fn passes(comparison: &Comparison<Attribute>, values: &[&str]) -> Truth {
    let whole = |value: &str| comparison.values.iter().any(|own| own == value);
    match (&comparison.test, values) {
        (_, []) => Truth::No,
        (Test::Contains(constant), several) => several
            .iter()
            .map(|value| match several {
                _ if whole(value) => Truth::Yes,
                [_] => possible(comparison.test.passes(value)),
                _ => possible(same(value, constant)),
            })
            .fold(Truth::No, Truth::or),
        (test, [value]) => {
            let mut constants = comparison.values.iter();
            let exact = match test {
                Test::StartsWith(_) => constants.any(|own| value.starts_with(own)),
                Test::EndsWith(_) => constants.any(|own| value.ends_with(own)),
                Test::In(_) | Test::Contains(_) => whole(value),
            };
            match exact {
                true => Truth::Yes,
                false => possible(test.passes(value)),
            }
        }
        _ => Truth::Unknown,
    }
}

/// *Unknown* for what holds in one reading only.
fn possible(holds: bool) -> Truth {
    match holds {
        true => Truth::Unknown,
        false => Truth::No,
    }
}

#[cfg(test)]
mod tests;
