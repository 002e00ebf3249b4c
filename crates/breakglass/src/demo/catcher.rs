//! A mail catcher on loopback: a real SMTP conversation, so that the demo's alert travels the way that
//! a production alert does, and nothing leaves the machine.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
};

/// Longest command line (RFC 5321, 4.5.3.1.4, gives 512; extensions need more).
const MAX_LINE: u64 = 4096;
/// Largest message that is caught.
const MAX_MESSAGE: usize = 1 << 20;

/// A message as it arrived, headers and body, CRLF line ends.
pub(super) type Caught = String;

/// Listens on a free port of loopback and hands every message over.
pub(super) async fn start()
-> io::Result<(SocketAddr, mpsc::UnboundedReceiver<Caught>, JoinHandle<()>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let (caught, messages) = mpsc::unbounded_channel();
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let caught = caught.clone();
            tokio::spawn(async move {
                if let Err(error) = converse(stream, &caught).await {
                    tracing::debug!(%error, "the mail catcher's conversation ended early");
                }
            });
        }
    });
    Ok((address, messages, task))
}

async fn converse(stream: TcpStream, caught: &mpsc::UnboundedSender<Caught>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    say(&mut stream, "220 mail catcher of the demo").await?;
    loop {
        let mut line = String::new();
        if (&mut stream).take(MAX_LINE).read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let verb = line
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" | "HELO" | "MAIL" | "RCPT" | "RSET" | "NOOP" => {
                say(&mut stream, "250 ok").await?;
            }
            "DATA" => {
                say(&mut stream, "354 end with a dot on a line of its own").await?;
                match message(&mut stream).await? {
                    Some(text) => {
                        // The receiver is gone only when the demo is over; then nobody waits for it.
                        if caught.send(text).is_err() {
                            return Ok(());
                        }
                        say(&mut stream, "250 caught").await?;
                    }
                    None => say(&mut stream, "552 too large for a demo").await?,
                }
            }
            "QUIT" => return say(&mut stream, "221 bye").await,
            _ => say(&mut stream, "502 not known here").await?,
        }
    }
}

async fn say(stream: &mut BufReader<TcpStream>, text: &str) -> io::Result<()> {
    stream
        .get_mut()
        .write_all(format!("{text}\r\n").as_bytes())
        .await
}

/// Reads up to the lone dot, undoing dot-stuffing (RFC 5321, 4.5.2); `None` when it grows too large.
async fn message(stream: &mut BufReader<TcpStream>) -> io::Result<Option<String>> {
    let mut text = String::new();
    let mut too_large = false;
    loop {
        let mut line = Vec::new();
        if stream
            .take(MAX_MESSAGE as u64)
            .read_until(b'\n', &mut line)
            .await?
            == 0
        {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line == b".\r\n" || line == b".\n" {
            return Ok((!too_large).then_some(text));
        }
        let line = line.strip_prefix(b".").unwrap_or(&line);
        if text.len() + line.len() > MAX_MESSAGE {
            too_large = true;
        } else {
            text.push_str(&String::from_utf8_lossy(line));
        }
    }
}
