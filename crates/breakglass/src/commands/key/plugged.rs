//! The key: over USB, or in software against a twin.

use std::{fs, path::PathBuf};

use breakglass_keys::{
    Assertion, Ctap, Info, KeyError, Made, NewCredential, Pin, PinRetries, SecurityKey, hid,
    soft::{Model, SoftKey, State},
    transport::Framed,
};

use super::key_failed;
use crate::{
    cli::{ConnectArgs, PluggedArgs},
    config,
    failure::Failure,
    file, input, output,
    settings::Settings,
};

/// A key with a name for people.
pub(super) struct Plugged {
    pub(super) key: Box<dyn SecurityKey>,
    pub(super) name: String,
    /// Serial number over USB, where the device tells one.
    pub(super) serial: Option<String>,
}

fn touch() {
    output::tell!("Touch the key now.");
}

/// Opens the key. A key in software stands for none but a twin's: whoever copies its file has it.
pub(super) fn open(args: &PluggedArgs) -> Result<Plugged, Failure> {
    let Some(path) = &args.software_key else {
        let (plugged, key) = hid::the_only_one().map_err(key_failed)?;
        return Ok(Plugged {
            key: Box::new(key.on_touch(touch)),
            name: output::one_line(&plugged.name),
            serial: plugged.serial,
        });
    };
    let state = if fs::exists(path).unwrap_or(false) {
        let text = input::text_file("the software key", path).map_err(Failure::usage_code)?;
        serde_json::from_str(&text).map_err(|error| {
            Failure::usage(format!(
                "`{}` is no software key: {}",
                path.display(),
                output::json_error(&error)
            ))
        })?
    } else {
        Model::of(&args.software_aaguid)
            .make()
            .map_err(key_failed)?
            .0
    };
    let key = SoftKey::open(state).map_err(key_failed)?.on_touch(touch);
    let mut key = Software {
        key,
        file: path.clone(),
    };
    key.keep().map_err(key_failed)?;
    Ok(Plugged {
        key: Box::new(key),
        name: "software key".to_owned(),
        serial: None,
    })
}

/// Refuses a key in software unless the configuration names a twin.
pub(super) fn only_at_a_twin(
    args: &PluggedArgs,
    connect: &ConnectArgs,
    settings: &Settings,
) -> Result<(), Failure> {
    let is_twin =
        matches!(settings.config.cloud, config::Cloud::Custom { .. }) && connect.cloud.is_none();
    if args.software_key.is_some() && !is_twin {
        return Err(Failure::usage("a key in software is for a twin only: whoever copies its file has the account").help(
            "plug in a security key, or name a twin's configuration: breakglass lab, then --config breakglass-lab/breakglass.toml",
        ));
    }
    Ok(())
}

/// A key in software that is kept in a file.
struct Software {
    key: Ctap<Framed<SoftKey>>,
    file: PathBuf,
}

impl Software {
    fn keep(&mut self) -> Result<(), KeyError> {
        let state: &State = self.key.transport().reports().state();
        let failed = |why: String| {
            KeyError::Unreachable(format!(
                "`{}` could not be written: {why}",
                self.file.display()
            ))
        };
        let text =
            serde_json::to_string_pretty(state).map_err(|error| failed(error.to_string()))?;
        file::replace(&self.file, format!("{text}\n").as_bytes())
            .map_err(|error| failed(input::plain(&error)))
    }

    fn kept<V>(&mut self, result: Result<V, KeyError>) -> Result<V, KeyError> {
        // Tries that were used up count even when the call failed.
        self.keep()?;
        result
    }
}

impl SecurityKey for Software {
    fn info(&mut self) -> Result<Info, KeyError> {
        self.key.info()
    }

    fn pin_retries(&mut self) -> Result<PinRetries, KeyError> {
        self.key.pin_retries()
    }

    fn set_pin(&mut self, new: &Pin) -> Result<(), KeyError> {
        let result = self.key.set_pin(new);
        self.kept(result)
    }

    fn change_pin(&mut self, present: &Pin, new: &Pin) -> Result<(), KeyError> {
        let result = self.key.change_pin(present, new);
        self.kept(result)
    }

    fn set_pin_rules(
        &mut self,
        pin: &Pin,
        least: Option<u8>,
        force_change: bool,
    ) -> Result<(), KeyError> {
        let result = self.key.set_pin_rules(pin, least, force_change);
        self.kept(result)
    }

    fn make_credential(&mut self, pin: &Pin, wanted: &NewCredential) -> Result<Made, KeyError> {
        let result = self.key.make_credential(pin, wanted);
        self.kept(result)
    }

    fn assert(
        &mut self,
        pin: &Pin,
        rp_id: &str,
        client_data_hash: &[u8; 32],
        allow: &[Vec<u8>],
    ) -> Result<Assertion, KeyError> {
        let result = self.key.assert(pin, rp_id, client_data_hash, allow);
        self.kept(result)
    }
}
