//! Mail.
//!
//! Each recipient gets a transaction of its own. In one transaction for all, the client gives up at
//! the first refused recipient, and one departed colleague would silence everybody. The price: while
//! one recipient is refused, the others get the alert again with each attempt. The `Message-ID` stays
//! the same, so that mailboxes can fold the copies, and the channel asks for longer waits.

use std::{
    fmt,
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use breakglass_model::Alert;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    address::{Address, Envelope},
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        self,
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
    },
};
use tokio::task::JoinSet;

use crate::{
    Message, Secret,
    channel::{Channel, ConfigError, Receipt, Retry, SendError, Sending},
    text::one_line,
};

/// More recipients belong into a list on the mail server.
const MAX_RECIPIENTS: usize = 20;
/// How long to wait where some recipients have the message and get it again with each attempt.
const AFTER_PARTIAL: Duration = Duration::from_mins(5);

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// `STARTTLS`, required: a server that does not offer it gets no mail.
    StartTls,
    /// TLS from the first byte.
    Implicit,
    /// None; only to this machine.
    NoneLoopback,
}

/// A valid mail channel.
#[derive(Clone, Debug)]
pub struct SmtpConfig {
    /// The channel's name.
    pub name: String,
    /// The mail server's name, which its certificate must bear.
    pub host: String,
    /// 587 for STARTTLS, 465 for TLS from the first byte.
    pub port: u16,
    /// How the connection is protected.
    pub tls: MailTls,
    /// User and password.
    pub login: Option<(String, Secret)>,
    /// Certificates (PEM) of authorities to trust beside the system's.
    pub extra_roots: Option<Vec<u8>>,
    /// From whom.
    pub from: String,
    /// To whom.
    pub to: Vec<String>,
    /// Time for one attempt, from connecting to the last answer.
    pub timeout: Duration,
}

