//! A guest: QEMU with a kernel, whose test output comes on a serial port of its own.

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

/// A guest that says nothing for so long has hung: each test that takes a minute is told of.
const SILENCE: Duration = Duration::from_secs(300);

/// Memory, in MiB, and processors.
const MEMORY: &str = "1024";
const PROCESSORS: &str = "2";

/// An old one: what newer ones can do takes longer to emulate, and no test asks for it.
const PROCESSOR: &str = "Nehalem";

/// What keeps processors from leaking secrets changes no answer here, and makes emulation slow.
/// Files of the first file system count as files, not as shared memory as those of a tmpfs do.
const COMMAND_LINE: &str = "console=ttyS0 panic=-1 quiet mitigations=off rootfstype=ramfs";

/// The size of the disk for temporary files, which takes up what is used of it.
const DISK: u64 = 4 << 30;

/// What a guest told of what it ran.
#[derive(Debug, Default)]
pub struct Told {
    /// The exit codes, by what had run. What is not there has not ended: QEMU's own exit code proves
    /// nothing, since a guest whose kernel has panicked exits with 0.
    pub codes: BTreeMap<String, i32>,
    /// What it ran last.
    step: String,
    /// The tests that failed, by what had run.
    pub failed: BTreeMap<String, BTreeSet<String>>,
}

/// Boots a kernel and hands on what it says, line by line, until it is turned off.
pub fn run(kernel: &Kernel, initramfs: &Path, console: &Path, share: &Share) -> Result<Told> {
    let mut qemu = Command::new(QEMU);
    // Software emulation, said explicitly: the /dev/kvm of a machine that is a guest itself may not do.
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
        let told = listen(&mut child);
        ended.store(true, Ordering::Relaxed);
        server.join().expect("no panic")?;
        told
    })
}

/// A disk with a file system on it: temporary files are on none elsewhere than in memory otherwise.
fn disk() -> Result<NamedTempFile> {
    let disk = NamedTempFile::new()?;
    disk.as_file().set_len(DISK)?;
    let mut make = Command::new("mkfs.ext4");
    make.arg("-q").arg(disk.path());
    ensure!(run::succeeds(&mut make)?, "a disk for the guest");
    Ok(disk)
}

fn listen(child: &mut Child) -> Result<Told> {
    let output = child.stdout.take().context("a pipe")?;
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
    let mut told = Told::default();
    loop {
        match lines.recv_timeout(SILENCE) {
            Ok(line) => {
                told.hear(&line);
                println!("{line}");
            }
            Err(RecvTimeoutError::Timeout) => {
                println!(
                    "the guest has said nothing for {} s: it is turned off",
                    SILENCE.as_secs()
                );
                child.kill()?;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    child.wait()?;
    Ok(told)
}

impl Told {
    fn hear(&mut self, line: &str) {
        if let Some(step) = line.strip_prefix("== ") {
            match step.split_once(" ended: ") {
                Some((step, code)) => {
                    if let Ok(code) = code.parse() {
                        self.codes.insert(step.into(), code);
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

/// What nextest says of a test that passed or goes on. `LEAK`: it left a process behind that has its
/// output open.
const WELL: &[&str] = &["PASS", "LEAK", "SLOW", "SKIP", "TERMINATING"];

/// `STATUS [   1.234s] PACKAGE::BINARY TEST`, of a test that ended otherwise than well.
fn failed(line: &str) -> Option<&str> {
    let (status, rest) = line.trim_start().split_once(" [")?;
    let (_, test) = rest.split_once("s] ")?;
    let is_status = status
        .bytes()
        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-');
    (is_status && !WELL.contains(&status)).then_some(test)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_a_whole_line() {
        let mut told = Told::default();
        for line in [
            "== root",
            "== root ended: 100",
            "== nobody",
            "== nobody ended: ",
            " == nobody ended: 0",
        ] {
            told.hear(line);
        }
        assert_eq!(told.codes, BTreeMap::from([("root".into(), 100)]));
        assert!(told.failed.is_empty());
    }

    #[test]
    fn tests_that_failed_are_those_of_who_ran_them() {
        let mut told = Told::default();
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
            told.hear(line);
        }
        let of = |user: &str| Vec::from_iter(told.failed[user].clone());
        assert_eq!(of("root"), ["libpsapi::contract watch::second"]);
        let of_nobody = [
            "psapi::storm third",
            "psapi::watch fourth",
            "psapi::watch sixth",
        ];
        assert_eq!(of("nobody"), of_nobody);
    }
}
