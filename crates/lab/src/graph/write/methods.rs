//! Authentication methods of a user: passes, phones, password reset, deletion (Microsoft Graph, *authentication*).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    context::{Context, Done, Object, items, merge, new_id, same, text},
    rights, settings, users,
};
use crate::{
    audit::{Service, Target},
    lab::{Answer, ApiError},
    passkey::Secret,
    times::stamp,
};

const PASS: &str = "#microsoft.graph.temporaryAccessPassAuthenticationMethod";
const PHONE: &str = "#microsoft.graph.phoneAuthenticationMethod";
/// Phones have fixed ids, one of each kind.
const PHONES: &[(&str, &str)] = &[
    ("mobile", "3179e48a-750b-4051-897c-87b9720928f7"),
    ("alternateMobile", "b6332ec1-7057-4abe-9331-3d72feddfe41"),
    ("office", "e37fc753-ff3b-4958-9484-eaa9425c82bc"),
];

/// The user, when the caller may change their methods: a restricted unit first, then roles; administrators' methods
/// only from above. Apps outside a restricted unit need the permission alone.
pub(super) fn target(ctx: &Context<'_>, key: &str) -> Result<Value, ApiError> {
    let user = ctx.user(key)?;
    let id = text(&user, "id");
    let own = !ctx.rights.app_only && same(&ctx.rights.who, id);
    if own {
        return Ok(user);
    }
    ctx.rights
        .allow_on(&ctx.state, id, rights::MANAGE_METHODS)?;
    if !ctx.rights.app_only {
        ctx.rights.allow_sensitive(&ctx.state, id, false, ctx.now)?;
    }
    Ok(user)
}

/// The methods of a user.
pub(super) fn list(user: &Value) -> Vec<Value> {
    user.get("authentication")
        .map(|authentication| items(authentication, "methods").to_vec())
        .unwrap_or_default()
}

/// Writes the methods of a user.
pub(super) fn store(ctx: &mut Context<'_>, user: &Value, methods: &[Value]) {
    let mut user = user.clone();
    merge(&mut user, &json!({"authentication": {"methods": methods}}));
    ctx.put("users", user);
}

/// The two records of a changed method: the directory's, by a service, and the registration service's.
pub(super) fn log(
    ctx: &mut Context<'_>,
    user: &Value,
    activity: &str,
    operation: &str,
    method: &str,
) {
    let own = !ctx.rights.app_only && same(&ctx.rights.who, text(user, "id"));
    let who = if own { "User" } else { "Admin" };
    ctx.log_credentials(
        "Azure MFA StrongAuthenticationService",
        user,
        "StrongAuthenticationMethod",
    );
    let initiator = ctx.initiator.clone();
    let details = vec![("AuthenticationMethod", method.to_owned())];
    let activity = format!("{who} {activity} security info");
    let target = Target::object("User", user);
    let service = Service::AuthenticationMethods;
    ctx.log_as(
        &initiator,
        service,
        "UserManagement",
        &activity,
        operation,
        vec![target],
        details,
    );
}

