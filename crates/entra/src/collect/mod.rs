//! Collecting a snapshot: everything that the checks and proofs need of a tenant, in one file.
//!
//! # What is read
//! Conditional Access with all that its policies refer to, roles and their settings, the units and groups that policies,
//! roles, units and the emergency accounts name, these accounts and all administrators in full, one line for every other
//! user, the classes of registered methods, and what Azure knows of the logs and the alerts on them.
//!
//! # What is kept of people
//! Emergency accounts, and *administrators*: whoever holds a privileged role, directly, through a group or by eligibility,
//! are read in full: their properties, methods, devices, groups, and the id of their manager.
//! Of every other user a snapshot keeps exactly
//! - a line in `users`: id, whether the account is enabled, user type, creation type, state of an invitation, the domain
//!   of the user principal name, and for somebody from outside the home domain and the issuers of identities;
//! - the id, in the members of groups and units that are read, and in role assignments;
//! - a line in `userRegistrationDetails`: id, classes of registered methods, whether they make MFA, time of the report;
//! - the id, where an object names its author or approver.
//!
//! No name, user principal name, address or number of such a person is written, unless `with_names` asks for names.
//! Receivers of action groups are kept as they are: who is told of an alert is what has to be checked.
//!
//! # Invariants
//! - the tenant is only read;
//! - a collection is in the snapshot when it was read to its end; else `notRead` says why, and what to grant. One that is
//!   in both is not whole;
//! - a failure that may pass (network, limits) ends the run with what was done on disk, and the same call goes on
//!   there; it never makes a collection look empty;
//! - the snapshot appears at its place whole, or not at all.

mod accounts;
mod azure;
mod graph;
mod groups;
mod keep;
mod people;
mod principals;
mod reduce;
mod roles;
mod session;
mod signs;
mod snapshot;
mod work;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

use breakglass_model::{Clock, NotRead};
use jiff::Timestamp;

use crate::{Entra, Error, Request, Service, Version};
pub use reduce::reduce;
use session::{STEPS, Session};
use work::{Start, Work};

/// What to collect.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Emergency accounts, by user principal name or object id.
    pub accounts: Vec<String>,
    /// Whether a list says that these are the accounts, as a register does: one that the tenant does not have is noted
    /// then (somebody deleted it, or it has still to be made), and no misspelling.
    pub declared: bool,
    /// Keep names of ordinary users.
    pub with_names: bool,
    /// The file to write; compressed when its name ends in `.gz`.
    pub out: PathBuf,
    /// Begin anew, whatever an earlier run left.
    pub fresh: bool,
}

/// How far the collection is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is read.
    pub what: &'static str,
    /// Its number, from one.
    pub step: usize,
    /// How many there are.
    pub steps: usize,
    /// Objects so far.
    pub objects: u64,
    /// What is going on.
    pub event: Event,
}

/// What is going on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is being read.
    Reading,
    /// It was read to its end.
    Read,
    /// An earlier run had read it.
    Kept,
    /// It could not be read.
    NotRead(String),
    /// It has nothing to do here.
    Skipped,
}

/// What was collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The file.
    pub out: PathBuf,
    /// Tenant id.
    pub tenant: Option<String>,
    /// Display name of the organisation.
    pub name: Option<String>,
    /// When the collection began.
    pub started: Timestamp,
    /// Objects by collection.
    pub collections: BTreeMap<String, u64>,
    /// What could not be read, and what to grant.
    pub not_read: Vec<NotRead>,
    /// What a reader of the snapshot must know.
    pub notes: Vec<String>,
    /// Whether it went on where an earlier run had stopped.
    pub resumed: bool,
    /// Why it did not, where there was one.
    pub anew: Option<String>,
}

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// Something that may pass. The same call goes on where this one stopped.
    #[error("{error}; {}", kept(*.done, *.steps, .dir))]
    Interrupted {
        /// What happened.
        error: Error,
        /// Steps that are done.
        done: usize,
        /// Steps that there are.
        steps: usize,
        /// Where they are kept.
        dir: PathBuf,
    },
    /// There is no token for Microsoft Graph.
    #[error("{0}")]
    SignIn(Error),
    /// Another run writes the same snapshot.
    #[error(
        "another `collect` is writing this snapshot (it holds `{}`): wait for its end, or give another --out", .dir.display()
    )]
    Busy {
        /// Its directory.
        dir: PathBuf,
    },
    /// The disk.
    #[error("{what} failed: {error}")]
    Io {
        /// What was tried, with which file.
        what: String,
        /// Why it failed.
        error: io::Error,
    },
    /// An emergency account that was asked for is not in the tenant.
    #[error(
        "the tenant has no user `{0}`: check the spelling of the emergency account, and that it is the right tenant"
    )]
    NoAccount(String),
}

