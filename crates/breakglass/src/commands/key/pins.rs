//! PINs: asked for at the terminal or read from a file, used, and forgotten; and `key pin`.

use std::{
    io::{self, BufRead as _, IsTerminal as _},
    path::Path,
};

use breakglass_keys::{Info, Pin, PinRetries, SecurityKey};
use zeroize::Zeroizing;

use super::{key_failed, plugged};
use crate::{
    cli::{KeyPinArgs, PinArgs},
    failure::{Failure, exit},
    input, output,
};

/// Somebody who knows the PIN, or a file that holds it.
pub(super) struct Typist {
    from_file: Option<Zeroizing<String>>,
}

impl Typist {
    pub(super) fn new(args: &PinArgs) -> Result<Self, Failure> {
        let from_file = match args.pin_file.as_deref() {
            None if !io::stdin().is_terminal() => {
                return Err(Failure::usage(
                    "the PIN cannot be asked for: standard input is no terminal",
                )
                .help("run it at a terminal, or give --pin-file (`-` for standard input)"));
            }
            None => None,
            Some(path) => Some(first_line(path)?),
        };
        Ok(Self { from_file })
    }

    fn ask(&self, prompt: &str) -> Result<Pin, Failure> {
        let typed = match &self.from_file {
            Some(line) => line.clone(),
            None => Zeroizing::new(rpassword::prompt_password(prompt).map_err(|error| {
                Failure::broke(format!(
                    "the PIN could not be read from the terminal: {}",
                    input::plain(&error)
                ))
            })?),
        };
        Pin::new(typed).map_err(key_failed)
    }

    /// The PIN that the key has. How many tries are left is said first.
    fn present(&self, key: &mut dyn SecurityKey) -> Result<Pin, Failure> {
        let retries = key.pin_retries().map_err(key_failed)?;
        match retries {
            PinRetries { left: 0, .. } => {
                return Err(key_failed(breakglass_keys::KeyError::PinBlocked));
            }
            PinRetries {
                power_cycle: true, ..
            } => return Err(key_failed(breakglass_keys::KeyError::PowerCycle)),
            PinRetries { left: 1, .. } => output::tell!(
                "One try is left for the PIN of this key. If it is wrong, only a reset helps, which deletes every passkey on it."
            ),
            PinRetries { left, .. } => {
                output::tell!("{left} tries are left for the PIN of this key.");
            }
        }
        self.ask("PIN of the key: ")
    }

    /// A new PIN, typed twice.
    fn new_pin(&self, info: &Info) -> Result<Pin, Failure> {
        if self.from_file.is_none() {
            output::tell!(
                "Choose a PIN of at least {} letters, digits or signs. Write it on the sheet for the envelope now; it is kept \
                 nowhere here.",
                info.min_pin_length
            );
        }
        let pin = self.ask("New PIN: ")?;
        pin.fit_for(info.min_pin_length).map_err(key_failed)?;
        if !pin.is(&self.ask("New PIN again: ")?) {
            return Err(Failure::usage(
                "the two PINs are not the same; nothing was changed",
            ));
        }
        Ok(pin)
    }

    /// A PIN that the key takes now: the one it has, or a new one where it has none or asks for another.
    pub(super) fn usable(&self, key: &mut dyn SecurityKey, info: &Info) -> Result<Pin, Failure> {
        match info.has_pin() {
            Some(true) if info.force_pin_change => {
                output::tell!("The key asks for another PIN before its first use.");
                self.change(key, info)
            }
            Some(true) => self.present(key),
            Some(false) => self.set(key, info),
            None => Err(key_failed(breakglass_keys::KeyError::Unsupported(
                "it takes no PIN",
            ))),
        }
    }

    fn set(&self, key: &mut dyn SecurityKey, info: &Info) -> Result<Pin, Failure> {
        output::tell!("The key has no PIN yet.");
        let pin = self.new_pin(info)?;
        key.set_pin(&pin).map_err(key_failed)?;
        output::tell!("The PIN is set.");
        Ok(pin)
    }

    fn change(&self, key: &mut dyn SecurityKey, info: &Info) -> Result<Pin, Failure> {
        if self.from_file.is_some() {
            return Err(
                Failure::usage("a PIN is changed at a terminal only: that takes two PINs")
                    .help("run `breakglass key pin` without --pin-file"),
            );
        }
        let present = self.present(key)?;
        let pin = self.new_pin(info)?;
        key.change_pin(&present, &pin).map_err(key_failed)?;
        output::tell!("The PIN is changed.");
        Ok(pin)
    }
}

fn first_line(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let mut line = Zeroizing::new(String::new());
    if path.as_os_str() == "-" {
        io::stdin().lock().read_line(&mut line).map_err(|error| {
            Failure::broke(format!(
                "standard input could not be read: {}",
                input::plain(&error)
            ))
        })?;
    } else {
        let bytes = Zeroizing::new(input::bytes("the PIN", path).map_err(Failure::usage_code)?);
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| Failure::usage(format!("`{}` is not text", path.display())))?;
        line.push_str(text.lines().next().unwrap_or_default());
    }
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    if line.is_empty() {
        return Err(Failure::usage("the PIN is empty").help("put it on the first line"));
    }
    Ok(line)
}

/// Runs `key pin`.
pub fn pin(args: &KeyPinArgs) -> Result<u8, Failure> {
    let typist = Typist::new(&args.pin)?;
    let mut plugged = plugged::open(&args.plugged)?;
    let key = &mut *plugged.key;
    let info = key.info().map_err(key_failed)?;
    let rules = args.min_length.is_some() || args.force_change;
    if rules && !info.can_set_pin_rules() {
        return Err(Failure::usage("this key has no rules for PINs that could be set")
            .help("keys with firmware of CTAP 2.1 have; without --min-length and --force-change the PIN can be set"));
    }
    let pin = match (info.has_pin(), rules) {
        (Some(true), false) => typist.change(key, &info)?,
        _ => typist.usable(key, &info)?,
    };
    if rules {
        key.set_pin_rules(&pin, args.min_length, args.force_change)
            .map_err(key_failed)?;
    }
    let after = key.info().map_err(key_failed)?;
    let mut text = format!(
        "The key ({}) has a PIN; it takes no shorter one than {}.\n",
        plugged.name, after.min_pin_length
    );
    if after.force_pin_change {
        text.push_str("It asks for another PIN before its next use.\n");
    }
    output::print_done(&text, "the key has its PIN")?;
    Ok(exit::CLEAN)
}
