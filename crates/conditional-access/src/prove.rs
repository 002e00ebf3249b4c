//! Proofs over all sign-ins: which policies can ever reach an account, and whether it gets in.

mod boxes;
mod classes;
mod password;
mod reach;
pub mod recovery;
mod way_in;

use std::collections::BTreeSet;

use crate::{
    Engine, Identity, Policy, SignIn, Subject, Truth,
    engine::{Clause, Dimension, Judged},
    environment::{ADMIN_PORTALS, MICROSOFT_GRAPH},
    identity::{Membership, fold},
};
pub(crate) use boxes::{Cells, escape};
pub(crate) use classes::Classes;
pub use classes::{Asks, OTHER_APPLICATION};
pub use password::Requests;
pub use way_in::World;
pub(crate) use way_in::{Claim, Search};

/// Whether a policy can apply to some sign-in of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// To none, whatever the unknowns are.
    Never,
    /// Only if an unknown turns out so.
    CannotTell,
    /// To the witness, surely.
    Can,
}

/// What a policy does to an account at the witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// It does not reach the account.
    None,
    /// It acts on the session only.
    Session,
    /// It asks for something that the account can meet.
    Challenge,
    /// It asks for something that the account can't meet in any sign-in that it reaches.
    Deny,
    /// It blocks.
    Block,
}

/// One policy against one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyProof {
    /// Place of the policy in the engine's set.
    pub policy: usize,
    /// Whether it can reach the account.
    pub reach: Reach,
    /// What it does then.
    pub effect: Effect,
    /// Whether what it asks for can be met, at the witness; *yes* where it does not reach the account.
    pub met: Truth,
    /// For *never*: the empty dimension or the excluding object with its path. Else what the policy asks for.
    pub why: String,
    /// A sign-in to which it applies (for *cannot tell*: may apply). The evaluator confirms it.
    pub witness: Option<SignIn>,
    /// Whether the policy is meant to reach the account.
    pub intended: bool,
}

/// Verdict on an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// There is a sign-in that surely gets in.
    GetsIn,
    /// The data does not say.
    CannotTell,
    /// No sign-in gets in.
    LockedOut,
}

impl Verdict {
    fn of(surely: bool, possibly: impl FnOnce() -> bool) -> Self {
        if surely {
            Self::GetsIn
        } else if possibly() {
            Self::CannotTell
        } else {
            Self::LockedOut
        }
    }
}

/// What was proved of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountProof {
    /// Whether it gets in to a resource from which the tenant can be repaired.
    pub verdict: Verdict,
    /// Whether it gets in whatever risk Microsoft sees in the sign-in; `None`: cannot tell.
    pub robust: Option<bool>,
    /// Whether only intended policies can reach it (C4); `None`: cannot tell.
    pub only_intended: Option<bool>,
    /// A sign-in that gets in.
    pub way_in: Option<SignIn>,
    /// Without a way in: a smallest set of policies (places in the engine's set) that together close every way.
    pub blame: Vec<usize>,
    /// Without a way in: policies each of which, if the account were excluded from it alone, would open one.
    pub opens: Vec<usize>,
    /// The verdict's reasons, as clauses.
    pub because: Vec<String>,
    /// Every recovery target (app id) with the verdict for it alone.
    pub targets: Vec<(String, Verdict)>,
    /// Every policy.
    pub policies: Vec<PolicyProof>,
    /// Data whose absence keeps the verdict open.
    pub missing: Vec<String>,
}

/// What a proof is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// App ids of the resources from which a tenant can be repaired; getting in to one of them is enough.
    pub recovery_targets: Vec<String>,
    /// Most combinations of device attributes that are looked at before a device rule is taken as unknown.
    pub device_limit: usize,
}

impl Default for Options {
    /// The Microsoft Entra admin center, and Microsoft Graph for PowerShell.
    fn default() -> Self {
        Self {
            recovery_targets: vec![ADMIN_PORTALS.to_owned(), MICROSOFT_GRAPH.to_owned()],
            device_limit: 20_000,
        }
    }
}

