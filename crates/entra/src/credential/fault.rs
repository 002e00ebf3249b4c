//! What Microsoft Entra says when it gives no token, in words that lead on (*Microsoft Entra authentication and
//! authorization error codes*).

use serde_json::Value;

use crate::{
    Error, HttpResponse, TransportError,
    error::{SignInError, line, parsed, refusal},
};

/// Number, meaning, next step, whether it passes by itself.
const KNOWN: &[(u32, &str, &str, bool)] = &[
    (
        700_016,
        "the tenant does not know this application",
        "check client_id and tenant id",
        false,
    ),
    (
        700_011,
        "the application does not exist",
        "check client_id",
        false,
    ),
    (
        70_001,
        "the tenant does not know this application",
        "check client_id and tenant id",
        false,
    ),
    (
        7_000_112,
        "the application is disabled",
        "enable it under Enterprise applications",
        false,
    ),
    (
        7_000_215,
        "the client secret is wrong",
        "give the secret's value, not its id",
        false,
    ),
    (
        7_000_218,
        "no client secret was sent",
        "this application is no public client: give its secret or certificate",
        false,
    ),
    (
        7_000_222,
        "the client secret has expired",
        "make a new one, or better a certificate",
        false,
    ),
    (
        700_027,
        "the assertion's signature was refused",
        "register this certificate at the application",
        false,
    ),
    (
        700_229,
        "tokens of Microsoft Entra itself are not accepted as assertion",
        "use a token of the workload's own issuer",
        false,
    ),
    (
        50_012,
        "the certificate was refused",
        "register this certificate at the application",
        false,
    ),
    (
        90_002,
        "there is no such tenant",
        "check the tenant id",
        false,
    ),
    (
        90_038,
        "the tenant is in another cloud",
        "set the cloud: usgov, usgov-dod or china",
        false,
    ),
    (
        65_001,
        "nobody has consented to what is asked",
        "consent as an administrator",
        false,
    ),
    (
        50_034,
        "there is no such user in the tenant",
        "check the name",
        false,
    ),
    (
        50_053,
        "the account is locked, or the address is blocked",
        "wait, or unlock it",
        false,
    ),
    (50_055, "the password has expired", "change it", false),
    (50_057, "the account is disabled", "enable it", false),
    (50_058, "nobody is signed in", "sign in again", false),
    (
        50_105,
        "the person is not assigned to the application",
        "assign them",
        false,
    ),
    (50_126, "user name or password is wrong", "try again", false),
    (
        50_074,
        "multifactor authentication is needed",
        "sign in again and complete it",
        false,
    ),
    (
        50_076,
        "multifactor authentication is needed",
        "sign in again and complete it",
        false,
    ),
    (
        53_000,
        "the device is not compliant",
        "sign in from a compliant device",
        false,
    ),
    (
        53_001,
        "the device is not joined",
        "sign in from a joined device",
        false,
    ),
    (
        53_003,
        "a Conditional Access policy blocks this sign-in",
        "sign in as the policy asks, exclude the account, or use an application of your own",
        false,
    ),
    (
        530_035,
        "security defaults block this sign-in",
        "use an application of your own with a certificate",
        false,
    ),
    (
        70_011,
        "what is asked for does not exist",
        "check the cloud's addresses",
        false,
    ),
    (70_016, "nobody has entered the code yet", "enter it", true),
    (70_018, "the code was wrong", "start again", false),
    (70_019, "the code has expired", "start again", false),
    (
        7_000_216,
        "no client secret or assertion was sent",
        "give a secret or a certificate",
        false,
    ),
    (
        700_024,
        "the assertion is outside of its time",
        "set this machine's clock",
        false,
    ),
    (
        700_021,
        "the assertion names another application",
        "check client_id",
        false,
    ),
    (
        700_022,
        "several services were asked for at once",
        "check the cloud's addresses",
        false,
    ),
    (
        700_082,
        "the sign-in has ended, since it was not used",
        "sign in again",
        false,
    ),
    (
        700_211,
        "the issuer of the federated token is not known to the application",
        "compare `iss` with the application's federated credential",
        false,
    ),
    (
        700_212,
        "the audience of the federated token is not the expected one",
        "compare `aud` with the application's federated credential",
        false,
    ),
    (
        700_213,
        "the subject of the federated token is not known to the application",
        "compare `sub` with the application's federated credential",
        false,
    ),
    (
        65_004,
        "the consent was declined",
        "sign in again and accept, or ask an administrator to consent",
        false,
    ),
    (
        50_020,
        "the account is not of this tenant",
        "sign in with an account of the tenant, or check the tenant id",
        false,
    ),
    (
        50_072,
        "multifactor authentication has to be set up first",
        "sign in in a browser once and set it up",
        false,
    ),
    (
        50_079,
        "multifactor authentication has to be set up first",
        "sign in in a browser once and set it up",
        false,
    ),
    (
        50_132,
        "the session was revoked, or the password has changed",
        "sign in again",
        false,
    ),
    (
        50_133,
        "the session was revoked, or the password has changed",
        "sign in again",
        false,
    ),
    (
        50_173,
        "the session was revoked, or the password has changed",
        "sign in again",
        false,
    ),
    (
        500_011,
        "the tenant does not know the service that is asked for",
        "check the cloud's addresses",
        false,
    ),
    (
        500_121,
        "multifactor authentication was not completed",
        "sign in again and complete it",
        false,
    ),
    (
        53_002,
        "a Conditional Access policy wants an approved app",
        "use an application of your own with a certificate",
        false,
    ),
    (
        53_011,
        "the account is blocked, since it is at risk",
        "have the risk looked into and dismissed",
        false,
    ),
    (
        900_023,
        "the tenant id is neither an id nor a domain",
        "check the tenant id",
        false,
    ),
    (
        90_033,
        "the directory is unavailable",
        "try again later",
        true,
    ),
    (
        90_024,
        "the directory asks to try again",
        "try again later",
        true,
    ),
    (90_055, "the tenant is throttled", "try again later", true),
];

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
