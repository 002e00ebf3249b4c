//! One sign-in: everything that Conditional Access can look at when a token is about to be issued.
//!
//! The field names are those of the documents that the command line reads and writes.

use std::{collections::BTreeSet, net::IpAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::device_filter::Device;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word, as Graph spells it.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The value of a word, in any letter case.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.word().eq_ignore_ascii_case(word.trim()))
            }

            /// The bit of this value in a mask.
            pub fn bit(self) -> u8 {
                1 << (self as u8)
            }
        }
    };
}

words! {
    /// Device platform, taken from the user agent and therefore whatever the person wants it to be.
    Platform {
        /// Windows.
        Windows = "windows",
        /// macOS.
        MacOs = "macOS",
        /// iOS and iPadOS.
        Ios = "iOS",
        /// Android.
        Android = "android",
        /// Linux.
        Linux = "linux",
        /// Windows Phone.
        WindowsPhone = "windowsPhone",
        /// Anything else, ChromeOS for one: only `all` covers it.
        Unknown = "unknown",
    }
}

words! {
    /// The class of client.
    ClientApp {
        /// A browser.
        Browser = "browser",
        /// An app with modern authentication.
        Modern = "mobileAppsAndDesktopClients",
        /// Exchange ActiveSync.
        ActiveSync = "exchangeActiveSync",
        /// Any other legacy client.
        Other = "other",
    }
}

impl ClientApp {
    /// Legacy clients carry neither multifactor authentication nor a device (Microsoft: *Conditions*).
    pub fn legacy(self) -> bool {
        matches!(self, Self::ActiveSync | Self::Other)
    }
}

words! {
    /// Risk of a sign-in or of a user, as Microsoft judges it.
    Risk {
        /// No risk.
        None = "none",
        /// Low.
        Low = "low",
        /// Medium.
        Medium = "medium",
        /// High.
        High = "high",
    }
}

words! {
    /// Insider risk, from Microsoft Purview.
    InsiderRisk {
        /// No risk.
        None = "none",
        /// Minor.
        Minor = "minor",
        /// Moderate.
        Moderate = "moderate",
        /// Elevated.
        Elevated = "elevated",
    }
}

words! {
    /// A way to carry a sign-in from one device to another.
    Flow {
        /// An ordinary sign-in.
        None = "none",
        /// Device code flow.
        DeviceCode = "deviceCodeFlow",
        /// Authentication transfer.
        Transfer = "authenticationTransfer",
    }
}

words! {
    /// What is asked for besides the resource.
    Scopes {
        /// Anything more than the baseline.
        Normal = "normal",
        /// Only low-privilege scopes of Microsoft Graph (OpenID scopes, `User.Read`, `People.Read`, …).
        Baseline = "baseline",
    }
}

/// Who signs in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Who {
    /// Object id or user principal name.
    Name(String),
    /// A described person, as in `@person.json`; only its `id` is read here.
    Described {
        /// Object id.
        id: String,
    },
}

impl Who {
    /// The object id or name.
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Described { id } => id,
        }
    }
}

/// One sign-in. A field that is left out is *not given*, and a condition that needs it is unknown; the
/// exceptions are stated at the field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignIn {
    /// Who signs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Who>,
    /// App ids of the resources that tokens are asked for.
    #[serde(default)]
    pub audiences: BTreeSet<String>,
    /// Left out: `normal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Scopes>,
    /// `urn:user:registersecurityinfo` or `urn:user:registerdevice`; left out: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_action: Option<String>,
    /// Authentication contexts that the resource asks for; left out: none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub auth_contexts: BTreeSet<String>,
    /// The public address that Entra sees.
    #[serde(default)]
    pub ip: Option<IpAddr>,
    /// ISO 3166-1 code of the country that Microsoft's database gives the address; `null`: it gives none.
    #[serde(default, skip_serializing_if = "Given::is_missing")]
    pub country: Given<String>,
    /// Country by the GPS of Microsoft Authenticator; left out or `null`: there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gps_country: Option<String>,
    /// Whether the connection comes through the tenant's Global Secure Access client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compliant_network: Option<bool>,
    /// Platform.
    #[serde(default)]
    pub platform: Option<Platform>,
    /// Class of client.
    #[serde(default)]
    pub client_app: Option<ClientApp>,
    /// The device object; `null`: the device is not registered, every attribute is null.
    #[serde(default, skip_serializing_if = "Given::is_missing")]
    pub device: Given<Device>,
    /// Sign-in risk.
    #[serde(default)]
    pub sign_in_risk: Option<Risk>,
    /// User risk.
    #[serde(default)]
    pub user_risk: Option<Risk>,
    /// Insider risk.
    #[serde(default)]
    pub insider_risk: Option<InsiderRisk>,
    /// Left out: `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<Flow>,
    /// The flow by which the session once began; left out: `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracked_flow: Option<Flow>,
}

/// A datum for which `null` says something else than its absence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, JsonSchema)]
#[schemars(with = "Option<T>")]
pub enum Given<T> {
    /// It was not given.
    #[default]
    Missing,
    /// It is known that there is none.
    Nothing,
    /// It is this.
    Value(T),
}

impl<T> Given<T> {
    /// Whether it was not given.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }

    /// The value; `None` when there is none or when it was not given.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Missing | Self::Nothing => None,
        }
    }
}

impl<T> From<Option<T>> for Given<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Self::Value)
    }
}

impl<T: Serialize> Serialize for Given<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<T>::deserialize(deserializer).map(Self::from)
    }
}

impl SignIn {
    /// The scopes, `normal` when left out.
    pub fn scopes(&self) -> Scopes {
        self.scopes.unwrap_or(Scopes::Normal)
    }

    /// The flow, `none` when left out.
    pub fn flow(&self) -> Flow {
        self.flow.unwrap_or(Flow::None)
    }

    /// The tracked flow, `none` when left out.
    pub fn tracked_flow(&self) -> Flow {
        self.tracked_flow.unwrap_or(Flow::None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_absent_are_told_apart() {
        let none: SignIn = serde_json::from_str(r#"{"country": null, "device": null}"#).unwrap();
        assert_eq!(none.country, Given::Nothing);
        assert_eq!(none.device, Given::Nothing);
        let missing: SignIn = serde_json::from_str("{}").unwrap();
        assert!(missing.country.is_missing() && missing.device.is_missing());
    }

    #[test]
    fn a_misspelt_field_is_refused() {
        let error = serde_json::from_str::<SignIn>(r#"{"clientapp": "browser"}"#).unwrap_err();
        assert!(
            error.to_string().contains("unknown field `clientapp`"),
            "{error}"
        );
    }
}
