//! Names of mapped files on file systems and below roots where a path alone is misleading.
//!
//! The kernel marks a deleted file by a suffix and writes a newline as `\012`. A file can have such
//! a name, so only its identity shows which one it is.

// The facts are Linux's. `address_space` has the tests for every system.
#![cfg(target_os = "linux")]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use psapi::{Backing, Fields, MappedFileKind, Process, ProcessId, System};
use tempfile::TempDir;

use testing::privilege::{is_root, unprivileged};
use testing::tree::Tree;
use testing::{Program, TestProcess, interfaces, programs, public_directory, skip};

/// A name, and whether the program deletes the file after it has mapped it.
const FILES: [(&str, bool); 6] = [
    ("live (deleted)", false),
    ("n\\012l", false),
    ("a\nb\\012c", false),
    ("\\012\n\\012 (deleted)", false),
    ("gone", true),
    ("gone too (deleted)", true),
];

/// Creates a file that every user can write to.
fn write_public(path: &Path) {
    fs::write(path, "content").unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
}

/// Creates the files, and a copy of the program, in a directory that every user can change.
fn fill(directory: &Path, program: &Program) {
    fs::set_permissions(directory, fs::Permissions::from_mode(0o777)).unwrap();
    for (name, _) in FILES {
        write_public(&directory.join(name));
    }
    fs::copy(&program.path, directory.join("subject")).unwrap();
}

/// Returns arguments that map the files in a directory.
fn arguments(directory: &Path) -> Vec<OsString> {
    let argument = |(name, deleted): (&str, bool)| {
        let mut argument = OsString::from(if deleted { "pd:" } else { "p:" });
        argument.push(directory.join(name));
        argument
    };
    FILES.map(argument).to_vec()
}

fn addresses(subject: &TestProcess) -> Vec<u64> {
    let words = subject.line.split_whitespace();
    words
        .map(|word| u64::from_str_radix(word, 16).unwrap())
        .collect()
}

/// Calls `check` for each interface: as the caller, and as the user of the process.
fn for_each_reader(id: ProcessId, check: impl Fn(&Process) + Sync) {
    let check_all = || {
        for system in interfaces::mapping_interfaces() {
            check(&system.process(id).unwrap());
        }
    };
    check_all();
    unprivileged(check_all);
}

/// Asserts that the process maps the files in a directory, by all methods.
fn assert_names(subject: &TestProcess, directory: &Path) {
    for_each_reader(subject.id(), |process| {
        assert_process_names(subject, process, directory);
    });
}

fn assert_process_names(subject: &TestProcess, process: &Process, directory: &Path) {
    let mappings = process.mappings().unwrap();
    for ((name, deleted), address) in FILES.into_iter().zip(addresses(subject)) {
        let path = directory.join(name);
        let file = process.mapped_file(address).unwrap().unwrap();
        assert_eq!(
            (file.kind, &file.path, file.deleted),
            (MappedFileKind::File, &path, deleted)
        );
        let mapping = mappings.iter().find(|mapping| mapping.start == address);
        let backing = Backing::File { path, deleted };
        assert_eq!(mapping.unwrap().backing, backing);
    }
}

/// Starts a shell script in a mount namespace of its own, and then a program. For root, the program
/// belongs to `nobody`. Returns `None` if the script fails.
fn start_in_namespace(
    script: &str,
    arguments: &[&OsStr],
    program: &[OsString],
) -> Option<TestProcess> {
    start_with(script, arguments, program, |is_root| match is_root {
        true => "setpriv --reuid 65534 --regid 65534 --clear-groups",
        false => "",
    })
}

/// Changes the root to the working directory and, for root, the user to `nobody`.
const AS_NOBODY_IN_ROOT: fn(bool) -> &'static str = |is_root| match is_root {
    true => "chroot --userspec=65534:65534 .",
    false => "chroot .",
};

/// Like [`start_in_namespace`]. `prefix` returns the words before the program, for root or another
/// user.
fn start_with(
    script: &str,
    arguments: &[&OsStr],
    program: &[OsString],
    prefix: impl Fn(bool) -> &'static str,
) -> Option<TestProcess> {
    let namespaces = if is_root() { "-m" } else { "-Urm" };
    let start = |last: &str| {
        let mut unshare = Command::new("unshare");
        let script = format!("set -e; {script}; {last}");
        unshare.args([namespaces, "sh", "-c", &script, "sh"]);
        unshare.args(arguments);
        unshare
    };
    let possible = start("true").output().expect("start unshare");
    if !possible.status.success() {
        eprintln!("{}", String::from_utf8_lossy(&possible.stderr));
        return None;
    }
    let last = format!(
        "shift {}; exec {} \"$@\"",
        arguments.len(),
        prefix(is_root())
    );
    Some(TestProcess::start(start(&last).args(program)))
}

