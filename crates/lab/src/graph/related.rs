//! Objects that others point to: what is expanded, who holds a role, who is behind a reference.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::{
    Version, check,
    index::{Ref, principal_kind, refs},
    kind::{self, Kind},
    read::{Reader, Shape},
    write,
};
use crate::{
    lab::ApiError,
    odata::{self, Expand},
    permissions,
};

/// Related objects that `$expand` shows at most: Microsoft Graph, *Known issues*.
const EXPANDED: usize = 20;

impl<'a> Reader<'a> {
    /// A related object, or the first of them.
    pub(crate) fn expanded(
        &self,
        kind: &'static Kind,
        object: &Value,
        expand: &Expand,
    ) -> Result<Option<(String, Value)>, ApiError> {
        let id = object.get("id").and_then(Value::as_str).unwrap_or_default();
        let Some(name) = kind
            .relations
            .iter()
            .find(|own| own.eq_ignore_ascii_case(&expand.name))
        else {
            // A part of the object that is shown anyway (`combinationConfigurations`).
            if odata::lookup(object, &expand.name).is_some() || kind.properties.is_none() {
                return Ok(None);
            }
            return Err(check::no_property(&expand.name, kind));
        };
        let shape = Shape {
            select: expand.select.clone(),
            expand: expand.nested.clone(),
            basic: false,
        };
        let many = |refs: &[Ref]| -> Result<Value, ApiError> {
            let shown: Result<Vec<Value>, ApiError> = refs
                .iter()
                .filter_map(|one| self.resolve(one))
                .take(EXPANDED)
                .map(|one| self.show(&kind::OBJECT, &one, &shape, true))
                .collect();
            Ok(Value::Array(shown?))
        };
        let value = match *name {
            "members" | "transitiveMembers" if kind.name == kind::GROUP.name => {
                let transitive = *name == "transitiveMembers";
                match self.index.below(self.state, self.now, id, transitive) {
                    Some(refs) => many(&refs)?,
                    None => return Err(ApiError::not_held(name)),
                }
            }
            "memberOf" | "transitiveMemberOf" => many(&self.index.above(id, *name != "memberOf"))?,
            "principal" | "activatedUsing"
                if kind.name != kind::USER.name && *name == "principal" =>
            {
                self.principal(object, &shape)?
            }
            "roleDefinition" => {
                let role = object
                    .get("roleDefinitionId")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let beta = shape
                    .select
                    .iter()
                    .find(|name| kind::ROLE_DEFINITION.is_beta(name));
                if let Some(name) = beta
                    && self.request.version == Version::V1
                {
                    return Err(check::no_property(name, &kind::ROLE_DEFINITION));
                }
                match self.state.table("roleDefinitions").seen(role, self.now) {
                    Some(role) => {
                        self.show(&kind::ROLE_DEFINITION, &Self::role(role), &shape, false)?
                    }
                    None => Value::Null,
                }
            }
            "directoryScope" => {
                let scope = object
                    .get("directoryScopeId")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                match scope.rsplit_once('/') {
                    Some((_, id)) if !id.is_empty() => {
                        json!({"@odata.type": "#microsoft.graph.administrativeUnit", "id": id})
                    }
                    _ => Value::Null,
                }
            }
            "policy" => {
                let id = object
                    .get("policyId")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let stored = self
                    .state
                    .table("roleManagementPolicies")
                    .seen(id, self.now);
                match stored.or_else(|| object.get("policy")) {
                    Some(policy) => self.show(&kind::RULES, policy, &shape, false)?,
                    None => Value::Null,
                }
            }
            "effectiveRules" => {
                let rules = object.get("effectiveRules").or_else(|| object.get("rules"));
                rules.cloned().unwrap_or_else(|| json!([]))
            }
            _ => match object.get(*name) {
                Some(Value::Array(items)) if kind.is_directory() => {
                    let refs: Vec<Ref> = refs(items).collect();
                    many(&refs)?
                }
                Some(Value::Array(items)) => {
                    let shown: Result<Vec<Value>, ApiError> = items
                        .iter()
                        .map(|one| self.show(&kind::ENTITY, one, &shape, false))
                        .collect();
                    Value::Array(shown?)
                }
                Some(Value::Object(_)) if *name == "manager" => match self.manager(object) {
                    Some(manager) => self.show(&kind::OBJECT, &manager, &shape, true)?,
                    None => Value::Null,
                },
                Some(other) => other.clone(),
                None => return Ok(None),
            },
        };
        Ok(Some(((*name).to_owned(), value)))
    }

