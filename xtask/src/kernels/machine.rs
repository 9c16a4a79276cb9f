//! A guest: QEMU with a kernel, whose test output comes on a serial port of its own.

use std::collections::BTreeMap;
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

/// The exit codes that the guest told, by what had run. What is not there has not ended: QEMU's own exit
/// code proves nothing, since a guest whose kernel has panicked exits with 0.
pub type Codes = BTreeMap<String, i32>;

/// Boots a kernel and hands on what it says, line by line, until it is turned off.
pub fn run(kernel: &Kernel, initramfs: &Path, console: &Path, share: &Share) -> Result<Codes> {
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
        let codes = listen(&mut child);
        ended.store(true, Ordering::Relaxed);
        server.join().expect("no panic")?;
        codes
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

fn listen(child: &mut Child) -> Result<Codes> {
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
    let mut codes = Codes::new();
    loop {
        match lines.recv_timeout(SILENCE) {
            Ok(line) => match marker(&line) {
                Some((what, code)) => {
                    codes.insert(what.into(), code);
                }
                None => println!("{line}"),
            },
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
    Ok(codes)
}

/// `== WHAT ended: CODE`
fn marker(line: &str) -> Option<(&str, i32)> {
    let (what, code) = line.strip_prefix("== ")?.split_once(" ended: ")?;
    Some((what, code.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::marker;

    #[test]
    fn a_marker_is_a_whole_line() {
        assert_eq!(marker("== root ended: 100"), Some(("root", 100)));
        assert_eq!(marker("== root"), None);
        assert_eq!(marker("== root ended: "), None);
        assert_eq!(marker(" == root ended: 0"), None);
    }
}
