//! What the sign-in page remembers between requests: half-done attempts, codes, refresh tokens, sessions.
//!
//! Invariants:
//! - nothing of it is part of the tenant: it is gone with the run;
//! - keys are random and can't be guessed; a code is good once;
//! - each list is bounded: what is oldest goes first.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Judge, flow::Attempt, goal::Target};

/// The most entries that a list keeps.
const LIMIT: usize = 4096;
/// Wrong passwords before an account is locked (Microsoft Entra, *smart lockout*: ten in the public cloud).
const WRONG_PASSWORDS: u32 = 10;
/// How long the first lock lasts (Microsoft Entra, *smart lockout*: one minute).
const LOCKED_FOR: SignedDuration = SignedDuration::from_mins(1);

/// What a code or refresh token stands for.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) user: String,
    pub(crate) target: Target,
    pub(crate) amr: Vec<&'static str>,
    /// Everything that was used, so that a refresh is judged by it again.
    pub(crate) attempt: Box<Attempt>,
    pub(crate) issued: Timestamp,
    pub(crate) redirect: Option<String>,
    pub(crate) challenge: Option<String>,
    pub(crate) nonce: Option<String>,
}

/// A device that waits for somebody to type its code.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) user_code: String,
    pub(crate) target: Target,
    pub(crate) expires: Timestamp,
    pub(crate) state: DeviceState,
}

/// What became of it.
#[derive(Clone, Debug)]
pub(crate) enum DeviceState {
    Pending,
    Declined,
    Granted(Box<Grant>),
}

/// Somebody who is signed in to the portal.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) user: String,
    pub(crate) ip: String,
    /// The secret that its forms carry.
    pub(crate) csrf: String,
    pub(crate) since: Timestamp,
}

/// A passkey that is about to be made on the page of the lab.
#[derive(Clone, Debug)]
pub(crate) struct Enrolment {
    pub(crate) user: String,
    pub(crate) challenge: Vec<u8>,
    pub(crate) handle: Vec<u8>,
    pub(crate) rp_id: String,
}

/// Everything that is remembered.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) attempts: IndexMap<String, Attempt>,
    pub(crate) codes: IndexMap<String, Grant>,
    pub(crate) refresh: IndexMap<String, Grant>,
    /// By device code.
    pub(crate) devices: IndexMap<String, Device>,
    pub(crate) sessions: IndexMap<String, Session>,
    pub(crate) enrolments: IndexMap<String, Enrolment>,
    /// Wrong passwords in a row, and since when an account is locked.
    wrong: IndexMap<String, (u32, Option<Timestamp>)>,
    /// Temporary Access Passes for one use that were used, by user and method.
    pub(crate) used_passes: IndexMap<String, ()>,
}

/// Puts something into a list under a new random key.
pub(crate) fn remember<T>(list: &mut IndexMap<String, T>, value: T) -> String {
    let key = secret();
    keep(list, key.clone(), value);
    key
}

/// Puts something into a list.
pub(crate) fn keep<T>(list: &mut IndexMap<String, T>, key: String, value: T) {
    if list.len() >= LIMIT {
        list.shift_remove_index(0);
    }
    list.insert(key, value);
}

/// A random text of 61 octets of hexadecimal digits, 244 random bits.
pub(crate) fn secret() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

impl Memory {
    /// Whether an account is locked after too many wrong passwords.
    pub(crate) fn locked(&self, user: &str, now: Timestamp) -> bool {
        self.wrong.get(user).is_some_and(|(_, since)| {
            since.is_some_and(|since| now.duration_since(since) < LOCKED_FOR)
        })
    }

    /// Counts a wrong password; tells whether the account is locked by it.
    pub(crate) fn wrong_password(&mut self, user: &str, now: Timestamp) -> bool {
        let (count, since) = self.wrong.entry(user.to_owned()).or_default();
        *count += 1;
        if *count < WRONG_PASSWORDS {
            return false;
        }
        *since = Some(now);
        true
    }

    /// A right password starts the count again.
    pub(crate) fn right_password(&mut self, user: &str) {
        self.wrong.shift_remove(user);
    }
}

/// The desk of the sign-in page: its memory, and the judge of the present tenant.
#[derive(Default)]
pub(crate) struct Desk {
    memory: Mutex<Memory>,
    judge: Mutex<Option<(u64, Arc<Judge>)>>,
    records: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    /// The memory. It is never held together with the state of the tenant.
    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        lock(&self.memory)
    }

    /// Counts a record of a sign-in, and tells whether it gets lost: every third does while the fault is on.
    pub(crate) fn loses_a_record(&self, faulty: bool) -> bool {
        faulty && self.records.fetch_add(1, Ordering::SeqCst) % 3 == 2
    }

    pub(crate) fn judge_of(&self, revision: u64) -> Option<Arc<Judge>> {
        lock(&self.judge)
            .as_ref()
            .filter(|(of, _)| *of == revision)
            .map(|(_, judge)| Arc::clone(judge))
    }

    pub(crate) fn keep_judge(&self, revision: u64, judge: &Arc<Judge>) {
        *lock(&self.judge) = Some((revision, Arc::clone(judge)));
    }

    /// A change that the judge does not look at.
    pub(crate) fn carry_judge(&self, from: u64, to: u64) {
        if let Some((revision, _)) = lock(&self.judge).as_mut()
            && *revision == from
        {
            *revision = to;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tenth_wrong_password_locks_for_a_minute() {
        let mut memory = Memory::default();
        let now: Timestamp = "2026-03-01T09:00:00Z".parse().unwrap();
        for _ in 0..9 {
            assert!(!memory.wrong_password("a", now));
        }
        assert!(!memory.locked("a", now));
        assert!(memory.wrong_password("a", now));
        assert!(memory.locked("a", now) && !memory.locked("b", now));
        let later = now.checked_add(SignedDuration::from_secs(61)).unwrap();
        assert!(!memory.locked("a", later));
        memory.right_password("a");
        assert!(!memory.wrong_password("a", later));
    }

    #[test]
    fn lists_are_bounded() {
        let mut list = IndexMap::new();
        for number in 0..5000 {
            remember(&mut list, number);
        }
        assert_eq!(list.len(), LIMIT);
        assert_eq!(list.first().map(|(_, value)| *value), Some(904));
    }
}
