//! Starting and stopping the twin.
//!
//! Invariants:
//! - nothing listens anywhere but on a loopback address, whatever the configuration says;
//! - every listener is bound before the first one answers, so that the addresses in [`Running`] are whole;
//! - all listeners end with [`Running::stop`] or when [`Running`] is dropped.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use axum_server::{Handle, tls_rustls::RustlsConfig};
use breakglass_model::Clock;
use jiff::SignedDuration;
use serde_json::Value;

use crate::{
    Addresses, App, Lab, State, admin, apps, certificate, gateway, portal, signin,
    tokens::{self, Keys},
};

/// What passkeys of the public cloud are bound to.
pub(crate) const RP_ID: &str = "login.microsoft.com";

/// Ports to listen on; 0 takes any that is free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// Tokens and sign-in page.
    pub login: u16,
    /// Microsoft Graph.
    pub graph: u16,
    /// Azure Resource Manager.
    pub arm: u16,
    /// Log Analytics.
    pub logs: u16,
    /// Faults and snapshot.
    pub admin: u16,
}

/// What a twin is started with.
pub struct Config {
    /// The tenant (`breakglass/snapshot/v1`).
    pub snapshot: Value,
    /// The clock of the service.
    pub clock: Arc<dyn Clock>,
    /// Address to listen on; anything but a loopback address is refused.
    pub host: IpAddr,
    /// Ports to listen on.
    pub ports: Ports,
    /// App registrations; [`crate::default_apps`] unless others are given.
    pub apps: Vec<App>,
    /// Further names for the certificate.
    pub names: Vec<String>,
    /// The id that passkeys are bound to (WebAuthn's `rp.id`).
    pub rp_id: String,
    /// A fixed delay of log records under [`crate::Fault::LogDelay`], in place of the spread that was measured.
    pub log_delay: Option<SignedDuration>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("host", &self.host)
            .field("ports", &self.ports)
            .field("apps", &self.apps)
            .field("rp_id", &self.rp_id)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// A twin of this tenant on any free ports, with the default apps, whose passkeys are bound to `login.microsoft.com`.
    pub fn new(snapshot: Value, clock: Arc<dyn Clock>) -> Self {
        Self {
            snapshot,
            clock,
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ports: Ports::default(),
            apps: apps::default_apps(),
            names: Vec::new(),
            rp_id: RP_ID.to_owned(),
            log_delay: None,
        }
    }
}

/// Why a twin did not start, or did not end as it should.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The tenant can't be served.
    #[error("the tenant can't be served: {0}")]
    Snapshot(#[from] crate::NotASnapshot),
    /// The address is not a loopback address.
    #[error("{0} is not a loopback address: the twin is never offered to a network")]
    NotLoopback(IpAddr),
    /// An address can't be listened on.
    #[error("can't listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// No certificate could be made.
    #[error("no certificate could be made: {0}")]
    Certificate(String),
    /// No key for tokens could be made.
    #[error("no key for tokens could be made")]
    Keys,
    /// A listener ended with an error.
    #[error("a listener of the twin failed: {0}")]
    Listener(String),
}

/// A twin that answers.
#[derive(Debug)]
pub struct Running {
    /// Where it answers.
    pub addresses: Addresses,
    /// The certificate authority that clients must trust (PEM).
    pub ca_pem: String,
    /// The app registrations that it knows.
    pub apps: Vec<App>,
    lab: Arc<Lab>,
    handles: Vec<Handle<SocketAddr>>,
    tasks: Vec<tokio::task::JoinHandle<io::Result<()>>>,
}

fn bind(host: IpAddr, port: u16) -> Result<(TcpListener, u16), LabError> {
    if !host.is_loopback() {
        return Err(LabError::NotLoopback(host));
    }
    let address = SocketAddr::new(host, port);
    let failed = |error| LabError::Listen { address, error };
    let listener = TcpListener::bind(address).map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    Ok((listener, port))
}

