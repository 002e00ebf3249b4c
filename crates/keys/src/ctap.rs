//! CTAP2 over any transport (*Client to Authenticator Protocol 2.1*, section 6).

use zeroize::Zeroizing;

use crate::{
    Assertion, Info, KeyError, Made, NewCredential, Pin, PinRetries,
    cbor::{self, Cbor},
    pin::{Protocol, Shared},
    transport::Transport,
};

const MAKE: u8 = 0x01;
const ASSERT: u8 = 0x02;
const INFO: u8 = 0x04;
const PIN: u8 = 0x06;
const CONFIG: u8 = 0x0d;

/// Permissions of a token (CTAP 2.1, section 6.5.5.7).
const MAY_MAKE: i64 = 0x01;
const MAY_ASSERT: i64 = 0x02;
const MAY_CONFIGURE: i64 = 0x20;

/// A security key that somebody can touch.
pub trait SecurityKey {
    /// What it says about itself.
    ///
    /// # Errors
    /// When it cannot be reached or understood.
    fn info(&mut self) -> Result<Info, KeyError>;

    /// Tries that are left. To be shown before every try.
    ///
    /// # Errors
    /// When it cannot be reached or understood.
    fn pin_retries(&mut self) -> Result<PinRetries, KeyError>;

    /// Sets the first PIN.
    ///
    /// # Errors
    /// When it has one, or does not take this one.
    fn set_pin(&mut self, new: &Pin) -> Result<(), KeyError>;

    /// Changes the PIN. A wrong present PIN costs a try.
    ///
    /// # Errors
    /// When the present one is wrong, or it does not take the new one.
    fn change_pin(&mut self, present: &Pin, new: &Pin) -> Result<(), KeyError>;

    /// Raises the least length of a PIN, or asks for a change before the next use, where the key can.
    ///
    /// # Errors
    /// When the PIN is wrong, or the key has no such rules.
    fn set_pin_rules(
        &mut self,
        pin: &Pin,
        least: Option<u8>,
        force_change: bool,
    ) -> Result<(), KeyError>;

    /// Makes a discoverable passkey. Somebody has to touch the key. A wrong PIN costs a try.
    ///
    /// # Errors
    /// When it holds one of the excluded passkeys, the PIN is wrong, or nobody touched it.
    fn make_credential(&mut self, pin: &Pin, wanted: &NewCredential) -> Result<Made, KeyError>;

    /// Uses a passkey of a site. Somebody has to touch the key. A wrong PIN costs a try.
    ///
    /// # Errors
    /// When it holds none, the PIN is wrong, or nobody touched it.
    fn assert(
        &mut self,
        pin: &Pin,
        rp_id: &str,
        client_data_hash: &[u8; 32],
        allow: &[Vec<u8>],
    ) -> Result<Assertion, KeyError>;
}

/// A key that speaks CTAP2.
pub struct Ctap<T> {
    transport: T,
    touch: Box<dyn FnMut()>,
}

/// A token that stands for the PIN: good for a while and for what it was asked for.
struct Token {
    protocol: Protocol,
    secret: Zeroizing<Vec<u8>>,
}

impl Token {
    fn authenticate(&self, message: &[u8]) -> Cbor {
        self.protocol.authenticate(&self.secret, message).into()
    }
}

impl<T: Transport> Ctap<T> {
    /// A key behind a transport.
    pub fn new(transport: T) -> Self {
        Self {
            transport,
            touch: Box::new(|| {}),
        }
    }

    /// What to do when the key waits for a touch.
    #[must_use]
    pub fn on_touch(mut self, touch: impl FnMut() + 'static) -> Self {
        self.touch = Box::new(touch);
        self
    }

    /// The transport.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// The transport.
    pub fn transport_mut(&mut self) -> &mut T {
        &mut self.transport
    }

    /// Sends a command; gives the answer behind its status.
    fn call(&mut self, command: u8, parameters: Option<&Cbor>) -> Result<Vec<u8>, KeyError> {
        let mut message = vec![command];
        if let Some(parameters) = parameters {
            message.extend(parameters.to_vec());
        }
        let answer = self.transport.exchange(&message, &mut *self.touch)?;
        match answer.split_first() {
            Some((0, rest)) => Ok(rest.to_vec()),
            Some((status, _)) => Err(KeyError::of_status(*status)),
            None => Err(KeyError::Protocol("its answer is empty")),
        }
    }

