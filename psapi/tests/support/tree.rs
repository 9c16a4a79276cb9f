//! A directory tree that stands for a proc or sys file system, or for a machine that has both.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use psapi::System;
use tempfile::TempDir;

pub struct Tree(TempDir);

impl Tree {
    pub fn new() -> Self {
        Tree(super::child::public_directory())
    }

    /// A machine whose `proc` has a process and a `meminfo`, as that of every kernel has.
    pub fn machine() -> Self {
        Tree::new()
            .directory("proc/1")
            .file("proc/meminfo", include_bytes!("meminfo"))
    }

    /// Adds a directory, and those on its way.
    pub fn directory(self, path: impl AsRef<Path>) -> Self {
        std::fs::create_dir_all(self.path().join(path)).expect("a directory of the tree");
        self
    }

    /// Adds a file, and the directories on its way.
    pub fn file(self, path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.place(path.as_ref()), contents).expect("a file of the tree");
        self
    }

    pub fn link(self, path: impl AsRef<Path>, target: impl AsRef<OsStr>) -> Self {
        std::os::unix::fs::symlink(target.as_ref(), self.place(path.as_ref()))
            .expect("a link of the tree");
        self
    }

    /// Adds a process that sleeps, with the files that every process has.
    pub fn process(self, id: u32, comm: &str) -> Self {
        let stat = format!(
            "{id} ({comm}) S 1 {id} {id} 0 -1 4194304 100 0 7 0 150 50 0 0 20 0 3 0 12345 8192000 \
             250 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
        );
        let status = format!(
            "Name:\t{comm}\nTgid:\t{id}\nUid:\t1000\t1000\t1000\t1000\nGid:\t100\t100\t100\t100\n\
             VmPeak:\t9000 kB\nVmSize:\t8000 kB\nVmLck:\t0 kB\nVmPin:\t0 kB\nVmHWM:\t1200 kB\n\
             VmRSS:\t1000 kB\nRssAnon:\t400 kB\nRssFile:\t500 kB\nRssShmem:\t100 kB\n\
             VmData:\t700 kB\nVmStk:\t132 kB\nVmExe:\t4 kB\nVmLib:\t4 kB\nVmPTE:\t52 kB\n\
             VmSwap:\t8 kB\nThreads:\t3\n"
        );
        self.file(format!("{id}/stat"), stat)
            .file(format!("{id}/status"), status)
    }

    /// The system whose proc root the tree is.
    pub fn as_proc(&self) -> System {
        System::builder()
            .proc_root(self.path())
            .sys_root(self.path().join("no sys here"))
            .build()
    }

    /// The system whose `proc` and `sys` are in the tree, and whose files are, too.
    pub fn as_machine(&self) -> System {
        System::builder()
            .proc_root(self.path().join("proc"))
            .sys_root(self.path().join("sys"))
            .file_root(self.path())
            .build()
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    fn place(&self, path: &Path) -> PathBuf {
        let place = self.path().join(path);
        std::fs::create_dir_all(place.parent().expect("below the tree")).expect("a directory");
        place
    }
}
