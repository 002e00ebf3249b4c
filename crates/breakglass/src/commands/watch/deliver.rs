//! Reading with a store behind it and a sender beside it.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use breakglass_alert::{Jitter, Sender, Settings as MessageSettings};
use breakglass_model::Clock;
use breakglass_store::{DeliveryState, Store};
use breakglass_watch::Source;
use jiff::SignedDuration;

use super::read::{Reader, Tally};
use crate::{
    channels,
    cli::WatchArgs,
    failure::{Failure, exit},
    interrupted, runtime, settings,
    settings::Settings,
};

/// What marks the leases of this machine's runs, so that those of a run that was killed are freed at once.
fn owner_prefix() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("watch-{}-", host.trim())
}

/// Frees what a killed run of this machine had claimed, instead of waiting for its leases to end.
async fn free_claims_of_the_dead(store: &Store, clock: &dyn Clock) -> Result<(), Failure> {
    let prefix = owner_prefix();
    let open = store.outbox(true).await.map_err(settings::store_failed)?;
    let owners: BTreeSet<String> = open
        .into_iter()
        .filter_map(|status| match status.state {
            DeliveryState::Leased { owner, .. } => Some(owner),
            _ => None,
        })
        .collect();
    for owner in owners {
        let process = owner
            .strip_prefix(&prefix)
            .and_then(|rest| rest.split(['-', '/', ':']).next());
        let gone = process
            .and_then(|process| process.parse::<u32>().ok())
            .is_some_and(|process| {
                Path::new("/proc/self").exists() && !Path::new(&format!("/proc/{process}")).exists()
            });
        if gone {
            store
                .release(&owner, clock.now())
                .await
                .map_err(settings::store_failed)?;
        }
    }
    Ok(())
}

pub(super) struct Outcome {
    pub(super) tally: Tally,
    pub(super) read: Result<(), Failure>,
    pub(super) open: Vec<String>,
}

/// Reads with a store behind it and a sender beside it.
pub(super) fn alerting(
    args: &WatchArgs,
    settings: &Settings,
    reader: &Reader<'_>,
    sources: Vec<Source>,
    clock: &Arc<dyn Clock>,
    stop: &Arc<AtomicBool>,
) -> Result<Outcome, Failure> {
    let channels = channels::build(&settings.channels()?, clock)?;
    if channels.is_empty() {
        return Err(
            Failure::usage("no alert channel is configured, so nobody would be told").help(
                "add `[[channel]]` to breakglass.toml, or only print signals with --no-alert",
            ),
        );
    }
    let names: Vec<String> = channels
        .iter()
        .map(|channel| channel.name().to_owned())
        .collect();
    let runtime = runtime()?;
    let store = runtime.block_on(settings.open_store(&args.store, true))?;
    let message = MessageSettings {
        time_zone: settings.time_zone(),
        runbook: None,
    };
    runtime.block_on(free_claims_of_the_dead(&store, &**clock))?;
    let owner = format!(
        "{}{}-{}",
        owner_prefix(),
        std::process::id(),
        uuid::Uuid::new_v4()
    );
    let seed = u64::from(std::process::id());
    let sender = Arc::new(Sender::new(
        store.clone(),
        owner,
        channels,
        message,
        Arc::clone(clock),
        Jitter::seeded(seed),
    ));
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let sending = runtime.spawn({
        let sender = Arc::clone(&sender);
        async move {
            sender
                .run(async {
                    // The other end being dropped means the same as a word: stop.
                    let _stopped = ended.await;
                })
                .await
        }
    });
    runtime.spawn({
        let stop = Arc::clone(stop);
        async move {
            interrupted().await;
            if stop.swap(true, Ordering::SeqCst) {
                return;
            }
            crate::output::tell!(
                "stopping: delivering what is open; interrupt again to leave it to the next run"
            );
            interrupted().await;
            std::process::exit(i32::from(exit::BROKE));
        }
    });
    let (tally, read) = reader.read(
        sources,
        Some((store.clone(), runtime.handle().clone())),
        &names,
    );
    let _stopped = end.send(());
    let open = runtime.block_on(async {
        if let Ok(Err(error)) = sending.await {
            crate::output::tell!("warning: sending stopped: {error}");
        }
        let until = clock.now()
            + SignedDuration::from_secs(
                i64::try_from(args.drain)
                    .unwrap_or(i64::MAX / 2)
                    .min(86_400),
            );
        let drained = sender.drain(until).await.map_err(|error| error.to_string());
        // What waits for a channel that is no longer configured is open too, and nobody sends it.
        let open = match drained {
            Ok(_) => store.outbox(true).await.map_err(|error| error.to_string()),
            Err(error) => Err(error),
        };
        store.close().await;
        open
    });
    let open = match open {
        Ok(open) => open
            .iter()
            .map(|status| {
                let why = if names.contains(&status.channel) {
                    match (&status.last_error, status.attempts) {
                        (Some(error), _) => error.as_str(),
                        (None, 0) => "not tried yet",
                        (None, _) => "claimed by a run that was interrupted; it is free again within two minutes",
                    }
                } else {
                    "this channel is not in the configuration any more; name one so again, and it is sent"
                };
                format!(
                    "alert {} through {}: {why} ({} tries)",
                    status.alert_id, status.channel, status.attempts
                )
            })
            .collect(),
        Err(error) => vec![format!("the outbox could not be read: {error}")],
    };
    Ok(Outcome { tally, read, open })
}

/// Ends the reading at the first interrupt, so that the counts are told; the second one ends the program.
pub(super) fn end_on_interrupt(stop: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        // Without a runtime the first interrupt ends the program, as it does everywhere else.
        if let Ok(runtime) = runtime {
            runtime.block_on(interrupted());
            stop.store(true, Ordering::SeqCst);
            runtime.block_on(interrupted());
            std::process::exit(i32::from(exit::BROKE));
        }
    });
}
