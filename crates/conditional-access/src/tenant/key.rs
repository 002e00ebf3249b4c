//! Ids in a form that is cheap to compare: a GUID as its number.

use std::collections::HashMap;

use crate::identity::fold;

/// An id, without regard to letter case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// A GUID in its usual form.
    Guid(u128),
    /// Anything else, folded.
    Text(Box<str>),
}

impl Key {
    pub(super) fn of(id: &str) -> Self {
        guid(id.trim()).map_or_else(|| Self::Text(fold(id).into_boxed_str()), Self::Guid)
    }
}

/// The number of a text like `62e90394-69f5-4237-9190-012177145e10`.
fn guid(text: &str) -> Option<u128> {
    let bytes = text.as_bytes();
    if bytes.len() != 36 {
        return None;
    }
    let mut number = 0_u128;
    for (at, byte) in bytes.iter().enumerate() {
        let digit = match (byte, at) {
            (b'-', 8 | 13 | 18 | 23) => continue,
            (_, 8 | 13 | 18 | 23) => return None,
            (b'0'..=b'9', _) => byte - b'0',
            (b'a'..=b'f', _) => byte - b'a' + 10,
            (b'A'..=b'F', _) => byte - b'A' + 10,
            _ => return None,
        };
        number = number << 4 | u128::from(digit);
    }
    Some(number)
}

/// A number for each of many things, in the order in which they came.
#[derive(Debug)]
pub(super) struct Interned<T>(HashMap<T, u32>);

impl<T: Eq + std::hash::Hash> Interned<T> {
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    /// The number of a thing, new or known. The number is below the count of things, which memory bounds.
    pub(super) fn add(&mut self, thing: T) -> u32 {
        let next = number(self.0.len());
        *self.0.entry(thing).or_insert(next)
    }

    pub(super) fn get<Q>(&self, thing: &Q) -> Option<u32>
    where
        T: std::borrow::Borrow<Q>,
        Q: Eq + std::hash::Hash + ?Sized,
    {
        self.0.get(thing).copied()
    }
}

/// An index as a small number; four thousand million objects are more than a directory holds.
pub(super) fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letter_case_never_matters() {
        let lower = Key::of("62e90394-69f5-4237-9190-012177145e10");
        assert_eq!(lower, Key::of(" 62E90394-69F5-4237-9190-012177145E10"));
        assert!(matches!(lower, Key::Guid(_)));
        assert_eq!(Key::of("<Group>"), Key::of("<group>"));
        assert_ne!(Key::of("<Group>"), Key::of("<Groups>"));
    }
}
