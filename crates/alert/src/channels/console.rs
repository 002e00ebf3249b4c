//! To a terminal or a file: for trying out, and as the last resort.

use std::{io::Write, sync::Mutex};

use breakglass_model::Alert;

use crate::{
    Message,
    channel::{Channel, Receipt, SendError, Sending},
};

/// Writes each message to a writer.
pub struct Console<W> {
    name: String,
    writer: Mutex<W>,
}

impl<W: Write + Send> Console<W> {
    /// A channel of this name that writes there.
    pub fn new(name: impl Into<String>, writer: W) -> Self {
        Self {
            name: name.into(),
            writer: Mutex::new(writer),
        }
    }

    fn write(&self, message: &Message) -> std::io::Result<()> {
        // A thread that panicked while it wrote left at worst half a message behind.
        let mut writer = self
            .writer
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        writeln!(writer, "{}\n\n{}", message.subject, message.text)?;
        writer.flush()
    }
}

impl<W: Write + Send> Channel for Console<W> {
    fn name(&self) -> &str {
        &self.name
    }

    fn send<'a>(&'a self, message: &'a Message, _alert: &'a Alert) -> Sending<'a> {
        Box::pin(async move {
            self.write(message)
                .map(|()| Receipt("written".to_owned()))
                .map_err(|error| SendError::soon(format!("cannot write: {error}")))
        })
    }
}
