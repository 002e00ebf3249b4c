//! `apply` that is killed, throttled and answered with failures; and conformance tenants from plan to proof.

use std::{collections::BTreeSet, fs, thread, time::Duration};

use breakglass_model::example;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    apply::{WISHES, call, failing, only_intended_policies_reach, planned, state, still_open},
    fixture,
    lab::{LIMIT, Twin},
    support::{code, err, out, wait_until},
};

/// Whether each account gets in, and whether a password alone opens an ordinary application as it.
fn proved(twin: &Twin) -> Vec<(String, bool)> {
    let output = twin.collect(
        "proved.json.gz",
        &["--register", "lab/register.toml", "--fresh"],
    );
    assert!(matches!(code(&output), 0 | 3), "{}", err(&output));
    let tenant = ["--tenant", "proved.json.gz"];
    let (_, proof) = twin.document(
        &[
            &["lockout", "prove", "--register", "lab/register.toml"],
            &tenant[..],
        ]
        .concat(),
    );
    let accounts = proof["accounts"].as_array().unwrap();
    accounts
        .iter()
        .map(|account| {
            let upn = account["upn"].as_str().unwrap();
            let sign_in = ["lockout", "whatif", "--user", upn, "--method", "password"];
            let what = ["--app", "Exchange Online"];
            let opened = twin.run(&[&sign_in[..], &what[..], &tenant[..]].concat());
            (
                account["verdict"].as_str().unwrap().to_owned(),
                code(&opened) == 0,
            )
        })
        .collect()
}

/// Killed in every step, while Graph throttles, fails now and then, and answers from copies that lag: after each, no account
/// stands worse than before, and in the end everything is as after one smooth run, and nothing is there twice.
#[test]
fn x1_a_run_that_is_killed_in_every_step_leaves_nothing_worse_and_makes_nothing_twice() {
    let smooth = Twin::of("contoso");
    let plan = planned(&smooth, &WISHES);
    let digest = plan["digest"].as_str().unwrap();
    assert_eq!(code(&smooth.run(&call(digest, &[]))), 1);
    let wanted = state(&smooth);
    drop(smooth);

    let twin = Twin::of("contoso");
    let plan = planned(&twin, &WISHES);
    let digest = plan["digest"].as_str().unwrap().to_owned();
    let journal = twin.path("plan.json.journal");
    let begun = || {
        fs::read_to_string(&journal).map_or(0, |text| {
            let lines = text.lines();
            let steps: BTreeSet<String> = lines
                .map(|line| serde_json::from_str::<Value>(line).unwrap()["step"].to_string())
                .collect();
            steps.len()
        })
    };
    let faults = |switch: &str| {
        for fault in [
            "throttling",
            "graph-hiccups",
            "stale-reads",
            "diagnostic-lag",
        ] {
            twin.fault(fault, switch);
        }
    };
    let mut stood = proved(&twin);
    let mut kills: u64 = 0;
    loop {
        faults("on");
        // A throttled run waits for half a minute, so every tenth has to do.
        let throttled = if kills.is_multiple_of(10) {
            "on"
        } else {
            "off"
        };
        twin.fault("throttling", throttled);
        let before = begun();
        let mut child = twin.spawn(&call(&digest, &[]));
        let mut ended = false;
        wait_until("the next step", LIMIT, || {
            ended = child.try_wait().unwrap().is_some();
            ended || begun() > before
        });
        if ended {
            break;
        }
        // Sometimes before the write, sometimes between it and its journal.
        thread::sleep(Duration::from_millis(kills % 4 * 15));
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        faults("off");
        twin.fault("throttling", "off");
        let stands = proved(&twin);
        for ((was, open_before), (is, open)) in stood.iter().zip(&stands) {
            assert!(was != "gets-in" || is == "gets-in", "after {kills} kills");
            assert!(*open_before || !open, "after {kills} kills");
        }
        stood = stands;
    }
    let waiting = 6; // For a person.
    let taken = plan["steps"].as_array().unwrap().len() - waiting;
    assert_eq!(usize::try_from(kills).unwrap(), taken);
    faults("off");
    twin.fault("throttling", "off");
    let output = twin.run(&call(&digest, &[]));
    assert_eq!(code(&output), 1, "{}{}", out(&output), err(&output));
    assert_eq!(state(&twin), wanted);
    assert_eq!(failing(&twin, &plan), Vec::<String>::new());
}

/// Conformance tenants from plan to proof, by writes.
#[test]
fn conformance_tenants_are_mended_in_the_twin() {
    let fixtures = fixture::fixtures();
    for name in [
        "excluded-by-nested-group",
        "eligible-only",
        "no-dedicated-policy",
        "nobody-in-the-action-group",
    ] {
        let made = fixtures.iter().find(|own| own.name == name).unwrap();
        let (snapshot, register) = made.documents(Timestamp::now());
        let twin = Twin::of_snapshot(&snapshot.to_string());
        twin.write("lab/register.toml", &register);
        // The modern design has its keepers, and nobody too many.
        let wishes = if made.base == "contoso" {
            &WISHES[..]
        } else {
            &WISHES[8..]
        };
        let plan = planned(&twin, wishes);
        let steps = plan["steps"].as_array().unwrap();
        assert!(!steps.is_empty(), "{name}");
        let left = steps.iter().any(|step| step["by_person"] == true);
        let output = twin.run(&call(plan["digest"].as_str().unwrap(), &[]));
        assert_eq!(code(&output), i32::from(left), "{name}: {}", err(&output));
        assert_eq!(failing(&twin, &plan), Vec::<String>::new(), "{name}");
        only_intended_policies_reach(&twin);
    }
}

/// Slow copies of the directory and failures from the beginning; a storm of refusals from the first step on.
#[test]
fn throttling_and_failures_of_the_service_change_nothing_in_the_end() {
    // The modern design without its unit and without one exclusion: a few steps of every kind, or it takes minutes.
    let example = example::tenant("contoso-modern", Timestamp::now()).unwrap();
    let mut given: Value = serde_json::from_str(&example.snapshot_json).unwrap();
    given["collections"]["administrativeUnits"] = json!([]);
    given["collections"]["conditionalAccessPolicies"][2]["conditions"]["users"]["excludeGroups"] =
        json!([]);
    let twin = Twin::of_snapshot(&given.to_string());
    twin.write("lab/register.toml", &example.register_toml);
    let plan = planned(&twin, &[]);
    assert!(
        (4..9).contains(&plan["steps"].as_array().unwrap().len()),
        "{plan:#}"
    );
    let digest = plan["digest"].as_str().unwrap();
    for fault in ["graph-hiccups", "stale-reads", "diagnostic-lag"] {
        twin.fault(fault, "on");
    }
    let child = twin.spawn(&call(digest, &[]));
    wait_until("the first step", LIMIT, || {
        fs::read_to_string(twin.path("plan.json.journal")).is_ok_and(|text| !text.is_empty())
    });
    twin.fault("throttle-storm", "on");
    let mut output = child.wait_with_output().unwrap();
    for _ in 0..10 {
        if code(&output) == 0 {
            break;
        }
        assert_eq!(code(&output), 4, "{}", err(&output));
        output = twin.run(&call(digest, &[]));
    }
    assert_eq!(code(&output), 0, "{}", err(&output));
    for fault in [
        "graph-hiccups",
        "stale-reads",
        "diagnostic-lag",
        "throttle-storm",
    ] {
        twin.fault(fault, "off");
    }
    assert_eq!(still_open(&twin, &[]), json!([]));
    let units = state(&twin)["units"].clone();
    assert_eq!(units.as_array().unwrap().len(), 1, "{units}");
}
