//! Requests to Privileged Identity Management (Microsoft Graph, *unifiedRoleAssignmentScheduleRequest* and
//! *unifiedRoleEligibilityScheduleRequest*).
//!
//! A request is judged by the rules of its role and carried out at once; schedule instances are what stays of it. One
//! that waits for approval changes nothing.

use jiff::{Span, Timestamp};
use serde_json::{Value, json};

use super::{
    call::Schedule,
    context::{Context, Done, Object, is, items, merge, new_id, same, text},
    rights,
    roles::{self, ACTIVE, ELIGIBLE},
};
use crate::{
    Fault,
    audit::{Initiator, Service, Target},
    lab::{Answer, ApiError},
    times::stamp,
};

/// A request, read.
struct Request {
    kind: Schedule,
    /// Without the `admin` or `self` before it, folded: `assign`, `remove`, `activate`, …
    action: String,
    own: bool,
    principal: Value,
    definition: Value,
    scope: String,
    start: Timestamp,
    /// `None`: it does not end.
    end: Option<Timestamp>,
    duration: Option<Span>,
    justification: String,
    ticket: String,
}

impl Request {
    fn principal_id(&self) -> &str {
        text(&self.principal, "id")
    }

    fn role_id(&self) -> &str {
        text(&self.definition, "id")
    }

    fn table(&self) -> &'static str {
        match self.kind {
            Schedule::Assignment => ACTIVE,
            Schedule::Eligibility => ELIGIBLE,
        }
    }
}

pub(super) fn request(ctx: &mut Context<'_>, kind: Schedule, body: &Object) -> Done {
    if ctx.lab.faults.on(Fault::PimNotOnboarded) {
        // Not in the envelope of other errors.
        let body = json!({"errorCode": "MissingProvider", "message": "The provider is missing.",
            "instanceAnnotations": []});
        return Ok(Answer::json(400, body));
    }
    if ctx.lab.faults.on(Fault::NoPremium) {
        return Err(pim(
            "AadPremiumLicenseRequired",
            "The tenant needs an AAD Premium 2 license.",
        ));
    }
    let given = Value::Object(body.clone());
    let request = read(ctx, kind, &given)?;
    allow(ctx, &request)?;
    roles::check_scope(ctx, &request.definition, &request.scope)?;
    let rules = rules(ctx, request.role_id());
    check_rules(&request, &rules)?;
    let existing = roles::current(
        &ctx.state,
        request.table(),
        request.principal_id(),
        request.role_id(),
        &request.scope,
    );
    check_existing(ctx, &request, existing.as_ref())?;
    let id = new_id();
    let validated = is(&given, "isValidationOnly");
    let approval = request.action == "activate" && asks_approval(&rules);
    let status = match request.action.as_str() {
        _ if validated => "Granted",
        "activate" if approval => "PendingApproval",
        "remove" | "deactivate" => "Revoked",
        _ => "Provisioned",
    };
    if !validated && !approval {
        carry_out(ctx, &request, &id, existing.as_ref())?;
    }
    if approval && !validated {
        log(
            ctx,
            &request,
            "Add member to role requested (PIM activation)",
            "Assign",
        );
    }
    Ok(Answer::json(
        201,
        answer(ctx, &request, &given, &id, status),
    ))
}

