//! What every JSON document begins with.

use breakglass_model::{
    NotRead, TenantSnapshot,
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

    /// The head of a document about a tenant that was read.
    pub fn about(
        name: &str,
        at: Timestamp,
        snapshot: &TenantSnapshot,
        assumptions: Vec<String>,
    ) -> Self {
        Self {
            schema: format!("breakglass/{name}/v1"),
            tool: Tool {
                name: "breakglass".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            at,
            tenant: TenantRef {
                id: snapshot.id.as_ref().map(ToString::to_string),
                name: snapshot.name.clone(),
                collected_at: snapshot.collected_at.map(|at| at.to_string()),
                digest: snapshot.digest.clone(),
            },
            assumptions,
            not_read: snapshot.missing(),
        }
    }

    /// Names the tenant.
    #[must_use]
    pub fn tenant(mut self, tenant: TenantRef) -> Self {
        self.tenant = tenant;
        self
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

    /// The tenant, named as well as the input allows.
    pub fn tenant_name(&self) -> String {
        match (&self.tenant.name, &self.tenant.id) {
            (Some(name), Some(id)) => format!("{name} ({id})"),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => "a tenant that the input does not name".to_owned(),
        }
    }

    /// When it was judged, and when the data was collected.
    pub fn when(&self) -> String {
        match &self.tenant.collected_at {
            Some(collected) => format!("Judged at {}; data collected {collected}", self.at),
            None => format!(
                "Judged at {}; the input does not say when the data was collected",
                self.at
            ),
        }
    }

    /// What was taken for granted.
    pub fn assumptions(&self) -> &[String] {
        &self.assumptions
    }

    /// What was not read, one line a collection.
    pub fn unread(&self) -> Vec<String> {
        self.not_read
            .iter()
            .map(|datum| {
                let permission = datum
                    .permission
                    .as_ref()
                    .map(|permission| format!(" (readable with {permission})"))
                    .unwrap_or_default();
                format!("{}: {}{permission}", datum.collection, datum.reason)
            })
            .collect()
    }
}
