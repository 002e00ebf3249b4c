//! The byte filter: which records can name somebody on the list at all.
//!
//! Nearly all records are about others, so the cost of reading a log is the cost of finding that out. Ids and
//! names are long (36 bytes for a GUID), so not every byte needs a look: four bytes in every 32, say, decide
//! whether a name can be here (`Samples`), and a name found is compared as a whole.
//!
//! For a list with a short name that does not work. Then every name is stood for by a *window*, up to eight of
//! its bytes chosen to be rare, and all windows are searched together by a packed (SIMD) searcher.
//!
//! Letter case is dealt with by folding, not by case variants: with bit 5 set in every byte, upper and lower case
//! are alike. Folding also makes unlike bytes alike (`@` and a backtick), so a hit is confirmed on the
//! original bytes.
//!
//! JSON allows `\u0061` for `a`, and nested JSON `\\u0061`. However a name is escaped, some `\u00` must stand in
//! the record, so that is looked for as well. A record with such an escape for a character that occurs in a name
//! (or for the backslash, which could start another escape) is unescaped again and again, and searched.
//! The automata of `aho-corasick` are not used for small lists: with hex digits all over the text their own
//! prefilter fires constantly (0.2 GB/s instead of 8). Larger lists are searched in groups, in the cache.

use std::ops::Range;

use aho_corasick::{
    AhoCorasick, AhoCorasickKind, MatchKind,
    packed::{Config, Searcher},
};
use memchr::memmem;

use crate::list::WatchList;

/// Bytes folded and searched at a time: small enough to stay in the second-level cache.
const BLOCK: usize = 32 * 1024;
/// Windows that one packed search looks for. More make its buckets too full to be selective.
const GROUP: usize = 32;
/// Windows above which one automaton is faster than many packed searches.
const PACKED_LIMIT: usize = 512;
const WINDOW: usize = 8;
const ESCAPE: &[u8] = br"\u00";
/// Unescaping stops here; every level doubles the backslashes, so real nesting is far less deep.
const LEVELS: usize = 12;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum HitKind {
    /// An id or name of an account.
    Account,
    /// An id of a guarded object.
    Guard,
    /// An escape that could spell a part of a name.
    Escape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    pub(crate) at: usize,
    pub(crate) kind: HitKind,
}

#[derive(Debug)]
struct Needle {
    /// In lower case.
    name: Vec<u8>,
    window: Range<usize>,
    folded: Vec<u8>,
    /// A name with characters that JSON escapes, or with letters beyond ASCII, cannot be confirmed byte by byte: its window alone decides.
    exact: bool,
    kind: HitKind,
}

#[derive(Debug)]
enum Engine {
    /// Names of known length: every name holds a sample, so only samples are looked at.
    Sampled(Box<Samples>),
    Packed(Vec<Searcher>),
    Automaton(Box<AhoCorasick>),
}

/// Four bytes are looked at in every `stride`; a name of at least `stride + 3` bytes always holds four of them,
/// at one of `stride` offsets. All those fours of all names are known, folded: first in a bit table that fits
/// the first-level cache, then by value.
#[derive(Debug)]
struct Samples {
    stride: usize,
    table: Vec<u64>,
    /// Four folded bytes, the needle, and their offset in it; sorted.
    grams: Vec<(u32, usize, usize)>,
}

const STRIDES: [usize; 4] = [32, 24, 16, 8];
const TABLE_BITS: u32 = 17;

fn gram(four: [u8; 4]) -> u32 {
    u32::from_le_bytes(four) | 0x2020_2020
}

/// The word and the bit of a gram in the table.
fn slot(gram: u32) -> (usize, u32) {
    let hash = gram.wrapping_mul(0x9e37_79b1) >> (32 - TABLE_BITS);
    ((hash >> 6) as usize, hash & 63)
}

impl Samples {
    fn new(needles: &[Needle]) -> Option<Self> {
        let shortest = needles.iter().map(|needle| needle.name.len()).min()?;
        let stride = STRIDES.into_iter().find(|stride| stride + 3 <= shortest)?;
        if needles.len() > PACKED_LIMIT || needles.iter().any(|needle| !needle.exact) {
            return None;
        }
        let mut table = vec![0_u64; 1 << (TABLE_BITS - 6)];
        let mut grams = Vec::new();
        for (index, needle) in needles.iter().enumerate() {
            for (offset, four) in needle.name.windows(4).take(stride).enumerate() {
                let gram = gram([four[0], four[1], four[2], four[3]]);
                let (word, bit) = slot(gram);
                table[word] |= 1 << bit;
                grams.push((gram, index, offset));
            }
        }
        grams.sort_unstable();
        Some(Self {
            stride,
            table,
            grams,
        })
    }

