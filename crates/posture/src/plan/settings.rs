//! Settings of the tenant that drift: self-service password reset and consent in the authorization policy, and security
//! defaults.
//!
//! Each of them holds for everybody, so a step says what it takes from others, and a signed-in person takes it: no
//! application of ours holds such a permission. What would take more than it gives is left to people, with the reason.

use breakglass_conditional_access::policy::{Control, Grant, Operator, State};
use breakglass_model::plan::{Effect, Look, Stage, Verb};
use serde_json::{Value, json};

use super::draft::{Draft, Proposal, graph, send};

const AUTHORIZATION: &str = "authorizationPolicy";
const DEFAULTS: &str = "identitySecurityDefaultsEnforcementPolicy";
/// Anybody may consent to anything (Microsoft Entra, *Configure how users consent to applications*).
const LEGACY: &str = "microsoft-user-default-legacy";
/// For permissions that somebody classified as low, to applications of verified publishers.
const LOW: &str = "microsoft-user-default-low";

impl Draft<'_> {
    /// A setting that the tenant has once; `None`: not read, or without the id by which a step names it.
    fn once(&self, collection: &str) -> Option<(String, Value)> {
        match self.all(collection) {
            [own] => Some((own["id"].as_str()?.to_owned(), own.clone())),
            _ => None,
        }
    }

    /// Security defaults give way to Conditional Access, when Conditional Access does for everybody what they do.
    pub(super) fn security_defaults(&mut self) {
        let Some((id, own)) = self.once(DEFAULTS) else {
            return;
        };
        if own["isEnabled"] != true {
            return;
        }
        let title = "Switch security defaults off";
        let Some(cover) = self.cover() else {
            self.warn(format!(
                "not planned: {title}: no enabled policy asks everybody for multifactor authentication in every application and client, \
                 so others would be left with their passwords; the tenant's owner enables one, and switches them off in the same hour (C1)"
            ));
            return;
        };
        let path = format!("/policies/{DEFAULTS}");
        self.add(Proposal {
            id: "security-defaults".to_owned(),
            stage: Stage::Keys,
            title: title.to_owned(),
            reason: format!(
                "While they are on, nobody can be spared and no policy can be switched on. `{cover}` asks everybody for multifactor \
                 authentication without them."
            ),
            requirement: "C1",
            permission: "Policy.Read.All, Policy.ReadWrite.SecurityDefaults, as a signed-in Conditional Access Administrator",
            by_person: true,
            after: Vec::new(),
            risk: "Whom the policies leave out is asked for nothing any longer: look at their exclusions before you approve it.",
            undo_text: "They are switched on again; Microsoft takes that only while no policy is enabled.".to_owned(),
            write: graph(
                send(Verb::Patch, &path, json!({"isEnabled": false})),
                Look::Object(path.clone()),
                json!({"isEnabled": true}),
                json!({"isEnabled": false}),
                Some(send(Verb::Patch, &path, json!({"isEnabled": true}))),
            ),
            effects: vec![Effect::Object {
                collection: DEFAULTS.to_owned(),
                id,
                set: json!({"isEnabled": false}),
            }],
        });
    }

    /// A policy that asks everybody for multifactor authentication, everywhere: what it leaves out, it leaves out by name.
    fn cover(&self) -> Option<String> {
        let lockout = self.lockout();
        (0..self.now.policies.items.len()).find_map(|place| {
            let policy = lockout.policy(place)?;
            let covers = policy.state == State::Enabled
                && policy.users.include.all
                && policy.unconditional()
                && policy.grant.as_ref().is_some_and(asks_for_mfa);
            covers.then(|| policy.name.clone())
        })
    }

    /// Administrators reset no password by telephone or mail.
    pub(super) fn self_service_reset(&mut self) {
        self.authorization(
            "self-service-reset",
            Stage::Methods,
            "Keep administrators from resetting their own passwords",
            "Self-service reset takes weak and personal methods, and asks for them to be registered: the accounts shall have none.",
            "K4",
            "An administrator who forgets a password needs another one to reset it.",
            |own| (own["allowedToUseSSPR"] == true).then(|| {
                (json!({"allowedToUseSSPR": true}), json!({"allowedToUseSSPR": false}))
            }),
        );
    }

    /// Users consent to permissions that somebody classified as low, of verified publishers.
    pub(super) fn consent(&mut self) {
        self.authorization(
            "consent",
            Stage::Protection,
            "Let users consent to low permissions of verified publishers only",
            "An administrator who is tricked into consenting hands an application his powers over the accounts and their policies.",
            "M1",
            "Users who want an application ask an administrator. What they consented to before stays. While nobody classified \
             permissions as low, they consent to none.",
            |own| {
                let was = own["defaultUserRolePermissions"]["permissionGrantPoliciesAssigned"].as_array()?;
                let is: Vec<Value> = was
                    .iter()
                    .map(|one| one.as_str().map_or_else(|| one.clone(), |one| lower(one).into()))
                    .collect();
                let set = |list: &[Value]| json!({"defaultUserRolePermissions": {"permissionGrantPoliciesAssigned": list}});
                (is != *was).then(|| (set(was), set(&is)))
            },
        );
    }

    /// A step that changes the authorization policy, where the change finds something.
    #[expect(clippy::too_many_arguments, reason = "words of a step, each said once")]
    fn authorization(
        &mut self,
        step: &str,
        stage: Stage,
        title: &str,
        reason: &str,
        requirement: &'static str,
        risk: &'static str,
        change: impl Fn(&Value) -> Option<(Value, Value)>,
    ) {
        let Some((id, own)) = self.once(AUTHORIZATION) else {
            return;
        };
        let Some((before, after)) = change(&own) else {
            return;
        };
        let path = format!("/policies/{AUTHORIZATION}");
        self.add(Proposal {
            id: step.to_owned(),
            stage,
            title: title.to_owned(),
            reason: reason.to_owned(),
            requirement,
            permission: "Policy.ReadWrite.Authorization, as a signed-in Privileged Role Administrator",
            // The same permission decides what every user and guest may do.
            by_person: true,
            after: Vec::new(),
            risk,
            undo_text: "The old value is written back.".to_owned(),
            write: graph(
                send(Verb::Patch, &path, after.clone()),
                Look::Object(path.clone()),
                before.clone(),
                after.clone(),
                Some(send(Verb::Patch, &path, before)),
            ),
            effects: vec![Effect::Object {
                collection: AUTHORIZATION.to_owned(),
                id,
                set: after,
            }],
        });
    }
}

/// A consent policy with less in it; others as they are.
fn lower(policy: &str) -> String {
    // Letters of ASCII only: their places are the same in lower case.
    match policy.to_ascii_lowercase().strip_suffix(LEGACY) {
        Some(prefix) => format!("{}{LOW}", &policy[..prefix.len()]),
        None => policy.to_owned(),
    }
}

/// Whether nobody gets past the controls without multifactor authentication.
fn asks_for_mfa(grant: &Grant) -> bool {
    let own = |control: &Control| matches!(control, Control::Mfa | Control::Strength(_));
    match grant.operator {
        Operator::And => grant.controls.iter().any(own),
        Operator::Or => !grant.controls.is_empty() && grant.controls.iter().all(own),
        Operator::Unknown(_) => false,
    }
}
