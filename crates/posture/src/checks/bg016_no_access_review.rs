//! A9: no access review can remove the account.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use breakglass_model::Finding;
use breakglass_model::ObjectId;
use breakglass_model::Reading;
use breakglass_model::Severity;
use breakglass_model::tenant::GLOBAL_ADMINISTRATOR;
use serde_json::Value;

pub(super) const CHECK: Check = Check {
    id: "BG016",
    name: "no-access-review",
    requirement: "A9",
    title: "No access review can remove the account",
    severity: Severity::High,
    what: "Reads the scope of every access review that has not ended; one that covers the account, its group or its role fails.",
    rationale: "A reviewer who sees an account without sign-ins removes it, and some reviews do it unattended.",
    fix: "Entra admin center > Identity Governance > Access reviews: exclude {subject} from the scope, or end the review.",
    controls: &["NIST AC-2(3)", "PCI DSS 7.2.4"],
    references: &[EMERGENCY_ACCESS],
    run,
};

/// Whether a review reaches the account; `None`: its scope is not understood.
fn covers(context: &Context<'_>, id: &ObjectId, query: &str) -> Option<bool> {
    let query = query.to_lowercase();
    if query.contains(&id.folded()) {
        return Some(true);
    }
    if let Some((_, rest)) = query.split_once("groups/") {
        let group = rest.split(['/', '?']).next().unwrap_or_default();
        return match context.snapshot.groups_of(id) {
            Reading::Read(groups) => Some(groups.iter().any(|g| g.is(group))),
            Reading::NotRead(_) => None,
        };
    }
    if query.contains("usertype eq 'guest'") {
        let user_type = context.snapshot.user(id)?.user_type.as_deref()?;
        return Some(user_type.eq_ignore_ascii_case("guest"));
    }
    if query.contains("serviceprincipals/")
        || query.contains("applications/")
        || query.contains("entitlementmanagement")
    {
        return Some(false);
    }
    if query.contains("rolemanagement") && query.contains(GLOBAL_ADMINISTRATOR) {
        return Some(true);
    }
    let path = query.split('?').next().unwrap_or_default();
    path.ends_with("/users").then_some(true)
}

/// Every `query` of a review's scopes.
fn queries<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value.as_str() {
                    Some(query) if key == "query" => found.push(query),
                    _ => queries(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| queries(item, found)),
        _ => {}
    }
}

/// Whether a review reaches the account, and the queries that say so.
///
/// A scope of principals and resources reaches who is in one and has access to the other; any other
/// scope reaches everybody whom one of its queries names.
fn judge<'a>(
    context: &Context<'_>,
    id: &ObjectId,
    review: &'a Value,
) -> (Option<bool>, Vec<&'a str>) {
    let any = |parts: &[&'a Value]| {
        let mut found = Vec::new();
        for part in parts {
            queries(part, &mut found);
        }
        let answers: Vec<_> = found.iter().map(|q| covers(context, id, q)).collect();
        let answer = if answers.contains(&Some(true)) {
            Some(true)
        } else if answers.is_empty() || answers.contains(&None) {
            None
        } else {
            Some(false)
        };
        (answer, found)
    };
    let scope = &review["scope"];
    if scope["resourceScopes"].is_array() && scope["principalScopes"].is_array() {
        let (principal, mut found) = any(&[&scope["principalScopes"]]);
        let (resource, resources) = any(&[&scope["resourceScopes"]]);
        found.extend(resources);
        let answer = match (principal, resource) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        };
        return (answer, found);
    }
    any(&[scope, &review["instanceEnumerationScope"]])
}

fn run(context: &Context<'_>) -> Vec<Finding> {
    let reviews = &context.snapshot.access_reviews;
    context.each_id(&CHECK, |account, id| {
        let mut unclear = None;
        for review in reviews.iter().filter(|r| r["status"] != "Completed") {
            let name = review["displayName"]
                .as_str()
                .or(review["id"].as_str())
                .unwrap_or("without a name");
            let (answer, found) = judge(context, id, review);
            if answer == Some(true) {
                return CHECK
                    .fail(
                        &account.subject,
                        format!("the access review `{name}` covers the account"),
                    )
                    .seen(format!("accessReviews/{name}"), "scope", found.join("; "));
            }
            if answer.is_none() {
                unclear = Some(name);
            }
        }
        match (&reviews.missing, unclear) {
            (Some(missing), _) => CHECK.unread(&account.subject, missing),
            (None, Some(name)) => CHECK.unknown(
                &account.subject,
                "the scope of an access review",
                &format!(
                    "the scope of `{name}` is not understood or names a group that was not read"
                ),
                "GroupMember.Read.All",
            ),
            (None, None) => CHECK
                .pass(&account.subject, "no access review covers the account")
                .seen(
                    "identityGovernance/accessReviews/definitions",
                    "reviews read",
                    reviews.items.len(),
                ),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};

    #[test]
    fn a9_review_of_its_group_fails() {
        let mut world = World::modern();
        world.snapshot.access_reviews.items.push(serde_json::json!({"displayName": "R", "scope": {"query": "/groups/GRP/transitiveMembers"}}));
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
    }

    #[test]
    fn a9_review_of_guests_passes() {
        let mut world = World::modern();
        world.snapshot.access_reviews.items.push(
            serde_json::json!({"scope": {"query": "/v1.0/users?$filter=userType eq 'Guest'"}}),
        );
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
    }

    #[test]
    fn a9_review_of_users_of_an_application_passes_and_of_the_role_fails() {
        let mut world = World::modern();
        let of = |resource: &str| {
            serde_json::json!({"scope": {
                "principalScopes": [{"query": "/v1.0/users"}],
                "resourceScopes": [{"query": resource}],
            }})
        };
        world.snapshot.access_reviews.items = vec![of("/servicePrincipals/app")];
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        let role = breakglass_model::tenant::GLOBAL_ADMINISTRATOR;
        let query = format!("/beta/roleManagement/directory/roleDefinitions/{role}");
        world.snapshot.access_reviews.items = vec![of(&query)];
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
    }

    #[test]
    fn a9_unclear_scope_cannot_tell() {
        let mut world = World::modern();
        world
            .snapshot
            .access_reviews
            .items
            .push(serde_json::json!({"scope": {}}));
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, CannotTell]);
    }
}
