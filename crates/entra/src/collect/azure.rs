//! What Azure knows of the logs, of the rules that watch them, and of who could silence these.
//!
//! Azure Monitor: *Diagnostic settings*, *Scheduled query rules*, *Action groups*, *Alert processing rules*; Microsoft
//! Sentinel: *Alert rules*. A collection is read in every subscription that can be seen; a subscription or workspace
//! that refuses makes it a collection that is not whole.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    CollectError, keep,
    keep::text,
    session::{Found, Session, Stop, Why, ends_the_run},
    work::Part,
};
use crate::{Error, Request};

/// Tables that a use of an account shows up in.
const TABLES: [&str; 3] = ["SigninLogs", "AADNonInteractiveUserSignInLogs", "AuditLogs"];
/// How far back the newest record is looked for.
const FRESH: &str = "P7D";
const INSIGHTS: &str = "Microsoft.OperationalInsights/workspaces";
const STABLE: &str = "2025-09-01";
/// Rules that run at once (`NRT`) are in preview versions only.
const PREVIEW: &str = "2025-10-01-preview";

/// Places that were asked, and those that refused.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) asked: usize,
    refused: usize,
    first: Option<(String, Error)>,
}

impl Places {
    /// A place refused: noted, unless the failure may pass.
    pub(super) fn refuse(&mut self, place: &str, error: Error) -> Result<(), Stop> {
        if passes(&error) {
            return Err(error.into());
        }
        self.refused += 1;
        self.first.get_or_insert_with(|| (place.to_owned(), error));
        Ok(())
    }

    /// Nothing was read, or not everything.
    pub(super) fn judge(
        self,
        session: &Session<'_>,
        name: &str,
        found: &mut Found,
    ) -> Result<(), Stop> {
        let Some((place, error)) = self.first else {
            return Ok(());
        };
        let why = Why::of(&error).at(|why| format!("{place}: {why}"));
        if self.refused == self.asked {
            return Err(Stop::Cannot(why));
        }
        let (refused, asked) = (self.refused, self.asked);
        let why = why.at(|why| format!("{refused} of {asked} could not be asked: {why}"));
        found.not_read.push(session.missing(name, why));
        Ok(())
    }
}

/// Whether a failure may pass. Nobody needs to have access to Azure: no token for it is an answer.
fn passes(error: &Error) -> bool {
    match error {
        Error::SignIn(_) => error.is_transient(),
        _ => ends_the_run(error),
    }
}

/// No token for Azure leaves a collection unread.
fn judged(error: Error) -> Stop {
    if passes(&error) {
        Stop::Call(error)
    } else {
        Stop::Cannot(Why::of(&error))
    }
}

