//! Signing in and changing the tenant without a browser, for stories that are told in a terminal.
//!
//! The same steps as on the page, with one difference: nobody touches a key, so the touch is taken as given for a key
//! that is registered and that the tenant's policies let its owner use.

use std::net::IpAddr;

use axum::http::{HeaderMap, Uri};
use serde_json::Value;

use super::{
    circumstances::Circumstances,
    flow::{Attempt, Next, Screen, Walk, text},
    goal::{Goal, Target},
    site::Site,
    ways::Way,
};
use crate::{
    Lab,
    graph::{Version, write},
    lab::{Body, Caller},
};

/// What somebody signs in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum With<'a> {
    /// A security key that is registered, by name.
    Key(&'a str),
    /// A password that was typed.
    Password(&'a str),
}

/// A sign-in to the Microsoft Entra admin center.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act<'a> {
    /// User principal name.
    pub upn: &'a str,
    /// What it is tried with.
    pub with: With<'a>,
    /// Address that Entra sees.
    pub ip: IpAddr,
    /// Country of the address.
    pub country: &'a str,
}

/// How a sign-in ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Whether it got in.
    pub is_in: bool,
    /// Microsoft's number of the error; 0: none.
    pub code: u32,
    /// What the page says.
    pub reason: String,
    /// Names of the policies that refused.
    pub policies: Vec<String>,
}

impl Ended {
    fn refused(reason: impl Into<String>) -> Self {
        Self {
            is_in: false,
            code: 0,
            reason: reason.into(),
            policies: Vec::new(),
        }
    }
}

impl Lab {
    /// Signs somebody in, with the records that it leaves.
    pub fn sign_in(&self, act: &Act<'_>) -> Ended {
        let Some(target) = Target::visit(self, "entra") else {
            return Ended::refused("there is no such place");
        };
        let mut circumstances = Circumstances::of_agent(AGENT);
        circumstances.ip = act.ip;
        circumstances.country = Some(act.country.to_owned());
        let mut attempt = Attempt::new(Goal::Visit { back: None }, target, circumstances);
        let site = Site::of(
            &Uri::from_static("https://login.microsoft.com/"),
            &HeaderMap::new(),
        );
        let mut walk = Walk {
            lab: self,
            site: &site,
            attempt: &mut attempt,
        };
        walk.name(act.upn);
        let next = match act.with {
            With::Password(typed) => {
                walk.choose(Way::Password);
                walk.password(typed)
            }
            With::Key(name) => match key(&walk, name) {
                Some((model, aaguid)) => walk.proved(
                    Way::Passkey,
                    Some(format!("{model}, {aaguid}")),
                    "MFA requirement satisfied",
                    Some(&aaguid),
                ),
                None => {
                    return Ended::refused(format!("no key {name} is registered for {}", act.upn));
                }
            },
        };
        match next {
            Next::In => Ended {
                is_in: true,
                code: 0,
                reason: String::new(),
                policies: Vec::new(),
            },
            Next::Show(Screen::Refused(refusal)) => Ended {
                is_in: false,
                code: refusal.code.number(),
                reason: refusal.code.reason().to_owned(),
                policies: refusal.policies,
            },
            Next::Show(
                Screen::Password { problem }
                | Screen::Choose { problem, .. }
                | Screen::Name { problem },
            ) => Ended::refused(problem.unwrap_or_else(|| "more is asked for".to_owned())),
            Next::Show(_) => Ended::refused("more is asked for"),
        }
    }

    /// Changes the tenant as a signed-in person does, through Graph: roles and restricted units are judged, and audit
    /// records are left. `path` is below the version, as `users/<id>`.
    ///
    /// # Errors
    /// The status and the message of the refusal.
    pub fn change_as(
        &self,
        user: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, (u16, String)> {
        let segments: Vec<&str> = path.split('/').collect();
        // The app holds whatever the change needs; what the person may do is decided by roles.
        let permissions = write::needs(method, &segments)
            .iter()
            .flat_map(|group| group.iter())
            .map(|name| (*name).to_owned())
            .collect();
        let caller = Caller {
            app: crate::GRAPH_COMMAND_LINE.to_owned(),
            principal: None,
            user: Some(user.to_owned()),
            permissions,
            ip: "203.0.113.10".to_owned(),
        };
        match write::answer(self, &caller, method, Version::V1, &segments, "", body) {
            None => Err((404, format!("there is no {method} {path}"))),
            Some(Err(error)) => Err((error.status, error.message)),
            Some(Ok(answer)) => Ok(match answer.body {
                Body::Json(value) => value,
                Body::Empty | Body::Text(_) => Value::Null,
            }),
        }
    }
}

const AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0";

/// Model and AAGUID of a key that is registered and may be used.
fn key(walk: &Walk<'_>, name: &str) -> Option<(String, String)> {
    let user = walk.user()?;
    let own = |value: &Value, key: &str| text(value, key).to_owned();
    let methods = user.pointer("/authentication/methods")?.as_array()?;
    methods
        .iter()
        .find(|method| {
            text(method, "@odata.type").ends_with("fido2AuthenticationMethod")
                && (name.is_empty() || text(method, "displayName") == name)
        })
        .map(|method| (own(method, "model"), own(method, "aaGuid")))
}
