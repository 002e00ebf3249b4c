//! Aliases and mail servers of a name, asked of this machine's own name server (RFC 1035): the resolver of the operating
//! system tells addresses only, and a name of one's own may well lead to Microsoft's cloud.
//!
//! Invariants:
//! - an answer is only taken from the server that was asked, for the question that was asked;
//! - no bytes of an answer make it panic or run for long: pointers only lead backwards, and a name ends at 255 bytes.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UdpSocket},
    time::timeout,
};

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(2);
const TRIES: usize = 2;
/// Bytes of a header.
const HEADER: usize = 12;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Every name that a name leads to (CNAME), in the order of the answer.
    Aliases,
    /// The servers that take a domain's mail (MX).
    Mail,
}

impl Kind {
    /// The type that is asked for, and the type of the records that are wanted. Aliases come with the addresses.
    const fn types(self) -> (u16, u16) {
        match self {
            Self::Aliases => (1, 5),
            Self::Mail => (15, 15),
        }
    }

    /// Bytes before the name in a record of that type.
    const fn before_name(self) -> usize {
        match self {
            Self::Aliases => 0,
            Self::Mail => 2,
        }
    }
}

/// The name servers of a `resolv.conf`.
pub(super) fn servers(text: &str) -> Vec<IpAddr> {
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix("nameserver"))
        .filter_map(|rest| rest.split_whitespace().next()?.parse().ok())
        .collect()
}

/// Names that a name leads to, lower case, without the last dot; none is an answer too.
pub(super) async fn ask(server: SocketAddr, name: &str, kind: Kind) -> Result<Vec<String>, String> {
    let random = uuid::Uuid::new_v4();
    let [first, second, ..] = *random.as_bytes();
    let question = question([first, second], name, kind)
        .ok_or_else(|| format!("`{name}` cannot be asked for"))?;
    let mut why = String::new();
    for _ in 0..TRIES {
        let told = match timeout(PATIENCE, over_udp(server, &question)).await {
            Ok(told) => told,
            Err(_) => Err("it did not answer".to_owned()),
        };
        match told {
            Ok(bytes) if is_cut(&bytes) => {
                let whole = timeout(PATIENCE, over_tcp(server, &question))
                    .await
                    .map_err(|_| "it did not answer".to_owned())
                    .and_then(|told| told);
                return whole.and_then(|bytes| read(&bytes, &question, kind));
            }
            Ok(bytes) => return read(&bytes, &question, kind),
            Err(error) => why = error,
        }
    }
    Err(format!("the name server {}: {why}", server.ip()))
}

async fn over_udp(server: SocketAddr, question: &[u8]) -> Result<Vec<u8>, String> {
    let here: SocketAddr = if server.is_ipv4() {
        ([0, 0, 0, 0], 0).into()
    } else {
        ([0u16; 8], 0).into()
    };
    let said = |error: std::io::Error| crate::input::plain(&error);
    let socket = UdpSocket::bind(here).await.map_err(said)?;
    // A connected socket takes nothing from anybody else.
    socket.connect(server).await.map_err(said)?;
    socket.send(question).await.map_err(said)?;
    let mut bytes = vec![0; 4096];
    loop {
        let length = socket.recv(&mut bytes).await.map_err(said)?;
        // A late answer to another question is passed over.
        if bytes.get(..2) == question.get(..2) {
            bytes.truncate(length);
            return Ok(bytes);
        }
    }
}

async fn over_tcp(server: SocketAddr, question: &[u8]) -> Result<Vec<u8>, String> {
    let said = |error: std::io::Error| crate::input::plain(&error);
    let length = u16::try_from(question.len()).map_err(|_| "the name is too long".to_owned())?;
    let mut stream = TcpStream::connect(server).await.map_err(said)?;
    stream
        .write_all(&[&length.to_be_bytes(), question].concat())
        .await
        .map_err(said)?;
    let length = stream.read_u16().await.map_err(said)?;
    let mut bytes = vec![0; usize::from(length)];
    stream.read_exact(&mut bytes).await.map_err(said)?;
    Ok(bytes)
}

