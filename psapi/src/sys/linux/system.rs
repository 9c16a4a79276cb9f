//! The proc and sys roots of a system, and facts that are read once and kept.

use std::path::{Path, PathBuf};

use once_cell::race::OnceBox;
use rustix::io::Errno;

use crate::error::{ErrorCause, SourceError};
use crate::process_id::ProcessId;
use crate::sys::linux::dir::Dir;
use crate::sys::linux::hidepid;
use crate::sys::linux::kernel_mounts::KernelMounts;
use crate::sys::linux::own_maps::OwnMaps;
use crate::sys::linux::pages::features::{self, PageFeatures};
use crate::sys::linux::pid_namespace::OwnNamespace;
use crate::sys::linux::proc::boot_id::{self, BootId};
use crate::sys::linux::proc::ids;
use crate::sys::linux::proc::kallsyms::{self, KernelImage};
use crate::sys::linux::proc::osrelease;
use crate::sys::linux::proc::timens_offsets::{self, Clock};
use crate::sys::linux::sysfs::cpus;
use crate::sys::linux::sysfs::numa;
use crate::sys::linux::text;

/// Where the file systems are mounted, and which kernel interfaces are used.
#[derive(Debug, Clone)]
pub(crate) struct SystemOptions {
    pub(crate) proc_root: PathBuf,
    pub(crate) sys_root: PathBuf,
    pub(crate) file_root: PathBuf,
    /// Whether to use `PROCMAP_QUERY`.
    pub(crate) procmap_query: bool,
    /// Whether to use `PAGEMAP_SCAN`.
    pub(crate) pagemap_scan: bool,
    /// Whether to query the NUMA nodes of pages even if only one node has memory.
    pub(crate) numa_query: bool,
}

impl Default for SystemOptions {
    fn default() -> Self {
        SystemOptions {
            proc_root: "/proc".into(),
            sys_root: "/sys".into(),
            file_root: "/".into(),
            procmap_query: true,
            pagemap_scan: true,
            numa_query: false,
        }
    }
}

/// A system, with facts about it that are read on first use and kept.
///
/// Only facts are kept. A failure can be transient, as when the caller has no free descriptor, so
/// the next use reads the fact again.
///
/// The caches are race cells rather than locks: two threads can both read a fact, and neither
/// waits. A lock held by another thread during a `fork` would stay locked in the child forever.
#[derive(Debug)]
pub(crate) struct System {
    options: SystemOptions,
    proc_directory: OnceBox<Dir>,
    own_namespace: OwnNamespace,
    page_features: OnceBox<PageFeatures>,
    only_node: OnceBox<Option<u16>>,
    boot: OnceBox<Option<BootId>>,
    /// Whether `stat` has start times of the initial time namespace.
    has_unshifted_starts: OnceBox<bool>,
    kernel_image: OnceBox<KernelImage>,
    kernel_mounts: KernelMounts,
}

impl System {
    /// Creates a system. Nothing is opened before the first use.
    pub(crate) fn new(options: SystemOptions) -> Self {
        System {
            options,
            proc_directory: OnceBox::new(),
            own_namespace: OwnNamespace::default(),
            page_features: OnceBox::new(),
            only_node: OnceBox::new(),
            boot: OnceBox::new(),
            has_unshifted_starts: OnceBox::new(),
            kernel_image: OnceBox::new(),
            kernel_mounts: KernelMounts::default(),
        }
    }

    pub(crate) fn proc_root(&self) -> &Path {
        &self.options.proc_root
    }

    pub(crate) fn sys_root(&self) -> &Path {
        &self.options.sys_root
    }

    pub(crate) fn file_root(&self) -> &Path {
        &self.options.file_root
    }

    /// Returns the proc root, which stays open.
    pub(crate) fn proc_directory(&self) -> Result<&Dir, SourceError> {
        let open = || Dir::open(&self.options.proc_root).map(Box::new);
        self.proc_directory.get_or_try_init(open)
    }

    /// Returns true unless `PROCMAP_QUERY` was disabled.
    pub(crate) fn may_query_maps(&self) -> bool {
        self.options.procmap_query
    }

    /// Returns true unless `PAGEMAP_SCAN` was disabled.
    pub(crate) fn may_scan_pages(&self) -> bool {
        self.options.pagemap_scan
    }