pub(super) fn create_pass(ctx: &mut Context<'_>, key: &str, body: &Object) -> Done {
    let user = target(ctx, key)?;
    let policy = settings::method(ctx, "TemporaryAccessPass").unwrap_or(Value::Null);
    if text(&policy, "state") == "disabled" {
        return Err(refused(
            "Temporary Access Pass is not enabled by policy for this user.",
        ));
    }
    let number =
        |name: &str, default: i64| policy.get(name).and_then(Value::as_i64).unwrap_or(default);
    let lifetime = body
        .get("lifetimeInMinutes")
        .and_then(Value::as_i64)
        .unwrap_or_else(|| number("defaultLifetimeInMinutes", 60));
    let range = number("minimumLifetimeInMinutes", 10)..=number("maximumLifetimeInMinutes", 43_200);
    if !range.contains(&lifetime) || !(10..=43_200).contains(&lifetime) {
        return Err(refused(
            "The property 'lifetimeInMinutes' is outside of what the policy allows.",
        ));
    }
    let once = body
        .get("isUsableOnce")
        .and_then(Value::as_bool)
        .unwrap_or_default();
    let demanded = policy.get("isUsableOnce").and_then(Value::as_bool) == Some(true);
    if demanded && !once && body.contains_key("isUsableOnce") {
        return Err(refused("The policy requires one-time use."));
    }
    let start = match body.get("startDateTime").and_then(Value::as_str) {
        Some(given) => given
            .parse::<Timestamp>()
            .map_err(|_| refused("The property 'startDateTime' is not a date and time."))?,
        None => ctx.now,
    };
    let pass = random_text(
        usize::try_from(number("defaultLength", 8))
            .unwrap_or(8)
            .clamp(8, 48),
    )?;
    let id = new_id();
    let early = start > ctx.now;
    let mut method = json!({
        "@odata.type": PASS, "id": id, "temporaryAccessPass": null, "createdDateTime": stamp(ctx.now),
        "startDateTime": stamp(start), "lifetimeInMinutes": lifetime, "isUsableOnce": once || demanded,
        "isUsable": !early, "methodUsabilityReason": if early { "NotYetValid" } else { "EnabledByPolicy" },
    });
    let mut methods = list(&user);
    // A new pass takes the place of the old one.
    methods.retain(|own| text(own, "@odata.type") != PASS);
    methods.push(method.clone());
    store(ctx, &user, &methods);
    let user_id = text(&user, "id").to_owned();
    ctx.state
        .secrets
        .insert((user_id.clone(), id), Secret::new(pass.clone()));
    log(ctx, &user, "registered", "Add", "Temporary Access Pass");
    merge(&mut method, &json!({"temporaryAccessPass": pass}));
    if let Some(method) = method.as_object_mut() {
        method.remove("@odata.type");
    }
    let rest = format!("users('{user_id}')/authentication/temporaryAccessPassMethods/$entity");
    Ok(Answer::json(201, ctx.entity(&rest, &method)))
}

/// Whether a pass can be used at this moment.
pub(crate) fn pass_runs(method: &Value, now: Timestamp) -> bool {
    let start: Option<Timestamp> = text(method, "startDateTime").parse().ok();
    let minutes = method
        .get("lifetimeInMinutes")
        .and_then(Value::as_i64)
        .unwrap_or_default();
    let end = start.and_then(|start| start.checked_add(SignedDuration::from_mins(minutes)).ok());
    start.is_some_and(|start| start <= now) && end.is_some_and(|end| now < end)
}

pub(super) fn create_phone(ctx: &mut Context<'_>, key: &str, body: &Object) -> Done {
    let user = target(ctx, key)?;
    let given = Value::Object(body.clone());
    let number = text(&given, "phoneNumber");
    if !number.starts_with('+')
        || !number[1..]
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, ' ' | 'x'))
    {
        return Err(refused(
            "The property 'phoneNumber' must have the form +<country code> <number>.",
        ));
    }
    let kind = text(&given, "phoneType");
    let (kind, id) = PHONES
        .iter()
        .find(|(own, _)| same(own, kind))
        .ok_or_else(|| refused("The property 'phoneType' is mobile, alternateMobile or office."))?;
    let mut methods = list(&user);
    if methods.iter().any(|own| same(text(own, "id"), id)) {
        return Err(refused("A phone of this type is registered already."));
    }
    let method = json!({
        "@odata.type": PHONE, "id": id, "phoneNumber": number, "phoneType": kind, "smsSignInState": "notConfigured",
        "createdDateTime": stamp(ctx.now),
    });
    methods.push(method.clone());
    store(ctx, &user, &methods);
    log(ctx, &user, "registered", "Add", "Phone");
    let mut answer = method;
    if let Some(answer) = answer.as_object_mut() {
        answer.remove("@odata.type");
    }
    let rest = format!(
        "users('{}')/authentication/phoneMethods/$entity",
        text(&user, "id")
    );
    Ok(Answer::json(201, ctx.entity(&rest, &answer)))
}

