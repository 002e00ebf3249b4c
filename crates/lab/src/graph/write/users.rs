//! Users: create, change, delete, sign out (Microsoft Graph, *user resource type*).

use serde_json::{Value, json};

use super::{
    context::{Context, Done, Object, bad, is, merge, new_id, same, text},
    rights,
};
use crate::{
    audit::{self, Service, Target},
    lab::{Answer, ApiError},
    passkey::Secret,
    times::stamp,
};

/// The password method is always there, with this id.
pub(crate) const PASSWORD_METHOD: &str = "28c10230-6103-485e-b985-444c60001490";

/// What a user answers with when nothing is selected.
const DEFAULTS: &[&str] = &[
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
];

/// Properties whose change is a sensitive action.
const SENSITIVE: &[&str] = &[
    "accountEnabled",
    "businessPhones",
    "mobilePhone",
    "onPremisesImmutableId",
    "otherMails",
    "passwordProfile",
    "userPrincipalName",
];

/// Properties that only the service sets.
const READ_ONLY: &[&str] = &[
    "id",
    "createdDateTime",
    "creationType",
    "isManagementRestricted",
    "onPremisesSyncEnabled",
    "onPremisesLastSyncDateTime",
    "lastPasswordChangeDateTime",
    "signInActivity",
    "signInSessionsValidFromDateTime",
];

/// Properties that a new user has, without a value.
const EMPTY: &[&str] = &[
    "mailNickname",
    "givenName",
    "surname",
    "jobTitle",
    "department",
    "companyName",
    "employeeId",
    "officeLocation",
    "preferredLanguage",
    "usageLocation",
    "mail",
    "mobilePhone",
    "creationType",
    "externalUserState",
    "passwordPolicies",
    "onPremisesSyncEnabled",
    "onPremisesImmutableId",
    "onPremisesLastSyncDateTime",
    "onPremisesDistinguishedName",
    "onPremisesSecurityIdentifier",
    "onPremisesSamAccountName",
    "onPremisesDomainName",
    "onPremisesUserPrincipalName",
    "isManagementRestricted",
    "manager",
];

/// Names that the service knows; others are refused as unknown properties.
const KNOWN: &[&str] = &[
    "accountEnabled",
    "ageGroup",
    "businessPhones",
    "city",
    "companyName",
    "consentProvidedForMinor",
    "country",
    "customSecurityAttributes",
    "department",
    "displayName",
    "employeeHireDate",
    "employeeId",
    "employeeOrgData",
    "employeeType",
    "faxNumber",
    "givenName",
    "identities",
    "jobTitle",
    "mail",
    "mailNickname",
    "mobilePhone",
    "officeLocation",
    "onPremisesExtensionAttributes",
    "onPremisesImmutableId",
    "otherMails",
    "passwordPolicies",
    "passwordProfile",
    "postalCode",
    "preferredDataLocation",
    "preferredLanguage",
    "state",
    "streetAddress",
    "surname",
    "usageLocation",
    "userPrincipalName",
    "userType",
];

