//! What is proven about a new passkey, and what is not.

use breakglass_keys::{
    ClientData, SecurityKey as _,
    attestation::{AttestationError, Expected, Trust, Verified, verify},
    mds::{Metadata, MetadataError, Root},
    soft::Attestation,
};
use jiff::Timestamp;
use proptest::prelude::*;

use crate::support::{AAGUID, CHALLENGE, RP, client_data, key, list, pin, wanted};

fn now() -> Timestamp {
    "2026-11-24T20:00:00Z".parse().unwrap()
}

fn expected(data: &ClientData) -> Expected<'_> {
    Expected {
        rp_id: RP,
        origin: "https://login.microsoft.com",
        challenge: CHALLENGE,
        client_data: data,
        algorithms: &[-7, -257],
    }
}

fn made(attestation: Attestation) -> (Vec<u8>, Vec<u8>) {
    let (mut key, root) = key(attestation, &[2]);
    key.set_pin(&pin("135791")).unwrap();
    let made = key.make_credential(&pin("135791"), &wanted(&[])).unwrap();
    (made.attestation_object, root)
}

fn judged(object: &[u8], metadata: Option<&Metadata>) -> Result<Verified, AttestationError> {
    verify(object, &expected(&client_data()), metadata, now())
}

#[test]
fn k1_what_is_proven_depends_on_who_attested() {
    let of = |attestation| judged(&made(attestation).0, None).map(|verified| verified.trust);
    assert_eq!(of(Attestation::None), Ok(Trust::NotAttested));
    assert_eq!(of(Attestation::Itself), Ok(Trust::Itself));
    let certified = of(Attestation::Certificate).unwrap();
    assert!(
        certified
            .sentence()
            .contains("the vendor's root is not known"),
        "{}",
        certified.sentence()
    );
    assert_eq!(
        of(Attestation::ForeignCertificate),
        Err(AttestationError::Certificate(
            "it is for another AAGUID than the key says"
        ))
    );
}

#[test]
fn k1_k3_metadata_tell_the_vendor_or_refuse() {
    let (object, root) = made(Attestation::Certificate);
    let (list_of, signer) = list(&[(AAGUID, "Made-up Key", &root, &["FIDO_CERTIFIED_L1"])]);
    let metadata = Metadata::read(list_of.as_bytes(), &Root::Pem(signer), now()).unwrap();
    assert_eq!(
        metadata
            .entry(&AAGUID.to_uppercase())
            .unwrap()
            .certification(),
        Some("FIDO_CERTIFIED_L1")
    );
    assert!(!metadata.is_overdue(now()));
    let verified = judged(&object, Some(&metadata)).unwrap();
    assert_eq!(
        verified.trust,
        Trust::Vendor {
            description: "Made-up Key".to_owned()
        }
    );
    assert_eq!(verified.aaguid, AAGUID);
    // Another vendor's key that says the same AAGUID.
    let (forged, _) = made(Attestation::Certificate);
    assert!(matches!(
        judged(&forged, Some(&metadata)),
        Err(AttestationError::Root(_))
    ));
    let other = |statuses: &[&str]| {
        let (text, signer) = list(&[(AAGUID, "Made-up Key", &root, statuses)]);
        Metadata::read(text.as_bytes(), &Root::Pem(signer), now()).unwrap()
    };
    let warned = other(&["USER_KEY_PHYSICAL_COMPROMISE"]);
    assert_eq!(
        judged(&object, Some(&warned)).unwrap().warnings,
        ["USER_KEY_PHYSICAL_COMPROMISE since 2026-01-01"]
    );
    assert!(matches!(
        judged(&object, Some(&other(&["REVOKED"]))),
        Err(AttestationError::Revoked(_))
    ));
}

#[test]
fn k3_a_list_that_fido_did_not_sign_is_refused() {
    let (text, signer) = list(&[]);
    let read = |text: &str, root: &Root| Metadata::read(text.as_bytes(), root, now());
    assert!(matches!(
        read(&text, &Root::Fido),
        Err(MetadataError::Signer(_))
    ));
    let root = Root::Pem(signer);
    assert_eq!(read(&text, &root).unwrap().number, 7);
    let (head, rest) = text.split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    let body = data_encoding::BASE64URL_NOPAD.encode(br#"{"no":9,"entries":[]}"#);
    assert_eq!(
        read(&format!("{head}.{body}.{signature}"), &root),
        Err(MetadataError::Signature)
    );
    assert_eq!(
        read(&text, &Root::Pem(b"no".to_vec())),
        Err(MetadataError::Root)
    );
}

#[test]
fn x7_what_was_made_for_something_else_is_refused() {
    let (object, _) = made(Attestation::Certificate);
    let data = client_data();
    let good = expected(&data);
    let other = ClientData::get(CHALLENGE, "https://login.microsoft.com");
    let stale = ClientData::create("b3RoZXI", "https://login.microsoft.com");
    for (expected, why) in [
        (
            Expected {
                rp_id: "login.example",
                ..good
            },
            "another site",
        ),
        (
            Expected {
                origin: "https://login.example",
                ..good
            },
            "origin",
        ),
        (
            Expected {
                challenge: "b3RoZXI",
                ..good
            },
            "challenge",
        ),
        (
            Expected {
                client_data: &other,
                ..good
            },
            "ceremony",
        ),
        (
            Expected {
                client_data: &stale,
                challenge: "b3RoZXI",
                ..good
            },
            "signature",
        ),
        (
            Expected {
                algorithms: &[-257],
                ..good
            },
            "algorithm",
        ),
    ] {
        let error = verify(&object, &expected, None, now())
            .unwrap_err()
            .to_string();
        assert!(error.contains(why), "{why}: {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// One changed byte either breaks it or was of no meaning; it never gives another passkey or AAGUID.
    #[test]
    fn k1_no_change_of_a_byte_gets_through(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let (object, _) = made(Attestation::Certificate);
        let mut changed = object.clone();
        let at = place.index(changed.len());
        changed[at] = byte;
        let right = judged(&object, None).unwrap();
        if let Ok(other) = judged(&changed, None) {
            prop_assert_eq!((other.aaguid, other.credential_id), (right.aaguid, right.credential_id));
        }
    }
}
