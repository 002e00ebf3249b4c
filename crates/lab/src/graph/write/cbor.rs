//! The part of CBOR (RFC 8949) that attestation objects and keys are made of. Total: what is not understood is an error.

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cbor {
    Int(i64),
    Bytes(Vec<u8>),
    Text(String),
    List(Vec<Self>),
    Map(Vec<(Self, Self)>),
    Bool(bool),
    Null,
}

impl Cbor {
    /// The value under a text key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.find(|own| matches!(own, Self::Text(text) if text == key))
    }

    /// The value under an integer key.
    pub(super) fn at(&self, key: i64) -> Option<&Self> {
        self.find(|own| matches!(own, Self::Int(number) if *number == key))
    }

    fn find(&self, is: impl Fn(&Self) -> bool) -> Option<&Self> {
        let Self::Map(entries) = self else {
            return None;
        };
        entries
            .iter()
            .find(|(key, _)| is(key))
            .map(|(_, value)| value)
    }

    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }
}

/// Nesting beyond this is refused.
const DEEPEST: usize = 16;

/// Reads one value from the start of the bytes; gives back how many bytes it took.
pub(super) fn read(bytes: &[u8]) -> Option<(Cbor, usize)> {
    let mut reader = Reader { bytes, at: 0 };
    let value = reader.value(0)?;
    Some((value, reader.at))
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

    /// The argument of a head: definite lengths only, as WebAuthn's canonical form has them.
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

    #[test]
    fn examples_of_the_rfc_are_read() {
        for (hex, expected) in [
            ("1903e8", Cbor::Int(1000)),
            ("3863", Cbor::Int(-100)),
            ("4401020304", Cbor::Bytes(vec![1, 2, 3, 4])),
            ("6449455446", Cbor::Text("IETF".to_owned())),
            ("820102", Cbor::List(vec![Cbor::Int(1), Cbor::Int(2)])),
            ("a10102", Cbor::Map(vec![(Cbor::Int(1), Cbor::Int(2))])),
            ("f5", Cbor::Bool(true)),
            ("f6", Cbor::Null),
        ] {
            let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
            assert_eq!(read(&bytes), Some((expected, bytes.len())), "{hex}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some((_, used)) = read(&bytes) {
                prop_assert!(used <= bytes.len());
            }
        }
    }
}
