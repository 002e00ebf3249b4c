//! Collections of Microsoft Graph that stand by themselves.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    CollectError, Event, keep,
    keep::text,
    session::{Found, Session, Stop, Why, ends_the_run},
    work::Part,
};
use crate::{Request, Version};

impl Session<'_> {
    /// The tenant itself, and its domains.
    pub(super) async fn organization(&self) -> Result<(), CollectError> {
        self.step("organization", "organization", async |part, _| {
            let rows = self.entra.all(Request::graph(Version::V1, "/organization"));
            for row in rows.await? {
                part.push(&keep::only(&row, ORGANIZATION))?;
            }
            Ok(())
        })
        .await?;
        self.step("domains", "domains", async |part, found| {
            let rows = self
                .entra
                .all(Request::graph(Version::V1, "/domains"))
                .await?;
            for row in rows {
                self.domain(keep::plain(row), part, found).await?;
            }
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// A domain, with the identity provider that it depends on.
    async fn domain(&self, mut row: Value, part: &mut Part, found: &mut Found) -> Result<(), Stop> {
        if text(&row, "authenticationType").eq_ignore_ascii_case("Federated") {
            let name = text(&row, "id").to_owned();
            let path = format!("/domains/{}/federationConfiguration", segment(&name));
            match self.entra.all(Request::graph(Version::V1, path)).await {
                Ok(configuration) => row["federationConfiguration"] = json!(configuration),
                Err(error) if ends_the_run(&error) => return Err(error.into()),
                Err(error) => found.not_read.push(breakglass_model::NotRead {
                    collection: "domains/federationConfiguration".to_owned(),
                    ..self.missing(
                        "domains",
                        Why::of(&error).at(|why| format!("{name}: {why}")),
                    )
                }),
            }
        }
        part.push(&row)?;
        Ok(())
    }

    /// Policies and all that they refer to.
    pub(super) async fn conditional_access(&self) -> Result<(), CollectError> {
        let policies = "conditionalAccessPolicies";
        self.step(policies, policies, async |part, found| {
            let mut beta = BTreeSet::new();
            let path = "/identity/conditionalAccess/policies";
            self.list(
                policies,
                Request::graph(Version::Beta, path),
                part,
                |policy| {
                    beta.insert(text(&policy, "id").to_lowercase());
                    Some(keep::plain(policy))
                },
            )
            .await?;
            self.compare(&beta, found).await
        })
        .await?;
        let locations = "namedLocations";
        self.whole(
            locations,
            Version::Beta,
            "/identity/conditionalAccess/namedLocations",
        )
        .await?;
        self.step(
            "authenticationStrengthPolicies",
            "authenticationStrengthPolicies",
            async |part, _| self.strengths(part).await,
        )
        .await?;
        self.whole(
            "authenticationContextClassReferences",
            Version::V1,
            "/identity/conditionalAccess/authenticationContextClassReferences",
        )
        .await?;
        for name in [
            "identitySecurityDefaultsEnforcementPolicy",
            "authenticationMethodsPolicy",
            "authorizationPolicy",
        ] {
            self.step(name, name, async |part, _| {
                let request = Request::graph(Version::V1, format!("/policies/{name}"));
                let mut answer = self.entra.get(request).await?;
                // Some tenants answer with a list of one.
                if let Some(Value::Array(items)) = answer.get_mut("value").map(Value::take) {
                    answer = items
                        .into_iter()
                        .next()
                        .ok_or_else(|| Stop::Cannot(Why::plain("the answer is an empty list")))?;
                }
                part.push(&keep::plain(answer))?;
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    /// Version 1.0 leaves out policies that use features in preview; which ones decides whether they can be written
    /// there at all.
    async fn compare(&self, beta: &BTreeSet<String>, found: &mut Found) -> Result<(), Stop> {
        let path = "/identity/conditionalAccess/policies?$select=id";
        let stable = match self.entra.all(Request::graph(Version::V1, path)).await {
            Ok(rows) => rows,
            Err(error) if ends_the_run(&error) => return Err(error.into()),
            Err(error) => {
                found.not_read.push(self.missing(
                    "conditionalAccessPolicies",
                    Why::plain(format!(
                        "the policies of beta could not be compared with those of version 1.0, so it is not known whether \
                         the list is whole: {error}"
                    )),
                ));
                return Ok(());
            }
        };
        let stable: BTreeSet<String> = stable
            .iter()
            .map(|policy| text(policy, "id").to_lowercase())
            .collect();
        let hidden: Vec<&str> = beta.difference(&stable).map(String::as_str).collect();
        if !hidden.is_empty() {
            found.notes.push(format!(
                "Microsoft Graph v1.0 leaves out {} of {} Conditional Access policies, which use features in preview \
                 (read from beta): {}",
                hidden.len(),
                beta.len(),
                hidden.join(", ")
            ));
        }
        let gone: Vec<&str> = stable.difference(beta).map(String::as_str).collect();
        if !gone.is_empty() {
            found.not_read.push(self.missing(
                "conditionalAccessPolicies",
                Why::plain(format!(
                    "Microsoft Graph v1.0 lists policies that beta does not, so the list is not whole: {}; collect again",
                    gone.join(", ")
                )),
            ));
        }
        Ok(())
    }

    /// Strengths with the restrictions of their combinations, which most answers embed.
    async fn strengths(&self, part: &mut Part) -> Result<(), Stop> {
        let request = Request::graph(Version::V1, "/policies/authenticationStrengthPolicies");
        for row in self.entra.all(request).await? {
            let mut row = keep::plain(row);
            if row
                .get("combinationConfigurations")
                .is_none_or(Value::is_null)
            {
                let path = format!(
                    "/policies/authenticationStrengthPolicies/{}/combinationConfigurations",
                    segment(text(&row, "id"))
                );
                let own = self.entra.all(Request::graph(Version::V1, path)).await?;
                row["combinationConfigurations"] = json!(own);
            }
            part.push(&row)?;
        }
        Ok(())
    }

    /// A list that is kept as it is, without the names of authors.
    pub(super) async fn whole(
        &self,
        name: &'static str,
        version: Version,
        path: &str,
    ) -> Result<bool, CollectError> {
        self.step(name, name, async |part, _| {
            self.list(name, Request::graph(version, path), part, |row| {
                Some(keep::nameless(keep::plain(row)))
            })
            .await
        })
        .await
    }

    /// Reviews and workflows that could take something away from an account.
    pub(super) async fn governance(&self) -> Result<(), CollectError> {
        self.whole(
            "accessReviews",
            Version::V1,
            "/identityGovernance/accessReviews/definitions?$top=100",
        )
        .await?;
        let name = "lifecycleWorkflows";
        self.step(name, name, async |part, _| {
            let path = "/identityGovernance/lifecycleWorkflows/workflows";
            let rows = self.entra.all(Request::graph(Version::V1, path)).await?;
            // The list does not always tell whom a workflow is for.
            let bare = |row: &Value| row.get("executionConditions").is_none();
            let paths: Vec<String> = rows
                .iter()
                .filter(|row| bare(row))
                .map(|row| format!("{path}/{}", segment(text(row, "id"))))
                .collect();
            let mut whole = self.entra.batch(Version::V1, &paths).await.into_iter();
            for row in rows {
                let row = if bare(&row) {
                    whole.next().unwrap_or(Ok(row))?
                } else {
                    row
                };
                part.push(&keep::nameless(keep::plain(row)))?;
            }
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// What the registration report tells of ordinary users.
    pub(super) async fn registration(&self) -> Result<(), CollectError> {
        let name = "userRegistrationDetails";
        self.step(name, name, async |part, _| {
            let path = "/reports/authenticationMethods/userRegistrationDetails?$top=999";
            self.list(name, Request::graph(Version::V1, path), part, |row| {
                Some(keep::registration(&row))
            })
            .await
        })
        .await?;
        Ok(())
    }

    /// A step that has nothing to do here.
    pub(super) fn skip(&self, step: &'static str) {
        self.tell(step, 0, Event::Skipped);
    }
}

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

/// An id or name as a segment of a path.
pub(super) fn segment(text: &str) -> String {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~@!$'()*,:=+".contains(&byte);
    text.bytes()
        .map(|byte| {
            if safe(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
