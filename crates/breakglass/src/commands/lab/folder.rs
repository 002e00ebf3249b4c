//! The directory of a twin: its certificate, its secrets (all made up), and a configuration that connects to it.

use std::{
    fs::{self, File, TryLockError},
    io::Write,
    path::{Path, PathBuf},
};

use breakglass_lab::Running;
use serde_json::{Value, json};

use crate::{failure::Failure, input};

/// Where the running twin says how it is reached.
const STATE: &str = "lab.json";
/// Held while a twin runs.
const LOCK: &str = "lab.lock";

/// The directory, claimed by this process.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Released when the process ends, however it ends.
    _lock: File,
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::broke(format!(
        "{what} `{}` could not be written: {}",
        path.display(),
        input::plain(error)
    ))
    .help("name another directory with --data-dir")
}

impl Folder {
    /// Makes the directory where it is missing and claims it.
    ///
    /// # Errors
    /// When another twin runs in it, or it cannot be written.
    pub fn claim(path: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(path).map_err(|error| failed("the directory", path, &error))?;
        let name = path.join(LOCK);
        let lock = File::create(&name).map_err(|error| failed("the file", &name, &error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_path_buf(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(Failure::usage(format!(
                "another twin runs in `{}`",
                path.display()
            ))
            .help("stop it, or name another directory with --data-dir")),
            Err(TryLockError::Error(error)) => Err(failed("the file", &name, &error)),
        }
    }

    /// Writes how the twin is reached.
    pub fn write(&self, running: &Running, register: Option<&str>) -> Result<(), Failure> {
        let addresses = &running.addresses;
        let tenant = running.lab().tenant();
        self.put("ca.pem", &running.ca_pem)?;
        let connection = format!(
            "# Written by `breakglass lab`: connects to the twin that runs here. All of it is made up.\n\
             [tenant]\nid = {tenant:?}\n\
             cloud = {{ login = {:?}, graph = {:?}, arm = {:?}, logs = {:?}, ca_file = \"ca.pem\" }}\n",
            addresses.login, addresses.graph, addresses.arm, addresses.logs
        );
        let mut config = connection.clone();
        for app in &running.apps {
            let (Some(purpose), Some(secret)) = (app.name.strip_prefix("breakglass "), &app.secret)
            else {
                continue;
            };
            let file = format!("{purpose}.secret");
            self.put(&file, secret)?;
            let identity = format!(
                "\n[identity.{purpose}]\nclient_id = {:?}\nsecret_file = {file:?}\n",
                app.client_id
            );
            match purpose {
                "watch" | "posture" => config.push_str(&identity),
                // Who writes stands in a file of its own.
                "apply" => self.put("apply.toml", &format!("{connection}{identity}"))?,
                _ => {}
            }
        }
        if let Some(register) = register {
            self.put("register.toml", register)?;
            config.push_str("\n[register]\nfile = \"register.toml\"\n");
        }
        self.put("breakglass.toml", &config)?;
        let state = json!({
            "login": addresses.login, "graph": addresses.graph, "arm": addresses.arm,
            "logs": addresses.logs, "admin": addresses.admin, "process": std::process::id(),
        });
        self.put(STATE, &format!("{state:#}\n"))
    }

    /// Forgets how the twin was reached; the rest may be of use and stays.
    pub fn clear(&self) {
        // Somebody may have removed it already.
        let _gone = fs::remove_file(self.path.join(STATE));
    }

    /// The admin address of the twin that runs in a directory.
    ///
    /// # Errors
    /// When none runs there.
    pub fn running(path: &Path) -> Result<String, Failure> {
        let none = || {
            Failure::usage(format!("no twin runs in `{}`", path.display()))
                .help("start one with `breakglass lab`, or name its directory with --data-dir")
        };
        let lock = File::open(path.join(LOCK)).map_err(|_| none())?;
        if lock.try_lock().is_ok() {
            return Err(none());
        }
        let text = fs::read_to_string(path.join(STATE)).map_err(|_| none())?;
        let state: Value = serde_json::from_str(&text).map_err(|_| none())?;
        state
            .get("admin")
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(none)
    }

    fn put(&self, name: &str, content: &str) -> Result<(), Failure> {
        let path = self.path.join(name);
        let mut options = fs::OpenOptions::new();
        options.create(true).write(true).truncate(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        options
            .open(&path)
            .and_then(|mut file| file.write_all(content.as_bytes()))
            .map_err(|error| failed("the file", &path, &error))
    }
}
