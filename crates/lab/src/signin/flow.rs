//! The steps of a sign-in: name, first proof, second proof, and what comes of it.
//!
//! Invariants:
//! - every step that fails or is interrupted leaves a record, all with the correlation id of the attempt;
//! - nobody gets in but by [`super::End::In`], judged after each proof by everything that was used.
//!
//! One thing leaves no record, as with the service: a federated provider that does not answer, since its page never
//! sends anybody back.

pub(super) use crate::state::text;
use breakglass_conditional_access::{Identity, strength::UsableMethod};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::{
    Code,
    circumstances::{Circumstances, DeviceChoice},
    goal::{Fields, Goal, Target},
    site::Site,
    ways::{self, Way},
};
use crate::{
    Fault, Lab,
    records::{Person, Step},
};

/// The password of everybody in the twin who was not given another one since it started.
pub(crate) const PASSWORD: &str = "Twin-Password-1";
/// The Temporary Access Pass of everybody whose pass was made before the twin started.
pub(crate) const PASS: &str = "TWIN-PASS";

/// A sign-in that is under way.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) goal: Goal,
    pub(crate) target: Target,
    pub(crate) circumstances: Circumstances,
    pub(crate) correlation: String,
    pub(crate) session: String,
    pub(crate) identifier: String,
    pub(crate) person: Option<Person>,
    /// What was used, as combinations.
    pub(crate) used: Vec<UsableMethod>,
    pub(crate) ways: Vec<Way>,
    pub(crate) steps: Vec<Step>,
    /// Challenge of the passkey ceremony under way.
    pub(crate) challenge: Option<Vec<u8>>,
    /// The way that waits for an answer, and what it has to be.
    pub(crate) expected: Option<(Way, String)>,
}

impl Attempt {
    pub(crate) fn new(goal: Goal, target: Target, circumstances: Circumstances) -> Self {
        Self {
            goal,
            target,
            circumstances,
            correlation: Uuid::new_v4().to_string(),
            session: Uuid::new_v4().to_string(),
            identifier: String::new(),
            person: None,
            used: Vec::new(),
            ways: Vec::new(),
            steps: Vec::new(),
            challenge: None,
            expected: None,
        }
    }

    pub(super) fn first(&self) -> Option<Way> {
        self.ways.first().copied()
    }

    /// `amr` of the tokens.
    pub(crate) fn amr(&self) -> Vec<&'static str> {
        let mut all: Vec<&'static str> = Vec::new();
        for word in self.ways.iter().flat_map(|way| way.amr()) {
            if !all.contains(word) {
                all.push(word);
            }
        }
        all
    }
}

/// What the person sees next.
#[derive(Clone, Debug)]
pub(crate) enum Screen {
    Name {
        problem: Option<String>,
    },
    Choose {
        ways: Vec<Way>,
        problem: Option<String>,
    },
    Password {
        problem: Option<String>,
    },
    Federated {
        domain: String,
        problem: Option<String>,
    },
    Pass {
        problem: Option<String>,
    },
    Passkey {
        options: Option<Value>,
        rp_id: Option<String>,
        problem: Option<String>,
    },
    Push {
        number: String,
    },
    OneTimeCode {
        way: Way,
        shown: String,
        problem: Option<String>,
    },
    /// Windows Hello, a certificate, a call, an external provider: one button stands for it.
    Simple {
        way: Way,
    },
    ConfirmApp,
    Refused(Refusal),
}

/// The page of a sign-in that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    pub(crate) request_id: String,
    pub(crate) at: Timestamp,
    /// Names of the policies that refused; the real page does not tell them.
    pub(crate) policies: Vec<String>,
}

/// What comes after a step.
#[derive(Clone, Debug)]
pub(crate) enum Next {
    Show(Screen),
    /// The person is in.
    In,
}

/// A sign-in under way, with the twin and the site that it is served from.
pub(crate) struct Walk<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) site: &'a Site,
    pub(crate) attempt: &'a mut Attempt,
}

fn user_of(lab: &Lab, upn: &str) -> Option<Value> {
    let upn = upn.trim();
    lab.state()
        .table("users")
        .all()
        .find(|user| {
            user.get("userPrincipalName")
                .and_then(Value::as_str)
                .is_some_and(|own| own.eq_ignore_ascii_case(upn))
        })
        .cloned()
}

pub(crate) fn person_of(user: &Value) -> Person {
    Person {
        id: text(user, "id").to_owned(),
        upn: text(user, "userPrincipalName").to_owned(),
        name: text(user, "displayName").to_owned(),
        guest: text(user, "userType").eq_ignore_ascii_case("guest"),
    }
}

/// A random number below `limit`.
fn number(limit: u128) -> u128 {
    Uuid::new_v4().as_u128() % limit
}

