//! Who may do what in Azure (Azure RBAC, *Azure built-in roles*).
//!
//! Apps of the twin have their roles on every subscription, and where they say so elsewhere; everybody else has what
//! the tenant's role assignments give.
//!
//! Settings of the directory itself (`microsoft.aadiam`) belong to no subscription, so no role in one reaches them.
//! Entra roles do: Global Reader, Security Reader and above read, Security Administrator and Global Administrator write
//! (Microsoft Entra, *Configure diagnostic settings*); and so does an Azure role at `/providers/Microsoft.aadiam` or at
//! the root. Whether an Entra role lets an application write too is not documented; here it does.

use crate::state::text;
use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::path;
use crate::{Lab, State, graph, lab::Caller};

/// A deed, as the last part of an operation's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Read,
    Write,
    Delete,
}

impl Deed {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
        }
    }
}

/// A built-in role: id, name, what it reads and what it writes (beginnings of type names; `*` is everything).
pub(super) struct Role {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    reads: &'static [&'static str],
    writes: &'static [&'static str],
    /// Left out of what it writes.
    not: &'static [&'static str],
}

const ALL: &[&str] = &["*"];
const NONE: &[&str] = &[];
const INSIGHTS: &[&str] = &["microsoft.insights/", "microsoft.alertsmanagement/"];
const SENTINEL: &[&str] = &["microsoft.securityinsights/"];
const ACCESS: &[&str] = &["microsoft.authorization/"];
const DATA: &[&str] = &["microsoft.operationalinsights/workspaces/tables/data"];

const fn role(
    id: &'static str,
    name: &'static str,
    reads: &'static [&'static str],
    writes: &'static [&'static str],
    not: &'static [&'static str],
) -> Role {
    Role {
        id,
        name,
        reads,
        writes,
        not,
    }
}

pub(super) const ROLES: &[Role] = &[
    role(
        "73c42c96-874c-492b-b04d-ab87d138a893",
        "Log Analytics Reader",
        ALL,
        NONE,
        NONE,
    ),
    role(
        "3b03c2da-16b3-4a49-8834-0f8130efdd3b",
        "Log Analytics Data Reader",
        DATA,
        NONE,
        NONE,
    ),
    role(
        "92aaf0da-9dab-42b6-94a3-d43ce8d16293",
        "Log Analytics Contributor",
        ALL,
        &[
            "microsoft.operationalinsights/",
            "microsoft.insights/diagnosticsettings",
        ],
        NONE,
    ),
    role(
        "acdd72a7-3385-48ef-bd42-f606fba81ae7",
        "Reader",
        ALL,
        NONE,
        NONE,
    ),
    role(
        "b24988ac-6180-42a0-ab88-20f7382dd24c",
        "Contributor",
        ALL,
        ALL,
        ACCESS,
    ),
    role(
        "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
        "Owner",
        ALL,
        ALL,
        NONE,
    ),
    role(
        "43d0d8ad-25c7-4714-9337-8ba259a9fe05",
        "Monitoring Reader",
        ALL,
        NONE,
        NONE,
    ),
    role(
        "749f88d5-cbae-40b8-bcfc-e573ddc772fa",
        "Monitoring Contributor",
        ALL,
        INSIGHTS,
        NONE,
    ),
    role(
        "8d289c81-5878-46d4-8554-54e1e3d8b5cb",
        "Microsoft Sentinel Reader",
        ALL,
        NONE,
        NONE,
    ),
    role(
        "3e150937-b8fe-4cfb-8069-0eaf05ecd056",
        "Microsoft Sentinel Responder",
        ALL,
        NONE,
        NONE,
    ),
    role(
        "ab8e14d6-4a74-4a29-9ba8-549422addade",
        "Microsoft Sentinel Contributor",
        ALL,
        SENTINEL,
        NONE,
    ),
    role(
        "f4c81013-99ee-4d62-a7ee-b3f1f648599a",
        "Microsoft Sentinel Automation Contributor",
        ALL,
        NONE,
        NONE,
    ),
    role(
        "87a39d53-fc1b-424a-814c-f7e04687dc9e",
        "Logic App Contributor",
        ALL,
        NONE,
        NONE,
    ),
    role(
        "a638d3c7-ab3a-418d-83e6-5f17a39d4fde",
        "Azure Event Hubs Data Receiver",
        NONE,
        NONE,
        NONE,
    ),
    role(
        "2b629674-e913-4c01-ae53-ef4638d8f975",
        "Azure Event Hubs Data Sender",
        NONE,
        NONE,
        NONE,
    ),
    role(
        "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
        "Storage Blob Data Reader",
        NONE,
        NONE,
        NONE,
    ),
    role(
        "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        "User Access Administrator",
        ALL,
        ACCESS,
        NONE,
    ),
    role(
        "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
        "Role Based Access Control Administrator",
        ALL,
        &["microsoft.authorization/roleassignments"],
        NONE,
    ),
];

impl Role {
    fn allows(&self, kind: &str, deed: Deed) -> bool {
        let kind = kind.to_lowercase();
        let any = |list: &[&str]| list.iter().any(|own| *own == "*" || kind.starts_with(own));
        match deed {
            Deed::Read => any(self.reads),
            Deed::Write | Deed::Delete => any(self.writes) && !any(self.not),
        }
    }

