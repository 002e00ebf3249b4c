//! Comparisons, and what joins them.

use std::fmt;

use super::attribute::Kind;
use super::language::Named;
use super::operator::{Operator, Test};

/// At most [`super::MAX_DEPTH`] deep, so that walking it needs no care.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Expression<A> {
    /// Two or more, none of them an `Any`.
    Any(Vec<Expression<A>>),
    /// Two or more, none of them an `All`.
    All(Vec<Expression<A>>),
    Not(Box<Expression<A>>),
    Compare(Comparison<A>),
}

impl<A> Expression<A> {
    pub(crate) fn any(parts: Vec<Self>) -> Self {
        let parts = parts.into_iter().flat_map(|part| match part {
            Self::Any(parts) => parts,
            other => vec![other],
        });
        Self::joined(parts.collect(), Self::Any)
    }

    pub(crate) fn all(parts: Vec<Self>) -> Self {
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
}

impl<A: Named> Expression<A> {
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

impl<A: Named> fmt::Display for Expression<A> {
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
pub(crate) struct Comparison<A> {
    pub(crate) attribute: A,
    pub(crate) operator: Operator,
    /// As the rule spells them.
    pub(crate) values: Vec<String>,
    /// What decides, before a negative operator turns it round.
    pub(crate) test: Test,
}

impl<A: Named> Comparison<A> {
    pub(crate) fn new(attribute: A, operator: Operator, values: Vec<String>) -> Self {
        let collection = attribute.kind() == Kind::Collection;
        let test = Test::new(operator, collection, &values);
        Self {
            attribute,
            operator,
            values,
            test,
        }
    }
}

impl<A: Named> fmt::Display for Comparison<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (object, attribute) = (A::OBJECT, &self.attribute);
        write!(f, "{object}.{attribute} {} ", self.operator)?;
        let quoted: Vec<String> = self.values.iter().map(|v| format!("\"{v}\"")).collect();
        let quoted = quoted.join(", ");
        match self.attribute.kind() {
            _ if self.operator.takes_list() => write!(f, "[{quoted}]"),
            Kind::Flag => f.write_str(quoted.trim_matches('"')),
            Kind::Guid | Kind::Text | Kind::Choice(_) | Kind::Collection => f.write_str(&quoted),
        }
    }
}
