//! The examples of Azure Resource Manager.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use breakglass_entra::Request;
use serde_json::{Value, json};

use super::specs;
use crate::sdk::{Outside, example};

/// Types of the examples that the twin does not serve.
const NOT_SERVED: &[(&str, &str)] = &[
    (
        "actions",
        "playbooks that an alert of Sentinel starts: what wakes people is read from rules and action groups",
    ),
    (
        "alertruletemplates",
        "rules that could be made, of which nobody is told anything",
    ),
    (
        "diagnosticsettingscategories",
        "documented, and refused by the real service; the twin refuses it too",
    ),
];

/// Examples whose answers are no resources that the twin serves.
const NO_RESOURCE: &[(&str, &str)] = &[
    (
        "getTestNotificationsAtActionGroupResourceLevel.json",
        "what came of a test message: the twin rings nobody, and tells of no receivers",
    ),
    (
        "postTestNotificationsAtActionGroupResourceLevel.json",
        "what came of a test message: the twin rings nobody, and tells of no receivers",
    ),
    (
        "listOperations.json",
        "what operations there are in Azure tells nothing of a tenant",
    ),
    (
        "metadata-get.json",
        "the schema of every table: our queries name their columns",
    ),
    (
        "metadata-post.json",
        "the schema of every table: our queries name their columns",
    ),
    (
        "oms-get-cross-workspace-example.json",
        "a query's answer, which our client's own tests read",
    ),
    (
        "oms-get-example.json",
        "a query's answer, which our client's own tests read",
    ),
    (
        "oms-post-cross-workspace-example.json",
        "a query's answer, which our client's own tests read",
    ),
    (
        "oms-post-example.json",
        "a query's answer, which our client's own tests read",
    ),
];

/// The collection and the version of the interface for resources of Azure Resource Manager.
fn resource(id: &str) -> Option<(&'static str, &'static str)> {
    Some(match kind(id).as_str() {
        "diagnosticsettings" => ("diagnosticSettings", "2017-04-01"),
        "scheduledqueryrules" => ("scheduledQueryRules", "2023-12-01"),
        "actiongroups" => ("actionGroups", "2023-01-01"),
        "roleassignments" => ("azureRoleAssignments", "2022-04-01"),
        "alertrules" => ("alertRules", "2024-03-01"),
        _ => return None,
    })
}

/// The last type that an id names, in lower case.
fn kind(id: &str) -> String {
    id.rsplit('/').nth(1).unwrap_or_default().to_lowercase()
}

/// Whether what was found is what is listed, each with its reason; a type that is served and still listed is wrong too.
fn assert_listed(found: &BTreeSet<String>, listed: &[(&str, &str)]) {
    assert!(listed.iter().all(|(_, reason)| !reason.is_empty()));
    let listed = listed.iter().map(|(name, _)| (*name).to_owned());
    assert_eq!(*found, listed.collect());
}

fn json_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            json_files(&path, out);
        } else if path.extension().is_some_and(|end| end == "json")
            && path.iter().any(|part| part == "examples")
        {
            out.push(path);
        }
    }
}

#[tokio::test]
async fn published_examples_of_azure_are_read_by_our_client_without_loss() {
    let Some(specs) = specs() else { return };
    let mut files = Vec::new();
    json_files(&specs.join("azure"), &mut files);
    files.sort();
    let mut expected: BTreeMap<String, (String, Value)> = BTreeMap::new();
    let (mut not_served, mut no_resource) = (BTreeSet::new(), BTreeSet::new());
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let example: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        for answer in example["responses"].as_object().unwrap().values() {
            let body = &answer["body"];
            let objects = match body.get("value") {
                Some(Value::Array(values)) => values.clone(),
                _ => vec![body.clone()],
            };
            for mut object in objects {
                let Some(id) = object.get("id").and_then(Value::as_str) else {
                    if !object.is_null() {
                        no_resource.insert(name.clone());
                    }
                    continue;
                };
                // The examples of tenant settings have ids without the leading slash.
                let id = format!("/{}", id.trim_start_matches('/'));
                if resource(&id).is_none() {
                    not_served.insert(kind(&id));
                    continue;
                }
                object["id"] = json!(id);
                // One resource at several times: the last example holds.
                expected.insert(id.to_lowercase(), (name.clone(), object));
            }
        }
    }
    assert_listed(&not_served, NOT_SERVED);
    assert_listed(&no_resource, NO_RESOURCE);
    assert!(expected.len() > 12, "{}", expected.len());
    let mut snapshot = example("contoso-modern");
    let collections = snapshot["collections"].as_object_mut().unwrap();
    for (id, (_, object)) in &expected {
        let (collection, _) = resource(id).unwrap();
        let list = collections.entry(collection).or_insert_with(|| json!([]));
        list.as_array_mut().unwrap().push(object.clone());
    }
    let twin = Outside::of(snapshot).await;
    let ours = twin.ours();
    let mut wrong = Vec::new();
    for (id, (file, object)) in &expected {
        let (_, version) = resource(id).unwrap();
        let own = object["id"].as_str().unwrap();
        let request = Request::arm(format!("{own}?api-version={version}"));
        match ours.get(request).await {
            Err(error) => wrong.push(format!("{file}: {error}")),
            Ok(body) if body != *object => {
                wrong.push(format!("{file}: {id}\n  was {object}\n  is  {body}"));
            }
            Ok(_) => {}
        }
    }
    println!("{} examples of Azure", expected.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
