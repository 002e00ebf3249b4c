//! Checks, one file each, the three questions, and the reports that show them.

pub mod report;