pub(super) fn create(ctx: &mut Context<'_>, body: &Object) -> Done {
    ctx.allow(rights::MANAGE_USERS)?;
    known(body)?;
    for name in [
        "accountEnabled",
        "displayName",
        "mailNickname",
        "userPrincipalName",
        "passwordProfile",
    ] {
        if body.get(name).is_none_or(Value::is_null) {
            return Err(bad(format!(
                "A value is required for property '{name}' of resource 'User'."
            )));
        }
    }
    let body = Value::Object(body.clone());
    let upn = text(&body, "userPrincipalName").to_owned();
    check_name(ctx, &upn, None)?;
    let password = body
        .get("passwordProfile")
        .map(|profile| text(profile, "password").to_owned())
        .unwrap_or_default();
    check_password(&password)?;
    let id = new_id();
    let now = stamp(ctx.now);
    let initial = initial_domain(ctx);
    let mut user = json!({
        "id": id, "accountEnabled": true, "displayName": null, "userPrincipalName": upn, "businessPhones": [],
        "otherMails": [], "userType": "Member", "createdDateTime": now, "assignedLicenses": [],
        "lastPasswordChangeDateTime": now, "signInSessionsValidFromDateTime": now,
        "identities": [{"signInType": "userPrincipalName", "issuer": initial, "issuerAssignedId": upn}],
        "registeredDevices": [], "transitiveMemberOf": [],
        // Per-user MFA is off for whoever is new (Microsoft Graph, *authentication: get requirements*).
        "authentication": {"methods": [password_method(&now)], "requirements": {"perUserMfaState": "disabled"}},
    });
    if let Some(user) = user.as_object_mut() {
        user.extend(EMPTY.iter().map(|name| ((*name).to_owned(), Value::Null)));
    }
    let mut own = body;
    strip_password(&mut own);
    merge(&mut user, &own);
    ctx.state
        .secrets
        .insert((id, PASSWORD_METHOD.to_owned()), Secret::new(password));
    ctx.put("users", user.clone());
    let modified = audit::changed(&Object::new(), &logged(&user));
    let target = Target::object("User", &user).with(modified);
    ctx.log(
        Service::Core,
        "UserManagement",
        "Add user",
        "Add",
        vec![target],
    );
    Ok(Answer::json(201, shown(ctx, &user)))
}

pub(super) fn update(ctx: &mut Context<'_>, key: &str, body: &Object) -> Done {
    let old = ctx.user(key)?;
    let id = text(&old, "id").to_owned();
    known(body)?;
    allow_update(ctx, &id, body)?;
    if body.keys().any(|name| SENSITIVE.contains(&name.as_str())) {
        ctx.rights
            .allow_sensitive(&ctx.state, &id, false, ctx.now)?;
    }
    let mut change = Value::Object(body.clone());
    if let Some(upn) = body.get("userPrincipalName") {
        let upn = upn.as_str().ok_or_else(|| {
            bad("Invalid value specified for property 'userPrincipalName' of resource 'User'.")
        })?;
        check_name(ctx, upn, Some(&id))?;
        if !same(upn, text(&old, "userPrincipalName")) {
            // Keys carry the name that they were registered under; Microsoft lists this as a known issue.
            ctx.state.passkeys.retain(|_, key| !same(&key.user, &id));
        }
    }
    let mut user = old.clone();
    let password = body
        .get("passwordProfile")
        .map(|profile| text(profile, "password").to_owned());
    if let Some(password) = password.filter(|password| !password.is_empty()) {
        set_password(ctx, &mut user, password)?;
        let target = Target::object("User", &user);
        ctx.log(
            Service::Core,
            "UserManagement",
            "Reset password",
            "Update",
            vec![target],
        );
    }
    strip_password(&mut change);
    merge(&mut user, &change);
    if is(&old, "accountEnabled") != is(&user, "accountEnabled")
        && body.contains_key("accountEnabled")
    {
        let activity = if is(&user, "accountEnabled") {
            "Enable account"
        } else {
            "Disable account"
        };
        let target =
            Target::object("User", &user).with(audit::changed(&logged(&old), &logged(&user)));
        ctx.log(
            Service::Core,
            "UserManagement",
            activity,
            "Update",
            vec![target],
        );
    }
    let modified = audit::changed(&logged(&old), &logged(&user));
    let target = Target::object("User", &user).with(modified);
    ctx.log(
        Service::Core,
        "UserManagement",
        "Update user",
        "Update",
        vec![target],
    );
    ctx.put("users", user);
    Ok(Answer::no_content())
}

