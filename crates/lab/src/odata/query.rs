//! The parameters of a URL.

use url::form_urlencoded;

/// Query parameters, in the order in which they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads an encoded query.
    pub(crate) fn read(text: &str) -> Self {
        Self(
            form_urlencoded::parse(text.as_bytes())
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// A parameter by its name, whatever its case. OData's own are found with and without the `$`: Microsoft Graph,
    /// *Use query parameters*.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let plain = name.trim_start_matches('$');
        self.0
            .iter()
            .find(|(known, _)| known.trim_start_matches('$').eq_ignore_ascii_case(plain))
            .map(|(_, value)| value.as_str())
    }
}
