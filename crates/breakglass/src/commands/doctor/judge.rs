//! What the facts mean. Pure: the gathering is done elsewhere.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::Serialize;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Finding {
    /// `configuration`, `tenant`, `permissions`, `clock`, `disk`, `channels`, `independence`.
    pub area: &'static str,
    /// What was looked at.
    pub subject: String,
    /// How it is.
    pub verdict: Verdict,
    /// The fact, as a clause.
    pub because: String,
    /// What to do.
    pub fix: Option<String>,
}

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verdict {
    /// As it should be.
    Good,
    /// It works, and something will bite.
    Doubtful,
    /// It could not be found out.
    CannotTell,
    /// The installation cannot do its job.
    Bad,
}

impl Finding {
    /// As it should be.
    pub(super) fn good(
        area: &'static str,
        subject: impl Into<String>,
        because: impl Into<String>,
    ) -> Self {
        Self::new(area, Verdict::Good, subject, because, None)
    }

    /// It works, and something will bite.
    pub(super) fn doubtful(
        area: &'static str,
        subject: impl Into<String>,
        because: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self::new(area, Verdict::Doubtful, subject, because, Some(fix.into()))
    }

    /// The installation cannot do its job.
    pub(super) fn bad(
        area: &'static str,
        subject: impl Into<String>,
        because: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self::new(area, Verdict::Bad, subject, because, Some(fix.into()))
    }

    /// It could not be found out.
    pub(super) fn cannot_tell(
        area: &'static str,
        subject: impl Into<String>,
        because: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self::new(
            area,
            Verdict::CannotTell,
            subject,
            because,
            Some(fix.into()),
        )
    }

    fn new(
        area: &'static str,
        verdict: Verdict,
        subject: impl Into<String>,
        because: impl Into<String>,
        fix: Option<String>,
    ) -> Self {
        Self {
            area,
            subject: subject.into(),
            verdict,
            because: because.into(),
            fix,
        }
    }
}

/// Whose permissions are looked at. What is missing weighs as much as what stands still without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// `[identity.posture]`: the commands that read a tenant.
    Posture,
    /// `[identity.watch]`: nothing of this version.
    Watch,
    /// `[identity.apply]`: the steps of a plan, which are not always the same.
    Apply,
}

impl Holder {
    /// As the configuration calls it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Posture => "posture",
            Self::Watch => "watch",
            Self::Apply => "apply",
        }
    }

    fn missing(self, subject: String, what: &str) -> Finding {
        let area = "permissions";
        match self {
            Self::Posture => Finding::bad(
                area,
                subject,
                format!("it is not granted, so {what} cannot be read"),
                "grant it (docs/permissions.md has the script), then consent as an administrator",
            ),
            Self::Watch => Finding::doubtful(
                area,
                subject,
                format!(
                    "it is not granted: a later `watch`, which reads {what} itself, will miss it"
                ),
                "grant it (docs/permissions.md has the script)",
            ),
            Self::Apply => Finding::doubtful(
                area,
                subject,
                format!("it is not granted, so nothing can be done that {what}"),
                "grant it once a plan has such a step (docs/permissions.md has the script)",
            ),
        }
    }

    fn in_excess(self, subject: String, permission: &str) -> Finding {
        let area = "permissions";
        match (self, writes(permission)) {
            (Self::Apply, true) => Finding::bad(
                area,
                subject,
                "it is granted, lets whoever takes this identity change the tenant, and no step of a plan uses it",
                "take it away",
            ),
            (_, true) => Finding::bad(
                area,
                subject,
                "it is granted and lets whoever takes this identity change the tenant; reading needs none of it",
                "take it away: the identity that reads must not be able to write",
            ),
            (_, false) => Finding::doubtful(
                area,
                subject,
                "it is granted and no command uses it",
                "take it away",
            ),
        }
    }
}

