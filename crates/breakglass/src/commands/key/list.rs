//! `key list`: the keys of the accounts, in the register and in the tenant.

mod text;

use breakglass_model::{
    NotRead, Reading, register,
    tenant::{Method, MethodKind, User},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::tables::{Identity, Tables};
use crate::{
    cli::{KeyListArgs, PlainFormat},
    clock,
    commands::check,
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

/// The keys of one account.
#[derive(Debug, Serialize, JsonSchema)]
struct AccountKeys {
    /// Account as it is named.
    account: String,
    /// Object id, where the tenant has the account.
    id: Option<String>,
    /// User principal name, where it is known.
    upn: Option<String>,
    /// Why the tenant's side is not known; `null`: it is.
    not_read: Option<String>,
    /// One row for each key, in the register, in the tenant, or in both.
    keys: Vec<Row>,
}

/// One key.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Row {
    /// What the register says; `null`: it does not have it.
    register: Option<InRegister>,
    /// What the tenant has registered; `null`: it does not have it, or it was not read.
    tenant: Option<InTenant>,
    /// What its AAGUID stands for.
    identity: Option<Identity>,
    /// What does not agree, and what is against it.
    problems: Vec<String>,
}

/// A key of the register.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct InRegister {
    /// Label.
    label: String,
    /// AAGUID.
    aaguid: Option<String>,
    /// Serial number.
    serial: Option<String>,
    /// Vendor as written.
    vendor: Option<String>,
    /// Place.
    place: Option<String>,
    /// Envelope.
    envelope: Option<String>,
}

/// A passkey of the tenant.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct InTenant {
    /// Id of the method.
    id: Option<String>,
    /// Display name.
    name: Option<String>,
    /// AAGUID.
    aaguid: Option<String>,
    /// `attested`, `notAttested`.
    attestation: Option<String>,
    /// `deviceBound`, `synced`.
    passkey_type: Option<String>,
    /// When it was registered.
    created: Option<String>,
}

/// Runs `key list`.
pub fn list(args: &KeyListArgs) -> Result<u8, Failure> {
    let now = clock::to_the_second(clock::clock(args.common.at).now());
    let settings = settings::load(args.common.config.as_deref())?;
    let tables = Tables::load(&args.tables, &settings, now)?;
    let mut tenant = input::tenant(&args.tenant, now)?.needed()?;
    let register = settings.register_or(
        args.register.as_deref(),
        args.sealed.as_deref(),
        tenant.register_toml.as_deref(),
    )?;
    let mut names = check::accounts(&args.accounts, &settings, &mut tenant.snapshot)?;
    if args.accounts.is_empty()
        && let Some(register) = &register
    {
        names = register.accounts.iter().filter_map(name_of).collect();
    }
    if names.is_empty() {
        return Err(Failure::usage("no emergency access account is named")
            .help("name one with --account, or give --register"));
    }
    let snapshot = &tenant.snapshot;
    let accounts: Vec<AccountKeys> = names
        .iter()
        .map(|name| {
            let user = snapshot.users.iter().find(|user| is_user(user, name));
            let entry = register
                .iter()
                .flat_map(|own| &own.accounts)
                .find(|own| is_entry(own, name, user));
            let missing = snapshot.users.missing.as_ref();
            account(name, user, entry, missing, &tables)
        })
        .collect();
    let found = accounts
        .iter()
        .flat_map(|account| &account.keys)
        .any(|row| !row.problems.is_empty());
    let blind = accounts.iter().any(|account| account.not_read.is_some());
    let document = KeysDocument {
        head: Head::about("keys", now, snapshot, snapshot.assumptions.clone()),
        accounts,
    };
    let text = match args.format {
        PlainFormat::Text => output::fitted(&text::text(&document)),
        PlainFormat::Json => output::json(&document)?,
    };
    output::print(&text)?;
    Ok(match (found, blind) {
        (true, _) => exit::FOUND,
        (false, true) => exit::CANNOT_TELL,
        (false, false) => exit::CLEAN,
    })
}

fn name_of(account: &register::Account) -> Option<String> {
    let id = account.id.as_ref().map(ToString::to_string);
    id.or_else(|| account.upn.as_ref().map(ToString::to_string))
}

fn is(one: Option<&impl ToString>, name: &str) -> bool {
    one.is_some_and(|one| one.to_string().eq_ignore_ascii_case(name))
}

fn is_user(user: &User, name: &str) -> bool {
    is(user.id.as_ref(), name) || is(user.upn.as_ref(), name)
}

fn is_entry(entry: &register::Account, name: &str, user: Option<&User>) -> bool {
    is(entry.id.as_ref(), name)
        || is(entry.upn.as_ref(), name)
        || user.is_some_and(|user| {
            (entry.id.is_some() && entry.id == user.id)
                || (entry.upn.is_some() && entry.upn == user.upn)
        })
}

