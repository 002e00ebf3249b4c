//! A call to Graph, read: version, segments, options, body.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::Version;
use crate::{lab::ApiError, odata::Query};

/// A call, alone or in a batch.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) version: Version,
    /// Path behind the version, as sent: next links repeat it.
    pub(crate) path: String,
    /// Segments, decoded; a key in brackets (`users('x')`) is a segment of its own.
    pub(crate) segments: Vec<String>,
    /// The same, folded.
    pub(crate) folded: Vec<String>,
    /// Options, as sent.
    pub(crate) raw_query: String,
    pub(crate) query: Query,
    /// Whether `ConsistencyLevel: eventual` came with it.
    pub(crate) eventual: bool,
    /// Whether the caller takes members of enumerations that came later.
    pub(crate) all_members: bool,
    /// Whether the caller takes JSON only.
    pub(crate) only_json: bool,
    pub(crate) body: Option<Value>,
}

impl Request {
    /// Reads a path such as `/v1.0/users`; the version of a batch goes for all in it.
    pub(crate) fn read(
        method: &str,
        path: &str,
        raw_query: &str,
        header: impl Fn(&str) -> Option<String>,
        body: Option<Value>,
    ) -> Result<Self, ApiError> {
        let (version, rest) = path
            .trim_start_matches('/')
            .split_once('/')
            .unwrap_or((path.trim_start_matches('/'), ""));
        let version = match version.to_ascii_lowercase().as_str() {
            "v1.0" => Version::V1,
            "beta" => Version::Beta,
            _ => {
                return Err(ApiError::new(
                    400,
                    "BadRequest",
                    format!("Invalid version: {version}."),
                ));
            }
        };
        let mut segments = Vec::new();
        for segment in rest.split('/').filter(|segment| !segment.is_empty()) {
            let segment = percent_decode_str(segment)
                .decode_utf8()
                .map_err(|_| ApiError::new(400, "BadRequest", "The path is not valid UTF-8."))?;
            match key(&segment) {
                Some((name, key)) => segments.extend([name, key]),
                None => segments.push(segment.into_owned()),
            }
        }
        let is = |name: &str, wanted: &str| {
            header(name).is_some_and(|value| value.to_ascii_lowercase().contains(wanted))
        };
        Ok(Self {
            method: method.to_owned(),
            version,
            path: rest.to_owned(),
            folded: segments
                .iter()
                .map(|segment| segment.to_lowercase())
                .collect(),
            segments,
            raw_query: raw_query.to_owned(),
            query: Query::read(raw_query),
            eventual: is("consistencylevel", "eventual"),
            all_members: is("prefer", "include-unknown-enum-members"),
            only_json: is("accept", "application/json")
                && !is("accept", "text/plain")
                && !is("accept", "*/*"),
            body,
        })
    }

    /// The segments, folded.
    pub(crate) fn path(&self) -> Vec<&str> {
        self.folded.iter().map(String::as_str).collect()
    }

    /// A segment as it was sent.
    pub(crate) fn segment(&self, at: usize) -> &str {
        self.segments.get(at).map_or("", String::as_str)
    }
}

/// `users('x')` and `directoryRoles(roleTemplateId='x')` as name and key; functions with arguments stay whole.
fn key(segment: &str) -> Option<(String, String)> {
    let (name, rest) = segment.split_once('(')?;
    let inner = rest.strip_suffix(')')?;
    let (property, value) = match inner.split_once("='") {
        Some((property, value)) => (property, value),
        None => ("", inner.strip_prefix('\'')?),
    };
    let value = value.strip_suffix('\'')?.replace("''", "'");
    match property.to_ascii_lowercase().as_str() {
        "" | "id" => Some((name.to_owned(), value)),
        // Objects with another key: the segment that follows says which.
        "roletemplateid" | "appid" | "userprincipalname" | "uniquename" => {
            Some((name.to_owned(), format!("{property}={value}")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(path: &str) -> Vec<String> {
        Request::read("GET", path, "", |_| None, None)
            .unwrap()
            .segments
    }

    #[test]
    fn keys_in_brackets_are_segments_of_their_own() {
        assert_eq!(
            segments("/v1.0/users('a@b')/memberOf"),
            ["users", "a@b", "memberOf"]
        );
        assert_eq!(segments("/v1.0/users/a%40b"), ["users", "a@b"]);
        assert_eq!(segments("/beta/users('o''neil')"), ["users", "o'neil"]);
        assert_eq!(
            segments("/v1.0/directoryRoles(roleTemplateId='x')/members"),
            ["directoryRoles", "roleTemplateId=x", "members"]
        );
        let function = "creationOptions(challengeTimeoutInMinutes=60)";
        assert_eq!(segments(&format!("/beta/{function}")), [function]);
        assert!(Request::read("GET", "/v2.0/users", "", |_| None, None).is_err());
    }
}
