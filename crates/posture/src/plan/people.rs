//! The accounts themselves, their weak methods, and the head-count of standing Global Administrators.

use breakglass_model::{
    ObjectId, Reading,
    plan::{Effect, Look, PASSWORD, Stage, Verb},
    tenant::{AssignmentKind, GLOBAL_ADMINISTRATOR, Method, MethodKind},
};
use serde_json::{Map, Value, json};

use super::draft::{Draft, Guarded, Proposal, graph, send, slug};

impl Draft<'_> {
    /// The accounts are there, enabled, and nobody's.
    pub(super) fn accounts(&mut self) {
        for account in self.accounts.clone() {
            if self.now.user(&account.id).is_none() {
                self.create(&account);
            } else {
                self.mend(&account);
            }
        }
    }

    fn create(&mut self, account: &Guarded) {
        let upn = account.name.clone();
        let Some((nickname, _)) = upn.split_once('@') else {
            self.warn(format!(
                "{upn} is no user principal name: it cannot be made"
            ));
            return;
        };
        let nickname = nickname.to_owned();
        let id = account.id.to_string();
        let set =
            json!({"accountEnabled": true, "userPrincipalName": upn, "displayName": nickname});
        let mut body = set.clone();
        body["mailNickname"] = nickname.clone().into();
        body["passwordPolicies"] = "DisablePasswordExpiration".into();
        body["passwordProfile"] =
            json!({"password": PASSWORD, "forceChangePasswordNextSignIn": false});
        self.add(Proposal {
            id: format!("account-{}", slug(&upn)),
            stage: Stage::Accounts,
            title: format!("Create {upn}"),
            reason: "The register names an account that the tenant does not have.".to_owned(),
            requirement: "A1",
            permission: "User.ReadWrite.All",
            by_person: false,
            after: Vec::new(),
            risk: "The account can do nothing before it has a role; its password is random and kept nowhere.",
            undo_text: "The account is deleted; Microsoft keeps it for 30 days.".to_owned(),
            write: graph(
                send(Verb::Post, "/users", body),
                Look::Among {
                    path: format!("/users?$filter=userPrincipalName eq '{upn}'&$select=id,userPrincipalName,displayName,accountEnabled"),
                    fields: json!({"userPrincipalName": upn}),
                },
                Value::Null,
                json!({"userPrincipalName": upn, "accountEnabled": true}),
                Some(send(Verb::Delete, format!("/users/{id}"), Value::Null)),
            ),
            effects: vec![Effect::User { id, set }],
        });
    }

    fn mend(&mut self, account: &Guarded) {
        let Some(user) = self.now.user(&account.id).cloned() else {
            return;
        };
        let id = account.id.to_string();
        let mut set = Map::new();
        let mut before = Map::new();
        let mut why = Vec::new();
        let mut requirement = "A3";
        if user.account_enabled == Reading::Read(false) {
            set.insert("accountEnabled".to_owned(), true.into());
            before.insert("accountEnabled".to_owned(), false.into());
            why.push("it is disabled");
            requirement = "A4";
        }
        for (field, value) in user.personal.get().into_iter().flatten() {
            let empty = match field.as_str() {
                "mobilePhone" | "jobTitle" | "employeeId" | "department" => Value::Null,
                "otherMails" | "businessPhones" => json!([]),
                // A mailbox goes with its licence, a manager by a call of its own: people's work.
                _ => continue,
            };
            let was = match &empty {
                Value::Null => json!(value),
                _ => json!(value.split(", ").collect::<Vec<_>>()),
            };
            set.insert(field.clone(), empty);
            before.insert(field.clone(), was);
            why.push("it carries a person's data");
        }
        why.dedup();
        if set.is_empty() {
            return;
        }
        let holds_role = self
            .now
            .active_assignments
            .iter()
            .any(|own| own.principal == account.id);
        let fields: Vec<&str> = set.keys().map(String::as_str).collect();
        let path = format!("/users/{id}");
        self.add(Proposal {
            id: format!("mend-{}", slug(&account.name)),
            stage: Stage::Accounts,
            title: format!("Set {} of {}", fields.join(", "), account.name),
            reason: format!("The account is of no use as it is: {}.", why.join(", ")),
            requirement,
            permission: "User.ReadWrite.All; for an account with a role, as a signed-in Privileged Authentication Administrator",
            // Sensitive properties of those who hold a role are not changed by an application's permission alone
            // (Microsoft Graph, *Who can perform sensitive actions*).
            by_person: holds_role,
            after: Vec::new(),
            risk: "None for sign-ins.",
            undo_text: "The old values are written back.".to_owned(),
            write: graph(
                send(Verb::Patch, &path, Value::Object(set.clone())),
                Look::Object(format!("{path}?$select=id,{}", fields.join(","))),
                Value::Object(before.clone()),
                Value::Object(set.clone()),
                Some(send(Verb::Patch, &path, Value::Object(before))),
            ),
            effects: vec![Effect::User {
                id,
                set: Value::Object(set),
            }],
        });
    }

    /// Global Administrator, permanent, active, for the whole tenant.
    pub(super) fn role(&mut self) {
        for account in self.accounts.clone() {
            let held = self.now.active_assignments.iter().any(|own| {
                own.principal == account.id
                    && self.now.is_global_administrator(&own.role)
                    && own.end == Reading::Read(None)
                    && own.activated.get() != Some(&true)
                    && own.scope.get().is_some_and(|scope| scope == "/")
            });
            // Without a key the role would stand behind a password alone.
            if held || self.waits(&account) {
                continue;
            }
            let bounded = self.now.active_assignments.iter().any(|own| {
                own.principal == account.id
                    && self.now.is_global_administrator(&own.role)
                    && matches!(own.end, Reading::Read(Some(_)))
                    && self.now.in_force(own)
                    && own.activated.get() != Some(&true)
            });
            let id = account.id.to_string();
            let action = if bounded {
                "adminUpdate"
            } else {
                "adminAssign"
            };
            self.add(Proposal {
                id: format!("role-{}", slug(&account.name)),
                stage: Stage::Role,
                title: format!("Make {} Global Administrator, permanently and actively", account.name),
                reason: "A role that must be activated first, or that ends, is not there on the day it is needed.".to_owned(),
                requirement: "A4",
                permission: "RoleManagement.ReadWrite.Directory",
                by_person: false,
                after: self.after_permanent(),
                risk: "One more standing Global Administrator; it is counted (A6).",
                undo_text: "The assignment is removed.".to_owned(),
                write: graph(
                    request("roleAssignmentScheduleRequests", action, &id, GLOBAL_ADMINISTRATOR, "/", "Emergency access account: permanent and active"),
                    instance("roleAssignmentScheduleInstances", &id, GLOBAL_ADMINISTRATOR, &json!({"directoryScopeId": "/", "assignmentType": "Assigned", "memberType": "Direct", "endDateTime": null})),
                    Value::Null,
                    json!({"directoryScopeId": "/", "endDateTime": null}),
                    Some(request("roleAssignmentScheduleRequests", "adminRemove", &id, GLOBAL_ADMINISTRATOR, "/", "Taken back")),
                ),
                effects: vec![Effect::Assignment {
                    principal: id.clone(), role: GLOBAL_ADMINISTRATOR.to_owned(), scope: "/".to_owned(), active: true, given: true,
                }],
            });
        }
    }

    /// Weak and personal methods go, last of all that concerns sign-in, and only where the keys are enough.
    pub(super) fn weak_methods(&mut self) {
        for account in self.accounts.clone() {
            let methods: Vec<Method> = self
                .now
                .user(&account.id)
                .and_then(|user| user.methods.get())
                .into_iter()
                .flatten()
                .cloned()
                .collect();
            if !methods.iter().any(|own| own.kind == MethodKind::Fido2) {
                continue;
            }
            for method in methods {
                self.weak_method(&account, &method);
            }
        }
    }

    fn weak_method(&mut self, account: &Guarded, method: &Method) {
        let segment = match &method.kind {
            MethodKind::Phone => "phoneMethods",
            MethodKind::Email => "emailMethods",
            MethodKind::MicrosoftAuthenticator => "microsoftAuthenticatorMethods",
            MethodKind::SoftwareOath => "softwareOathMethods",
            MethodKind::TemporaryAccessPass => "temporaryAccessPassMethods",
            MethodKind::WindowsHello => "windowsHelloForBusinessMethods",
            _ => return,
        };
        let Some(method_id) = &method.id else {
            self.warn(format!(
                "a method of {} has no id in the input: remove it by hand (K4)",
                account.name
            ));
            return;
        };
        let user = account.id.to_string();
        let path = format!("/users/{user}/authentication/{segment}");
        let kind = crate::facts::kind_name(&method.kind);
        self.add(Proposal {
            id: format!(
                "method-{}-{}",
                slug(&account.name),
                slug(&format!(
                    "{segment} {}",
                    &method_id.chars().take(8).collect::<String>()
                ))
            ),
            stage: Stage::Methods,
            title: format!("Remove the {kind} of {}", account.name),
            reason:
                "A weak or personal method beside the keys is the way in that an attacker takes."
                    .to_owned(),
            requirement: "K4",
            permission: "UserAuthenticationMethod.ReadWrite.All",
            by_person: false,
            after: self.after_keys(),
            risk: "Only the keys are left: have them at hand, and tested.",
            undo_text: "Cannot be taken back: the person registers the method again.".to_owned(),
            write: graph(
                send(Verb::Delete, format!("{path}/{method_id}"), Value::Null),
                Look::Among {
                    path,
                    fields: json!({"id": method_id}),
                },
                json!({"id": method_id}),
                Value::Null,
                None,
            ),
            effects: vec![Effect::MethodGone {
                user,
                method: method_id.clone(),
            }],
        });
    }

    /// Standing Global Administrators whom somebody named become eligible.
    pub(super) fn head_count(&mut self) {
        for who in &self.wishes().make_eligible {
            let name = self
                .now
                .user(who)
                .and_then(|user| user.upn.as_ref())
                .map_or_else(|| who.to_string(), ToString::to_string);
            if self.ids().contains(who) {
                self.warn(format!(
                    "{name} is an emergency access account and stays active (A4)"
                ));
                continue;
            }
            let standing = |draft: &Self| {
                draft.now.active_assignments.iter().any(|own| {
                    own.principal == *who
                        && own.kind == AssignmentKind::Active
                        && draft.now.is_global_administrator(&own.role)
                        && own.end == Reading::Read(None)
                        && own.activated.get() != Some(&true)
                })
            };
            if !standing(self) {
                continue;
            }
            if !self.any_stands() {
                self.warn(format!(
                    "{name} stays a standing Global Administrator until an emergency access account has its key and its role (A6)"
                ));
                continue;
            }
            let eligible = self.now.eligible_assignments.iter().any(|own| {
                own.principal == *who
                    && self.now.is_global_administrator(&own.role)
                    && self.now.in_force(own)
            });
            if !eligible
                && !self.add(eligible_for(
                    who,
                    &name,
                    GLOBAL_ADMINISTRATOR,
                    "/",
                    "A6",
                    Stage::HeadCount,
                    "Global Administrator",
                ))
            {
                continue;
            }
            let id = who.to_string();
            self.add(Proposal {
                id: format!("standing-{}", slug(&name)),
                stage: Stage::HeadCount,
                title: format!("Remove the standing assignment of Global Administrator from {name}"),
                reason: "Standing Global Administrators stay few; this one activates the role when needed.".to_owned(),
                requirement: "A6",
                permission: "RoleManagement.ReadWrite.Directory",
                by_person: false,
                after: Vec::new(),
                risk: "Whatever runs as this user without activating the role stops working: a service account must not be named here before its needs are known.",
                undo_text: "The assignment is given back.".to_owned(),
                write: graph(
                    request("roleAssignmentScheduleRequests", "adminRemove", &id, GLOBAL_ADMINISTRATOR, "/", "Eligible instead"),
                    instance("roleAssignmentScheduleInstances", &id, GLOBAL_ADMINISTRATOR, &json!({"directoryScopeId": "/", "assignmentType": "Assigned", "memberType": "Direct"})),
                    json!({"directoryScopeId": "/"}),
                    Value::Null,
                    Some(request("roleAssignmentScheduleRequests", "adminAssign", &id, GLOBAL_ADMINISTRATOR, "/", "Given back")),
                ),
                effects: vec![Effect::Assignment {
                    principal: id.clone(), role: GLOBAL_ADMINISTRATOR.to_owned(), scope: "/".to_owned(), active: true, given: false,
                }],
            });
        }
    }
}

