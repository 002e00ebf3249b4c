//! What Microsoft Entra says when it gives no token, in words that lead on (*Microsoft Entra authentication and
//! authorization error codes*).

use serde_json::Value;

use crate::{
    Error, HttpResponse,
    error::{SignInError, redacted},
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
        "exclude the application, or use an app registration",
        false,
    ),
    (
        530_035,
        "security defaults block this sign-in",
        "use an app registration",
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
pub(super) fn from_answer(answer: &HttpResponse) -> Error {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut error = told(text("error_description"));
    text("error").clone_into(&mut error.error);
    if error.message.is_empty() {
        error.message = format!("the token endpoint answered {}", answer.status);
    }
    error.transient |=
        answer.status >= 500 || answer.status == 429 || error.error == "temporarily_unavailable";
    Error::SignIn(Box::new(error))
}

/// The error that Microsoft's library tells, which quotes the service.
pub(super) fn from_library(text: &str) -> Error {
    let mut error = told(text);
    error.transient |= text.contains("temporarily_unavailable")
        || text.contains("could not be reached")
        || text.contains("did not answer in time")
        || text.contains("refused the connection");
    Error::SignIn(Box::new(error))
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
        let sentence = start.split("\\r\\n").next().unwrap_or(start);
        let line = sentence
            .lines()
            .next()
            .unwrap_or_default()
            .trim()
            .trim_end_matches('.');
        redacted(&line.chars().take(300).collect::<String>())
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
