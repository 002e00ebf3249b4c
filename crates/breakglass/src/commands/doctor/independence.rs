//! Whether what we rely on fails together with what we guard: hosts, addresses and mailboxes of Microsoft's cloud.

use std::net::{IpAddr, Ipv4Addr};

use super::azure;

/// Domains under which Microsoft runs the services that stop together with a tenant (Microsoft 365 *URLs and IP
/// address ranges*; Azure *domains by service*).
const DOMAINS: &[&str] = &[
    "azure.com",
    "azure.net",
    "azure-api.net",
    "azure-devices.net",
    "azurefd.net",
    "azurewebsites.net",
    "cloudapp.azure.com",
    "cloudapp.net",
    "microsoft.com",
    "microsoftonline.com",
    "office.com",
    "office.net",
    "office365.com",
    "onmicrosoft.com",
    "outlook.com",
    // A top level domain of Microsoft's own: `mx.microsoft` takes mail for Exchange Online, too.
    "microsoft",
    "sharepoint.com",
    "trafficmanager.net",
    "windows.net",
    "azure.us",
    "microsoftonline.us",
    "office365.us",
    "usgovcloudapi.net",
    "azure.cn",
    "chinacloudapi.cn",
    "partner.outlook.cn",
];

/// Addresses of Exchange Online and of the sign-in services (Microsoft 365 *URLs and IP address ranges*, worldwide), and
/// the IPv6 block that nearly all of Azure's are from (*Azure IP ranges and service tags*, as of 2026).
const RANGES: &[(&str, u8)] = &[
    ("13.107.6.152", 31),
    ("13.107.18.10", 31),
    ("13.107.128.0", 22),
    ("20.20.32.0", 19),
    ("20.190.128.0", 18),
    ("20.231.128.0", 19),
    ("23.103.160.0", 20),
    ("40.92.0.0", 15),
    ("40.96.0.0", 13),
    ("40.104.0.0", 15),
    ("40.107.0.0", 16),
    ("40.126.0.0", 18),
    ("52.96.0.0", 14),
    ("52.100.0.0", 14),
    ("52.238.78.88", 32),
    ("104.47.0.0", 17),
    ("131.253.33.215", 32),
    ("132.245.0.0", 16),
    ("150.171.32.0", 22),
    ("204.79.197.215", 32),
    ("2603:1000::", 24),
    ("2620:1ec::", 36),
    ("2a01:111:f400::", 48),
    ("2a01:111:f403::", 48),
];

/// The chassis asset tag of every Azure virtual machine (Microsoft, *Azure Instance Metadata Service*; cloud-init
/// tells Azure by it).
const AZURE_CHASSIS: &str = "7783-7084-3265-9085-8269-3286-77";

/// The address at which every virtual network of Azure has its name server (Azure, *What is IP address 168.63.129.16?*).
const AZURE_NAME_SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16));

/// The domain of Microsoft that a host is in.
pub(super) fn microsoft_domain(host: &str) -> Option<&'static str> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    DOMAINS.iter().copied().find(|domain| {
        host == *domain
            || host
                .strip_suffix(domain)
                .is_some_and(|rest| rest.ends_with('.'))
    })
}

/// Whether an address is in a range that Microsoft publishes for its cloud.
pub(super) fn microsoft_address(address: IpAddr) -> bool {
    // An IPv4 address that is written as an IPv6 one is the same place.
    let address = address.to_canonical();
    if let IpAddr::V4(own) = address
        && azure::holds(own)
    {
        return true;
    }
    RANGES.iter().any(|(first, bits)| {
        first
            .parse::<IpAddr>()
            .is_ok_and(|first| same_prefix(first, address, *bits))
    })
}

fn same_prefix(first: IpAddr, other: IpAddr, bits: u8) -> bool {
    match (first, other) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            let shift = 32 - u32::from(bits);
            a.to_bits().checked_shr(shift) == b.to_bits().checked_shr(shift)
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => {
            let shift = 128 - u32::from(bits);
            a.to_bits().checked_shr(shift) == b.to_bits().checked_shr(shift)
        }
        _ => false,
    }
}

/// Where this machine is hosted, when that is in Azure; from what the machine itself knows, without a network.
pub(super) fn hosted_in_azure(
    chassis: Option<&str>,
    name_servers: &[IpAddr],
    variable: impl Fn(&str) -> bool,
) -> Option<&'static str> {
    if chassis.is_some_and(|tag| tag.trim() == AZURE_CHASSIS) {
        return Some("an Azure virtual machine");
    }
    if name_servers.contains(&AZURE_NAME_SERVER) {
        return Some("in a virtual network of Azure, whose name server it asks");
    }
    [
        ("WEBSITE_INSTANCE_ID", "Azure App Service"),
        ("FUNCTIONS_WORKER_RUNTIME", "Azure Functions"),
        ("CONTAINER_APP_NAME", "Azure Container Apps"),
        ("AZUREML_RUN_ID", "Azure Machine Learning"),
    ]
    .into_iter()
    .find(|(name, _)| variable(name))
    .map(|(_, what)| what)
}

/// The domain of a mail address, lower case.
pub(super) fn mail_domain(address: &str) -> Option<String> {
    let address = address.rsplit_once('<').map_or(address, |(_, rest)| rest);
    let (_, domain) = address.trim_end_matches('>').rsplit_once('@')?;
    Some(domain.trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_microsoft_are_told_by_whole_labels() {
        assert_eq!(
            microsoft_domain("smtp.office365.com"),
            Some("office365.com")
        );
        assert_eq!(
            microsoft_domain("Contoso-com.mail.protection.OUTLOOK.com."),
            Some("outlook.com")
        );
        assert_eq!(
            microsoft_domain("contoso-com.a-v1.mx.microsoft"),
            Some("microsoft")
        );
        assert_eq!(microsoft_domain("notoutlook.com"), None);
        assert_eq!(microsoft_domain("outlook.com.other.example"), None);
    }

    #[test]
    fn addresses_of_exchange_online_are_told() {
        for (address, is) in [
            ("52.101.1.2", true),
            ("40.107.255.1", true),
            ("20.61.99.68", true),
            ("::ffff:40.113.200.201", true),
            ("203.0.113.7", false),
            ("2a01:111:f400:7c00::1", true),
            ("2603:1020:206:1::1", true),
            ("2001:db8::1", false),
        ] {
            assert_eq!(microsoft_address(address.parse().unwrap()), is, "{address}");
        }
    }

    #[test]
    fn azure_is_told_by_the_machine_itself() {
        let none = |_: &str| false;
        let elsewhere = ["192.0.2.53".parse().unwrap()];
        assert!(hosted_in_azure(Some(AZURE_CHASSIS), &elsewhere, none).is_some());
        assert_eq!(
            hosted_in_azure(Some("To be filled"), &elsewhere, none),
            None
        );
        assert_eq!(
            hosted_in_azure(None, &[], |name| name == "CONTAINER_APP_NAME"),
            Some("Azure Container Apps")
        );
        let azure = ["168.63.129.16".parse().unwrap()];
        assert!(hosted_in_azure(None, &azure, none).is_some());
    }

    #[test]
    fn the_domain_of_a_mailbox() {
        assert_eq!(
            mail_domain("SOC <soc@Contoso.com>").as_deref(),
            Some("contoso.com")
        );
        assert_eq!(mail_domain("nobody"), None);
    }
}
