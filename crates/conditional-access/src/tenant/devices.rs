//! Devices as device filters see them.

use breakglass_model::{Reading, tenant::User};

use crate::{
    device_filter::{Device, DeviceRule, ExtensionAttributes},
    identity::Fact,
};

/// A user's devices. A device that is disabled in the directory cannot be signed in from and is left out.
pub(super) fn of(user: &User) -> Fact<Vec<Device>> {
    match &user.devices {
        Reading::NotRead(why) => Fact::Unknown(why.clone()),
        Reading::Read(devices) => Fact::Known(
            devices
                .iter()
                .filter(|device| device.account_enabled != Some(false))
                .map(convert)
                .collect(),
        ),
    }
}

fn convert(device: &breakglass_model::tenant::Device) -> Device {
    let mut extension_attributes = ExtensionAttributes::default();
    for (key, value) in device.extension_attributes.iter().flatten() {
        let number = key
            .to_lowercase()
            .strip_prefix("extensionattribute")
            .and_then(|number| number.parse().ok());
        if let Some(number) = number {
            extension_attributes.set(number, value.clone());
        }
    }
    Device {
        device_id: device.device_id.clone(),
        display_name: device.display_name.clone(),
        device_ownership: device.device_ownership.clone(),
        enrollment_profile_name: device.enrollment_profile_name.clone(),
        is_compliant: device.is_compliant,
        manufacturer: device.manufacturer.clone(),
        mdm_app_id: device.mdm_app_id.clone(),
        model: device.model.clone(),
        operating_system: device.operating_system.clone(),
        operating_system_version: device.operating_system_version.clone(),
        physical_ids: device.physical_ids.clone(),
        profile_type: device.profile_type.clone(),
        system_labels: device.system_labels.clone(),
        trust_type: device.trust_type.as_deref().map(trust_type),
        managed: device.is_managed,
        extension_attributes,
    }
}

/// The directory writes `AzureAd` and `ServerAd`; filters and policies write `AzureAD` and `ServerAD`.
fn trust_type(written: &str) -> String {
    ["AzureAD", "ServerAD", "Workplace"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(written))
        .unwrap_or(written)
        .to_owned()
}

/// What policies can tell of a device: compliance, trust, platform, and the outcome of every rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Seen {
    compliant: Option<bool>,
    trust: Option<String>,
    system: Option<String>,
    rules: Vec<bool>,
}

/// What policies can tell of somebody's devices: how many there are does not matter.
pub(super) fn signature(devices: &[Device], rules: &[DeviceRule]) -> Vec<Seen> {
    let mut seen: Vec<Seen> = devices
        .iter()
        .map(|device| Seen {
            compliant: device.is_compliant,
            trust: device.trust_type.clone(),
            system: device.operating_system.as_deref().map(str::to_lowercase),
            rules: rules
                .iter()
                .map(|rule| rule.matches(Some(device)))
                .collect(),
        })
        .collect();
    seen.sort();
    seen.dedup();
    seen
}
