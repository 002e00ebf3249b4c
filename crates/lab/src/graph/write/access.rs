//! Policies and named locations of Conditional Access (Microsoft Graph, *conditionalAccessPolicy*, *namedLocation*).
//!
//! Both are deleted softly and come back in their former state. A change leaves two records: one of Conditional Access
//! with the whole object, one of the directory in its internal format.

use serde_json::{Value, json};

use super::{
    access_check::{self, Rule},
    call::Access,
    context::{Context, Done, Object, is, items, merge, new_id, same, text},
    deleted, preview, rights,
};
use crate::{
    audit::{Modified, Service, Target},
    graph::Version,
    lab::{Answer, ApiError},
    times::stamp,
};

/// Policies that a tenant may have, in any state.
const MOST: usize = 195;

pub(super) fn create(ctx: &mut Context<'_>, kind: Access, body: &Object) -> Done {
    ctx.allow(rights::MANAGE_ACCESS)?;
    let body = Value::Object(body.clone());
    let made = match kind {
        Access::Policy => {
            if ctx.state.table(kind.table()).len() >= MOST {
                return Err(access_check::refused(
                    "The tenant already has the largest number of policies.",
                ));
            }
            let mut policy = blank(&stamp(ctx.now));
            lay_over(&mut policy, &body);
            finish(ctx, &mut policy, None)?;
            policy
        }
        Access::Location => {
            access_check::location(&body, None)?;
            let mut location = json!({"@odata.type": text(&body, "@odata.type"), "id": new_id(),
                "createdDateTime": stamp(ctx.now), "modifiedDateTime": stamp(ctx.now)});
            merge(&mut location, &body);
            default_location(&mut location);
            location
        }
    };
    ctx.put(kind.table(), made.clone());
    log(ctx, kind, &Value::Null, &made);
    Ok(Answer::json(201, shown(ctx, kind, &made)))
}

pub(super) fn update(ctx: &mut Context<'_>, kind: Access, id: &str, body: &Object) -> Done {
    ctx.allow(rights::MANAGE_ACCESS)?;
    let old = ctx.get(kind.table(), id)?;
    let change = Value::Object(body.clone());
    let mut new = old.clone();
    match kind {
        Access::Policy => {
            if ctx.version == Version::V1 && preview::used(&old) {
                return Err(access_check::numbered(
                    1037,
                    "The policy you requested contains preview features. Use the beta endpoint to read or change it.",
                ));
            }
            access_check::managed(&old, &change)?;
            access_check::names(&change)?;
            lay_over(&mut new, &change);
            finish(ctx, &mut new, Some(&old))?;
        }
        Access::Location => {
            access_check::location(&change, Some(&old))?;
            merge(&mut new, &change);
        }
    }
    merge(
        &mut new,
        &json!({"id": text(&old, "id"), "modifiedDateTime": stamp(ctx.now)}),
    );
    ctx.put(kind.table(), new.clone());
    log(ctx, kind, &old, &new);
    Ok(Answer::no_content())
}

pub(super) fn delete(ctx: &mut Context<'_>, kind: Access, id: &str) -> Done {
    ctx.allow(rights::MANAGE_ACCESS)?;
    let old = ctx.get(kind.table(), id)?;
    match kind {
        Access::Policy if access_check::is_managed(&old) => {
            return Err(access_check::refused(
                "A policy that Microsoft manages cannot be deleted.",
            ));
        }
        Access::Location if is(&old, "isTrusted") => {
            return Err(access_check::refused(
                "A trusted named location cannot be deleted.",
            ));
        }
        Access::Location if is_used(ctx, text(&old, "id")) => {
            return Err(access_check::refused(
                "The named location is used by a policy and cannot be deleted.",
            ));
        }
        _ => {}
    }
    let now = ctx.now;
    ctx.state.remove(kind.table(), text(&old, "id"), now);
    deleted::keep(ctx, kind.table(), &old);
    log(ctx, kind, &old, &Value::Null);
    Ok(Answer::no_content())
}

pub(super) fn restore(ctx: &mut Context<'_>, kind: Access, id: &str) -> Done {
    ctx.allow(rights::MANAGE_ACCESS)?;
    let (_, mut object) = deleted::take(ctx, &[kind.table()], id)?;
    if let Some(object) = object.as_object_mut() {
        object.remove("deletedDateTime");
    }
    ctx.put(kind.table(), object.clone());
    log(ctx, kind, &Value::Null, &object);
    Ok(Answer::json(200, shown(ctx, kind, &object)))
}

