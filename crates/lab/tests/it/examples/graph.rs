//! The examples of Microsoft Graph.

use std::{collections::BTreeSet, fs, path::Path};

use breakglass_entra::{
    Request, Version,
    collect::{Options, collect},
};
use breakglass_lab::LogKind;
use breakglass_model::export::{self, InputFile};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::{
    model::{Model, plain},
    specs,
};
use crate::sdk::{MachineClock, Outside, example};

/// An object of an example.
#[derive(Clone)]
struct Published {
    /// Version and page that it stands on.
    page: String,
    version: &'static str,
    kind: String,
    object: Map<String, Value>,
}

/// Types of the examples that the twin does not serve: nothing that breaks glass hangs on them.
const NOT_SERVED: &[(&str, &str)] = &[
    (
        "directoryRole",
        "the page is of a delta query; role definitions and assignments are read instead",
    ),
    (
        "directoryRoleTemplate",
        "role definitions are served instead",
    ),
    ("licenseDetails", "licences do not bear on getting in"),
    (
        "oAuth2PermissionGrant",
        "consents do not bear on getting in",
    ),
    ("resourceSpecificPermissionGrant", "Teams only"),
    ("riskDetection", "risk comes with the sign-in"),
    ("riskyUser", "the page shows types in place of values"),
    (
        "riskyUserHistoryItem",
        "how the risk is now is read, not how it came about",
    ),
    (
        "scopedRoleMembership",
        "assignments with a scope are served instead",
    ),
    (
        "subscription",
        "change notifications need an address on the internet",
    ),
    (
        "unifiedRoleAssignmentScheduleRequest",
        "the page shows types in place of values",
    ),
    (
        "unifiedRoleEligibilityScheduleRequest",
        "the page shows types in place of values",
    ),
    (
        "unifiedRoleManagementPolicy",
        "the page shows a policy of a subscription; policies are reached by their assignments",
    ),
    (
        "unifiedRoleManagementPolicyRule",
        "the page shows a rule without its kind",
    ),
    (
        "unifiedRoleScheduleBase",
        "a preview type that never was released",
    ),
    ("userCredentialUsageDetails", "withdrawn report"),
    (
        "userRegistrationMethodSummary",
        "the details by user are served instead",
    ),
    (
        "userRegistrationFeatureSummary",
        "the details by user are served instead",
    ),
    ("directoryObject", "the page shows an id and nothing else"),
    ("entity", "the answer of an action, with no object in it"),
    ("string", "ids only"),
    (
        "microsoftAuthenticatorAuthenticationMethodConfiguration",
        "the page shows types in place of values",
    ),
];

/// Where objects of a type are, in the twin's state and in its address space.
enum Home {
    /// In a collection, one by its id.
    Table {
        collection: &'static str,
        path: &'static str,
        /// Whether the answer holds only what was selected.
        select: bool,
    },
    /// The only one of its kind.
    Single {
        collection: &'static str,
        path: &'static str,
    },
    /// In the list of what was given on an app.
    Given,
    /// In the list of a user's methods.
    Method,
    /// In the policy for methods.
    MethodSetting,
    /// In the sign-in log.
    SignIn,
    /// In the audit log.
    Audit,
}

