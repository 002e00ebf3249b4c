//! Whether a step may be taken: what Conditional Access does to the accounts before and after it.
//!
//! Two things must not get worse: that an account gets in, and what its password alone opens. The second is asked for every
//! class of application that some policy names, and for one that none names: a policy that leaves one application out says
//! nothing about the others.

use std::fmt;

use breakglass_conditional_access::{
    Enforce, Engine,
    prove::{Asks, OTHER_APPLICATION, Options, Prover, Requests, Verdict},
    sign_in::ClientApp,
    tenant::{People, Tenant},
};
use breakglass_model::{ObjectId, TenantSnapshot};

/// Applications that a reader knows by name rather than by id. Office 365 Exchange Online is an ordinary one: Microsoft's
/// mandatory multifactor authentication does not stand before it.
const ORDINARY: &str = "00000002-0000-0ff1-ce00-000000000000";

/// What was proved of the accounts in one state of the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Safety {
    accounts: Vec<Account>,
    /// What can be asked for in that state.
    requests: Requests,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Account {
    id: ObjectId,
    name: String,
    gets_in: Verdict,
    /// What a password alone opens, by the classes of `requests` and by client.
    password: Vec<Vec<Verdict>>,
}

/// Why a step may not be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Danger {
    /// An account would lose its way in.
    #[error("{account} {} before the step and {} after it",
        if *.before == Verdict::GetsIn { "gets in" } else { "may get in" },
        if *.after == Verdict::LockedOut { "does not" } else { "may not" })]
    LockedOut {
        /// Its name.
        account: String,
        /// How it stood.
        before: Verdict,
        /// How it stands then.
        after: Verdict,
    },
    /// A password alone would open what it did not open before.
    #[error(
        "after the step a password alone {} as {account}, to {what}: no policy asks for more any longer",
        if *.surely { "gets in" } else { "may get in" }
    )]
    Unprotected {
        /// Its name.
        account: String,
        /// What it opens.
        what: What,
        /// Proved, else open.
        surely: bool,
    },
}

/// What is asked for, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct What(Asks, ClientApp);

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.audience.as_str() {
            OTHER_APPLICATION => f.write_str("an application that no policy names")?,
            ORDINARY => f.write_str("Office 365 Exchange Online")?,
            id => write!(f, "the application {id}")?,
        }
        if let Some(action) = &self.0.action {
            write!(f, ", with the user action {action}")?;
        }
        if let Some(context) = &self.0.context {
            write!(f, ", with the authentication context {context}")?;
        }
        if self.1.legacy() {
            f.write_str(", by a client that knows only passwords")?;
        }
        Ok(())
    }
}

impl Safety {
    /// Proves a state. Accounts that are not in the tenant are left out.
    pub fn of(snapshot: &TenantSnapshot, accounts: &[ObjectId]) -> Self {
        let tenant = Tenant::read(snapshot);
        let people = People::new(snapshot, &[&tenant]);
        let engine = Engine::new(&tenant.policies, &tenant.environment, Enforce::Enabled);
        let prover = Prover::new(&engine, &Options::default());
        let requests = prover.requests();
        let accounts = accounts
            .iter()
            .filter(|id| snapshot.user(id).is_some())
            .map(|id| {
                let identity = people.identity(id);
                let subject = engine.subject(&identity);
                Account {
                    id: id.clone(),
                    gets_in: prover.verdict(&subject),
                    password: prover.with_password(&subject, &requests),
                    name: identity.name,
                }
            })
            .collect();
        Self { accounts, requests }
    }

    /// What is worse in the later state; empty: nothing. What is not known counts: from *cannot tell* to *locked out* is a
    /// loss, and a password that may open something after the step and did not before is one, too.
    pub fn worse(&self, after: &Self) -> Vec<Danger> {
        let mut dangers = Vec::new();
        let pairs = self.requests.pairs(&after.requests);
        for before in &self.accounts {
            let Some(now) = after.accounts.iter().find(|own| own.id == before.id) else {
                continue;
            };
            if now.gets_in > before.gets_in {
                dangers.push(Danger::LockedOut {
                    account: before.name.clone(),
                    before: before.gets_in,
                    after: now.gets_in,
                });
            }
            // One application is enough to say why; the first is the plainest.
            let opened = pairs.iter().find_map(|(asks, was, is)| {
                let verdicts = before.password[*was].iter().zip(&now.password[*is]);
                let (client, (_, after)) = ClientApp::ALL
                    .iter()
                    .zip(verdicts)
                    .find(|(_, (before, after))| after < before)?;
                Some((What((*asks).clone(), *client), *after))
            });
            if let Some((what, after)) = opened {
                dangers.push(Danger::Unprotected {
                    account: before.name.clone(),
                    what,
                    surely: after == Verdict::GetsIn,
                });
            }
        }
        dangers
    }

    /// How the account stands that stands worst; `None`: the tenant has none of them.
    pub fn worst(&self) -> Option<Verdict> {
        self.accounts.iter().map(|account| account.gets_in).max()
    }

    /// One line for each account.
    pub fn lines(&self) -> Vec<String> {
        let plain = [ORDINARY, OTHER_APPLICATION].map(Asks::resource);
        let plain: Vec<usize> = plain
            .iter()
            .filter_map(|asks| self.requests.class(asks))
            .collect();
        self.accounts
            .iter()
            .map(|account| {
                let word = match account.gets_in {
                    Verdict::GetsIn => "gets in",
                    Verdict::LockedOut => "is locked out",
                    Verdict::CannotTell => "gets in or not: the data does not tell",
                };
                let opens = |class: &usize| account.password[*class].contains(&Verdict::GetsIn);
                let alone = if plain.iter().any(opens) {
                    "; a password alone opens ordinary resources"
                } else {
                    ""
                };
                format!("{} {word}{alone}", account.name)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use breakglass_model::example;

    use super::*;

    /// The modern design with both accounts standing like this.
    fn standing(gets_in: Verdict, password: Verdict) -> Safety {
        let now = "2026-11-24T12:00:00Z".parse().unwrap();
        let snapshot = example::tenant("contoso-modern", now).unwrap().snapshot;
        let id = ObjectId::parse("7b3e1a00-41c2-4d8a-b6f0-9c5d1e2a4000").unwrap();
        let mut safety = Safety::of(&snapshot, &[id]);
        let account = &mut safety.accounts[0];
        account.gets_in = gets_in;
        for class in &mut account.password {
            class.fill(password);
        }
        safety
    }

    #[test]
    fn c1_c2_any_step_towards_the_worse_is_a_danger_from_cannot_tell_too() {
        use Verdict::{CannotTell, GetsIn, LockedOut};
        let all = [GetsIn, CannotTell, LockedOut];
        for before in all {
            for after in all {
                let worse = standing(before, LockedOut).worse(&standing(after, LockedOut));
                assert_eq!(!worse.is_empty(), before < after, "{before:?} {after:?}");
                let worse = standing(GetsIn, before).worse(&standing(GetsIn, after));
                assert_eq!(!worse.is_empty(), before > after, "{before:?} {after:?}");
            }
        }
        let lost = standing(CannotTell, LockedOut).worse(&standing(LockedOut, LockedOut));
        assert_eq!(
            lost[0].to_string(),
            "BreakGlass01@contoso.onmicrosoft.com may get in before the step and does not after it"
        );
    }
}
