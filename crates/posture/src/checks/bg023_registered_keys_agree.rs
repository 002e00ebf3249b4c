//! K3: the register lists the keys that are registered.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use crate::facts::fido2;
use breakglass_model::Finding;
use breakglass_model::Reading;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG023",
    name: "registered-keys-agree",
    requirement: "K3",
    title: "The register lists the keys that are registered",
    severity: Severity::Medium,
    what: "Compares the AAGUIDs in the register with those of the registered passkeys.",
    rationale: "A key that nobody wrote down is a key that somebody else may hold.",
    fix: "Compare the keys in the safe with Entra admin center > Users > {subject} > Authentication methods, then correct the register.",
    controls: &["NIST IA-5", "CIS Controls 5.1"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_user(&CHECK, |account, user| {
        let subject = &account.subject;
        let Some(entry) = account.entry else {
            return CHECK.cannot_tell(subject, "the keys that should be there are not known: the register has no entry for the account", "Add the account and its keys to the register.");
        };
        let methods = match &user.methods {
            Reading::Read(methods) => methods,
            Reading::NotRead(why) => return CHECK.unknown(subject, "users/authentication/methods", why, "UserAuthenticationMethod.Read.All"),
        };
        let list = |found: Vec<Option<&str>>| -> Option<Vec<String>> {
            let mut all = found.into_iter().map(|a| a.map(str::to_lowercase)).collect::<Option<Vec<_>>>()?;
            all.sort();
            Some(all)
        };
        let ours = list(entry.keys.iter().map(|k| k.aaguid.as_deref()).collect());
        let theirs = list(fido2(methods).iter().map(|m| m.aaguid.as_deref()).collect());
        let (Some(ours), Some(theirs)) = (ours, theirs) else {
            return CHECK.unknown(subject, "the AAGUID of every key", "the register or the input lacks one", "");
        };
        let finding = if ours == theirs {
            CHECK.pass(subject, "the register lists the registered keys")
        } else {
            CHECK.fail(subject, "the register and the registered keys differ")
        };
        finding.seen(account.entry_path(), "aaguid", ours.join(", ")).seen(account.object(), "aaGuid", theirs.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::{FEITIAN, World, YUBICO, key};
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{Fail, Pass};

    #[test]
    fn k3_strange_key_fails() {
        let mut world = World::modern();
        world.user("bg1").methods = Reading::Read(vec![key(YUBICO), key(FEITIAN)]);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }
}
