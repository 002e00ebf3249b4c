//! The commands of CTAP2, from the key's side.

use aws_lc_rs::{
    agreement::{ECDH_P256, PrivateKey},
    rand::{SecureRandom as _, SystemRandom},
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{State, state::Passkey};
use crate::{
    cbor::{self, Cbor},
    pin::{ECDH, Protocol, Shared, cose},
};

/// Tries from new.
pub(super) const TRIES: u8 = 8;
/// Wrong PINs in a row before it has to be unplugged.
const IN_A_ROW: u8 = 3;

const INVALID_COMMAND: u8 = 0x01;
const INVALID_CBOR: u8 = 0x12;
const MISSING: u8 = 0x14;
const EXCLUDED: u8 = 0x19;
const ALGORITHM: u8 = 0x26;
const INVALID_OPTION: u8 = 0x2c;
const NO_CREDENTIALS: u8 = 0x2e;
const PIN_INVALID: u8 = 0x31;
const PIN_BLOCKED: u8 = 0x32;
const PIN_AUTH_INVALID: u8 = 0x33;
const PIN_AUTH_BLOCKED: u8 = 0x34;
const PIN_NOT_SET: u8 = 0x35;
const PUAT_REQUIRED: u8 = 0x36;
const PIN_POLICY: u8 = 0x37;
const OTHER: u8 = 0x7f;

type Answer = Result<Vec<u8>, u8>;

pub(super) struct Authenticator {
    state: State,
    /// Its half of the exchange of keys, until it is unplugged.
    agreement: Option<PrivateKey>,
    wrong_in_a_row: u8,
    token: Option<(Protocol, Zeroizing<Vec<u8>>, i64)>,
}

fn random<const N: usize>() -> Result<[u8; N], u8> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| OTHER)?;
    Ok(bytes)
}

fn signer(key: &[u8]) -> Result<EcdsaKeyPair, u8> {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key).map_err(|_| OTHER)
}

fn sign(key: &[u8], message: &[u8]) -> Answer {
    let signature = signer(key)?
        .sign(&SystemRandom::new(), message)
        .map_err(|_| OTHER)?;
    Ok(signature.as_ref().to_vec())
}

fn bytes_at(map: &Cbor, key: i64) -> Result<&[u8], u8> {
    map.at(key).and_then(Cbor::bytes).ok_or(MISSING)
}

fn ids(list: Option<&Cbor>) -> Vec<&[u8]> {
    let items = list.map(Cbor::items).unwrap_or_default();
    items
        .iter()
        .filter_map(|item| item.get("id")?.bytes())
        .collect()
}

