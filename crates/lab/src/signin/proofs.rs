//! Each way of proving who one is: what is typed, shown or answered, and whether it is right.

use serde_json::Value;

use super::{
    Code,
    flow::{Next, PASS, PASSWORD, Screen, Walk, person_of, text},
    goal::Fields,
    ways::{self, Way},
    webauthn::{self, Assertion},
};
use crate::{
    Fault,
    graph::write::{PASSWORD_METHOD, pass_runs},
};

impl Walk<'_> {
    pub(super) fn password(&mut self, typed: &str) -> Next {
        let Some(id) = self.attempt.person.as_ref().map(|person| person.id.clone()) else {
            return self.gone();
        };
        let now = self.now();
        if self.lab.desk.memory().locked(&id, now) {
            return self.refuse_step(Way::Password, Code::LockedOut, "Account is locked");
        }
        if !self.password_is(typed) {
            let locked = self.lab.desk.memory().wrong_password(&id, now);
            if locked {
                return self.refuse_step(Way::Password, Code::LockedOut, "Account is locked");
            }
            self.fail(
                Way::Password,
                Code::WrongPassword,
                "Invalid username or password or Invalid on-premise username or password.",
            );
            return Next::Show(Screen::Password {
                problem: Some(
                    "Your account or password is incorrect. If you don't remember your password, reset it now. \
                     (AADSTS50126)"
                        .to_owned(),
                ),
            });
        }
        self.lab.desk.memory().right_password(&id);
        self.proved(
            Way::Password,
            Some("Password in the cloud".to_owned()),
            "Correct password",
            None,
        )
    }

    /// Whether this is the password of the person: the one that was set through Graph, else the lab's own.
    pub(super) fn password_is(&self, typed: &str) -> bool {
        let id = self.attempt.person.as_ref().map(|person| person.id.clone());
        let key = (id.unwrap_or_default(), PASSWORD_METHOD.to_owned());
        let state = self.lab.state();
        state
            .secrets
            .get(&key)
            .map_or(typed == PASSWORD, |own| own.is(typed))
    }

    pub(super) fn federated(&mut self, typed: &str) -> Next {
        if self.lab.faults.on(Fault::FederationOutage) {
            return self.choose(Way::Federated);
        }
        if typed != PASSWORD {
            // The provider's own matter: Entra never hears of it.
            return Next::Show(Screen::Federated {
                domain: self.domain(),
                problem: Some("Incorrect user ID or password.".to_owned()),
            });
        }
        self.proved(
            Way::Federated,
            Some("Federated identity provider".to_owned()),
            "Authenticated by the federated identity provider",
            None,
        )
    }

    pub(super) fn pass(&mut self, typed: &str) -> Next {
        let now = self.now();
        let Some(user) = self.user() else {
            return self.gone();
        };
        let methods = user["authentication"]["methods"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let Some(own) = methods.iter().find(|method| {
            text(method, "@odata.type").ends_with("temporaryAccessPassAuthenticationMethod")
        }) else {
            return self.fail(Way::Pass, Code::PassWrong, "No pass is registered");
        };
        let key = (text(&user, "id").to_owned(), text(own, "id").to_owned());
        let right = {
            let state = self.lab.state();
            let typed = typed.trim();
            state
                .secrets
                .get(&key)
                .map_or(typed == PASS, |own| own.is(typed))
        };
        if !right {
            self.fail(
                Way::Pass,
                Code::PassWrong,
                "Incorrect Temporary Access Pass",
            );
            return Next::Show(Screen::Pass {
                problem: Some("Your Temporary Access Pass is incorrect. If you don't know it, contact your admin. (AADSTS130503)".to_owned()),
            });
        }
        let dated = own.get("startDateTime").is_some_and(Value::is_string);
        if (dated && !pass_runs(own, now)) || own.get("isUsable") == Some(&Value::Bool(false)) {
            return self.refuse_step(
                Way::Pass,
                Code::PassExpired,
                "Temporary Access Pass expired",
            );
        }
        if own.get("isUsableOnce").and_then(Value::as_bool) == Some(true) {
            let key = format!("{} {}", text(&user, "id"), text(own, "id"));
            let mut memory = self.lab.desk.memory();
            if memory.used_passes.contains_key(&key) {
                drop(memory);
                return self.refuse_step(
                    Way::Pass,
                    Code::PassUsed,
                    "Temporary Access Pass was used",
                );
            }
            super::memory::keep(&mut memory.used_passes, key, ());
        }
        self.proved(Way::Pass, None, "MFA requirement satisfied", None)
    }

    /// The page of the passkey ceremony, with a fresh challenge.
    pub(super) fn passkey_page(&mut self, problem: Option<String>) -> Next {
        let Some(rp_id) = self.site.rp_id(self.lab) else {
            return Next::Show(Screen::Passkey {
                options: None,
                rp_id: None,
                problem,
            });
        };
        let challenge = webauthn::challenge();
        let allowed: Vec<String> = match &self.attempt.person {
            None => Vec::new(),
            Some(person) => self
                .lab
                .state()
                .passkeys
                .iter()
                .filter(|(_, key)| key.user.eq_ignore_ascii_case(&person.id) && key.rp_id == rp_id)
                .map(|(id, _)| id.clone())
                .collect(),
        };
        let options = (self.attempt.person.is_none() || !allowed.is_empty())
            .then(|| webauthn::request_options(&rp_id, &challenge, &allowed));
        self.attempt.challenge = Some(challenge);
        Next::Show(Screen::Passkey {
            options,
            rp_id: Some(rp_id),
            problem,
        })
    }

    pub(super) fn passkey(&mut self, form: &Fields) -> Next {
        let (Some(challenge), Some(rp_id)) =
            (self.attempt.challenge.take(), self.site.rp_id(self.lab))
        else {
            return self.passkey_page(Some(
                "The request for the passkey has run out. Try again.".to_owned(),
            ));
        };
        let Some(assertion) = Assertion::read(form) else {
            return self.passkey_page(Some(
                "We couldn't sign you in with this passkey. Try again, or choose another way."
                    .to_owned(),
            ));
        };
        let found = self
            .lab
            .state()
            .passkeys
            .get(&assertion.credential)
            .cloned();
        let own = |user: &str| {
            self.attempt
                .person
                .as_ref()
                .is_none_or(|person| person.id.eq_ignore_ascii_case(user))
        };
        let Some(key) = found.filter(|key| own(&key.user)) else {
            return self.passkey_failed("Passkey is not known");
        };
        if self.attempt.person.is_none() {
            let user = self.lab.state().table("users").get(&key.user).cloned();
            let Some(user) = user else {
                return self.passkey_failed("Passkey belongs to a deleted user");
            };
            let person = person_of(&user);
            self.attempt.identifier.clone_from(&person.upn);
            self.attempt.person = Some(person);
        }
        match assertion.verify(&key, &rp_id, &self.site.origin, &challenge) {
            Err(why) => return self.passkey_failed(&why),
            Ok(count) => {
                if let Some(own) = self.lab.state().passkeys.get_mut(&assertion.credential) {
                    own.sign_count = count;
                }
            }
        }
        let Some(user) = self.user() else {
            return self.gone();
        };
        let methods = user["authentication"]["methods"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let Some(method) = methods
            .iter()
            .find(|method| text(method, "id") == key.method)
        else {
            return self.passkey_failed("Passkey was deleted from the account");
        };
        let allowed = self.identity().is_some_and(|identity| {
            ways::registered(&identity).iter().any(|method| {
                method.combination.uses("fido2")
                    && method
                        .aaguid
                        .as_deref()
                        .is_none_or(|own| own.eq_ignore_ascii_case(&key.aaguid))
            })
        });
        if !allowed {
            return self.refuse_step(
                Way::Passkey,
                Code::MethodRefused,
                "Passkey is not allowed by policy",
            );
        }
        let model = text(method, "model");
        let detail = format!(
            "{}{}AAGUID {}",
            text(method, "displayName"),
            if model.is_empty() {
                String::from(", ")
            } else {
                format!(" ({model}), ")
            },
            key.aaguid
        );
        self.proved(
            Way::Passkey,
            Some(detail),
            "MFA requirement satisfied",
            Some(&key.aaguid),
        )
    }

    pub(super) fn passkey_failed(&mut self, why: &str) -> Next {
        if self.attempt.person.is_some() {
            self.fail(Way::Passkey, Code::StrongAuthFailed, why);
        }
        self.passkey_page(Some(format!(
            "We couldn't sign you in with this passkey. Try again, or choose another way. (AADSTS500121: {why}.)"
        )))
    }

    pub(super) fn code(&mut self, typed: &str) -> Next {
        let Some((way, expected)) = self.attempt.expected.clone() else {
            return self.again(None);
        };
        let out = way.needs_mfa_service() && self.lab.faults.on(Fault::MfaOutage);
        if out || typed.trim() != expected {
            let why = if out {
                "The multifactor authentication service did not answer"
            } else {
                "Incorrect verification code"
            };
            self.fail(way, Code::StrongAuthFailed, why);
            return Next::Show(Screen::OneTimeCode {
                way,
                shown: expected,
                problem: Some(if out {
                    "Sorry, we're having trouble verifying your account. Please try again. (AADSTS500121)".to_owned()
                } else {
                    "You didn't enter the expected verification code. Please try again. (AADSTS500121)".to_owned()
                }),
            });
        }
        self.attempt.expected = None;
        self.proved(way, self.phone(), "MFA completed in Azure AD", None)
    }

    pub(super) fn answered(&mut self, answer: &str) -> Next {
        match self.attempt.expected.take() {
            Some((way, expected)) if expected == answer => {
                let result = match way {
                    Way::Push | Way::Call => "MFA completed in Azure AD",
                    _ => "MFA requirement satisfied",
                };
                let detail = if way == Way::Call { self.phone() } else { None };
                self.proved(way, detail, result, None)
            }
            _ => self.again(None),
        }
    }

    pub(super) fn denied(&mut self) -> Next {
        match self.attempt.expected.take() {
            Some((way, _)) => self.fail(
                way,
                Code::StrongAuthFailed,
                "MFA denied; user declined the authentication",
            ),
            None => self.again(None),
        }
    }

    /// A phone number as logs show it: the last two digits.
    pub(super) fn phone(&self) -> Option<String> {
        let user = self.user()?;
        let number = user["authentication"]["methods"]
            .as_array()?
            .iter()
            .find_map(|method| method.get("phoneNumber"))?
            .as_str()?
            .to_owned();
        let tail: String = number.chars().rev().take(2).collect();
        Some(format!(
            "+X XXXXXXXX{}",
            tail.chars().rev().collect::<String>()
        ))
    }
}
