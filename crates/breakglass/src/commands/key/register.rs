//! A key is written into the register file: one table of TOML is added or completed, everything else stays as it is,
//! comments included.

use std::path::{Path, PathBuf};

use breakglass_model::Register;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use crate::{failure::Failure, file, input, output, settings, settings::Settings};

/// What is written.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    pub(super) label: &'a str,
    pub(super) serial: &'a str,
    pub(super) envelope: &'a str,
    pub(super) place: Option<&'a str>,
    pub(super) vendor: Option<&'a str>,
    pub(super) aaguid: &'a str,
}

/// The register of a run: read once, written once.
pub(super) struct RegisterFile {
    path: PathBuf,
    text: String,
    sealed: Option<(String, String)>,
    pub(super) register: Register,
}

fn sealed(path: &Path) -> Result<(String, String), Failure> {
    let text = input::text_file("the sealed register", path).map_err(Failure::usage_code)?;
    Ok((path.display().to_string(), text))
}

impl RegisterFile {
    /// The register that is named, else the configuration's. `None`: neither.
    pub(super) fn find(named: Option<&Path>, settings: &Settings) -> Result<Option<Self>, Failure> {
        let configured = settings.config.register.as_ref();
        let Some(path) = named.or(configured.map(|files| files.file.as_path())) else {
            return Ok(None);
        };
        let text = input::text_file("the register", path).map_err(Failure::usage_code)?;
        let sealed = match configured {
            Some(files) if files.file == path => {
                files.sealed_file.as_deref().map(sealed).transpose()?
            }
            _ => None,
        };
        let mut own = Self {
            path: path.to_path_buf(),
            text,
            sealed,
            register: Register::default(),
        };
        own.register = own.valid(&own.text)?;
        Ok(Some(own))
    }

    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn valid(&self, text: &str) -> Result<Register, Failure> {
        let sealed = self
            .sealed
            .as_ref()
            .map(|(name, text)| (name.as_str(), text.as_str()));
        Register::from_toml(&self.name(), text, sealed)
            .map_err(|problems| settings::refused("the register", &problems))
    }

    /// The text with a key of an account (object id, UPN).
    ///
    /// # Errors
    /// When the register does not have the account, has another key of this label, or would not be valid with the key.
    pub(super) fn with(&self, account: (&str, &str), entry: &Entry<'_>) -> Result<String, Failure> {
        let mut document: DocumentMut = self.text.parse().map_err(|error| {
            Failure::usage(format!(
                "the register `{}` is no TOML: {error}",
                self.name()
            ))
        })?;
        let absent = || {
            Failure::usage(format!(
                "the register `{}` does not have the account {}",
                self.name(),
                account.1
            ))
            .help(format!(
                "add it first:\n\n[[account]]\nid = {:?}\nupn = {:?}",
                account.0, account.1
            ))
        };
        let accounts = document
            .get_mut("account")
            .and_then(Item::as_array_of_tables_mut)
            .ok_or_else(absent)?;
        let is = |table: &Table, name: &str, wanted: &str| {
            table
                .get(name)
                .and_then(Item::as_str)
                .is_some_and(|own| own.trim().eq_ignore_ascii_case(wanted))
        };
        let table = accounts
            .iter_mut()
            .find(|table| is(table, "id", account.0) || is(table, "upn", account.1))
            .ok_or_else(absent)?;
        let keys = table
            .entry("key")
            .or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
        // Tables that were written in one line become tables of their own, as one line can't be added to.
        if let Some(inline) = keys.as_array() {
            let tables: ArrayOfTables = inline
                .iter()
                .filter_map(|own| {
                    own.as_inline_table()
                        .cloned()
                        .map(toml_edit::InlineTable::into_table)
                })
                .collect();
            *keys = Item::ArrayOfTables(tables);
        }
        let keys = keys.as_array_of_tables_mut().ok_or_else(absent)?;
        if let Some(known) = keys.iter_mut().find(|own| is(own, "label", entry.label)) {
            // What was planned for a key is completed; what was written of another key is the only record of it.
            let other = [("serial", entry.serial), ("aaguid", entry.aaguid)]
                .into_iter()
                .find(|(field, value)| {
                    let own = known.get(field).and_then(Item::as_str).unwrap_or_default();
                    !own.trim().is_empty() && !is(known, field, value.trim())
                });
            if let Some((field, value)) = other {
                let own = known.get(field).and_then(Item::as_str).unwrap_or_default();
                return Err(Failure::usage(format!(
                    "the label {} is taken by another key in the register `{}`: its {field} is {}, not {}",
                    entry.label,
                    self.name(),
                    output::one_line(own),
                    output::one_line(value)
                ))
                .help("give this key a label of its own with --label; if it is the same key, correct the register first. Nothing was done"));
            }
            fill(known, entry);
        } else {
            let mut own = Table::new();
            fill(&mut own, entry);
            keys.push(own);
        }
        let text = document.to_string();
        self.valid(&text).map_err(|failure| {
            failure.help("nothing was done: the register would not be valid with this key; correct --envelope, --place or the register")
        })?;
        Ok(text)
    }

    /// Writes it. Somebody may have edited the file in between; then it stays as it is.
    pub(super) fn write(&self, text: &str) -> Result<(), Failure> {
        let now = input::text_file("the register", &self.path)?;
        if now != self.text {
            return Err(Failure::broke(format!(
                "the register `{}` was changed meanwhile, so it was not written",
                self.name()
            )));
        }
        file::write("the register", &self.path, text.as_bytes())
    }
}

