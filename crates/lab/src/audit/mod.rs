//! Directory audit records: what every change leaves behind.
//!
//! Shapes and names are those of Microsoft Graph (`directoryAudit`) and of *Microsoft Entra audit log categories and
//! activities*. Invariants:
//! - one change yields all its records at once, with one correlation id;
//! - values of modified properties are JSON text inside a string, or null;
//! - an app that acted is named, but its `appId` is null, as real records have it.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    State,
    state::{LogKind, LogRow},
    times::stamp,
};

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Initiator {
    /// A person, with the address that the call came from.
    User {
        id: String,
        name: String,
        ip: String,
    },
    /// An app for itself, or one of Microsoft's services.
    App {
        name: String,
        principal: Option<String>,
    },
}

impl Initiator {
    /// One of Microsoft's own services.
    pub(crate) fn service(name: &str) -> Self {
        Self::App {
            name: name.to_owned(),
            principal: None,
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::User { id, name, ip } => json!({"app": null, "user": {
                "id": id, "displayName": null, "userPrincipalName": name,
                "ipAddress": if ip.is_empty() { Value::Null } else { json!(ip) },
                "userType": null, "homeTenantId": null, "homeTenantName": null,
            }}),
            Self::App { name, principal } => json!({"user": null, "app": {
                "appId": null, "displayName": name, "servicePrincipalId": principal, "servicePrincipalName": null,
            }}),
        }
    }
}

/// A modified property: name, old and new value as JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Modified {
    name: String,
    old: Option<String>,
    new: Option<String>,
}

impl Modified {
    /// Both values as JSON; null becomes no value at all.
    pub(crate) fn new(name: &str, old: &Value, new: &Value) -> Self {
        let text = |value: &Value| (!value.is_null()).then(|| value.to_string());
        Self {
            name: name.to_owned(),
            old: text(old),
            new: text(new),
        }
    }

    fn json(&self) -> Value {
        json!({"displayName": self.name, "oldValue": self.old, "newValue": self.new})
    }
}

/// What was acted upon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    /// Object id; some records of the device registration service have none.
    pub(crate) id: Option<String>,
    /// `User`, `Group`, `Role`, `Policy`, `AdministrativeUnit`, …
    pub(crate) kind: &'static str,
    /// Display name.
    pub(crate) name: Option<String>,
    /// User principal name, for users.
    pub(crate) upn: Option<String>,
    /// What changed.
    pub(crate) modified: Vec<Modified>,
}

impl Target {
    /// An object of the directory.
    pub(crate) fn object(kind: &'static str, object: &Value) -> Self {
        let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
        Self {
            id: text("id"),
            kind,
            name: text("displayName"),
            upn: (kind == "User")
                .then(|| text("userPrincipalName"))
                .flatten(),
            modified: Vec::new(),
        }
    }

    /// The same with what changed.
    pub(crate) fn with(mut self, modified: impl IntoIterator<Item = Modified>) -> Self {
        self.modified.extend(modified);
        self
    }

    fn json(&self) -> Value {
        json!({
            "id": self.id, "displayName": self.name, "type": self.kind, "userPrincipalName": self.upn,
            "groupType": (self.kind == "Group").then_some("azureAD"),
            "modifiedProperties": self.modified.iter().map(Modified::json).collect::<Vec<_>>(),
        })
    }
}

/// Which service writes a record; its ids begin with a word of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// The directory.
    Core,
    /// Conditional Access.
    ConditionalAccess,
    /// Privileged Identity Management.
    Pim,
    /// Registration and policy of authentication methods.
    AuthenticationMethods,
    /// Passkeys and other device keys.
    DeviceRegistration,
    /// Azure, where a Global Administrator elevates access.
    Elevation,
}

impl Service {
    const fn name(self) -> &'static str {
        match self {
            Self::Core => "Core Directory",
            Self::ConditionalAccess => "Conditional Access",
            Self::Pim => "PIM",
            Self::AuthenticationMethods => "Authentication Methods",
            Self::DeviceRegistration => "Device Registration Service",
            Self::Elevation => "Azure RBAC (Elevated Access)",
        }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Core | Self::DeviceRegistration => "Directory",
            Self::ConditionalAccess => "IPCGraph",
            Self::Pim => "PIM",
            Self::AuthenticationMethods => "Authentication Methods",
            Self::Elevation => "AzureRBACRoleManagementElevateAccess",
        }
    }
}

/// One record to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event<'a> {
    /// Who writes it.
    pub(crate) service: Service,
    /// `UserManagement`, `RoleManagement`, `Policy`, …
    pub(crate) category: &'a str,
    /// `activityDisplayName`.
    pub(crate) activity: &'a str,
    /// `Add`, `Assign`, `Update`, `Unassign`, `Delete`.
    pub(crate) operation: &'a str,
    /// Who did it.
    pub(crate) initiator: &'a Initiator,
    /// What was acted upon, the main object first.
    pub(crate) targets: Vec<Target>,
    /// `additionalDetails`.
    pub(crate) details: Vec<(&'a str, String)>,
    /// The same for all records of one change.
    pub(crate) correlation: &'a str,
}

