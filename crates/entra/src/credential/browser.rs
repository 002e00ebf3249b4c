//! Signing in in the browser of this machine: authorization code with PKCE, answered on loopback (RFC 8252, RFC 7636).

use std::time::Duration;

use aws_lc_rs::rand;
use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use url::Url;

use super::{
    Ask, fault,
    person::{Given, Person},
};
use crate::{Error, HttpResponse, Service, error::SignInError};

/// How long somebody may take.
const PATIENCE: Duration = Duration::from_mins(10);
/// How long the browser may take to send its request.
const REQUEST: Duration = Duration::from_secs(10);
/// The most bytes of a request that are read.
const MOST: usize = 64 * 1024;

const DONE: &str = "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
    <title>breakglass</title><style>body{font:1.1rem system-ui;margin:15vh auto;max-width:32rem;padding:0 1rem}\
    @media(prefers-color-scheme:dark){body{background:#111;color:#eee}}</style>";

fn failed(message: String) -> Error {
    Error::SignIn(Box::new(SignInError {
        message,
        help: "run it again, or use a device code".to_owned(),
        ..SignInError::default()
    }))
}

/// A text that nobody can guess.
fn secret() -> Result<String, Error> {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes)
        .map_err(|_| failed("this machine gives no random numbers".to_owned()))?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

pub(super) async fn sign_in(person: &Person, service: Service) -> Result<Given, Error> {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .map_err(|error| failed(format!("nothing can listen on loopback: {error}")))?;
    let port = listener
        .local_addr()
        .map_err(|error| failed(format!("nothing can listen on loopback: {error}")))?
        .port();
    // Microsoft accepts any port on `http://localhost` for public clients.
    let redirect = format!("http://localhost:{port}");
    let (state, verifier) = (secret()?, secret()?);
    let challenge = BASE64URL_NOPAD.encode(&Sha256::digest(verifier.as_bytes()));
    let scopes = person.scopes(service);
    let mut address = person.endpoint("authorize")?;
    address.query_pairs_mut().extend_pairs([
        ("client_id", person.client.as_str()),
        ("response_type", "code"),
        ("response_mode", "query"),
        ("redirect_uri", redirect.as_str()),
        ("scope", scopes.as_str()),
        ("state", state.as_str()),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
        ("prompt", "select_account"),
    ]);
    (person.prompt)(&Ask::OpenBrowser(address));
    let host = person.host();
    let code = tokio::time::timeout(PATIENCE, code(&listener, &state, host))
        .await
        .map_err(|_| failed(format!("nobody signed in at {host} within ten minutes")))??;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", person.client.as_str()),
        ("code", code.as_str()),
        ("redirect_uri", redirect.as_str()),
        ("code_verifier", verifier.as_str()),
        ("scope", scopes.as_str()),
    ];
    let answer = person.post("token", &form).await?;
    person.given(&answer)
}

/// Waits for the browser to come back with a code. Whatever else asks on this port is told nothing; since browsers open
/// connections that they may never use, none of them holds up the others.
async fn code(listener: &TcpListener, state: &str, host: &str) -> Result<String, Error> {
    let mut visits = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.map_err(|error| failed(format!("loopback failed: {error}")))?;
                visits.spawn(visit(stream, state.to_owned(), host.to_owned()));
            }
            visited = visits.join_next(), if !visits.is_empty() => {
                if let Some(Ok(Some(outcome))) = visited {
                    return outcome;
                }
            }
        }
    }
}

/// One connection: the code, or why there is none; `None`: it was not the answer that we wait for.
async fn visit(
    mut stream: TcpStream,
    state: String,
    host: String,
) -> Option<Result<String, Error>> {
    let query = tokio::time::timeout(REQUEST, asked(&mut stream))
        .await
        .ok()??;
    let value = |name: &str| {
        query
            .query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    if value("state") != Some(state) {
        answer(&mut stream, "404 Not Found", "<p>There is nothing here.").await;
        return None;
    }
    if let Some(code) = value("code") {
        answer(
            &mut stream,
            "200 OK",
            "<h1>Signed in</h1><p>You can close this window and go back to the terminal.",
        )
        .await;
        return Some(Ok(code));
    }
    answer(
        &mut stream,
        "200 OK",
        "<h1>Not signed in</h1><p>The terminal says why. You can close this window.",
    )
    .await;
    let code = value("error").unwrap_or_default();
    let description = value("error_description").unwrap_or_default();
    if code == "access_denied" && !description.contains("AADSTS") {
        return Some(Err(failed(format!("it was cancelled at {host}"))));
    }
    let body = serde_json::json!({"error": code, "error_description": description});
    Some(Err(fault::from_answer(
        &host,
        &HttpResponse {
            status: 400,
            headers: Vec::new(),
            body: body.to_string().into(),
        },
    )))
}

/// The target of a `GET` request.
async fn asked(stream: &mut TcpStream) -> Option<Url> {
    let mut bytes = Vec::new();
    let mut chunk = [0_u8; 4096];
    while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut chunk).await.ok()?;
        if read == 0 || bytes.len() > MOST {
            return None;
        }
        bytes.extend_from_slice(&chunk[..read]);
    }
    let text = String::from_utf8_lossy(&bytes);
    let target = text
        .lines()
        .next()?
        .strip_prefix("GET ")?
        .split(' ')
        .next()?;
    Url::parse("http://localhost").ok()?.join(target).ok()
}

async fn answer(stream: &mut TcpStream, status: &str, body: &str) {
    let page = format!("{DONE}{body}");
    let text = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\ncache-control: no-store\r\n\
         connection: close\r\n\r\n{page}",
        page.len()
    );
    // A browser that went away has been answered enough.
    let _sent = stream.write_all(text.as_bytes()).await;
    let _closed = stream.shutdown().await;
}