impl Authenticator {
    pub(super) fn new(state: State) -> Self {
        Self {
            state,
            agreement: PrivateKey::generate(&ECDH_P256).ok(),
            wrong_in_a_row: 0,
            token: None,
        }
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Whether a person has to touch the key for a message.
    pub(super) fn asks_for_touch(message: &[u8]) -> bool {
        matches!(message.first(), Some(1 | 2))
    }

    /// Does a command; the answer begins with its status.
    pub(super) fn run(&mut self, message: &[u8]) -> Vec<u8> {
        let answer = match message.split_first() {
            Some((0x04, _)) => Ok(self.info()),
            Some((command, rest)) => match (command, cbor::whole(rest)) {
                (0x01 | 0x02 | 0x06 | 0x0d, None) => Err(INVALID_CBOR),
                (0x01, Some(call)) => self.make(&call),
                (0x02, Some(call)) => self.assert(&call),
                (0x06, Some(call)) => self.pin(&call),
                (0x0d, Some(call)) => self.configure(&call),
                _ => Err(INVALID_COMMAND),
            },
            None => Err(INVALID_COMMAND),
        };
        match answer {
            Ok(answer) => [&[0], &answer[..]].concat(),
            Err(status) => vec![status],
        }
    }

    fn info(&self) -> Vec<u8> {
        let state = &self.state;
        let texts =
            |texts: &[&str]| Cbor::List(texts.iter().map(|text| Cbor::from(*text)).collect());
        let aaguid = uuid::Uuid::parse_str(&state.aaguid).unwrap_or_default();
        let mut entries = vec![
            (1, texts(&["FIDO_2_0", "FIDO_2_1"])),
            (2, texts(&["credProtect", "hmac-secret"])),
            (3, aaguid.as_bytes()[..].into()),
            (
                4,
                Cbor::named([
                    ("rk", true.into()),
                    ("up", true.into()),
                    ("authnrCfg", true.into()),
                    ("clientPin", state.pin_hash.is_some().into()),
                    ("pinUvAuthToken", true.into()),
                    ("setMinPINLength", true.into()),
                ]),
            ),
            (5, Cbor::Int(1200)),
            (
                6,
                Cbor::List(
                    state
                        .pin_protocols
                        .iter()
                        .map(|own| Cbor::Int(*own))
                        .collect(),
                ),
            ),
            (7, Cbor::Int(4)),
            (12, state.force_pin_change.into()),
            (13, Cbor::Int(i64::from(state.min_pin_length))),
        ];
        if let Some(firmware) = state.firmware.and_then(|own| i64::try_from(own).ok()) {
            entries.push((14, Cbor::Int(firmware)));
        }
        Cbor::numbered(entries).to_vec()
    }

    fn shared(&self, protocol: Protocol, call: &Cbor) -> Result<Shared, u8> {
        let own = self.agreement.as_ref().ok_or(OTHER)?;
        let theirs = call.at(3).ok_or(MISSING)?;
        Shared::agree_with(protocol, own, theirs).map_err(|_| PIN_AUTH_INVALID)
    }

    fn pin(&mut self, call: &Cbor) -> Answer {
        let protocol = match call.at(1).and_then(Cbor::int) {
            Some(number) if self.state.pin_protocols.contains(&number) => {
                if number == 2 {
                    Protocol::Two
                } else {
                    Protocol::One
                }
            }
            _ => return Err(0x02),
        };
        match call.at(2).and_then(Cbor::int) {
            Some(1) => Ok(Cbor::numbered([
                (3, Cbor::Int(i64::from(self.state.pin_retries))),
                (4, (self.wrong_in_a_row >= IN_A_ROW).into()),
            ])
            .to_vec()),
            Some(2) => {
                let own = self.agreement.as_ref().ok_or(OTHER)?;
                let public = own.compute_public_key().map_err(|_| OTHER)?;
                Ok(Cbor::numbered([(1, cose(ECDH, public.as_ref()))]).to_vec())
            }
            Some(3) if self.state.pin_hash.is_some() => Err(PIN_AUTH_INVALID),
            Some(3) => {
                let shared = self.shared(protocol, call)?;
                let secret = bytes_at(call, 5)?;
                if shared.authenticate(secret) != bytes_at(call, 4)? {
                    return Err(PIN_AUTH_INVALID);
                }
                self.store_pin(&shared, secret)
            }
            Some(4) => {
                let shared = self.shared(protocol, call)?;
                let (secret, proof) = (bytes_at(call, 5)?, bytes_at(call, 6)?);
                if shared.authenticate(&[secret, proof].concat()) != bytes_at(call, 4)? {
                    return Err(PIN_AUTH_INVALID);
                }
                self.check_pin(&shared, proof)?;
                self.store_pin(&shared, secret)
            }
            Some(5 | 9) => {
                let shared = self.shared(protocol, call)?;
                self.check_pin(&shared, bytes_at(call, 6)?)?;
                if self.state.force_pin_change {
                    return Err(PIN_POLICY);
                }
                let token: [u8; 32] = random()?;
                let permissions = call.at(9).and_then(Cbor::int).unwrap_or(3);
                self.token = Some((protocol, Zeroizing::new(token.to_vec()), permissions));
                let secret = shared.encrypt(&token).map_err(|_| OTHER)?;
                Ok(Cbor::numbered([(2, secret.into())]).to_vec())
            }
            _ => Err(0x3e),
        }
    }

    fn check_pin(&mut self, shared: &Shared, proof: &[u8]) -> Result<(), u8> {
        let right = self.state.pin_hash.clone().ok_or(PIN_NOT_SET)?;
        if self.state.pin_retries == 0 {
            return Err(PIN_BLOCKED);
        }
        if self.wrong_in_a_row >= IN_A_ROW {
            return Err(PIN_AUTH_BLOCKED);
        }
        self.state.pin_retries -= 1;
        let typed = shared.decrypt(proof).map_err(|_| PIN_AUTH_INVALID)?;
        if typed[..] == right[..] {
            self.state.pin_retries = TRIES;
            self.wrong_in_a_row = 0;
            return Ok(());
        }
        self.wrong_in_a_row += 1;
        self.agreement = PrivateKey::generate(&ECDH_P256).ok();
        Err(match (self.state.pin_retries, self.wrong_in_a_row) {
            (0, _) => PIN_BLOCKED,
            (_, IN_A_ROW..) => PIN_AUTH_BLOCKED,
            _ => PIN_INVALID,
        })
    }

    fn store_pin(&mut self, shared: &Shared, secret: &[u8]) -> Answer {
        let padded = shared.decrypt(secret).map_err(|_| PIN_AUTH_INVALID)?;
        let pin: Zeroizing<Vec<u8>> = Zeroizing::new(
            padded
                .iter()
                .copied()
                .take_while(|byte| *byte != 0)
                .collect(),
        );
        let hash = Sha256::digest(&pin)[..16].to_vec();
        let too_short = pin.len() < usize::from(self.state.min_pin_length);
        if padded.len() != 64
            || too_short
            || (self.state.force_pin_change && self.state.pin_hash.as_ref() == Some(&hash))
        {
            return Err(PIN_POLICY);
        }
        self.state.pin_hash = Some(hash);
        self.state.force_pin_change = false;
        self.token = None;
        Ok(Vec::new())
    }

    /// Whether a message was authenticated by the token, which has to be for this.
    fn verified(&self, permission: i64, message: &[u8], tag: &[u8]) -> Result<(), u8> {
        match &self.token {
            Some((protocol, token, permissions))
                if permissions & permission != 0
                    && protocol.authenticate(token, message) == tag =>
            {
                Ok(())
            }
            _ => Err(PIN_AUTH_INVALID),
        }
    }

    fn configure(&mut self, call: &Cbor) -> Answer {
        let rules = call.at(2).ok_or(MISSING)?;
        if call.at(1).and_then(Cbor::int) != Some(3) {
            return Err(0x3e);
        }
        let message = [&[0xff; 32], &[0x0d, 3][..], &rules.to_vec()].concat();
        self.verified(
            0x20,
            &message,
            bytes_at(call, 4).map_err(|_| PUAT_REQUIRED)?,
        )?;
        if let Some(least) = rules.at(1).and_then(Cbor::int) {
            let least = u8::try_from(least).map_err(|_| PIN_POLICY)?;
            if least < self.state.min_pin_length {
                return Err(PIN_POLICY);
            }
            self.state.min_pin_length = least;
        }
        if rules.at(3).and_then(Cbor::bool) == Some(true) {
            self.state.force_pin_change = true;
        }
        self.token = None;
        Ok(Vec::new())
    }

    fn data(&mut self, rp_id: &str, flags: u8) -> Vec<u8> {
        self.state.counter = self.state.counter.saturating_add(1);
        let mut data = Sha256::digest(rp_id).to_vec();
        data.push(flags);
        data.extend(self.state.counter.to_be_bytes());
        data
    }

    fn make(&mut self, call: &Cbor) -> Answer {
        let hash = bytes_at(call, 1)?;
        let rp_id = call
            .at(2)
            .and_then(|rp| rp.get("id")?.text())
            .ok_or(MISSING)?;
        let user_id = call
            .at(3)
            .and_then(|user| user.get("id")?.bytes())
            .ok_or(MISSING)?;
        let algorithms = call.at(4).map(Cbor::items).unwrap_or_default();
        if !algorithms
            .iter()
            .any(|own| own.get("alg").and_then(Cbor::int) == Some(-7))
        {
            return Err(ALGORITHM);
        }
        let tag = bytes_at(call, 8).map_err(|_| PUAT_REQUIRED)?;
        self.verified(1, hash, tag)?;
        let excluded = ids(call.at(5));
        if self
            .state
            .passkeys
            .iter()
            .any(|own| own.rp_id == rp_id && excluded.contains(&&own.id[..]))
        {
            return Err(EXCLUDED);
        }
        if call.at(7).and_then(|options| options.get("rk")?.bool()) != Some(true) {
            return Err(INVALID_OPTION);
        }
        let mut extensions = Vec::new();
        for name in ["credProtect", "hmac-secret"] {
            if let Some(value) = call.at(6).and_then(|asked| asked.get(name)) {
                extensions.push((name, value.clone()));
            }
        }
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
                .map_err(|_| OTHER)?;
        let key = pkcs8.as_ref().to_vec();
        let point = signer(&key)?.public_key().as_ref().to_vec();
        let id: [u8; 32] = random()?;
        let mut data = self.data(rp_id, if extensions.is_empty() { 0x45 } else { 0xc5 });
        data.extend(
            uuid::Uuid::parse_str(&self.state.aaguid)
                .unwrap_or_default()
                .as_bytes(),
        );
        data.extend([0, 32]);
        data.extend(id);
        data.extend(cose(-7, &point).to_vec());
        if !extensions.is_empty() {
            data.extend(Cbor::named(extensions).to_vec());
        }
        let signed = [&data[..], hash].concat();
        let statement = if self.state.attests {
            let signature = sign(self.state.attestation_key.as_ref().unwrap_or(&key), &signed)?;
            let mut parts = vec![("alg", Cbor::Int(-7)), ("sig", signature.into())];
            if self.state.attestation_key.is_some() {
                let chain = self.state.chain.iter().map(|own| own.clone().into());
                parts.push(("x5c", Cbor::List(chain.collect())));
            }
            Cbor::named(parts)
        } else {
            Cbor::named([])
        };
        // A discoverable passkey takes the place of another of the same user and site.
        self.state
            .passkeys
            .retain(|own| own.rp_id != rp_id || own.user_id != user_id);
        self.state.passkeys.push(Passkey {
            rp_id: rp_id.to_owned(),
            id: id.to_vec(),
            user_id: user_id.to_vec(),
            key,
        });
        let format = if self.state.attests { "packed" } else { "none" };
        Ok(Cbor::numbered([(1, format.into()), (2, data.into()), (3, statement)]).to_vec())
    }

    fn assert(&mut self, call: &Cbor) -> Answer {
        let rp_id = call.at(1).and_then(Cbor::text).ok_or(MISSING)?;
        let hash = bytes_at(call, 2)?;
        let allowed = ids(call.at(3));
        let silent = call.at(5).and_then(|options| options.get("up")?.bool()) == Some(false);
        let flags = match call.at(6).and_then(Cbor::bytes) {
            Some(tag) => {
                self.verified(2, hash, tag)?;
                0x05
            }
            None => u8::from(!silent),
        };
        let found = self.state.passkeys.iter().rev().find(|own| {
            own.rp_id == rp_id && (allowed.is_empty() || allowed.contains(&&own.id[..]))
        });
        let passkey = found.cloned().ok_or(NO_CREDENTIALS)?;
        let data = self.data(rp_id, flags);
        let signature = sign(&passkey.key, &[&data[..], hash].concat())?;
        Ok(Cbor::numbered([
            (
                1,
                Cbor::named([("id", passkey.id.into()), ("type", "public-key".into())]),
            ),
            (2, data.into()),
            (3, signature.into()),
            (4, Cbor::named([("id", passkey.user_id.into())])),
        ])
        .to_vec())
    }
}
