//! A rule that has been read.

use std::fmt;

use super::attribute::Attribute;
use super::device::Device;
use super::error::RuleError;
use super::expression::{Comparison, Expression};
use super::parser;

/// A device filter's rule. Two rules are equal when they say the same in the same order: parentheses that
/// change nothing, letter case of names and white space do not count.
///
/// It prints itself in one spelling: operators with a dash, only the parentheses that are needed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeviceRule {
    pub(super) root: Expression<Attribute>,
}

impl DeviceRule {
    /// Reads a rule in the syntax of dynamic membership rules, with the attributes, operators and values of
    /// Microsoft's *Conditional Access: Filter for devices*.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        parser::parse(text).map(|root| Self { root })
    }

    /// Whether the rule holds for a device; `None` is a device that is not registered, all of whose
    /// attributes are null. Microsoft: null makes a positive operator false and a negative one true.
    pub fn matches(&self, device: Option<&Device>) -> bool {
        holds(&self.root, device)
    }
}

impl fmt::Display for DeviceRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)
    }
}

fn holds(rule: &Expression<Attribute>, device: Option<&Device>) -> bool {
    match rule {
        Expression::Any(parts) => parts.iter().any(|part| holds(part, device)),
        Expression::All(parts) => parts.iter().all(|part| holds(part, device)),
        Expression::Not(part) => !holds(part, device),
        Expression::Compare(comparison) => compares(comparison, device),
    }
}

fn compares(comparison: &Comparison<Attribute>, device: Option<&Device>) -> bool {
    let passes = device.is_some_and(|device| {
        let values = device.values(comparison.attribute);
        values.any(|value| comparison.test.passes(value))
    });
    passes != comparison.operator.negative()
}
