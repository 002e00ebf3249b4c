//! Who made a security key, told by its AAGUID.

use breakglass_model::aaguid;

/// The vendor of the key model with this AAGUID, where it is known.
pub(crate) fn vendor_of(aaguid: &str) -> Option<String> {
    aaguid::vendor(aaguid).map(|known| known.vendor.to_owned())
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
