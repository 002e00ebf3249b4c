//! stand-in
/// x
pub const KNOWN_AFTER_APPLY: &str = "(known after apply)";