fn read(ctx: &Context<'_>, kind: Schedule, body: &Value) -> Result<Request, ApiError> {
    let word = text(body, "action").to_lowercase();
    let (own, action) = match (word.strip_prefix("admin"), word.strip_prefix("self")) {
        (Some(action), _) => (false, action.to_owned()),
        (None, Some(action)) => (true, action.to_owned()),
        (None, None) => {
            return Err(invalid(&format!(
                "The action '{}' is not known.",
                text(body, "action")
            )));
        }
    };
    let allowed = ["assign", "update", "remove", "extend", "renew"];
    let allowed_own = ["activate", "deactivate", "extend", "renew"];
    let known = if own { &allowed_own[..] } else { &allowed[..] };
    if !known.contains(&action.as_str()) {
        return Err(invalid(&format!(
            "The action '{}' is not known.",
            text(body, "action")
        )));
    }
    let (principal, definition) = roles::parties(
        ctx,
        text(body, "principalId"),
        text(body, "roleDefinitionId"),
    )
    .map_err(|error| {
        let role = text(body, "roleDefinitionId");
        match error.status {
            404 if error.message.contains(role) => pim("RoleNotFound", "The role is not found."),
            404 => pim("SubjectNotFound", "The subject is not found."),
            _ => error,
        }
    })?;
    let schedule = body.get("scheduleInfo").unwrap_or(&Value::Null);
    let start = match text(schedule, "startDateTime") {
        "" => ctx.now,
        given => given
            .parse()
            .map_err(|_| invalid("The start of the schedule is not a date and time."))?,
    };
    let expiration = schedule.get("expiration").unwrap_or(&Value::Null);
    let mut duration = None;
    let end = match text(expiration, "type").to_lowercase().as_str() {
        "afterduration" => {
            let span: Span = text(expiration, "duration").parse().map_err(|_| {
                invalid("The duration of the schedule is not an ISO 8601 duration.")
            })?;
            duration = Some(span);
            Some(after(start, span).ok_or_else(|| invalid("The schedule ends beyond all time."))?)
        }
        "afterdatetime" => {
            let end: Timestamp = text(expiration, "endDateTime")
                .parse()
                .map_err(|_| invalid("The end of the schedule is not a date and time."))?;
            Some(end)
        }
        "" | "noexpiration" | "notspecified" => None,
        other => {
            return Err(invalid(&format!(
                "The expiration type '{other}' is not known."
            )));
        }
    };
    let scope = text(body, "directoryScopeId");
    Ok(Request {
        kind,
        action,
        own,
        principal,
        definition,
        scope: if scope.is_empty() { "/" } else { scope }.to_owned(),
        start,
        end,
        duration,
        justification: text(body, "justification").to_owned(),
        ticket: body
            .get("ticketInfo")
            .map(|ticket| text(ticket, "ticketNumber").to_owned())
            .unwrap_or_default(),
    })
}

fn allow(ctx: &Context<'_>, request: &Request) -> Result<(), ApiError> {
    if !request.own {
        return ctx.allow(rights::MANAGE_ROLES);
    }
    let own = !ctx.rights.app_only && same(&ctx.rights.who, request.principal_id());
    if own { Ok(()) } else { Err(ApiError::denied()) }
}

/// The rules of a role's settings; none where the snapshot does not hold them, and then nothing is refused by them.
fn rules(ctx: &Context<'_>, role: &str) -> Vec<Value> {
    ctx.state
        .table("roleManagementPolicyAssignments")
        .all()
        .find(|row| same(text(row, "roleDefinitionId"), role))
        .and_then(|row| row.get("policy"))
        .map(|policy| items(policy, "rules").to_vec())
        .unwrap_or_default()
}

fn rule<'r>(rules: &'r [Value], id: &str) -> Option<&'r Value> {
    rules.iter().find(|rule| same(text(rule, "id"), id))
}

fn asks_approval(rules: &[Value]) -> bool {
    rule(rules, "Approval_EndUser_Assignment")
        .and_then(|rule| rule.get("setting"))
        .is_some_and(|setting| is(setting, "isApprovalRequired"))
}

