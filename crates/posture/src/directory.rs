//! What stands in the snapshot as Microsoft Graph wrote it, and the role at the unit of the accounts.

use std::collections::BTreeSet;

use breakglass_model::{
    Finding, NotRead, ObjectId,
    tenant::{AssignmentKind, Role, RoleAssignment},
};
use serde_json::Value;

pub(crate) use crate::monitoring::text;
use crate::{Check, Context, facts::missing, monitoring::list};

/// Role template ids (Microsoft Entra, *Built-in roles*).
pub(crate) const PRIVILEGED_ROLE_ADMINISTRATOR: &str = "e8611ab8-c189-46e8-94e1-60213ab1f814";
pub(crate) const PRIVILEGED_AUTHENTICATION_ADMINISTRATOR: &str =
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13";

/// The name of an object, else its id.
pub(crate) fn name_of<'a>(value: &'a Value, id: &str) -> &'a str {
    let name = text(value, "displayName");
    if name.is_empty() {
        text(value, id)
    } else {
        name
    }
}

/// Whether a list of texts holds one, in any letter case.
pub(crate) fn names(list: Option<&Value>, wanted: &str) -> bool {
    list.and_then(Value::as_array).is_some_and(|list| {
        list.iter().any(|one| {
            one.as_str()
                .is_some_and(|one| one.eq_ignore_ascii_case(wanted))
        })
    })
}

impl<'a> Context<'a> {
    /// The objects of a collection that is kept as it was read.
    pub(crate) fn listed(&self, collection: &str) -> &'a [Value] {
        list(self.snapshot, collection).items
    }

    /// The same, when it was read to its end.
    pub(crate) fn whole(&self, collection: &str, permission: &str) -> Result<&'a [Value], NotRead> {
        let found = list(self.snapshot, collection);
        match found.missing {
            None => Ok(found.items),
            Some(missing) => Err(NotRead {
                permission: missing.permission.or_else(|| Some(permission.to_owned())),
                ..missing
            }),
        }
    }

    /// The one object of a collection that holds one.
    pub(crate) fn only(&self, collection: &str, permission: &str) -> Result<&'a Value, NotRead> {
        self.whole(collection, permission)?
            .first()
            .ok_or_else(|| missing(collection, "it holds nothing", permission))
    }

    /// The name of a user, group or application.
    pub(crate) fn principal(&self, id: &ObjectId) -> String {
        if let Some(upn) = self.snapshot.user(id).and_then(|user| user.upn.as_ref()) {
            return upn.to_string();
        }
        let group = self.snapshot.group(id);
        if let Some(name) = group.and_then(|group| group.display_name.clone()) {
            return name;
        }
        self.application(id)
            .map_or_else(|| id.to_string(), |own| name_of(own, "id").to_owned())
    }

    /// The application with this object id, where it was read.
    pub(crate) fn application(&self, id: &ObjectId) -> Option<&'a Value> {
        self.listed("servicePrincipals")
            .iter()
            .find(|own| id.is(text(own, "id")))
    }

    /// Whether a principal is a declared account.
    pub(crate) fn is_account(&self, id: &ObjectId) -> bool {
        self.accounts.iter().any(|own| own.id.as_ref() == Some(id))
    }

    /// The definition of a role.
    pub(crate) fn role(&self, id: &ObjectId) -> Option<&'a Role> {
        self.snapshot
            .roles
            .iter()
            .find(|role| role.id.as_ref() == Some(id) || role.template_id.as_ref() == Some(id))
    }

    /// Whether a role is a built-in one, by its template id.
    pub(crate) fn is_role(&self, role: &ObjectId, template: &str) -> bool {
        role.is(template)
            || self
                .role(role)
                .is_some_and(|own| own.template_id.as_ref().is_some_and(|own| own.is(template)))
    }

    /// The restricted units that hold accounts, and what was not read.
    pub(crate) fn guarding_units(&self) -> (BTreeSet<String>, Option<NotRead>) {
        let mut units = BTreeSet::new();
        let mut unknown = None;
        for id in self.accounts.iter().filter_map(|own| own.id.as_ref()) {
            let (found, missing) = self.restricted_units(id);
            units.extend(found);
            unknown = unknown.or(missing);
        }
        (units, unknown)
    }

    /// Who has, or can activate, a role at a unit that holds accounts, and what was not read.
    pub(crate) fn at_the_unit(&self) -> (Vec<&'a RoleAssignment>, Option<NotRead>) {
        let (units, unknown) = self.guarding_units();
        let snapshot = self.snapshot;
        let found = snapshot
            .active_assignments
            .iter()
            .chain(&snapshot.eligible_assignments)
            .filter(|own| self.in_force(own))
            .filter(|own| {
                own.scope.get().is_some_and(|scope| {
                    let unit = scope.rsplit('/').next().unwrap_or_default();
                    scope.to_lowercase().contains("administrativeunits/")
                        && units.iter().any(|known| known.eq_ignore_ascii_case(unit))
                })
            })
            .collect();
        let unknown = unknown
            .or_else(|| snapshot.active_assignments.missing.clone())
            .or_else(|| snapshot.eligible_assignments.missing.clone())
            .or_else(|| {
                let unread = |own: &&RoleAssignment| own.scope.get().is_none();
                let mut all = snapshot
                    .active_assignments
                    .iter()
                    .chain(&snapshot.eligible_assignments);
                all.find(unread).map(|_| {
                    missing(
                        "roleManagement/directory/roleAssignmentScheduleInstances",
                        "the scope of an assignment is not in the input",
                        "RoleAssignmentSchedule.Read.Directory",
                    )
                })
            });
        (found, unknown)
    }

    /// The roles at the unit, each once, with who holds it.
    pub(crate) fn unit_roles(&self) -> (Vec<Keeper<'a>>, Option<NotRead>) {
        let (found, unknown) = self.at_the_unit();
        let mut keepers: Vec<Keeper<'a>> = Vec::new();
        for assignment in found {
            let known = keepers.iter_mut().find(|own| own.role == &assignment.role);
            if let Some(keeper) = known {
                keeper.assignments.push(assignment);
                continue;
            }
            let definition = self.role(&assignment.role);
            keepers.push(Keeper {
                name: definition
                    .and_then(|own| own.display_name.clone())
                    .unwrap_or_else(|| assignment.role.to_string()),
                role: &assignment.role,
                definition,
                assignments: vec![assignment],
            });
        }
        (keepers, unknown)
    }

    /// One finding for each role at the unit; *not applicable* when there is none (BG073 says so).
    pub(crate) fn each_keeper(
        &self,
        check: &Check,
        judge: impl Fn(&Keeper<'a>) -> Finding,
    ) -> Vec<Finding> {
        if self.accounts.is_empty() {
            return vec![self.undeclared(check)];
        }
        let (keepers, unknown) = self.unit_roles();
        // A role is named by its definition; without it there would be another subject.
        let mut findings: Vec<Finding> = keepers
            .iter()
            .map(|own| match (own.definition, &self.snapshot.roles.missing) {
                (None, Some(missing)) => check.unread(&own.name, missing),
                _ => judge(own),
            })
            .collect();
        match unknown {
            Some(missing) => findings.push(check.unread("tenant", &missing)),
            None if findings.is_empty() => findings.push(check.not_applicable(
                "tenant",
                "nobody has a role at a restricted unit of the accounts (BG073)",
            )),
            None => {}
        }
        findings
    }

    /// The settings of Privileged Identity Management for a role (Microsoft Graph, *unifiedRoleManagementPolicy*).
    pub(crate) fn pim(&self, role: &ObjectId) -> Result<Pim<'a>, NotRead> {
        const NAME: &str = "roleManagementPolicyAssignments";
        const PERMISSION: &str = "RoleManagement.Read.Directory";
        let mine = |raw: &&Value| {
            role.is(text(raw, "roleDefinitionId"))
                && raw
                    .get("scopeId")
                    .and_then(Value::as_str)
                    .is_none_or(|scope| scope == "/")
        };
        let rules = self
            .listed(NAME)
            .iter()
            .find(mine)
            .and_then(|raw| raw.pointer("/policy/rules")?.as_array());
        match rules {
            Some(rules) => Ok(Pim { rules }),
            None => Err(self.whole(NAME, PERMISSION).err().unwrap_or_else(|| {
                missing(NAME, "it does not hold the rules of the role", PERMISSION)
            })),
        }
    }
}