/// `None`: the name has no place in a question.
fn question(id: [u8; 2], name: &str, kind: Kind) -> Option<Vec<u8>> {
    let mut bytes = id.to_vec();
    // Recursion is wanted; one question.
    bytes.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.trim_end_matches('.').split('.') {
        if label.is_empty() || label.len() > 63 || !label.is_ascii() {
            return None;
        }
        bytes.push(u8::try_from(label.len()).ok()?);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend(kind.types().0.to_be_bytes());
    bytes.extend([0, 1]);
    (bytes.len() <= HEADER + 255 + 4).then_some(bytes)
}

/// Whether the answer did not fit and is asked for again over TCP.
fn is_cut(bytes: &[u8]) -> bool {
    bytes.get(2).is_some_and(|flags| flags & 2 != 0)
}

fn read(bytes: &[u8], question: &[u8], kind: Kind) -> Result<Vec<String>, String> {
    let broken = || "the name server's answer cannot be read".to_owned();
    let number = |at: usize| -> Option<u16> {
        Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
    };
    if bytes.get(..2) != question.get(..2) {
        return Err(broken());
    }
    match bytes.get(3).ok_or_else(broken)? & 0xf {
        0 => {}
        // There is no such name, so it leads nowhere.
        3 => return Ok(Vec::new()),
        code => return Err(format!("the name server refused to answer (code {code})")),
    }
    let questions = number(4).ok_or_else(broken)?;
    let answers = number(6).ok_or_else(broken)?;
    let repeated = bytes.get(HEADER..question.len()).ok_or_else(broken)?;
    if questions != 1 || !repeated.eq_ignore_ascii_case(&question[HEADER..]) {
        return Err(broken());
    }
    let mut at = question.len();
    let mut names = Vec::new();
    for _ in 0..answers {
        at = name_at(bytes, at).ok_or_else(broken)?.1;
        let is = number(at).ok_or_else(broken)?;
        let length = usize::from(number(at + 8).ok_or_else(broken)?);
        let data = at + 10;
        if is == kind.types().1 {
            let (name, _) = name_at(bytes, data + kind.before_name()).ok_or_else(broken)?;
            // A domain that takes no mail says so with an empty name (RFC 7505).
            if !name.is_empty() {
                names.push(name);
            }
        }
        at = data + length;
    }
    if at > bytes.len() {
        return Err(broken());
    }
    Ok(names)
}

/// The name at a place, lower case, and where the bytes behind it begin.
fn name_at(bytes: &[u8], start: usize) -> Option<(String, usize)> {
    let mut name = String::new();
    let mut at = start;
    let mut behind = None;
    loop {
        let length = *bytes.get(at)?;
        match length >> 6 {
            0 if length == 0 => return Some((name, behind.unwrap_or(at + 1))),
            0 => {
                let label = bytes.get(at + 1..at + 1 + usize::from(length))?;
                if !name.is_empty() {
                    name.push('.');
                }
                name.extend(
                    label
                        .iter()
                        .map(|byte| char::from(byte.to_ascii_lowercase())),
                );
                if name.len() > 255 {
                    return None;
                }
                at += 1 + usize::from(length);
            }
            3 => {
                let to = usize::from(length & 0x3f) << 8 | usize::from(*bytes.get(at + 1)?);
                behind.get_or_insert(at + 2);
                // A pointer leads to what was before it, so that no chain of them has a loop.
                if to >= at {
                    return None;
                }
                at = to;
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer with an alias, an address and a mail server; every second name is written as a pointer.
    fn answer(question: &[u8]) -> Vec<u8> {
        let mut bytes = question.to_vec();
        bytes[2] = 0x81;
        bytes[3] = 0x80;
        bytes[7] = 3;
        let target = b"\x05Hooks\x0dazurewebsites\x03NET\x00";
        let length = u8::try_from(target.len()).unwrap();
        bytes.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, length]);
        let place = u8::try_from(bytes.len()).unwrap();
        bytes.extend(target);
        bytes.extend([0xc0, place, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 203, 0, 113, 1]);
        bytes.extend([0xc0, 12, 0, 15, 0, 1, 0, 0, 0, 9, 0, 7, 0, 10]);
        bytes.extend([2, b'm', b'x', 0xc0, place]);
        bytes
    }

    fn asked(kind: Kind) -> Vec<u8> {
        question([7, 8], "alerts.other.example", kind).unwrap()
    }

    #[test]
    fn aliases_and_mail_servers_are_read() {
        let asked = asked(Kind::Aliases);
        let bytes = answer(&asked);
        assert_eq!(
            read(&bytes, &asked, Kind::Aliases).unwrap(),
            ["hooks.azurewebsites.net"]
        );
        assert_eq!(
            read(&bytes, &asked, Kind::Mail).unwrap(),
            ["mx.hooks.azurewebsites.net"]
        );
    }

    #[test]
    fn an_answer_that_is_cut_or_changed_anywhere_is_never_a_panic() {
        let asked = asked(Kind::Mail);
        let bytes = answer(&asked);
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end], &asked, Kind::Mail).is_err(), "{end}");
        }
        for at in 0..bytes.len() {
            for value in [0, 1, 0x3f, 0x40, 0xc0, 0xff] {
                let mut changed = bytes.clone();
                changed[at] = value;
                let _ = read(&changed, &asked, Kind::Mail);
                let _ = read(&changed, &asked, Kind::Aliases);
            }
        }
    }

    #[test]
    fn a_name_without_a_place_in_a_question_is_not_asked_for() {
        let long = "x".repeat(64);
        for name in ["", "a..b", "bücher.example", long.as_str()] {
            assert_eq!(question([0, 0], name, Kind::Mail), None, "{name}");
        }
    }

    #[test]
    fn name_servers_of_this_machine() {
        let text =
            "# ours\nsearch x\nnameserver 192.0.2.53\n nameserver  ::1 # local\nnameserver x\n";
        let wanted: [IpAddr; 2] = ["192.0.2.53".parse().unwrap(), "::1".parse().unwrap()];
        assert_eq!(servers(text), wanted);
    }

    #[tokio::test]
    async fn a_server_is_asked_and_silence_ends() {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let server = socket.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let mut bytes = [0; 512];
            let (length, from) = socket.recv_from(&mut bytes).await.unwrap();
            socket
                .send_to(&answer(&bytes[..length]), from)
                .await
                .unwrap();
            socket
        });
        assert_eq!(
            ask(server, "alerts.other.example.", Kind::Aliases)
                .await
                .unwrap(),
            ["hooks.azurewebsites.net"]
        );
        // Nobody answers any longer, though the port is held.
        let _silent = serving.await.unwrap();
        let why = ask(server, "alerts.other.example", Kind::Mail)
            .await
            .unwrap_err();
        assert!(why.contains("did not answer"), "{why}");
    }
}
