//! Watches page faults and reports on them: the implementation of `psapi watch`.
//!
//! `engine` follows a process or a command, and records and counts its faults. `report` converts
//! the figures of a finished watch to lists, pictures and flame graphs, and single faults to lines.
//! `fault_sink` connects the two while a watch runs. `report` uses `engine`, never the reverse.

mod engine;
mod fault_sink;
mod report;

pub use engine::options::{OWN_FAILURE, Options};
pub use engine::session::Watched;
pub use engine::tally::Tally;
pub use engine::{CODE, Outcome, restore_interrupts, run_as_helper, watch_command, watch_process};
pub use fault_sink::{FaultSink, name_output};
pub use report::columns;
pub use report::flame::{FlameGraph, flame_graph};
pub use report::lists::Report;
pub use report::picture::{heading, scene};
pub use report::points::Points;
pub use report::resolved_code::ResolvedCode;
