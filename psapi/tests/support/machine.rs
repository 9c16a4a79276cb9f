//! Changes that tests make to the machine itself: its settings, and the drivers that are loaded. All
//! is as it was before when these are dropped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::FlockOperation;

use super::privilege::is_root;

/// While it lives no other test changes the machine. Those that only look at it are kept off by
/// nextest, which runs tests that have one of these alone: see `.config/nextest.toml`.
pub struct Alone {
    _lock: fs::File,
}

impl Alone {
    pub fn now() -> Self {
        let file = fs::File::open("/proc/modules")
            .or_else(|_| fs::File::open("/proc/sys/kernel/osrelease"))
            .expect("a file of the machine's");
        rustix::fs::flock(&file, FlockOperation::LockExclusive).expect("a lock");
        Alone { _lock: file }
    }
}

/// A setting of the machine's.
pub struct Setting<'a> {
    path: PathBuf,
    before: String,
    _alone: &'a Alone,
}

impl<'a> Setting<'a> {
    /// `None`: the kernel has no such setting, or not for this user.
    pub fn of(alone: &'a Alone, path: impl Into<PathBuf>) -> Option<Self> {
        let path = path.into();
        fs::OpenOptions::new().write(true).open(&path).ok()?;
        let before = fs::read_to_string(&path).ok()?;
        Some(Setting {
            path,
            before: before.trim().to_owned(),
            _alone: alone,
        })
    }

    pub fn set(&self, value: impl ToString) {
        let value = value.to_string();
        fs::write(&self.path, &value).expect("root may set it");
        let now = fs::read_to_string(&self.path).expect("a setting");
        assert_eq!(now.trim(), value, "{}", self.path.display());
    }
}

impl Drop for Setting<'_> {
    fn drop(&mut self) {
        if let Err(error) = fs::write(&self.path, &self.before) {
            eprintln!("{} stays changed: {error}", self.path.display());
        }
    }
}

/// A driver that can be loaded and unloaded.
pub struct Driver<'a> {
    pub name: &'static str,
    was_loaded: bool,
    _alone: &'a Alone,
}

impl<'a> Driver<'a> {
    /// Loads it. `None`: there is no such driver here, or not for this user.
    pub fn load(alone: &'a Alone, name: &'static str) -> Option<Self> {
        if !is_root() {
            return None;
        }
        let was_loaded = is_loaded(name);
        if !was_loaded {
            run("modprobe", &[name.as_ref()])?;
        }
        is_loaded(name).then_some(Driver {
            name,
            was_loaded,
            _alone: alone,
        })
    }

    pub fn unload(&self) -> Option<()> {
        run("rmmod", &[self.name.as_ref()])
    }

    /// Loads it again.
    pub fn reload(&self) -> Option<()> {
        run("modprobe", &[self.name.as_ref()])
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
            eprintln!("the driver {} stays changed", self.name);
        }
    }
}

/// Whether the kernel lists a driver as loaded.
pub fn is_loaded(name: &str) -> bool {
    let text = fs::read_to_string("/proc/modules").unwrap_or_default();
    text.lines()
        .any(|line| line.split(' ').next() == Some(name))
}

/// Runs a program without its output; whether it succeeded.
pub fn run(program: &str, arguments: &[&std::ffi::OsStr]) -> Option<()> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().ok()?.success().then_some(())
}

/// The directory of the running kernel's drivers.
pub fn drivers_directory() -> PathBuf {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("a release");
    Path::new("/lib/modules").join(release.trim())
}

/// The file of a driver, found by its name among all files.
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
