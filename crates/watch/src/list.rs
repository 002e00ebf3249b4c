//! The watch list: whose records, and whose guards.

use std::collections::HashMap;

use breakglass_model::{ObjectId, Upn};

/// An account to watch. With one of the two names missing, records that carry only the other are not seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedAccount {
    /// Object id.
    pub id: Option<ObjectId>,
    /// User principal name.
    pub upn: Option<Upn>,
}

/// What a guarded object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardKind {
    /// The group that holds accounts.
    Group,
    /// The restricted management administrative unit that holds accounts.
    Unit,
    /// A Conditional Access or authentication policy.
    Policy,
    /// The role, or role assignment, of accounts.
    Role,
    /// An alert rule, an action group, a diagnostic setting.
    Alerting,
}

impl GuardKind {
    /// The word in a summary.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Unit => "administrative unit",
            Self::Policy => "policy",
            Self::Role => "role assignment",
            Self::Alerting => "alerting",
        }
    }
}

/// An object whose change matters although it is no account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guarded {
    /// Object id.
    pub id: ObjectId,
    /// What it is.
    pub what: GuardKind,
    /// Its name, for people.
    pub label: String,
    /// Keys of the accounts that it guards.
    pub accounts: Vec<String>,
}

/// Accounts and guarded objects, found by id or name without regard to letter case.
#[derive(Clone, Debug, Default)]
pub struct WatchList {
    accounts: Vec<(String, WatchedAccount)>,
    guards: Vec<Guarded>,
    account_of: HashMap<String, usize>,
    guard_of: HashMap<String, usize>,
}

/// Folds a text for look-up. A text that becomes ASCII only by folding (the Kelvin sign for `k`) is not the
/// same name to Microsoft, nor to the byte filter, and so is nobody's.
fn folded(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_ascii() {
        return Some(text.to_ascii_lowercase());
    }
    let lower = text.to_lowercase();
    (!lower.is_ascii()).then_some(lower)
}

impl WatchList {
    /// Builds the list. An account without id and name is left out; of two accounts with the same key the first stays.
    pub fn new(accounts: Vec<WatchedAccount>, guards: Vec<Guarded>) -> Self {
        let mut list = Self::default();
        for account in accounts {
            let id = account.id.as_ref().map(ObjectId::folded);
            let upn = account.upn.as_ref().map(Upn::folded);
            let Some(key) = id.clone().or_else(|| upn.clone()) else {
                continue;
            };
            let known = list.accounts.iter().position(|(other, _)| *other == key);
            let index = known.unwrap_or(list.accounts.len());
            if known.is_none() {
                list.accounts.push((key, account));
            }
            for name in [id, upn].into_iter().flatten() {
                list.account_of.entry(name).or_insert(index);
            }
        }
        for guard in guards {
            list.guard_of
                .entry(guard.id.folded())
                .or_insert(list.guards.len());
            list.guards.push(guard);
        }
        list
    }

    /// The key and the account that an id or a name belongs to.
    pub fn account(&self, name: &str) -> Option<(&str, &WatchedAccount)> {
        let index = *self.account_of.get(&folded(name)?)?;
        self.accounts
            .get(index)
            .map(|(key, account)| (key.as_str(), account))
    }

    /// The account with a key.
    pub fn by_key(&self, key: &str) -> Option<&WatchedAccount> {
        self.accounts
            .iter()
            .find(|(other, _)| other == key)
            .map(|(_, account)| account)
    }

    /// The guarded object with an id.
    pub fn guard(&self, id: &str) -> Option<&Guarded> {
        self.guards.get(*self.guard_of.get(&folded(id)?)?)
    }

    /// Every account with its key.
    pub fn accounts(&self) -> impl Iterator<Item = (&str, &WatchedAccount)> {
        self.accounts
            .iter()
            .map(|(key, account)| (key.as_str(), account))
    }

    /// Folded ids and names of accounts, then ids of guarded objects; whether each is an account's.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, bool)> {
        let accounts = self.account_of.keys().map(|name| (name.as_str(), true));
        accounts.chain(self.guard_of.keys().map(|name| (name.as_str(), false)))
    }

    /// Which kinds of change cannot be seen with what was given, a sentence each.
    pub fn blind_spots(&self) -> Vec<String> {
        let mut spots = Vec::new();
        if self.accounts.is_empty() {
            spots.push("No account is watched, so no use of one can be seen.".to_owned());
        }
        for (key, account) in &self.accounts {
            if account.id.is_none() {
                spots.push(format!("{key}: without its object id, changes that name it by id only are not seen; give --account with the id too."));
            }
            if account.upn.is_none() {
                spots.push(format!("{key}: without its user principal name, records that carry only the name are not seen; give --account with the name too."));
            }
        }
        for (kinds, text) in [
            (&[GuardKind::Group][..], "the group that holds the accounts"),
            (
                &[GuardKind::Unit],
                "the administrative unit that protects them",
            ),
            (
                &[GuardKind::Role],
                "their role assignment, where the record names only the role",
            ),
            (
                &[GuardKind::Policy],
                "policies, other than records that name an account or its group",
            ),
            (
                &[GuardKind::Alerting],
                "alert rules, action groups and diagnostic settings",
            ),
        ] {
            if !self.guards.iter().any(|guard| kinds.contains(&guard.what)) {
                spots.push(format!("Changes of {text} are not seen: none was given."));
            }
        }
        spots
    }
}
