//! Authentication methods and strengths.

use std::collections::BTreeSet;

use crate::Truth;

/// One way of proving who one is: the methods that are used together, in Graph's words
/// (`authenticationMethodModes`), in any order and case: `fido2`, `password,sms`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Combination(Vec<String>);

/// The word for an external authentication method: it satisfies `mfa` and no strength (Microsoft: *External
/// authentication methods*).
pub const EXTERNAL_MFA: &str = "externalMfa";

impl Combination {
    /// Reads a comma list.
    pub fn new(text: &str) -> Self {
        let parts: BTreeSet<String> = text
            .split(',')
            .map(|part| part.trim().to_lowercase())
            .filter(|part| !part.is_empty())
            .collect();
        Self(parts.into_iter().collect())
    }

    /// The methods, in lower case.
    pub fn methods(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The first part that is no method, if there is one.
    pub fn unknown(&self) -> Option<&str> {
        self.methods().find(|own| {
            !METHODS
                .iter()
                .any(|method| method.eq_ignore_ascii_case(own))
        })
    }

    /// Whether this method takes part.
    pub fn uses(&self, method: &str) -> bool {
        self.methods().any(|own| own.eq_ignore_ascii_case(method))
    }
}

/// The methods as Graph spells them (`authenticationMethodModes`), and our word for external methods.
pub const METHODS: [&str; 18] = [
    "password",
    "voice",
    "hardwareOath",
    "softwareOath",
    "sms",
    "fido2",
    "windowsHelloForBusiness",
    "microsoftAuthenticatorPush",
    "deviceBasedPush",
    "temporaryAccessPassOneTime",
    "temporaryAccessPassMultiUse",
    "email",
    "x509CertificateSingleFactor",
    "x509CertificateMultiFactor",
    "federatedSingleFactor",
    "federatedMultiFactor",
    "qrCodePin",
    EXTERNAL_MFA,
];

impl std::fmt::Display for Combination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, own) in self.methods().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            let known = METHODS
                .iter()
                .find(|method| method.eq_ignore_ascii_case(own));
            f.write_str(known.copied().unwrap_or(own))?;
        }
        Ok(())
    }
}

/// A combination that a person has registered and is allowed to use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsableMethod {
    /// The combination.
    pub combination: Combination,
    /// Model of a FIDO2 key or authenticator, lower case; `None`: not known.
    pub aaguid: Option<String>,
    /// Whether it works only on the registered device that it was made on (Windows Hello, platform
    /// credentials).
    pub device_bound: bool,
    /// Whether its use is certain. Not so for a certificate, whose binding decides between one factor and two,
    /// or for a registered method that the methods policy may not allow.
    pub certain: bool,
}

impl UsableMethod {
    /// A method that is surely usable, on any device.
    pub fn new(combination: &str) -> Self {
        Self {
            combination: Combination::new(combination),
            aaguid: None,
            device_bound: false,
            certain: true,
        }
    }

    /// The same with the model of the key.
    #[must_use]
    pub fn model(mut self, aaguid: &str) -> Self {
        self.aaguid = Some(aaguid.to_lowercase());
        self
    }
}

/// An authentication strength (Microsoft: *Conditional Access authentication strength*).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strength {
    /// Id.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Allowed combinations.
    pub allowed: Vec<Combination>,
    /// Further restrictions.
    pub restrictions: Vec<Restriction>,
}

/// `combinationConfigurations`: narrows some combinations of a strength.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restriction {
    /// The combinations that it narrows.
    pub applies_to: Vec<Combination>,
    /// Key models that are allowed, lower case; empty: this restriction is about something else
    /// (certificate issuers or policies), which is not read of a person's certificate.
    pub aaguids: Vec<String>,
}

