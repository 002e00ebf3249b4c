//! A8: the accounts are used only from designated workstations.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use crate::context::ok_or_return;
use breakglass_model::Finding;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG015",
    name: "designated-workstation",
    requirement: "A8",
    title: "The accounts are used only from designated workstations",
    severity: Severity::Medium,
    what: "Compares the device of every use in the store with the workstations of the register.",
    rationale: "On an ordinary PC the session of a Global Administrator can be stolen.",
    fix: "List the secure workstations: in register.toml, add a [[workstation]] with its device_id (Entra admin center > Devices > All devices > the workstation > Device ID). Then `breakglass check --only BG015 --register register.toml`.",
    controls: &["NIST AC-6(9)", "ISM 1612"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let register = ok_or_return!(context.needs_register(&CHECK));
    if register.workstations.is_empty() {
        return vec![
            CHECK
                .fail("register", "no secure workstation is designated")
                .seen("register/workstation", "device_id", "none"),
        ];
    }
    context.each_user(&CHECK, |account, _| {
        if !context.history.from_store {
            return CHECK.cannot_tell(
                &account.subject,
                "the uses of the account could not be read: there is no store",
                "Run `breakglass watch` with a store, and give the same store with --data-dir or --config.",
            );
        }
        let designated = |device: &str| {
            register
                .workstations
                .iter()
                .any(|w| w.device_id.eq_ignore_ascii_case(device))
        };
        let strange = context.history.uses.iter().find(|u| {
            Some(&u.account) == account.id.as_ref()
                && !u.device_id.as_deref().is_some_and(designated)
        });
        match strange {
            Some(u) => CHECK
                .fail(
                    &account.subject,
                    "a use came from a device that is not designated",
                )
                .seen(
                    account.object(),
                    "deviceId",
                    u.device_id.as_deref().unwrap_or("none"),
                ),
            None => CHECK.pass(&account.subject, "no use came from another device").seen(
                account.object(),
                "uses read",
                context.history.uses.iter().filter(|u| Some(&u.account) == account.id.as_ref()).count(),
            ),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::{World, oid};
    use breakglass_model::Verdict::{Fail, Pass};

    #[test]
    fn a8_other_device_fails() {
        let mut world = World::modern();
        world.history.uses.push(breakglass_model::UseRecord {
            account: oid("bg1"),
            at: crate::testing::now(),
            device_id: None,
            incident: None,
            explained: true,
        });
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }

    #[test]
    fn a8_none_designated_fails() {
        let mut world = World::modern();
        world.register.workstations.clear();
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }
}
