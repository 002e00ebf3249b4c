//! `demo`: the main job on a built-in tenant, end to end, in one terminal.
//!
//! Nothing is acted: the verdict comes from the checks, the records go through the same filter, store,
//! outbox and SMTP channel as in production; only the tenant, the log and the mail server are made up.

mod acts;
mod catcher;
mod monitor;
mod script;
mod twin;

use std::{fs::OpenOptions, io::Write, path::Path, time::Duration};

use breakglass_model::aaguid::Tables;
use breakglass_model::{
    CheckReport, Clock, History, ObjectId, Register, TenantSnapshot, Verdict, finding::Answer,
};
use breakglass_posture::{CheckInput, Settings as CheckSettings, check};
use breakglass_store::IncidentFilter;

use crate::{
    cli::DemoArgs,
    clock::{Stopwatch, SystemClock},
    commands::incident,
    failure::{Failure, exit},
    output, runtime, settings,
};

use monitor::Monitor;
use twin::Twin;

/// How long any one step of the story may take before the demo says that it did not happen.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause between scenes, for reading.
const PAUSE: Duration = Duration::from_millis(1500);

/// Plays the story.
pub fn run(args: &DemoArgs) -> Result<u8, Failure> {
    let (folder, kept) = match &args.data_dir {
        Some(folder) => (folder.clone(), true),
        None => (
            std::env::temp_dir().join(format!("breakglass-demo-{}", uuid::Uuid::new_v4().simple())),
            false,
        ),
    };
    std::fs::create_dir_all(&folder).map_err(|error| {
        Failure::broke(format!(
            "the directory `{}` could not be made: {}",
            folder.display(),
            crate::input::plain(&error)
        ))
        .help("name another one with --data-dir")
    })?;
    let log = folder.join("stream.ndjson");
    let played = match log.exists() {
        true => Err(
            Failure::usage(format!("`{}` holds an earlier demo", folder.display()))
                .help("name an empty directory"),
        ),
        false => runtime().and_then(|runtime| {
            runtime.block_on(async {
                let pause = if args.once { Duration::ZERO } else { PAUSE };
                match args.act {
                    Some(act) => acts::play(act, &folder, &log, pause).await,
                    None => play(&folder, &log, pause).await,
                }
            })
        }),
    };
    if !kept && let Err(error) = std::fs::remove_dir_all(&folder) {
        crate::output::tell!(
            "warning: the temporary directory `{}` could not be removed: {error}",
            folder.display()
        );
    }
    played?;
    if kept {
        output::print(&format!(
            "\nThe state is in {0}; look at it with\n  breakglass incident list --data-dir {0}\n",
            folder.display()
        ))?;
    }
    Ok(exit::CLEAN)
}