    /// As the API shows it.
    pub(super) fn json(&self) -> Value {
        let actions = |list: &[&str], end: &str| {
            list.iter()
                .map(|own| {
                    if *own == "*" {
                        end.to_owned()
                    } else {
                        format!("{own}*")
                    }
                })
                .collect::<Vec<_>>()
        };
        let mut allowed = actions(self.reads, "*/read");
        allowed.extend(actions(self.writes, "*"));
        serde_json::json!({
            "id": format!("/providers/Microsoft.Authorization/roleDefinitions/{}", self.id), "name": self.id,
            "type": "Microsoft.Authorization/roleDefinitions",
            "properties": {"roleName": self.name, "type": "BuiltInRole", "description": self.name,
                "assignableScopes": ["/"], "permissions": [{"actions": allowed,
                    "notActions": actions(self.not, "*"), "dataActions": [], "notDataActions": []}]},
        })
    }
}

/// The roles of a caller with the scope of each.
pub(super) struct Access {
    roles: Vec<(&'static Role, String)>,
    entra_reads: bool,
    entra_writes: bool,
}

/// Entra roles that read and that write the tenant's diagnostic settings.
const ENTRA_READERS: &[&str] = &[
    "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
    "5d6b6bb7-de71-4623-b4af-96380a352509",
    "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f",
];
const ENTRA_WRITERS: &[&str] = &[
    "194ae4cb-b126-40b2-bd5b-6091b380977d",
    "62e90394-69f5-4237-9190-012177145e10",
];

/// Between an app's Azure role and the scope where it has it.
const AT: &str = " at ";

/// Where an app has a role.
fn scope_in(text: &str) -> String {
    text.split_once(AT)
        .map_or("/subscriptions", |(_, scope)| scope)
        .to_owned()
}

impl Access {
    pub(super) fn of(lab: &Lab, state: &State, caller: &Caller, now: Timestamp) -> Self {
        let mut roles = Vec::new();
        let mut entra = BTreeSet::new();
        let who = caller.user.as_ref().or(caller.principal.as_ref());
        if caller.user.is_none()
            && let Some(app) = lab
                .apps
                .iter()
                .find(|app| app.client_id.eq_ignore_ascii_case(&caller.app))
        {
            let named = |text: &String| {
                let name = text.split(AT).next().unwrap_or_default();
                ROLES
                    .iter()
                    .find(|role| role.name.eq_ignore_ascii_case(name))
            };
            entra.extend(app.entra.iter().map(|id| id.to_lowercase()));
            roles.extend(
                app.azure
                    .iter()
                    .filter_map(|text| Some((named(text)?, scope_in(text)))),
            );
        }
        let mut principals = BTreeSet::new();
        if let Some(who) = who {
            principals.insert(who.to_lowercase());
            for group in state.table("groups").all() {
                let lists = ["transitiveMembers", "members"];
                let inside = lists.iter().any(|list| {
                    let members = group.get(*list).and_then(Value::as_array);
                    members
                        .into_iter()
                        .flatten()
                        .any(|member| text(member, "id").eq_ignore_ascii_case(who))
                });
                if inside {
                    principals.insert(text(group, "id").to_lowercase());
                }
            }
        }
        for row in state.table("azureRoleAssignments").all() {
            let properties = row.get("properties").unwrap_or(&Value::Null);
            if principals.contains(&text(properties, "principalId").to_lowercase())
                && let Some(role) = by_id(text(properties, "roleDefinitionId"))
            {
                roles.push((role, scope_of(row)));
            }
        }
        let held = who
            .map(|who| graph::write::active_roles(state, who, now))
            .unwrap_or_default();
        entra.extend(
            held.into_iter()
                .filter(|(_, scope)| scope == "/")
                .map(|(role, _)| role),
        );
        let holds = |wanted: &[&str]| wanted.iter().any(|role| entra.contains(*role));
        Self {
            roles,
            entra_writes: holds(ENTRA_WRITERS),
            entra_reads: holds(ENTRA_READERS) || holds(ENTRA_WRITERS),
        }
    }

    /// Whether a role allows this at or above the scope.
    pub(super) fn allows(&self, kind: &str, deed: Deed, scope: &str) -> bool {
        if kind.to_lowercase().starts_with("microsoft.aadiam/") {
            let entra = match deed {
                Deed::Read => self.entra_reads,
                Deed::Write | Deed::Delete => self.entra_writes,
            };
            if entra {
                return true;
            }
        }
        self.roles
            .iter()
            .any(|(role, own)| path::within(scope, own) && role.allows(kind, deed))
    }

    /// Whether anything at, above or below this scope is open to the caller: then they see that it exists.
    pub(super) fn sees(&self, scope: &str) -> bool {
        self.roles
            .iter()
            .any(|(_, own)| path::within(scope, own) || path::within(own, scope))
    }
}

/// The role behind a role definition id, whatever its scope.
pub(super) fn by_id(id: &str) -> Option<&'static Role> {
    let id = id.rsplit('/').next()?;
    ROLES.iter().find(|role| role.id.eq_ignore_ascii_case(id))
}

/// Where an assignment holds: what it says, or what its id lies below.
pub(super) fn scope_of(row: &Value) -> String {
    let given = row
        .get("properties")
        .map(|properties| text(properties, "scope"))
        .unwrap_or_default();
    let scope = match given {
        "" => {
            let id = text(row, "id");
            let end = id
                .to_lowercase()
                .rfind("/providers/microsoft.authorization/")
                .unwrap_or(0);
            id.get(..end).unwrap_or_default()
        }
        given => given,
    };
    scope.trim_end_matches('/').to_owned()
}