    fn probe<const STRIDE: usize>(&self, bytes: &[u8], found: &mut dyn FnMut(usize, u32)) {
        let (pieces, rest) = bytes.as_chunks::<STRIDE>();
        let mut look = |at: usize, four: [u8; 4]| {
            let gram = gram(four);
            let (word, bit) = slot(gram);
            if self.table[word] >> bit & 1 == 1 {
                found(at, gram);
            }
        };
        for (n, piece) in pieces.iter().enumerate() {
            look(n * STRIDE, [piece[0], piece[1], piece[2], piece[3]]);
        }
        if let [a, b, c, d, ..] = *rest {
            look(pieces.len() * STRIDE, [a, b, c, d]);
        }
    }

    fn search(&self, bytes: &[u8], needles: &[Needle], base: usize, out: &mut Vec<Hit>) {
        let mut found = |at: usize, gram: u32| {
            let first = self.grams.partition_point(|known| known.0 < gram);
            for (_, index, offset) in self.grams[first..]
                .iter()
                .take_while(|known| known.0 == gram)
            {
                let needle = &needles[*index];
                let start = at.checked_sub(*offset);
                let whole = start.and_then(|start| bytes.get(start..start + needle.name.len()));
                if let (Some(at), Some(whole)) = (start, whole)
                    && whole.eq_ignore_ascii_case(&needle.name)
                {
                    out.push(Hit {
                        at: base + at,
                        kind: needle.kind,
                    });
                }
            }
        };
        match self.stride {
            32 => self.probe::<32>(bytes, &mut found),
            24 => self.probe::<24>(bytes, &mut found),
            16 => self.probe::<16>(bytes, &mut found),
            _ => self.probe::<8>(bytes, &mut found),
        }
    }
}

/// Notes line breaks and backslashes.
fn note_marks(bytes: &[u8], note: &mut dyn FnMut(usize, u8)) {
    for n in memchr::memchr2_iter(b'\n', b'\\', bytes) {
        note(n, bytes[n]);
    }
}

/// Finds bytes that name somebody on the list.
#[derive(Debug)]
pub struct Filter {
    needles: Vec<Needle>,
    engine: Engine,
    /// Bytes that an escape must spell to matter.
    spelled: [bool; 256],
    scratch: Vec<u8>,
    /// A name without any usable window makes every record a candidate.
    everything: bool,
}

/// Folds a block, and notes where its line breaks are: one pass over memory for both. The inner loop has no
/// branch, so that the compiler can make vectors of it; only pieces that hold a line break are looked at again.
fn fold_into(bytes: &[u8], out: &mut [u8], offset: usize, mut breaks: Option<&mut Vec<usize>>) {
    const PIECE: usize = 128;
    let (pieces, rest) = bytes.as_chunks::<PIECE>();
    let (folded, folded_rest) = out.as_chunks_mut::<PIECE>();
    let mut note = |piece: &[u8], at: usize| {
        if let Some(breaks) = breaks.as_deref_mut() {
            breaks.extend(memchr::memchr_iter(b'\n', piece).map(|n| offset + at + n));
        }
    };
    for (n, (piece, folded)) in pieces.iter().zip(folded).enumerate() {
        let mut found = 0_u8;
        for (byte, to) in piece.iter().zip(folded) {
            *to = byte | 0x20;
            found |= u8::from(*byte == b'\n');
        }
        if found != 0 {
            note(piece, n * PIECE);
        }
    }
    for (byte, to) in rest.iter().zip(folded_rest) {
        *to = byte | 0x20;
    }
    note(rest, pieces.len() * PIECE);
}

/// Rough share of a byte in folded log text, in 1/1000.
fn share(byte: u8) -> u32 {
    match byte {
        b'0' => 90,
        b'e' => 60,
        b'1'..=b'9' | b'a' | b'c' | b'd' | b'i' | b'n' | b'o' | b'r' | b's' | b't' => 40,
        b'-' | b'b' | b'f' | b'l' | b'p' | b'u' | b'm' => 25,
        b'.' | b'g' | b'h' | b'v' | b'y' => 12,
        _ => 4,
    }
}

fn window_of(name: &[u8]) -> Option<Range<usize>> {
    let usable = |b: &u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\' | b'/');
    // What stands behind the `@` is shared by every account of the tenant.
    let at = name.iter().rposition(|b| *b == b'@');
    let last_start = match at {
        Some(at) if at >= 3 => at - 3,
        Some(_) => 0,
        None => name.len(),
    };
    let mut best: Option<(u32, Range<usize>)> = None;
    for start in 0..=last_start.min(name.len().saturating_sub(1)) {
        let end = (start + WINDOW).min(name.len());
        let length = name[start..end].iter().take_while(|b| usable(b)).count();
        if length < 3 {
            continue;
        }
        let mut score: u32 = name[start..start + length.min(4)]
            .iter()
            .map(|b| share(*b))
            .product();
        if length < 4 {
            score = score.saturating_mul(1000);
        }
        // Runs of one digit fill test data and well-known ids.
        let runs = name[start..start + length.min(4)]
            .windows(2)
            .filter(|w| w[0] == w[1])
            .count();
        score = score.saturating_mul(1 << (2 * runs));
        if best.as_ref().is_none_or(|(other, _)| score < *other) {
            best = Some((score, start..start + length));
        }
    }
    best.map(|(_, window)| window)
}

