//! Ioctl requests that a filter denies with the error of a kernel that lacks them.

use std::os::fd::AsRawFd as _;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

/// `_IOWR('f', 16, struct pm_scan_arg)`, since Linux 6.7.
pub const PAGEMAP_SCAN: u32 = 0xc060_6610;
/// `_IOWR('f', 17, struct procmap_query)`, since Linux 6.11.
pub const PROCMAP_QUERY: u32 = 0xc068_6611;

/// Runs a closure in a thread in which the requests fail with `ENOTTY`.
///
/// Processes started by the thread inherit the filter.
pub fn without_requests<T: Send>(requests: &[u32], run: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if !requests.is_empty() {
                seccompiler::apply_filter(&filter(requests)).expect("apply the filter");
            }
            run()
        });
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn filter(requests: &[u32]) -> BpfProgram {
    let rule = |&request: &u32| {
        let (length, equal) = (SeccompCmpArgLen::Dword, SeccompCmpOp::Eq);
        let condition = SeccompCondition::new(1, length, equal, request.into());
        SeccompRule::new(vec![condition.expect("a valid condition")]).expect("a valid rule")
    };
    let rules = [(libc::SYS_ioctl, requests.iter().map(rule).collect())];
    let filter = SeccompFilter::new(
        rules.into(),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOTTY as u32),
        std::env::consts::ARCH
            .try_into()
            .expect("an architecture that seccompiler supports"),
    );
    let program = filter.and_then(TryInto::try_into);
    program.expect("a valid filter")
}

/// Returns true if the kernel supports a request in the calling thread.
///
/// Calls the request on one of the caller's own `/proc` files, with a null argument. The kernel
/// fails with `ENOTTY` only if it lacks the request.
pub fn is_supported(request: u32) -> bool {
    let file = match request {
        PAGEMAP_SCAN => "/proc/self/pagemap",
        _ => "/proc/self/maps",
    };
    let file = std::fs::File::open(file).expect("open a file of this process");
    // SAFETY: the argument is a null pointer, which both requests reject with an error.
    let result = unsafe { libc::ioctl(file.as_raw_fd(), request.into(), 0) };
    let error = std::io::Error::last_os_error();
    assert_eq!(result, -1);
    error.raw_os_error() != Some(libc::ENOTTY)
}
