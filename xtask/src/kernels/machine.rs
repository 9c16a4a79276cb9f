//! A guest: QEMU with a kernel. The output of the tests has a serial port of its own, apart from
//! the kernel's console.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tempfile::NamedTempFile;

use super::kernel::Kernel;
use super::share::Share;
use crate::run;

pub const QEMU: &str = "qemu-system-x86_64";

/// A guest without output for this long has hung: nextest reports every test that takes a minute.
const SILENCE_LIMIT: Duration = Duration::from_secs(300);

/// Memory in MiB.
const MEMORY: &str = "1024";
const PROCESSORS: &str = "2";

/// An old model: newer instructions take longer to emulate, and no test needs them.
const PROCESSOR: &str = "Nehalem";

/// Mitigations of processor bugs slow emulation down and affect no test. In a ramfs, mapped files
/// count as files; in a tmpfs they would count as shared memory.
const COMMAND_LINE: &str = "console=ttyS0 panic=-1 quiet mitigations=off rootfstype=ramfs";

/// The size in bytes of the disk for temporary files. Its file is sparse.
const DISK: u64 = 4 << 30;

/// The steps that a guest ran, and the tests that failed.
#[derive(Debug, Default)]
pub struct GuestLog {
    /// The exit code of each step that ended. QEMU's own exit code proves nothing: it is 0 even
    /// after a kernel panic.
    pub exit_codes: BTreeMap<String, i32>,
    /// The step that began last.
    step: String,
    /// The failed tests of each step.
    pub failed: BTreeMap<String, BTreeSet<String>>,
}

/// Boots a kernel and prints the guest's output until it is turned off.
pub fn run(kernel: &Kernel, initramfs: &Path, console: &Path, share: &Share) -> Result<GuestLog> {
    let mut qemu = Command::new(QEMU);
    // Software emulation: if this machine is itself a guest, its /dev/kvm might not work.
    qemu.args([
        "-accel", "tcg", "-cpu", PROCESSOR, "-m", MEMORY, "-smp", PROCESSORS,
    ]);
    qemu.args(["-nodefaults", "-display", "none", "-no-reboot"]);
    qemu.arg("-kernel")
        .arg(&kernel.image)
        .arg("-initrd")
        .arg(initramfs);
    qemu.args(["-append", COMMAND_LINE]);
    let mut serial = std::ffi::OsString::from("file:");
    serial.push(console);
    qemu.arg("-serial").arg(serial).args(["-serial", "stdio"]);
    let mut directory = std::ffi::OsString::from("local,mount_tag=host,security_model=none,path=");
    directory.push(share.path());
    qemu.arg("-virtfs").arg(directory);
    let disk = disk()?;
    let mut drive = std::ffi::OsString::from("if=virtio,format=raw,file=");
    drive.push(disk.path());
    qemu.arg("-drive").arg(drive);
    let mut child = qemu
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context(QEMU)?;

    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let server = scope.spawn(|| share.serve(&ended));
        let log = read_output(&mut child);
        ended.store(true, Ordering::Relaxed);
        server.join().expect("the server does not panic")?;
        log
    })
}

/// Creates a disk with a file system. Without it, the guest's temporary files would be in memory.
fn disk() -> Result<NamedTempFile> {
    let disk = NamedTempFile::new()?;
    disk.as_file().set_len(DISK)?;
    let mut make = Command::new("mkfs.ext4");
    make.arg("-q").arg(disk.path());
    ensure!(
        run::succeeds(&mut make)?,
        "cannot create a disk for the guest"
    );
    Ok(disk)
}

/// Prints the guest's output, and collects its steps and failed tests.
fn read_output(child: &mut Child) -> Result<GuestLog> {
    let output = child.stdout.take().context("QEMU has no standard output")?;
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while output
            .read_until(b'\n', &mut line)
            .is_ok_and(|length| length > 0)
        {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            if sender.send(text).is_err() {
                break;
            }
        }
    });
    let mut log = GuestLog::default();
    loop {
        match lines.recv_timeout(SILENCE_LIMIT) {
            Ok(line) => {
                log.read_line(&line);
                println!("{line}");
            }
            Err(RecvTimeoutError::Timeout) => {
                println!(
                    "the guest has printed nothing for {} s: turning it off",
                    SILENCE_LIMIT.as_secs()
                );
                child.kill()?;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    child.wait()?;
    Ok(log)
}

impl GuestLog {
    fn read_line(&mut self, line: &str) {
        if let Some(step) = line.strip_prefix("== ") {
            match step.split_once(" ended: ") {
                Some((step, code)) => {
                    if let Ok(code) = code.parse() {
                        self.exit_codes.insert(step.into(), code);
                    }
                }
                None => self.step = step.into(),
            }
        } else if let Some(test) = failed(line) {
            let failed = self.failed.entry(self.step.clone()).or_default();
            failed.insert(test.into());
        }
    }
}

/// Nextest's statuses of tests that passed or still run. `LEAK` is a passed test with a child
/// process that keeps its output open.
const GOOD_STATUSES: &[&str] = &["PASS", "LEAK", "SLOW", "SKIP", "TERMINATING"];

/// Parses `STATUS [   1.234s] PACKAGE::BINARY TEST` and returns the test if it failed.
fn failed(line: &str) -> Option<&str> {
    let (status, rest) = line.trim_start().split_once(" [")?;
    let (_, test) = rest.split_once("s] ")?;
    let is_status = status
        .bytes()
        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-');
    (is_status && !GOOD_STATUSES.contains(&status)).then_some(test)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_whole_lines() {
        let mut log = GuestLog::default();
        for line in [
            "== root",
            "== root ended: 100",
            "== nobody",
            "== nobody ended: ",
            " == nobody ended: 0",
        ] {
            log.read_line(line);
        }
        assert_eq!(log.exit_codes, BTreeMap::from([("root".into(), 100)]));
        assert!(log.failed.is_empty());
    }

    #[test]
    fn failures_belong_to_their_step() {
        let mut log = GuestLog::default();
        for line in [
            "== root",
            "        PASS [   0.019s] psapi::watch first",
            "        FAIL [   1.972s] libpsapi::contract watch::second",
            "== root ended: 100",
            "== nobody",
            "        SLOW [> 60.000s] psapi::storm third",
            "        LEAK [   0.201s] psapi::watch fifth",
            "   LEAK-FAIL [   0.201s] psapi::watch sixth",
            "     SIGSEGV [   0.005s] psapi::watch fourth",
            "     TIMEOUT [ 240.000s] psapi::storm third",
            "     Summary [ 112.713s] 602 tests run: 598 passed, 4 failed, 0 skipped",
            "[  156.191055] RAX: 0000000000000000",
        ] {
            log.read_line(line);
        }
        let failed = |user: &str| Vec::from_iter(log.failed[user].clone());
        assert_eq!(failed("root"), ["libpsapi::contract watch::second"]);
        let unprivileged = [
            "psapi::storm third",
            "psapi::watch fourth",
            "psapi::watch sixth",
        ];
        assert_eq!(failed("nobody"), unprivileged);
    }
}
