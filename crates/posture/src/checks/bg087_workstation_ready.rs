//! A8: the designated workstations exist and are sound.

use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::{EMERGENCY_ACCESS, Seen},
    context::ok_or_return,
};

pub(super) const CHECK: Check = Check {
    id: "BG087",
    name: "workstation-ready",
    requirement: "A8",
    title: "The designated workstations exist and are compliant",
    severity: Severity::Medium,
    what: "Looks up every workstation of the register among the registered devices that were read; one that is disabled or not compliant fails. No workstation in the register fails, too.",
    rationale: "A secure workstation that was retired last year is not there at three in the night, and an ordinary PC is used in its place.",
    fix: "Intune admin center > Devices > {subject}: repair or replace it; then correct [[workstation]] in register.toml.",
    controls: &["NIST AC-6(9)", "ISM 1612", "NIST CP-2"],
    references: &[
        EMERGENCY_ACCESS,
        "https://learn.microsoft.com/security/privileged-access-workstations/privileged-access-devices",
    ],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let register = ok_or_return!(context.needs_register(&CHECK));
    if register.workstations.is_empty() {
        return vec![
            CHECK
                .fail("register", "the register names no secure workstation")
                .mended_by("List the secure workstations: in register.toml, add a [[workstation]] with its device_id (Entra admin center > Devices > All devices > the workstation > Device ID).")
                .seen("register/workstation", "device_id", "none"),
        ];
    }
    register
        .workstations
        .iter()
        .map(|own| {
            let name = own.name.as_deref().unwrap_or(&own.device_id);
            let mut devices = context
                .snapshot
                .users
                .iter()
                .filter_map(|user| user.devices.get())
                .flatten();
            let device = devices.find(|device| {
                device
                    .device_id
                    .as_deref()
                    .is_some_and(|id| id.eq_ignore_ascii_case(&own.device_id))
            });
            let Some(device) = device else {
                return CHECK.unknown(
                    name,
                    "the device",
                    "it is not among the registered devices of the accounts and administrators that were read",
                    "Device.Read.All",
                );
            };
            let object = format!("devices/{}", own.device_id);
            if device.account_enabled == Some(false) {
                return CHECK
                    .fail(name, "the workstation is disabled")
                    .seen(object, "accountEnabled", false);
            }
            if device.account_enabled.is_none() {
                return CHECK.unknown(name, "devices/accountEnabled", "the input does not tell it", "Device.Read.All");
            }
            match device.is_compliant {
                Some(true) => CHECK
                    .pass(name, "the workstation is there, enabled and compliant")
                    .seen(object, "isCompliant", true),
                Some(false) => CHECK
                    .fail(name, "the workstation is not compliant")
                    .seen(object, "isCompliant", false),
                None => CHECK.unknown(name, "devices/isCompliant", "the input does not tell it", "Device.Read.All"),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};

    #[test]
    fn a8_a_workstation_that_is_not_compliant_fails() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
        if let Reading::Read(devices) = &mut world.user("adm1").devices {
            devices[0].is_compliant = Some(false);
        }
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
        world.user("adm1").devices = Reading::Read(Vec::new());
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
        world.register.workstations.clear();
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
        assert_eq!(world.verdicts_unregistered(CHECK.id), [CannotTell]);
    }
}