impl Session<'_> {
    /// Everything in Azure.
    pub(super) async fn azure(&self) -> Result<(), CollectError> {
        let name = "diagnosticSettings";
        self.step(name, name, async |part, _| {
            let path = "/providers/microsoft.aadiam/diagnosticSettings?api-version=2017-04-01";
            for row in self.rows(path).await.map_err(judged)? {
                part.push(&row)?;
            }
            Ok(())
        })
        .await?;
        let name = "subscriptions";
        self.step(name, name, async |part, _| {
            let rows = self
                .rows("/subscriptions?api-version=2022-12-01")
                .await
                .map_err(judged)?;
            if rows.is_empty() {
                return Err(Stop::Cannot(Why::unseen(
                    "no Azure subscription can be seen, so nothing is known of alert rules",
                )));
            }
            for row in rows {
                part.push(&row)?;
            }
            Ok(())
        })
        .await?;
        for (name, provider, version) in [
            ("workspaces", INSIGHTS, "2025-07-01"),
            (
                "scheduledQueryRules",
                "Microsoft.Insights/scheduledQueryRules",
                "2023-12-01",
            ),
            (
                "actionGroups",
                "Microsoft.Insights/actionGroups",
                "2023-01-01",
            ),
            (
                "actionRules",
                "Microsoft.AlertsManagement/actionRules",
                "2021-08-08",
            ),
            (
                "activityLogAlerts",
                "Microsoft.Insights/activityLogAlerts",
                "2020-10-01",
            ),
            ("locks", "Microsoft.Authorization/locks", "2020-05-01"),
        ] {
            self.in_subscriptions(name, provider, version).await?;
        }
        self.health().await?;
        self.fired().await?;
        self.deeds().await?;
        self.destinations().await?;
        self.of_workspaces().await
    }

    /// Whether Azure can run the alert rules (Azure Resource Health, *Resource health for log search alert rules*: those
    /// that run every 15 minutes or more often).
    async fn health(&self) -> Result<(), CollectError> {
        let name = "ruleHealth";
        self.step(name, name, async |part, found| {
            let mut places = Places::default();
            for rule in self.ids("scheduledQueryRules")? {
                places.asked += 1;
                let path = format!(
                    "{rule}/providers/Microsoft.ResourceHealth/availabilityStatuses/current?api-version=2025-05-01"
                );
                match self.entra.get(Request::arm(path)).await {
                    Ok(mut row) => {
                        // When it was asked says nothing of the rule.
                        if let Some(own) = row["properties"].as_object_mut() {
                            own.retain(|name, _| !name.ends_with("Time"));
                        }
                        part.push(&keep::nameless(keep::plain(row)))?;
                    }
                    // A rule that runs less often has no health.
                    Err(error) if error.is_not_found() => {}
                    Err(error) => places.refuse(&rule, error)?,
                }
            }
            places.judge(self, name, found)
        })
        .await?;
        Ok(())
    }

    /// Where roles decide who may read for the rules, and who may change them: the workspaces, and the resource groups of
    /// rules and receivers.
    fn role_scopes(&self) -> Result<BTreeSet<String>, Stop> {
        let mut scopes: BTreeSet<String> = self.ids("workspaces")?.into_iter().collect();
        for step in ["scheduledQueryRules", "actionGroups"] {
            if !self.was_read(step) {
                continue;
            }
            for id in self.ids(step)? {
                let group: Vec<&str> = id.split('/').take(5).collect();
                if group.len() == 5 && group[3].eq_ignore_ascii_case("resourceGroups") {
                    scopes.insert(group.join("/"));
                }
            }
        }
        Ok(scopes)
    }

    /// The whole list behind a path, without the names of authors.
    async fn rows(&self, path: &str) -> Result<Vec<Value>, Error> {
        let rows = self.entra.all(Request::arm(path)).await?;
        Ok(rows
            .into_iter()
            .map(|row| keep::nameless(keep::plain(row)))
            .collect())
    }

    /// A kind of resource in all subscriptions.
    async fn in_subscriptions(
        &self,
        name: &'static str,
        provider: &str,
        version: &str,
    ) -> Result<(), CollectError> {
        self.step(name, name, async |part, found| {
            let lists = self.ids("subscriptions")?.into_iter().map(|subscription| {
                let path = format!("{subscription}/providers/{provider}?api-version={version}");
                (subscription, path)
            });
            self.gather(name, lists, part, found, Some).await
        })
        .await?;
        Ok(())
    }

    /// Reads lists, each at its place, and keeps of a row what `keep` leaves of it; a place that refuses is noted.
    pub(super) async fn gather(
        &self,
        name: &str,
        lists: impl IntoIterator<Item = (String, String)>,
        part: &mut Part,
        found: &mut Found,
        mut keep: impl FnMut(Value) -> Option<Value>,
    ) -> Result<(), Stop> {
        let mut places = Places::default();
        for (place, path) in lists {
            places.asked += 1;
            match self.rows(&path).await {
                Ok(rows) => {
                    for row in rows.into_iter().filter_map(&mut keep) {
                        part.push(&row)?;
                    }
                }
                Err(error) => places.refuse(&place, error)?,
            }
        }
        places.judge(self, name, found)
    }

    /// An error when a step, which tells where to look, was not read.
    pub(super) fn needs(&self, step: &str) -> Result<(), Stop> {
        if self.was_read(step) {
            return Ok(());
        }
        Err(Stop::Cannot(Why::unseen(format!(
            "`{step}` could not be read, so it is not known where to look"
        ))))
    }

    /// Ids of the objects of a finished step; an error when it was not read.
    pub(super) fn ids(&self, step: &str) -> Result<Vec<String>, Stop> {
        self.needs(step)?;
        let mut ids = Vec::new();
        self.each(step, |row| ids.push(text(&row, "id").to_owned()))?;
        Ok(ids)
    }

    async fn of_workspaces(&self) -> Result<(), CollectError> {
        let name = "workspaceTables";
        self.step(name, name, async |part, found| {
            self.in_workspaces(name, part, found, async |workspace, part| {
                for table in TABLES {
                    let path = format!("{workspace}/tables/{table}?api-version=2025-07-01");
                    match self.entra.get(Request::arm(path)).await {
                        Ok(row) => part.push(&keep::nameless(keep::plain(row)))?,
                        // A table that never received anything is not there.
                        Err(error) if error.is_not_found() => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                Ok(())
            })
            .await
        })
        .await?;
        let name = "azureRoleAssignments";
        self.step(name, name, async |part, found| {
            let mut seen = BTreeSet::new();
            let lists = self.role_scopes()?.into_iter().map(|scope| {
                let path = format!(
                    "{scope}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01&$filter=atScope()"
                );
                (scope, path)
            });
            self.gather(name, lists, part, found, |row| {
                seen.insert(text(&row, "id").to_lowercase()).then_some(row)
            })
            .await
        })
        .await?;
        self.sentinel().await?;
        self.watchlist_items().await?;
        self.freshness().await
    }

    /// Asks every workspace; one that refuses is noted.
    async fn in_workspaces<F>(
        &self,
        name: &str,
        part: &mut Part,
        found: &mut Found,
        mut ask: F,
    ) -> Result<(), Stop>
    where
        F: AsyncFnMut(&str, &mut Part) -> Result<(), Stop>,
    {
        let mut places = Places::default();
        for workspace in self.ids("workspaces")? {
            places.asked += 1;
            match ask(&workspace, part).await {
                Ok(()) => {}
                Err(Stop::Call(error)) => places.refuse(&workspace, error)?,
                Err(other) => return Err(other),
            }
        }
        places.judge(self, name, found)
    }

    /// Microsoft Sentinel, in the workspaces that have it.
    async fn sentinel(&self) -> Result<(), CollectError> {
        let base = |workspace: &str| format!("{workspace}/providers/Microsoft.SecurityInsights");
        let name = "onboardingStates";
        self.step(name, name, async |part, found| {
            self.in_workspaces(name, part, found, async |workspace, part| {
                let path = format!(
                    "{}/onboardingStates/default?api-version={STABLE}",
                    base(workspace)
                );
                match self.entra.get(Request::arm(path)).await {
                    Ok(mut state) => {
                        state["workspaceId"] = json!(workspace);
                        part.push(&keep::nameless(keep::plain(state)))?;
                    }
                    // Microsoft Sentinel is not there.
                    Err(error) if error.is_not_found() => {}
                    Err(error) => return Err(error.into()),
                }
                Ok(())
            })
            .await
        })
        .await?;
        let mut onboarded = BTreeSet::new();
        self.each(name, |state| {
            onboarded.insert(text(&state, "workspaceId").to_owned());
        })?;
        for (name, versions) in [
            ("alertRules", &[STABLE, PREVIEW][..]),
            ("automationRules", &[STABLE]),
            ("watchlists", &[STABLE]),
        ] {
            self.step(name, name, async |part, found| {
                self.ids("onboardingStates")?;
                self.in_workspaces(name, part, found, async |workspace, part| {
                    if !onboarded.contains(workspace) {
                        return Ok(());
                    }
                    let mut seen = BTreeSet::new();
                    for version in versions {
                        let path = format!("{}/{name}?api-version={version}", base(workspace));
                        for row in self.rows(&path).await? {
                            if seen.insert(text(&row, "id").to_lowercase()) {
                                part.push(&row)?;
                            }
                        }
                    }
                    Ok(())
                })
                .await
            })
            .await?;
        }
        Ok(())
    }

    /// When the newest record of each table arrived.
    async fn freshness(&self) -> Result<(), CollectError> {
        let name = "workspaceFreshness";
        self.step(name, name, async |part, found| {
            let mut customers = std::collections::BTreeMap::new();
            self.each("workspaces", |workspace| {
                let customer = workspace.pointer("/properties/customerId").and_then(Value::as_str);
                customers.insert(
                    text(&workspace, "id").to_owned(),
                    customer.unwrap_or_default().to_owned(),
                );
            })?;
            self.in_workspaces(name, part, found, async |workspace, part| {
                let customer = customers.get(workspace).map_or("", String::as_str);
                let query = format!(
                    "union isfuzzy=true withsource=T {} | summarize Last = max(TimeGenerated), \
                     LastIngest = max(ingestion_time()) by T",
                    TABLES.join(", ")
                );
                let answer = self.entra.query(customer, &query, FRESH).await?;
                for table in TABLES {
                    let row = answer.rows.iter().find(|row| {
                        row.get("T").and_then(Value::as_str) == Some(table)
                    });
                    let cell = |key: &str| row.and_then(|row| row.get(key)).cloned();
                    part.push(&json!({
                        "id": format!("{workspace}/tables/{table}"), "workspaceId": workspace, "table": table,
                        "within": FRESH, "lastTimeGenerated": cell("Last"), "lastIngestionTime": cell("LastIngest"),
                    }))?;
                }
                Ok(())
            })
            .await
        })
        .await?;
        Ok(())
    }
}
