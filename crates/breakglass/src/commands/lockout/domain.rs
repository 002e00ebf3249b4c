//! Stands in for parts of the Conditional Access crate that are not merged yet.
#![allow(missing_docs, unused, clippy::all, clippy::pedantic)]

pub mod tenant {
    use breakglass_conditional_access::{
        Environment, Identity, Policy,
        identity::{Fact, Memberships},
        policy,
    };
    use breakglass_model::{ObjectId, Reading, TenantSnapshot};

    use super::change::Change;

    #[derive(Clone)]
    pub struct Tenant {
        pub policies: Vec<Policy>,
        pub environment: Environment,
        pub assumptions: Vec<String>,
    }

    impl Tenant {
        pub fn read(snapshot: &TenantSnapshot) -> Self {
            Self {
                policies: snapshot
                    .policies
                    .iter()
                    .map(|p| policy::read(&p.raw))
                    .collect(),
                environment: Environment::default(),
                assumptions: snapshot.assumptions.clone(),
            }
        }
        pub fn changed(
            &self,
            changes: &[Change],
            deletions: &[String],
        ) -> Result<(Self, Vec<String>), String> {
            let mut after = self.clone();
            after
                .policies
                .retain(|p| !deletions.iter().any(|d| d.eq_ignore_ascii_case(&p.id)));
            after
                .policies
                .extend(changes.iter().map(|c| policy::read(&c.body)));
            Ok((
                after,
                changes
                    .iter()
                    .map(|c| format!("{}: adds", c.source))
                    .collect(),
            ))
        }
    }

    pub struct People<'a>(&'a TenantSnapshot);

    impl<'a> People<'a> {
        pub fn new(snapshot: &'a TenantSnapshot, _: &[&Tenant]) -> Self {
            Self(snapshot)
        }
        pub fn identity(&self, id: &ObjectId) -> Identity {
            let user = self.0.user(id);
            Identity {
                id: id.folded(),
                name: user
                    .and_then(|u| u.upn.as_ref())
                    .map_or_else(|| id.to_string(), ToString::to_string),
                guest: Fact::Known(breakglass_conditional_access::identity::GuestKind::Member),
                groups: match self.0.groups_of(id) {
                    Reading::Read(g) => Memberships::known(g.iter().map(ObjectId::as_str)),
                    Reading::NotRead(why) => Memberships::unread(&why),
                },
                roles: Memberships::known(
                    self.0
                        .active_assignments
                        .iter()
                        .filter(|a| a.principal == *id)
                        .map(|a| a.role.as_str()),
                ),
                enabled: Fact::Known(true),
                ..Identity::default()
            }
        }
    }
}

pub mod prove {
    pub use breakglass_conditional_access::prove::*;
    use breakglass_conditional_access::{Engine, Identity, Policy, Subject};

    #[derive(Default)]
    pub struct Options {
        pub recovery_targets: Vec<String>,
    }

    pub struct Prover<'a>(&'a Engine);

    impl<'a> Prover<'a> {
        pub fn new(engine: &'a Engine, _: &Options) -> Self {
            Self(engine)
        }
        pub fn account(&self, _: &Subject, intended: &[bool]) -> AccountProof {
            AccountProof {
                verdict: Verdict::CannotTell,
                robust: None,
                only_intended: None,
                way_in: None,
                blame: Vec::new(),
                because: vec!["nothing is proved yet".to_owned()],
                targets: Vec::new(),
                policies: self
                    .0
                    .policies()
                    .enumerate()
                    .map(|(policy, _)| PolicyProof {
                        policy,
                        reach: Reach::CannotTell,
                        effect: Effect::None,
                        why: "nothing is proved yet".to_owned(),
                        witness: Some(Default::default()),
                        intended: intended[policy],
                    })
                    .collect(),
                missing: Vec::new(),
            }
        }
    }

    pub fn recognise(policy: &Policy, _: &Identity, declared: &[String]) -> bool {
        declared.iter().any(|d| d.eq_ignore_ascii_case(&policy.id))
    }
}

pub mod words {
    use breakglass_conditional_access::{Environment, SignIn};

    pub fn sentence(sign_in: &SignIn, environment: &Environment) -> String {
        let apps: Vec<&str> = sign_in
            .audiences
            .iter()
            .map(|id| environment.app_name(id))
            .collect();
        format!("signing in to {}", apps.join(" and "))
    }
}

pub mod change {
    use serde_json::Value;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Action {
        Put,
        Delete,
        Merge,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Kind {
        Policy,
        Group,
    }

    #[derive(Clone, Debug, PartialEq)]
    pub struct Change {
        pub kind: Kind,
        pub action: Action,
        pub id: Option<String>,
        pub name: Option<String>,
        pub body: Value,
        pub source: String,
        pub before_name: Option<String>,
    }

    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Changes {
        pub changes: Vec<Change>,
        pub warnings: Vec<String>,
    }

    pub fn read(file: &str, bytes: &[u8]) -> Result<Changes, String> {
        let body: Value = serde_json::from_slice(bytes).map_err(|e| format!("{file}: {e}"))?;
        let text = |key: &str| body[key].as_str().map(str::to_owned);
        Ok(Changes {
            changes: vec![Change {
                kind: Kind::Policy,
                action: Action::Put,
                id: text("id"),
                name: text("displayName"),
                source: file.to_owned(),
                before_name: None,
                body,
            }],
            warnings: Vec::new(),
        })
    }
}

pub mod preflight {
    use super::tenant::{People, Tenant};
    use breakglass_conditional_access::{Enforce, Outcome, SignIn};
    use breakglass_model::ObjectId;

    pub struct Input<'a> {
        pub before: &'a Tenant,
        pub after: &'a Tenant,
        pub people: &'a People<'a>,
        pub accounts: &'a [ObjectId],
        pub options: &'a super::prove::Options,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Verdict {
        Safe,
        Narrows,
        LocksOut,
        CannotTell,
    }
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Kind {
        Account,
        Administrator,
        User,
    }
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Scope {
        All,
        Some,
    }
    #[derive(Clone, Debug)]
    pub struct Who {
        pub signature: String,
        pub count: usize,
        pub examples: Vec<String>,
        pub kind: Kind,
    }
    #[derive(Clone, Debug)]
    pub struct Loss {
        pub who: Who,
        pub scope: Scope,
        pub witness: SignIn,
        pub by: Vec<usize>,
        pub outcome: Outcome,
    }
    #[derive(Clone, Debug, Default)]
    pub struct Access {
        pub total: usize,
        pub way_in: usize,
        pub names: Vec<String>,
        pub without: Vec<String>,
    }
    #[derive(Clone, Debug, Default)]
    pub struct BeforeAfter {
        pub before: Access,
        pub after: Access,
    }
    #[derive(Clone, Debug)]
    pub struct Report {
        pub verdict: Verdict,
        pub lost: Vec<Loss>,
        pub gained: Vec<Loss>,
        pub administrators: BeforeAfter,
        pub accounts: BeforeAfter,
        pub because: Vec<String>,
        pub missing: Vec<String>,
    }

    pub fn run(_: &Input, _: Enforce) -> Report {
        Report {
            verdict: Verdict::CannotTell,
            lost: Vec::new(),
            gained: Vec::new(),
            administrators: BeforeAfter::default(),
            accounts: BeforeAfter::default(),
            because: vec!["nothing is compared yet".to_owned()],
            missing: Vec::new(),
        }
    }
}
