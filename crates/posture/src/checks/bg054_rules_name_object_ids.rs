//! W2: alert rules match the accounts by object id.

use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::{EMERGENCY_ACCESS, Seen},
    monitoring::{Names, PROVE},
};

pub(super) const CHECK: Check = Check {
    id: "BG054",
    name: "rules-name-object-ids",
    requirement: "W2",
    title: "An alert rule names the account by its object id",
    severity: Severity::High,
    what: "Looks for the account's object id in the queries of enabled rules of Azure Monitor and Microsoft Sentinel, comments left out.",
    rationale: "A user principal name and a display name can be changed by whoever has taken the account, and the rule falls silent. The object id stays.",
    fix: "Write the account's object id into the rule's query: Azure portal > Monitor > Alerts > Alert rules > the rule > Edit > Condition: `| where UserId in~ (\"<object id of {subject}>\", …)`.",
    controls: &[
        "MCSB PA-5",
        "NIST SP 800-53 r5 SI-4(20)",
        "CIS M365 7.0.0 2.2.1",
    ],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let watch = context.watch();
    context.each_id(&CHECK, |account, id| {
        let subject = &account.subject;
        let naming = || watch.rules().filter(|rule| rule.query.names(id.as_str()));
        if let Some(rule) = naming().find(|rule| !rule.query.excludes()) {
            return CHECK
                .pass(subject, "an enabled rule names the object id")
                .seen(rule.object, "query", id);
        }
        if let Some(rule) = naming().next() {
            return CHECK
                .cannot_tell(
                    subject,
                    format!("rule `{}` names the object id in a query that also excludes something: perhaps the account", rule.name),
                    PROVE,
                )
                .seen(rule.object, "query", id);
        }
        if let Some(missing) = watch.missing() {
            return CHECK.unread(subject, missing);
        }
        if context.monitor().is_some() {
            return CHECK.not_applicable(subject, "our own monitor matches the object id and needs no alert rule (W11, BG065)");
        }
        let hidden = watch.rules().find_map(|rule| Some((rule, rule.query.hides()?)));
        if let Some((rule, what)) = hidden {
            return CHECK.cannot_tell(
                subject,
                format!("no enabled rule names the object id; `{}` may, through {what}", rule.name),
                "Write the object ids into the query, or look the list up that it uses, and prove the rule in a drill.",
            );
        }
        match watch.rules().find(|rule| rule.names == Names::Name) {
            Some(rule) => CHECK
                .fail(subject, "enabled rules know the account only by a name, which can be changed")
                .seen(rule.object, "query", rule.name),
            None => CHECK
                .fail(subject, "no enabled rule names the account")
                .seen("scheduledQueryRules", "enabled rules read", watch.rules().count()),
        }
    })
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{CannotTell, Fail, NotApplicable, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::World;

    fn one_rule(query: &str) -> World {
        let mut world = World::modern();
        world.other("scheduledQueryRules").truncate(1);
        world.query(0, query);
        world
    }

    #[test]
    fn w2_by_object_id_passes_and_by_name_fails() {
        assert_eq!(World::modern().verdicts(CHECK.id), [Pass, Pass]);
        let world = one_rule("SigninLogs | where UserPrincipalName startswith 'breakglass'");
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
        assert!(world.run(CHECK.id)[0].because.contains("only by a name"));
        assert_eq!(
            one_rule("SigninLogs | where UserId == 'bg2'").verdicts(CHECK.id),
            [Fail, Pass]
        );
    }

    #[test]
    fn w2_in_a_comment_is_not_in_the_query() {
        let world = one_rule("SigninLogs // 'bg1' 'bg2'\n| where UserId == 'x'");
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
    }

    #[test]
    fn w2_excluded_or_hidden_cannot_tell() {
        for query in [
            "SigninLogs | where UserId !in ('bg1', 'bg2')",
            "SigninLogs | where UserId in (_GetWatchlist('x'))",
        ] {
            assert_eq!(
                one_rule(query).verdicts(CHECK.id),
                [CannotTell, CannotTell],
                "{query}"
            );
        }
    }

    #[test]
    fn w2_disabled_rule_does_not_count_and_w11_stands_in() {
        let mut world = World::modern();
        for place in 0..3 {
            world.properties("scheduledQueryRules", place)["enabled"] = json!(false);
        }
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
        world.monitored();
        assert_eq!(world.verdicts(CHECK.id), [NotApplicable, NotApplicable]);
        world.snapshot.other.remove("alertRules");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, CannotTell]);
    }
}
