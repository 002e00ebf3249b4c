//! Everything that must survive: what was noticed, what must be sent, who acknowledged it.

mod error;
mod types;

use breakglass_casework::Incident;
use breakglass_model::{Alert, History, SetAside, Signal};
use jiff::{SignedDuration, Timestamp};

pub use error::{ErrorClass, StoreError};
pub use types::*;

/// The store.
#[derive(Clone, Debug)]
pub struct Store {
    place: std::sync::Arc<str>,
}

#[allow(clippy::unused_async, unused_variables, missing_docs)]
impl Store {
    pub async fn open(url: &str) -> Result<Store, StoreError> {
        Err(StoreError::new(
            ErrorClass::Config,
            "work",
            url,
            "this part is not written yet",
        ))
    }
    pub async fn record(
        &self,
        observation: &Observation<'_>,
        channels: &[String],
        now: Timestamp,
    ) -> Result<Recorded, StoreError> {
        Err(StoreError::new(
            ErrorClass::Config,
            "work",
            &self.place,
            "this part is not written yet",
        ))
    }
    pub async fn record_set_aside(
        &self,
        set_aside: &SetAside,
        first_bytes: &[u8],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        Err(StoreError::new(
            ErrorClass::Config,
            "work",
            &self.place,
            "this part is not written yet",
        ))
    }
    pub async fn enqueue_test(&self, channel: &str, now: Timestamp) -> Result<Alert, StoreError> {
        Err(StoreError::new(
            ErrorClass::Config,
            "work",
            &self.place,
            "this part is not written yet",
        ))
    }
    pub async fn claim(
        &self,
        owner: &str,
        channels: &[String],
        limit: u32,
        lease: SignedDuration,
        now: Timestamp,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        Err(StoreError::new(
            ErrorClass::Config,
            "work",
            &self.place,
            "this part is not written yet",
        ))
    }
    pub async fn accepted(
        &self,
        row: &OutboxRow,
        owner: &str,
        receipt: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        Err(StoreError::new(
            ErrorClass::Config,
            "work",
            &self.place,
            "this part is not written yet",
        ))
    }
    pub async fn failed(
        &self,
        row: &OutboxRow,
        owner: &str,
        error: &str,
        next_attempt: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        Err(StoreError::new(
            ErrorClass::Config,
            "work",
            &self.place,
            "this part is not written yet",
        ))
    }
    pub async fn release(&self, owner: &str, now: Timestamp) -> Result<u64, StoreError> {
        Err(StoreError::new(
            ErrorClass::Config,
            "work",
            &self.place,
            "this part is not written yet",
        ))
    }
    pub async fn next_due(&self, channels: &[String]) -> Result<Option<Timestamp>, StoreError> {
        Err(StoreError::new(
            ErrorClass::Config,
            "work",
            &self.place,
            "this part is not written yet",
        ))
    }
    pub async fn outbox(&self, open_only: bool) -> Result<Vec<OutboxStatus>, StoreError> {
        Err(StoreError::new(
            ErrorClass::Config,
            "work",
            &self.place,
            "this part is not written yet",
        ))
    }
    pub async fn incidents(&self, filter: &IncidentFilter) -> Result<Vec<Incident>, StoreError> {
        Err(StoreError::new(
            ErrorClass::Config,
            "work",
            &self.place,
            "this part is not written yet",
        ))
    }
    pub async fn incident(&self, id: &str) -> Result<Option<IncidentDetail>, StoreError> {
        Err(StoreError::new(
            ErrorClass::Config,
            "work",
            &self.place,
            "this part is not written yet",
        ))
    }
    pub async fn acknowledge(
        &self,
        incident_id: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<Acknowledged, StoreError> {
        Err(StoreError::new(
            ErrorClass::Config,
            "work",
            &self.place,
            "this part is not written yet",
        ))
    }
    pub async fn history(&self, now: Timestamp) -> Result<History, StoreError> {
        Err(StoreError::new(
            ErrorClass::Config,
            "work",
            &self.place,
            "this part is not written yet",
        ))
    }
    pub async fn save_check_run(&self, report_json: &str, at: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::new(
            ErrorClass::Config,
            "work",
            &self.place,
            "this part is not written yet",
        ))
    }
    pub async fn last_check_run(&self) -> Result<Option<CheckRun>, StoreError> {
        Err(StoreError::new(
            ErrorClass::Config,
            "work",
            &self.place,
            "this part is not written yet",
        ))
    }
    pub async fn evidence(
        &self,
        from_seq: u64,
        limit: u32,
    ) -> Result<Vec<EvidenceRow>, StoreError> {
        Err(StoreError::new(
            ErrorClass::Config,
            "work",
            &self.place,
            "this part is not written yet",
        ))
    }
    pub async fn verify_evidence(&self) -> Result<EvidenceVerified, StoreError> {
        Err(StoreError::new(
            ErrorClass::Config,
            "work",
            &self.place,
            "this part is not written yet",
        ))
    }
    pub async fn signals(&self, filter: &SignalFilter) -> Result<Vec<Signal>, StoreError> {
        Err(StoreError::new(
            ErrorClass::Config,
            "work",
            &self.place,
            "this part is not written yet",
        ))
    }
    pub async fn close(&self) {}
}
