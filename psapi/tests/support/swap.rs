//! The machine's page files: one that a test adds, and none that another test adds meanwhile.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::fs::FlockOperation;

/// While it lives no other test changes the page files.
pub struct Settled {
    _lock: fs::File,
}

impl Settled {
    pub fn as_they_are() -> Self {
        Settled::locked(FlockOperation::LockShared).expect("page files are listed")
    }

    /// `None`: this machine has some.
    pub fn none() -> Option<Self> {
        let settled = Settled::as_they_are();
        let listed = fs::read_to_string(LIST).expect("page files are listed");
        (listed.lines().count() <= 1).then_some(settled)
    }

    fn locked(how: FlockOperation) -> Option<Self> {
        let list = fs::File::open(LIST).ok()?;
        rustix::fs::flock(&list, how).ok()?;
        Some(Settled { _lock: list })
    }
}

const LIST: &str = "/proc/swaps";

/// A page file, in RAM (zram); it is gone when dropped.
pub struct Swap {
    pub path: PathBuf,
    number: String,
    is_on: bool,
    _lock: Settled,
}

impl Swap {
    const CONTROL: &str = "/sys/class/zram-control";

    /// `None`: none can be had.
    pub fn on(bytes: u64) -> Option<Self> {
        let lock = Settled::locked(FlockOperation::LockExclusive)?;
        // To read the file is to make a device.
        let number = fs::read_to_string(format!("{}/hot_add", Self::CONTROL)).ok()?;
        let number = number.trim().to_owned();
        let mut swap = Swap {
            path: format!("/dev/zram{number}").into(),
            number,
            is_on: false,
            _lock: lock,
        };
        fs::write(swap.setting("disksize"), bytes.to_string()).ok()?;
        swap.run("mkswap")?;
        swap.run("swapon")?;
        swap.is_on = true;
        Some(swap)
    }

    fn setting(&self, name: &str) -> String {
        format!("/sys/block/zram{}/{name}", self.number)
    }

    fn run(&self, program: &str) -> Option<()> {
        let mut command = Command::new(program);
        command
            .arg(&self.path)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().ok()?.success().then_some(())
    }
}

impl Drop for Swap {
    fn drop(&mut self) {
        if self.is_on {
            let _ = self.run("swapoff");
        }
        // Who looks at new devices may hold it open for a moment.
        for _ in 0..500 {
            let _ = fs::write(self.setting("reset"), "1");
            if fs::write(format!("{}/hot_remove", Self::CONTROL), &self.number).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        eprintln!("{} could not be removed", self.path.display());
    }
}
