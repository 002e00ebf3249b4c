//! What a change does to everybody: accounts and administrators one by one, users by what policies can tell of
//! them.

use std::collections::HashMap;

use super::{Comparison, Preflight, Scope, Sides};
use crate::{
    Enforce, Environment, Identity, Policy, SignIn, Truth,
    engine::{Judged, SYNC_ACCOUNTS},
    identity::{Fact, GuestKind, Membership, Memberships},
    prove::{Options, Reach, Verdict as AccessVerdict},
    tenant::Overlay,
};

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub struct Input<'i> {
    /// Policies and environment before the change.
    pub before: (&'i [Policy], &'i Environment),
    /// Policies and environment after the change.
    pub after: (&'i [Policy], &'i Environment),
    /// Whom it is compared for. Accounts and administrators stand for themselves, users may be taken together.
    pub people: &'i [Group],
    /// What a proof is about.
    pub options: &'i Options,
}

/// People who are alike in everything that policies look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Who they are to the tenant.
    pub kind: Kind,
    /// One of them.
    pub identity: Identity,
    /// How many there are.
    pub count: usize,
    /// Names of some.
    pub examples: Vec<String>,
    /// Whether they are Global Administrators, active or eligible, before and after the change.
    pub administers: [bool; 2],
}

/// Who somebody is to the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An emergency access account.
    Account,
    /// A Global Administrator, active or eligible, who is not an emergency access account.
    Administrator,
    /// Anybody else.
    User,
}

/// Verdict on a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Nobody loses a sign-in.
    Safe,
    /// Users or administrators lose some; no emergency account does, and an administrator keeps a way in.
    Narrows,
    /// The data does not say.
    CannotTell,
    /// An emergency account loses a sign-in, or no administrator keeps a way in.
    LocksOut,
}

/// Who loses, or gains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// Who they are to the tenant.
    pub kind: Kind,
    /// The name of an account or administrator; for users what they have in common.
    pub signature: String,
    /// How many there are.
    pub count: usize,
    /// Names of some.
    pub examples: Vec<String>,
}

/// Sign-ins that are lost, or gained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// By whom.
    pub who: Who,
    /// Whether anything is left, or was there before.
    pub scope: Scope,
    /// One of the sign-ins.
    pub witness: SignIn,
    /// The policies that do it: places in the set after the change for what is lost, before it for what is
    /// gained.
    pub by: Vec<usize>,
}

/// Access to the recovery targets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// How many there are.
    pub total: usize,
    /// How many surely get in.
    pub way_in: usize,
    /// Names of those.
    pub names: Vec<String>,
    /// Names of those who do not.
    pub without: Vec<String>,
    /// Names of those of whom it can't be told.
    pub unclear: Vec<String>,
}

/// Access on both sides of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BeforeAfter {
    /// Without the change.
    pub before: Access,
    /// With it.
    pub after: Access,
}

/// What a change does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The verdict.
    pub verdict: Verdict,
    /// Who loses.
    pub lost: Vec<Loss>,
    /// Who gains.
    pub gained: Vec<Loss>,
    /// Global Administrators without the emergency accounts.
    pub administrators: BeforeAfter,
    /// Emergency accounts.
    pub accounts: BeforeAfter,
    /// Policies that may now apply to an emergency account and could not before: name of the account, places in
    /// the set after the change.
    pub newly_applies: Vec<(String, Vec<(usize, Reach)>)>,
    /// Users of whom it can't be told whether they lose a sign-in.
    pub unclear_users: usize,
    /// Of an emergency account or administrator it can't be told.
    unclear: bool,
    /// The verdict's reasons, as clauses.
    pub because: Vec<String>,
    /// Data whose absence keeps something open.
    pub missing: Vec<String>,
}