impl Filter {
    /// Prepares the search for everything on the list.
    pub fn new(list: &WatchList) -> Self {
        let mut needles = Vec::new();
        let mut everything = false;
        let mut spelled = [false; 256];
        spelled[usize::from(b'\\')] = true;
        for (name, account) in list.names() {
            let name = name.as_bytes().to_vec();
            for b in &name {
                spelled[usize::from(b.to_ascii_lowercase())] = true;
                spelled[usize::from(b.to_ascii_uppercase())] = true;
            }
            let Some(window) = window_of(&name) else {
                everything = true;
                continue;
            };
            needles.push(Needle {
                folded: name[window.clone()].iter().map(|b| b | 0x20).collect(),
                exact: name
                    .iter()
                    .all(|b| b.is_ascii() && !matches!(b, b'"' | b'\\' | b'/')),
                window,
                name,
                kind: if account {
                    HitKind::Account
                } else {
                    HitKind::Guard
                },
            });
        }
        let mut windows: Vec<Vec<u8>> = needles.iter().map(|n| n.folded.clone()).collect();
        windows.push(ESCAPE.iter().map(|b| b | 0x20).collect());
        windows.sort_unstable();
        windows.dedup();
        let samples = Samples::new(&needles);
        let packed = || {
            (windows.len() <= PACKED_LIMIT)
                .then(|| {
                    windows
                        .chunks(GROUP)
                        .map(|group| Config::new().builder().extend(group).build())
                        .collect::<Option<Vec<_>>>()
                })
                .flatten()
        };
        let fast = samples
            .map(|samples| Engine::Sampled(Box::new(samples)))
            .or_else(|| packed().map(Engine::Packed));
        let engine = fast.map_or_else(
            || {
                AhoCorasick::builder()
                    .match_kind(MatchKind::Standard)
                    .kind(Some(AhoCorasickKind::ContiguousNFA))
                    .prefilter(false)
                    .build(&windows)
                    .map(|automaton| Engine::Automaton(Box::new(automaton)))
            },
            Ok,
        );
        // The automaton refuses only lists beyond its 2^31 states.
        let engine = engine.unwrap_or_else(|_| {
            everything = true;
            Engine::Packed(Vec::new())
        });
        Self {
            needles,
            engine,
            spelled,
            scratch: vec![0; BLOCK + WINDOW],
            everything,
        }
    }

    /// Whether the filter can rule anything out.
    pub(crate) fn everything(&self) -> bool {
        self.everything
    }

