//! The one HTTP layer: budget, retries, paging, batches.