async fn play(folder: &Path, log: &Path, pause: Duration) -> Result<(), Failure> {
    let clock = SystemClock;
    let took = Stopwatch::start();
    say(
        "breakglass demo\n\nContoso is made up, and so are its people and its log. Nothing leaves this machine.\n",
    )?;

    heading(
        "1. Would the accounts get you in? The tenant, served by the twin, collected and judged",
    )?;
    let twin = Twin::start(folder, "contoso").await?;
    let contoso = judged(&twin.collect().await?, &twin.register, &clock)?;
    twin.stop().await?;
    say(&verdict(&contoso))?;
    tokio::time::sleep(pause).await;

    heading("2. The log is watched")?;
    let mut monitor = Monitor::start(folder, log, "contoso").await?;
    say(&format!(
        "Mail goes to a catcher on {}; signals are kept in SQLite before anything counts as read.\n",
        monitor.address
    ))?;
    let (cast_tenant, names) = cast(&contoso)?;
    let cast = script::Cast {
        tenant: &cast_tenant,
        first: (&names[0].0, &names[0].1),
        second: (&names[1].0, &names[1].1),
        admin: (
            "a0000000-0000-4000-8000-00000000ad01",
            "adele.admin@contoso.com",
        ),
        policy: (
            "c0000000-0000-4000-8000-00000000ca01",
            "CA001: Block legacy authentication",
        ),
    };
    let mut shown = None;
    for scene in script::scenes(&cast, clock.now()) {
        if let Some(caption) = scene.caption {
            say(&format!("\n  {caption}\n"))?;
        }
        let since = Stopwatch::start();
        append(log, &scene.records)?;
        for _ in 0..scene.signals {
            let signal = within(monitor.signals.recv(), "the signal").await?;
            let mail = within(monitor.mails.recv(), "the mail").await?;
            say(&format!(
                "    {:8} {}\n             on disk, mailed and accepted {} ms after the record was written\n",
                signal.kind.as_str(),
                wrapped(&signal.summary, "             ").trim(),
                since.elapsed().as_millis()
            ))?;
            if signal.kind == breakglass_model::SignalKind::Use {
                shown = Some(mail);
            }
        }
        if scene.signals == 0 {
            // Long enough for a wrong signal to show itself.
            tokio::time::sleep(Duration::from_millis(900)).await;
            if let Ok(signal) = monitor.signals.try_recv() {
                return Err(Failure::broke(format!(
                    "a signal came where none belongs: {}",
                    signal.summary
                )));
            }
            say(&format!(
                "    {} read, no signal\n",
                count(scene.records.len(), "record")
            ))?;
        }
        tokio::time::sleep(pause).await;
    }

    heading("3. What the people on call received")?;
    let mail = shown.ok_or_else(|| Failure::broke("the mail about the sign-in was not caught"))?;
    say(&quoted(&mail)?)?;
    tokio::time::sleep(pause).await;

    heading("4. The incident, acknowledged by a person")?;
    let incidents = monitor
        .store
        .incidents(&IncidentFilter::default())
        .await
        .map_err(settings::store_failed)?;
    let first = incidents
        .iter()
        .find(|incident| incident.account_key == cast.first.0.to_lowercase())
        .ok_or_else(|| Failure::broke("no incident was opened for the account that was used"))?;
    monitor
        .store
        .acknowledge(&first.id, "anna", clock.now())
        .await
        .map_err(settings::store_failed)?;
    let detail = monitor
        .store
        .incident(&first.id)
        .await
        .map_err(settings::store_failed)?;
    let detail = detail.ok_or_else(|| Failure::broke("the incident could not be read back"))?;
    say(&indented(&incident::page(&detail)))?;

    heading("5. The record of all that")?;
    let evidence = monitor
        .store
        .verify_evidence()
        .await
        .map_err(settings::store_failed)?;
    say(&format!(
        "{} chained by SHA-256, all unchanged; head {}…\n",
        count(
            usize::try_from(evidence.rows).unwrap_or(usize::MAX),
            "evidence row"
        ),
        evidence.head.get(..16).unwrap_or(&evidence.head)
    ))?;

    monitor.stop().await?;

    heading("6. The same tenant after everything was put right")?;
    let twin = Twin::start(folder, "contoso-modern").await?;
    let modern = judged(&twin.collect().await?, &twin.register, &clock)?;
    twin.stop().await?;
    say(&verdict(&modern))?;
    say(&format!(
        "\nAll of it took {:.0} s. Next: `breakglass check --tenant contoso` for every finding,\n\
         `breakglass check --tenant <your export>` for your own tenant.\n",
        took.elapsed().as_secs_f64().ceil()
    ))
}

fn judged(
    snapshot: &TenantSnapshot,
    register: &Register,
    clock: &dyn Clock,
) -> Result<CheckReport, Failure> {
    check(&CheckInput {
        snapshot,
        register: Some(register),
        history: &History::default(),
        accounts: &[],
        now: clock.now(),
        keys: Tables::built_in(),
        settings: CheckSettings::default(),
        only: &[],
        skip: &[],
        waivers: &[],
        baseline: None,
        version: env!("CARGO_PKG_VERSION"),
    })
    .map_err(|error| Failure::broke(error.to_string()))
}

/// The tenant id and the id and name of the first two accounts.
fn cast(report: &CheckReport) -> Result<(String, Vec<(String, String)>), Failure> {
    let tenant = report.tenant.id.clone().unwrap_or_default();
    let accounts: Vec<(String, String)> = report
        .accounts
        .iter()
        .filter_map(|account| {
            Some((
                account.id.as_ref().map(ObjectId::to_string)?,
                account.upn.as_ref()?.to_string(),
            ))
        })
        .collect();
    if accounts.len() < 2 {
        return Err(Failure::broke(
            "the built-in tenant does not name two accounts",
        ));
    }
    Ok((tenant, accounts))
}

