//! Who made a security key, told by its AAGUID.

/// AAGUIDs of common hardware keys, as attestation-eligible in Microsoft Entra ID.
const KNOWN: [(&str, &str); 5] = [
    ("a4e9fc6d-4cbe-4758-b8ba-37598bb5bbaa", "Yubico"),
    ("833b721a-ff5f-4d00-bb2e-bdda3ec01e29", "Feitian"),
    ("42b4fb4a-2866-43b2-9bf7-6c6669c2e5d3", "Google"),
    ("7787a482-13e8-4784-8a06-c7ed49a7aaf4", "Swissbit"),
    ("eabb46cc-e241-80bf-ae9e-96fa6d2975cf", "Token2"),
];

/// The vendor of the key model with this AAGUID, where it is known.
pub(crate) fn vendor_of(aaguid: &str) -> Option<String> {
    KNOWN
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(aaguid.trim()))
        .map(|(_, vendor)| (*vendor).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k3_vendor_is_found_in_any_case() {
        assert_eq!(
            vendor_of("A4E9FC6D-4CBE-4758-B8BA-37598BB5BBAA").as_deref(),
            Some("Yubico")
        );
        assert_eq!(vendor_of("00000000-0000-0000-0000-000000000000"), None);
    }
}