/// Mounts an overlay of two file systems at `$1/merged`, above a copy of the directory `$2`.
const MOUNT_OVERLAY: &str = "mount -t tmpfs none \"$1\"; cd \"$1\"; mkdir lower upper merged; \
     mount -t tmpfs -o mode=777 none lower; mount -t tmpfs none upper; cp -p \"$2\"/* lower; \
     mkdir -m 777 upper/data; mkdir upper/work; \
     mount -t overlay -o lowerdir=lower,upperdir=upper/data,workdir=upper/work none merged";

const NO_OVERLAY: &str = "cannot mount an overlay";

/// The directory that is mounted, and the one that is copied to the overlay.
fn overlay_directories(program: &Program) -> (TempDir, TempDir) {
    let (mounted, files) = (public_directory(), public_directory());
    fill(files.path(), program);
    (mounted, files)
}

#[test]
fn overlay_files_have_their_names() {
    let program = Program::compile(programs::MAPS_FILES, &["-static"]);
    let (mounted, files) = overlay_directories(&program);
    let merged = mounted.path().join("merged");
    let mut command = vec![merged.join("subject").into_os_string()];
    command.extend(arguments(&merged));
    let directories = [mounted.path().as_os_str(), files.path().as_os_str()];
    let Some(subject) = start_in_namespace(MOUNT_OVERLAY, &directories, &command) else {
        return skip(NO_OVERLAY);
    };
    assert_names(&subject, &merged);
}

/// A file of a lower layer is copied to the upper one when it is first written.
#[test]
fn copied_up_file_has_its_name() {
    let program = Program::compile(programs::MAPS_FILES, &["-static"]);
    let (mounted, files) = overlay_directories(&program);
    let path = mounted.path().join("merged/live (deleted)");
    let mut argument = OsString::from("p:");
    argument.push(&path);
    let command = [mounted.path().join("merged/subject").into(), argument];
    let directories = [mounted.path().as_os_str(), files.path().as_os_str()];
    let Some(subject) = start_in_namespace(MOUNT_OVERLAY, &directories, &command) else {
        return skip(NO_OVERLAY);
    };
    let inside = PathBuf::from(format!("/proc/{}/root", subject.id()));
    let inside = inside.join(path.strip_prefix("/").unwrap());
    fs::write(inside, "new content").unwrap();
    let address = addresses(&subject)[0];
    for_each_reader(subject.id(), |process| {
        let file = process.mapped_file(address).unwrap().unwrap();
        assert_eq!((&file.path, file.deleted), (&path, false));
    });
}

/// A mounted file system, which is unmounted on drop.
struct Mounted(TempDir);

