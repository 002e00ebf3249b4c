//! The part of CBOR (RFC 8949) that CTAP2 allows: definite lengths, no tags. Reading is total: what is not allowed gives
//! `None`.

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cbor {
    /// Integer.
    Int(i64),
    /// Byte string.
    Bytes(Vec<u8>),
    /// Text string.
    Text(String),
    /// Array.
    List(Vec<Self>),
    /// Map, in the order of its bytes.
    Map(Vec<(Self, Self)>),
    /// Boolean.
    Bool(bool),
    /// Null.
    Null,
}

impl From<i64> for Cbor {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Cbor {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Cbor {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<&[u8]> for Cbor {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl From<Vec<u8>> for Cbor {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl Cbor {
    /// A map of parameters by number, in this order: CTAP2 wants keys to rise.
    pub fn numbered(entries: impl IntoIterator<Item = (i64, Self)>) -> Self {
        Self::Map(
            entries
                .into_iter()
                .map(|(key, value)| (Self::Int(key), value))
                .collect(),
        )
    }

    /// A map by name, in this order: CTAP2 wants shorter keys first, then alphabetical ones.
    pub fn named(entries: impl IntoIterator<Item = (&'static str, Self)>) -> Self {
        Self::Map(
            entries
                .into_iter()
                .map(|(key, value)| (Self::from(key), value))
                .collect(),
        )
    }

    /// The value under a text key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.find(|own| matches!(own, Self::Text(text) if text == key))
    }

    /// The value under an integer key.
    pub fn at(&self, key: i64) -> Option<&Self> {
        self.find(|own| matches!(own, Self::Int(number) if *number == key))
    }

    fn find(&self, is: impl Fn(&Self) -> bool) -> Option<&Self> {
        self.entries()
            .iter()
            .find(|(key, _)| is(key))
            .map(|(_, value)| value)
    }

