//! Our client against an authenticator that others wrote: Nitrokey's FIDO application, the firmware's own code, in a process of
//! its own. `./test` builds it (`tests/oracle/authenticator`) and says where by an environment variable; without that the
//! tests say that they are skipped.
//!
//! It takes whole commands, so that frames of USB are not part of this; those are held by Yubico's client (`oracle`).

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use breakglass_keys::{
    ClientData, Ctap, KeyError, PinRetries, SecurityKey as _,
    attestation::{Expected, Trust, Verified, verified as proves, verify},
    cbor::{self, Cbor},
    mds::{Metadata, Root},
    transport::Transport,
};
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::support::{CHALLENGE, RP, client_data, list, pin, wanted};

/// `made-up by tests`.
const MODEL: &str = "6d616465-2d75-7020-6279-207465737473";
const PIN: &str = "135791";

struct Process {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Process {
    fn line(&mut self) -> Vec<u8> {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        HEXLOWER.decode(line.trim().as_bytes()).unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It ends by itself when nobody speaks to it any more.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Transport for Process {
    fn exchange(&mut self, command: &[u8], _: &mut dyn FnMut()) -> Result<Vec<u8>, KeyError> {
        writeln!(self.commands, "{}", HEXLOWER.encode(command)).unwrap();
        Ok(self.line())
    }
}

/// A new key, and the root of its made-up vendor. `None`: it was not built.
fn key() -> Option<(Ctap<Process>, Vec<u8>)> {
    let Some(program) = env::var_os("BREAKGLASS_TEST_AUTHENTICATOR") else {
        println!(
            "skipped: BREAKGLASS_TEST_AUTHENTICATOR is not set; ./test installs what it names"
        );
        return None;
    };
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let commands = child.stdin.take().unwrap();
    let answers = BufReader::new(child.stdout.take().unwrap());
    let mut process = Process {
        child,
        commands,
        answers,
    };
    let root = process.line();
    Some((Ctap::new(process), root))
}

fn now() -> Timestamp {
    "2026-11-24T20:00:00Z".parse().unwrap()
}

fn judged(object: &[u8], metadata: Option<&Metadata>) -> Verified {
    let data = client_data();
    let expected = Expected {
        rp_id: RP,
        origin: "https://login.microsoft.com",
        challenge: CHALLENGE,
        client_data: &data,
        algorithms: &[-7, -257],
    };
    verify(object, &expected, metadata, now()).unwrap()
}

#[test]
fn k1_x7_a_passkey_is_made_on_a_key_of_others_verified_and_used() {
    let Some((mut key, root)) = key() else {
        return;
    };
    let info = key.info().unwrap();
    assert_eq!(info.has_pin(), Some(false));
    assert_eq!(
        key.make_credential(&pin(PIN), &wanted(&[])),
        Err(KeyError::PinNotSet)
    );
    key.set_pin(&pin(PIN)).unwrap();
    assert_eq!(key.set_pin(&pin(PIN)), Err(KeyError::PinIsSet));

    // Made and attested; what that proves depends on who knows the vendor.
    let made = key.make_credential(&pin(PIN), &wanted(&[])).unwrap();
    let verified = judged(&made.attestation_object, None);
    assert_eq!(verified.aaguid, MODEL);
    assert!(
        matches!(verified.trust, Trust::Certificate { .. }),
        "{:?}",
        verified.trust
    );
    let (text, signer) = list(&[(MODEL, "A key of others", &root, &["FIDO_CERTIFIED_L1"])]);
    let metadata = Metadata::read(text.as_bytes(), &Root::Pem(signer), now()).unwrap();
    let known = judged(&made.attestation_object, Some(&metadata));
    assert_eq!(
        known.trust,
        Trust::Vendor {
            description: "A key of others".to_owned()
        }
    );

    // It is discoverable: used without a word of which one; and its signature is good.
    let data = ClientData::get("c2lnbi1pbg", "https://login.microsoft.com");
    let used = key.assert(&pin(PIN), RP, &data.hash(), &[]).unwrap();
    assert_eq!(used.credential_id, verified.credential_id);
    assert_eq!(used.user_id.as_deref(), Some(&b"OF:user"[..]));
    assert_eq!(used.authenticator_data[..32], *Sha256::digest(RP));
    let message = [&used.authenticator_data[..], &data.hash()].concat();
    let public = public(&made.attestation_object);
    assert_eq!(proves(&public, &message, &used.signature), Some(true));
    assert_eq!(proves(&public, &message[1..], &used.signature), Some(false));

    // A key that holds one of the account's passkeys makes no other, however long the list is.
    let mut others: Vec<Vec<u8>> = (0..30_u8).map(|byte| vec![byte; 64]).collect();
    others.insert(0, used.credential_id);
    assert_eq!(
        key.make_credential(&pin(PIN), &wanted(&others)),
        Err(KeyError::Excluded)
    );
}

/// The passkey's public key: behind the credential id in the authenticator data (W3C, *Web Authentication Level 2*, section
/// 6.5.1).
fn public(object: &[u8]) -> Cbor {
    let (object, _) = cbor::read(object).unwrap();
    let data = object.get("authData").and_then(Cbor::bytes).unwrap();
    let length = usize::from(data[53]) << 8 | usize::from(data[54]);
    cbor::read(&data[55 + length..]).unwrap().0
}

#[test]
fn x7_wrong_pins_are_told_apart_on_a_key_of_others() {
    let Some((mut key, _)) = key() else {
        return;
    };
    key.set_pin(&pin(PIN)).unwrap();
    let first = key.pin_retries().unwrap();
    assert_eq!(
        first,
        PinRetries {
            left: 8,
            power_cycle: false
        }
    );
    let wrong = |key: &mut Ctap<Process>| key.make_credential(&pin("000000"), &wanted(&[]));
    for left in [7, 6] {
        assert_eq!(
            wrong(&mut key),
            Err(KeyError::WrongPin {
                retries: Some(left)
            })
        );
    }
    assert_eq!(wrong(&mut key), Err(KeyError::PowerCycle));
    // The right one is refused as well, until it is unplugged; that costs no try.
    assert_eq!(
        key.make_credential(&pin(PIN), &wanted(&[])),
        Err(KeyError::PowerCycle)
    );
    assert_eq!(key.pin_retries().unwrap().left, 5);
}

#[test]
fn x7_the_pin_of_a_key_of_others_is_changed_and_its_rules_set() {
    let Some((mut key, _)) = key() else {
        return;
    };
    key.set_pin(&pin(PIN)).unwrap();
    key.change_pin(&pin(PIN), &pin("24681012")).unwrap();
    assert!(matches!(
        key.make_credential(&pin(PIN), &wanted(&[])),
        Err(KeyError::WrongPin { .. })
    ));
    key.make_credential(&pin("24681012"), &wanted(&[])).unwrap();
    let info = key.info().unwrap();
    let rules = key.set_pin_rules(&pin("24681012"), Some(8), true);
    if info.can_set_pin_rules() {
        rules.unwrap();
        let info = key.info().unwrap();
        assert_eq!((info.min_pin_length, info.force_pin_change), (8, true));
        assert_eq!(
            key.make_credential(&pin("24681012"), &wanted(&[])),
            Err(KeyError::PinChangeRequired)
        );
    } else {
        assert!(matches!(rules, Err(KeyError::Unsupported(_))), "{rules:?}");
    }
}
