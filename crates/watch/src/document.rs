//! Splits JSON documents into records while they stream by.
//!
//! Records are the objects of a top-level array, of `records` (Event Hub) or `value` (Graph) in a top-level
//! object, the rows of `tables` (Log Analytics), and top-level objects that have none of these. A document may
//! be gigabytes, so nothing but the record at hand is held.
//!
//! The splitter follows the grammar only as far as it needs boundaries, and expects it to be broken: a record
//! may miss a brace or a quote, and its neighbours must come out all the same. Where the grammar is violated
//! (an object where a key must stand, a value where a comma must stand, a line break in a string) the record at
//! hand is given up, and the next one starts at that object, or at the next `},{"`, or at the next line that
//! begins with an object. After a violation pieces of a record may come out as records; that costs a line in
//! the report and hides nothing.

use crate::WatchError;

/// What the splitter finds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Piece<'a> {
    /// A whole object.
    Record(&'a [u8]),
    /// The `columns` of a table.
    Columns(&'a [u8]),
    /// A row of a table.
    Row(&'a [u8]),
    /// Something that is no record, or a part of one.
    Broken(&'a [u8], &'static str),
    /// The next part of a record above the limit.
    Huge(&'a [u8]),
    /// Its end.
    HugeEnd,
}

pub(crate) type Sink<'s> = dyn FnMut(Piece<'_>) -> Result<(), WatchError> + 's;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    Top,
    Elements,
    Tables,
    Table,
    Rows,
    Object,
    Array,
}

impl Role {
    fn is_array(self) -> bool {
        matches!(
            self,
            Self::Elements | Self::Tables | Self::Rows | Self::Array
        )
    }
}

/// The last thing that stood outside white space.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Last {
    Open,
    Comma,
    Colon,
    Value,
    Scalar,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Capture {
    Record,
    Columns,
    Row,
    Stray,
}

/// Where it is between two chunks.
#[derive(Debug)]
pub(crate) struct Splitter {
    limit: usize,
    stack: Vec<Role>,
    keys: Vec<Vec<u8>>,
    last: Last,
    in_string: bool,
    escaped: bool,
    text: Vec<u8>,
    capture: Option<(Capture, usize)>,
    buf: Vec<u8>,
    huge: bool,
    /// Searching for a boundary: how much of `},{"` has been seen, and whether a line has just begun.
    hunting: Option<u8>,
}

impl Splitter {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            stack: Vec::new(),
            keys: Vec::new(),
            last: Last::Open,
            in_string: false,
            escaped: false,
            text: Vec::new(),
            capture: None,
            buf: Vec::new(),
            huge: false,
            hunting: None,
        }
    }

    fn push(&mut self, role: Role) {
        self.stack.push(role);
        if matches!(role, Role::Top | Role::Table) {
            self.keys.push(Vec::new());
        }
        self.last = Last::Open;
    }

    fn pop(&mut self) -> Option<Role> {
        let role = self.stack.pop();
        if matches!(role, Some(Role::Top | Role::Table)) {
            self.keys.pop();
        }
        role
    }

    fn keep(&mut self, byte: u8, sink: &mut Sink<'_>) -> Result<(), WatchError> {
        if self.capture.is_some() {
            self.buf.push(byte);
            if self.buf.len() >= self.limit {
                self.huge = true;
                sink(Piece::Huge(&self.buf))?;
                self.buf.clear();
            }
        }
        Ok(())
    }

    fn begin(&mut self, what: Capture) {
        self.capture = Some((what, self.stack.len()));
        self.buf.clear();
        self.huge = false;
    }

    fn emit(
        &mut self,
        broken: Option<&'static str>,
        sink: &mut Sink<'_>,
    ) -> Result<(), WatchError> {
        let Some((what, _)) = self.capture.take() else {
            return Ok(());
        };
        let buf = std::mem::take(&mut self.buf);
        if self.huge {
            self.huge = false;
            sink(Piece::Huge(&buf))?;
            sink(Piece::HugeEnd)?;
        } else {
            let bytes = buf.trim_ascii();
            sink(match (broken, what) {
                (Some(why), _) => Piece::Broken(bytes, why),
                (None, Capture::Record) => Piece::Record(bytes),
                (None, Capture::Columns) => Piece::Columns(bytes),
                (None, Capture::Row) => Piece::Row(bytes),
                (None, Capture::Stray) => Piece::Broken(bytes, "not an object"),
            })?;
        }
        self.buf = buf;
        self.buf.clear();
        if self.buf.capacity() > 1 << 20 {
            self.buf = Vec::new();
        }
        Ok(())
    }

    /// Gives the record at hand up and goes back to where it began.
    fn give_up(&mut self, why: &'static str, sink: &mut Sink<'_>) -> Result<(), WatchError> {
        let base = self.capture.map_or(self.stack.len(), |(_, base)| base);
        self.emit(Some(why), sink)?;
        while self.stack.len() > base {
            self.pop();
        }
        self.in_string = false;
        self.escaped = false;
        Ok(())
    }

    pub(crate) fn feed(&mut self, chunk: &[u8], sink: &mut Sink<'_>) -> Result<(), WatchError> {
        let mut at = 0;
        while at < chunk.len() {
            if self.in_string && !self.escaped && self.hunting.is_none() {
                let end = memchr::memchr3(b'"', b'\\', b'\n', &chunk[at..])
                    .map_or(chunk.len(), |n| at + n);
                let run = &chunk[at..end];
                if self.text.len() < 32 {
                    self.text.extend_from_slice(&run[..run.len().min(32)]);
                }
                if self.capture.is_some() {
                    self.buf.extend_from_slice(run);
                }
                at = end;
            }
            if let Some(byte) = chunk.get(at) {
                self.byte(*byte, sink)?;
                at += 1;
            }
        }
        Ok(())
    }

    /// The input has ended.
    pub(crate) fn finish(&mut self, sink: &mut Sink<'_>) -> Result<(), WatchError> {
        let stray = matches!(self.capture, Some((Capture::Stray, _))) && self.hunting.is_none();
        let why = if self.hunting.is_some() {
            "not valid JSON"
        } else {
            "it ends in the middle"
        };
        self.emit((!stray).then_some(why), sink)
    }

    fn byte(&mut self, byte: u8, sink: &mut Sink<'_>) -> Result<(), WatchError> {
        if let Some(seen) = self.hunting {
            return self.hunt(seen, byte, sink);
        }
        if self.in_string {
            self.keep(byte, sink)?;
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => {
                    self.in_string = false;
                    self.last = Last::Value;
                }
                b'\n' => self.hunting = Some(b'\n'),
                _ => {}
            }
            return Ok(());
        }
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {
                if byte == b'\n'
                    && matches!(self.capture, Some((Capture::Stray, base)) if base == self.stack.len())
                {
                    self.emit(None, sink)?;
                }
                if self.last == Last::Scalar {
                    self.last = Last::Value;
                }
                self.keep(byte, sink)
            }
            b'{' | b'[' => self.open(byte, sink),
            b'}' | b']' => self.close(byte, sink),
            b',' => {
                if matches!(self.capture, Some((Capture::Stray, base)) if base == self.stack.len())
                {
                    self.emit(None, sink)?;
                }
                self.last = Last::Comma;
                self.keep(byte, sink)
            }
            b':' => {
                self.last = Last::Colon;
                if let Some(Role::Top | Role::Table) = self.stack.last()
                    && let Some(key) = self.keys.last_mut()
                {
                    key.clone_from(&self.text);
                }
                self.keep(byte, sink)
            }
            _ => {
                let record = self.capture.is_some_and(|(what, _)| what != Capture::Stray);
                let comma_missing =
                    self.last == Last::Value || (byte == b'"' && self.last == Last::Scalar);
                if record && comma_missing {
                    self.keep(byte, sink)?;
                    self.hunting = Some(0);
                    return Ok(());
                }
                self.stray();
                self.keep(byte, sink)?;
                if byte == b'"' {
                    self.in_string = true;
                    self.text.clear();
                } else {
                    self.last = Last::Scalar;
                }
                Ok(())
            }
        }
    }

    /// A value that is no record, where records are expected.
    fn stray(&mut self) {
        let expected = matches!(
            self.stack.last(),
            None | Some(Role::Elements | Role::Rows | Role::Tables)
        );
        if self.capture.is_none() && expected {
            self.begin(Capture::Stray);
        }
    }

    fn open(&mut self, byte: u8, sink: &mut Sink<'_>) -> Result<(), WatchError> {
        let object = byte == b'{';
        let parent = self.stack.last().copied();
        let misplaced = match parent {
            None => false,
            Some(role) if role.is_array() => {
                matches!(self.last, Last::Value | Last::Scalar | Last::Colon)
                    && self.capture.is_some()
            }
            Some(_) => self.last != Last::Colon,
        };
        if misplaced && object {
            // An object cannot stand here: the one before it was never closed.
            self.give_up("a brace is missing", sink)?;
            let records = self.stack.iter().rposition(|role| *role == Role::Elements);
            while self.stack.len() > records.map_or(0, |n| n + 1) {
                self.pop();
            }
            if records.is_none() && !self.stack.is_empty() {
                self.stack.clear();
                self.keys.clear();
            }
        }
        let parent = self.stack.last().copied();
        let key = self.keys.last().map(Vec::as_slice).unwrap_or_default();
        let role = match (parent, object) {
            (None, true) => {
                self.begin(Capture::Record);
                Role::Top
            }
            (None, false) => Role::Elements,
            (Some(Role::Top), false) if matches!(key, b"records" | b"value") => {
                self.capture = None;
                self.buf.clear();
                Role::Elements
            }
            (Some(Role::Top), false) if key == b"tables" => {
                self.capture = None;
                self.buf.clear();
                Role::Tables
            }
            (Some(Role::Tables), true) => Role::Table,
            (Some(Role::Table), false) if key == b"columns" => {
                self.begin(Capture::Columns);
                Role::Array
            }
            (Some(Role::Table), false) if key == b"rows" => Role::Rows,
            (Some(Role::Rows), false) => {
                self.begin(Capture::Row);
                Role::Array
            }
            (Some(Role::Elements), true) => {
                self.begin(Capture::Record);
                Role::Object
            }
            (Some(Role::Elements | Role::Tables | Role::Rows), _) => {
                self.stray();
                if object { Role::Object } else { Role::Array }
            }
            (_, true) => Role::Object,
            (_, false) => Role::Array,
        };
        self.keep(byte, sink)?;
        self.push(role);
        Ok(())
    }

    fn close(&mut self, byte: u8, sink: &mut Sink<'_>) -> Result<(), WatchError> {
        let array = byte == b']';
        let base = self.capture.map_or(0, |(_, base)| base);
        if matches!(self.capture, Some((Capture::Stray, _))) && self.stack.len() == base {
            self.emit(None, sink)?;
        }
        // A closer closes everything that was opened after its partner; one without a partner closes nothing.
        let base = self.capture.map_or(0, |(_, base)| base);
        let partner = self.stack[base..]
            .iter()
            .rposition(|role| role.is_array() == array);
        self.keep(byte, sink)?;
        self.last = Last::Value;
        let Some(partner) = partner.map(|n| n + base) else {
            return Ok(());
        };
        while self.stack.len() > partner {
            self.pop();
        }
        if self
            .capture
            .is_some_and(|(_, base)| self.stack.len() <= base)
        {
            self.emit(None, sink)?;
        }
        Ok(())
    }

    fn hunt(&mut self, seen: u8, byte: u8, sink: &mut Sink<'_>) -> Result<(), WatchError> {
        let next = match (seen, byte) {
            (_, b'\n') | (b'\n', b' ' | b'\t' | b'\r') => b'\n',
            (b'\n', b'{') => {
                self.hunting = None;
                self.give_up("not valid JSON", sink)?;
                self.last = Last::Comma;
                return self.open(byte, sink);
            }
            (_, b'}') => b'}',
            (b'}', b',') => b',',
            (b',', b'{') => b'{',
            (b'}' | b',' | b'{', b' ' | b'\t' | b'\r') => seen,
            (b'{', b'"') => {
                // The brace is already in the buffer of what is given up.
                if let Some(at) = memchr::memrchr(b'{', &self.buf) {
                    self.buf.truncate(at);
                }
                self.hunting = None;
                self.give_up("not valid JSON", sink)?;
                self.last = Last::Comma;
                self.open(b'{', sink)?;
                return self.byte(byte, sink);
            }
            _ => 0,
        };
        self.hunting = Some(next);
        self.keep(byte, sink)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &[u8], chunk: usize) -> Vec<String> {
        let mut out = Vec::new();
        let mut splitter = Splitter::new(1 << 20);
        let mut sink = |piece: Piece<'_>| {
            out.push(match piece {
                Piece::Record(b) => format!("R{}", String::from_utf8_lossy(b)),
                Piece::Columns(b) => format!("C{}", String::from_utf8_lossy(b)),
                Piece::Row(b) => format!("r{}", String::from_utf8_lossy(b)),
                Piece::Broken(b, _) => format!("B{}", String::from_utf8_lossy(b)),
                Piece::Huge(_) | Piece::HugeEnd => "H".to_owned(),
            });
            Ok(())
        };
        for part in text.chunks(chunk) {
            splitter.feed(part, &mut sink).unwrap();
        }
        splitter.finish(&mut sink).unwrap();
        out
    }

    #[test]
    fn w2_every_document_shape_is_split_at_any_chunk_size() {
        for chunk in [1, 2, 3, 7, 1000] {
            assert_eq!(
                pieces(br#"[{"a":[{"b":1}]},{"c":"},{"}]"#, chunk),
                [r#"R{"a":[{"b":1}]}"#, r#"R{"c":"},{"}"#]
            );
            assert_eq!(
                pieces(
                    br#"{"@odata.context":"x","value":[{"id":1}, {"id":2}],"n":3}"#,
                    chunk
                ),
                [r#"R{"id":1}"#, r#"R{"id":2}"#]
            );
            assert_eq!(pieces(b"{\n \"records\": [\n {\"id\":1},\n {\"id\":[\n{\"x\":2}]}\n]}\n{\"records\":[{\"id\":3}]}", chunk).len(), 3);
            assert_eq!(pieces(br#"{"tables":[{"name":"T","columns":[{"name":"Id"}],"rows":[["a"],["b",[1]]]}]}"#, chunk), [r#"C[{"name":"Id"}]"#, r#"r["a"]"#, r#"r["b",[1]]"#]);
            assert_eq!(
                pieces(
                    b"{\"id\":1}\n{\"id\":2}{\"properties\":{\"value\":[1]}}",
                    chunk
                )
                .len(),
                3
            );
        }
    }

    #[test]
    fn w11_a_broken_record_never_hides_its_neighbours() {
        for (broken, name) in [
            (&br#"{"x":1"#[..], "brace"),
            (br#"{"x":{"y":1}"#, "inner brace"),
            (br#"{"x":[1}"#, "bracket"),
            (br#"{"x":"1}"#, "quote"),
            (br#"{"x":"a"b"}"#, "inner quote"),
            (br#"{"x":1}}"#, "extra brace"),
            (br#"{"x" 1}"#, "colon"),
            (br#"{"x":1]}"#, "extra bracket"),
            (b"nonsense", "no object"),
            (b"[1,2]", "array"),
            (b"", "nothing"),
        ] {
            for shape in [
                [
                    &b"[{\"id\":1,\"q\":[{\"z\":0},{\"z\":1}]},"[..],
                    broken,
                    b",{\"id\":2,\"k\":\"v\"},{\"id\":3}]",
                ]
                .concat(),
                [
                    &b"{\"records\":[\n{\"id\":1},\n"[..],
                    broken,
                    b",\n{\"id\":2,\"k\":\"v\"},\n{\"id\":3}\n]}\n",
                ]
                .concat(),
            ] {
                let found = pieces(&shape, 5);
                for id in [r#"R{"id":1"#, r#"R{"id":3}"#] {
                    assert!(found.iter().any(|p| p.starts_with(id)), "{name}: {found:?}");
                }
                let two = found.iter().any(|p| p.contains(r#""id":2"#));
                assert!(two, "{name}: {found:?}");
            }
        }
    }
}
