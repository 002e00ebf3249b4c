//! The settings of FIDO2 in the authentication methods policy (Microsoft: *Enable passkeys (FIDO2)*, *passkey profiles*).
//!
//! The engine of Conditional Access judges usable methods, too. It has to be sure for all people at once and gives no
//! reason for one key; here one key of one account is judged, with the profiles of its targets.

use breakglass_conditional_access::Truth;
use breakglass_model::{NotRead, ObjectId, Reading};
use serde_json::Value;

use crate::{
    Context,
    directory::{names, text},
    facts::missing,
};

const PERMISSION: &str = "Policy.Read.AuthenticationMethod";

/// The settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fido2<'a>(&'a Value);

/// The settings of FIDO2, or what was not read.
pub(crate) fn fido2<'a>(context: &Context<'a>) -> Result<Fido2<'a>, NotRead> {
    const NAME: &str = "authenticationMethodsPolicy";
    const LIST: &str = "authenticationMethodConfigurations";
    let inline = context
        .listed(NAME)
        .iter()
        .filter_map(|policy| policy.get(LIST)?.as_array())
        .flatten();
    inline
        .chain(context.listed(LIST))
        .find(|own| text(own, "id").eq_ignore_ascii_case("fido2"))
        .map(Fido2)
        .ok_or_else(|| {
            context.whole(NAME, PERMISSION).err().unwrap_or_else(|| {
                missing(NAME, "it does not hold the settings of FIDO2", PERMISSION)
            })
        })
}

impl<'a> Fido2<'a> {
    /// A Boolean setting.
    pub(crate) fn flag(self, key: &str) -> Option<bool> {
        self.0.get(key).and_then(Value::as_bool)
    }

    fn list(self, key: &str) -> impl Iterator<Item = &'a Value> {
        self.0
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    }

    /// Whether every profile, or without profiles the settings themselves, asks for attestation at registration.
    pub(crate) fn attested(self) -> Option<bool> {
        let mut profiles = self.list("passkeyProfiles").peekable();
        if profiles.peek().is_none() {
            return self.flag("isAttestationEnforced");
        }
        Some(profiles.all(|own| {
            !["", "disabled"]
                .iter()
                .any(|off| off.eq_ignore_ascii_case(text(own, "attestationEnforcement")))
        }))
    }

    /// Whether an account may sign in with a key of a model, and why (not).
    pub(crate) fn takes(
        self,
        context: &Context<'_>,
        account: &ObjectId,
        model: Option<&str>,
    ) -> (Truth, &'static str) {
        if let Some(field) = ["state", "includeTargets", "excludeTargets"]
            .into_iter()
            .find(|field| self.0.get(*field).is_none())
        {
            return (Truth::Unknown, unread(field));
        }
        if !text(self.0, "state").eq_ignore_ascii_case("enabled") {
            return (Truth::No, "FIDO2 is switched off");
        }
        let hit = |target: &Value| target_hits(context, account, text(target, "id"));
        let excluded = self
            .list("excludeTargets")
            .map(hit)
            .fold(Truth::No, Truth::or);
        if excluded == Truth::Yes {
            return (Truth::No, "the account is excluded");
        }
        let mut takes = Truth::No;
        let mut included = Truth::No;
        for target in self.list("includeTargets") {
            let hits = hit(target);
            included = included.or(hits);
            takes = takes.or(hits.and(self.model(target, model)));
        }
        let why = match (included, takes) {
            (Truth::No, _) => "the account is not included",
            (_, Truth::No) => "its model is not allowed",
            _ => "whether the account is included, or which model the key is, is not known",
        };
        (takes.and(!excluded), why)
    }

    /// Whether a model is allowed to those of a target: any of its profiles suffices.
    fn model(self, target: &Value, model: Option<&str>) -> Truth {
        let allowed = target.get("allowedPasskeyProfiles");
        let profiles: Vec<&Value> = self
            .list("passkeyProfiles")
            .filter(|own| {
                allowed.and_then(Value::as_array).is_none() || names(allowed, text(own, "id"))
            })
            .collect();
        if profiles.is_empty() {
            return restricted(self.0.get("keyRestrictions"), model);
        }
        profiles
            .iter()
            .map(|own| restricted(own.get("keyRestrictions"), model))
            .fold(Truth::No, Truth::or)
    }
}

fn unread(field: &str) -> &'static str {
    match field {
        "state" => "the input does not tell whether FIDO2 is switched on",
        "includeTargets" => "the input does not tell whom the policy includes",
        _ => "the input does not tell whom the policy excludes",
    }
}

fn restricted(restrictions: Option<&Value>, model: Option<&str>) -> Truth {
    // Graph writes null where nothing is restricted; what is absent was not read.
    let Some(restrictions) = restrictions else {
        return Truth::Unknown;
    };
    if restrictions.is_null() {
        return Truth::Yes;
    }
    match restrictions.get("isEnforced").map(Value::as_bool) {
        Some(Some(true)) => {}
        Some(_) => return Truth::Yes,
        None => return Truth::Unknown,
    }
    if restrictions.get("aaGuids").is_none() || restrictions.get("enforcementType").is_none() {
        return Truth::Unknown;
    }
    let Some(model) = model else {
        return Truth::Unknown;
    };
    let listed = names(restrictions.get("aaGuids"), model);
    let block = text(restrictions, "enforcementType").eq_ignore_ascii_case("block");
    Truth::from(listed != block)
}

fn target_hits(context: &Context<'_>, account: &ObjectId, target: &str) -> Truth {
    if target.eq_ignore_ascii_case("all_users") || account.is(target) {
        return Truth::Yes;
    }
    match context.snapshot.groups_of(account) {
        Reading::Read(groups) => Truth::from(groups.iter().any(|own| own.is(target))),
        Reading::NotRead(_) => Truth::Unknown,
    }
}
