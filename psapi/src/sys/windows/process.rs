//! A pinned process: an open handle.
//!
//! A handle keeps the process object, and with it the id, so no later process can get the id. It is
//! opened with the least rights. A method that needs more opens another handle, which is kept.

use std::os::windows::io::{AsHandle as _, BorrowedHandle, OwnedHandle};
use std::sync::{Arc, OnceLock};

use super::buffer::Fixed;
use super::class::ProcessClass;
use super::layouts::kernel_user_times::{self, KernelUserTimes};
use super::layouts::process_basic_information::{self, ProcessBasicInformation};
use super::layouts::reader::Width;
use super::nt;
use super::status::Status;
use super::system::System;
use crate::error::{ErrorCause, ErrorKind, SourceError};
use crate::process_id::ProcessId;

/// A process whose handle is held open.
#[derive(Debug)]
pub(crate) struct Process {
    id: ProcessId,
    system: Arc<System>,
    /// Opened with [`Rights::QUERY_LIMITED`], or given by the caller.
    handle: OwnedHandle,
    /// Whether the caller gave the handle, whose rights are then the only ones.
    is_given: bool,
    /// Handles with further rights.
    further: [OnceLock<OwnedHandle>; Rights::COUNT],
}

/// The rights that an operation needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rights {
    /// The access mask.
    access: u32,
    /// The place of the handle in [`Process::further`].
    index: usize,
}

const PROCESS_TERMINATE: u32 = 0x0001;
const PROCESS_VM_READ: u32 = 0x0010;
const PROCESS_SET_QUOTA: u32 = 0x0100;
const PROCESS_SET_INFORMATION: u32 = 0x0200;
const PROCESS_QUERY_INFORMATION: u32 = 0x0400;
const PROCESS_QUERY_LIMITED_INFORMATION: u32 = 0x1000;
const SYNCHRONIZE: u32 = 0x0010_0000;

impl Rights {
    /// Read figures, names and the image.
    pub(crate) const QUERY_LIMITED: Rights =
        Rights::new(0, PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE);
    /// Read the token and the layout of the address space.
    pub(crate) const QUERY: Rights = Rights::new(1, PROCESS_QUERY_INFORMATION);
    /// Also read memory.
    pub(crate) const READ: Rights = Rights::new(2, PROCESS_QUERY_INFORMATION | PROCESS_VM_READ);
    /// Empty the working set.
    pub(crate) const SET_QUOTA: Rights =
        Rights::new(3, PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SET_QUOTA);
    /// Watch the working set.
    pub(crate) const WATCH: Rights =
        Rights::new(4, PROCESS_QUERY_INFORMATION | PROCESS_SET_INFORMATION);
    /// End the process.
    pub(crate) const TERMINATE: Rights = Rights::new(5, PROCESS_TERMINATE);

    const COUNT: usize = 6;

    const fn new(index: usize, access: u32) -> Self {
        Rights { access, index }
    }
}

/// The source of errors of opening a process.
pub(crate) const OPEN: &str = "NtOpenProcess";

/// Pins the process with an id.
pub(crate) fn open_process(system: &Arc<System>, id: ProcessId) -> Result<Process, SourceError> {
    let missing = || {
        let may_be_hidden = false;
        SourceError::new(OPEN, ErrorCause::NoSuchProcess { may_be_hidden })
    };
    let access = Rights::QUERY_LIMITED.access;
    let handle = nt::open_process(id.get(), access).map_err(|status| match status {
        // The ids of threads belong to the same space of numbers; the call rejects them this way.
        Status::INVALID_CID | Status::INVALID_PARAMETER => missing(),
        status => status.error(OPEN),
    })?;
    if !is_exact(id.get()) {
        let opened = id_of(handle.as_handle());
        let class = ProcessClass::ProcessBasicInformation;
        if opened.map_err(|status| status.error(class))? != id.get() {
            return Err(missing());
        }
    }
    let process = Process::new(system, id, handle, false);
    // As long as someone holds a handle, an ended process can still be opened.
    if process.has_ended()? {
        return Err(missing());
    }
    Ok(process)
}

/// Pins the calling process.
pub(crate) fn open_current(system: &Arc<System>) -> Result<Process, SourceError> {
    open_process(system, ProcessId::new(std::process::id()))
}

/// Pins the process of a handle, which the caller keeps.
pub(crate) fn process_from_handle(
    system: &Arc<System>,
    handle: BorrowedHandle<'_>,
) -> Result<Process, SourceError> {
    const CLASS: ProcessClass = ProcessClass::ProcessBasicInformation;
    let id = id_of(handle).map_err(|status| match status {
        Status::INVALID_HANDLE | Status::OBJECT_TYPE_MISMATCH => {
            status.error_of_kind(CLASS, ErrorKind::InvalidParameter)
        }
        status => status.error(CLASS),
    })?;
    let own = nt::duplicate(handle).map_err(|status| status.error("NtDuplicateObject"))?;
    Ok(Process::new(system, ProcessId::new(id), own, true))
}

/// Returns whether the calls that open processes and threads distinguish an id from its neighbors.
/// They ignore the two lowest bits, which are 0 in the ids that Windows assigns.
pub(crate) fn is_exact(id: u32) -> bool {
    id.is_multiple_of(4)
}

