//! What Conditional Access sees of a sign-in besides who it is and what is proved: chosen on the twin's page, since
//! everybody who reaches the twin comes from the same loopback address.

use std::{collections::BTreeMap, net::IpAddr};

use breakglass_conditional_access::{
    SignIn,
    device_filter::Device,
    sign_in::{ClientApp, Flow, Given, InsiderRisk, Platform, Risk},
};

/// What a person may choose about a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum DeviceChoice {
    /// None is registered.
    #[default]
    None,
    /// Joined, and compliant with the rules of its management.
    Compliant,
    /// Hybrid joined.
    Hybrid,
}

impl DeviceChoice {
    pub(crate) const ALL: [Self; 3] = [Self::None, Self::Compliant, Self::Hybrid];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Compliant => "compliant",
            Self::Hybrid => "hybrid",
        }
    }
}

/// The circumstances of one sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Circumstances {
    pub(crate) ip: IpAddr,
    /// Two letters; `None`: Microsoft's database knows no country for the address.
    pub(crate) country: Option<String>,
    pub(crate) platform: Platform,
    pub(crate) client: ClientApp,
    pub(crate) device: DeviceChoice,
    pub(crate) sign_in_risk: Risk,
    pub(crate) user_risk: Risk,
    pub(crate) insider_risk: InsiderRisk,
    /// As the browser or the client sent it.
    pub(crate) user_agent: String,
}

/// Prefix of the query parameters and form fields that set them.
const PREFIX: &str = "lab_";
/// TEST-NET-3 (RFC 5737).
const DEFAULT_IP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 10));
const DEFAULT_COUNTRY: &str = "CH";

impl Circumstances {
    /// An office in Switzerland, the platform of the user agent, no device, no risk.
    pub(crate) fn of_agent(user_agent: &str) -> Self {
        Self {
            ip: DEFAULT_IP,
            country: Some(DEFAULT_COUNTRY.to_owned()),
            platform: platform(user_agent),
            client: ClientApp::Browser,
            device: DeviceChoice::None,
            sign_in_risk: Risk::None,
            user_risk: Risk::None,
            insider_risk: InsiderRisk::None,
            user_agent: user_agent.chars().take(400).collect(),
        }
    }

    /// Takes over what the fields say; a field that is absent changes nothing.
    ///
    /// # Errors
    /// The first field whose value is none of those that it may have.
    pub(crate) fn set(&mut self, fields: &BTreeMap<String, String>) -> Result<(), String> {
        let get = |name: &str| {
            fields
                .get(&format!("{PREFIX}{name}"))
                .map(|text| text.trim())
                .filter(|text| !text.is_empty())
        };
        let strange = |name: &str, text: &str| Err(format!("`{text}` is no value of {name}"));
        if let Some(text) = get("ip") {
            match text.parse() {
                Ok(ip) => self.ip = ip,
                Err(_) => return strange("IP address", text),
            }
        }
        if let Some(text) = get("country") {
            self.country = match text {
                "none" => None,
                code if code.len() == 2 && code.bytes().all(|b| b.is_ascii_alphabetic()) => {
                    Some(code.to_ascii_uppercase())
                }
                other => return strange("country", other),
            };
        }
        if let Some(text) = get("device") {
            match DeviceChoice::ALL.iter().find(|own| own.word() == text) {
                Some(own) => self.device = *own,
                None => return strange("device", text),
            }
        }
        macro_rules! word {
            ($field:ident, $name:literal, $type:ty) => {
                if let Some(text) = get($name) {
                    match <$type>::from_word(text) {
                        Some(own) => self.$field = own,
                        None => return strange($name, text),
                    }
                }
            };
        }
        word!(platform, "platform", Platform);
        word!(client, "client", ClientApp);
        word!(sign_in_risk, "sign_in_risk", Risk);
        word!(user_risk, "user_risk", Risk);
        word!(insider_risk, "insider_risk", InsiderRisk);
        Ok(())
    }

    /// The fields as forms carry them.
    #[cfg(test)]
    fn fields(&self) -> Vec<(String, String)> {
        [
            ("ip", self.ip.to_string()),
            (
                "country",
                self.country.clone().unwrap_or_else(|| "none".to_owned()),
            ),
            ("platform", self.platform.word().to_owned()),
            ("client", self.client.word().to_owned()),
            ("device", self.device.word().to_owned()),
            ("sign_in_risk", self.sign_in_risk.word().to_owned()),
            ("user_risk", self.user_risk.word().to_owned()),
            ("insider_risk", self.insider_risk.word().to_owned()),
        ]
        .map(|(name, value)| (format!("{PREFIX}{name}"), value))
        .to_vec()
    }

    /// The device as Conditional Access sees it.
    pub(crate) fn device(&self) -> Option<Device> {
        let trust = match self.device {
            DeviceChoice::None => return None,
            DeviceChoice::Compliant => "AzureAD",
            DeviceChoice::Hybrid => "ServerAD",
        };
        Some(Device {
            device_id: Some(DEVICE_ID.to_owned()),
            display_name: Some(DEVICE_NAME.to_owned()),
            is_compliant: Some(self.device == DeviceChoice::Compliant),
            trust_type: Some(trust.to_owned()),
            operating_system: Some(operating_system(self.platform).to_owned()),
            ..Device::default()
        })
    }

