//! `lab`: the twin alone, on loopback, until it is interrupted; and the switches of one that runs.

mod admin;
mod folder;

use std::{path::Path, sync::Arc, time::Duration};

use breakglass_lab::{Config, Fault, Lab, Ports, Running};
use breakglass_model::{Clock as _, example, text};
use serde_json::Value;

use crate::{
    cli::{LabArgs, LabCommand, LabFaultArgs, LabFaultsArgs, Switch},
    clock::{self, SystemClock},
    failure::{Failure, exit},
    input, output, runtime,
};

pub use folder::Folder;

/// How often new log records are appended to the export.
const EXPORT_EVERY: Duration = Duration::from_millis(250);

/// The most bytes that a packed snapshot may unpack to.
const UNPACKED_LIMIT: usize = 1 << 30;

/// `lab`
pub fn run(args: &LabArgs) -> Result<u8, Failure> {
    match &args.command {
        Some(LabCommand::Fault(args)) => switch(args),
        Some(LabCommand::Faults(args)) => list(args),
        None => serve(args),
    }
}

/// A tenant that can be served.
#[derive(Debug)]
pub struct Served {
    /// The snapshot.
    pub snapshot: Value,
    /// The register of a built-in tenant.
    pub register_toml: Option<String>,
}

/// Reads a built-in tenant or a snapshot file.
pub fn served(name: &str) -> Result<Served, Failure> {
    let now = clock::to_the_second(clock::clock(None).now());
    if let Some(example) = example::tenant(name, now)
        && !Path::new(name).exists()
    {
        return Ok(Served {
            snapshot: parsed(name, example.snapshot_json.as_bytes())?,
            register_toml: Some(example.register_toml),
        });
    }
    let bytes = input::bytes("the snapshot", Path::new(name)).map_err(|failure| {
        failure.help("give `contoso`, `contoso-modern`, or a snapshot that `collect` wrote")
    })?;
    let bytes = if text::is_gzip(&bytes) {
        text::gunzip(&bytes, UNPACKED_LIMIT).map_err(|error| {
            Failure::usage(format!("the snapshot `{name}` cannot be unpacked: {error}"))
        })?
    } else {
        bytes
    };
    Ok(Served {
        snapshot: parsed(name, &bytes)?,
        register_toml: None,
    })
}

fn parsed(name: &str, bytes: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(bytes).map_err(|error| {
        Failure::usage(format!(
            "the snapshot `{name}` is not JSON: {}",
            output::json_error(&error)
        ))
        .help("give a snapshot that `collect` wrote; a directory of an export cannot be served")
    })
}

