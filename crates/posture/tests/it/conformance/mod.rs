//! Conformance tenants: small changes of the built-in tenants, each with what must be found of it.
//!
//! The tenants and the expectations are data (`*.toml`); `README.md` is the table for a reader, made from them.
//!
//! When checks are added: `CONFORMANCE_ACCEPT=BG070,BG071` writes what these checks find into the data files, and nothing else;
//! read it before you commit it. `CONFORMANCE_TABLE=1` writes the table.

mod fixture;
mod outcome;
mod plans;
mod table;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use fixture::{fixtures, now};
use outcome::Outcome;
pub(crate) use outcome::report;

#[expect(
    clippy::disallowed_methods,
    reason = "a test is told by its environment what to write"
)]
fn asked(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[test]
fn every_conformance_tenant_is_found_as_the_table_says() {
    let all = fixtures();
    assert!(all.len() >= 40, "{}", all.len());
    let names: BTreeSet<&str> = all.iter().map(|fixture| fixture.name.as_str()).collect();
    assert_eq!(names.len(), all.len(), "a name is given twice");
    let bases: BTreeMap<&str, Outcome> = all
        .iter()
        .filter(|fixture| fixture.is_base())
        .map(|fixture| (fixture.base.as_str(), Outcome::of(fixture)))
        .collect();
    let accepted = asked("CONFORMANCE_ACCEPT").unwrap_or_default();
    let mut deviations = Vec::new();
    let mut found = BTreeMap::new();
    for fixture in &all {
        let base = bases
            .get(fixture.base.as_str())
            .filter(|_| !fixture.is_base());
        let outcome = Outcome::of(fixture).beside(base);
        if outcome != fixture.expect {
            deviations.push(format!(
                "{}: {}\n  expected {:?}\n  found    {outcome:?}",
                fixture.name, fixture.wrong, fixture.expect
            ));
        }
        found.insert(fixture.name.clone(), outcome);
    }
    if !accepted.is_empty() {
        let checks: BTreeSet<&str> = accepted.split([',', ' ']).collect();
        table::accept(&found, &checks);
    }
    assert!(
        deviations.is_empty(),
        "{} deviations\n{}",
        deviations.len(),
        deviations.join("\n")
    );
}
