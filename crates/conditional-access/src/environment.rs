//! What policies refer to and what stands around them: locations, suites of applications, strengths, and
//! the gates outside Conditional Access.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use crate::strength::{self, Strength};

/// Everything a policy set needs to be judged. Ids are compared without regard to letter case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Named locations.
    pub locations: Vec<Location>,
    /// Named locations were not read, so that *all trusted locations* may hold any address.
    pub locations_unread: bool,
    /// Trusted addresses of the multifactor authentication service; they count as `AllTrusted`.
    pub mfa_trusted_ips: Vec<IpNet>,
    /// Members of the suites that policies name by one word, by the suite's token or app id.
    pub suites: BTreeMap<String, Vec<String>>,
    /// Resources that are reported to be never enforced. Empty by default: the reports are not confirmed.
    pub immune: BTreeSet<String>,
    /// Resources of Global Secure Access, which a policy on the compliant network leaves out by itself.
    pub traffic_resources: BTreeSet<String>,
    /// How a request for nothing but baseline scopes is judged.
    pub baseline_scopes: BaselineScopes,
    /// Whether *approved client app* is retired (March 2026) and counts as not chosen.
    pub approved_app_retired: bool,
    /// Custom security attributes of applications, by app id, then by `<Set>_<Attribute>`. An application that
    /// is not listed was not read.
    pub app_attributes: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    /// Strengths; the built-in ones need not be listed.
    pub strengths: Vec<Strength>,
    /// Resources for which Microsoft demands multifactor authentication whatever Conditional Access says.
    pub mandatory_mfa: BTreeSet<String>,
    /// Security defaults are on.
    pub security_defaults: bool,
    /// Names of applications, for sentences.
    pub app_names: BTreeMap<String, String>,
    /// Names of groups, roles and users, for sentences, by folded id.
    pub object_names: BTreeMap<String, String>,
}

/// Treatment of a request for nothing but OpenID and low-privilege Graph scopes (Microsoft: *Enforcement for
/// policies with resource exclusions*, roll-out from June 2026).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BaselineScopes {
    /// Judged as a request to Windows Azure Active Directory.
    #[default]
    Enforced,
    /// As before: a policy on all resources with any resource exclusion leaves it alone.
    Legacy,
    /// Judged as a request to this placeholder application of the tenant.
    Custom(String),
}

/// A named location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Id.
    pub id: String,
    /// Display name; the id when there is none.
    pub name: String,
    /// What it is.
    pub kind: LocationKind,
}

/// What a named location is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocationKind {
    /// Address ranges. Without any, nothing matches.
    Ip {
        /// Counts as `AllTrusted`.
        trusted: bool,
        /// Ranges of either family.
        ranges: Vec<IpNet>,
    },
    /// Countries and regions.
    Country {
        /// ISO 3166-1 codes.
        codes: Vec<String>,
        /// Addresses without a country match too.
        include_unknown: bool,
        /// The country is asked of the Authenticator app, not of the address.
        by_gps: bool,
    },
    /// The tenant's Global Secure Access network.
    CompliantNetwork,
    /// A kind that this program does not know, with the reason.
    Unknown(String),
}

/// Windows Azure Active Directory, as which baseline scopes are judged.
pub const WINDOWS_AZURE_AD: &str = "00000002-0000-0000-c000-000000000000";
/// Microsoft Graph: can be neither targeted nor excluded by itself.
pub const MICROSOFT_GRAPH: &str = "00000003-0000-0000-c000-000000000000";
/// Azure portal, Microsoft Entra admin center and Intune admin center.
pub const ADMIN_PORTALS: &str = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c";
/// Windows Azure Service Management API; stands for a group of resources.
pub const AZURE_MANAGEMENT: &str = "797f4846-ba00-4fd7-ba43-dac1f8f63013";
/// Where security information is registered: My Sign-Ins.
pub const MY_SIGN_INS: &str = "19db86c3-b2b9-44cc-b339-36da233a3be2";
/// The user action of registering security information.
pub const REGISTER_SECURITY_INFO: &str = "urn:user:registersecurityinfo";
/// The user action of registering or joining a device.
pub const REGISTER_DEVICE: &str = "urn:user:registerdevice";

