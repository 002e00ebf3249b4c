//! C3: sessions of the accounts are short-lived.

use breakglass_conditional_access::{policy::Frequency, prove::Reach};
use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::{EMERGENCY_ACCESS, Seen},
};

pub(super) const CHECK: Check = Check {
    id: "BG044",
    name: "short-sessions",
    requirement: "C3",
    title: "Sessions of the account are short-lived",
    severity: Severity::Medium,
    what: "Looks for an enabled policy that reaches the account on every resource and sets a sign-in frequency of at most 12 hours.",
    rationale: "Without a sign-in frequency a session lives up to 90 days. Whoever picks up a machine on which the account was used once holds the tenant for that long.",
    fix: "Entra admin center > Protection > Conditional Access > (the dedicated policy) > Session: sign-in frequency, a few hours or every time, and persistent browser session `Never`; `breakglass plan` plans it.",
    controls: &["CIS M365 5.2.2.4"],
    references: &[EMERGENCY_ACCESS],
    run,
};

/// No source gives a number for these accounts; half a day covers one emergency.
const LIMIT_HOURS: u64 = 12;

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_proof(&CHECK, |account, proved| {
        let lockout = context.lockout;
        let mut longest = None;
        for proof in proved.proof.policies.iter().filter(|p| p.reach == Reach::Can) {
            let Some(policy) = lockout.policy(proof.policy) else { continue };
            if policy.left_out.iter().any(|path| path.starts_with("sessionControls")) {
                continue;
            }
            let Some(frequency) = policy.session.frequency else { continue };
            let short = match frequency {
                Frequency::EveryTime => true,
                Frequency::Hours(hours) => hours <= LIMIT_HOURS,
                Frequency::Unclear => false,
            };
            let object = context.policy_object(proof.policy);
            if short && policy.unconditional() {
                return CHECK
                    .pass(&account.subject, format!("{} asks again: {frequency}", policy.name))
                    .seen(object, "sessionControls.signInFrequency", frequency);
            }
            longest = Some((object, frequency, short));
        }
        // A policy whose session controls were not read may be the one.
        let unread = longest.is_none().then(|| {
            let mut all = proved.proof.policies.iter().filter(|p| p.reach == Reach::Can);
            all.find(|p| lockout.policy(p.policy).is_some_and(|own| own.left_out.iter().any(|path| path.starts_with("sessionControls"))))
        });
        if let Some(proof) = unread.flatten() {
            let datum = format!("{}/sessionControls", context.policy_object(proof.policy));
            return CHECK.unknown(&account.subject, &datum, "the policy is in the input without it", "Policy.Read.All");
        }
        if let Some(missing) = &lockout.missing {
            return CHECK.unread(&account.subject, missing);
        }
        match longest {
            Some((object, frequency, true)) => CHECK
                .fail(
                    &account.subject,
                    "the policy that shortens the sessions holds under conditions only, so that other sign-ins last up to 90 days",
                )
                .seen(object, "sessionControls.signInFrequency", frequency),
            Some((object, frequency, false)) => CHECK
                .fail(
                    &account.subject,
                    format!("sessions last longer than {LIMIT_HOURS} hours"),
                )
                .seen(object, "sessionControls.signInFrequency", frequency),
            None => context.judged(CHECK.fail(
                &account.subject,
                "no policy that reaches the account sets a sign-in frequency: a session lasts up to 90 days",
            )),
        }
    })
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{Fail, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::World;

    #[test]
    fn c3_a_dedicated_policy_without_frequency_fails() {
        let mut world = World::without_policies();
        world.dedicated(&json!({"id": "00000000-0000-0000-0000-000000000004"}));
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
        for (value, unit, verdict) in [(1, "hours", Pass), (12, "hours", Pass), (1, "days", Fail)] {
            world.last_policy()["sessionControls"] =
                json!({"signInFrequency": {"isEnabled": true, "value": value, "type": unit}});
            assert_eq!(
                world.verdicts(CHECK.id),
                [verdict, verdict],
                "{value} {unit}"
            );
        }
    }

    #[test]
    fn c3_a_frequency_for_risky_sign_ins_only_does_not_count() {
        let mut world = World::without_policies();
        world.dedicated(&json!({"id": "00000000-0000-0000-0000-000000000004"}));
        world.last_policy()["sessionControls"] =
            json!({"signInFrequency": {"isEnabled": true, "frequencyInterval": "everyTime"}});
        world.last_policy()["conditions"]["signInRiskLevels"] = json!(["high"]);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
    }
}
