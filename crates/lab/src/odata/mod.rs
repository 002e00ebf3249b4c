//! OData's query options on objects in memory: `$filter`, `$select`, `$orderby`, `$search`, `$expand`.
//!
//! OData 4.01, *URL conventions*, as far as Microsoft Graph serves it. Text is compared without regard to case, which is
//! how Graph compares names and ids.
//!
//! Invariant: no input makes it panic or run away; what it does not understand is an error with a position.

mod eval;
mod expand;
mod filter;
mod lex;
mod order;
mod query;
mod search;

pub(crate) use eval::{lookup, matches};
pub(crate) use expand::{Expand, read_expand, read_list};
pub(crate) use filter::{Compare, Expr, Function, Literal, Operand, parse};
pub(crate) use order::{compare_rows, read_order};
pub(crate) use query::Query;
pub(crate) use search::Search;

/// What is wrong with an option, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at position {position}")]
pub(crate) struct Invalid {
    /// Characters before the place.
    pub(crate) position: usize,
    /// What is wrong there.
    pub(crate) message: String,
}

impl Invalid {
    pub(crate) fn new(position: usize, message: impl Into<String>) -> Self {
        Self {
            position,
            message: message.into(),
        }
    }
}