fn account(
    name: &str,
    user: Option<&User>,
    entry: Option<&register::Account>,
    missing: Option<&NotRead>,
    tables: &Tables,
) -> AccountKeys {
    let (methods, not_read): (&[Method], Option<String>) = match user {
        None => match missing {
            Some(missing) => (
                &[],
                Some(format!("the account was not read: {}", missing.reason)),
            ),
            None => (&[], Some("the tenant has no such account".to_owned())),
        },
        Some(user) => match &user.methods {
            Reading::Read(methods) => (methods, None),
            Reading::NotRead(why) => (
                &[],
                Some(format!("its sign-in methods were not read: {why}")),
            ),
        },
    };
    let passkeys: Vec<InTenant> = methods
        .iter()
        .filter(|method| method.kind == MethodKind::Fido2)
        .map(|method| InTenant {
            id: method.id.clone(),
            name: method.name.clone(),
            aaguid: method.aaguid.clone(),
            attestation: method.attestation.clone(),
            passkey_type: method.passkey_type.clone(),
            created: method.created.clone(),
        })
        .collect();
    let keys = entry.map(|entry| entry.keys.as_slice()).unwrap_or_default();
    AccountKeys {
        account: name.to_owned(),
        id: user
            .and_then(|user| user.id.as_ref())
            .map(ToString::to_string),
        upn: user
            .and_then(|user| user.upn.as_ref())
            .or(entry.and_then(|entry| entry.upn.as_ref()))
            .map(ToString::to_string),
        keys: rows(keys, passkeys, entry.is_some(), not_read.is_none(), tables),
        not_read,
    }
}

/// Pairs the keys of both sides: by label first, then, among the rest, by AAGUID where that leaves one each.
fn rows(
    keys: &[register::Key],
    mut passkeys: Vec<InTenant>,
    has_register: bool,
    has_tenant: bool,
    tables: &Tables,
) -> Vec<Row> {
    let mut rows: Vec<Row> = keys
        .iter()
        .map(|key| Row {
            register: Some(InRegister {
                label: key.label.clone(),
                aaguid: key.aaguid.clone(),
                serial: key.serial.clone(),
                vendor: key.vendor.clone(),
                place: key.place.clone(),
                envelope: key.envelope.clone(),
            }),
            ..Row::default()
        })
        .collect();
    for row in &mut rows {
        let label = row
            .register
            .as_ref()
            .map(|own| own.label.clone())
            .unwrap_or_default();
        let place = passkeys.iter().position(|own| {
            own.name
                .as_ref()
                .is_some_and(|name| name.eq_ignore_ascii_case(&label))
        });
        row.tenant = place.map(|place| passkeys.remove(place));
    }
    for number in 0..rows.len() {
        let Some(aaguid) = rows
            .get(number)
            .and_then(|row| row.register.as_ref()?.aaguid.clone())
        else {
            continue;
        };
        let same = |own: Option<&String>| own.is_some_and(|own| own.eq_ignore_ascii_case(&aaguid));
        let open = rows
            .iter()
            .filter(|row| {
                row.tenant.is_none()
                    && same(row.register.as_ref().and_then(|own| own.aaguid.as_ref()))
            })
            .count();
        let fits: Vec<usize> = (0..passkeys.len())
            .filter(|place| {
                passkeys
                    .get(*place)
                    .is_some_and(|own| same(own.aaguid.as_ref()))
            })
            .collect();
        if let (1, [place], Some(row)) = (open, &fits[..], rows.get_mut(number))
            && row.tenant.is_none()
        {
            row.tenant = Some(passkeys.remove(*place));
        }
    }
    rows.extend(passkeys.into_iter().map(|passkey| Row {
        tenant: Some(passkey),
        ..Row::default()
    }));
    for row in &mut rows {
        judge(row, has_register, has_tenant, tables);
    }
    rows
}

fn judge(row: &mut Row, has_register: bool, has_tenant: bool, tables: &Tables) {
    let mut problems = Vec::new();
    let aaguid_of = |own: Option<&String>| own.cloned();
    let in_register = row
        .register
        .as_ref()
        .and_then(|own| aaguid_of(own.aaguid.as_ref()));
    let in_tenant = row
        .tenant
        .as_ref()
        .and_then(|own| aaguid_of(own.aaguid.as_ref()));
    match (&row.register, &row.tenant) {
        (Some(_), None) if has_tenant => {
            problems.push("in the register, and not registered in the tenant".to_owned());
        }
        (None, Some(_)) if has_register => {
            problems.push("registered in the tenant, and not in the register".to_owned());
        }
        (Some(register), Some(tenant)) => {
            if let (Some(one), Some(other)) = (&in_register, &in_tenant)
                && !one.eq_ignore_ascii_case(other)
            {
                problems.push(format!(
                    "the register has AAGUID {one}, the tenant {other}: another key has this label"
                ));
            }
            if let Some(name) = tenant
                .name
                .as_ref()
                .filter(|name| !name.eq_ignore_ascii_case(&register.label))
            {
                problems.push(format!("the tenant calls it `{}`", output::one_line(name)));
            }
        }
        _ => {}
    }
    if let Some(tenant) = &row.tenant {
        if tenant
            .attestation
            .as_deref()
            .is_some_and(|level| level.eq_ignore_ascii_case("notAttested"))
        {
            problems.push("not attested: which model it is, is not proven".to_owned());
        }
        if tenant
            .passkey_type
            .as_deref()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("synced"))
        {
            problems.push("synced: it is not bound to one device".to_owned());
        }
    }
    row.identity = in_tenant
        .or(in_register)
        .map(|aaguid| tables.identity(&aaguid, None));
    if let Some(identity) = &row.identity {
        let written = row.register.as_ref().and_then(|own| own.vendor.as_ref());
        if let (Some(written), Some(vendor)) = (written, &identity.vendor)
            && !written.eq_ignore_ascii_case(vendor)
        {
            problems.push(format!(
                "the register says {}, its AAGUID is {vendor}'s",
                output::one_line(written)
            ));
        }
        problems.extend(
            identity
                .advisories
                .iter()
                .filter(|own| own.bearing == "affected")
                .map(super::tables::Known::line),
        );
    }
    row.problems = problems;
}
