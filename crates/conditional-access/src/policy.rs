//! A Conditional Access policy as this program understands it.
//!
//! The words are those of Microsoft Graph's `conditionalAccessPolicy` (v1.0 and beta). What a reader does
//! not know is never dropped: it makes the policy, or the list that holds it, *unknown* by name.

mod partial;
mod read;

use std::fmt;

use crate::device_filter::DeviceRule;

pub use partial::{complete, leave_open};
pub use read::read;

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Object id; where the input has none (templates), the display name.
    pub id: String,
    /// Display name; where the input has none, the id.
    pub name: String,
    /// Whether it is enforced.
    pub state: State,
    /// Whom it is for.
    pub users: Users,
    /// What it is about.
    pub target: Target,
    /// Client apps, as a set of [`ClientApp`](crate::sign_in::ClientApp); `None`: any.
    pub client_apps: Option<ClientApps>,
    /// Device platforms, as asked by the user agent.
    pub platforms: Option<Platforms>,
    /// Networks.
    pub locations: Option<Locations>,
    /// Sign-in risk levels.
    pub sign_in_risk: Option<Levels>,
    /// User risk levels.
    pub user_risk: Option<Levels>,
    /// Insider risk levels.
    pub insider_risk: Option<Levels>,
    /// Device filter.
    pub device: Option<DeviceFilter>,
    /// Authentication flows.
    pub flows: Option<Flows>,
    /// Conditions that hold something and that this program does not know, by path.
    pub unknown: Vec<String>,
    /// Keys that Graph always writes and that the input leaves out, by path: what they hold is unknown here.
    pub left_out: Vec<String>,
    /// What has to be met; `None`: nothing.
    pub grant: Option<Grant>,
    /// What acts on the session.
    pub session: Session,
    /// Whether Microsoft made the policy and switches it on by itself (`templateId` with Microsoft as creator
    /// is not told by Graph; the display name prefix `Microsoft-managed` is).
    pub microsoft_managed: bool,
}

/// `state`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Enforced.
    Enabled,
    /// Nothing happens.
    Disabled,
    /// Evaluated and logged, never enforced.
    ReportOnly,
    /// A state that this program does not know, or a phased roll-out: it may be enforced.
    Unknown(String),
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::ReportOnly => "enabledForReportingButNotEnforced",
            Self::Unknown(other) => other,
        })
    }
}

/// Whom a policy includes and excludes. Any exclusion beats any inclusion (Microsoft: *Users, groups, and
/// workload identities*).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Users {
    /// The include side.
    pub include: UserSet,
    /// The exclude side.
    pub exclude: UserSet,
    /// The policy is for service principals or agents and never meets a user.
    pub workloads_only: bool,
}

/// One side of [`Users`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserSet {
    /// The token `All`.
    pub all: bool,
    /// The token `None`: somebody chose nobody, so an empty set is meant.
    pub none: bool,
    /// The token `GuestsOrExternalUsers`.
    pub any_guest: bool,
    /// Object ids of users.
    pub users: Vec<String>,
    /// Object ids of groups.
    pub groups: Vec<String>,
    /// Template ids of roles.
    pub roles: Vec<String>,
    /// Kinds of guests.
    pub guests: Option<Guests>,
}

impl UserSet {
    /// Whether nothing at all is written here.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// `guestsOrExternalUsers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guests {
    /// Kinds, in Graph's spelling.
    pub types: Vec<String>,
    /// Home tenants.
    pub tenants: Tenants,
}

/// `externalTenants`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tenants {
    /// Every tenant.
    All,
    /// These tenants.
    Listed(Vec<String>),
    /// A choice that this program does not know.
    Unknown,
}

/// What a policy is about. A policy works in one of three modes (Microsoft: *Target resources*).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Resources.
    Resources(Resources),
    /// User actions (`urn:user:registersecurityinfo`, `urn:user:registerdevice`).
    UserActions(Vec<String>),
    /// Authentication contexts (`c1` … `c99`).
    Contexts(Vec<String>),
    /// Nothing that this program can read names a target.
    Unknown,
}

