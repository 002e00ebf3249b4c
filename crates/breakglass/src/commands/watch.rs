//! `watch`: the monitor in the foreground.

use std::{
    collections::{BTreeSet, HashSet},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use breakglass_alert::{Jitter, Sender, Settings as MessageSettings};
use breakglass_model::{Clock, SetAside, signal::Detected};
use breakglass_store::DeliveryState;
use breakglass_watch::{
    Counts, Event, Options, Scan, Source, WatchError, WatchList, sources::Follow,
};
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::runtime::Handle;

use crate::{
    channels,
    cli::WatchArgs,
    clock,
    config::SourceConfig,
    failure::{Failure, exit},
    head::Head,
    input::not_opened,
    pipeline::{Intake, Refused, displays},
    runtime, settings,
    settings::Settings,
    watched,
};

/// How often a followed file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How many set-aside pieces are listed by name.
const LISTED: usize = 20;

/// Counts of a run, schema `breakglass/watch-summary/v1`. `rows` = `skipped` + `signals` + `folded` + `set_aside`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WatchSummary {
    #[serde(flatten)]
    head: Head,
    /// Records met.
    rows: u64,
    /// Records about others.
    skipped: u64,
    /// Records that became signals.
    signals: u64,
    /// Copies of a record that was a signal before.
    folded: u64,
    /// Records that could not be understood and name nobody.
    set_aside: u64,
    /// Signals whose record cannot be parsed.
    unreadable: u64,
    /// Bytes read, unpacked.
    bytes: u64,
    /// The first pieces that were set aside.
    set_aside_list: Vec<SetAside>,
    /// Alerts that no channel has accepted yet.
    undelivered: usize,
    /// Kinds of change that cannot be seen with what was given.
    blind_spots: Vec<String>,
}

/// What several readers add up to.
#[derive(Default)]
struct Tally {
    counts: Counts,
    known: u64,
    set_aside: Vec<SetAside>,
}

/// Runs the command.
pub fn run(args: &WatchArgs) -> Result<u8, Failure> {
    let clock: Arc<dyn Clock> = Arc::from(clock::clock(args.common.at));
    let settings = settings::load(args.common.config.as_deref())?;
    let watched = watched::build(
        &watched::Named {
            accounts: &args.accounts,
            register: args.register.as_deref(),
            tenant: args.tenant.as_deref(),
        },
        &settings,
        clock.now(),
    )?;
    let stop = Arc::new(AtomicBool::new(false));
    let sources = sources(args, &settings, &stop)?;
    let named = sources.iter().filter_map(|source| match source {
        Source::File { path, .. } => Some(path),
        _ => None,
    });
    // A monitor that starts with a source missing would look healthy: better not to start.
    for path in named {
        match std::fs::metadata(path) {
            Ok(about) if about.is_dir() => {
                return Err(Failure::usage(format!(
                    "the source `{}` is a directory",
                    path.display()
                ))
                .help("name the files in it, one --source each"));
            }
            Ok(_) => {}
            Err(error) => {
                return Err(not_opened("the source", path, &error).usage_code().help(
                    "check the path; to follow a file that is not there yet, create it empty",
                ));
            }
        }
    }
    let reader = Reader {
        list: &watched.list,
        tenant: watched.tenant,
        clock: &*clock,
        follow: followed(&sources),
        stop: &stop,
        seen: Mutex::default(),
    };
    let head = Head::new("watch-summary", clock.now(), &settings);
    let mut summary;
    let mut code = exit::CLEAN;
    let read;
    if args.no_alert {
        if reader.follow {
            end_on_interrupt(Arc::clone(&stop));
        }
        let (tally, result) = reader.read(sources, None, &[]);
        (summary, read) = (summarise(tally, &watched.list, head), result);
    } else {
        let outcome = alerting(args, &settings, &reader, sources, &clock, &stop)?;
        (summary, read) = (summarise(outcome.tally, &watched.list, head), outcome.read);
        summary.undelivered = outcome.open.len();
        if !outcome.open.is_empty() {
            code = exit::BROKE;
            for line in &outcome.open {
                eprintln!("not delivered yet: {line}");
            }
            eprintln!(
                "these alerts stay in the store; the next run with the same store sends them"
            );
        }
    }
    say(&summary);
    if let Some(path) = &args.summary {
        let text = serde_json::to_string_pretty(&summary).map_err(|error| {
            Failure::broke(format!("the summary could not be written: {error}"))
        })?;
        std::fs::write(path, text).map_err(|error| {
            Failure::broke(format!(
                "the summary `{}` could not be written: {}",
                path.display(),
                crate::input::plain(&error)
            ))
        })?;
    }
    read?;
    Ok(if code == exit::CLEAN && summary.set_aside > 0 {
        exit::CANNOT_TELL
    } else {
        code
    })
}

