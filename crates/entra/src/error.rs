//! What went wrong in talking to Microsoft.

/// Why a call gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The service answered with an error.
    #[error("{0}")]
    Refused(Box<Refusal>),
}

/// An answer that is an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// `error.code`, as sent; may be empty.
    pub code: String,
    /// `error.message`, as sent.
    pub message: String,
    /// What was asked for: method and path, without query values that could be personal.
    pub call: String,
    /// `request-id` of the answer.
    pub request_id: Option<String>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} answered {} {}: {}",
            self.call, self.status, self.code, self.message
        )
    }
}