/// The mode *resources*.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// App ids and tokens (`All`, `None`, `Office365`, `MicrosoftAdminPortals`, …).
    pub include: Vec<String>,
    /// App ids and tokens.
    pub exclude: Vec<String>,
    /// Filter for applications.
    pub filter: Option<AppFilter>,
}

/// A filter over custom security attributes of applications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppFilter {
    /// What a match does.
    pub mode: FilterMode,
    /// The rule as written.
    pub rule: String,
}

/// `mode` of a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FilterMode {
    /// The rule must hold.
    Include,
    /// The rule must not hold.
    Exclude,
    /// A mode that this program does not know.
    Unknown,
}

/// Client apps, bits by [`ClientApp`](crate::sign_in::ClientApp).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClientApps {
    /// Listed classes.
    pub mask: u8,
    /// `easSupported`: ActiveSync from the platforms that Microsoft calls supported.
    pub supported_active_sync: bool,
    /// A value that this program does not know is listed too.
    pub unknown: bool,
}

/// Platforms, bits by [`Platform`](crate::sign_in::Platform); `all` sets every bit, the unknown platform too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Platforms {
    /// Included.
    pub include: u8,
    /// Excluded.
    pub exclude: u8,
    /// The include list holds a value that this program does not know.
    pub include_unknown: bool,
    /// The exclude list holds a value that this program does not know.
    pub exclude_unknown: bool,
}

/// Named locations and tokens (`All`, `AllTrusted`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Locations {
    /// Included.
    pub include: Vec<String>,
    /// Excluded.
    pub exclude: Vec<String>,
}

/// Risk levels: a set, not a threshold. Bits by [`Risk`](crate::sign_in::Risk) or
/// [`InsiderRisk`](crate::sign_in::InsiderRisk).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Levels {
    /// Listed levels.
    pub mask: u8,
    /// A value that this program does not know is listed too.
    pub unknown: bool,
}

/// `authenticationFlows.transferMethods`; bits by [`Flow`](crate::sign_in::Flow).
pub type Flows = Levels;

/// A device filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceFilter {
    /// What a match does.
    pub mode: FilterMode,
    /// The rule as written.
    pub text: String,
    /// The rule as understood; the reason when it cannot be.
    pub rule: Result<DeviceRule, String>,
}

/// `grantControls`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Whether all controls are required, or one.
    pub operator: Operator,
    /// What is asked for.
    pub controls: Vec<Control>,
}

/// How the controls of one policy combine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operator {
    /// All of them.
    And,
    /// One of them.
    Or,
    /// An operator that this program does not know.
    Unknown(String),
}

/// One grant control (Microsoft: *Grant controls*).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Control {
    /// No access.
    Block,
    /// Multifactor authentication by any usable combination.
    Mfa,
    /// A device that its management calls compliant.
    CompliantDevice,
    /// A hybrid joined Windows device.
    DomainJoinedDevice,
    /// An approved client app: retired in March 2026, then as if it were not chosen.
    ApprovedApplication,
    /// An app with a protection policy.
    CompliantApplication,
    /// A change of the password.
    PasswordChange,
    /// Remediation as Microsoft chooses.
    RiskRemediation,
    /// An authentication strength, by id.
    Strength(StrengthRef),
    /// Terms of use, by id.
    TermsOfUse(String),
    /// A custom control, by id.
    Custom(String),
    /// A control that this program does not know.
    Unknown(String),
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block => f.write_str("block"),
            Self::Mfa => f.write_str("multifactor authentication"),
            Self::CompliantDevice => f.write_str("a compliant device"),
            Self::DomainJoinedDevice => f.write_str("a hybrid joined device"),
            Self::ApprovedApplication => f.write_str("an approved app"),
            Self::CompliantApplication => f.write_str("an app protection policy"),
            Self::PasswordChange => f.write_str("a password change"),
            Self::RiskRemediation => f.write_str("risk remediation"),
            Self::Strength(strength) => write!(f, "the strength {}", strength.name),
            Self::TermsOfUse(_) => f.write_str("terms of use"),
            Self::Custom(name) => write!(f, "the custom control {name}"),
            Self::Unknown(name) => write!(f, "the unknown control `{name}`"),
        }
    }
}

