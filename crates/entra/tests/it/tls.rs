//! HTTPS itself, against a server of this test on loopback.

use std::{net::TcpListener, sync::Arc};

use axum::{Router, http::HeaderMap, response::Redirect, routing::get};
use axum_server::tls_rustls::RustlsConfig;
use breakglass_entra::{HttpRequest, HttpResponse, Https, Transport, TransportError, Trust};
use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use reqwest::Method;
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// A server whose certificate is for this name; its port, and its authority.
fn serve(name: &str, change: impl FnOnce(&mut CertificateParams)) -> (u16, String) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    change(&mut params);
    let leaf = params.signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    let listener = listener();
    let port = listener.local_addr().unwrap().port();
    let tls = RustlsConfig::from_config(Arc::new(config));
    let server = axum_server::from_tcp_rustls(listener, tls).unwrap();
    tokio::spawn(server.serve(routes().into_make_service()));
    (port, authority.pem())
}

fn listener() -> TcpListener {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    listener
}

fn routes() -> Router {
    let agent =
        |headers: HeaderMap| async move { headers["user-agent"].to_str().unwrap().to_owned() };
    Router::new()
        .route("/agent", get(agent))
        .route("/away", get(|| async { Redirect::temporary("/agent") }))
        .route(
            "/endless",
            get(|| async { Bytes::from(vec![b' '; 65 << 20]) }),
        )
}

fn trusting(pem: &str) -> Https {
    Https::new(&Trust {
        extra_roots: vec![pem.as_bytes().to_vec()],
    })
    .unwrap()
}

async fn ask(https: &Https, address: String) -> Result<HttpResponse, TransportError> {
    https
        .send(HttpRequest {
            method: Method::GET,
            url: address.parse().unwrap(),
            headers: Vec::new(),
            body: Bytes::new(),
        })
        .await
}

#[tokio::test]
async fn a_server_under_a_trusted_authority_is_told_who_asks() {
    let (port, pem) = serve("localhost", |_| {});
    let https = trusting(&pem);
    let answer = ask(&https, format!("https://localhost:{port}/agent"))
        .await
        .unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.body.starts_with(b"breakglass/"), "{:?}", answer.body);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (port, pem) = serve("localhost", |_| {});
    let answer = ask(&trusting(&pem), format!("https://localhost:{port}/away"))
        .await
        .unwrap();
    assert_eq!(
        (answer.status, answer.header("location")),
        (307, Some("/agent"))
    );
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_read() {
    let (port, pem) = serve("localhost", |_| {});
    let error = ask(&trusting(&pem), format!("https://localhost:{port}/endless"))
        .await
        .unwrap_err();
    assert!(
        error.reason.contains("more than 64 MiB") && error.lasting,
        "{error}"
    );
}

#[tokio::test]
async fn an_authority_that_is_not_trusted_is_named_with_the_way_out() {
    let (port, _) = serve("localhost", |_| {});
    let https = Https::new(&Trust::default()).unwrap();
    let error = ask(&https, format!("https://localhost:{port}/agent"))
        .await
        .unwrap_err();
    let start = format!("the certificate of localhost:{port} is not trusted");
    assert!(
        error.reason.starts_with(&start) && error.reason.contains("`ca_file`"),
        "{error}"
    );
    assert!(error.lasting);
}

#[tokio::test]
async fn a_certificate_for_another_name_or_another_time_is_told_apart() {
    let (port, pem) = serve("other.example", |_| {});
    let error = ask(&trusting(&pem), format!("https://localhost:{port}/agent"))
        .await
        .unwrap_err();
    assert!(
        error.reason.contains("is for another name") && error.lasting,
        "{error}"
    );
    for year in [2001, 2090] {
        let (port, pem) = serve("localhost", move |params| {
            params.not_before = rcgen::date_time_ymd(year, 1, 1);
            params.not_after = rcgen::date_time_ymd(year + 1, 1, 1);
        });
        let error = ask(&trusting(&pem), format!("https://localhost:{port}/agent"))
            .await
            .unwrap_err();
        assert!(
            error.reason.contains("not valid at this time") && error.lasting,
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_host_that_refuses_or_is_not_known_is_named() {
    let port = listener().local_addr().unwrap().port();
    let https = Https::new(&Trust::default()).unwrap();
    let error = ask(&https, format!("https://localhost:{port}/agent"))
        .await
        .unwrap_err();
    let start = format!("localhost:{port} refused the connection");
    assert!(
        error.reason.starts_with(&start) && !error.lasting,
        "{error}"
    );
    let error = ask(&https, "https://nowhere.invalid/".to_owned())
        .await
        .unwrap_err();
    assert!(error.reason.contains("nowhere.invalid"), "{error}");
    assert!(!error.lasting);
}

#[tokio::test]
async fn without_tls_only_the_machine_itself_is_asked_and_never_with_a_token() {
    let plain = listener();
    let port = plain.local_addr().unwrap().port();
    let server = axum_server::from_tcp(plain).unwrap();
    tokio::spawn(server.serve(routes().into_make_service()));
    let https = Https::new(&Trust::default()).unwrap();
    let answer = ask(&https, format!("http://127.0.0.1:{port}/agent"))
        .await
        .unwrap();
    assert_eq!(answer.status, 200);
    for address in [
        "http://graph.microsoft.com/",
        "http://10.0.0.1/",
        "ftp://localhost/",
    ] {
        let error = ask(&https, address.to_owned()).await.unwrap_err();
        assert!(
            error.reason.contains("without TLS") && error.lasting,
            "{error}"
        );
    }
    let with_token = HttpRequest {
        method: Method::GET,
        url: format!("http://127.0.0.1:{port}/agent").parse().unwrap(),
        headers: vec![("Authorization".to_owned(), "Bearer x".to_owned())],
        body: Bytes::new(),
    };
    assert!(https.send(with_token).await.unwrap_err().lasting);
}

#[test]
fn authorities_that_cannot_be_read_are_refused() {
    for pem in [
        "",
        "no PEM",
        "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
    ] {
        let trust = Trust {
            extra_roots: vec![pem.as_bytes().to_vec()],
        };
        assert!(Https::new(&trust).unwrap_err().lasting, "{pem}");
    }
}