/// The sources of the command line, else those of the configuration.
fn sources(
    args: &WatchArgs,
    settings: &Settings,
    stop: &Arc<AtomicBool>,
) -> Result<Vec<Source>, Failure> {
    let file = |path: PathBuf, follow: bool| Source::File {
        path,
        start: 0,
        follow: (follow || args.follow).then(|| Follow {
            every: LOOK_EVERY,
            stop: Arc::clone(stop),
        }),
    };
    let mut sources = Vec::new();
    for text in &args.sources {
        sources.push(match text.strip_prefix("file:") {
            Some("") => {
                return Err(Failure::usage("a --source names no file")
                    .help("write it like file:/var/log/signins.ndjson"));
            }
            Some(path) => file(path.into(), false),
            None if text == "-" => Source::Stdin,
            None if matches!(text.as_str(), "graph" | "log-analytics" | "kafka") => {
                return Err(
                    Failure::usage(format!("this version does not read `{text}`"))
                        .help("export the logs to a file, or pipe them in: --source -"),
                );
            }
            None if text.is_empty() => {
                return Err(Failure::usage("a --source is empty")
                    .help("name a file, or - for standard input"));
            }
            None => file(text.into(), false),
        });
    }
    if sources.is_empty() {
        for source in &settings.config.sources {
            match source {
                SourceConfig::Files { paths, follow } => {
                    sources.extend(paths.iter().map(|path| file(path.clone(), *follow)));
                }
                SourceConfig::Stdin => sources.push(Source::Stdin),
            }
        }
    }
    if sources.is_empty() {
        return Err(Failure::usage("nothing to read was given")
            .help("name a file with --source file:<path>, or pipe logs in with --source -"));
    }
    Ok(sources)
}

fn followed(sources: &[Source]) -> bool {
    sources.iter().any(|source| {
        matches!(
            source,
            Source::File {
                follow: Some(_),
                ..
            }
        )
    })
}

struct Reader<'a> {
    list: &'a WatchList,
    tenant: Option<String>,
    clock: &'a dyn Clock,
    follow: bool,
    stop: &'a AtomicBool,
    /// Signals met without a store, so that copies in several followed files are folded.
    seen: Mutex<HashSet<(String, String)>>,
}

impl Reader<'_> {
    fn is_new(&self, detected: &Detected) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert((detected.signal.id.clone(), detected.signal.version.clone()))
    }

    /// Reads every source: one after the other, or side by side when they are followed.
    fn read(
        &self,
        sources: Vec<Source>,
        store: Option<(breakglass_store::Store, Handle)>,
        channels: &[String],
    ) -> (Tally, Result<(), Failure>) {
        let tally = Mutex::new(Tally::default());
        let result = if self.follow {
            std::thread::scope(|scope| {
                let readers: Vec<_> = sources
                    .into_iter()
                    .map(|source| {
                        let (store, tally) = (store.clone(), &tally);
                        scope.spawn(move || self.scan(vec![source], store, channels, tally))
                    })
                    .collect();
                readers
                    .into_iter()
                    .map(|reader| {
                        reader.join().unwrap_or_else(|_| {
                            Err(Failure::broke("a reader stopped unexpectedly"))
                        })
                    })
                    // Every reader is waited for, then the first failure is told.
                    .collect::<Vec<_>>()
                    .into_iter()
                    .collect()
            })
        } else {
            self.scan(sources, store, channels, &tally)
        };
        (
            tally.into_inner().unwrap_or_else(PoisonError::into_inner),
            result,
        )
    }

    fn scan(
        &self,
        sources: Vec<Source>,
        store: Option<(breakglass_store::Store, Handle)>,
        channels: &[String],
        tally: &Mutex<Tally>,
    ) -> Result<(), Failure> {
        let mut intake = Intake {
            store,
            channels: channels.to_vec(),
            displays: displays(self.list),
            clock: self.clock,
            known: 0,
        };
        let mut scan = Scan::new(
            self.list,
            self.clock,
            Options {
                tenant: self.tenant.clone(),
                ..Options::default()
            },
        );
        let mut aside = Vec::new();
        let mut result = Ok(());
        for source in sources {
            let ended = scan.run(source, &mut |event| {
                match event {
                    Event::Signal(detected) => {
                        if intake.store.is_none() && !self.is_new(&detected) {
                            intake.known += 1;
                            return Ok(());
                        }
                        intake.signal(&detected, &mut io::stdout().lock())?;
                    }
                    Event::SetAside(piece) => {
                        intake.set_aside(&piece)?;
                        if aside.len() < LISTED {
                            aside.push(piece);
                        }
                    }
                }
                Ok(())
            });
            // What is left to read is read, whatever happened to one source; the first failure is told at the
            // end, and at once when others go on, so that a monitor that lost a source does not look healthy.
            if let Err(error) = ended {
                if reader_has_gone(&error) {
                    break;
                }
                let stopped = matches!(error, WatchError::Stopped(_));
                let failure = scan_failed(error);
                if self.follow {
                    eprintln!("{failure}");
                    if stopped {
                        self.stop.store(true, Ordering::SeqCst);
                    }
                }
                if result.is_ok() {
                    result = Err(failure);
                } else if !self.follow {
                    eprintln!("{failure}");
                }
                if stopped {
                    break;
                }
            }
        }
        let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = scan.counts();
        tally.counts.rows += counts.rows;
        tally.counts.skipped += counts.skipped;
        tally.counts.signals += counts.signals;
        tally.counts.folded += counts.folded;
        tally.counts.set_aside += counts.set_aside;
        tally.counts.unreadable += counts.unreadable;
        tally.counts.bytes += counts.bytes;
        tally.known += intake.known;
        tally.set_aside.extend(aside);
        result
    }
}

