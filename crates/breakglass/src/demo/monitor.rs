//! The monitor of the demo: the filter, store, outbox and SMTP channel of production, on a log file of its own.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use breakglass_alert::{
    Channel, Jitter, Sender, Settings as MessageSettings,
    channels::{MailTls, Smtp, SmtpConfig},
};
use breakglass_model::{Clock as _, Signal};
use breakglass_store::Store;
use breakglass_watch::{Event, Options, Scan, Source, sources::Follow};
use jiff::tz::TimeZone;
use tokio::sync::{mpsc, oneshot};

use super::catcher;
use crate::{
    clock::SystemClock,
    failure::Failure,
    pipeline::{Intake, displays},
    settings, watched,
};

/// A monitor that runs.
pub(super) struct Monitor {
    pub(super) address: std::net::SocketAddr,
    pub(super) store: Store,
    pub(super) signals: mpsc::UnboundedReceiver<Signal>,
    pub(super) mails: mpsc::UnboundedReceiver<catcher::Caught>,
    stop: Arc<AtomicBool>,
    end: oneshot::Sender<()>,
    sending: tokio::task::JoinHandle<Result<(), breakglass_alert::SenderError>>,
    reading: JoinHandle<Result<(), Failure>>,
    catching: tokio::task::JoinHandle<()>,
}

impl Monitor {
    /// Watches the accounts of a built-in tenant in a log that grows.
    pub(super) async fn start(
        folder: &Path,
        log: &Path,
        tenant: &'static str,
    ) -> Result<Self, Failure> {
        std::fs::write(log, "").map_err(|error| {
            Failure::broke(format!("`{}` could not be written: {error}", log.display()))
        })?;
        let (address, mails, catching) = catcher::start().await.map_err(|error| {
            Failure::broke(format!(
                "the mail catcher could not listen on loopback: {error}"
            ))
        })?;
        let url = format!("sqlite:{}", folder.join("breakglass.db").display());
        let store = Store::open(&url).await.map_err(settings::store_failed)?;
        let smtp = Smtp::new(SmtpConfig {
            name: "mail".to_owned(),
            host: address.ip().to_string(),
            port: address.port(),
            tls: MailTls::NoneLoopback,
            login: None,
            extra_roots: None,
            from: "breakglass@watcher.example".to_owned(),
            to: vec!["soc@other.example".to_owned()],
            timeout: Duration::from_secs(10),
        })
        .map_err(|error| Failure::broke(format!("the mail channel could not be built: {error}")))?;
        let channels: Vec<Arc<dyn Channel>> = vec![Arc::new(smtp)];
        let sender = Sender::new(
            store.clone(),
            "demo",
            channels,
            MessageSettings {
                time_zone: TimeZone::system(),
                runbook: None,
            },
            Arc::new(SystemClock),
            Jitter::seeded(1),
        );
        let (end, ended) = oneshot::channel::<()>();
        let sending = tokio::spawn(async move {
            sender
                .run(async {
                    // A dropped sender half means stop as well.
                    let _stopped = ended.await;
                })
                .await
        });
        let stop = Arc::new(AtomicBool::new(false));
        let (reading, signals) = read(log.to_path_buf(), store.clone(), Arc::clone(&stop), tenant);
        Ok(Self {
            address,
            store,
            signals,
            mails,
            stop,
            end,
            sending,
            reading,
            catching,
        })
    }

    /// Stops everything, in the order in which nothing is lost.
    pub(super) async fn stop(self) -> Result<(), Failure> {
        self.stop.store(true, Ordering::SeqCst);
        let _stopped = self.end.send(());
        if let Ok(Err(error)) = self.sending.await {
            return Err(Failure::broke(format!("sending stopped: {error}")));
        }
        self.reading
            .join()
            .map_err(|_| Failure::broke("the reader stopped unexpectedly"))??;
        self.catching.abort();
        self.store.close().await;
        Ok(())
    }
}

/// The reader: a plain thread that follows the log, as `watch --follow` does.
fn read(
    log: PathBuf,
    store: Store,
    stop: Arc<AtomicBool>,
    tenant: &'static str,
) -> (
    JoinHandle<Result<(), Failure>>,
    mpsc::UnboundedReceiver<Signal>,
) {
    let handle = tokio::runtime::Handle::current();
    let (seen, signals) = mpsc::unbounded_channel();
    let reading = std::thread::spawn(move || {
        let clock = SystemClock;
        let named = watched::Named {
            accounts: &[],
            register: None,
            tenant: Some(tenant),
        };
        let watched = watched::build(&named, &settings::Settings::default(), clock.now())?;
        let mut intake = Intake {
            store: Some((store, handle)),
            channels: vec!["mail".to_owned()],
            displays: displays(&watched.list),
            clock: &clock,
            known: 0,
        };
        let mut scan = Scan::new(
            &watched.list,
            &clock,
            Options {
                tenant: watched.tenant,
                ..Options::default()
            },
        );
        let follow = Some(Follow {
            every: Duration::from_millis(50),
            stop,
        });
        scan.run(
            Source::File {
                path: log,
                start: 0,
                follow,
            },
            &mut |event| {
                if let Event::Signal(detected) = event {
                    intake.signal(&detected, &mut std::io::sink())?;
                    // The story waits for each signal; when it has ended, nobody does.
                    let _heard = seen.send(detected.signal);
                }
                Ok(())
            },
        )
        .map_err(|error| Failure::broke(error.to_string()))
    });
    (reading, signals)
}
