//! The admin port of a running twin: plain HTTP on loopback.

use breakglass_lab::Fault;
use serde_json::{Value, json};

use crate::{failure::Failure, runtime};

fn failed(error: &reqwest::Error) -> Failure {
    Failure::broke(format!("the twin did not answer: {error}"))
        .help("is it still running? start it with `breakglass lab`")
}

/// Switches a fault.
pub(super) fn switch(address: &str, fault: Fault, on: bool) -> Result<(), Failure> {
    runtime()?.block_on(async {
        reqwest::Client::new()
            .put(format!("{address}/faults/{}", fault.word()))
            .json(&json!({"on": on}))
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map(|_answer| ())
            .map_err(|error| failed(&error))
    })
}

/// The names of the faults that are on.
pub(super) fn faults(address: &str) -> Result<Vec<String>, Failure> {
    let all: Value = runtime()?.block_on(async {
        reqwest::get(format!("{address}/faults"))
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(|error| failed(&error))?
            .json()
            .await
            .map_err(|error| failed(&error))
    })?;
    Ok(all
        .get("faults")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|fault| fault.get("on").and_then(Value::as_bool) == Some(true))
        .filter_map(|fault| Some(fault.get("name")?.as_str()?.to_owned()))
        .collect())
}
