//! Mounts of `/proc`, and directory trees that stand for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::{public_directory, skip};

/// A second mount of `/proc`, with a mount option. It is unmounted on drop.
pub struct ProcMount(TempDir);

impl ProcMount {
    /// Mounts `/proc`. Returns `None`, and skips, if the mount fails.
    pub fn new(option: &str) -> Option<Self> {
        let directory = public_directory();
        let mounted = Command::new("mount")
            .args(["-t", "proc", "-o", option, "proc"])
            .arg(directory.path())
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(ProcMount(directory));
        }
        skip(&format!("cannot mount /proc with {option}"));
        None
    }

    /// Returns arguments with the options that select this mount.
    pub fn arguments(&self, arguments: &[&str]) -> Vec<String> {
        let root = self.0.path().to_str().expect("UTF-8");
        let options = ["--proc-root", root];
        arguments
            .iter()
            .chain(&options)
            .map(|&argument| argument.to_owned())
            .collect()
    }
}

impl Drop for ProcMount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

/// A made-up `/proc`, as a directory tree.
pub struct ProcTree(TempDir);

impl ProcTree {
    /// Creates an empty tree.
    #[expect(clippy::new_without_default, reason = "creates a directory")]
    pub fn new() -> Self {
        ProcTree(tempfile::tempdir().expect("create a temporary directory"))
    }

    /// Returns the root of the tree.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Returns the options that select this tree.
    pub fn options(&self) -> [String; 2] {
        [
            "--proc-root".into(),
            self.path().to_str().expect("UTF-8").into(),
        ]
    }

    /// Writes a file and creates its parent directories.
    pub fn write(&self, file: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().expect("a path in the tree"))
            .expect("create a directory of the tree");
        fs::write(&path, text).expect("write a file of the tree");
        path
    }

    /// Adds a process with `kib` KiB of resident memory.
    pub fn process(&self, pid: u32, parent: u32, name: &[u8], kib: u64) {
        self.stat(pid, parent, name, 0x40_0000);
        let memory: String = [
            ("VmPeak", 9000 + kib),
            ("VmSize", 8000 + kib),
            ("VmLck", 0),
            ("VmPin", 0),
            ("VmHWM", kib + 4),
            ("VmRSS", kib),
            ("RssAnon", kib),
            ("RssFile", 0),
            ("RssShmem", 0),
            ("VmData", 500),
            ("VmStk", 12),
            ("VmExe", 4),
            ("VmLib", 4),
            ("VmPTE", 40),
            ("VmSwap", 0),
        ]
        .map(|(name, kib)| format!("{name}:\t{kib:8} kB\n"))
        .concat();
        self.write(
            &format!("{pid}/status"),
            format!(
                "Name:\tx\nTgid:\t{pid}\nUid:\t4000000\t4000001\t0\t0\nGid:\t7\t8\t0\t0\n\
                 {memory}Threads:\t3\n"
            ),
        );
    }

    /// Adds a kernel thread, which has no memory.
    pub fn kernel_thread(&self, pid: u32, parent: u32, name: &[u8]) {
        self.stat(pid, parent, name, 0x20_0040);
        self.write(
            &format!("{pid}/status"),
            format!("Name:\tx\nTgid:\t{pid}\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nThreads:\t1\n"),
        );
    }

    /// Writes the `stat` file of a process.
    pub fn stat(&self, pid: u32, parent: u32, name: &[u8], flags: u32) {
        let head = format!("{pid} (");
        let tail = format!(
            ") S {parent} {pid} {pid} 0 -1 {flags} 1234 0 5 0 150 50 0 0 20 0 3 0 100 0 0 0\n"
        );
        let line = [head.as_bytes(), name, tail.as_bytes()].concat();
        self.write(&format!("{pid}/stat"), line);
    }
}