/// Permissions that the token carries against those that the commands need.
pub(super) fn permissions(
    holder: Holder,
    held: &BTreeSet<String>,
    needed: &[Needed],
) -> Vec<Finding> {
    let area = "permissions";
    let of = |permission: &str| format!("{permission} ({})", holder.name());
    let mut findings = Vec::new();
    let satisfied = |need: &Needed| need.any_of.iter().any(|one| held.contains(one));
    let must: Vec<&Needed> = needed.iter().filter(|need| !need.is_optional).collect();
    let (missing, sometimes): (Vec<&Needed>, Vec<&Needed>) = must
        .iter()
        .filter(|need| !satisfied(need))
        .partition(|need| need.only_where.is_none());
    for need in &missing {
        let first = need.any_of.first().map_or("", String::as_str);
        findings.push(holder.missing(of(first), &need.what));
    }
    if missing.is_empty() {
        findings.push(Finding::good(
            area,
            of("what the commands need"),
            match must.len() - sometimes.len() {
                1 => "the 1 permission is granted".to_owned(),
                all => format!("all {all} permissions are granted"),
            },
        ));
    }
    for need in sometimes {
        findings.push(Finding::good(
            area,
            of(need.any_of.first().map_or("", String::as_str)),
            format!(
                "it is not granted, and is needed only where {}",
                need.only_where.unwrap_or_default()
            ),
        ));
    }
    let known: BTreeSet<&String> = needed.iter().flat_map(|need| &need.any_of).collect();
    for excess in held.iter().filter(|one| !known.contains(one)) {
        // Every token of a person carries these, and nothing can be done with them alone.
        if ["openid", "profile", "email", "offline_access", "User.Read"].contains(&excess.as_str())
        {
            continue;
        }
        findings.push(holder.in_excess(of(excess), excess));
    }
    findings
}

/// Whether a permission does more than read, by the word after the first dot (Microsoft Graph, *permissions reference*:
/// `{subject}.{action}.{constraint}`).
fn writes(permission: &str) -> bool {
    let action = permission.split('.').nth(1).unwrap_or_default();
    let action = action.to_ascii_lowercase();
    !action.starts_with("read") || action.contains("write")
}

/// Permissions that cover another one too (Microsoft Graph, *permissions reference*).
pub(super) fn wider(permission: &str) -> &'static [&'static str] {
    match permission {
        "User.Read.All"
        | "GroupMember.Read.All"
        | "AdministrativeUnit.Read.All"
        | "Application.Read.All"
        | "Domain.Read.All"
        | "Organization.Read.All"
        | "Device.Read.All" => &["Directory.Read.All"],
        "Policy.Read.ConditionalAccess" | "Policy.Read.AuthenticationMethod" => {
            &["Policy.Read.All"]
        }
        "RoleAssignmentSchedule.Read.Directory"
        | "RoleEligibilitySchedule.Read.Directory"
        | "RoleManagementPolicy.Read.Directory" => {
            &["RoleManagement.Read.Directory", "RoleManagement.Read.All"]
        }
        // Lists workflows without their tasks, which is all that is looked at.
        "LifecycleWorkflows.Read.All" => &[
            "LifecycleWorkflows-Workflow.ReadBasic.All",
            "LifecycleWorkflows-Workflow.Read.All",
        ],
        _ => &[],
    }
}

/// A permission that a command needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Needed {
    /// Any of these does; the first is the least.
    pub(super) any_of: Vec<String>,
    /// What it lets us read.
    pub(super) what: String,
    /// A condition under which alone it is needed, as a clause.
    pub(super) only_where: Option<&'static str>,
    /// It is used where it is there, and not missed.
    pub(super) is_optional: bool,
}

/// The condition under which alone a permission is needed.
pub(super) fn only_where(permission: &str) -> Option<&'static str> {
    (permission == "CustomSecAttributeAssignment.Read.All")
        .then_some("a policy picks applications by attribute")
}

/// Our clock against the service's.
pub(super) fn clock(offset: Option<SignedDuration>) -> Finding {
    let area = "clock";
    let Some(offset) = offset else {
        return Finding::cannot_tell(
            area,
            "this machine",
            "no service was asked for its time",
            "run it without --offline",
        );
    };
    let seconds = offset.as_secs().abs();
    let side = if offset.is_negative() {
        "behind"
    } else {
        "ahead of"
    };
    let because = format!("it is {seconds} s {side} Microsoft's");
    if seconds <= 5 {
        Finding::good(
            area,
            "this machine",
            "it agrees with Microsoft's to 5 seconds",
        )
    } else if seconds < 120 {
        Finding::doubtful(
            area,
            "this machine",
            because,
            "let it be set by a time server: times in alerts and evidence come from it",
        )
    } else {
        Finding::bad(
            area,
            "this machine",
            because,
            "set it: at 5 minutes Microsoft Entra refuses our assertions, and drills cannot be matched",
        )
    }
}

