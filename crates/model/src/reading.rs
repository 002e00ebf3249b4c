//! What was read, and what was not.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One datum that may not have been readable. Absence of data is never the same as the absence of the
/// thing: a check that meets [`Reading::NotRead`] answers *cannot tell*.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reading<T> {
    /// It was read.
    Read(T),
    /// It was not in the input, or could not be read; the reason, as a clause ("the input holds no
    /// authentication methods of this user").
    NotRead(String),
}

impl<T> Default for Reading<T> {
    fn default() -> Self {
        Self::NotRead("it is not in the input".to_owned())
    }
}

impl<T> Reading<T> {
    /// The value, when it was read.
    pub fn get(&self) -> Option<&T> {
        match self {
            Self::Read(value) => Some(value),
            Self::NotRead(_) => None,
        }
    }

    /// The reason why it was not read.
    pub fn why_not(&self) -> Option<&str> {
        match self {
            Self::Read(_) => None,
            Self::NotRead(why) => Some(why),
        }
    }
}

/// A collection of the tenant (users, groups, policies, …) with how completely it was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Collection<T> {
    /// The objects that were read.
    pub items: Vec<T>,
    /// `None`: all of them were read. Otherwise why some, or all, are missing.
    pub missing: Option<NotRead>,
}

impl<T> Collection<T> {
    /// A collection that was not read at all.
    pub fn not_read(collection: &str, reason: &str, permission: Option<&str>) -> Self {
        Self {
            items: Vec::new(),
            missing: Some(NotRead {
                collection: collection.to_owned(),
                reason: reason.to_owned(),
                permission: permission.map(str::to_owned),
            }),
        }
    }

    /// A collection of which every object was read.
    pub fn complete(items: Vec<T>) -> Self {
        Self {
            items,
            missing: None,
        }
    }

    /// Whether every object was read, so that absence from `items` means absence from the tenant.
    pub fn is_complete(&self) -> bool {
        self.missing.is_none()
    }

    /// The objects that were read.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }
}

impl<'a, T> IntoIterator for &'a Collection<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

/// Something that could not be read, with what would make it readable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct NotRead {
    /// The collection, in Microsoft Graph's name (`roleAssignments`, `users/authentication/methods`).
    pub collection: String,
    /// Why it was not read.
    pub reason: String,
    /// The least permission that would allow it, where one is known (`RoleManagement.Read.Directory`).
    pub permission: Option<String>,
}

/// A piece of input that could not be understood. It is kept and counted, never dropped in silence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SetAside {
    /// The file, as the user named it; `-` for standard input.
    pub file: String,
    /// Where in the file: `line 12`, `line 3 column 7`, `value[4]`, `byte 1024`.
    pub position: String,
    /// Why it could not be understood.
    pub reason: String,
}
