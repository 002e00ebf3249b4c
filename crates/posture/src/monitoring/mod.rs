//! What Azure and Microsoft Sentinel were read to do when an account is used, for the checks of W1 to W13 and M5.
//!
//! There are three ways to be told, and any one suffices: alert rules of Azure Monitor (W3 to W9), rules of Microsoft
//! Sentinel (W10), our own monitor (W11). A check of one way is *not applicable* where another way is in use, and says
//! so; it never fails a tenant for having chosen.

mod arm;
mod fields;
mod judge;
mod kql;
mod people;
mod stream;

use breakglass_model::{Finding, NotRead, history::MonitorRun};
use serde_json::Value;

pub(crate) use arm::{Listed, covers, list, minutes, resource_group, same, text, workspace_of};
pub(crate) use judge::{Sought, no_id};
pub(crate) use kql::Query;
pub(crate) use people::{Channel, TELL, Told};
pub(crate) use stream::{CATEGORIES, SECOND_WAY, senders, sinks};

use crate::{Check, Context};

/// Tables of interactive and non-interactive sign-ins of users (Microsoft Entra, *Sign-in logs*): since April 2025 a
/// sign-in with a FIDO2 key that obtains a refresh token is logged as non-interactive.
pub(crate) const SIGN_INS: [&str; 2] = ["SigninLogs", "AADNonInteractiveUserSignInLogs"];
/// The table of changes (Azure Monitor, *AuditLogs*).
pub(crate) const AUDIT: &str = "AuditLogs";
/// How old the last sign of life of our own monitor may be.
const MONITOR_HOURS: i64 = 1;

/// Microsoft's pages.
pub(crate) const DIAGNOSTIC_SETTINGS: &str = "https://learn.microsoft.com/entra/identity/monitoring-health/howto-configure-diagnostic-settings";
pub(crate) const LOG_ALERTS: &str =
    "https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-create-log-alert-rule";
pub(crate) const ACTION_GROUPS: &str =
    "https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups";

/// How an alert rule speaks of the accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// An account's object id stands in the query.
    Id,
    /// A group or unit of the accounts stands in it, and no account.
    Group,
    /// Only a name that anybody with rights over it can change.
    Name,
    /// The text does not tell, because of this.
    Hidden(String),
    /// Not at all.
    No,
}

/// An alert rule of Azure Monitor, or an analytics rule of Microsoft Sentinel.
#[derive(Clone, Debug)]
pub(crate) struct Rule<'a> {
    /// The object.
    pub(crate) raw: &'a Value,
    /// Its id.
    pub(crate) object: &'a str,
    /// Its display name.
    pub(crate) name: &'a str,
    /// Its query.
    pub(crate) query: Query,
    /// How it speaks of the accounts.
    pub(crate) names: Names,
    /// Whether it is of Microsoft Sentinel.
    pub(crate) sentinel: bool,
}

impl<'a> Rule<'a> {
    fn read(accounts: &[Known], raw: &'a Value, sentinel: bool) -> Self {
        let properties = &raw["properties"];
        let queries: Vec<&str> = if sentinel {
            properties["query"].as_str().into_iter().collect()
        } else {
            let criteria = properties["criteria"]["allOf"].as_array();
            criteria
                .into_iter()
                .flatten()
                .filter_map(|c| c["query"].as_str())
                .collect()
        };
        let query = Query::read(&queries.join("\n;"));
        let name = [
            text(properties, "displayName"),
            text(raw, "name"),
            text(raw, "id"),
        ]
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or("without a name");
        Self {
            raw,
            object: text(raw, "id"),
            name,
            names: names(accounts, &query),
            query,
            sentinel,
        }
    }

