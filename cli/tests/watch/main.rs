//! `psapi watch`, compared with faults that `watched.c` causes and the kernel counts.

#![cfg(target_os = "linux")]

mod accounting;
mod attribution;
mod command;
mod files;
mod functions;
mod hung_files;
mod limits;
mod output;
mod privileges;
mod support;
mod threads;
