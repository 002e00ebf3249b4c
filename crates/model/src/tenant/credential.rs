//! What a user signs in with: methods and devices.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ObjectId;

impl Default for MethodKind {
    fn default() -> Self {
        Self::Other(String::new())
    }
}

/// The kind of an authentication method.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MethodKind {
    /// FIDO2 passkey.
    Fido2,
    /// Windows Hello for Business.
    WindowsHello,
    /// Microsoft Authenticator app.
    MicrosoftAuthenticator,
    /// Phone: call or text message.
    Phone,
    /// E-mail address for self-service reset.
    Email,
    /// Software one-time password generator.
    SoftwareOath,
    /// Hardware one-time password generator.
    HardwareOath,
    /// Temporary Access Pass.
    TemporaryAccessPass,
    /// Certificate.
    Certificate,
    /// Platform credential (macOS).
    PlatformCredential,
    /// External authentication method.
    External,
    /// Password.
    Password,
    /// Anything else, by its OData type.
    Other(String),
}

/// A registered authentication method.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Method {
    /// Id of the method object.
    pub id: Option<String>,
    /// Kind.
    pub kind: MethodKind,
    /// AAGUID of a FIDO2 key, lower case.
    pub aaguid: Option<String>,
    /// Name that the user gave, or model.
    pub name: Option<String>,
    /// `attestationLevel`: `attested`, `notAttested`, as Graph says.
    pub attestation: Option<String>,
    /// `passkeyType`: `deviceBound`, `synced`, as Graph says.
    pub passkey_type: Option<String>,
    /// `createdDateTime`, as Graph says.
    #[serde(default)]
    pub created: Option<String>,
    /// `phoneType` of a phone: `mobile`, `alternateMobile`, `office`.
    #[serde(default)]
    pub phone_type: Option<String>,
    /// `isUsableOnce` of a Temporary Access Pass.
    #[serde(default)]
    pub usable_once: Option<bool>,
    /// `isUsable` of a Temporary Access Pass: not so before its time, and when it has run out.
    #[serde(default)]
    pub usable: Option<bool>,
    /// The combination of an authentication strength (`password,microsoftAuthenticatorPush`), where the input
    /// describes the method by one.
    #[serde(default)]
    pub combination: Option<String>,
}

/// A device, as far as policies ask for one; names and values are Graph's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Device {
    /// Object id.
    pub id: Option<ObjectId>,
    /// The id that registration gave it.
    pub device_id: Option<String>,
    /// Display name.
    pub display_name: Option<String>,
    /// Whether it is enabled in the directory.
    pub account_enabled: Option<bool>,
    /// Whether it meets its compliance policies.
    pub is_compliant: Option<bool>,
    /// Whether Intune, or another product, manages it.
    pub is_managed: Option<bool>,
    /// `AzureAd` (joined), `ServerAd` (hybrid joined) or `Workplace` (registered).
    pub trust_type: Option<String>,
    /// `Windows`, `iOS`, `Android`, …
    pub operating_system: Option<String>,
    /// Version of the operating system.
    pub operating_system_version: Option<String>,
    /// `Personal` or `Company`.
    pub device_ownership: Option<String>,
    /// The profile that enrolled it.
    pub enrollment_profile_name: Option<String>,
    /// Maker.
    pub manufacturer: Option<String>,
    /// The application that manages it.
    pub mdm_app_id: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Ids of the hardware.
    pub physical_ids: Option<Vec<String>>,
    /// `RegisteredDevice`, `SecureVM`, `Printer`, `Shared` or `IoT`.
    pub profile_type: Option<String>,
    /// Labels that the system set.
    pub system_labels: Option<Vec<String>>,
    /// `extensionAttribute1` to `extensionAttribute15`.
    pub extension_attributes: Option<BTreeMap<String, Option<String>>>,
}
