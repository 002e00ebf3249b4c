//! The operators of a comparison, and the tests they stand for.

use std::fmt;

/// An operator of the language of dynamic membership rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Operator {
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
    pub(crate) const ALL: [Self; 10] = [
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
    pub(crate) fn named(word: &str) -> Option<Self> {
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
    pub(crate) fn takes_list(self) -> bool {
        matches!(self, Self::In | Self::NotIn)
    }

    /// Whether it denies its positive twin. Microsoft: on null a positive operator is false and a negative
    /// one is true, which is just what denying the positive one gives.
    pub(crate) fn negative(self) -> bool {
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
pub(crate) enum Test {
    /// A value is one of these, which are in order.
    In(Vec<String>),
    StartsWith(String),
    EndsWith(String),
    Contains(String),
}

impl Test {
    /// The test that this operator, or its positive twin, makes of these values.
    pub(crate) fn new(operator: Operator, collection: bool, values: &[String]) -> Self {
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
            | Operator::NotIn => {
                let mut constants: Vec<String> = folded.collect();
                constants.sort();
                constants.dedup();
                Self::In(constants)
            }
        }
    }

    /// Whether the value passes, which is not folded. It allocates nothing: this is what a search over
    /// sign-ins does most.
    pub(crate) fn passes(&self, value: &str) -> bool {
        if !value.is_ascii() {
            return self.passes_slowly(value);
        }
        let bytes = value.as_bytes();
        match self {
            Self::In(constants) => {
                let order = |constant: &String| {
                    let lower = bytes.iter().map(u8::to_ascii_lowercase);
                    constant.bytes().cmp(lower)
                };
                constants.binary_search_by(order).is_ok()
            }
            Self::StartsWith(constant) => bytes
                .get(..constant.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(constant.as_bytes())),
            Self::EndsWith(constant) => bytes
                .len()
                .checked_sub(constant.len())
                .and_then(|start| bytes.get(start..))
                .is_some_and(|end| end.eq_ignore_ascii_case(constant.as_bytes())),
            Self::Contains(constant) => {
                // No constant is empty, but a window of nothing would panic.
                let mut windows = bytes.windows(constant.len().max(1));
                constant.is_empty()
                    || windows.any(|window| window.eq_ignore_ascii_case(constant.as_bytes()))
            }
        }
    }

    fn passes_slowly(&self, value: &str) -> bool {
        match self {
            Self::In(constants) => {
                let order = |constant: &String| constant.chars().cmp(folded(value));
                constants.binary_search_by(order).is_ok()
            }
            Self::StartsWith(constant) => begins(folded(value), constant.chars()),
            Self::EndsWith(constant) => begins(folded(value).rev(), constant.chars().rev()),
            Self::Contains(constant) => {
                let mut rest = folded(value);
                loop {
                    if begins(rest.clone(), constant.chars()) {
                        return true;
                    }
                    if rest.next().is_none() {
                        return false;
                    }
                }
            }
        }
    }

    /// Whether one of these folded values passes. Null is no value at all, so nothing holds for it.
    pub(crate) fn holds(&self, values: &[String]) -> bool {
        values.iter().any(|value| match self {
            Self::In(constants) => constants.binary_search(value).is_ok(),
            Self::StartsWith(constant) => value.starts_with(constant),
            Self::EndsWith(constant) => value.ends_with(constant),
            Self::Contains(constant) => value.contains(constant),
        })
    }
}

/// A text as comparisons see it: letter case does not count. It goes letter by letter, unlike
/// [`str::to_lowercase`], so that a part of a text folds to a part of the folded text.
pub(crate) fn fold(text: &str) -> String {
    folded(text).collect()
}

fn folded(text: &str) -> impl DoubleEndedIterator<Item = char> + Clone {
    text.chars().flat_map(char::to_lowercase)
}

fn begins(mut text: impl Iterator<Item = char>, mut start: impl Iterator<Item = char>) -> bool {
    start.all(|c| text.next() == Some(c))
}

/// Whether a text is the [folded](fold) constant, without regard to letter case.
pub(crate) fn same(text: &str, constant: &str) -> bool {
    folded(text).eq(constant.chars())
}