/// Well-known applications: app id, name.
const APPS: [(&str, &str); 15] = [
    (WINDOWS_AZURE_AD, "Windows Azure Active Directory"),
    (MICROSOFT_GRAPH, "Microsoft Graph"),
    (ADMIN_PORTALS, "Microsoft Entra admin center"),
    (
        "80ccca67-54bd-44ab-8625-4b79c4dc7775",
        "Microsoft Defender portal",
    ),
    (AZURE_MANAGEMENT, "Azure Resource Manager"),
    (MY_SIGN_INS, "My Sign-Ins"),
    ("00000002-0000-0ff1-ce00-000000000000", "Exchange Online"),
    ("00000003-0000-0ff1-ce00-000000000000", "SharePoint Online"),
    ("cc15fd57-2c6c-4117-a88c-83b1d56b4bbe", "Microsoft Teams"),
    (
        "00000006-0000-0ff1-ce00-000000000000",
        "Microsoft 365 admin center",
    ),
    ("04b07795-8ddb-461a-bbee-02f9e1bf7b46", "Azure CLI"),
    ("1950a258-227b-4e31-a9cf-717495945fc2", "Azure PowerShell"),
    ("0c1307d4-29d6-4389-a11c-5cbe7f65d7fa", "Azure mobile app"),
    (
        "5dc48733-b5df-475c-a49b-fa307ef00853",
        "Global Secure Access, all internet resources",
    ),
    (
        "d4ebce55-015a-49b5-a083-c84d1797ae8c",
        "Microsoft Intune Enrollment",
    ),
];

impl Default for Environment {
    /// An environment without locations, with the suites and gates that every tenant has.
    ///
    /// The suites `Office365` and `MicrosoftAdminPortals` hold the app ids that Microsoft publishes, which are
    /// not all.
    fn default() -> Self {
        let own = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        Self {
            locations: Vec::new(),
            locations_unread: false,
            mfa_trusted_ips: Vec::new(),
            suites: BTreeMap::from([
                (
                    "office365".to_owned(),
                    own(&[
                        "00000002-0000-0ff1-ce00-000000000000",
                        "00000003-0000-0ff1-ce00-000000000000",
                        "cc15fd57-2c6c-4117-a88c-83b1d56b4bbe",
                    ]),
                ),
                (
                    "microsoftadminportals".to_owned(),
                    own(&[
                        ADMIN_PORTALS,
                        "80ccca67-54bd-44ab-8625-4b79c4dc7775",
                        "00000006-0000-0ff1-ce00-000000000000",
                    ]),
                ),
                (
                    AZURE_MANAGEMENT.to_owned(),
                    own(&[AZURE_MANAGEMENT, ADMIN_PORTALS]),
                ),
            ]),
            immune: BTreeSet::new(),
            traffic_resources: own(&["5dc48733-b5df-475c-a49b-fa307ef00853"])
                .into_iter()
                .collect(),
            baseline_scopes: BaselineScopes::Enforced,
            approved_app_retired: true,
            app_attributes: BTreeMap::new(),
            strengths: strength::built_in(),
            mandatory_mfa: own(&[
                ADMIN_PORTALS,
                MICROSOFT_GRAPH,
                AZURE_MANAGEMENT,
                "00000006-0000-0ff1-ce00-000000000000",
                "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
                "1950a258-227b-4e31-a9cf-717495945fc2",
                "0c1307d4-29d6-4389-a11c-5cbe7f65d7fa",
            ])
            .into_iter()
            .collect(),
            security_defaults: false,
            app_names: APPS
                .iter()
                .map(|(id, name)| ((*id).to_owned(), (*name).to_owned()))
                .collect(),
            object_names: BTreeMap::new(),
        }
    }
}

impl Environment {
    /// Whether an address that lies in no trusted range that was read may be trusted all the same.
    pub(crate) fn any_may_be_trusted(&self) -> bool {
        self.locations_unread
            || self
                .locations
                .iter()
                .any(|location| matches!(location.kind, LocationKind::Unknown(_)))
    }

    /// The strength of this id: one of the tenant's, else a built-in one.
    pub fn strength(&self, id: &str) -> Option<Strength> {
        let same = |strength: &&Strength| strength.id.eq_ignore_ascii_case(id.trim());
        self.strengths
            .iter()
            .find(same)
            .cloned()
            .or_else(|| strength::built_in().iter().find(same).cloned())
    }

    /// The name of an application, or its id.
    pub fn app_name<'a>(&'a self, id: &'a str) -> &'a str {
        self.app_names
            .get(&crate::identity::fold(id))
            .map_or(id, String::as_str)
    }

    /// The name of a group, role or user, or its id.
    pub fn object_name<'a>(&'a self, id: &'a str) -> &'a str {
        self.object_names
            .get(&crate::identity::fold(id))
            .map_or(id, String::as_str)
    }
}
