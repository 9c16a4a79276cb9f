//! What only Windows needs, in the place of a module of the same name for Linux.

pub mod interfaces;
