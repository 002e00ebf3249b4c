//! Bytes into text: what PowerShell and the portals write is often UTF-16, and exports are often gzip.

use std::{borrow::Cow, io::Read as _};

/// Why bytes are not text, or not the content of a gzip file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// A byte sequence that is no UTF-8.
    #[error("not valid UTF-8 at byte {at}: save the file as UTF-8 or UTF-16")]
    Utf8 {
        /// Offset of the first bad byte, from the start of the file.
        at: usize,
    },
    /// A unit that is no UTF-16, or half a unit at the end.
    #[error("not valid UTF-16 at byte {at}: the file may be cut off; export it again")]
    Utf16 {
        /// Offset of the first bad byte, from the start of the file.
        at: usize,
    },
    /// The compressed stream is damaged.
    #[error("damaged gzip data after {read} bytes of content ({why}): export the file again")]
    Gzip {
        /// Bytes that could be unpacked.
        read: usize,
        /// What the decoder says.
        why: String,
    },
    /// More content than allowed.
    #[error(
        "the gzip file unpacks to more than {limit} bytes and was not read: unpack and split it"
    )]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
}

/// Whether bytes start as a gzip file does (RFC 1952, 2.3.1).
pub fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// Unpacks a gzip file, all its members, up to `limit` bytes of content.
///
/// # Errors
/// [`TextError::Gzip`] when it is damaged; [`TextError::TooLarge`] when it holds more than `limit`.
/// Memory stays within `limit` either way.
pub fn gunzip(bytes: &[u8], limit: usize) -> Result<Vec<u8>, TextError> {
    let mut content = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut reader = flate2::read::MultiGzDecoder::new(bytes).take(most);
    if let Err(error) = reader.read_to_end(&mut content) {
        return Err(TextError::Gzip {
            read: content.len(),
            why: error.to_string(),
        });
    }
    if content.len() > limit {
        return Err(TextError::TooLarge { limit });
    }
    Ok(content)
}

/// Turns bytes into text: UTF-8 with or without byte order mark, UTF-16 of either byte order with or
/// without one. Without a mark, UTF-16 is recognised by a zero byte among the first two: JSON and CSV
/// start with an ASCII character.
///
/// # Errors
/// Where the bytes are not text of the encoding that they start as.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, TextError> {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest, 3),
        [0xff, 0xfe, rest @ ..] => utf16(rest, 2, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, 2, u16::from_be_bytes),
        [0, second, ..] if *second != 0 => utf16(bytes, 0, u16::from_be_bytes),
        [first, 0, ..] if *first != 0 => utf16(bytes, 0, u16::from_le_bytes),
        _ => utf8(bytes, 0),
    }
}

fn utf8(bytes: &[u8], skipped: usize) -> Result<Cow<'_, str>, TextError> {
    std::str::from_utf8(bytes)
        .map(Cow::Borrowed)
        .map_err(|error| TextError::Utf8 {
            at: skipped + error.valid_up_to(),
        })
}

fn utf16(
    bytes: &[u8],
    skipped: usize,
    unit: fn([u8; 2]) -> u16,
) -> Result<Cow<'_, str>, TextError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(pairs.len());
    let mut at = skipped;
    for decoded in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        let Ok(character) = decoded else {
            return Err(TextError::Utf16 { at });
        };
        at += character.len_utf16() * 2;
        text.push(character);
    }
    if rest.is_empty() {
        Ok(Cow::Owned(text))
    } else {
        Err(TextError::Utf16 { at })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn units(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let text = "{\"a\":\"Zürich 🔑\"}";
        let mut forms = vec![
            text.as_bytes().to_vec(),
            units(text, u16::to_le_bytes),
            units(text, u16::to_be_bytes),
        ];
        for (form, mark) in [
            (0, &[0xef, 0xbb, 0xbf][..]),
            (1, &[0xff, 0xfe]),
            (2, &[0xfe, 0xff]),
        ] {
            forms.push([mark, &forms[form]].concat());
        }
        for form in forms {
            assert_eq!(decode(&form).unwrap(), text);
        }
        assert_eq!(decode(b"").unwrap(), "");
    }

    #[test]
    fn errors_name_the_byte() {
        assert_eq!(decode(b"ab\xff"), Err(TextError::Utf8 { at: 2 }));
        assert_eq!(decode(b"\xef\xbb\xbfa\xff"), Err(TextError::Utf8 { at: 4 }));
        assert_eq!(decode(b"\xff\xfea\0b"), Err(TextError::Utf16 { at: 4 }));
        assert_eq!(
            decode(b"\xff\xfea\0\x00\xd8"),
            Err(TextError::Utf16 { at: 4 })
        );
    }

    #[test]
    fn a_zip_bomb_stops_at_the_limit() {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(&vec![b' '; 1 << 20]).unwrap();
        let bomb = packer.finish().unwrap();
        assert!(is_gzip(&bomb) && bomb.len() < 4096);
        assert_eq!(
            gunzip(&bomb, 1000),
            Err(TextError::TooLarge { limit: 1000 })
        );
        assert_eq!(gunzip(&bomb, 1 << 20).unwrap().len(), 1 << 20);
        assert!(matches!(
            gunzip(&bomb[..40], 1 << 20),
            Err(TextError::Gzip { .. })
        ));
    }
}