/// The three questions, and the worst findings in one line each.
fn verdict(report: &CheckReport) -> String {
    let color = output::color();
    let mut text = String::new();
    for question in &report.questions {
        let (word, code) = match question.answer {
            Answer::Yes => ("YES", "32"),
            Answer::No => ("NO", "31"),
            Answer::CannotTell => ("CANNOT TELL", "33"),
        };
        let shown = if color {
            format!("\u{1b}[1;{code}m{word:11}\u{1b}[0m")
        } else {
            format!("{word:11}")
        };
        text.push_str(&format!("  {shown}  "));
        text.push_str(wrapped(&question.question, "               ").trim_start());
        if let Some(why) = question.because.first() {
            text.push_str(&wrapped(why, "               "));
        }
    }
    let failing: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Fail)
        .collect();
    text.push_str(&format!(
        "\n  {} failing, {} cannot tell, {} passed\n",
        failing.len(),
        report.summary.cannot_tell,
        report.summary.pass
    ));
    for finding in failing.iter().take(6) {
        let start = format!(
            "  {:8} {} {:2} ",
            finding.severity.as_str(),
            finding.check,
            finding.requirement
        );
        let said = wrapped(
            &format!("{}: {}", finding.subject, finding.because),
            &" ".repeat(start.len()),
        );
        text.push_str(&start);
        text.push_str(said.trim_start());
    }
    if failing.len() > 6 {
        text.push_str(&format!(
            "  … and {} more: breakglass check --tenant contoso\n",
            failing.len() - 6
        ));
    }
    text
}

fn wrapped(text: &str, indent: &str) -> String {
    output::lines(text, output::width().clamp(60, 110) - indent.len())
        .iter()
        .map(|line| format!("{indent}{line}\n"))
        .collect()
}

/// Subject and text part of the mail, in a box.
fn quoted(mail: &str) -> Result<String, Failure> {
    // A folded header goes on where the next line begins with white space (RFC 5322, 2.2.3).
    let unfolded = mail.replace("\r\n ", " ");
    let subject = unfolded
        .lines()
        .find(|line| line.starts_with("Subject:"))
        .filter(|line| line.contains("[CRITICAL] Emergency Access Activity"))
        .ok_or_else(|| Failure::broke("the caught mail has another subject than it must have"))?;
    let part = mail
        .split("Content-Type: text/plain")
        .nth(1)
        .unwrap_or(mail);
    let body = part.split_once("\r\n\r\n").map_or(part, |(_, body)| body);
    let body = body.split("\r\n--").next().unwrap_or(body);
    let body = unquoted(body);
    let mut text = format!("  | {}\n  |\n", subject.trim_end());
    for line in body.trim().lines() {
        text.push_str(&format!("  | {}\n", line.trim_end()));
    }
    Ok(text)
}

/// Undoes quoted-printable (RFC 2045, 6.7), which is how the text part travels when it is not plain ASCII.
fn unquoted(text: &str) -> String {
    let joined = text.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = tail
            .get(..2)
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let (b'=', Some(byte)) = (first, code) {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn indented(text: &str) -> String {
    text.lines()
        .map(|line| {
            if line.is_empty() {
                "\n".to_owned()
            } else {
                format!("  {line}\n")
            }
        })
        .collect()
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

fn heading(text: &str) -> Result<(), Failure> {
    if output::color() {
        say(&format!("\n\u{1b}[1m{text}\u{1b}[0m\n"))
    } else {
        say(&format!("\n{text}\n{}\n", "-".repeat(text.chars().count())))
    }
}

fn say(text: &str) -> Result<(), Failure> {
    output::print(text)
}

async fn within<T>(waiting: impl Future<Output = Option<T>>, what: &str) -> Result<T, Failure> {
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .ok()
        .flatten()
        .ok_or_else(|| {
            Failure::broke(format!(
                "{what} did not come within {} s",
                PATIENCE.as_secs()
            ))
        })
}

fn append(log: &Path, records: &[String]) -> Result<(), Failure> {
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().append(true).open(log)?;
        let text: String = records.iter().map(|record| format!("{record}\n")).collect();
        file.write_all(text.as_bytes())
    };
    write().map_err(|error| {
        Failure::broke(format!("`{}` could not be written: {error}", log.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_printable_is_undone() {
        assert_eq!(unquoted("a=\r\nb =C3=BC =x"), "ab ü =x");
    }
}
