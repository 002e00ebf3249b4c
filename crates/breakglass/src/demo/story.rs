//! The whole story: the tenant as many are, what happens to its accounts, and the same after everything was put right.

use std::{path::Path, time::Duration};

use breakglass_lab::With;
use breakglass_model::{CheckReport, Clock, History, Register, TenantSnapshot, aaguid::Tables};
use breakglass_posture::{CheckInput, Settings as CheckSettings, check};
use breakglass_store::IncidentFilter;
use serde_json::json;

use super::{
    count, crowd, heading, indented, say,
    stage::{Stage, administrator, expect},
    verdict, wrapped,
};
use crate::{
    clock::{Stopwatch, SystemClock},
    commands::incident,
    failure::Failure,
    settings,
};

/// Plays it.
pub(super) async fn play(folder: &Path, log: &Path, pause: Duration) -> Result<(), Failure> {
    let took = Stopwatch::start();
    say(
        "breakglass demo\n\nContoso is made up, and so are its people. Nothing leaves this machine.\n",
    )?;

    heading(
        "1. Would the accounts get you in? The tenant, served by the twin, collected and judged",
    )?;
    let mut stage = Stage::start(folder, log, "contoso", pause).await?;
    let tenant = stage.twin.collect().await?;
    say(&verdict(&judged(&tenant, &stage.twin.register)?))?;
    stage.rest().await;

    heading("2. The log is watched")?;
    say(&format!(
        "Mail goes to a catcher on {}; signals are kept in SQLite before anything counts as read.\n",
        stage.monitor.address
    ))?;
    let administrator = administrator(&tenant)?;
    let second = stage.account(1)?;
    evening(&mut stage, &tenant).await?;
    refused(&mut stage).await?;
    say(
        "\n  An everyday administrator resets the password of BreakGlass02. Nothing stops them.\n",
    )?;
    let reset = json!({"passwordProfile": {"password": "Autumn-2026-Contoso!", "forceChangePasswordNextSignIn": false}});
    let path = format!("users/{}", second.0);
    stage.change(
        &administrator,
        ("PATCH", &path),
        Some(reset.clone()),
        "it is done",
    )?;
    let told = stage.told().await?;
    expect(!told.is_empty(), "nobody was told of the reset")?;
    stage.rest().await;

    heading(
        "3. The same tenant after everything was put right: breakglass plan, breakglass apply",
    )?;
    stage.change_tenant("contoso-modern").await?;
    let tenant = stage.twin.collect().await?;
    say(&verdict(&judged(&tenant, &stage.twin.register)?))?;
    stage.rest().await;

    heading("4. Now the key opens the account, and everything it does is told")?;
    used(&mut stage, &tenant).await?;
    say("\n  The administrator tries the reset once more.\n")?;
    let Err((status, why)) = stage.tried(&administrator, ("PATCH", &path), Some(reset)) else {
        return Err(Failure::broke(
            "the restricted unit let an everyday administrator reset the password",
        ));
    };
    say(&wrapped(
        &format!("refused with {status} by the restricted unit: {why}"),
        "    ",
    ))?;
    let records = stage.records()?;
    say("\n  The stream delivers everything a second time. One signal stays one signal.\n")?;
    stage
        .unnoticed(&records, "a record was told of a second time")
        .await?;

    heading("5. What the people on call received")?;
    stage.mail_about("signed in").await?;
    stage.rest().await;
    record(&stage).await?;
    stage.end().await?;
    say(&format!(
        "\nAll of it took {:.0} s. Next: `breakglass check --tenant contoso` for every finding,\n\
         `breakglass check --tenant <your export>` for your own tenant.\n",
        took.elapsed().as_secs_f64().ceil()
    ))
}

/// Ordinary people sign in: nothing is said of them.
async fn evening(stage: &mut Stage, tenant: &TenantSnapshot) -> Result<(), Failure> {
    say("\n  An ordinary evening: 400 people of Contoso sign in.\n")?;
    let id = tenant.id.as_ref().map(ToString::to_string);
    let records = crowd::records(&id.unwrap_or_default(), SystemClock.now(), 400);
    stage
        .unnoticed(&records, "a signal came where none belongs")
        .await
}

/// In the tenant as it is, nobody gets in by the first account: not by guessing, and not with its key.
async fn refused(stage: &mut Stage) -> Result<(), Failure> {
    let (_, upn) = stage.account(0)?;
    say(
        "\n  Somebody guesses. Then the key is taken from the safe, and a policy keeps it out, as the check said.\n",
    )?;
    for with in [With::Password("Summer2026!"), With::Key("")] {
        let ended = stage.sign_in(&upn, with).await?;
        expect(
            !ended.is_in,
            "the account got in although the proof says that it is locked out",
        )?;
    }
    Ok(())
}

/// After everything was put right the key opens the first account, which changes something.
async fn used(stage: &mut Stage, tenant: &TenantSnapshot) -> Result<(), Failure> {
    let (id, upn) = stage.account(0)?;
    stage.open_with_key(&upn).await?;
    say("\n  The account switches a Conditional Access policy off.\n")?;
    stage.switch_policy_off(&id, tenant).await
}

/// The incident of the first account, acknowledged, and the chain of evidence.
async fn record(stage: &Stage) -> Result<(), Failure> {
    heading("6. The incident, acknowledged by a person")?;
    let store = &stage.monitor.store;
    let incidents = store
        .incidents(&IncidentFilter::default())
        .await
        .map_err(settings::store_failed)?;
    let (account, _) = stage.account(0)?;
    let first = incidents
        .iter()
        .find(|incident| account.is(&incident.account_key))
        .ok_or_else(|| Failure::broke("no incident was opened for the account that was used"))?;
    store
        .acknowledge(&first.id, "anna", SystemClock.now())
        .await
        .map_err(settings::store_failed)?;
    let detail = store
        .incident(&first.id)
        .await
        .map_err(settings::store_failed)?;
    let detail = detail.ok_or_else(|| Failure::broke("the incident could not be read back"))?;
    say(&indented(&incident::page(&detail)))?;

    heading("7. The record of all that")?;
    let evidence = store
        .verify_evidence()
        .await
        .map_err(settings::store_failed)?;
    say(&format!(
        "{} chained by SHA-256, all unchanged; head {}…\n",
        count(
            usize::try_from(evidence.rows).unwrap_or(usize::MAX),
            "evidence row"
        ),
        evidence.head.get(..16).unwrap_or(&evidence.head)
    ))
}

fn judged(snapshot: &TenantSnapshot, register: &Register) -> Result<CheckReport, Failure> {
    check(&CheckInput {
        snapshot,
        register: Some(register),
        history: &History::default(),
        accounts: &[],
        now: SystemClock.now(),
        keys: Tables::built_in(),
        settings: CheckSettings::default(),
        only: &[],
        skip: &[],
        waivers: &[],
        baseline: None,
        version: env!("CARGO_PKG_VERSION"),
    })
    .map_err(|error| Failure::broke(error.to_string()))
}
