//! The crate from outside: against a tenant that lives in memory.

mod collect;
mod fake;
