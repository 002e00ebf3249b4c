//! Splits CSV into records while it streams by.
//!
//! A quoted cell may hold line breaks, and a quote that is never closed would swallow the rest of the file. So
//! a record that has grown over too many lines is given up: its first line is set aside and reading goes on
//! with the second.

use crate::WatchError;

/// Lines that one record may span. Pretty-printed JSON in a cell takes some hundred.
const LONGEST: usize = 5_000;

#[derive(Debug)]
pub(crate) struct Rows {
    delimiter: u8,
    limit: usize,
    buf: Vec<u8>,
    /// How far `buf` was looked at, and in which state.
    at: usize,
    quoted: bool,
    cell_start: bool,
    breaks: usize,
    first_break: Option<usize>,
    line: u64,
}

/// A record, the number of its first line, and whether it was given up.
pub(crate) type RowSink<'s> = dyn FnMut(&[u8], u64, bool) -> Result<(), WatchError> + 's;

impl Rows {
    pub(crate) fn new(delimiter: u8, limit: usize) -> Self {
        Self {
            delimiter,
            limit,
            buf: Vec::new(),
            at: 0,
            quoted: false,
            cell_start: true,
            breaks: 0,
            first_break: None,
            line: 1,
        }
    }

    pub(crate) fn feed(&mut self, chunk: &[u8], sink: &mut RowSink<'_>) -> Result<(), WatchError> {
        self.buf.extend_from_slice(chunk);
        self.advance(sink)
    }

    fn restart(&mut self) {
        self.at = 0;
        self.quoted = false;
        self.cell_start = true;
        self.breaks = 0;
        self.first_break = None;
    }

    fn advance(&mut self, sink: &mut RowSink<'_>) -> Result<(), WatchError> {
        let mut start = 0;
        while self.at < self.buf.len() {
            let byte = self.buf[self.at];
            self.at += 1;
            match byte {
                b'"' if self.quoted => self.quoted = false,
                // A quote right after a closing one is a doubled quote; elsewhere inside a cell it is text.
                b'"' if self.cell_start || self.buf.get(self.at.wrapping_sub(2)) == Some(&b'"') => {
                    self.quoted = true;
                    self.cell_start = false;
                }
                b'\n' => {
                    self.breaks += 1;
                    if self.quoted {
                        self.first_break.get_or_insert(self.at);
                        if self.breaks > LONGEST || self.at - start > self.limit {
                            let end = self.first_break.unwrap_or(self.at);
                            sink(&self.buf[start..end], self.line, true)?;
                            self.line += 1;
                            start = end;
                            self.restart();
                            self.at = start;
                        }
                    } else {
                        sink(&self.buf[start..self.at], self.line, false)?;
                        self.line += self.breaks as u64;
                        start = self.at;
                        self.restart();
                        self.at = start;
                    }
                }
                b if b == self.delimiter && !self.quoted => self.cell_start = true,
                _ => self.cell_start = false,
            }
        }
        if self.at - start > self.limit && self.first_break.is_none() {
            // One line above the limit: its beginning is all that is kept.
            sink(&self.buf[start..], self.line, true)?;
            start = self.buf.len();
        }
        self.buf.drain(..start);
        self.first_break = self.first_break.map(|n| n.saturating_sub(start));
        self.at = self.buf.len();
        Ok(())
    }

    pub(crate) fn finish(&mut self, sink: &mut RowSink<'_>) -> Result<(), WatchError> {
        while !self.buf.is_empty() {
            if let Some(end) = self.first_break.filter(|_| self.quoted) {
                sink(&self.buf[..end], self.line, true)?;
                self.line += 1;
                self.buf.drain(..end);
                self.restart();
                self.advance(sink)?;
            } else {
                sink(&self.buf, self.line, self.quoted)?;
                self.buf.clear();
            }
        }
        Ok(())
    }
}

/// The cells of one record.
pub(crate) fn cells(record: &[u8], delimiter: u8) -> Option<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(record);
    let row = reader.records().next()?.ok()?;
    Some(row.iter().map(str::to_owned).collect())
}

/// The delimiter of a header line, when it is one.
pub(crate) fn delimiter(line: &[u8]) -> Option<u8> {
    let line = line.trim_ascii();
    if line.is_empty() || line[0] == b'{' || line[0] == b'[' || line.contains(&b'{') {
        return None;
    }
    [b',', b';', b'\t']
        .into_iter()
        .map(|d| (memchr::memchr_iter(d, line).count(), d))
        .filter(|(count, _)| *count >= 2)
        .max_by_key(|(count, _)| *count)
        .map(|(_, d)| d)
}
