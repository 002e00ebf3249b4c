//! `key`: the security keys of the accounts.

use std::fmt::Write as _;

use breakglass_model::{
    Reading,
    aaguid::{self, Kind},
    register::Key,
    tenant::{Method, MethodKind},
};
use breakglass_posture::{GuardedAccount, resolve};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    cli::{KeyArgs, KeyCommand, KeyIdentifyArgs, KeyListArgs, PlainFormat},
    clock,
    commands::{check, plan},
    failure::{Failure, exit},
    head::Head,
    input, output, settings,
};

/// `key list --format json`, schema `breakglass/keys/v1`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct KeysDocument {
    /// What every document begins with.
    #[serde(flatten)]
    head: Head,
    /// The accounts.
    accounts: Vec<AccountKeys>,
}

/// The keys of an account.
#[derive(Debug, Serialize, JsonSchema)]
struct AccountKeys {
    /// Its name.
    account: String,
    /// Why its keys are not known; null: they are.
    not_read: Option<String>,
    /// Keys that the tenant has registered, with what the register says of each.
    keys: Vec<Registered>,
    /// Keys that stand in the register only.
    only_in_register: Vec<Written>,
}

/// A key that the tenant has registered.
#[derive(Debug, Serialize, JsonSchema)]
struct Registered {
    /// The name that it was registered under.
    name: Option<String>,
    /// AAGUID.
    aaguid: Option<String>,
    /// The maker; null: the table does not know it.
    vendor: Option<String>,
    /// The product line; null: the table does not know it.
    model: Option<String>,
    /// Whether its attestation was verified when it was registered, as Microsoft says; null: not told.
    attested: Option<bool>,
    /// Its entry in the register; null: there is none.
    register: Option<Written>,
}

/// A key in the register.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Written {
    /// Label on the key.
    label: String,
    /// Serial number.
    serial: Option<String>,
    /// AAGUID.
    aaguid: Option<String>,
    /// Where it lies; null: the sealed part of the register was not given, or does not say.
    place: Option<String>,
    /// Envelope.
    envelope: Option<String>,
}

/// `key identify --format json`, schema `breakglass/key-model/v1`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct KeyModelDocument {
    /// `breakglass/key-model/v1`.
    schema: String,
    /// The AAGUID, lower case.
    aaguid: String,
    /// Whether the table has it.
    known: bool,
    /// The maker.
    vendor: Option<String>,
    /// The product line. An AAGUID never names one model.
    model: Option<String>,
    /// `hardware`, `platform-or-manager`, `unknown`.
    kind: Option<String>,
}

/// `key`
pub fn run(args: &KeyArgs) -> Result<u8, Failure> {
    match &args.command {
        KeyCommand::List(args) => list(args),
        KeyCommand::Identify(args) => identify(args),
    }
}

fn identify(args: &KeyIdentifyArgs) -> Result<u8, Failure> {
    let id = uuid::Uuid::parse_str(args.aaguid.trim()).map_err(|_| {
        Failure::usage(format!("`{}` is no AAGUID", output::one_line(&args.aaguid)))
            .help("an AAGUID has 32 hexadecimal digits: cb69481e-8ff7-4039-93ec-0a2729a154a8")
    })?;
    let known = aaguid::vendor(&id.to_string());
    let document = KeyModelDocument {
        schema: "breakglass/key-model/v1".to_owned(),
        aaguid: id.to_string(),
        known: known.is_some(),
        vendor: known.map(|known| known.vendor.to_owned()),
        model: known.map(|known| known.model.to_owned()),
        kind: known.map(|known| {
            match known.kind {
                Kind::Hardware => "hardware",
                Kind::PlatformOrManager => "platform-or-manager",
                Kind::Unknown => "unknown",
            }
            .to_owned()
        }),
    };
    let text = match args.format {
        PlainFormat::Json => json(&document)?,
        PlainFormat::Text => match known {
            Some(known) => format!(
                "{id}\n  maker         {}\n  product line  {}\n  kind          {}",
                known.vendor,
                known.model,
                match known.kind {
                    Kind::Hardware => "security key or smart card",
                    Kind::PlatformOrManager =>
                        "phone, computer or password manager: it cannot lie in a safe (K1)",
                    Kind::Unknown => "the lists do not say",
                }
            ),
            None if id.is_nil() => format!(
                "{id}\n  The authenticator gives no AAGUID: nobody can tell what it is, so no strength or policy can name it."
            ),
            None => format!(
                "{id}\n  Not in the table of this version. Ask the maker; in doubt it is another maker's key."
            ),
        },
    };
    output::print(&text)?;
    Ok(if known.is_some() {
        exit::CLEAN
    } else {
        exit::CANNOT_TELL
    })
}

fn json(document: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(document)
        .map_err(|error| Failure::broke(format!("the document could not be written: {error}")))
}

