//! Writing to the terminal.

use std::{
    future::Future,
    io::{self, IsTerminal, Write},
    time::Duration,
};

use breakglass_posture::report::Style;
use breakglass_watch::words;

use crate::{clock::Stopwatch, failure::Failure};

/// Writes a result to standard output. A reader that went away (`| head`) is no error.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let mut write = || -> io::Result<()> {
        out.write_all(text.as_bytes())?;
        if !text.ends_with('\n') {
            out.write_all(b"\n")?;
        }
        out.flush()
    };
    match write() {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(
            Failure::broke(format!("standard output could not be written: {error}"))
                .help("free space, or send the output elsewhere; nothing else was changed"),
        ),
        Ok(()) => Ok(()),
    }
}

/// Writes a line to standard error. Nobody may be listening there (a closed pipe, a full disk); that is no reason
/// to stop.
macro_rules! tell {
    ($($argument:tt)*) => {{
        use std::io::Write as _;
        drop(writeln!(std::io::stderr(), $($argument)*));
    }};
}
pub(crate) use tell;

/// A document as JSON, as every command prints it.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn json(document: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(document)
        .map_err(|error| Failure::broke(format!("the document could not be written: {error}")))
}

/// Waits for something that others answer, and says now and then that it still does: on a machine whose network is gone
/// a program that says nothing looks as if it hung. What it waits for is a clause, asked each time; `None` says nothing.
pub async fn patiently<T>(
    answer: impl Future<Output = T>,
    waits_for: impl Fn() -> Option<String>,
) -> T {
    const OFTEN: Duration = Duration::from_secs(10);
    let begun = Stopwatch::start();
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + OFTEN, OFTEN);
    let mut answer = std::pin::pin!(answer);
    loop {
        tokio::select! {
            result = &mut answer => return result,
            _ = ticks.tick() => if let Some(what) = waits_for() {
                tell!("  {} s: {what}", begun.elapsed().as_secs());
            },
        }
    }
}

/// How wide the terminal is; 100 where there is none.
pub fn width() -> usize {
    std::env::vars_os()
        .find(|(name, _)| name == "COLUMNS")
        .and_then(|(_, value)| value.to_str()?.parse().ok())
        .filter(|width| (40..=400).contains(width))
        .unwrap_or(100)
}

/// The text on one line, without characters that would steer a terminal or end a comment: names in a tenant are
/// chosen by whoever may rename an object.
pub fn one_line(text: &str) -> String {
    words::clean(text)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// Breaks a text between words into lines of at most `width` characters; a longer word has a line of its own. At least
/// one line.
///
/// What stands between backticks is one word: it is there to be copied. Where it is longer than a line it stands alone,
/// whole and without the backticks.
pub fn lines(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in words_of(text) {
        let length = word.chars().count();
        if length > width
            && let Some((before, command, behind)) = command(&word)
        {
            if let Some(line) = lines.last_mut() {
                if used > 0 && !before.is_empty() {
                    line.push(' ');
                }
                line.push_str(before);
                // A full stop behind a command would be copied along; a bracket is closed before it.
                line.extend(behind.chars().filter(|c| *c == ')'));
            }
            if lines.last().is_some_and(String::is_empty) {
                lines.pop();
            }
            lines.push(command.to_owned());
            // Nothing follows it on its line.
            used = length;
            continue;
        }
        if used > 0 && used + 1 + length > width {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(&word);
        }
        used += length;
    }
    lines
}

/// A word of several, its backticks taken off, and what touches them.
fn command(word: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = word.split_once('`')?;
    let (command, behind) = rest.rsplit_once('`')?;
    command.contains(' ').then_some((before, command, behind))
}

/// Words, with what stands between backticks as one of them.
fn words_of(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut open: Option<String> = None;
    for word in text.split_whitespace() {
        let ticks = word.matches('`').count();
        match &mut open {
            Some(span) => {
                span.push(' ');
                span.push_str(word);
                if ticks % 2 == 1 {
                    words.extend(open.take());
                }
            }
            None if ticks % 2 == 1 => open = Some(word.to_owned()),
            None => words.push(word.to_owned()),
        }
    }
    // A backtick that nothing closes is a character like others.
    if let Some(span) = open {
        words.extend(span.split(' ').map(str::to_owned));
    }
    words
}

/// Breaks a text into lines of the terminal's width; those after the first stand under it, `indent` columns in.
pub fn wrapped(text: &str, indent: usize) -> String {
    let width = width().saturating_sub(indent).max(30);
    lines(text, width).join(&format!("\n{}", " ".repeat(indent)))
}

/// Colour only on a terminal, and never when `NO_COLOR` is set.
pub fn color() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// How the text report is written.
pub fn style(verbose: bool) -> Style {
    Style {
        color: color(),
        width: width(),
        verbose,
    }
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn w6_a_command_is_never_broken() {
        let text = "Send one (as `az login` said. `az monitor action-group create --name 'break glass'`), then wait.";
        assert_eq!(
            lines(text, 20),
            [
                "Send one (as",
                "`az login` said.)",
                "az monitor action-group create --name 'break glass'",
                "then wait."
            ]
        );
        // Where it fits it is a word like others.
        assert_eq!(
            lines("Send one: `az monitor x`.", 20),
            ["Send one:", "`az monitor x`."]
        );
        assert_eq!(lines("one ` of two words", 8), ["one ` of", "two", "words"]);
        assert_eq!(lines("", 8), [""]);
    }
}