/// Starts a twin with the faults that were named.
pub async fn start(
    served: Value,
    port: Option<u16>,
    faults: &[String],
) -> Result<Running, Failure> {
    let switches = faults
        .iter()
        .map(|text| {
            let (name, on) = match text.split_once('=') {
                Some((name, "on")) => (name, true),
                Some((name, "off")) => (name, false),
                Some(_) => {
                    return Err(
                        Failure::usage(format!("`{text}` is not a fault with on or off"))
                            .help("write `throttling=off`"),
                    );
                }
                None => (text.as_str(), true),
            };
            Ok((fault(name)?, on))
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let ports = match port {
        None => Ports::default(),
        Some(first) => ports(first)?,
    };
    let running = Lab::start(Config {
        ports,
        ..Config::new(served, Arc::new(SystemClock))
    })
    .await
    .map_err(|error| Failure::usage(format!("the twin could not start: {error}")))?;
    for (fault, on) in switches {
        running.lab().faults().switch(fault, on);
    }
    Ok(running)
}

/// Five ports in a row.
fn ports(first: u16) -> Result<Ports, Failure> {
    let at = |offset: u16| {
        first
            .checked_add(offset)
            .filter(|port| *port != 0)
            .ok_or_else(|| {
                Failure::usage(format!("there are no five ports from {first} on"))
                    .help("give one between 1 and 65531")
            })
    };
    Ok(Ports {
        login: at(0)?,
        graph: at(1)?,
        arm: at(2)?,
        logs: at(3)?,
        admin: at(4)?,
    })
}

/// The fault of a name.
pub fn fault(name: &str) -> Result<Fault, Failure> {
    Fault::from_word(name).ok_or_else(|| {
        let words: Vec<&str> = Fault::ALL.iter().map(|fault| fault.word()).collect();
        let near = breakglass_model::source_text::closest(name, &words);
        Failure::usage(format!("there is no fault `{name}`")).help(match near {
            Some(near) => format!("did you mean `{near}`? `breakglass lab faults` lists them"),
            None => "`breakglass lab faults` lists them".to_owned(),
        })
    })
}

fn serve(args: &LabArgs) -> Result<u8, Failure> {
    let served = served(&args.tenant)?;
    let folder = Folder::claim(&args.data_dir)?;
    runtime()?.block_on(async {
        let running = start(served.snapshot, args.port, &args.faults).await?;
        folder.write(&running, served.register_toml.as_deref())?;
        output::print(&greeting(args, &running, served.register_toml.is_some()))?;
        let exporting = args
            .export
            .as_deref()
            .map(|path| export(&running, path))
            .transpose()?;
        tokio::signal::ctrl_c()
            .await
            .map_err(|error| Failure::broke(format!("the twin cannot be interrupted: {error}")))?;
        if let Some(exporting) = exporting {
            exporting.abort();
        }
        running
            .stop()
            .await
            .map_err(|error| Failure::broke(format!("the twin did not stop cleanly: {error}")))?;
        folder.clear();
        output::tell!("the twin has stopped; what was changed in it is gone");
        Ok(exit::CLEAN)
    })
}

fn greeting(args: &LabArgs, running: &Running, has_register: bool) -> String {
    let folder = args.data_dir.display();
    let addresses = &running.addresses;
    let register = if has_register {
        format!(" --register {folder}/register.toml")
    } else {
        String::new()
    };
    format!(
        "The twin of {} runs on this machine; everything in it is made up.\n\n\
         \x20 sign-in page     {}/lab\n\
         \x20 portal           {}/portal\n\
         \x20 Microsoft Graph  {}\n\
         \x20 Azure            {}\n\
         \x20 Log Analytics    {}\n\
         \x20 its authority    {folder}/ca.pem (trust it in the browser and in other tools, nowhere else)\n\n\
         In another terminal:\n\
         \x20 breakglass collect --config {folder}/breakglass.toml --out {folder}/snapshot.json.gz\n\
         \x20 breakglass check --tenant {folder}/snapshot.json.gz{register}\n\
         \x20 breakglass lab fault throttle-storm on --data-dir {folder}\n\n\
         Ctrl-C stops it.\n",
        args.tenant,
        addresses.login,
        addresses.login,
        addresses.graph,
        addresses.arm,
        addresses.logs
    )
}

/// Appends log records to a file as they become readable.
pub fn export(running: &Running, path: &Path) -> Result<tokio::task::JoinHandle<()>, Failure> {
    use std::io::Write as _;
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|error| {
            Failure::broke(format!(
                "the export `{}` could not be opened: {}",
                path.display(),
                input::plain(&error)
            ))
        })?;
    let lab = Arc::clone(running.lab());
    let name = path.display().to_string();
    Ok(tokio::spawn(async move {
        let clock = SystemClock;
        let mut since = clock.now();
        loop {
            // Read before the records: what becomes readable in between is taken the next time.
            let now = clock.now();
            let lines = breakglass_lab::records::export(&lab, Some(since));
            since = now;
            for line in lines {
                if let Err(error) = writeln!(file, "{line}") {
                    output::tell!("error: the export `{name}` could not be written: {error}");
                    return;
                }
            }
            tokio::time::sleep(EXPORT_EVERY).await;
        }
    }))
}

fn switch(args: &LabFaultArgs) -> Result<u8, Failure> {
    let fault = fault(&args.name)?;
    let on = args.switch == Switch::On;
    let address = Folder::running(&args.data_dir)?;
    admin::switch(&address, fault, on)?;
    output::print(&format!(
        "{} is {}: {}\n",
        fault.word(),
        if on { "on" } else { "off" },
        fault.about()
    ))?;
    Ok(exit::CLEAN)
}

fn list(args: &LabFaultsArgs) -> Result<u8, Failure> {
    let running = Folder::running(&args.data_dir).ok();
    let on = running.as_deref().map(admin::faults).transpose()?;
    let mut text = match &running {
        Some(_) => "Faults of the running twin\n\n".to_owned(),
        None => format!(
            "Faults (no twin runs in `{}`: the defaults are shown)\n\n",
            args.data_dir.display()
        ),
    };
    for fault in Fault::ALL {
        let is_on = on.as_ref().map_or(fault.default(), |on| {
            on.iter().any(|word| word == fault.word())
        });
        text.push_str(&format!(
            "  {:3} {:18} {}\n",
            if is_on { "on" } else { "-" },
            fault.word(),
            output::wrapped(fault.about(), 25)
        ));
    }
    output::print(&text)?;
    Ok(exit::CLEAN)
}
