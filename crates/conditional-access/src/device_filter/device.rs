//! What Entra knows of a device.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::attribute::{Attribute, FALSE_TRUE};

pub use extension::ExtensionAttributes;

mod extension;

/// A device that is registered in Entra. The names are Microsoft Graph's, as in the rules of *Conditional
/// Access: Filter for devices*; what is not given is null.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Device {
    /// The id that registration gave it; not the id of the directory object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// `Personal` or `Company`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_ownership: Option<String>,
    /// The profile that enrolled it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enrollment_profile_name: Option<String>,
    /// Whether it meets its compliance policies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_compliant: Option<bool>,
    /// Its maker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// The application that manages it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mdm_app_id: Option<String>,
    /// Its model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// `Windows`, `iOS`, `Android`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operating_system: Option<String>,
    /// The version of its operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operating_system_version: Option<String>,
    /// Ids of the hardware, such as `[ZTDId]:…` of Windows Autopilot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub physical_ids: Option<Vec<String>>,
    /// `RegisteredDevice`, `SecureVM`, `Printer`, `Shared` or `IoT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile_type: Option<String>,
    /// Labels that the system set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_labels: Option<Vec<String>>,
    /// `AzureAD` (joined), `ServerAD` (hybrid joined) or `Workplace` (registered).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_type: Option<String>,
    /// Whether Intune manages it. No rule can ask, but extension attributes depend on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed: Option<bool>,
    /// `extensionAttribute1` to `extensionAttribute15`, which stand beside the others in JSON.
    #[serde(flatten)]
    pub extension_attributes: ExtensionAttributes,
}

impl Device {
    /// Whether rules see its extension attributes. Microsoft: only on devices that Intune manages, that are
    /// compliant or that are hybrid joined; on all others they count as null.
    pub fn shows_extension_attributes(&self) -> bool {
        let trust = self.trust_type.as_deref().unwrap_or_default();
        self.managed == Some(true)
            || self.is_compliant == Some(true)
            || trust.eq_ignore_ascii_case("ServerAD")
    }

    /// The values that a rule sees: none for null, several only for a collection.
    pub(super) fn values(&self, attribute: Attribute) -> Values<'_> {
        let text = match attribute {
            Attribute::PhysicalIds | Attribute::SystemLabels => {
                let items = match attribute {
                    Attribute::PhysicalIds => &self.physical_ids,
                    _ => &self.system_labels,
                };
                return Values::Items(items.as_deref().unwrap_or_default());
            }
            Attribute::IsCompliant => self.is_compliant.map(|is| FALSE_TRUE[usize::from(is)]),
            Attribute::Extension(index) => match self.shows_extension_attributes() {
                true => self.extension_attributes.get(usize::from(index) + 1),
                false => None,
            },
            Attribute::DeviceId => self.device_id.as_deref(),
            Attribute::DisplayName => self.display_name.as_deref(),
            Attribute::DeviceOwnership => self.device_ownership.as_deref(),
            Attribute::EnrollmentProfileName => self.enrollment_profile_name.as_deref(),
            Attribute::Manufacturer => self.manufacturer.as_deref(),
            Attribute::MdmAppId => self.mdm_app_id.as_deref(),
            Attribute::Model => self.model.as_deref(),
            Attribute::OperatingSystem => self.operating_system.as_deref(),
            Attribute::OperatingSystemVersion => self.operating_system_version.as_deref(),
            Attribute::ProfileType => self.profile_type.as_deref(),
            Attribute::TrustType => self.trust_type.as_deref(),
        };
        Values::Text(text)
    }

    /// Gives an attribute these values: none makes it null.
    pub(super) fn set(&mut self, attribute: Attribute, values: &[String]) {
        let first = values.first().cloned();
        let all = (!values.is_empty()).then(|| values.to_vec());
        match attribute {
            Attribute::PhysicalIds => self.physical_ids = all,
            Attribute::SystemLabels => self.system_labels = all,
            Attribute::IsCompliant => self.is_compliant = first.map(|value| value == FALSE_TRUE[1]),
            Attribute::Extension(index) => {
                self.extension_attributes.set(usize::from(index) + 1, first);
            }
            Attribute::DeviceId => self.device_id = first,
            Attribute::DisplayName => self.display_name = first,
            Attribute::DeviceOwnership => self.device_ownership = first,
            Attribute::EnrollmentProfileName => self.enrollment_profile_name = first,
            Attribute::Manufacturer => self.manufacturer = first,
            Attribute::MdmAppId => self.mdm_app_id = first,
            Attribute::Model => self.model = first,
            Attribute::OperatingSystem => self.operating_system = first,
            Attribute::OperatingSystemVersion => self.operating_system_version = first,
            Attribute::ProfileType => self.profile_type = first,
            Attribute::TrustType => self.trust_type = first,
        }
    }
}

/// The values of an attribute.
#[derive(Clone, Copy, Debug)]
pub(super) enum Values<'d> {
    Text(Option<&'d str>),
    Items(&'d [String]),
}

impl Values<'_> {
    pub(super) fn any(self, passes: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Text(text) => text.is_some_and(passes),
            Self::Items(items) => items.iter().any(|item| passes(item)),
        }
    }
}
