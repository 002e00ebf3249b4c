//! How a command ends when it does not end well.

use std::fmt;

/// Exit codes of the command-line contract.
pub mod exit {
    /// Done, and nothing at or above `--fail-on` was found.
    pub const CLEAN: u8 = 0;
    /// Done, and something was found.
    pub const FOUND: u8 = 1;
    /// The call or the configuration is wrong; nothing was done.
    pub const USAGE: u8 = 2;
    /// Needed data was missing or unreadable.
    pub const CANNOT_TELL: u8 = 3;
    /// It broke on the way; a re-run is safe.
    pub const BROKE: u8 = 4;
}

/// Why a command could not do its work: one sentence, what to do next, and the exit code.
#[derive(Debug)]
pub struct Failure {
    /// Exit code.
    pub code: u8,
    /// What failed, where and why.
    pub message: String,
    /// What to do next.
    pub help: Option<String>,
}

impl Failure {
    /// The call or the configuration is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            code: exit::USAGE,
            message: message.into(),
            help: None,
        }
    }

    /// Data that was needed could not be read.
    pub fn cannot_tell(message: impl Into<String>) -> Self {
        Self {
            code: exit::CANNOT_TELL,
            message: message.into(),
            help: None,
        }
    }

    /// It broke on the way.
    pub fn broke(message: impl Into<String>) -> Self {
        Self {
            code: exit::BROKE,
            message: message.into(),
            help: None,
        }
    }

    /// The same failure as a wrong call: for files that the configuration names.
    #[must_use]
    pub fn usage_code(self) -> Self {
        Self {
            code: exit::USAGE,
            ..self
        }
    }

    /// Adds the next step.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}
