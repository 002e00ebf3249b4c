//! The pages of a sign-in.

use axum::response::Response;
use breakglass_conditional_access::sign_in::{ClientApp, InsiderRisk, Platform, Risk};

use super::{
    Code,
    circumstances::{self, Circumstances, DeviceChoice},
    flow::{Attempt, PASS, PASSWORD, Refusal, Screen},
    goal::Goal,
    html::{Page, esc, hidden, problem, select},
    site::Site,
    ways::Way,
};
use crate::Lab;

/// Everything that a page of a sign-in needs.
pub(crate) struct View<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) site: &'a Site,
    /// The key under which the attempt is remembered.
    pub(crate) key: &'a str,
    pub(crate) attempt: &'a Attempt,
    /// Where the app waits that asked for the sign-in.
    pub(crate) leads_to: Option<String>,
}

impl View<'_> {
    /// The page of a screen.
    pub(crate) fn page(self, screen: &Screen) -> Response {
        let (title, body) = match screen {
            Screen::Name { problem } => self.name(problem.as_deref()),
            Screen::Choose { ways, problem } => self.choose(ways, problem.as_deref()),
            Screen::Password { problem } => self.password(problem.as_deref()),
            Screen::Federated { domain, problem } => self.federated(domain, problem.as_deref()),
            Screen::Pass { problem } => self.pass(problem.as_deref()),
            Screen::Passkey {
                options,
                rp_id,
                problem,
            } => self.passkey(options.as_ref(), rp_id.as_deref(), problem.as_deref()),
            Screen::Push { number } => self.push(number),
            Screen::OneTimeCode {
                way,
                shown,
                problem,
            } => self.one_time_code(*way, shown, problem.as_deref()),
            Screen::Simple { way } => self.simple(*way),
            Screen::ConfirmApp => self.confirm(),
            Screen::Refused(refusal) => self.refused(refusal),
        };
        let tenant = self.lab.state().name.clone();
        Page {
            title,
            tenant: &tenant,
            body,
            leads_to: self.leads_to,
            status: 200,
            ..Page::default()
        }
        .respond()
    }

    /// A form that takes a step of this attempt.
    fn form(&self, step: &str, attributes: &str, inner: &str) -> String {
        format!(
            "<form method=\"post\" action=\"/common/login\"{attributes}>{}{}{inner}</form>",
            hidden("flow", self.key),
            hidden("step", step),
        )
    }

    fn who(&self) -> String {
        self.attempt
            .person
            .as_ref()
            .map_or_else(String::new, |person| {
                format!("<p class=\"who\">{}</p>", esc(&person.upn))
            })
    }

    fn app(&self) -> String {
        format!(
            "<p class=\"brand\">{}</p>",
            esc(&self.attempt.target.client.1)
        )
    }

    fn other_way(&self) -> String {
        self.form(
            "other",
            " class=\"other\"",
            "<button class=\"plain\">Other ways to sign in</button>",
        )
    }

    fn name(&self, wrong: Option<&str>) -> (&'static str, String) {
        let form = format!(
            "<form method=\"post\" action=\"/common/login\">{}\
             <label>Email or user name<input name=\"username\" value=\"{}\" autocomplete=\"username webauthn\" \
             autocapitalize=\"none\" spellcheck=\"false\" required autofocus></label>\
             <p>to continue to {}</p>\
             <div class=\"actions\"><button name=\"step\" value=\"name\">Next</button></div>\
             <button class=\"row\" name=\"step\" value=\"discover\" formnovalidate>Sign in with a passkey, without \
             a user name</button>{}</form>",
            hidden("flow", self.key),
            esc(&self.attempt.identifier),
            esc(&self.attempt.target.client.1),
            circumstances_panel(&self.attempt.circumstances),
        );
        (
            "Sign in",
            format!("{}<h1>Sign in</h1>{}{form}", self.app(), problem(wrong)),
        )
    }

    fn choose(&self, ways: &[Way], wrong: Option<&str>) -> (&'static str, String) {
        let second = !self.attempt.ways.is_empty();
        let title = if second {
            "Verify your identity"
        } else {
            "Choose a way to sign in"
        };
        let rows: String = ways
            .iter()
            .map(|way| {
                format!(
                    "<button class=\"row\" name=\"way\" value=\"{}\">{}</button>",
                    way.word(),
                    esc(way.label())
                )
            })
            .collect();
        (
            title,
            format!(
                "{}<h1>{title}</h1>{}{}",
                self.who(),
                problem(wrong),
                self.form("choose", "", &rows)
            ),
        )
    }

    fn password(&self, wrong: Option<&str>) -> (&'static str, String) {
        let inner = format!(
            "<label>Password<input type=\"password\" name=\"password\" autocomplete=\"current-password\" required \
             autofocus></label><div class=\"actions\"><button>Sign in</button></div>\
             <div class=\"lab\"><p>In the twin everybody's password is <code>{PASSWORD}</code>.</p></div>"
        );
        (
            "Enter password",
            format!(
                "{}<h1>Enter password</h1>{}{}{}",
                self.who(),
                problem(wrong),
                self.form("password", "", &inner),
                self.other_way()
            ),
        )
    }

    fn federated(&self, domain: &str, wrong: Option<&str>) -> (&'static str, String) {
        let upn = self
            .attempt
            .person
            .as_ref()
            .map_or("", |person| person.upn.as_str());
        let inner = format!(
            "<label>User account<input name=\"account\" value=\"{}\" readonly></label>\
             <label>Password<input type=\"password\" name=\"password\" autocomplete=\"current-password\" required \
             autofocus></label><div class=\"actions\"><button>Sign in</button></div>\
             <div class=\"lab\"><p>A simulated identity provider: Entra sent the browser here because {} is a federated \
             domain. The password is <code>{PASSWORD}</code>.</p></div>",
            esc(upn),
            esc(domain),
        );
        (
            "Sign in with your organisational account",
            format!(
                "<p class=\"brand\">{}: own sign-in service</p><h1>Sign in with your organisational account</h1>{}{}",
                esc(domain),
                problem(wrong),
                self.form("federated", "", &inner)
            ),
        )
    }

    fn pass(&self, wrong: Option<&str>) -> (&'static str, String) {
        let inner = format!(
            "<label>Temporary Access Pass<input name=\"pass\" autocomplete=\"one-time-code\" required autofocus></label>\
             <div class=\"actions\"><button>Sign in</button></div><div class=\"lab\"><p>A pass that was made in the \
             twin is the one that Graph answered; one from the snapshot is <code>{PASS}</code>.</p></div>"
        );
        (
            "Enter Temporary Access Pass",
            format!(
                "{}<h1>Enter Temporary Access Pass</h1>{}{}{}",
                self.who(),
                problem(wrong),
                self.form("pass", "", &inner),
                self.other_way()
            ),
        )
    }

    fn passkey(
        &self,
        options: Option<&serde_json::Value>,
        rp_id: Option<&str>,
        wrong: Option<&str>,
    ) -> (&'static str, String) {
        let title = "Face, fingerprint, PIN or security key";
        let note = self.key_note(options.is_some(), rp_id);
        let inner = match options {
            None => String::new(),
            Some(options) => self.form(
                "passkey",
                &format!(" data-passkey=\"get\" data-options=\"{}\"", esc(&options.to_string())),
                &format!(
                    "{}<p role=\"status\">Your browser opens a window. Follow its instructions there.</p>\
                     <div class=\"actions\"><button autofocus>Use a passkey</button></div>\
                     <noscript><p class=\"problem\">Passkeys need JavaScript.</p></noscript>",
                    ["credential", "clientDataJSON", "authenticatorData", "signature", "userHandle"]
                        .map(|name| hidden(name, ""))
                        .concat()
                ),
            ),
        };
        (
            title,
            format!(
                "{}<h1>{title}</h1>{}{inner}{note}{}",
                self.who(),
                problem(wrong),
                self.other_way()
            ),
        )
    }

    /// What the lab says about keys on this site.
    fn key_note(&self, ready: bool, rp_id: Option<&str>) -> String {
        let configured = esc(self.lab.rp_id());
        let text = match rp_id {
            None => format!(
                "<p>A browser allows passkeys for names, not for addresses. Open the twin as <code>localhost</code>, or \
                 map <code>{configured}</code> to it.</p>"
            ),
            Some(_) if !ready => "<p>Keys of this person stand in the snapshot, but nobody holds one here. <a \
                href=\"/lab/enrol\">Enrol a passkey in place of one of them</a>, or register one through Graph.</p>"
                .to_owned(),
            Some(own) if self.site.is_foreign(self.lab) => format!(
                "<p>On this address the twin uses passkeys of <code>{}</code>. Keys that were registered through Graph \
                 are bound to <code>{configured}</code> and work where the browser reaches the twin by that name.</p>",
                esc(own)
            ),
            Some(_) => return String::new(),
        };
        format!("<div class=\"lab\">{text}</div>")
    }

    fn push(&self, number: &str) -> (&'static str, String) {
        let buttons = format!(
            "<p>The phone shows the request, and the number is typed there:</p>{}{}",
            self.form(
                "approve",
                " class=\"inline\"",
                &format!(
                    "{}<button>Approve {}</button> ",
                    hidden("answer", number),
                    esc(number)
                )
            ),
            self.form(
                "deny",
                " class=\"inline\"",
                "<button class=\"plain\">It's not me</button>"
            ),
        );
        (
            "Approve sign-in request",
            format!(
                "{}<h1>Approve sign-in request</h1><p>Open your Authenticator app, and enter the number shown to sign \
                 in.</p><p class=\"number\">{}</p><div class=\"lab\">{buttons}</div>{}",
                self.who(),
                esc(number),
                self.other_way()
            ),
        )
    }

    fn one_time_code(&self, way: Way, shown: &str, wrong: Option<&str>) -> (&'static str, String) {
        let from = match way {
            Way::Sms => "The text message says",
            Way::HardwareCode => "The token shows",
            _ => "The app shows",
        };
        let inner = "<label>Code<input name=\"code\" inputmode=\"numeric\" autocomplete=\"one-time-code\" \
                     required autofocus></label><div class=\"actions\"><button>Verify</button></div>";
        (
            "Enter code",
            format!(
                "{}<h1>Enter code</h1>{}{}<div class=\"lab\"><p>{from} <code>{}</code>.</p></div>{}",
                self.who(),
                problem(wrong),
                self.form("code", "", inner),
                esc(shown),
                self.other_way()
            ),
        )
    }

    fn simple(&self, way: Way) -> (&'static str, String) {
        let (text, button) = match way {
            Way::WindowsHello => (
                "Windows asks for face, fingerprint or PIN.",
                "Confirm with Windows Hello",
            ),
            Way::Certificate => (
                "The browser asks which certificate to use.",
                "Present the certificate",
            ),
            Way::Call => (
                "The phone rings and asks for the # key.",
                "Answer, and press #",
            ),
            _ => (
                "The other provider asks for its own proof.",
                "Confirm there",
            ),
        };
        let form = self.form(
            "simple",
            "",
            &format!("{}<button>{button}</button>", hidden("answer", way.word())),
        );
        (
            way.label(),
            format!(
                "{}<h1>{}</h1><p>{text}</p><div class=\"lab\"><p>Simulated: this button stands for it.</p>{form}</div>{}",
                self.who(),
                esc(way.label()),
                self.other_way()
            ),
        )
    }

    fn confirm(&self) -> (&'static str, String) {
        let app = esc(&self.attempt.target.client.1);
        let country = self
            .attempt
            .circumstances
            .country
            .as_deref()
            .unwrap_or("an unknown country");
        (
            "Are you trying to sign in?",
            format!(
                "{}<h1>Are you trying to sign in to {app}?</h1><p>You are signing in on another device in {}. If that \
                 is not you, close this page. Only continue if you downloaded the app from a store or website that you \
                 trust.</p><div class=\"actions\">{}{}</div>",
                self.who(),
                esc(country),
                self.form(
                    "cancel",
                    " class=\"inline\"",
                    "<button class=\"plain\">Cancel</button>"
                ),
                self.form(
                    "confirm",
                    " class=\"inline\"",
                    "<button autofocus>Continue</button>"
                ),
            ),
        )
    }

    fn refused(&self, refusal: &Refusal) -> (&'static str, String) {
        let (title, text) = refusal.code.page();
        let text = if text.is_empty() {
            refusal.code.reason()
        } else {
            text
        };
        let own = &self.attempt.circumstances;
        let device = match own.device {
            DeviceChoice::None => "Unregistered",
            DeviceChoice::Compliant => "Compliant",
            DeviceChoice::Hybrid => "Hybrid joined",
        };
        let identifier = if own.device == DeviceChoice::None {
            "Not available"
        } else {
            circumstances::DEVICE_ID
        };
        let rows = [
            ("Error code", refusal.code.number().to_string()),
            ("Request id", refusal.request_id.clone()),
            ("Correlation id", self.attempt.correlation.clone()),
            ("Timestamp", crate::records::seconds(refusal.at)),
            ("App name", self.attempt.target.client.1.clone()),
            ("App id", self.attempt.target.client.0.clone()),
            ("IP address", own.ip.to_string()),
            ("Device identifier", identifier.to_owned()),
            ("Device platform", own.platform.word().to_owned()),
            ("Device state", device.to_owned()),
        ];
        let rows: String = rows
            .iter()
            .map(|(name, value)| format!("<dt>{name}</dt><dd>{}</dd>", esc(value)))
            .collect();
        let why = if refusal.policies.is_empty() {
            String::new()
        } else {
            let names: Vec<String> = refusal.policies.iter().map(|name| esc(name)).collect();
            format!(
                "<details class=\"lab\"><summary>What the twin knows, and the real page does not tell</summary><p>Not \
                 met: {}.</p></details>",
                names.join("; ")
            )
        };
        let again = match self.attempt.goal {
            Goal::Visit { .. } => {
                "<p><a href=\"/lab\">Sign out and sign in with a different account</a></p>"
                    .to_owned()
            }
            Goal::Code(_) | Goal::Device { .. } => self.form(
                "restart",
                " class=\"inline\"",
                "<button class=\"plain\">Sign out and sign in with a different account</button>",
            ),
        };
        let code = format!(
            "<p><strong>AADSTS{}</strong>: {}</p>",
            refusal.code.number(),
            esc(refusal.code.reason())
        );
        let code = if refusal.code == Code::FederationDown {
            String::new()
        } else {
            code
        };
        (
            title,
            format!(
                "{}<h1>{title}</h1><p>{}</p>{code}{again}<details open><summary>Troubleshooting details</summary><dl>{rows}</dl></details>{why}",
                self.who(),
                esc(text),
            ),
        )
    }
}

