//! Every published example of an answer is loaded into a twin and read back: no field that Microsoft's model knows is
//! lost or changed. Types that are not served are listed with the reason.
//!
//! The examples of Graph are of 2021; Microsoft's present type model says which of their fields are known. The examples of
//! Azure Resource Manager are compared whole.

mod azure;
mod graph;
mod model;

use std::path::{Path, PathBuf};

/// The shared data directory, when this checkout stands beside one.
fn specs() -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join("shared/data/api-specs"))
        .find(|folder| folder.is_dir());
    if found.is_none() {
        println!("skipped: no shared data");
    }
    found
}
