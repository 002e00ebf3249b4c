//! Accounts without a registered key, and what waits for it.
//!
//! A key is registered before the account is worth anything and before it is locked away. With the role and without a key,
//! a Global Administrator stands behind a password alone; in the restricted unit its methods can be changed only by whoever
//! has a role at the unit, so that `key enroll` is refused (Microsoft Entra, *Restricted management administrative units*).

use breakglass_model::{Finding, Reading, Verdict, plan::Remaining, tenant::MethodKind};

use super::{
    draft::{Draft, Guarded},
    tasks::task,
};

/// The check that a key is registered.
const NO_KEY: &str = "BG018";

/// What is known of an account's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keys {
    Registered,
    None,
    NotRead,
}

impl Draft<'_> {
    fn keys_of(&self, account: &Guarded) -> Keys {
        let user = self.now.user(&account.id);
        match user.and_then(|user| user.methods.get()) {
            None => Keys::NotRead,
            Some(methods) if methods.iter().any(|own| own.kind == MethodKind::Fido2) => {
                Keys::Registered
            }
            Some(_) => Keys::None,
        }
    }

    /// Whether the account has to wait: no key of it is registered, as far as was read.
    pub(super) fn waits(&self, account: &Guarded) -> bool {
        self.keys_of(account) != Keys::Registered
    }

    /// Whether any account waits.
    pub(super) fn any_waits(&self) -> bool {
        self.accounts.iter().any(|account| self.waits(account))
    }

    fn names(&self, keys: Keys) -> Vec<&str> {
        let all = self.accounts.iter();
        all.filter(|account| self.keys_of(account) == keys)
            .map(|account| account.name.as_str())
            .collect()
    }

    /// Says where the plan stops, and what makes it go on.
    pub(super) fn tell_who_waits(&mut self) {
        const STOPS: &str = "its role and its place in the restricted unit are not planned, nor strength and dedicated policy for any account";
        let unread = self.names(Keys::NotRead).join(", ");
        let mut texts = Vec::new();
        if !unread.is_empty() {
            texts.push(format!(
                "the methods of {unread} were not read, so that nobody knows of a key: {STOPS}. Grant what was not read, collect, and plan again"
            ));
        }
        for name in self.names(Keys::None) {
            texts.push(format!(
                "no key of {name} is registered: {STOPS}. When the steps below are taken, enroll one, then collect and plan again: `{}`",
                command(name)
            ));
        }
        for text in texts {
            self.warn(text);
        }
    }

    /// Enroll the keys that the next plan waits for.
    pub(super) fn enrolments(&self) -> Vec<Remaining> {
        let waiting = self
            .accounts
            .iter()
            .filter(|account| self.keys_of(account) == Keys::None);
        waiting
            .map(|account| {
                let inside = match self.restricted(&format!("/users/{}", account.id)) {
                    Some(unit) => format!(" The account lies in the restricted unit {unit}: it takes a role there."),
                    None => String::new(),
                };
                let command = command(&account.name);
                let mut task = task(
                    NO_KEY,
                    "K1",
                    "Enroll a key",
                    &account.name,
                    &format!(
                        "no key is registered; role and restricted unit wait for it, since an account in the unit takes no key from whoever has \
                         no role there.{inside} Then collect and plan again. `{command}`"
                    ),
                    &command,
                );
                "fail".clone_into(&mut task.verdict);
                "a custodian with the key, before the next plan".clone_into(&mut task.closed_by);
                task
            })
            .collect()
    }

    /// Whether a finding says what a task of ours says.
    pub(super) fn said_by_enrolment(&self, finding: &Finding) -> bool {
        finding.check == NO_KEY && self.names(Keys::None).contains(&finding.subject.as_str())
    }

    /// Who closes a finding that is open because an account waits.
    pub(super) fn closed_when_enrolled(&self, finding: &Finding) -> Option<&'static str> {
        if finding.verdict != Verdict::Fail {
            return None;
        }
        let own = self
            .accounts
            .iter()
            .any(|account| account.name == finding.subject && self.waits(account));
        match finding.requirement.as_str() {
            "A4" | "M1" | "X1" if own => {
                Some("the next plan, when a key of the account is registered")
            }
            "C2" | "C3" if self.any_waits() => {
                Some("the next plan, when a key of every account is registered")
            }
            _ => None,
        }
    }

    /// Whether an account has a key and the role: before that no standing administrator goes.
    pub(super) fn any_stands(&self) -> bool {
        self.accounts.iter().any(|account| {
            !self.waits(account)
                && self.now.active_assignments.iter().any(|own| {
                    own.principal == account.id
                        && self.now.is_global_administrator(&own.role)
                        && own.end == Reading::Read(None)
                        && own.activated.get() != Some(&true)
                })
        })
    }
}

/// The command that enrolls a key; what only its owner knows stands in capitals.
fn command(name: &str) -> String {
    format!(
        "breakglass key enroll --login browser --register register.toml --account {} --label LABEL --serial SERIAL --envelope ENVELOPE",
        super::tasks::quoted(name)
    )
}