fn home(kind: &str) -> Option<Home> {
    let table = |collection, path, select| {
        Some(Home::Table {
            collection,
            path,
            select,
        })
    };
    match kind {
        "user" => table("users", "users", true),
        "group" => table("groups", "groups", true),
        "administrativeUnit" => table(
            "administrativeUnits",
            "directory/administrativeUnits",
            false,
        ),
        "organization" => table("organization", "organization", false),
        "conditionalAccessPolicy" => table(
            "conditionalAccessPolicies",
            "identity/conditionalAccess/policies",
            false,
        ),
        "namedLocation" | "ipNamedLocation" | "countryNamedLocation" => table(
            "namedLocations",
            "identity/conditionalAccess/namedLocations",
            false,
        ),
        "authenticationContextClassReference" => table(
            "authenticationContextClassReferences",
            "identity/conditionalAccess/authenticationContextClassReferences",
            false,
        ),
        "unifiedRoleDefinition" => table(
            "roleDefinitions",
            "roleManagement/directory/roleDefinitions",
            false,
        ),
        "unifiedRoleAssignment" => table(
            "roleAssignments",
            "roleManagement/directory/roleAssignments",
            false,
        ),
        "unifiedRoleAssignmentScheduleInstance" => table(
            "roleAssignmentScheduleInstances",
            "roleManagement/directory/roleAssignmentScheduleInstances",
            false,
        ),
        "unifiedRoleEligibilityScheduleInstance" => table(
            "roleEligibilityScheduleInstances",
            "roleManagement/directory/roleEligibilityScheduleInstances",
            false,
        ),
        "unifiedRoleAssignmentSchedule" => table(
            "roleAssignmentSchedules",
            "roleManagement/directory/roleAssignmentSchedules",
            false,
        ),
        "unifiedRoleEligibilitySchedule" => table(
            "roleEligibilitySchedules",
            "roleManagement/directory/roleEligibilitySchedules",
            false,
        ),
        "unifiedRoleManagementPolicyAssignment" => table(
            "roleManagementPolicyAssignments",
            "policies/roleManagementPolicyAssignments",
            false,
        ),
        "identitySecurityDefaultsEnforcementPolicy" => Some(Home::Single {
            collection: "identitySecurityDefaultsEnforcementPolicy",
            path: "policies/identitySecurityDefaultsEnforcementPolicy",
        }),
        "authenticationMethodsPolicy" => Some(Home::Single {
            collection: "authenticationMethodsPolicy",
            path: "policies/authenticationMethodsPolicy",
        }),
        "fido2AuthenticationMethodConfiguration" => Some(Home::MethodSetting),
        "appRoleAssignment" => Some(Home::Given),
        "signIn" => Some(Home::SignIn),
        "directoryAudit" => Some(Home::Audit),
        _ if kind.ends_with("uthenticationMethod") => Some(Home::Method),
        _ => None,
    }
}

/// What an object is: by its own type, the example's, or where that says only `directoryObject`, by its fields.
fn kind_of(example: &str, object: &Map<String, Value>) -> String {
    // One page forgets the `@`.
    let own = object
        .get("@odata.type")
        .or_else(|| object.get("odata.type"))
        .and_then(Value::as_str);
    let kind = plain(own.unwrap_or(example));
    if kind != "directoryObject" {
        kind.to_owned()
    } else if object.contains_key("userPrincipalName") {
        "user".to_owned()
    } else if object.contains_key("mailNickname") {
        "group".to_owned()
    } else {
        kind.to_owned()
    }
}

