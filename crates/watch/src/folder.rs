//! Copies of a record are told once.

use std::collections::HashSet;

use breakglass_model::Signal;

/// Remembers which versions of which signals were seen, 32 bytes each, without a bound: a bounded memory would
/// tell an old copy as news. With a store, the store's unique index judges as well.
#[derive(Debug, Default)]
pub struct Folder {
    seen: HashSet<(u128, u128)>,
}

fn number(hex: &str) -> u128 {
    hex.bytes()
        .filter_map(|b| char::from(b).to_digit(16))
        .fold(0, |sum, digit| (sum << 4) | u128::from(digit))
}

impl Folder {
    /// Whether this version of this signal is seen for the first time.
    pub fn is_new(&mut self, signal: &Signal) -> bool {
        self.seen
            .insert((number(&signal.id), number(&signal.version)))
    }
}
