//! The loss of privileges, for one thread: the kernel keeps credentials a thread.

use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{CapabilitySet, CapabilitySets};

/// The user who owns nothing.
pub const NOBODY: u32 = 65534;

pub fn is_root() -> bool {
    geteuid().is_root()
}

/// Says on standard error that a test can't arrange its fact here, and in the file that
/// `cargo xtask test` reads, since nextest shows nothing of tests that pass.
pub fn skip(why: &str) {
    use std::io::Write as _;
    // Written past the test harness, which keeps what passing tests print to itself.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
    if let Some(log) = std::env::var_os("PSAPI_SKIPPED_LOG") {
        let mut options = std::fs::OpenOptions::new();
        let log = options.append(true).create(true).open(log);
        // One write, so that lines of tests that run at the same time stay whole.
        let _ = log.and_then(|mut log| log.write_all(format!("{why}\n").as_bytes()));
    }
}

/// Runs something as nobody: in a thread that has given up its users, groups and so its
/// capabilities. For who is not root, in a thread as it is.
pub fn as_nobody<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    as_user(NOBODY, CapabilitySet::empty(), run)
}

/// As [`as_nobody`], with some capabilities that root has.
pub fn as_nobody_with<T: Send>(capabilities: CapabilitySet, run: impl FnOnce() -> T + Send) -> T {
    as_user(NOBODY, capabilities, run)
}

/// As [`as_nobody_with`], as the user of some number, who need not exist.
pub fn as_user<T: Send>(
    user: u32,
    capabilities: CapabilitySet,
    run: impl FnOnce() -> T + Send,
) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if is_root() {
                rustix::thread::set_keep_capabilities(true).expect("root may");
                let (user, group) = (Uid::from_raw(user), Gid::from_raw(user));
                rustix::thread::set_thread_groups(&[]).expect("root may");
                rustix::thread::set_thread_res_gid(group, group, group).expect("root may");
                rustix::thread::set_thread_res_uid(user, user, user).expect("root may");
                let kept = CapabilitySets {
                    effective: capabilities,
                    permitted: capabilities,
                    inheritable: CapabilitySet::empty(),
                };
                rustix::thread::set_capabilities(None, kept).expect("fewer may always be had");
            }
            run()
        });
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
