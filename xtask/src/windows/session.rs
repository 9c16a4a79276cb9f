//! A running Wine, in which programs start at once.

use std::process::Child;

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::places::Places;
use super::toolchain::Toolchain;
use super::wine;

/// Seconds after which Wine ends, should this program be killed.
const SECONDS: &str = "3600";

/// Seconds in which Wine starts.
const START_SECONDS: &str = "120";

/// A program that keeps Wine's services running, so that no test starts them.
///
/// Services that a test starts would hold its output open. On drop, all programs of the prefix are
/// ended.
pub struct Session {
    places: Places,
    keeper: Child,
}

impl Session {
    pub fn start(toolchain: &Toolchain) -> Result<Self> {
        let places = toolchain.places.clone();
        let mut keeper = wine::command(&places, SECONDS, "wine64");
        let keeper = keeper.args(["explorer", "/desktop=keep"]).spawn();
        let session = Session {
            places,
            keeper: keeper.context("cannot start Wine")?,
        };
        // This program starts after the services.
        let mut first = wine::command(&session.places, START_SECONDS, "wine64");
        let first = first.args(["cmd", "/c", "exit 0"]).status();
        ensure!(
            first.context("cannot start Wine")?.success(),
            "Wine runs no program"
        );
        Ok(session)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        wine::end(&self.places);
        // The keeper is `timeout`, which passes the signal on, should its program still run.
        if let Ok(None) = self.keeper.try_wait() {
            let keeper = Pid::from_child(&self.keeper);
            let _ = kill_process(keeper, Signal::TERM);
        }
        let _ = self.keeper.wait();
    }
}
