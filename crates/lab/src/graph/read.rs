//! Showing objects: which properties, under which context, with which related objects.

use std::{borrow::Cow, sync::Arc};

use serde_json::{Map, Value, json};

use super::{
    Version, check,
    index::{Index, list},
    kind::{self, Kind},
    page::malformed,
    request::Request,
    write::PREVIEW,
};
use crate::{
    Fault, Lab, State,
    lab::{ApiError, Caller},
    odata::{self, Expand},
    permissions,
};

/// A read in progress.
pub(crate) struct Reader<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) state: &'a State,
    pub(crate) index: Arc<Index>,
    pub(crate) now: jiff::Timestamp,
    pub(crate) caller: &'a Caller,
    pub(crate) request: &'a Request,
}

/// What is to be shown of each object.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    pub(crate) select: Vec<String>,
    pub(crate) expand: Vec<Expand>,
    /// Whether the caller sees only what everybody sees of users.
    pub(crate) basic: bool,
}

/// Properties that are shown for one user at a time only: Microsoft Graph, *List users*.
const ONE_AT_A_TIME: &[&str] = &[
    "aboutMe",
    "birthday",
    "hireDate",
    "interests",
    "mailboxSettings",
    "mySite",
    "pastProjects",
    "preferredName",
    "responsibilities",
    "schools",
    "skills",
];

impl<'a> Reader<'a> {
    /// What the options say of each object.
    pub(crate) fn shape(&self, kind: &Kind, many: bool) -> Result<Shape, ApiError> {
        let query = &self.request.query;
        let select = query
            .get("$select")
            .map(odata::read_list)
            .unwrap_or_default();
        let expand = match query.get("$expand") {
            None => Vec::new(),
            Some(text) => {
                odata::read_expand(text).map_err(|error| malformed("expand", text, &error))?
            }
        };
        let is_user = kind.name == kind::USER.name;
        for name in &select {
            let first = name.split('/').next().unwrap_or(name);
            if self.request.version == Version::V1 && first != "*" && !kind.may_have(first) {
                return Err(check::no_property(first, kind));
            }
            if is_user && many && ONE_AT_A_TIME.contains(&first) {
                return Err(ApiError::new(
                    501,
                    "NotImplemented",
                    format!("The property '{first}' is served for one user at a time only."),
                ));
            }
        }
        let activity = select.iter().any(|name| name.starts_with("signInActivity"))
            || query
                .get("$filter")
                .is_some_and(|filter| filter.contains("signInActivity"));
        if is_user && activity {
            if self.lab.faults.on(Fault::NoPremium) {
                return Err(not_premium());
            }
            if !permissions::holds(self.caller, &["AuditLog.Read.All"]) {
                return Err(ApiError::denied());
            }
        }
        if kind.name == kind::ASSIGNMENT.name && expand.len() > 1 {
            return Err(ApiError::new(
                400,
                "Request_BadRequest",
                "Only one property can be expanded in a single query.",
            ));
        }
        let basic = is_user
            && !permissions::holds(self.caller, permissions::ALL_OF_USERS)
            && !(self.caller.user.as_deref() == self.request.segments.get(1).map(String::as_str)
                && permissions::holds(self.caller, &["User.Read", "User.ReadWrite"]));
        if basic
            && select
                .iter()
                .any(|name| !permissions::BASIC_PROPERTIES.contains(&name.as_str()))
        {
            return Err(ApiError::denied());
        }
        Ok(Shape {
            select,
            expand,
            basic,
        })
    }

    /// `@odata.context`.
    pub(crate) fn context(&self, set: &str, select: &[String], one: bool) -> String {
        let origin = &self.lab.addresses.graph;
        let version = self.request.version.segment();
        let selected = if select.is_empty() {
            String::new()
        } else {
            format!("({})", select.join(","))
        };
        let entity = if one { "/$entity" } else { "" };
        format!("{origin}/{version}/$metadata#{set}{selected}{entity}")
    }

    /// A single object as an answer.
    pub(crate) fn entity(
        &self,
        kind: &'static Kind,
        object: &Value,
        set: &str,
        mixed: bool,
    ) -> Result<Value, ApiError> {
        let shape = self.shape(kind, false)?;
        let shown = self.show(kind, object, &shape, mixed)?;
        let entity = !set.is_empty() && !set.ends_with("olicy");
        let mut body = Map::new();
        body.insert(
            "@odata.context".to_owned(),
            json!(self.context(set, &shape.select, entity)),
        );
        if let Value::Object(shown) = shown {
            body.extend(shown);
        }
        Ok(Value::Object(body))
    }