/// Names of the collections of a snapshot, each once: what a comparison of snapshots has to look at.
pub fn collections() -> BTreeSet<&'static str> {
    let collection = |step: &&'static str| match *step {
        "emergency accounts" | "administrators" => "users",
        own => own,
    };
    STEPS.iter().map(collection).collect()
}

/// Reads a tenant into one snapshot file.
///
/// # Errors
/// [`CollectError::Interrupted`] can be tried again and goes on; what may not be read is no error, it stands in the
/// snapshot.
pub async fn collect(
    entra: &Entra,
    options: &Options,
    clock: &dyn Clock,
    progress: &mut dyn FnMut(Progress),
) -> Result<Summary, CollectError> {
    let granted = match entra.granted(Service::Graph).await {
        Ok(granted) => granted,
        Err(Error::Unusable { .. }) => crate::Granted::default(),
        Err(error) if error.is_transient() => {
            return Err(CollectError::Interrupted {
                error,
                done: 0,
                steps: STEPS.len(),
                dir: work::directory(&options.out),
            });
        }
        Err(error) => return Err(CollectError::SignIn(error)),
    };
    let tenant = match &granted.tenant {
        Some(tenant) => Some(tenant.to_lowercase()),
        // A token that only its audience can read: the tenant says who it is.
        None => tenant_id(entra).await,
    };
    let (work, start) = Work::open(options, tenant, clock.now())?;
    let session = Session::new(entra, options, granted, work, progress);
    session.organization().await?;
    // Before all that takes long: a misspelt account is noticed at once.
    match session.accounts().await {
        Ok(()) => {}
        Err(error) => {
            if matches!(error, CollectError::NoAccount(_)) {
                session.abandon()?;
            }
            return Err(error);
        }
    }
    let rest = async {
        session.conditional_access().await?;
        session.roles().await?;
        session.units().await?;
        session.governance().await?;
        session.risky_users().await?;
        session.groups().await?;
        session.activation_of_groups().await?;
        session.administrators().await?;
        session.users().await?;
        session.principals().await?;
        session.azure().await
    };
    // The report answers five requests in ten seconds, so it is read beside all else.
    tokio::try_join!(rest, session.registration())?;
    session.write(start)
}

/// What there is of an interrupted run. One that had not begun to read says nothing of its own; an earlier one may have
/// left something.
fn kept(done: usize, steps: usize, dir: &Path) -> String {
    let again = "run the same command again";
    let within = "within six hours, to go on";
    match done {
        0 if dir.is_dir() => format!(
            "no part is done yet; what an earlier run may have read is kept in `{}`: {again}, {within}",
            dir.display()
        ),
        0 => format!("nothing was read yet: {again}"),
        _ => format!(
            "{done} of {steps} parts are done and kept in `{}`: {again}, {within}",
            dir.display()
        ),
    }
}

async fn tenant_id(entra: &Entra) -> Option<String> {
    let request = Request::graph(Version::V1, "/organization?$select=id");
    let rows = entra.all(request).await.ok()?;
    Some(rows.first()?.get("id")?.as_str()?.to_lowercase())
}

impl Start {
    /// Whether it goes on, and else why not.
    fn told(self) -> (bool, Option<String>) {
        match self {
            Self::New => (false, None),
            Self::Resumed => (true, None),
            Self::Anew(why) => (false, Some(why)),
        }
    }
}
