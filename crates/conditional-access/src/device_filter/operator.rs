//! The operators of a comparison, and the tests they stand for.

use std::collections::BTreeSet;
use std::fmt;

/// An operator of the language of dynamic membership rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    StartsWith,
    NotStartsWith,
    EndsWith,
    NotEndsWith,
    Contains,
    NotContains,
    In,
    NotIn,
}

impl Operator {
    pub(super) const ALL: [Self; 10] = [
        Self::Equal,
        Self::NotEqual,
        Self::StartsWith,
        Self::NotStartsWith,
        Self::EndsWith,
        Self::NotEndsWith,
        Self::Contains,
        Self::NotContains,
        Self::In,
        Self::NotIn,
    ];

    /// The operator of this name: any letter case, with or without the dash, `Equals` for `eq`.
    pub(super) fn named(word: &str) -> Option<Self> {
        let bare = word.strip_prefix('-').unwrap_or(word);
        match bare.to_ascii_lowercase().as_str() {
            "equals" => Some(Self::Equal),
            "notequals" => Some(Self::NotEqual),
            _ => Self::ALL
                .into_iter()
                .find(|operator| operator.bare().eq_ignore_ascii_case(bare)),
        }
    }

    fn bare(self) -> &'static str {
        match self {
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::StartsWith => "startsWith",
            Self::NotStartsWith => "notStartsWith",
            Self::EndsWith => "endsWith",
            Self::NotEndsWith => "notEndsWith",
            Self::Contains => "contains",
            Self::NotContains => "notContains",
            Self::In => "in",
            Self::NotIn => "notIn",
        }
    }

    /// Whether a list follows.
    pub(super) fn takes_list(self) -> bool {
        matches!(self, Self::In | Self::NotIn)
    }

    /// Whether it denies its positive twin. Microsoft: on null a positive operator is false and a negative
    /// one is true, which is just what denying the positive one gives.
    pub(super) fn negative(self) -> bool {
        match self {
            Self::Equal | Self::StartsWith | Self::EndsWith | Self::Contains | Self::In => false,
            Self::NotEqual
            | Self::NotStartsWith
            | Self::NotEndsWith
            | Self::NotContains
            | Self::NotIn => true,
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "-{}", self.bare())
    }
}

/// A positive test of one attribute; its texts are [folded](fold).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Test {
    /// A value is one of these.
    In(BTreeSet<String>),
    StartsWith(String),
    EndsWith(String),
    Contains(String),
}

impl Test {
    /// The test that this operator, or its positive twin, makes of these values.
    pub(super) fn new(operator: Operator, collection: bool, values: &[String]) -> Self {
        let folded = values.iter().map(|value| fold(value));
        // Only a list has several.
        let only = || values.iter().map(|value| fold(value)).collect();
        match operator {
            Operator::StartsWith | Operator::NotStartsWith => Self::StartsWith(only()),
            Operator::EndsWith | Operator::NotEndsWith => Self::EndsWith(only()),
            Operator::Contains | Operator::NotContains if !collection => Self::Contains(only()),
            Operator::Contains
            | Operator::NotContains
            | Operator::Equal
            | Operator::NotEqual
            | Operator::In
            | Operator::NotIn => Self::In(folded.collect()),
        }
    }

    /// Whether one of these folded values passes. Null is no value at all, so nothing holds for it.
    pub(super) fn holds(&self, values: &[String]) -> bool {
        values.iter().any(|value| match self {
            Self::In(constants) => constants.contains(value),
            Self::StartsWith(constant) => value.starts_with(constant),
            Self::EndsWith(constant) => value.ends_with(constant),
            Self::Contains(constant) => value.contains(constant),
        })
    }
}

/// A text as comparisons see it: letter case does not count. It goes letter by letter, unlike
/// [`str::to_lowercase`], so that a part of a text folds to a part of the folded text.
pub(super) fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}
