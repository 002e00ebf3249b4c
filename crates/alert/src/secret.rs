//! A value that must not be seen.

use std::fmt;

/// A password, a routing key, a signing secret. Neither `Debug` nor `Display` nor `Serialize` give
/// the content away; only this crate can read it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the content over.
    pub fn new(content: impl Into<String>) -> Self {
        Self(content.into())
    }

    /// The content. Private to the crate so that every use can be reviewed in one place.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Removes the secret, plain or in Base64, from a text that somebody else wrote: a mail server
    /// may quote the command that it refuses, and the command may be `AUTH`.
    pub(crate) fn redact(&self, text: &str) -> String {
        if self.0.is_empty() {
            return text.to_owned();
        }
        let encoded = data_encoding::BASE64.encode(self.0.as_bytes());
        text.replace(&self.0, "***").replace(&encoded, "***")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = Secret::new("canary");
        assert!(!format!("{secret:?}").contains("canary"));
        assert_eq!(secret.redact("a canary Y2FuYXJ5 b"), "a *** *** b");
    }
}
