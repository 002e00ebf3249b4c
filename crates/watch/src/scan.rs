//! Reads one source from its start to its end.
//!
//! What the source holds follows from its first bytes. Record lines are the fast case: big reads, whole lines
//! handed to the filter together, and only the ends of a line looked at when nothing in it was found. Such a
//! line is counted as skipped without being parsed; one that does not begin and end like an object is. JSON
//! documents and tables go through their splitters, at the price of touching every byte.

use std::io::{ErrorKind, Read};

use breakglass_model::{
    Clock, SetAside, SignalKind,
    record::LogRecord,
    signal::{Detected, ReadableAt},
};
use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::{
    Counts, Event, Folder, Source, WatchError, WatchList, decode,
    detect::{Found, detect, first_read, unreadable},
    document::{Piece, Splitter},
    filter::{Filter, Hit},
    table::{self, Rows},
};

/// Bytes asked for at a time.
const CHUNK: usize = 256 * 1024;
/// How much of a record above the limit is kept.
const KEPT: usize = 64 * 1024;
/// How far pieces of a record above the limit overlap in the search: longer than any name, escaped.
const OVERLAP: usize = 8 * 1024;

/// Settings of a scan.
#[derive(Clone, Debug)]
pub struct Options {
    /// The tenant that is watched, for records that name none.
    pub tenant: Option<String>,
    /// Longest record that is held in memory.
    pub record_limit: usize,
    /// The last complete read of this source, when there was one.
    pub not_before: Option<Timestamp>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tenant: None,
            record_limit: 16 << 20,
            not_before: None,
        }
    }
}

/// The receiver of events. An error stops the scan.
pub type Receiver<'r> =
    dyn FnMut(Event) -> Result<(), Box<dyn std::error::Error + Send + Sync>> + 'r;

/// A reading of sources against a watch list.
pub struct Scan<'a> {
    list: &'a WatchList,
    clock: &'a dyn Clock,
    options: Options,
    filter: Filter,
    folder: Folder,
    counts: Counts,
    hits: Vec<Hit>,
    breaks: Vec<usize>,
    source: String,
    file: String,
    complete: u64,
    columns: Vec<String>,
    number: u64,
    huge: Option<Huge>,
}

#[derive(Default)]
struct Huge {
    kept: Vec<u8>,
    tail: Vec<u8>,
    /// The surroundings of the first name.
    context: Option<Vec<u8>>,
}

impl std::fmt::Debug for Scan<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scan")
            .field("source", &self.source)
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