/// A role at the unit of the accounts.
#[derive(Debug)]
pub(crate) struct Keeper<'a> {
    pub(crate) name: String,
    pub(crate) role: &'a ObjectId,
    pub(crate) definition: Option<&'a Role>,
    pub(crate) assignments: Vec<&'a RoleAssignment>,
}

impl Keeper<'_> {
    /// How Graph addresses the role.
    pub(crate) fn object(&self) -> String {
        format!("roleManagement/directory/roleDefinitions/{}", self.role)
    }

    /// Who can activate it.
    pub(crate) fn eligible(&self) -> impl Iterator<Item = &ObjectId> {
        self.assignments
            .iter()
            .filter(|own| own.kind == AssignmentKind::Eligible)
            .map(|own| &own.principal)
    }
}

/// The rules for activating a role.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pim<'a> {
    rules: &'a [Value],
}

impl<'a> Pim<'a> {
    /// One rule, by its id.
    pub(crate) fn rule(&self, id: &str) -> Option<&'a Value> {
        self.rules.iter().find(|rule| text(rule, "id") == id)
    }

    /// What the rule for activation enables.
    pub(crate) fn asks_for(&self, what: &str) -> bool {
        self.rule("Enablement_EndUser_Assignment")
            .is_some_and(|rule| names(rule.get("enabledRules"), what))
    }

    /// The longest activation in minutes.
    pub(crate) fn minutes(&self) -> Option<i64> {
        let rule = self.rule("Expiration_EndUser_Assignment")?;
        let span: jiff::Span = text(rule, "maximumDuration").parse().ok()?;
        // A day has 24 hours here: no clock is changed within an activation.
        let relative = jiff::SpanRelativeTo::days_are_24_hours();
        span.to_duration(relative)
            .ok()
            .map(|length| length.as_mins())
    }

    /// The authentication context that activation asks for.
    pub(crate) fn context(&self) -> Option<&'a str> {
        let rule = self.rule("AuthenticationContext_EndUser_Assignment")?;
        let enabled = rule.get("isEnabled").and_then(Value::as_bool) == Some(true);
        Some(text(rule, "claimValue")).filter(|claim| enabled && !claim.is_empty())
    }
}