/// The objects in all answers of the documentation.
fn published(specs: &Path) -> Vec<Published> {
    let mut found = Vec::new();
    for version in ["v1.0", "beta"] {
        let file = specs.join(format!("graph/docs-examples-{version}.json"));
        let examples: Vec<Value> = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        for example in examples {
            let Some(Value::Object(body)) = example
                .get("json")
                .filter(|_| example["kind"] == "response")
            else {
                continue;
            };
            let page = example["page"]
                .as_str()
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap();
            let kind = plain(example["odataType"].as_str().unwrap_or_default()).to_owned();
            let objects = match body.get("value") {
                Some(Value::Array(values)) => values.iter().filter_map(Value::as_object).collect(),
                Some(Value::Object(value)) => vec![value],
                _ => vec![body],
            };
            for object in objects {
                found.push(Published {
                    page: format!("{version} {page}"),
                    version,
                    kind: kind_of(&kind, object),
                    object: object.clone(),
                });
            }
        }
    }
    found
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

/// Examples with an id that stands for itself, that another example has too, or none get one that is free: the ids of
/// the documentation are invented.
fn with_free_id(object: &mut Map<String, Value>, taken: &mut BTreeSet<String>) -> String {
    let own = text(object, "id").filter(|id| id.len() > 8 || id.starts_with('c') && id.len() < 4);
    let id = match own {
        Some(id) if taken.insert(id.to_lowercase()) => id.to_owned(),
        _ => {
            let id = format!("e8a3b1c0-0000-4000-8000-{:012x}", taken.len());
            taken.insert(id.clone());
            id
        }
    };
    object.insert("id".to_owned(), json!(id));
    id
}

/// An object as it was put into the twin, and where it must be found.
struct Expected {
    page: String,
    kind: String,
    object: Map<String, Value>,
    version: &'static str,
    path: String,
    /// The answer is a list in which the object is.
    listed: bool,
}

const OWNER: &str = "e8a3b1c0-1111-4000-8000-000000000001";

/// Puts every example into the collections of a snapshot and the logs.
fn load(
    examples: Vec<Published>,
    model: &Model,
    collections: &mut Map<String, Value>,
) -> (Vec<Expected>, Vec<(bool, Value)>) {
    let mut taken = BTreeSet::new();
    let mut expected = Vec::new();
    let mut logs = Vec::new();
    let mut methods = Vec::new();
    let mut singles = BTreeSet::new();
    for Published {
        page,
        version,
        kind,
        mut object,
    } in examples
    {
        let Some(home) = home(&kind) else { continue };
        object.retain(|name, _| !name.starts_with("@odata.") || name == "@odata.type");
        let mut put = |collection: &str, object: &Map<String, Value>| {
            let list = collections.entry(collection).or_insert_with(|| json!([]));
            list.as_array_mut()
                .unwrap()
                .push(Value::Object(object.clone()));
        };
        let (path, listed) = match home {
            Home::Table {
                collection,
                path,
                select,
            } => {
                let id = with_free_id(&mut object, &mut taken);
                if kind.ends_with("ScheduleInstance") {
                    // They ended in 2020, and what has ended is no instance.
                    object.insert("endDateTime".to_owned(), Value::Null);
                }
                put(collection, &object);
                let named = |wanted: &dyn Fn(&str) -> bool| {
                    let names: Vec<&str> = object
                        .keys()
                        .map(String::as_str)
                        .filter(|name| wanted(name))
                        .collect();
                    names.join(",")
                };
                let mut options = Vec::new();
                if select {
                    let fields = named(&|name| model.selects(&kind, name));
                    options.push(format!("$select={fields}"));
                }
                let links = named(&|name| select && model.links(&kind, name));
                if !links.is_empty() {
                    options.push(format!("$expand={links}"));
                }
                (format!("{path}/{id}?{}", options.join("&")), false)
            }
            Home::Single { collection, path } => {
                if !singles.insert(collection) {
                    continue;
                }
                collections.insert(collection.to_owned(), json!([object]));
                (path.to_owned(), false)
            }
            Home::MethodSetting => {
                let path =
                    "policies/authenticationMethodsPolicy/authenticationMethodConfigurations/Fido2";
                if singles.insert(path) {
                    methods.push(object.clone());
                }
                (path.to_owned(), false)
            }
            Home::Given => {
                with_free_id(&mut object, &mut taken);
                put("appRoleAssignments", &object);
                let app = text(&object, "resourceId").unwrap_or_default();
                (format!("servicePrincipals/{app}/appRoleAssignedTo"), true)
            }
            Home::Method => {
                object.insert(
                    "@odata.type".to_owned(),
                    json!(format!("#microsoft.graph.{kind}")),
                );
                let id = with_free_id(&mut object, &mut taken);
                let owner = format!("{OWNER}-{id}");
                // Passwords have one id for all users.
                if kind == "passwordAuthenticationMethod" {
                    object.insert(
                        "id".to_owned(),
                        json!("28c10230-6103-485e-b985-444c60001490"),
                    );
                }
                put("users", json!({"id": owner, "userPrincipalName": format!("{id}@contoso.com"), "displayName": "Owner",
                    "accountEnabled": true, "authentication": {"methods": [object]}}).as_object().unwrap());
                (format!("users/{owner}/authentication/methods"), true)
            }
            Home::SignIn | Home::Audit => {
                with_free_id(&mut object, &mut taken);
                let audit = matches!(home, Home::Audit);
                logs.push((audit, Value::Object(object.clone())));
                let name = if audit { "directoryAudits" } else { "signIns" };
                (format!("auditLogs/{name}"), true)
            }
        };
        expected.push(Expected {
            page,
            kind,
            object,
            version,
            path,
            listed,
        });
    }
    // The setting of a method lies in the policy for methods.
    let policy = collections
        .entry("authenticationMethodsPolicy")
        .or_insert_with(|| json!([{"id": "authenticationMethodsPolicy"}]));
    policy[0]["authenticationMethodConfigurations"] = json!(methods);
    (expected, logs)
}

#[test]
fn every_type_of_the_published_examples_is_served_or_named_as_not_served() {
    let Some(specs) = specs() else { return };
    let mut unknown = BTreeSet::new();
    for example in published(&specs) {
        let named = NOT_SERVED.iter().any(|(kind, _)| *kind == example.kind);
        match home(&example.kind) {
            Some(_) => assert!(!named, "{} is served", example.kind),
            None if !named => {
                unknown.insert(example.kind);
            }
            None => {}
        }
    }
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[tokio::test]
async fn published_examples_of_graph_are_read_by_our_client_without_loss_of_known_fields() {
    let Some(specs) = specs() else { return };
    let model = Model::read(&fs::read_to_string(specs.join("graph/v1.0-pruned.csdl.xml")).unwrap());
    assert!(model.types.len() > 150, "{}", model.types.len());
    let mut snapshot = example("contoso-modern");
    let collections = snapshot["collections"].as_object_mut().unwrap();
    for replaced in [
        "organization",
        "authenticationMethodsPolicy",
        "identitySecurityDefaultsEnforcementPolicy",
    ] {
        collections.remove(replaced);
    }
    let (expected, logs) = load(published(&specs), &model, collections);
    assert!(expected.len() > 90, "{}", expected.len());
    let twin = Outside::of(snapshot).await;
    for (audit, record) in logs {
        let kind = if audit {
            LogKind::Audit
        } else {
            LogKind::Interactive
        };
        twin.log(kind, record);
    }
    let ours = twin.ours();
    let mut wrong = Vec::new();
    for Expected {
        page,
        kind,
        object,
        version,
        path,
        listed,
    } in &expected
    {
        let version = match *version {
            "beta" => Version::Beta,
            _ => Version::V1,
        };
        let request = Request::graph(version, path);
        let found = if *listed {
            let rows = ours.all(request).await;
            rows.map(|rows| rows.into_iter().find(|row| row["id"] == object["id"]))
        } else {
            ours.get(request).await.map(Some)
        };
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                wrong.push(format!("{page}: {error}"));
                continue;
            }
        };
        let Some(found) = found else {
            wrong.push(format!("{page}: {kind} is not in {path}"));
            continue;
        };
        let mut differences = Vec::new();
        model.differences(
            kind,
            &Value::Object(object.clone()),
            &found,
            kind,
            &mut differences,
        );
        wrong.extend(
            differences
                .into_iter()
                .map(|difference| format!("{page}: {difference}")),
        );
    }
    println!("{} examples of Graph", expected.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // A tenant that is made of them is collected, and nothing of it is beyond what a reader of snapshots takes.
    let place = TempDir::new().unwrap();
    let options = Options {
        out: place.path().join("read.json"),
        ..Options::default()
    };
    let summary = collect(&ours, &options, &MachineClock, &mut |_| {})
        .await
        .unwrap();
    // The pages do not tell who is in their units.
    for missing in &summary.not_read {
        assert_eq!(missing.collection, "administrativeUnits", "{missing:?}");
    }
    let bytes = fs::read(&options.out).unwrap();
    let read = export::read([InputFile {
        path: "read.json".to_owned(),
        bytes,
    }]);
    assert_eq!(read.set_aside, []);
    assert!(
        read.policies.items.len() > 12,
        "{}",
        read.policies.items.len()
    );
}
