//! Conditional Access and the other policies, and the registration report.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{Found, Outcome, PLAIN, no_segment, text};
use crate::{
    Fault,
    graph::{
        Version,
        kind::{self, Kind},
        page::Rows,
        read::{Reader, not_premium},
        write::uses_preview,
    },
    lab::ApiError,
};

impl<'a> Reader<'a> {
    pub(super) fn of_policies(
        &self,
        path: &[&str],
        rest: &[&str],
        keys: &[&'a str],
    ) -> Outcome<'a> {
        let key = keys.last().copied().unwrap_or_default();
        match (path[0], rest) {
            ("identity", ["conditionalaccess", "policies"]) => {
                self.known("conditionalAccessPolicies")?;
                let v1 = self.request.version == Version::V1;
                let all = self
                    .state
                    .table("conditionalAccessPolicies")
                    .all_seen(self.now);
                // What uses a preview feature is silently left out of v1.0.
                let rows = all
                    .filter(|policy| !v1 || !uses_preview(policy))
                    .map(Cow::Borrowed)
                    .collect();
                Ok(Found::List(Self::values(rows, &kind::POLICY)))
            }
            ("identity", ["conditionalaccess", "policies", _]) => {
                self.known("conditionalAccessPolicies")?;
                let policy = self
                    .state
                    .table("conditionalAccessPolicies")
                    .seen(key, self.now);
                let policy = policy.ok_or_else(|| {
                    ApiError::new(
                        404,
                        "ResourceNotFound",
                        format!("Resource '{key}' does not exist."),
                    )
                })?;
                if self.request.version == Version::V1 && uses_preview(policy) {
                    return Err(ApiError::new(
                        400,
                        "BadRequest",
                        "1037: The policy you requested contains preview features. Use the Beta endpoint to retrieve this policy.",
                    ));
                }
                Self::one(Cow::Borrowed(policy), &kind::POLICY)
            }
            (
                "identity",
                [
                    "conditionalaccess",
                    "deleteditems",
                    list @ ("policies" | "namedlocations"),
                    rest @ ..,
                ],
            ) => {
                let (collection, kind) = if *list == "policies" {
                    ("conditionalAccessPolicies", &kind::POLICY)
                } else {
                    ("namedLocations", &kind::LOCATION)
                };
                let rows = self
                    .state
                    .deleted
                    .iter()
                    .filter(|(from, _)| from == collection);
                let rows = rows.map(|(_, object)| Cow::Borrowed(object)).collect();
                match rest {
                    [] => Ok(Found::List(Self::values(rows, kind))),
                    [_] => Self::in_list(rows, key, kind),
                    _ => Err(no_segment(key)),
                }
            }
            (
                "policies",
                [
                    "rolemanagementpolicyassignments" | "rolemanagementpolicies",
                    ..,
                ],
            ) => self.of_pim_rules(rest, keys),
            ("policies", ["identitysecuritydefaultsenforcementpolicy"]) => {
                self.single("identitySecurityDefaultsEnforcementPolicy", &kind::DEFAULTS)
            }
            ("policies", ["authorizationpolicy"]) => {
                self.single("authorizationPolicy", &kind::AUTHORIZATION)
            }
            ("policies", ["authenticationmethodspolicy"]) => {
                self.single("authenticationMethodsPolicy", &kind::METHODS_POLICY)
            }
            (
                "policies",
                [
                    "authenticationmethodspolicy",
                    "authenticationmethodconfigurations",
                    rest @ ..,
                ],
            ) => {
                let policy = self.only("authenticationMethodsPolicy")?;
                let rows = Self::stored(policy, "authenticationMethodConfigurations")?;
                match rest {
                    [] => {
                        let mut list = Self::values(rows, &kind::METHOD_SETTING);
                        "authenticationMethodConfigurations".clone_into(&mut list.context);
                        Ok(Found::List(list))
                    }
                    [_] => Self::in_list(rows, key, &kind::METHOD_SETTING),
                    _ => Err(no_segment(key)),
                }
            }
            (_, [.., "usage"])
                if path.contains(&"authenticationstrengthpolicies")
                    || path.contains(&"authenticationstrength") =>
            {
                let id = keys
                    .get(keys.len().saturating_sub(2))
                    .copied()
                    .unwrap_or_default();
                self.usage(id)
            }
            (
                _,
                [
                    ..,
                    "authenticationstrengthpolicies" | "policies",
                    _,
                    "combinationconfigurations",
                ],
            ) => {
                let id = keys
                    .get(keys.len().saturating_sub(2))
                    .copied()
                    .unwrap_or_default();
                self.known("authenticationStrengthPolicies")?;
                let found = self
                    .state
                    .table("authenticationStrengthPolicies")
                    .seen(id, self.now);
                let found = found.ok_or_else(|| ApiError::not_found(id))?;
                Ok(Found::List(Self::values(
                    Self::stored(found, "combinationConfigurations")?,
                    &kind::ENTITY,
                )))
            }
            _ => {
                if let [parent @ .., _] = path
                    && let Some((_, collection, kind)) = PLAIN.iter().find(|(at, ..)| at == &parent)
                {
                    return self.by_id(collection, key, kind);
                }
                Err(no_segment(key))
            }
        }
    }

