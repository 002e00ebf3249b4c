//! What a snapshot must hold that was collected from a given tenant: the reference that tests compare with.
//!
//! A pure function over the JSON of the tenant, written apart from the code that reads. It takes away
//! - collections that are not read (`applications`, `subscribedSkus`, …), and everything beside `tenant` and `collections`;
//! - `roleAssignments`, where `roleAssignmentScheduleInstances` are there;
//! - groups that no policy, role, setting of a role, unit, methods policy or emergency account names;
//! - service principals that hold no role and that no policy names, unless a policy picks applications by attribute;
//! - of users who are neither emergency accounts nor administrators, all but what the module [`collect`](super) says;
//! - properties that are not asked for; one that is asked for and that the tenant does not have is null;
//! - names of authors and approvers;
//! - alerts of other rules, events of the activity log that changed no part of the chain of alerting, and of both who
//!   acted; items of lists that no rule reads or that name no emergency account; places that no setting sends to;
//! - owners of groups that hold no emergency account, and risks of others;
//! - `transitiveMembers` of groups that hold no group.
//!
//! What the service works out is worked out: `isPrivileged` of roles, and transitive lists where only direct ones are
//! given. Collections, and lists of members, stand in the order of their ids: the order of an answer says nothing.
//! Reducing twice is the same as reducing once, so a collected snapshot is compared as
//! `reduce(collected) == reduce(given)`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{Options, keep, roles, signs};

/// Collections that are kept as they are, without names of authors.
const WHOLE: &[&str] = &[
    "conditionalAccessPolicies",
    "namedLocations",
    "authenticationContextClassReferences",
    "identitySecurityDefaultsEnforcementPolicy",
    "authenticationMethodsPolicy",
    "authorizationPolicy",
    "roleAssignmentScheduleInstances",
    "roleEligibilityScheduleInstances",
    "roleAssignmentSchedules",
    "roleEligibilitySchedules",
    "roleManagementPolicyAssignments",
    "resourceActions",
    "accessReviews",
    "lifecycleWorkflows",
    "privilegedAccessGroupAssignmentScheduleInstances",
    "privilegedAccessGroupEligibilityScheduleInstances",
    "appRoleAssignments",
    "diagnosticSettings",
    "subscriptions",
    "workspaces",
    "workspaceTables",
    "scheduledQueryRules",
    "actionGroups",
    "actionRules",
    "activityLogAlerts",
    "locks",
    "ruleHealth",
    "azureRoleAssignments",
    "onboardingStates",
    "alertRules",
    "automationRules",
    "watchlists",
    "workspaceFreshness",
];

const ORGANIZATION: &[&str] = &[
    "id",
    "displayName",
    "createdDateTime",
    "tenantType",
    "countryLetterCode",
    "defaultUsageLocation",
    "verifiedDomains",
    "onPremisesSyncEnabled",
    "onPremisesLastSyncDateTime",
    "assignedPlans",
];

