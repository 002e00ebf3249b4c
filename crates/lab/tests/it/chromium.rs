//! Debian's Chromium, driven by its own driver, with a security key of software.
//!
//! The browser reaches the twin by the name of Microsoft's sign-in page: `--host-resolver-rules` maps it, and the
//! twin's certificate authority is trusted by its public key. Nothing in the twin knows of it.

use std::{
    future::Future,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use breakglass_lab::Running;
use data_encoding::BASE64;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use thirtyfour::{
    ChromiumLikeCapabilities as _, DesiredCapabilities, WebDriver,
    prelude::{By, ElementQueryable as _, ElementWaitable as _, WebElement},
};

/// Whether there is a browser; when not, the test says that it is skipped, unless `BREAKGLASS_TEST_BROWSER=required`.
pub(crate) fn is_here() -> bool {
    let found = ["/usr/bin/chromium", "/usr/bin/chromedriver"]
        .iter()
        .all(|path| Path::new(path).exists());
    if !found {
        let required =
            std::env::var_os("BREAKGLASS_TEST_BROWSER").is_some_and(|own| own == "required");
        assert!(!required, "chromium and chromium-driver are not installed");
        println!("skipped: chromium and chromium-driver are not installed");
    }
    found
}

/// The driver's process.
struct Process {
    child: Child,
    port: u16,
}

impl Process {
    /// The driver takes a free IPv4 port and then wants the same one on IPv6; where another process was faster it
    /// leaves again, so it is asked more than once.
    fn start() -> Self {
        let mut said = String::new();
        for _ in 0..10 {
            match Self::try_start() {
                Ok(process) => return process,
                Err(last_words) => said = last_words,
            }
        }
        panic!("chromedriver found no port in ten tries; it said last: {said}");
    }

    /// One try; an error holds what the driver printed before it left.
    fn try_start() -> Result<Self, String> {
        let mut child = Command::new("/usr/bin/chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let port = line
                .split_once("successfully on port ")
                .and_then(|(_, port)| port.trim_end_matches('.').parse().ok());
            if let Some(port) = port {
                return Ok(Self { child, port });
            }
            said.push(line);
        }
        child.wait().unwrap();
        Err(said.join(" / "))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// The name by which Chromium trusts an authority: SHA-256 of its public key information.
fn trusted(ca_pem: &str) -> String {
    let der = CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap();
    let anchor = webpki::anchor_from_trusted_cert(&der).unwrap();
    let info = anchor.subject_public_key_info.as_ref();
    let mut whole = vec![0x30, u8::try_from(info.len()).unwrap()];
    whole.extend(info);
    BASE64.encode(&Sha256::digest(&whole))
}

/// A browser with one tab.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) driver: WebDriver,
    shots: PathBuf,
}

/// Runs a test in a fresh browser, and closes it whatever comes.
pub(crate) async fn run<T, F>(running: &Running, test: T)
where
    T: FnOnce(Browser) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let process = Process::start();
    let profile = tempfile::tempdir().unwrap();
    let port = running.addresses.login.rsplit_once(':').unwrap().1;
    let mut wanted = DesiredCapabilities::chrome();
    wanted.set_binary("/usr/bin/chromium").unwrap();
    for argument in [
        "--headless=new".to_owned(),
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-quic".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--no-first-run".to_owned(),
        "--no-proxy-server".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        "--window-size=1000,900".to_owned(),
        format!("--user-data-dir={}", profile.path().display()),
        format!("--host-resolver-rules=MAP login.microsoft.com 127.0.0.1:{port}"),
        format!(
            "--ignore-certificate-errors-spki-list={}",
            trusted(&running.ca_pem)
        ),
    ] {
        wanted.add_arg(&argument).unwrap();
    }
    let driver = WebDriver::new(format!("http://127.0.0.1:{}", process.port), wanted)
        .await
        .unwrap();
    let shots = std::env::var_os("BREAKGLASS_TEST_SCREENSHOTS")
        .map_or_else(|| profile.path().to_owned(), PathBuf::from);
    let browser = Browser {
        driver: driver.clone(),
        shots,
    };
    let outcome = tokio::spawn(test(browser)).await;
    driver.quit().await.unwrap();
    outcome.unwrap();
}

impl Browser {
    /// Plugs a security key in: CTAP2, with discoverable credentials, and somebody who always touches it.
    pub(crate) async fn plug_in_a_key(&self) {
        let tools = self.driver.cdp();
        let options = json!({
            "protocol": "ctap2", "transport": "usb", "hasResidentKey": true, "hasUserVerification": true,
            "isUserVerified": true, "automaticPresenceSimulation": true,
        });
        for (command, parameters) in [
            ("WebAuthn.enable", json!({"enableUI": false})),
            (
                "WebAuthn.addVirtualAuthenticator",
                json!({"options": options}),
            ),
        ] {
            tools.send_raw(command, parameters).await.unwrap();
        }
    }

    /// Makes the tab as narrow as a small phone, in the dark scheme or the light one.
    pub(crate) async fn as_on_a_phone(&self, dark: bool) {
        let tools = self.driver.cdp();
        let size = json!({"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": true});
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        for (command, parameters) in [
            ("Emulation.setDeviceMetricsOverride", size),
            ("Emulation.setEmulatedMedia", media),
        ] {
            tools.send_raw(command, parameters).await.unwrap();
        }
    }

    /// Whether nothing of the page lies to the right of what is shown.
    pub(crate) async fn fits(&self) -> bool {
        let script = "return document.documentElement.scrollWidth <= window.innerWidth;";
        let answer = self.driver.execute(script, Vec::new()).await.unwrap();
        answer.json().as_bool().unwrap()
    }

    pub(crate) async fn open(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
    }

    /// Waits for an element.
    pub(crate) async fn find(&self, css: &str) -> WebElement {
        self.driver.query(By::Css(css)).first().await.unwrap()
    }

    /// Waits until the page has this heading.
    pub(crate) async fn heading(&self, text: &str) {
        let path = format!("//h1[contains(normalize-space(.), \"{text}\")]");
        let found = self.driver.query(By::XPath(&path)).first().await.is_ok();
        assert!(found, "no heading {text:?} in {}", self.text().await);
    }

    pub(crate) async fn text(&self) -> String {
        self.find("body").await.text().await.unwrap()
    }

    pub(crate) async fn fill(&self, name: &str, text: &str) {
        let field = self.find(&format!("[name='{name}']")).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Clicks the button with this label.
    pub(crate) async fn click(&self, label: &str) {
        let path = format!(
            "//button[contains(normalize-space(.), \"{label}\")]|//a[contains(normalize-space(.), \"{label}\")]"
        );
        let button = self.driver.query(By::XPath(&path)).first().await.unwrap();
        button.wait_until().clickable().await.unwrap();
        button.click().await.unwrap();
    }

    /// Keeps a picture of the page.
    pub(crate) async fn shot(&self, name: &str) {
        let path = self.shots.join(format!("{name}.png"));
        self.driver.screenshot(&path).await.unwrap();
    }
}