/// Sends mail.
pub struct Smtp {
    name: String,
    from: Mailbox,
    to: Vec<Mailbox>,
    password: Option<Secret>,
    timeout: Duration,
    transport: Arc<AsyncSmtpTransport<Tokio1Executor>>,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Smtp {
    /// Builds the channel.
    pub fn new(config: SmtpConfig) -> Result<Self, ConfigError> {
        let wrong = |reason: String| ConfigError {
            channel: config.name.clone(),
            reason,
        };
        let mailbox = |text: &String| {
            text.parse::<Mailbox>()
                .map_err(|error| wrong(format!("{text:?} is no mail address: {error}")))
        };
        let from = mailbox(&config.from)?;
        let to = config
            .to
            .iter()
            .map(mailbox)
            .collect::<Result<Vec<_>, _>>()?;
        if to.is_empty() || to.len() > MAX_RECIPIENTS {
            return Err(wrong(format!(
                "between 1 and {MAX_RECIPIENTS} recipients are needed"
            )));
        }
        let (host, tls) = protection(&config).map_err(wrong)?;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(config.port)
            .timeout(Some(config.timeout))
            .tls(tls);
        if let Some((user, password)) = &config.login {
            builder =
                builder.credentials(Credentials::new(user.clone(), password.reveal().to_owned()));
        }
        Ok(Self {
            from,
            to,
            password: config.login.map(|(_, password)| password),
            timeout: config.timeout,
            transport: Arc::new(builder.build()),
            name: config.name,
        })
    }

    /// The same alert through the same channel always makes the same `Message-ID`.
    fn message_id(&self, alert: &Alert) -> String {
        let safe = |text: &str| -> String {
            text.chars()
                .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
                .collect()
        };
        format!(
            "<{}.{}@{}>",
            safe(&alert.id),
            safe(&self.name),
            self.from.email.domain()
        )
    }

    fn compose(&self, message: &Message, alert: &Alert) -> Result<Vec<u8>, SendError> {
        let date = SystemTime::try_from(alert.created_at)
            .map_err(|error| SendError::broken(format!("cannot date the mail: {error}")))?;
        let mut builder = lettre::Message::builder()
            .from(self.from.clone())
            .subject(message.subject.clone())
            .message_id(Some(self.message_id(alert)))
            .date(date);
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        let parts = MultiPart::alternative_plain_html(message.text.clone(), message.html.clone());
        let mut mail = builder
            .multipart(parts)
            .map_err(|error| SendError::broken(format!("cannot write the mail: {error}")))?;
        for (name, value) in [
            ("Auto-Submitted", "auto-generated"),
            ("X-Priority", "1"),
            ("Importance", "high"),
        ] {
            mail.headers_mut().insert_raw(HeaderValue::new(
                HeaderName::new_from_ascii_str(name),
                value.to_owned(),
            ));
        }
        Ok(mail.formatted())
    }

    async fn attempt(&self, message: &Message, alert: &Alert) -> Result<Receipt, SendError> {
        let mail: Arc<[u8]> = self.compose(message, alert)?.into();
        let mut transactions = JoinSet::new();
        for (place, to) in self.to.iter().enumerate() {
            let (transport, mail) = (Arc::clone(&self.transport), Arc::clone(&mail));
            let (from, to, timeout) = (self.from.email.clone(), to.email.clone(), self.timeout);
            transactions.spawn(async move {
                let sent = transaction(&transport, from, to.clone(), &mail, timeout).await;
                (place, to, sent)
            });
        }
        let mut ended = Vec::with_capacity(self.to.len());
        while let Some(joined) = transactions.join_next().await {
            ended.push(
                joined.map_err(|error| SendError::soon(format!("sending stopped: {error}")))?,
            );
        }
        ended.sort_by_key(|(place, ..)| *place);
        self.verdict(ended)
    }

    /// Accepted only if every recipient was.
    fn verdict(
        &self,
        ended: Vec<(usize, Address, Result<String, SendError>)>,
    ) -> Result<Receipt, SendError> {
        let mut receipts = Vec::new();
        let mut failures = Vec::new();
        for (_, to, sent) in ended {
            match sent {
                Ok(answer) => receipts.push(format!("{to}: {}", self.redact(&answer))),
                Err(error) => failures.push((to, error)),
            }
        }
        let Some((_, first)) = failures.first() else {
            return Ok(Receipt(receipts.join("; ")));
        };
        let is_broken = failures
            .iter()
            .any(|(_, error)| error.retry_hint == Retry::Broken);
        let retry_hint = if is_broken {
            Retry::Broken
        } else {
            first.retry_hint
        };
        let reasons: Vec<String> = failures
            .iter()
            .map(|(to, error)| format!("{to}: {}", self.redact(&error.reason)))
            .collect();
        Err(SendError {
            retry_hint,
            after: (!receipts.is_empty()).then_some(AFTER_PARTIAL),
            reason: reasons.join("; "),
        })
    }

    /// First without the password, then cut: a cut through the password would leave a part of it.
    fn redact(&self, text: &str) -> String {
        match &self.password {
            Some(password) => one_line(&password.redact(text)),
            None => one_line(text),
        }
    }
}

/// Which host to connect to, and how.
fn protection(config: &SmtpConfig) -> Result<(String, Tls), String> {
    if config.tls == MailTls::NoneLoopback {
        // The name is not looked up: it would be for the resolver to say what this machine is.
        let ip: IpAddr = match config.host.as_str() {
            "localhost" => IpAddr::from([127, 0, 0, 1]),
            other => other
                .parse()
                .map_err(|_| format!("without TLS, {other} must be a loopback address"))?,
        };
        if !ip.is_loopback() {
            return Err(format!(
                "without TLS only loopback addresses are allowed, not {ip}"
            ));
        }
        return Ok((ip.to_string(), Tls::None));
    }
    let mut parameters = TlsParameters::builder(config.host.clone());
    if let Some(pem) = &config.extra_roots {
        let root = Certificate::from_pem(pem)
            .map_err(|error| format!("cannot read the extra certificates: {error}"))?;
        parameters = parameters.add_root_certificate(root);
    }
    let parameters = parameters
        .build()
        .map_err(|error| format!("cannot set up TLS: {error}"))?;
    let tls = match config.tls {
        MailTls::Implicit => Tls::Wrapper(parameters),
        MailTls::StartTls | MailTls::NoneLoopback => Tls::Required(parameters),
    };
    Ok((config.host.clone(), tls))
}

/// One recipient. The client's own time-out covers connecting only, so a second one goes around all.
async fn transaction(
    transport: &AsyncSmtpTransport<Tokio1Executor>,
    from: Address,
    to: Address,
    mail: &[u8],
    timeout: Duration,
) -> Result<String, SendError> {
    let envelope = Envelope::new(Some(from), vec![to])
        .map_err(|error| SendError::broken(format!("cannot address the mail: {error}")))?;
    match tokio::time::timeout(timeout, transport.send_raw(&envelope, mail)).await {
        Err(_) => Err(SendError::soon(
            "no answer in time; it may have been accepted",
        )),
        Ok(Err(error)) => Err(failure(&error)),
        Ok(Ok(response)) => {
            let words: Vec<&str> = response.message().collect();
            Ok(format!("{} {}", response.code(), words.join(" ")))
        }
    }
}

/// What an error of the client means. A permanent answer, a server without STARTTLS and a certificate
/// that does not fit need a person; the rest may pass, a lost answer to DATA included.
fn failure(error: &smtp::Error) -> SendError {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        let more = source.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        next = source.source();
    }
    if error.is_permanent() || error.is_client() || error.is_tls() || is_refused_handshake(error) {
        SendError::broken(text)
    } else {
        SendError::soon(text)
    }
}

/// The client files a failed handshake under "connection"; the TLS library marks what it does not
/// believe, a certificate above all, as invalid data.
fn is_refused_handshake(error: &smtp::Error) -> bool {
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        if let Some(io) = source.downcast_ref::<std::io::Error>() {
            return !error.is_response() && io.kind() == std::io::ErrorKind::InvalidData;
        }
        next = source.source();
    }
    false
}

impl Channel for Smtp {
    fn name(&self) -> &str {
        &self.name
    }

    fn send<'a>(&'a self, message: &'a Message, alert: &'a Alert) -> Sending<'a> {
        Box::pin(self.attempt(message, alert))
    }
}
