//! The twin, driven as its clients drive it: over TLS, with its certificate authority trusted.

mod examples;
mod reads;
mod sdk;
mod support;
mod tokens;