/// Room for the store.
pub(super) fn disk(place: &str, free: Option<u64>, writable: Result<(), String>) -> Vec<Finding> {
    const MIB: u64 = 1 << 20;

    let area = "disk";
    let mut findings = vec![match writable {
        Ok(()) => Finding::good(area, place, "a file was written and synced there"),
        Err(why) => Finding::bad(
            area,
            place,
            format!("nothing can be written there: {why}"),
            "make it writable for this user, or name another store",
        ),
    }];
    findings.push(match free {
        None => Finding::cannot_tell(
            area,
            place,
            "free space cannot be read",
            "look at it by hand",
        ),
        Some(free) if free < 64 * MIB => Finding::bad(
            area,
            place,
            format!("{} MiB are free", free / MIB),
            "free space: a signal that cannot be kept cannot be alerted",
        ),
        Some(free) if free < 1024 * MIB => Finding::doubtful(
            area,
            place,
            format!("{} MiB are free", free / MIB),
            "keep a gibibyte free",
        ),
        Some(free) => Finding::good(area, place, format!("{} MiB are free", free / MIB)),
    });
    findings
}

/// Where we run ourselves.
pub(super) fn hosting(azure: Option<&str>) -> Finding {
    let area = "independence";
    match azure {
        Some(what) => Finding::doubtful(
            area,
            "this machine",
            format!(
                "it is {what}: a lockout, a deleted subscription or an outage of Azure takes it along"
            ),
            "run it, or a second one, outside the cloud that it guards",
        ),
        None => Finding::good(area, "this machine", "nothing says that it runs in Azure"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_missing_and_in_excess_are_told() {
        let needed = [
            Needed {
                any_of: vec!["Policy.Read.All".to_owned()],
                what: "policies".to_owned(),
                only_where: None,
                is_optional: false,
            },
            Needed {
                any_of: vec![
                    "Domain.Read.All".to_owned(),
                    "Directory.Read.All".to_owned(),
                ],
                what: "domains".to_owned(),
                only_where: None,
                is_optional: false,
            },
        ];
        let held: BTreeSet<String> = [
            "Directory.Read.All",
            "User.ReadWrite.All",
            "Sites.Read.All",
            "openid",
        ]
        .map(str::to_owned)
        .into();
        for (holder, missing) in [
            (Holder::Posture, Verdict::Bad),
            // Nothing of this version stands still, or no plan may have such a step.
            (Holder::Watch, Verdict::Doubtful),
            (Holder::Apply, Verdict::Doubtful),
        ] {
            let findings = permissions(holder, &held, &needed);
            let of = |permission: &str| {
                let subject = format!("{permission} ({})", holder.name());
                findings
                    .iter()
                    .find(|own| own.subject == subject)
                    .map(|own| own.verdict)
            };
            assert_eq!(of("Policy.Read.All"), Some(missing));
            assert_eq!(of("User.ReadWrite.All"), Some(Verdict::Bad));
            assert_eq!(of("Sites.Read.All"), Some(Verdict::Doubtful));
            assert_eq!(findings.len(), 3);
        }
    }

    #[test]
    fn a_permission_writes_by_its_action_and_not_by_its_subject() {
        for reads in [
            "RoleManagementPolicy.Read.AzureADGroup",
            "RoleManagement.Read.Directory",
            "LifecycleWorkflows-Workflow.ReadBasic.All",
        ] {
            assert!(!writes(reads), "{reads}");
        }
        for other in [
            "RoleManagement.ReadWrite.Directory",
            "User.RevokeSessions.All",
            "User.DeleteRestore.All",
            "Mail.Send",
            "Directory.AccessAsUser.All",
            "user_impersonation",
        ] {
            assert!(writes(other), "{other}");
        }
    }

    #[test]
    fn a_permission_that_is_needed_sometimes_is_not_missing() {
        let needed = [Needed {
            any_of: vec!["CustomSecAttributeAssignment.Read.All".to_owned()],
            what: "attributes".to_owned(),
            only_where: only_where("CustomSecAttributeAssignment.Read.All"),
            is_optional: false,
        }];
        let findings = permissions(Holder::Posture, &BTreeSet::new(), &needed);
        assert!(
            findings.iter().all(|own| own.verdict == Verdict::Good),
            "{findings:?}"
        );
    }

    #[test]
    fn a_clock_that_is_off_is_worse_the_more_it_is() {
        let of = |seconds| clock(Some(SignedDuration::from_secs(seconds))).verdict;
        assert_eq!(of(-3), Verdict::Good);
        assert_eq!(of(40), Verdict::Doubtful);
        assert_eq!(of(-600), Verdict::Bad);
        assert_eq!(clock(None).verdict, Verdict::CannotTell);
    }

    #[test]
    fn little_room_is_told() {
        assert_eq!(disk("x", Some(1), Ok(()))[1].verdict, Verdict::Bad);
        assert_eq!(
            disk("x", Some(200 << 20), Ok(()))[1].verdict,
            Verdict::Doubtful
        );
        assert_eq!(
            disk("x", Some(9 << 30), Err("y".to_owned()))[0].verdict,
            Verdict::Bad
        );
    }
}
