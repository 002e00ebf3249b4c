//! Mail against a real server, `smtp_sink.py`.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use breakglass_alert::{
    Channel, Message, Receipt, Retry, Secret, SendError,
    channels::{MailTls, Smtp, SmtpConfig},
};
use breakglass_model::SignalKind;
use tempfile::TempDir;

use crate::support::{alert, settings};

const PASSWORD: &str = "canary-password";

struct Sink {
    child: Child,
    place: TempDir,
    port: u16,
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Sink {
    /// `None` where no Python has the server's library.
    #[allow(clippy::disallowed_methods)] // which Python is for the machine to say
    fn start(mode: &str, pair: Option<&Path>) -> Option<Self> {
        let python =
            std::env::var("BREAKGLASS_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let known = Command::new(&python)
            .args(["-c", "import aiosmtpd"])
            .stderr(Stdio::null())
            .status();
        if !known.is_ok_and(|status| status.success()) {
            assert!(
                std::env::var_os("BREAKGLASS_TEST_REQUIRED").is_none(),
                "no Python with aiosmtpd"
            );
            eprintln!("skipped: no Python with aiosmtpd");
            return None;
        }
        let place = TempDir::new().unwrap();
        let mut command = Command::new(python);
        command
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/smtp_sink.py"))
            .arg(mode)
            .arg(place.path())
            .stdout(Stdio::piped());
        if let Some(pair) = pair {
            command
                .arg(pair.join("server.pem"))
                .arg(pair.join("server.key"));
        }
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let port = line.trim().parse().unwrap();
        Some(Self { child, place, port })
    }

    fn mode(&self, mode: &str) {
        std::fs::write(self.place.path().join("mode"), mode).unwrap();
    }

    fn mail(&self, number: u32) -> Option<String> {
        std::fs::read_to_string(self.place.path().join(format!("{number}.eml"))).ok()
    }

    fn channel(&self, change: impl FnOnce(&mut SmtpConfig)) -> Smtp {
        let mut config = SmtpConfig {
            name: "mail".to_owned(),
            host: "localhost".to_owned(),
            port: self.port,
            tls: MailTls::NoneLoopback,
            login: None,
            extra_roots: None,
            from: "breakglass@contoso.com".to_owned(),
            to: vec!["first@contoso.com".to_owned()],
            timeout: Duration::from_secs(5),
        };
        change(&mut config);
        Smtp::new(config).unwrap()
    }
}

async fn send(channel: &Smtp) -> Result<Receipt, SendError> {
    let alert = alert(SignalKind::Use);
    channel
        .send(&Message::of(&alert, &settings()), &alert)
        .await
}

fn header<'a>(mail: &'a str, name: &str) -> &'a str {
    mail.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        .unwrap_or_else(|| panic!("no {name} in {mail}"))
}

/// An authority and a certificate of it for `localhost`.
fn authority() -> TempDir {
    let place = TempDir::new().unwrap();
    std::fs::write(
        place.path().join("ext"),
        "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n",
    )
    .unwrap();
    for line in [
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-ca -keyout ca.key -out ca.pem",
        "req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr",
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out server.pem",
    ] {
        let done = Command::new("openssl")
            .args(line.split(' '))
            .current_dir(place.path())
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    }
    place
}

#[tokio::test]
async fn w7_a_mail_has_its_headers_and_both_parts() {
    let Some(sink) = Sink::start("accept", None) else {
        return;
    };
    let receipt = send(&sink.channel(|_| {})).await.unwrap();
    assert!(receipt.0.contains("250 queued as 1"), "{receipt:?}");
    let mail = sink.mail(1).unwrap();
    assert_eq!(header(&mail, "X-Priority"), "1");
    assert_eq!(header(&mail, "Auto-Submitted"), "auto-generated");
    assert!(header(&mail, "Subject").starts_with("[CRITICAL] Emergency Access Activity"));
    assert_eq!(
        header(&mail, "Message-ID"),
        "<55555555-5555-5555-8555-555555555555.mail@contoso.com>"
    );
    assert!(mail.contains("text/plain") && mail.contains("text/html"));
}

