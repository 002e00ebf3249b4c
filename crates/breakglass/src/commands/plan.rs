//! `plan`: what must change to reach the modern set-up.

mod code;
mod html;
pub(super) mod text;

use std::{fs, path::Path};

use breakglass_model::{
    History, ObjectId, TenantSnapshot, Upn,
    plan::{PLAN_SCHEMA, Plan},
};
use breakglass_posture::plan::{EventHub, PlanError, PlanInput, Wishes, plan};

use crate::{
    cli::{PlanArgs, PlanFormat},
    clock,
    commands::{apply::journal, check},
    failure::{Failure, exit},
    file, input, output, settings,
};

/// `plan`
pub fn run(args: &PlanArgs) -> Result<u8, Failure> {
    if let Some(out) = &args.out {
        target(out, args)?;
    }
    let now = clock::to_the_second(clock::clock(args.common.at).now());
    let settings = settings::load(args.common.config.as_deref())?;
    let Some(name) = &args.tenant else {
        return Err(Failure::usage("no tenant was given").help(
            "name a snapshot with --tenant (`breakglass collect` makes one), or try a built-in one: --tenant contoso",
        ));
    };
    let mut tenant = input::tenant(name, now)?.needed()?.dated(now);
    let mut register = settings.register_or(
        args.register.as_deref(),
        None,
        tenant.register_toml.as_deref(),
    )?;
    if let (Some(register), Some(limit)) =
        (&mut register, settings.config.max_global_administrators)
    {
        register.max_global_administrators = limit;
    }
    let accounts = check::accounts(&args.accounts, &settings, &mut tenant.snapshot)?;
    let history = if settings.store_given(&args.store) {
        settings.history(&args.store, now)?
    } else {
        History::default()
    };
    let wishes = wishes(args, &tenant.snapshot)?;
    let keys = settings.keys()?;
    let mut plan = plan(&PlanInput {
        keys: &keys,
        snapshot: &tenant.snapshot,
        register: register.as_ref(),
        history: &history,
        accounts: &accounts,
        wishes: &wishes,
        now,
        version: env!("CARGO_PKG_VERSION"),
    })
    .map_err(refused)?;
    // Whoever approves the plan sees it in whatever form they read.
    plan.warnings
        .extend(input::age(tenant.snapshot.collected_at, now));
    if let Some(out) = &args.out {
        file::write("the plan", out, output::json(&plan)?.as_bytes())?;
    }
    let shown = match args.format {
        PlanFormat::Text => text::text(&plan, output::style(false), args.out.as_deref()),
        PlanFormat::Json => output::json(&plan)?,
        PlanFormat::Html => html::html(&plan),
        PlanFormat::Bicep => code::bicep(&plan),
        PlanFormat::Terraform => code::terraform(&plan),
        PlanFormat::GraphScript => code::graph_script(&plan),
    };
    match &args.out {
        Some(out) => {
            output::print_done(&shown, &format!("the plan `{}` is written", out.display()))?;
        }
        None => output::print(&shown)?,
    }
    Ok(if plan.steps.is_empty() {
        exit::CLEAN
    } else {
        exit::FOUND
    })
}

fn refused(error: PlanError) -> Failure {
    let text = error.to_string();
    match error {
        PlanError::NotRead(missing) => {
            let failure = Failure::cannot_tell(format!("nothing can be planned: {text}"));
            match missing.permission {
                Some(permission) => failure.help(format!(
                    "grant {permission} (docs/permissions.md), collect again, then plan"
                )),
                None => failure.help("collect again, then plan"),
            }
        }
        PlanError::NoAccount => Failure::usage(text)
            .help("name the accounts with --account, or in a register (docs/register.md)"),
        PlanError::NotThere(_) => Failure::usage(text).help(
            "check the object id; an account that has still to be made is named by its user principal name only",
        ),
        PlanError::NoSuchPerson(..) => Failure::usage(text).help("check the spelling"),
    }
}

fn wishes(args: &PlanArgs, snapshot: &TenantSnapshot) -> Result<Wishes, Failure> {
    let people = |names: &[String], option: &str| {
        names
            .iter()
            .map(|name| person(name, option, snapshot))
            .collect::<Result<Vec<_>, _>>()
    };
    Ok(Wishes {
        keepers: people(&args.keepers, "--keeper")?,
        approvers: people(&args.approvers, "--approver")?,
        make_eligible: people(&args.make_eligible, "--make-eligible")?,
        leave_group: people(&args.leave_group, "--remove-from-group")?,
        alert_mail: args
            .alert_mail
            .iter()
            .map(|address| mailbox(address))
            .collect::<Result<_, _>>()?,
        alert_sms: args
            .alert_sms
            .iter()
            .map(|number| telephone(number))
            .collect::<Result<_, _>>()?,
        event_hub: args
            .event_hub
            .as_deref()
            .map(|id| event_hub(id, &args.event_hub_rule))
            .transpose()?,
    })
}

