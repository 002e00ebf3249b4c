//! Users, groups, units, directory roles, and what hangs on them.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{Found, Outcome, cast_kind, no_segment, text};
use crate::{
    graph::{
        Version, derive,
        index::{Ref, refs},
        kind::{self, Kind},
        page::Rows,
        read::Reader,
    },
    lab::{ApiError, not_held},
};

impl<'a> Reader<'a> {
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

    pub(super) fn group(&self, id: &str) -> Result<&'a Value, ApiError> {
        self.known("groups")?;
        let found = self.state.table("groups").seen(id, self.now);
        found.ok_or_else(|| ApiError::not_found(id))
    }

    /// An object by its id, or by another key (`appId=…`).
    pub(super) fn by_key(&self, collection: &str, id: &'a str, kind: &'static Kind) -> Outcome<'a> {
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

    pub(super) fn of_user(&self, key: &'a str, rest: &[&str], keys: &[&'a str]) -> Outcome<'a> {
        let user = self.user(key)?;
        let id = text(user, "id");
        match rest {
            [] => Self::one(Cow::Borrowed(user), &kind::USER),
            [list @ ("memberof" | "transitivememberof"), rest @ ..] => {
                let above = self.index.above(id, *list == "transitivememberof");
                Self::cast(Self::refs(above, "directoryObjects"), rest)
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
                let mut list = Self::values(Self::stored(user, name)?, &kind::OBJECT);
                list.mixed = true;
                "directoryObjects".clone_into(&mut list.context);
                match rest {
                    [] | ["microsoft.graph.device"] => Ok(Found::List(list)),
                    [other, ..] => Err(no_segment(other)),
                }
            }
            ["authentication", rest @ ..] => self.of_methods(user, rest, keys),
            [other, ..] => Err(no_segment(other)),
        }
    }

    pub(super) fn of_methods(
        &self,
        user: &'a Value,
        rest: &[&str],
        keys: &[&'a str],
    ) -> Outcome<'a> {
        let id = text(user, "id");
        let not_held = |name| {
            let message = format!("Request Authorization failed{}", not_held(name));
            ApiError::new(403, "accessDenied", message)
        };
        if rest == ["requirements"] && self.request.version == Version::Beta {
            let requirements = user
                .pointer("/authentication/requirements")
                .ok_or_else(|| not_held("users/authentication/requirements"))?;
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
            .ok_or_else(|| not_held("users/authentication/methods"))?;
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

    pub(super) fn of_group(&self, id: &'a str, rest: &[&str], keys: &[&'a str]) -> Outcome<'a> {
        let group = self.group(id)?;
        match rest {
            [] => Self::one(Cow::Borrowed(group), &kind::GROUP),
            [list @ ("members" | "transitivemembers"), rest @ ..] => {
                let below =
                    self.index
                        .below(self.state, self.now, id, *list == "transitivemembers");
                let below = below.ok_or_else(|| ApiError::not_held("members"))?;
                if let [key] = rest
                    && !key.starts_with("microsoft.graph.")
                {
                    let key = keys.get(1).copied().unwrap_or(key);
                    return self.member(&below, key);
                }
                Self::cast(Self::refs(below, "directoryObjects"), rest)
            }
            ["owners", rest @ ..] => {
                let owners = group.get("owners").and_then(Value::as_array);
                let owners: Vec<Ref> =
                    refs(owners.ok_or_else(|| ApiError::not_held("owners"))?).collect();
                Self::cast(Self::refs(owners, "directoryObjects"), rest)
            }
            [list @ ("memberof" | "transitivememberof"), rest @ ..] => {
                let above = self.index.above(id, *list == "transitivememberof");
                Self::cast(Self::refs(above, "directoryObjects"), rest)
            }
            [other, ..] => Err(no_segment(other)),
        }
    }

    /// A member by its id, which shows whether it is one.
    pub(super) fn member(&self, members: &[Ref], id: &str) -> Outcome<'a> {
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

    pub(super) fn of_object(&self, id: &str, rest: &[&str]) -> Outcome<'a> {
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
                Self::cast(Self::refs(above, "directoryObjects"), rest)
            }
            [other, ..] => Err(no_segment(other)),
        }
    }

    pub(super) fn of_roles_held(&self, rest: &[&str], keys: &[&'a str]) -> Outcome<'a> {
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
                    refs(members.ok_or_else(|| ApiError::not_held("members"))?).collect();
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
                Self::cast(list, rest)
            }
            [.., other] => Err(no_segment(other)),
            [] => Err(no_segment("directoryRoles")),
        }
    }

    pub(super) fn of_unit(&self, id: &'a str, rest: &[&str], keys: &[&'a str]) -> Outcome<'a> {
        self.known("administrativeUnits")?;
        let unit = self.state.table("administrativeUnits").seen(id, self.now);
        let unit = unit.ok_or_else(|| ApiError::not_found(id))?;
        match rest {
            [] => Self::one(Cow::Borrowed(unit), &kind::UNIT),
            ["members", rest @ ..] => {
                let members = unit.get("members").and_then(Value::as_array);
                let members: Vec<Ref> =
                    refs(members.ok_or_else(|| ApiError::not_held("members"))?).collect();
                if let [key] = rest
                    && !key.starts_with("microsoft.graph.")
                {
                    return self.member(&members, keys.last().copied().unwrap_or(key));
                }
                Self::cast(Self::refs(members, "directoryObjects"), rest)
            }
            ["scopedrolemembers"] => {
                Ok(Found::List(Self::values(self.scoped(unit), &kind::SCOPED)))
            }
            [other, ..] => Err(no_segment(other)),
        }
    }

    /// Who has a role on a unit: what the snapshot holds, and the assignments with that scope.
    pub(super) fn scoped(&self, unit: &Value) -> Vec<Cow<'a, Value>> {
        let id = text(unit, "id");
        let scope = format!("/administrativeUnits/{id}");
        let mut rows = Self::stored(unit, "scopedRoleMembers").unwrap_or_default();
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

    pub(super) fn deleted(&self, cast: &str) -> Outcome<'a> {
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
}

/// The service principal of one of the twin's own apps.
fn principal_of(app: &crate::App) -> Value {
    json!({
        "id": app.principal, "appId": app.client_id, "displayName": app.name, "accountEnabled": true,
        "servicePrincipalType": "Application",
    })
}
