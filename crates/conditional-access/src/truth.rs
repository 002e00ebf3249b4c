//! Kleene's three values.

use std::ops::Not;

/// *No*, *unknown* or *yes*, ordered so that AND is the minimum and OR the maximum (Kleene's strong logic).
///
/// *Unknown* comes from data alone: a membership that was not read, a location that does not resolve, a
/// rule that cannot be parsed, a condition that this program does not know, an input that was not given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Truth {
    /// It does not hold.
    No,
    /// The data does not say.
    #[default]
    Unknown,
    /// It holds.
    Yes,
}

impl Truth {
    /// Both hold. AND over nothing is [`Truth::Yes`].
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// One of them holds. OR over nothing is [`Truth::No`].
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.max(other)
    }

    /// Whether it could hold: *yes* or *unknown*.
    pub fn may(self) -> bool {
        self != Self::No
    }

    /// Whether it surely holds.
    pub fn surely(self) -> bool {
        self == Self::Yes
    }
}

impl Not for Truth {
    type Output = Self;
    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kleene_tables() {
        use Truth::{No, Unknown, Yes};
        assert_eq!(No.and(Unknown), No);
        assert_eq!(Yes.and(Unknown), Unknown);
        assert_eq!(Yes.or(Unknown), Yes);
        assert_eq!(No.or(Unknown), Unknown);
        assert_eq!(!Unknown, Unknown);
        assert!(Unknown.may() && !Unknown.surely());
    }
}