fn fill(table: &mut Table, entry: &Entry<'_>) {
    let fields = [
        ("label", Some(entry.label)),
        ("aaguid", Some(entry.aaguid)),
        ("serial", Some(entry.serial)),
        ("vendor", entry.vendor),
        ("place", entry.place),
        ("envelope", Some(entry.envelope)),
    ];
    for (name, new) in fields {
        let Some(new) = new else { continue };
        match table.get_mut(name).and_then(Item::as_value_mut) {
            Some(own) => {
                // The comment behind the value stays.
                let decor = own.decor().clone();
                *own = new.into();
                *own.decor_mut() = decor;
            }
            None => {
                table.insert(name, value(new));
            }
        }
    }
}

/// The table to add by hand, for when the file could not be written.
pub(super) fn by_hand(entry: &Entry<'_>) -> String {
    let mut table = Table::new();
    fill(&mut table, entry);
    format!("[[account.key]]\n{table}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::exit;

    const TEXT: &str = "# the register\nschema = \"breakglass/register/v1\"\n\n\
        [[account]] # the first\nid = \"7b3e1a00-41c2-4d8a-b6f0-9c5d1e2a4000\"\n\n\
        [[account.key]]\nlabel = \"BG01-A\" # red\nserial = \"4711\" # printed\nvendor = \"Yubi\" # old\n\n\
        [[account]]\nupn = \"BreakGlass02@contoso.onmicrosoft.com\"\n\n\
        [[person]]\nid = \"anna\"\nname = \"Anna\"\n";

    fn file(text: &str) -> RegisterFile {
        let mut own = RegisterFile {
            path: "register.toml".into(),
            text: text.to_owned(),
            sealed: None,
            register: Register::default(),
        };
        own.register = own.valid(text).unwrap();
        own
    }

    const ENTRY: Entry<'_> = Entry {
        label: "BG01-A",
        serial: "4711",
        envelope: "E-1",
        place: None,
        vendor: Some("Yubico"),
        aaguid: "2fc0579f-8113-47ea-b116-bb5a8db9202a",
    };
    const FIRST: (&str, &str) = ("7B3E1A00-41C2-4D8A-B6F0-9C5D1E2A4000", "a@b.example");
    const SECOND: (&str, &str) = ("x", "breakglass02@contoso.onmicrosoft.com");

    #[test]
    fn x7_a_known_key_is_completed_and_comments_stay() {
        let text = file(TEXT).with(FIRST, &ENTRY).unwrap();
        for kept in [
            "# the register",
            "# the first",
            "label = \"BG01-A\" # red",
            "serial = \"4711\" # printed",
            "vendor = \"Yubico\" # old",
        ] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
        assert_eq!(file(&text).register.accounts[0].keys.len(), 1);
        assert_eq!(
            file(&text).with(FIRST, &ENTRY).unwrap(),
            text,
            "a second time changes nothing"
        );
    }

    #[test]
    fn x7_a_label_that_another_key_has_is_taken() {
        let own = file(TEXT);
        for (serial, aaguid, text) in [
            ("99", ENTRY.aaguid, TEXT.to_owned()),
            (
                "4711",
                "ee041bce-25e5-4cdb-8f86-897fd6418464",
                TEXT.replace(
                    "serial",
                    "aaguid = \"2fc0579f-8113-47ea-b116-bb5a8db9202a\"\nserial",
                ),
            ),
        ] {
            let entry = Entry {
                serial,
                aaguid,
                ..ENTRY
            };
            let taken = file(&text).with(FIRST, &entry).unwrap_err();
            assert_eq!(taken.code, exit::USAGE);
            assert!(
                taken.message.contains("BG01-A is taken by another key"),
                "{taken}"
            );
        }
        let planned = file(&TEXT.replace("serial = \"4711\" # printed\n", "")).with(FIRST, &ENTRY);
        assert!(planned.is_ok(), "{planned:?}");
        assert!(
            own.with(
                FIRST,
                &Entry {
                    serial: "4711 ",
                    ..ENTRY
                }
            )
            .is_ok()
        );
    }

    #[test]
    fn x7_a_new_key_stands_with_its_account() {
        let second = Entry {
            label: "BG02-A",
            ..ENTRY
        };
        for text in [
            TEXT.to_owned(),
            TEXT.replace("upn =", "key = [{ label = \"old\" }]\nupn ="),
        ] {
            let before = file(&text).register.accounts[1].keys.len();
            let text = file(&text).with(SECOND, &second).unwrap();
            let keys = &file(&text).register.accounts[1].keys;
            assert_eq!(
                (keys.len(), keys[before].label.as_str()),
                (before + 1, "BG02-A"),
                "{text}"
            );
            assert!(
                text.ends_with("[[person]]\nid = \"anna\"\nname = \"Anna\"\n"),
                "{text}"
            );
        }
        let absent = file(TEXT)
            .with(("y", "nobody@contoso.onmicrosoft.com"), &ENTRY)
            .unwrap_err();
        assert!(
            absent.to_string().contains("does not have the account"),
            "{absent}"
        );
    }

    #[test]
    fn s2_an_envelope_that_is_nowhere_is_refused() {
        let sealed = format!("{TEXT}\n[[sealed.envelope]]\nid = \"E-9\"\n");
        let refused = file(&sealed).with(FIRST, &ENTRY);
        assert!(refused.is_err(), "{refused:?}");
    }
}
