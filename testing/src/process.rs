//! Child processes that arrange a fact, print a line, and wait for a line.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use psapi::ProcessId;

/// A running child process that takes part in a test.
///
/// The child prints a line once it has arranged a fact, and reads a line from standard input before
/// it arranges the next one. It is killed and reaped on drop.
pub struct TestProcess {
    id: u32,
    /// `None` after the child was reaped.
    child: Option<Child>,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// The last line that the child printed, without its newline.
    pub line: String,
}

impl TestProcess {
    /// Starts a command and waits for its first line.
    pub fn start(command: &mut Command) -> TestProcess {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start the test process");
        let input = child.stdin.take().expect("standard input is piped");
        let output = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let mut process = TestProcess {
            id: child.id(),
            child: Some(child),
            input,
            output,
            line: String::new(),
        };
        process.read_line();
        process
    }

    /// Sends a line and waits until the child prints its next one.
    pub fn resume(&mut self) {
        self.input.write_all(b"\n").expect("the child reads input");
        self.read_line();
    }

    fn read_line(&mut self) {
        self.line.clear();
        self.output
            .read_line(&mut self.line)
            .expect("read the child's output");
        assert!(self.line.ends_with('\n'), "the child exited early");
        self.line.pop();
        // Windows' C library writes a carriage return before each newline.
        if self.line.ends_with('\r') {
            self.line.pop();
        }
    }

    /// Returns the child's process id.
    pub fn id(&self) -> ProcessId {
        ProcessId::new(self.id)
    }

    /// Kills the child. Until this value is dropped, it is a zombie on Linux, and on Windows an
    /// ended process with an open handle.
    pub fn kill(&mut self) {
        let child = self.child.as_mut().expect("the child is not reaped");
        child.kill().expect("kill the child");
        // The pipe closes with the child's memory, shortly before the child is a zombie.
        let mut rest = Vec::new();
        self.output
            .read_to_end(&mut rest)
            .expect("read the child's output");
        #[cfg(target_os = "linux")]
        self.wait_for_state('Z');
        // The handle stays open.
        #[cfg(windows)]
        child.wait().expect("wait for the child");
    }

    /// Kills the child without waiting for its end.
    pub fn begin_kill(&mut self) {
        let child = self.child.as_mut().expect("the child is not reaped");
        child.kill().expect("kill the child");
    }

    /// Kills and reaps the child.
    pub fn reap(&mut self) {
        let mut child = self.child.take().expect("the child is not reaped");
        child.kill().expect("kill the child");
        child.wait().expect("reap the child");
    }
}

#[cfg(windows)]
impl TestProcess {
    /// Returns at once: programs for Windows complete their work before they print a line.
    pub fn wait_for_sleep(&self) {}
}

#[cfg(target_os = "linux")]
impl TestProcess {
    /// Waits until the child sleeps, so that the work between its output and its wait for input is
    /// complete.
    pub fn wait_for_sleep(&self) {
        self.wait_for_state('S');
    }

    /// Waits until the group leader has a state, as `/proc/PID/stat` abbreviates it.
    pub fn wait_for_state(&self, state: char) {
        let stat = format!("/proc/{}/stat", self.id);
        loop {
            let text = std::fs::read(&stat).expect("read the child's stat file");
            // The name before the last parenthesis can contain any byte.
            let end = text.iter().rposition(|&byte| byte == b')').expect("a name");
            if text.get(end + 2).copied() == Some(state as u8) {
                return;
            }
            std::thread::yield_now();
        }
    }
}

impl Drop for TestProcess {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Reads a file of a process in `/proc`.
#[cfg(target_os = "linux")]
pub fn proc_file(id: ProcessId, name: &str) -> Vec<u8> {
    let path = std::path::Path::new("/proc")
        .join(id.to_string())
        .join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