    fn pin_call(&mut self, parameters: Vec<(i64, Cbor)>) -> Result<Cbor, KeyError> {
        let answer = self.call(PIN, Some(&Cbor::numbered(parameters)))?;
        if answer.is_empty() {
            return Ok(Cbor::Map(Vec::new()));
        }
        cbor::read(&answer)
            .map(|(value, _)| value)
            .ok_or(KeyError::Protocol("its answer about the PIN is malformed"))
    }

    fn agree(&mut self, info: &Info) -> Result<(Shared, Cbor), KeyError> {
        let protocol = info.protocol()?;
        let answer = self.pin_call(vec![(1, protocol.number().into()), (2, Cbor::Int(2))])?;
        let theirs = answer.at(1).ok_or(KeyError::Protocol(
            "it sends no half of the exchange of keys",
        ))?;
        Shared::agree(protocol, theirs)
    }

    /// A wrong PIN with the tries that are left.
    fn counted<V>(&mut self, result: Result<V, KeyError>) -> Result<V, KeyError> {
        match result {
            Err(KeyError::WrongPin { .. }) => match self.pin_retries() {
                Ok(PinRetries { left: 0, .. }) => Err(KeyError::PinBlocked),
                Ok(PinRetries {
                    power_cycle: true, ..
                }) => Err(KeyError::PowerCycle),
                Ok(retries) => Err(KeyError::WrongPin {
                    retries: Some(retries.left),
                }),
                Err(_) => Err(KeyError::WrongPin { retries: None }),
            },
            other => other,
        }
    }

    fn token(
        &mut self,
        info: &Info,
        pin: &Pin,
        permission: i64,
        rp_id: Option<&str>,
    ) -> Result<Token, KeyError> {
        match info.has_pin() {
            Some(true) => {}
            Some(false) => return Err(KeyError::PinNotSet),
            None => return Err(KeyError::Unsupported("it takes no PIN")),
        }
        if info.force_pin_change {
            return Err(KeyError::PinChangeRequired);
        }
        let (shared, half) = self.agree(info)?;
        let with_permissions = info.option("pinUvAuthToken") == Some(true);
        let mut parameters = vec![
            (1, shared.protocol.number().into()),
            (2, Cbor::Int(if with_permissions { 9 } else { 5 })),
            (3, half),
            (6, shared.encrypt(&pin.hash())?.into()),
        ];
        if with_permissions {
            parameters.push((9, permission.into()));
            if let Some(rp_id) = rp_id {
                parameters.push((10, rp_id.into()));
            }
        } else if permission == MAY_CONFIGURE {
            return Err(KeyError::Unsupported("it has no rules for PINs"));
        }
        let answer = self.pin_call(parameters);
        let answer = self.counted(answer)?;
        let secret = answer
            .at(2)
            .and_then(Cbor::bytes)
            .ok_or(KeyError::Protocol("it gives no token for the PIN"))?;
        Ok(Token {
            protocol: shared.protocol,
            secret: shared.decrypt(secret)?,
        })
    }