pub(super) fn delete(ctx: &mut Context<'_>, key: &str) -> Done {
    let user = ctx.user(key)?;
    let id = text(&user, "id").to_owned();
    ctx.rights.allow_on(&ctx.state, &id, rights::DELETE_USERS)?;
    ctx.rights.allow_sensitive(&ctx.state, &id, true, ctx.now)?;
    let administrators = rights::global_administrators(&ctx.state, ctx.now);
    if administrators.len() == 1 && administrators.contains(&id.to_lowercase()) {
        return Err(bad(
            "The last Global Administrator of the tenant cannot be deleted.",
        ));
    }
    let now = ctx.now;
    ctx.state.remove("users", &id, now);
    super::deleted::keep(ctx, "users", &user);
    super::memberships::forget(&mut ctx.state, &id, now);
    let target = Target::object("User", &user);
    ctx.log(
        Service::Core,
        "UserManagement",
        "Delete user",
        "Delete",
        vec![target],
    );
    Ok(Answer::no_content())
}

pub(super) fn revoke_sessions(ctx: &mut Context<'_>, key: &str) -> Done {
    let mut user = ctx.user(key)?;
    let id = text(&user, "id").to_owned();
    let own = !ctx.rights.app_only && same(&ctx.rights.who, &id);
    if !own {
        ctx.rights
            .allow_on(&ctx.state, &id, rights::REVOKE_SESSIONS)?;
        ctx.rights
            .allow_sensitive(&ctx.state, &id, false, ctx.now)?;
    }
    let old = user.clone();
    merge(
        &mut user,
        &json!({"signInSessionsValidFromDateTime": stamp(ctx.now)}),
    );
    let target = Target::object("User", &user).with([audit::Modified::new(
        "StsRefreshTokensValidFrom",
        &json!([old.get("signInSessionsValidFromDateTime")]),
        &json!([stamp(ctx.now)]),
    )]);
    ctx.put("users", user);
    let activity = "Update StsRefreshTokenValidFrom Timestamp";
    ctx.log(
        Service::Core,
        "UserManagement",
        activity,
        "Update",
        vec![target],
    );
    let body = json!({"@odata.context": ctx.metadata("Edm.Boolean"), "value": true});
    Ok(Answer::json(200, body))
}

/// A user with the properties that an answer to a write has.
pub(super) fn shown(ctx: &Context<'_>, user: &Value) -> Value {
    let mut object = Object::new();
    for name in DEFAULTS {
        object.insert(
            (*name).to_owned(),
            user.get(*name).cloned().unwrap_or(Value::Null),
        );
    }
    ctx.entity("users/$entity", &Value::Object(object))
}

/// Sets a password and notes when; the method and its date are what readers see of it.
pub(super) fn set_password(
    ctx: &mut Context<'_>,
    user: &mut Value,
    password: String,
) -> Result<(), ApiError> {
    check_password(&password)?;
    let id = text(user, "id").to_owned();
    merge(user, &json!({"lastPasswordChangeDateTime": stamp(ctx.now)}));
    ctx.state
        .secrets
        .insert((id, PASSWORD_METHOD.to_owned()), Secret::new(password));
    Ok(())
}

fn password_method(now: &str) -> Value {
    json!({"@odata.type": "#microsoft.graph.passwordAuthenticationMethod", "id": PASSWORD_METHOD,
        "password": null, "createdDateTime": now})
}

/// Which need each property has; the narrow permissions reach only what they are named for.
fn allow_update(ctx: &Context<'_>, id: &str, body: &Object) -> Result<(), ApiError> {
    let held = |names: &[&str]| {
        names
            .iter()
            .any(|name| ctx.caller.permissions.contains(*name))
    };
    for name in body.keys() {
        let (need, permissions): (_, &[&str]) = match name.as_str() {
            "passwordProfile" => (
                rights::SET_PASSWORDS,
                &[
                    "User-PasswordProfile.ReadWrite.All",
                    "Directory.AccessAsUser.All",
                ],
            ),
            "accountEnabled" => (
                rights::ENABLE_USERS,
                &[
                    "User.EnableDisableAccount.All",
                    "User.ReadWrite.All",
                    "Directory.ReadWrite.All",
                ],
            ),
            _ => (
                rights::MANAGE_USERS,
                &["User.ReadWrite.All", "Directory.ReadWrite.All"],
            ),
        };
        if !held(permissions) {
            return Err(ApiError::denied());
        }
        ctx.rights.allow_on(&ctx.state, id, need)?;
        // An app sets passwords only with a role of its own besides the permission.
        if name == "passwordProfile" && !ctx.rights.holds(&ctx.state, need, &[]) {
            let units: Vec<String> = rights::units_of(&ctx.state, id)
                .into_iter()
                .map(|(unit, _)| unit)
                .collect();
            if !ctx.rights.holds(&ctx.state, need, &units) {
                return Err(ApiError::denied());
            }
        }
    }
    if body.is_empty() {
        ctx.rights.allow_on(&ctx.state, id, rights::MANAGE_USERS)?;
    }
    Ok(())
}

