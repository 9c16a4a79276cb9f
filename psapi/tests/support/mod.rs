//! What the live tests share: children with known properties, and the loss of privileges.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod child;
pub mod elf;
pub mod huge_pool;
pub mod machine;
pub mod privilege;
pub mod seccomp;
pub mod swap;
pub mod tree;
