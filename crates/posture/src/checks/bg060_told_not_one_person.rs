//! W6: not one person is told, but a mailbox that is always watched.

use breakglass_model::{Finding, Reading, Severity, Verdict, tenant::User};

use crate::{
    Check, Context,
    catalogue::Seen,
    monitoring::{ACTION_GROUPS, Channel, Rule, Told},
};

pub(super) const CHECK: Check = Check {
    id: "BG060",
    name: "told-not-one-person",
    requirement: "W6",
    title: "More than one person is told",
    severity: Severity::High,
    what: "Reads who receives the alert of every enabled alert rule about the accounts. One address only that is an enabled user's own fails; two addresses or numbers, or one that is nobody's own, pass.",
    rationale: "A person sleeps, is on leave, leaves. Whether a shared mailbox is read at 03:00 no program can see: ask, and test it in a drill.",
    fix: "Send to a shared mailbox that is always monitored, and to the phone of whoever is on call: Azure portal > Monitor > Alerts > Action groups > the group > Notifications.",
    controls: &["NIST SP 800-53 r5 SI-4(5)", "DORA 2022/2554 10(1)"],
    references: &[ACTION_GROUPS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_rule(&CHECK, |rule| judge(context, rule))
}

/// Whether an address is a user's own.
fn is_of(user: &User, address: &str) -> bool {
    let mail = user.personal.get().into_iter().flatten();
    user.upn.as_ref().is_some_and(|upn| upn.is(address))
        || mail
            .into_iter()
            .any(|(field, value)| field == "mail" && value.eq_ignore_ascii_case(address))
}

/// Judged over those who surely receive too: whoever perhaps does not may be the second person.
fn judge(context: &Context<'_>, rule: &Rule<'_>) -> Finding {
    let told = context.told(rule);
    let finding = of(context, rule, &told);
    let mut sure = told.clone();
    sure.receivers
        .retain(|receiver| receiver.works == Some(true));
    if finding.verdict == Verdict::Pass && of(context, rule, &sure).verdict != Verdict::Pass {
        let unsure = told.unsure(&CHECK, rule.name);
        return Finding {
            evidence: finding.evidence,
            ..unsure
        };
    }
    finding
}

fn of(context: &Context<'_>, rule: &Rule<'_>, told: &Told<'_>) -> Finding {
    let mut reached: Vec<(Channel, &str)> = told
        .receivers
        .iter()
        .map(|receiver| (receiver.channel, receiver.address.as_str()))
        .collect();
    reached.sort_unstable();
    reached.dedup();
    let finding = match reached.as_slice() {
        [(Channel::Mail, one)] => one_mailbox(context, rule, one),
        [(Channel::Phone, _)] => CHECK.fail(rule.name, "one phone is told, and nobody else"),
        [_] => CHECK.cannot_tell(
            rule.name,
            "one service is told; whom it tells is not in the input",
            "Look into the service who is called, and that it is more than one person.",
        ),
        [] => match &told.missing {
            Some(missing) => CHECK.unread(rule.name, missing),
            None => CHECK
                .fail(rule.name, "nobody is told")
                .seen(rule.object, "actions/actionGroups", rule.action_groups().len()),
        },
        many if many.iter().all(|(channel, _)| *channel == Channel::Mail) => {
            let people = many.iter().filter(|(_, a)| context.snapshot.users.iter().any(|u| is_of(u, a))).count();
            CHECK
                .pass(rule.name, "several mailboxes are told")
                .seen("users", "mailboxes of one person each", people)
        }
        _ => CHECK.pass(
            rule.name,
            "more than one address or number is told; that several people watch them is for you to know",
        ),
    };
    // The action group that could not be read may tell more people, never fewer.
    reached.iter().fold(finding, |finding, (channel, address)| {
        finding.seen(rule.object, "receiver", format!("{channel:?} {address}"))
    })
}

fn one_mailbox(context: &Context<'_>, rule: &Rule<'_>, address: &str) -> Finding {
    let users = &context.snapshot.users;
    let domain = address.rsplit('@').next().unwrap_or_default();
    let owner = users.iter().find(|user| is_of(user, address));
    if let Some(user) = owner {
        return match user.account_enabled {
            // Exchange switches the user of a shared mailbox off.
            Reading::Read(false) => CHECK.pass(
                rule.name,
                "one shared mailbox is told; that it is always watched is for you to know",
            ),
            _ => CHECK
                .fail(rule.name, "one person's mailbox is told, and nobody else")
                .seen("users", "mail", address),
        };
    }
    let domains = &context.snapshot.domains;
    let ours = domains
        .iter()
        .any(|own| own.name.eq_ignore_ascii_case(domain));
    let unread = users.missing.as_ref().or(domains.missing.as_ref());
    if let Some(missing) = unread {
        return CHECK.unread(rule.name, missing);
    }
    if ours && users.iter().any(|user| user.upn.is_none()) {
        return CHECK.cannot_tell(
            rule.name,
            "one mailbox is told; names of users are not in the input, so whether it is one person's is not known",
            "Collect with `--with-names`, or send to a second address too.",
        );
    }
    CHECK.pass(
        rule.name,
        "one mailbox is told, which is no user's own; that it is always watched is for you to know",
    )
}

#[cfg(test)]
mod tests {
    use breakglass_model::{
        Reading,
        Verdict::{CannotTell, Fail, Pass},
    };
    use serde_json::json;

    use super::CHECK;
    use crate::testing::World;

    fn told(address: &str) -> World {
        let mut world = World::modern();
        world.properties("actionGroups", 0)["smsReceivers"] = json!([]);
        world.properties("actionGroups", 0)["emailReceivers"][0]["emailAddress"] = json!(address);
        world
    }

    #[test]
    fn w6_one_person_is_not_enough() {
        assert_eq!(World::modern().verdicts(CHECK.id), [Pass; 3]);
        let mut world = told("ADM1@contoso.com");
        assert_eq!(world.verdicts(CHECK.id), [Fail; 3]);
        world.user("adm1").account_enabled = Reading::Read(false);
        assert_eq!(world.verdicts(CHECK.id), [Pass; 3]);
    }

    #[test]
    fn w6_unnamed_users_cannot_tell() {
        let mut world = told("soc@contoso.com");
        assert_eq!(world.verdicts(CHECK.id), [Pass; 3]);
        world.user("adm1").upn = None;
        assert_eq!(world.verdicts(CHECK.id), [CannotTell; 3]);
        world.properties("actionGroups", 0)["emailReceivers"] = json!([]);
        assert_eq!(world.verdicts(CHECK.id), [Fail; 3]);
    }
}
