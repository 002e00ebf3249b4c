//! A2: the account is cloud-only.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use breakglass_model::Finding;
use breakglass_model::Reading;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG003",
    name: "cloud-only",
    requirement: "A2",
    title: "The account is cloud-only",
    severity: Severity::Critical,
    what: "Fails an account that is synchronised from on-premises, that is a guest, or that belongs to another organisation (`#EXT#` in its name, an invitation).",
    rationale: "A synchronised account falls with the directory that it comes from, and can be changed there; so does one of another organisation. A guest falls under every policy for guests.",
    fix: "Create a cloud-only member of this tenant in its place: Entra admin center > Users > New user > Create new user, user type Member.",
    controls: &["CIS M365 1.1.2", "CIS M365 1.1.1", "SCuBA MS.AAD.7.3v1"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_user(&CHECK, |account, user| {
        let subject = &account.subject;
        let guest = user
            .user_type
            .as_ref()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("Guest"));
        let outside = user.is_external();
        let mut because = Vec::new();
        if user.synchronised == Reading::Read(true) {
            because.push("the account is synchronised from on-premises");
        }
        if outside {
            because.push("the account belongs to another organisation, which decides over its sign-in");
        } else if guest {
            because.push("the account is a guest: policies for guests reach it, and a guest's rights are limited");
        }
        if !because.is_empty() {
            let mut finding = CHECK.fail(subject, because.join("; "));
            if user.synchronised == Reading::Read(true) {
                finding = finding.seen(account.object(), "onPremisesSyncEnabled", true);
            }
            if let Some(kind) = user.user_type.as_ref().filter(|_| guest || outside) {
                finding = finding.seen(account.object(), "userType", kind);
            }
            if let Some(upn) = user.upn.as_ref().filter(|_| outside) {
                finding = finding.seen(account.object(), "userPrincipalName", upn);
            }
            return finding;
        }
        if let Reading::NotRead(why) = &user.synchronised {
            return CHECK.unknown(subject, "users/onPremisesSyncEnabled", why, "User.Read.All");
        }
        if user.user_type.is_none() && user.described_in.is_none() {
            return CHECK.unknown(
                subject,
                "users/userType",
                "the input does not tell a member from a guest",
                "User.Read.All",
            );
        }
        let finding = CHECK
            .pass(subject, "the account is a member of this tenant and not synchronised")
            .seen(account.object(), "onPremisesSyncEnabled", false);
        match (&user.user_type, &user.described_in) {
            (Some(kind), _) => finding.seen(account.object(), "userType", kind),
            (None, Some(file)) => finding.seen(account.object(), "described in", file),
            (None, None) => finding,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};

    #[test]
    fn a2_synchronised_fails() {
        let mut world = World::modern();
        world.user("bg1").synchronised = Reading::Read(true);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }

    #[test]
    fn a2_guest_fails_and_says_so() {
        let mut world = World::modern();
        world.user("bg2").user_type = Some("guest".to_owned());
        assert_eq!(world.verdicts(CHECK.id), [Pass, Fail]);
        let finding = &world.run(CHECK.id)[1];
        assert!(finding.because.contains("is a guest"), "{finding:?}");
        assert_eq!(finding.evidence[0].field, "userType");
        world.user("bg2").user_type = None;
        assert_eq!(world.verdicts(CHECK.id), [Pass, CannotTell]);
        world.user("bg2").described_in = Some("account.json".to_owned());
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
    }

    #[test]
    fn a2_account_of_another_organisation_fails_as_member_too() {
        let mut world = World::modern();
        let upn = "rescue_partner.example#ext#@contoso.onmicrosoft.com";
        world.user("bg1").upn = breakglass_model::Upn::parse(upn).ok();
        let finding = world
            .run(CHECK.id)
            .into_iter()
            .find(|finding| finding.verdict == Fail)
            .unwrap();
        assert!(
            finding.because.contains("another organisation"),
            "{finding:?}"
        );
        let values: Vec<&str> = finding.evidence.iter().map(|e| e.value.as_str()).collect();
        assert_eq!(values, ["Member", upn]);
        let mut world = World::modern();
        world.user("bg1").creation_type = Some("Invitation".to_owned());
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }
}
