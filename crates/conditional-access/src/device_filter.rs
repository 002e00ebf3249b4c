//! Filters for devices: the rule of a policy's `devices.deviceFilter`, read and decided exactly (X1, C4).
//!
//! Microsoft describes the attributes and what each may be compared with in *Conditional Access: Filter for
//! devices*, and the language of the rules in *dynamic membership rules*. A rule that says anything else is
//! not read at all: the caller takes such a rule for unknown, never for matching or not matching.
//!
//! Filters for applications share the language: `language` is what the two differ in.

mod atoms;
pub(crate) mod attribute;
mod classes;
mod device;
mod error;
pub(crate) mod expression;
pub(crate) mod language;
mod lexer;
pub(crate) mod operator;
pub(crate) mod parser;
mod residual;
mod rule;

pub use classes::{DeviceClass, TooMany, classes};
pub use device::{Device, ExtensionAttributes};
pub use error::{RuleError, RuleFault};
pub use rule::DeviceRule;

/// The longest rule that Entra stores, in characters.
pub const MAX_CHARACTERS: usize = 3_072;

/// How deep parentheses and `-not` may nest. Entra names no such limit; this one keeps hostile input from
/// exhausting the stack.
pub const MAX_DEPTH: usize = 64;

#[cfg(test)]
mod tests;
