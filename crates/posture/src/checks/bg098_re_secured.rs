//! P6: after real use, and when somebody left, the accounts were secured again.

use breakglass_model::{Finding, Severity, UseRecord};
use jiff::civil::Date;

use crate::{
    Check, Context,
    catalogue::{EMERGENCY_ACCESS, Seen},
    context::ok_or_return,
    facts::{day_of, key_places},
};

pub(super) const CHECK: Check = Check {
    id: "BG098",
    name: "re-secured",
    requirement: "P6",
    title: "Combinations and credentials were changed after real use and after people left",
    severity: Severity::High,
    what: "Compares, for every place with keys, the day of the last change of its combination with the last real use (one that belongs to no drill) and the last day on which a person lost the authorisation; and for every account that was really used, the last change of its password.",
    rationale: "Who left still knows the combination. What was used in an emergency was seen by people, machines and cameras.",
    fix: "Change what {subject} names: the combination of the place (then `combination_changed` in register.toml), the PINs (`breakglass key pin`) and seals, and the password of an account after real use (Entra admin center > Users > the account > Reset password); then drill.",
    controls: &[
        "NIST PS-4",
        "NIST PS-5",
        "ISM 1614",
        "ISM 1615",
        "NIST IA-5",
    ],
    references: &[EMERGENCY_ACCESS],
    run,
};

/// Uses that belong to no drill.
fn real<'a>(context: &Context<'a>) -> impl Iterator<Item = &'a UseRecord> {
    let context = *context;
    context.history.uses.iter().filter(move |own| {
        let day = day_of(own.at);
        context.is_account(&own.account)
            && !context.accounts.iter().any(|account| {
                account.id.as_ref() == Some(&own.account)
                    && context
                        .drills(account)
                        .iter()
                        .any(|(on, _)| context.days_apart(*on, day) <= 1)
            })
    })
}

fn run(context: &Context<'_>) -> Vec<Finding> {
    let (register, sealed) = ok_or_return!(context.needs_sealed(&CHECK));
    let last_use = real(context).map(|own| day_of(own.at)).max();
    let left = register
        .people
        .iter()
        .filter_map(|own| own.authorised_until)
        .filter(|until| *until < context.today())
        .max();
    let last: Option<Date> = last_use.max(left);
    let mut findings: Vec<Finding> = Vec::new();
    for id in key_places(&register.accounts, sealed) {
        let place = sealed.places.iter().find(|own| own.id == id);
        let changed = place.and_then(|own| own.combination_changed);
        let path = format!("register/sealed/place/{id}");
        findings.push(match (last, changed) {
            (Some(last), Some(changed)) if changed >= last => CHECK
                .pass(id, "the combination was changed after the last real use and after the last person left")
                .seen(path, "combination_changed", changed),
            (Some(last), changed) => CHECK
                .fail(id, format!("the combination was not changed since {last}, when an account was really used or somebody left"))
                .seen(path, "combination_changed", changed.map_or_else(|| "never".to_owned(), |on| on.to_string())),
            (None, _) if !context.history.from_store => CHECK.cannot_tell(
                id,
                "nobody left; whether an account was really used is not known without a store",
                "Run `breakglass watch` with a store.",
            ),
            (None, _) => CHECK
                .pass(id, "no account was really used and nobody left")
                .seen("store", "real uses", 0),
        });
    }
    for account in context.accounts {
        let last = real(context)
            .filter(|own| Some(&own.account) == account.id.as_ref())
            .map(|own| own.at)
            .max();
        let (Some(last), Some(user)) = (last, account.user) else {
            continue;
        };
        let subject = &account.subject;
        let finding = match user.password.changed.get() {
            None => CHECK.unknown(
                subject,
                "users/lastPasswordChangeDateTime",
                "the input does not tell it",
                "User.Read.All",
            ),
            Some(Some(changed)) if *changed >= last => {
                CHECK.pass(subject, "the password was changed after the last real use")
            }
            Some(_) => CHECK.fail(
                subject,
                "the password was not changed after the last real use",
            ),
        };
        findings.push(finding.seen(account.object(), "use", last));
    }
    if findings.is_empty() {
        findings.push(CHECK.cannot_tell(
            "register",
            "the register names no place where a key lies",
            "Add `place` to every key in the register.",
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::{World, seen_use};
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use jiff::civil::date;

    #[test]
    fn p6_a_combination_that_a_leaver_knows_fails() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.register.people[1].authorised_until = Some(date(2026, 8, 31));
        world.sealed().places[0].combination_changed = Some(date(2026, 9, 1));
        let mut verdicts = world.verdicts(CHECK.id);
        verdicts.sort();
        assert_eq!(verdicts, [Pass, Fail]);
    }

    #[test]
    fn p6_real_use_asks_for_a_new_password() {
        let mut world = World::modern();
        world
            .history
            .uses
            .push(seen_use("bg1", "2026-09-20T09:00:00Z"));
        for place in &mut world.sealed().places {
            place.combination_changed = Some(date(2026, 9, 21));
        }
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass, Fail]);
    }

    #[test]
    fn p6_without_store_nothing_passes() {
        let mut world = World::modern();
        world.history = breakglass_model::History::default();
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, CannotTell]);
    }
}