/// See the module.
pub fn reduce(mut snapshot: Value, options: &Options) -> Value {
    let mut tenant = Tenant {
        collections: match snapshot.get_mut("collections").map(Value::take) {
            Some(Value::Object(collections)) => collections,
            _ => Map::new(),
        },
        options,
        holders: BTreeMap::new(),
        full: BTreeSet::new(),
    };
    tenant.holders = tenant.holders();
    tenant.full = tenant.read_in_full();
    let mut collections = Map::new();
    for name in tenant.collections.keys() {
        if let Some(mut items) = tenant.collection(name) {
            items.sort_by_key(|item| id(item).to_owned());
            collections.insert(name.clone(), Value::Array(items));
        }
    }
    json!({"tenant": snapshot.get("tenant"), "collections": collections})
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn id(value: &Value) -> &str {
    text(value, "id")
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn is_group(reference: &Value) -> bool {
    text(reference, "@odata.type") == "#microsoft.graph.group"
}

/// Type and id, in the order of ids.
fn references(list: &[Value]) -> Value {
    let mut list: Vec<Value> = list
        .iter()
        .map(|one| json!({"@odata.type": one.get("@odata.type"), "id": one.get("id")}))
        .collect();
    list.sort_by_key(|one| id(one).to_owned());
    Value::Array(list)
}

/// These properties; null where there is none.
fn asked(object: &Value, names: &[&str]) -> Map<String, Value> {
    names
        .iter()
        .map(|name| {
            (
                (*name).to_owned(),
                object.get(*name).cloned().unwrap_or_default(),
            )
        })
        .collect()
}

struct Tenant<'a> {
    collections: Map<String, Value>,
    options: &'a Options,
    /// Principals of all assignments of roles, and whether a role of theirs is privileged.
    holders: BTreeMap<String, bool>,
    /// Emergency accounts and administrators.
    full: BTreeSet<String>,
}

impl Tenant<'_> {
    /// Items that name emergency accounts, of lists that a rule reads.
    fn items_of_lists(&self, all: &[Value]) -> Vec<Value> {
        let queries: String = self
            .all("alertRules")
            .iter()
            .map(|rule| text(&rule["properties"], "query").to_lowercase())
            .collect::<Vec<_>>()
            .join("\n");
        let read: Vec<String> = self
            .all("watchlists")
            .iter()
            .filter(|list| {
                let alias = text(&list["properties"], "watchlistAlias").to_lowercase();
                signs::names_list(&queries, &alias)
            })
            .map(|list| format!("{}/watchlistitems/", id(list).to_lowercase()))
            .collect();
        let accounts: BTreeSet<String> = self
            .all("users")
            .iter()
            .filter(|user| {
                let (own, upn) = (id(user), text(user, "userPrincipalName"));
                self.options
                    .accounts
                    .iter()
                    .any(|name| same(name, own) || same(name, upn))
            })
            .flat_map(|user| {
                [
                    id(user).to_lowercase(),
                    text(user, "userPrincipalName").to_lowercase(),
                ]
            })
            .collect();
        all.iter()
            .filter(|item| {
                read.iter()
                    .any(|start| id(item).to_lowercase().starts_with(start))
            })
            .filter_map(|item| keep::list_item(item, &accounts))
            .collect()
    }

    fn all(&self, name: &str) -> &[Value] {
        self.collections
            .get(name)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    fn collection(&self, name: &str) -> Option<Vec<Value>> {
        let all = self.all(name);
        let map = |with: &dyn Fn(&Value) -> Value| Some(all.iter().map(with).collect());
        match name {
            "organization" => map(&|one| keep::only(one, ORGANIZATION)),
            "domains" => map(&domain),
            "authenticationStrengthPolicies" => map(&|one| {
                let mut one = one.clone();
                if one
                    .get("combinationConfigurations")
                    .is_none_or(Value::is_null)
                {
                    one["combinationConfigurations"] = json!([]);
                }
                one
            }),
            "roleDefinitions" => map(&role),
            "roleAssignments" => {
                let replaced = self
                    .collections
                    .contains_key("roleAssignmentScheduleInstances");
                if replaced { None } else { Some(all.to_vec()) }
            }
            "administrativeUnits" => map(&|one| self.unit(one)),
            "users" => map(&|one| {
                if self.is_full(one) {
                    self.full(one)
                } else {
                    ordinary(one, self.options.with_names)
                }
            }),
            "groups" => {
                let named = self.named_groups();
                let groups = all
                    .iter()
                    .filter(|one| named.contains(&id(one).to_lowercase()));
                Some(groups.map(|one| self.group(one)).collect())
            }
            "alerts" => {
                let rules: BTreeSet<String> = self
                    .all("scheduledQueryRules")
                    .iter()
                    .map(|own| id(own).to_lowercase())
                    .collect();
                let fired = all.iter().filter(|one| rules.contains(&keep::rule_of(one)));
                Some(fired.map(keep::alert).collect())
            }
            "activityLog" => {
                let deeds = all.iter().filter(|one| keep::is_deed(one));
                Some(
                    deeds
                        .map(|one| keep::deed(one, self.options.with_names))
                        .collect(),
                )
            }
            "logDestinations" => {
                let settings = self.all("diagnosticSettings").iter();
                let named: Vec<String> = settings
                    .flat_map(|own| signs::destinations(&own["properties"]))
                    .map(|(id, _)| id)
                    .collect();
                let there = all
                    .iter()
                    .filter(|one| named.iter().any(|own| same(own, id(one))));
                Some(there.map(|one| keep::nameless(one.clone())).collect())
            }
            "watchlistItems" => Some(self.items_of_lists(all)),
            "servicePrincipals" => Some(self.principals()),
            "userRegistrationDetails" => map(&keep::registration),
            "riskyUsers" => {
                let accounts: Vec<&Value> = self
                    .all("users")
                    .iter()
                    .filter(|one| self.is_account(one))
                    .collect();
                let of_account = |row: &&Value| accounts.iter().any(|one| same(id(one), id(row)));
                Some(all.iter().filter(of_account).map(keep::risk).collect())
            }
            _ if WHOLE.contains(&name) => map(&|one| keep::nameless(one.clone())),
            _ => None,
        }
    }

    fn unit(&self, unit: &Value) -> Value {
        let mut kept = unit.clone();
        if unit.get("members").is_some() {
            kept["members"] = references(items(unit, "members"));
        }
        kept["scopedRoleMembers"] = items(unit, "scopedRoleMembers")
            .iter()
            .map(|row| keep::scoped(row, self.options.with_names))
            .collect();
        kept
    }

    /// Principals of all assignments of roles, and whether the role is privileged.
    fn holders(&self) -> BTreeMap<String, bool> {
        let mut holders = BTreeMap::new();
        let active = if self
            .collections
            .contains_key("roleAssignmentScheduleInstances")
        {
            "roleAssignmentScheduleInstances"
        } else {
            "roleAssignments"
        };
        for row in self
            .all(active)
            .iter()
            .chain(self.all("roleEligibilityScheduleInstances"))
        {
            let wanted = text(row, "roleDefinitionId");
            let role = self
                .all("roleDefinitions")
                .iter()
                .find(|role| same(id(role), wanted) || same(text(role, "templateId"), wanted));
            let privileged = match role {
                Some(definition) => roles::is_privileged(&role_of(definition)),
                None => {
                    roles::PRIVILEGED.contains(&wanted.to_lowercase().as_str())
                        || !self.collections.contains_key("roleDefinitions")
                }
            };
            *holders
                .entry(text(row, "principalId").to_lowercase())
                .or_default() |= privileged;
        }
        holders
    }

    fn is_account(&self, user: &Value) -> bool {
        self.options
            .accounts
            .iter()
            .any(|name| same(name, id(user)) || same(name, text(user, "userPrincipalName")))
    }

    fn is_full(&self, user: &Value) -> bool {
        self.full.contains(&id(user).to_lowercase())
    }

    fn read_in_full(&self) -> BTreeSet<String> {
        let accounts = self
            .all("users")
            .iter()
            .filter(|user| self.is_account(user));
        let mut full: BTreeSet<String> = accounts.map(|user| id(user).to_lowercase()).collect();
        let privileged = |id: &str| self.holders.get(&id.to_lowercase()) == Some(&true);
        full.extend(
            self.holders
                .iter()
                .filter(|(_, is)| **is)
                .map(|(id, _)| id.clone()),
        );
        for group in self
            .all("groups")
            .iter()
            .filter(|group| privileged(id(group)))
        {
            full.extend(
                self.below(group)
                    .iter()
                    .map(|member| id(member).to_lowercase()),
            );
        }
        full
    }

    fn find_group(&self, wanted: &str) -> Option<&Value> {
        self.all("groups")
            .iter()
            .find(|group| same(id(group), wanted))
    }

    /// Members at any depth.
    fn below(&self, group: &Value) -> Vec<Value> {
        if let Some(Value::Array(list)) = group.get("transitiveMembers") {
            return list.clone();
        }
        let mut found: Vec<Value> = Vec::new();
        let mut next: Vec<&Value> = items(group, "members").iter().collect();
        while let Some(member) = next.pop() {
            if found.iter().any(|known| same(id(known), id(member))) {
                continue;
            }
            found.push(member.clone());
            if is_group(member)
                && let Some(inner) = self.find_group(id(member))
            {
                next.extend(items(inner, "members"));
            }
        }
        found
    }

    /// Groups that hold an object, at any depth.
    fn above(&self, user: &Value) -> Vec<Value> {
        if let Some(Value::Array(list)) = user.get("transitiveMemberOf") {
            return list.clone();
        }
        self.all("groups")
            .iter()
            .filter(|group| {
                self.below(group)
                    .iter()
                    .any(|member| same(id(member), id(user)))
            })
            .map(|group| json!({"@odata.type": "#microsoft.graph.group", "id": id(group)}))
            .collect()
    }

    fn full(&self, user: &Value) -> Value {
        let mut kept = asked(user, keep::FULL);
        kept.insert(
            "signInActivity".to_owned(),
            user.get("signInActivity").cloned().unwrap_or_default(),
        );
        kept.insert(
            "transitiveMemberOf".to_owned(),
            references(&self.above(user)),
        );
        if let Some(devices) = user.get("registeredDevices") {
            kept.insert("registeredDevices".to_owned(), devices.clone());
        }
        let manager = match user.get("manager") {
            Some(manager) if self.options.with_names && manager.is_object() => {
                keep::only(manager, &["id", "userPrincipalName"])
            }
            Some(manager) if manager.is_object() => keep::only(manager, &["id"]),
            _ => Value::Null,
        };
        kept.insert("manager".to_owned(), manager);
        if let Some(authentication) = user.get("authentication") {
            let own = keep::only(authentication, &["methods", "requirements"]);
            kept.insert("authentication".to_owned(), own);
        }
        Value::Object(kept)
    }

    fn named_groups(&self) -> BTreeSet<String> {
        let mut named: BTreeSet<String> = self.holders.keys().cloned().collect();
        let mut name = |id: &str| {
            named.insert(id.to_lowercase());
        };
        for policy in self.all("conditionalAccessPolicies") {
            for key in ["includeGroups", "excludeGroups"] {
                let users = policy.pointer("/conditions/users").unwrap_or(&Value::Null);
                items(users, key)
                    .iter()
                    .filter_map(Value::as_str)
                    .for_each(&mut name);
            }
        }
        for policy in self.all("authenticationMethodsPolicy") {
            for method in items(policy, "authenticationMethodConfigurations") {
                for target in items(method, "includeTargets")
                    .iter()
                    .chain(items(method, "excludeTargets"))
                {
                    if text(target, "targetType") == "group" {
                        name(id(target));
                    }
                }
            }
        }
        for row in self.all("roleManagementPolicyAssignments") {
            let policy = row.get("policy").unwrap_or(&Value::Null);
            for rule in items(policy, "rules") {
                let setting = rule.get("setting").unwrap_or(&Value::Null);
                for stage in items(setting, "approvalStages") {
                    for approver in items(stage, "primaryApprovers")
                        .iter()
                        .chain(items(stage, "escalationApprovers"))
                    {
                        name(text(approver, "groupId"));
                    }
                }
            }
        }
        for unit in self.all("administrativeUnits") {
            items(unit, "members")
                .iter()
                .filter(|one| is_group(one))
                .for_each(|one| name(id(one)));
        }
        for user in self
            .all("users")
            .iter()
            .filter(|user| self.is_account(user))
        {
            for one in self.above(user).iter().filter(|one| is_group(one)) {
                name(id(one));
            }
        }
        named
    }

    fn group(&self, group: &Value) -> Value {
        let mut kept = asked(group, keep::GROUP);
        if group.get("members").is_some() {
            let direct = items(group, "members");
            kept.insert("members".to_owned(), references(direct));
            if direct.iter().any(is_group) {
                kept.insert(
                    "transitiveMembers".to_owned(),
                    references(&self.below(group)),
                );
            }
        }
        let of_account = |user: &&Value| {
            self.is_account(user) && self.above(user).iter().any(|own| same(id(own), id(group)))
        };
        if self.all("users").iter().any(|user| of_account(&user)) {
            kept.insert("owners".to_owned(), references(items(group, "owners")));
        }
        Value::Object(kept)
    }

    fn principals(&self) -> Vec<Value> {
        let policies = self.all("conditionalAccessPolicies");
        let all = policies.iter().any(|policy| {
            policy
                .pointer("/conditions/applications/applicationFilter")
                .is_some_and(|filter| !filter.is_null())
        });
        let mut named: BTreeSet<String> = self.holders.keys().cloned().collect();
        for applications in policies
            .iter()
            .filter_map(|policy| policy.pointer("/conditions/clientApplications"))
        {
            for key in ["includeServicePrincipals", "excludeServicePrincipals"] {
                let ids = items(applications, key).iter().filter_map(Value::as_str);
                named.extend(ids.map(str::to_lowercase));
            }
        }
        self.all("servicePrincipals")
            .iter()
            .filter(|one| all || named.contains(&id(one).to_lowercase()))
            .map(|one| {
                let mut kept = asked(one, keep::PRINCIPAL);
                if all {
                    let attributes = one.get("customSecurityAttributes").cloned();
                    kept.insert(
                        "customSecurityAttributes".to_owned(),
                        attributes.unwrap_or_default(),
                    );
                }
                Value::Object(kept)
            })
            .collect()
    }
}

fn domain(domain: &Value) -> Value {
    let mut kept = domain.clone();
    if !same(text(domain, "authenticationType"), "Federated")
        && let Some(fields) = kept.as_object_mut()
    {
        fields.shift_remove("federationConfiguration");
    }
    kept
}

fn role(role: &Value) -> Value {
    keep::nameless(role_of(role))
}

/// A role as beta shows it.
fn role_of(role: &Value) -> Value {
    let mut kept = role.clone();
    if role.get("isPrivileged").is_none() {
        let known = [id(role), text(role, "templateId")]
            .iter()
            .any(|id| roles::PRIVILEGED.contains(&id.to_lowercase().as_str()));
        kept["isPrivileged"] = json!(known);
    }
    kept
}

fn ordinary(user: &Value, with_names: bool) -> Value {
    let mut kept = asked(
        user,
        &[
            "id",
            "accountEnabled",
            "userType",
            "creationType",
            "externalUserState",
        ],
    );
    let name = text(user, "userPrincipalName");
    if with_names {
        for key in ["userPrincipalName", "displayName"] {
            kept.insert(key.to_owned(), user.get(key).cloned().unwrap_or_default());
        }
    }
    let domain = name.rsplit('@').next().filter(|domain| !domain.is_empty());
    let domain = domain.map(|domain| json!(domain.to_lowercase()));
    if let Some(domain) = domain.or_else(|| user.get("domain").cloned()) {
        kept.insert("domain".to_owned(), domain);
    }
    let upper = name.to_uppercase();
    let home = upper
        .split_once("#EXT#@")
        .and_then(|(local, _)| Some(json!(local.rsplit_once('_')?.1.to_lowercase())));
    let outside = upper.contains("#EXT#@")
        || same(text(user, "creationType"), "Invitation")
        || same(text(user, "userType"), "Guest");
    if let Some(home) = home.or_else(|| user.get("homeDomain").cloned()) {
        kept.insert("homeDomain".to_owned(), home);
    }
    if outside && user.get("identities").is_some_and(Value::is_array) {
        let kinds = items(user, "identities")
            .iter()
            .map(|one| Value::Object(asked(one, &["signInType", "issuer"])));
        kept.insert("identities".to_owned(), kinds.collect());
    }
    Value::Object(kept)
}
