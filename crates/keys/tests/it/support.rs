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
