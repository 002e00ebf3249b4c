//! Passkeys and other methods, with a software authenticator.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    Lab,
    graph::{Version, write},
    testing::{ADELE, ANNA, activities, app, json_of, lab, person, write, write_to},
};

const AAGUID: &str = "2fc0579f-8113-47ea-b116-bb5a8db9202a";

/// A key whose maker attests it.
struct Authenticator {
    pair: EcdsaKeyPair,
    maker: EcdsaKeyPair,
    certificate: Vec<u8>,
    id: Vec<u8>,
}

impl Authenticator {
    fn new() -> Self {
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
                .unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref()).unwrap();
        let own = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate = rcgen::CertificateParams::new(Vec::new())
            .unwrap()
            .self_signed(&own)
            .unwrap();
        let maker = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, own.serialized_der())
            .unwrap();
        Self {
            pair,
            maker,
            certificate: certificate.der().to_vec(),
            id: vec![7; 32],
        }
    }

    /// The body of the registration.
    fn register(&self, options: &Value, packed: bool) -> Value {
        let rp = options["publicKey"]["rp"]["id"].as_str().unwrap();
        let client =
            json!({"type": "webauthn.create", "challenge": options["publicKey"]["challenge"],
            "origin": format!("https://{rp}"), "crossOrigin": false})
            .to_string();
        let mut data = Sha256::digest(rp).to_vec();
        data.push(0x45);
        data.extend([0, 0, 0, 1]);
        data.extend(uuid::Uuid::parse_str(AAGUID).unwrap().as_bytes());
        data.extend([0, 32]);
        data.extend(&self.id);
        let point = self.pair.public_key().as_ref();
        // {1: 2, 3: -7, -1: 1, -2: x, -3: y}
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(&point[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&point[33..]);
        let mut object = vec![0xa3, 0x63];
        object.extend(b"fmt");
        if packed {
            object.push(0x66);
            object.extend(b"packed");
        } else {
            object.push(0x64);
            object.extend(b"none");
        }
        object.push(0x67);
        object.extend(b"attStmt");
        if packed {
            let mut message = data.clone();
            message.extend(Sha256::digest(&client));
            let signature = self.maker.sign(&SystemRandom::new(), &message).unwrap();
            object.extend([0xa3, 0x63]);
            object.extend(b"alg");
            object.extend([0x26, 0x63]);
            object.extend(b"sig");
            object.extend([0x58, u8::try_from(signature.as_ref().len()).unwrap()]);
            object.extend(signature.as_ref());
            object.push(0x63);
            object.extend(b"x5c");
            object.extend([0x81, 0x59]);
            object.extend(u16::try_from(self.certificate.len()).unwrap().to_be_bytes());
            object.extend(&self.certificate);
        } else {
            object.push(0xa0);
        }
        object.push(0x68);
        object.extend(b"authData");
        object.extend([
            0x59,
            u8::try_from(data.len() >> 8).unwrap(),
            u8::try_from(data.len() & 0xff).unwrap(),
        ]);
        object.extend(&data);
        json!({"displayName": "EA01 key A", "publicKeyCredential": {"id": BASE64URL_NOPAD.encode(&self.id),
            "response": {"clientDataJSON": BASE64URL_NOPAD.encode(client.as_bytes()),
                "attestationObject": data_encoding::BASE64.encode(&object)},
            "clientExtensionResults": {}}})
    }
}

fn path(user: &str) -> String {
    format!("users/{user}/authentication/fido2Methods")
}

fn options(lab: &Lab, caller: &crate::lab::Caller, user: &str) -> Value {
    json_of(
        write(
            lab,
            caller,
            "GET",
            &format!("{}/creationOptions", path(user)),
            Value::Null,
        )
        .unwrap(),
    )
}

