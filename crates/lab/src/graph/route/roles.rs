//! Roles, who has them, and the settings of Privileged Identity Management.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{Found, Outcome, no_segment, text};
use crate::{
    Fault,
    graph::{
        derive,
        kind::{self, Kind},
        read::Reader,
        write::runs,
    },
    lab::{Answer, ApiError, Body},
};

impl<'a> Reader<'a> {
    pub(super) fn of_role_management(&self, rest: &[&str], keys: &[&'a str]) -> Outcome<'a> {
        let key = keys.get(3).copied();
        let pim = rest.first().is_some_and(|list| list.contains("schedule"));
        if pim && let Some(refusal) = self.no_pim() {
            return refusal;
        }
        let (rows, kind): (Vec<Cow<'a, Value>>, &'static Kind) =
            match rest.first().copied().unwrap_or_default() {
                "roledefinitions" => {
                    self.known("roleDefinitions")?;
                    let all = self.state.table("roleDefinitions").all_seen(self.now);
                    (
                        all.map(|role| Self::role(role)).collect(),
                        &kind::ROLE_DEFINITION,
                    )
                }
                "roleassignments" => {
                    if self.known("roleAssignments").is_err() {
                        self.known("roleAssignmentScheduleInstances")?;
                    }
                    let rows = derive::assignments(self.state, self.now);
                    (self.with_roles(rows), &kind::ASSIGNMENT)
                }
                "roleassignmentscheduleinstances" => {
                    self.known("roleAssignmentScheduleInstances")?;
                    (derive::active(self.state, self.now), &kind::ACTIVE)
                }
                "roleeligibilityscheduleinstances" => (self.eligible()?, &kind::ELIGIBLE),
                "roleassignmentschedules" => {
                    if self.known("roleAssignmentSchedules").is_ok() {
                        let all = self
                            .state
                            .table("roleAssignmentSchedules")
                            .all_seen(self.now);
                        (all.map(Cow::Borrowed).collect(), &kind::ACTIVE)
                    } else {
                        self.known("roleAssignmentScheduleInstances")?;
                        let rows = derive::active(self.state, self.now);
                        (
                            derive::schedules(&rows, "roleAssignmentScheduleId", false),
                            &kind::ACTIVE,
                        )
                    }
                }
                "roleeligibilityschedules" => {
                    if self.known("roleEligibilitySchedules").is_ok() {
                        let all = self
                            .state
                            .table("roleEligibilitySchedules")
                            .all_seen(self.now);
                        (all.map(Cow::Borrowed).collect(), &kind::ELIGIBLE)
                    } else {
                        let rows = self.eligible()?;
                        (
                            derive::schedules(&rows, "roleEligibilityScheduleId", true),
                            &kind::ELIGIBLE,
                        )
                    }
                }
                other => return Err(no_segment(other)),
            };
        match (rest, key) {
            ([_], _) => {
                let mut list = Self::values(rows, kind);
                list.context = format!(
                    "roleManagement/directory/{}",
                    keys.get(2).copied().unwrap_or_default()
                );
                Ok(Found::List(list))
            }
            ([_, _], Some(key)) => Self::in_list(rows, key, kind),
            _ => Err(no_segment(keys.last().copied().unwrap_or_default())),
        }
    }

    pub(super) fn eligible(&self) -> Result<Vec<Cow<'a, Value>>, ApiError> {
        self.known("roleEligibilityScheduleInstances")?;
        let all = self
            .state
            .table("roleEligibilityScheduleInstances")
            .all_seen(self.now)
            .filter(|row| runs(row, self.now));
        Ok(all.map(Cow::Borrowed).collect())
    }

    /// Puts the role into each assignment where the filter looks into it.
    pub(super) fn with_roles(&self, rows: Vec<Cow<'a, Value>>) -> Vec<Cow<'a, Value>> {
        let filter = self.request.query.get("$filter").unwrap_or_default();
        if !filter.contains("roleDefinition/") {
            return rows;
        }
        rows.into_iter()
            .map(|row| {
                let mut row = row.into_owned();
                let role = self
                    .state
                    .table("roleDefinitions")
                    .seen(text(&row, "roleDefinitionId"), self.now);
                if let Some(role) = role {
                    row["roleDefinition"] = Self::role(role).into_owned();
                }
                Cow::Owned(row)
            })
            .collect()
    }

    /// How Privileged Identity Management refuses in a tenant that has no licence for it, or never set it up.
    pub(super) fn no_pim(&self) -> Option<Outcome<'a>> {
        if self.lab.faults.on(Fault::PimNotOnboarded) {
            return Some(Ok(missing_provider()));
        }
        self.lab.faults.on(Fault::NoPremium).then(|| {
            Err(ApiError::new(
                400,
                "AadPremiumLicenseRequired",
                "The tenant needs an AAD Premium 2 license.",
            ))
        })
    }

    pub(super) fn of_pim_groups(&self, list: &str, rest: &[&str], keys: &[&'a str]) -> Outcome<'a> {
        if let Some(refusal) = self.no_pim() {
            return refusal;
        }
        let collection = match list {
            "assignmentscheduleinstances" => "privilegedAccessGroupAssignmentScheduleInstances",
            "eligibilityscheduleinstances" => "privilegedAccessGroupEligibilityScheduleInstances",
            "assignmentschedules" => "privilegedAccessGroupAssignmentSchedules",
            "eligibilityschedules" => "privilegedAccessGroupEligibilitySchedules",
            other => return Err(no_segment(other)),
        };
        if !rest.is_empty() {
            return self.by_id(
                collection,
                keys.last().copied().unwrap_or_default(),
                &kind::ENTITY,
            );
        }
        let filter = self
            .request
            .query
            .get("$filter")
            .unwrap_or_default()
            .to_lowercase();
        if !filter.contains("groupid") && !filter.contains("principalid") {
            return Err(ApiError::new(
                400,
                "InvalidFilter",
                "The filter is invalid: groupId or principalId must be given.",
            ));
        }
        let mut list = self.table(collection, &kind::ENTITY)?;
        list.context = format!(
            "identityGovernance/privilegedAccess/group/{}",
            keys.get(3).copied().unwrap_or_default()
        );
        Ok(Found::List(list))
    }

    pub(super) fn of_pim_rules(&self, rest: &[&str], keys: &[&'a str]) -> Outcome<'a> {
        if let Some(refusal) = self.no_pim() {
            return refusal;
        }
        let key = keys.get(2).copied().unwrap_or_default();
        let assignments = rest[0] == "rolemanagementpolicyassignments";
        if !assignments && rest.len() > 1 {
            let policy = self.pim_policy(key)?;
            let rules =
                || -> Result<Vec<Cow<'a, Value>>, ApiError> { Self::stored(&policy, "rules") };
            return match &rest[2..] {
                [] => Self::one(policy, &kind::RULES),
                ["rules" | "effectiveRules"] => {
                    Ok(Found::List(Self::values(rules()?, &kind::RULE)))
                }
                ["rules", _] => Self::in_list(
                    rules()?,
                    keys.last().copied().unwrap_or_default(),
                    &kind::RULE,
                ),
                _ => Err(no_segment(keys.last().copied().unwrap_or_default())),
            };
        }
        if let [_, _] = rest {
            return self.by_id("roleManagementPolicyAssignments", key, &kind::RULES_OF);
        }
        // Without a scope the service does not know whom to ask.
        let filter = self
            .request
            .query
            .get("$filter")
            .unwrap_or_default()
            .to_lowercase();
        if !(filter.contains("scopeid") && filter.contains("scopetype")) {
            return Ok(missing_provider());
        }
        let directory = filter.contains("'directory'");
        let again = |row: &'a Value| -> Cow<'a, Value> {
            // Both names of the scope's type work, and the answer repeats the one that was asked with.
            if directory && text(row, "scopeType").eq_ignore_ascii_case("DirectoryRole") {
                let mut row = row.clone();
                row["scopeType"] = json!("Directory");
                Cow::Owned(row)
            } else {
                Cow::Borrowed(row)
            }
        };
        if assignments {
            self.known("roleManagementPolicyAssignments")?;
            let all = self
                .state
                .table("roleManagementPolicyAssignments")
                .all_seen(self.now);
            return Ok(Found::List(Self::values(
                all.map(again).collect(),
                &kind::RULES_OF,
            )));
        }
        let rows = if self.known("roleManagementPolicies").is_ok() {
            let all = self
                .state
                .table("roleManagementPolicies")
                .all_seen(self.now);
            all.map(again).collect()
        } else {
            self.known("roleManagementPolicyAssignments")?;
            let all = self
                .state
                .table("roleManagementPolicyAssignments")
                .all_seen(self.now);
            all.filter_map(|row| {
                let mut policy = row.get("policy")?.clone();
                for name in ["scopeId", "scopeType"] {
                    if policy.get(name).is_none() {
                        policy[name] = row.get(name).cloned().unwrap_or_default();
                    }
                }
                if directory {
                    policy["scopeType"] = json!("Directory");
                }
                Some(Cow::Owned(policy))
            })
            .collect()
        };
        Ok(Found::List(Self::values(rows, &kind::RULES)))
    }

    pub(super) fn pim_policy(&self, id: &str) -> Result<Cow<'a, Value>, ApiError> {
        if let Some(policy) = self
            .state
            .table("roleManagementPolicies")
            .seen(id, self.now)
        {
            return Ok(Cow::Borrowed(policy));
        }
        self.known("roleManagementPolicyAssignments")?;
        let rows = self
            .state
            .table("roleManagementPolicyAssignments")
            .all_seen(self.now);
        let found = rows
            .filter_map(|row| row.get("policy"))
            .find(|policy| text(policy, "id").eq_ignore_ascii_case(id));
        found
            .map(Cow::Borrowed)
            .ok_or_else(|| ApiError::not_found(id))
    }
}

/// Not in the usual envelope: Privileged Identity Management does not know which of its providers is meant.
fn missing_provider<'a>() -> Found<'a> {
    Found::Special(Answer {
        status: 400,
        headers: Vec::new(),
        body: Body::Json(json!({
            "errorCode": "MissingProvider", "message": "The provider is missing.", "instanceAnnotations": [],
        })),
    })
}