fn check_rules(request: &Request, rules: &[Value]) -> Result<(), ApiError> {
    if matches!(request.action.as_str(), "remove" | "deactivate") {
        return Ok(());
    }
    let caller = if request.own { "EndUser" } else { "Admin" };
    let level = match (request.own, request.kind) {
        (false, Schedule::Eligibility) => "Eligibility",
        _ => "Assignment",
    };
    let mut failed = Vec::new();
    if let Some(rule) = rule(rules, &format!("Expiration_{caller}_{level}")) {
        let most: Option<Span> = text(rule, "maximumDuration").parse().ok();
        let limit = most.and_then(|most| after(request.start, most));
        let required = is(rule, "isExpirationRequired") || request.own;
        let fails = match (request.end, limit) {
            (None, _) => required,
            (Some(end), Some(limit)) => required && end > limit,
            (Some(_), None) => false,
        };
        if fails {
            failed.push("ExpirationRule");
        }
    }
    if let Some(rule) = rule(rules, &format!("Enablement_{caller}_{level}")) {
        for enabled in items(rule, "enabledRules") {
            match enabled.as_str().unwrap_or_default() {
                "Justification" if request.justification.is_empty() => {
                    failed.push("JustificationRule");
                }
                "Ticketing" if request.ticket.is_empty() => failed.push("TicketingRule"),
                _ => {}
            }
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(policy_failed(&failed))
}

fn check_existing(
    ctx: &Context<'_>,
    request: &Request,
    existing: Option<&Value>,
) -> Result<(), ApiError> {
    match request.action.as_str() {
        "assign" if existing.is_some() => Err(pim(
            "RoleAssignmentExists",
            "The Role assignment already exists.",
        )),
        "remove" | "deactivate" | "update" | "extend" | "renew" if existing.is_none() => Err(pim(
            "RoleAssignmentDoesNotExist",
            "The Role assignment does not exist.",
        )),
        "activate" => {
            let eligible = eligible(ctx, request);
            if eligible.is_none() {
                return Err(policy_failed(&["EligibilityRule"]));
            }
            if existing.is_some() {
                return Err(pim(
                    "RoleAssignmentExists",
                    "The Role assignment already exists.",
                ));
            }
            Ok(())
        }
        "deactivate" => {
            // Microsoft: an activation can't be ended sooner than five minutes after it began.
            let young = existing
                .and_then(|row| text(row, "startDateTime").parse::<Timestamp>().ok())
                .is_some_and(|start| {
                    ctx.now.duration_since(start) < jiff::SignedDuration::from_mins(5)
                });
            if young {
                return Err(pim(
                    "ActiveDurationTooShort",
                    "The active duration is too short.",
                ));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The eligibility behind an activation: the person's own, or that of a group that they are in.
fn eligible(ctx: &Context<'_>, request: &Request) -> Option<Value> {
    ctx.state
        .table(ELIGIBLE)
        .all()
        .filter(|row| same(text(row, "roleDefinitionId"), request.role_id()))
        .filter(|row| {
            same(text(row, "directoryScopeId"), &request.scope) && rights::runs(row, ctx.now)
        })
        .find(|row| {
            let holder = text(row, "principalId");
            same(holder, request.principal_id())
                || ctx
                    .state
                    .table("groups")
                    .get(holder)
                    .is_some_and(|group| rights::has(group, "members", request.principal_id()))
        })
        .cloned()
}

fn carry_out(
    ctx: &mut Context<'_>,
    request: &Request,
    id: &str,
    existing: Option<&Value>,
) -> Result<(), ApiError> {
    let permanent = if request.end.is_some() {
        "timebound"
    } else {
        "permanent"
    };
    match (request.action.as_str(), existing) {
        ("remove" | "deactivate", Some(row)) => {
            let ended = if text(row, "endDateTime").is_empty() {
                "permanent"
            } else {
                "timebound"
            };
            if request.kind == Schedule::Assignment {
                if request.own {
                    roles::remove_active(ctx, row);
                    roles::log_role(
                        ctx,
                        &request.principal,
                        &request.definition,
                        &request.scope,
                        false,
                    );
                } else {
                    roles::withdraw(ctx, row)?;
                }
                log(
                    ctx,
                    request,
                    &format!("Remove member from role in PIM completed ({ended})"),
                    "Unassign",
                );
            } else {
                let now = ctx.now;
                ctx.state.remove(ELIGIBLE, text(row, "id"), now);
                let activity = "Remove eligible member from role";
                roles::log_role_as(
                    ctx,
                    &request.principal,
                    &request.definition,
                    activity,
                    false,
                );
                let activity =
                    format!("Remove eligible member from role in PIM completed ({ended})");
                log(ctx, request, &activity, "Unassign");
            }
        }
        ("update" | "extend" | "renew", Some(row)) => {
            let mut row = row.clone();
            merge(&mut row, &json!({"endDateTime": request.end.map(stamp)}));
            ctx.put(request.table(), row);
            let what = if request.kind == Schedule::Assignment {
                "member"
            } else {
                "eligible member"
            };
            log(
                ctx,
                request,
                &format!("Update {what} of role in PIM completed ({permanent})"),
                "Update",
            );
        }
        _ => {
            let row = instance(ctx, request, id);
            match request.kind {
                Schedule::Assignment => {
                    roles::store_active(ctx, &row);
                    roles::log_role(
                        ctx,
                        &request.principal,
                        &request.definition,
                        &request.scope,
                        true,
                    );
                    let activity = match request.own {
                        true => "Add member to role completed (PIM activation)".to_owned(),
                        false => format!("Add member to role in PIM completed ({permanent})"),
                    };
                    log(ctx, request, &activity, "Assign");
                }
                Schedule::Eligibility => {
                    ctx.put(ELIGIBLE, row);
                    let activity = "Add eligible member to role";
                    roles::log_role_as(
                        ctx,
                        &request.principal,
                        &request.definition,
                        activity,
                        true,
                    );
                    let activity =
                        format!("Add eligible member to role in PIM completed ({permanent})");
                    log(ctx, request, &activity, "Assign");
                }
            }
        }
    }
    Ok(())
}

/// The schedule instance that a granted request leaves. Enumerations are capitalised here as real answers have them.
fn instance(ctx: &Context<'_>, request: &Request, id: &str) -> Value {
    let (start, end) = (stamp(request.start), request.end.map(stamp));
    let common = json!({
        "principalId": request.principal_id(), "roleDefinitionId": request.role_id(),
        "directoryScopeId": request.scope, "appScopeId": null, "startDateTime": start, "endDateTime": end,
        "memberType": "Direct",
    });
    let mut row = match request.kind {
        Schedule::Assignment => {
            let own =
                roles::assignment_id(request.role_id(), request.principal_id(), &request.scope);
            json!({"id": own, "assignmentType": if request.own { "Activated" } else { "Assigned" },
                "roleAssignmentOriginId": own, "roleAssignmentScheduleId": id})
        }
        Schedule::Eligibility => json!({"id": new_id(), "roleEligibilityScheduleId": id}),
    };
    if request.own {
        merge(&mut row, &json!({"activatedUsing": eligible(ctx, request)}));
    }
    merge(&mut row, &common);
    row
}

fn log(ctx: &mut Context<'_>, request: &Request, activity: &str, operation: &str) {
    let targets = vec![
        Target::object("Role", &request.definition),
        roles::principal_target(&request.principal),
    ];
    let details = vec![
        ("RoleDefinitionOriginId", request.role_id().to_owned()),
        ("Justification", request.justification.clone()),
    ];
    let initiator: Initiator = ctx.initiator.clone();
    ctx.log_as(
        &initiator,
        Service::Pim,
        "RoleManagement",
        activity,
        operation,
        targets,
        details,
    );
}

fn answer(ctx: &Context<'_>, request: &Request, given: &Value, id: &str, status: &str) -> Value {
    let by = match &ctx.initiator {
        Initiator::User { id, .. } => {
            json!({"application": null, "device": null, "user": {"displayName": null, "id": id}})
        }
        Initiator::App { name, principal } => {
            json!({"application": {"displayName": name, "id": principal}, "device": null, "user": null})
        }
    };
    let kind = match (request.end, request.duration) {
        (None, _) => "noExpiration",
        (Some(_), Some(_)) => "afterDuration",
        (Some(_), None) => "afterDateTime",
    };
    let word = match (request.own, request.action.as_str()) {
        (true, action) => format!("self{}", capital(action)),
        (false, action) => format!("admin{}", capital(action)),
    };
    let approval = (status == "PendingApproval").then(|| id.to_owned());
    let answer = json!({
        "id": id, "status": status, "createdDateTime": stamp(ctx.now),
        "completedDateTime": (status != "PendingApproval").then(|| stamp(ctx.now)),
        "approvalId": approval, "customData": null, "action": word, "principalId": request.principal_id(),
        "roleDefinitionId": request.role_id(), "directoryScopeId": request.scope, "appScopeId": null,
        "isValidationOnly": is(given, "isValidationOnly"), "targetScheduleId": id,
        "justification": given.get("justification"), "createdBy": by,
        "scheduleInfo": {"startDateTime": stamp(request.start), "recurrence": null, "expiration": {
            "type": kind,
            "endDateTime": request.end.filter(|_| request.duration.is_none()).map(stamp),
            "duration": request.duration.map(|span| span.to_string()),
        }},
        "ticketInfo": given.get("ticketInfo").cloned().unwrap_or_else(|| json!({"ticketNumber": null, "ticketSystem": null})),
    });
    let list = match request.kind {
        Schedule::Assignment => "roleAssignmentScheduleRequests",
        Schedule::Eligibility => "roleEligibilityScheduleRequests",
    };
    ctx.entity(&format!("roleManagement/directory/{list}/$entity"), &answer)
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

/// A moment this much later; months and years count from the start, in UTC.
fn after(start: Timestamp, span: Span) -> Option<Timestamp> {
    let start = start.to_zoned_datetime(jiff::tz::TimeZone::UTC);
    start.checked_add(span).ok().map(|end| end.timestamp())
}

fn pim(code: &str, message: &str) -> ApiError {
    ApiError::new(400, code, message)
}

fn invalid(message: &str) -> ApiError {
    ApiError::new(400, "InvalidRequest", message)
}

fn policy_failed(rules: &[&str]) -> ApiError {
    pim(
        "RoleAssignmentRequestPolicyValidationFailed",
        &format!("The following policy rules failed: {}", json!(rules)),
    )
}
