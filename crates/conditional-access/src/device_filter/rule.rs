//! A rule that has been read.

use std::fmt;

use super::attribute::{Attribute, Kind};
use super::device::Device;
use super::error::RuleError;
use super::operator::{Operator, Test, fold};
use super::parser;

/// A device filter's rule. Two rules are equal when they say the same in the same order: parentheses that
/// change nothing, letter case of names and white space do not count.
///
/// It prints itself in one spelling: operators with a dash, only the parentheses that are needed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeviceRule {
    pub(super) root: Expression,
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
        self.root.holds(device)
    }
}

impl fmt::Display for DeviceRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)
    }
}

/// At most [`super::MAX_DEPTH`] deep, so that walking it needs no care.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Expression {
    /// Two or more, none of them an `Any`.
    Any(Vec<Expression>),
    /// Two or more, none of them an `All`.
    All(Vec<Expression>),
    Not(Box<Expression>),
    Compare(Comparison),
}

impl Expression {
    pub(super) fn any(parts: Vec<Self>) -> Self {
        let parts = parts.into_iter().flat_map(|part| match part {
            Self::Any(parts) => parts,
            other => vec![other],
        });
        Self::joined(parts.collect(), Self::Any)
    }

    pub(super) fn all(parts: Vec<Self>) -> Self {
        let parts = parts.into_iter().flat_map(|part| match part {
            Self::All(parts) => parts,
            other => vec![other],
        });
        Self::joined(parts.collect(), Self::All)
    }

    fn joined(mut parts: Vec<Self>, join: fn(Vec<Self>) -> Self) -> Self {
        match parts.pop() {
            Some(only) if parts.is_empty() => only,
            last => {
                parts.extend(last);
                join(parts)
            }
        }
    }

    fn holds(&self, device: Option<&Device>) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(|part| part.holds(device)),
            Self::All(parts) => parts.iter().all(|part| part.holds(device)),
            Self::Not(part) => !part.holds(device),
            Self::Compare(comparison) => comparison.holds(device),
        }
    }

    fn write_parts(f: &mut fmt::Formatter<'_>, parts: &[Self], word: &str) -> fmt::Result {
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                write!(f, " {word} ")?;
            }
            match part {
                // An `-and` among `-or` is the only nesting that precedence alone keeps together.
                Self::Any(_) => write!(f, "({part})")?,
                Self::All(_) | Self::Not(_) | Self::Compare(_) => write!(f, "{part}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any(parts) => Self::write_parts(f, parts, "-or"),
            Self::All(parts) => Self::write_parts(f, parts, "-and"),
            Self::Not(part) => match part.as_ref() {
                Self::Any(_) | Self::All(_) => write!(f, "-not ({part})"),
                Self::Not(_) | Self::Compare(_) => write!(f, "-not {part}"),
            },
            Self::Compare(comparison) => comparison.fmt(f),
        }
    }
}

/// One attribute against one or more constants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Comparison {
    pub(super) attribute: Attribute,
    pub(super) operator: Operator,
    /// As the rule spells them.
    pub(super) values: Vec<String>,
    /// What decides, before a negative operator turns it round.
    pub(super) test: Test,
}

impl Comparison {
    pub(super) fn new(attribute: Attribute, operator: Operator, values: Vec<String>) -> Self {
        let collection = attribute.kind() == Kind::Collection;
        let test = Test::new(operator, collection, &values);
        Self {
            attribute,
            operator,
            values,
            test,
        }
    }

    fn holds(&self, device: Option<&Device>) -> bool {
        let values = device.map_or_else(Vec::new, |device| device.values(self.attribute));
        let folded: Vec<String> = values.into_iter().map(fold).collect();
        self.test.holds(&folded) != self.operator.negative()
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "device.{} {} ", self.attribute, self.operator)?;
        let quoted: Vec<String> = self.values.iter().map(|v| format!("\"{v}\"")).collect();
        let quoted = quoted.join(", ");
        match self.attribute.kind() {
            _ if self.operator.takes_list() => write!(f, "[{quoted}]"),
            Kind::Flag => f.write_str(quoted.trim_matches('"')),
            Kind::Guid | Kind::Text | Kind::Choice(_) | Kind::Collection => f.write_str(&quoted),
        }
    }
}
