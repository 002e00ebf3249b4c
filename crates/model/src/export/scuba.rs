//! The provider export of ScubaGear: one object with a key per PowerShell command.

use serde_json::{Map, Value, json};

use super::{
    gather::{Gather, Source, what},
    kind,
};
use crate::NotRead;

/// Keys that hold Graph objects, and the collection that they belong to.
const COLLECTIONS: &[(&str, &str)] = &[
    ("conditional_access_policies", kind::POLICIES),
    ("authorization_policies", "authorizationPolicy"),
    ("directory_settings", "directorySettings"),
    ("domain_settings", kind::DOMAINS),
    ("license_information", "subscribedSkus"),
    ("service_plans", "servicePlans"),
    ("risky_applications", "riskyApplications"),
    (
        "risky_third_party_service_principals",
        "riskyThirdPartyServicePrincipals",
    ),
];

impl Gather {
    pub(super) fn scuba(&mut self, at: Source<'_>, object: Map<String, Value>) {
        for (key, value) in object {
            let at = Source {
                file: at.file,
                position: &key,
            };
            if let Some((_, kind)) = COLLECTIONS.iter().find(|(name, _)| *name == key) {
                self.extent(kind).whole = true;
                for item in one_or_many(value) {
                    if item.is_object() {
                        self.add(kind, item);
                    } else {
                        self.set_aside(at, format!("{} where an object is expected", what(&item)));
                    }
                }
                continue;
            }
            match key.as_str() {
                "privileged_users" => self.scuba_principals(at, kind::USERS, value),
                "privileged_service_principals" => {
                    self.scuba_principals(at, kind::PRINCIPALS, value);
                }
                "privileged_roles" => self.scuba_roles(value),
                "tenant_details" => {
                    for tenant in one_or_many(value) {
                        self.count("tenant details");
                        let text =
                            |key: &str| tenant.get(key).and_then(Value::as_str).map(str::to_owned);
                        self.tenant_id = self.tenant_id.take().or(text("tenantId"));
                        self.tenant_name = self.tenant_name.take().or(text("displayName"));
                    }
                }
                "authentication_method" => {
                    for part in one_or_many(value) {
                        if let Some(policy) = part.get("authentication_method_policy") {
                            for policy in one_or_many(policy.clone()) {
                                self.add("authenticationMethodsPolicy", policy);
                            }
                        }
                        if let Some(settings) = part.get("authentication_method_feature_settings") {
                            for setting in one_or_many(settings.clone()) {
                                self.add("authenticationMethodConfigurations", setting);
                            }
                        }
                    }
                }
                "timestamp_zulu" => {
                    self.collected_at = value.as_str().map(str::to_owned);
                }
                // The rest describes the run of the tool, or other products, and is no object.
                _ => self.count("other keys of the ScubaGear export"),
            }
        }
    }

    fn scuba_principals(&mut self, at: Source<'_>, kind: &str, value: Value) {
        self.extent(kind).missing = Some(NotRead {
            collection: kind.to_owned(),
            reason: format!(
                "a ScubaGear export holds only privileged {}",
                if kind == kind::USERS {
                    "users"
                } else {
                    "service principals"
                }
            ),
            permission: (kind == kind::USERS).then(|| "User.Read.All".to_owned()),
        });
        let Value::Object(principals) = value else {
            if !value.is_null() {
                self.set_aside(at, format!("{} where an object is expected", what(&value)));
            }
            return;
        };
        for (id, principal) in principals {
            if let Value::Object(mut principal) = principal {
                principal.insert("id".to_owned(), Value::String(id));
                self.add(kind, Value::Object(principal));
            } else {
                self.set_aside(
                    at,
                    format!("{} where an object is expected", what(&principal)),
                );
            }
        }
    }

    fn scuba_roles(&mut self, roles: Value) {
        for (kind, permission) in [
            (kind::ROLES, "RoleManagement.Read.Directory"),
            (kind::ACTIVE, "RoleAssignmentSchedule.Read.Directory"),
        ] {
            self.extent(kind).missing = Some(NotRead {
                collection: kind.to_owned(),
                reason: "a ScubaGear export holds only the privileged roles".to_owned(),
                permission: Some(permission.to_owned()),
            });
        }
        for role in one_or_many(roles) {
            let template = role.get("roleTemplateId").cloned().unwrap_or_default();
            let mut definition = json!({
                "id": template,
                "templateId": template,
            });
            if let Some(name) = role.get("displayName") {
                definition["displayName"] = name.clone();
            }
            self.add(kind::ROLES, definition);
            let assignments = role.get("assignments").cloned().unwrap_or_default();
            for assignment in one_or_many(assignments) {
                self.add(kind::ACTIVE, assignment);
            }
        }
    }
}

/// PowerShell writes a list of one as the one.
fn one_or_many(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        Value::Null => Vec::new(),
        one => vec![one],
    }
}
