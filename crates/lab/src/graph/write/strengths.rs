//! Authentication strengths (Microsoft Graph, *authenticationStrengthPolicy*).

use breakglass_conditional_access::strength::{EXTERNAL_MFA, METHODS};
use serde_json::{Value, json};

use super::{
    context::{Context, Done, Object, items, merge, new_id, same, text},
    rights,
};
use crate::{
    audit::{Modified, Service, Target},
    lab::{Answer, ApiError},
    times::stamp,
};

const TABLE: &str = "authenticationStrengthPolicies";
/// Custom strengths that a tenant may have, and the longest name.
const MOST: usize = 15;
const LONGEST_NAME: usize = 30;

/// Whether a word is one of Graph's `authenticationMethodModes`.
fn is_mode(word: &str) -> bool {
    word != EXTERNAL_MFA && METHODS.contains(&word)
}

/// Modes that are multifactor authentication on their own.
const STRONG: &[&str] = &[
    "fido2",
    "windowsHelloForBusiness",
    "deviceBasedPush",
    "temporaryAccessPassOneTime",
    "temporaryAccessPassMultiUse",
    "x509CertificateMultiFactor",
    "federatedMultiFactor",
];

pub(super) fn create(ctx: &mut Context<'_>, body: &Object) -> Done {
    ctx.allow(rights::MANAGE_ACCESS)?;
    let body = Value::Object(body.clone());
    let name = text(&body, "displayName");
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(invalid(
            "The property 'displayName' must have between 1 and 30 characters.",
        ));
    }
    let custom = |strength: &&Value| text(strength, "policyType") == "custom";
    let table = ctx.state.table(TABLE);
    if table.all().filter(custom).count() >= MOST {
        return Err(invalid(
            "The tenant already has 15 custom authentication strengths.",
        ));
    }
    if table.all().any(|own| same(text(own, "displayName"), name)) {
        return Err(invalid(
            "An authentication strength with this name already exists.",
        ));
    }
    let combinations = combinations(&body)?;
    let now = stamp(ctx.now);
    let mut configurations = Vec::new();
    for configuration in items(&body, "combinationConfigurations") {
        configurations.push(checked(configuration, &combinations)?);
    }
    let strength = json!({
        "id": new_id(), "createdDateTime": now, "modifiedDateTime": now, "displayName": name,
        "description": text(&body, "description"), "policyType": "custom",
        "requirementsSatisfied": satisfied(&combinations), "allowedCombinations": combinations,
        "combinationConfigurations": configurations,
    });
    ctx.put(TABLE, strength.clone());
    log(
        ctx,
        "Authentication Strength Policy Create",
        &Value::Null,
        &strength,
    );
    Ok(Answer::json(
        201,
        ctx.entity("policies/authenticationStrengthPolicies/$entity", &strength),
    ))
}

pub(super) fn update(ctx: &mut Context<'_>, id: &str, body: &Object) -> Done {
    ctx.allow(rights::MANAGE_ACCESS)?;
    let old = custom(ctx, id)?;
    if body.keys().any(|name| {
        !matches!(
            name.as_str(),
            "displayName" | "description" | "@odata.type" | "id"
        )
    }) {
        return Err(invalid(
            "Only 'displayName' and 'description' can be changed: use updateAllowedCombinations.",
        ));
    }
    let mut strength = old.clone();
    merge(&mut strength, &Value::Object(body.clone()));
    merge(&mut strength, &json!({"id": text(&old, "id")}));
    store(ctx, "Authentication Strength Policy Update", &old, strength);
    Ok(Answer::no_content())
}

pub(super) fn delete(ctx: &mut Context<'_>, id: &str) -> Done {
    ctx.allow(rights::MANAGE_ACCESS)?;
    let old = custom(ctx, id)?;
    if !users(ctx, text(&old, "id")).is_empty() {
        return Err(invalid(
            "The authentication strength is used by a Conditional Access policy.",
        ));
    }
    let now = ctx.now;
    ctx.state.remove(TABLE, text(&old, "id"), now);
    log(
        ctx,
        "Authentication Strength Policy Delete",
        &old,
        &Value::Null,
    );
    Ok(Answer::no_content())
}

pub(super) fn update_combinations(ctx: &mut Context<'_>, id: &str, body: &Object) -> Done {
    ctx.allow(rights::MANAGE_ACCESS)?;
    let old = custom(ctx, id)?;
    let combinations = combinations(&Value::Object(body.clone()))?;
    let used = users(ctx, text(&old, "id"));
    let now = satisfied(&combinations);
    if !used.is_empty() && text(&old, "requirementsSatisfied") == "mfa" && now != "mfa" {
        return Err(invalid(
            "A strength that a Conditional Access policy uses must keep satisfying multifactor authentication.",
        ));
    }
    let mut strength = old.clone();
    merge(
        &mut strength,
        &json!({"allowedCombinations": combinations, "requirementsSatisfied": now}),
    );
    store(ctx, "Authentication Strength Policy Update", &old, strength);
    let answer = json!({
        "@odata.context": ctx.metadata("microsoft.graph.updateAllowedCombinationsResult"),
        "additionalInformation": null, "conditionalAccessReferences": used,
        "currentCombinations": combinations, "previousCombinations": items(&old, "allowedCombinations"),
    });
    Ok(Answer::json(200, answer))
}