/// Proves over all sign-ins. Made once per policy set, asked once per account.
#[derive(Debug)]
pub struct Prover<'e> {
    pub(crate) engine: &'e Engine,
    pub(crate) classes: Classes,
    targets: Vec<Asks>,
    /// Where each condition stands in its dimension's list of the engine.
    places: Vec<usize>,
}

impl<'e> Prover<'e> {
    /// Builds the classes of all sign-ins that the policy set can tell apart.
    pub fn new(engine: &'e Engine, options: &Options) -> Self {
        let mut places = vec![0; engine.conditions];
        let mut place = |indices: Vec<u32>| {
            for (place, index) in indices.into_iter().enumerate() {
                places[index as usize] = place;
            }
        };
        place(engine.identities.iter().map(|(index, _)| *index).collect());
        place(engine.targets.iter().map(|(index, _)| *index).collect());
        place(engine.networks.iter().map(|(index, _)| *index).collect());
        place(engine.devices.iter().map(|(index, _)| *index).collect());
        place(engine.masks.iter().map(|(index, ..)| *index).collect());
        Self {
            engine,
            classes: Classes::new(engine, &options.recovery_targets, options.device_limit),
            targets: options
                .recovery_targets
                .iter()
                .map(|id| Asks::resource(id))
                .collect(),
            places,
        }
    }

