//! OData's query options on objects in memory: `$filter`, `$select`, `$orderby`, `$search`, `$expand`, `$top`, `$count`.
//!
//! Invariant: no input makes it panic; what it does not understand is an error with a position.

mod query;

pub(crate) use query::Query;
