//! Judgements in words: what decided a condition, and why a policy can't be met.

use super::{
    Because, Compiled, CompiledControl, Dimension, Engine, Evaluation, GateKind, Judged, Matter,
    Side, Subject,
};
use crate::{
    Truth,
    identity::{Fact, GuestKind, Membership},
    policy::{Control, Policy, State, Target, UserSet},
    sign_in::{Given, SignIn},
};

/// One condition of a policy against one sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionView {
    /// The condition, in the words of Microsoft's What If (`users`, `location`, …); `state` and
    /// `otherConditions` are ours.
    pub name: &'static str,
    /// Whether it matches.
    pub matches: Truth,
    /// The object or value that decided, as a clause.
    pub because: String,
}

impl Evaluation<'_> {
    /// Every condition of a policy that is configured, with what decided it.
    pub fn conditions(&self, policy: usize) -> Vec<ConditionView> {
        let compiled = &self.engine.policies[policy];
        let clause = self.clause(policy);
        let mut views = vec![ConditionView {
            name: "state",
            matches: compiled.enforced,
            because: state_clause(&compiled.policy.state, compiled.enforced),
        }];
        for dimension in Dimension::ALL {
            let judged = self.judged[clause.condition(dimension)];
            if judged.because.side == Side::Any {
                continue;
            }
            views.push(ConditionView {
                name: condition_name(dimension, &compiled.policy),
                matches: judged.truth,
                because: self.engine.because(
                    compiled,
                    dimension,
                    judged,
                    self.subject,
                    self.sign_in,
                ),
            });
        }
        if compiled.other != Truth::Yes {
            views.push(ConditionView {
                name: "otherConditions",
                matches: compiled.other,
                because: format!(
                    "the policy has conditions that are not known: {}",
                    compiled.policy.unknown.join(", ")
                ),
            });
        }
        views
    }

    /// What stands in the way of meeting a policy, as a clause; `None` when nothing does.
    pub fn unmet(&self, policy: usize) -> Option<String> {
        if self.met(policy) == Truth::Yes {
            return None;
        }
        let circumstances = super::Circumstances::of(self.sign_in);
        Some(
            self.engine
                .unmet(&self.engine.policies[policy], self.subject, circumstances),
        )
    }

    /// Every datum whose absence makes this sign-in unknown, as clauses.
    pub fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for (index, compiled) in self.engine.policies.iter().enumerate() {
            let (applies, met) = self.policies[index];
            if applies == Truth::Unknown && met != Truth::Yes {
                missing.extend(
                    self.conditions(index)
                        .into_iter()
                        .filter(|view| view.matches == Truth::Unknown)
                        .map(|view| format!("{}: {}", compiled.policy.name, view.because)),
                );
            }
            if applies != Truth::No && met == Truth::Unknown {
                missing.extend(
                    self.unmet(index)
                        .map(|why| format!("{}: {why}", compiled.policy.name)),
                );
            }
        }
        for gate in self.gates() {
            if gate.applies != Truth::No && gate.met == Truth::Unknown {
                missing.push(match gate.kind {
                    GateKind::AccountEnabled => {
                        "it is not known whether the account is enabled".to_owned()
                    }
                    kind => format!(
                        "{}: it is not known whether the account has a second factor",
                        kind.name()
                    ),
                });
            }
        }
        missing
    }
}

fn condition_name(dimension: Dimension, policy: &Policy) -> &'static str {
    match (dimension, &policy.target) {
        (Dimension::Target, Target::UserActions(_)) => "userActions",
        (Dimension::Target, Target::Contexts(_)) => "authenticationContext",
        (Dimension::Identity, _) if policy.users.workloads_only => "workloadIdentities",
        _ => dimension.name(),
    }
}

/// Why a policy in this state is enforced, or is not.
pub(crate) fn state_clause(state: &State, enforced: Truth) -> String {
    match (state, enforced) {
        (State::Enabled, _) => "the policy is enabled".to_owned(),
        (State::ReportOnly, Truth::Yes) => "report-only, judged as if it were enabled".to_owned(),
        (State::ReportOnly, _) => "report-only: evaluated and logged, never enforced".to_owned(),
        (State::Disabled, _) => "the policy is disabled".to_owned(),
        (State::Unknown(state), _) => format!("the state `{state}` may mean that it is enforced"),
    }
}

