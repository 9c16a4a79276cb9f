//! `psapi watch`, compared with faults that `watched.c` causes and the kernel counts.

mod accounting;
mod attribution;
mod command;
mod files;
#[cfg(target_os = "linux")]
mod functions;
#[cfg(target_os = "linux")]
mod hung_files;
#[cfg(target_os = "linux")]
mod limits;
mod output;
#[cfg(target_os = "linux")]
mod privileges;
mod running;
mod support;
#[cfg(target_os = "linux")]
mod threads;
