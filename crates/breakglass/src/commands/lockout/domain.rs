//! Stands in for parts of the Conditional Access crate that are not merged yet.
#![allow(missing_docs, unused, clippy::all, clippy::pedantic)]

pub mod tenant {
    use breakglass_conditional_access::{
        Environment, Identity, Policy,
        identity::{Fact, Memberships},
        policy,
    };
    use breakglass_model::{ObjectId, Reading, TenantSnapshot};

    use breakglass_conditional_access::change::{self, Change};

    #[derive(Clone)]
    pub struct Tenant {
        pub policies: Vec<Policy>,
        pub environment: Environment,
        pub assumptions: Vec<String>,
        raw: Vec<serde_json::Value>,
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
                raw: snapshot.policies.iter().map(|p| p.raw.clone()).collect(),
            }
        }
        pub fn changed(
            &self,
            changes: &[Change],
            deletions: &[String],
        ) -> Result<(Self, Vec<String>), String> {
            let mut after = self.clone();
            let (raw, lines) = change::apply(&self.raw, changes);
            after.policies = raw.iter().map(policy::read).collect();
            after
                .policies
                .retain(|p| !deletions.iter().any(|d| d.eq_ignore_ascii_case(&p.id)));
            Ok((after, lines))
        }
    }

    pub struct Cohort {
        pub identity: Identity,
        pub count: usize,
        pub examples: Vec<String>,
        pub members: Vec<ObjectId>,
    }

    pub struct People<'a>(&'a TenantSnapshot);

    impl<'a> People<'a> {
        pub fn new(snapshot: &'a TenantSnapshot, _: &[&Tenant]) -> Self {
            Self(snapshot)
        }
        pub fn administrators(&self) -> (Vec<ObjectId>, Vec<ObjectId>) {
            let of =
                |list: &breakglass_model::Collection<breakglass_model::tenant::RoleAssignment>| {
                    list.iter()
                        .filter(|a| self.0.is_global_administrator(&a.role))
                        .map(|a| a.principal.clone())
                        .filter(|id| self.0.user(id).is_some())
                        .collect()
                };
            (
                of(&self.0.active_assignments),
                of(&self.0.eligible_assignments),
            )
        }
        pub fn cohorts(&self) -> Vec<Cohort> {
            self.0
                .users
                .iter()
                .filter_map(|u| u.id.clone())
                .map(|id| Cohort {
                    identity: self.identity(&id),
                    count: 1,
                    examples: vec![self.identity(&id).name],
                    members: vec![id],
                })
                .collect()
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
                devices: Fact::Known(Vec::new()),
                federated: Fact::Known(false),
                methods: Fact::Known(
                    user.and_then(|u| u.methods.get())
                        .into_iter()
                        .flatten()
                        .filter(|m| m.kind == breakglass_model::tenant::MethodKind::Fido2)
                        .map(|m| {
                            let own =
                                breakglass_conditional_access::strength::UsableMethod::new("fido2");
                            match &m.aaguid {
                                Some(model) => own.model(model),
                                None => own,
                            }
                        })
                        .collect(),
                ),
                ..Identity::default()
            }
        }
    }
}
