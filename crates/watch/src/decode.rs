//! Takes gzip and UTF-16 off while reading.

use std::io::{self, BufReader, Read};

use flate2::read::MultiGzDecoder;

/// A reader with bytes that were looked at before.
struct Peeked {
    head: Vec<u8>,
    at: usize,
    rest: Box<dyn Read + Send>,
}

impl Read for Peeked {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at < self.head.len() {
            let n = (self.head.len() - self.at).min(out.len());
            out[..n].copy_from_slice(&self.head[self.at..self.at + n]);
            self.at += n;
            return Ok(n);
        }
        self.rest.read(out)
    }
}

fn peek(mut rest: Box<dyn Read + Send>) -> io::Result<Peeked> {
    let mut head = Vec::new();
    let mut byte = [0_u8; 1];
    // One byte at a time: a source that is followed must not be waited for longer than needed.
    while head.len() < 3 && could_be_mark(&head) {
        match rest.read(&mut byte) {
            Ok(0) => break,
            Ok(_) => head.push(byte[0]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(Peeked { head, at: 0, rest })
}

const MARKS: &[&[u8]] = &[
    &[0x1f, 0x8b],
    &[0xff, 0xfe],
    &[0xfe, 0xff],
    &[0xef, 0xbb, 0xbf],
];

fn could_be_mark(head: &[u8]) -> bool {
    MARKS
        .iter()
        .any(|mark| mark.len() > head.len() && mark.starts_with(head))
}

/// Reads `source` as UTF-8: gunzipped, transcoded, without byte order mark.
pub fn plain(source: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let first = peek(source)?;
    let first = if first.head.starts_with(MARKS[0]) {
        peek(Box::new(MultiGzDecoder::new(BufReader::with_capacity(
            1 << 16,
            first,
        ))))?
    } else {
        first
    };
    Ok(unmarked(first))
}

fn unmarked(mut first: Peeked) -> Box<dyn Read + Send> {
    if first.head.starts_with(MARKS[1]) || first.head.starts_with(MARKS[2]) {
        let big = first.head.starts_with(MARKS[2]);
        first.at = 2;
        return Box::new(Utf16 {
            inner: Box::new(first),
            big,
            raw: Vec::new(),
            high: None,
            out: Vec::new(),
            at: 0,
        });
    }
    if first.head.starts_with(MARKS[3]) {
        first.at = 3;
    }
    Box::new(first)
}

/// UTF-16 to UTF-8. A lone surrogate becomes its three bytes, which are not valid UTF-8, so that the record
/// that holds it is seen to be damaged instead of being mended in silence.
struct Utf16 {
    inner: Box<dyn Read + Send>,
    big: bool,
    raw: Vec<u8>,
    high: Option<u16>,
    out: Vec<u8>,
    at: usize,
}

fn lone(unit: u16, out: &mut Vec<u8>) {
    let [_, low] = (unit & 0x3f).to_be_bytes();
    let [_, middle] = (unit >> 6 & 0x3f).to_be_bytes();
    out.extend([0xed, 0x80 | middle, 0x80 | low]);
}

impl Utf16 {
    fn unit(&mut self, unit: u16) {
        if let Some(high) = self.high.take() {
            if let Some(Ok(c)) = char::decode_utf16([high, unit]).next() {
                self.out.extend(c.encode_utf8(&mut [0; 4]).bytes());
                return;
            }
            lone(high, &mut self.out);
        }
        match unit {
            0xd800..=0xdbff => self.high = Some(unit),
            0xdc00..=0xdfff => lone(unit, &mut self.out),
            _ => {
                let c = char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER);
                self.out.extend(c.encode_utf8(&mut [0; 4]).bytes());
            }
        }
    }
}

impl Read for Utf16 {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.out.len() {
            self.out.clear();
            self.at = 0;
            let mut chunk = [0_u8; 16 * 1024];
            let n = self.inner.read(&mut chunk)?;
            if n == 0 {
                if let Some(high) = self.high.take() {
                    lone(high, &mut self.out);
                }
                if !self.raw.is_empty() {
                    // Half a character at the end: kept visible as a byte that is not valid.
                    self.raw.clear();
                    self.out.push(0xff);
                }
                if self.out.is_empty() {
                    return Ok(0);
                }
                break;
            }
            let mut raw = std::mem::take(&mut self.raw);
            raw.extend_from_slice(&chunk[..n]);
            let pairs = raw.chunks_exact(2);
            self.raw = pairs.remainder().to_vec();
            for pair in pairs {
                let pair = [pair[0], pair[1]];
                self.unit(if self.big {
                    u16::from_be_bytes(pair)
                } else {
                    u16::from_le_bytes(pair)
                });
            }
        }
        let n = (self.out.len() - self.at).min(out.len());
        out[..n].copy_from_slice(&self.out[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}
