//! How fast one sign-in is judged, and how fast an account is proved.
//!
//! ```sh
//! cargo bench -p breakglass-conditional-access
//! ```
//!
//! Ends with a table for `docs/performance.md`. All is done on one thread,
//! and what is measured is its time on a processor.
#![allow(missing_docs, clippy::unwrap_used)] // what the macros of criterion make, and a measurement may panic

mod cpu;
mod large;
#[path = "../../tests/it/numbers.rs"]
#[allow(dead_code)]
mod numbers;
mod published;

use std::{fs, hint::black_box, path::PathBuf, time::Duration};

use breakglass_conditional_access::{
    Enforce, Engine, Environment, Identity, Policy,
    prove::{Options, Prover},
};
use cpu::CpuTime;
use criterion::{BenchmarkId, Criterion, Throughput};
use serde_json::Value;

/// One judgement differs from the next, so a batch is measured.
const BATCH: usize = 512;

fn evaluate(criterion: &mut Criterion<CpuTime>) {
    let person = large::administrator();
    let sign_ins = large::sign_ins(&person, BATCH);
    let mut group = criterion.benchmark_group("evaluate");
    group.throughput(Throughput::Elements(u64::try_from(BATCH).unwrap()));
    for number in [19, 190] {
        let tenant = large::tenant(number);
        let engine = Engine::new(&tenant.policies, &tenant.environment, Enforce::Enabled);
        let subject = engine.subject(&person);
        group.bench_function(BenchmarkId::new("sign-in", number), |bencher| {
            bencher.iter(|| {
                for sign_in in &sign_ins {
                    black_box(engine.evaluate(&subject, black_box(sign_in)));
                }
            });
        });
        group.bench_function(BenchmarkId::new("subject and sign-in", number), |bencher| {
            bencher.iter(|| {
                for sign_in in &sign_ins {
                    let subject = engine.subject(black_box(&person));
                    black_box(engine.evaluate(&subject, sign_in));
                }
            });
        });
    }
    group.finish();
}

struct Set {
    name: String,
    policies: Vec<Policy>,
    environment: Environment,
    person: Identity,
}

fn sets() -> Vec<Set> {
    let mut sets = Vec::new();
    match published::sets() {
        Some(published) => sets.extend(published.into_iter().map(|(name, policies)| Set {
            name,
            environment: published::environment(&policies),
            policies,
            person: large::administrator(),
        })),
        None => println!("skipped: no shared data (BREAKGLASS_SHARED)"),
    }
    for number in [190, 699] {
        let tenant = large::tenant(number);
        for (who, person) in [
            ("administrator", large::administrator()),
            ("break glass", large::break_glass()),
        ] {
            sets.push(Set {
                name: format!("generated {number}, {who}"),
                policies: tenant.policies.clone(),
                environment: tenant.environment.clone(),
                person,
            });
        }
    }
    sets
}

const STEPS: [&str; 4] = ["engine", "prover", "account", "together"];

fn prove(criterion: &mut Criterion<CpuTime>, sets: &[Set]) {
    let options = Options::default();
    let mut group = criterion.benchmark_group("prove");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    for set in sets {
        let make = || Engine::new(&set.policies, &set.environment, Enforce::ReportOnlyToo);
        let engine = make();
        let prover = Prover::new(&engine, &options);
        let subject = engine.subject(&set.person);
        let proof = prover.account(&subject, &[]);
        println!(
            "{}: {} policies, classes {:?}, {:?}, blamed {}",
            set.name,
            set.policies.len(),
            prover.class_counts(),
            proof.verdict,
            proof.blame.len()
        );
        group.bench_function(BenchmarkId::new(STEPS[0], &set.name), |b| b.iter(make));
        group.bench_function(BenchmarkId::new(STEPS[1], &set.name), |b| {
            b.iter(|| Prover::new(&engine, &options));
        });
        group.bench_function(BenchmarkId::new(STEPS[2], &set.name), |b| {
            b.iter(|| prover.account(&engine.subject(&set.person), &[]));
        });
        group.bench_function(BenchmarkId::new(STEPS[3], &set.name), |b| {
            b.iter(|| {
                let engine = make();
                let prover = Prover::new(&engine, &options);
                prover.account(&engine.subject(&set.person), &[])
            });
        });
    }
    group.finish();
}

/// The median of a measurement in nanoseconds, as criterion wrote it down.
fn median(group: &str, step: &str, name: &str) -> Option<f64> {
    let built: PathBuf = std::env::current_exe().ok()?;
    let written = built
        .ancestors()
        .map(|above| above.join("criterion").join(group))
        .find(|group| group.is_dir())?;
    let file = written.join(step).join(name).join("new/estimates.json");
    let estimates: Value = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    estimates["median"]["point_estimate"].as_f64()
}

fn table(sets: &[Set]) {
    println!("\n| evaluate, full trace | 19 policies | 190 policies |\n|---|---|---|");
    for step in ["sign-in", "subject and sign-in"] {
        let rates = ["19", "190"].map(|number| {
            median("evaluate", step, number).map_or("-".to_owned(), |nanoseconds| {
                let batch = f64::from(u32::try_from(BATCH).unwrap());
                format!("{:.0}/s", batch * 1e9 / nanoseconds)
            })
        });
        println!("| {step} | {} |", rates.join(" | "));
    }
    println!(
        "\n| prove one account | policies | {} |\n|---|---|---|---|---|---|",
        STEPS.join(" | ")
    );
    for set in sets {
        let times = STEPS.map(|step| {
            median("prove", step, &set.name).map_or("-".to_owned(), |nanoseconds| {
                format!("{:.2} ms", nanoseconds / 1e6)
            })
        });
        println!(
            "| {} | {} | {} |",
            set.name,
            set.policies.len(),
            times.join(" | ")
        );
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .with_measurement(CpuTime)
        .configure_from_args();
    evaluate(&mut criterion);
    let sets = sets();
    prove(&mut criterion, &sets);
    criterion.final_summary();
    table(&sets);
}