/// A strength as a policy names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StrengthRef {
    /// Id.
    pub id: String,
    /// Display name, where the policy carries it, else the id.
    pub name: String,
}

/// `sessionControls`, as far as they can matter to getting in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// Sign-in frequency.
    pub frequency: Option<Frequency>,
    /// `persistentBrowser.mode`.
    pub persistent_browser: Option<String>,
    /// App-enforced restrictions: limits inside the app.
    pub app_enforced: bool,
    /// Defender for Cloud Apps proxies the browser session (`mcasConfigured`); its own policies may deny.
    pub app_control: bool,
    /// Token protection: unsupported clients are refused.
    pub token_protection: bool,
    /// Continuous access evaluation with strict location enforcement.
    pub strict_location: bool,
    /// Resilience defaults are switched off: denies during an outage only.
    pub no_resilience: bool,
    /// A Global Secure Access filtering profile.
    pub traffic_profile: bool,
    /// Controls that hold something and that this program does not know.
    pub unknown: Vec<String>,
}

impl Session {
    /// Whether no session control is configured.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The names of the configured controls, for people.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        if let Some(frequency) = &self.frequency {
            names.push(format!("sign-in frequency {frequency}"));
        }
        if let Some(mode) = &self.persistent_browser {
            names.push(format!("persistent browser {mode}"));
        }
        for (set, name) in [
            (self.app_enforced, "app-enforced restrictions"),
            (self.app_control, "Defender for Cloud Apps control"),
            (self.token_protection, "token protection"),
            (self.strict_location, "strict location enforcement"),
            (self.no_resilience, "resilience defaults off"),
            (self.traffic_profile, "a traffic filtering profile"),
        ] {
            if set {
                names.push(name.to_owned());
            }
        }
        names.extend(
            self.unknown
                .iter()
                .map(|name| format!("the unknown control `{name}`")),
        );
        names
    }
}

/// How often a session has to sign in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frequency {
    /// Every time.
    EveryTime,
    /// After so many hours.
    Hours(u64),
    /// Configured, without a number that can be read.
    Unclear,
}

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EveryTime => f.write_str("every time"),
            Self::Hours(1) => f.write_str("1 hour"),
            Self::Hours(hours) => write!(f, "{hours} hours"),
            Self::Unclear => f.write_str("without a readable number"),
        }
    }
}

impl Policy {
    /// Whether the policy asks for an authentication strength.
    pub fn asks_for_strength(&self) -> bool {
        self.grant.as_ref().is_some_and(|grant| {
            grant
                .controls
                .iter()
                .any(|control| matches!(control, Control::Strength(_)))
        })
    }

    /// Whether the policy holds for every sign-in of whom it is for: all resources, no other condition.
    pub fn unconditional(&self) -> bool {
        let everything = matches!(&self.target, Target::Resources(resources)
            if resources.exclude.is_empty()
                && resources.filter.as_ref().is_none_or(|filter| filter.mode == FilterMode::Include)
                && resources.include.iter().any(|token| token.eq_ignore_ascii_case("all")));
        everything
            && self.client_apps.is_none()
            && self.platforms.is_none()
            && self.locations.is_none()
            && self.sign_in_risk.is_none()
            && self.user_risk.is_none()
            && self.insider_risk.is_none()
            && self.device.is_none()
            && self.flows.is_none()
            && self.unknown.is_empty()
    }

    /// Whether the policy blocks.
    pub fn blocks(&self) -> bool {
        self.grant
            .as_ref()
            .is_some_and(|grant| grant.controls.contains(&Control::Block))
    }
}
