//! What every finding of every conformance tenant must hold: what it rests on, and what to do.

use std::collections::BTreeSet;

use breakglass_model::Verdict;

use crate::conformance::{fixtures, report};

/// Whether a text says what to do: a command, a plan step, or a path through a portal.
fn says_what_to_do(fix: &str) -> bool {
    ["`breakglass ", "az rest ", "`az "]
        .iter()
        .any(|command| fix.contains(command))
        || [
            "Entra admin center >",
            "Microsoft 365 admin center >",
            "Intune admin center >",
            "security info page (mysignins.microsoft.com/security-info)",
            "Azure portal >",
            "Microsoft Sentinel >",
        ]
        .iter()
        .any(|portal| fix.contains(portal))
}

/// Object and field of every fact. Where a finding is about an absent thing there is no object: then the collection that was
/// searched stands there, with how many objects of it were read. There are no exceptions.
#[test]
fn every_pass_and_every_failure_shows_what_it_rests_on_and_every_failure_what_to_do() {
    let mut faults = BTreeSet::new();
    for fixture in fixtures() {
        let (snapshot, register) = fixture.make();
        for finding in report(&snapshot, &register).findings {
            let at = format!("{}: {}", finding.check, finding.because);
            if matches!(finding.verdict, Verdict::Pass | Verdict::Fail) {
                let whole = !finding.evidence.is_empty()
                    && finding
                        .evidence
                        .iter()
                        .all(|seen| !seen.object.is_empty() && !seen.field.is_empty());
                if !whole {
                    faults.insert(format!("no evidence: {at}: {:?}", finding.evidence));
                }
            }
            if finding.verdict == Verdict::Fail && !says_what_to_do(&finding.fix) {
                faults.insert(format!("no exact fix: {at}: {}", finding.fix));
            }
        }
    }
    let faults: Vec<String> = faults.into_iter().collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_check_names_a_command_a_plan_step_or_a_portal_path() {
    for check in breakglass_posture::catalogue() {
        assert!(says_what_to_do(check.fix), "{}: {}", check.id, check.fix);
    }
}
