//! What every JSON document begins with.

use breakglass_model::{
    NotRead,
    finding::{TenantRef, Tool},
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::settings::Settings;

/// The fields that every document has, whatever it is about.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Head {
    /// `breakglass/<name>/v1`.
    schema: String,
    /// Who wrote it.
    tool: Tool,
    /// When, or the moment given with `--at`.
    #[schemars(with = "String")]
    at: Timestamp,
    /// The tenant, as far as the configuration tells it.
    tenant: TenantRef,
    /// What was taken for granted.
    assumptions: Vec<String>,
    /// What was not read, and what would make it readable.
    not_read: Vec<NotRead>,
}

impl Head {
    /// The head of a document of this name.
    pub fn new(name: &str, at: Timestamp, settings: &Settings) -> Self {
        Self {
            schema: format!("breakglass/{name}/v1"),
            tool: Tool {
                name: "breakglass".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            at,
            tenant: TenantRef {
                id: settings.config.tenant_id.as_ref().map(ToString::to_string),
                ..TenantRef::default()
            },
            assumptions: Vec::new(),
            not_read: Vec::new(),
        }
    }

    /// Adds what was not read.
    #[must_use]
    pub fn not_read(mut self, collection: &str, reasons: &[String]) -> Self {
        self.not_read.extend(reasons.iter().map(|reason| NotRead {
            collection: collection.to_owned(),
            reason: reason.clone(),
            permission: None,
        }));
        self
    }
}
