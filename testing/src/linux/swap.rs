//! Page files: one that a test adds, and a lock that keeps other tests from adding any.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::fs::FlockOperation;

const SWAPS: &str = "/proc/swaps";

/// A lock on `/proc/swaps`. While it is held, no other test changes the page files.
pub struct SwapState {
    _lock: fs::File,
}

impl SwapState {
    /// Takes a shared lock.
    pub fn lock() -> Self {
        SwapState::locked(FlockOperation::LockShared).expect("lock /proc/swaps")
    }

    /// Like [`lock`](Self::lock), but returns `None` if the machine has page files.
    pub fn without_swap() -> Option<Self> {
        let state = SwapState::lock();
        let swaps = fs::read_to_string(SWAPS).expect("read /proc/swaps");
        (swaps.lines().count() <= 1).then_some(state)
    }

    fn locked(operation: FlockOperation) -> Option<Self> {
        let swaps = fs::File::open(SWAPS).ok()?;
        rustix::fs::flock(&swaps, operation).ok()?;
        Some(SwapState { _lock: swaps })
    }
}

/// A page file in compressed RAM (zram). It is removed on drop.
pub struct Swap {
    /// The block device.
    pub path: PathBuf,
    number: String,
    is_on: bool,
    _lock: SwapState,
}

impl Swap {
    const CONTROL: &str = "/sys/class/zram-control";

    /// Adds a page file. Returns `None` without the privilege, zram or util-linux.
    pub fn on(bytes: u64) -> Option<Self> {
        let lock = SwapState::locked(FlockOperation::LockExclusive)?;
        // Reading `hot_add` creates a device and returns its number.
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
        // Programs that inspect new devices can hold this one open for a moment.
        for _ in 0..500 {
            let _ = fs::write(self.setting("reset"), "1");
            if fs::write(format!("{}/hot_remove", Self::CONTROL), &self.number).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        eprintln!("cannot remove {}", self.path.display());
    }
}
