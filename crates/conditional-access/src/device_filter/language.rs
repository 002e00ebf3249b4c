//! What filters of one kind ask about. The language around it is the same for all of them.

use std::fmt;

use super::attribute::Kind;
use super::operator::Operator;

/// An attribute of the objects that a kind of filter picks from; it prints its name.
pub(crate) trait Named: Sized + fmt::Display {
    /// What stands before the dot and the name.
    const OBJECT: &'static str;
    /// What such a filter asks about, for messages.
    const KNOWN: &'static str;

    /// The attribute of this name (without the object), in any letter case.
    fn named(name: &str) -> Option<Self>;

    /// What it holds.
    fn kind(&self) -> Kind;

    /// The operators that are allowed for it.
    fn operators(&self) -> &'static [Operator];
}
