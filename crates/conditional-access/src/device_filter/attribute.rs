//! The attributes that a rule may ask about.

use std::fmt;

use super::language::Named;
use super::operator::Operator;

/// An attribute of a device, named as in a rule after `device.`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Attribute {
    DeviceId,
    DisplayName,
    DeviceOwnership,
    EnrollmentProfileName,
    IsCompliant,
    Manufacturer,
    MdmAppId,
    Model,
    OperatingSystem,
    OperatingSystemVersion,
    PhysicalIds,
    ProfileType,
    SystemLabels,
    TrustType,
    /// `extensionAttribute1` is 0.
    Extension(u8),
}

/// What an attribute holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The id of an object or an application.
    Guid,
    /// Any text.
    Text,
    /// One of a few values.
    Choice(&'static [&'static str]),
    /// True or False.
    Flag,
    /// Several texts, compared as wholes.
    Collection,
}

/// The two values of a flag.
pub(crate) const FALSE_TRUE: [&str; 2] = ["False", "True"];

const NAMED: [(Attribute, &str); 14] = [
    (Attribute::DeviceId, "deviceId"),
    (Attribute::DisplayName, "displayName"),
    (Attribute::DeviceOwnership, "deviceOwnership"),
    (Attribute::EnrollmentProfileName, "enrollmentProfileName"),
    (Attribute::IsCompliant, "isCompliant"),
    (Attribute::Manufacturer, "manufacturer"),
    (Attribute::MdmAppId, "mdmAppId"),
    (Attribute::Model, "model"),
    (Attribute::OperatingSystem, "operatingSystem"),
    (Attribute::OperatingSystemVersion, "operatingSystemVersion"),
    (Attribute::PhysicalIds, "physicalIds"),
    (Attribute::ProfileType, "profileType"),
    (Attribute::SystemLabels, "systemLabels"),
    (Attribute::TrustType, "trustType"),
];

impl Attribute {
    /// All of them.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let named = NAMED.iter().map(|(attribute, _)| *attribute);
        named.chain((0..15).map(Self::Extension))
    }
}

impl Named for Attribute {
    const OBJECT: &'static str = "device";
    const KNOWN: &'static str = "an attribute that a device filter knows";

    fn named(name: &str) -> Option<Self> {
        // Microsoft's table once had `device.devicePhysicalIDs -contains "[ZTDId]"` as the example for it.
        if name.eq_ignore_ascii_case("devicePhysicalIds") {
            return Some(Self::PhysicalIds);
        }
        Self::all().find(|attribute| attribute.to_string().eq_ignore_ascii_case(name))
    }

    fn kind(&self) -> Kind {
        match self {
            Self::DeviceId | Self::MdmAppId => Kind::Guid,
            Self::DeviceOwnership => Kind::Choice(&["Personal", "Company"]),
            Self::IsCompliant => Kind::Flag,
            Self::TrustType => Kind::Choice(&["AzureAD", "ServerAD", "Workplace"]),
            Self::ProfileType => {
                Kind::Choice(&["RegisteredDevice", "SecureVM", "Printer", "Shared", "IoT"])
            }
            Self::PhysicalIds | Self::SystemLabels => Kind::Collection,
            Self::DisplayName
            | Self::EnrollmentProfileName
            | Self::Manufacturer
            | Self::Model
            | Self::OperatingSystem
            | Self::OperatingSystemVersion
            | Self::Extension(_) => Kind::Text,
        }
    }

    /// As Microsoft's table has it.
    fn operators(&self) -> &'static [Operator] {
        const ONE_OR_LIST: [Operator; 4] = [
            Operator::Equal,
            Operator::NotEqual,
            Operator::In,
            Operator::NotIn,
        ];
        match self.kind() {
            // The table's operators for it are two, but its example was long
            // `device.profileType -notIn ["Printer", "Shared", "IoT"]`.
            _ if *self == Self::ProfileType => &ONE_OR_LIST,
            Kind::Text => &Operator::ALL,
            Kind::Guid => &ONE_OR_LIST,
            Kind::Choice(_) | Kind::Flag => &[Operator::Equal, Operator::NotEqual],
            Kind::Collection => &[Operator::Contains, Operator::NotContains],
        }
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Extension(index) = self {
            return write!(f, "extensionAttribute{}", index + 1);
        }
        let name = NAMED.iter().find(|(attribute, _)| attribute == self);
        f.write_str(name.map_or("", |(_, name)| name))
    }
}
