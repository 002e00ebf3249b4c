//! Who is guarded: the declared accounts, looked up in the tenant.

use breakglass_model::{
    AccountRef, ObjectId, Register, TenantSnapshot, Upn, register::Account, tenant::User,
};

/// A declared emergency access account and what was found of it.
#[derive(Clone, Debug)]
pub struct GuardedAccount<'a> {
    /// Object id, as declared or as found.
    pub id: Option<ObjectId>,
    /// User principal name, as declared or as found.
    pub upn: Option<Upn>,
    /// The name in findings: the UPN where there is one, else the object id, else what was declared.
    pub subject: String,
    /// The user in the tenant; `None` when it is not among the users that were read.
    pub user: Option<&'a User>,
    /// The account's entry in the register.
    pub entry: Option<&'a Account>,
}

impl GuardedAccount<'_> {
    /// The account as the report names it.
    pub fn reference(&self) -> AccountRef {
        AccountRef {
            id: self.id.clone(),
            upn: self.upn.clone(),
            declared: true,
            reasons: Vec::new(),
        }
    }

    /// Whether a text (object id or UPN, any case) means this account.
    pub fn is(&self, text: &str) -> bool {
        self.id.as_ref().is_some_and(|id| id.is(text))
            || self.upn.as_ref().is_some_and(|upn| upn.is(text))
            || self.subject.eq_ignore_ascii_case(text.trim())
    }

    /// Whether no user of the tenant is this account; not when users were not read to the end.
    pub(crate) fn is_gone(&self, snapshot: &TenantSnapshot) -> bool {
        self.user.is_none() && snapshot.users.is_complete()
    }

    /// How Graph addresses the user.
    pub(crate) fn object(&self) -> String {
        let key = self
            .id
            .as_ref()
            .map_or(self.subject.as_str(), ObjectId::as_str);
        format!("users/{key}")
    }

    /// The path of the register's entry.
    pub(crate) fn entry_path(&self) -> String {
        format!("register/account/{}", self.subject)
    }
}

/// Looks up every declared account: arguments and configuration (UPN or object id), then the register.
///
/// The same account declared twice is one account. One that is not found stays in the list, without a
/// user, so that the checks say so instead of passing over it.
pub fn resolve<'a>(
    snapshot: &'a TenantSnapshot,
    register: Option<&'a Register>,
    declared: &[String],
) -> Vec<GuardedAccount<'a>> {
    let mut accounts: Vec<GuardedAccount<'a>> = Vec::new();
    for text in declared {
        let upn = Upn::parse(text).ok();
        let id = if upn.is_some() {
            None
        } else {
            ObjectId::parse(text).ok()
        };
        add(&mut accounts, found(snapshot, id, upn, text, None));
    }
    for entry in register.map_or(&[][..], |register| &register.accounts) {
        add(
            &mut accounts,
            found(
                snapshot,
                entry.id.clone(),
                entry.upn.clone(),
                "an account without id and UPN",
                Some(entry),
            ),
        );
    }
    accounts
}

/// The object id decides; the UPN is used only when no id is declared, since a UPN can be given away.
fn found<'a>(
    snapshot: &'a TenantSnapshot,
    id: Option<ObjectId>,
    upn: Option<Upn>,
    text: &str,
    entry: Option<&'a Account>,
) -> GuardedAccount<'a> {
    let user = match (&id, &upn) {
        (Some(id), _) => snapshot.user(id),
        (None, Some(upn)) => snapshot.user_by_upn(upn),
        (None, None) => None,
    };
    let id = id.or_else(|| user.and_then(|user| user.id.clone()));
    let upn = upn.or_else(|| user.and_then(|user| user.upn.clone()));
    let subject = match (&upn, &id) {
        (Some(upn), _) => upn.to_string(),
        (None, Some(id)) => id.to_string(),
        (None, None) => text.trim().to_owned(),
    };
    GuardedAccount {
        id,
        upn,
        subject,
        user,
        entry,
    }
}

fn add<'a>(accounts: &mut Vec<GuardedAccount<'a>>, account: GuardedAccount<'a>) {
    let same = accounts.iter_mut().find(|known| {
        (known.id.is_some() && known.id == account.id)
            || (known.upn.is_some() && known.upn == account.upn)
    });
    match same {
        Some(known) => {
            known.entry = known.entry.or(account.entry);
            known.user = known.user.or(account.user);
            known.id = known.id.take().or(account.id);
            if known.upn.is_none() && account.upn.is_some() {
                known.upn = account.upn;
                known.subject = account.subject;
            }
        }
        None => accounts.push(account),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    #[test]
    fn a1_same_account_declared_twice_is_one() {
        let world = World::modern();
        let upn = "BREAKGLASS01@contoso.ONMICROSOFT.com".to_owned();
        let accounts = resolve(
            &world.snapshot,
            Some(&world.register),
            &[upn, "bg2".to_owned()],
        );
        assert_eq!(accounts.len(), 2);
        assert!(
            accounts
                .iter()
                .all(|a| a.user.is_some() && a.entry.is_some())
        );
    }

    #[test]
    fn a1_unknown_account_is_kept_without_user() {
        let world = World::modern();
        let accounts = resolve(&world.snapshot, None, &["nobody@contoso.com".to_owned()]);
        assert_eq!(accounts.len(), 1);
        assert!(accounts[0].user.is_none());
        assert!(accounts[0].is("NOBODY@contoso.com"));
    }
}