    /// Returns how the caller reads its own `maps`.
    pub(crate) fn own_maps(&self) -> OwnMaps<'_> {
        OwnMaps {
            proc_root: self.proc_root(),
            use_query: self.may_query_maps(),
        }
    }

    /// Returns the internal file systems of the running kernel.
    pub(crate) fn kernel_mounts(&self) -> &KernelMounts {
        &self.kernel_mounts
    }

    /// Returns which of the optional page attributes the running kernel reports.
    pub(crate) fn page_features(&self) -> PageFeatures {
        let detect = || features::detect(self.proc_directory().ok(), page_size()).map(Box::new);
        match self.page_features.get_or_try_init(detect) {
            Ok(features) => *features,
            Err(partial) => partial,
        }
    }

    /// Returns the NUMA node that has all memory; `None` if several nodes have memory or might have
    /// some.
    pub(crate) fn only_node(&self) -> Option<u16> {
        if self.options.numa_query {
            return None;
        }
        let read = || numa::only_with_memory(&Dir::open(self.sys_root())?).map(Box::new);
        *self.only_node.get_or_try_init(read).ok()?
    }

    /// Returns the address range of the kernel image. The image does not move, so the range is
    /// kept. A hidden range is not kept, because the caller can gain the privilege to see it.
    pub(crate) fn kernel_image(&self, proc: &Dir) -> Result<KernelImage, SourceError> {
        if let Some(image) = self.kernel_image.get() {
            return Ok(*image);
        }
        let image = kallsyms::read(proc)?;
        if image.start.is_some() {
            self.kernel_image.get_or_init(|| Box::new(image));
        }
        Ok(image)
    }

    /// Returns the id of the current boot; `None` if the proc root lacks the file.
    pub(crate) fn boot(&self) -> Result<Option<BootId>, SourceError> {
        let read = || boot_id::read(self.proc_directory()?).map(Box::new);
        self.boot.get_or_try_init(read).copied()
    }

    /// Returns the nanoseconds to add to start times in `stat`, so that they are readings of the
    /// caller's clock. Since Linux 5.11, the kernel adds them. `text` is a buffer.
    pub(crate) fn start_offset(&self, text: &mut Vec<u8>) -> Result<i64, SourceError> {
        let proc = self.proc_directory()?;
        let is_old = || {
            let kernel = rustix::system::uname();
            let version = osrelease::version(kernel.release().to_bytes());
            Box::new(version.is_some_and(|version| version < (5, 11)))
        };
        if *self.has_unshifted_starts.get_or_init(is_old) {
            timens_offsets::offset(proc, Clock::Boottime, text)
        } else {
            Ok(0)
        }
    }

    /// Returns true if system calls of the calling process use the same ids as the proc root. Fails
    /// if that cannot be read now.
    pub(crate) fn is_of_own_namespace(&self) -> Result<bool, SourceError> {
        self.own_namespace.contains(|| self.proc_directory())
    }
}

/// Returns the ids of all processes, ascending.
pub(crate) fn process_ids(system: &System) -> Result<Vec<ProcessId>, SourceError> {
    ids::list(system.proc_directory()?)
}

/// Returns true if the proc root might hide processes from the caller.
pub(crate) fn may_hide_processes(system: &System) -> bool {
    system
        .proc_directory()
        .is_ok_and(hidepid::may_hide_processes)
}

/// Returns true if system calls of the calling process use the same process ids as the proc root.
pub(crate) fn is_of_own_pid_namespace(system: &System) -> Result<bool, SourceError> {
    system.is_of_own_namespace()
}

/// Returns the effective user of a process: the owner of its directory. Everyone can read it, even
/// if `hidepid` denies access to the files in the directory.
pub(crate) fn process_owner(system: &System, id: ProcessId) -> Result<u32, SourceError> {
    let proc = system.proc_directory()?;
    let attributes = proc.attributes(id.to_string().as_bytes());
    attributes
        .map(|attributes| attributes.st_uid)
        .map_err(|error| match error.errno() {
            Some(Errno::NOENT) => SourceError {
                cause: ErrorCause::NoSuchProcess {
                    may_be_hidden: hidepid::may_hide_processes(proc),
                },
                ..error
            },
            _ => error,
        })
}

/// Returns the size of a page of the running kernel, in bytes.
pub(crate) fn page_size() -> u64 {
    rustix::param::page_size() as u64
}

/// Returns the numbers of the online CPUs, ascending.
pub(crate) fn processors(system: &System) -> Result<Vec<u32>, SourceError> {
    cpus::online(system.sys_root())
}

/// Returns the lowest address that an unprivileged process can map: `vm.mmap_min_addr`.
pub(crate) fn minimum_address(system: &System) -> Result<u64, SourceError> {
    const FILE: &[u8] = b"sys/vm/mmap_min_addr";
    let proc = system.proc_directory()?;
    let mut content = Vec::new();
    proc.read(FILE, &mut content)?;
    text::decimal(content.trim_ascii()).ok_or_else(|| {
        SourceError::new(
            proc.path_of(FILE),
            ErrorCause::Malformed("the content is not a number"),
        )
    })
}