/// Reads the id of the process of a handle.
fn id_of(handle: BorrowedHandle<'_>) -> Result<u32, Status> {
    const CLASS: ProcessClass = ProcessClass::ProcessBasicInformation;
    let mut buffer = Fixed::<{ process_basic_information::MAX_SIZE }>::new();
    let size = process_basic_information::size(Width::NATIVE);
    buffer.fill(|bytes| nt::query_process(handle, CLASS, &mut bytes[..size]))?;
    let information = ProcessBasicInformation::parse(&buffer.0, Width::NATIVE);
    let information = information.ok_or(Status::INFO_LENGTH_MISMATCH)?;
    Ok(information.id)
}

/// Reads the times of a process.
fn times(process: BorrowedHandle<'_>) -> Result<KernelUserTimes, Status> {
    let mut buffer = Fixed::<{ kernel_user_times::SIZE }>::new();
    buffer.fill(|bytes| nt::query_process(process, ProcessClass::ProcessTimes, bytes))?;
    KernelUserTimes::parse(&buffer.0).ok_or(Status::INFO_LENGTH_MISMATCH)
}

impl Process {
    /// Pins a process that a list named. Fails with `STATUS_INVALID_CID` if a later process has the
    /// id.
    pub(crate) fn open_listed(
        system: &Arc<System>,
        id: ProcessId,
        create_time: i64,
    ) -> Result<Self, Status> {
        let handle = nt::open_process(id.get(), Rights::QUERY_LIMITED.access)?;
        if times(handle.as_handle())?.create != create_time {
            return Err(Status::INVALID_CID);
        }
        Ok(Process::new(system, id, handle, false))
    }

    fn new(system: &Arc<System>, id: ProcessId, handle: OwnedHandle, is_given: bool) -> Self {
        Process {
            id,
            system: Arc::clone(system),
            handle,
            is_given,
            further: Default::default(),
        }
    }

    pub(crate) fn id(&self) -> ProcessId {
        self.id
    }

    /// Returns the system that the process was found in.
    pub(crate) fn system(&self) -> &Arc<System> {
        &self.system
    }

    /// Returns true if the process is the calling one.
    pub(crate) fn is_current(&self) -> bool {
        self.id.get() == std::process::id()
    }

    /// Returns a handle with certain rights.
    pub(crate) fn handle(&self, rights: Rights) -> Result<BorrowedHandle<'_>, SourceError> {
        self.try_handle(rights)
            .map_err(|status| self.error(OPEN, status))
    }

    /// Returns a handle with certain rights.
    pub(crate) fn try_handle(&self, rights: Rights) -> Result<BorrowedHandle<'_>, Status> {
        // Wine describes pages only through this handle, which has all rights.
        if self.is_current() && (!self.is_given || self.grants(rights)?) {
            return Ok(nt::current_process());
        }
        if self.is_given || rights.index == Rights::QUERY_LIMITED.index {
            return Ok(self.handle.as_handle());
        }
        let further = &self.further[rights.index];
        if let Some(handle) = further.get() {
            return Ok(handle.as_handle());
        }
        // The open handle keeps the id from being reused, so this is the same process.
        let handle = nt::open_process(self.id.get(), rights.access)?;
        Ok(further.get_or_init(|| handle).as_handle())
    }

    /// Returns true if the caller has certain rights.
    pub(crate) fn grants(&self, rights: Rights) -> Result<bool, Status> {
        if self.is_given {
            let granted = nt::granted_access(self.limited())?;
            return Ok(granted & rights.access == rights.access);
        }
        self.try_handle(rights).map(|_| true)
    }

    /// Returns a handle with the least rights.
    pub(crate) fn limited(&self) -> BorrowedHandle<'_> {
        self.handle.as_handle()
    }

    /// Returns true if the process has ended.
    pub(crate) fn has_ended(&self) -> Result<bool, SourceError> {
        match nt::wait(self.limited(), Some(0)) {
            Status::SUCCESS => Ok(true),
            Status::TIMEOUT => Ok(false),
            // The caller's handle can lack the right to wait.
            Status::ACCESS_DENIED if self.is_given => self.has_exit_time(),
            status => Err(status.error("NtWaitForSingleObject")),
        }
    }

    /// Returns true if the process has ended, which needs no right to wait. Its exit time is known a
    /// moment before a wait ends.
    fn has_exit_time(&self) -> Result<bool, SourceError> {
        let times = times(self.limited());
        let times = times.map_err(|status| status.error(ProcessClass::ProcessTimes))?;
        Ok(times.exit != 0)
    }

    /// Returns an error if the process has ended. Its object outlives it, and answers some queries
    /// with what it last was, or with zeros.
    pub(crate) fn check_alive(
        &self,
        source: impl Into<std::path::PathBuf>,
    ) -> Result<(), SourceError> {
        if self.has_ended()? {
            return Err(SourceError::new(source, ErrorCause::Ended));
        }
        Ok(())
    }

    /// Returns the error of a failed call on this process. If the process has ended, that is the
    /// reason.
    pub(crate) fn error(
        &self,
        source: impl Into<std::path::PathBuf>,
        status: Status,
    ) -> SourceError {
        match self.has_ended() {
            Ok(true) => status.error_of_kind(source, ErrorKind::Ended),
            _ => status.error(source),
        }
    }

    /// Runs a query, and returns the number of bytes that it wrote.
    pub(crate) fn query<const N: usize>(
        &self,
        class: ProcessClass,
        buffer: &mut Fixed<N>,
    ) -> Result<usize, SourceError> {
        let filled = buffer
            .fill(|bytes| nt::query_process(self.limited(), class, bytes))
            .map_err(|status| self.error(class, status))?;
        Ok(filled.len())
    }
}
