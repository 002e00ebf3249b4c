//! The published examples of the providers.

use serde_json::{Value, json};

use super::{SETTINGS, ask};
use crate::{
    arm::{kind::Kind, path::Target},
    testing::lab,
};

/// Every published example of these providers: what is put comes back, and what is answered is served.
#[test]
fn published_examples_lose_no_field() {
    let found = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join("shared/data/api-specs/azure"))
        .find(|folder| folder.is_dir());
    let Some(root) = found else {
        println!("skipped: no shared data");
        return;
    };
    let mut files = Vec::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().contains("/examples/")
                && path.to_string_lossy().contains("reateOrUpdate")
                || path
                    .file_name()
                    .unwrap()
                    .to_string_lossy()
                    .starts_with("Create")
            {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut put = 0;
    for file in files {
        put += usize::from(put_example(&file));
    }
    assert!(put >= 8, "{put}");
}

fn put_example(file: &std::path::Path) -> bool {
    let example: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let parameters = &example["parameters"];
    let text = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| parameters[*name].as_str())
            .unwrap_or("x")
            .to_owned()
    };
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    let below = format!(
        "/subscriptions/{}/resourceGroups/{}/providers",
        text(&["subscriptionId"]),
        text(&["resourceGroupName"])
    );
    let sentinel = format!(
        "{below}/Microsoft.OperationalInsights/workspaces/{}/providers/Microsoft.SecurityInsights",
        text(&["workspaceName"])
    );
    let (path, body) = match name.as_str() {
        "createOrUpdateDiagnosticSetting.json" => {
            (format!("{SETTINGS}/{}", text(&["name"])), "parameters")
        }
        name if name.starts_with("createOrUpdateScheduledQueryRule") => (
            format!(
                "{below}/Microsoft.Insights/scheduledQueryRules/{}",
                text(&["ruleName"])
            ),
            "parameters",
        ),
        "createOrUpdateActionGroup.json" => (
            format!(
                "{below}/Microsoft.Insights/actionGroups/{}",
                text(&["actionGroupName"])
            ),
            "actionGroup",
        ),
        "CreateActionOfAlertRule.json" => return false,
        name if name.starts_with("Create") && name.ends_with("AlertRule.json") => (
            format!("{sentinel}/alertRules/{}", text(&["ruleId"])),
            "alertRule",
        ),
        _ => return false,
    };
    let version = text(&["api-version"]);
    let lab = lab("contoso-modern");
    if path.contains("SecurityInsights") {
        let scope = path
            .split("/providers/Microsoft.SecurityInsights")
            .next()
            .unwrap();
        let workspace = json!({"location": "westeurope", "properties": {}});
        assert_eq!(
            ask(&lab, "PUT", scope, "2025-07-01", workspace).0,
            201,
            "{name}"
        );
        ask(
            &lab,
            "PUT",
            &format!("{scope}/providers/Microsoft.SecurityInsights/onboardingStates/default"),
            "2025-09-01",
            json!({"properties": {}}),
        );
    }
    let mut given = parameters[body].clone();
    // Some examples set what the service refuses together: muting needs a rule that does not resolve by itself.
    if given["properties"]["muteActionsDuration"].is_string() {
        given["properties"]["autoMitigate"] = json!(false);
    }
    let (status, made) = ask(&lab, "PUT", &path, &version, given.clone());
    assert!(matches!(status, 200 | 201), "{name}: {made}");
    let (_, read) = ask(&lab, "GET", &path, &version, Value::Null);
    assert_eq!(made, read, "{name}");
    holds(&read, &given, &name);
    for (_, response) in example["responses"].as_object().unwrap() {
        let body = &response["body"];
        if let Some(id) = body["id"].as_str() {
            let table = Kind::of(&Target::read(id).unwrap().kind).unwrap().table;
            // Nothing but the published object: what was put above may have the same id.
            lab.state().tables.remove(table);
            lab.state()
                .put(table, id, body.clone(), crate::testing::now());
            let path = format!("/{}", id.trim_start_matches('/'));
            let (status, served) = ask(&lab, "GET", &path, &version, Value::Null);
            assert_eq!((status, &served), (200, body), "{name}");
        }
    }
    true
}

/// Whether everything of `part` is in `whole`; etags are the service's own.
fn holds(whole: &Value, part: &Value, at: &str) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (name, value) in part {
                if name != "etag" {
                    let own = whole
                        .get(name)
                        .unwrap_or_else(|| panic!("{at}.{name} is lost"));
                    holds(own, value, &format!("{at}.{name}"));
                }
            }
        }
        (Value::Array(whole), Value::Array(part)) => {
            assert_eq!(whole.len(), part.len(), "{at}");
            for (index, (own, value)) in whole.iter().zip(part).enumerate() {
                holds(own, value, &format!("{at}[{index}]"));
            }
        }
        (whole, part) => assert_eq!(whole, part, "{at}"),
    }
}
