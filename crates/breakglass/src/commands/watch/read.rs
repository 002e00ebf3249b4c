//! Reading the sources: one after the other, or side by side when they are followed.

use std::{
    collections::HashSet,
    io,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use breakglass_model::{Clock, SetAside, signal::Detected};
use breakglass_store::Store;
use breakglass_watch::{Counts, Event, Options, Scan, Source, WatchError, WatchList};
use tokio::runtime::Handle;

use crate::{
    failure::Failure,
    pipeline::{Intake, Refused, displays},
    settings,
};

/// How many set-aside pieces are listed by name.
const LISTED: usize = 20;

/// What several readers add up to.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) counts: Counts,
    pub(super) known: u64,
    pub(super) set_aside: Vec<SetAside>,
}

pub(super) fn followed(sources: &[Source]) -> bool {
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

pub(super) struct Reader<'a> {
    pub(super) list: &'a WatchList,
    pub(super) tenant: Option<String>,
    pub(super) clock: &'a dyn Clock,
    pub(super) follow: bool,
    pub(super) stop: &'a AtomicBool,
    /// Signals met without a store, so that copies in several followed files are folded.
    pub(super) seen: Mutex<HashSet<(String, String)>>,
}

impl Reader<'_> {
    fn is_new(&self, detected: &Detected) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert((detected.signal.id.clone(), detected.signal.version.clone()))
    }

    /// Reads every source: one after the other, or side by side when they are followed.
    pub(super) fn read(
        &self,
        sources: Vec<Source>,
        store: Option<(Store, Handle)>,
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
        store: Option<(Store, Handle)>,
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
                    crate::output::tell!("{failure}");
                    if stopped {
                        self.stop.store(true, Ordering::SeqCst);
                    }
                }
                if result.is_ok() {
                    result = Err(failure);
                } else if !self.follow {
                    crate::output::tell!("{failure}");
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