fn unwrapped_line(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn looks_whole(line: &[u8]) -> bool {
    let line = unwrapped_line(line);
    line.len() >= 2 && line[0] == b'{' && line[line.len() - 1] == b'}'
}

fn looks_wrapped(line: &[u8]) -> bool {
    let head = &line[..line.len().min(64)];
    let Some(rest) = head.trim_ascii_start().strip_prefix(b"{") else {
        return head.trim_ascii_start().starts_with(b"[");
    };
    let rest = rest.trim_ascii_start();
    [
        &b"\"records\""[..],
        b"\"value\"",
        b"\"tables\"",
        b"\"@odata.",
        b"\"nextLink\"",
    ]
    .iter()
    .any(|key| rest.starts_with(key))
}

enum Shape {
    Lines,
    Document,
    Table(u8),
}

impl<'a> Scan<'a> {
    /// Prepares a scan.
    pub fn new(list: &'a WatchList, clock: &'a dyn Clock, options: Options) -> Self {
        Self {
            list,
            clock,
            options,
            filter: Filter::new(list),
            folder: Folder::default(),
            counts: Counts::default(),
            hits: Vec::new(),
            breaks: Vec::new(),
            source: String::new(),
            file: String::new(),
            complete: 0,
            columns: Vec::new(),
            number: 0,
            huge: None,
        }
    }

    /// The counts so far, over all sources that were run.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Bytes of the current source up to the end of its last whole line, or document; a later reading of a plain file of lines can start there.
    pub fn position(&self) -> u64 {
        self.complete
    }

    /// Reads a source to its end.
    ///
    /// # Errors
    /// [`WatchError`]; what was read before stays counted.
    pub fn run(&mut self, source: Source, to: &mut Receiver<'_>) -> Result<(), WatchError> {
        self.source = source.name();
        self.file = source.file_name();
        self.number = 0;
        self.columns.clear();
        self.huge = None;
        self.complete = match &source {
            Source::File { start, .. } => *start,
            _ => 0,
        };
        let before = self.counts.bytes;
        let opened = source.open()?;
        let mut reader = decode::plain(opened).map_err(|e| self.broken(before, &e))?;
        let mut head = Vec::new();
        let mut failed = None;
        // A first line up to 64 KiB tells what the source holds.
        while head.len() < KEPT && !head.trim_ascii_start().contains(&b'\n') {
            let old = head.len();
            head.resize(old + KEPT, 0);
            match read(&mut *reader, &mut head[old..]) {
                Ok(n) => head.truncate(old + n),
                Err(error) => {
                    head.truncate(old);
                    failed = Some(error);
                }
            }
            if head.len() == old {
                break;
            }
        }
        let shape = shape(&head);
        let mut rest = Joined {
            head: &head,
            failed,
            rest: reader,
        };
        let result = match shape {
            Shape::Lines => self.lines(&mut rest, to),
            Shape::Document => self.document(&mut rest, to),
            Shape::Table(delimiter) => self.table(&mut rest, delimiter, to),
        }?;
        result.map_or(Ok(()), |error| Err(self.broken(before, &error)))
    }

    fn broken(&self, before: u64, error: &std::io::Error) -> WatchError {
        WatchError::Read {
            source_name: self.file.clone(),
            position: self.counts.bytes - before,
            reason: error.to_string(),
        }
    }

    /// The read error that ended the source early, if any, comes back as a value: what was read is finished first.
    fn lines(
        &mut self,
        reader: &mut Joined<'_>,
        to: &mut Receiver<'_>,
    ) -> Result<Option<std::io::Error>, WatchError> {
        let mut buf = vec![0_u8; CHUNK];
        let mut filled = 0;
        let mut failed = None;
        let mut over = false;
        loop {
            let n = match reader.read(&mut buf[filled..]) {
                Ok(0) => break,
                Ok(n) => n,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            };
            self.counts.bytes += n as u64;
            let fresh = filled;
            filled += n;
            if over {
                // Inside a line above the limit: it ends at the next line break.
                let end = memchr::memchr(b'\n', &buf[..filled]);
                self.piece(Piece::Huge(&buf[..end.unwrap_or(filled)]), to)?;
                match end {
                    None => {
                        filled = 0;
                        continue;
                    }
                    Some(end) => {
                        self.piece(Piece::HugeEnd, to)?;
                        over = false;
                        buf.copy_within(end + 1..filled, 0);
                        filled -= end + 1;
                        self.complete = self.counts.bytes - filled as u64;
                    }
                }
            }
            let from = if fresh > filled { 0 } else { fresh };
            if let Some(last) = memchr::memrchr(b'\n', &buf[from..filled]) {
                let end = from + last + 1;
                self.region(&buf[..end], to)?;
                self.complete += end as u64;
                buf.copy_within(end..filled, 0);
                filled -= end;
                if buf.len() > CHUNK && filled < CHUNK {
                    buf.truncate(CHUNK);
                    buf.shrink_to_fit();
                }
            } else if filled == buf.len() {
                if filled >= self.options.record_limit {
                    over = true;
                    self.piece(Piece::Huge(&buf[..filled]), to)?;
                    buf.truncate(CHUNK);
                    buf.shrink_to_fit();
                    filled = 0;
                } else {
                    buf.resize((filled * 2).min(self.options.record_limit.max(CHUNK)), 0);
                }
            }
        }
        if over {
            self.piece(Piece::Huge(&buf[..filled]), to)?;
            self.piece(Piece::HugeEnd, to)?;
        } else if filled > 0 {
            self.region(&buf[..filled], to)?;
        }
        Ok(failed)
    }

    /// Whole lines; the last may lack its line break.
    fn region(&mut self, region: &[u8], to: &mut Receiver<'_>) -> Result<(), WatchError> {
        let mut hits = std::mem::take(&mut self.hits);
        let mut breaks = std::mem::take(&mut self.breaks);
        breaks.clear();
        self.filter.hits(region, &mut hits, Some(&mut breaks));
        let everything = self.filter.everything();
        let mut next = 0;
        let mut start = 0;
        let tail = (!region.ends_with(b"\n")).then_some(region.len());
        for end in breaks.iter().copied().chain(tail) {
            let line = &region[start..end];
            let first = next;
            while hits.get(next).is_some_and(|hit| hit.at < end) {
                next += 1;
            }
            start = end + 1;
            self.number += 1;
            // The third byte rules out nearly all wrappers: `{"r`, `{"v`, `{"t`, `{"@`, `{"n`.
            let plain = looks_whole(line)
                && !(matches!(line.get(2), Some(b'r' | b'v' | b't' | b'@' | b'n'))
                    && looks_wrapped(line))
                && line[1] == b'"';
            if plain && first == next && !everything {
                self.counts.rows += 1;
                self.counts.skipped += 1;
            } else {
                self.line(line, &hits[first..next], to)?;
            }
        }
        self.hits = hits;
        self.breaks = breaks;
        Ok(())
    }

    fn line(&mut self, line: &[u8], hits: &[Hit], to: &mut Receiver<'_>) -> Result<(), WatchError> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(());
        }
        if looks_wrapped(line) && serde_json::from_slice::<IgnoredAny>(line).is_ok() {
            return self.split(line, to);
        }
        if self.filter.decides(line, hits) {
            return match serde_json::from_slice::<Value>(line) {
                Ok(Value::Object(map)) if wraps(&map) => self.split(line, to),
                Ok(value) => self.judge(&value, line, to),
                Err(_) => self.split(line, to),
            };
        }
        match serde_json::from_slice::<IgnoredAny>(line) {
            Ok(_) if line.starts_with(b"{") => self.skip(),
            Ok(_) => self.set_aside("not an object", to)?,
            Err(error) => self.set_aside(&error.to_string(), to)?,
        }
        Ok(())
    }

    /// A line that holds several records, or a broken one.
    fn split(&mut self, line: &[u8], to: &mut Receiver<'_>) -> Result<(), WatchError> {
        let number = self.number;
        let mut splitter = Splitter::new(self.options.record_limit.max(line.len() + 1));
        let mut sink = |piece: Piece<'_>| {
            self.number = number;
            self.piece(piece, to)
        };
        splitter.feed(line, &mut sink)?;
        splitter.finish(&mut sink)?;
        self.number = number;
        Ok(())
    }

    fn document(
        &mut self,
        reader: &mut Joined<'_>,
        to: &mut Receiver<'_>,
    ) -> Result<Option<std::io::Error>, WatchError> {
        let mut splitter = Splitter::new(self.options.record_limit);
        let mut buf = vec![0_u8; CHUNK];
        let failed = loop {
            match reader.read(&mut buf) {
                Ok(0) => break None,
                Ok(n) => {
                    self.counts.bytes += n as u64;
                    splitter.feed(&buf[..n], &mut |piece| {
                        self.number +=
                            u64::from(!matches!(piece, Piece::Columns(_) | Piece::Huge(_)));
                        self.piece(piece, to)
                    })?;
                }
                Err(error) => break Some(error),
            }
        };
        splitter.finish(&mut |piece| {
            self.number += 1;
            self.piece(piece, to)
        })?;
        self.complete = self.counts.bytes;
        Ok(failed)
    }

    fn piece(&mut self, piece: Piece<'_>, to: &mut Receiver<'_>) -> Result<(), WatchError> {
        match piece {
            Piece::Record(bytes) => self.record(bytes, to),
            Piece::Broken(bytes, why) => self.refuse(bytes, why, to),
            Piece::Columns(bytes) => {
                let columns: Vec<Value> = serde_json::from_slice(bytes).unwrap_or_default();
                self.columns = columns
                    .iter()
                    .map(|column| column["name"].as_str().unwrap_or_default().to_owned())
                    .collect();
                Ok(())
            }
            Piece::Row(bytes) => {
                if !self.filter.mentions(bytes) {
                    self.skip();
                    return Ok(());
                }
                match serde_json::from_slice::<Vec<Value>>(bytes) {
                    Ok(cells) if cells.len() == self.columns.len() => {
                        let map: Map<String, Value> =
                            self.columns.iter().cloned().zip(cells).collect();
                        self.judge(&Value::Object(map), bytes, to)
                    }
                    Ok(_) => self.refuse(bytes, "a row with more or fewer cells than columns", to),
                    Err(error) => self.refuse(bytes, &error.to_string(), to),
                }
            }
            Piece::Huge(bytes) => {
                let mut huge = self.huge.take().unwrap_or_default();
                let room = KEPT - huge.kept.len().min(KEPT);
                huge.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
                for part in bytes.chunks(1 << 20) {
                    huge.tail.extend_from_slice(part);
                    if huge.context.is_none() {
                        huge.context = self.context(&huge.tail);
                    }
                    let cut = huge.tail.len().saturating_sub(OVERLAP);
                    huge.tail.drain(..cut);
                }
                self.huge = Some(huge);
                Ok(())
            }
            Piece::HugeEnd => {
                let huge = self.huge.take().unwrap_or_default();
                let why = format!("longer than {} bytes", self.options.record_limit);
                if let Some(context) = huge.context {
                    // The name may stand behind what is kept; then it is put at the end, so that the signal can tell it.
                    let mut raw = huge.kept;
                    if !self.filter.mentions(&raw) {
                        raw.extend_from_slice(&context);
                    }
                    return self.refuse_named(&raw, &why, to);
                }
                self.set_aside(&why, to)
            }
        }
    }

    /// What stands around the first name in a piece of a record.
    fn context(&mut self, piece: &[u8]) -> Option<Vec<u8>> {
        let mut hits = Vec::new();
        self.filter.hits(piece, &mut hits, None);
        let around = |hit: &Hit| {
            &piece[hit.at.saturating_sub(OVERLAP / 2)..piece.len().min(hit.at + OVERLAP / 2)]
        };
        hits.iter()
            .map(|hit| (hit, around(hit)))
            .find(|(hit, around)| self.filter.decides(around, std::slice::from_ref(*hit)))
            .map(|(_, around)| around.to_vec())
    }

    fn record(&mut self, bytes: &[u8], to: &mut Receiver<'_>) -> Result<(), WatchError> {
        if self.filter.mentions(bytes) {
            return match serde_json::from_slice::<Value>(bytes) {
                Ok(value) => self.judge(&value, bytes, to),
                Err(error) => self.refuse(bytes, &error.to_string(), to),
            };
        }
        match serde_json::from_slice::<IgnoredAny>(bytes) {
            Ok(_) => {
                self.skip();
                Ok(())
            }
            Err(error) => self.set_aside(&error.to_string(), to),
        }
    }

    fn table(
        &mut self,
        reader: &mut Joined<'_>,
        delimiter: u8,
        to: &mut Receiver<'_>,
    ) -> Result<Option<std::io::Error>, WatchError> {
        let mut rows = Rows::new(delimiter, self.options.record_limit);
        let mut buf = vec![0_u8; CHUNK];
        let mut header = true;
        let mut sink = |this: &mut Self, record: &[u8], line: u64, broken: bool| {
            this.number = line;
            if record.trim_ascii().is_empty() {
                return Ok(());
            }
            if std::mem::take(&mut header) {
                this.columns = table::cells(record, delimiter).unwrap_or_default();
                return Ok(());
            }
            if broken {
                return this.refuse(
                    record,
                    "a quote is never closed, or the row is too long",
                    to,
                );
            }
            this.row(record, delimiter, to)
        };
        let failed = loop {
            match reader.read(&mut buf) {
                Ok(0) => break None,
                Ok(n) => {
                    self.counts.bytes += n as u64;
                    rows.feed(&buf[..n], &mut |record, line, broken| {
                        sink(self, record, line, broken)
                    })?;
                }
                Err(error) => break Some(error),
            }
        };
        rows.finish(&mut |record, line, broken| sink(self, record, line, broken))?;
        self.complete = self.counts.bytes;
        Ok(failed)
    }

    fn row(
        &mut self,
        record: &[u8],
        delimiter: u8,
        to: &mut Receiver<'_>,
    ) -> Result<(), WatchError> {
        if !self.filter.mentions(record) {
            self.skip();
            return Ok(());
        }
        match table::cells(record, delimiter) {
            Some(cells) if cells.len() == self.columns.len() => {
                let pairs: Vec<(&str, &str)> = self
                    .columns
                    .iter()
                    .map(String::as_str)
                    .zip(cells.iter().map(String::as_str))
                    .collect();
                let log = LogRecord::from_row(pairs.iter().copied());
                let value: Map<String, Value> = pairs
                    .iter()
                    .map(|(k, v)| ((*k).to_owned(), Value::String((*v).to_owned())))
                    .collect();
                self.detected(&log, &Value::Object(value), record, to)
            }
            Some(_) => self.refuse(record, "a row with more or fewer cells than the header", to),
            None => self.refuse(record, "not valid CSV in UTF-8", to),
        }
    }

    fn judge(
        &mut self,
        value: &Value,
        raw: &[u8],
        to: &mut Receiver<'_>,
    ) -> Result<(), WatchError> {
        if !value.is_object() {
            return self.refuse(raw, "not an object", to);
        }
        self.detected(&LogRecord::from_json(value), value, raw, to)
    }

    fn readable_at(&self) -> ReadableAt {
        let mut bracket = first_read(self.clock.now());
        bracket.not_before = self.options.not_before;
        bracket
    }

    fn detected(
        &mut self,
        log: &LogRecord,
        value: &Value,
        raw: &[u8],
        to: &mut Receiver<'_>,
    ) -> Result<(), WatchError> {
        let source = format!("{}#{}", self.source, self.number);
        let found = Found {
            raw,
            source: &source,
            tenant: self.options.tenant.as_deref(),
            readable_at: self.readable_at(),
        };
        if let Some(detected) = detect(self.list, log, value, &found) {
            return self.tell(detected, to);
        }
        self.skip();
        Ok(())
    }

    fn tell(&mut self, detected: Detected, to: &mut Receiver<'_>) -> Result<(), WatchError> {
        self.counts.rows += 1;
        if !self.folder.is_new(&detected.signal) {
            self.counts.folded += 1;
            return Ok(());
        }
        self.counts.signals += 1;
        self.counts.unreadable += u64::from(detected.signal.kind == SignalKind::Unreadable);
        to(Event::Signal(Box::new(detected))).map_err(WatchError::Stopped)
    }

    fn skip(&mut self) {
        self.counts.rows += 1;
        self.counts.skipped += 1;
    }

    /// Bytes that are no record: a signal if they name an account, else set aside.
    fn refuse(&mut self, raw: &[u8], why: &str, to: &mut Receiver<'_>) -> Result<(), WatchError> {
        if raw.is_empty() {
            return Ok(());
        }
        if self.filter.mentions(raw) {
            return self.refuse_named(raw, why, to);
        }
        self.set_aside(why, to)
    }

    fn refuse_named(
        &mut self,
        raw: &[u8],
        why: &str,
        to: &mut Receiver<'_>,
    ) -> Result<(), WatchError> {
        let source = format!("{}#{}", self.source, self.number);
        let found = Found {
            raw,
            source: &source,
            tenant: self.options.tenant.as_deref(),
            readable_at: self.readable_at(),
        };
        match unreadable(self.list, why, &found) {
            Some(detected) => self.tell(detected, to),
            None => self.set_aside(why, to),
        }
    }

    fn set_aside(&mut self, why: &str, to: &mut Receiver<'_>) -> Result<(), WatchError> {
        self.counts.rows += 1;
        self.counts.set_aside += 1;
        to(Event::SetAside(SetAside {
            file: self.file.clone(),
            position: format!("record {}", self.number),
            reason: why.to_owned(),
        }))
        .map_err(WatchError::Stopped)
    }
}

