//! Single acts of the demo. Each really happens in the twin: the sign-in is judged there, the change goes through its
//! Graph, and the monitor learns of it from the log that the twin exports.

use std::{net::IpAddr, path::Path, time::Duration};

use breakglass_conditional_access::{
    Enforce, Engine,
    prove::{Options, Prover, Verdict},
    tenant::{People, Tenant},
};
use breakglass_lab::{Act, Ended, With};
use breakglass_model::{ObjectId, Signal, TenantSnapshot};
use serde_json::{Value, json};

use super::{count, heading, monitor::Monitor, quoted, say, twin::Twin, within, wrapped};
use crate::{cli::DemoAct, clock::Stopwatch, commands::lab, failure::Failure};

/// How long nothing more may come before a scene is over.
const QUIET: Duration = Duration::from_millis(1500);
/// Where the accounts are used from: a documentation address (RFC 5737) in Germany.
const ABROAD: (&str, &str) = ("203.0.113.7", "DE");

/// What an act is played on.
struct Stage {
    twin: Twin,
    monitor: Monitor,
    exporting: tokio::task::JoinHandle<()>,
    pause: Duration,
    /// Object id and user principal name of the accounts.
    accounts: Vec<(ObjectId, String)>,
}

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
    let tenant = "contoso-modern";
    let twin = Twin::start(folder, tenant).await?;
    let monitor = Monitor::start(folder, log, tenant).await?;
    let exporting = lab::export(&twin.running, log)?;
    let accounts = twin
        .register
        .accounts
        .iter()
        .filter_map(|account| Some((account.id.clone()?, account.upn.as_ref()?.to_string())))
        .collect();
    let mut stage = Stage {
        twin,
        monitor,
        exporting,
        pause,
        accounts,
    };
    match act {
        DemoAct::BreakGlass => break_glass(&mut stage).await?,
        DemoAct::LockOut => lock_out(&mut stage).await?,
        DemoAct::LoseASafe => lose_a_safe(&mut stage).await?,
    }
    stage.exporting.abort();
    stage.monitor.stop().await?;
    stage.twin.stop().await
}

