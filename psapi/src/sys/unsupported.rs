//! The platform for systems without an implementation: every operation fails as not supported.
//!
//! No process can be opened here, so [`Process`] has no values, and its functions are never called.

#[cfg(feature = "symbols")]
use std::collections::HashMap;
use std::ffi::OsString;
use std::ops::ControlFlow;
#[cfg(feature = "symbols")]
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::access::Access;
use crate::command_line::CommandLine;
use crate::cpu_times::CpuTimes;
use crate::driver::DeviceDriver;
use crate::error::{ErrorCause, Operation, Remedy, SourceError};
use crate::exit_status::ExitStatus;
use crate::fields::Fields;
#[cfg(feature = "symbols")]
use crate::frame::Frame;
use crate::io_counters::IoCounters;
#[cfg(feature = "symbols")]
use crate::mapping::ImageOffset;
use crate::mapping::{MappedFile, Mapping};
use crate::memory::{ExactMemory, MemoryCounters};
use crate::module::{Module, ModuleFields};
use crate::page_file::PageFile;
use crate::performance::PerformanceInfo;
use crate::process_id::ProcessId;
use crate::status::{ImageFile, ProcessStatus};
use crate::status_table::StatusTable;
use crate::working_set::{
    EmptiedWorkingSet, PageFault, PageInfo, Progress, WatchOptions, WorkingSet, WorkingSetOptions,
};

type Result<T> = std::result::Result<T, SourceError>;

fn unsupported<T>() -> Result<T> {
    let cause = ErrorCause::Unsupported("not supported on this operating system");
    Err(SourceError::new("", cause))
}

#[derive(Debug, Clone, Default)]
pub(crate) struct SystemOptions;

#[derive(Debug)]
pub(crate) struct System;

impl System {
    pub(crate) fn new(_: SystemOptions) -> Self {
        System
    }
}

pub(crate) fn process_ids(_: &System) -> Result<Vec<ProcessId>> {
    unsupported()
}

pub(crate) fn may_hide_processes(_: &System) -> bool {
    false
}

pub(crate) fn is_of_own_pid_namespace(_: &System) -> Result<bool> {
    unsupported()
}

pub(crate) fn maps_user_ids(_: &System) -> Result<bool> {
    unsupported()
}

pub(crate) fn processors(_: &System) -> Result<Vec<u32>> {
    unsupported()
}

pub(crate) fn thread_name(_: &System, _: ProcessId, _: u32) -> Result<Option<OsString>> {
    unsupported()
}

pub(crate) fn thread_ids(_: &System, _: ProcessId) -> Result<Option<Vec<u32>>> {
    unsupported()
}

pub(crate) fn cpu_times(_: &System) -> Result<CpuTimes> {
    unsupported()
}

pub(crate) fn minimum_address(_: &System) -> Result<u64> {
    unsupported()
}

#[derive(Debug, Default)]
pub(crate) struct CaptureBuffers;

pub(crate) fn capture(
    _: &System,
    _: Fields,
    _: &mut CaptureBuffers,
    _: &mut StatusTable,
) -> Result<()> {
    unsupported()
}

pub(crate) fn device_drivers(_: &System) -> Result<Vec<DeviceDriver>> {
    unsupported()
}

pub(crate) fn loaded_drivers(_: &System) -> Result<Vec<DeviceDriver>> {
    unsupported()
}

pub(crate) fn page_files(_: &System) -> Result<Vec<PageFile>> {
    unsupported()
}

pub(crate) fn performance_info(_: &System) -> Result<PerformanceInfo> {
    unsupported()
}

#[derive(Debug)]
pub(crate) enum Process {}

impl Process {
    pub(crate) fn id(&self) -> ProcessId {
        match *self {}
    }

    pub(crate) fn system(&self) -> &Arc<System> {
        match *self {}
    }
}

pub(crate) fn open_process(_: &Arc<System>, _: ProcessId) -> Result<Process> {
    unsupported()
}

pub(crate) fn open_current(_: &Arc<System>) -> Result<Process> {
    unsupported()
}

pub(crate) fn access(process: &Process) -> Result<Access> {
    match *process {}
}

pub(crate) fn status(process: &Process, _: Fields) -> Result<ProcessStatus> {
    match *process {}
}

pub(crate) fn has_ended(process: &Process) -> Result<bool> {
    match *process {}
}

pub(crate) fn wait(process: &Process, _: Option<Duration>) -> Result<bool> {
    match *process {}
}

pub(crate) fn terminate(process: &Process) -> Result<()> {
    match *process {}
}

pub(crate) fn exit_status(process: &Process) -> Result<Option<ExitStatus>> {
    match *process {}
}

pub(crate) fn io_counters(process: &Process) -> Result<IoCounters> {
    match *process {}
}

