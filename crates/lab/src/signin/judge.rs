//! What Conditional Access says of a sign-in with the methods that were really used.
//!
//! The judging is `breakglass-conditional-access`'s: the same code that proofs are made with, asked about one sign-in.
//!
//! Invariants:
//! - a policy is met by what was used, never by what is merely registered;
//! - a block ends a sign-in at once; else what can still be asked for is asked for in Microsoft's order, second factors
//!   before devices (Microsoft: *Building a Conditional Access policy*, enforcement);
//! - session controls that act outside the sign-in page (app control, traffic profiles, continuous evaluation) deny
//!   nothing here, and a policy whose conditions can't be told is logged as `unknown` and not enforced.

use std::sync::Arc;

use breakglass_conditional_access::{
    Enforce, Engine, Evaluation, Identity, Policy, SignIn, Subject, Truth,
    engine::GateKind,
    identity::Fact,
    policy::{Control, Operator, State as PolicyState},
    sign_in::ClientApp,
    strength::UsableMethod,
    tenant::{People, Tenant},
};
use breakglass_model::{
    ObjectId, TenantSnapshot,
    export::{self, InputFile},
};

use super::Code;
use crate::{Lab, records::Applied};

/// The tenant, ready to be asked.
pub(crate) struct Judge {
    snapshot: TenantSnapshot,
    tenant: Tenant,
    /// What both engines are made of: parts of policies, each with the place of its policy.
    parts: Vec<(usize, Policy)>,
    enforced: Engine,
    /// The same with report-only policies as if they were enforced.
    report_only: Engine,
}

/// How a sign-in goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// A token is issued.
    In,
    /// Another factor is asked for, and the interrupt is logged with this code.
    More(Code),
    /// It is over.
    Refused(Code),
}

/// What came of a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) end: End,
    pub(crate) policies: Vec<Applied>,
    pub(crate) ca_status: &'static str,
    pub(crate) mfa_required: bool,
    pub(crate) requirements: Vec<(&'static str, String)>,
}

/// Everything that one judgement needs.
pub(crate) struct Asked<'a> {
    pub(crate) identity: &'a Identity,
    /// What was used, as combinations.
    pub(crate) used: &'a [UsableMethod],
    pub(crate) sign_in: &'a SignIn,
}

impl Lab {
    /// The judge of the tenant as it is now; made anew only after a change.
    pub(crate) fn judge(&self) -> Arc<Judge> {
        let (revision, document) = {
            let state = self.state();
            if let Some(judge) = self.desk.judge_of(state.revision) {
                return judge;
            }
            (state.revision, state.to_snapshot(self.now()))
        };
        let judge = Arc::new(Judge::of(&document.to_string()));
        self.desk.keep_judge(revision, &judge);
        judge
    }
}

/// A policy with `AND` as one policy for each control, so that each can be asked about.
fn parts(policies: &[Policy]) -> Vec<(usize, Policy)> {
    let mut all = Vec::new();
    for (place, policy) in policies.iter().enumerate() {
        let mut own = policy.clone();
        own.session.app_control = false;
        own.session.strict_location = false;
        own.session.traffic_profile = false;
        own.session.unknown.clear();
        match &policy.grant {
            Some(grant) if grant.operator == Operator::And && grant.controls.len() > 1 => {
                for control in &grant.controls {
                    let mut part = own.clone();
                    if let Some(grant) = &mut part.grant {
                        grant.controls = vec![control.clone()];
                    }
                    all.push((place, part));
                }
            }
            _ => all.push((place, own)),
        }
    }
    all
}

/// What one part came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    NotApplied,
    Unknown,
    Met,
    More,
    Refused(u8),
}

