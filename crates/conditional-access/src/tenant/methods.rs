//! Registered methods, made into the combinations that a person can use.

use breakglass_model::tenant::{Method, MethodKind};

use super::methods_policy::MethodsPolicy;
use crate::{
    Truth,
    identity::Membership,
    strength::{Combination, EXTERNAL_MFA, UsableMethod},
};

/// Words of `authenticationMethodModes`, in lower case, and ours for external methods.
const WORDS: [&str; 18] = [
    "password",
    "voice",
    "hardwareoath",
    "softwareoath",
    "sms",
    "fido2",
    "windowshelloforbusiness",
    "microsoftauthenticatorpush",
    "devicebasedpush",
    "temporaryaccesspassonetime",
    "temporaryaccesspassmultiuse",
    "email",
    "x509certificatesinglefactor",
    "x509certificatemultifactor",
    "federatedsinglefactor",
    "federatedmultifactor",
    "qrcodepin",
    "externalmfa",
];

/// What a method allows before the methods policy is asked.
///
/// The first factor of a user of a federated domain is the outside provider, not a password.
fn candidates(method: &Method, federated: bool) -> Vec<UsableMethod> {
    let first = if federated {
        "federatedSingleFactor"
    } else {
        "password"
    };
    let second = |word: &str| UsableMethod::new(&format!("{first},{word}"));
    let uncertain = |mut method: UsableMethod| {
        method.certain = false;
        method
    };
    let bound = |word: &str| {
        let mut method = UsableMethod::new(word);
        method.device_bound = true;
        method
    };
    if let Some(written) = &method.combination {
        return as_written(written, method.aaguid.as_deref());
    }
    match &method.kind {
        MethodKind::Fido2 => {
            let key = UsableMethod::new("fido2");
            vec![match &method.aaguid {
                Some(aaguid) => key.model(aaguid),
                None => key,
            }]
        }
        MethodKind::WindowsHello => vec![bound("windowsHelloForBusiness")],
        MethodKind::PlatformCredential => vec![uncertain(bound("windowsHelloForBusiness"))],
        MethodKind::MicrosoftAuthenticator => vec![
            second("microsoftAuthenticatorPush"),
            uncertain(UsableMethod::new("deviceBasedPush")),
        ],
        MethodKind::Phone => match method.phone_type.as_deref() {
            Some(kind) if kind.eq_ignore_ascii_case("office") => vec![second("voice")],
            _ => vec![second("sms"), second("voice")],
        },
        MethodKind::SoftwareOath => vec![second("softwareOath")],
        MethodKind::HardwareOath => vec![second("hardwareOath")],
        // A pass that has run out, or whose time has not come, opens nothing.
        MethodKind::TemporaryAccessPass if method.usable == Some(false) => Vec::new(),
        MethodKind::TemporaryAccessPass => vec![UsableMethod::new(match method.usable_once {
            Some(false) => "temporaryAccessPassMultiUse",
            _ => "temporaryAccessPassOneTime",
        })],
        MethodKind::Certificate => vec![uncertain(UsableMethod::new("x509CertificateMultiFactor"))],
        MethodKind::External => vec![UsableMethod::new(EXTERNAL_MFA)],
        MethodKind::Password => vec![UsableMethod::new(first)],
        // An address for self-service reset opens no sign-in.
        MethodKind::Email => Vec::new(),
        MethodKind::Other(written) => as_written(written, method.aaguid.as_deref()),
    }
}

/// A combination in the words of strengths; anything else opens nothing that is known.
fn as_written(written: &str, aaguid: Option<&str>) -> Vec<UsableMethod> {
    let mut method = UsableMethod::new(written);
    let is_known = method.combination.methods().count() > 0
        && method
            .combination
            .methods()
            .all(|word| WORDS.contains(&word));
    if !is_known {
        return Vec::new();
    }
    method.device_bound = method.combination.uses("windowsHelloForBusiness");
    vec![match aaguid {
        Some(aaguid) => method.model(aaguid),
        None => method,
    }]
}

/// The usable combinations, sorted, and a note for each registered one that is refused or not sure.
pub(super) fn usable<'m>(
    methods: &[Method],
    federated: bool,
    policy: &MethodsPolicy,
    member: &impl Fn(u32) -> Membership<'m>,
) -> (Vec<UsableMethod>, Vec<String>) {
    let mut usable = Vec::new();
    let mut notes = Vec::new();
    for method in methods {
        let found = candidates(method, federated);
        if found.is_empty() && !matches!(method.kind, MethodKind::Email) {
            notes.push(format!(
                "{} opens nothing: it is not usable now, or not known to this program",
                name(method)
            ));
        }
        for mut candidate in found {
            let (truth, why) = allowed(&candidate, policy, member);
            candidate.certain &= truth == Truth::Yes;
            if let Some(why) = why {
                let outcome = match truth {
                    Truth::No => "is registered and refused",
                    _ => "is registered, and whether it may be used is not sure",
                };
                notes.push(format!("{} {outcome}: {why}", label(&candidate, method)));
            }
            if truth != Truth::No {
                usable.push(candidate);
            }
        }
    }
    usable.sort();
    usable.dedup();
    notes.dedup();
    (usable, notes)
}

/// Every part of a combination has to be allowed.
fn allowed<'m>(
    candidate: &UsableMethod,
    policy: &MethodsPolicy,
    member: &impl Fn(u32) -> Membership<'m>,
) -> (Truth, Option<String>) {
    candidate
        .combination
        .methods()
        .map(|word| policy.allows(word, candidate.aaguid.as_deref(), member))
        .min_by_key(|(truth, _)| *truth)
        .unwrap_or((Truth::Yes, None))
}

fn name(method: &Method) -> String {
    match (&method.combination, &method.kind) {
        (Some(written), _) => format!("`{written}`"),
        (None, MethodKind::Other(kind)) if !kind.is_empty() => format!("`{kind}`"),
        (None, kind) => format!("a method of the kind {kind:?}"),
    }
}

fn label(candidate: &UsableMethod, method: &Method) -> String {
    let combination: &Combination = &candidate.combination;
    match (&method.name, &candidate.aaguid) {
        (Some(name), Some(model)) => format!("{combination} ({name}, model {model})"),
        (Some(name), None) => format!("{combination} ({name})"),
        (None, Some(model)) => format!("{combination} (model {model})"),
        (None, None) => combination.to_string(),
    }
}
