use super::*;

mod deciding;
mod random;
mod reading;
mod telling;

fn rule(text: &str) -> DeviceRule {
    DeviceRule::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn device(json: &str) -> Device {
    serde_json::from_str(json).unwrap()
}