/// Writes a record; it is readable at once, since audit rows are there about when the event is.
pub(crate) fn record(state: &mut State, now: Timestamp, event: &Event<'_>) {
    let number = state.logs.len();
    let digest = Sha256::digest(format!("{}{number}", event.correlation));
    let suffix = data_encoding::BASE32_NOPAD.encode(&digest)[..5].to_owned();
    let mut id = format!("{}_{}", event.service.prefix(), event.correlation);
    if event.service != Service::ConditionalAccess {
        id.push_str(&format!("_{suffix}_{number}"));
    }
    let details: Vec<Value> = event
        .details
        .iter()
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect();
    let targets: Vec<Value> = event.targets.iter().map(Target::json).collect();
    let record = json!({
        "id": id, "category": event.category, "correlationId": event.correlation, "result": "success",
        "resultReason": "", "activityDisplayName": event.activity, "activityDateTime": stamp(now),
        "loggedByService": event.service.name(), "operationType": event.operation,
        "initiatedBy": event.initiator.json(), "targetResources": targets, "additionalDetails": details,
        "userAgent": null,
    });
    state.logs.push(LogRow {
        kind: LogKind::Audit,
        record,
        readable_at: now,
    });
}

/// Writes the record of a Global Administrator who made themselves User Access Administrator of Azure.
pub(crate) fn elevated(state: &mut State, user: &str, ip: &str, now: Timestamp) {
    let object = state
        .table("users")
        .get(user)
        .cloned()
        .unwrap_or(Value::Null);
    let name = object
        .get("userPrincipalName")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let initiator = Initiator::User {
        id: user.to_owned(),
        name: name.to_owned(),
        ip: ip.to_owned(),
    };
    let action = "Microsoft.Authorization/elevateAccess/action";
    record(
        state,
        now,
        &Event {
            service: Service::Elevation,
            category: "AzureRBACRoleManagementElevateAccess",
            activity: "User has elevated their access to User Access Administrator for their Azure Resources",
            operation: "Assign",
            initiator: &initiator,
            targets: vec![Target::object("User", &object)],
            details: vec![("Operation", action.to_owned())],
            correlation: &uuid::Uuid::new_v4().to_string(),
        },
    );
}

/// What differs between two states of an object, with the property that lists the names, as updates have it.
pub(crate) fn changed(old: &Map<String, Value>, new: &Map<String, Value>) -> Vec<Modified> {
    let missing = Value::Null;
    let mut names = Vec::new();
    let mut modified = Vec::new();
    for (key, value) in new {
        let before = old.get(key).unwrap_or(&missing);
        if before == value {
            continue;
        }
        let name = capitalised(key);
        // The directory logs scalars as lists of one.
        let listed = |value: &Value| match value {
            Value::Null => Value::Null,
            Value::Array(_) => value.clone(),
            other => json!([other]),
        };
        modified.push(Modified::new(&name, &listed(before), &listed(value)));
        names.push(name);
    }
    let names = names.join(", ");
    modified.push(Modified::new(
        "Included Updated Properties",
        &Value::Null,
        &json!(names),
    ));
    modified
}

fn capitalised(key: &str) -> String {
    let mut chars = key.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_the_shape_of_real_ones() {
        let mut state = State::default();
        let now: Timestamp = "2026-07-17T10:12:27.185138Z".parse().unwrap();
        let user =
            json!({"id": "u1", "displayName": "EA 01", "userPrincipalName": "ea01@x.example"});
        let modified = Modified::new(
            "Role.DisplayName",
            &Value::Null,
            &json!("Global Administrator"),
        );
        for initiator in [
            Initiator::User {
                id: "a".into(),
                name: "admin@x.example".into(),
                ip: "198.51.100.9".into(),
            },
            Initiator::App {
                name: "apply".into(),
                principal: Some("sp".into()),
            },
        ] {
            record(
                &mut state,
                now,
                &Event {
                    service: Service::Core,
                    category: "RoleManagement",
                    activity: "Add member to role",
                    operation: "Assign",
                    initiator: &initiator,
                    targets: vec![Target::object("User", &user).with([modified.clone()])],
                    details: vec![("k", "v".to_owned())],
                    correlation: "5b1f0c00-0000-4000-8000-0000000000c2",
                },
            );
        }
        let first = &state.logs[0].record;
        assert_eq!(first["initiatedBy"]["user"]["ipAddress"], "198.51.100.9");
        assert_eq!(
            first["targetResources"][0]["modifiedProperties"][0]["newValue"],
            "\"Global Administrator\""
        );
        assert_eq!(
            first["targetResources"][0]["userPrincipalName"],
            "ea01@x.example"
        );
        let second = &state.logs[1].record;
        assert_eq!(second["initiatedBy"]["app"]["appId"], Value::Null);
        assert_eq!(second["initiatedBy"]["app"]["servicePrincipalId"], "sp");
        assert_ne!(first["id"], second["id"]);
    }

    #[test]
    fn an_update_lists_the_names_of_what_changed() {
        let old = json!({"accountEnabled": true, "jobTitle": "x"});
        let new = json!({"accountEnabled": false, "jobTitle": "x"});
        let changed = changed(old.as_object().unwrap(), new.as_object().unwrap());
        assert_eq!(changed[0].new.as_deref(), Some("[false]"));
        assert_eq!(changed[1].new.as_deref(), Some("\"AccountEnabled\""));
        assert_eq!(changed.len(), 2);
    }
}