pub(super) fn purge(ctx: &mut Context<'_>, kind: Access, id: &str) -> Done {
    ctx.allow(rights::MANAGE_ACCESS)?;
    let (_, object) = deleted::take(ctx, &[kind.table()], id)?;
    let activity = match kind {
        Access::Policy => "Hard Delete conditional access policy",
        Access::Location => "Hard Delete named location",
    };
    let target = Target::object("Policy", &object);
    ctx.log(
        Service::ConditionalAccess,
        "Policy",
        activity,
        "Delete",
        vec![target],
    );
    Ok(Answer::no_content())
}

fn shown(ctx: &Context<'_>, kind: Access, object: &Value) -> Value {
    let list = match kind {
        Access::Policy => "policies",
        Access::Location => "namedLocations",
    };
    ctx.entity(
        &format!("identity/conditionalAccess/{list}/$entity"),
        object,
    )
}

/// A policy with nothing in it, as the service answers it.
fn blank(now: &str) -> Value {
    json!({
        "id": new_id(), "templateId": null, "displayName": null, "createdDateTime": now, "modifiedDateTime": null,
        "state": null, "partialEnablementStrategy": null, "sessionControls": null, "grantControls": null,
        "conditions": {
            "userRiskLevels": [], "signInRiskLevels": [], "clientAppTypes": ["all"],
            "servicePrincipalRiskLevels": [], "insiderRiskLevels": null, "platforms": null, "locations": null,
            "devices": null, "clientApplications": null, "authenticationFlows": null,
            "applications": {"includeApplications": [], "excludeApplications": [], "includeUserActions": [],
                "includeAuthenticationContextClassReferences": [], "applicationFilter": null},
            "users": {"includeUsers": [], "excludeUsers": [], "includeGroups": [], "excludeGroups": [],
                "includeRoles": [], "excludeRoles": [], "includeGuestsOrExternalUsers": null,
                "excludeGuestsOrExternalUsers": null},
        },
    })
}

/// Conditions merge, with lists replaced as wholes; controls are replaced as wholes.
fn lay_over(policy: &mut Value, change: &Value) {
    let conditions = change.get("conditions");
    if let (Some(conditions), Some(own)) = (conditions, policy.get_mut("conditions")) {
        merge(own, conditions);
    }
    if let (Some(policy), Some(change)) = (policy.as_object_mut(), change.as_object()) {
        for (name, value) in change {
            if !name.contains('@')
                && !matches!(name.as_str(), "conditions" | "id" | "createdDateTime")
            {
                policy.insert(name.clone(), value.clone());
            }
        }
    }
}

/// Checks a policy as it would be, and puts it into the shape of answers.
fn finish(ctx: &Context<'_>, policy: &mut Value, old: Option<&Value>) -> Result<(), ApiError> {
    if ctx.version == Version::V1 && preview::used(policy) {
        return Err(access_check::numbered(
            1038,
            "The policy you are trying to create or update contains preview features. Use the Canary endpoint to \
             create or update it.",
        ));
    }
    access_check::policy(
        &ctx.state,
        policy,
        old,
        &Rule {
            version: ctx.version,
        },
    )?;
    if let Some(grant) = policy
        .get_mut("grantControls")
        .filter(|grant| grant.is_object())
    {
        fill(
            grant,
            &[
                ("operator", json!("OR")),
                ("builtInControls", json!([])),
                ("customAuthenticationFactors", json!([])),
                ("termsOfUse", json!([])),
            ],
        );
        let strength = grant
            .get("authenticationStrength")
            .and_then(|strength| {
                ctx.state
                    .table("authenticationStrengthPolicies")
                    .get(text(strength, "id"))
            })
            .cloned();
        merge(grant, &json!({"authenticationStrength": null}));
        merge(grant, &json!({"authenticationStrength": strength}));
    }
    // Session controls without effect come back as none.
    let session = policy.get("sessionControls").unwrap_or(&Value::Null);
    let idle = session.as_object().is_none_or(|session| {
        session
            .values()
            .all(|control| control.is_null() || control == &json!(false))
    });
    if idle {
        merge(policy, &json!({"sessionControls": null}));
    } else if let Some(session) = policy.get_mut("sessionControls") {
        fill(
            session,
            &[
                ("disableResilienceDefaults", Value::Null),
                ("applicationEnforcedRestrictions", Value::Null),
                ("cloudAppSecurity", Value::Null),
                ("persistentBrowser", Value::Null),
                ("signInFrequency", Value::Null),
                ("secureSignInSession", Value::Null),
            ],
        );
    }
    Ok(())
}

