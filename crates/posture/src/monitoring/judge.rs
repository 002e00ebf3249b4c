//! Judgements that several checks share.

use breakglass_model::Finding;

use super::{
    AUDIT, Names, PROVE, Rule, TELL, covers, list,
    stream::{category_of, sinks},
    text,
};
use crate::{Check, Context, catalogue::Seen};

const OWN: &str = "our own monitor reads the logs itself and needs no alert rule (W11, BG065)";

/// What a rule must match.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sought<'a> {
    /// The subject of the finding.
    pub(crate) subject: &'a str,
    /// The table.
    pub(crate) table: &'a str,
    /// Columns in which an id counts.
    pub(crate) columns: &'a [&'a str],
    /// Ids, all of which must be matched.
    pub(crate) ids: &'a [String],
    /// Words of which one must stand in the query, when no id can: `None`, the table alone is enough to leave it open.
    pub(crate) words: Option<&'a [&'a str]>,
    /// Whether a rule counts only when it tells somebody. For rules about the accounts other checks ask that.
    pub(crate) heard: bool,
    /// What makes the rule that is missing, where it is not the fix of the check.
    pub(crate) fix: Option<&'a str>,
}

impl<'a> Context<'a> {
    /// Whether rules match what is sought, as far as their text tells: *pass* only for queries whose meaning is certain,
    /// *fail* only when no enabled rule reads the table and speaks of what is sought, else *cannot tell*.
    pub(crate) fn sought(&self, check: &Check, sought: &Sought<'_>) -> Finding {
        let watch = self.watch();
        let settings = list(self.snapshot, "diagnosticSettings");
        let sinks = sinks(&settings, sought.table);
        let reads: Vec<&Rule<'a>> = watch
            .rules()
            .filter(|rule| rule.query.names_table(sought.table))
            .collect();
        let here = |rule: &Rule<'_>| {
            sinks.is_empty()
                || rule
                    .scopes()
                    .iter()
                    .any(|scope| sinks.iter().any(|sink| covers(scope, sink)))
        };
        let subject = sought.subject;
        let table = sought.table;
        if let ([rule, ..], [], None) = (reads.as_slice(), sinks.as_slice(), &settings.missing) {
            return self.unfed(check, sought, rule);
        }
        let hears = |rule: &Rule<'_>| {
            if sought.heard {
                self.hears(rule)
            } else {
                Some(true)
            }
        };
        let (near, deaf): (Vec<&Rule<'a>>, Vec<&Rule<'a>>) = reads
            .iter()
            .copied()
            .filter(|rule| here(rule))
            .partition(|rule| hears(rule) != Some(false));
        let sure = |id: &String| {
            let mut all = near
                .iter()
                .filter(|rule| rule.surely_matches(table, sought.columns, id));
            let first = all.clone().next();
            all.find(|rule| hears(rule) == Some(true)).or(first)
        };
        let certain: Vec<_> = sought.ids.iter().map(sure).collect();
        if !certain.is_empty() && certain.iter().all(Option::is_some) {
            if let Some(missing) = &settings.missing {
                return check.unread(subject, missing);
            }
            let unsure = certain.iter().flatten().find(|rule| hears(rule).is_none());
            if let Some(rule) = unsure {
                return self
                    .told(rule)
                    .unsure(check, subject)
                    .seen(rule.object, "query", table);
            }
            let mut finding = check.pass(subject, format!("an enabled rule reads `{table}` and matches all of it, in a query whose meaning is certain"));
            let mut rules: Vec<&str> = certain.iter().flatten().map(|rule| rule.object).collect();
            rules.dedup();
            for rule in rules {
                finding = finding.seen(rule, "query", table);
            }
            return finding;
        }
        let speaks = |rule: &&Rule<'_>| match sought.words {
            // A rule that does not know the accounts may fire on them by chance; it is not what W3 asks for.
            None => rule.names != Names::No,
            Some(words) => {
                sought.ids.iter().any(|id| rule.query.names(id))
                    || words.iter().any(|word| {
                        let word = word.to_lowercase();
                        rule.query
                            .literals()
                            .any(|literal| literal.to_lowercase().contains(&word))
                    })
            }
        };
        if let Some(rule) = near.iter().copied().find(speaks) {
            return check
                .cannot_tell(
                    subject,
                    format!("rule `{}` reads `{table}`; whether its query matches, its text does not show for certain", rule.name),
                    PROVE,
                )
                .seen(rule.object, "query", table);
        }
        // A rule over another workspace may be over one that an unread setting names.
        let elsewhere = settings
            .missing
            .as_ref()
            .filter(|_| near.len() + deaf.len() < reads.len());
        if let Some(missing) = watch.missing().or(elsewhere) {
            return check.unread(subject, missing);
        }
        let hidden = watch.rules().find_map(|rule| {
            let what = match &rule.names {
                Names::Hidden(what) => what.clone(),
                _ => rule.query.hides()?,
            };
            (here(rule) && hears(rule) != Some(false)).then_some((rule, what))
        });
        if let Some((rule, what)) = hidden {
            return check.cannot_tell(
                subject,
                format!(
                    "no enabled rule is seen to cover this; `{}` may, through {what}",
                    rule.name
                ),
                PROVE,
            );
        }
        if self.monitor().is_some() {
            return check.not_applicable(subject, OWN);
        }
        if let Some(rule) = deaf.iter().copied().find(speaks) {
            let why = format!(
                "rule `{}` reads `{table}` and speaks of it, and tells nobody",
                rule.name
            );
            let finding = check.fail(subject, why).mended_by(TELL);
            return self.silence(finding, rule);
        }
        let why = if !near.is_empty() && sought.words.is_none() {
            format!("no enabled rule over `{table}` mentions the accounts")
        } else if !near.is_empty() {
            format!("no enabled rule over `{table}` mentions it")
        } else if reads.is_empty() {
            format!(
                "no enabled rule reads `{table}`, neither of Azure Monitor nor of Microsoft Sentinel"
            )
        } else {
            format!("the rules that read `{table}` look at a workspace that does not get it")
        };
        let finding = check.fail(subject, why);
        let finding = match sought.fix {
            Some(fix) => finding.mended_by(fix),
            None => finding,
        };
        finding
            .seen(
                "scheduledQueryRules",
                "enabled rules read",
                watch.azure.len(),
            )
            .seen("alertRules", "enabled rules read", watch.sentinel.len())
    }

    /// A rule reads a table that stays empty.
    fn unfed(&self, check: &Check, sought: &Sought<'_>, rule: &Rule<'_>) -> Finding {
        let Sought { subject, table, .. } = *sought;
        if self.monitor().is_some() {
            return check.not_applicable(subject, OWN);
        }
        let category = category_of(table);
        let because = format!(
            "rule `{}` reads `{table}`, and no diagnostic setting sends {category} to a workspace",
            rule.name
        );
        let settings = list(self.snapshot, "diagnosticSettings").items;
        let finding = check
            .fail(subject, because)
            .mended_by(&format!("Entra admin center > Monitoring & health > Diagnostic settings: tick {category} and `Send to Log Analytics workspace`, the one that the rule reads (BG050)."))
            .seen(rule.object, "query", table)
            .seen("diagnosticSettings", "settings read", settings.len());
        settings.iter().take(20).fold(finding, |finding, setting| {
            let properties = &setting["properties"];
            let logs = properties["logs"].as_array().into_iter().flatten();
            let sent: Vec<&str> = logs
                .filter(|log| log["enabled"] == true)
                .map(|log| match text(log, "category") {
                    "" => text(log, "categoryGroup"),
                    category => category,
                })
                .collect();
            let to = match text(properties, "workspaceId") {
                "" => "no workspace",
                workspace => workspace,
            };
            let sent = format!("{} to {to}", sent.join(", "));
            finding.seen(text(setting, "id"), "logs", sent)
        })
    }

    /// Object ids of the declared accounts; `None`: one is not known.
    pub(crate) fn account_ids(&self) -> Option<Vec<String>> {
        let ids = self
            .accounts
            .iter()
            .map(|account| account.id.as_ref().map(ToString::to_string));
        ids.collect()
    }

    /// What is sought in the audit log.
    pub(crate) fn sought_in_audit(
        &self,
        check: &Check,
        subject: &str,
        columns: &[&str],
        ids: &[String],
    ) -> Finding {
        let sought = Sought {
            subject,
            table: AUDIT,
            columns,
            ids,
            words: None,
            heard: false,
            fix: None,
        };
        self.sought(check, &sought)
    }
}

/// An account's object id is not known, so nothing can be looked for.
pub(crate) fn no_id(check: &Check, subject: &str) -> Finding {
    check.unknown(
        subject,
        "the object id of every account",
        "the input has none for one of them",
        "User.Read.All",
    )
}
