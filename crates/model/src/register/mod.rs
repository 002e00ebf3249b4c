//! The register: which accounts are guarded, where their keys lie, who is authorised.
//!
//! The types here are the register as valid; `parse` reads the file and reports every problem at once.

mod parse;
mod validate;
mod written;

#[cfg(test)]
mod tests;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{ObjectId, TenantId, Upn};

pub use parse::{Parsed, SCHEMA};

/// A valid register.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Register {
    /// Tenant id.
    pub tenant_id: Option<TenantId>,
    /// Tenant name.
    pub tenant_name: Option<String>,
    /// The tenant's initial domain (`contoso.onmicrosoft.com`).
    pub initial_domain: Option<String>,
    /// The emergency access accounts.
    pub accounts: Vec<Account>,
    /// People.
    pub people: Vec<Person>,
    /// How often to drill.
    pub drills: DrillPolicy,
    /// Drills done before this tool was used.
    pub declared_drills: Vec<DeclaredDrill>,
    /// Designated secure workstations, by Entra device id.
    pub workstations: Vec<Workstation>,
    /// Most standing Global Administrators that are accepted (A6).
    pub max_global_administrators: usize,
    /// Places and envelopes; `None` when the sealed part was not given.
    pub sealed: Option<Sealed>,
    /// How the sealed part lies on disk; `None` when it was not given.
    #[serde(default)]
    pub protection: Option<Protection>,
}

/// How the part of the register that must be kept from others lies on disk (R2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protection {
    /// In clear, in the same file as the rest.
    SameFile,
    /// In clear, in a file of its own, which can have its own permissions.
    OwnFile,
    /// Encrypted to its readers (age); whoever decrypts it says so.
    Encrypted,
}

/// An emergency access account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Object id.
    pub id: Option<ObjectId>,
    /// User principal name.
    pub upn: Option<Upn>,
    /// Role-assignable group that holds it.
    pub group: Option<ObjectId>,
    /// Restricted management administrative unit that holds it.
    pub unit: Option<ObjectId>,
    /// Policies that are meant to reach it.
    pub intended_policies: Vec<ObjectId>,
    /// Its security keys.
    pub keys: Vec<Key>,
}

/// A security key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Key {
    /// Label on the key.
    pub label: String,
    /// AAGUID, lower case.
    pub aaguid: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// Vendor as written.
    pub vendor: Option<String>,
    /// Id of the place where it lies.
    pub place: Option<String>,
    /// Id of the envelope that holds it.
    pub envelope: Option<String>,
}

/// A person who has to do with the accounts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// Short id, unique in the register.
    pub id: String,
    /// Name.
    pub name: String,
    /// Object id of the person's everyday user, where there is one.
    pub object_id: Option<ObjectId>,
    /// `custodian`, `responder`, `reviewer`, `owner`, `viewer`, `stakeholder`.
    pub roles: Vec<String>,
    /// First day of authorisation.
    pub authorised_since: Option<Date>,
    /// Last day of authorisation: set when somebody has left.
    pub authorised_until: Option<Date>,
    /// Person ids that this person stands in for.
    pub deputy_for: Vec<String>,
    /// Public SSH key with which this person approves plans (`ssh-ed25519 …`).
    #[serde(default)]
    pub signing_key: Option<String>,
    /// Public age key to which secrets for this person are sealed (`age1…`).
    #[serde(default)]
    pub recipient: Option<String>,
    /// Training done.
    pub training: Vec<Training>,
}

impl Person {
    /// Whether the person is authorised on a day; the first and the last day count.
    pub fn authorised_on(&self, day: Date) -> bool {
        self.authorised_since.is_none_or(|since| since <= day)
            && self.authorised_until.is_none_or(|until| until >= day)
    }
}

/// A training that a person did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Topic.
    pub topic: String,
    /// The day it was done.
    pub on: Date,
    /// How many days it is good for; `None`: for ever.
    pub valid_days: Option<u32>,
}

/// How often the accounts are drilled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DrillPolicy {
    /// Days between drills. More than 90 is allowed and reported as below the floor (D2).
    pub every_days: u32,
    /// Days after the last drill at which to remind.
    pub warn_days: Vec<u32>,
}

impl Default for DrillPolicy {
    fn default() -> Self {
        Self {
            every_days: 90,
            warn_days: vec![75, 85],
        }
    }
}

/// A drill that somebody wrote down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeclaredDrill {
    /// Object id or UPN of the account, as written.
    pub account: String,
    /// The day.
    pub on: Date,
    /// Person id.
    pub by: Option<String>,
    /// Note.
    pub note: Option<String>,
}

/// A designated secure workstation (A8).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workstation {
    /// Entra device id.
    pub device_id: String,
    /// Name.
    pub name: Option<String>,
}

/// Places and envelopes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sealed {
    /// Places.
    pub places: Vec<Place>,
    /// Envelopes.
    pub envelopes: Vec<Envelope>,
}

/// A place where envelopes lie.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Short id, unique in the register.
    pub id: String,
    /// Site: places at one site can burn together.
    pub site: Option<String>,
    /// `safe`, `bank-box`, ….
    pub kind: Option<String>,
    /// `always`, or the hours in words.
    pub hours: Option<String>,
    /// Person ids who can open it.
    pub opens: Vec<String>,
    /// Utilities that it depends on (`power:hq`).
    pub utilities: Vec<String>,
    /// When the combination was last changed.
    pub combination_changed: Option<Date>,
}

/// A sealed envelope.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Id, unique in the register.
    pub id: String,
    /// Place id.
    pub place: Option<String>,
    /// What is in it, without the secret itself: `key:BG01-A`, `pin:BG01-A`, `sheet:BG01`.
    pub holds: Vec<String>,
    /// Seal number.
    pub seal: Option<String>,
    /// Dated checks of the seal.
    pub checked: Vec<SealCheck>,
}

/// Somebody looked at a seal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SealCheck {
    /// The day.
    pub on: Date,
    /// Person id.
    pub by: Option<String>,
    /// Whether it was unbroken.
    pub seal_ok: bool,
}
