//! PINs: set, changed, wrong, blocked; and passkeys that are made and used with them.

use breakglass_keys::{ClientData, KeyError, PinRetries, SecurityKey as _, soft::Attestation};

use crate::support::{RP, key, pin, wanted};

#[test]
fn x7_a_new_key_gets_a_pin_and_makes_a_passkey_that_signs_in() {
    for protocols in [&[1][..], &[2, 1]] {
        let (mut key, _) = key(Attestation::Certificate, protocols);
        let info = key.info().unwrap();
        assert_eq!(info.has_pin(), Some(false));
        let secret = pin("246810");
        assert_eq!(
            key.make_credential(&secret, &wanted(&[])),
            Err(KeyError::PinNotSet)
        );
        key.set_pin(&secret).unwrap();
        assert_eq!(key.set_pin(&secret), Err(KeyError::PinIsSet));
        let made = key.make_credential(&secret, &wanted(&[])).unwrap();
        assert!(
            made.attestation_object
                .starts_with(&[0xa3, 0x63, b'f', b'm', b't'])
        );
        let hash = ClientData::get("Y2hhbGxlbmdl", "https://login.microsoft.com").hash();
        let used = key.assert(&secret, RP, &hash, &[]).unwrap();
        assert_eq!(used.user_id.as_deref(), Some(&b"OF:user"[..]));
        assert_eq!(
            key.assert(&secret, "elsewhere.example", &hash, &[]),
            Err(KeyError::NoCredential)
        );
        let many: Vec<Vec<u8>> = (0..9)
            .map(|number| vec![number; 32])
            .chain([used.credential_id.clone()])
            .collect();
        // More ids than the key takes at once, with ours at either end.
        let reversed: Vec<Vec<u8>> = many.iter().rev().cloned().collect();
        for exclude in [many, reversed] {
            assert_eq!(
                key.make_credential(&secret, &wanted(&exclude)),
                Err(KeyError::Excluded)
            );
        }
    }
}

#[test]
fn x7_wrong_pins_are_counted_and_told_apart() {
    let (mut key, _) = key(Attestation::Itself, &[2]);
    let (right, wrong) = (pin("135791"), pin("000000"));
    key.set_pin(&right).unwrap();
    let tries = |left, power_cycle| Ok(PinRetries { left, power_cycle });
    assert_eq!(key.pin_retries(), tries(8, false));
    let attempt =
        |key: &mut crate::support::Key| key.make_credential(&wrong, &wanted(&[])).unwrap_err();
    assert_eq!(attempt(&mut key), KeyError::WrongPin { retries: Some(7) });
    assert_eq!(attempt(&mut key), KeyError::WrongPin { retries: Some(6) });
    assert_eq!(attempt(&mut key), KeyError::PowerCycle);
    assert_eq!(key.pin_retries(), tries(5, true));
    assert_eq!(
        key.make_credential(&right, &wanted(&[])),
        Err(KeyError::PowerCycle)
    );
    key.transport_mut().reports_mut().replug();
    key.make_credential(&right, &wanted(&[])).unwrap();
    assert_eq!(key.pin_retries(), tries(8, false));
    for _ in 0..3 {
        while attempt(&mut key) != KeyError::PinBlocked {
            if key.pin_retries().unwrap().power_cycle {
                key.transport_mut().reports_mut().replug();
            }
        }
    }
    assert_eq!(
        key.make_credential(&right, &wanted(&[])),
        Err(KeyError::PinBlocked)
    );
}

#[test]
fn x7_a_pin_is_changed_and_its_rules_are_raised_where_the_key_can() {
    let (mut key, _) = key(Attestation::Certificate, &[2, 1]);
    let (first, second) = (pin("135791"), pin("24681012"));
    key.set_pin(&first).unwrap();
    assert_eq!(
        key.change_pin(&second, &first),
        Err(KeyError::WrongPin { retries: Some(7) })
    );
    key.set_pin_rules(&first, Some(8), true).unwrap();
    let info = key.info().unwrap();
    assert_eq!((info.min_pin_length, info.force_pin_change), (8, true));
    assert_eq!(
        key.make_credential(&first, &wanted(&[])),
        Err(KeyError::PinChangeRequired)
    );
    assert!(matches!(
        key.change_pin(&first, &pin("864213")),
        Err(KeyError::PinPolicy(_))
    ));
    key.change_pin(&first, &second).unwrap();
    key.make_credential(&second, &wanted(&[])).unwrap();
}

#[test]
fn x7_whoever_holds_the_key_is_asked_to_touch_it() {
    let touched = std::rc::Rc::new(std::cell::Cell::new(0));
    let seen = touched.clone();
    let (key, _) = key(Attestation::None, &[2]);
    let mut key = key.on_touch(move || seen.set(seen.get() + 1));
    key.set_pin(&pin("135791")).unwrap();
    assert_eq!(touched.get(), 0);
    key.make_credential(&pin("135791"), &wanted(&[])).unwrap();
    assert_eq!(touched.get(), 1);
}