fn known(body: &Object) -> Result<(), ApiError> {
    for name in body.keys() {
        if READ_ONLY.contains(&name.as_str()) {
            return Err(bad(format!(
                "Property '{name}' is read-only and cannot be set."
            )));
        }
        let annotated = name.contains('@') || name.starts_with("extension_");
        if !annotated && !KNOWN.contains(&name.as_str()) {
            return Err(bad(format!(
                "The property '{name}' does not exist on type 'microsoft.graph.user'. Make sure to only use \
                 property names that are defined by the type."
            )));
        }
    }
    Ok(())
}

fn check_name(ctx: &Context<'_>, upn: &str, own: Option<&str>) -> Result<(), ApiError> {
    let domain = upn
        .rsplit_once('@')
        .filter(|(local, _)| !local.is_empty())
        .map(|(_, domain)| domain);
    let verified = domain.is_some_and(|domain| {
        let domains = ctx.state.table("domains");
        domains.is_empty() || domains.all().any(|own| same(text(own, "id"), domain))
    });
    if !verified {
        return Err(bad(
            "The domain portion of the userPrincipalName property is invalid. You must use one of the verified \
             domain names in your organization.",
        ));
    }
    let taken = ctx.state.table("users").all().any(|user| {
        same(text(user, "userPrincipalName"), upn)
            && own.is_none_or(|own| !same(own, text(user, "id")))
    });
    if taken {
        return Err(bad(
            "Another object with the same value for property userPrincipalName already exists.",
        ));
    }
    Ok(())
}

/// Eight to 256 characters of three kinds out of four (Microsoft Entra, *Password policies*).
fn check_password(password: &str) -> Result<(), ApiError> {
    let kinds: [fn(char) -> bool; 4] = [
        char::is_lowercase,
        char::is_uppercase,
        char::is_numeric,
        |c| !c.is_alphanumeric(),
    ];
    let used = kinds
        .iter()
        .filter(|kind| password.chars().any(**kind))
        .count();
    if !(8..=256).contains(&password.chars().count()) || used < 3 {
        return Err(bad(
            "The specified password does not comply with password complexity requirements. Please provide a \
             different password.",
        ));
    }
    Ok(())
}

fn strip_password(user: &mut Value) {
    if let Some(user) = user.as_object_mut() {
        user.retain(|name, _| !name.contains('@'));
        if let Some(profile) = user
            .get_mut("passwordProfile")
            .and_then(Value::as_object_mut)
        {
            profile.remove("password");
        }
    }
}

/// What records show of a user: its own properties, not what other collections hang on it.
fn logged(user: &Value) -> Object {
    let mut object = user.as_object().cloned().unwrap_or_default();
    for name in [
        "authentication",
        "transitiveMemberOf",
        "memberOf",
        "passwordProfile",
        "registeredDevices",
        "id",
        "identities",
    ] {
        object.remove(name);
    }
    object.retain(|_, value| !value.is_null());
    object
}

fn initial_domain(ctx: &Context<'_>) -> String {
    ctx.state
        .table("domains")
        .all()
        .find(|domain| is(domain, "isInitial"))
        .map(|domain| text(domain, "id").to_owned())
        .unwrap_or_default()
}