pub(super) fn create_configuration(ctx: &mut Context<'_>, id: &str, body: &Object) -> Done {
    ctx.allow(rights::MANAGE_ACCESS)?;
    let old = custom(ctx, id)?;
    let allowed = items(&old, "allowedCombinations").to_vec();
    let configuration = checked(&Value::Object(body.clone()), &allowed)?;
    let mut list = items(&old, "combinationConfigurations").to_vec();
    list.push(configuration.clone());
    let mut strength = old.clone();
    merge(&mut strength, &json!({"combinationConfigurations": list}));
    store(
        ctx,
        "Authentication Strength Combination Configuration Create",
        &old,
        strength,
    );
    let rest = format!(
        "policies/authenticationStrengthPolicies('{id}')/combinationConfigurations/$entity"
    );
    Ok(Answer::json(201, ctx.entity(&rest, &configuration)))
}

pub(super) fn update_configuration(
    ctx: &mut Context<'_>,
    id: &str,
    configuration: &str,
    body: Option<&Object>,
) -> Done {
    ctx.allow(rights::MANAGE_ACCESS)?;
    let old = custom(ctx, id)?;
    let mut list = items(&old, "combinationConfigurations").to_vec();
    let place = list
        .iter()
        .position(|own| same(text(own, "id"), configuration))
        .ok_or_else(|| ApiError::not_found(configuration))?;
    let activity = if let Some(body) = body {
        let mut changed = list[place].clone();
        merge(&mut changed, &Value::Object(body.clone()));
        merge(&mut changed, &json!({"id": text(&list[place], "id")}));
        list[place] = checked(&changed, items(&old, "allowedCombinations"))?;
        "Authentication Strength Combination Configuration Update"
    } else {
        list.remove(place);
        "Authentication Strength Combination Configuration Delete"
    };
    let mut strength = old.clone();
    merge(&mut strength, &json!({"combinationConfigurations": list}));
    store(ctx, activity, &old, strength);
    Ok(Answer::no_content())
}

/// Writes a strength, and into the policies that embed it.
fn store(ctx: &mut Context<'_>, activity: &str, old: &Value, mut strength: Value) {
    merge(&mut strength, &json!({"modifiedDateTime": stamp(ctx.now)}));
    ctx.put(TABLE, strength.clone());
    let id = text(&strength, "id").to_owned();
    let embedding: Vec<Value> = ctx
        .state
        .table("conditionalAccessPolicies")
        .all()
        .filter(|policy| uses(policy, &id))
        .cloned()
        .collect();
    for mut policy in embedding {
        if let Some(grant) = policy
            .get_mut("grantControls")
            .and_then(Value::as_object_mut)
        {
            grant.insert("authenticationStrength".to_owned(), strength.clone());
        }
        ctx.put("conditionalAccessPolicies", policy);
    }
    log(ctx, activity, old, &strength);
}

fn uses(policy: &Value, id: &str) -> bool {
    policy
        .get("grantControls")
        .and_then(|grant| grant.get("authenticationStrength"))
        .is_some_and(|strength| same(text(strength, "id"), id))
}

fn users(ctx: &Context<'_>, id: &str) -> Vec<String> {
    ctx.state
        .table("conditionalAccessPolicies")
        .all()
        .filter(|policy| uses(policy, id))
        .map(|policy| text(policy, "id").to_owned())
        .collect()
}

fn custom(ctx: &Context<'_>, id: &str) -> Result<Value, ApiError> {
    let strength = ctx.get(TABLE, id)?;
    if text(&strength, "policyType") == "builtIn" {
        return Err(invalid(
            "A built-in authentication strength cannot be changed or deleted.",
        ));
    }
    Ok(strength)
}

fn combinations(body: &Value) -> Result<Vec<Value>, ApiError> {
    let list = items(body, "allowedCombinations");
    let known = |combination: &Value| {
        combination
            .as_str()
            .is_some_and(|text| text.split(',').all(|mode| is_mode(mode.trim())))
    };
    if list.is_empty() || !list.iter().all(known) {
        return Err(invalid(
            "The property 'allowedCombinations' must hold known combinations of methods.",
        ));
    }
    Ok(list.to_vec())
}

fn satisfied(combinations: &[Value]) -> &'static str {
    let all = combinations
        .iter()
        .filter_map(Value::as_str)
        .all(|combination| combination.contains(',') || STRONG.contains(&combination));
    if all { "mfa" } else { "none" }
}

fn checked(configuration: &Value, allowed: &[Value]) -> Result<Value, ApiError> {
    let (kind, method) = match text(configuration, "@odata.type") {
        kind @ "#microsoft.graph.fido2CombinationConfiguration" => (kind, "fido2"),
        kind @ "#microsoft.graph.x509CertificateCombinationConfiguration" => {
            (kind, "x509Certificate")
        }
        _ => {
            return Err(invalid(
                "The property '@odata.type' must name a combination configuration.",
            ));
        }
    };
    let applies = items(configuration, "appliesToCombinations");
    let fits = |combination: &Value| {
        allowed.contains(combination)
            && combination
                .as_str()
                .is_some_and(|text| text.contains(method))
    };
    if applies.is_empty() || !applies.iter().all(fits) {
        return Err(invalid(
            "The property 'appliesToCombinations' must hold combinations of the strength.",
        ));
    }
    let mut own = json!({"@odata.type": kind, "id": new_id()});
    merge(&mut own, configuration);
    Ok(own)
}

fn log(ctx: &mut Context<'_>, activity: &str, old: &Value, new: &Value) {
    let object = if new.is_null() { old } else { new };
    let operation = match (old.is_null(), new.is_null()) {
        (true, _) => "Add",
        (_, true) => "Delete",
        _ => "Update",
    };
    let modified = Modified::new("AuthenticationStrengthPolicy", old, new);
    let target = Target::object("Policy", object).with([modified]);
    ctx.log(
        Service::AuthenticationMethods,
        "ApplicationManagement",
        activity,
        operation,
        vec![target],
    );
}

fn invalid(message: &str) -> ApiError {
    ApiError::new(400, "BadRequest", message)
}
