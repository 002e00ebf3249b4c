//! Times as the logs spell them.
//!
//! Records carry a dozen spellings of one moment: ISO 8601 with none to nine digits of fraction, with `Z`, an
//! offset or nothing behind it, a blank instead of `T`; the 12-hour clock with slashes, with or without a
//! comma; `/Date(ms)/` from PowerShell. A time without a zone is UTC: every log that leaves it out writes UTC.
//! Slashes are the one true ambiguity. A caller who knows that the writer puts the month first says so;
//! otherwise `3/12/2025` is no time at all, and the text is kept by the caller.

use jiff::{Timestamp, civil::DateTime, tz::Offset};

/// What `3/12/2025` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slashes {
    /// The writer puts the month first (Event Hub, Log Analytics).
    MonthFirst,
    /// Not known: a date that can be read both ways is not read.
    Unknown,
}

/// Reads a time; `None` when it is none or can be read in two ways.
pub fn parse(text: &str, slashes: Slashes) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix("/Date(") {
        let digits = rest.strip_suffix(")/")?;
        return Timestamp::from_millisecond(digits.parse().ok()?).ok();
    }
    let mut rest = Cursor(text);
    let first = rest.number()?;
    let (year, month, day) = if rest.take('-') {
        let month = rest.number()?;
        if !rest.take('-') {
            return None;
        }
        (first, month, rest.number()?)
    } else if rest.take('/') {
        let second = rest.number()?;
        if !rest.take('/') {
            return None;
        }
        let year = rest.number()?;
        let (month, day) = match slashes {
            _ if first > 12 => (second, first),
            _ if second > 12 || first == second => (first, second),
            Slashes::MonthFirst => (first, second),
            Slashes::Unknown => return None,
        };
        (year, month, day)
    } else {
        return None;
    };
    if year < 1000 {
        return None;
    }
    let _ = rest.take('T') || rest.take('t') || rest.take(',');
    rest.blanks();
    let mut hour = rest.number()?;
    if !rest.take(':') {
        return None;
    }
    let minute = rest.number()?;
    let second = if rest.take(':') { rest.number()? } else { 0 };
    let nanos = if rest.take('.') { rest.fraction()? } else { 0 };
    rest.blanks();
    if let Some(afternoon) = rest.half_day() {
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour = hour % 12 + if afternoon { 12 } else { 0 };
    }
    rest.blanks();
    let offset = rest.offset()?;
    // A leap second is written by some senders; the clock of records has none.
    let second = second.min(59);
    let civil = DateTime::new(
        i16::try_from(year).ok()?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
        i8::try_from(hour).ok()?,
        i8::try_from(minute).ok()?,
        i8::try_from(second).ok()?,
        nanos,
    )
    .ok()?;
    offset.to_timestamp(civil).ok()
}

struct Cursor<'a>(&'a str);

impl Cursor<'_> {
    fn take(&mut self, c: char) -> bool {
        self.0.strip_prefix(c).is_some_and(|rest| {
            self.0 = rest;
            true
        })
    }

    fn blanks(&mut self) {
        // Newer .NET puts a narrow no-break space before AM and PM.
        self.0 = self.0.trim_start();
    }

    fn digits(&mut self) -> &str {
        let end = self
            .0
            .bytes()
            .position(|b| !b.is_ascii_digit())
            .unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at(end);
        self.0 = rest;
        digits
    }

    fn number(&mut self) -> Option<u32> {
        let digits = self.digits();
        if digits.len() > 4 {
            return None;
        }
        digits.parse().ok()
    }

    fn fraction(&mut self) -> Option<i32> {
        let digits = self.digits();
        if digits.is_empty() {
            return None;
        }
        let nine: String = digits.chars().chain("000000000".chars()).take(9).collect();
        nine.parse().ok()
    }

    fn half_day(&mut self) -> Option<bool> {
        let head = self.0.get(..2)?;
        let afternoon = match head.to_ascii_uppercase().as_str() {
            "AM" => false,
            "PM" => true,
            _ => return None,
        };
        self.0 = &self.0[2..];
        Some(afternoon)
    }

    fn offset(&mut self) -> Option<Offset> {
        if self.0.is_empty() || matches!(self.0, "Z" | "z" | "UTC" | "GMT") {
            return Some(Offset::UTC);
        }
        let sign = if self.take('+') {
            1
        } else if self.take('-') {
            -1
        } else {
            return None;
        };
        let digits: String = self.0.chars().filter(|c| *c != ':').collect();
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let (hours, minutes) = match digits.len() {
            2 => (digits.parse::<i32>().ok()?, 0),
            4 => (digits[..2].parse().ok()?, digits[2..].parse().ok()?),
            _ => return None,
        };
        Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w3_every_spelling_met_in_real_records() {
        for (text, expected) in [
            (
                "2023-10-24T20:01:11.9490387+00:00",
                "2023-10-24T20:01:11.9490387Z",
            ),
            (
                "2023-10-24T20:13:31.4449614Z",
                "2023-10-24T20:13:31.4449614Z",
            ),
            (
                "2025-06-01T08:00:00.1234567-05:00",
                "2025-06-01T13:00:00.1234567Z",
            ),
            ("2025-01-15 09:30:45.123", "2025-01-15T09:30:45.123Z"),
            ("2020-05-20T18:19:04.423000", "2020-05-20T18:19:04.423Z"),
            ("2025-01-15T09:30:45.12", "2025-01-15T09:30:45.12Z"),
            (
                "2025-01-15T09:30:45.123456789Z",
                "2025-01-15T09:30:45.123456789Z",
            ),
            ("11/14/2025 1:48:53 AM", "2025-11-14T01:48:53Z"),
            ("12/12/2025 3:03:58 PM", "2025-12-12T15:03:58Z"),
            ("3/24/2022 2:42:35 PM", "2022-03-24T14:42:35Z"),
            ("6/15/2026, 12:40:24.178 PM", "2026-06-15T12:40:24.178Z"),
            ("4/28/2021, 12:08:45.221 AM", "2021-04-28T00:08:45.221Z"),
            ("24/3/2022 14:42:35", "2022-03-24T14:42:35Z"),
            ("/Date(1769788627239)/", "2026-01-30T15:57:07.239Z"),
        ] {
            assert_eq!(
                parse(text, Slashes::Unknown)
                    .map(|t| t.to_string())
                    .as_deref(),
                Some(expected),
                "{text}"
            );
        }
        assert_eq!(
            parse("1/9/2007 10:41:00 AM +01:00", Slashes::MonthFirst).map(|t| t.to_string()),
            Some("2007-01-09T09:41:00Z".to_owned())
        );
    }

    #[test]
    fn w3_two_meanings_are_no_meaning() {
        assert_eq!(parse("3/12/2025 7:22:01 AM", Slashes::Unknown), None);
        assert!(parse("3/12/2025 7:22:01 AM", Slashes::MonthFirst).is_some());
        for text in [
            "",
            "yesterday",
            "2025-13-01T00:00:00Z",
            "2025-01-01",
            "99:99",
            "1/2/3",
            "13/13/2025 1:00",
            "2025-01-01T00:00:00é",
        ] {
            assert_eq!(parse(text, Slashes::MonthFirst), None, "{text}");
        }
    }
}
