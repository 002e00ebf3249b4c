//! Filters for applications: rules over custom security attributes.

use std::collections::BTreeMap;

use crate::Truth;

/// Whether an application with these attributes (values by `<Set>_<Attribute>`) meets a rule; *unknown* for a
/// rule that can't be read.
pub(crate) fn matches(_rule: &str, _attributes: &BTreeMap<String, Vec<String>>) -> Truth {
    Truth::Unknown
}
