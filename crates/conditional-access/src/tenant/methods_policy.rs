//! The authentication methods policy: which registered methods a person may use (Microsoft: *Manage
//! authentication methods*).

use std::collections::BTreeMap;

use breakglass_model::TenantSnapshot;
use serde_json::Value;

use super::{
    columns::Columns,
    environment::{list, text, texts},
};
use crate::{
    Truth,
    identity::{Membership, fold},
    strength::EXTERNAL_MFA,
};

const POLICY: &str = "authenticationMethodsPolicy";
/// Where the ScubaGear export has the configurations.
const CONFIGURATIONS: &str = "authenticationMethodConfigurations";
/// The configurations of external methods have ids of their own.
const EXTERNAL: &str = "externalauthenticationmethodconfiguration";

/// The policy, read.
#[derive(Debug, Default)]
pub(super) struct MethodsPolicy {
    read: bool,
    /// Settings from before the policy may still allow second factors (`policyMigrationState`).
    migrating: bool,
    /// By folded id.
    configurations: BTreeMap<String, Configuration>,
    external: Vec<Configuration>,
}

#[derive(Debug)]
struct Configuration {
    enabled: Truth,
    include: Option<Vec<Target>>,
    exclude: Vec<Target>,
    /// What passkeys have to be: one of these has to allow them. Empty: anything.
    passkeys: Vec<Passkeys>,
}

#[derive(Debug)]
struct Target {
    /// `None`: everybody.
    column: Option<u32>,
    /// `authenticationMode` of Microsoft Authenticator, folded; `None`: any.
    mode: Option<String>,
}

/// Restrictions on models of keys; attestation decides only over registration.
#[derive(Debug, Default)]
struct Passkeys {
    /// Enforced: whether the list allows or refuses.
    allow: Option<bool>,
    /// Whether they are enforced was not read.
    unread: bool,
    models: Vec<String>,
}

/// Whether a method may be used; the reason when that is not sure.
pub(super) type Allowed = (Truth, Option<String>);

impl MethodsPolicy {
    /// Whether the input holds the policy.
    pub(super) fn is_read(snapshot: &TenantSnapshot) -> bool {
        !list(snapshot, CONFIGURATIONS).is_empty()
            || list(snapshot, POLICY)
                .iter()
                .any(|policy| policy.get(CONFIGURATIONS).is_some_and(Value::is_array))
    }

    /// Reads the policy; groups that it names become followed.
    pub(super) fn new(snapshot: &TenantSnapshot, columns: &mut Columns) -> Self {
        let mut policy = Self {
            read: Self::is_read(snapshot),
            ..Self::default()
        };
        let inline = list(snapshot, POLICY).iter().flat_map(|raw| {
            let state = text(raw, "policyMigrationState").map(fold);
            policy.migrating |= matches!(
                state.as_deref(),
                Some("premigration" | "migrationinprogress")
            );
            raw.get(CONFIGURATIONS)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
        });
        let all: Vec<&Value> = inline.chain(list(snapshot, CONFIGURATIONS)).collect();
        for raw in all {
            let Some(id) = text(raw, "id") else { continue };
            let configuration = configuration(raw, columns);
            let kind = text(raw, "@odata.type").unwrap_or_default();
            if fold(kind).ends_with(EXTERNAL) {
                policy.external.push(configuration);
            } else {
                policy.configurations.insert(fold(id), configuration);
            }
        }
        policy
    }

    /// The columns of the groups that decide.
    pub(super) fn columns(&self) -> Vec<u32> {
        let mut columns: Vec<u32> = self
            .configurations
            .values()
            .chain(&self.external)
            .flat_map(|one| one.include.iter().flatten().chain(&one.exclude))
            .filter_map(|target| target.column)
            .collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// Whether a person may use one word of a combination, in lower case.
    pub(super) fn allows<'m>(
        &self,
        word: &str,
        aaguid: Option<&str>,
        member: &impl Fn(u32) -> Membership<'m>,
    ) -> Allowed {
        let id = match word {
            _ if !self.read => return (Truth::Yes, None),
            "fido2" | "sms" | "voice" | "softwareoath" | "hardwareoath" | "email" | "qrcodepin" => {
                word
            }
            "microsoftauthenticatorpush" | "devicebasedpush" => "microsoftauthenticator",
            "temporaryaccesspassonetime" | "temporaryaccesspassmultiuse" => "temporaryaccesspass",
            "x509certificatesinglefactor" | "x509certificatemultifactor" => "x509certificate",
            _ if word.eq_ignore_ascii_case(EXTERNAL_MFA) => {
                return self
                    .external
                    .iter()
                    .map(|configuration| configuration.allows(word, None, member))
                    .max_by_key(|(truth, _)| *truth)
                    .unwrap_or((
                        Truth::No,
                        Some("the methods policy has no external method".to_owned()),
                    ));
            }
            // Passwords, Windows Hello and federation are not governed by the policy.
            _ => return (Truth::Yes, None),
        };
        let Some(configuration) = self.configurations.get(id) else {
            let why = format!("the methods policy in the input does not tell of `{id}`");
            return (Truth::Unknown, Some(why));
        };
        let (truth, why) = configuration.allows(word, aaguid, member);
        let is_old = !matches!(id, "fido2" | "x509certificate" | "temporaryaccesspass");
        if truth == Truth::No && self.migrating && is_old {
            let why =
                "the methods policy refuses it, but settings from before it may still allow it";
            return (Truth::Unknown, Some(why.to_owned()));
        }
        (truth, why)
    }
}