impl Engine {
    /// What decided a condition, as a clause.
    pub(crate) fn because(
        &self,
        compiled: &Compiled,
        dimension: Dimension,
        judged: Judged,
        subject: &Subject,
        sign_in: &SignIn,
    ) -> String {
        let policy = &compiled.policy;
        match dimension {
            Dimension::Identity => self.because_identity(policy, judged, subject),
            Dimension::Target => self.because_target(policy, judged, sign_in),
            Dimension::Network => self.because_network(policy, judged, sign_in),
            Dimension::Device => because_device(policy, judged, sign_in),
            _ => because_value(dimension, judged, sign_in),
        }
    }

    /// What decided whether a policy is for a person.
    pub(crate) fn because_identity(
        &self,
        policy: &Policy,
        judged: Judged,
        subject: &Subject,
    ) -> String {
        let Because {
            side,
            matter,
            index,
        } = judged.because;
        let (set, verb): (&UserSet, &str) = match side {
            Side::Exclude => (&policy.users.exclude, "excluded"),
            Side::Include | Side::Any => (&policy.users.include, "included"),
        };
        let may = if judged.truth == Truth::Unknown {
            "may be "
        } else {
            ""
        };
        let index = usize::from(index);
        let name = |list: &[String]| {
            list.get(index).map_or_else(String::new, |id| {
                self.environment.object_name(id).to_owned()
            })
        };
        match matter {
            Matter::Workload => {
                "the policy is for service principals or agents, never for users".to_owned()
            }
            Matter::Agent => "the account of an agent is not among all users".to_owned(),
            Matter::Widened => {
                "for Exchange ActiveSync a policy on roles or guests takes in everybody".to_owned()
            }
            Matter::All => format!("{verb} as one of all users"),
            Matter::User => format!("{may}{verb} by name"),
            Matter::Group => {
                let held = set
                    .groups
                    .get(index)
                    .map(|id| subject.identity.groups.of(id));
                format!(
                    "{may}{verb} through the group {}{}",
                    name(&set.groups),
                    self.way(held)
                )
            }
            Matter::Role => {
                let held = set.roles.get(index).map(|id| subject.identity.roles.of(id));
                format!(
                    "{may}{verb} through the role {}{}",
                    name(&set.roles),
                    self.way(held)
                )
            }
            Matter::AnyGuest | Matter::Guest => {
                let kind = match &subject.identity.guest {
                    Fact::Known(GuestKind::Guest(kind)) => format!(" ({kind})"),
                    Fact::Known(GuestKind::Member) => String::new(),
                    Fact::Unknown(why) => format!(" ({why})"),
                };
                format!("{may}{verb} as a guest{kind}")
            }
            _ if judged.truth == Truth::Unknown => {
                "the policy names nobody that is understood".to_owned()
            }
            _ => "not among the users, groups and roles that the policy includes".to_owned(),
        }
    }

    fn way(&self, held: Option<Membership<'_>>) -> String {
        match held {
            Some(Membership::Held(path)) if !path.through.is_empty() => {
                let names: Vec<&str> = path
                    .through
                    .iter()
                    .map(|id| self.environment.object_name(id))
                    .collect();
                format!(" (by way of {})", names.join(" and "))
            }
            Some(Membership::Unknown(why)) => format!(" ({why})"),
            _ => String::new(),
        }
    }