/// Words as options of a list.
fn words<T: Copy>(
    all: &[T],
    word: impl Fn(T) -> &'static str,
) -> Vec<(&'static str, &'static str)> {
    all.iter().map(|own| (word(*own), word(*own))).collect()
}

/// The folded panel in which the circumstances are chosen.
pub(crate) fn circumstances_panel(own: &Circumstances) -> String {
    let country = own.country.as_deref().unwrap_or("none");
    let platforms = words(Platform::ALL, Platform::word);
    let clients = words(ClientApp::ALL, ClientApp::word);
    let risks = words(Risk::ALL, Risk::word);
    let insider = words(InsiderRisk::ALL, InsiderRisk::word);
    let devices = [
        ("none", "not registered"),
        ("compliant", "joined and compliant"),
        ("hybrid", "hybrid joined"),
    ];
    format!(
        "<details class=\"lab\"><summary>Circumstances that Conditional Access sees</summary>\
         <label>IP address<input name=\"lab_ip\" value=\"{}\"></label>\
         <label>Country of the address (two letters, or none)<input name=\"lab_country\" value=\"{}\" maxlength=\"4\"></label>\
         {}{}{}{}{}{}</details>",
        esc(&own.ip.to_string()),
        esc(country),
        select("lab_platform", "Platform", &platforms, own.platform.word()),
        select("lab_client", "Client app", &clients, own.client.word()),
        select("lab_device", "Device", &devices, own.device.word()),
        select(
            "lab_sign_in_risk",
            "Sign-in risk",
            &risks,
            own.sign_in_risk.word()
        ),
        select("lab_user_risk", "User risk", &risks, own.user_risk.word()),
        select(
            "lab_insider_risk",
            "Insider risk",
            &insider,
            own.insider_risk.word()
        ),
    )
}
