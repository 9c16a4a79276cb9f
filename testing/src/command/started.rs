//! Processes for the command to report.

#[cfg(windows)]
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::retry_while_busy;
use crate::Program;
#[cfg(windows)]
use crate::programs;

/// A child process that is killed on drop.
///
/// A program that was written for the child stays on disk while the child runs.
pub struct Started(
    pub Child,
    #[cfg_attr(target_os = "linux", expect(dead_code, reason = "Linux has `sleep`"))]
    Option<Program>,
);

impl Started {
    /// Kills a child on drop.
    pub fn adopt(child: Child) -> Self {
        Started(child, None)
    }

    /// Starts a command.
    pub fn new(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::null());
        Started::adopt(command.spawn().expect("start the child"))
    }

    /// Starts a program file that was just written: see [`output_of_copy`](super::output_of_copy).
    pub fn copy(command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        Started::adopt(retry_while_busy(|| command.spawn()))
    }

    /// Starts a child that sleeps and does not change after that.
    #[cfg(target_os = "linux")]
    pub fn sleeping() -> Self {
        let child = Started::new(Command::new("sleep").arg("1000"));
        child.wait_for_sleep();
        child
    }

    /// Starts a child that sleeps and does not change after that.
    #[cfg(windows)]
    pub fn sleeping() -> Self {
        Started::sleeping_with(&[])
    }

    /// Like [`sleeping`](Self::sleeping), with arguments.
    #[cfg(windows)]
    pub fn sleeping_with(arguments: &[&str]) -> Self {
        let program = Program::compile(programs::SLEEPS, &[]);
        let mut command = Command::new(&program.path);
        command.args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("start the child");
        // The program prints a line when it has been loaded.
        let mut line = String::new();
        let output = child.stdout.take().expect("standard output is piped");
        let read = BufReader::new(output).read_line(&mut line);
        assert_eq!((read.expect("read a line"), line.trim_end()), (7, "ready"));
        Started(child, Some(program))
    }

    /// Returns the program file of a sleeping child.
    #[cfg(windows)]
    pub fn path(&self) -> &std::path::Path {
        &self.1.as_ref().expect("the child sleeps").path
    }

    /// Returns the process id in decimal digits.
    pub fn pid(&self) -> String {
        self.0.id().to_string()
    }
}

#[cfg(target_os = "linux")]
impl Started {
    /// Reads a file of the child in `/proc`.
    pub fn proc(&self, file: &str) -> Vec<u8> {
        std::fs::read(format!("/proc/{}/{file}", self.0.id())).expect("read a file of the child")
    }

    fn wait_for_sleep(&self) {
        crate::wait_until(|| {
            let stat = self.proc("stat");
            let end = stat.iter().rposition(|&byte| byte == b')').expect("a name");
            stat.get(end + 2) == Some(&b'S')
        });
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
