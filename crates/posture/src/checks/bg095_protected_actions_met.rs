//! C1: protected actions do not stop the account from repairing policies.

use std::collections::BTreeSet;

use breakglass_conditional_access::prove::{Effect, Reach};
use breakglass_model::{Finding, Severity};
use serde_json::Value;

use crate::{
    Check, Context,
    catalogue::Seen,
    directory::{names, text},
};

pub(super) const CHECK: Check = Check {
    id: "BG095",
    name: "protected-actions-met",
    requirement: "C1",
    title: "The account can meet what protected actions ask for",
    severity: Severity::High,
    what: "Looks for actions of roles that ask for an authentication context (changing or deleting policies, named locations, …), and proves that no enabled policy on these contexts keeps the account out.",
    rationale: "The account gets in, and then cannot change the policy that locked everybody else out, because that change is protected by a context which asks for a device that the account does not have.",
    fix: "Exclude the group of the emergency access accounts from the policies named in the evidence, or let these ask for a strength that the keys meet: Entra admin center > Protection > Conditional Access.",
    controls: &["NIST CP-2"],
    references: &[
        "https://learn.microsoft.com/entra/identity/role-based-access-control/protected-actions-overview",
    ],
    run,
};

const ACTIONS: &str =
    "roleManagement/directory/resourceNamespaces/microsoft.directory/resourceActions";

fn run(context: &Context<'_>) -> Vec<Finding> {
    const NAME: &str = "resourceActions";
    let actions = context.whole(NAME, "RoleManagement.Read.Directory");
    context.each_proof(&CHECK, |account, proved| {
        let subject = &account.subject;
        let actions = match &actions {
            Ok(actions) => *actions,
            Err(missing) => return CHECK.unread(subject, missing),
        };
        let contexts: BTreeSet<&str> = actions
            .iter()
            .map(|action| text(action, "authenticationContextId"))
            .filter(|claim| !claim.is_empty())
            .collect();
        if contexts.is_empty() {
            return CHECK
                .pass(subject, "no action asks for an authentication context")
                .seen(ACTIONS, "actions read", actions.len());
        }
        let names_one = |raw: &Value| {
            let list = raw.pointer("/conditions/applications/includeAuthenticationContextClassReferences");
            contexts.iter().any(|claim| names(list, claim))
        };
        let mut unsure = false;
        for proof in proved.proof.policies.iter().filter(|own| own.reach != Reach::Never) {
            let id = context.lockout.policy(proof.policy).map_or("", |own| own.id.as_str());
            let mut all = context.snapshot.policies.iter();
            let on_context = all.any(|own| own.id.as_ref().is_some_and(|own| own.is(id)) && names_one(&own.raw));
            if !on_context {
                continue;
            }
            if matches!(proof.effect, Effect::Block | Effect::Deny) && proof.reach == Reach::Can {
                return CHECK
                    .fail(subject, "a policy on the context of a protected action keeps the account out")
                    .seen(context.policy_object(proof.policy), "reaches", context.lockout.reaches(proof));
            }
            unsure |= proof.met != breakglass_conditional_access::Truth::Yes;
        }
        if let Some(missing) = &context.lockout.missing {
            return CHECK.unread(subject, missing);
        }
        if unsure {
            return CHECK.cannot_tell(
                subject,
                "whether the account meets a policy on the context of a protected action is not known",
                "Read what `breakglass lockout prove` names as not known, then run the check again.",
            );
        }
        CHECK
            .pass(subject, "the account meets what protected actions ask for, or nobody asks")
            .seen(ACTIONS, "authenticationContextId",
                contexts.into_iter().collect::<Vec<_>>().join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::json;

    #[test]
    fn c1_a_context_that_asks_for_a_compliant_device_fails() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.listed("resourceActions").push(
            json!({"name": "microsoft.directory/conditionalAccessPolicies/delete",
            "authenticationContextId": "c1"}),
        );
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.policy(
            json!({"id": "ctx", "displayName": "Protected actions", "state": "enabled",
            "conditions": {"users": {"includeUsers": ["All"]},
                "applications": {"includeAuthenticationContextClassReferences": ["c1"]}},
            "grantControls": {"operator": "OR", "builtInControls": ["compliantDevice"]}}),
        );
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
        world.last_policy()["conditions"]["users"]["excludeGroups"] = json!(["grp"]);
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.snapshot.other.remove("resourceActions");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, CannotTell]);
    }
}
