//! What policies refer to: locations, strengths, groups, role assignments.

use serde_json::{Value, json};

use super::{How::List, Rule, block, id_of, is_set, is_unknown, list, map};

pub(super) fn location(values: &Value) -> Value {
    let or_false = |value: &Value| Some(value.clone()).filter(is_set).unwrap_or(json!(false));
    if let Some(ip) = block(&values["ip"]) {
        let ranges = list(if is_unknown(ip) { ip } else { &ip["ip_ranges"] });
        let ranges = ranges.unwrap_or_default().into_iter().map(|range| {
            let is_v6 = range.as_str().is_some_and(|range| range.contains(':'));
            let version = if is_v6 { "iPv6" } else { "iPv4" };
            json!({"@odata.type": format!("#microsoft.graph.{version}CidrRange"), "cidrAddress": range})
        });
        json!({
            "@odata.type": "#microsoft.graph.ipNamedLocation",
            "displayName": values["display_name"],
            "isTrusted": if is_unknown(ip) { ip.clone() } else { or_false(&ip["trusted"]) },
            "ipRanges": ranges.collect::<Vec<_>>(),
        })
    } else {
        let country = block(&values["country"]).unwrap_or(&Value::Null);
        let whole = is_unknown(country);
        let at = |name: &str| if whole { country } else { &country[name] };
        let method = at("country_lookup_method");
        json!({
            "@odata.type": "#microsoft.graph.countryNamedLocation",
            "displayName": values["display_name"],
            "countriesAndRegions": list(at("countries_and_regions")).unwrap_or_default(),
            "includeUnknownCountriesAndRegions": or_false(at("include_unknown_countries_and_regions")),
            "countryLookupMethod": if is_set(method) { method.clone() } else { json!("clientIpAddress") },
        })
    }
}

/// What narrows a strength: Terraform's block, Graph's type, and the attributes.
const CONFIGURATIONS: [(&str, &str, &[Rule]); 2] = [
    (
        "fido2_combination_configuration",
        "#microsoft.graph.fido2CombinationConfiguration",
        &[Rule("allowed_aaguids", "allowedAAGUIDs", List)],
    ),
    (
        "x509_certificate_combination_configuration",
        "#microsoft.graph.x509CertificateCombinationConfiguration",
        &[
            Rule("applies_to_combinations", "appliesToCombinations", List),
            Rule("allowed_issuer_skis", "allowedIssuerSkis", List),
            Rule("allowed_policy_oids", "allowedPolicyOIDs", List),
        ],
    ),
];

pub(super) fn strength(values: &Value) -> Value {
    let mut body = json!({
        "displayName": values["display_name"],
        "policyType": "custom",
        "allowedCombinations": list(&values["allowed_combinations"]).unwrap_or_default(),
    });
    let mut configurations = Vec::new();
    let mut expressed = false;
    for (name, kind, rules) in CONFIGURATIONS {
        let blocks = values.get(name).and_then(list);
        expressed |= blocks.is_some();
        for block in blocks.unwrap_or_default() {
            let mut configuration = map(&block, rules);
            if let Some(map) = configuration.as_object_mut() {
                map.insert("@odata.type".to_owned(), json!(kind));
                if name.starts_with("fido2") {
                    map.insert("appliesToCombinations".to_owned(), json!(["fido2"]));
                }
            }
            configurations.push(configuration);
        }
    }
    // A provider without these blocks leaves the configurations alone.
    if let (true, Some(map)) = (expressed, body.as_object_mut()) {
        map.insert(
            "combinationConfigurations".to_owned(),
            configurations.into(),
        );
    }
    body
}

pub(super) fn group(values: &Value) -> Value {
    let mut body = json!({
        "displayName": values["display_name"],
        "securityEnabled": values["security_enabled"],
        "isAssignableToRole": values["assignable_to_role"],
        "groupTypes": list(&values["types"]).unwrap_or_default(),
    });
    if let Some(map) = body.as_object_mut() {
        if let Some(members) = list(&values["members"]) {
            let members = members.iter().map(id_of).collect();
            map.insert("members".to_owned(), Value::Array(members));
        }
        if let Some(dynamic) = block(&values["dynamic_membership"]) {
            let at = |name: &str| {
                if is_unknown(dynamic) {
                    dynamic
                } else {
                    &dynamic[name]
                }
            };
            let state = match at("enabled").as_bool() {
                Some(true) => json!("On"),
                Some(false) => json!("Paused"),
                None => at("enabled").clone(),
            };
            map.insert("membershipRule".to_owned(), at("rule").clone());
            map.insert("membershipRuleProcessingState".to_owned(), state);
        }
    }
    body
}

pub(super) fn assignment(values: &Value) -> Value {
    let mut body = json!({
        "roleDefinitionId": id_of(&values["role_id"]),
        "principalId": id_of(&values["principal_object_id"]),
    });
    if let Some(map) = body.as_object_mut() {
        let (app, directory) = (&values["app_scope_id"], &values["directory_scope_id"]);
        let (name, scope) = if is_set(app) {
            ("appScopeId", app.clone())
        } else if is_set(directory) {
            ("directoryScopeId", directory.clone())
        } else {
            // What the provider sends when neither is written.
            ("directoryScopeId", json!("/"))
        };
        map.insert(name.to_owned(), scope);
    }
    body
}