fn wraps(map: &Map<String, Value>) -> bool {
    ["records", "value", "tables"]
        .iter()
        .any(|key| map.get(*key).is_some_and(Value::is_array))
        && !map.contains_key("properties")
}

fn shape(head: &[u8]) -> Shape {
    let text = head.trim_ascii_start();
    let end = memchr::memchr(b'\n', text);
    let line = &text[..end.unwrap_or(text.len())];
    if text.starts_with(b"[") {
        return Shape::Document;
    }
    if text.starts_with(b"{") {
        let alone = line.trim_ascii() == b"{";
        let whole = end.is_some() && looks_whole(line.trim_ascii());
        let short = end.is_none() && head.len() < KEPT;
        return if !whole && !short && (alone || looks_wrapped(line)) {
            Shape::Document
        } else {
            Shape::Lines
        };
    }
    table::delimiter(line).map_or(Shape::Lines, Shape::Table)
}

fn read(reader: &mut dyn Read, out: &mut [u8]) -> std::io::Result<usize> {
    loop {
        match reader.read(out) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// The bytes that told the shape, then the error that met reading them, then the rest.
struct Joined<'h> {
    head: &'h [u8],
    failed: Option<std::io::Error>,
    rest: Box<dyn Read + Send>,
}

impl Joined<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if !self.head.is_empty() {
            let n = self.head.len().min(out.len());
            out[..n].copy_from_slice(&self.head[..n]);
            self.head = &self.head[n..];
            return Ok(n);
        }
        match self.failed.take() {
            Some(error) => Err(error),
            None => read(&mut *self.rest, out),
        }
    }
}
