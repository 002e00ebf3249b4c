//! Whether what a policy asks for can be met by a person in the circumstances of a sign-in.

use super::{Compiled, CompiledControl, Engine, Subject};
use crate::{
    Truth,
    device_filter::Device,
    identity::Fact,
    policy::{Control, Session},
    sign_in::{ClientApp, Flow, Given, Platform, SignIn},
};

/// The role of directory synchronisation accounts, which can't do multifactor authentication.
pub(crate) const SYNC_ACCOUNTS: &str = "d29b2b05-8046-44ba-8758-1e26182fcf32";

/// What of a sign-in decides whether controls are met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Circumstances {
    pub(crate) client: Option<ClientApp>,
    pub(crate) platform: Option<Platform>,
    pub(crate) flow: Flow,
    pub(crate) device: DeviceFacts,
}

/// What of a device decides whether controls are met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DeviceFacts {
    pub(crate) registered: Truth,
    pub(crate) compliant: Truth,
    pub(crate) hybrid: Truth,
}

impl DeviceFacts {
    pub(crate) fn of(device: &Given<Device>) -> Self {
        match device {
            Given::Missing => Self {
                registered: Truth::Unknown,
                compliant: Truth::Unknown,
                hybrid: Truth::Unknown,
            },
            Given::Nothing => Self {
                registered: Truth::No,
                compliant: Truth::No,
                hybrid: Truth::No,
            },
            Given::Value(device) => Self {
                registered: Truth::Yes,
                compliant: (device.is_compliant == Some(true)).into(),
                hybrid: device
                    .trust_type
                    .as_deref()
                    .is_some_and(|kind| kind.eq_ignore_ascii_case("ServerAD"))
                    .into(),
            },
        }
    }
}

impl Circumstances {
    pub(crate) fn of(sign_in: &SignIn) -> Self {
        Self {
            client: sign_in.client_app,
            platform: sign_in.platform,
            flow: sign_in.flow(),
            device: DeviceFacts::of(&sign_in.device),
        }
    }

    /// A browser on an unregistered Windows device.
    pub(crate) fn ordinary() -> Self {
        Self {
            client: Some(ClientApp::Browser),
            platform: Some(Platform::Windows),
            flow: Flow::None,
            device: DeviceFacts::of(&Given::Nothing),
        }
    }

    fn legacy(self) -> Truth {
        self.client
            .map_or(Truth::Unknown, |client| client.legacy().into())
    }

    /// Device state does not travel over device code flow (Microsoft: *Grant controls*).
    fn carries_device(self) -> Truth {
        Truth::from(self.flow != Flow::DeviceCode)
    }

    fn platform_in(self, platforms: &[Platform]) -> Truth {
        self.platform
            .map_or(Truth::Unknown, |own| platforms.contains(&own).into())
    }

    /// One of two truths, by whether a registered device is at hand.
    fn by_device(self, truths: [Truth; 2]) -> Truth {
        match self.device.registered {
            Truth::No => truths[0],
            Truth::Yes => truths[1],
            Truth::Unknown if truths[0] == truths[1] => truths[0],
            Truth::Unknown => Truth::Unknown,
        }
    }
}

impl Engine {
    /// Whether everything that a policy asks for can be met. `strengths` is false while security information is
    /// registered and a policy on that action brings its own strength, which then takes precedence.
    pub(crate) fn met(
        policy: &Compiled,
        subject: &Subject,
        circumstances: Circumstances,
        strengths: bool,
    ) -> Truth {
        // The portal offers `block` alone; joined with other controls by hand it still blocks.
        let grant = match &policy.grant {
            _ if policy.blocks => return Truth::No,
            None => Truth::Yes,
            Some(grant) if grant.controls.is_empty() => Truth::Yes,
            Some(grant) => {
                let truths = grant
                    .controls
                    .iter()
                    .filter(|control| strengths || !matches!(control, CompiledControl::Strength(_)))
                    .map(|control| Self::control_met(control, subject, circumstances));
                match grant.all {
                    Some(true) => truths.fold(Truth::Yes, Truth::and),
                    Some(false)
                        if !strengths
                            && grant
                                .controls
                                .iter()
                                .all(|c| matches!(c, CompiledControl::Strength(_))) =>
                    {
                        Truth::Yes
                    }
                    Some(false) => truths.fold(Truth::No, Truth::or),
                    None => match truths.clone().fold(Truth::Yes, Truth::and) {
                        Truth::Yes => Truth::Yes,
                        _ if truths.fold(Truth::No, Truth::or) == Truth::No => Truth::No,
                        _ => Truth::Unknown,
                    },
                }
            }
        };
        grant.and(session_met(&policy.policy.session, circumstances))
    }

