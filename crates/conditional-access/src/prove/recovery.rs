//! From sign-in to repair: whether anybody gets to the point of changing a policy (sheet 4.6, Q6 and Q7).

use std::collections::BTreeSet;

use super::{Asks, Claim, Prover, Search, World};
use crate::{
    Identity, SignIn, Subject, Truth,
    identity::{Fact, Membership, fold},
    strength::UsableMethod,
};

/// Global Administrator.
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
/// Roles that may change Conditional Access policies: Global, Conditional Access and Security Administrator.
pub const REPAIRING_ROLES: [&str; 3] = [
    GLOBAL_ADMINISTRATOR,
    "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9",
    "194ae4cb-b126-40b2-bd5b-6091b380977d",
];
/// Roles whose active holders approve when nobody is named: Privileged Role and Global Administrator
/// (Microsoft: *Configure Microsoft Entra role settings in PIM*).
const DEFAULT_APPROVERS: [&str; 2] = [GLOBAL_ADMINISTRATOR, "e8611ab8-c189-46e8-94e1-60213ab1f814"];

/// What has gone wrong, and what it takes to repair.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crisis {
    /// Everybody who could repair, or approve.
    pub people: Vec<Identity>,
    /// What activating a repairing role takes.
    pub activation: Option<Activation>,
    /// The authentication context of the protected action *change a policy*.
    pub protected_context: Option<String>,
    /// What the person at the keyboard can't choose.
    pub world: World,
    /// Methods that no longer work (`sms`, `microsoftAuthenticatorPush`).
    pub lost_methods: BTreeSet<String>,
    /// The outside identity provider is down.
    pub federation_down: bool,
}

/// Rules for activating a role through PIM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activation {
    /// The role.
    pub role: String,
    /// Somebody has to approve.
    pub approval_required: bool,
    /// Who may approve, by object id; empty: the active holders of the default roles.
    pub approvers: Vec<String>,
    /// Authentication context that activation asks for.
    pub context: Option<String>,
}

/// The first step at which a person fails, in the order of the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Obstacle {
    /// The account is disabled.
    Disabled,
    /// There is no usable first factor: nothing registered works, or the outside provider is down.
    FirstFactor,
    /// Microsoft's mandatory multifactor authentication can't be met.
    MandatoryMfa,
    /// Conditional Access lets no sign-in pass.
    ConditionalAccess,
    /// The account neither holds nor can activate a role that repairs.
    NoRole,
    /// The authentication context of the activation can't be met.
    ActivationContext,
    /// Nobody who gets in can approve the activation.
    NoApprover,
    /// The authentication context of the protected action can't be met.
    ProtectedAction,
}

impl Obstacle {
    /// The word, as documents spell it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::FirstFactor => "firstFactor",
            Self::MandatoryMfa => "mandatoryMfa",
            Self::ConditionalAccess => "conditionalAccess",
            Self::NoRole => "noRole",
            Self::ActivationContext => "activationContext",
            Self::NoApprover => "noApprover",
            Self::ProtectedAction => "protectedAction",
        }
    }
}

impl Obstacle {
    /// The obstacle in words, as a clause.
    pub fn clause(self) -> &'static str {
        match self {
            Self::Disabled => "the account is disabled, or whether it is was not read",
            Self::FirstFactor => "there is no first factor that works",
            Self::MandatoryMfa => "Microsoft's mandatory multifactor authentication can't be met",
            Self::ConditionalAccess => "Conditional Access lets no sign-in pass for certain",
            Self::NoRole => "it neither holds nor can activate a role that changes policies",
            Self::ActivationContext => {
                "the authentication context that activating the role asks for can't be met"
            }
            Self::NoApprover => "nobody who gets in can approve the activation of its role",
            Self::ProtectedAction => {
                "changing a policy is a protected action whose authentication context can't be met"
            }
        }
    }
}

/// Whether one person can repair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Object id.
    pub id: String,
    /// The sign-in with which it begins, or the step at which it ends.
    pub path: Result<SignIn, Obstacle>,
}

/// Who can repair the tenant, person by person.
///
/// An unknown counts as an obstacle: *can repair* is claimed for what is certain only.
pub fn recover(prover: &Prover<'_>, crisis: &Crisis) -> Vec<Recovery> {
    let people: Vec<Subject> = crisis
        .people
        .iter()
        .map(|person| prover.engine().subject(&stricken(person, crisis)))
        .collect();
    (0..people.len())
        .map(|index| Recovery {
            id: people[index].identity().id.clone(),
            path: path(prover, crisis, &people, index, &mut vec![index]),
        })
        .collect()
}

