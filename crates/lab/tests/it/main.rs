//! The twin, driven as its clients drive it: over TLS, with its certificate authority trusted.

mod reads;
mod support;
mod tokens;
