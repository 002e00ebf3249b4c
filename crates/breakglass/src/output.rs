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
    written(text, || {
        "free space, or send the output elsewhere".to_owned()
    })
}

/// The same after something was done: where the result cannot be written, the failure says that it is. `done` is a
/// sentence.
pub fn print_done(text: &str, done: &str) -> Result<(), Failure> {
    written(text, || {
        format!("{done}; free space, or send the output elsewhere")
    })
}

fn written(text: &str, help: impl FnOnce() -> String) -> Result<(), Failure> {
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
            Failure::broke(format!("standard output could not be written: {error}")).help(help()),
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

/// How wide the text may be: as wide as the terminal, 100 columns where there is none.
pub fn width() -> usize {
    room().unwrap_or(100)
}

/// What `COLUMNS` says, else the width of the terminal that the result goes to; `None` where it goes elsewhere. Nothing
/// is drawn for less than 40 columns, and of a wide terminal no more is used than can be read along a line.
fn room() -> Option<usize> {
    let said = std::env::vars_os()
        .find(|(name, _)| name == "COLUMNS")
        .and_then(|(_, value)| value.to_str()?.parse().ok())
        .filter(|width| *width > 0)
        .map(|width: usize| width.clamp(40, 400));
    said.or_else(|| {
        let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
        Some(usize::from(width.0).clamp(40, 120))
    })
}

/// A text whose lines are made for about 100 columns, for the terminal at hand: longer lines are broken between words, and
/// go on four columns further in. Commands stay whole, to be copied; and so does everything that goes to no terminal.
pub fn fitted(text: &str) -> String {
    room().map_or_else(|| text.to_owned(), |room| broken(text, room))
}

fn broken(text: &str, room: usize) -> String {
    let line = |line: &str| {
        let start = line.len() - line.trim_start().len();
        let command = line.contains("breakglass ");
        if command || line.chars().count() <= room {
            return line.to_owned();
        }
        let first = " ".repeat(start);
        let next = format!("\n{}", " ".repeat(start + 4));
        let lines = lines(line, room.saturating_sub(start + 4).max(12));
        format!("{first}{}", lines.join(&next))
    };
    let mut fitted: String = text.lines().map(|own| line(own) + "\n").collect();
    if !text.ends_with('\n') {
        fitted.pop();
    }
    fitted
}

/// A word of a command that somebody will copy, in quotes where a shell would take it for more than a word.
pub fn shell(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:@+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", one_line(word).replace('\'', "'\\''"))
}

/// The text on one line, without characters that would steer a terminal or end a comment: names in a tenant are
/// chosen by whoever may rename an object.
pub fn one_line(text: &str) -> String {
    words::clean(text)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// Why JSON was not taken, on one line. The reader quotes the value that it did not expect, however long that is; begin and
/// end (where the place stands) are kept.
pub fn json_error(error: &serde_json::Error) -> String {
    const BEGIN: usize = 120;
    const END: usize = 100;
    // Only as much is cleaned as can be shown.
    let text = error.to_string();
    let begin = text.char_indices().nth(BEGIN).map(|(at, _)| at);
    let end = text.char_indices().rev().nth(END).map(|(at, _)| at);
    match (begin, end) {
        (Some(begin), Some(end)) if begin < end => {
            format!("{} … {}", one_line(&text[..begin]), one_line(&text[end..]))
        }
        _ => one_line(&text),
    }
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
                // The bracket takes the last word along where it finds no room.
                if line.chars().count() > width
                    && let Some(space) = line.rfind(' ')
                {
                    let last = line.split_off(space).trim_start().to_owned();
                    lines.push(last);
                }
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
    let width = width().saturating_sub(indent).max(12);
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
    use super::*;

    #[test]
    fn a_word_of_a_command_stays_one_word() {
        assert_eq!(shell("a/b-1@c.example"), "a/b-1@c.example");
        assert_eq!(shell("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(shell(""), "''");
    }

    #[test]
    fn lines_are_broken_between_words_and_commands_are_not() {
        let text = "  a word and another one\nbreakglass check --tenant contoso\n\nshort";
        assert_eq!(
            broken(text, 18),
            "  a word and\n      another one\nbreakglass check --tenant contoso\n\nshort"
        );
        assert_eq!(broken(text, 80), text);
    }

    #[test]
    fn a_value_that_was_not_expected_is_quoted_in_part() {
        let long = format!("\n\"{}ü\"", "ä".repeat(5000));
        let error = serde_json::from_str::<u8>(&long).unwrap_err();
        let told = json_error(&error);
        assert!(
            told.chars().count() < 230 && told.starts_with("invalid type: string"),
            "{told}"
        );
        assert!(
            told.ends_with(&format!("at line 2 column {}", long.len() - 1)),
            "{told}"
        );
        let short = serde_json::from_str::<u8>("\"x\"").unwrap_err();
        assert_eq!(json_error(&short), short.to_string());
    }

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