/// Somebody becomes eligible for a role.
pub(super) fn eligible_for(
    who: &ObjectId,
    name: &str,
    role: &str,
    scope: &str,
    requirement: &'static str,
    stage: Stage,
    role_name: &str,
) -> Proposal {
    let id = who.to_string();
    Proposal {
        id: format!("eligible-{}-{}", slug(name), slug(role_name)),
        stage,
        title: format!("Make {name} eligible for {role_name}"),
        reason: "The role is activated when it is needed, with approval and a reason, and not held all the time.".to_owned(),
        requirement,
        permission: "RoleEligibilitySchedule.ReadWrite.Directory",
        by_person: false,
        after: Vec::new(),
        risk: "None: nothing is taken away by this step.",
        undo_text: "The eligibility is removed.".to_owned(),
        write: graph(
            request("roleEligibilityScheduleRequests", "adminAssign", &id, role, scope, "Eligible"),
            instance("roleEligibilityScheduleInstances", &id, role, &json!({"directoryScopeId": scope})),
            Value::Null,
            json!({"directoryScopeId": scope}),
            Some(request("roleEligibilityScheduleRequests", "adminRemove", &id, role, scope, "Taken back")),
        ),
        effects: vec![Effect::Assignment {
            principal: id.clone(), role: role.to_owned(), scope: scope.to_owned(), active: false, given: true,
        }],
    }
}

fn request(
    list: &str,
    action: &str,
    principal: &str,
    role: &str,
    scope: &str,
    why: &str,
) -> breakglass_model::plan::Send {
    let mut body = json!({
        "action": action, "principalId": principal, "roleDefinitionId": role, "directoryScopeId": scope,
        "justification": why,
    });
    if action != "adminRemove" {
        body["scheduleInfo"] = json!({"expiration": {"type": "noExpiration"}});
    }
    send(
        Verb::Post,
        format!("/roleManagement/directory/{list}"),
        body,
    )
}

fn instance(list: &str, principal: &str, role: &str, fields: &Value) -> Look {
    Look::Among {
        path: format!(
            "/roleManagement/directory/{list}?$filter=principalId eq '{principal}' and roleDefinitionId eq '{role}'"
        ),
        fields: fields.clone(),
    }
}
