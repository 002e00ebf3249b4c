//! The configuration together with what the command line says.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use breakglass_model::{
    CheckReport, History, Register, Severity, aaguid::Tables, source_text::Problem,
};
use breakglass_posture::Waiver;
use breakglass_store::{ErrorClass, Store, StoreError};
use jiff::{Timestamp, tz::TimeZone};

use crate::{
    cli::StoreArgs,
    config::{Channel, Identity, Resolved, Secret, Setting, ValidConfig, readable_by_others},
    failure::Failure,
    input, runtime,
};

/// The file that is read when none is named.
const DEFAULT_FILE: &str = "breakglass.toml";

/// What the configuration file says; empty when there is none.
#[derive(Debug, Default)]
pub struct Settings {
    /// The valid configuration.
    pub config: ValidConfig,
    /// Where it was read, for messages.
    pub file: Option<PathBuf>,
}

/// Reads the named configuration, or `breakglass.toml` when there is one here.
pub fn load(named: Option<&Path>) -> Result<Settings, Failure> {
    let path = match named {
        Some(path) => path,
        None if Path::new(DEFAULT_FILE).is_file() => Path::new(DEFAULT_FILE),
        None => return Ok(Settings::default()),
    };
    let text = input::text_file("the configuration", path).map_err(Failure::usage_code)?;
    let config = ValidConfig::from_toml(&path.display().to_string(), &text)
        .map_err(|problems| refused("the configuration", &problems))?;
    for warning in &config.warnings {
        crate::output::tell!("warning: {warning}");
    }
    for file in config.secret_files() {
        if readable_by_others(file).unwrap_or(false) {
            crate::output::tell!(
                "warning: the secret in `{0}` may be read by other users of this machine; `chmod 600 {0}`",
                file.display()
            );
        }
    }
    if config.identities.len() > 1 && config.identities.contains_key("apply") {
        crate::output::tell!(
            "warning: `[identity.apply]` may change the tenant and stands in `{}` beside identities that only read: keep it \
             in a file of its own, on another machine",
            path.display()
        );
    }
    Ok(Settings {
        config,
        file: Some(path.to_path_buf()),
    })
}

/// Adds a user's files to what is known about keys.
pub fn add_to(
    keys: &mut Tables,
    aaguids: &[PathBuf],
    advisories: &[PathBuf],
) -> Result<(), Failure> {
    for file in aaguids {
        let text = input::text_file("the table of AAGUIDs", file).map_err(Failure::usage_code)?;
        let name = file.display().to_string();
        keys.catalogue
            .add_csv(&name, &text)
            .map_err(Failure::usage)?;
    }
    for file in advisories {
        let text = input::text_file("the list of advisories", file).map_err(Failure::usage_code)?;
        let name = file.display().to_string();
        keys.advisories
            .add_csv(&name, &text)
            .map_err(Failure::usage)?;
    }
    Ok(())
}

/// More problems than this are counted: nobody mends them one by one.
const PROBLEMS_SHOWN: usize = 50;

/// The failure for a file with problems, each at its place.
pub fn refused(what: &str, problems: &[Problem]) -> Failure {
    let mut list: Vec<String> = problems
        .iter()
        .take(PROBLEMS_SHOWN)
        .map(ToString::to_string)
        .collect();
    if let Some(more) = problems.len().checked_sub(PROBLEMS_SHOWN)
        && more > 0
    {
        list.push(format!("and {more} more"));
    }
    let count = if problems.len() == 1 {
        "a problem".to_owned()
    } else {
        format!("{} problems", problems.len())
    };
    Failure::usage(format!("{what} has {count}\n\n{}\n", list.join("\n\n")))
}

/// Reads a register, and its sealed part when that is a file of its own.
pub fn register(path: &Path, sealed: Option<&Path>) -> Result<Register, Failure> {
    let text = input::text_file("the register", path).map_err(Failure::usage_code)?;
    let sealed_text = sealed
        .map(|path| {
            input::text_file("the sealed register", path)
                .map(|text| (path.display().to_string(), text))
        })
        .transpose()
        .map_err(Failure::usage_code)?;
    Register::from_toml(
        &path.display().to_string(),
        &text,
        sealed_text
            .as_ref()
            .map(|(name, text)| (name.as_str(), text.as_str())),
    )
    .map_err(|problems| refused("the register", &problems))
}

fn resolve(config: &ValidConfig) -> Result<Resolved, Failure> {
    config
        .resolve(&|path| fs::read(path), &|name| {
            std::env::var_os(name).and_then(|value| value.into_string().ok())
        })
        .map_err(|problems| refused("the configuration", &problems))
}

/// The failure for a store that did not do what it was asked.
#[allow(
    clippy::needless_pass_by_value,
    reason = "the shape that `map_err` wants"
)]
pub fn store_failed(error: StoreError) -> Failure {
    match error.class {
        ErrorClass::Config => Failure::usage(error.to_string()),
        _ => Failure::broke(error.to_string()),
    }
}

impl Settings {
    /// The register: the one that was named, else the configuration's, else the built-in tenant's own.
    pub fn register_or(
        &self,
        named: Option<&Path>,
        sealed: Option<&Path>,
        built_in: Option<&str>,
    ) -> Result<Option<Register>, Failure> {
        if let Some(path) = named {
            return register(path, sealed).map(Some);
        }
        if let Some(own) = self.register()? {
            return Ok(Some(own));
        }
        built_in
            .map(|text| {
                Register::from_toml("built-in register", text, None)
                    .map_err(|problems| refused("the built-in register", &problems))
            })
            .transpose()
    }