    /// The sign-in that Conditional Access judges.
    pub(crate) fn sign_in(&self, audiences: &[String], flow: Flow, contexts: &[String]) -> SignIn {
        SignIn {
            audiences: audiences.iter().cloned().collect(),
            auth_contexts: contexts.iter().cloned().collect(),
            ip: Some(self.ip),
            country: Given::from(self.country.clone()),
            compliant_network: Some(false),
            platform: Some(self.platform),
            client_app: Some(self.client),
            device: Given::from(self.device()),
            sign_in_risk: Some(self.sign_in_risk),
            user_risk: Some(self.user_risk),
            insider_risk: Some(self.insider_risk),
            flow: Some(flow),
            ..SignIn::default()
        }
    }
}

/// Id of the device that the page offers.
pub(crate) const DEVICE_ID: &str = "1ab00000-0000-4000-8000-00000000de01";
/// Its name.
pub(crate) const DEVICE_NAME: &str = "TWIN-DEVICE-01";

/// The platform that a user agent claims (Microsoft: *Conditions*, device platforms: it is taken from the user agent).
pub(crate) fn platform(user_agent: &str) -> Platform {
    let has = |word: &str| user_agent.contains(word);
    if has("Windows Phone") {
        Platform::WindowsPhone
    } else if has("Android") {
        Platform::Android
    } else if has("iPhone") || has("iPad") {
        Platform::Ios
    } else if has("Windows") {
        Platform::Windows
    } else if has("CrOS") {
        Platform::Unknown
    } else if has("Macintosh") || has("Darwin") || has("macOS") {
        Platform::MacOs
    } else if has("Linux") {
        Platform::Linux
    } else {
        Platform::Unknown
    }
}

/// `deviceDetail.operatingSystem`.
pub(crate) const fn operating_system(platform: Platform) -> &'static str {
    match platform {
        Platform::Windows => "Windows10",
        Platform::MacOs => "MacOs",
        Platform::Ios => "Ios",
        Platform::Android => "Android",
        Platform::Linux => "Linux",
        Platform::WindowsPhone => "WindowsPhone",
        Platform::Unknown => "",
    }
}

/// `deviceDetail.browser`, such as `Chrome 141.0.0`.
pub(crate) fn browser(user_agent: &str) -> String {
    for (mark, name) in [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("HeadlessChrome/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Firefox/", "Firefox"),
        ("Version/", "Safari"),
    ] {
        if let Some((_, rest)) = user_agent.split_once(mark) {
            let version: String = rest
                .chars()
                .take_while(|c| c.is_ascii_digit() || *c == '.')
                .collect();
            let parts: Vec<&str> = version.split('.').take(3).collect();
            return format!("{name} {}", parts.join("."));
        }
    }
    String::new()
}

/// Where the twin puts a country on the map: city, state, latitude, longitude.
pub(crate) fn place(country: &str) -> Option<(&'static str, &'static str, f64, f64)> {
    Some(match country {
        "CH" => ("Zurich", "Zurich", 47.37, 8.54),
        "DE" => ("Berlin", "Berlin", 52.52, 13.40),
        "AT" => ("Vienna", "Vienna", 48.21, 16.37),
        "GB" => ("London", "England", 51.51, -0.13),
        "US" => ("Columbus", "Ohio", 39.96, -83.00),
        "BR" => ("Sao Paulo", "Sao Paulo", -23.55, -46.63),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_reaches_conditional_access() {
        let mut own = Circumstances::of_agent("Mozilla/5.0 (X11; Linux x86_64) Chrome/141.0.7.1");
        assert_eq!(own.platform, Platform::Linux);
        let fields = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(name, value)| (format!("lab_{name}"), (*value).to_owned()))
                .collect()
        };
        own.set(&fields(&[
            ("ip", "198.51.100.7"),
            ("country", "br"),
            ("platform", "iOS"),
            ("device", "hybrid"),
            ("sign_in_risk", "high"),
        ]))
        .unwrap();
        let sign_in = own.sign_in(&["app".to_owned()], Flow::None, &[]);
        assert_eq!(sign_in.country.value().map(String::as_str), Some("BR"));
        assert_eq!(sign_in.sign_in_risk, Some(Risk::High));
        let device = sign_in.device.value().unwrap();
        assert_eq!(device.trust_type.as_deref(), Some("ServerAD"));
        assert_eq!(device.is_compliant, Some(false));
        // Forms carry them back unchanged.
        let mut again = Circumstances::of_agent(&own.user_agent);
        again.set(&own.fields().into_iter().collect()).unwrap();
        assert_eq!(again, own);
        assert!(own.set(&fields(&[("ip", "nonsense")])).is_err());
        assert!(own.set(&fields(&[("country", "CHE")])).is_err());
        assert!(own.set(&fields(&[("device", "toaster")])).is_err());
    }

    #[test]
    fn browsers_are_named_as_in_the_log() {
        assert_eq!(
            browser(
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36 Edg/141.0.3.2"
            ),
            "Edge 141.0.3"
        );
        assert_eq!(browser("python-requests/2.32"), "");
        assert_eq!(
            platform("Mozilla/5.0 (Macintosh; Intel Mac OS X)"),
            Platform::MacOs
        );
        assert_eq!(platform("curl/8"), Platform::Unknown);
    }
}
