//! Fewer privileges for one thread. The kernel keeps credentials per thread.

use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{CapabilitySet, CapabilitySets};

/// The uid and gid of `nobody`, the user without privileges.
pub const NOBODY: u32 = 65534;

/// Returns true if the effective user is root.
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// Runs a closure as `nobody`, without capabilities, in a new thread.
///
/// If the caller is not root, the thread keeps the caller's credentials.
pub fn unprivileged<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    as_user(NOBODY, CapabilitySet::empty(), run)
}

/// Like [`unprivileged`], but keeps some of root's capabilities.
pub fn with_capabilities<T: Send>(
    capabilities: CapabilitySet,
    run: impl FnOnce() -> T + Send,
) -> T {
    as_user(NOBODY, capabilities, run)
}

/// Like [`with_capabilities`], with a uid and gid, which need not exist in `/etc/passwd`.
pub fn as_user<T: Send>(
    user: u32,
    capabilities: CapabilitySet,
    run: impl FnOnce() -> T + Send,
) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if is_root() {
                rustix::thread::set_keep_capabilities(true).expect("keep capabilities");
                let (user, group) = (Uid::from_raw(user), Gid::from_raw(user));
                rustix::thread::set_thread_groups(&[]).expect("drop supplementary groups");
                rustix::thread::set_thread_res_gid(group, group, group).expect("set the gid");
                rustix::thread::set_thread_res_uid(user, user, user).expect("set the uid");
                let kept = CapabilitySets {
                    effective: capabilities,
                    permitted: capabilities,
                    inheritable: CapabilitySet::empty(),
                };
                rustix::thread::set_capabilities(None, kept).expect("drop capabilities");
            }
            run()
        });
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
