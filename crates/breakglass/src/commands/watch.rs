//! `watch`: the monitor in the foreground.

mod deliver;
mod read;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Duration,
};

use breakglass_model::{Clock, SetAside};
use breakglass_watch::{Source, WatchList, sources::Follow};
use schemars::JsonSchema;
use serde::Serialize;

use self::{
    deliver::{alerting, end_on_interrupt},
    read::{Reader, Tally, followed},
};
use crate::{
    cli::WatchArgs,
    clock,
    config::SourceConfig,
    failure::{Failure, exit},
    file,
    head::Head,
    input::not_opened,
    settings,
    settings::Settings,
    watched,
};

/// How often a followed file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

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

/// Runs the command.
pub fn run(args: &WatchArgs) -> Result<u8, Failure> {
    if let Some(path) = &args.summary {
        let kind = file::Kind {
            noun: "a summary of a run",
            mark: "\"schema\":\"breakglass/watch-summary/",
            inputs: &[
                ("--register", args.register.as_deref()),
                ("--tenant", args.tenant.as_deref().map(Path::new)),
                ("--config", args.common.config.as_deref()),
            ],
        };
        file::only_over("--summary", path, &kind)?;
    }
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
                crate::output::tell!("not delivered yet: {line}");
            }
            crate::output::tell!(
                "these alerts stay in the store; the next run with the same store sends them"
            );
        }
    }
    say(&summary);
    if let Some(path) = &args.summary {
        let text = crate::output::json(&summary)?;
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
