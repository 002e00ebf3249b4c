//! Keys and requests to them.

use breakglass_keys::{
    ClientData, Ctap, NewCredential, Pin,
    soft::{Attestation, Model, SoftKey},
    transport::Framed,
};
use zeroize::Zeroizing;

pub(crate) const AAGUID: &str = "b0a4d6e0-5c1f-4f2e-9a3b-7d6e5f4c3b2a";
pub(crate) const RP: &str = "login.microsoft.com";
pub(crate) const CHALLENGE: &str = "Y2hhbGxlbmdl";
pub(crate) type Key = Ctap<Framed<SoftKey>>;

pub(crate) fn pin(text: &str) -> Pin {
    Pin::new(Zeroizing::new(text.to_owned())).unwrap()
}

/// A key that attests so, and the certificate of its made-up vendor.
pub(crate) fn key(attestation: Attestation, protocols: &[i64]) -> (Key, Vec<u8>) {
    let model = Model {
        attestation,
        pin_protocols: protocols.to_vec(),
        ..Model::of(AAGUID)
    };
    let (state, root) = model.make().unwrap();
    (SoftKey::open(state).unwrap(), root)
}

pub(crate) fn client_data() -> ClientData {
    ClientData::create(CHALLENGE, "https://login.microsoft.com")
}

pub(crate) fn wanted(exclude: &[Vec<u8>]) -> NewCredential {
    NewCredential {
        client_data_hash: client_data().hash(),
        rp_id: RP.to_owned(),
        rp_name: "Microsoft".to_owned(),
        user_id: b"OF:user".to_vec(),
        user_name: "ea01@contoso.onmicrosoft.com".to_owned(),
        user_display_name: "Emergency Access 01".to_owned(),
        algorithms: vec![-7, -257],
        exclude: exclude.to_vec(),
        hmac_secret: true,
        cred_protect: Some(1),
    }
}

/// A list as FIDO publishes it, of entries (AAGUID, description, root, statuses), and the root of its signer in PEM.
pub(crate) fn list(entries: &[(&str, &str, &[u8], &[&str])]) -> (String, Vec<u8>) {
    use data_encoding::{BASE64, BASE64URL_NOPAD};
    use serde_json::{Value, json};
    let root_key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let mut root = rcgen::CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let pem = root.self_signed(&root_key).unwrap().pem().into_bytes();
    let issuer = rcgen::Issuer::new(root, root_key);
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let own = rcgen::CertificateParams::new(vec!["mds.fidoalliance.org".to_owned()]).unwrap();
    let own = own.signed_by(&key, &issuer).unwrap();
    let entries: Vec<Value> = entries
        .iter()
        .map(|(aaguid, description, root, statuses)| {
            let reports: Vec<Value> =
                statuses.iter().map(|word| json!({"status": word, "effectiveDate": "2026-01-01"})).collect();
            json!({"aaguid": aaguid, "statusReports": reports, "timeOfLastStatusChange": "2026-01-01",
                "metadataStatement": {"description": description, "attestationRootCertificates": [BASE64.encode(root)]}})
        })
        .collect();
    let payload =
        json!({"legalHeader": "made up", "no": 7, "nextUpdate": "2026-12-24", "entries": entries});
    let header = json!({"alg": "ES256", "typ": "JWT", "x5c": [BASE64.encode(own.der())]});
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(&header), part(&payload));
    let pair = aws_lc_rs::signature::EcdsaKeyPair::from_pkcs8(
        &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        key.serialized_der(),
    )
    .unwrap();
    let signature = pair
        .sign(&aws_lc_rs::rand::SystemRandom::new(), signed.as_bytes())
        .unwrap();
    (
        format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref())),
        pem,
    )
}