impl Lab {
    /// Starts a twin.
    ///
    /// # Errors
    /// When the snapshot is none, or an address can't be listened on.
    pub async fn start(config: Config) -> Result<Running, LabError> {
        let state = State::from_snapshot(config.snapshot)?;
        let certificate = certificate::generate(&config.names)?;
        let (login, login_port) = bind(config.host, config.ports.login)?;
        let (graph, graph_port) = bind(config.host, config.ports.graph)?;
        let (arm, arm_port) = bind(config.host, config.ports.arm)?;
        let (logs, logs_port) = bind(config.host, config.ports.logs)?;
        let (admin, admin_port) = bind(config.host, config.ports.admin)?;
        let secure = |port: u16| format!("https://localhost:{port}");
        let addresses = Addresses {
            login: secure(login_port),
            graph: secure(graph_port),
            arm: secure(arm_port),
            logs: secure(logs_port),
            admin: format!("http://{}", SocketAddr::new(config.host, admin_port)),
        };
        let keys = tokio::task::spawn_blocking(Keys::generate)
            .await
            .map_err(|_| LabError::Keys)?
            .map_err(|_| LabError::Keys)?;
        let lab = Arc::new(Self {
            rp_id: config.rp_id,
            log_delay: config.log_delay,
            ..Self::new(
                config.clock,
                state,
                addresses.clone(),
                config.apps.clone(),
                keys,
            )
        });

        let tls = RustlsConfig::from_config(certificate.config);
        let mut running = Running {
            addresses,
            ca_pem: certificate.ca_pem.clone(),
            apps: config.apps,
            lab: Arc::clone(&lab),
            handles: Vec::new(),
            tasks: Vec::new(),
        };
        let people = signin::routes(Arc::clone(&lab)).merge(portal::routes(Arc::clone(&lab)));
        running.serve(
            login,
            Some(&tls),
            tokens::routes(Arc::clone(&lab)).merge(people),
        )?;
        running.serve(graph, Some(&tls), gateway::graph(Arc::clone(&lab)))?;
        running.serve(arm, Some(&tls), gateway::arm(Arc::clone(&lab)))?;
        running.serve(logs, Some(&tls), gateway::logs(Arc::clone(&lab)))?;
        running.serve(admin, None, admin::routes(lab, certificate.ca_pem))?;
        Ok(running)
    }
}

impl Running {
    fn serve(
        &mut self,
        listener: TcpListener,
        tls: Option<&RustlsConfig>,
        routes: Router,
    ) -> Result<(), LabError> {
        let failed = |error: io::Error| LabError::Listener(error.to_string());
        let handle = Handle::new();
        let service = routes.into_make_service_with_connect_info::<SocketAddr>();
        let task = if let Some(tls) = tls {
            let server = axum_server::from_tcp_rustls(listener, tls.clone()).map_err(failed)?;
            tokio::spawn(server.handle(handle.clone()).serve(service))
        } else {
            let server = axum_server::from_tcp(listener).map_err(failed)?;
            tokio::spawn(server.handle(handle.clone()).serve(service))
        };
        self.handles.push(handle);
        self.tasks.push(task);
        Ok(())
    }

    /// The twin itself: its faults, its snapshot.
    pub const fn lab(&self) -> &Arc<Lab> {
        &self.lab
    }

    /// Ends all listeners; calls under way have two seconds to finish.
    ///
    /// # Errors
    /// When a listener had failed.
    pub async fn stop(mut self) -> Result<(), LabError> {
        for handle in &self.handles {
            handle.graceful_shutdown(Some(Duration::from_secs(2)));
        }
        for task in std::mem::take(&mut self.tasks) {
            task.await
                .map_err(|error| LabError::Listener(error.to_string()))?
                .map_err(|error| LabError::Listener(error.to_string()))?;
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for handle in &self.handles {
            handle.shutdown();
        }
    }
}