    /// The register that the configuration names.
    pub fn register(&self) -> Result<Option<Register>, Failure> {
        let files = self.config.register.as_ref();
        files
            .map(|files| register(&files.file, files.sealed_file.as_deref()))
            .transpose()
    }

    /// What is known about keys: the built-in tables and the files that the configuration names.
    pub fn keys(&self) -> Result<Tables, Failure> {
        let mut keys = Tables::default();
        add_to(
            &mut keys,
            &self.config.keys.aaguids,
            &self.config.keys.advisories,
        )?;
        Ok(keys)
    }

    /// The accounts that the configuration names, by object id where it has one.
    pub fn accounts(&self) -> Vec<String> {
        self.config
            .accounts
            .iter()
            .filter_map(|account| {
                let id = account.id.as_ref().map(ToString::to_string);
                id.or_else(|| account.upn.as_ref().map(ToString::to_string))
            })
            .collect()
    }

    /// Accepted failures.
    pub fn waivers(&self) -> Vec<Waiver> {
        self.config
            .waivers
            .iter()
            .map(|waiver| Waiver {
                check: waiver.check.clone(),
                subject: waiver.subject.clone(),
                reason: waiver.reason.clone(),
                until: waiver.until,
                approved_by: waiver.approved_by.clone(),
            })
            .collect()
    }

    /// The lowest severity that counts.
    pub fn fail_on(&self) -> Option<Severity> {
        self.config.fail_on
    }

    /// The zone of messages.
    pub fn time_zone(&self) -> TimeZone {
        self.config
            .time_zone
            .clone()
            .unwrap_or_else(TimeZone::system)
    }

    /// The channels with their secrets, read now.
    pub fn channels(&self) -> Result<Vec<Channel<Secret>>, Failure> {
        Ok(resolve(&ValidConfig {
            store: None,
            identities: BTreeMap::new(),
            ..self.config.clone()
        })?
        .channels)
    }

    /// The identity for a purpose, with its secret, read now; `None`: the configuration has none.
    pub fn identity(&self, purpose: &str) -> Result<Option<Identity<Secret>>, Failure> {
        let identities = self
            .config
            .identities
            .iter()
            .filter(|(known, _)| **known == purpose)
            .map(|(known, identity)| (*known, identity.clone()))
            .collect();
        let resolved = resolve(&ValidConfig {
            store: None,
            channels: Vec::new(),
            identities,
            ..self.config.clone()
        })?;
        Ok(resolved.identities.into_values().next())
    }

    /// Whether a store is named, on the command line or in the configuration.
    pub fn store_given(&self, args: &StoreArgs) -> bool {
        args.data_dir.is_some() || args.store.is_some() || self.config.store.is_some()
    }

    /// The store's URL. With `create`, a data directory that is missing is made.
    fn store_url(&self, args: &StoreArgs, create: bool) -> Result<String, Failure> {
        if let Some(url) = &args.store {
            return Ok(url.clone());
        }
        if let Some(folder) = &args.data_dir {
            if create {
                fs::create_dir_all(folder).map_err(|error| {
                    Failure::broke(format!(
                        "the data directory `{}` could not be made: {}",
                        folder.display(),
                        input::plain(&error)
                    ))
                })?;
            }
            return Ok(format!("sqlite:{}", folder.join("breakglass.db").display()));
        }
        // Only the store's secret is needed here; a person who lists incidents need not read the channels'.
        let store = resolve(&ValidConfig {
            channels: Vec::new(),
            identities: BTreeMap::new(),
            ..self.config.clone()
        })?
        .store;
        store.map(|url: Setting<Secret>| url.reveal().to_owned()).ok_or_else(|| {
            Failure::usage("no store was given")
                .help("give --data-dir <directory>, or a configuration with `[store]`: --config breakglass.toml")
        })
    }

    /// Opens the store. Without `create`, a database that does not exist yet is an error: reading from a
    /// store that was never written would look like "nothing happened".
    pub async fn open_store(&self, args: &StoreArgs, create: bool) -> Result<Store, Failure> {
        let url = self.store_url(args, create)?;
        if !create
            && let Some(path) = url.strip_prefix("sqlite:")
            && !path.starts_with(':')
            && !Path::new(path.split('?').next().unwrap_or(path)).exists()
        {
            return Err(Failure::usage(format!("there is no database at `{path}`"))
                .help("`breakglass watch` with the same store makes it"));
        }
        Store::open(&url).await.map_err(store_failed)
    }

    /// Drills and uses of the store.
    pub fn history(&self, args: &StoreArgs, now: Timestamp) -> Result<History, Failure> {
        runtime()?.block_on(async {
            let store = self.open_store(args, true).await?;
            let history = store.history(now).await.map_err(store_failed);
            store.close().await;
            history
        })
    }

    /// Keeps a report.
    pub fn remember_run(
        &self,
        args: &StoreArgs,
        report: &CheckReport,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let text = serde_json::to_string(report)
            .map_err(|error| Failure::broke(format!("the report could not be kept: {error}")))?;
        runtime()?.block_on(async {
            let store = self.open_store(args, true).await?;
            let kept = store.save_check_run(&text, now).await.map_err(store_failed);
            store.close().await;
            kept
        })
    }
}
