//! The ways in which a person can prove who they are, from what is registered and allowed.

use breakglass_conditional_access::{Identity, strength::UsableMethod};

/// One way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    Passkey,
    WindowsHello,
    Certificate,
    Pass,
    Federated,
    Password,
    Push,
    Code,
    HardwareCode,
    Sms,
    Call,
    External,
}

impl Way {
    pub(crate) const ALL: [Self; 12] = [
        Self::Passkey,
        Self::WindowsHello,
        Self::Certificate,
        Self::Pass,
        Self::Federated,
        Self::Password,
        Self::Push,
        Self::Code,
        Self::HardwareCode,
        Self::Sms,
        Self::Call,
        Self::External,
    ];

    /// The word in forms.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Passkey => "passkey",
            Self::WindowsHello => "hello",
            Self::Certificate => "certificate",
            Self::Pass => "pass",
            Self::Federated => "federated",
            Self::Password => "password",
            Self::Push => "push",
            Self::Code => "oath",
            Self::HardwareCode => "hardware-oath",
            Self::Sms => "sms",
            Self::Call => "voice",
            Self::External => "external",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.word() == word)
    }

    /// The words of `authenticationMethodModes`, by which it is found among what is registered.
    const fn modes(self) -> &'static [&'static str] {
        match self {
            Self::Passkey => &["fido2"],
            Self::WindowsHello => &["windowsHelloForBusiness"],
            Self::Certificate => &["x509CertificateMultiFactor"],
            Self::Pass => &["temporaryAccessPassOneTime", "temporaryAccessPassMultiUse"],
            Self::Federated => &["federatedSingleFactor"],
            Self::Password => &["password"],
            Self::Push => &["microsoftAuthenticatorPush"],
            Self::Code => &["softwareOath"],
            Self::HardwareCode => &["hardwareOath"],
            Self::Sms => &["sms"],
            Self::Call => &["voice"],
            Self::External => &["externalMfa"],
        }
    }

    /// Whether it can come first.
    pub(crate) const fn is_first(self) -> bool {
        matches!(
            self,
            Self::Passkey
                | Self::WindowsHello
                | Self::Certificate
                | Self::Pass
                | Self::Federated
                | Self::Password
        )
    }

    /// Whether it goes through Microsoft's service for second factors, which can be down while the rest works.
    pub(crate) const fn needs_mfa_service(self) -> bool {
        matches!(
            self,
            Self::Push | Self::Code | Self::HardwareCode | Self::Sms | Self::Call
        )
    }

    /// What the page calls it.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Passkey => "Face, fingerprint, PIN or security key",
            Self::WindowsHello => "Windows Hello",
            Self::Certificate => "Use a certificate or smart card",
            Self::Pass => "Use a Temporary Access Pass",
            Self::Federated => "Sign in with your organisation's own page",
            Self::Password => "Use my password",
            Self::Push => "Approve a request on my Microsoft Authenticator app",
            Self::Code => "Use a verification code",
            Self::HardwareCode => "Use a code from a hardware token",
            Self::Sms => "Text a code to my phone",
            Self::Call => "Call my phone",
            Self::External => "Use an external provider",
        }
    }

    /// `authenticationMethod` of sign-in records.
    pub(crate) const fn log(self) -> &'static str {
        match self {
            Self::Passkey => "Passkey (device-bound)",
            Self::WindowsHello => "Windows Hello for Business",
            Self::Certificate => "X.509 Certificate",
            Self::Pass => "Temporary Access Pass",
            Self::Federated => "Federated",
            Self::Password => "Password",
            Self::Push => "Mobile app notification",
            Self::Code => "OATH verification code",
            Self::HardwareCode => "Hardware OATH token",
            Self::Sms => "Text message",
            Self::Call => "Phone call",
            Self::External => "External authentication method",
        }
    }

    /// `amr` of tokens (Microsoft identity platform, *Access token claims reference*).
    pub(crate) const fn amr(self) -> &'static [&'static str] {
        match self {
            Self::Passkey => &["fido", "rsa", "mfa"],
            Self::WindowsHello | Self::Certificate => &["rsa", "mfa"],
            Self::Pass
            | Self::Push
            | Self::Code
            | Self::HardwareCode
            | Self::Sms
            | Self::Call
            | Self::External => &["mfa"],
            Self::Federated => &["fed"],
            Self::Password => &["pwd"],
        }
    }
}

