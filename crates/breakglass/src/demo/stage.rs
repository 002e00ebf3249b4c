//! What the demo is played on: a twin in which everything really happens, and a monitor that learns of it from the log
//! that the twin exports.

use std::{
    fs::OpenOptions,
    io::Write as _,
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use breakglass_conditional_access::{
    Enforce, Engine,
    prove::{Options, Prover, Verdict},
    tenant::{People, Tenant},
};
use breakglass_lab::{Act, Ended, With};
use breakglass_model::{ObjectId, Signal, SignalKind, TenantSnapshot};
use serde_json::{Value, json};

use super::{count, monitor::Monitor, quoted, say, subject, twin::Twin, within, wrapped};
use crate::{clock::Stopwatch, commands::lab, failure::Failure};

/// How long nothing more may come before a scene is over.
const QUIET: Duration = Duration::from_millis(1500);
/// Where the accounts are used from: a documentation address (RFC 5737) in Germany.
const ABROAD: (&str, &str) = ("203.0.113.7", "DE");

/// What the demo is played on.
pub(super) struct Stage {
    pub(super) twin: Twin,
    pub(super) monitor: Monitor,
    exporting: tokio::task::JoinHandle<()>,
    folder: PathBuf,
    log: PathBuf,
    pause: Duration,
    /// Object id and user principal name of the accounts.
    pub(super) accounts: Vec<(ObjectId, String)>,
}

impl Stage {
    /// Starts the twin of a built-in tenant, and the monitor of its log.
    pub(super) async fn start(
        folder: &Path,
        log: &Path,
        tenant: &'static str,
        pause: Duration,
    ) -> Result<Self, Failure> {
        let twin = Twin::start(folder, tenant).await?;
        let monitor = Monitor::start(folder, log, tenant).await?;
        Ok(Self {
            exporting: lab::export(&twin.running, log)?,
            accounts: twin
                .register
                .accounts
                .iter()
                .filter_map(|account| {
                    Some((account.id.clone()?, account.upn.as_ref()?.to_string()))
                })
                .collect(),
            twin,
            monitor,
            folder: folder.to_path_buf(),
            log: log.to_path_buf(),
            pause,
        })
    }

    /// Another state of the same tenant takes the place of the first; the monitor goes on.
    pub(super) async fn change_tenant(&mut self, tenant: &str) -> Result<(), Failure> {
        let twin = Twin::start(&self.folder, tenant).await?;
        let exporting = lab::export(&twin.running, &self.log)?;
        std::mem::replace(&mut self.exporting, exporting).abort();
        std::mem::replace(&mut self.twin, twin).stop().await
    }

    /// Stops everything, in the order in which nothing is lost.
    pub(super) async fn end(self) -> Result<(), Failure> {
        self.exporting.abort();
        self.monitor.stop().await?;
        self.twin.stop().await
    }

    /// Time for reading.
    pub(super) async fn rest(&self) {
        tokio::time::sleep(self.pause).await;
    }

    /// Records reach the log, are read, and nobody is told.
    pub(super) async fn unnoticed(
        &mut self,
        records: &[String],
        otherwise: &str,
    ) -> Result<(), Failure> {
        self.append(records)?;
        let told = self.told().await?;
        expect(told.is_empty(), otherwise)?;
        say(&format!(
            "    {} read, no signal\n",
            count(records.len(), "record")
        ))?;
        self.rest().await;
        Ok(())
    }

    /// Writes records into the log that the twin did not export.
    fn append(&self, records: &[String]) -> Result<(), Failure> {
        let text: String = records.iter().map(|record| format!("{record}\n")).collect();
        OpenOptions::new()
            .append(true)
            .open(&self.log)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|error| {
                Failure::broke(format!(
                    "`{}` could not be written: {error}",
                    self.log.display()
                ))
            })
    }

    /// What the log holds so far.
    pub(super) fn records(&self) -> Result<Vec<String>, Failure> {
        let text = std::fs::read_to_string(&self.log).map_err(|error| {
            Failure::broke(format!(
                "`{}` could not be read: {error}",
                self.log.display()
            ))
        })?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    pub(super) fn account(&self, number: usize) -> Result<(ObjectId, String), Failure> {
        self.accounts
            .get(number)
            .cloned()
            .ok_or_else(|| Failure::broke("the register has too few accounts"))
    }

    /// Says whether each account gets in; how many do not.
    pub(super) fn prove(&self, snapshot: &TenantSnapshot) -> Result<usize, Failure> {
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
    pub(super) async fn sign_in(&mut self, upn: &str, with: With<'_>) -> Result<Ended, Failure> {
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
        self.rest().await;
        Ok(ended)
    }

    /// A security key opens an account.
    pub(super) async fn open_with_key(&mut self, upn: &str) -> Result<(), Failure> {
        let ended = self.sign_in(upn, With::Key("")).await?;
        expect(
            ended.is_in,
            "the key did not open the account, although the proof says so",
        )
    }

    /// An account switches a policy off, and somebody is told.
    pub(super) async fn switch_policy_off(
        &mut self,
        by: &ObjectId,
        tenant: &TenantSnapshot,
    ) -> Result<(), Failure> {
        let (policy, name) = policy(tenant, "CA006")?;
        let path = format!("identity/conditionalAccess/policies/{policy}");
        self.change(
            by,
            ("PATCH", &path),
            Some(json!({"state": "disabled"})),
            &format!("{name} is switched off"),
        )?;
        let told = self.told().await?;
        expect(
            told.iter().any(|signal| signal.kind == SignalKind::Act),
            "nobody was told of the change",
        )
    }

    /// Changes the tenant through the twin's Graph, and says what was done.
    pub(super) fn change(
        &self,
        by: &ObjectId,
        (method, path): (&str, &str),
        body: Option<Value>,
        done: &str,
    ) -> Result<(), Failure> {
        self.tried(by, (method, path), body)
            .map_err(|(status, message)| {
                Failure::broke(format!(
                    "the twin refused {method} {path} with {status}: {message}"
                ))
            })?;
        say(&format!("  {done}\n"))
    }

    /// Tries a change; the error is the status and the message of the refusal.
    pub(super) fn tried(
        &self,
        by: &ObjectId,
        (method, path): (&str, &str),
        body: Option<Value>,
    ) -> Result<(), (u16, String)> {
        self.twin
            .running
            .lab()
            .change_as(by.as_str(), method, path, body)
            .map(drop)
    }

    /// The signals until nothing more comes, each with the mail about it.
    pub(super) async fn told(&mut self) -> Result<Vec<Signal>, Failure> {
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

    /// The next mail whose subject says this, in a box.
    pub(super) async fn mail_about(&mut self, words: &str) -> Result<(), Failure> {
        loop {
            let mail = within(self.monitor.mails.recv(), "the mail").await?;
            if subject(&mail).is_some_and(|subject| subject.contains(words)) {
                return say(&quoted(&mail)?);
            }
        }
    }
}

pub(super) fn expect(is_so: bool, otherwise: &str) -> Result<(), Failure> {
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
pub(super) fn administrator(tenant: &TenantSnapshot) -> Result<ObjectId, Failure> {
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
