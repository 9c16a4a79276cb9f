//! Random calls of all that the library exports: none may crash, hang or leak.

#[path = "../common/library.rs"]
mod library;

mod calls;

/// `PSAPI_RANDOM_CALLS` says how many, and `PSAPI_RANDOM_SEED` which.
#[test]
fn random_calls_neither_crash_nor_leak() {
    let number = |name, otherwise| match std::env::var(name) {
        Ok(number) => number.parse().unwrap(),
        Err(_) => otherwise,
    };
    let calls = number("PSAPI_RANDOM_CALLS", 50_000);
    let seed = number("PSAPI_RANDOM_SEED", u64::from(std::process::id()));
    eprintln!("PSAPI_RANDOM_SEED={seed}");
    let path = library::directory().join("libpsapi.so");
    let report = calls::make(&path, calls, seed, allocated);
    eprintln!("{report:?}");
    // A good part of them is meant to do something.
    assert!(report.succeeded > calls / 10, "{report:?}");
    assert_eq!(report.descriptors, 0, "{report:?}");
    // Tables of the library's own have grown by then.
    assert!(report.memory < 512 << 10, "{report:?}");
}

/// Memory of the allocator's that is in use: what it keeps without using it differs from run to run by
/// some MiB.
fn allocated() -> i64 {
    // SAFETY: it may be called at any time.
    let info = unsafe { libc::mallinfo2() };
    (info.uordblks + info.hblkhd) as i64
}