    /// Puts the confirmed hits in `bytes` into `out`, in the order of their positions, and if wanted the
    /// positions of line breaks into `breaks`.
    pub(crate) fn hits(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<Hit>,
        mut breaks: Option<&mut Vec<usize>>,
    ) {
        out.clear();
        if let Engine::Sampled(samples) = &self.engine {
            // Blocks only so that the second look at the bytes finds them in the cache.
            let longest = self
                .needles
                .iter()
                .map(|needle| needle.name.len())
                .max()
                .unwrap_or(0);
            for start in (0..bytes.len()).step_by(BLOCK) {
                let middle = (start + BLOCK).min(bytes.len());
                let end = (middle + longest).min(bytes.len());
                note_marks(&bytes[start..middle], &mut |at, byte| {
                    if byte == b'\\' {
                        self.confirm_escape(bytes, start + at, out);
                    } else if let Some(breaks) = breaks.as_deref_mut() {
                        breaks.push(start + at);
                    }
                });
                samples.search(&bytes[start..end], &self.needles, start, out);
            }
            out.sort_unstable();
            out.dedup();
            return;
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut start = 0;
        while start < bytes.len() {
            // Blocks overlap by a window, so that none is cut in two.
            let middle = (start + BLOCK).min(bytes.len());
            let end = (middle + WINDOW).min(bytes.len());
            let (main, overlap) = scratch.split_at_mut(middle - start);
            fold_into(&bytes[start..middle], main, start, breaks.as_deref_mut());
            fold_into(
                &bytes[middle..end],
                &mut overlap[..end - middle],
                middle,
                None,
            );
            let scratch = &scratch[..end - start];
            match &self.engine {
                // Searched above, without folding.
                Engine::Sampled(_) => {}
                Engine::Packed(searchers) => {
                    for searcher in searchers {
                        let mut from = 0;
                        while let Some(found) = searcher.find_in(
                            scratch,
                            aho_corasick::Span {
                                start: from,
                                end: scratch.len(),
                            },
                        ) {
                            self.confirm(
                                bytes,
                                start + found.start(),
                                &scratch[found.start()..],
                                out,
                            );
                            from = found.start() + 1;
                        }
                    }
                }
                Engine::Automaton(automaton) => {
                    for found in automaton.find_overlapping_iter(scratch) {
                        self.confirm(bytes, start + found.start(), &scratch[found.start()..], out);
                    }
                }
            }
            start += BLOCK;
        }
        self.scratch = scratch;
        out.sort_unstable();
        out.dedup();
    }

    /// Whether an escape stands here; noted when it can spell a part of a name.
    fn confirm_escape(&self, bytes: &[u8], at: usize, out: &mut Vec<Hit>) -> bool {
        let rest = &bytes[at..];
        let Some(byte) = rest
            .get(4..6)
            .filter(|_| rest.starts_with(ESCAPE))
            .and_then(hex)
        else {
            return false;
        };
        if self.spelled[usize::from(byte)] {
            out.push(Hit {
                at,
                kind: HitKind::Escape,
            });
        }
        true
    }

    #[cold]
    fn confirm(&self, bytes: &[u8], at: usize, folded: &[u8], out: &mut Vec<Hit>) {
        if self.confirm_escape(bytes, at, out) {
            return;
        }
        for needle in &self.needles {
            if !folded.starts_with(&needle.folded) {
                continue;
            }
            let whole = at
                .checked_sub(needle.window.start)
                .and_then(|start| bytes.get(start..start + needle.name.len()));
            if !needle.exact || whole.is_some_and(|whole| whole.eq_ignore_ascii_case(&needle.name))
            {
                out.push(Hit {
                    at,
                    kind: needle.kind,
                });
            }
        }
    }

    /// Whether the hits of one record make it a candidate. Guarded objects only matter in audit records: a
    /// policy's id stands in every sign-in.
    pub(crate) fn decides(&self, record: &[u8], hits: &[Hit]) -> bool {
        if self.everything || hits.iter().any(|hit| hit.kind == HitKind::Account) {
            return true;
        }
        if hits.iter().any(|hit| hit.kind == HitKind::Escape) {
            return self.escaped(record);
        }
        if hits.is_empty() {
            return false;
        }
        let lower = record.to_ascii_lowercase();
        memmem::find(&lower, b"targetres").is_some() || memmem::find(&lower, b"target1").is_some()
    }

    /// Whether a record, or a piece of one, may name somebody.
    pub fn mentions(&mut self, bytes: &[u8]) -> bool {
        let mut hits = Vec::new();
        self.hits(bytes, &mut hits, None);
        self.decides(bytes, &hits)
    }

    fn escaped(&self, record: &[u8]) -> bool {
        spellings(record, &mut |text| {
            self.needles.iter().any(|needle| holds(text, needle))
        })
    }
}

fn holds(lower: &[u8], needle: &Needle) -> bool {
    let name = if needle.exact {
        &needle.name[..]
    } else {
        &needle.name[needle.window.clone()]
    };
    memmem::find(lower, name).is_some()
}

fn hex(two: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(two).ok()?;
    u8::from_str_radix(text, 16)
        .ok()
        .filter(|_| !text.starts_with('+'))
}

/// Shows a text, in lower case, as it stands and after each level of unescaping, until the visitor says yes.
pub(crate) fn spellings(bytes: &[u8], found: &mut dyn FnMut(&[u8]) -> bool) -> bool {
    let mut text = bytes.to_vec();
    for _ in 0..LEVELS {
        if found(&text.to_ascii_lowercase()) {
            return true;
        }
        let next = unescaped(&text);
        if next == text {
            return false;
        }
        text = next;
    }
    false
}

/// Resolves one level of JSON's escapes for ASCII characters.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        match rest.get(1) {
            Some(c @ (b'"' | b'\\' | b'/')) => {
                out.push(*c);
                rest = &rest[2..];
            }
            Some(b'u') if rest.starts_with(ESCAPE) => match rest.get(4..6).and_then(hex) {
                Some(byte) if byte.is_ascii() => {
                    out.push(byte);
                    rest = &rest[6..];
                }
                _ => {
                    out.extend_from_slice(&rest[..2]);
                    rest = &rest[2..];
                }
            },
            Some(_) => {
                out.extend_from_slice(&rest[..2]);
                rest = &rest[2..];
            }
            None => break,
        }
    }
    out.extend_from_slice(rest);
    out
}