    /// The policy set.
    pub fn engine(&self) -> &'e Engine {
        self.engine
    }

    /// Number of classes of target, network, device, platform, client and flow.
    pub fn class_counts(&self) -> [usize; 6] {
        self.classes.sizes()
    }

    /// Device rules that were taken as unknown, since they tell too many devices apart.
    pub fn coarse_rules(&self) -> &[String] {
        &self.classes.coarse
    }

    /// Everything that can be proved of one account. `intended` says per policy whether it is meant to reach
    /// the account, see [`recognise`].
    ///
    /// Somebody who is eligible for a role that policies name has to get in before and after activating it.
    pub fn account(&self, subject: &Subject, intended: &[bool]) -> AccountProof {
        let proof = self.account_as_is(subject, intended);
        match self.activated(subject) {
            Some(activated) => proof.and_activated(self.account_as_is(&activated, intended)),
            None => proof,
        }
    }

    /// The subject after activating what it is eligible for, where that changes whom a policy is for.
    fn activated(&self, subject: &Subject) -> Option<Subject> {
        let activated = self.engine.subject(&subject.identity().activated()?);
        (activated.judged != subject.judged).then_some(activated)
    }

    fn account_as_is(&self, subject: &Subject, intended: &[bool]) -> AccountProof {
        let policies = self.reach(subject, intended);
        let nominal = World::default();
        let search = Search {
            targets: &self.targets,
            world: &nominal,
            claim: Claim::Surely,
            without: None,
        };
        let way_in = self.way_in(subject, search);
        let possible = if way_in.is_some() {
            None
        } else {
            self.way_in(
                subject,
                Search {
                    claim: Claim::Possibly,
                    ..search
                },
            )
        };
        let verdict = Verdict::of(way_in.is_some(), || possible.is_some());
        let any = World {
            any_risk: true,
            ..World::default()
        };
        let risky = Search {
            world: &any,
            ..search
        };
        let robust = match verdict {
            Verdict::LockedOut => Some(false),
            _ if self.way_in(subject, risky).is_some() => Some(true),
            _ if self
                .way_in(
                    subject,
                    Search {
                        claim: Claim::Possibly,
                        ..risky
                    },
                )
                .is_none() =>
            {
                Some(false)
            }
            _ => None,
        };
        let blame = match verdict {
            Verdict::LockedOut => self.blame(
                subject,
                Search {
                    claim: Claim::Possibly,
                    ..search
                },
            ),
            Verdict::CannotTell => self.blame(subject, search),
            Verdict::GetsIn if robust == Some(false) => self.blame(
                subject,
                Search {
                    claim: Claim::Possibly,
                    ..risky
                },
            ),
            Verdict::GetsIn => Vec::new(),
        };
        let opens = match verdict {
            Verdict::LockedOut => self.opens(
                subject,
                Search {
                    claim: Claim::Possibly,
                    ..search
                },
            ),
            Verdict::CannotTell => self.opens(subject, search),
            Verdict::GetsIn => Vec::new(),
        };
        let missing = match (&verdict, &possible) {
            (Verdict::CannotTell, Some(sign_in)) => {
                self.engine.evaluate(subject, sign_in).missing()
            }
            _ => Vec::new(),
        };
        let targets = self
            .targets
            .iter()
            .map(|asks| {
                let one = Search {
                    targets: std::slice::from_ref(asks),
                    ..search
                };
                let verdict = if self.way_in(subject, one).is_some() {
                    Verdict::GetsIn
                } else if self
                    .way_in(
                        subject,
                        Search {
                            claim: Claim::Possibly,
                            ..one
                        },
                    )
                    .is_some()
                {
                    Verdict::CannotTell
                } else {
                    Verdict::LockedOut
                };
                (asks.audience.clone(), verdict)
            })
            .collect();
        let because = self.because(subject, verdict, &blame);
        AccountProof {
            verdict,
            robust,
            only_intended: only_intended(&policies),
            way_in,
            blame,
            opens,
            because,
            targets,
            policies,
            missing,
        }
    }

    /// Whether an account gets in to a recovery target: the verdict of [`Self::account`] alone.
    pub fn verdict(&self, subject: &Subject) -> Verdict {
        let verdict = self.verdict_on(subject, &self.targets);
        match self.activated(subject) {
            Some(activated) => verdict.max(self.verdict_on(&activated, &self.targets)),
            None => verdict,
        }
    }

    fn verdict_on(&self, subject: &Subject, targets: &[Asks]) -> Verdict {
        let world = World::default();
        let search = Search {
            targets,
            world: &world,
            claim: Claim::Surely,
            without: None,
        };
        Verdict::of(self.way_in(subject, search).is_some(), || {
            self.way_in(
                subject,
                Search {
                    claim: Claim::Possibly,
                    ..search
                },
            )
            .is_some()
        })
    }

    fn because(&self, subject: &Subject, verdict: Verdict, blame: &[usize]) -> Vec<String> {
        if verdict == Verdict::GetsIn {
            return Vec::new();
        }
        if blame.is_empty() {
            let identity = subject.identity();
            return vec![if identity.enabled.known() == Some(&false) {
                "the account is disabled".to_owned()
            } else if subject.mfa[0] == Truth::No {
                "whatever the policies say: the account has no second factor that it can use here, and Microsoft's \
                 mandatory multifactor authentication asks for one"
                    .to_owned()
            } else {
                "whatever the policies say: a gate outside Conditional Access keeps the account out, or may".to_owned()
            }];
        }
        blame
            .iter()
            .map(|index| {
                let compiled = &self.engine.policies[*index];
                if subject.identity().answers_gps() == Truth::No
                    && compiled.clauses.iter().any(|clause| self.asks_gps(clause))
                {
                    return format!(
                        "{}: it asks for the place by GPS, which only the Authenticator app answers",
                        compiled.policy.name
                    );
                }
                let circumstances = crate::engine::Circumstances::ordinary();
                format!(
                    "{}: {}",
                    compiled.policy.name,
                    self.engine.unmet(compiled, subject, circumstances)
                )
            })
            .collect()
    }

    /// Where a condition stands in the engine's list of its dimension.
    pub(crate) fn place(&self, condition: usize) -> usize {
        self.places[condition]
    }

    pub(crate) fn identity_judged(&self, condition: usize, subject: &Subject) -> Judged {
        subject.judged[self.places[condition]]
    }

    pub(crate) fn identity_truth(&self, condition: usize, subject: &Subject) -> Truth {
        self.identity_judged(condition, subject).truth
    }

    /// What a target condition says, given the truths of [`Asks::judge`].
    pub(crate) fn target_truth(&self, condition: usize, truths: &[Truth]) -> Truth {
        if condition == 0 {
            Truth::Yes
        } else {
            truths[self.places[condition]]
        }
    }

    pub(crate) fn mask_truth(&self, clause: &Clause, dimension: Dimension, bit: u8) -> Truth {
        match clause.condition(dimension) {
            0 => Truth::Yes,
            condition => self.engine.masks[self.places[condition]].2.of(bit),
        }
    }
}