impl Walk<'_> {
    /// Takes one step. `name` is the step that the form says it is.
    pub(crate) fn take(&mut self, name: &str, form: &Fields) -> Next {
        let get = |key: &str| form.get(key).map_or("", String::as_str);
        if let Err(problem) = self.attempt.circumstances.set(form) {
            return Next::Show(Screen::Name {
                problem: Some(problem),
            });
        }
        match name {
            "name" => return self.name(get("username")),
            "discover" => return self.passkey_page(None),
            "passkey" if self.attempt.person.is_none() => return self.passkey(form),
            _ => {}
        }
        if self.attempt.person.is_none() {
            return Next::Show(Screen::Name { problem: None });
        }
        match name {
            "choose" => match Way::from_word(get("way")) {
                Some(way) => self.choose(way),
                None => self.again(None),
            },
            "password" => self.password(get("password")),
            "federated" => self.federated(get("password")),
            "pass" => self.pass(get("pass")),
            "passkey" => self.passkey(form),
            "code" => self.code(get("code")),
            "approve" | "simple" => self.answered(get("answer")),
            "deny" => self.denied(),
            "confirm" => self.confirmed(),
            _ => self.again(None),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.lab.now()
    }

    pub(super) fn user(&self) -> Option<Value> {
        let person = self.attempt.person.as_ref()?;
        self.lab.state().table("users").get(&person.id).cloned()
    }

    pub(super) fn identity(&self) -> Option<Identity> {
        self.lab.judge().identity(&self.attempt.person.as_ref()?.id)
    }

    pub(super) fn has_device(&self) -> bool {
        self.attempt.circumstances.device != DeviceChoice::None
    }

    pub(super) fn name(&mut self, typed: &str) -> Next {
        let typed: String = typed.trim().chars().take(200).collect();
        self.attempt.identifier.clone_from(&typed);
        if typed.is_empty() {
            return Next::Show(Screen::Name {
                problem: Some("Enter a valid email address or user name.".to_owned()),
            });
        }
        let Some(user) = user_of(self.lab, &typed) else {
            self.record(Code::NoSuchUser, None, false);
            return Next::Show(Screen::Name {
                problem: Some(format!(
                    "This username may be incorrect. Make sure you typed it correctly, or contact your admin. \
                     (AADSTS{})",
                    Code::NoSuchUser.number()
                )),
            });
        };
        self.attempt.person = Some(person_of(&user));
        self.attempt.used.clear();
        self.attempt.ways.clear();
        self.attempt.steps.clear();
        self.again(None)
    }

    /// The choice of methods, or the only one there is.
    pub(super) fn again(&mut self, problem: Option<String>) -> Next {
        let Some(identity) = self.identity() else {
            return self.gone();
        };
        let mut ways = ways::offered(&identity, self.attempt.first(), self.has_device());
        ways.retain(|way| !self.attempt.ways.contains(way));
        match ways.as_slice() {
            [] => self.refuse(Code::MustEnrol),
            [only @ (Way::Password | Way::Federated)] if problem.is_none() => self.choose(*only),
            _ => Next::Show(Screen::Choose { ways, problem }),
        }
    }

    pub(super) fn gone(&mut self) -> Next {
        self.refuse(Code::NoSuchUser)
    }

    pub(super) fn choose(&mut self, way: Way) -> Next {
        let Some(identity) = self.identity() else {
            return self.gone();
        };
        if !ways::offered(&identity, self.attempt.first(), self.has_device()).contains(&way) {
            return self.again(Some("This method can't be used here.".to_owned()));
        }
        if way.needs_mfa_service()
            && !matches!(way, Way::Code | Way::HardwareCode)
            && self.lab.faults.on(Fault::MfaOutage)
        {
            return self.fail(
                way,
                Code::StrongAuthFailed,
                "The multifactor authentication service did not answer",
            );
        }
        match way {
            Way::Password => Next::Show(Screen::Password { problem: None }),
            Way::Pass => Next::Show(Screen::Pass { problem: None }),
            Way::Passkey => self.passkey_page(None),
            Way::Federated => {
                if self.lab.faults.on(Fault::FederationOutage) {
                    // No record: nobody comes back from that page.
                    return self.refused(
                        Code::FederationDown,
                        Uuid::new_v4().to_string(),
                        Vec::new(),
                    );
                }
                Next::Show(Screen::Federated {
                    domain: self.domain(),
                    problem: None,
                })
            }
            Way::Push => {
                let shown = format!("{:02}", 10 + number(90));
                self.attempt.expected = Some((way, shown.clone()));
                Next::Show(Screen::Push { number: shown })
            }
            Way::Code | Way::HardwareCode | Way::Sms => {
                let shown = format!("{:06}", number(1_000_000));
                self.attempt.expected = Some((way, shown.clone()));
                Next::Show(Screen::OneTimeCode {
                    way,
                    shown,
                    problem: None,
                })
            }
            Way::WindowsHello | Way::Certificate | Way::Call | Way::External => {
                self.attempt.expected = Some((way, way.word().to_owned()));
                Next::Show(Screen::Simple { way })
            }
        }
    }

    pub(super) fn domain(&self) -> String {
        let upn = self
            .attempt
            .person
            .as_ref()
            .map_or("", |person| person.upn.as_str());
        upn.rsplit('@').next().unwrap_or_default().to_owned()
    }
}
