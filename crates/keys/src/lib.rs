//! Security keys: registering them, and judging what they say about themselves.
//!
//! Layers, each with its own rules:
//! - [`hid`] carries reports of 64 bytes, to a key over USB or to the [`soft`] authenticator in this process;
//! - [`transport`] frames messages in reports (CTAPHID, *Client to Authenticator Protocol 2.1*, section 11.2);
//! - [`ctap`] speaks CTAP2 over any transport and is the one implementation of [`SecurityKey`];
//! - [`attestation`] verifies what a key attested (W3C, *Web Authentication Level 2*, section 8), and [`mds`] tells whose
//!   it is, by the FIDO Metadata Service.
//!
//! Why an own client and not a library: `ctap-hid-fido2` (3.6) has no seam between protocol and USB, so that nothing
//! could be tested where no key is plugged in; its errors are texts, which cannot tell *wrong PIN*, *blocked* and *unplug
//! it first* apart safely, and the difference is a key that is lost; it takes slices of packets it does not check.
//! `webauthn-authenticator-rs` asks for no discoverable credential, which Entra requires.
//!
//! Two programs of others hold it, in `tests/oracle`: Nitrokey's FIDO application (`fido-authenticator`, the code of its
//! firmware) is the authenticator that our client makes, verifies and uses passkeys on, command by command; Yubico's client
//! (`python-fido2`) speaks to the [`soft`] authenticator report by report.
//!
//! Invariants:
//! - a [`Pin`] has neither `Debug` nor `Serialize`, is wiped when dropped, and is in no error;
//! - bytes of a key are never trusted: reading them is total, and property tests say so;
//! - no clock and no file: time and bytes are arguments.

pub mod attestation;
pub mod cbor;
pub mod certificate;
pub mod ctap;
pub mod error;
pub mod hid;
pub mod info;
pub mod mds;
pub mod pin;
pub mod registration;
pub mod soft;
pub mod transport;

pub use ctap::{Ctap, SecurityKey};
pub use error::KeyError;
pub use info::Info;
pub use pin::{Pin, PinRetries};
pub use registration::{Assertion, ClientData, Made, NewCredential};