fn only_intended(policies: &[PolicyProof]) -> Option<bool> {
    let reach = policies
        .iter()
        .filter(|proof| !proof.intended)
        .map(|proof| proof.reach)
        .max()
        .unwrap_or(Reach::Never);
    match reach {
        Reach::Never => Some(true),
        Reach::Can => Some(false),
        Reach::CannotTell => None,
    }
}

/// What tells an intended policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intent {
    /// Ids or names of policies that are declared as intended.
    pub policies: Vec<String>,
    /// Ids of the accounts' own groups, where they are declared.
    pub groups: Vec<String>,
    /// Folded ids of groups that are known to hold others than the accounts: see
    /// [`People::shared_groups`](crate::tenant::People::shared_groups).
    pub shared: BTreeSet<String>,
}

/// Whether a policy is meant to reach an account: declared by id or name, or recognised as the dedicated
/// policy of C2, which names the account or a group of the accounts, not everybody, and asks for an authentication
/// strength. A group that is known to hold other people is not theirs unless it is declared so.
pub fn recognise(policy: &Policy, identity: &Identity, intent: &Intent) -> bool {
    let same = |ids: &[String], id: &str| ids.iter().any(|own| own.eq_ignore_ascii_case(id));
    if same(&intent.policies, &policy.id) || same(&intent.policies, &policy.name) {
        return true;
    }
    let include = &policy.users.include;
    let own = |id: &String| {
        matches!(identity.groups.of(id), Membership::Held(_))
            && (same(&intent.groups, id) || !intent.shared.contains(&fold(id)))
    };
    let named = same(&include.users, &identity.id) && include.groups.iter().all(own)
        || !include.groups.is_empty() && include.groups.iter().all(own);
    named && !include.all && include.roles.is_empty() && policy.asks_for_strength()
}

impl AccountProof {
    /// Joins the proof of the same person with activated roles: the worse of both holds.
    fn and_activated(mut self, activated: Self) -> Self {
        for (own, other) in self.policies.iter_mut().zip(&activated.policies) {
            if other.reach > own.reach {
                // It can reach the person, but not as they are now, so that the witness needs the activation.
                *own = PolicyProof {
                    reach: Reach::CannotTell,
                    why: format!("once an eligible role is activated, {}", other.why),
                    ..other.clone()
                };
            }
        }
        self.only_intended = only_intended(&self.policies);
        for ((_, own), (_, other)) in self.targets.iter_mut().zip(&activated.targets) {
            *own = (*own).max(*other);
        }
        self.robust = match (self.robust, activated.robust) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        };
        if activated.verdict > self.verdict {
            self.verdict = activated.verdict;
            self.way_in = activated.way_in;
            self.blame = activated.blame;
            self.opens = activated.opens;
            self.because = activated
                .because
                .into_iter()
                .map(|why| format!("once an eligible role is activated, {why}"))
                .collect();
            self.missing.extend(activated.missing);
        }
        self
    }

    /// The same proof over a policy set of which some policies were not read, for this reason. What holds for
    /// every policy is then open; what one policy does stands.
    #[must_use]
    pub fn over_incomplete_set(mut self, why: &str) -> Self {
        if self.verdict == Verdict::GetsIn {
            self.verdict = Verdict::CannotTell;
        }
        for (_, verdict) in &mut self.targets {
            if *verdict == Verdict::GetsIn {
                *verdict = Verdict::CannotTell;
            }
        }
        self.robust = self.robust.filter(|robust| !robust);
        self.only_intended = self.only_intended.filter(|only| !only);
        self.missing
            .push(format!("policies were not read completely: {why}"));
        self
    }
}