    /// Its settings.
    pub(crate) fn properties(&self) -> &'a Value {
        &self.raw["properties"]
    }

    /// Whether it runs. Absent is taken as switched off: a rule that is not known to run tells nobody.
    pub(crate) fn enabled(&self) -> bool {
        self.properties()["enabled"] == true
    }

    /// Whether it is about the accounts, as far as its text tells.
    pub(crate) fn guards(&self) -> bool {
        matches!(self.names, Names::Id | Names::Group | Names::Name)
    }

    /// The condition of a rule that has one.
    pub(crate) fn condition(&self) -> &'a Value {
        &self.properties()["criteria"]["allOf"][0]
    }

    /// Whether every record is looked at by itself as it comes (Azure Monitor, *simple log search alerts*).
    pub(crate) fn each_record(&self) -> bool {
        text(self.raw, "kind").eq_ignore_ascii_case("SimpleLogAlert")
    }

    /// Ids of the action groups that it calls.
    pub(crate) fn action_groups(&self) -> Vec<&'a str> {
        let groups = self.properties()["actions"]["actionGroups"].as_array();
        groups
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// Ids of the resources whose logs it reads.
    pub(crate) fn scopes(&self) -> Vec<&'a str> {
        if self.sentinel {
            return vec![workspace_of(self.object)];
        }
        let scopes = self.properties()["scopes"].as_array();
        scopes
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    /// Whether the query, of certain meaning, matches an id in one of these columns of a table.
    pub(crate) fn surely_matches(&self, table: &str, columns: &[&str], id: &str) -> bool {
        self.query.plain().is_some_and(|plain| {
            plain.tables.iter().any(|own| own == table)
                && plain
                    .any
                    .iter()
                    .any(|atom| columns.contains(&atom.column.as_str()) && atom.matches(id))
        })
    }
}

/// What a query may call an account; worked out once, since groups may be many.
struct Known {
    id: Option<String>,
    keepers: Vec<String>,
    names: Vec<String>,
}

fn known(context: &Context<'_>) -> Vec<Known> {
    let of = |account: &crate::GuardedAccount<'_>| {
        let names = [
            account.upn.as_ref().map(ToString::to_string),
            account.user.and_then(|user| user.display_name.clone()),
        ];
        Known {
            id: account.id.as_ref().map(ToString::to_string),
            keepers: context.keepers(account),
            names: names
                .into_iter()
                .flatten()
                .map(|name| name.to_lowercase())
                .collect(),
        }
    };
    context.accounts.iter().map(of).collect()
}

fn names(accounts: &[Known], query: &Query) -> Names {
    // What a list is called says nothing of who stands on it.
    let lists: Vec<&str> = query.watchlists().collect();
    let literals: Vec<String> = query
        .literals()
        .filter(|literal| !lists.contains(literal))
        .map(str::to_lowercase)
        .collect();
    let mut by_group = false;
    let mut by_name = false;
    for account in accounts {
        if account.id.as_ref().is_some_and(|id| query.names(id)) {
            return Names::Id;
        }
        by_group |= account.keepers.iter().any(|id| query.names(id));
        by_name |= account.names.iter().any(|name| {
            // A part of a name is how a prefix is looked for; a short one is found by chance.
            literals.iter().any(|literal| {
                literal.contains(name) || (literal.len() >= 6 && name.starts_with(literal))
            })
        });
    }
    match query.hides() {
        _ if by_group => Names::Group,
        _ if by_name => Names::Name,
        Some(what) => Names::Hidden(what),
        None => Names::No,
    }
}

/// Everything that watches.
#[derive(Debug)]
pub(crate) struct Watch<'a> {
    /// Alert rules of Azure Monitor that run.
    pub(crate) azure: Vec<Rule<'a>>,
    /// Why there may be more.
    pub(crate) azure_missing: Option<NotRead>,
    /// Rules of Microsoft Sentinel that run.
    pub(crate) sentinel: Vec<Rule<'a>>,
    /// Why there may be more.
    pub(crate) sentinel_missing: Option<NotRead>,
    /// Rules about the accounts that are switched off.
    pub(crate) off: Vec<Rule<'a>>,
}

impl<'a> Watch<'a> {
    /// Whether there is an alert rule of Azure Monitor about the accounts.
    pub(crate) fn by_azure(&self) -> bool {
        self.azure.iter().any(Rule::guards)
    }

    /// A rule of Microsoft Sentinel about the accounts.
    pub(crate) fn by_sentinel(&self) -> Option<&Rule<'a>> {
        self.sentinel.iter().find(|rule| rule.guards())
    }

    /// Every rule that runs.
    pub(crate) fn rules(&self) -> impl Iterator<Item = &Rule<'a>> {
        self.azure.iter().chain(&self.sentinel)
    }

    /// What was not read of rules.
    pub(crate) fn missing(&self) -> Option<&NotRead> {
        self.azure_missing
            .as_ref()
            .or(self.sentinel_missing.as_ref())
    }
}

