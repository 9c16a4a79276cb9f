//! The status of a process, as a capture reads it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::cgroup::Cgroup;
use crate::command_line::CommandLine;
use crate::fields::Fields;
use crate::memory::{ExactMemory, FaultCount, MemoryCounters};
use crate::owner::Owner;
use crate::process_id::ProcessId;
use crate::process_state::ProcessState;
use crate::start_time::StartTime;

/// The status of one process, read at one moment.
///
/// A field is `None` if it was not requested, does not exist, or could not be read.
/// [`unreadable`](Self::unreadable) names the fields that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ProcessStatus {
    /// The id of the process.
    pub id: ProcessId,
    /// The kernel's name for the process. On Linux `comm`: at most 15 bytes, or 63 for some kernel
    /// threads. On Windows the name of the image file, and `None` for the idle process, pid 0.
    ///
    /// The bytes can be any except NUL. For a name to show to people, see
    /// [`display_name`](Self::display_name).
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_text")
    )]
    pub name: Option<OsString>,
    /// Whether the process is a kernel thread, which has no user address space and no image. On
    /// Windows, these are pids 0 and 4. `None` there for the children of pid 4, of which some run a
    /// program and some do not.
    pub kernel_thread: Option<bool>,
    /// The id of the parent. Also `None` if the parent is not in this pid namespace. On Windows, the
    /// parent can have ended, and is `None` if a later process has its id.
    pub parent: Option<ProcessId>,
    /// The id of the process group. Also `None` if its leader is not in a visible pid namespace.
    /// Linux only.
    pub group: Option<ProcessId>,
    /// The number of the session: on Linux the process id of its leader, on Windows the number of
    /// the logon session. On Linux also `None` if the leader is not in a visible pid namespace.
    pub session: Option<u32>,
    /// The device number of the controlling terminal. Also `None` if there is no terminal.
    /// Linux only.
    pub terminal: Option<u32>,
    /// The state of the group leader, the thread that the process started with. Linux
    /// only.
    pub state: Option<ProcessState>,
    /// When the process started.
    ///
    /// Together with the id, the start time identifies a process. Setting the clock does not change
    /// it. Resolution: 10 ms; on Windows 100 ns, as `CreateTime` has it.
    pub start: Option<StartTime>,
    /// The number of threads.
    pub threads: Option<u32>,
    /// CPU time spent in user mode, including threads that have ended. Resolution: 10 ms on Linux.
    pub user_time: Option<Duration>,
    /// CPU time spent in the kernel, including threads that have ended. Resolution: 10 ms on Linux.
    pub kernel_time: Option<Duration>,
    /// The nice value, from -20 (most CPU time) to 19 (least). Linux only.
    pub nice: Option<i32>,
    /// Page faults so far.
    pub faults: Option<FaultCount>,
    /// Memory counters, with [`Fields::MEMORY`]. Also `None` for a zombie, whose memory is gone.
    pub memory: Option<MemoryCounters>,
    /// The user that the process runs as, with [`Fields::USER`].
    pub user: Option<Owner>,
    /// The file that the process runs, with [`Fields::IMAGE`]. Also `None` for kernel threads.
    pub image: Option<ImageFile>,
    /// The arguments, with [`Fields::COMMAND_LINE`]; empty for kernel threads and zombies.
    pub command_line: Option<CommandLine>,
    /// The control groups, with [`Fields::CGROUP`]. Linux only.
    pub cgroup: Option<Cgroup>,
    /// Exact memory figures, with [`Fields::EXACT`]. Linux only.
    pub exact: Option<ExactMemory>,
    /// The requested fields that exist but could not be read or parsed, usually because the caller
    /// lacks a privilege. The error of the corresponding method of [`Process`](crate::Process)
    /// states the reason.
    pub unreadable: Fields,
}

impl ProcessStatus {
    /// Creates a status in which only the id is known.
    pub(crate) fn new(id: ProcessId) -> Self {
        ProcessStatus {
            id,
            name: None,
            kernel_thread: None,
            parent: None,
            group: None,
            session: None,
            terminal: None,
            state: None,
            start: None,
            threads: None,
            user_time: None,
            kernel_time: None,
            nice: None,
            faults: None,
            memory: None,
            user: None,
            image: None,
            command_line: None,
            cgroup: None,
            exact: None,
            unreadable: Fields::empty(),
        }
    }

    /// Returns a name to show to people: the base name of the image if it was read. Otherwise it is
    /// the kernel's name, in brackets for kernel threads.
    pub fn display_name(&self) -> Option<OsString> {
        if let Some(base) = self.image.as_ref().and_then(|image| image.path.file_name()) {
            return Some(base.to_os_string());
        }
        let name = self.name.as_ref()?;
        if self.kernel_thread == Some(true) {
            let mut bracketed = OsString::from("[");
            bracketed.push(name);
            bracketed.push("]");
            return Some(bracketed);
        }
        Some(name.clone())
    }
}

/// The file that a process runs. Source: the link `PROC/PID/exe`; on Windows
/// `ProcessImageFileNameWin32`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ImageFile {
    /// The path of the file in the process's mount namespace. On Windows the Win32 path, or the path
    /// below the device if that has no drive letter.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::text"))]
    pub path: PathBuf,
    /// The path below the device, such as `\Device\HarddiskVolume1\Windows\explorer.exe`. Windows
    /// only; `None` on Linux.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_text")
    )]
    pub device_path: Option<PathBuf>,
    /// Whether the file has been deleted or replaced since the process started it.
    /// False on Windows, which keeps running files.
    pub deleted: bool,
}
