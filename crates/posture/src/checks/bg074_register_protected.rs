//! R2: the register is protected as privileged information.

use breakglass_model::{Finding, Severity, register::Protection};

use crate::{
    Check, Context,
    catalogue::{EMERGENCY_ACCESS, Seen},
    context::ok_or_return,
};

pub(super) const CHECK: Check = Check {
    id: "BG074",
    name: "register-protected",
    requirement: "R2",
    title: "The register is protected as privileged information",
    severity: Severity::Medium,
    what: "Tells whether the sealed part of the register (places, envelopes, who opens what) was decrypted for reading, or lies in clear. Whether a file in clear is kept from others cannot be seen from here.",
    rationale: "The register tells a thief which safe to open. Where keys and PINs lie is as privileged as the role itself.",
    fix: "Move the sealed part into a file of its own and encrypt it to its readers: `age -r <recipient> -o register-sealed.toml.age register-sealed.toml`. Then `breakglass check --only BG074 --register register.toml --sealed register-sealed.toml.age`.",
    controls: &[
        "NIST PE-3",
        "NIST IA-5",
        "ISO 27001 5.15-5.18",
        "NIS2 11.2.2",
    ],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let (register, _) = ok_or_return!(context.needs_sealed(&CHECK));
    let open = |how: &str| {
        CHECK
            .cannot_tell(
                "register",
                format!(
                    "the sealed part lies in clear, {how}: whether others can read it is not known"
                ),
                CHECK.fix,
            )
            .seen("register/sealed", "protection", "none")
    };
    vec![match register.protection {
        Some(Protection::Encrypted) => CHECK
            .pass("register", "the sealed part is encrypted to its readers")
            .seen("register/sealed", "protection", "encrypted"),
        Some(Protection::OwnFile) => open("in a file of its own"),
        Some(Protection::SameFile) | None => open("in the same file as the rest"),
    }]
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{CannotTell, Pass};
    use breakglass_model::register::Protection;

    #[test]
    fn r2_a_sealed_part_in_clear_cannot_tell() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
        world.register.protection = Some(Protection::OwnFile);
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
        assert_eq!(world.verdicts_unregistered(CHECK.id), [CannotTell]);
    }
}
