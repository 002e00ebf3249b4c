//! Nitrokey's FIDO application (`fido-authenticator`) as a process: one command of CTAP2 a line, in hexadecimal, and its answer,
//! status first. The first line that it writes is the root that its certificate leads to. It is touched as soon as it asks, and
//! forgets everything when it ends.

use std::{
    io::{BufRead as _, Write as _},
    time::Duration,
};

use ctaphid_dispatch::app::{App as _, Command};
use data_encoding::HEXLOWER;
use fido_authenticator::{Authenticator, Config, Conforming};
use heapless_bytes::Bytes;
use littlefs2::path;
use rand::RngCore as _;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair,
    PKCS_ECDSA_P256_SHA256,
};
use trussed::{
    backend::BackendId,
    platform::{Platform as _, UserInterface},
    store::Store as _,
    types::ui::Status,
    virt::{self, StoreConfig},
};
use trussed_core::types::{consent::Level, reboot::To};
use trussed_staging::virt::{BackendIds, Dispatcher};

/// The model that it says it is; it reads that from its certificate.
const AAGUID: [u8; 16] = *b"made-up by tests";
/// What stands before a key in a file of Trussed: sensitive, and a private key of P-256.
const HEADER: [u8; 4] = [0, 2, 0, 5];
/// Staged features first, as in the firmware.
const BACKENDS: &[BackendId<BackendIds>] = &[
    BackendId::Custom(BackendIds::StagingBackend),
    BackendId::Core,
];
/// Longest answer (CTAPHID).
const LONGEST: usize = 7609;

/// Somebody who touches the key whenever it asks.
struct Touched;

impl UserInterface for Touched {
    fn check_user_presence(&mut self) -> Level {
        Level::Normal
    }

    fn set_status(&mut self, _: Status) {}

    fn refresh(&mut self) {}

    fn uptime(&mut self) -> Duration {
        unreachable!("the platform keeps the time")
    }

    fn reboot(&mut self, _: To) -> ! {
        panic!("the key starts anew")
    }

    fn wink(&mut self, _: Duration) {}
}

/// A made-up vendor's certificate for a model with this AAGUID, its key, and the vendor's root.
fn attestation() -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let root_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root_certificate = root.self_signed(&root_key).unwrap().der().to_vec();
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let mut own = CertificateParams::new(Vec::new()).unwrap();
    for (kind, text) in [
        (DnType::CountryName, "CH"),
        (DnType::OrganizationName, "A made-up vendor"),
        (DnType::OrganizationalUnitName, "Authenticator Attestation"),
        (DnType::CommonName, "A made-up vendor's batch"),
    ] {
        own.distinguished_name.push(kind, text);
    }
    own.is_ca = IsCa::ExplicitNoCa;
    // id-fido-gen-ce-aaguid: the AAGUID as an octet string.
    let oid = [1, 3, 6, 1, 4, 1, 45724, 1, 1, 4];
    let mut value = vec![4, 16];
    value.extend(AAGUID);
    own.custom_extensions
        .push(CustomExtension::from_oid_content(&oid, value));
    let issuer = Issuer::new(root, root_key);
    let certificate = own.signed_by(&key, &issuer).unwrap().der().to_vec();
    // PKCS #8 of a P-256 key holds the scalar behind the tags of an octet string of 32 bytes, as rcgen writes it.
    let pkcs8 = key.serialize_der();
    let at = pkcs8
        .windows(5)
        .position(|own| own == [2, 1, 1, 4, 32])
        .unwrap();
    (
        certificate,
        pkcs8[at + 5..at + 37].to_vec(),
        root_certificate,
    )
}

fn main() {
    let (certificate, secret, root) = attestation();
    let mut key = HEADER.to_vec();
    key.extend(secret);
    virt::with_platform(StoreConfig::ram(), |mut platform| {
        platform.user_interface().set_inner(Box::new(Touched));
        // The platform begins with the same seed each time.
        for _ in 0..rand::random::<u8>() {
            platform.rng().next_u32();
        }
        let store = platform.store();
        let files = store.ifs();
        for (folder, file, bytes) in [
            (path!("fido/x5c"), path!("fido/x5c/00"), &certificate),
            (path!("fido/sec"), path!("fido/sec/00"), &key),
        ] {
            files.create_dir_all(folder).unwrap();
            files.write(file, bytes).unwrap();
        }
        platform.run_client_with_backends("fido", Dispatcher::default(), BACKENDS, |client| {
            let config = Config {
                max_msg_size: LONGEST,
                skip_up_timeout: None,
                max_resident_credential_count: None,
                large_blobs: None,
                nfc_transport: false,
                ccid_transport: false,
                firmware_version: None,
                credential_id_version: None,
                long_touch_for_reset: false,
                fido2_up_timeout: Some(100),
            };
            serve(Authenticator::new(client, Conforming {}, config), &root);
        });
    });
}

fn serve<C: fido_authenticator::TrussedRequirements>(
    mut key: Authenticator<Conforming, C>,
    root: &[u8],
) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", HEXLOWER.encode(root)).unwrap();
    out.flush().unwrap();
    for line in std::io::stdin().lock().lines() {
        let command = HEXLOWER.decode(line.unwrap().as_bytes()).unwrap();
        let mut answer = Bytes::<LONGEST>::new();
        key.call(Command::Cbor, &command, &mut answer).unwrap();
        writeln!(out, "{}", HEXLOWER.encode(&answer)).unwrap();
        out.flush().unwrap();
    }
}
