use std::path::{Path, PathBuf};
use std::sync::Arc;

use once_cell::race::OnceBox;

use crate::capture::Capture;
use crate::error::{Refusal, Result};
use crate::fields::Fields;
use crate::linux::boot_id::{self, BootId};
use crate::linux::file::Directory;
use crate::linux::kallsyms::{self, KernelImage};
use crate::linux::namespace::OwnNamespace;
use crate::linux::page_features::{self, PageFeatures};
use crate::linux::{hidden, ids, node};
use crate::process::{Process, ProcessId};

/// A Linux system as its proc and sys file systems show it: the way in to everything else.
///
/// Cheap to clone; clones share their open descriptors. Nothing is opened before the first
/// question.
///
/// ```
/// let system = psapi::System::new();
/// let ids = system.process_ids()?;
/// assert!(ids.iter().any(|id| id.get() == std::process::id()));
/// # Ok::<(), psapi::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct System(Arc<Roots>);

/// What has been found out once is kept, and nobody waits for another thread to find it out: a fork
/// leaves that thread behind, and the child would wait for ever.
#[derive(Debug)]
struct Roots {
    proc: PathBuf,
    sys: PathBuf,
    files: PathBuf,
    query_maps: bool,
    scan_pages: bool,
    ask_nodes: bool,
    proc_directory: OnceBox<Directory>,
    own_namespace: OwnNamespace,
    page_features: OnceBox<PageFeatures>,
    only_node: OnceBox<Option<u16>>,
    boot: OnceBox<Option<BootId>>,
    kernel_image: OnceBox<KernelImage>,
}

impl Default for System {
    fn default() -> Self {
        System::builder().build()
    }
}

impl System {
    /// This machine: `/proc` and `/sys`.
    pub fn new() -> Self {
        System::default()
    }

    /// A system whose proc and sys file systems are elsewhere, as in a container that monitors
    /// its host.
    ///
    /// ```no_run
    /// let host = psapi::System::builder()
    ///     .proc_root("/host/proc")
    ///     .sys_root("/host/sys")
    ///     .file_root("/host")
    ///     .build();
    /// ```
    pub fn builder() -> SystemBuilder {
        SystemBuilder {
            proc: "/proc".into(),
            sys: "/sys".into(),
            files: "/".into(),
            query_maps: true,
            scan_pages: true,
            ask_nodes: false,
        }
    }

    /// Where the proc file system is.
    pub fn proc_root(&self) -> &Path {
        &self.0.proc
    }

    /// Where the sys file system is.
    pub fn sys_root(&self) -> &Path {
        &self.0.sys
    }

    /// Where the root of the system's own files is.
    pub fn file_root(&self) -> &Path {
        &self.0.files
    }

    /// The ids of all processes, ascending.
    ///
    /// Source: the names of the proc root's directories. Cost: cheap; a `getdents64` call for
    /// about a thousand processes. Privileges: none, but a proc file system mounted with
    /// `hidepid=2` or 4 lists only what the user may see: see
    /// [`may_hide_processes`](Self::may_hide_processes).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotProc`](crate::ErrorKind::NotProc) where the proc root holds no process.
    #[doc(alias = "EnumProcesses")]
    pub fn process_ids(&self) -> Result<Vec<ProcessId>> {
        self.proc_directory()
            .and_then(ids::list)
            .map_err(|refusal| refusal.of_system("list of processes"))
    }

    /// Whether the proc file system may hide processes from the caller, so that no listing has
    /// them: it is mounted with `hidepid=2` or 4, and the caller neither has `CAP_SYS_PTRACE` nor,
    /// with 2, is in the group of its `gid=` option. With `hidepid=1` a listing has all, and their
    /// figures are refused.
    ///
    /// Source: `PROC/self/mounts`; false where the proc root has none, as a copy of a proc file
    /// system, and one of a pid namespace that does not have the caller. Cost: cheap, one small
    /// file. Privileges: none.
    pub fn may_hide_processes(&self) -> bool {
        self.proc_directory().is_ok_and(hidden::may_be)
    }

    /// Pins the process that has an id now. The answer stands for that process alone: once it has
    /// ended, questions fail, also if another process has got the id.
    ///
    /// Source: `PROC/PID`, held open, and `status`. Cost: *status*, and one descriptor until it
    /// is dropped. Privileges: none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoSuchProcess`](crate::ErrorKind::NoSuchProcess) where no process has the id;
    /// ids of threads are not ids of processes. Its remedy is told where the process
    /// [may be hidden](Self::may_hide_processes).
    /// [`ErrorKind::NotProc`](crate::ErrorKind::NotProc) where the proc root holds no process.
    #[doc(alias = "OpenProcess")]
    pub fn process(&self, id: impl Into<ProcessId>) -> Result<Process> {
        Process::open(self, id.into())
    }

    /// The calling process, as this system's proc root knows it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoSuchProcess`](crate::ErrorKind::NoSuchProcess) where the proc root is of
    /// another pid namespace that does not have the caller.
    #[doc(alias = "GetCurrentProcess")]
    pub fn current_process(&self) -> Result<Process> {
        Process::open_current(self)
    }

