//! Why a rule could not be read.

use std::fmt;

use super::{MAX_CHARACTERS, MAX_DEPTH};

/// The longest piece of a rule that a message repeats, in characters.
const SHOWN: usize = 40;

/// A rule that cannot be read. Its policy's device condition is then unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {position}: {reason}")]
pub struct RuleError {
    /// Where, in bytes from the start of the rule.
    pub position: usize,
    /// What is wrong there.
    pub reason: RuleFault,
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleFault {
    /// Something else belongs there.
    #[error("found {found}, expected {expected}")]
    Unexpected {
        /// What stands there, cut short and without control characters.
        found: String,
        /// What could stand there.
        expected: String,
    },
    /// The rule is longer than Entra stores ([`MAX_CHARACTERS`]).
    #[error("found {characters} characters, expected at most {MAX_CHARACTERS}")]
    TooLong {
        /// Its length.
        characters: usize,
    },
    /// Parentheses and `-not` nest deeper than [`MAX_DEPTH`].
    #[error(
        "found more than {MAX_DEPTH} nested parentheses and -not, expected at most {MAX_DEPTH}"
    )]
    TooDeep,
}

impl RuleError {
    pub(super) fn unexpected(
        position: usize,
        found: impl fmt::Display,
        expected: impl fmt::Display,
    ) -> Self {
        let (found, expected) = (found.to_string(), expected.to_string());
        let reason = RuleFault::Unexpected { found, expected };
        Self { position, reason }
    }
}

/// A piece of a rule, safe to print.
pub(super) fn shown(piece: &str) -> String {
    let cut = piece.chars().nth(SHOWN).is_some();
    let head: String = piece.chars().take(SHOWN).collect();
    let tail = if cut { "…" } else { "" };
    let plain = head.chars().flat_map(|c| {
        let escape = c.is_control() || !c.is_ascii() && !c.is_alphanumeric();
        let escaped = escape.then(|| c.escape_unicode());
        let kept = (!escape).then_some(c);
        escaped.into_iter().flatten().chain(kept)
    });
    format!("{}{tail}", plain.collect::<String>())
}