    pub(crate) fn control_met(
        control: &CompiledControl,
        subject: &Subject,
        circumstances: Circumstances,
    ) -> Truth {
        // A legacy client can answer nothing (Microsoft: *Conditions*, client apps).
        let modern = !circumstances.legacy();
        let control = match control {
            CompiledControl::Strength(None) => return Truth::Unknown.and(modern),
            CompiledControl::Strength(Some(index)) => {
                return circumstances
                    .by_device(subject.strengths[*index])
                    .and(modern);
            }
            CompiledControl::Plain(control) => control,
        };
        let met = match control {
            Control::Block => return Truth::No,
            Control::Mfa => mfa_met(subject, circumstances),
            Control::CompliantDevice => circumstances
                .device
                .compliant
                .and(circumstances.carries_device())
                .and(circumstances.platform_in(&[
                    Platform::Windows,
                    Platform::MacOs,
                    Platform::Ios,
                    Platform::Android,
                    Platform::Linux,
                ])),
            Control::DomainJoinedDevice => circumstances
                .device
                .hybrid
                .and(circumstances.carries_device())
                .and(circumstances.platform_in(&[Platform::Windows])),
            Control::ApprovedApplication => circumstances
                .platform_in(&[Platform::Ios, Platform::Android])
                .and(Truth::Unknown),
            Control::CompliantApplication => circumstances
                .platform_in(&[Platform::Ios, Platform::Android, Platform::Windows])
                .and(circumstances.device.registered)
                .and(circumstances.carries_device())
                .and(Truth::Unknown),
            Control::PasswordChange => mfa_met(subject, circumstances).and(has_password(subject)),
            Control::TermsOfUse(_) => Truth::Yes,
            Control::RiskRemediation
            | Control::Custom(_)
            | Control::Unknown(_)
            | Control::Strength(_) => Truth::Unknown,
        };
        met.and(modern)
    }
}

pub(crate) fn mfa_met(subject: &Subject, circumstances: Circumstances) -> Truth {
    circumstances.by_device(subject.mfa)
}

/// Whether there is a password to change. For accounts with nothing but passkeys Microsoft does not say what
/// happens, so it is unknown.
fn has_password(subject: &Subject) -> Truth {
    match &subject.identity.methods {
        Fact::Known(methods) if methods.iter().any(|m| m.combination.uses("password")) => {
            Truth::Yes
        }
        _ => Truth::Unknown,
    }
}

/// Session controls that can deny (sheet of session controls: token protection, strict location, app control,
/// traffic profiles); what acts inside the app or during an outage only does not.
pub(crate) fn session_met(session: &Session, circumstances: Circumstances) -> Truth {
    let mut met = Truth::Yes;
    if session.token_protection {
        met = met
            .and(circumstances.device.registered)
            .and(circumstances.platform_in(&[Platform::Windows]))
            .and(
                circumstances
                    .client
                    .map_or(Truth::Unknown, |c| (c == ClientApp::Modern).into()),
            );
    }
    if session.app_control {
        // Only browser sessions are proxied.
        let browser = circumstances
            .client
            .map_or(Truth::Unknown, |c| (c == ClientApp::Browser).into());
        met = met.and((!browser).or(Truth::Unknown));
    }
    if session.strict_location || session.traffic_profile || !session.unknown.is_empty() {
        met = met.and(Truth::Unknown);
    }
    met
}
