//! The twin, driven as its clients drive it: over TLS, with its certificate authority trusted.

mod browser;
mod chromium;
mod reads;
mod signin;
mod support;
mod tokens;