/// A setting names a hub by a rule of its namespace and its name (Azure Monitor, *Diagnostic settings*).
fn event_hub(id: &str, rule: &str) -> Result<EventHub, Failure> {
    let parts: Vec<&str> = id.trim().trim_start_matches('/').split('/').collect();
    let shape = [
        "subscriptions",
        "",
        "resourceGroups",
        "",
        "providers",
        "Microsoft.EventHub",
        "namespaces",
        "",
        "eventhubs",
        "",
    ];
    let good = parts.len() == shape.len()
        && shape.iter().zip(&parts).all(|(wanted, part)| {
            !part.is_empty() && (wanted.is_empty() || wanted.eq_ignore_ascii_case(part))
        });
    match parts.as_slice() {
        [namespace @ .., _, name] if good => Ok(EventHub {
            rule: format!("/{}/authorizationRules/{rule}", namespace.join("/")),
            name: (*name).to_owned(),
        }),
        _ => Err(Failure::usage(format!("--event-hub: `{id}` is not the resource id of an event hub")).help(
            "write it like /subscriptions/…/resourceGroups/…/providers/Microsoft.EventHub/namespaces/…/eventhubs/…; \
             `az eventhubs eventhub show --query id` prints it",
        )),
    }
}

fn person(name: &str, option: &str, snapshot: &TenantSnapshot) -> Result<ObjectId, Failure> {
    let by_name = Upn::parse(name)
        .ok()
        .and_then(|upn| snapshot.user_by_upn(&upn))
        .and_then(|user| user.id.clone());
    let by_id = || {
        let id = ObjectId::parse(name).ok()?;
        let is_there = snapshot.user(&id).is_some()
            || snapshot
                .active_assignments
                .iter()
                .any(|own| own.principal == id);
        is_there.then_some(id)
    };
    by_name.or_else(by_id).ok_or_else(|| {
        Failure::usage(format!("{option}: the tenant has no user `{name}`")).help(
            "give the user principal name of an administrator, or an object id; snapshots keep no names of ordinary users",
        )
    })
}

fn mailbox(address: &str) -> Result<String, Failure> {
    let address = address.trim();
    let good = address.split_once('@').is_some_and(|(name, domain)| {
        !name.is_empty() && domain.contains('.') && !address.contains(char::is_whitespace)
    });
    if good {
        Ok(address.to_owned())
    } else {
        Err(
            Failure::usage(format!("--alert-mail: `{address}` is no address"))
                .help("write it like soc@other.example"),
        )
    }
}

/// Country code and number.
fn telephone(text: &str) -> Result<(String, String), Failure> {
    let wrong = || {
        Failure::usage(format!("--alert-sms: `{text}` is no telephone number"))
            .help("write a plus, the country code, a space, and the number: '+41 445550142'")
    };
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let (code, number) = text
        .trim()
        .strip_prefix('+')
        .and_then(|rest| rest.split_once(' '))
        .ok_or_else(wrong)?;
    let only = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-'))
    };
    let (code, number) = match (only(code), only(number)) {
        (true, true) => (digits(code), digits(number)),
        _ => return Err(wrong()),
    };
    if (1..=3).contains(&code.len()) && (4..=14).contains(&number.len()) {
        Ok((code, number))
    } else {
        Err(wrong())
    }
}

/// Where the plan may be written. A journal beside it says what was done by the plan that lies there: without that plan
/// nothing of it can be continued or taken back.
fn target(path: &Path, args: &PlanArgs) -> Result<(), Failure> {
    file::target("--out", path)?;
    file::only_over(
        "--out",
        path,
        &file::Kind {
            noun: "a plan",
            mark: "\"schema\":\"breakglass/plan/",
            inputs: &[
                ("--tenant", args.tenant.as_deref().map(Path::new)),
                ("--register", args.register.as_deref()),
                ("--config", args.common.config.as_deref()),
            ],
        },
    )?;
    let journal = journal::beside(path);
    if fs::symlink_metadata(&journal).is_ok() {
        return Err(Failure::usage(format!(
            "`{}` was applied, at least in part: its journal `{}` is there, and `apply --undo` needs both",
            path.display(),
            journal.display()
        ))
        .help("name another file with --out; move both away together when its steps are not to be taken back"));
    }
    Ok(())
}

/// Reads a plan.
///
/// # Errors
/// When it is none, or was changed since it was made.
pub(super) fn read(path: &Path) -> Result<Plan, Failure> {
    let plan: Plan = input::document(
        "plan",
        path,
        PLAN_SCHEMA,
        "`breakglass plan --out` writes one",
    )?;
    if plan.fingerprint() != plan.digest {
        return Err(Failure::usage(format!(
            "`{}` was changed since it was made: its digest does not fit its steps",
            path.display()
        ))
        .help("make it again with `breakglass plan --out`; leave out steps by leaving out their wishes"));
    }
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w6_telephone_numbers_are_read_as_people_write_them() {
        assert_eq!(
            telephone("+41 44 555 01 42").unwrap(),
            ("41".to_owned(), "445550142".to_owned())
        );
        for wrong in ["0445550142", "+41445550142", "+41 x", "+ 1", "+41 1"] {
            assert!(telephone(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn w6_mailboxes_are_checked() {
        assert!(mailbox("soc@other.example").is_ok());
        for wrong in ["soc", "@other.example", "soc@", "a b@c.d"] {
            assert!(mailbox(wrong).is_err(), "{wrong}");
        }
    }
}
