//! A security key in software: ES256, `none` attestation, a counter.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// A key for one site.
pub(crate) struct SoftKey {
    pair: EcdsaKeyPair,
    id: Vec<u8>,
    handle: Vec<u8>,
    rp_id: String,
    pub(crate) count: u32,
    /// User verification, which the flags tell.
    pub(crate) verified: bool,
}

fn text(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

fn bytes(value: &Value) -> Vec<u8> {
    BASE64URL_NOPAD
        .decode(value.as_str().unwrap().as_bytes())
        .unwrap()
}

fn client_data(kind: &str, options: &Value, origin: &str) -> Vec<u8> {
    json!({"type": kind, "challenge": options["challenge"], "origin": origin, "crossOrigin": false})
        .to_string()
        .into_bytes()
}

impl SoftKey {
    /// A key for the options of a creation, with the form fields that the page would send.
    pub(crate) fn create(options: &Value, origin: &str) -> (Self, Vec<(&'static str, String)>) {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let point = pair.public_key().as_ref().to_vec();
        let key = Self {
            id: Sha256::digest(&point).to_vec(),
            pair,
            handle: bytes(&options["user"]["id"]),
            rp_id: options["rp"]["id"].as_str().unwrap().to_owned(),
            count: 1,
            verified: true,
        };
        let mut data = key.authenticator_data(0x40);
        data.extend([0_u8; 16]);
        data.extend([0, 32]);
        data.extend(&key.id);
        // {1: 2, 3: -7, -1: 1, -2: x, -3: y}
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(&point[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&point[33..]);
        let mut object = vec![0xa3, 0x63];
        object.extend(b"fmt");
        object.push(0x64);
        object.extend(b"none");
        object.push(0x67);
        object.extend(b"attStmt");
        object.extend([0xa0, 0x68]);
        object.extend(b"authData");
        object.extend([0x58, u8::try_from(data.len()).unwrap()]);
        object.extend(&data);
        let fields = vec![
            ("credential", text(&key.id)),
            (
                "clientDataJSON",
                text(&client_data("webauthn.create", options, origin)),
            ),
            ("attestationObject", text(&object)),
        ];
        (key, fields)
    }

    fn authenticator_data(&self, flags: u8) -> Vec<u8> {
        let verified = if self.verified { 0x04 } else { 0 };
        let mut data = Sha256::digest(self.rp_id.as_bytes()).to_vec();
        data.push(flags | 0x01 | verified);
        data.extend(self.count.to_be_bytes());
        data
    }

    /// The form fields of an assertion.
    pub(crate) fn assert(&mut self, options: &Value, origin: &str) -> Vec<(&'static str, String)> {
        self.count += 1;
        let client = client_data("webauthn.get", options, origin);
        let data = self.authenticator_data(0);
        let mut message = data.clone();
        message.extend(Sha256::digest(&client));
        let signature = self.pair.sign(&SystemRandom::new(), &message).unwrap();
        vec![
            ("credential", text(&self.id)),
            ("clientDataJSON", text(&client)),
            ("authenticatorData", text(&data)),
            ("signature", text(signature.as_ref())),
            ("userHandle", text(&self.handle)),
        ]
    }
}
