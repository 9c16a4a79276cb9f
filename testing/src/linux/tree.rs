//! Made-up `/proc` and `/sys` file systems, as directory trees.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use psapi::System;
use tempfile::TempDir;

/// The `meminfo` of a machine with 24 GiB of memory, as in [`Tree::machine`].
pub const MEMINFO: &str = include_str!("meminfo");

/// A temporary directory tree that stands for `/proc`, or for a root with `proc` and `sys`.
pub struct Tree(TempDir);

impl Tree {
    /// Creates an empty tree.
    #[expect(clippy::new_without_default, reason = "creates a directory")]
    pub fn new() -> Self {
        Tree(crate::public_directory())
    }

    /// Creates a root whose `proc` has one process and a `meminfo`.
    pub fn machine() -> Self {
        Tree::new()
            .directory("proc/1")
            .file("proc/meminfo", MEMINFO)
    }

    /// Adds a directory and its parents.
    pub fn directory(self, path: impl AsRef<Path>) -> Self {
        std::fs::create_dir_all(self.path().join(path)).expect("create a directory of the tree");
        self
    }

    /// Adds a file and its parent directories.
    pub fn file(self, path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> Self {
        let path = self.with_parents(path.as_ref());
        std::fs::write(path, contents).expect("write a file of the tree");
        self
    }

    /// Adds a symbolic link and its parent directories.
    pub fn link(self, path: impl AsRef<Path>, target: impl AsRef<OsStr>) -> Self {
        let path = self.with_parents(path.as_ref());
        std::os::unix::fs::symlink(target.as_ref(), path).expect("create a link of the tree");
        self
    }

    /// Adds a sleeping process with `stat` and `status`, the files that every process has.
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

    /// Returns a system with the tree as its proc root and without a `/sys`.
    pub fn as_proc(&self) -> System {
        System::builder()
            .proc_root(self.path())
            .sys_root(self.path().join("no sys here"))
            .build()
    }

    /// Returns a system with the tree as its file root, and with the tree's `proc` and `sys`.
    pub fn as_machine(&self) -> System {
        System::builder()
            .proc_root(self.path().join("proc"))
            .sys_root(self.path().join("sys"))
            .file_root(self.path())
            .build()
    }

    /// Returns the root of the tree.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Returns the path of a file in the tree, after its parent directories are created.
    fn with_parents(&self, path: &Path) -> PathBuf {
        let path = self.path().join(path);
        let parent = path.parent().expect("a path in the tree");
        std::fs::create_dir_all(parent).expect("create a directory of the tree");
        path
    }
}