    /// Who holds a role.
    fn principal(&self, object: &Value, shape: &Shape) -> Result<Value, ApiError> {
        let id = object
            .get("principalId")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let reference = Ref {
            kind: principal_kind(self.state, self.now, id),
            id: id.to_lowercase().into(),
        };
        match self.resolve(&reference) {
            Some(found) => self.show(&kind::OBJECT, &found, shape, true),
            None => Ok(Value::Null),
        }
    }

    /// The manager of a user, as an object with its type.
    pub(crate) fn manager(&self, user: &Value) -> Option<Value> {
        let id = user.get("manager")?.get("id")?.as_str()?;
        let reference = Ref {
            kind: &kind::USER,
            id: id.to_lowercase().into(),
        };
        self.resolve(&reference).map(Cow::into_owned)
    }

    /// A role definition, with what follows from its being built in.
    pub(crate) fn role(role: &Value) -> Cow<'_, Value> {
        if role.get("isPrivileged").is_some() {
            return Cow::Borrowed(role);
        }
        let id = role
            .get("templateId")
            .or_else(|| role.get("id"))
            .and_then(Value::as_str);
        let mut role = role.clone();
        role["isPrivileged"] = json!(id.is_some_and(write::labelled_privileged));
        Cow::Owned(role)
    }

    /// The object behind a reference, with its type; what the caller may not read shows no more than type and id.
    pub(crate) fn resolve(&self, reference: &Ref) -> Option<Cow<'a, Value>> {
        let id: &str = &reference.id;
        let bare = || json!({"@odata.type": reference.kind.odata_type(), "id": id});
        let (collection, any) = match reference.kind.name {
            "user" => ("users", permissions::ALL_OF_USERS),
            "group" => ("groups", permissions::GROUPS),
            "device" => ("devices", permissions::DEVICES),
            "servicePrincipal" => ("servicePrincipals", permissions::APPLICATIONS),
            "application" => ("applications", permissions::APPLICATIONS),
            "administrativeUnit" => ("administrativeUnits", &[][..]),
            "directoryRole" => {
                let role = self.index.roles.iter().find(|role| {
                    role.get("id")
                        .and_then(Value::as_str)
                        .is_some_and(|own| own.eq_ignore_ascii_case(id))
                })?;
                return Some(Cow::Owned(typed(role, reference.kind)));
            }
            _ => return Some(Cow::Owned(bare())),
        };
        if !any.is_empty() && !permissions::holds(self.caller, any) {
            return Some(Cow::Owned(bare()));
        }
        if let Some(found) = self.state.table(collection).seen(id, self.now) {
            return Some(Cow::Owned(typed(found, reference.kind)));
        }
        // Deleted since, or never part of the snapshot: a snapshot may hold references beyond itself.
        let deleted = self.state.deleted.iter().any(|(_, object)| {
            object
                .get("id")
                .and_then(Value::as_str)
                .is_some_and(|own| own.eq_ignore_ascii_case(id))
        });
        (!deleted).then(|| Cow::Owned(bare()))
    }
}

/// An object with its type in front.
fn typed(object: &Value, kind: &Kind) -> Value {
    let mut shown = Map::new();
    shown.insert("@odata.type".to_owned(), json!(kind.odata_type()));
    if let Value::Object(fields) = object {
        shown.extend(
            fields
                .iter()
                .filter(|(name, _)| *name != "@odata.type")
                .map(|(name, value)| (name.clone(), value.clone())),
        );
    }
    Value::Object(shown)
}