impl Strength {
    /// Whether a method satisfies the strength on a device.
    ///
    /// A restriction whose subject is not known of the method (no AAGUID, certificates) is *unknown*.
    pub fn satisfied_by(&self, method: &UsableMethod, registered_device: bool) -> Truth {
        if !self.allowed.contains(&method.combination) {
            return Truth::No;
        }
        let mut truth = Truth::from(method.certain).or(Truth::Unknown);
        if method.device_bound && !registered_device {
            return Truth::No;
        }
        for restriction in &self.restrictions {
            if !restriction.applies_to.contains(&method.combination) {
                continue;
            }
            truth = truth.and(match (&method.aaguid, restriction.aaguids.is_empty()) {
                (_, true) | (None, false) => Truth::Unknown,
                (Some(model), false) => Truth::from(
                    restriction
                        .aaguids
                        .iter()
                        .any(|a| a.eq_ignore_ascii_case(model)),
                ),
            });
        }
        truth
    }
}

const PHISHING_RESISTANT: [&str; 3] = [
    "windowsHelloForBusiness",
    "fido2",
    "x509CertificateMultiFactor",
];
const SECOND_FACTORS: [&str; 5] = [
    "microsoftAuthenticatorPush",
    "softwareOath",
    "hardwareOath",
    "sms",
    "voice",
];

/// Id of the built-in strength *Multifactor authentication*, which is what the control `mfa` asks for.
pub const MFA_STRENGTH: &str = "00000000-0000-0000-0000-000000000002";

/// The three built-in strengths, the same in every tenant.
pub fn built_in() -> Vec<Strength> {
    let of = |id: &str, name: &str, allowed: Vec<String>| Strength {
        id: id.to_owned(),
        name: name.to_owned(),
        allowed: allowed.iter().map(|text| Combination::new(text)).collect(),
        restrictions: Vec::new(),
    };
    let resistant: Vec<String> = PHISHING_RESISTANT.map(str::to_owned).to_vec();
    let mut passwordless = resistant.clone();
    passwordless.push("deviceBasedPush".to_owned());
    let mut mfa = passwordless.clone();
    mfa.extend(
        [
            "temporaryAccessPassOneTime",
            "temporaryAccessPassMultiUse",
            "federatedMultiFactor",
        ]
        .map(str::to_owned),
    );
    mfa.extend(SECOND_FACTORS.map(|second| format!("password,{second}")));
    mfa.extend(SECOND_FACTORS.map(|second| format!("{second},federatedSingleFactor")));
    vec![
        of(MFA_STRENGTH, "Multifactor authentication", mfa),
        of(
            "00000000-0000-0000-0000-000000000003",
            "Passwordless MFA",
            passwordless,
        ),
        of(
            "00000000-0000-0000-0000-000000000004",
            "Phishing-resistant MFA",
            resistant,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_case_of_a_combination_do_not_matter() {
        assert_eq!(
            Combination::new("SMS, password"),
            Combination::new("password,sms")
        );
        assert!(Combination::new("password,sms").uses("SMS"));
        assert_eq!(
            Combination::new("FIDO2,microsoftauthenticatorpush").to_string(),
            "fido2,microsoftAuthenticatorPush"
        );
    }

    #[test]
    fn a_restricted_strength_asks_for_the_model_k3() {
        let strength = Strength {
            id: "s".into(),
            name: "Break glass".into(),
            allowed: vec![Combination::new("fido2")],
            restrictions: vec![Restriction {
                applies_to: vec![Combination::new("fido2")],
                aaguids: vec!["aa".into()],
            }],
        };
        assert_eq!(
            strength.satisfied_by(&UsableMethod::new("fido2").model("AA"), false),
            Truth::Yes
        );
        assert_eq!(
            strength.satisfied_by(&UsableMethod::new("fido2").model("bb"), false),
            Truth::No
        );
        assert_eq!(
            strength.satisfied_by(&UsableMethod::new("fido2"), false),
            Truth::Unknown
        );
        assert_eq!(
            strength.satisfied_by(&UsableMethod::new("password,sms"), false),
            Truth::No
        );
    }

    #[test]
    fn windows_hello_needs_its_device() {
        let mut hello = UsableMethod::new("windowsHelloForBusiness");
        hello.device_bound = true;
        let resistant = &built_in()[2];
        assert_eq!(resistant.satisfied_by(&hello, false), Truth::No);
        assert_eq!(resistant.satisfied_by(&hello, true), Truth::Yes);
    }
}
