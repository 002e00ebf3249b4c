//! Ids as newtypes.
//!
//! Microsoft compares GUIDs and user principal names without regard to letter case, and so do we: two
//! ids that differ only in case are equal, hash alike and sort together. The text is kept as it was
//! written, for display. Ids need not be GUIDs: exports and templates hold placeholders such as
//! `<EmergencyAccessAccountsGroup>`, which are compared as text.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

/// Why a text is not an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: `{text}`")]
pub struct InvalidId {
    /// The refused text, shortened.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl InvalidId {
    fn new(text: &str, reason: &'static str) -> Self {
        Self {
            text: text.chars().take(80).collect(),
            reason,
        }
    }
}

fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().flat_map(char::to_lowercase)
}

/// Compares without regard to letter case. Nearly all ids are ASCII, there are many, and most differ at the start.
fn order(one: &str, other: &str) -> Ordering {
    for (a, b) in one.bytes().zip(other.bytes()) {
        if !a.is_ascii() || !b.is_ascii() {
            return folded(one).cmp(folded(other));
        }
        if !a.eq_ignore_ascii_case(&b) {
            return a.to_ascii_lowercase().cmp(&b.to_ascii_lowercase());
        }
    }
    // One is the beginning of the other.
    one.len().cmp(&other.len())
}

fn same(one: &str, other: &str) -> bool {
    order(one, other).is_eq()
}

fn well_formed(text: &str, what: &'static str) -> Result<String, InvalidId> {
    let text = text.trim();
    if text.is_empty() || text.len() > 512 || text.chars().any(char::is_control) {
        return Err(InvalidId::new(text, what));
    }
    Ok(text.to_owned())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes a text as an id; surrounding white space is dropped.
            ///
            /// # Errors
            /// [`InvalidId`] when the text cannot be one.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                #[allow(clippy::redundant_closure_call)]
                ($check)(text).map(Self)
            }

            /// The id as it was written.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The id in lower case, as used for keys.
            pub fn folded(&self) -> String {
                if self.0.is_ascii() {
                    self.0.to_ascii_lowercase()
                } else {
                    folded(&self.0).collect()
                }
            }

            /// Whether a text is this id, without regard to case.
            pub fn is(&self, text: &str) -> bool {
                same(&self.0, text.trim())
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                same(&self.0, &other.0)
            }
        }
        impl Eq for $name {}
        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.folded().hash(state);
            }
        }
        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }
        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                order(&self.0, &other.0)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }
        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

id!(
    /// The object ID of anything in the directory: a user, a group, a role, a policy.
    ObjectId,
    |text| well_formed(text, "not an object id")
);
id!(
    /// The id of a tenant.
    TenantId,
    |text| well_formed(text, "not a tenant id")
);
id!(
    /// A user principal name.
    Upn,
    |text: &str| {
        let text = well_formed(text, "not a user principal name")?;
        match text.rsplit_once('@') {
            Some((name, domain)) if !name.is_empty() && !domain.is_empty() => Ok(text),
            _ => Err(InvalidId::new(&text, "a user principal name has the form name@domain")),
        }
    }
);

impl Upn {
    /// The domain behind the `@`.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The name before the `@`.
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn letter_case_never_matters() {
        let lower = ObjectId::parse("62e90394-69f5-4237-9190-012177145e10").unwrap();
        let upper = ObjectId::parse(" 62E90394-69F5-4237-9190-012177145E10 ").unwrap();
        assert_eq!(lower, upper);
        assert_eq!(HashSet::from([lower.clone(), upper.clone()]).len(), 1);
        assert_eq!(upper.to_string(), "62E90394-69F5-4237-9190-012177145E10");
        assert!(
            Upn::parse("BreakGlass01@Contoso.onmicrosoft.com")
                .unwrap()
                .is("breakglass01@contoso.ONMICROSOFT.com")
        );
    }

    proptest::proptest! {
        #[test]
        fn short_cuts_compare_as_the_folded_texts_do(one in "[aAbBkK\u{212a}äÄ-]{0,4}", other in "[aAbBkK\u{212a}äÄ-]{0,4}") {
            assert_eq!(same(&one, &other), folded(&one).eq(folded(&other)));
            assert_eq!(order(&one, &other), folded(&one).cmp(folded(&other)));
        }
    }

    #[test]
    fn what_cannot_be_an_id_is_refused() {
        assert!(ObjectId::parse("  ").is_err());
        assert!(ObjectId::parse("a\nb").is_err());
        assert!(ObjectId::parse("<EmergencyAccessAccountsGroup>").is_ok());
        assert!(Upn::parse("@contoso.com").is_err());
        assert!(Upn::parse("name").is_err());
        let err = serde_json::from_str::<Upn>("\"name\"")
            .unwrap_err()
            .to_string();
        assert!(err.contains("name@domain"), "{err}");
    }
}