    /// An object of the state as Graph shows it.
    pub(crate) fn show(
        &self,
        kind: &'static Kind,
        object: &Value,
        shape: &Shape,
        mixed: bool,
    ) -> Result<Value, ApiError> {
        let own = if mixed { kind::of_type(object) } else { kind };
        let mut shown = Map::new();
        if mixed || own.name != kind.name {
            let name = object.get("@odata.type").cloned();
            shown.insert(
                "@odata.type".to_owned(),
                name.unwrap_or_else(|| json!(own.odata_type())),
            );
        }
        let Value::Object(fields) = object else {
            return Ok(object.clone());
        };
        if shape.select.is_empty() || shape.select.iter().any(|name| name == "*") {
            if let Some(default) = own.default {
                for name in default {
                    let hidden = shape.basic && !permissions::BASIC_PROPERTIES.contains(name);
                    let value = fields.get(*name).filter(|_| !hidden);
                    shown.insert((*name).to_owned(), value.cloned().unwrap_or_default());
                }
            } else {
                for (name, value) in fields {
                    let beta_only =
                        self.request.version == Version::V1 && own.beta.contains(&name.as_str());
                    let said = name == "@odata.type" && !mixed && own.is_directory();
                    if !own.hidden.contains(&name.as_str()) && !beta_only && !said {
                        shown.insert(name.clone(), value.clone());
                    }
                }
            }
        } else {
            // A list of one kind of directory objects does not say which kind they are.
            let says = mixed || !own.is_directory();
            if let Some(name) = fields.get("@odata.type").filter(|_| says) {
                shown.insert("@odata.type".to_owned(), name.clone());
            }
            for name in &shape.select {
                let first = name.split('/').next().unwrap_or(name);
                if own
                    .relations
                    .iter()
                    .any(|own| own.eq_ignore_ascii_case(first))
                {
                    continue;
                }
                let (name, value) = self.property(own, object, fields, first);
                shown.insert(name, value);
            }
        }
        if own.name == kind::POLICY.name && self.request.version == Version::V1 {
            without_preview(&mut shown);
        }
        for expand in &shape.expand {
            if let Some((name, value)) = self.expanded(own, object, expand)? {
                shown.insert(name, value);
            }
        }
        Ok(Value::Object(shown))
    }

    /// A selected property: its name as Graph spells it, and its value; one that is empty is null.
    fn property(
        &self,
        kind: &Kind,
        object: &Value,
        fields: &Map<String, Value>,
        name: &str,
    ) -> (String, Value) {
        let spelled = kind
            .properties
            .into_iter()
            .flatten()
            .find(|own| own.eq_ignore_ascii_case(name))
            .map_or(name, |own| own);
        if spelled == "isManagementRestricted"
            && ["user", "group", "device"].contains(&kind.name)
            && self.state.knows("administrativeUnits")
        {
            let id = fields.get("id").and_then(Value::as_str).unwrap_or_default();
            let restricted = self.index.restricted(self.state, self.now, id);
            return (
                spelled.to_owned(),
                if restricted { json!(true) } else { Value::Null },
            );
        }
        let mut value = odata::lookup(object, name).cloned().unwrap_or_default();
        if kind.name == kind::USER.name && spelled == "passwordProfile" {
            // The password itself never comes back, not even from a snapshot that holds one.
            if let Some(profile) = value.as_object_mut() {
                profile.remove("password");
            }
        }
        (spelled.to_owned(), value)
    }

    /// Keeps an object beyond the rows that it came from.
    pub(crate) fn keep(object: Cow<'_, Value>) -> Cow<'a, Value> {
        Cow::Owned(object.into_owned())
    }

    /// A list that stands in an object: devices, owners.
    pub(crate) fn stored(object: &Value, name: &str) -> Result<Vec<Cow<'a, Value>>, ApiError> {
        let items = list(object, name).ok_or_else(|| ApiError::not_held(name))?;
        Ok(items.iter().map(|item| Cow::Owned(item.clone())).collect())
    }
}

/// Takes beta's properties out of a policy.
fn without_preview(shown: &mut Map<String, Value>) {
    for path in PREVIEW {
        let Some(([first, way @ ..], name)) = path.split_last().map(|(name, way)| (way, name))
        else {
            continue;
        };
        let mut object = shown.get_mut(*first);
        for step in way {
            object = object.and_then(|object| object.get_mut(step));
        }
        if let Some(Value::Object(fields)) = object {
            fields.shift_remove(*name);
        }
    }
}

/// Refusal of what needs a licence.
pub(crate) fn not_premium() -> ApiError {
    ApiError::new(
        403,
        "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
        "Neither tenant is B2C or tenant doesn't have premium license",
    )
}