impl Configuration {
    fn allows<'m>(
        &self,
        word: &str,
        aaguid: Option<&str>,
        member: &impl Fn(u32) -> Membership<'m>,
    ) -> Allowed {
        if self.enabled == Truth::No {
            return (
                Truth::No,
                Some("the methods policy has switched it off".to_owned()),
            );
        }
        let hit = |target: &Target| match target.column.map(member) {
            None | Some(Membership::Held(_)) => Truth::Yes,
            Some(Membership::NotHeld) => Truth::No,
            Some(Membership::Unknown(_)) => Truth::Unknown,
        };
        let included = self.include.as_ref().map_or(Truth::Unknown, |targets| {
            targets
                .iter()
                .filter(|target| target.takes(word))
                .map(hit)
                .fold(Truth::No, Truth::or)
        });
        let excluded = self.exclude.iter().map(hit).fold(Truth::No, Truth::or);
        let model = self.model(word, aaguid);
        let truth = self.enabled.and(included).and(!excluded).and(model);
        let why = match truth {
            Truth::Yes => None,
            Truth::No if included == Truth::No => {
                Some("the methods policy does not include the person")
            }
            Truth::No if excluded == Truth::Yes => Some("the methods policy excludes the person"),
            Truth::No => Some("the methods policy refuses this model of key"),
            Truth::Unknown if model == Truth::Unknown => {
                Some("the methods policy asks for the model of the key, which is not known")
            }
            Truth::Unknown => Some("whether the methods policy includes the person is not known"),
        };
        (truth, why.map(str::to_owned))
    }

    fn model(&self, word: &str, aaguid: Option<&str>) -> Truth {
        if word != "fido2" || self.passkeys.is_empty() {
            return Truth::Yes;
        }
        let answers = self.passkeys.iter().map(|passkeys| passkeys.allow(aaguid));
        // Which profile a person has depends on the target; all of them have to agree.
        let (least, most) = answers.fold((Truth::Yes, Truth::No), |(least, most), truth| {
            (least.and(truth), most.or(truth))
        });
        if least == most { least } else { Truth::Unknown }
    }
}

impl Target {
    fn takes(&self, word: &str) -> bool {
        !matches!(
            (self.mode.as_deref(), word),
            (Some("push"), "devicebasedpush")
                | (Some("devicebasedpush"), "microsoftauthenticatorpush")
        )
    }
}

impl Passkeys {
    fn allow(&self, aaguid: Option<&str>) -> Truth {
        match (self.allow, aaguid) {
            (None, _) if self.unread => Truth::Unknown,
            (None, _) => Truth::Yes,
            (Some(_), None) => Truth::Unknown,
            (Some(allow), Some(model)) => {
                let listed = self
                    .models
                    .iter()
                    .any(|own| own.eq_ignore_ascii_case(model));
                (listed == allow).into()
            }
        }
    }
}

fn configuration(raw: &Value, columns: &mut Columns) -> Configuration {
    let profiles = raw
        .get("passkeyProfiles")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let passkeys = if profiles.is_empty() {
        raw.get("keyRestrictions")
            .into_iter()
            .map(passkeys)
            .collect()
    } else {
        profiles
            .iter()
            .map(|profile| {
                profile
                    .get("keyRestrictions")
                    .map(passkeys)
                    .unwrap_or_default()
            })
            .collect()
    };
    Configuration {
        enabled: text(raw, "state").map_or(Truth::Unknown, |state| {
            state.eq_ignore_ascii_case("enabled").into()
        }),
        include: raw
            .get("includeTargets")
            .and_then(Value::as_array)
            .map(|items| targets(items, columns)),
        exclude: raw
            .get("excludeTargets")
            .and_then(Value::as_array)
            .map(|items| targets(items, columns))
            .unwrap_or_default(),
        passkeys,
    }
}

fn targets(items: &[Value], columns: &mut Columns) -> Vec<Target> {
    items
        .iter()
        .filter_map(|raw| {
            let id = text(raw, "id")?;
            let everybody = id.eq_ignore_ascii_case("all_users");
            Some(Target {
                column: (!everybody).then(|| columns.add(id)),
                mode: text(raw, "authenticationMode")
                    .map(fold)
                    .filter(|mode| mode != "any"),
            })
        })
        .collect()
}

fn passkeys(restrictions: &Value) -> Passkeys {
    let enforced = restrictions.get("isEnforced").and_then(Value::as_bool) == Some(true);
    let kind = text(restrictions, "enforcementType").unwrap_or("allow");
    Passkeys {
        allow: enforced.then(|| !kind.eq_ignore_ascii_case("block")),
        unread: restrictions
            .as_object()
            .is_some_and(|own| !own.contains_key("isEnforced")),
        models: texts(restrictions, "aaGuids").map(fold).collect(),
    }
}