#[tokio::test]
async fn w6_starttls_needs_the_right_authority() {
    let (right, wrong) = (authority(), authority());
    let Some(sink) = Sink::start("accept", Some(right.path())) else {
        return;
    };
    let with = |place: &TempDir| {
        let pem = std::fs::read(place.path().join("ca.pem")).unwrap();
        sink.channel(|config| {
            config.tls = MailTls::StartTls;
            config.extra_roots = Some(pem);
        })
    };
    let error = send(&with(&wrong)).await.unwrap_err();
    assert_eq!(error.retry_hint, Retry::Broken, "{error}");
    assert_eq!(sink.mail(1), None);
    send(&with(&right)).await.unwrap();
    assert!(sink.mail(1).is_some());
}

#[tokio::test]
async fn w6_a_server_without_starttls_gets_no_mail() {
    let Some(sink) = Sink::start("nostarttls", None) else {
        return;
    };
    let channel = sink.channel(|config| {
        config.tls = MailTls::StartTls;
        config.login = Some(("user".to_owned(), Secret::new(PASSWORD)));
    });
    let error = send(&channel).await.unwrap_err();
    assert_eq!(error.retry_hint, Retry::Broken, "{error}");
    assert_eq!(sink.mail(1), None);
}

#[tokio::test]
async fn w6_a_server_that_hangs_meets_the_deadline() {
    let Some(sink) = Sink::start("hang", None) else {
        return;
    };
    let channel = sink.channel(|config| config.timeout = Duration::from_millis(500));
    let sent = tokio::time::timeout(Duration::from_secs(5), send(&channel)).await;
    assert_eq!(sent.unwrap().unwrap_err().retry_hint, Retry::Soon);
}

#[tokio::test]
async fn g3_refusals_are_sorted_by_their_code() {
    let Some(sink) = Sink::start("refuse550", None) else {
        return;
    };
    let channel = sink.channel(|_| {});
    let error = send(&channel).await.unwrap_err();
    assert_eq!(error.retry_hint, Retry::Broken, "{error}");
    sink.mode("later451");
    let error = send(&channel).await.unwrap_err();
    assert_eq!(error.retry_hint, Retry::Soon, "{error}");
    send(&channel).await.unwrap();
}

#[tokio::test]
async fn g3_a_lost_answer_is_retried_with_the_same_id() {
    let Some(sink) = Sink::start("drop", None) else {
        return;
    };
    let channel = sink.channel(|_| {});
    let error = send(&channel).await.unwrap_err();
    assert_eq!(error.retry_hint, Retry::Soon, "{error}");
    sink.mode("accept");
    send(&channel).await.unwrap();
    let id = |number| header(&sink.mail(number).unwrap(), "Message-ID").to_owned();
    assert_eq!(id(1), id(2));
}

#[tokio::test]
async fn w6_a_refused_recipient_is_named_and_silences_nobody() {
    let Some(sink) = Sink::start("refuse-second", None) else {
        return;
    };
    let channel = sink.channel(|config| config.to.push("second@contoso.com".to_owned()));
    let error = send(&channel).await.unwrap_err();
    assert!(error.reason.contains("second@contoso.com"), "{error}");
    assert!(!error.reason.contains("first@contoso.com"), "{error}");
    assert!(error.after.is_some());
    assert_eq!(
        header(&sink.mail(1).unwrap(), "X-Rcpt"),
        "first@contoso.com"
    );
}

#[tokio::test]
async fn w6_a_server_that_quotes_the_password_does_not_reveal_it() {
    let Some(sink) = Sink::start("auth-echo", None) else {
        return;
    };
    let channel =
        sink.channel(|config| config.login = Some(("user".to_owned(), Secret::new(PASSWORD))));
    let error = send(&channel).await.unwrap_err();
    assert_eq!(error.retry_hint, Retry::Broken, "{error}");
    assert!(error.reason.contains("***"), "{error}");
    assert!(!format!("{error:?}").contains(PASSWORD));
}
