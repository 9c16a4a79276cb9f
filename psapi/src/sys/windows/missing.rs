//! What this crate does not support on Windows: symbols.

use std::collections::HashMap;
use std::path::Path;

use super::process::Process;
use super::system::System;
use crate::error::SourceError;
use crate::frame::Frame;
use crate::mapping::{ImageOffset, Mapping};
use crate::module::Module;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum FileVersion {}

#[derive(Debug)]
pub(crate) enum GeneratedFunctions {}

#[derive(Debug)]
pub(crate) enum ModuleSymbols {}

pub(crate) fn file_version(_: &Process, _: &Path, _: &Mapping) -> Option<FileVersion> {
    None
}

pub(crate) fn generated_functions(_: &Process) -> Option<GeneratedFunctions> {
    None
}

pub(crate) fn symbolize_generated(
    functions: &mut GeneratedFunctions,
    _: &[u64],
) -> (Vec<Option<Frame>>, Option<String>) {
    match *functions {}
}

pub(crate) fn is_kernel_address(_: u64) -> bool {
    false
}

pub(crate) fn symbolize_kernel(_: &System, _: &[u64]) -> (Vec<Frame>, Option<SourceError>) {
    (Vec::new(), None)
}

pub(crate) fn max_open_symbols() -> usize {
    0
}

pub(crate) fn open_symbols(
    _: &Process,
    _: &Module,
    _: &Mapping,
    _: Option<FileVersion>,
) -> Result<ModuleSymbols, String> {
    Err("symbols are not supported on Windows".to_owned())
}

pub(crate) fn symbolize_module(
    _: &Process,
    symbols: &mut ModuleSymbols,
    _: &[ImageOffset],
) -> (HashMap<ImageOffset, Vec<Frame>>, Option<String>) {
    match *symbols {}
}

impl ModuleSymbols {
    pub(crate) fn open_files(&self) -> usize {
        match *self {}
    }
}
