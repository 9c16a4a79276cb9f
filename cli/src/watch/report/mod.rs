//! Output of a watch: lists by mapping, module, function and thread, pictures, flame graphs, and
//! single faults as they happen.

pub mod call_tree;
pub mod columns;
pub mod flame;
pub mod lists;
pub mod live;
pub mod picture;
pub mod points;
pub mod process_name;
pub mod resolved_code;
