//! Changes to the machine itself: settings and loaded drivers. Each is undone on drop.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::FlockOperation;

use crate::privilege::is_root;

/// A lock. While it is held, no other test changes the machine.
///
/// Tests that only read the machine's state don't take the lock. Nextest runs the tests that change
/// it alone: see `.config/nextest.toml`.
pub struct MachineLock {
    _lock: fs::File,
}

impl MachineLock {
    /// Waits for the lock.
    pub fn acquire() -> Self {
        let file = fs::File::open("/proc/modules")
            .or_else(|_| fs::File::open("/proc/sys/kernel/osrelease"))
            .expect("open a file to lock");
        rustix::fs::flock(&file, FlockOperation::LockExclusive).expect("lock the machine");
        MachineLock { _lock: file }
    }
}

/// A setting of the machine, restored on drop.
pub struct Setting<'a> {
    path: PathBuf,
    before: String,
    _lock: &'a MachineLock,
}

impl<'a> Setting<'a> {
    /// Opens a setting. Returns `None` if the kernel lacks it or the caller cannot write it.
    pub fn open(lock: &'a MachineLock, path: impl Into<PathBuf>) -> Option<Self> {
        let path = path.into();
        fs::OpenOptions::new().write(true).open(&path).ok()?;
        let before = fs::read_to_string(&path).ok()?;
        Some(Setting {
            path,
            before: before.trim().to_owned(),
            _lock: lock,
        })
    }

    /// Changes the value.
    pub fn set(&self, value: impl ToString) {
        let value = value.to_string();
        fs::write(&self.path, &value).expect("write the setting");
        let now = fs::read_to_string(&self.path).expect("read the setting");
        assert_eq!(now.trim(), value, "{}", self.path.display());
    }
}

impl Drop for Setting<'_> {
    fn drop(&mut self) {
        if let Err(error) = fs::write(&self.path, &self.before) {
            eprintln!("cannot restore {}: {error}", self.path.display());
        }
    }
}

/// A driver that can be loaded and unloaded.
pub struct Driver<'a> {
    /// The name of its kernel module.
    pub name: &'static str,
    was_loaded: bool,
    _lock: &'a MachineLock,
}

impl<'a> Driver<'a> {
    /// Loads a driver. Returns `None` if the machine lacks it or the caller cannot load it.
    pub fn load(lock: &'a MachineLock, name: &'static str) -> Option<Self> {
        if !is_root() {
            return None;
        }
        let was_loaded = is_loaded(name);
        if !was_loaded {
            run_quietly("modprobe", &[name.as_ref()])?;
        }
        is_loaded(name).then_some(Driver {
            name,
            was_loaded,
            _lock: lock,
        })
    }

    /// Unloads the driver.
    pub fn unload(&self) -> Option<()> {
        run_quietly("rmmod", &[self.name.as_ref()])
    }

    /// Loads the driver again after an unload.
    pub fn reload(&self) -> Option<()> {
        run_quietly("modprobe", &[self.name.as_ref()])
    }
}

impl Drop for Driver<'_> {
    fn drop(&mut self) {
        let restored = match (self.was_loaded, is_loaded(self.name)) {
            (true, false) => self.reload(),
            (false, true) => self.unload(),
            _ => Some(()),
        };
        if restored.is_none() {
            eprintln!("cannot restore the driver {}", self.name);
        }
    }
}

/// Returns true if the kernel lists a driver as loaded.
pub fn is_loaded(name: &str) -> bool {
    let text = fs::read_to_string("/proc/modules").unwrap_or_default();
    text.lines()
        .any(|line| line.split(' ').next() == Some(name))
}

/// Runs a program without its output. Returns `None` if it fails.
pub fn run_quietly(program: &str, arguments: &[&OsStr]) -> Option<()> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().ok()?.success().then_some(())
}

/// Returns the directory of the running kernel's drivers.
pub fn drivers_directory() -> PathBuf {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("read the release");
    Path::new("/lib/modules").join(release.trim())
}

/// Finds the file of a driver by its name among the files in [`drivers_directory`].
pub fn driver_file(name: &str) -> Option<PathBuf> {
    fn find(directory: &Path, name: &str) -> Option<PathBuf> {
        let entries = fs::read_dir(directory).ok()?.flatten();
        entries.into_iter().find_map(|entry| {
            let (path, file) = (entry.path(), entry.file_name());
            if entry.file_type().ok()?.is_dir() {
                return find(&path, name);
            }
            let (base, end) = file.to_str()?.split_once('.')?;
            let is_driver = end == "ko" || end.starts_with("ko.");
            (is_driver && base.replace('-', "_") == name).then_some(path)
        })
    }
    find(&drivers_directory(), &name.replace('-', "_"))
}
