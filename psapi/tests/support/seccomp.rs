//! Requests that a kernel knows, refused as one refuses them that does not.

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

/// `_IOWR('f', 16, struct pm_scan_arg)`, since Linux 6.7.
pub const PAGEMAP_SCAN: u32 = 0xc060_6610;
/// `_IOWR('f', 17, struct procmap_query)`, since Linux 6.11.
pub const PROCMAP_QUERY: u32 = 0xc068_6611;

/// Runs something in a thread that gets `ENOTTY` for some requests, and so do the processes that it
/// starts.
pub fn without_requests<T: Send>(requests: &[u32], run: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if !requests.is_empty() {
                seccompiler::apply_filter(&filter(requests)).expect("a filter is taken");
            }
            run()
        });
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn filter(requests: &[u32]) -> BpfProgram {
    let is_request = |&request: &u32| {
        let (length, equal) = (SeccompCmpArgLen::Dword, SeccompCmpOp::Eq);
        let is_it = SeccompCondition::new(1, length, equal, request.into()).expect("a condition");
        SeccompRule::new(vec![is_it]).expect("a rule")
    };
    let rules = [(libc::SYS_ioctl, requests.iter().map(is_request).collect())];
    let filter = SeccompFilter::new(
        rules.into(),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOTTY as u32),
        std::env::consts::ARCH
            .try_into()
            .expect("a known processor"),
    );
    let program = filter.and_then(TryInto::try_into);
    program.expect("a filter")
}

/// Whether the kernel knows a request, as the caller sees it: what it says to one without an argument
/// of a `/proc` file of its own.
pub fn is_known(request: u32) -> bool {
    use std::os::fd::AsRawFd as _;
    let file = match request {
        PAGEMAP_SCAN => "/proc/self/pagemap",
        _ => "/proc/self/maps",
    };
    let file = std::fs::File::open(file).expect("a file of one's own");
    // SAFETY: the request's argument is a null pointer, which the kernel does not follow.
    let answer = unsafe { libc::ioctl(file.as_raw_fd(), request.into(), 0) };
    let error = std::io::Error::last_os_error();
    assert_eq!(answer, -1);
    error.raw_os_error() != Some(libc::ENOTTY)
}
