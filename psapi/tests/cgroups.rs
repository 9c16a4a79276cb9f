//! Control groups of processes that have exited, and groups with odd names.

// Only Linux has control groups.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use psapi::{Cgroup, Fields, System};
use tempfile::TempDir;

use testing::{Program, TestProcess, programs, skip};

/// A mount of the unified hierarchy, as `fs/cgroup` of a directory that stands for `/sys`.
struct Hierarchy {
    sys: TempDir,
    groups: Vec<PathBuf>,
}

impl Hierarchy {
    /// Mounts the hierarchy. Returns `None`, and skips, if that fails.
    fn mount() -> Option<Self> {
        let sys = testing::public_directory();
        let mount_point = sys.path().join("fs/cgroup");
        fs::create_dir_all(&mount_point).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "cgroup2", "none"])
            .arg(&mount_point)
            .output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            skip("cannot mount cgroup2: needs root");
            return None;
        }
        Some(Hierarchy {
            sys,
            groups: Vec::new(),
        })
    }

    /// Creates a group below the root, and returns its directory.
    fn create(&mut self, path: &str) -> PathBuf {
        let mut directory = self.sys.path().join("fs/cgroup");
        for name in path.split('/') {
            directory.push(name);
            if fs::create_dir(&directory).is_ok() {
                self.groups.push(directory.clone());
            }
        }
        directory
    }

    fn system(&self) -> System {
        System::builder().sys_root(self.sys.path()).build()
    }
}

impl Drop for Hierarchy {
    fn drop(&mut self) {
        for group in self.groups.iter().rev() {
            let _ = fs::remove_dir(group);
        }
        let mount_point = self.sys.path().join("fs/cgroup");
        let _ = Command::new("umount").arg(mount_point).status();
    }
}

/// Returns the line of the unified hierarchy, as the kernel writes it.
fn kernel_path(subject: &TestProcess) -> String {
    let text = String::from_utf8(testing::proc_file(subject.id(), "cgroup")).unwrap();
    let mut lines = text.lines();
    let path = lines.find_map(|line| line.strip_prefix("0::"));
    path.unwrap().to_owned()
}

/// Returns the control groups, which all calls report alike.
fn cgroup(system: &System, subject: &TestProcess) -> Cgroup {
    let process = system.process(subject.id()).unwrap();
    let cgroup = process.cgroup().unwrap();
    let status = process.status(Fields::CGROUP).unwrap();
    assert_eq!(status.cgroup.as_ref(), Some(&cgroup));
    let capture = system.capture(Fields::CGROUP).unwrap();
    let status = capture.process(subject.id()).unwrap();
    assert_eq!(status.cgroup.as_ref(), Some(&cgroup));
    cgroup
}

/// Returns the path in the unified hierarchy, and whether the group is deleted.
fn unified(cgroup: &Cgroup) -> (&Path, bool) {
    let unified = cgroup.entries().find(|entry| entry.hierarchy == 0);
    let entry = unified.expect("the unified hierarchy");
    (entry.path, entry.deleted)
}

#[test]
fn zombie_keeps_removed_group() {
    let Some(mut hierarchy) = Hierarchy::mount() else {
        return;
    };
    let system = hierarchy.system();
    let program = Program::compile(programs::WAITS, &[]);
    let id = "0123456789abcdef".repeat(4);
    let container = format!("/psapi-test-docker-{}/{id}", std::process::id());
    let odd = format!("/psapi-test-{} (deleted)", std::process::id());
    for (path, container) in [(&container, Some(id.as_str())), (&odd, None)] {
        let group = hierarchy.create(&path[1..]);
        let mut subject = program.start();
        let joined = fs::write(group.join("cgroup.procs"), subject.id().to_string());
        joined.unwrap();
        let expected = kernel_path(&subject);
        assert!(expected.ends_with(path.as_str()), "{expected}");
        let expected = Path::new(&expected);

        assert_eq!(unified(&cgroup(&system, &subject)), (expected, false));
        subject.kill();
        assert_eq!(unified(&cgroup(&system, &subject)), (expected, false));
        fs::remove_dir(&group).unwrap();
        let marked = format!("{} (deleted)", expected.display());
        assert_eq!(kernel_path(&subject), marked);
        let found = cgroup(&system, &subject);
        assert_eq!(unified(&found), (expected, true));
        assert_eq!(found.path(), Some(expected));
        let found_id = found.container_id().map(|id| id.to_str().unwrap());
        assert_eq!(found_id, container);
    }
}