    /// Whether the key holds one of these, asked without a touch.
    fn holds(&mut self, rp_id: &str, ids: &[Vec<u8>]) -> Result<bool, KeyError> {
        let parameters = Cbor::numbered([
            (1, rp_id.into()),
            (2, vec![0; 32].into()),
            (3, descriptors(ids)),
            (5, Cbor::named([("up", false.into())])),
        ]);
        match self.call(ASSERT, Some(&parameters)) {
            Ok(_) => Ok(true),
            Err(KeyError::NoCredential) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn descriptors(ids: &[Vec<u8>]) -> Cbor {
    Cbor::List(
        ids.iter()
            .map(|id| Cbor::named([("id", id.clone().into()), ("type", "public-key".into())]))
            .collect(),
    )
}

/// What a key answers to a registration, as an attestation object (W3C, *Web Authentication Level 2*, section 6.5.4): the
/// values stay as they were sent, the keys become names, in canonical order.
fn attestation_object(answer: &[u8]) -> Option<Vec<u8>> {
    let entries = cbor::raw_entries(answer)?;
    let part = |number: i64| {
        entries
            .iter()
            .find(|(key, _)| *key == Cbor::Int(number))
            .map(|(_, bytes)| *bytes)
    };
    let mut object = vec![0xa3];
    for (name, number) in [("fmt", 1), ("attStmt", 3), ("authData", 2)] {
        object.extend(Cbor::from(name).to_vec());
        object.extend(part(number)?);
    }
    Some(object)
}

impl<T: Transport> SecurityKey for Ctap<T> {
    fn info(&mut self) -> Result<Info, KeyError> {
        Info::read(&self.call(INFO, None)?)
    }

    fn pin_retries(&mut self) -> Result<PinRetries, KeyError> {
        let info = self.info()?;
        let protocol = info.protocol()?;
        let answer = self.pin_call(vec![(1, protocol.number().into()), (2, Cbor::Int(1))])?;
        let left = answer
            .at(3)
            .and_then(Cbor::int)
            .and_then(|left| u8::try_from(left).ok())
            .ok_or(KeyError::Protocol(
                "it does not say how many tries are left",
            ))?;
        let power_cycle = answer.at(4).and_then(Cbor::bool).unwrap_or(false);
        Ok(PinRetries { left, power_cycle })
    }

    fn set_pin(&mut self, new: &Pin) -> Result<(), KeyError> {
        let info = self.info()?;
        match info.has_pin() {
            Some(false) => {}
            Some(true) => return Err(KeyError::PinIsSet),
            None => return Err(KeyError::Unsupported("it takes no PIN")),
        }
        new.fit_for(info.min_pin_length)?;
        let (shared, half) = self.agree(&info)?;
        let secret = shared.encrypt(&new.padded())?;
        let tag = shared.authenticate(&secret);
        self.pin_call(vec![
            (1, shared.protocol.number().into()),
            (2, Cbor::Int(3)),
            (3, half),
            (4, tag.into()),
            (5, secret.into()),
        ])
        .map(drop)
    }

    fn change_pin(&mut self, present: &Pin, new: &Pin) -> Result<(), KeyError> {
        let info = self.info()?;
        if info.has_pin() != Some(true) {
            return Err(KeyError::PinNotSet);
        }
        new.fit_for(info.min_pin_length)?;
        let (shared, half) = self.agree(&info)?;
        let secret = shared.encrypt(&new.padded())?;
        let proof = shared.encrypt(&present.hash())?;
        let tag = shared.authenticate(&[&secret[..], &proof].concat());
        let changed = self.pin_call(vec![
            (1, shared.protocol.number().into()),
            (2, Cbor::Int(4)),
            (3, half),
            (4, tag.into()),
            (5, secret.into()),
            (6, proof.into()),
        ]);
        self.counted(changed).map(drop)
    }

    fn set_pin_rules(
        &mut self,
        pin: &Pin,
        least: Option<u8>,
        force_change: bool,
    ) -> Result<(), KeyError> {
        let info = self.info()?;
        if !info.can_set_pin_rules() {
            return Err(KeyError::Unsupported("it has no rules for PINs"));
        }
        let token = self.token(&info, pin, MAY_CONFIGURE, None)?;
        let mut rules = Vec::new();
        if let Some(least) = least {
            rules.push((1, Cbor::Int(i64::from(least))));
        }
        if force_change {
            rules.push((3, true.into()));
        }
        let rules = Cbor::numbered(rules);
        let message = [&[0xff; 32], &[CONFIG, 3][..], &rules.to_vec()].concat();
        let parameters = Cbor::numbered([
            (1, Cbor::Int(3)),
            (2, rules),
            (3, token.protocol.number().into()),
            (4, token.authenticate(&message)),
        ]);
        self.call(CONFIG, Some(&parameters)).map(drop)
    }

    fn make_credential(&mut self, pin: &Pin, wanted: &NewCredential) -> Result<Made, KeyError> {
        let info = self.info()?;
        if info.option("rk") != Some(true) {
            return Err(KeyError::Unsupported("it holds no discoverable passkeys"));
        }
        // Keys take a few ids at a time; the rest is asked for beforehand.
        let most = info
            .most_in_list
            .and_then(|most| usize::try_from(most).ok())
            .unwrap_or(usize::MAX)
            .max(1);
        let mut parts = wanted.exclude.chunks(most).rev();
        let exclude = parts.next().unwrap_or_default();
        for part in parts {
            if self.holds(&wanted.rp_id, part)? {
                return Err(KeyError::Excluded);
            }
        }
        let token = self.token(&info, pin, MAY_MAKE, Some(&wanted.rp_id))?;
        let algorithms = wanted.algorithms.iter().map(|algorithm| {
            Cbor::named([("alg", (*algorithm).into()), ("type", "public-key".into())])
        });
        let mut parameters = vec![
            (1, wanted.client_data_hash[..].into()),
            (
                2,
                Cbor::named([
                    ("id", wanted.rp_id.as_str().into()),
                    ("name", wanted.rp_name.as_str().into()),
                ]),
            ),
            (
                3,
                Cbor::named([
                    ("id", wanted.user_id.clone().into()),
                    ("name", wanted.user_name.as_str().into()),
                    ("displayName", wanted.user_display_name.as_str().into()),
                ]),
            ),
            (4, Cbor::List(algorithms.collect())),
        ];
        if !exclude.is_empty() {
            parameters.push((5, descriptors(exclude)));
        }
        let supports = |name: &str| info.extensions.iter().any(|own| own == name);
        let mut extensions = Vec::new();
        if let Some(level) = wanted.cred_protect.filter(|_| supports("credProtect")) {
            extensions.push(("credProtect", Cbor::Int(i64::from(level))));
        }
        if wanted.hmac_secret && supports("hmac-secret") {
            extensions.push(("hmac-secret", true.into()));
        }
        if !extensions.is_empty() {
            parameters.push((6, Cbor::named(extensions)));
        }
        parameters.push((7, Cbor::named([("rk", true.into())])));
        parameters.push((8, token.authenticate(&wanted.client_data_hash)));
        parameters.push((9, token.protocol.number().into()));
        let answer = self.call(MAKE, Some(&Cbor::numbered(parameters)))?;
        attestation_object(&answer)
            .map(|attestation_object| Made { attestation_object })
            .ok_or(KeyError::Protocol(
                "its answer to the registration is malformed",
            ))
    }

    fn assert(
        &mut self,
        pin: &Pin,
        rp_id: &str,
        client_data_hash: &[u8; 32],
        allow: &[Vec<u8>],
    ) -> Result<Assertion, KeyError> {
        const MALFORMED: KeyError = KeyError::Protocol("its answer to the sign-in is malformed");
        let info = self.info()?;
        let token = self.token(&info, pin, MAY_ASSERT, Some(rp_id))?;
        let mut parameters = vec![(1, rp_id.into()), (2, client_data_hash[..].into())];
        if !allow.is_empty() {
            parameters.push((3, descriptors(allow)));
        }
        parameters.push((6, token.authenticate(client_data_hash)));
        parameters.push((7, token.protocol.number().into()));
        let answer = self.call(ASSERT, Some(&Cbor::numbered(parameters)))?;
        let (answer, _) = cbor::read(&answer).ok_or(MALFORMED)?;
        let bytes = |value: Option<&Cbor>| value.and_then(Cbor::bytes).map(<[u8]>::to_vec);
        let credential_id = match answer.at(1) {
            Some(credential) => bytes(credential.get("id")).ok_or(MALFORMED)?,
            // A key may leave it out where the list had one item.
            None => allow.first().cloned().ok_or(MALFORMED)?,
        };
        Ok(Assertion {
            credential_id,
            authenticator_data: bytes(answer.at(2)).ok_or(MALFORMED)?,
            signature: bytes(answer.at(3)).ok_or(MALFORMED)?,
            user_id: answer.at(4).and_then(|user| bytes(user.get("id"))),
        })
    }
}
