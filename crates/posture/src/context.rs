//! What a check may look at, and the shapes that most checks have.

use breakglass_model::{
    AccountRef, Finding, History, ObjectId, Register, TenantSnapshot, aaguid::Tables,
    register::Sealed, tenant::User,
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    Check, GuardedAccount,
    catalogue::Seen,
    lockout::{Lockout, Proved},
};

/// Limits that a check compares with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Most days between two looks at a seal. No source gives a number; half a year is our choice.
    pub seal_days: i64,
    /// Fewest days that records are kept. CIS Controls 8.10 asks for 90; a drill is due within 90, too.
    pub log_days: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seal_days: 183,
            log_days: 90,
        }
    }
}

/// Everything that a check may look at.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The tenant as it was read.
    pub snapshot: &'a TenantSnapshot,
    /// The register, when it was given.
    pub register: Option<&'a Register>,
    /// Drills and uses.
    pub history: &'a History,
    /// The declared accounts.
    pub accounts: &'a [GuardedAccount<'a>],
    /// Without declared accounts: those that look like ones, see [`crate::candidates`].
    pub candidates: &'a [AccountRef],
    /// The moment that due dates are judged against.
    pub now: Timestamp,
    /// What Conditional Access does to the declared accounts.
    pub lockout: &'a Lockout,
    /// What is known about keys.
    pub keys: &'a Tables,
    /// Limits.
    pub settings: Settings,
}

impl<'a> Context<'a> {
    /// The day of `now`, in UTC.
    pub fn today(&self) -> Date {
        TimeZone::UTC.to_datetime(self.now).date()
    }

    /// Days from a day until today; negative when it is to come.
    pub fn days_since(&self, day: Date) -> i64 {
        day.duration_until(self.today()).as_hours() / 24
    }

    /// Why nothing can be said about accounts that nobody declared.
    pub fn none_declared(&self) -> String {
        let names: Vec<String> = self
            .candidates
            .iter()
            .filter_map(|c| {
                c.upn
                    .as_ref()
                    .map(ToString::to_string)
                    .or_else(|| c.id.as_ref().map(ToString::to_string))
            })
            .collect();
        if names.is_empty() {
            "no account is declared, and none in the input looks like one".to_owned()
        } else {
            format!("no account is declared; candidates: {}", names.join(", "))
        }
    }

    /// *Cannot tell*, since nobody declared an account.
    pub(crate) fn undeclared(&self, check: &Check) -> Finding {
        check.cannot_tell("tenant", self.none_declared(), DECLARE)
    }

    /// One finding for each declared account; *cannot tell* when there is none.
    pub(crate) fn each_account(
        &self,
        check: &Check,
        judge: impl Fn(&GuardedAccount<'a>) -> Finding,
    ) -> Vec<Finding> {
        if self.accounts.is_empty() {
            return vec![self.undeclared(check)];
        }
        self.accounts.iter().map(judge).collect()
    }

    /// One finding for each declared account that is in the tenant; the others are *cannot tell*.
    pub(crate) fn each_user(
        &self,
        check: &Check,
        judge: impl Fn(&GuardedAccount<'a>, &'a User) -> Finding,
    ) -> Vec<Finding> {
        self.each_account(check, |account| match account.user {
            Some(user) => judge(account, user),
            None => self.absent(check, account),
        })
    }

    /// As [`Self::each_user`], for checks that need the object id.
    pub(crate) fn each_id(
        &self,
        check: &Check,
        judge: impl Fn(&GuardedAccount<'a>, &ObjectId) -> Finding,
    ) -> Vec<Finding> {
        self.each_user(check, |account, _| match &account.id {
            Some(id) => judge(account, id),
            None => check.unknown(
                &account.subject,
                "the object id",
                "the input has no id for this user",
                "User.Read.All",
            ),
        })
    }

    /// One finding for each declared account of which Conditional Access was judged.
    pub(crate) fn each_proof(
        &self,
        check: &Check,
        judge: impl Fn(&GuardedAccount<'a>, &'a Proved) -> Finding,
    ) -> Vec<Finding> {
        self.each_id(check, |account, _| {
            let place = self
                .accounts
                .iter()
                .position(|own| own.subject == account.subject);
            match place.and_then(|place| self.lockout.of(place)) {
                Some(proved) => judge(account, proved),
                None => self.absent(check, account),
            }
        })
    }

    /// A finding about what no policy does: how many were looked through.
    pub(crate) fn judged(&self, finding: Finding) -> Finding {
        let policies = self.snapshot.policies.items.len();
        finding.seen(
            "identity/conditionalAccess/policies",
            "policies judged",
            policies,
        )
    }

    /// The path of a Conditional Access policy, by its place in the snapshot.
    pub(crate) fn policy_object(&self, place: usize) -> String {
        let key = self.lockout.policy(place).map_or("", |policy| &policy.id);
        format!("identity/conditionalAccess/policies/{key}")
    }

    fn absent(&self, check: &Check, account: &GuardedAccount<'a>) -> Finding {
        match &self.snapshot.users.missing {
            Some(missing) => check.unread(&account.subject, missing),
            None => check.cannot_tell(
                &account.subject,
                "the account is declared but no user of the tenant has this id or name".to_owned(),
                "Correct the id or name in the register, the configuration or the `--account` argument.",
            ),
        }
    }

    /// The register, or the finding that there is none.
    pub(crate) fn needs_register(&self, check: &Check) -> Result<&'a Register, Vec<Finding>> {
        self.register.ok_or_else(|| {
            vec![check.cannot_tell(
                "register",
                "no register was given".to_owned(),
                GIVE_REGISTER,
            )]
        })
    }

    /// The sealed part of the register, or the finding that it was not given.
    pub(crate) fn needs_sealed(
        &self,
        check: &Check,
    ) -> Result<(&'a Register, &'a Sealed), Vec<Finding>> {
        let register = self.needs_register(check)?;
        register
            .sealed
            .as_ref()
            .map(|sealed| (register, sealed))
            .ok_or_else(|| {
                vec![
                    check.cannot_tell(
                        "register",
                        "the sealed part of the register (places and envelopes) was not given"
                            .to_owned(),
                        "Give the sealed part of the register too (`register-sealed.toml.age`).",
                    ),
                ]
            })
    }
}

const DECLARE: &str =
    "Name the accounts with `--account <UPN or object id>`, or list them in the register.";
const GIVE_REGISTER: &str =
    "Write a register (docs/register.md shows one) and give it with --register.";

/// The value, or the findings that stand in its place.
macro_rules! ok_or_return {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(findings) => return findings,
        }
    };
}
pub(crate) use ok_or_return;