impl Mounted {
    fn new(arguments: &[&OsStr]) -> Option<Self> {
        let directory = public_directory();
        let mount = Command::new("mount")
            .args(arguments)
            .arg(directory.path())
            .output();
        mount.ok()?.status.success().then(|| Mounted(directory))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// Every subvolume has a device number of its own, which `maps` does not show.
#[test]
fn btrfs_files_have_their_names() {
    const NO_BTRFS: &str = "cannot mount btrfs: needs root, mkfs.btrfs and the driver";
    let directory = public_directory();
    let image = directory.path().join("image");
    fs::File::create(&image)
        .unwrap()
        .set_len(128 << 20)
        .unwrap();
    let made = Command::new("mkfs.btrfs").arg("-q").arg(&image).status();
    if !made.is_ok_and(|status| status.success()) {
        return skip(NO_BTRFS);
    }
    let options = ["-t", "btrfs", "-o", "loop"].map(OsStr::new);
    let Some(mounted) = Mounted::new(&[&options[..], &[image.as_os_str()]].concat()) else {
        return skip(NO_BTRFS);
    };
    let program = Program::compile(programs::MAPS_FILES, &["-static"]);
    fill(mounted.0.path(), &program);
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    command.arg(mounted.0.path().join("subject"));
    let subject = TestProcess::start(command.args(arguments(mounted.0.path())));
    assert_names(&subject, mounted.0.path());

    // Without access to the memory, the image is read from the file.
    let id = subject.id();
    let tree = ["stat", "status", "maps"]
        .iter()
        .fold(Tree::new(), |tree, name| {
            tree.file(format!("{id}/{name}"), testing::proc_file(id, name))
        });
    let tree = tree.link(format!("{id}/root"), "/");
    let executable = tree.as_proc().process(id).unwrap().executable().unwrap();
    assert!(executable.entry_point.is_some());
    assert_eq!(
        executable,
        System::new().process(id).unwrap().executable().unwrap()
    );
}

/// Starts a program in a new root, with the caller's mount namespace. For root, the program belongs
/// to `nobody`. Returns `None`, and skips, without the privilege.
fn start_in_root(root: &Path, command: &[OsString]) -> Option<TestProcess> {
    let start = || {
        if is_root() {
            let mut chroot = Command::new("chroot");
            chroot.arg("--userspec=65534:65534").arg(root);
            chroot
        } else {
            let mut unshare = Command::new("unshare");
            unshare.arg("-Ur").arg("chroot").arg(root);
            unshare
        }
    };
    let possible = start().arg("/subject").output();
    if !possible.is_ok_and(|output| output.status.success()) {
        skip("cannot change the root directory");
        return None;
    }
    Some(TestProcess::start(start().args(command)))
}

/// The kernel prints paths relative to the root of the reader.
#[test]
fn chrooted_files_have_their_names() {
    let program = Program::compile(programs::MAPS_FILES, &["-static"]);
    let root = public_directory();
    fill(root.path(), &program);
    let mut command = vec!["/subject".into()];
    command.extend(arguments("/".as_ref()));
    if let Some(subject) = start_in_root(root.path(), &command) {
        assert_names(&subject, root.path());
    }
}

/// Here, the paths start at the root of the other mount namespace.
#[test]
fn chroot_in_namespace_keeps_names() {
    let program = Program::compile(programs::MAPS_FILES, &["-static"]);
    let (mounted, files) = (public_directory(), public_directory());
    fill(files.path(), &program);
    let script = "mount -t tmpfs -o mode=777 none \"$1\"; cp -p \"$2\"/* \"$1\"; cd \"$1\"";
    let directories = [mounted.path().as_os_str(), files.path().as_os_str()];
    let mut command = vec!["/subject".into()];
    command.extend(arguments("/".as_ref()));
    let Some(subject) = start_with(script, &directories, &command, AS_NOBODY_IN_ROOT) else {
        return skip("cannot create a mount namespace");
    };
    assert_names(&subject, mounted.path());
}

/// The files are not below the root of the process.
#[test]
fn files_mapped_before_chroot_keep_names() {
    let program = Program::compile(programs::MAPS_FILES, &["-static"]);
    let (mounted, files) = (public_directory(), public_directory());
    fill(files.path(), &program);
    let script = "mount -t tmpfs -o mode=777 none \"$1\"; cp -p \"$2\"/* \"$1\"; mkdir \"$1/root\"";
    let directories = [mounted.path().as_os_str(), files.path().as_os_str()];
    let mut command = vec![mounted.path().join("subject").into_os_string()];
    command.extend(arguments(mounted.path()));
    let mut root = OsString::from("root:");
    root.push(mounted.path().join("root"));
    command.push(root);
    // The program needs the privilege to change its root.
    let Some(subject) = start_with(script, &directories, &command, |_| "") else {
        return skip("cannot create a mount namespace");
    };
    for system in interfaces::mapping_interfaces() {
        assert_process_names(
            &subject,
            &system.process(subject.id()).unwrap(),
            mounted.path(),
        );
    }
}

#[test]
fn chrooted_executable_has_its_name() {
    let program = Program::compile(programs::MAPS_FILES, &["-static"]);
    let root = public_directory();
    fill(root.path(), &program);
    let path = root.path().join("subject (deleted)");
    fs::copy(&program.path, &path).unwrap();
    let Some(subject) = start_in_root(root.path(), &["/subject (deleted)".into()]) else {
        return;
    };
    for_each_reader(subject.id(), |process| {
        let image = process.image_file().unwrap().unwrap();
        assert_eq!((&image.path, image.deleted), (&path, false));
        let executable = process.executable().unwrap();
        assert_eq!((&executable.path, executable.deleted), (&path, false));
        let capture = System::new().capture(Fields::IMAGE).unwrap();
        let image = capture.process(process.id()).unwrap().image.as_ref();
        assert_eq!(image.unwrap().path, path);
    });
    fs::remove_file(&path).unwrap();
    for_each_reader(subject.id(), |process| {
        let image = process.image_file().unwrap().unwrap();
        assert_eq!((&image.path, image.deleted), (&path, true));
    });
}

/// Mounts a file system with a copy of the directory `$2` as the root of the mount namespace.
const MOUNT_ROOT: &str =
    "mount -t tmpfs -o mode=777 none \"$1\"; cp -rp \"$2\"/* \"$1\"; cd \"$1\"";

/// Makes the working directory the root. In a guest, only `mount --move` can, and it does not
/// change the root of the shell. It requires root.
fn change_root() -> (&'static str, fn(bool) -> &'static str) {
    if is_root() {
        ("mount --move . /", AS_NOBODY_IN_ROOT)
    } else {
        ("mkdir old; pivot_root . old", |_| "")
    }
}

/// Files with the names that kernel objects have, and how they are mapped.
const OBJECT_NAMES: [&[(&str, &str)]; 2] = [
    &[
        ("/dev/zero", "p"),
        ("/dev/zero", "s"),
        ("/memfd:a", "p"),
        ("/memfd:b", "sd"),
        ("/memfd:c (deleted)", "s"),
        ("/SYSV0000002a", "sd"),
        ("/anon_hugepage", "sd"),
        ("/secretmem", "sd"),
        ("/[aio]", "sd"),
        ("/dmabuf:", "s"),
        ("/drm mm object", "sd"),
    ],
    &[("/dev/zero", "pd"), ("/anon_hugepage", "pd")],
];

#[test]
fn files_named_like_memory_are_files() {
    let program = Program::compile(programs::MAPS_FILES, &["-static"]);
    for names in OBJECT_NAMES {
        let (mounted, files) = (public_directory(), public_directory());
        fill(files.path(), &program);
        let inside = |path: &str| files.path().join(&path[1..]);
        fs::create_dir(inside("/dev")).unwrap();
        fs::set_permissions(inside("/dev"), fs::Permissions::from_mode(0o777)).unwrap();
        let mut command = vec!["/subject".into()];
        for (path, how) in names {
            write_public(&inside(path));
            command.push(format!("{how}:{path}").into());
        }
        let directories = [mounted.path().as_os_str(), files.path().as_os_str()];
        let (script, prefix) = change_root();
        let script = format!("{MOUNT_ROOT}; {script}");
        let subject = start_with(&script, &directories, &command, prefix);
        let Some(subject) = subject else {
            return skip("cannot create a mount namespace");
        };
        let addresses = addresses(&subject);
        for_each_reader(subject.id(), |process| {
            let mappings = process.mappings().unwrap();
            for (&(path, how), &address) in names.iter().zip(&addresses) {
                let (path, deleted) = (PathBuf::from(path), how.contains('d'));
                let file = process.mapped_file(address).unwrap();
                let file = file.unwrap_or_else(|| panic!("{path:?} {how}"));
                assert_eq!(
                    (file.kind, &file.path, file.deleted),
                    (MappedFileKind::File, &path, deleted)
                );
                let mapping = mappings.iter().find(|mapping| mapping.start == address);
                assert_eq!(mapping.unwrap().backing, Backing::File { path, deleted });
            }
        });
    }
}

#[test]
fn secret_memory_is_no_file() {
    let program = Program::compile(programs::SECRET_MEMORY, &[]);
    let subject = program.start();
    let address = addresses(&subject)[0];
    if address == 0 {
        return skip("the kernel lacks memfd_secret");
    }
    for system in interfaces::mapping_interfaces() {
        let process = system.process(subject.id()).unwrap();
        let file = process.mapped_file(address + 1).unwrap().unwrap();
        let kind = MappedFileKind::SharedMemory;
        assert_eq!(
            (file.kind, file.deleted, file.offset),
            (kind, false, Some(1))
        );
        let mappings = process.mappings().unwrap();
        let mapping = mappings.iter().find(|mapping| mapping.start == address);
        let name = "/secretmem".into();
        assert_eq!(mapping.unwrap().backing, Backing::Kernel { name });
    }
}