    fn because_target(&self, policy: &Policy, judged: Judged, sign_in: &SignIn) -> String {
        let Because {
            side,
            matter,
            index,
        } = judged.because;
        let index = usize::from(index);
        let verb = if side == Side::Exclude {
            "excluded"
        } else {
            "included"
        };
        let asked = || {
            let names: Vec<&str> = sign_in
                .audiences
                .iter()
                .map(|id| self.environment.app_name(id))
                .collect();
            if names.is_empty() {
                "no resource".to_owned()
            } else {
                names.join(", ")
            }
        };
        match (&policy.target, matter) {
            (Target::Unknown, _) => "the policy names no target that is understood".to_owned(),
            (Target::UserActions(actions), _) => match (&sign_in.user_action, judged.truth) {
                (Some(action), Truth::Yes) => format!("the user action is {action}"),
                _ => format!("only for the user action {}", actions.join(", ")),
            },
            (Target::Contexts(contexts), _) => match judged.truth {
                Truth::Yes => format!(
                    "the authentication context {} is asked for",
                    contexts.get(index).map_or("", String::as_str)
                ),
                _ => format!("only for the authentication context {}", contexts.join(", ")),
            },
            (Target::Resources(resources), matter) => match matter {
                Matter::All => format!("{} is {verb} as one of all resources", asked()),
                Matter::App => {
                    let list = if side == Side::Exclude { &resources.exclude } else { &resources.include };
                    let token = list.get(index).map_or("", String::as_str);
                    let token = self.environment.app_name(token);
                    match judged.truth {
                        Truth::Unknown => format!("whether {} is {verb} is not known", asked()),
                        _ => format!("{} is {verb} by {token}", asked()),
                    }
                }
                Matter::Filter if judged.truth == Truth::Unknown => format!(
                    "the filter for applications needs custom security attributes of {}, which were not read",
                    asked()
                ),
                Matter::Filter => format!("{} is {verb} by the filter for applications", asked()),
                Matter::Traffic => {
                    "resources of Global Secure Access are left out of a policy on the compliant network".to_owned()
                }
                Matter::Immune => format!("{} is reported to be never enforced", asked()),
                Matter::Baseline => {
                    "a request for baseline scopes is left alone by a policy with excluded resources".to_owned()
                }
                _ => format!("{} is not among the included resources", asked()),
            },
        }
    }

    fn because_network(&self, policy: &Policy, judged: Judged, sign_in: &SignIn) -> String {
        let Because {
            side,
            matter,
            index,
        } = judged.because;
        let Some(locations) = &policy.locations else {
            return "any location".to_owned();
        };
        let list = if side == Side::Exclude {
            &locations.exclude
        } else {
            &locations.include
        };
        let id = list.get(usize::from(index)).map_or("", String::as_str);
        let location = self
            .environment
            .locations
            .iter()
            .find(|l| l.id.eq_ignore_ascii_case(id));
        let name = location.map_or(id, |location| location.name.as_str());
        let verb = if side == Side::Exclude {
            "excluded"
        } else {
            "included"
        };
        let here = || {
            let ip = sign_in.ip.map_or_else(
                || "an address that was not given".to_owned(),
                |ip| ip.to_string(),
            );
            match &sign_in.country {
                Given::Value(code) => format!("{ip} in {code}"),
                Given::Nothing => format!("{ip} in no known country"),
                Given::Missing => ip,
            }
        };
        match (matter, judged.truth) {
            (Matter::All, _) => format!("any location is {verb}"),
            (Matter::Place, Truth::Unknown)
                if location.is_none() && !id.eq_ignore_ascii_case("AllTrusted") =>
            {
                format!("the location {id} does not resolve")
            }
            (Matter::Place, Truth::Unknown) if id.eq_ignore_ascii_case("AllTrusted") => format!(
                "whether {} is trusted is not known: the named locations are not in the input",
                here()
            ),
            (Matter::Place, Truth::Unknown) => {
                format!("whether {} lies in {name} is not known", here())
            }
            (Matter::Place, _) => format!("{} lies in {name}, which is {verb}", here()),
            _ => format!("{} lies in none of the included locations", here()),
        }
    }

    /// Why a policy can't be met, or may not be.
    pub(crate) fn unmet(
        &self,
        compiled: &Compiled,
        subject: &Subject,
        circumstances: super::Circumstances,
    ) -> String {
        if compiled.blocks {
            return "it blocks access".to_owned();
        }
        let legacy = circumstances
            .client
            .is_some_and(crate::sign_in::ClientApp::legacy);
        let mut parts = Vec::new();
        if let Some(grant) = &compiled.grant {
            for control in &grant.controls {
                match Self::control_met(control, subject, circumstances) {
                    Truth::Yes => {}
                    truth => parts.push(self.control_clause(control, truth, subject)),
                }
            }
            let all = grant.all != Some(false);
            let text = parts.join(if all { " and " } else { ", and " });
            if !parts.is_empty() {
                return if legacy {
                    format!("{text} (a legacy client can answer nothing)")
                } else {
                    text
                };
            }
        }
        let names = compiled.policy.session.names();
        format!("{} may refuse this client", names.join(", "))
    }

