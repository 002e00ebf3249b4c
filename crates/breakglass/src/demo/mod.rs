//! `demo`: the main job on a built-in tenant, end to end, in one terminal.
//!
//! Nothing is acted: the verdict comes from the checks, every sign-in and change of an emergency access account happens
//! in the twin, whose records go through the same filter, store, outbox and SMTP channel as in production. Made up are
//! the tenant, the mail server, and what ordinary people of the tenant leave in the log.

mod acts;
mod catcher;
mod crowd;
mod monitor;
mod stage;
mod story;
mod twin;

use std::time::Duration;

use breakglass_model::{CheckReport, Verdict, finding::Answer};

use crate::{
    cli::DemoArgs,
    failure::{Failure, exit},
    interrupted, output, runtime,
};

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
                let play = async {
                    match args.act {
                        Some(act) => acts::play(act, &folder, &log, pause).await,
                        None => story::play(&folder, &log, pause).await,
                    }
                };
                // What it wrote would otherwise stay behind.
                tokio::select! {
                    // Asked first, so that it is listened for before anything is written.
                    biased;
                    () = interrupted() => Err(stopped(kept)),
                    played = play => played,
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

/// Somebody ended it.
fn stopped(kept: bool) -> Failure {
    Failure::broke("the demo was interrupted").help(if kept {
        "what it wrote is kept; name another directory to begin anew"
    } else {
        "nothing of it is left; run it again"
    })
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
    output::lines(text, output::width().clamp(40, 110) - indent.len())
        .iter()
        .map(|line| format!("{indent}{line}\n"))
        .collect()
}

/// The line of a mail's subject. A folded header goes on where the next line begins with white space (RFC 5322, 2.2.3).
fn subject(mail: &str) -> Option<String> {
    let unfolded = mail.replace("\r\n ", " ");
    let line = unfolded.lines().find(|line| line.starts_with("Subject:"))?;
    Some(line.trim_end().to_owned())
}

/// Subject and text part of the mail, in a box.
fn quoted(mail: &str) -> Result<String, Failure> {
    let subject = subject(mail)
        .filter(|line| line.contains("[CRITICAL] Emergency Access Activity"))
        .ok_or_else(|| Failure::broke("the caught mail has another subject than it must have"))?;
    let part = mail
        .split("Content-Type: text/plain")
        .nth(1)
        .unwrap_or(mail);
    let body = part.split_once("\r\n\r\n").map_or(part, |(_, body)| body);
    let body = body.split("\r\n--").next().unwrap_or(body);
    let body = unquoted(body);
    let mut text = format!("  | {subject}\n  |\n");
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
