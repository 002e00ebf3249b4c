//! Microsoft Graph, v1.0 and beta.

pub(crate) mod what_if;
pub(crate) mod what_if_set;
pub(crate) mod write;

/// Which of the two APIs was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// `v1.0`.
    V1,
    /// `beta`.
    Beta,
}

impl Version {
    /// The path segment.
    pub(crate) const fn segment(self) -> &'static str {
        match self {
            Self::V1 => "v1.0",
            Self::Beta => "beta",
        }
    }
}
