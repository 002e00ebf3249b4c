//! The program: commands, configuration, wiring, exit codes.
//!
//! Invariants:
//! - the only crate that reads the environment, the clock ([`clock`]) and the terminal ([`output`]);
//! - results go to standard output, everything else to standard error;
//! - every way out is an exit code of the contract ([`failure::exit`]).

pub mod channels;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod connect;
pub mod demo;
pub mod documents;
pub mod failure;
pub mod file;
pub mod head;
pub mod input;
pub mod output;
pub mod person;
pub mod pipeline;
pub mod settings;
pub mod watched;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, error::ErrorKind};
use cli::{AlertCommand, Cli, Command, IncidentCommand, KeyCommand, KeyMdsCommand, LockoutCommand};
use failure::{Failure, exit};

/// Parses the arguments, runs the command, and says how it ended.
pub fn main() -> ExitCode {
    log_to_standard_error();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let asked = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            // Clap's own writer: it knows whether this is help (standard output) or an error.
            if error.print().is_err() {
                return ExitCode::from(exit::BROKE);
            }
            return ExitCode::from(if asked { exit::CLEAN } else { exit::USAGE });
        }
    };
    match run(cli) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            crate::output::tell!("{failure}");
            ExitCode::from(failure.code)
        }
    }
}

fn run(cli: Cli) -> Result<u8, Failure> {
    match cli.command {
        Command::Demo(args) => demo::run(&args),
        Command::Init(args) => commands::init::run(&args),
        Command::Plan(args) => commands::plan::run(&args),
        Command::Apply(args) => commands::apply::run(&args),
        Command::Collect(args) => commands::collect::run(&args),
        Command::Lab(args) => commands::lab::run(&args),
        Command::Doctor(args) => commands::doctor::run(&args),
        Command::Check(args) => commands::check::run(&args),
        Command::Lockout(args) => match args.command {
            LockoutCommand::Prove(args) => commands::lockout::prove(&args),
            LockoutCommand::Whatif(args) => commands::lockout::what_if(&args),
            LockoutCommand::Preflight(args) => commands::lockout::preflight(&args),
        },
        Command::Key(args) => match args.command {
            KeyCommand::List(args) => commands::key::list(&args),
            KeyCommand::Identify(args) => commands::key::identify(&args),
            KeyCommand::Enroll(args) => commands::key::enroll(&args),
            KeyCommand::Pin(args) => commands::key::pin(&args),
            KeyCommand::Mds(args) => match args.command {
                KeyMdsCommand::Import(args) => commands::key::import(&args),
            },
        },
        Command::Watch(args) => commands::watch::run(&args),
        Command::Incident(args) => match args.command {
            IncidentCommand::List(args) => commands::incident::list(&args),
            IncidentCommand::Show(args) => commands::incident::show(&args),
            IncidentCommand::Ack(args) => commands::incident::ack(&args),
        },
        Command::Alert(args) => match args.command {
            AlertCommand::Test(args) => commands::alert::test(&args),
        },
        Command::Schema(args) => commands::schema::run(&args.name),
        Command::Completions(args) => {
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut Cli::command(), "breakglass", &mut script);
            output::print(&String::from_utf8_lossy(&script))?;
            Ok(exit::CLEAN)
        }
        Command::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command())
                .render(&mut page)
                .map_err(|error| {
                    Failure::broke(format!("the manual page could not be written: {error}"))
                })?;
            output::print(&String::from_utf8_lossy(&page))?;
            Ok(exit::CLEAN)
        }
    }
}

/// Warnings and errors of the program's parts; `BREAKGLASS_LOG=debug` shows more.
fn log_to_standard_error() {
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_env_var("BREAKGLASS_LOG")
        .with_default_directive(tracing::level_filters::LevelFilter::WARN.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .init();
}

/// An async runtime for the commands that talk to databases and networks.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::broke(format!("the program could not start its threads: {error}"))
        })
}

/// Waits for an interrupt or a request to end.
pub async fn interrupted() {
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