/// Compares both sides for everybody; `enforce` says what counts as enforced before and after.
pub fn run(input: &Input<'_>, enforce: [Enforce; 2]) -> Report {
    let sides = Sides::new(input.before, input.after, enforce);
    let preflight = Preflight::new(&sides, input.options);
    let mut report = Report {
        verdict: Verdict::Safe,
        lost: Vec::new(),
        gained: Vec::new(),
        administrators: BeforeAfter::default(),
        accounts: BeforeAfter::default(),
        newly_applies: Vec::new(),
        unclear_users: 0,
        unclear: false,
        because: Vec::new(),
        missing: Vec::new(),
    };
    let groups = merged(&sides, input.people);
    for group in &groups {
        let mut comparison = preflight.compare(&group.identity);
        // Who has to activate a role first has to get in before and after that.
        if comparison.lost.is_none()
            && group.kind != Kind::User
            && let Some(activated) = group.identity.activated()
        {
            let later = preflight.compare(&activated);
            if later.lost.is_some() || comparison.doubt.is_none() && later.doubt.is_some() {
                comparison = later;
            }
        }
        report.add(group, &comparison, input.before.1);
        let sides = match group.kind {
            Kind::Account => &mut report.accounts,
            Kind::Administrator => &mut report.administrators,
            Kind::User => continue,
        };
        let (before, after) = preflight.access(&group.identity);
        let [was, is] = match group.kind {
            Kind::Administrator => group.administers,
            Kind::Account | Kind::User => [true, true],
        };
        if was {
            sides.before.add(&group.identity.name, before);
        }
        if is {
            sides.after.add(&group.identity.name, after);
        }
    }
    report.conclude();
    report
}

/// Users whom no policy of either side tells apart become one group.
fn merged(sides: &Sides, people: &[Group]) -> Vec<Group> {
    type Key = (
        (Option<bool>, Truth, bool),
        Vec<Truth>,
        Vec<[Truth; 2]>,
        [Truth; 2],
        Option<Vec<crate::device_filter::Device>>,
        bool,
    );
    let mut known: HashMap<Key, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for group in people {
        if group.kind != Kind::User {
            groups.push(group.clone());
            continue;
        }
        let subject = sides.joint.subject(&group.identity);
        let judged = subject
            .judged
            .iter()
            .map(|judged: &Judged| judged.truth)
            .collect();
        // What meeting a control reads of a person beside strengths: a password to change, an Authenticator that
        // answers with its place, the role of synchronisation accounts.
        let password = group.identity.methods.known().map(|methods| {
            methods
                .iter()
                .any(|method| method.combination.uses("password"))
        });
        let further = (
            password,
            group.identity.answers_gps(),
            matches!(group.identity.roles.of(SYNC_ACCOUNTS), Membership::Held(_)),
        );
        let key = (
            further,
            judged,
            subject.strengths.clone(),
            subject.mfa,
            group.identity.devices.known().cloned(),
            group.identity.enabled.known() == Some(&false),
        );
        if let Some(index) = known.get(&key) {
            let own = &mut groups[*index];
            own.count += group.count;
            let room = 3usize.saturating_sub(own.examples.len());
            own.examples
                .extend(group.examples.iter().take(room).cloned());
        } else {
            known.insert(key, groups.len());
            groups.push(group.clone());
        }
    }
    groups
}

impl Access {
    fn add(&mut self, name: &str, verdict: AccessVerdict) {
        self.total += 1;
        match verdict {
            AccessVerdict::GetsIn => {
                self.way_in += 1;
                self.names.push(name.to_owned());
            }
            AccessVerdict::CannotTell => self.unclear.push(name.to_owned()),
            AccessVerdict::LockedOut => self.without.push(name.to_owned()),
        }
    }

    /// Whether nobody is known to get in, and nobody may.
    fn nobody(&self) -> bool {
        self.names.is_empty() && self.unclear.is_empty()
    }
}

impl Report {
    fn add(&mut self, group: &Group, comparison: &Comparison, environment: &Environment) {
        let who = Who {
            kind: group.kind,
            signature: match group.kind {
                Kind::User => signature(&group.identity, environment),
                Kind::Account | Kind::Administrator => group.identity.name.clone(),
            },
            count: group.count,
            examples: group.examples.clone(),
        };
        for (turned, list) in [
            (&comparison.lost, &mut self.lost),
            (&comparison.gained, &mut self.gained),
        ] {
            if let Some(turned) = turned {
                list.push(Loss {
                    who: who.clone(),
                    scope: turned.scope,
                    witness: turned.witness.clone(),
                    by: turned.by.clone(),
                });
            }
        }
        if let Some((_, missing)) = &comparison.doubt {
            match group.kind {
                Kind::User => self.unclear_users += group.count,
                Kind::Account | Kind::Administrator => self.unclear = true,
            }
            self.missing.extend(
                missing
                    .iter()
                    .map(|datum| format!("{}: {datum}", who.signature)),
            );
        }
        if group.kind == Kind::Account && !comparison.newly_applies.is_empty() {
            self.newly_applies.push((
                group.identity.name.clone(),
                comparison.newly_applies.clone(),
            ));
        }
    }

