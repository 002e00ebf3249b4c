//! W10: rules of Microsoft Sentinel, in place of those of Azure Monitor.

use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::Seen,
    monitoring::{Names, PROVE, Rule, list, minutes, text},
};

pub(super) const CHECK: Check = Check {
    id: "BG064",
    name: "sentinel-rules",
    requirement: "W10",
    title: "Rules of Microsoft Sentinel look back about five minutes and raise one alert per event",
    severity: Severity::High,
    what: "Reads every enabled scheduled and near-real-time (NRT) rule of Microsoft Sentinel about the accounts: how often it runs, how far it looks back, that it fires above 0, raises one alert per event, makes an incident, and holds nothing back; where a rule looks the accounts up in a watchlist, that all of them stand on it. It does not apply where Azure Monitor or our own monitor watches: one of the three ways suffices.",
    rationale: "A single alert for ten sign-ins shows one; a rule that suppresses for five hours shows the first and hides the rest.",
    fix: "Microsoft Sentinel (Defender portal > Microsoft Sentinel > Configuration > Analytics) > the rule > Edit > Set rule logic: run every 5 minutes over the last 5 minutes or more (better 30, with `ingestion_time() > ago(5m)` in the query, for late records), more than 0 results, `Trigger an alert for each event`, stop running after an alert: off; Incident settings: create incidents. Or an NRT rule.",
    controls: &[
        "MCSB PA-5",
        "NIST SP 800-53 r5 SI-4(2)",
        "NIST SP 800-53 r5 SI-4(5)",
        "CIS M365 7.0.0 2.2.1",
    ],
    references: &[
        "https://learn.microsoft.com/azure/sentinel/scheduled-rules-overview",
        "https://learn.microsoft.com/azure/sentinel/near-real-time-rules",
    ],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    if context.accounts.is_empty() {
        return vec![context.undeclared(&CHECK)];
    }
    let subject = "Microsoft Sentinel";
    let watch = context.watch();
    let mut findings: Vec<Finding> = watch
        .sentinel
        .iter()
        .filter(|rule| rule.guards())
        .map(judge)
        .collect();
    if !findings.is_empty() {
        findings.extend(
            watch
                .sentinel_missing
                .iter()
                .map(|missing| CHECK.unread(subject, missing)),
        );
        return findings;
    }
    let hidden = watch.sentinel.iter().find_map(|rule| match &rule.names {
        Names::Hidden(what) => Some((rule, what)),
        _ => None,
    });
    vec![if watch.by_azure() {
        CHECK.not_applicable(
            subject,
            "alert rules of Azure Monitor are about the accounts (W3 to W9): one way suffices",
        )
    } else if context.monitor().is_some() {
        CHECK.not_applicable(
            subject,
            "our own monitor reads the logs itself and needs no rule (W11, BG065)",
        )
    } else if let Some(missing) = &watch.sentinel_missing {
        CHECK.unread(subject, missing)
    } else if let Some((rule, alias)) =
        hidden.and_then(|(rule, _)| Some((rule, rule.query.watchlists().next()?)))
    {
        on_list(context, rule, alias)
    } else if let Some((rule, what)) = hidden {
        CHECK.cannot_tell(
            subject,
            format!(
                "no enabled rule names the accounts; `{}` may reach them through {what}",
                rule.name
            ),
            PROVE,
        )
    } else {
        CHECK.not_applicable(
            subject,
            "no enabled rule of Microsoft Sentinel is about the accounts; whether another way watches says BG055",
        )
    }]
}

/// A rule that looks the accounts up in a list is as good as the list.
fn on_list(context: &Context<'_>, rule: &Rule<'_>, alias: &str) -> Finding {
    let lists = list(context.snapshot, "watchlists");
    let items = list(context.snapshot, "watchlistItems");
    let own = lists
        .items
        .iter()
        .find(|list| text(&list["properties"], "watchlistAlias").eq_ignore_ascii_case(alias));
    let Some(own) = own else {
        return match &lists.missing {
            Some(missing) => CHECK.unread(rule.name, missing),
            None => CHECK.fail(
                rule.name,
                format!("it looks the accounts up in the watchlist `{alias}`, which is not there"),
            ),
        };
    };
    if let Some(missing) = &items.missing {
        return CHECK.unread(rule.name, missing);
    }
    let start = format!("{}/watchlistitems/", text(own, "id").to_lowercase());
    let values: Vec<String> = items
        .items
        .iter()
        .filter(|item| text(item, "id").to_lowercase().starts_with(&start))
        .filter_map(|item| item["properties"]["itemsKeyValue"].as_object())
        .flat_map(|pairs| pairs.values())
        .filter_map(|value| value.as_str())
        .map(|value| value.trim().to_lowercase())
        .collect();
    let absent: Vec<&str> = context
        .accounts
        .iter()
        .filter(|account| {
            let id = account.id.as_ref().map(|id| id.to_string().to_lowercase());
            let upn = account
                .upn
                .as_ref()
                .map(|upn| upn.to_string().to_lowercase());
            ![id, upn]
                .into_iter()
                .flatten()
                .any(|name| values.contains(&name))
        })
        .map(|account| account.subject.as_str())
        .collect();
    if absent.is_empty() {
        return judge(rule).seen(
            text(own, "id"),
            "watchlistItems",
            format!("all {} accounts", context.accounts.len()),
        );
    }
    CHECK
        .fail(
            rule.name,
            format!(
                "it looks the accounts up in the watchlist `{alias}`, on which {} is not",
                absent.join(", ")
            ),
        )
        .mended_by("Microsoft Sentinel > Watchlist > the list > Update watchlist: add the object id of every emergency access account.")
        .seen(text(own, "id"), "watchlistItems", absent.join(", "))
}