/// Whether reading stopped because nobody reads the lines any more (`| head`): an end, not a failure.
fn reader_has_gone(error: &WatchError) -> bool {
    match error {
        WatchError::Stopped(reason) => match reason.downcast_ref::<Refused>() {
            Some(Refused::Output(error)) => error.kind() == io::ErrorKind::BrokenPipe,
            _ => false,
        },
        _ => false,
    }
}

/// What marks the leases of this machine's runs, so that those of a run that was killed are freed at once.
fn owner_prefix() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("watch-{}-", host.trim())
}

/// Frees what a killed run of this machine had claimed, instead of waiting for its leases to end.
async fn free_claims_of_the_dead(
    store: &breakglass_store::Store,
    clock: &dyn Clock,
) -> Result<(), Failure> {
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

fn scan_failed(error: WatchError) -> Failure {
    match error {
        WatchError::Open { .. } => Failure::usage(error.to_string()),
        WatchError::Read { .. } => Failure::cannot_tell(error.to_string()),
        WatchError::Stopped(reason) => match reason.downcast::<Refused>() {
            Ok(refused) => match *refused {
                Refused::Store(error) => settings::store_failed(error),
                other => Failure::broke(other.to_string()),
            },
            Err(other) => Failure::broke(format!("reading stopped: {other}")),
        },
    }
}

struct Outcome {
    tally: Tally,
    read: Result<(), Failure>,
    open: Vec<String>,
}

/// Reads with a store behind it and a sender beside it.
fn alerting(
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
            eprintln!(
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
            eprintln!("warning: sending stopped: {error}");
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
fn end_on_interrupt(stop: Arc<AtomicBool>) {
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

/// Waits for an interrupt or a request to end.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn summarise(tally: Tally, list: &WatchList, head: Head) -> WatchSummary {
    let counts = tally.counts;
    WatchSummary {
        head: head.not_read("changes", &list.blind_spots()),
        rows: counts.rows,
        skipped: counts.skipped,
        // What the store knew from an earlier run is a copy, like one within this run.
        signals: counts.signals.saturating_sub(tally.known),
        folded: counts.folded + tally.known,
        set_aside: counts.set_aside,
        unreadable: counts.unreadable,
        bytes: counts.bytes,
        set_aside_list: tally.set_aside,
        undelivered: 0,
        blind_spots: list.blind_spots(),
    }
}

fn say(summary: &WatchSummary) {
    let mut text = format!(
        "read {} {} ({}): {} {}, {} folded, {} skipped, {} set aside\n",
        summary.rows,
        if summary.rows == 1 { "row" } else { "rows" },
        size(summary.bytes),
        summary.signals,
        if summary.signals == 1 {
            "signal"
        } else {
            "signals"
        },
        summary.folded,
        summary.skipped,
        summary.set_aside,
    );
    for piece in &summary.set_aside_list {
        text.push_str(&format!(
            "  set aside: {}, {}: {}\n",
            piece.file, piece.position, piece.reason
        ));
    }
    let listed = u64::try_from(summary.set_aside_list.len()).unwrap_or(u64::MAX);
    if summary.set_aside > listed {
        text.push_str(&format!("  and {} more\n", summary.set_aside - listed));
    }
    if !summary.blind_spots.is_empty() {
        text.push_str("not seen with what was given (a register and a tenant export tell more):\n");
        for spot in &summary.blind_spots {
            text.push_str(&format!("  {spot}\n"));
        }
    }
    // Nothing can be done about a closed standard error.
    let _written = io::stderr().lock().write_all(text.as_bytes());
}

#[allow(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["B", "kB", "MB", "GB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{bytes} B")
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}