fn list(args: &KeyListArgs) -> Result<u8, Failure> {
    let now = clock::to_the_second(clock::clock(args.common.at).now());
    let settings = settings::load(args.common.config.as_deref())?;
    let Some(name) = &args.tenant else {
        return Err(Failure::usage("no tenant was given")
            .help("name a snapshot with --tenant, or try a built-in one: --tenant contoso"));
    };
    let mut tenant = input::tenant(name, now)?;
    let register = plan::register(
        args.register.as_deref(),
        &settings,
        tenant.register_toml.as_deref(),
    )?;
    let named = check::accounts(&args.accounts, &settings, &mut tenant.snapshot)?;
    let accounts = resolve(&tenant.snapshot, register.as_ref(), &named);
    if accounts.is_empty() {
        return Err(Failure::usage("no emergency access account is declared")
            .help("name the accounts with --account, or in a register (docs/register.md)"));
    }
    let accounts: Vec<AccountKeys> = accounts
        .iter()
        .filter(|account| named.is_empty() || named.iter().any(|name| account.is(name)))
        .map(of_account)
        .collect();
    let unread = accounts.iter().any(|account| account.not_read.is_some());
    // Without a register there is nothing to agree with.
    let differs = register.is_some()
        && accounts.iter().any(|account| {
            !account.only_in_register.is_empty()
                || account.keys.iter().any(|key| key.register.is_none())
        });
    let document = KeysDocument {
        head: Head::about(
            "keys",
            now,
            &tenant.snapshot,
            tenant.snapshot.assumptions.clone(),
        ),
        accounts,
    };
    let text = match args.format {
        PlainFormat::Json => json(&document)?,
        PlainFormat::Text => text(&document, register.is_some()),
    };
    output::print(&text)?;
    Ok(if differs {
        exit::FOUND
    } else if unread {
        exit::CANNOT_TELL
    } else {
        exit::CLEAN
    })
}

fn of_account(account: &GuardedAccount<'_>) -> AccountKeys {
    let mut written: Vec<Written> = account
        .entry
        .into_iter()
        .flat_map(|entry| &entry.keys)
        .map(written)
        .collect();
    let not_read = match account.user.map(|user| &user.methods) {
        None => Some("the account is not in the tenant".to_owned()),
        Some(Reading::NotRead(why)) => Some(format!("its methods were not read: {why}")),
        Some(Reading::Read(_)) => None,
    };
    if not_read.is_some() {
        return AccountKeys {
            account: account.subject.clone(),
            not_read,
            keys: Vec::new(),
            only_in_register: Vec::new(),
        };
    }
    let methods: Vec<&Method> = account
        .user
        .and_then(|user| user.methods.get())
        .into_iter()
        .flatten()
        .filter(|method| method.kind == MethodKind::Fido2)
        .collect();
    let mut keys: Vec<Registered> = methods
        .iter()
        .map(|method| Registered {
            name: method.name.clone(),
            aaguid: method.aaguid.clone(),
            vendor: known(method).map(|known| known.vendor.to_owned()),
            model: known(method).map(|known| known.model.to_owned()),
            attested: method
                .attestation
                .as_deref()
                .map(|level| level.eq_ignore_ascii_case("attested")),
            register: None,
        })
        .collect();
    // First what was registered under its label, then whatever is of the same product line.
    let same_label = |key: &Registered, own: &Written| {
        key.name
            .as_deref()
            .is_some_and(|name| name.trim().eq_ignore_ascii_case(own.label.trim()))
    };
    let same_line = |key: &Registered, own: &Written| {
        key.aaguid
            .as_deref()
            .zip(own.aaguid.as_deref())
            .is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
    };
    for same in [
        &same_label as &dyn Fn(&Registered, &Written) -> bool,
        &same_line,
    ] {
        for key in keys.iter_mut().filter(|key| key.register.is_none()) {
            if let Some(place) = written.iter().position(|own| same(key, own)) {
                key.register = Some(written.remove(place));
            }
        }
    }
    AccountKeys {
        account: account.subject.clone(),
        not_read: None,
        keys,
        only_in_register: written,
    }
}

fn known(method: &Method) -> Option<aaguid::Known> {
    aaguid::vendor(method.aaguid.as_deref()?)
}

fn written(key: &Key) -> Written {
    Written {
        label: key.label.clone(),
        serial: key.serial.clone(),
        aaguid: key.aaguid.clone(),
        place: key.place.clone(),
        envelope: key.envelope.clone(),
    }
}

fn text(document: &KeysDocument, with_register: bool) -> String {
    let mut out = String::new();
    for account in &document.accounts {
        let _ = writeln!(out, "{}", account.account);
        if let Some(why) = &account.not_read {
            let _ = writeln!(out, "  ? {why}");
        } else if account.keys.is_empty() {
            out.push_str("  ✘ no security key is registered (K1)\n");
        }
        for key in &account.keys {
            let name = key.name.as_deref().unwrap_or("a key without a name");
            let model = match (&key.vendor, &key.model) {
                (Some(vendor), Some(model)) => format!("{vendor}, {model}"),
                _ => "a maker that the table does not know".to_owned(),
            };
            let _ = writeln!(out, "  {}: {model}", output::one_line(name));
            let _ = writeln!(
                out,
                "      AAGUID {}, {}",
                key.aaguid.as_deref().unwrap_or("not told"),
                match key.attested {
                    Some(true) => "attested",
                    Some(false) => "NOT attested",
                    None => "attestation not told",
                }
            );
            match &key.register {
                Some(own) => {
                    let _ = writeln!(out, "      register: {}", sentence(own));
                }
                None if with_register => out.push_str("      ✘ not in the register (K3)\n"),
                None => {}
            }
        }
        for own in &account.only_in_register {
            let _ = writeln!(
                out,
                "  ✘ {}: in the register, and not registered in the tenant",
                sentence(own)
            );
        }
        out.push('\n');
    }
    out
}

fn sentence(own: &Written) -> String {
    let mut text = own.label.clone();
    for (word, value) in [
        ("serial", &own.serial),
        ("place", &own.place),
        ("envelope", &own.envelope),
    ] {
        if let Some(value) = value {
            let _ = write!(text, ", {word} {value}");
        }
    }
    output::one_line(&text)
}
