//! What is kept of a run for the monitor and for whoever asks later: that it is announced, each step, and how it ended.

use breakglass_model::{Clock as _, plan::PlanStep};
use breakglass_store::Announcement;
use serde_json::{Value, json};

use super::{ApplyDocument, Run, journal::Event};
use crate::{clock::SystemClock, failure::Failure, output, pipeline::ANNOUNCED, settings};

impl Run<'_> {
    /// Tells the monitor, through the store, that the changes to come are these.
    pub(super) async fn announce(&mut self) -> Result<(), Failure> {
        if !self.settings.store_given(&self.args.store) {
            output::tell!(
                "warning: no store is named (--store, --data-dir, or in the configuration): no evidence of this run is kept, and \
                 a monitor will tell of these changes as unannounced"
            );
            return Ok(());
        }
        let from = SystemClock.now();
        let announcement = Announcement {
            plan: self.plan().digest.clone(),
            actors: self.actors.clone(),
            objects: self.known.partly(self.plan()).objects(),
            approved_by: self.consent.sentence(),
            from,
            until: from.checked_add(ANNOUNCED).unwrap_or(from),
        };
        let store = self.settings.open_store(&self.args.store, true).await?;
        let told = store.announce(&announcement).await;
        self.store = Some(store);
        told.map_err(settings::store_failed)
    }

    /// Keeps that a step was taken, or taken back: in the journal, which the next run reads, and in the evidence.
    pub(super) async fn keep(
        &mut self,
        step: &PlanStep,
        event: Event,
        object: &Value,
    ) -> Result<(), Failure> {
        let at = SystemClock.now();
        self.journal.write(at, &step.id, event, object)?;
        let Some(store) = &self.store else {
            return Ok(());
        };
        let body =
            json!({"step": step.id, "title": step.title, "event": event, "object": object["id"]});
        store
            .record_step(at, &self.plan().digest, &body)
            .await
            .map_err(settings::store_failed)
    }

    /// Keeps what came of the run, which ends its announcement.
    pub(super) async fn conclude(&self, document: &ApplyDocument) -> Result<(), Failure> {
        let Some(store) = &self.store else {
            return Ok(());
        };
        store
            .record_apply(SystemClock.now(), &self.plan().digest, &json!(document))
            .await
            .map_err(settings::store_failed)
    }
}
