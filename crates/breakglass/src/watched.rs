//! Whom and what to watch, from arguments, register, configuration and tenant.

use std::{collections::BTreeMap, path::Path};

use breakglass_model::{ObjectId, Register, TenantSnapshot, Upn};
use breakglass_watch::{GuardKind, Guarded, WatchList, WatchedAccount};
use jiff::Timestamp;
use serde_json::Value;

use crate::{failure::Failure, input, person, settings::Settings};

/// What the command line names.
#[derive(Debug)]
pub struct Named<'a> {
    /// UPNs or object ids.
    pub accounts: &'a [String],
    /// A register file.
    pub register: Option<&'a Path>,
    /// A tenant export.
    pub tenant: Option<&'a str>,
}

/// The watch list, and the tenant for records that name none.
#[derive(Debug)]
pub struct Watched {
    /// Accounts and guarded objects.
    pub list: WatchList,
    /// Tenant id.
    pub tenant: Option<String>,
}

/// Brings together everything that is known about the accounts.
pub fn build(named: &Named<'_>, settings: &Settings, now: Timestamp) -> Result<Watched, Failure> {
    let tenant = named
        .tenant
        .map(|name| input::tenant(name, now))
        .transpose()?;
    let built_in = tenant
        .as_ref()
        .and_then(|tenant| tenant.register_toml.as_deref());
    let register = settings.register_or(named.register, None, built_in)?;
    let snapshot = tenant.as_ref().map(|tenant| &tenant.snapshot);
    let accounts = accounts(named.accounts, register.as_ref(), settings, snapshot)?;
    if accounts.is_empty() {
        return Err(Failure::usage("no emergency access account was given")
            .help("name one with --account <UPN or object id>, or give a --register"));
    }
    let guards = guards(&accounts, register.as_ref(), snapshot);
    let tenant = settings
        .config
        .tenant_id
        .as_ref()
        .or(register
            .as_ref()
            .and_then(|register| register.tenant_id.as_ref()))
        .or(snapshot.and_then(|snapshot| snapshot.id.as_ref()))
        .map(ToString::to_string);
    Ok(Watched {
        list: WatchList::new(accounts, guards),
        tenant,
    })
}

/// The named accounts; what the register and the tenant know of them is added, so that a record that
/// carries only the other name is found too.
fn accounts(
    named: &[String],
    register: Option<&Register>,
    settings: &Settings,
    snapshot: Option<&TenantSnapshot>,
) -> Result<Vec<WatchedAccount>, Failure> {
    let mut accounts = Vec::new();
    for name in named {
        if let Some(file) = name.strip_prefix('@') {
            let (id, upn) = person::names(Path::new(file))?;
            accounts.push(WatchedAccount { id: Some(id), upn });
            continue;
        }
        if name.contains([',', ';']) || name.trim().contains(char::is_whitespace) {
            return Err(
                Failure::usage(format!("--account `{name}` is more than one account"))
                    .help("repeat --account for each"),
            );
        }
        let name = name.trim().trim_start_matches('{').trim_end_matches('}');
        if !name.contains('@') && uuid::Uuid::parse_str(name).is_err() {
            crate::output::tell!(
                "note: `{name}` is neither a GUID nor name@domain; only records whose object id is exactly that are found"
            );
        }
        let upn = name.contains('@').then(|| Upn::parse(name)).transpose();
        let upn = upn.map_err(|error| Failure::usage(format!("--account: {error}")))?;
        let id = match upn {
            Some(_) => None,
            None => Some(ObjectId::parse(name).map_err(|error| {
                Failure::usage(format!("--account: {error}")).help("give a UPN or an object id")
            })?),
        };
        accounts.push(WatchedAccount { id, upn });
    }
    if accounts.is_empty() {
        let listed = register.into_iter().flat_map(|register| &register.accounts);
        accounts.extend(listed.map(|account| WatchedAccount {
            id: account.id.clone(),
            upn: account.upn.clone(),
        }));
    }
    if accounts.is_empty() {
        accounts.extend(
            settings
                .config
                .accounts
                .iter()
                .map(|account| WatchedAccount {
                    id: account.id.clone(),
                    upn: account.upn.clone(),
                }),
        );
    }
    for account in &mut accounts {
        let listed = register.into_iter().flat_map(|register| &register.accounts);
        let listed = listed.map(|known| (known.id.as_ref(), known.upn.as_ref()));
        let configured = settings
            .config
            .accounts
            .iter()
            .map(|account| (account.id.as_ref(), account.upn.as_ref()));
        let read = snapshot
            .into_iter()
            .flat_map(|snapshot| &snapshot.users)
            .map(|user| (user.id.as_ref(), user.upn.as_ref()));
        for (id, upn) in listed.chain(configured).chain(read) {
            let same = (id.is_some() && id == account.id.as_ref())
                || (upn.is_some() && upn == account.upn.as_ref());
            if same {
                account.id = account.id.take().or_else(|| id.cloned());
                account.upn = account.upn.take().or_else(|| upn.cloned());
            }
        }
    }
    Ok(accounts)
}

