//! A9: the membership in the group does not end, and the group does not expire.

use breakglass_model::{Finding, Reading, Severity};
use serde_json::Value;

use crate::{
    Check, Context,
    catalogue::{ROLE_GROUPS, Seen},
    directory::text,
};

pub(super) const CHECK: Check = Check {
    id: "BG080",
    name: "membership-permanent",
    requirement: "A9",
    title: "The membership in the group does not end, nor does the group",
    severity: Severity::High,
    what: "Looks at the role-assignable groups of the account: memberships with an end or by activation (Privileged Identity Management for groups), and an expiry of the group itself, which groups of Microsoft 365 have.",
    rationale: "When the membership runs out, every exclusion by the group is gone with it; when the group expires, too.",
    fix: "Entra admin center > Identity Governance > Privileged Identity Management > Groups > (group) > Assignments > {subject}: permanently assigned; for a group that expires: make a security group in its place.",
    controls: &["NIST AC-2(2)", "NIST AC-2(3)", "PCI DSS 7.2.4"],
    references: &[
        ROLE_GROUPS,
        "https://learn.microsoft.com/entra/identity/users/groups-lifecycle",
    ],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    const INSTANCES: &str = "privilegedAccessGroupAssignmentScheduleInstances";
    let rows = context.listed(INSTANCES);
    let unread = context
        .whole(INSTANCES, "PrivilegedAssignmentSchedule.Read.AzureADGroup")
        .err();
    context.each_id(&CHECK, |account, id| {
        let subject = &account.subject;
        let (groups, unknown) = context.role_groups(id);
        let mut unsure = unknown.or_else(|| unread.clone());
        for group in &groups {
            let Some(group_id) = &group.id else { continue };
            match &group.expires {
                Reading::Read(Some(end)) => {
                    return CHECK
                        .fail(subject, "the group that holds the account expires")
                        .seen(format!("groups/{group_id}"), "expirationDateTime", end);
                }
                Reading::Read(None) => {}
                Reading::NotRead(why) => {
                    unsure.get_or_insert_with(|| {
                        crate::facts::missing(
                            "groups/expirationDateTime",
                            why,
                            "GroupMember.Read.All",
                        )
                    });
                }
            }
            let ends = rows.iter().find(|row| {
                group_id.is(text(row, "groupId"))
                    && id.is(text(row, "principalId"))
                    && (row.get("endDateTime").is_some_and(Value::is_string)
                        || text(row, "assignmentType").eq_ignore_ascii_case("activated"))
            });
            if let Some(row) = ends {
                return CHECK
                    .fail(
                        subject,
                        "the membership in the group runs out, or is an activation",
                    )
                    .seen(
                        format!("{INSTANCES}/{}", text(row, "id")),
                        "endDateTime",
                        text(row, "endDateTime"),
                    );
            }
        }
        match unsure {
            Some(missing) => CHECK.unread(subject, &missing),
            None if groups.is_empty() => CHECK.not_applicable(
                subject,
                "no role-assignable group holds the account (BG026)",
            ),
            None => groups.iter().filter_map(|group| group.id.as_ref()).fold(
                CHECK
                    .pass(
                        subject,
                        "the account is in its group permanently, and the group does not expire",
                    )
                    .seen(INSTANCES, "instances read", rows.len()),
                |finding, group| {
                    finding.seen(format!("groups/{group}"), "expirationDateTime", "none")
                },
            ),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::json;

    #[test]
    fn a9_a_membership_that_ends_fails() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.listed("privilegedAccessGroupAssignmentScheduleInstances").push(
            json!({"groupId": "GRP", "principalId": "bg2", "accessId": "member", "endDateTime": "2027-01-01T00:00:00Z"}));
        assert_eq!(world.verdicts(CHECK.id), [Pass, Fail]);
    }

    #[test]
    fn a9_a_group_that_expires_fails_and_unread_instances_cannot_tell() {
        let mut world = World::modern();
        world.snapshot.groups.items[0].expires = Reading::Read(Some(crate::testing::now()));
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
        let mut world = World::modern();
        world
            .snapshot
            .other
            .remove("privilegedAccessGroupAssignmentScheduleInstances");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, CannotTell]);
    }
}