/// The registered methods, whether their use is certain or not.
pub(crate) fn registered(identity: &Identity) -> &[UsableMethod] {
    identity.methods.known().map_or(&[], Vec::as_slice)
}

/// What can be offered: as the first proof, or as the second after `first`.
pub(crate) fn offered(identity: &Identity, first: Option<Way>, device: bool) -> Vec<Way> {
    let methods = registered(identity);
    let has = |way: Way| {
        methods.iter().any(|method| {
            (device || !method.device_bound)
                && way.modes().iter().any(|mode| method.combination.uses(mode))
                && match first {
                    None => method.combination.methods().count() == 1,
                    Some(_) => true,
                }
        })
    };
    Way::ALL
        .into_iter()
        .filter(|way| match first {
            None => way.is_first() && (has(*way) || always(*way, methods)),
            // After a first factor anything else that is strong by itself, or goes together with it.
            Some(first) => {
                *way != first && *way != Way::Password && *way != Way::Federated && has(*way)
            }
        })
        .collect()
}

/// The password (or the outside provider) is there as soon as a second factor leans on it.
fn always(way: Way, methods: &[UsableMethod]) -> bool {
    matches!(way, Way::Password | Way::Federated)
        && methods
            .iter()
            .any(|method| way.modes().iter().any(|mode| method.combination.uses(mode)))
}

/// The combinations that a used way adds, given the first factor.
pub(crate) fn combinations(
    way: Way,
    first: Option<Way>,
    identity: &Identity,
    aaguid: Option<&str>,
) -> Vec<UsableMethod> {
    let own = way
        .modes()
        .iter()
        .find(|mode| {
            registered(identity)
                .iter()
                .any(|method| method.combination.uses(mode))
        })
        .or_else(|| way.modes().first());
    let Some(mode) = own else { return Vec::new() };
    let base = match first {
        Some(Way::Password) => Some("password"),
        Some(Way::Federated) => Some("federatedSingleFactor"),
        _ => None,
    };
    let leans = matches!(
        way,
        Way::Push | Way::Code | Way::HardwareCode | Way::Sms | Way::Call
    );
    let mut method = match base {
        Some(base) if leans => UsableMethod::new(&format!("{base},{mode}")),
        _ => UsableMethod::new(mode),
    };
    method.device_bound = way == Way::WindowsHello;
    if let Some(aaguid) = aaguid {
        method = method.model(aaguid);
    }
    vec![method]
}

#[cfg(test)]
mod tests {
    use super::*;
    use breakglass_conditional_access::identity::Fact;

    fn person(methods: &[&str]) -> Identity {
        let mut all: Vec<UsableMethod> =
            methods.iter().map(|text| UsableMethod::new(text)).collect();
        for method in &mut all {
            method.device_bound = method.combination.uses("windowsHelloForBusiness");
        }
        Identity {
            methods: Fact::Known(all),
            ..Identity::default()
        }
    }

    #[test]
    fn what_is_offered_follows_from_what_is_registered() {
        let own = person(&[
            "password",
            "password,sms",
            "fido2",
            "windowsHelloForBusiness",
        ]);
        assert_eq!(offered(&own, None, false), [Way::Passkey, Way::Password]);
        assert_eq!(
            offered(&own, None, true),
            [Way::Passkey, Way::WindowsHello, Way::Password]
        );
        assert_eq!(
            offered(&own, Some(Way::Password), false),
            [Way::Passkey, Way::Sms]
        );
    }

    #[test]
    fn a_second_factor_counts_together_with_the_first() {
        let own = person(&["federatedSingleFactor", "federatedSingleFactor,sms"]);
        assert_eq!(offered(&own, None, false), [Way::Federated]);
        let used = combinations(Way::Sms, Some(Way::Federated), &own, None);
        assert_eq!(used[0].combination.to_string(), "federatedSingleFactor,sms");
    }

    #[test]
    fn every_way_is_found_by_its_word() {
        for way in Way::ALL {
            assert_eq!(Way::from_word(way.word()), Some(way));
        }
    }
}
