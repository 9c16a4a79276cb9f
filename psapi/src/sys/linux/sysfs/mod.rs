//! Files below `/sys`: one module for each kind of file, named as the kernel names it.

pub(crate) mod bus_drivers;
pub(crate) mod cpus;
pub(crate) mod numa;