/// The first account is used, and does something.
async fn break_glass(stage: &mut Stage) -> Result<(), Failure> {
    heading("1. What the proof says")?;
    let tenant = stage.twin.collect().await?;
    stage.prove(&tenant)?;
    heading("2. Somebody types a wrong password, then the key opens the account")?;
    let (id, upn) = stage.account(0)?;
    stage.sign_in(&upn, With::Password("Summer2026!")).await?;
    let ended = stage.sign_in(&upn, With::Key("")).await?;
    expect(
        ended.is_in,
        "the key did not open the account, although the proof says so",
    )?;
    heading("3. The account switches a policy off")?;
    let (policy, name) = policy(&tenant, "CA006")?;
    stage.change(
        &id,
        "PATCH",
        &format!("identity/conditionalAccess/policies/{policy}"),
        Some(json!({"state": "disabled"})),
        &format!("{name} is switched off"),
    )?;
    let told = stage.told().await?;
    expect(!told.is_empty(), "nobody was told of the change")?;
    heading("4. What the people on call received")?;
    stage.first_mail().await
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
        "POST",
        "identity/conditionalAccess/policies",
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
                "DELETE",
                &path,
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

impl Stage {
    fn account(&self, number: usize) -> Result<(ObjectId, String), Failure> {
        self.accounts
            .get(number)
            .cloned()
            .ok_or_else(|| Failure::broke("the register has too few accounts"))
    }

    /// Says whether each account gets in; how many do not.
    fn prove(&self, snapshot: &TenantSnapshot) -> Result<usize, Failure> {
        let tenant = Tenant::read(snapshot);
        let engine = Engine::new(&tenant.policies, &tenant.environment, Enforce::Enabled);
        let people = People::new(snapshot, &[&tenant]);
        let options = Options::default();
        let prover = Prover::new(&engine, &options);
        let mut locked = 0;
        for (id, upn) in &self.accounts {
            let identity = people.identity(id);
            let proof = prover.account(
                &engine.subject(&identity),
                &vec![false; tenant.policies.len()],
            );
            let word = match proof.verdict {
                Verdict::GetsIn => "GETS IN",
                Verdict::LockedOut => {
                    locked += 1;
                    "LOCKED OUT"
                }
                Verdict::CannotTell => "CANNOT TELL",
            };
            let blame: Vec<&str> = proof
                .blame
                .iter()
                .filter_map(|place| Some(tenant.policies.get(*place)?.name.as_str()))
                .collect();
            let why = if blame.is_empty() {
                String::new()
            } else {
                format!(": {}", blame.join(", "))
            };
            say(&format!("  {word:11}  {upn}{why}\n"))?;
        }
        Ok(locked)
    }

    /// Signs in, says how it ended, and waits until somebody was told.
    async fn sign_in(&mut self, upn: &str, with: With<'_>) -> Result<Ended, Failure> {
        let ip: IpAddr = ABROAD
            .0
            .parse()
            .map_err(|_| Failure::broke("the address of the story is none"))?;
        let ended = self.twin.running.lab().sign_in(&Act {
            upn,
            with,
            ip,
            country: ABROAD.1,
        });
        let what = match with {
            With::Password(_) => "a password".to_owned(),
            With::Key("") => "a security key".to_owned(),
            With::Key(label) => format!("the key {label}"),
        };
        let how = if ended.is_in {
            "it is in".to_owned()
        } else if ended.policies.is_empty() {
            format!("refused: {}", ended.reason)
        } else {
            format!(
                "refused (AADSTS{}) by {}",
                ended.code,
                ended.policies.join(", ")
            )
        };
        say(&wrapped(&format!("{upn} tries {what}: {how}"), "  "))?;
        self.told().await?;
        tokio::time::sleep(self.pause).await;
        Ok(ended)
    }

    fn change(
        &self,
        by: &ObjectId,
        method: &str,
        path: &str,
        body: Option<Value>,
        done: &str,
    ) -> Result<(), Failure> {
        self.twin
            .running
            .lab()
            .change_as(by.as_str(), method, path, body)
            .map_err(|(status, message)| {
                Failure::broke(format!(
                    "the twin refused {method} {path} with {status}: {message}"
                ))
            })?;
        say(&format!("  {done}\n"))
    }

    /// The signals until nothing more comes, each with the mail about it.
    async fn told(&mut self) -> Result<Vec<Signal>, Failure> {
        let since = Stopwatch::start();
        let mut told = Vec::new();
        while let Ok(Some(signal)) = tokio::time::timeout(QUIET, self.monitor.signals.recv()).await
        {
            say(&format!(
                "    {:8} {}\n             told {} ms after it happened\n",
                signal.kind.as_str(),
                wrapped(&signal.summary, "             ").trim(),
                since.elapsed().as_millis()
            ))?;
            told.push(signal);
        }
        Ok(told)
    }

    async fn first_mail(&mut self) -> Result<(), Failure> {
        let mail = within(self.monitor.mails.recv(), "the mail").await?;
        say(&quoted(&mail)?)
    }
}

fn expect(is_so: bool, otherwise: &str) -> Result<(), Failure> {
    if is_so {
        Ok(())
    } else {
        Err(Failure::broke(otherwise))
    }
}

fn policy(tenant: &TenantSnapshot, start: &str) -> Result<(String, String), Failure> {
    tenant
        .policies
        .iter()
        .find_map(|policy| {
            let name = policy.display_name.clone()?;
            name.starts_with(start)
                .then(|| Some((policy.id.as_ref()?.to_string(), name)))
                .flatten()
        })
        .ok_or_else(|| Failure::broke(format!("the tenant has no policy {start}")))
}

/// An everyday administrator who holds Global Administrator now.
fn administrator(tenant: &TenantSnapshot) -> Result<ObjectId, Failure> {
    tenant
        .active_assignments
        .iter()
        .filter(|own| tenant.is_global_administrator(&own.role))
        .map(|own| own.principal.clone())
        .find(|id| {
            let user = tenant.user(id);
            user.and_then(|user| user.upn.as_ref())
                .is_some_and(|upn| !upn.as_str().to_lowercase().starts_with("breakglass"))
        })
        .ok_or_else(|| Failure::broke("the tenant has no everyday administrator"))
}

/// Id of a key that is registered under a label.
fn registered(tenant: &TenantSnapshot, user: &ObjectId, label: &str) -> Option<String> {
    let methods = tenant.user(user)?.methods.get()?;
    methods
        .iter()
        .find(|method| method.name.as_deref() == Some(label))
        .and_then(|method| method.id.clone())
}