impl Judge {
    fn of(snapshot: &str) -> Self {
        let snapshot = export::read([InputFile {
            path: "twin.snapshot.json".to_owned(),
            bytes: snapshot.as_bytes().to_vec(),
        }]);
        let tenant = Tenant::read(&snapshot);
        let parts = parts(&tenant.policies);
        let policies: Vec<Policy> = parts.iter().map(|(_, part)| part.clone()).collect();
        Self {
            enforced: Engine::new(&policies, &tenant.environment, Enforce::Enabled),
            report_only: Engine::new(&policies, &tenant.environment, Enforce::ReportOnlyToo),
            parts,
            snapshot,
            tenant,
        }
    }

    /// Memberships, roles and registered methods of a user.
    pub(crate) fn identity(&self, id: &str) -> Option<Identity> {
        let id = ObjectId::parse(id).ok()?;
        Some(People::new(&self.snapshot, &[&self.tenant]).identity(&id))
    }

    /// The name of an application.
    pub(crate) fn app_name(&self, id: &str) -> String {
        self.tenant.environment.app_name(id).to_owned()
    }

    /// Judges a sign-in.
    pub(crate) fn verdict(&self, asked: &Asked<'_>) -> Verdict {
        let mut now = asked.identity.clone();
        now.methods = Fact::Known(asked.used.to_vec());
        // What could still be shown: everything registered, taken as working.
        let mut later = asked.identity.clone();
        let mut all = asked.used.to_vec();
        all.extend(
            asked
                .identity
                .methods
                .known()
                .into_iter()
                .flatten()
                .cloned(),
        );
        for method in &mut all {
            method.certain = true;
        }
        later.methods = Fact::Known(all);

        let subjects = |engine: &Engine| (engine.subject(&now), engine.subject(&later));
        let (used, able) = subjects(&self.enforced);
        let enforced = Both::of(&self.enforced, &used, &able, asked.sign_in);
        let (used, able) = subjects(&self.report_only);
        let reported = Both::of(&self.report_only, &used, &able, asked.sign_in);

        let mut worst = Part::NotApplied;
        let mut refusal = None;
        let mut any_more = false;
        let mut by_policy = false;
        let mut wholes = vec![Part::NotApplied; self.tenant.policies.len()];
        for (index, (place, own)) in self.parts.iter().enumerate() {
            if own.state == PolicyState::ReportOnly {
                wholes[*place] = wholes[*place].max(reported.part(index, own));
                continue;
            }
            let part = enforced.part(index, own);
            wholes[*place] = wholes[*place].max(part);
            any_more |= part == Part::More;
            by_policy |= part >= Part::Met && asks_mfa(own);
            if part > worst {
                worst = part;
                refusal = matches!(part, Part::Refused(_)).then(|| refusal_of(own));
            }
        }
        let applied: Vec<Applied> = self
            .tenant
            .policies
            .iter()
            .zip(wholes)
            .enumerate()
            .map(|(place, (policy, whole))| {
                let both = if policy.state == PolicyState::ReportOnly {
                    &reported
                } else {
                    &enforced
                };
                self.applied(policy, whole, &both.used, place)
            })
            .collect();
        let mut mfa = by_policy;
        let mut requirements = Vec::new();
        if by_policy {
            requirements.push(("multiConditionalAccess", "Conditional Access".to_owned()));
        }
        let mut more = Code::MfaRequiredByPolicy;
        for (own, later) in enforced.used.gates().iter().zip(enforced.able.gates()) {
            if own.applies != Truth::Yes || own.kind == GateKind::AccountEnabled {
                continue;
            }
            mfa = true;
            let (provider, detail) = match own.kind {
                GateKind::SecurityDefaults => ("securityDefaults", "Security defaults"),
                GateKind::PerUserMfa => ("user", "Per-user multifactor authentication"),
                GateKind::MandatoryMfa | GateKind::AccountEnabled => {
                    ("request", "App requires multifactor authentication")
                }
            };
            requirements.push((provider, detail.to_owned()));
            if own.met != Truth::Yes {
                let part = if later.met == Truth::No {
                    Part::Refused(ENROL)
                } else {
                    Part::More
                };
                any_more |= part == Part::More;
                if part > worst {
                    worst = part;
                    more = Code::MfaRequired;
                    refusal = Some(
                        if own.kind == GateKind::SecurityDefaults
                            && asked.sign_in.client_app.is_some_and(ClientApp::legacy)
                        {
                            Code::SecurityDefaults
                        } else {
                            Code::MustEnrol
                        },
                    );
                }
            }
        }
        // Second factors are asked for before a device is missed.
        let wants_more = worst == Part::More
            || (matches!(worst, Part::Refused(rank) if rank < ENROL) && any_more);
        let end = match (wants_more, refusal) {
            (true, _) => End::More(more),
            (false, Some(code)) if matches!(worst, Part::Refused(_)) => End::Refused(code),
            _ => End::In,
        };
        let has = |result: &str| {
            applied
                .iter()
                .any(|policy: &Applied| policy.result == result)
        };
        Verdict {
            end,
            ca_status: if has("failure") {
                "failure"
            } else if has("success") {
                "success"
            } else {
                "notApplied"
            },
            policies: applied,
            mfa_required: mfa,
            requirements,
        }
    }

