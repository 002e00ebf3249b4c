//! C3: a browser does not keep the session of the account.

use breakglass_conditional_access::prove::Reach;
use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::{EMERGENCY_ACCESS, Seen},
};

pub(super) const CHECK: Check = Check {
    id: "BG096",
    name: "no-persistent-browser",
    requirement: "C3",
    title: "No browser keeps the session of the account",
    severity: Severity::Low,
    what: "Looks for an enabled policy that reaches the account on every resource and sets the persistent browser session to never.",
    rationale: "Whoever answers *Stay signed in?* with yes leaves the session on the machine after the browser is closed.",
    fix: "Add a session control to the dedicated policy: Entra admin center > Protection > Conditional Access > (policy) > Session > Persistent browser session: never.",
    controls: &["CIS M365 5.2.2.4"],
    references: &[
        EMERGENCY_ACCESS,
        "https://learn.microsoft.com/entra/identity/conditional-access/concept-session-lifetime",
    ],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_proof(&CHECK, |account, proved| {
        let subject = &account.subject;
        let lockout = context.lockout;
        let mut kept = None;
        let mut unread = None;
        let reaching = proved.proof.policies.iter().filter(|own| own.reach == Reach::Can);
        for proof in reaching {
            let Some(policy) = lockout.policy(proof.policy) else { continue };
            if policy.left_out.iter().any(|path| path.starts_with("sessionControls")) {
                unread = Some(proof.policy);
                continue;
            }
            let Some(mode) = &policy.session.persistent_browser else { continue };
            if mode.eq_ignore_ascii_case("never") && policy.unconditional() {
                return CHECK
                    .pass(subject, format!("{} keeps no browser session", policy.name))
                    .seen(context.policy_object(proof.policy), "sessionControls.persistentBrowser", mode);
            }
            kept = Some((proof.policy, mode));
        }
        if let (Some(policy), None) = (unread, kept) {
            let datum = format!("{}/sessionControls", context.policy_object(policy));
            return CHECK.unknown(subject, &datum, "the policy is in the input without it", "Policy.Read.All");
        }
        match (&lockout.missing, kept) {
            (Some(missing), _) => CHECK.unread(subject, missing),
            (None, Some((policy, mode))) => CHECK
                .fail(subject, "a browser may keep the session, for always or outside the conditions of a policy")
                .seen(context.policy_object(policy), "sessionControls.persistentBrowser", mode),
            (None, None) => context.judged(CHECK.fail(subject, "no policy that reaches the account forbids a browser to keep the session")),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{Fail, Pass};
    use serde_json::json;

    #[test]
    fn c3_only_never_for_every_sign_in_passes() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.last_policy()["conditions"]["clientAppTypes"] = json!(["browser"]);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
        let mut world = World::modern();
        world.last_policy()["sessionControls"]["persistentBrowser"]["mode"] = json!("always");
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
        world.last_policy()["sessionControls"] = json!(null);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
    }
}
