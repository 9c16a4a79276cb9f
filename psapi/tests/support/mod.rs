//! What the live tests share: children with known properties, and the loss of privileges.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod child;
pub mod elf;
pub mod huge_pool;
pub mod kernel;
pub mod machine;
pub mod privilege;
pub mod rollup;
pub mod seccomp;
pub mod swap;
pub mod tree;
pub mod ways;
pub mod zeros;
