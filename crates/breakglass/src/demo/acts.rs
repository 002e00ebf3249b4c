//! Single acts of the demo. Each really happens in the twin: the sign-in is judged there, the change goes through its
//! Graph, and the monitor learns of it from the log that the twin exports.

use std::{path::Path, time::Duration};

use breakglass_lab::With;
use breakglass_model::{ObjectId, TenantSnapshot};
use serde_json::json;

use super::{
    count, heading, say,
    stage::{Stage, administrator, expect},
};
use crate::{cli::DemoAct, failure::Failure};

/// Plays one act.
pub(super) async fn play(
    act: DemoAct,
    folder: &Path,
    log: &Path,
    pause: Duration,
) -> Result<(), Failure> {
    say(
        "breakglass demo\n\nThe twin of Contoso, after everything was put right, runs on this machine. All of it is made up.\n",
    )?;
    let mut stage = Stage::start(folder, log, "contoso-modern", pause).await?;
    match act {
        DemoAct::BreakGlass => break_glass(&mut stage).await?,
        DemoAct::LockOut => lock_out(&mut stage).await?,
        DemoAct::LoseASafe => lose_a_safe(&mut stage).await?,
    }
    stage.end().await
}

/// The first account is used, and does something.
async fn break_glass(stage: &mut Stage) -> Result<(), Failure> {
    heading("1. What the proof says")?;
    let tenant = stage.twin.collect().await?;
    stage.prove(&tenant)?;
    heading("2. Somebody types a wrong password, then the key opens the account")?;
    let (id, upn) = stage.account(0)?;
    stage.sign_in(&upn, With::Password("Summer2026!")).await?;
    stage.open_with_key(&upn).await?;
    heading("3. The account switches a policy off")?;
    stage.switch_policy_off(&id, &tenant).await?;
    heading("4. What the people on call received")?;
    stage.mail_about("signed in").await
}

/// A policy locks the accounts out.
async fn lock_out(stage: &mut Stage) -> Result<(), Failure> {
    heading("1. Before: the accounts get in")?;
    stage.prove(&stage.twin.collect().await?)?;
    let (_, upn) = stage.account(0)?;
    let ended = stage.sign_in(&upn, With::Key("")).await?;
    expect(
        ended.is_in,
        "the account did not get in although the proof says so",
    )?;
    heading(
        "2. An administrator rolls a policy out: a compliant device for everybody, nobody excluded",
    )?;
    let tenant = stage.twin.collect().await?;
    let administrator = administrator(&tenant)?;
    stage.change(
        &administrator,
        ("POST", "identity/conditionalAccess/policies"),
        Some(json!({
            "displayName": "CA099 Compliant device, no exceptions", "state": "enabled",
            "conditions": {"users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]},
                "clientAppTypes": ["all"]},
            "grantControls": {"operator": "OR", "builtInControls": ["compliantDevice"]},
        })),
        "CA099 is enforced",
    )?;
    heading("3. After: what the proof says, and what the sign-in page says")?;
    let after = stage.twin.collect().await?;
    let locked = stage.prove(&after)?;
    expect(
        locked == stage.accounts.len(),
        "the proof does not see the lockout",
    )?;
    let ended = stage.sign_in(&upn, With::Key("")).await?;
    expect(
        !ended.is_in,
        "the account got in although the proof says that it is locked out",
    )?;
    say(
        "\n  The pre-flight would have said it before: breakglass lockout preflight --tenant <snapshot> --change <policy.json>\n",
    )
}

/// The first place with keys is lost.
async fn lose_a_safe(stage: &mut Stage) -> Result<(), Failure> {
    let place = stage
        .twin
        .register
        .accounts
        .iter()
        .flat_map(|account| &account.keys)
        .find_map(|key| key.place.clone())
        .ok_or_else(|| Failure::broke("the register places no key"))?;
    heading(&format!("1. `{place}` burns down, with every key in it"))?;
    let keys: Vec<(ObjectId, String, String, bool)> = stage
        .twin
        .register
        .accounts
        .iter()
        .filter_map(|account| {
            Some((
                account.id.clone()?,
                account.upn.as_ref()?.to_string(),
                &account.keys,
            ))
        })
        .flat_map(|(id, upn, keys)| {
            keys.iter()
                .map(|key| {
                    let lost = key.place.as_ref() == Some(&place);
                    (id.clone(), upn.clone(), key.label.clone(), lost)
                })
                .collect::<Vec<_>>()
        })
        .collect();
    for (_, upn, label, lost) in &keys {
        let word = if *lost { "lost " } else { "there" };
        say(&format!("  {word}  {label} of {upn}\n"))?;
    }
    heading("2. Who still gets in, with the keys that are left")?;
    let mut open = 0;
    for (_, upn, label, lost) in keys.clone() {
        if !lost {
            open += usize::from(stage.sign_in(&upn, With::Key(&label)).await?.is_in);
        }
    }
    say(&format!(
        "\n  {} still opened by a key from another place\n",
        count(open, "account")
    ))?;
    expect(open > 0, "nobody gets in any more")?;
    heading("3. The lost keys must not stay registered: whoever finds them holds the tenant")?;
    let tenant = stage.twin.collect().await?;
    for (id, upn, label, lost) in keys {
        let method = registered(&tenant, &id, &label).filter(|_| lost);
        if let Some(method) = method {
            let path = format!("users/{id}/authentication/fido2Methods/{method}");
            stage.change(
                &id,
                ("DELETE", &path),
                None,
                &format!("{upn} takes {label} away"),
            )?;
        }
    }
    let told = stage.told().await?;
    expect(
        !told.is_empty(),
        "nobody was told that keys were taken away",
    )?;
    heading("4. What the proof says now")?;
    stage.prove(&stage.twin.collect().await?)?;
    Ok(())
}

/// Id of a key that is registered under a label.
fn registered(tenant: &TenantSnapshot, user: &ObjectId, label: &str) -> Option<String> {
    let methods = tenant.user(user)?.methods.get()?;
    methods
        .iter()
        .find(|method| method.name.as_deref() == Some(label))
        .and_then(|method| method.id.clone())
}
