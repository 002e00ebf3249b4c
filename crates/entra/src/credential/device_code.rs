//! Signing in with a code on another device (RFC 8628; Microsoft identity platform, *OAuth 2.0 device authorization grant*).

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value;

use super::{
    Ask, fault,
    person::{Given, Person},
};
use crate::{
    Error, Service,
    error::{SignInError, parsed},
};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(super) async fn sign_in(person: &Person, service: Service) -> Result<Given, Error> {
    let scopes = person.scopes(service);
    let form = [
        ("client_id", person.client.as_str()),
        ("scope", scopes.as_str()),
    ];
    let answer = person.post("devicecode", &form).await?;
    let Some(body) = Person::body(&answer) else {
        return Err(fault::from_answer(person.host(), &answer));
    };
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let number = |name: &str, other: i64| {
        body.get(name)
            .and_then(|value| value.as_i64().or_else(|| value.as_str()?.parse().ok()))
            .unwrap_or(other)
    };
    let Some(code) = text("device_code") else {
        return Err(Error::Unusable {
            call: "signing in with a code".to_owned(),
            why: "it holds no code".to_owned(),
        });
    };
    let sentence = text("message").map_or_else(
        || {
            format!(
                "open {} and enter the code {}",
                text("verification_uri").unwrap_or("https://login.microsoft.com/device"),
                text("user_code").unwrap_or_default()
            )
        },
        str::to_owned,
    );
    (person.prompt)(&Ask::EnterCode(sentence));
    let mut interval = u64::try_from(number("interval", 5))
        .unwrap_or(5)
        .clamp(1, 60);
    let end = person
        .clock
        .now()
        .checked_add(SignedDuration::from_secs(number("expires_in", 900)))
        .unwrap_or(jiff::Timestamp::MAX);
    let form = [
        ("grant_type", GRANT),
        ("client_id", person.client.as_str()),
        ("device_code", code),
    ];
    while person.clock.now() < end {
        tokio::time::sleep(Duration::from_secs(interval)).await;
        let answer = person.post("token", &form).await?;
        if answer.status < 300 {
            return person.given(&answer);
        }
        let body = parsed(&answer.body).unwrap_or_default();
        match body.get("error").and_then(Value::as_str) {
            Some("authorization_pending") => {}
            // RFC 8628, 3.5.
            Some("slow_down") => interval += 5,
            Some("authorization_declined" | "access_denied") => {
                return Err(ended(format!("it was declined at {}", person.host())));
            }
            Some("expired_token") => break,
            _ => return Err(fault::from_answer(person.host(), &answer)),
        }
    }
    Err(ended(format!(
        "the code has expired before anybody entered it at {}",
        person.host()
    )))
}

fn ended(message: String) -> Error {
    Error::SignIn(Box::new(SignInError {
        message,
        help: "run it again".to_owned(),
        ..SignInError::default()
    }))
}
