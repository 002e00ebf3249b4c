//! What the registration report tells of a user's methods: classes, not the methods themselves.
//!
//! The report (Microsoft Graph, *userRegistrationDetails*) can lag by hours, tells no model of a key and lists no
//! certificate. It stands in for the list of methods where thousands of users are looked at together, and never where
//! one account is judged: [`User::methods`](super::User::methods) stays *not read*.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Method, MethodKind};

/// A word, the kind of method, `phoneType`, combination.
type Word = (
    &'static str,
    Option<MethodKind>,
    Option<&'static str>,
    Option<&'static str>,
);

/// Words of `methodsRegistered`, with the kind of method, `phoneType` and combination that they stand for; without a
/// kind nobody signs in with it. The order is the order of bits.
const WORDS: &[Word] = &[
    ("mobilePhone", Some(MethodKind::Phone), Some("mobile"), None),
    (
        "alternateMobilePhone",
        Some(MethodKind::Phone),
        Some("alternateMobile"),
        None,
    ),
    ("officePhone", Some(MethodKind::Phone), Some("office"), None),
    ("email", Some(MethodKind::Email), None, None),
    ("securityQuestion", None, None, None),
    (
        "microsoftAuthenticatorPush",
        Some(MethodKind::MicrosoftAuthenticator),
        None,
        None,
    ),
    (
        "microsoftAuthenticatorPasswordless",
        Some(MethodKind::MicrosoftAuthenticator),
        None,
        Some("deviceBasedPush"),
    ),
    (
        "softwareOneTimePasscode",
        Some(MethodKind::SoftwareOath),
        None,
        None,
    ),
    (
        "hardwareOneTimePasscode",
        Some(MethodKind::HardwareOath),
        None,
        None,
    ),
    (
        "temporaryAccessPass",
        Some(MethodKind::TemporaryAccessPass),
        None,
        None,
    ),
    (
        "windowsHelloForBusiness",
        Some(MethodKind::WindowsHello),
        None,
        None,
    ),
    (
        "macOsSecureEnclaveKey",
        Some(MethodKind::PlatformCredential),
        None,
        None,
    ),
    ("fido2SecurityKey", Some(MethodKind::Fido2), None, None),
    ("fido2", Some(MethodKind::Fido2), None, None),
    ("passKeyDeviceBound", Some(MethodKind::Fido2), None, None),
    (
        "passKeyDeviceBoundAuthenticator",
        Some(MethodKind::Fido2),
        None,
        None,
    ),
    (
        "passKeyDeviceBoundWindowsHello",
        Some(MethodKind::Fido2),
        None,
        None,
    ),
    ("passKeySynced", Some(MethodKind::Fido2), None, None),
    ("externalAuthMethod", Some(MethodKind::External), None, None),
];

/// Classes of methods that a user has registered. Small, as there is one for every user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegisteredMethods(u32);

impl RegisteredMethods {
    /// Reads the words of `methodsRegistered`; one that is not known opens nothing.
    pub fn of<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut bits = 0;
        for word in words {
            let known = WORDS
                .iter()
                .position(|(known, ..)| known.eq_ignore_ascii_case(word));
            if let Some(bit) = known {
                bits |= 1 << bit;
            }
        }
        Self(bits)
    }

    /// The words.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        WORDS
            .iter()
            .enumerate()
            .filter(move |(bit, _)| self.0 & (1 << bit) != 0)
            .map(|(_, (word, ..))| *word)
    }

    /// The methods that the classes stand for, as far as one signs in with them; a password is always there.
    pub fn methods(self) -> Vec<Method> {
        let password = Method {
            kind: MethodKind::Password,
            ..Method::default()
        };
        let mut methods = vec![password];
        for (bit, (_, kind, phone, combination)) in WORDS.iter().enumerate() {
            if let Some(kind) = kind
                && self.0 & (1 << bit) != 0
            {
                methods.push(Method {
                    kind: kind.clone(),
                    phone_type: phone.map(str::to_owned),
                    combination: combination.map(str::to_owned),
                    ..Method::default()
                });
            }
        }
        methods
    }
}

impl Serialize for RegisteredMethods {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.words())
    }
}

impl<'de> Deserialize<'de> for RegisteredMethods {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = Vec::<String>::deserialize(deserializer)?;
        Ok(Self::of(words.iter().map(String::as_str)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_become_methods_beside_a_password() {
        let registered = RegisteredMethods::of([
            "passKeyDeviceBoundAuthenticator",
            "officePhone",
            "securityQuestion",
            "new",
        ]);
        let kinds: Vec<MethodKind> = registered
            .methods()
            .into_iter()
            .map(|method| method.kind)
            .collect();
        assert_eq!(
            kinds,
            [MethodKind::Password, MethodKind::Phone, MethodKind::Fido2]
        );
        let text = serde_json::to_string(&registered).unwrap();
        assert_eq!(
            serde_json::from_str::<RegisteredMethods>(&text).unwrap(),
            registered
        );
    }
}
