//! A person in front of a browser without script, on the twin's sign-in page; and `apply` by somebody who signs in.

use std::io::{BufRead as _, BufReader};

use breakglass_model::example;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    apply::{WISHES, call, failing, planned, still_open},
    lab::Twin,
    support::{code, err, out},
};

/// The password of everybody in the twin.
pub(crate) const PASSWORD: &str = "Twin-Password-1";

pub(crate) struct Person {
    http: reqwest::Client,
    login: String,
    /// The name under which the browser knows the page, where it is not its address.
    host: Option<&'static str>,
    cookie: String,
    /// The page that is shown.
    pub(crate) page: String,
}

impl Person {
    pub(crate) fn at(twin: &Twin, host: Option<&'static str>) -> Self {
        let ca = reqwest::Certificate::from_pem(twin.text("lab/ca.pem").as_bytes()).unwrap();
        let http = reqwest::Client::builder()
            .tls_certs_only([ca])
            .no_proxy()
            .user_agent("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/141.0.0.0 Safari/537.36")
            .build()
            .unwrap();
        let login = twin.json("lab/lab.json")["login"]
            .as_str()
            .unwrap()
            .trim_end_matches('/')
            .to_owned();
        Self {
            http,
            login,
            host,
            cookie: String::new(),
            page: String::new(),
        }
    }

    async fn send(&mut self, mut request: reqwest::RequestBuilder) {
        if let Some(host) = self.host {
            request = request.header("host", host);
        }
        let answer = request.header("cookie", &self.cookie).send().await.unwrap();
        if let Some(set) = answer.headers().get("set-cookie") {
            set.to_str()
                .unwrap()
                .split(';')
                .next()
                .unwrap()
                .clone_into(&mut self.cookie);
        }
        self.page = answer.text().await.unwrap();
    }

    pub(crate) async fn open(&mut self, path: &str, query: &[(&str, &str)]) {
        let url = format!("{}{path}?{}", self.login, encoded(query));
        self.send(self.http.get(url)).await;
    }

    async fn post(&mut self, path: &str, form: &[(&str, &str)]) {
        let request = self
            .http
            .post(format!("{}{path}", self.login))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(encoded(form));
        self.send(request).await;
    }

    fn hidden(&self, name: &str) -> String {
        let mark = format!("name=\"{name}\" value=\"");
        let (_, rest) = self
            .page
            .split_once(&mark)
            .unwrap_or_else(|| panic!("no field {name} in {}", self.page));
        rest.split('"').next().unwrap().to_owned()
    }

    /// Takes a step of the sign-in page.
    pub(crate) async fn step(&mut self, step: &str, more: &[(&str, &str)]) {
        let flow = self.hidden("flow");
        let form = [&[("flow", flow.as_str()), ("step", step)], more].concat();
        self.post("/common/login", &form).await;
    }

    /// Signs in where an app sent the browser, with password and telephone, on a device that the organisation manages.
    async fn let_app_in(&mut self, address: &str, upn: &str) {
        let device = [("lab_device", "compliant"), ("lab_platform", "windows")];
        let url = format!("{address}&{}", encoded(&device));
        self.send(self.http.get(url)).await;
        self.step("name", &[("username", upn)]).await;
        self.step("federated", &[("password", PASSWORD)]).await;
        self.step("choose", &[("way", "push")]).await;
        let number = self.hidden("answer");
        self.step("approve", &[("answer", &number)]).await;
    }
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// Runs `apply` as an administrator who signs in in a browser; exit code, standard output, standard error.
pub(crate) fn applied_by_person(twin: &Twin, digest: &str) -> (i32, String, String) {
    let identity = twin.text("lab/apply.toml");
    let (before, _) = identity.split_once("[identity.apply]").unwrap();
    twin.write(
        "lab/person.toml",
        &format!("{before}[identity.apply]\nsign_in = \"browser\"\n"),
    );
    let call: Vec<&str> = call(digest, &[])
        .into_iter()
        .map(|word| match word {
            "lab/apply.toml" => "lab/person.toml",
            word => word,
        })
        .collect();
    let mut child = twin.spawn(&call);
    let mut told = String::new();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    for line in lines.by_ref() {
        let line = line.unwrap();
        told.push_str(&line);
        told.push('\n');
        let address = line.trim();
        if address.starts_with("https://") && address.contains("/authorize?") {
            breakglass::runtime()
                .unwrap()
                .block_on(Person::at(twin, None).let_app_in(address, "adele.admin@contoso.com"));
        }
    }
    let output = child.wait_with_output().unwrap();
    (code(&output), out(&output), told)
}

/// M4: Microsoft takes the settings of a role from signed-in people only, so `apply` leaves them to one, who runs the
/// same command.
#[test]
fn what_is_left_for_a_person_is_done_by_one_who_signs_in() {
    let twin = Twin::of("contoso");
    let plan = planned(&twin, &WISHES);
    let digest = plan["digest"].as_str().unwrap();
    let output = twin.run(&call(digest, &[]));
    assert_eq!(code(&output), 1, "{}", err(&output));
    assert!(out(&output).contains("6 left for a person"));
    let (exit, shown, told) = applied_by_person(&twin, digest);
    assert_eq!(exit, 0, "{told}{shown}");
    assert!(shown.contains("6 done"), "{shown}");
    assert_eq!(failing(&twin, &plan), Vec::<String>::new());
    assert_eq!(still_open(&twin, &WISHES), json!([]));
}

/// K1: keys that the methods policy refuses are let in by a person, and what needs the keys waits for that.
#[test]
fn k1_the_methods_policy_is_changed_by_a_person_and_the_rest_waits() {
    let example = example::tenant("contoso", Timestamp::now()).unwrap();
    let mut given: Value = serde_json::from_str(&example.snapshot_json).unwrap();
    let methods = &mut given["collections"]["authenticationMethodsPolicy"][0];
    for method in methods["authenticationMethodConfigurations"]
        .as_array_mut()
        .unwrap()
    {
        if method["id"].as_str().unwrap().eq_ignore_ascii_case("fido2") {
            method["state"] = "disabled".into();
        }
    }
    let twin = Twin::of_snapshot(&given.to_string());
    twin.write("lab/register.toml", &example.register_toml);
    let plan = planned(&twin, &WISHES);
    let digest = plan["digest"].as_str().unwrap();
    let output = twin.run(&call(digest, &[]));
    assert_eq!(code(&output), 1, "{}", err(&output));
    let (exit, shown, told) = applied_by_person(&twin, digest);
    assert_eq!(exit, 0, "{told}{shown}");
    assert_eq!(failing(&twin, &plan), Vec::<String>::new());
    assert_eq!(still_open(&twin, &WISHES), json!([]));
}
