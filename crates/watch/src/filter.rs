//! The byte filter: which records can name somebody on the list at all.
//!
//! Nearly all records are about others, so the cost of reading a log is the cost of finding that out. Every id
//! and name on the list is stood for by a *window*, up to eight of its bytes chosen to be rare; all windows are
//! searched together by a packed (SIMD) searcher, and a hit is compared with the whole name around it.
//!
//! Letter case is dealt with by folding, not by case variants: a scratch copy of the bytes has bit 5 set in
//! every byte, which makes upper and lower case alike at the speed of memory and keeps one window per name.
//! Folding also makes unlike bytes alike (`@` and a backtick), so a hit is confirmed on the original bytes.
//!
//! JSON allows `\u0061` for `a`, and nested JSON `\\u0061`. However a name is escaped, some `\u00` must stand in
//! the record, so that is one more window. A record with such an escape for a character that occurs in a name
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
const BLOCK: usize = 64 * 1024;
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
    Packed(Vec<Searcher>),
    Automaton(Box<AhoCorasick>),
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
        b'-' => 25,
        b'b' | b'f' | b'l' | b'p' | b'u' | b'm' => 25,
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
        let engine = packed().map_or_else(
            || {
                AhoCorasick::builder()
                    .match_kind(MatchKind::Standard)
                    .kind(Some(AhoCorasickKind::ContiguousNFA))
                    .prefilter(false)
                    .build(&windows)
                    .map(|automaton| Engine::Automaton(Box::new(automaton)))
            },
            |searchers| Ok(Engine::Packed(searchers)),
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
                Engine::Packed(searchers) => {
                    for searcher in searchers {
                        let mut from = 0;
                        while let Some(found) = searcher.find_in(
                            &scratch,
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

    #[cold]
    fn confirm(&self, bytes: &[u8], at: usize, folded: &[u8], out: &mut Vec<Hit>) {
        if bytes[at..].starts_with(ESCAPE)
            && let Some(byte) = bytes.get(at + 4..at + 6).and_then(hex)
        {
            if self.spelled[usize::from(byte)] {
                out.push(Hit {
                    at,
                    kind: HitKind::Escape,
                });
            }
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
