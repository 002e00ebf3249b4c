//! Security keys registered on behalf of an account, through the same protocol as a key over USB, and used to sign in.

use breakglass_keys::{
    ClientData, Ctap, NewCredential, Pin, SecurityKey as _,
    soft::{Attestation, Model, SoftKey},
    transport::Framed,
};
use data_encoding::BASE64URL_NOPAD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    support::{Twin, example},
    writes::send,
};

const ANNA: &str = "7b3e241e-41c2-4d8a-b6f0-9c5d1e2a79b2";
const FEITIAN: &str = "ee041bce-25e5-4cdb-8f86-897fd6418464";

struct Registrar<'t> {
    twin: &'t Twin,
    token: String,
}

impl Registrar<'_> {
    async fn call(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let base = &self.twin.running.addresses.graph;
        let url = format!("{base}/v1.0/users/{ANNA}/authentication/fido2Methods{path}");
        send(self.twin, &self.token, method, &url, body).await
    }

    /// Makes a passkey on a key and registers it.
    async fn register(&self, key: &mut Ctap<Framed<SoftKey>>, pin: &Pin) -> (u16, Value) {
        let (status, options) = self
            .call(Method::GET, "/creationOptions", Value::Null)
            .await;
        assert_eq!(status, 200, "{options}");
        let asked = &options["publicKey"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let client = ClientData::create(&text(&asked["challenge"]), "https://login.microsoft.com");
        let wanted = NewCredential {
            client_data_hash: client.hash(),
            rp_id: text(&asked["rp"]["id"]),
            user_id: BASE64URL_NOPAD
                .decode(text(&asked["user"]["id"]).as_bytes())
                .unwrap(),
            user_name: text(&asked["user"]["name"]),
            algorithms: vec![-7],
            hmac_secret: true,
            cred_protect: Some(1),
            ..NewCredential::default()
        };
        let object = key
            .make_credential(pin, &wanted)
            .unwrap()
            .attestation_object;
        // Behind 37 bytes and the AAGUID of the authenticator data: length and id.
        let data = object
            .windows(8)
            .position(|own| own == b"authData")
            .unwrap()
            + 10;
        let id = &object[data + 55..data + 55 + 32];
        let body = json!({"displayName": "key", "publicKeyCredential": {"id": BASE64URL_NOPAD.encode(id), "response": {
            "clientDataJSON": client.base64url(), "attestationObject": BASE64URL_NOPAD.encode(&object)}}});
        self.call(Method::POST, "", body).await
    }
}

#[tokio::test]
async fn k1_x7_what_a_key_attests_decides_whether_it_is_registered() {
    let twin = Twin::of(example("contoso-modern")).await;
    let registrar = Registrar {
        token: twin.token("breakglass apply").await,
        twin: &twin,
    };
    let pin = Pin::new(zeroize::Zeroizing::new("135791".to_owned())).unwrap();
    for (attestation, status, says) in [
        (Attestation::Certificate, 201, "attested"),
        (Attestation::ForeignCertificate, 400, "another AAGUID"),
        (Attestation::Itself, 400, "requires attestation"),
        (Attestation::None, 400, "requires attestation"),
    ] {
        let model = Model {
            attestation,
            ..Model::of(FEITIAN)
        };
        let mut key = SoftKey::open(model.make().unwrap().0).unwrap();
        key.set_pin(&pin).unwrap();
        let (got, answer) = registrar.register(&mut key, &pin).await;
        assert_eq!(got, status, "{attestation:?}: {answer}");
        assert!(
            answer.to_string().contains(says),
            "{attestation:?}: {answer}"
        );
    }
}
