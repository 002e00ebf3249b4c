//! `key identify`: what an AAGUID stands for.

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    key_failed, plugged,
    tables::{Identity, Tables},
};
use crate::{
    cli::{KeyIdentifyArgs, PlainFormat},
    clock,
    failure::{Failure, exit},
    head::Head,
    output, settings,
};

/// `key identify --format json`, schema `breakglass/key/v1`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct KeyDocument {
    /// What every document begins with.
    #[serde(flatten)]
    head: Head,
    /// What the AAGUID stands for.
    key: Identity,
    /// What the key said, when one was asked.
    plugged_in: Option<PluggedIn>,
}

/// What a key says about itself; none of it is proven.
#[derive(Debug, Serialize, JsonSchema)]
struct PluggedIn {
    /// Name of the device.
    name: String,
    /// Serial number over USB, where it tells one.
    serial: Option<String>,
    /// Firmware, as its maker writes it where that is known.
    firmware: Option<String>,
    /// Whether a PIN is set.
    has_pin: Option<bool>,
    /// Tries that are left for the PIN.
    tries_left: Option<u8>,
    /// Least length of a PIN.
    min_pin_length: u64,
}

/// Runs `key identify`.
pub fn identify(args: &KeyIdentifyArgs) -> Result<u8, Failure> {
    let now = clock::to_the_second(clock::clock(args.common.at).now());
    let settings = settings::load(args.common.config.as_deref())?;
    let tables = Tables::load(&args.tables, &settings, now)?;
    let (key, plugged_in) = match &args.aaguid {
        Some(aaguid) => {
            if uuid::Uuid::parse_str(aaguid.trim()).is_err() {
                return Err(Failure::usage(format!(
                    "`{}` is not an AAGUID",
                    output::one_line(aaguid)
                ))
                .help("an AAGUID has the form `2fc0579f-8113-47ea-b116-bb5a8db9202a`"));
            }
            (tables.identity(aaguid, None), None)
        }
        None => asked(args, &tables)?,
    };
    let code = match &key {
        key if key.is_affected() => exit::FOUND,
        key if key.known => exit::CLEAN,
        _ => exit::CANNOT_TELL,
    };
    let text = match args.format {
        PlainFormat::Text => output::fitted(&text(&key, plugged_in.as_ref())),
        PlainFormat::Json => {
            let head = Head::new("key", now, &settings);
            output::json(&KeyDocument {
                head,
                key,
                plugged_in,
            })?
        }
    };
    output::print(&text)?;
    Ok(code)
}

fn asked(
    args: &KeyIdentifyArgs,
    tables: &Tables,
) -> Result<(Identity, Option<PluggedIn>), Failure> {
    let mut plugged = plugged::open(&args.plugged)?;
    let info = plugged.key.info().map_err(key_failed)?;
    let tries_left = match info.has_pin() {
        Some(true) => Some(plugged.key.pin_retries().map_err(key_failed)?.left),
        _ => None,
    };
    let firmware = info.firmware_text(tables.vendor(&info.aaguid).as_deref());
    let identity = tables.identity(&info.aaguid, firmware.as_deref());
    let said = PluggedIn {
        name: plugged.name,
        serial: plugged.serial,
        firmware,
        has_pin: info.has_pin(),
        tries_left,
        min_pin_length: info.min_pin_length,
    };
    Ok((identity, Some(said)))
}

fn text(key: &Identity, plugged_in: Option<&PluggedIn>) -> String {
    let mut text = format!("{}\n  {}\n", key.aaguid, key.line());
    let mut line = |name: &str, value: &str| text.push_str(&format!("  {name:<14}{value}\n"));
    if key.known {
        line("kind", key.kind);
        match key.eligible {
            Some(true) => line(
                "Microsoft",
                "lists it as eligible for registration with attestation",
            ),
            Some(false) => line(
                "Microsoft",
                "does not list it as eligible for registration with attestation",
            ),
            None => {}
        }
        if !key.means.is_empty() {
            line("works by", &key.means.join(", "));
        }
        if let Some(word) = &key.certification {
            line("FIDO", word);
        }
        line("known from", &key.sources.join("; "));
    }
    if let Some(said) = plugged_in {
        line("says it is", &said.name);
        if let Some(serial) = &said.serial {
            line("USB serial", &output::one_line(serial));
        }
        line(
            "firmware",
            said.firmware.as_deref().unwrap_or("it does not say"),
        );
        line(
            "PIN",
            &match (said.has_pin, said.tries_left) {
                (Some(true), Some(left)) => format!(
                    "set, {left} tries left, at least {} characters",
                    said.min_pin_length
                ),
                (Some(false), _) => "not set".to_owned(),
                _ => "it takes none".to_owned(),
            },
        );
    }
    for known in &key.advisories {
        line("against it", &output::wrapped(&known.line(), 16));
    }
    if plugged_in.is_some() {
        text.push_str("\nThis is what the key says; that it is so, only its attestation proves (`key enroll`).\n");
    }
    text
}
