//! Which record is it, and which version of it.
//!
//! The same record must have the same id wherever it was read, so the id rests on what the service itself
//! assigned and on nothing that a pipeline adds. `docs/signals.md` states both computations so that another
//! program can repeat them.

use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::LogRecord;

/// The namespace of signal ids: UUIDv5 of the DNS name `signal.breakglass.invalid`.
pub fn namespace() -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_DNS, b"signal.breakglass.invalid")
}

/// The id of the signal about a record that has an id.
pub fn signal_id(tenant: &str, stream: &str, record_id: &str) -> Uuid {
    let name = format!("{}\n{stream}\n{record_id}", tenant.to_lowercase());
    Uuid::new_v5(&namespace(), name.as_bytes())
}

/// SHA-256 in lower-case hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

/// Writes a value with its keys in code point order, without blanks.
pub(super) fn canonical_json(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_unstable();
            out.push('{');
            for (n, key) in keys.into_iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                canonical_json(&map[key], out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                canonical_json(item, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

impl LogRecord {
    /// The id of the signal about this record. `watched` is the tenant that is watched, for a record that names none.
    pub fn signal_id(&self, watched: Option<&str>) -> Uuid {
        let common = self.common();
        let tenant = common.tenant.as_deref().or(watched).unwrap_or_default();
        match &common.id {
            Some(id) => signal_id(tenant, &common.stream, id),
            None => signal_id(
                tenant,
                &common.stream,
                &format!("content:{}", common.content),
            ),
        }
    }

    /// The text that the version is the hash of.
    pub fn projection(&self) -> String {
        let mut lines = Vec::new();
        match self {
            Self::SignIn(record) => {
                lines.push(format!(
                    "outcome:{}",
                    record.code.as_deref().unwrap_or_default()
                ));
                lines.extend(record.methods.iter().map(|m| format!("method:{m}")));
                let mut policies: Vec<String> = record
                    .policies
                    .iter()
                    .map(|p| format!("policy:{}:{}", p.id.to_lowercase(), p.result))
                    .collect();
                policies.sort_unstable();
                lines.extend(policies);
                lines.push(format!("actor:{}", record.user.key().unwrap_or_default()));
            }
            Self::Audit(record) => {
                let result = record.result.as_deref().unwrap_or_default();
                lines.push(format!("outcome:{}", result.to_lowercase()));
                let actor = record.user.key().or_else(|| record.app.key());
                lines.push(format!("actor:{}", actor.unwrap_or_default()));
            }
            Self::Other(record) => {
                lines.push(format!(
                    "outcome:{}",
                    record.result.as_deref().unwrap_or_default()
                ));
                lines.push(format!("actor:{}", record.user.key().unwrap_or_default()));
            }
        }
        lines.join("\n")
    }

    /// The version: copies of one record that say the same have the same.
    pub fn version(&self) -> String {
        sha256_hex(self.projection().as_bytes())[..32].to_owned()
    }
}