/// What guards the accounts: their groups, units, role assignments and the policies that name them.
fn guards(
    accounts: &[WatchedAccount],
    register: Option<&Register>,
    snapshot: Option<&TenantSnapshot>,
) -> Vec<Guarded> {
    let mut found: BTreeMap<ObjectId, Guarded> = BTreeMap::new();
    let mut add = |id: &ObjectId, what: GuardKind, label: Option<&str>, key: &str| {
        let guard = found.entry(id.clone()).or_insert_with(|| Guarded {
            id: id.clone(),
            what,
            label: label.map_or_else(|| id.to_string(), str::to_owned),
            accounts: Vec::new(),
        });
        if !guard.accounts.iter().any(|known| known == key) {
            guard.accounts.push(key.to_owned());
        }
    };
    for account in accounts {
        let Some(key) = account
            .id
            .as_ref()
            .map(ObjectId::folded)
            .or_else(|| account.upn.as_ref().map(Upn::folded))
        else {
            continue;
        };
        let listed = register
            .into_iter()
            .flat_map(|register| &register.accounts)
            .find(|known| {
                (known.id.is_some() && known.id == account.id)
                    || (known.upn.is_some() && known.upn == account.upn)
            });
        if let Some(listed) = listed {
            let name = |id: &ObjectId| {
                snapshot
                    .and_then(|s| s.group(id))
                    .and_then(|g| g.display_name.clone())
            };
            if let Some(group) = &listed.group {
                add(group, GuardKind::Group, name(group).as_deref(), &key);
            }
            if let Some(unit) = &listed.unit {
                add(unit, GuardKind::Unit, None, &key);
            }
            for policy in &listed.intended_policies {
                add(policy, GuardKind::Policy, None, &key);
            }
        }
        let (Some(snapshot), Some(id)) = (snapshot, &account.id) else {
            continue;
        };
        let mut names = vec![id.clone()];
        if let Some(groups) = snapshot.groups_of(id).get() {
            for group in groups {
                let label = snapshot
                    .group(group)
                    .and_then(|group| group.display_name.as_deref());
                add(group, GuardKind::Group, label, &key);
                names.push(group.clone());
            }
        }
        for unit in &snapshot.units {
            let holds = unit
                .members
                .get()
                .is_some_and(|members| members.iter().any(|member| names.contains(member)));
            if let (true, Some(unit_id)) = (holds, &unit.id) {
                add(unit_id, GuardKind::Unit, unit.display_name.as_deref(), &key);
            }
        }
        for assignment in snapshot
            .active_assignments
            .iter()
            .chain(&snapshot.eligible_assignments)
        {
            if let (true, Some(Ok(assignment_id))) = (
                names.contains(&assignment.principal),
                assignment.id.as_deref().map(ObjectId::parse),
            ) {
                add(
                    &assignment_id,
                    GuardKind::Role,
                    Some("role assignment"),
                    &key,
                );
            }
        }
        for policy in &snapshot.policies {
            if let (true, Some(policy_id)) = (mentions(&policy.raw, &names), &policy.id) {
                add(
                    policy_id,
                    GuardKind::Policy,
                    policy.display_name.as_deref(),
                    &key,
                );
            }
        }
    }
    found.into_values().collect()
}

/// Whether a policy names one of the ids anywhere.
fn mentions(value: &Value, names: &[ObjectId]) -> bool {
    match value {
        Value::String(text) => names.iter().any(|name| name.is(text)),
        Value::Array(list) => list.iter().any(|item| mentions(item, names)),
        Value::Object(fields) => fields.values().any(|item| mentions(item, names)),
        _ => false,
    }
}
