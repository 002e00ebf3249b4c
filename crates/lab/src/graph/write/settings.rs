//! Settings that a tenant has once: the authentication methods policy, the authorization policy and security defaults.

use serde_json::{Value, json};

use super::{
    context::{Context, Done, Object, items, merge, same, text},
    rights,
};
use crate::{
    audit::{Modified, Service, Target},
    lab::{Answer, ApiError},
    times::stamp,
};

const METHODS: &str = "authenticationMethodsPolicy";
const AUTHORIZATION: &str = "authorizationPolicy";
const DEFAULTS: &str = "identitySecurityDefaultsEnforcementPolicy";
/// Id of the one policy of security defaults.
const DEFAULTS_ID: &str = "00000000-0000-0000-0000-000000000005";
/// The whole methods policy may have this many bytes.
const LARGEST: usize = 20 * 1024;

pub(super) fn update_methods(ctx: &mut Context<'_>, body: &Object) -> Done {
    ctx.allow(rights::MANAGE_METHODS_POLICY)?;
    let old = methods(ctx);
    let mut policy = old.clone();
    merge(&mut policy, &Value::Object(body.clone()));
    store_methods(ctx, &old, policy)
}

pub(super) fn update_configuration(ctx: &mut Context<'_>, name: &str, body: &Object) -> Done {
    ctx.allow(rights::MANAGE_METHODS_POLICY)?;
    let old = methods(ctx);
    let mut list = items(&old, "authenticationMethodConfigurations").to_vec();
    let kind = body
        .get("@odata.type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !kind.ends_with("AuthenticationMethodConfiguration") {
        return Err(bad(
            "The property '@odata.type' must name the type of the configuration.",
        ));
    }
    if let Some(state) = body.get("state")
        && !matches!(state.as_str(), Some("enabled" | "disabled"))
    {
        return Err(bad(
            "The state of a configuration is 'enabled' or 'disabled'.",
        ));
    }
    let place = list.iter().position(|own| same(text(own, "id"), name));
    let mut configuration = match place {
        Some(place) => list.remove(place),
        None if old.get("id").is_some() && !list.is_empty() => {
            return Err(ApiError::not_found(name));
        }
        None => json!({"@odata.type": kind, "id": name}),
    };
    if !same(text(&configuration, "@odata.type"), kind) {
        return Err(bad(
            "The property '@odata.type' names another type than the configuration has.",
        ));
    }
    if let Some(own) = configuration.as_object_mut() {
        own.extend(
            body.iter()
                .filter(|(key, _)| *key != "id")
                .map(|(key, value)| (key.clone(), value.clone())),
        );
    }
    if items(&configuration, "passkeyProfiles").len() > 3 {
        return Err(bad("A tenant has at most three passkey profiles."));
    }
    list.insert(place.unwrap_or(list.len()), configuration);
    let mut policy = old.clone();
    merge(
        &mut policy,
        &json!({"authenticationMethodConfigurations": list}),
    );
    store_methods(ctx, &old, policy)
}

/// The methods policy; a blank one where the snapshot has none.
pub(super) fn methods(ctx: &Context<'_>) -> Value {
    ctx.state
        .table(METHODS)
        .all()
        .next()
        .cloned()
        .unwrap_or_else(|| {
            json!({"id": METHODS, "displayName": "Authentication Methods Policy",
                "authenticationMethodConfigurations": []})
        })
}

/// One configuration of it, by its name.
pub(super) fn method(ctx: &Context<'_>, name: &str) -> Option<Value> {
    items(&methods(ctx), "authenticationMethodConfigurations")
        .iter()
        .find(|own| same(text(own, "id"), name))
        .cloned()
}

fn store_methods(ctx: &mut Context<'_>, old: &Value, mut policy: Value) -> Done {
    merge(
        &mut policy,
        &json!({"lastModifiedDateTime": stamp(ctx.now)}),
    );
    if policy.to_string().len() > LARGEST {
        return Err(bad("The policy is larger than 20 KB."));
    }
    let target = Target::object("Policy", &policy).with([Modified::new(
        "AuthenticationMethodsPolicy",
        old,
        &policy,
    )]);
    let id = key(old);
    let now = ctx.now;
    ctx.state.put(METHODS, &id, policy, now);
    let activity = "Authentication Methods Policy Update";
    ctx.log(
        Service::AuthenticationMethods,
        "ApplicationManagement",
        activity,
        "Update",
        vec![target],
    );
    Ok(Answer::no_content())
}

pub(super) fn update_defaults(ctx: &mut Context<'_>, body: &Object) -> Done {
    ctx.allow(rights::MANAGE_ACCESS)?;
    let old = ctx
        .state
        .table(DEFAULTS)
        .all()
        .next()
        .cloned()
        .unwrap_or_else(
            || json!({"id": DEFAULTS_ID, "displayName": "Security Defaults", "isEnabled": false}),
        );
    let Some(enabled) = body.get("isEnabled").and_then(Value::as_bool) else {
        return Err(bad("The property 'isEnabled' is required."));
    };
    let active = ctx
        .state
        .table("conditionalAccessPolicies")
        .all()
        .any(|policy| text(policy, "state") == "enabled");
    if enabled && active {
        return Err(bad(
            "Security defaults cannot be enabled while Conditional Access policies are enabled.",
        ));
    }
    let mut policy = old.clone();
    merge(&mut policy, &json!({"isEnabled": enabled}));
    let target = Target::object("Policy", &policy).with([Modified::new(
        "isEnabled",
        &old["isEnabled"],
        &json!(enabled),
    )]);
    let id = key(&policy);
    let now = ctx.now;
    ctx.state.put(DEFAULTS, &id, policy, now);
    ctx.log(
        Service::ConditionalAccess,
        "Policy",
        "Update security defaults",
        "Update",
        vec![target],
    );
    Ok(Answer::no_content())
}

/// The authorization policy: fields of nested objects that are not given stay.
pub(super) fn update_authorization(ctx: &mut Context<'_>, body: &Object) -> Done {
    ctx.allow(rights::MANAGE_ROLES)?;
    let Some(old) = ctx.state.table(AUTHORIZATION).all().next().cloned() else {
        return Err(ApiError::not_found(AUTHORIZATION));
    };
    let mut policy = old.clone();
    merge(&mut policy, &Value::Object(body.clone()));
    let target =
        Target::object("Policy", &policy).with([Modified::new(AUTHORIZATION, &old, &policy)]);
    let id = key(&old);
    let now = ctx.now;
    ctx.state.put(AUTHORIZATION, &id, policy, now);
    ctx.log(
        Service::Core,
        "AuthorizationPolicy",
        "Update authorization policy",
        "Update",
        vec![target],
    );
    Ok(Answer::no_content())
}

/// Where an object lies in its collection: one that came without an id lies under its place.
fn key(object: &Value) -> String {
    match text(object, "id") {
        "" => "#0".to_owned(),
        id => id.to_owned(),
    }
}

fn bad(message: &str) -> ApiError {
    ApiError::new(400, "BadRequest", message)
}
