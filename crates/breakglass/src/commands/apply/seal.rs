//! Passwords of new accounts, sealed to people of the register so that they can open them with the stock `age` tool.
//!
//! A file is on disk before its password is sent, and never written over: after a crash in between there may be two, of
//! which one is the account's.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    str::FromStr as _,
};

use age::{
    Encryptor, Recipient,
    armor::{ArmoredWriter, Format},
    x25519,
};
use breakglass_model::Register;
use jiff::{Timestamp, tz::TimeZone};

use crate::{failure::Failure, input};

/// Where passwords go, and who can open them.
#[derive(Debug)]
pub(super) struct Seal {
    folder: PathBuf,
    people: Vec<(String, String)>,
}

impl Seal {
    /// The people who are authorised today and have a recipient.
    ///
    /// # Errors
    /// A wrong call: there is no register, nobody in it has a recipient, one is no age key, or the directory cannot be
    /// made.
    pub(super) fn open(
        folder: &Path,
        register: Option<&Register>,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let register = register.ok_or_else(|| {
            Failure::usage("the register is needed: it says to whom a password is sealed")
                .help("name it with --register, or in the configuration")
        })?;
        let today = TimeZone::UTC.to_datetime(now).date();
        let mut people = Vec::new();
        for person in register
            .people
            .iter()
            .filter(|own| own.authorised_on(today))
        {
            let Some(recipient) = &person.recipient else {
                continue;
            };
            x25519::Recipient::from_str(recipient).map_err(|why| {
                Failure::usage(format!(
                    "`recipient` of {} is no public age key: {why}",
                    person.id
                ))
                .help("`age-keygen` prints one, which begins with age1")
            })?;
            people.push((person.id.clone(), recipient.clone()));
        }
        if people.is_empty() {
            return Err(Failure::usage(
                "nobody who is authorised today has a `recipient` in the register, so a password could be sealed to nobody",
            )
            .help("write `recipient = \"age1…\"` to a [[person]] (docs/register.md)"));
        }
        make(folder).map_err(|error| {
            Failure::usage(format!(
                "--seal: the directory `{}` could not be made: {}",
                folder.display(),
                input::plain(&error)
            ))
        })?;
        Ok(Self {
            folder: folder.to_path_buf(),
            people,
        })
    }

    /// Seals the password of an account; gives the file.
    ///
    /// # Errors
    /// Why it is not on disk.
    pub(super) fn keep(
        &self,
        step: &str,
        password: &str,
        at: Timestamp,
    ) -> Result<PathBuf, String> {
        let recipients: Vec<x25519::Recipient> = self
            .people
            .iter()
            .filter_map(|(_, recipient)| x25519::Recipient::from_str(recipient).ok())
            .collect();
        let name = format!("{step}.{}.age", at.strftime("%Y%m%dT%H%M%S%3fZ"));
        let path = self.folder.join(name);
        let write = || -> Result<(), String> {
            let plain = |error: std::io::Error| input::plain(&error);
            let encryptor =
                Encryptor::with_recipients(recipients.iter().map(|own| own as &dyn Recipient))
                    .map_err(|error| error.to_string())?;
            let mut options = fs::OpenOptions::new();
            options.create_new(true).write(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&path).map_err(plain)?;
            let armor = ArmoredWriter::wrap_output(&mut file, Format::AsciiArmor).map_err(plain)?;
            let mut sealed = encryptor.wrap_output(armor).map_err(plain)?;
            sealed.write_all(password.as_bytes()).map_err(plain)?;
            let armor = sealed.finish().map_err(plain)?;
            armor.finish().map_err(plain)?;
            file.sync_all().map_err(plain)
        };
        write().map_err(|why| {
            format!(
                "the password could not be sealed into `{}`: {why}",
                path.display()
            )
        })?;
        Ok(path)
    }

    /// Who can open them.
    pub(super) fn people(&self) -> String {
        let names: Vec<&str> = self.people.iter().map(|(id, _)| id.as_str()).collect();
        names.join(", ")
    }
}

fn make(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
