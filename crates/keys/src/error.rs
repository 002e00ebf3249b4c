//! What can go wrong with a key, told apart as far as a person has to do different things about it.

use thiserror::Error;

/// Why a key did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// None is plugged in, or the system does not show it.
    #[error(
        "no security key is plugged in, or this user may not use it; plug one in (on Linux the udev rules of FIDO keys \
         have to be installed)"
    )]
    NoKey,
    /// More than one is plugged in.
    #[error("more than one security key is plugged in ({0}); leave only the one that is meant")]
    SeveralKeys(String),
    /// USB failed.
    #[error(
        "the key could not be reached: {0}; unplug it, plug it in again, and run the command again"
    )]
    Unreachable(String),
    /// The bytes that came are not what the protocol says.
    #[error(
        "the key gave an answer that cannot be understood ({0}); nothing was registered with it"
    )]
    Protocol(&'static str),
    /// The PIN is wrong.
    #[error("the PIN is wrong{}", left(*.retries))]
    WrongPin {
        /// Tries that are left, where the key tells.
        retries: Option<u8>,
    },
    /// Too many wrong PINs since it was plugged in.
    #[error(
        "the key takes no more PINs until it is unplugged and plugged in again; tries are left after that, but few: check \
         the PIN first"
    )]
    PowerCycle,
    /// Too many wrong PINs ever.
    #[error(
        "the PIN of the key is blocked: all tries are used up; only a reset makes it usable again, and a reset deletes \
         every passkey on it"
    )]
    PinBlocked,
    /// The key has no PIN yet.
    #[error("the key has no PIN yet; set one first")]
    PinNotSet,
    /// The key already has a PIN.
    #[error("the key has a PIN already; it can be changed, which needs the present one")]
    PinIsSet,
    /// The key wants another PIN before it does anything else.
    #[error("the key asks for its PIN to be changed before it does anything else")]
    PinChangeRequired,
    /// The new PIN is too short, too long or otherwise against the key's rules.
    #[error("the key does not accept this PIN: {0}")]
    PinPolicy(String),
    /// A passkey of this account is on the key already.
    #[error("this key already holds a passkey of this account")]
    Excluded,
    /// Nobody touched it in time.
    #[error("nobody touched the key in time")]
    TimedOut,
    /// Somebody said no on the key.
    #[error("the key refused: whoever holds it did not agree")]
    Denied,
    /// No room for another passkey.
    #[error("the key has no room for another passkey; delete one on it, or take another key")]
    Full,
    /// Another program uses the key.
    #[error("another program is using the key; close it and run the command again")]
    Busy,
    /// It cannot do this.
    #[error("this key cannot do it: {0}")]
    Unsupported(&'static str),
    /// No passkey for this site.
    #[error("the key holds no passkey of this account for this site")]
    NoCredential,
    /// Any other refusal, by CTAP's number.
    #[error("the key refused with status 0x{0:02x} of CTAP2")]
    Status(u8),
}

fn left(retries: Option<u8>) -> String {
    match retries {
        Some(1) => "; one try is left, and after it only a reset helps, which deletes every passkey on the key".to_owned(),
        Some(count) => format!("; {count} tries are left"),
        None => String::new(),
    }
}

impl KeyError {
    /// The error behind a status byte (CTAP 2.1, section 8.2).
    pub(crate) fn of_status(status: u8) -> Self {
        match status {
            0x06 => Self::Busy,
            0x19 => Self::Excluded,
            0x26 => {
                Self::Unsupported("it makes no passkey with an algorithm that the site accepts")
            }
            0x27 => Self::Denied,
            0x28 => Self::Full,
            0x2b | 0x2c => Self::Unsupported("it refuses an option that registration needs"),
            0x2e => Self::NoCredential,
            0x2d | 0x2f | 0x3a => Self::TimedOut,
            0x31 | 0x33 => Self::WrongPin { retries: None },
            0x32 => Self::PinBlocked,
            0x34 => Self::PowerCycle,
            0x35 => Self::PinNotSet,
            0x37 => Self::PinPolicy("it is too short, or used before".to_owned()),
            other => Self::Status(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x7_what_ends_a_key_is_told_apart_from_what_a_replug_mends() {
        let of = KeyError::of_status;
        assert_eq!(of(0x31), KeyError::WrongPin { retries: None });
        assert_eq!(of(0x32), KeyError::PinBlocked);
        assert_eq!(of(0x34), KeyError::PowerCycle);
        assert!(
            KeyError::WrongPin { retries: Some(1) }
                .to_string()
                .contains("one try is left")
        );
    }
}
