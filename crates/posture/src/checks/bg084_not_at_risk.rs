//! A7: Microsoft does not think that the account is in somebody else's hands.

use breakglass_model::{Finding, Severity};

use crate::{Check, Context, catalogue::Seen, directory::text};

pub(super) const CHECK: Check = Check {
    id: "BG084",
    name: "not-at-risk",
    requirement: "A7",
    title: "Identity Protection sees no risk in the account",
    severity: Severity::High,
    what: "Looks for the account among the risky users of Microsoft Entra ID Protection: at risk, or confirmed as compromised.",
    rationale: "A risk on an account that nobody uses is a sign-in that nobody explained, or a password that was leaked. Unexplained, it also raises the risk that policies act on.",
    fix: "Find out what happened: Entra admin center > Protection > Identity Protection > Risky users > {subject}; treat it as misuse until it is explained, change the password, then dismiss the risk.",
    controls: &["NIST AC-2(12)", "NIST SI-4(20)", "CSF DE.CM-03"],
    references: &[
        "https://learn.microsoft.com/entra/id-protection/howto-identity-protection-remediate-unblock",
    ],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    const NAME: &str = "riskyUsers";
    let rows = context.listed(NAME);
    let unread = context.whole(NAME, "IdentityRiskyUser.Read.All").err();
    context.each_id(&CHECK, |account, id| {
        let row = rows.iter().find(|row| id.is(text(row, "id")));
        let state = row.map_or("none", |row| text(row, "riskState"));
        let risky = ["atRisk", "confirmedCompromised"]
            .iter()
            .any(|bad| bad.eq_ignore_ascii_case(state));
        let object = format!("identityProtection/riskyUsers/{id}");
        match (&unread, risky) {
            (_, true) => CHECK
                .fail(
                    &account.subject,
                    "Identity Protection sees a risk in the account",
                )
                .seen(&object, "riskState", state)
                .seen(
                    object,
                    "riskLevel",
                    row.map_or("", |row| text(row, "riskLevel")),
                ),
            (Some(missing), false) => CHECK.unread(&account.subject, missing),
            (None, false) => CHECK
                .pass(
                    &account.subject,
                    "Identity Protection sees no risk in the account",
                )
                .seen(object, "riskState", state),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::json;

    #[test]
    fn a7_an_account_at_risk_fails_until_it_is_remediated() {
        let mut world = World::modern();
        world
            .listed("riskyUsers")
            .push(json!({"id": "BG1", "riskState": "atRisk", "riskLevel": "high"}));
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
        world.listed("riskyUsers")[0]["riskState"] = json!("remediated");
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.snapshot.other.remove("riskyUsers");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, CannotTell]);
    }
}