#[test]
fn a_key_is_registered_on_behalf_and_kept_for_sign_in() {
    let lab = lab("contoso-modern");
    let caller = app("breakglass apply");
    let options = options(&lab, &caller, ANNA);
    assert_eq!(options["publicKey"]["rp"]["id"], "login.microsoft.com");
    assert!(options["publicKey"]["challenge"].as_str().unwrap().len() > 6_000);
    let key = Authenticator::new();
    let body = key.register(&options, true);
    let answer = write(&lab, &caller, "POST", &path(ANNA), body.clone()).unwrap();
    assert_eq!(answer.status, 201);
    let method = json_of(answer);
    assert_eq!(method["aaGuid"], AAGUID);
    assert_eq!(method["passkeyType"], "deviceBound");
    let id = BASE64URL_NOPAD.encode(&key.id);
    {
        let state = lab.state();
        let passkey = &state.passkeys[&id];
        assert_eq!((passkey.user.as_str(), passkey.sign_count), (ANNA, 1));
        let signature = key.pair.sign(&SystemRandom::new(), b"assertion").unwrap();
        assert!(write::verify(
            &passkey.public_key,
            b"assertion",
            signature.as_ref()
        ));
        let shown =
            state.table("users").get(ANNA).unwrap()["authentication"]["methods"].to_string();
        assert!(
            shown.contains(&id) && !shown.contains("publicKey"),
            "{shown}"
        );
    }
    assert_eq!(
        write(&lab, &caller, "POST", &path(ANNA), body)
            .unwrap_err()
            .status,
        409
    );
    assert_eq!(
        activities(&lab),
        [
            "Get passkey creation options",
            "Update user",
            "Add Passkey (device-bound)",
            "Update user",
            "Admin registered security info",
        ]
    );
    {
        let state = lab.state();
        let (device, method) = (&state.logs[2].record, &state.logs[4].record);
        assert_eq!(device["loggedByService"], "Device Registration Service");
        assert_eq!(device["targetResources"][0]["id"], Value::Null);
        assert_eq!(
            device["targetResources"][0]["userPrincipalName"],
            "anna@contoso.com"
        );
        assert_eq!(device["additionalDetails"][1]["value"], AAGUID);
        assert_eq!(device["correlationId"], method["correlationId"]);
    }
    let own = format!("{}/{id}", path(ANNA));
    assert_eq!(
        write(&lab, &caller, "DELETE", &own, Value::Null)
            .unwrap()
            .status,
        204
    );
    assert!(lab.state().passkeys.is_empty());
}

#[test]
fn what_is_wrong_with_a_registration_is_refused() {
    let lab = lab("contoso-modern");
    let caller = app("breakglass apply");
    let good = options(&lab, &caller, ANNA);
    let key = Authenticator::new();
    let mut typed = key.register(&good, true);
    typed["@odata.type"] = json!("#microsoft.graph.fido2AuthenticationMethod");
    let mut long = key.register(&good, true);
    long["displayName"] = json!("x".repeat(31));
    let mut other = good.clone();
    other["publicKey"]["challenge"] = json!("bm90IG91cnM");
    let mut foreign = good.clone();
    foreign["publicKey"]["rp"]["id"] = json!("login.evil.example");
    let mut forged = key.register(&good, true);
    forged["publicKeyCredential"]["response"]["clientDataJSON"] =
        key.register(&good, false)["publicKeyCredential"]["response"]["clientDataJSON"].clone();
    let mut bytes = data_encoding::BASE64
        .decode(
            forged["publicKeyCredential"]["response"]["attestationObject"]
                .as_str()
                .unwrap()
                .as_bytes(),
        )
        .unwrap();
    // One bit of the signature.
    bytes[40] ^= 1;
    forged["publicKeyCredential"]["response"]["attestationObject"] =
        json!(data_encoding::BASE64.encode(&bytes));
    for body in [
        typed,
        long,
        key.register(&other, true),
        key.register(&foreign, true),
        forged,
    ] {
        let error = write(&lab, &caller, "POST", &path(ANNA), body).unwrap_err();
        assert_eq!(
            (error.status, error.code.as_str()),
            (400, "badRequest"),
            "{}",
            error.message
        );
    }
    // A challenge made for somebody else.
    let error = write(
        &lab,
        &caller,
        "POST",
        &path(ADELE),
        key.register(&good, true),
    )
    .unwrap_err();
    assert!(error.message.contains("challenge"), "{}", error.message);
}

#[test]
fn the_policy_decides_over_attestation_models_and_registration_itself() {
    let lab = lab("contoso-modern");
    let caller = app("breakglass apply");
    let configuration =
        "policies/authenticationMethodsPolicy/authenticationMethodConfigurations/Fido2";
    let set = |change: Value| {
        let mut body = json!({"@odata.type": "#microsoft.graph.fido2AuthenticationMethodConfiguration",
            "state": "enabled", "isSelfServiceRegistrationAllowed": true});
        super::super::context::merge(&mut body, &change);
        write(&lab, &caller, "PATCH", configuration, body).unwrap();
    };
    let key = Authenticator::new();
    let before = options(&lab, &caller, ANNA);
    set(json!({"isAttestationEnforced": true}));
    let error = write(
        &lab,
        &caller,
        "POST",
        &path(ANNA),
        key.register(&before, false),
    )
    .unwrap_err();
    assert!(error.message.contains("attestation"), "{}", error.message);
    set(
        json!({"isAttestationEnforced": false, "keyRestrictions": {"isEnforced": true, "enforcementType": "block",
        "aaGuids": [AAGUID]}}),
    );
    let error = write(
        &lab,
        &caller,
        "POST",
        &path(ANNA),
        key.register(&before, false),
    )
    .unwrap_err();
    assert!(error.message.contains("AAGUID"), "{}", error.message);
    set(json!({"isSelfServiceRegistrationAllowed": false}));
    let asked = format!("{}/creationOptions", path(ANNA));
    assert_eq!(
        write(&lab, &caller, "GET", &asked, Value::Null)
            .unwrap_err()
            .status,
        403
    );
    set(json!({"keyRestrictions": {"isEnforced": false}}));
    let method = json_of(
        write(
            &lab,
            &caller,
            "POST",
            &path(ANNA),
            key.register(&before, false),
        )
        .unwrap(),
    );
    assert_eq!(method["attestationLevel"], "notAttested");
}