fn judge(rule: &Rule<'_>) -> Finding {
    let properties = rule.properties();
    let kind = text(rule.raw, "kind");
    let mut wrong = Vec::new();
    let mut unknown = Vec::new();
    if kind.eq_ignore_ascii_case("Scheduled") {
        match minutes(&properties["queryFrequency"]) {
            Some(6..) => wrong.push("it runs less often than every five minutes"),
            Some(_) => {}
            None => unknown.push("queryFrequency"),
        }
        match (
            minutes(&properties["queryPeriod"]),
            minutes(&properties["queryFrequency"]),
        ) {
            (Some(period), Some(frequency)) if period < frequency || period < 5 => {
                wrong.push("it looks back less than five minutes, or less than it waits");
            }
            (Some(_), _) => {}
            (None, _) => unknown.push("queryPeriod"),
        }
        match (
            text(properties, "triggerOperator"),
            properties["triggerThreshold"].as_i64(),
        ) {
            ("GreaterThan", Some(0)) => {}
            (_, None) | ("", _) => unknown.push("triggerThreshold"),
            _ => wrong.push("it does not fire on a single record"),
        }
    } else if !kind.eq_ignore_ascii_case("NRT") {
        unknown.push("kind");
    }
    if properties["suppressionEnabled"] == true {
        wrong.push("it holds alerts back after the first");
    }
    match text(&properties["eventGroupingSettings"], "aggregationKind") {
        "AlertPerResult" => {}
        // One alert for all is what a rule does that does not say.
        _ => wrong.push("it raises one alert for all events"),
    }
    if properties["incidentConfiguration"]["createIncident"] == false {
        wrong.push("it makes no incident");
    }
    let finding = if !wrong.is_empty() {
        CHECK.fail(rule.name, wrong.join("; "))
    } else if !unknown.is_empty() {
        CHECK.unknown(
            rule.name,
            &format!("alertRules/{}", unknown.join(", ")),
            "the rule is in the input without it",
            "Microsoft Sentinel Reader",
        )
    } else {
        CHECK.pass(
            rule.name,
            "it runs and looks back as it should, one alert for each event; what its query matches says BG055",
        )
    };
    ["queryFrequency", "queryPeriod"]
        .iter()
        .filter(|field| !text(properties, field).is_empty())
        .fold(finding, |finding, field| {
            finding.seen(rule.object, field, text(properties, field))
        })
        .seen(
            rule.object,
            "eventGroupingSettings/aggregationKind",
            text(&properties["eventGroupingSettings"], "aggregationKind"),
        )
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{CannotTell, Fail, NotApplicable, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::{World, sentinel};

    fn one() -> World {
        let mut world = World::modern();
        world.other("scheduledQueryRules").clear();
        world.other("alertRules").push(sentinel(
            "use",
            "SigninLogs | where UserId in~ ('bg1', 'bg2')",
        ));
        world
    }

    #[test]
    fn w10_one_alert_per_event_every_five_minutes() {
        assert_eq!(one().verdicts(CHECK.id), [Pass]);
        for (field, value) in [
            ("queryFrequency", json!("PT1H")),
            ("queryPeriod", json!("PT1M")),
            ("triggerThreshold", json!(3)),
            ("suppressionEnabled", json!(true)),
            (
                "eventGroupingSettings",
                json!({"aggregationKind": "SingleAlert"}),
            ),
            ("incidentConfiguration", json!({"createIncident": false})),
        ] {
            let mut world = one();
            world.properties("alertRules", 0)[field] = value;
            assert_eq!(world.verdicts(CHECK.id), [Fail], "{field}");
        }
    }

    #[test]
    fn w10_near_real_time_needs_no_frequency() {
        let mut world = one();
        world.other("alertRules")[0]["kind"] = json!("NRT");
        world.properties("alertRules", 0)["queryFrequency"] = json!(null);
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
        world.other("alertRules")[0]["kind"] = json!("Fusion");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
    }

    #[test]
    fn w10_a_rule_is_as_good_as_the_watchlist_it_reads() {
        let mut world = World::modern();
        world.other("scheduledQueryRules").clear();
        let query =
            "SigninLogs | where UserId in ((_GetWatchlist('breakglass') | project SearchKey))";
        world.other("alertRules").push(sentinel("use", query));
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
        world.other("watchlists").push(
            json!({"id": "/w/watchlists/BG", "properties": {"watchlistAlias": "breakglass"}}),
        );
        let item = |id: &str| json!({"id": format!("/w/watchlists/bg/watchlistItems/{id}"), "properties": {"itemsKeyValue": {"Id": id}}});
        world.other("watchlistItems").push(item("bg1"));
        let finding = world.run(CHECK.id).remove(0);
        assert_eq!(finding.verdict, Fail);
        assert!(
            finding.because.contains("on which BreakGlass02"),
            "{}",
            finding.because
        );
        world.other("watchlistItems").push(item("BG2"));
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
        world.snapshot.other.remove("watchlistItems");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
    }

    #[test]
    fn w10_one_way_suffices() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [NotApplicable]);
        world.other("scheduledQueryRules").clear();
        assert!(world.run(CHECK.id)[0].because.contains("BG055"));
        world.snapshot.other.remove("alertRules");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
        world.monitored();
        assert_eq!(world.verdicts(CHECK.id), [NotApplicable]);
    }
}