/// A person without the methods that were lost. What is left of `password,sms` is the password.
fn stricken(person: &Identity, crisis: &Crisis) -> Identity {
    let mut person = person.clone();
    if let Fact::Known(methods) = &person.methods {
        let lost = |method: &UsableMethod| {
            crisis
                .lost_methods
                .iter()
                .any(|lost| method.combination.uses(lost))
        };
        let mut left: Vec<UsableMethod> = methods
            .iter()
            .filter(|method| !lost(method))
            .cloned()
            .collect();
        if methods.iter().any(|m| m.combination.uses("password")) {
            left.push(UsableMethod::new("password"));
        }
        person.methods = Fact::Known(left);
    }
    person
}

fn path(
    prover: &Prover<'_>,
    crisis: &Crisis,
    people: &[Subject],
    index: usize,
    asked: &mut Vec<usize>,
) -> Result<SignIn, Obstacle> {
    let subject = &people[index];
    let identity = subject.identity();
    if identity.enabled != Fact::Known(true) {
        return Err(Obstacle::Disabled);
    }
    let first_factor = identity
        .methods
        .known()
        .is_some_and(|methods| !methods.is_empty());
    let outside = crisis.federation_down && identity.federated != Fact::Known(false);
    if !first_factor || outside {
        return Err(Obstacle::FirstFactor);
    }
    let mandatory = &prover.engine().environment().mandatory_mfa;
    let demanded = !prover.targets.is_empty()
        && prover
            .targets
            .iter()
            .all(|asks| mandatory.contains(&fold(&asks.audience)));
    if demanded && subject.mfa.iter().all(|truth| *truth != Truth::Yes) {
        return Err(Obstacle::MandatoryMfa);
    }
    let enter = |context: Option<&str>| {
        let targets: Vec<Asks> = prover
            .targets
            .iter()
            .map(|asks| match context {
                Some(context) => asks.clone().with_context(context),
                None => asks.clone(),
            })
            .collect();
        prover.way_in(
            subject,
            Search {
                targets: &targets,
                world: &crisis.world,
                claim: Claim::Surely,
                without: None,
            },
        )
    };
    let sign_in = enter(None).ok_or(Obstacle::ConditionalAccess)?;
    if !holds(identity, &REPAIRING_ROLES) {
        let eligible = identity.eligible_roles.iter().any(|role| {
            REPAIRING_ROLES
                .iter()
                .any(|own| own.eq_ignore_ascii_case(role))
        });
        if !eligible {
            return Err(Obstacle::NoRole);
        }
        activate(prover, crisis, people, index, asked, &enter)?;
    }
    if let Some(context) = &crisis.protected_context {
        enter(Some(context)).ok_or(Obstacle::ProtectedAction)?;
    }
    Ok(sign_in)
}

fn activate(
    prover: &Prover<'_>,
    crisis: &Crisis,
    people: &[Subject],
    index: usize,
    asked: &mut Vec<usize>,
    enter: &dyn Fn(Option<&str>) -> Option<SignIn>,
) -> Result<(), Obstacle> {
    let Some(activation) = &crisis.activation else {
        return Ok(());
    };
    if let Some(context) = &activation.context {
        enter(Some(context)).ok_or(Obstacle::ActivationContext)?;
    }
    if !activation.approval_required {
        return Ok(());
    }
    let approves = |identity: &Identity| {
        if activation.approvers.is_empty() {
            holds(identity, &DEFAULT_APPROVERS)
        } else {
            activation
                .approvers
                .iter()
                .any(|id| id.eq_ignore_ascii_case(&identity.id))
        }
    };
    for approver in 0..people.len() {
        // Nobody approves for themselves, and a circle of approvals starts nowhere.
        if approver == index || asked.contains(&approver) || !approves(people[approver].identity())
        {
            continue;
        }
        asked.push(approver);
        let reached = path(
            prover,
            &Crisis {
                protected_context: None,
                ..crisis.clone()
            },
            people,
            approver,
            asked,
        );
        asked.pop();
        if reached.is_ok() {
            return Ok(());
        }
    }
    Err(Obstacle::NoApprover)
}

fn holds(identity: &Identity, roles: &[&str]) -> bool {
    roles
        .iter()
        .any(|role| matches!(identity.roles.of(role), Membership::Held(_)))
}