    /// The policies that use a strength.
    pub(super) fn usage(&self, id: &str) -> Outcome<'a> {
        self.known("authenticationStrengthPolicies")?;
        let strength = self
            .state
            .table("authenticationStrengthPolicies")
            .seen(id, self.now);
        let strength = strength.ok_or_else(|| ApiError::not_found(id))?;
        let users: Vec<&Value> = self
            .state
            .table("conditionalAccessPolicies")
            .all_seen(self.now)
            .filter(|policy| {
                let own = policy
                    .pointer("/grantControls/authenticationStrength/id")
                    .and_then(Value::as_str);
                own.is_some_and(|own| own.eq_ignore_ascii_case(id))
            })
            .collect();
        let mfa = text(strength, "requirementsSatisfied") == "mfa";
        let (mfa, none) = if mfa {
            (users, Vec::new())
        } else {
            (Vec::new(), users)
        };
        Ok(Found::Whole(json!({"mfa": mfa, "none": none})))
    }

    pub(super) fn only(&self, collection: &str) -> Result<&'a Value, ApiError> {
        self.known(collection)?;
        let mut all = self.state.table(collection).all_seen(self.now);
        all.next().ok_or_else(|| ApiError::not_found(collection))
    }

    pub(super) fn single(&self, collection: &str, kind: &'static Kind) -> Outcome<'a> {
        Self::one(Cow::Borrowed(self.only(collection)?), kind)
    }

    pub(super) fn registrations(&self, id: Option<&str>) -> Outcome<'a> {
        if self.lab.faults.on(Fault::NoPremium) {
            return Err(not_premium());
        }
        if self.known("userRegistrationDetails").is_ok() {
            return match id {
                Some(id) => self.by_id("userRegistrationDetails", id, &kind::REGISTRATION),
                None => self
                    .table("userRegistrationDetails", &kind::REGISTRATION)
                    .map(Found::List),
            };
        }
        self.known("users")?;
        let users = self.state.table("users");
        if let Some(id) = id {
            let found = users.seen(id, self.now);
            let found = found.and_then(|user| self.registration(user));
            return Self::one(
                Cow::Owned(found.ok_or_else(|| ApiError::not_found(id))?),
                &kind::REGISTRATION,
            );
        }
        // Of a snapshot that has nobody's methods nothing follows.
        let any = |user: &Value| user.pointer("/authentication/methods").is_some();
        if !users.all_seen(self.now).any(any) {
            return Err(ApiError::not_held("userRegistrationDetails"));
        }
        let mut list = Self::values(Vec::new(), &kind::REGISTRATION);
        list.rows = Rows::Registrations(users);
        Ok(Found::List(list))
    }
}