    fn applied(
        &self,
        policy: &Policy,
        whole: Part,
        used: &Evaluation<'_>,
        place: usize,
    ) -> Applied {
        let part = self
            .parts
            .iter()
            .position(|(own, _)| *own == place)
            .unwrap_or_default();
        let result = match (&policy.state, whole) {
            (PolicyState::Disabled, _) => "notEnabled",
            (PolicyState::ReportOnly, Part::NotApplied) => "reportOnlyNotApplied",
            (PolicyState::ReportOnly, Part::Met) => "reportOnlySuccess",
            (PolicyState::ReportOnly, Part::More) => "reportOnlyInterrupted",
            (PolicyState::ReportOnly, Part::Refused(_)) => "reportOnlyFailure",
            (_, Part::NotApplied) => "notApplied",
            (_, Part::Unknown) => "unknown",
            (_, Part::Met) => "success",
            (_, Part::More | Part::Refused(_)) => "failure",
        };
        let mut satisfied = Vec::new();
        let mut not_satisfied = Vec::new();
        if policy.state != PolicyState::Disabled {
            for view in used.conditions(part) {
                let Some(name) = condition(view.name) else {
                    continue;
                };
                match view.matches {
                    Truth::Yes => satisfied.push(name),
                    Truth::No => not_satisfied.push(name),
                    Truth::Unknown => {}
                }
            }
        }
        Applied {
            id: policy.id.clone(),
            name: policy.name.clone(),
            grant: policy
                .grant
                .iter()
                .flat_map(|grant| &grant.controls)
                .map(control_name)
                .collect(),
            session: session_names(policy),
            strength: policy
                .grant
                .iter()
                .flat_map(|grant| &grant.controls)
                .find_map(|control| match control {
                    Control::Strength(own) => Some((
                        own.id.clone(),
                        own.name.clone(),
                        match whole {
                            Part::Met => "satisfied",
                            Part::More => "singleChallengeRequired",
                            Part::Refused(_) => "cannotSatisfy",
                            Part::NotApplied | Part::Unknown => "notSet",
                        },
                    )),
                    _ => None,
                }),
            result,
            satisfied,
            not_satisfied,
        }
    }
}

/// An evaluation with what was used, and one with everything that could still be used.
struct Both<'a> {
    used: Evaluation<'a>,
    able: Evaluation<'a>,
}

impl<'a> Both<'a> {
    fn of(engine: &'a Engine, used: &'a Subject, able: &'a Subject, sign_in: &'a SignIn) -> Self {
        Self {
            used: engine.evaluate(used, sign_in),
            able: engine.evaluate(able, sign_in),
        }
    }