    /// The entries of a map; none of anything else.
    pub fn entries(&self) -> &[(Self, Self)] {
        match self {
            Self::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// As bytes.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// As text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// As an integer.
    pub fn int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// As a truth value.
    pub fn bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The bytes, in CTAP2's canonical form as far as maps are in canonical order.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(value) => match u64::try_from(*value) {
                Ok(value) => head(out, 0, value),
                Err(_) => head(out, 1, value.unsigned_abs() - 1),
            },
            Self::Bytes(bytes) => {
                head(out, 2, bytes.len() as u64);
                out.extend_from_slice(bytes);
            }
            Self::Text(text) => {
                head(out, 3, text.len() as u64);
                out.extend_from_slice(text.as_bytes());
            }
            Self::List(items) => {
                head(out, 4, items.len() as u64);
                for item in items {
                    item.write(out);
                }
            }
            Self::Map(entries) => {
                head(out, 5, entries.len() as u64);
                for (key, value) in entries {
                    key.write(out);
                    value.write(out);
                }
            }
            Self::Bool(value) => out.push(if *value { 0xf5 } else { 0xf4 }),
            Self::Null => out.push(0xf6),
        }
    }
}

fn head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let major = major << 5;
    let bytes = argument.to_be_bytes();
    match argument {
        0..24 => out.push(major | bytes[7]),
        24..0x100 => out.extend([major | 0x18, bytes[7]]),
        0x100..0x1_0000 => {
            out.push(major | 0x19);
            out.extend(&bytes[6..]);
        }
        0x1_0000..0x1_0000_0000 => {
            out.push(major | 0x1a);
            out.extend(&bytes[4..]);
        }
        _ => {
            out.push(major | 0x1b);
            out.extend(bytes);
        }
    }
}

/// Nesting beyond this is refused; CTAP2 itself allows four levels.
const DEEPEST: usize = 16;

/// Reads one value from the start of the bytes; gives back how many bytes it took.
pub fn read(bytes: &[u8]) -> Option<(Cbor, usize)> {
    let mut reader = Reader { bytes, at: 0 };
    let value = reader.value(0)?;
    Some((value, reader.at))
}

/// Reads a value that is all of the bytes.
pub fn whole(bytes: &[u8]) -> Option<Cbor> {
    read(bytes)
        .filter(|(_, used)| *used == bytes.len())
        .map(|(value, _)| value)
}

/// The entries of a map with the bytes of each value as they were sent.
pub fn raw_entries(bytes: &[u8]) -> Option<Vec<(Cbor, &[u8])>> {
    let mut reader = Reader { bytes, at: 0 };
    let head = *reader.take(1)?.first()?;
    if head >> 5 != 5 {
        return None;
    }
    let count = reader.argument(head & 0x1f)?;
    let mut entries = Vec::new();
    for _ in 0..count {
        let key = reader.value(1)?;
        let start = reader.at;
        reader.value(1)?;
        entries.push((key, bytes.get(start..reader.at)?));
    }
    Some(entries)
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn argument(&mut self, info: u8) -> Option<u64> {
        let count = match info {
            0..=23 => return Some(u64::from(info)),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return None,
        };
        Some(
            self.take(count)?
                .iter()
                .fold(0, |value, byte| value << 8 | u64::from(*byte)),
        )
    }

    fn value(&mut self, depth: usize) -> Option<Cbor> {
        if depth > DEEPEST {
            return None;
        }
        let head = *self.take(1)?.first()?;
        let (major, info) = (head >> 5, head & 0x1f);
        if major == 7 {
            return match info {
                20 => Some(Cbor::Bool(false)),
                21 => Some(Cbor::Bool(true)),
                22 => Some(Cbor::Null),
                _ => None,
            };
        }
        let argument = self.argument(info)?;
        let count = usize::try_from(argument).ok()?;
        match major {
            0 => i64::try_from(argument).ok().map(Cbor::Int),
            1 => i64::try_from(argument)
                .ok()?
                .checked_neg()?
                .checked_sub(1)
                .map(Cbor::Int),
            2 => self.take(count).map(|bytes| Cbor::Bytes(bytes.to_vec())),
            3 => {
                let text = std::str::from_utf8(self.take(count)?).ok()?;
                Some(Cbor::Text(text.to_owned()))
            }
            4 => {
                let mut list = Vec::new();
                for _ in 0..count {
                    list.push(self.value(depth + 1)?);
                }
                Some(Cbor::List(list))
            }
            5 => {
                let mut map = Vec::new();
                for _ in 0..count {
                    map.push((self.value(depth + 1)?, self.value(depth + 1)?));
                }
                Some(Cbor::Map(map))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_value() -> impl Strategy<Value = Cbor> {
        let leaf = prop_oneof![
            any::<i64>().prop_map(Cbor::Int),
            proptest::collection::vec(any::<u8>(), 0..300).prop_map(Cbor::Bytes),
            ".{0,40}".prop_map(Cbor::Text),
            any::<bool>().prop_map(Cbor::Bool),
            Just(Cbor::Null),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Cbor::List),
                proptest::collection::vec((inner.clone(), inner), 0..6).prop_map(Cbor::Map),
            ]
        })
    }

    #[test]
    fn examples_of_the_rfc_are_read_and_written() {
        for (hex, value) in [
            ("1903e8", Cbor::Int(1000)),
            ("3863", Cbor::Int(-100)),
            ("1bffffffffffffffff", Cbor::Null),
            ("4401020304", Cbor::Bytes(vec![1, 2, 3, 4])),
            ("6449455446", Cbor::from("IETF")),
            ("a10102", Cbor::numbered([(1, Cbor::Int(2))])),
        ] {
            let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
            if value == Cbor::Null {
                assert_eq!(whole(&bytes), None, "an integer beyond ours");
                continue;
            }
            assert_eq!(whole(&bytes), Some(value.clone()), "{hex}");
            assert_eq!(value.to_vec(), bytes, "{hex}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value in any_value()) {
            prop_assert_eq!(whole(&value.to_vec()), Some(value));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some((_, used)) = read(&bytes) {
                prop_assert!(used <= bytes.len());
            }
            let _ = raw_entries(&bytes);
        }
    }
}
