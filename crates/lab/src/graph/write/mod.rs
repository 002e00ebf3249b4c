//! Everything that changes the directory through Graph.
//!
//! Invariants:
//! - a request is read once, by [`call::Call`]; permissions and deeds follow from it;
//! - checks come before the first change, so that a refusal leaves nothing behind;
//! - every change leaves its audit records in the same call.

mod access;
mod access_check;
mod attestation;
mod call;
mod cbor;
mod context;
mod deleted;
mod fido2;
mod groups;
mod memberships;
mod methods;
mod needs;
mod preview;
mod rights;
mod roles;
mod rules;
mod schedules;
mod settings;
mod strengths;
mod templates;
mod units;
mod users;

use serde_json::Value;

use super::{Version, what_if};
use crate::{
    Lab,
    lab::{Answer, ApiError, Caller},
};
use call::Call;
use context::{Context, Done, Object};

pub(crate) use attestation::{read as attested, verify};
pub(crate) use fido2::handle;
pub(crate) use methods::pass_runs;
pub(crate) use needs::Needs;
pub(crate) use preview::{BETA as PREVIEW, used as uses_preview};
pub(crate) use rights::{active_roles, labelled_privileged, runs};
pub(crate) use roles::assignment_id;
pub(crate) use users::PASSWORD_METHOD;

/// Which permissions a request needs: one of each group. Empty: there is no such write.
pub(crate) fn needs(method: &str, segments: &[&str]) -> Needs {
    Call::of(method, segments).map_or(&[], |call| needs::of(&call))
}

/// Answers a write; `None`: there is none at this path. Permissions were checked by [`needs`]; roles and protected
/// objects are checked here.
pub(crate) fn answer(
    lab: &Lab,
    caller: &Caller,
    method: &str,
    version: Version,
    segments: &[&str],
    query: &str,
    body: Option<Value>,
) -> Option<Result<Answer, ApiError>> {
    let call = Call::of(method, segments)?;
    Some(run(lab, caller, version, query, &call, body))
}

fn run(
    lab: &Lab,
    caller: &Caller,
    version: Version,
    query: &str,
    call: &Call<'_>,
    body: Option<Value>,
) -> Done {
    let body = match body {
        None => None,
        Some(Value::Object(body)) => Some(body),
        Some(_) => return Err(context::bad("Invalid JSON body: an object is expected.")),
    };
    if *call == Call::WhatIf {
        Context::new(lab, caller, version, query).allow(rights::READ_ACCESS)?;
        return what_if::answer(lab, version, &given(body)?);
    }
    let mut ctx = Context::new(lab, caller, version, query);
    let ctx = &mut ctx;
    match *call {
        Call::WhatIf => Err(ApiError::not_found("evaluate")),
        Call::CreateUser => users::create(ctx, &given(body)?),
        Call::UpdateUser(id) => users::update(ctx, id, &given(body)?),
        Call::DeleteUser(id) => users::delete(ctx, id),
        Call::RevokeSessions(id) => users::revoke_sessions(ctx, id),
        Call::Restore(id) => deleted::restore(ctx, id, &body.unwrap_or_default()),
        Call::Purge(id) => deleted::purge(ctx, id),
        Call::CreateGroup => groups::create(ctx, &given(body)?),
        Call::UpdateGroup(id) => groups::update(ctx, id, &given(body)?),
        Call::DeleteGroup(id) => groups::delete(ctx, id),
        Call::CreateUnit => units::create(ctx, &given(body)?),
        Call::UpdateUnit(id) => units::update(ctx, id, &given(body)?),
        Call::DeleteUnit(id) => units::delete(ctx, id),
        Call::AddLink(owner, id, link) => groups::add_link(ctx, owner, id, link, &given(body)?),
        Call::RemoveLink(owner, id, link, member) => {
            groups::remove_link(ctx, owner, id, link, member)
        }
        Call::AddScopedRole(id) => units::add_scoped_role(ctx, id, &given(body)?),
        Call::RemoveScopedRole(id, assignment) => units::remove_scoped_role(ctx, id, assignment),
        Call::CreateRole => roles::create_role(ctx, &given(body)?),
        Call::UpdateRole(id) => roles::update_role(ctx, id, &given(body)?),
        Call::DeleteRole(id) => roles::delete_role(ctx, id),
        Call::CreateAssignment => roles::create_assignment(ctx, &given(body)?),
        Call::DeleteAssignment(id) => roles::delete_assignment(ctx, id),
        Call::Request(kind) => schedules::request(ctx, kind, &given(body)?),
        Call::UpdateRule(policy, rule) => rules::update(ctx, policy, rule, &given(body)?),
        Call::CreateAccess(kind) => access::create(ctx, kind, &given(body)?),
        Call::UpdateAccess(kind, id) => access::update(ctx, kind, id, &given(body)?),
        Call::DeleteAccess(kind, id) => access::delete(ctx, kind, id),
        Call::RestoreAccess(kind, id) => access::restore(ctx, kind, id),
        Call::PurgeAccess(kind, id) => access::purge(ctx, kind, id),
        Call::CreateStrength => strengths::create(ctx, &given(body)?),
        Call::UpdateStrength(id) => strengths::update(ctx, id, &given(body)?),
        Call::DeleteStrength(id) => strengths::delete(ctx, id),
        Call::UpdateCombinations(id) => strengths::update_combinations(ctx, id, &given(body)?),
        Call::CreateConfiguration(id) => strengths::create_configuration(ctx, id, &given(body)?),
        Call::UpdateConfiguration(id, configuration) => {
            strengths::update_configuration(ctx, id, configuration, Some(&given(body)?))
        }
        Call::DeleteConfiguration(id, configuration) => {
            strengths::update_configuration(ctx, id, configuration, None)
        }
        Call::UpdateMethodsPolicy => settings::update_methods(ctx, &given(body)?),
        Call::UpdateMethodConfiguration(name) => {
            settings::update_configuration(ctx, name, &given(body)?)
        }
        Call::UpdateAuthorization => settings::update_authorization(ctx, &given(body)?),
        Call::UpdateSecurityDefaults => settings::update_defaults(ctx, &given(body)?),
        Call::CreationOptions(user, argument) => fido2::creation_options(ctx, user, argument),
        Call::RegisterKey(user) => fido2::register(ctx, user, &given(body)?),
        Call::CreatePass(user) => methods::create_pass(ctx, user, &body.unwrap_or_default()),
        Call::CreatePhone(user) => methods::create_phone(ctx, user, &given(body)?),
        Call::UpdatePhone(user, id) => methods::update_phone(ctx, user, id, &given(body)?),
        Call::DeleteMethod(user, kind, id) => methods::delete(ctx, user, kind, id),
        Call::ResetPassword(user, id) => {
            methods::reset_password(ctx, user, id, &body.unwrap_or_default())
        }
    }
}

fn given(body: Option<Object>) -> Result<Object, ApiError> {
    body.ok_or_else(|| ApiError::new(400, "BadRequest", "Empty Payload. JSON content expected."))
}

#[cfg(test)]
mod tests;