pub(super) fn update_phone(ctx: &mut Context<'_>, key: &str, id: &str, body: &Object) -> Done {
    let user = target(ctx, key)?;
    let mut methods = list(&user);
    let method = methods
        .iter_mut()
        .find(|own| same(text(own, "id"), id) && text(own, "@odata.type") == PHONE)
        .ok_or_else(|| ApiError::not_found(id))?;
    let number = body
        .get("phoneNumber")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !number.starts_with('+') {
        return Err(refused(
            "The property 'phoneNumber' must have the form +<country code> <number>.",
        ));
    }
    merge(method, &json!({"phoneNumber": number}));
    store(ctx, &user, &methods);
    log(ctx, &user, "updated", "Update", "Phone");
    Ok(Answer::no_content())
}

pub(super) fn delete(ctx: &mut Context<'_>, key: &str, kind: &str, id: &str) -> Done {
    let user = target(ctx, key)?;
    let full = format!("#microsoft.graph.{kind}");
    let mut methods = list(&user);
    let place = methods
        .iter()
        .position(|own| text(own, "id") == id && text(own, "@odata.type") == full)
        .ok_or_else(|| ApiError::not_found(id))?;
    methods.remove(place);
    store(ctx, &user, &methods);
    let user_id = text(&user, "id").to_owned();
    ctx.state
        .passkeys
        .retain(|_, key| !(same(&key.user, &user_id) && key.method == id));
    ctx.state.secrets.remove(&(user_id, id.to_owned()));
    if kind == "fido2AuthenticationMethod" {
        super::fido2::log_key(ctx, &user, "Delete Passkey (device-bound)", "Delete", None);
    }
    log(
        ctx,
        &user,
        "deleted",
        "Delete",
        kind.strip_suffix("AuthenticationMethod").unwrap_or(kind),
    );
    Ok(Answer::no_content())
}

pub(super) fn reset_password(ctx: &mut Context<'_>, key: &str, id: &str, body: &Object) -> Done {
    if ctx.rights.app_only {
        // Delegated only.
        return Err(ApiError::denied());
    }
    let mut user = target(ctx, key)?;
    if id != users::PASSWORD_METHOD && !list(&user).iter().any(|own| text(own, "id") == id) {
        return Err(ApiError::not_found(id));
    }
    let given = body
        .get("newPassword")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let made = given.is_none();
    let password = match given {
        Some(password) => password,
        None => format!("{}aA1!", random_text(12)?),
    };
    users::set_password(ctx, &mut user, password.clone())?;
    ctx.put("users", user.clone());
    let target = Target::object("User", &user);
    ctx.log(
        Service::Core,
        "UserManagement",
        "Reset password",
        "Update",
        vec![target],
    );
    let initiator = ctx.initiator.clone();
    let target = Target::object("User", &user);
    let service = Service::AuthenticationMethods;
    let activity = "Admin started password reset";
    ctx.log_as(
        &initiator,
        service,
        "UserManagement",
        activity,
        "Update",
        vec![target],
        Vec::new(),
    );
    let user_id = text(&user, "id");
    let location = format!(
        "{}/{}/users/{user_id}/authentication/operations/{}",
        ctx.lab.addresses.graph,
        ctx.version.segment(),
        new_id()
    );
    let mut answer = if made {
        let body = json!({"newPassword": password});
        Answer::json(
            202,
            ctx.entity("microsoft.graph.passwordResetResponse", &body),
        )
    } else {
        Answer {
            status: 202,
            ..Answer::no_content()
        }
    };
    answer.headers.push(("location", location));
    Ok(answer)
}

fn random_text(length: usize) -> Result<String, ApiError> {
    let mut bytes = vec![0_u8; length];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| ApiError::new(500, "generalException", "No random numbers could be had."))?;
    // 32 letters and digits, so that no value is likelier than another; none is mistaken for another.
    let letters = b"abcdefghijkmnpqrstuvwxyz23456789";
    Ok(bytes
        .iter()
        .map(|byte| char::from(letters[usize::from(byte % 32)]))
        .collect())
}

fn refused(message: &str) -> ApiError {
    ApiError::new(400, "badRequest", message)
}
