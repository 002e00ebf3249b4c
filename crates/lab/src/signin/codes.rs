//! The numbers of Microsoft's sign-in errors (Microsoft: *Microsoft Entra authentication and authorization error
//! codes*), with what the page shows and what the log says. The wording is ours.

/// How a sign-in, or a step of it, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// A token was issued.
    Success,
    /// No such user in the directory.
    NoSuchUser,
    /// Wrong user name or password.
    WrongPassword,
    /// Too many wrong passwords.
    LockedOut,
    /// The account is disabled.
    Disabled,
    /// The session was revoked; a fresh sign-in is needed.
    Revoked,
    /// No second factor is registered that would do.
    MustEnrol,
    /// Multifactor authentication is required.
    MfaRequired,
    /// Multifactor authentication is required by a policy.
    MfaRequiredByPolicy,
    /// A strong method was tried and failed.
    StrongAuthFailed,
    /// A method is refused by the policy on methods.
    MethodRefused,
    /// A Temporary Access Pass is wrong.
    PassWrong,
    /// A Temporary Access Pass has run out.
    PassExpired,
    /// A one-time pass was used before.
    PassUsed,
    /// A custom control outside Entra was not met.
    ExternalChallenge,
    /// The device is not compliant.
    DeviceNotCompliant,
    /// The device is not hybrid joined.
    DeviceNotJoined,
    /// The app is not an approved one, or has no protection policy.
    AppNotApproved,
    /// Blocked by Conditional Access.
    Blocked,
    /// Blocked by security defaults.
    SecurityDefaults,
    /// Confirm which app asked for the device code: an interrupt, not a failure.
    ConfirmApp,
    /// The provider of a federated domain can't be reached.
    FederationDown,
    /// No session for a sign-in without a page.
    NoSession,
    /// The app asks for what nobody consented to.
    NoConsent,
}

impl Code {
    /// The number.
    pub(crate) const fn number(self) -> u32 {
        match self {
            Self::Success => 0,
            Self::NoSuchUser => 50034,
            Self::WrongPassword => 50126,
            Self::LockedOut => 50053,
            Self::Disabled => 50057,
            Self::Revoked => 50173,
            Self::MustEnrol => 50072,
            Self::MfaRequired => 50074,
            Self::MfaRequiredByPolicy => 50076,
            Self::StrongAuthFailed => 500_121,
            Self::MethodRefused => 130_501,
            Self::PassWrong => 130_503,
            Self::PassExpired => 130_504,
            Self::PassUsed => 130_505,
            Self::ExternalChallenge => 50158,
            Self::DeviceNotCompliant => 53000,
            Self::DeviceNotJoined => 53001,
            Self::AppNotApproved => 53002,
            Self::Blocked => 53003,
            Self::SecurityDefaults => 530_035,
            Self::ConfirmApp => 50199,
            Self::FederationDown => 50107,
            Self::NoSession => 50058,
            Self::NoConsent => 65001,
        }
    }

    /// `failureReason` of the log, and what follows the number in an error description.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Success => "Other.",
            Self::NoSuchUser => "The user account does not exist in the directory.",
            Self::WrongPassword => {
                "Error validating credentials: the user name or the password is wrong."
            }
            Self::LockedOut => {
                "The account is locked: sign-in was tried too many times with a wrong password."
            }
            Self::Disabled => "The user account is disabled.",
            Self::Revoked => {
                "The grant was issued before the sessions of the user were revoked: a fresh sign-in is needed."
            }
            Self::MustEnrol => {
                "The user must enrol in multifactor authentication: no method that would do is registered."
            }
            Self::MfaRequired => "Strong authentication is required.",
            Self::MfaRequiredByPolicy => {
                "A configuration of the administrator, or a new location, demands multifactor authentication."
            }
            Self::StrongAuthFailed => {
                "Authentication failed during the strong authentication request."
            }
            Self::MethodRefused => "Sign-in was blocked by the policy on authentication methods.",
            Self::PassWrong => "The Temporary Access Pass is wrong.",
            Self::PassExpired => "The Temporary Access Pass has expired.",
            Self::PassUsed => "The Temporary Access Pass was for one use and has been used.",
            Self::ExternalChallenge => "An external security challenge was not satisfied.",
            Self::DeviceNotCompliant => {
                "The device is not in the required state: Conditional Access demands a compliant device."
            }
            Self::DeviceNotJoined => {
                "The device is not in the required state: Conditional Access demands a domain joined device."
            }
            Self::AppNotApproved => {
                "The application is not an approved one, as Conditional Access demands."
            }
            Self::Blocked => "Access has been blocked by Conditional Access policies.",
            Self::SecurityDefaults => "Access has been blocked by security defaults.",
            Self::ConfirmApp => "The user is asked to confirm the app, which is no failure.",
            Self::FederationDown => {
                "The identity provider of the federated domain does not answer."
            }
            Self::NoSession => "There is no session that would do for a silent sign-in.",
            Self::NoConsent => {
                "The user or an administrator has not consented to use the application."
            }
        }
    }

    /// Heading and text of the page.
    pub(crate) const fn page(self) -> (&'static str, &'static str) {
        match self {
            Self::Blocked | Self::SecurityDefaults | Self::MethodRefused => (
                "You cannot access this right now",
                "Your sign-in was successful but does not meet the criteria to access this resource. For example, \
                 you might be signing in from a browser, app or location that is restricted by your admin.",
            ),
            Self::DeviceNotCompliant | Self::DeviceNotJoined => (
                "You can't get there from here",
                "This application contains sensitive information and can only be accessed from devices or client \
                 applications that meet your organisation's compliance policy for managed devices.",
            ),
            Self::AppNotApproved => (
                "App needs to be approved",
                "Your admin requires the application that accesses this resource to be a protected one.",
            ),
            Self::Disabled => (
                "Your account has been locked",
                "Contact your support person to unlock it, then try again. (The account is disabled.)",
            ),
            Self::LockedOut => (
                "Your account is temporarily locked",
                "It is locked to prevent unauthorized use. Try again later, and if you still have trouble, contact \
                 your admin.",
            ),
            Self::MustEnrol => (
                "More information required",
                "Your organisation needs a sign-in method that your account does not have. Nothing can be \
                 registered from here: this person does not get in.",
            ),
            Self::ExternalChallenge => (
                "More is required by another provider",
                "A custom control outside Entra has to be met, and the twin has no such provider.",
            ),
            Self::FederationDown => (
                "This page can't be reached",
                "Your organisation's own sign-in service did not answer. Nobody of its domain can sign in until it \
                 works again.",
            ),
            _ => ("Sorry, but we're having trouble signing you in", ""),
        }
    }

    /// `error` of OAuth 2.0 for a client that asked for a token.
    pub(crate) const fn oauth(self) -> &'static str {
        match self {
            Self::MfaRequired
            | Self::MfaRequiredByPolicy
            | Self::MustEnrol
            | Self::ExternalChallenge => "interaction_required",
            Self::NoSession => "login_required",
            Self::NoConsent => "consent_required",
            Self::FederationDown => "temporarily_unavailable",
            _ => "invalid_grant",
        }
    }
}
