//! Microsoft Graph, v1.0 and beta.

mod throttle;

use std::sync::Arc;

use serde_json::json;

use crate::{
    Lab,
    gateway::Call,
    lab::{Answer, ApiError, Caller},
};

pub(crate) use throttle::Meter;

/// Which of the two versions a call goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// `v1.0`.
    V1,
    /// `beta`.
    Beta,
}

impl Version {
    /// The first segment of the path.
    pub(crate) const fn segment(self) -> &'static str {
        match self {
            Self::V1 => "v1.0",
            Self::Beta => "beta",
        }
    }
}

/// The answer to a call.
pub(crate) fn answer(lab: &Arc<Lab>, _caller: &Caller, call: &Call) -> Result<Answer, ApiError> {
    let (version, path) = call
        .path
        .trim_start_matches('/')
        .split_once('/')
        .unwrap_or_default();
    if path == "organization" {
        let value: Vec<_> = lab.state().table("organization").all().cloned().collect();
        let origin = &lab.addresses.graph;
        return Ok(Answer::json(
            200,
            json!({"@odata.context": format!("{origin}/{version}/$metadata#organization"), "value": value}),
        ));
    }
    Err(ApiError::new(
        400,
        "BadRequest",
        format!("Resource not found for the segment '{path}'."),
    ))
}
