//! The sign-in page, the grants of people, and what the lab needs around them.
//!
//! Microsoft's sign-in page stands at `https://login.microsoft.com` and other names of the same service. The twin's is
//! reached by any name that a browser maps to it; the name decides which passkeys it may use ([`site`]).
//!
//! Invariants:
//! - what a person may use is what is registered in the tenant and allowed by its policies, and what comes of it is
//!   judged by `breakglass-conditional-access` ([`judge`]);
//! - every attempt leaves records ([`crate::records`]);
//! - what is simulated (password, app, phone, certificate, Windows Hello, another provider) is said to be so on the page.

mod act;
pub(crate) mod circumstances;
mod codes;
mod device;
mod enrol;
pub(crate) mod flow;
mod front;
pub(crate) mod goal;
mod grants;
pub(crate) mod html;
mod judge;
pub(crate) mod memory;
pub(crate) mod oauth;
mod outcome;
mod pages;
mod proofs;
mod site;
mod ways;
mod webauthn;

use std::sync::Arc;

use axum::{
    Router,
    response::Redirect,
    routing::{get, post},
};

pub use act::{Act, Ended, With};
pub(crate) use codes::Code;
pub(crate) use grants::grant;
pub(crate) use judge::{Asked, End, Judge, Verdict};
pub(crate) use memory::Desk;

use crate::Lab;

/// What the login listener serves for people.
pub(crate) fn routes(lab: Arc<Lab>) -> Router {
    Router::new()
        .route("/{tenant}/oauth2/v2.0/authorize", get(oauth::authorize))
        .route("/{tenant}/oauth2/v2.0/devicecode", post(device::ask))
        .route("/{tenant}/oauth2/devicecode", post(device::ask))
        .route("/{tenant}/login", post(oauth::step))
        .route("/devicelogin", get(device::page).post(device::entered))
        .route("/", get(|| async { Redirect::to("/lab") }))
        .route("/lab", get(front::page))
        .route("/lab/signin", get(front::visit))
        .route("/lab/enrol", get(enrol::page).post(enrol::step))
        .route(
            "/lab/style.css",
            get(|| async { html::file("text/css; charset=utf-8", html::STYLE) }),
        )
        .route(
            "/lab/page.js",
            get(|| async { html::file("text/javascript; charset=utf-8", html::SCRIPT) }),
        )
        .with_state(lab)
}
