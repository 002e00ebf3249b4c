//! Signs in Azure that the chain of alerting works, or that somebody or something broke it: alerts that fired, what was
//! done to the chain, places that logs go to beside workspaces, and who is on the lists that rules of Microsoft Sentinel
//! look accounts up in.
//!
//! Azure Monitor: *Alerts Management REST API*, *Activity log REST API*; Azure Event Hubs and Azure Storage: *REST API*;
//! Microsoft Sentinel: *Watchlist items*.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde_json::Value;

use super::{
    CollectError,
    azure::Places,
    keep::{self, text},
    session::Session,
};
use crate::Request;

const SENTINEL: &str = "2025-09-01";
const EVENT_HUBS: &str = "2024-01-01";
const STORAGE: &str = "2023-05-01";
/// How far back what was done to the chain is read. Azure keeps it for 90 days.
const DEEDS: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Providers whose objects make up the chain. That the list can be filtered by them is not in the documents that were
/// read; where the service refuses the filter, that is said.
const PROVIDERS: [&str; 2] = ["Microsoft.Insights", "Microsoft.AlertsManagement"];

impl Session<'_> {
    /// Alerts of the last month that rules of the snapshot raised, without the names of those who closed them.
    pub(super) async fn fired(&self) -> Result<(), CollectError> {
        let name = "alerts";
        self.step(name, name, async |part, found| {
            let rules: BTreeSet<String> = self
                .ids("scheduledQueryRules")?
                .iter()
                .map(|id| id.to_lowercase())
                .collect();
            let lists = self.ids("subscriptions")?.into_iter().map(|subscription| {
                let path = format!(
                    "{subscription}/providers/Microsoft.AlertsManagement/alerts?api-version=2019-03-01&timeRange=30d"
                );
                (subscription, path)
            });
            self.gather(name, lists, part, found, |row| {
                rules.contains(&keep::rule_of(&row)).then(|| keep::alert(&row))
            })
            .await
        })
        .await?;
        Ok(())
    }

    /// What was done to rules, receivers and processing rules in the last month. Who did it is kept by object id; names
    /// only with the names of everybody.
    pub(super) async fn deeds(&self) -> Result<(), CollectError> {
        let name = "activityLog";
        self.step(name, name, async |part, found| {
            let started = self.work.borrow().state.started;
            let since = started.checked_sub(DEEDS).unwrap_or(started);
            let lists = self.ids("subscriptions")?.into_iter().flat_map(|subscription| {
                PROVIDERS.map(|provider| {
                    let path = format!(
                        "{subscription}/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01\
                         &$filter=eventTimestamp ge '{since}' and eventTimestamp le '{started}' and resourceProvider eq '{provider}'"
                    );
                    (subscription.clone(), path)
                })
            });
            self.gather(name, lists, part, found, |row| {
                keep::is_deed(&row).then(|| keep::deed(&row, self.options.with_names))
            })
            .await
        })
        .await?;
        Ok(())
    }

    /// Event hubs and storage accounts that diagnostic settings name. One that is not in the collection is gone.
    pub(super) async fn destinations(&self) -> Result<(), CollectError> {
        let name = "logDestinations";
        self.step(name, name, async |part, found| {
            self.needs("diagnosticSettings")?;
            let mut wanted = BTreeMap::new();
            self.each("diagnosticSettings", |setting| {
                wanted.extend(destinations(&setting["properties"]));
            })?;
            let mut places = Places::default();
            for (id, version) in wanted {
                places.asked += 1;
                let request = Request::arm(format!("{id}?api-version={version}"));
                match self.entra.get(request).await {
                    Ok(row) => part.push(&keep::nameless(keep::plain(row)))?,
                    Err(error) if error.is_not_found() => {}
                    Err(error) => places.refuse(&id, error)?,
                }
            }
            places.judge(self, name, found)
        })
        .await?;
        Ok(())
    }

    /// The emergency accounts on the lists that rules of Microsoft Sentinel name; what else stands there stays there.
    pub(super) async fn watchlist_items(&self) -> Result<(), CollectError> {
        let name = "watchlistItems";
        self.step(name, name, async |part, found| {
            self.needs("alertRules")?;
            self.needs("watchlists")?;
            let mut queries = String::new();
            self.each("alertRules", |rule| {
                queries.push_str(text(&rule["properties"], "query"));
                queries.push('\n');
            })?;
            let queries = queries.to_lowercase();
            let accounts = self.names_of_accounts()?;
            let mut lists = Vec::new();
            self.each("watchlists", |list| {
                let alias = text(&list["properties"], "watchlistAlias").to_lowercase();
                if !alias.is_empty() && names_list(&queries, &alias) {
                    let id = text(&list, "id").to_owned();
                    let path = format!("{id}/watchlistItems?api-version={SENTINEL}");
                    lists.push((id, path));
                }
            })?;
            self.gather(name, lists, part, found, |row| {
                keep::list_item(&row, &accounts)
            })
            .await
        })
        .await?;
        Ok(())
    }

    /// Object ids and user principal names of the emergency accounts, in lower case.
    fn names_of_accounts(&self) -> Result<BTreeSet<String>, CollectError> {
        let mut names = BTreeSet::new();
        self.each("emergency accounts", |user| {
            names.insert(text(&user, "id").to_lowercase());
            names.insert(text(&user, "userPrincipalName").to_lowercase());
        })?;
        Ok(names)
    }
}

/// Whether a query reads a list.
pub(super) fn names_list(queries: &str, alias: &str) -> bool {
    queries
        .split("_getwatchlist")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .any(|inside| inside.trim_matches(['(', ' ', '\'', '"']) == alias)
}

/// What a diagnostic setting sends to beside a workspace, each with the version of its interface: the rule by which it
/// may send, the namespace, the hub, the storage account.
pub(super) fn destinations(properties: &Value) -> Vec<(String, &'static str)> {
    let mut found = Vec::new();
    let rule = text(properties, "eventHubAuthorizationRuleId");
    if let Some(end) = rule.to_lowercase().find("/authorizationrules/") {
        let namespace = &rule[..end];
        found.push((rule.to_owned(), EVENT_HUBS));
        found.push((namespace.to_owned(), EVENT_HUBS));
        let hub = text(properties, "eventHubName");
        if !hub.is_empty() {
            found.push((format!("{namespace}/eventhubs/{hub}"), EVENT_HUBS));
        }
    }
    let storage = text(properties, "storageAccountId");
    if !storage.is_empty() {
        found.push((storage.to_owned(), STORAGE));
    }
    found
}
