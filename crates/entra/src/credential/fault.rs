//! What Microsoft Entra says when it gives no token, in words that lead on (*Microsoft Entra authentication and
//! authorization error codes*).

use serde_json::Value;

use super::known::KNOWN;
use crate::{
    Error, HttpResponse, TransportError,
    error::{SignInError, line, parsed, refusal},
};

/// The error of a token endpoint's answer.
pub(super) fn from_answer(host: &str, answer: &HttpResponse) -> Error {
    let body = parsed(&answer.body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut error = told(text("error_description"));
    error.error = line(text("error"));
    if error.message.is_empty() {
        // No token endpoint's own words: those of whatever stands in between.
        let refusal = refusal(&format!("POST {host}"), answer, None);
        error.message = match (refusal.message.as_str(), error.error.as_str()) {
            ("", "") => format!("{host} answered {}", answer.status),
            ("", code) => format!("{host} answered {} {code}", answer.status),
            (message, _) => format!("{host} answered {} with {message}", answer.status),
        };
        error.help = refusal.help;
    }
    error.transient |=
        answer.status >= 500 || answer.status == 429 || error.error == "temporarily_unavailable";
    if error.help.is_empty() && error.transient {
        "try again later".clone_into(&mut error.help);
    }
    Error::SignIn(Box::new(error))
}

/// The error that Microsoft's library tells, and the answer that it came from.
pub(super) fn from_library(
    error: &azure_core::Error,
    last: Option<(String, HttpResponse)>,
) -> Error {
    if let Some(error) = unreached(error) {
        return Error::NotReached {
            call: "signing in".to_owned(),
            error,
        };
    }
    match last {
        Some((host, answer)) if !(200..300).contains(&answer.status) => from_answer(&host, &answer),
        Some((host, answer)) if parsed(&answer.body).is_err() => from_answer(&host, &answer),
        _ => Error::SignIn(Box::new(told(&own_words(error)))),
    }
}

/// The error of the identity service of an Azure machine (*How to use managed identities for Azure resources on an Azure VM
/// to acquire an access token*).
pub(super) fn from_machine(
    error: &azure_core::Error,
    last: Option<(String, HttpResponse)>,
) -> Error {
    let help =
        "managed identities exist only on Azure's own machines, and only where one is assigned";
    if let Some(error) = unreached(error) {
        return Error::SignIn(Box::new(SignInError {
            message: format!(
                "the identity service of this machine gave no answer: {}",
                error.reason
            ),
            help: help.to_owned(),
            ..SignInError::default()
        }));
    }
    match from_library(error, last) {
        Error::SignIn(mut error) => {
            if error.help.is_empty() {
                help.clone_into(&mut error.help);
            }
            Error::SignIn(error)
        }
        other => other,
    }
}

/// The error of the Azure CLI.
pub(super) fn from_cli(error: &azure_core::Error, tenant: Option<&str>) -> Error {
    let words = own_words(error);
    let lower = words.to_lowercase();
    let login = tenant.map_or_else(
        || "az login".to_owned(),
        |tenant| format!("az login --tenant {tenant}"),
    );
    let mut error = told(words.trim_start_matches("ERROR: "));
    if lower.contains("not found on path") || lower.contains("wasn't found") {
        "the Azure CLI (`az`) is not installed, or not on PATH".clone_into(&mut error.message);
        "install it, or sign in with --login browser".clone_into(&mut error.help);
    } else if lower.contains("az login") || lower.contains("az account set") || error.code.is_some()
    {
        if error.code.is_none() {
            "nobody is signed in to the Azure CLI, or not in this tenant"
                .clone_into(&mut error.message);
        }
        error.help = format!("run: {login}");
    } else if lower.contains("expires_on") {
        "the Azure CLI is too old".clone_into(&mut error.message);
        "update it to 2.54 or newer: az upgrade".clone_into(&mut error.help);
    } else {
        error.message = format!("the Azure CLI gave no token: {}", error.message);
        error.help =
            format!("see whether this works: az account get-access-token; else run: {login}");
    }
    Error::SignIn(Box::new(error))
}

/// What no answer came from, below whatever the library wrapped around it.
fn unreached(error: &azure_core::Error) -> Option<TransportError> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref::<TransportError>() {
            return Some(found.clone());
        }
        next = cause.source();
    }
    None
}

/// The library's text without its own frame: the credential's name before, the address of a guide after it.
fn own_words(error: &azure_core::Error) -> String {
    let text = error.to_string();
    let text = text
        .split_once("authentication failed.")
        .map_or(text.as_str(), |(_, rest)| rest);
    let text = text.split("To troubleshoot, visit").next().unwrap_or(text);
    text.trim().to_owned()
}

/// The first `AADSTS` number in a text, with its meaning; else the text itself.
fn told(text: &str) -> SignInError {
    let code = text.split("AADSTS").nth(1).and_then(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    let known = KNOWN.iter().find(|(number, ..)| Some(*number) == code);
    let own = || {
        let start = text.find("AADSTS").map_or(text, |at| &text[at..]);
        let start = start
            .split_once(": ")
            .filter(|_| code.is_some())
            .map_or(start, |(_, rest)| rest);
        // Ids of the request follow on lines of their own; the library writes the line ends out.
        let sentence = start.split("\\r\\n").next().unwrap_or(start);
        let first = sentence.trim().lines().next().unwrap_or_default();
        line(first.trim().trim_end_matches('.'))
    };
    match known {
        Some((_, meaning, help, transient)) => SignInError {
            code,
            error: String::new(),
            message: (*meaning).to_owned(),
            help: (*help).to_owned(),
            transient: *transient,
        },
        None => SignInError {
            code,
            message: own(),
            ..SignInError::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_explained_and_unknown_ones_quoted() {
        let known =
            told("AADSTS7000222: The provided client secret keys are expired.\r\nTrace ID: x");
        assert_eq!(known.code, Some(7_000_222));
        assert!(known.help.contains("certificate"));
        let unknown = told("AADSTS99999: Something new.\r\nTrace ID: x");
        assert_eq!(
            (unknown.code, unknown.message.as_str()),
            (Some(99_999), "Something new")
        );
    }
}