impl<'a> Context<'a> {
    /// Ids of the groups and units that keep an account.
    pub(crate) fn keepers(&self, account: &crate::GuardedAccount<'_>) -> Vec<String> {
        let mut ids = Vec::new();
        if let Some(entry) = account.entry {
            ids.extend(
                entry
                    .group
                    .iter()
                    .chain(&entry.unit)
                    .map(ToString::to_string),
            );
        }
        if let Some(id) = &account.id {
            ids.extend(
                self.role_groups(id)
                    .0
                    .iter()
                    .filter_map(|g| g.id.as_ref())
                    .map(ToString::to_string),
            );
            ids.extend(self.restricted_units(id).0);
        }
        ids
    }

    /// What watches the accounts.
    pub(crate) fn watch(&self) -> Watch<'a> {
        let accounts = known(self);
        let azure = list(self.snapshot, "scheduledQueryRules");
        let sentinel = list(self.snapshot, "alertRules");
        let mut watch = Watch {
            azure: Vec::new(),
            azure_missing: azure.missing,
            sentinel: Vec::new(),
            sentinel_missing: sentinel.missing,
            off: Vec::new(),
        };
        let all = azure.items.iter().map(|raw| (raw, false));
        for (raw, of_sentinel) in all.chain(sentinel.items.iter().map(|raw| (raw, true))) {
            let rule = Rule::read(&accounts, raw, of_sentinel);
            match (rule.enabled(), of_sentinel) {
                (true, false) => watch.azure.push(rule),
                (true, true) => watch.sentinel.push(rule),
                (false, _) if rule.guards() => watch.off.push(rule),
                (false, _) => {}
            }
        }
        watch
    }

    /// The last run of our own monitor, when it is recent.
    pub(crate) fn monitor(&self) -> Option<&'a MonitorRun> {
        let last = self.history.runs.iter().max_by_key(|run| run.read_to)?;
        (self.now.duration_since(last.read_to).as_hours() < MONITOR_HOURS).then_some(last)
    }

    /// Which other way is in use, so that a check of one way does not apply.
    pub(crate) fn other_way(&self, watch: &Watch<'_>) -> Option<String> {
        if let Some(rule) = watch.by_sentinel() {
            return Some(format!(
                "Microsoft Sentinel watches in place of Azure Monitor (W10, BG064): rule `{}`",
                rule.name
            ));
        }
        self.monitor().map(|_| {
            "our own monitor reads the logs itself and needs no alert rule (W11, BG065)".to_owned()
        })
    }

    /// One finding for each alert rule of Azure Monitor about the accounts.
    pub(crate) fn each_rule(
        &self,
        check: &Check,
        judge: impl Fn(&Rule<'a>) -> Finding,
    ) -> Vec<Finding> {
        if self.accounts.is_empty() {
            return vec![self.undeclared(check)];
        }
        let watch = self.watch();
        let mut findings: Vec<Finding> = watch
            .azure
            .iter()
            .filter(|rule| rule.guards())
            .map(judge)
            .collect();
        if let Some(missing) = &watch.azure_missing {
            findings.push(check.unread("alert rules", missing));
        }
        if !findings.is_empty() {
            return findings;
        }
        if let Some(other) = self.other_way(&watch) {
            return vec![check.not_applicable("alert rules", other)];
        }
        let hidden = watch.azure.iter().find_map(|rule| match &rule.names {
            Names::Hidden(what) => Some((rule, what)),
            _ => None,
        });
        vec![match hidden {
            Some((rule, what)) => check.cannot_tell(
                "alert rules",
                format!("no enabled alert rule names the accounts; `{}` may reach them through {what}", rule.name),
                PROVE,
            ),
            None => check.not_applicable(
                "alert rules",
                "no enabled alert rule names the accounts, so there is none to judge: BG055 says what is missing",
            ),
        }]
    }
}

/// What closes a question that the text of a query leaves open.
pub(crate) const PROVE: &str = "What a query really matches is judged by running it on made-up uses and changes (`breakglass rules prove`, in a later version); until then sign in once in a drill, and see that the alert comes. Or write the query plainly: the table, and one `where` that compares with the object ids.";