    fn control_clause(&self, control: &CompiledControl, truth: Truth, subject: &Subject) -> String {
        let unknown = truth == Truth::Unknown;
        let methods = match &subject.identity.methods {
            Fact::Unknown(why) => format!(" ({why})"),
            Fact::Known(_) => String::new(),
        };
        match control {
            CompiledControl::Strength(None) => {
                "the authentication strength does not resolve".to_owned()
            }
            CompiledControl::Strength(Some(index)) => {
                let name = &self.strengths[*index].name;
                if unknown {
                    format!("whether a method satisfies the strength {name} is not known{methods}")
                } else {
                    format!("no usable method satisfies the strength {name}")
                }
            }
            CompiledControl::Plain(Control::Mfa) if unknown => {
                format!("whether there is a usable second factor is not known{methods}")
            }
            CompiledControl::Plain(Control::Mfa) => "no usable second factor".to_owned(),
            CompiledControl::Plain(Control::CompliantDevice) if !unknown => {
                "no compliant device".to_owned()
            }
            CompiledControl::Plain(Control::DomainJoinedDevice) if !unknown => {
                "no hybrid joined device".to_owned()
            }
            CompiledControl::Plain(control) if unknown => {
                format!("whether {control} can be met is not known")
            }
            CompiledControl::Plain(control) => format!("no {control}")
                .replace("no a ", "no ")
                .replace("no an ", "no "),
        }
    }
}

fn because_device(policy: &Policy, judged: Judged, sign_in: &SignIn) -> String {
    let Some(filter) = &policy.device else {
        return "any device".to_owned();
    };
    if let Err(why) = &filter.rule {
        return format!("the device filter can't be read: {why}");
    }
    let device = match &sign_in.device {
        Given::Missing => return "the device was not given".to_owned(),
        Given::Nothing => "an unregistered device",
        Given::Value(_) => "the device",
    };
    let matches = (judged.truth == Truth::Yes) == (judged.because.side == Side::Include);
    format!(
        "{device} {} the filter {}, which {}",
        if matches { "meets" } else { "does not meet" },
        filter.text,
        if judged.because.side == Side::Exclude {
            "excludes"
        } else {
            "includes"
        },
    )
}

fn because_value(dimension: Dimension, judged: Judged, sign_in: &SignIn) -> String {
    let value = match dimension {
        Dimension::Platform => sign_in.platform.map(crate::sign_in::Platform::word),
        Dimension::Client => sign_in.client_app.map(crate::sign_in::ClientApp::word),
        Dimension::SignInRisk => sign_in.sign_in_risk.map(crate::sign_in::Risk::word),
        Dimension::UserRisk => sign_in.user_risk.map(crate::sign_in::Risk::word),
        Dimension::InsiderRisk => sign_in.insider_risk.map(crate::sign_in::InsiderRisk::word),
        _ => Some(if sign_in.flow() == crate::sign_in::Flow::None {
            sign_in.tracked_flow().word()
        } else {
            sign_in.flow().word()
        }),
    };
    let what = match dimension {
        Dimension::Platform => "platform",
        Dimension::Client => "client app",
        Dimension::SignInRisk => "sign-in risk",
        Dimension::UserRisk => "user risk",
        Dimension::InsiderRisk => "insider risk",
        _ => "authentication flow",
    };
    match (value, judged.truth) {
        (None, _) => format!("the {what} was not given"),
        (Some(value), Truth::Yes) => format!("the {what} {value} is listed"),
        (Some(value), Truth::No) => format!("the {what} {value} is not listed"),
        (Some(value), Truth::Unknown) => {
            format!("the policy lists a {what} that is not known, which may be {value}")
        }
    }
}
