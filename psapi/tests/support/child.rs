//! Children that a test starts: small C programs that arrange a fact, say so, and wait.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use psapi::ProcessId;
use tempfile::TempDir;

/// A program that was compiled for a test, in a directory of its own that everyone may read.
pub struct Program {
    pub path: PathBuf,
    _directory: TempDir,
}

impl Program {
    /// Compiles C; `arguments` are further ones for the compiler.
    pub fn compile(source: &str, arguments: &[&str]) -> Program {
        Program::compile_as(OsStr::new("subject"), source, arguments)
    }

    pub fn compile_as(name: &OsStr, source: &str, arguments: &[&str]) -> Program {
        Program::try_compile(name, source, arguments).expect("the subject compiles")
    }

    /// As [`compile_as`](Self::compile_as), where the compiler may not be able to.
    pub fn try_compile(name: &OsStr, source: &str, arguments: &[&str]) -> Option<Program> {
        let directory = public_directory();
        let code = directory.path().join("subject.c");
        std::fs::write(&code, source).expect("the source is written");
        let path = directory.path().join(name);
        let status = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()))
            .args(["-O0", "-pthread", "-o"])
            .arg(&path)
            .arg(&code)
            .args(arguments)
            .status()
            .expect("a C compiler is installed as cc, or CC names one");
        status.success().then_some(Program {
            path,
            _directory: directory,
        })
    }

    pub fn start(&self) -> Subject {
        Subject::start(&mut Command::new(&self.path))
    }
}

/// A temporary directory that other users can read, as they could a program's.
pub fn public_directory() -> TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o755))
        .tempdir()
        .expect("a temporary directory")
}

/// A running child. It has arranged its fact once it has printed a line; it goes on a line on
/// standard input, and is killed and reaped when dropped.
pub struct Subject {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// The line that it printed last.
    pub said: String,
}

impl Subject {
    pub fn start(command: &mut Command) -> Subject {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the subject starts");
        let input = child.stdin.take().expect("a pipe");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut subject = Subject {
            child,
            input,
            output,
            said: String::new(),
        };
        subject.listen();
        subject
    }

    /// Lets it go on and waits until it has arranged the next fact.
    pub fn proceed(&mut self) {
        use std::io::Write as _;
        self.input.write_all(b"\n").expect("the subject listens");
        self.listen();
    }

    fn listen(&mut self) {
        self.said.clear();
        self.output
            .read_line(&mut self.said)
            .expect("the subject speaks");
        assert!(self.said.ends_with('\n'), "the subject ended early");
        self.said.pop();
    }

    pub fn id(&self) -> ProcessId {
        ProcessId::new(self.child.id())
    }

    /// Waits until it sleeps: what it does between its line and the waiting for an answer is done.
    pub fn settle(&self) {
        self.await_state('S');
    }

    /// Waits until its first thread has a state, as `/proc` calls it.
    pub fn await_state(&self, state: char) {
        let stat = format!("/proc/{}/stat", self.child.id());
        let state = format!(") {state} ");
        while !std::fs::read_to_string(&stat)
            .expect("the subject is there")
            .contains(&state)
        {
            std::thread::yield_now();
        }
    }

    /// Kills it and leaves it unreaped: a zombie, until it is dropped.
    pub fn kill(&mut self) {
        use std::io::Read as _;
        self.child.kill().expect("the subject is killed");
        // Its end of the pipe closes when its memory goes, a moment before it is a zombie.
        let mut rest = Vec::new();
        self.output.read_to_end(&mut rest).expect("a pipe");
        self.await_state('Z');
    }

    pub fn reap(&mut self) {
        self.child.kill().expect("the subject is killed");
        self.child.wait().expect("the subject is reaped");
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file of the process as the kernel shows it.
pub fn proc_file(id: ProcessId, name: &str) -> Vec<u8> {
    std::fs::read(Path::new("/proc").join(id.to_string()).join(name)).expect("a file of /proc")
}
