//! Finds FUSE file systems that do not respond.
//!
//! A thread that waits for the server of a FUSE file system cannot be killed once the server has
//! read the request. A process with such a thread never ends. The first access to each of these
//! file systems is therefore made by another process.

use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use psapi::{Location, ProcessId, System};

/// The first argument of the process that accesses a file; the paths of the file follow.
const FIRST_ARGUMENT: &str = "__access";

/// The time within which a file system has to respond.
const TIME_LIMIT: Duration = Duration::from_secs(1);

/// The device number of a file system: major and minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Device(u32, u32);

impl Device {
    /// Returns the device of the mapped file at a location.
    pub fn of(location: &Location<'_>) -> Option<Self> {
        let file = location.mapping.file?;
        Some(Device(file.major, file.minor))
    }
}

/// The file systems that were checked so far.
#[derive(Debug)]
pub struct FileSystems {
    proc_root: PathBuf,
    /// Whether a file system responds, by device.
    known: HashMap<Device, bool>,
}

impl FileSystems {
    pub fn new(system: &System) -> Self {
        FileSystems {
            proc_root: system.proc_root().to_owned(),
            known: HashMap::new(),
        }
    }

    /// Returns false if a file system is known not to respond, or if it is a FUSE file system that
    /// does not. `location` is a mapping of one of its files in a process.
    pub fn responds(
        &mut self,
        device: Device,
        process: ProcessId,
        location: &Location<'_>,
    ) -> bool {
        if let Some(&responds) = self.known.get(&device) {
            return responds;
        }
        // Reading the mounts does not access the file systems.
        let mounts = std::fs::read_to_string(self.of(process).join("mountinfo"));
        if is_fuse(device, &mounts.unwrap_or_default()) {
            return self.access(device, process, location);
        }
        self.known.insert(device, true);
        true
    }

    /// Lets another process access a file system of any type. Returns false if it does not respond.
    pub fn access(&mut self, device: Device, process: ProcessId, location: &Location<'_>) -> bool {
        if self.known.get(&device) == Some(&false) {
            return false;
        }
        // Without a process, the answer is unknown, and a later access can find it out.
        let Some(responds) = responds_to_access(&self.of(process), location) else {
            return false;
        };
        self.known.insert(device, responds);
        responds
    }

    fn of(&self, process: ProcessId) -> PathBuf {
        self.proc_root.join(process.to_string())
    }
}

/// Returns true if a device is a FUSE file system, according to `mountinfo`.
fn is_fuse(device: Device, mounts: &str) -> bool {
    let number = format!("{}:{}", device.0, device.1);
    mounts.lines().any(|line| {
        let kind = line
            .split(" - ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next());
        line.split(' ').nth(2) == Some(&number)
            && kind.is_some_and(|kind| {
                kind == "fuse"
                    || kind == "fuseblk"
                    || kind == "virtiofs"
                    || kind.starts_with("fuse.")
            })
    })
}

/// Lets another process access a mapped file. Returns false if that takes too long, and `None` if
/// the process cannot be started.
fn responds_to_access(process: &Path, location: &Location<'_>) -> Option<bool> {
    let mapping = location.mapping;
    let mut command = Command::new("/proc/self/exe");
    command.arg(FIRST_ARGUMENT);
    command.arg(process.join(format!("map_files/{:x}-{:x}", mapping.start, mapping.end)));
    if let Some(path) = mapping
        .backing
        .path()
        .and_then(|path| path.strip_prefix("/").ok())
    {
        command.arg(process.join("root").join(path));
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let id = child.id();
    let (sender, ended) = mpsc::channel();
    // This thread also reaps the process, however late it ends.
    let waiting = thread::Builder::new().spawn(move || {
        let _ = child.wait();
        let _ = sender.send(());
    });
    let responds = waiting.map(|_| ended.recv_timeout(TIME_LIMIT).is_ok());
    if !matches!(responds, Ok(true))
        && let Ok(id) = i32::try_from(id)
    {
        let _ = kill(Pid::from_raw(id), Signal::SIGKILL);
    }
    responds.ok()
}

/// Accesses a file if this process was started for that. Returns `None` if it was not.
pub fn run() -> Option<u8> {
    let mut arguments = env::args_os().skip(1);
    if arguments.next()? != FIRST_ARGUMENT {
        return None;
    }
    let opened = |path: OsString| File::open(path).ok();
    if let Some(mut file) = arguments.find_map(opened) {
        let _ = file.read(&mut [0]);
    }
    Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fuse_is_recognized_by_type() {
        let mounts = "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n\
                      40 22 0:45 / /mnt/a\\040b rw - fuse.sshfs host:/ rw,user_id=0\n\
                      41 22 0:46 / /mnt/c rw shared:7 - fusectl fusectl rw\n";
        assert!(is_fuse(Device(0, 45), mounts));
        assert!(!is_fuse(Device(0, 46), mounts));
        assert!(!is_fuse(Device(254, 1), mounts));
        assert!(!is_fuse(Device(0, 4), mounts));
    }
}
