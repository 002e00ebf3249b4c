//! The steps of a sign-in: name, first proof, second proof, and what comes of it.
//!
//! Invariants:
//! - every step that fails or is interrupted leaves a record, all with the correlation id of the attempt;
//! - nobody gets in but by [`End::In`], judged after each proof by everything that was used.
//!
//! One thing leaves no record, as with the service: a federated provider that does not answer, since its page never
//! sends anybody back.

use breakglass_conditional_access::{Identity, strength::UsableMethod};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::{
    Asked, Code, End,
    circumstances::{Circumstances, DeviceChoice},
    goal::{Fields, Goal, Target},
    memory::secret,
    site::Site,
    ways::{self, Way},
    webauthn::{self, Assertion},
};
use crate::{
    Fault, Lab, LogKind,
    graph::write::{PASSWORD_METHOD, pass_runs},
    records::{self, Draft, Person, Step},
};

/// The password of everybody in the twin who was not given another one since it started.
pub(crate) const PASSWORD: &str = "Twin-Password-1";
/// The Temporary Access Pass of everybody whose pass was made before the twin started.
pub(crate) const PASS: &str = "TWIN-PASS";
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

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

    fn first(&self) -> Option<Way> {
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

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
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

    fn now(&self) -> Timestamp {
        self.lab.now()
    }

    fn user(&self) -> Option<Value> {
        let person = self.attempt.person.as_ref()?;
        self.lab.state().table("users").get(&person.id).cloned()
    }

    fn identity(&self) -> Option<Identity> {
        self.lab.judge().identity(&self.attempt.person.as_ref()?.id)
    }

    fn has_device(&self) -> bool {
        self.attempt.circumstances.device != DeviceChoice::None
    }

    fn name(&mut self, typed: &str) -> Next {
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
    fn again(&mut self, problem: Option<String>) -> Next {
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

    fn gone(&mut self) -> Next {
        self.refuse(Code::NoSuchUser)
    }

    fn choose(&mut self, way: Way) -> Next {
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

    fn domain(&self) -> String {
        let upn = self
            .attempt
            .person
            .as_ref()
            .map_or("", |person| person.upn.as_str());
        upn.rsplit('@').next().unwrap_or_default().to_owned()
    }

    fn password(&mut self, typed: &str) -> Next {
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
    fn password_is(&self, typed: &str) -> bool {
        let id = self.attempt.person.as_ref().map(|person| person.id.clone());
        let key = (id.unwrap_or_default(), PASSWORD_METHOD.to_owned());
        let state = self.lab.state();
        state
            .secrets
            .get(&key)
            .map_or(typed == PASSWORD, |own| own.is(typed))
    }

    fn federated(&mut self, typed: &str) -> Next {
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

    fn pass(&mut self, typed: &str) -> Next {
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
    fn passkey_page(&mut self, problem: Option<String>) -> Next {
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

    fn passkey(&mut self, form: &Fields) -> Next {
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

    fn passkey_failed(&mut self, why: &str) -> Next {
        if self.attempt.person.is_some() {
            self.fail(Way::Passkey, Code::StrongAuthFailed, why);
        }
        self.passkey_page(Some(format!(
            "We couldn't sign you in with this passkey. Try again, or choose another way. (AADSTS500121: {why}.)"
        )))
    }

    fn code(&mut self, typed: &str) -> Next {
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

    fn answered(&mut self, answer: &str) -> Next {
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

    fn denied(&mut self) -> Next {
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
    fn phone(&self) -> Option<String> {
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

    fn push_step(&mut self, way: Way, detail: Option<String>, succeeded: bool, result: &str) {
        let at = self.now();
        let primary = self.attempt.ways.is_empty();
        self.attempt.steps.push(Step {
            at,
            method: way.log().to_owned(),
            detail,
            succeeded,
            result: result.to_owned(),
            primary,
        });
    }

    /// A step failed; the person may go on.
    fn fail(&mut self, way: Way, code: Code, why: &str) -> Next {
        self.push_step(way, None, false, why);
        self.record(code, None, false);
        // The next record tells what happens from here on.
        self.attempt.steps.pop();
        self.again(Some(format!("{} (AADSTS{})", code.reason(), code.number())))
    }

    /// A step failed, and with it the sign-in.
    fn refuse_step(&mut self, way: Way, code: Code, why: &str) -> Next {
        self.push_step(way, None, false, why);
        self.refuse(code)
    }

    fn refuse(&mut self, code: Code) -> Next {
        let request_id = self.record(code, None, false);
        self.refused(code, request_id, Vec::new())
    }

    /// Something was proved: what comes of it?
    fn proved(
        &mut self,
        way: Way,
        detail: Option<String>,
        result: &str,
        aaguid: Option<&str>,
    ) -> Next {
        let Some(identity) = self.identity() else {
            return self.gone();
        };
        self.push_step(way, detail, true, result);
        let combinations = ways::combinations(way, self.attempt.first(), &identity, aaguid);
        self.attempt.used.extend(combinations);
        self.attempt.ways.push(way);
        self.attempt.expected = None;
        let Some(user) = self.user() else {
            return self.gone();
        };
        if user.get("accountEnabled") == Some(&Value::Bool(false)) {
            return self.refuse(Code::Disabled);
        }
        self.judged(&identity)
    }

    fn judged(&mut self, identity: &Identity) -> Next {
        let verdict = verdict(self.lab, self.attempt, identity);
        let refused_by = || {
            let failed = verdict
                .policies
                .iter()
                .filter(|policy| policy.result == "failure");
            failed.map(|policy| policy.name.clone()).collect::<Vec<_>>()
        };
        match verdict.end {
            End::In => {
                if let Goal::Device {
                    confirmed: false, ..
                } = self.attempt.goal
                {
                    self.record(Code::ConfirmApp, Some(&verdict), false);
                    return Next::Show(Screen::ConfirmApp);
                }
                self.record(Code::Success, Some(&verdict), true);
                Next::In
            }
            End::More(code) => {
                let left: Vec<Way> =
                    ways::offered(identity, self.attempt.first(), self.has_device())
                        .into_iter()
                        .filter(|way| !self.attempt.ways.contains(way))
                        .collect();
                if left.is_empty() {
                    let request_id = self.record(Code::MustEnrol, Some(&verdict), false);
                    return self.refused(Code::MustEnrol, request_id, refused_by());
                }
                self.record(code, Some(&verdict), false);
                self.again(None)
            }
            End::Refused(code) => {
                let request_id = self.record(code, Some(&verdict), false);
                self.refused(code, request_id, refused_by())
            }
        }
    }

    fn refused(&self, code: Code, request_id: String, policies: Vec<String>) -> Next {
        Next::Show(Screen::Refused(Refusal {
            code,
            request_id,
            at: self.now(),
            policies,
        }))
    }

    fn confirmed(&mut self) -> Next {
        if self.attempt.ways.is_empty() {
            return self.again(None);
        }
        if let Goal::Device { confirmed, .. } = &mut self.attempt.goal {
            *confirmed = true;
        }
        match self.identity() {
            Some(identity) => self.judged(&identity),
            None => self.gone(),
        }
    }

    /// Writes the record of this step; its id is the request id of the page.
    fn record(&self, code: Code, verdict: Option<&super::Verdict>, tokens: bool) -> String {
        let draft = draft(self.lab, self.attempt, code, verdict, tokens);
        records::write(self.lab, &draft);
        draft.id
    }
}

/// What Conditional Access says of an attempt by now.
pub(crate) fn verdict(lab: &Lab, attempt: &Attempt, identity: &Identity) -> super::Verdict {
    let sign_in = attempt.circumstances.sign_in(
        std::slice::from_ref(&attempt.target.resource.0),
        attempt.goal.flow(),
        &[],
    );
    lab.judge().verdict(&Asked {
        identity,
        used: &attempt.used,
        sign_in: &sign_in,
    })
}

/// The record of an attempt as it is.
pub(crate) fn draft(
    lab: &Lab,
    attempt: &Attempt,
    code: Code,
    verdict: Option<&super::Verdict>,
    tokens: bool,
) -> Draft {
    let at = lab.now();
    let (tenant, principal) = {
        let state = lab.state();
        let principal = state
            .table("servicePrincipals")
            .all()
            .find(|own| text(own, "appId").eq_ignore_ascii_case(&attempt.target.resource.0))
            .map(|own| text(own, "id").to_owned());
        (state.tenant.clone(), principal.unwrap_or_default())
    };
    // Since April 2025 a sign-in with a key that obtains a refresh token is logged as non-interactive (Microsoft Entra,
    // *Non-interactive user sign-ins*).
    let silent = tokens && attempt.target.offline && attempt.ways.contains(&Way::Passkey);
    let (resource_id, resource_name) = attempt.target.resource.clone();
    Draft {
        id: Uuid::new_v4().to_string(),
        correlation: attempt.correlation.clone(),
        at,
        kind: if silent {
            LogKind::NonInteractive
        } else {
            LogKind::Interactive
        },
        person: attempt.person.clone().unwrap_or_else(|| Person {
            id: NOBODY.to_owned(),
            upn: attempt.identifier.clone(),
            name: attempt.identifier.clone(),
            guest: false,
        }),
        identifier: attempt.identifier.clone(),
        tenant,
        app: attempt.target.client.clone(),
        resource: (resource_id, resource_name, principal),
        scopes: attempt.target.permissions.clone(),
        circumstances: attempt.circumstances.clone(),
        code,
        additional: match code {
            Code::Success if attempt.ways.contains(&Way::Passkey) => {
                "MFA requirement satisfied by strong authentication".to_owned()
            }
            Code::Success if attempt.ways.len() > 1 => "MFA completed in Azure AD".to_owned(),
            Code::MfaRequired | Code::MfaRequiredByPolicy => "MFA required in Azure AD".to_owned(),
            _ => String::new(),
        },
        steps: attempt.steps.clone(),
        policies: verdict
            .map(|verdict| verdict.policies.clone())
            .unwrap_or_default(),
        ca_status: verdict.map_or("notApplied", |verdict| verdict.ca_status),
        mfa_required: verdict.is_some_and(|verdict| verdict.mfa_required),
        requirements: verdict
            .map(|verdict| verdict.requirements.clone())
            .unwrap_or_default(),
        protocol: attempt.goal.protocol(),
        token: secret(),
        session: attempt.session.clone(),
    }
}
