//! Writes the initial file system of a guest. It contains everything that tests run and read, under
//! the same paths as on this machine, so that paths in compiled programs stay valid.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use cpio::newc::{self, ModeFileType};

use super::kernel::Kernel;
use super::programs::Programs;
use super::share;
use crate::run::{self, find, root, tracked_files};

/// The first program of a guest.
const INIT: &str = include_str!("../../guest/init");

/// Programs of this machine that tests, or the guest itself, run.
const PROGRAMS: &[&str] = &[
    "cargo-nextest",
    "cat",
    "chroot",
    "free",
    "getconf",
    "kill",
    "mkfifo",
    "mkfs.btrfs",
    "mkswap",
    "mount",
    "nsenter",
    "ps",
    "script",
    "setpriv",
    "sleep",
    "swapoff",
    "swapon",
    "true",
    "umount",
    "unshare",
    "xz",
];

/// The shell. Busybox has one, but not as a program of its own.
const SHELL: &str = "dash";

const USERS: &str =
    "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home/nobody:/bin/sh\n";
const GROUPS: &str = "root:x:0:\nnogroup:x:65534:\n";

/// Writes the file system for a kernel.
pub fn write(
    to: &Path,
    kernel: &Kernel,
    programs: &Programs,
    busybox: &Path,
    share: &Path,
) -> Result<()> {
    let file = File::create(to).with_context(|| to.display().to_string())?;
    let mut tree = Tree {
        out: BufWriter::new(file),
        written: BTreeSet::new(),
    };
    for directory in ["bin", "sbin", "lib", "lib64"] {
        tree.link(
            Path::new("/").join(directory).as_ref(),
            &format!("usr/{directory}"),
        )?;
    }
    for directory in ["dev", "host", "proc", "run", "sys", "usr/sbin"] {
        tree.directory(&Path::new("/").join(directory), 0o755)?;
    }
    for directory in ["/tmp".as_ref(), "/var/tmp".as_ref(), share] {
        tree.directory(directory, 0o1777)?;
    }
    tree.text("/init", 0o755, INIT)?;
    tree.text("/etc/passwd", 0o644, USERS)?;
    tree.text("/etc/group", 0o644, GROUPS)?;
    tree.modules(kernel)?;
    for program in PROGRAMS {
        let file = find(program).with_context(|| format!("program {program} not found"))?;
        tree.program(&file, program)?;
    }
    tree.program(&find(SHELL).context("program dash not found")?, "sh")?;
    let host_program = programs
        .host_program
        .to_str()
        .context("a path is not UTF-8")?;
    for program in share::PROGRAMS {
        tree.link(&Path::new("/usr/bin").join(program), host_program)?;
    }
    tree.busybox(busybox)?;
    for file in &programs.files {
        tree.file(file, 0o755, file)?;
        tree.libraries(file)?;
    }
    tree.sources()?;
    tree.text("/tests.json", 0o644, &programs.tests.to_string())?;
    tree.contents(Path::new("/packages.json"), 0o644, &programs.packages)?;
    let mut out = newc::trailer(tree.out)?;
    out.flush().with_context(|| to.display().to_string())
}

/// The archive that becomes the file system.
struct Tree {
    out: BufWriter<File>,
    /// The entries so far.
    written: BTreeSet<PathBuf>,
}

impl Tree {
    /// Writes an entry and the directories that contain it, each of them once.
    fn entry(&mut self, path: &Path, kind: ModeFileType, mode: u32, contents: &[u8]) -> Result<()> {
        if !self.written.insert(path.to_owned()) {
            return Ok(());
        }
        if let Some(parent) = path.parent().filter(|parent| *parent != Path::new("/")) {
            self.directory(parent, 0o755)?;
        }
        let name = path.strip_prefix("/").context("a path is not absolute")?;
        let name = name.to_str().context("a path is not UTF-8")?;
        let size = u32::try_from(contents.len()).context("a file has 4 GiB or more")?;
        let entry = newc::Builder::new(name).mode(mode).set_mode_file_type(kind);
        let mut entry = entry.write(&mut self.out, size);
        entry.write_all(contents)?;
        entry.finish()?;
        Ok(())
    }

    fn directory(&mut self, path: &Path, mode: u32) -> Result<()> {
        self.entry(path, ModeFileType::Directory, mode, &[])
    }

    fn link(&mut self, path: &Path, target: &str) -> Result<()> {
        self.entry(path, ModeFileType::Symlink, 0o777, target.as_bytes())
    }

    fn contents(&mut self, path: &Path, mode: u32, contents: &[u8]) -> Result<()> {
        self.entry(path, ModeFileType::Regular, mode, contents)
    }

    fn text(&mut self, path: &str, mode: u32, text: &str) -> Result<()> {
        self.contents(path.as_ref(), mode, text.as_bytes())
    }

    fn file(&mut self, path: &Path, mode: u32, from: &Path) -> Result<()> {
        let contents = fs::read(from).with_context(|| from.display().to_string())?;
        self.contents(path, mode, &contents)
    }

    /// Adds a program of this machine with its libraries.
    fn program(&mut self, file: &Path, name: &str) -> Result<()> {
        self.file(&Path::new("/usr/bin").join(name), 0o755, file)?;
        self.libraries(file)
    }

    /// Adds the shared libraries of a program.
    fn libraries(&mut self, program: &Path) -> Result<()> {
        // For a static program `ldd` fails and prints no paths.
        let output = Command::new("ldd").arg(program).output().context("ldd")?;
        let text = String::from_utf8_lossy(&output.stdout);
        for library in text.split_whitespace().filter(|word| word.starts_with('/')) {
            // `/lib` is a link to `/usr/lib`, in guests as on this machine.
            let merged =
                Path::new("/usr").join(library.trim_start_matches("/usr").trim_start_matches('/'));
            self.file(&merged, 0o755, library.as_ref())?;
        }
        Ok(())
    }

    /// Adds busybox under the names of all its programs that are not present already.
    fn busybox(&mut self, busybox: &Path) -> Result<()> {
        self.file("/usr/bin/busybox".as_ref(), 0o755, busybox)?;
        let names = run::output(Command::new(busybox).arg("--list"))?;
        for name in String::from_utf8(names)?.lines() {
            self.link(&Path::new("/usr/bin").join(name), "busybox")?;
        }
        Ok(())
    }

    /// Adds the loadable drivers of a kernel.
    fn modules(&mut self, kernel: &Kernel) -> Result<()> {
        let directory = Path::new("/usr/lib/modules").join(&kernel.release);
        let files = run::output(
            Command::new("find")
                .arg(&kernel.modules)
                .args(["-type", "f"]),
        )?;
        for file in String::from_utf8(files)?.lines() {
            let file = Path::new(file);
            let name = file.strip_prefix(&kernel.modules)?;
            self.file(&directory.join(name), 0o644, file)?;
        }
        Ok(())
    }

    /// Adds the files of the repository, since tests read some of them.
    fn sources(&mut self) -> Result<()> {
        let files = tracked_files()?;
        ensure!(!files.is_empty(), "git lists no files");
        for name in files {
            let path = root().join(name);
            // A deleted file can still be listed.
            let Ok(metadata) = fs::symlink_metadata(&path) else {
                continue;
            };
            if metadata.is_file() {
                let mode = 0o644 | metadata.permissions().mode() & 0o111;
                self.file(&path, mode, &path)?;
            }
        }
        Ok(())
    }
}