fn fill(object: &mut Value, defaults: &[(&str, Value)]) {
    if let Some(object) = object.as_object_mut() {
        for (name, value) in defaults {
            object
                .entry((*name).to_owned())
                .or_insert_with(|| value.clone());
        }
    }
}

fn default_location(location: &mut Value) {
    match text(location, "@odata.type") {
        "#microsoft.graph.ipNamedLocation" => fill(
            location,
            &[("isTrusted", json!(false)), ("ipRanges", json!([]))],
        ),
        "#microsoft.graph.countryNamedLocation" => fill(
            location,
            &[
                ("countriesAndRegions", json!([])),
                ("includeUnknownCountriesAndRegions", json!(false)),
                ("countryLookupMethod", json!("clientIpAddress")),
            ],
        ),
        _ => {}
    }
}

fn is_used(ctx: &Context<'_>, id: &str) -> bool {
    ctx.state
        .table("conditionalAccessPolicies")
        .all()
        .any(|policy| {
            let locations = policy
                .get("conditions")
                .and_then(|conditions| conditions.get("locations"));
            locations.is_some_and(|locations| {
                ["includeLocations", "excludeLocations"]
                    .iter()
                    .flat_map(|list| items(locations, list))
                    .any(|own| same(own.as_str().unwrap_or_default(), id))
            })
        })
}

/// Both records of a change, with one correlation id.
fn log(ctx: &mut Context<'_>, kind: Access, old: &Value, new: &Value) {
    let object = if new.is_null() { old } else { new };
    let (verb, operation) = match (old.is_null(), new.is_null()) {
        (true, _) => ("Add", "Add"),
        (false, true) => ("Delete", "Delete"),
        (false, false) => ("Update", "Update"),
    };
    let (word, property) = match kind {
        Access::Policy => ("conditional access policy", "ConditionalAccessPolicy"),
        Access::Location => ("named location", "NamedLocation"),
    };
    let whole = [Modified::new(property, &as_logged(old), &as_logged(new))];
    let target = Target::object("Policy", object).with(whole);
    let initiator = ctx.initiator.clone();
    let details = vec![("Category", "Conditional Access".to_owned())];
    let service = Service::ConditionalAccess;
    let activity = format!("{verb} {word}");
    ctx.log_as(
        &initiator,
        service,
        "Policy",
        &activity,
        operation,
        vec![target],
        details,
    );
    let detail = [Modified::new(
        "PolicyDetail",
        &internal(kind, old),
        &internal(kind, new),
    )];
    let target = Target::object("Policy", object).with(detail);
    ctx.log(
        Service::Core,
        "Policy",
        &format!("{verb} policy"),
        operation,
        vec![target],
    );
}

/// A policy as Conditional Access logs it: without what is null, with times that name their offset.
fn as_logged(object: &Value) -> Value {
    match object {
        Value::Object(object) => Value::Object(
            object
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| {
                    let value = match value {
                        Value::String(text) if name.ends_with("DateTime") => {
                            json!(
                                text.strip_suffix('Z')
                                    .map_or_else(|| text.clone(), |time| format!("{time}+00:00"))
                            )
                        }
                        // Built-in controls are logged in capitals where they are a word of their own.
                        Value::Array(controls) if name == "builtInControls" => json!(
                            controls
                                .iter()
                                .map(|control| if control == "mfa" {
                                    json!("MFA")
                                } else {
                                    control.clone()
                                })
                                .collect::<Vec<_>>()
                        ),
                        other => as_logged(other),
                    };
                    (name.clone(), value)
                })
                .collect(),
        ),
        Value::Array(list) => Value::Array(list.iter().map(as_logged).collect()),
        other => other.clone(),
    }
}

/// The directory's internal form: a list with one JSON text.
fn internal(kind: Access, object: &Value) -> Value {
    if object.is_null() {
        return Value::Null;
    }
    let detail = match kind {
        Access::Policy => {
            let controls = object.get("grantControls").unwrap_or(&Value::Null);
            let named: Vec<String> = items(controls, "builtInControls")
                .iter()
                .filter_map(Value::as_str)
                .map(capital)
                .collect();
            json!({
                "Version": 1,
                "State": match text(object, "state") {
                    "enabled" => "Enabled",
                    "disabled" => "Disabled",
                    _ => "Reporting",
                },
                "Conditions": as_logged(object.get("conditions").unwrap_or(&Value::Null)),
                "Controls": [{"Control": named}],
            })
        }
        Access::Location => as_logged(object),
    };
    json!([detail.to_string()])
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}