#[test]
fn beta_takes_a_longer_challenge_in_both_spellings_and_v1_does_not() {
    let lab = lab("contoso-modern");
    let caller = app("breakglass apply");
    let in_path = format!(
        "{}/creationOptions(challengeTimeoutInMinutes=43200)",
        path(ANNA)
    );
    let in_query = format!(
        "{}/creationOptions?challengeTimeoutInMinutes=43200",
        path(ANNA)
    );
    for path in [&in_path, &in_query] {
        let options =
            json_of(write_to(&lab, &caller, Version::Beta, "GET", path, Value::Null).unwrap());
        assert_eq!(options["challengeTimeoutDateTime"], "2026-12-24T12:00:00Z");
    }
    assert_eq!(
        write(&lab, &caller, "GET", &in_path, Value::Null)
            .unwrap_err()
            .status,
        400
    );
    let short = format!(
        "{}/creationOptions(challengeTimeoutInMinutes=4)",
        path(ANNA)
    );
    let error = write_to(&lab, &caller, Version::Beta, "GET", &short, Value::Null).unwrap_err();
    assert_eq!(error.status, 400);
}

#[test]
fn registered_keys_are_excluded_in_ordinary_base64() {
    let lab = lab("contoso-modern");
    let caller = app("breakglass apply");
    let key = Authenticator::new();
    let body = key.register(&options(&lab, &caller, ANNA), true);
    write(&lab, &caller, "POST", &path(ANNA), body).unwrap();
    let excluded = options(&lab, &caller, ANNA)["publicKey"]["excludeCredentials"].clone();
    assert!(
        excluded
            .to_string()
            .contains(&data_encoding::BASE64.encode(&key.id)),
        "{excluded}"
    );
}

#[test]
fn a_password_is_reset_by_people_and_told_once() {
    let lab = lab("contoso-modern");
    let path = format!(
        "users/{ANNA}/authentication/methods/28c10230-6103-485e-b985-444c60001490/resetPassword"
    );
    assert_eq!(
        write(&lab, &app("breakglass apply"), "POST", &path, json!({}))
            .unwrap_err()
            .status,
        403
    );
    let answer = write(&lab, &person(ADELE), "POST", &path, Value::Null).unwrap();
    assert_eq!(answer.status, 202);
    let password = json_of(answer)["newPassword"].as_str().unwrap().to_owned();
    let key = (
        ANNA.to_owned(),
        "28c10230-6103-485e-b985-444c60001490".to_owned(),
    );
    assert!(lab.state().secrets[&key].is(&password));
    assert!(activities(&lab).contains(&"Reset password".to_owned()));
}

#[test]
fn a_phone_has_a_fixed_id_and_there_is_one_of_each_kind() {
    let lab = lab("contoso-modern");
    let adele = person(ADELE);
    let list = format!("users/{ANNA}/authentication/phoneMethods");
    let body = json!({"phoneNumber": "+41 445550142", "phoneType": "mobile"});
    let made = json_of(write(&lab, &adele, "POST", &list, body.clone()).unwrap());
    assert_eq!(made["id"], "3179e48a-750b-4051-897c-87b9720928f7");
    assert_eq!(
        write(&lab, &adele, "POST", &list, body).unwrap_err().status,
        400
    );
    let own = format!("{list}/3179e48a-750b-4051-897c-87b9720928f7");
    write(
        &lab,
        &adele,
        "PATCH",
        &own,
        json!({"phoneNumber": "+41 445550143"}),
    )
    .unwrap();
    write(&lab, &adele, "DELETE", &own, Value::Null).unwrap();
    assert_eq!(
        write(&lab, &adele, "DELETE", &own, Value::Null)
            .unwrap_err()
            .status,
        404
    );
}
