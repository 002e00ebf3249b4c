//! The twin of the demo, and what is read from it: through the same client as from a real tenant.

use std::path::{Path, PathBuf};

use breakglass_entra::collect::{self, Options};
use breakglass_lab::Running;
use breakglass_model::{Register, TenantSnapshot};

use crate::{
    cli::ConnectArgs,
    clock::{self, SystemClock},
    commands::lab::{self, Folder},
    connect,
    failure::Failure,
    input, settings,
};

/// A twin of a built-in tenant that runs.
pub(super) struct Twin {
    pub(super) running: Running,
    pub(super) register: Register,
    folder: PathBuf,
    /// Holds the claim on the directory.
    _claim: Folder,
}

impl Twin {
    /// Starts it. Its limits are off: the story would wait for them.
    pub(super) async fn start(folder: &Path, tenant: &str) -> Result<Self, Failure> {
        let served = lab::served(tenant)?;
        let folder = folder.join(format!("twin-{tenant}"));
        let claim = Folder::claim(&folder)?;
        let running = lab::start(served.snapshot, None, &["throttling=off".to_owned()]).await?;
        let text = served
            .register_toml
            .ok_or_else(|| Failure::broke("the built-in tenant has no register"))?;
        claim.write(&running, Some(&text))?;
        let register = Register::from_toml(tenant, &text, None)
            .map_err(|problems| settings::refused("the built-in register", &problems))?;
        Ok(Self {
            running,
            register,
            folder,
            _claim: claim,
        })
    }

    /// Reads the tenant as it is now.
    pub(super) async fn collect(&self) -> Result<TenantSnapshot, Failure> {
        let settings = settings::load(Some(&self.folder.join("breakglass.toml")))?;
        let entra = connect::posture(&settings, &ConnectArgs::default())?;
        let accounts = self
            .register
            .accounts
            .iter()
            .filter_map(|account| account.id.as_ref().map(ToString::to_string))
            .collect();
        let out = self.folder.join("snapshot.json");
        let options = Options {
            accounts,
            out: out.clone(),
            fresh: true,
            ..Options::default()
        };
        collect::collect(&entra, &options, &SystemClock, &mut |_| {})
            .await
            .map_err(|error| Failure::broke(error.to_string()))?;
        let now = clock::clock(None).now();
        Ok(input::tenant(&out.display().to_string(), now)?.snapshot)
    }

    /// Stops it.
    pub(super) async fn stop(self) -> Result<(), Failure> {
        self.running
            .stop()
            .await
            .map_err(|error| Failure::broke(format!("the twin did not stop cleanly: {error}")))
    }
}
