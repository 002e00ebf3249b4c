//! How keys are registered: a setting of the tenant that drifts, and that holds for everybody.
//!
//! A step says what it takes from others, and a signed-in person takes it. What would take more than it gives is left to
//! people, with the reason.

use breakglass_model::{
    plan::{Look, Stage, Verb, merge},
    tenant::MethodKind,
};
use serde_json::{Value, json};

use super::draft::{Draft, Proposal, graph, send};
use crate::directory::text;

impl Draft<'_> {
    /// Keys can be registered, and only attested ones.
    pub(super) fn registration(&mut self) {
        let Some((at, old)) = self.fido2() else {
            return;
        };
        let mut set = json!({});
        let mut words = Vec::new();
        if old["isSelfServiceRegistrationAllowed"] == false {
            set["isSelfServiceRegistrationAllowed"] = true.into();
            words.push("let keys be registered");
        }
        match self.attested(&old) {
            Ok(None) => {}
            Ok(Some(attested)) => {
                merge(&mut set, &attested);
                words.push("take attested keys only");
            }
            Err(why) => self.warn(format!(
                "not planned: let only attested keys be registered: {why}; the tenant's owner decides (K1)"
            )),
        }
        if words.is_empty() {
            return;
        }
        let mut new = old.clone();
        let mut before = json!({});
        for (field, value) in set.as_object().into_iter().flatten() {
            before[field] = old[field].clone();
            new[field] = value.clone();
        }
        let mut body =
            json!({"@odata.type": "#microsoft.graph.fido2AuthenticationMethodConfiguration"});
        let mut back = body.clone();
        merge(&mut body, &set);
        merge(&mut back, &before);
        let path = "/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/fido2";
        self.add(Proposal {
            id: "registration".to_owned(),
            stage: Stage::Keys,
            title: format!("Passkey (FIDO2): {}", words.join(", ")),
            reason: "A lost key is replaced at once only where keys can be registered; without attestation anything that calls itself a key is taken.".to_owned(),
            requirement: "K1",
            permission: "Policy.ReadWrite.AuthenticationMethod, as a signed-in Authentication Policy Administrator",
            by_person: true,
            after: self.after_keys(),
            risk: "It holds for everybody: passkeys that cannot be attested, synced ones among them, are registered no more. Those that are registered go on working: attestation is looked at when a key is registered.",
            undo_text: "The old settings are written back.".to_owned(),
            write: graph(
                send(Verb::Patch, path, body),
                Look::Object(path.to_owned()),
                before,
                set.clone(),
                Some(send(Verb::Patch, path, back)),
            ),
            effects: vec![at.effect(&new, &set)],
        });
    }

    /// The fields that make attestation asked for; `None`: it is. `Err`: why no plan asks for it.
    fn attested(&self, old: &Value) -> Result<Option<Value>, String> {
        let profiles = old["passkeyProfiles"]
            .as_array()
            .filter(|all| !all.is_empty());
        let open = |own: &Value| {
            ["", "disabled"]
                .iter()
                .any(|off| off.eq_ignore_ascii_case(text(own, "attestationEnforcement")))
        };
        let set = if let Some(profiles) = profiles {
            if !profiles.iter().any(open) {
                return Ok(None);
            }
            let synced = profiles.iter().find(|own| {
                open(own) && text(own, "passkeyTypes").to_lowercase().contains("synced")
            });
            if let Some(profile) = synced {
                return Err(format!(
                    "the passkey profile `{}` takes synced passkeys, which are never attested, and others may have nothing else",
                    text(profile, "name")
                ));
            }
            let mut profiles = profiles.clone();
            for own in profiles.iter_mut().filter(|own| open(own)) {
                own["attestationEnforcement"] = "registrationOnly".into();
            }
            json!({"passkeyProfiles": profiles})
        } else if old["isAttestationEnforced"] == false {
            json!({"isAttestationEnforced": true})
        } else {
            // On, or not known.
            return Ok(None);
        };
        for account in &self.accounts {
            let Some(user) = self.now.user(&account.id) else {
                continue;
            };
            let Some(methods) = user.methods.get() else {
                return Err(format!(
                    "whether the keys of {} are attested was not read",
                    account.name
                ));
            };
            let doubtful = methods.iter().find(|own| {
                let attested = own.attestation.as_deref().unwrap_or_default();
                own.kind == MethodKind::Fido2 && !attested.eq_ignore_ascii_case("attested")
            });
            if let Some(key) = doubtful {
                return Err(format!(
                    "the key `{}` of {} is not known as attested: a new one of its model might be refused on the day when it is needed",
                    key.name.as_deref().unwrap_or("without a name"),
                    account.name
                ));
            }
        }
        Ok(Some(set))
    }
}
