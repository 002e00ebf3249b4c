//! SARIF 2.1.0 for code scanning: one result for each loss, at the file that causes it.

use serde_json::{Value, json};

use super::{
    super::{
        document::preflight::{Difference, Kind, PreflightDocument, Verdict},
        page::{clean, unread},
    },
    changes::Sources,
};
use crate::{failure::Failure, output};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Rule, name, and what it says.
const RULES: [(&str, &str, &str, &str); 4] = [
    (
        "lockout-account",
        "EmergencyAccessAccountLosesSignIns",
        "An emergency access account loses sign-ins",
        "error",
    ),
    (
        "lockout-administrator",
        "AdministratorLosesSignIns",
        "An administrator loses sign-ins",
        "error",
    ),
    (
        "lockout-user",
        "UsersLoseSignIns",
        "Users lose sign-ins",
        "warning",
    ),
    (
        "lockout-cannot-tell",
        "PreflightCannotTell",
        "Needed data is missing, so it can't be told whether the change locks out",
        "warning",
    ),
];

/// The document as a SARIF log with one run.
pub(super) fn sarif(document: &PreflightDocument, sources: &Sources) -> Result<String, Failure> {
    let mut results: Vec<Value> = document
        .comparison
        .lost
        .iter()
        .map(|loss| result(loss, sources))
        .collect();
    if document.comparison.verdict == Verdict::CannotTell {
        let mut why = document.comparison.because.clone();
        why.extend(document.comparison.missing.iter().cloned());
        let why: Vec<String> = why.iter().map(|why| clean(why)).collect();
        results.push(json!({
            "ruleId": RULES[3].0,
            "ruleIndex": 3,
            "kind": "fail",
            "level": RULES[3].3,
            "message": { "text": format!("Cannot tell: {}.", why.join("; ")) },
            "locations": locations(sources.place(&[]), "tenant"),
        }));
    }
    let rules: Vec<Value> = RULES
        .iter()
        .map(|(id, name, text, level)| {
            json!({
                "id": id,
                "name": name,
                "shortDescription": { "text": text },
                "defaultConfiguration": { "level": level },
            })
        })
        .collect();
    let notifications: Vec<Value> = unread(&document.head)
        .iter()
        .map(|text| json!({ "level": "warning", "message": { "text": clean(text) } }))
        .collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "breakglass",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "automationDetails": { "id": "breakglass/lockout-preflight/" },
            "invocations": [{ "executionSuccessful": true, "toolExecutionNotifications": notifications }],
            "results": results,
            "properties": { "tenant": clean(&document.head.tenant_name()) },
        }],
    });
    output::json(&log)
}

fn result(loss: &Difference, sources: &Sources) -> Value {
    let rule = match loss.who.kind {
        Kind::Account => 0,
        Kind::Administrator => 1,
        Kind::User => 2,
    };
    let (id, _, _, level) = RULES[rule];
    let text = format!(
        "{}: {}.",
        clean(&loss.headline("loses", "lose", 5)),
        clean(&loss.example())
    );
    let name = loss
        .by
        .first()
        .map_or("tenant", |policy| policy.name.as_str());
    json!({
        "ruleId": id,
        "ruleIndex": rule,
        "kind": "fail",
        "level": level,
        "message": { "text": text },
        "locations": locations(sources.place(&loss.by), name),
        "partialFingerprints": {
            "breakglassLoss/v1": format!("{id}|{}|{}", clean(&loss.who.signature), clean(name)),
        },
        "properties": { "witness": loss.witness, "by": loss.by, "count": loss.who.count },
    })
}

/// The file that causes it; a deletion has none, so the policy is named.
fn locations(place: Option<(&str, usize)>, name: &str) -> Value {
    let logical = json!([{ "fullyQualifiedName": clean(name), "kind": "resource" }]);
    match place {
        Some((file, line)) if file != "-" => json!([{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(file) },
                "region": { "startLine": line },
            },
            "logicalLocations": logical,
        }]),
        _ => json!([{ "logicalLocations": logical }]),
    }
}

/// A path as a URI reference.
fn uri(file: &str) -> String {
    if let Ok(url) = url::Url::from_file_path(file) {
        return url.to_string();
    }
    let file = file.replace('\\', "/");
    let mut uri = String::new();
    for byte in file.trim_start_matches("./").bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn x1_a_path_becomes_a_uri() {
        assert_eq!(
            uri("./policies/CA 001é.json"),
            "policies/CA%20001%C3%A9.json"
        );
        assert_eq!(uri("/tmp/a b.json"), "file:///tmp/a%20b.json");
    }
}
