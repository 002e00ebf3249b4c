//! Which objects a path names.
//!
//! Invariant: a path that is not listed here does not exist, and a collection that the snapshot did not have can't be
//! read: nobody is told "there are none" where nothing is known.

mod directory;
mod policies;
mod roles;

use crate::state::text;
use std::borrow::Cow;

use serde_json::Value;

use super::{
    Version, derive,
    index::Ref,
    kind::{self, Kind},
    logs,
    page::{List, Rows},
    read::Reader,
};
use crate::{
    Fault,
    lab::{Answer, ApiError},
};

/// What a path names.
pub(crate) enum Found<'a> {
    List(List<'a>),
    /// How many there are.
    Count(List<'a>),
    One {
        object: Cow<'a, Value>,
        kind: &'static Kind,
        /// What `@odata.context` names.
        context: String,
        /// Whether the object says which type it is.
        mixed: bool,
    },
    /// An answer that no option changes.
    Whole(Value),
    /// An answer with a shape of its own.
    Special(Answer),
}

type Outcome<'a> = Result<Found<'a>, ApiError>;

/// The segment does not exist.
fn no_segment(segment: &str) -> ApiError {
    ApiError::new(
        400,
        "BadRequest",
        format!("Resource not found for the segment '{segment}'."),
    )
}

/// The collections that are served as they are: path, collection, type.
static PLAIN: &[(&[&str], &str, &Kind)] = &[
    (&["devices"], "devices", &kind::DEVICE),
    (
        &["serviceprincipals"],
        "servicePrincipals",
        &kind::PRINCIPAL,
    ),
    (&["applications"], "applications", &kind::APPLICATION),
    (&["domains"], "domains", &kind::DOMAIN),
    (
        &["directory", "administrativeunits"],
        "administrativeUnits",
        &kind::UNIT,
    ),
    (
        &[
            "rolemanagement",
            "directory",
            "roleassignmentschedulerequests",
        ],
        "roleAssignmentScheduleRequests",
        &kind::ENTITY,
    ),
    (
        &[
            "rolemanagement",
            "directory",
            "roleeligibilityschedulerequests",
        ],
        "roleEligibilityScheduleRequests",
        &kind::ENTITY,
    ),
    (
        &[
            "rolemanagement",
            "directory",
            "resourcenamespaces",
            "microsoft.directory",
            "resourceactions",
        ],
        "resourceActions",
        &kind::ACTION,
    ),
    (
        &["identity", "conditionalaccess", "namedlocations"],
        "namedLocations",
        &kind::LOCATION,
    ),
    (
        &["identity", "conditionalaccess", "templates"],
        "conditionalAccessTemplates",
        &kind::TEMPLATE,
    ),
    (
        &[
            "identity",
            "conditionalaccess",
            "authenticationcontextclassreferences",
        ],
        "authenticationContextClassReferences",
        &kind::CONTEXT,
    ),
    (
        &[
            "identity",
            "conditionalaccess",
            "authenticationstrength",
            "policies",
        ],
        "authenticationStrengthPolicies",
        &kind::STRENGTH,
    ),
    (
        &["policies", "authenticationstrengthpolicies"],
        "authenticationStrengthPolicies",
        &kind::STRENGTH,
    ),
    (
        &["identitygovernance", "accessreviews", "definitions"],
        "accessReviews",
        &kind::REVIEW,
    ),
    (
        &["identityprotection", "riskyusers"],
        "riskyUsers",
        &kind::RISKY,
    ),
    (
        &["identitygovernance", "lifecycleworkflows", "workflows"],
        "lifecycleWorkflows",
        &kind::WORKFLOW,
    ),
];

impl<'a> Reader<'a> {
    /// Refuses a collection that the snapshot did not have.
    fn known(&self, collection: &str) -> Result<(), ApiError> {
        let path = &self.request.path;
        let said = |name: &String| {
            name.eq_ignore_ascii_case(collection)
                || name.contains('/') && path.to_lowercase().starts_with(&name.to_lowercase())
        };
        if self.state.tables.contains_key(collection) && !self.state.unknown.iter().any(said) {
            Ok(())
        } else {
            Err(ApiError::not_held(collection))
        }
    }

    fn table(&self, collection: &str, kind: &'static Kind) -> Result<List<'a>, ApiError> {
        self.known(collection)?;
        Ok(List {
            rows: Rows::Table(self.state.table(collection)),
            kind,
            context: kind.set.to_owned(),
            mixed: false,
            cast: false,
        })
    }

    fn values(rows: Vec<Cow<'a, Value>>, kind: &'static Kind) -> List<'a> {
        List {
            rows: Rows::Values(rows),
            kind,
            context: kind.set.to_owned(),
            mixed: false,
            cast: false,
        }
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "every arm of the routes is an outcome"
    )]
    fn one(object: impl Into<Cow<'a, Value>>, kind: &'static Kind) -> Outcome<'a> {
        Ok(Found::One {
            object: object.into(),
            kind,
            context: kind.set.to_owned(),
            mixed: false,
        })
    }

    fn by_id(&self, collection: &str, id: &str, kind: &'static Kind) -> Outcome<'a> {
        self.known(collection)?;
        let found = self.state.table(collection).seen(id, self.now);
        Self::one(
            Cow::Borrowed(found.ok_or_else(|| ApiError::not_found(id))?),
            kind,
        )
    }

    fn in_list(rows: Vec<Cow<'a, Value>>, id: &str, kind: &'static Kind) -> Outcome<'a> {
        let found = rows
            .into_iter()
            .find(|row| text(row, "id").eq_ignore_ascii_case(id));
        Self::one(found.ok_or_else(|| ApiError::not_found(id))?, kind)
    }

    /// What the call asks for.
    pub(crate) fn route(&self) -> Outcome<'a> {
        let mut path = self.request.path();
        let mut keys: Vec<&'a str> = self.request.segments.iter().map(String::as_str).collect();
        if self.request.version == Version::Beta && path.first() == Some(&"administrativeunits") {
            path.insert(0, "directory");
            keys.insert(0, "directory");
        }
        if path.first() == Some(&"me") {
            path.splice(0..1, ["users", "me"]);
            keys.splice(0..1, ["users", "me"]);
        }
        let counting = path.last() == Some(&"$count");
        if counting {
            path.pop();
            keys.pop();
        }
        let found = self.find(&path, &keys)?;
        if !counting {
            return Ok(found);
        }
        match found {
            Found::List(list) => self.counted(list),
            _ => Err(no_segment("$count")),
        }
    }

    /// `/$count`, which only advanced queries have, and which is plain text.
    fn counted(&self, list: List<'a>) -> Outcome<'a> {
        if list.kind.is_directory() && !self.request.eventual {
            return Err(ApiError::new(
                400,
                "Request_BadRequest",
                "$count is not currently supported.",
            ));
        }
        if self.request.only_json {
            return Err(ApiError::new(
                415,
                "Request_UnsupportedMediaType",
                "The segment serves text/plain only.",
            ));
        }
        let filter = self.request.query.get("$filter").unwrap_or_default();
        if filter.contains("signInActivity") {
            return Err(ApiError::new(502, "UnknownError", ""));
        }
        Ok(Found::Count(list))
    }

    fn find(&self, path: &[&str], keys: &[&'a str]) -> Outcome<'a> {
        if let Some((_, collection, kind)) = PLAIN.iter().find(|(at, ..)| *at == path) {
            return self.table(collection, kind).map(Found::List);
        }
        match path {
            ["users"] => self.table("users", &kind::USER).map(Found::List),
            ["users", _, rest @ ..] => {
                self.of_user(keys[1], rest, keys.get(2..).unwrap_or_default())
            }
            ["groups"] => self.table("groups", &kind::GROUP).map(Found::List),
            ["groups", _, rest @ ..] => {
                self.of_group(keys[1], rest, keys.get(2..).unwrap_or_default())
            }
            ["organization"] => {
                self.known("organization")?;
                let all = self.state.table("organization").all_seen(self.now);
                let rows = all.map(|one| self.organization(one)).collect();
                Ok(Found::List(Self::values(rows, &kind::ORGANIZATION)))
            }
            ["organization", _] => {
                self.known("organization")?;
                let found = self.state.table("organization").seen(keys[1], self.now);
                let found = found.ok_or_else(|| ApiError::not_found(keys[1]))?;
                Self::one(self.organization(found), &kind::ORGANIZATION)
            }
            ["subscribedskus"] => {
                self.known("subscribedSkus")?;
                let all = self.state.table("subscribedSkus").all_seen(self.now);
                let rows = all.map(|one| self.organization(one)).collect();
                Ok(Found::List(Self::values(rows, &kind::SKU)))
            }
            ["domains", _, "federationconfiguration"] => {
                self.known("domains")?;
                let domain = self.state.table("domains").seen(keys[1], self.now);
                let domain = domain.ok_or_else(|| ApiError::not_found(keys[1]))?;
                // A managed domain has none; that of a federated one may be unknown.
                let managed = !text(domain, "authenticationType").eq_ignore_ascii_case("federated");
                let rows = match Self::stored(domain, "federationConfiguration") {
                    Err(_) if managed => Vec::new(),
                    rows => rows?,
                };
                let mut list = Self::values(rows, &kind::FEDERATION);
                list.context = format!("domains('{}')/federationConfiguration", keys[1]);
                Ok(Found::List(list))
            }
            ["serviceprincipals", _, "approleassignedto"] => {
                self.known("appRoleAssignments")?;
                let all = self.state.table("appRoleAssignments").all_seen(self.now);
                let rows = all
                    .filter(|row| text(row, "resourceId").eq_ignore_ascii_case(keys[1]))
                    .map(Cow::Borrowed)
                    .collect();
                let mut list = Self::values(rows, &kind::APP_ROLE_ASSIGNMENT);
                list.context = format!("servicePrincipals('{}')/appRoleAssignedTo", keys[1]);
                Ok(Found::List(list))
            }
            ["directoryobjects", _, rest @ ..] => self.of_object(keys[1], rest),
            ["directoryroles", rest @ ..] => {
                self.of_roles_held(rest, keys.get(1..).unwrap_or_default())
            }
            ["directory", "administrativeunits", _, rest @ ..] => self.of_unit(keys[2], rest, keys),
            ["directory", "deleteditems", cast] => self.deleted(cast),
            ["rolemanagement", "directory", rest @ ..] => self.of_role_management(rest, keys),
            [
                "identitygovernance",
                "privilegedaccess",
                "group",
                list,
                rest @ ..,
            ] => self.of_pim_groups(list, rest, keys),
            ["identity" | "policies", rest @ ..] => self.of_policies(path, rest, keys),
            [
                "reports",
                "authenticationmethods",
                "userregistrationdetails",
                rest @ ..,
            ] => self.registrations(rest.first().map(|_| keys[3])),
            ["auditlogs", rest @ ..] => logs::find(self, rest, keys.get(2).copied()),
            [..] => {
                if let [parent @ .., _] = path
                    && let Some((_, collection, kind)) = PLAIN.iter().find(|(at, ..)| at == &parent)
                {
                    let id = keys.last().copied().unwrap_or_default();
                    return self.by_key(collection, id, kind);
                }
                Err(no_segment(keys.last().copied().unwrap_or_default()))
            }
        }
    }

    fn organization(&self, object: &'a Value) -> Cow<'a, Value> {
        if self.lab.faults.on(Fault::NoPremium) {
            Cow::Owned(derive::without_premium(object))
        } else {
            Cow::Borrowed(object)
        }
    }

    fn refs(refs: impl Into<std::sync::Arc<[Ref]>>, context: &str) -> List<'a> {
        List {
            rows: Rows::Refs(refs.into()),
            kind: &kind::OBJECT,
            context: context.to_owned(),
            mixed: true,
            cast: false,
        }
    }

    /// A list of mixed kinds, cut down to one where the path ends with a type.
    fn cast(mut list: List<'a>, rest: &[&str]) -> Outcome<'a> {
        let Some(name) = rest.first() else {
            return Ok(Found::List(list));
        };
        let wanted = name
            .strip_prefix("microsoft.graph.")
            .filter(|_| rest.len() == 1);
        let Some(kind) = wanted.and_then(cast_kind) else {
            return Err(no_segment(name));
        };
        if let Rows::Refs(refs) = &list.rows {
            list.rows = Rows::Refs(
                refs.iter()
                    .filter(|one| one.kind.name == kind.name)
                    .cloned()
                    .collect(),
            );
        }
        list.kind = kind;
        list.mixed = false;
        list.cast = true;
        kind.set.clone_into(&mut list.context);
        Ok(Found::List(list))
    }
}

/// The type that a path ends with.
fn cast_kind(name: &str) -> Option<&'static Kind> {
    [
        &kind::USER,
        &kind::GROUP,
        &kind::UNIT,
        &kind::DEVICE,
        &kind::PRINCIPAL,
        &kind::ROLE,
        &kind::APPLICATION,
    ]
    .into_iter()
    .find(|kind| kind.name.eq_ignore_ascii_case(name))
}
