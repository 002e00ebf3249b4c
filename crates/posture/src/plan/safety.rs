//! Whether a step may be taken: what Conditional Access does to the accounts before and after it.

use breakglass_conditional_access::{
    Enforce, Engine, Subject,
    identity::Fact,
    prove::{Options, Prover, Verdict},
    strength::UsableMethod,
    tenant::{People, Tenant},
};
use breakglass_model::{ObjectId, TenantSnapshot};

/// An ordinary resource, Office 365 Exchange Online: Microsoft's mandatory multifactor authentication does not stand
/// before it, so what a password alone reaches shows here.
const ORDINARY: &str = "00000002-0000-0ff1-ce00-000000000000";

/// What was proved of the accounts in one state of the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Safety {
    accounts: Vec<Account>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Account {
    id: ObjectId,
    name: String,
    gets_in: Verdict,
    /// Whether a password alone opens an ordinary resource.
    password: Verdict,
}

/// Why a step may not be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Danger {
    /// An account would lose its way in.
    #[error("{account} gets in before the step and {} after it", if *.surely { "does not" } else { "may not" })]
    LockedOut {
        /// Its name.
        account: String,
        /// Proved, else open.
        surely: bool,
    },
    /// A password alone would open what it did not open before.
    #[error(
        "after the step a password alone gets in as {account}: no policy asks for more any longer"
    )]
    Unprotected {
        /// Its name.
        account: String,
    },
}

impl Safety {
    /// Proves a state. Accounts that are not in the tenant are left out.
    pub fn of(snapshot: &TenantSnapshot, accounts: &[ObjectId]) -> Self {
        let tenant = Tenant::read(snapshot);
        let people = People::new(snapshot, &[&tenant]);
        let engine = Engine::new(&tenant.policies, &tenant.environment, Enforce::Enabled);
        let repair = Prover::new(&engine, &Options::default());
        let ordinary = Prover::new(
            &engine,
            &Options {
                recovery_targets: vec![ORDINARY.to_owned()],
                ..Options::default()
            },
        );
        let accounts = accounts
            .iter()
            .filter(|id| snapshot.user(id).is_some())
            .map(|id| {
                let mut identity = people.identity(id);
                let gets_in = repair.verdict(&engine.subject(&identity));
                identity.methods = Fact::Known(vec![UsableMethod::new("password")]);
                let subject: Subject = engine.subject(&identity);
                Account {
                    id: id.clone(),
                    name: identity.name,
                    gets_in,
                    password: ordinary.verdict(&subject),
                }
            })
            .collect();
        Self { accounts }
    }

    /// What is worse in the later state; empty: nothing.
    pub fn worse(&self, after: &Self) -> Vec<Danger> {
        let mut dangers = Vec::new();
        for before in &self.accounts {
            let Some(now) = after.accounts.iter().find(|own| own.id == before.id) else {
                continue;
            };
            if before.gets_in == Verdict::GetsIn && now.gets_in != Verdict::GetsIn {
                dangers.push(Danger::LockedOut {
                    account: before.name.clone(),
                    surely: now.gets_in == Verdict::LockedOut,
                });
            }
            if before.password == Verdict::LockedOut && now.password != Verdict::LockedOut {
                dangers.push(Danger::Unprotected {
                    account: before.name.clone(),
                });
            }
        }
        dangers
    }

    /// How the account stands that stands worst; `None`: the tenant has none of them.
    pub fn worst(&self) -> Option<Verdict> {
        self.accounts
            .iter()
            .map(|account| account.gets_in)
            .max_by_key(|verdict| match verdict {
                Verdict::GetsIn => 0,
                Verdict::CannotTell => 1,
                Verdict::LockedOut => 2,
            })
    }

    /// One line for each account.
    pub fn lines(&self) -> Vec<String> {
        self.accounts
            .iter()
            .map(|account| {
                let word = match account.gets_in {
                    Verdict::GetsIn => "gets in",
                    Verdict::LockedOut => "is locked out",
                    Verdict::CannotTell => "gets in or not: the data does not tell",
                };
                let alone = match account.password {
                    Verdict::GetsIn => "; a password alone opens ordinary resources",
                    _ => "",
                };
                format!("{} {word}{alone}", account.name)
            })
            .collect()
    }
}