pub(crate) fn handle_count(process: &Process) -> Result<u64> {
    match *process {}
}

pub(crate) fn read_memory(process: &Process, _: u64, _: &mut [u8]) -> Result<usize> {
    match *process {}
}

pub(crate) fn image_file(process: &Process) -> Result<Option<ImageFile>> {
    match *process {}
}

pub(crate) fn command_line(process: &Process) -> Result<CommandLine> {
    match *process {}
}

pub(crate) fn memory_counters(process: &Process) -> Result<MemoryCounters> {
    match *process {}
}

pub(crate) fn exact_memory(process: &Process) -> Result<ExactMemory> {
    match *process {}
}

pub(crate) fn mappings(process: &Process, _: &mut Vec<Mapping>) -> Result<()> {
    match *process {}
}

pub(crate) fn mappings_from(process: &Process, _: u64, _: usize) -> Result<Vec<Mapping>> {
    match *process {}
}

pub(crate) fn mapped_file(process: &Process, _: u64) -> Result<Option<MappedFile>> {
    match *process {}
}

pub(crate) fn modules(process: &Process, _: ModuleFields) -> Result<Vec<Module>> {
    match *process {}
}

pub(crate) fn module_at(process: &Process, _: u64) -> Result<Module> {
    match *process {}
}

pub(crate) fn executable(process: &Process) -> Result<Module> {
    match *process {}
}

#[cfg(feature = "symbols")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum FileVersion {}

#[cfg(feature = "symbols")]
#[derive(Debug)]
pub(crate) enum GeneratedFunctions {}

#[cfg(feature = "symbols")]
#[derive(Debug)]
pub(crate) enum ModuleSymbols {}

#[cfg(feature = "symbols")]
pub(crate) fn file_version(process: &Process, _: &Path, _: &Mapping) -> Option<FileVersion> {
    match *process {}
}

#[cfg(feature = "symbols")]
pub(crate) fn generated_functions(process: &Process) -> Option<GeneratedFunctions> {
    match *process {}
}

#[cfg(feature = "symbols")]
pub(crate) fn symbolize_generated(
    functions: &mut GeneratedFunctions,
    _: &[u64],
) -> (Vec<Option<Frame>>, Option<String>) {
    match *functions {}
}

#[cfg(feature = "symbols")]
pub(crate) fn is_kernel_address(_: u64) -> bool {
    false
}

#[cfg(feature = "symbols")]
pub(crate) fn symbolize_kernel(_: &System, _: &[u64]) -> (Vec<Frame>, Option<SourceError>) {
    (Vec::new(), None)
}

#[cfg(feature = "symbols")]
pub(crate) fn max_open_symbols() -> usize {
    0
}

#[cfg(feature = "symbols")]
pub(crate) fn open_symbols(
    process: &Process,
    _: &Module,
    _: &Mapping,
    _: Option<FileVersion>,
) -> std::result::Result<ModuleSymbols, String> {
    match *process {}
}

#[cfg(feature = "symbols")]
pub(crate) fn symbolize_module(
    process: &Process,
    _: &mut ModuleSymbols,
    _: &[ImageOffset],
) -> (HashMap<ImageOffset, Vec<Frame>>, Option<String>) {
    match *process {}
}

#[cfg(feature = "symbols")]
impl ModuleSymbols {
    pub(crate) fn open_files(&self) -> usize {
        match *self {}
    }
}

pub(crate) fn working_set(
    process: &Process,
    _: &WorkingSetOptions,
    _: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<WorkingSet> {
    match *process {}
}

pub(crate) fn query_pages(process: &Process, _: &[u64]) -> Result<Vec<PageInfo>> {
    match *process {}
}

pub(crate) fn empty_working_set(process: &Process) -> Result<EmptiedWorkingSet> {
    match *process {}
}

#[derive(Debug)]
pub(crate) enum FaultWatch {}

impl FaultWatch {
    pub(crate) fn take(&mut self, _: &mut Vec<PageFault>) -> Result<u64> {
        match *self {}
    }

    pub(crate) fn wait(&self, _: Option<Duration>) -> Result<bool> {
        match *self {}
    }

    pub(crate) fn has_ended(&self) -> Result<bool> {
        match *self {}
    }

    pub(crate) fn is_user_only(&self) -> bool {
        match *self {}
    }

    pub(crate) fn buffer_size(&self) -> usize {
        match *self {}
    }
}

pub(crate) fn watch(process: &Process, _: &WatchOptions) -> Result<FaultWatch> {
    match *process {}
}

pub(crate) fn remedy(
    _: Option<&System>,
    _: Operation,
    _: &SourceError,
    _: Option<ProcessId>,
) -> Option<Remedy> {
    None
}