    fn part(&self, index: usize, policy: &Policy) -> Part {
        match self.used.applies(index) {
            Truth::No => Part::NotApplied,
            Truth::Unknown => Part::Unknown,
            Truth::Yes if self.used.met(index) == Truth::Yes => Part::Met,
            Truth::Yes if policy.blocks() => Part::Refused(BLOCK),
            Truth::Yes if self.able.met(index) == Truth::Yes => Part::More,
            Truth::Yes => Part::Refused(match refusal_of(policy) {
                Code::MustEnrol => ENROL,
                _ => OTHER,
            }),
        }
    }
}

/// Ranks of refusals: the greater one is told.
const OTHER: u8 = 1;
const ENROL: u8 = 2;
const BLOCK: u8 = 3;

fn asks_mfa(policy: &Policy) -> bool {
    policy
        .grant
        .iter()
        .flat_map(|grant| &grant.controls)
        .any(|control| {
            matches!(
                control,
                Control::Mfa
                    | Control::Strength(_)
                    | Control::PasswordChange
                    | Control::RiskRemediation
            )
        })
}

/// What the person is told when nothing of a policy can be met: the first of its controls in the order in which they
/// are asked for.
fn refusal_of(policy: &Policy) -> Code {
    if policy.blocks() {
        return Code::Blocked;
    }
    let code = |control: &Control| match control {
        Control::CompliantDevice => (1, Code::DeviceNotCompliant),
        Control::DomainJoinedDevice => (2, Code::DeviceNotJoined),
        Control::ApprovedApplication | Control::CompliantApplication => (3, Code::AppNotApproved),
        Control::Custom(_) => (4, Code::ExternalChallenge),
        Control::Mfa | Control::Strength(_) => (5, Code::MustEnrol),
        Control::Block
        | Control::PasswordChange
        | Control::RiskRemediation
        | Control::TermsOfUse(_)
        | Control::Unknown(_) => (6, Code::Blocked),
    };
    policy
        .grant
        .iter()
        .flat_map(|grant| &grant.controls)
        .map(code)
        .min_by_key(|(rank, _)| *rank)
        .map_or(Code::Blocked, |(_, code)| code)
}

/// A control as sign-in records spell it.
fn control_name(control: &Control) -> String {
    match control {
        Control::Block => "Block",
        Control::Mfa => "Mfa",
        Control::CompliantDevice => "RequireCompliantDevice",
        Control::DomainJoinedDevice => "RequireDomainJoinedDevice",
        Control::ApprovedApplication => "RequireApprovedApp",
        Control::CompliantApplication => "RequireCompliantApp",
        Control::PasswordChange => "PasswordChange",
        Control::RiskRemediation => "RiskRemediation",
        Control::Strength(_) => "RequireAuthenticationStrength",
        Control::TermsOfUse(name) | Control::Custom(name) | Control::Unknown(name) => name,
    }
    .to_owned()
}

fn session_names(policy: &Policy) -> Vec<String> {
    let own = &policy.session;
    [
        (own.frequency.is_some(), "SignInFrequency"),
        (
            own.persistent_browser.is_some(),
            "PersistentBrowserSessionMode",
        ),
        (own.app_enforced, "AppEnforcedRestrictions"),
        (own.app_control, "CloudAppSecurity"),
        (own.token_protection, "SecureSignIn"),
        (own.no_resilience, "DisableResilienceDefaults"),
    ]
    .into_iter()
    .filter(|(set, _)| *set)
    .map(|(_, name)| name.to_owned())
    .collect()
}

/// A condition in the words of `conditionalAccessConditions`.
fn condition(name: &str) -> Option<&'static str> {
    Some(match name {
        "users" => "users",
        "application" | "userActions" | "authenticationContext" => "application",
        "location" => "location",
        "devicePlatform" => "devicePlatform",
        "clientApps" => "clientType",
        "signInRisk" => "signInRisk",
        "userRisk" => "userRisk",
        "devices" => "deviceState",
        "authenticationFlow" => "authenticationFlows",
        _ => return None,
    })
}
