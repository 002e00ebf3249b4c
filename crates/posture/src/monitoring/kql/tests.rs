//! Texts of queries, as people write them.

use super::*;

fn plain(text: &str) -> Option<Plain> {
    Query::read(text).plain()
}

#[test]
fn w3_comments_and_literals_are_told_apart() {
    let query = Query::read(
        "// SigninLogs | where UserId == \"a\"\nAuditLogs | where X == \"// SigninLogs\" // b",
    );
    assert!(query.names_table("AuditLogs") && !query.names_table("SigninLogs"));
    assert!(!query.names("\"a\"") && query.names("signinlogs"));
    assert_eq!(query.hides(), None);
    let fenced = Query::read("print ```// a``` | where b == @\"x\\\" and c == 'it\\'s // d'");
    assert!(fenced.names("// a") && fenced.names("it's // d") && fenced.names("x\\"));
}

#[test]
fn w2_ids_are_found_bare_too() {
    assert!(Query::read("T | where X == guid(AB-01)").names("ab-01"));
    assert!(!Query::read("T | where X == AB01").names("ab01"));
}

#[test]
fn w3_what_may_hide_tables_or_accounts_is_seen() {
    for text in [
        "SigninLogs | where UserId in (_GetWatchlist('x'))",
        "BreakGlassUse | where 1 == 1",
        "let a = breakglass_accounts(); SigninLogs | where UserId in (a)",
        "union * | where UserId == 'a'",
        "search 'a'",
        "workspace('other').SigninLogs",
    ] {
        assert!(Query::read(text).hides().is_some(), "{text}");
    }
    for text in [
        "let f = () { SigninLogs | take 1 }; f() | where isempty(UserId)",
        "union isfuzzy=true SigninLogs, AuditLogs | where UserId in~ (\"a\")",
        "Own_CL | summarize count() by bin(TimeGenerated, 1m)",
    ] {
        assert_eq!(Query::read(text).hides(), None, "{text}");
    }
}

#[test]
fn w3_only_queries_of_certain_meaning_are_plain() {
    let read = plain("let ids = dynamic([\"a\", \"b\"]);\nunion isfuzzy=true SigninLogs, Other\n| where UserId in~ (ids)").unwrap();
    assert_eq!(read.tables, ["SigninLogs", "Other"]);
    assert!(read.any[0].matches("A") && !read.any[0].matches("c"));
    let article =
        plain("SigninLogs | project UserId | where UserId == \"a\" or UserId == \"B\"").unwrap();
    assert!(article.any[0].matches("a"));
    // `==` counts letter case, and logs write ids in lower case.
    assert!(!article.any[1].matches("b"));
    let audit = plain("AuditLogs | where tostring(InitiatedBy.user.id) in~ (\"a\") or tostring(TargetResources) has_any (\"a\")").unwrap();
    assert_eq!(audit.any[0].column, "InitiatedBy.user.id");
    assert_eq!(audit.any[1].column, "TargetResources");
    for text in [
        "SigninLogs | where UserId == \"a\" and ResultType == \"x\"",
        "SigninLogs | where UserId == \"a\" | where 1 == 2",
        "SigninLogs | where UserId == \"a\" | take 0",
        "SigninLogs | where not(UserId == \"a\")",
        "SigninLogs | where UserId != \"a\"",
        "SigninLogs | where UserId !in (\"a\")",
        "let SigninLogs = datatable(UserId:string)[]; SigninLogs | where UserId == \"a\"",
        "let SigninLogs = dynamic([\"a\"]); SigninLogs | where UserId == \"a\"",
        "SigninLogs | project Id | where UserId == \"a\"",
        "SigninLogs",
    ] {
        assert_eq!(plain(text), None, "{text}");
    }
}
