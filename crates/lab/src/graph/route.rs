//! Which objects a path names.
//!
//! Invariant: a path that is not listed here does not exist, and a collection that the snapshot did not have can't be
//! read: nobody is told "there are none" where nothing is known.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{
    Version, derive,
    index::Ref,
    kind::{self, Kind},
    logs,
    page::{List, Rows},
    read::Reader,
    write::{runs, uses_preview},
};
use crate::{Fault, lab::Answer, lab::ApiError, lab::Body};

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

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
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
            Err(ApiError::denied())
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

    /// A user by id or user principal name.
    pub(crate) fn user(&self, key: &str) -> Result<&'a Value, ApiError> {
        self.known("users")?;
        let users = self.state.table("users");
        let key = match key {
            "me" => self.caller.user.as_deref().unwrap_or_default(),
            _ => key.strip_prefix("userPrincipalName=").unwrap_or(key),
        };
        users
            .seen(key, self.now)
            .or_else(|| users.seen(self.index.named(key)?, self.now))
            .ok_or_else(|| ApiError::not_found(key))
    }

    fn group(&self, id: &str) -> Result<&'a Value, ApiError> {
        self.known("groups")?;
        let found = self.state.table("groups").seen(id, self.now);
        found.ok_or_else(|| ApiError::not_found(id))
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
                let rows = match self.stored(domain, "federationConfiguration") {
                    Err(_) if managed => Vec::new(),
                    rows => rows?,
                };
                let mut list = Self::values(rows, &kind::FEDERATION);
                list.context = format!("domains('{}')/federationConfiguration", keys[1]);
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

    /// An object by its id, or by another key (`appId=…`).
    fn by_key(&self, collection: &str, id: &'a str, kind: &'static Kind) -> Outcome<'a> {
        match id.split_once('=') {
            Some((property, value)) if !property.is_empty() && kind.is_directory() => {
                self.known(collection)?;
                let found = self
                    .state
                    .table(collection)
                    .all_seen(self.now)
                    .find(|object| {
                        crate::odata::lookup(object, property)
                            .and_then(Value::as_str)
                            .is_some_and(|own| own.eq_ignore_ascii_case(value))
                    });
                let own = || {
                    self.lab
                        .apps
                        .iter()
                        .find(|app| app.client_id.eq_ignore_ascii_case(value))
                };
                match found {
                    Some(found) => Self::one(Cow::Borrowed(found), kind),
                    // The twin's own app registrations stand beside the tenant's objects.
                    None if collection == "servicePrincipals"
                        && property.eq_ignore_ascii_case("appId") =>
                    {
                        let app = own().ok_or_else(|| ApiError::not_found(value))?;
                        Self::one(Cow::Owned(principal_of(app)), kind)
                    }
                    None => Err(ApiError::not_found(value)),
                }
            }
            _ => match self.by_id(collection, id, kind) {
                Err(error) if error.status == 404 && collection == "servicePrincipals" => {
                    let app = self
                        .lab
                        .apps
                        .iter()
                        .find(|app| !id.is_empty() && app.principal.eq_ignore_ascii_case(id));
                    Self::one(Cow::Owned(principal_of(app.ok_or(error)?)), kind)
                }
                found => found,
            },
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
    fn cast(&self, mut list: List<'a>, rest: &[&str]) -> Outcome<'a> {
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

    fn of_user(&self, key: &'a str, rest: &[&str], keys: &[&'a str]) -> Outcome<'a> {
        let user = self.user(key)?;
        let id = text(user, "id");
        match rest {
            [] => Self::one(Cow::Borrowed(user), &kind::USER),
            [list @ ("memberof" | "transitivememberof"), rest @ ..] => {
                let above = self.index.above(id, *list == "transitivememberof");
                self.cast(Self::refs(above, "directoryObjects"), rest)
            }
            ["manager"] => match self.manager(user) {
                Some(manager) => Ok(Found::One {
                    object: Cow::Owned(manager),
                    kind: &kind::OBJECT,
                    context: "directoryObjects".to_owned(),
                    mixed: true,
                }),
                None => Err(ApiError::not_found("manager")),
            },
            [list @ ("registereddevices" | "owneddevices"), rest @ ..] => {
                let name = if *list == "owneddevices" {
                    "ownedDevices"
                } else {
                    "registeredDevices"
                };
                let mut list = Self::values(self.stored(user, name)?, &kind::OBJECT);
                list.mixed = true;
                list.context = "directoryObjects".to_owned();
                match rest {
                    [] | ["microsoft.graph.device"] => Ok(Found::List(list)),
                    [other, ..] => Err(no_segment(other)),
                }
            }
            ["authentication", rest @ ..] => self.of_methods(user, rest, keys),
            [other, ..] => Err(no_segment(other)),
        }
    }

    fn of_methods(&self, user: &'a Value, rest: &[&str], keys: &[&'a str]) -> Outcome<'a> {
        let id = text(user, "id");
        let refused = || ApiError::new(403, "accessDenied", "Request Authorization failed");
        if rest == ["requirements"] && self.request.version == Version::Beta {
            let requirements = user
                .pointer("/authentication/requirements")
                .ok_or_else(refused)?;
            return Self::one(Cow::Borrowed(requirements), &kind::ENTITY);
        }
        let (segment, key) = match rest {
            [segment] => (*segment, None),
            [segment, _] => (*segment, keys.last().copied()),
            _ => return Err(no_segment(rest.last().copied().unwrap_or("authentication"))),
        };
        let methods = user
            .pointer("/authentication/methods")
            .and_then(Value::as_array)
            .ok_or_else(refused)?;
        let singular = segment
            .strip_suffix("methods")
            .map(|name| format!("{name}authenticationmethod"));
        let of_segment = |method: &&Value| {
            let own = text(method, "@odata.type")
                .rsplit('.')
                .next()
                .unwrap_or_default()
                .to_lowercase();
            segment == "methods" || singular.as_deref() == Some(&own)
        };
        if singular.is_none() {
            return Err(no_segment(segment));
        }
        let rows: Vec<Cow<'a, Value>> = methods
            .iter()
            .filter(of_segment)
            .map(|method| {
                // In a list of one kind the kind is not said; secrets are never shown.
                let mut method = method.clone();
                for secret in ["password", "temporaryAccessPass", "secretKey"] {
                    if method.get(secret).is_some() {
                        method[secret] = Value::Null;
                    }
                }
                if segment == "methods" {
                    Cow::Owned(method)
                } else {
                    Cow::Owned(derive::without(&method, &["@odata.type"]))
                }
            })
            .collect();
        if let Some(key) = key {
            return Self::in_list(rows, key, &kind::METHOD);
        }
        let mut list = Self::values(rows, &kind::METHOD);
        list.context = format!(
            "users('{id}')/authentication/{}",
            keys.get(1).copied().unwrap_or("methods")
        );
        Ok(Found::List(list))
    }

    fn of_group(&self, id: &'a str, rest: &[&str], keys: &[&'a str]) -> Outcome<'a> {
        let group = self.group(id)?;
        match rest {
            [] => Self::one(Cow::Borrowed(group), &kind::GROUP),
            [list @ ("members" | "transitivemembers"), rest @ ..] => {
                let below =
                    self.index
                        .below(self.state, self.now, id, *list == "transitivemembers");
                let below = below.ok_or_else(ApiError::denied)?;
                if let [key] = rest
                    && !key.starts_with("microsoft.graph.")
                {
                    let key = keys.get(1).copied().unwrap_or(key);
                    return self.member(&below, key);
                }
                self.cast(Self::refs(below, "directoryObjects"), rest)
            }
            ["owners", rest @ ..] => {
                let owners = group.get("owners").and_then(Value::as_array);
                let owners: Vec<Ref> =
                    super::index::refs(owners.ok_or_else(ApiError::denied)?).collect();
                self.cast(Self::refs(owners, "directoryObjects"), rest)
            }
            [list @ ("memberof" | "transitivememberof"), rest @ ..] => {
                let above = self.index.above(id, *list == "transitivememberof");
                self.cast(Self::refs(above, "directoryObjects"), rest)
            }
            [other, ..] => Err(no_segment(other)),
        }
    }

    /// A member by its id, which shows whether it is one.
    fn member(&self, members: &[Ref], id: &str) -> Outcome<'a> {
        let found = members
            .iter()
            .find(|member| member.id.eq_ignore_ascii_case(id));
        let object = found.and_then(|member| self.resolve(member));
        Ok(Found::One {
            object: object.ok_or_else(|| ApiError::not_found(id))?,
            kind: &kind::OBJECT,
            context: "directoryObjects".to_owned(),
            mixed: true,
        })
    }

    fn of_object(&self, id: &str, rest: &[&str]) -> Outcome<'a> {
        const HOMES: [(&str, &Kind); 6] = [
            ("users", &kind::USER),
            ("groups", &kind::GROUP),
            ("servicePrincipals", &kind::PRINCIPAL),
            ("administrativeUnits", &kind::UNIT),
            ("devices", &kind::DEVICE),
            ("applications", &kind::APPLICATION),
        ];
        let found = HOMES
            .iter()
            .find(|(home, _)| self.state.table(home).seen(id, self.now).is_some());
        let (_, kind) = found.ok_or_else(|| ApiError::not_found(id))?;
        match rest {
            [] => self.member(
                &[Ref {
                    kind,
                    id: id.to_lowercase().into(),
                }],
                id,
            ),
            [list @ ("memberof" | "transitivememberof"), rest @ ..] => {
                let above = self.index.above(id, *list == "transitivememberof");
                self.cast(Self::refs(above, "directoryObjects"), rest)
            }
            [other, ..] => Err(no_segment(other)),
        }
    }

    fn of_roles_held(&self, rest: &[&str], keys: &[&'a str]) -> Outcome<'a> {
        let Some(key) = keys.first() else {
            let rows = self
                .index
                .roles
                .iter()
                .map(|role| Cow::Owned(role.clone()))
                .collect();
            return Ok(Found::List(Self::values(rows, &kind::ROLE)));
        };
        let property = if key.starts_with("roleTemplateId=") {
            "roleTemplateId"
        } else {
            "id"
        };
        let wanted = key.split_once('=').map_or(*key, |(_, value)| value);
        let role = self
            .index
            .roles
            .iter()
            .find(|role| text(role, property).eq_ignore_ascii_case(wanted));
        let role = role.ok_or_else(|| ApiError::not_found(wanted))?.clone();
        match rest {
            [_] => Self::one(Cow::Owned(role), &kind::ROLE),
            [_, "members", rest @ ..] => {
                let members = role.get("members").and_then(Value::as_array);
                let members: Vec<Ref> =
                    super::index::refs(members.ok_or_else(ApiError::denied)?).collect();
                let mut list = Self::refs(members, "directoryObjects");
                // Members of directory roles do not page.
                if rest.is_empty() {
                    let rows: Vec<Cow<'a, Value>> = match &list.rows {
                        Rows::Refs(refs) => {
                            refs.iter().filter_map(|one| self.resolve(one)).collect()
                        }
                        _ => Vec::new(),
                    };
                    list.rows = Rows::Values(rows);
                    list.kind = &kind::ROLE;
                }
                self.cast(list, rest)
            }
            [.., other] => Err(no_segment(other)),
            [] => Err(no_segment("directoryRoles")),
        }
    }

    fn of_unit(&self, id: &'a str, rest: &[&str], keys: &[&'a str]) -> Outcome<'a> {
        self.known("administrativeUnits")?;
        let unit = self.state.table("administrativeUnits").seen(id, self.now);
        let unit = unit.ok_or_else(|| ApiError::not_found(id))?;
        match rest {
            [] => Self::one(Cow::Borrowed(unit), &kind::UNIT),
            ["members", rest @ ..] => {
                let members = unit.get("members").and_then(Value::as_array);
                let members: Vec<Ref> =
                    super::index::refs(members.ok_or_else(ApiError::denied)?).collect();
                if let [key] = rest
                    && !key.starts_with("microsoft.graph.")
                {
                    return self.member(&members, keys.last().copied().unwrap_or(key));
                }
                self.cast(Self::refs(members, "directoryObjects"), rest)
            }
            ["scopedrolemembers"] => {
                Ok(Found::List(Self::values(self.scoped(unit), &kind::SCOPED)))
            }
            [other, ..] => Err(no_segment(other)),
        }
    }

    /// Who has a role on a unit: what the snapshot holds, and the assignments with that scope.
    fn scoped(&self, unit: &Value) -> Vec<Cow<'a, Value>> {
        let id = text(unit, "id");
        let scope = format!("/administrativeUnits/{id}");
        let mut rows = self.stored(unit, "scopedRoleMembers").unwrap_or_default();
        for row in derive::assignments(self.state, self.now) {
            if !text(&row, "directoryScopeId").eq_ignore_ascii_case(&scope) {
                continue;
            }
            let principal = text(&row, "principalId");
            let role = text(&row, "roleDefinitionId");
            let held = self
                .index
                .roles
                .iter()
                .find(|own| text(own, "roleTemplateId").eq_ignore_ascii_case(role));
            let role = held.map_or(role, |own| text(own, "id"));
            let known = rows.iter().any(|own| {
                text(own, "roleId").eq_ignore_ascii_case(role)
                    && own.pointer("/roleMemberInfo/id").and_then(Value::as_str) == Some(principal)
            });
            if !known {
                let user = self.state.table("users").seen(principal, self.now);
                rows.push(Cow::Owned(json!({
                    "id": text(&row, "id"), "administrativeUnitId": id, "roleId": role,
                    "roleMemberInfo": {
                        "id": principal, "displayName": user.and_then(|user| user.get("displayName")),
                        "userPrincipalName": user.and_then(|user| user.get("userPrincipalName")),
                    },
                })));
            }
        }
        rows
    }

    fn deleted(&self, cast: &str) -> Outcome<'a> {
        let kind = cast
            .strip_prefix("microsoft.graph.")
            .and_then(cast_kind)
            .ok_or_else(|| no_segment(cast))?;
        let collection = if kind.name == kind::UNIT.name {
            "administrativeUnits"
        } else {
            kind.set
        };
        let rows = self
            .state
            .deleted
            .iter()
            .filter(|(from, _)| from == collection);
        let rows = rows.map(|(_, object)| Cow::Borrowed(object)).collect();
        Ok(Found::List(Self::values(rows, kind)))
    }

    fn of_role_management(&self, rest: &[&str], keys: &[&'a str]) -> Outcome<'a> {
        let key = keys.get(3).copied();
        let pim = rest.first().is_some_and(|list| list.contains("schedule"));
        if pim && let Some(refusal) = self.no_pim() {
            return refusal;
        }
        let (rows, kind): (Vec<Cow<'a, Value>>, &'static Kind) =
            match rest.first().copied().unwrap_or_default() {
                "roledefinitions" => {
                    self.known("roleDefinitions")?;
                    let all = self.state.table("roleDefinitions").all_seen(self.now);
                    (
                        all.map(|role| self.role(role)).collect(),
                        &kind::ROLE_DEFINITION,
                    )
                }
                "roleassignments" => {
                    if self.known("roleAssignments").is_err() {
                        self.known("roleAssignmentScheduleInstances")?;
                    }
                    let rows = derive::assignments(self.state, self.now);
                    (self.with_roles(rows), &kind::ASSIGNMENT)
                }
                "roleassignmentscheduleinstances" => {
                    self.known("roleAssignmentScheduleInstances")?;
                    (derive::active(self.state, self.now), &kind::ACTIVE)
                }
                "roleeligibilityscheduleinstances" => (self.eligible()?, &kind::ELIGIBLE),
                "roleassignmentschedules" => {
                    if self.known("roleAssignmentSchedules").is_ok() {
                        let all = self
                            .state
                            .table("roleAssignmentSchedules")
                            .all_seen(self.now);
                        (all.map(Cow::Borrowed).collect(), &kind::ACTIVE)
                    } else {
                        self.known("roleAssignmentScheduleInstances")?;
                        let rows = derive::active(self.state, self.now);
                        (
                            derive::schedules(&rows, "roleAssignmentScheduleId", false),
                            &kind::ACTIVE,
                        )
                    }
                }
                "roleeligibilityschedules" => {
                    if self.known("roleEligibilitySchedules").is_ok() {
                        let all = self
                            .state
                            .table("roleEligibilitySchedules")
                            .all_seen(self.now);
                        (all.map(Cow::Borrowed).collect(), &kind::ELIGIBLE)
                    } else {
                        let rows = self.eligible()?;
                        (
                            derive::schedules(&rows, "roleEligibilityScheduleId", true),
                            &kind::ELIGIBLE,
                        )
                    }
                }
                other => return Err(no_segment(other)),
            };
        match (rest, key) {
            ([_], _) => {
                let mut list = Self::values(rows, kind);
                list.context = format!(
                    "roleManagement/directory/{}",
                    keys.get(2).copied().unwrap_or_default()
                );
                Ok(Found::List(list))
            }
            ([_, _], Some(key)) => Self::in_list(rows, key, kind),
            _ => Err(no_segment(keys.last().copied().unwrap_or_default())),
        }
    }

    fn eligible(&self) -> Result<Vec<Cow<'a, Value>>, ApiError> {
        self.known("roleEligibilityScheduleInstances")?;
        let all = self
            .state
            .table("roleEligibilityScheduleInstances")
            .all_seen(self.now)
            .filter(|row| runs(row, self.now));
        Ok(all.map(Cow::Borrowed).collect())
    }

    /// Puts the role into each assignment where the filter looks into it.
    fn with_roles(&self, rows: Vec<Cow<'a, Value>>) -> Vec<Cow<'a, Value>> {
        let filter = self.request.query.get("$filter").unwrap_or_default();
        if !filter.contains("roleDefinition/") {
            return rows;
        }
        rows.into_iter()
            .map(|row| {
                let mut row = row.into_owned();
                let role = self
                    .state
                    .table("roleDefinitions")
                    .seen(text(&row, "roleDefinitionId"), self.now);
                if let Some(role) = role {
                    row["roleDefinition"] = self.role(role).into_owned();
                }
                Cow::Owned(row)
            })
            .collect()
    }

    /// How Privileged Identity Management refuses in a tenant that has no licence for it, or never set it up.
    fn no_pim(&self) -> Option<Outcome<'a>> {
        if self.lab.faults.on(Fault::PimNotOnboarded) {
            return Some(Ok(missing_provider()));
        }
        self.lab.faults.on(Fault::NoPremium).then(|| {
            Err(ApiError::new(
                400,
                "AadPremiumLicenseRequired",
                "The tenant needs an AAD Premium 2 license.",
            ))
        })
    }

    fn of_pim_groups(&self, list: &str, rest: &[&str], keys: &[&'a str]) -> Outcome<'a> {
        if let Some(refusal) = self.no_pim() {
            return refusal;
        }
        let collection = match list {
            "assignmentscheduleinstances" => "privilegedAccessGroupAssignmentScheduleInstances",
            "eligibilityscheduleinstances" => "privilegedAccessGroupEligibilityScheduleInstances",
            "assignmentschedules" => "privilegedAccessGroupAssignmentSchedules",
            "eligibilityschedules" => "privilegedAccessGroupEligibilitySchedules",
            other => return Err(no_segment(other)),
        };
        if !rest.is_empty() {
            return self.by_id(
                collection,
                keys.last().copied().unwrap_or_default(),
                &kind::ENTITY,
            );
        }
        let filter = self
            .request
            .query
            .get("$filter")
            .unwrap_or_default()
            .to_lowercase();
        if !filter.contains("groupid") && !filter.contains("principalid") {
            return Err(ApiError::new(
                400,
                "InvalidFilter",
                "The filter is invalid: groupId or principalId must be given.",
            ));
        }
        let mut list = self.table(collection, &kind::ENTITY)?;
        list.context = format!(
            "identityGovernance/privilegedAccess/group/{}",
            keys.get(3).copied().unwrap_or_default()
        );
        Ok(Found::List(list))
    }

    fn of_policies(&self, path: &[&str], rest: &[&str], keys: &[&'a str]) -> Outcome<'a> {
        let key = keys.last().copied().unwrap_or_default();
        match (path[0], rest) {
            ("identity", ["conditionalaccess", "policies"]) => {
                self.known("conditionalAccessPolicies")?;
                let v1 = self.request.version == Version::V1;
                let all = self
                    .state
                    .table("conditionalAccessPolicies")
                    .all_seen(self.now);
                // What uses a preview feature is silently left out of v1.0.
                let rows = all
                    .filter(|policy| !v1 || !uses_preview(policy))
                    .map(Cow::Borrowed)
                    .collect();
                Ok(Found::List(Self::values(rows, &kind::POLICY)))
            }
            ("identity", ["conditionalaccess", "policies", _]) => {
                self.known("conditionalAccessPolicies")?;
                let policy = self
                    .state
                    .table("conditionalAccessPolicies")
                    .seen(key, self.now);
                let policy = policy.ok_or_else(|| {
                    ApiError::new(
                        404,
                        "ResourceNotFound",
                        format!("Resource '{key}' does not exist."),
                    )
                })?;
                if self.request.version == Version::V1 && uses_preview(policy) {
                    return Err(ApiError::new(
                        400,
                        "BadRequest",
                        "1037: The policy you requested contains preview features. Use the Beta endpoint to retrieve this policy.",
                    ));
                }
                Self::one(Cow::Borrowed(policy), &kind::POLICY)
            }
            (
                "identity",
                [
                    "conditionalaccess",
                    "deleteditems",
                    list @ ("policies" | "namedlocations"),
                    rest @ ..,
                ],
            ) => {
                let (collection, kind) = if *list == "policies" {
                    ("conditionalAccessPolicies", &kind::POLICY)
                } else {
                    ("namedLocations", &kind::LOCATION)
                };
                let rows = self
                    .state
                    .deleted
                    .iter()
                    .filter(|(from, _)| from == collection);
                let rows = rows.map(|(_, object)| Cow::Borrowed(object)).collect();
                match rest {
                    [] => Ok(Found::List(Self::values(rows, kind))),
                    [_] => Self::in_list(rows, key, kind),
                    _ => Err(no_segment(key)),
                }
            }
            (
                "policies",
                [
                    "rolemanagementpolicyassignments" | "rolemanagementpolicies",
                    ..,
                ],
            ) => self.of_pim_rules(rest, keys),
            ("policies", ["identitysecuritydefaultsenforcementpolicy"]) => {
                self.single("identitySecurityDefaultsEnforcementPolicy", &kind::DEFAULTS)
            }
            ("policies", ["authorizationpolicy"]) => {
                self.single("authorizationPolicy", &kind::AUTHORIZATION)
            }
            ("policies", ["authenticationmethodspolicy"]) => {
                self.single("authenticationMethodsPolicy", &kind::METHODS_POLICY)
            }
            (
                "policies",
                [
                    "authenticationmethodspolicy",
                    "authenticationmethodconfigurations",
                    rest @ ..,
                ],
            ) => {
                let policy = self.only("authenticationMethodsPolicy")?;
                let rows = self.stored(policy, "authenticationMethodConfigurations")?;
                match rest {
                    [] => {
                        let mut list = Self::values(rows, &kind::METHOD_SETTING);
                        list.context = "authenticationMethodConfigurations".to_owned();
                        Ok(Found::List(list))
                    }
                    [_] => Self::in_list(rows, key, &kind::METHOD_SETTING),
                    _ => Err(no_segment(key)),
                }
            }
            (_, [.., "usage"])
                if path.contains(&"authenticationstrengthpolicies")
                    || path.contains(&"authenticationstrength") =>
            {
                let id = keys
                    .get(keys.len().saturating_sub(2))
                    .copied()
                    .unwrap_or_default();
                self.usage(id)
            }
            (
                _,
                [
                    ..,
                    "authenticationstrengthpolicies",
                    _,
                    "combinationconfigurations",
                ]
                | [.., "policies", _, "combinationconfigurations"],
            ) => {
                let id = keys
                    .get(keys.len().saturating_sub(2))
                    .copied()
                    .unwrap_or_default();
                self.known("authenticationStrengthPolicies")?;
                let found = self
                    .state
                    .table("authenticationStrengthPolicies")
                    .seen(id, self.now);
                let found = found.ok_or_else(|| ApiError::not_found(id))?;
                Ok(Found::List(Self::values(
                    self.stored(found, "combinationConfigurations")?,
                    &kind::ENTITY,
                )))
            }
            _ => {
                if let [parent @ .., _] = path
                    && let Some((_, collection, kind)) = PLAIN.iter().find(|(at, ..)| at == &parent)
                {
                    return self.by_id(collection, key, kind);
                }
                Err(no_segment(key))
            }
        }
    }

    /// The policies that use a strength.
    fn usage(&self, id: &str) -> Outcome<'a> {
        self.known("authenticationStrengthPolicies")?;
        let strength = self
            .state
            .table("authenticationStrengthPolicies")
            .seen(id, self.now);
        let strength = strength.ok_or_else(|| ApiError::not_found(id))?;
        let users: Vec<&Value> = self
            .state
            .table("conditionalAccessPolicies")
            .all_seen(self.now)
            .filter(|policy| {
                let own = policy
                    .pointer("/grantControls/authenticationStrength/id")
                    .and_then(Value::as_str);
                own.is_some_and(|own| own.eq_ignore_ascii_case(id))
            })
            .collect();
        let mfa = text(strength, "requirementsSatisfied") == "mfa";
        let (mfa, none) = if mfa {
            (users, Vec::new())
        } else {
            (Vec::new(), users)
        };
        Ok(Found::Whole(json!({"mfa": mfa, "none": none})))
    }

    fn of_pim_rules(&self, rest: &[&str], keys: &[&'a str]) -> Outcome<'a> {
        if let Some(refusal) = self.no_pim() {
            return refusal;
        }
        let key = keys.get(2).copied().unwrap_or_default();
        let assignments = rest[0] == "rolemanagementpolicyassignments";
        if !assignments && rest.len() > 1 {
            let policy = self.pim_policy(key)?;
            let rules =
                || -> Result<Vec<Cow<'a, Value>>, ApiError> { self.stored(&policy, "rules") };
            return match &rest[2..] {
                [] => Self::one(policy, &kind::RULES),
                ["rules" | "effectiveRules"] => {
                    Ok(Found::List(Self::values(rules()?, &kind::RULE)))
                }
                ["rules", _] => Self::in_list(
                    rules()?,
                    keys.last().copied().unwrap_or_default(),
                    &kind::RULE,
                ),
                _ => Err(no_segment(keys.last().copied().unwrap_or_default())),
            };
        }
        if let [_, _] = rest {
            return self.by_id("roleManagementPolicyAssignments", key, &kind::RULES_OF);
        }
        // Without a scope the service does not know whom to ask.
        let filter = self
            .request
            .query
            .get("$filter")
            .unwrap_or_default()
            .to_lowercase();
        if !(filter.contains("scopeid") && filter.contains("scopetype")) {
            return Ok(missing_provider());
        }
        let directory = filter.contains("'directory'");
        let again = |row: &'a Value| -> Cow<'a, Value> {
            // Both names of the scope's type work, and the answer repeats the one that was asked with.
            if directory && text(row, "scopeType").eq_ignore_ascii_case("DirectoryRole") {
                let mut row = row.clone();
                row["scopeType"] = json!("Directory");
                Cow::Owned(row)
            } else {
                Cow::Borrowed(row)
            }
        };
        if assignments {
            self.known("roleManagementPolicyAssignments")?;
            let all = self
                .state
                .table("roleManagementPolicyAssignments")
                .all_seen(self.now);
            return Ok(Found::List(Self::values(
                all.map(again).collect(),
                &kind::RULES_OF,
            )));
        }
        let rows = if self.known("roleManagementPolicies").is_ok() {
            let all = self
                .state
                .table("roleManagementPolicies")
                .all_seen(self.now);
            all.map(again).collect()
        } else {
            self.known("roleManagementPolicyAssignments")?;
            let all = self
                .state
                .table("roleManagementPolicyAssignments")
                .all_seen(self.now);
            all.filter_map(|row| {
                let mut policy = row.get("policy")?.clone();
                for name in ["scopeId", "scopeType"] {
                    if policy.get(name).is_none() {
                        policy[name] = row.get(name).cloned().unwrap_or_default();
                    }
                }
                if directory {
                    policy["scopeType"] = json!("Directory");
                }
                Some(Cow::Owned(policy))
            })
            .collect()
        };
        Ok(Found::List(Self::values(rows, &kind::RULES)))
    }

    fn pim_policy(&self, id: &str) -> Result<Cow<'a, Value>, ApiError> {
        if let Some(policy) = self
            .state
            .table("roleManagementPolicies")
            .seen(id, self.now)
        {
            return Ok(Cow::Borrowed(policy));
        }
        self.known("roleManagementPolicyAssignments")?;
        let rows = self
            .state
            .table("roleManagementPolicyAssignments")
            .all_seen(self.now);
        let found = rows
            .filter_map(|row| row.get("policy"))
            .find(|policy| text(policy, "id").eq_ignore_ascii_case(id));
        found
            .map(Cow::Borrowed)
            .ok_or_else(|| ApiError::not_found(id))
    }

    fn only(&self, collection: &str) -> Result<&'a Value, ApiError> {
        self.known(collection)?;
        let mut all = self.state.table(collection).all_seen(self.now);
        all.next().ok_or_else(|| ApiError::not_found(collection))
    }

    fn single(&self, collection: &str, kind: &'static Kind) -> Outcome<'a> {
        Self::one(Cow::Borrowed(self.only(collection)?), kind)
    }

    fn registrations(&self, id: Option<&str>) -> Outcome<'a> {
        if self.lab.faults.on(Fault::NoPremium) {
            return Err(super::read::not_premium());
        }
        let stored = self.known("userRegistrationDetails").is_ok();
        let rows: Vec<Cow<'a, Value>> = if stored {
            self.state
                .table("userRegistrationDetails")
                .all_seen(self.now)
                .map(Cow::Borrowed)
                .collect()
        } else {
            self.known("users")?;
            let users = self.state.table("users").all_seen(self.now);
            let wanted =
                |user: &&Value| id.is_none_or(|id| text(user, "id").eq_ignore_ascii_case(id));
            let rows = users.filter(wanted);
            rows.filter_map(|user| derive::registration(self.state, user, self.now))
                .map(Cow::Owned)
                .collect()
        };
        match id {
            Some(id) => Self::in_list(rows, id, &kind::REGISTRATION),
            None if rows.is_empty() && !stored => Err(ApiError::denied()),
            None => Ok(Found::List(Self::values(rows, &kind::REGISTRATION))),
        }
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

/// The service principal of one of the twin's own apps.
fn principal_of(app: &crate::App) -> Value {
    json!({
        "id": app.principal, "appId": app.client_id, "displayName": app.name, "accountEnabled": true,
        "servicePrincipalType": "Application",
    })
}

/// Not in the usual envelope: Privileged Identity Management does not know which of its providers is meant.
fn missing_provider<'a>() -> Found<'a> {
    Found::Special(Answer {
        status: 400,
        headers: Vec::new(),
        body: Body::Json(json!({
            "errorCode": "MissingProvider", "message": "The provider is missing.", "instanceAnnotations": [],
        })),
    })
}
