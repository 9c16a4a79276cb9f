//! Facts of Windows, and replacements for facts that only Linux arranges.

pub mod interfaces;
pub mod machine_report;
pub mod process_report;