    fn conclude(&mut self) {
        for loss in self
            .lost
            .iter()
            .filter(|loss| loss.who.kind == Kind::Account)
        {
            self.because.push(match loss.scope {
                Scope::All => format!("{} loses every sign-in", loss.who.signature),
                Scope::Some => format!("{} loses sign-ins", loss.who.signature),
            });
        }
        let (before, after) = (&self.administrators.before, &self.administrators.after);
        let nobody_left = !before.nobody() && after.nobody();
        if nobody_left {
            self.because
                .push("no administrator keeps a way in".to_owned());
        }
        let locks_out = !self.because.is_empty();
        let unsure = !before.names.is_empty() && after.names.is_empty() && !nobody_left;
        if unsure {
            self.because
                .push("whether an administrator keeps a way in can't be told".to_owned());
        }
        if self.unclear {
            self.because.push(
                "whether an account or an administrator loses sign-ins depends on data that was not read"
                    .to_owned(),
            );
        }
        if self.unclear_users > 0 {
            let who = match self.unclear_users {
                1 => "a user loses".to_owned(),
                many => format!("{many} users lose"),
            };
            self.because.push(format!(
                "whether {who} sign-ins depends on data that was not read"
            ));
        }
        self.verdict = if locks_out {
            Verdict::LocksOut
        } else if unsure || self.unclear {
            Verdict::CannotTell
        } else if self.lost.is_empty() && self.unclear_users == 0 {
            Verdict::Safe
        } else {
            Verdict::Narrows
        };
        self.missing.sort();
        self.missing.dedup();
        for list in [&mut self.lost, &mut self.gained] {
            list.sort_by(|a, b| {
                (
                    a.who.kind,
                    std::cmp::Reverse(a.scope),
                    std::cmp::Reverse(a.who.count),
                    &a.who.signature,
                )
                    .cmp(&(
                        b.who.kind,
                        std::cmp::Reverse(b.scope),
                        std::cmp::Reverse(b.who.count),
                        &b.who.signature,
                    ))
            });
        }
    }
}

/// What users have in common, as far as policies look at it.
fn signature(identity: &Identity, environment: &Environment) -> String {
    let mut parts = Vec::new();
    if let Fact::Known(GuestKind::Guest(kind)) = &identity.guest {
        parts.push(format!("guests ({kind})"));
    } else {
        parts.push("users".to_owned());
    }
    let names = |ids: Vec<&String>| -> Vec<String> {
        ids.into_iter()
            .map(|id| environment.object_name(id).to_owned())
            .collect()
    };
    let groups = names(present(&identity.groups));
    if groups.is_empty() {
        parts.push("in no group that a policy names".to_owned());
    } else {
        parts.push(format!("in {}", groups.join(", ")));
    }
    let roles = names(present(&identity.roles));
    if !roles.is_empty() {
        parts.push(format!("with the role {}", roles.join(", ")));
    }
    match &identity.methods {
        Fact::Known(methods) if methods.is_empty() => parts.push("without a method".to_owned()),
        Fact::Known(methods) => {
            let mut names: Vec<String> =
                methods.iter().map(|m| m.combination.to_string()).collect();
            names.sort();
            names.dedup();
            parts.push(format!("with {}", names.join(" or ")));
        }
        Fact::Unknown(_) => {}
    }
    parts.join(" ")
}

/// What holds somebody before the change.
fn present(memberships: &Memberships) -> Vec<&String> {
    memberships
        .held
        .keys()
        .filter(|id| !Overlay::is_after(id))
        .collect()
}