    /// Describes all processes in one pass.
    ///
    /// Reads only the files that `fields` need; see [`Fields`] for what each costs. A process that
    /// ends during the pass is left out. One whose data may not be read keeps its place, with
    /// those fields `None` and named in [`ProcessStatus::unreadable`](crate::ProcessStatus::unreadable).
    /// No row mixes two processes, also if ids are reused during the pass.
    ///
    /// Repeated passes are cheapest with [`Capture::refresh`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotProc`](crate::ErrorKind::NotProc) where the proc root holds no process.
    pub fn capture(&self, fields: Fields) -> Result<Capture> {
        let mut capture = Capture::new(fields);
        capture.refresh(self)?;
        Ok(capture)
    }

    pub(crate) fn proc_directory(&self) -> Result<&Directory, Refusal> {
        let roots = &*self.0;
        let open = || Directory::open(&roots.proc).map(Box::new);
        roots.proc_directory.get_or_try_init(open)
    }

    pub(crate) fn may_query_maps(&self) -> bool {
        self.0.query_maps
    }

    pub(crate) fn may_scan_pages(&self) -> bool {
        self.0.scan_pages
    }

    /// Which attributes that only some kernels tell of pages this one does.
    pub(crate) fn page_features(&self) -> PageFeatures {
        *self.0.page_features.get_or_init(|| {
            let page_size = rustix::param::page_size() as u64;
            Box::new(page_features::find(self.proc_directory().ok(), page_size))
        })
    }

    /// The NUMA node that has all memory. `None`: several have, or may have.
    pub(crate) fn only_node(&self) -> Option<u16> {
        *self.0.only_node.get_or_init(|| {
            let sys = Directory::open(&self.0.sys)
                .ok()
                .filter(|_| !self.0.ask_nodes);
            Box::new(sys.and_then(|sys| node::only_with_memory(&sys)))
        })
    }

    /// Where the kernel image is. Kept once it is known: it stays there, but who may not see it may
    /// be allowed to later.
    pub(crate) fn kernel_image(&self, proc: &Directory) -> Result<KernelImage, Refusal> {
        let kept = &self.0.kernel_image;
        if let Some(image) = kept.get() {
            return Ok(*image);
        }
        let image = kallsyms::read(proc)?;
        if image.start.is_some() {
            kept.get_or_init(|| Box::new(image));
        }
        Ok(image)
    }

    /// Which run of the machine this is; `None` where the proc root does not tell.
    pub(crate) fn boot(&self) -> Option<BootId> {
        let find = || self.proc_directory().ok().and_then(boot_id::read);
        *self.0.boot.get_or_init(|| Box::new(find()))
    }

    /// Whether the ids of the proc root are those that system calls of this process know.
    pub(crate) fn is_of_own_namespace(&self) -> bool {
        self.0.own_namespace.holds(|| self.proc_directory().ok())
    }
}

/// Says where a [`System`] is found; made by [`System::builder`].
#[derive(Debug, Clone)]
pub struct SystemBuilder {
    proc: PathBuf,
    sys: PathBuf,
    files: PathBuf,
    query_maps: bool,
    scan_pages: bool,
    ask_nodes: bool,
}

impl SystemBuilder {
    /// Where the proc file system is mounted; `/proc` if not said.
    pub fn proc_root(mut self, path: impl Into<PathBuf>) -> Self {
        self.proc = path.into();
        self
    }

    /// Where the sys file system is mounted; `/sys` if not said.
    pub fn sys_root(mut self, path: impl Into<PathBuf>) -> Self {
        self.sys = path.into();
        self
    }

    /// Where the root of the system's own files is mounted, for `lib/modules/RELEASE` and `boot`,
    /// debug information, and the modules of processes that have ended; `/` if not said. A symbolic
    /// link with an absolute path leads out of it.
    pub fn file_root(mut self, path: impl Into<PathBuf>) -> Self {
        self.files = path.into();
        self
    }

    /// Leaves `PROCMAP_QUERY` alone, as if the kernel were older than 6.11: for tests that want
    /// both ways to give the same answers.
    #[doc(hidden)]
    pub fn without_procmap_query(mut self) -> Self {
        self.query_maps = false;
        self
    }

    /// Leaves `PAGEMAP_SCAN` alone, as if the kernel were older than 6.7.
    #[doc(hidden)]
    pub fn without_pagemap_scan(mut self) -> Self {
        self.scan_pages = false;
        self
    }

    /// Asks for the NUMA nodes of pages also where the machine has only one.
    #[doc(hidden)]
    pub fn asking_for_nodes(mut self) -> Self {
        self.ask_nodes = true;
        self
    }

    /// The system that is found there.
    pub fn build(self) -> System {
        System(Arc::new(Roots {
            proc: self.proc,
            sys: self.sys,
            files: self.files,
            query_maps: self.query_maps,
            scan_pages: self.scan_pages,
            ask_nodes: self.ask_nodes,
            proc_directory: OnceBox::new(),
            own_namespace: OwnNamespace::default(),
            page_features: OnceBox::new(),
            only_node: OnceBox::new(),
            boot: OnceBox::new(),
            kernel_image: OnceBox::new(),
        }))
    }
}
