//! Random calls of every exported function, which must not crash, hang or leak.

use testing::c_library::{build as library, random_calls};

/// `PSAPI_RANDOM_CALLS` sets the number of calls, and `PSAPI_RANDOM_SEED` the random seed.
#[test]
fn random_calls_neither_crash_nor_leak() {
    let number = |name, default| match std::env::var(name) {
        Ok(number) => number.parse().unwrap(),
        Err(_) => default,
    };
    // Under Wine, a call can take a millisecond.
    let default = if cfg!(windows) { 5_000 } else { 50_000 };
    let calls = number("PSAPI_RANDOM_CALLS", default);
    let seed = number("PSAPI_RANDOM_SEED", u64::from(std::process::id()));
    eprintln!("PSAPI_RANDOM_SEED={seed}");
    let path = library::path();
    let report = random_calls::make(&path, calls, seed, allocated);
    eprintln!("{report:?}");
    // More than a tenth of the calls have only valid arguments.
    assert!(report.succeeded > calls / 10, "{report:?}");
    assert_eq!(report.descriptors, 0, "{report:?}");
    // The library's own tables can grow by this much.
    assert!(report.memory < 512 << 10, "{report:?}");
}

/// Returns the number of allocated bytes in the heap, which Rust's allocator uses.
#[cfg(windows)]
fn allocated() -> i64 {
    use libloading::Library;

    /// `PROCESS_HEAP_ENTRY`.
    #[repr(C)]
    struct Entry {
        data: usize,
        size: u32,
        overhead: u8,
        region: u8,
        flags: u16,
        _union: [usize; 3],
    }
    const PROCESS_HEAP_ENTRY_BUSY: u16 = 4;

    // SAFETY: the library is in every process.
    let kernel32 = unsafe { Library::new("kernel32.dll") }.unwrap();
    // SAFETY: the functions have these types. The walk allocates nothing, so the heap stays as it
    // is, and the entry is zeroed before the first call.
    unsafe {
        let heap = kernel32
            .get::<extern "system" fn() -> usize>(b"GetProcessHeap")
            .unwrap();
        let walk = kernel32
            .get::<extern "system" fn(usize, &mut Entry) -> i32>(b"HeapWalk")
            .unwrap();
        let (heap, mut entry): (_, Entry) = (heap(), std::mem::zeroed());
        let mut total = 0;
        while walk(heap, &mut entry) != 0 {
            if entry.flags & PROCESS_HEAP_ENTRY_BUSY != 0 {
                total += i64::from(entry.size);
            }
        }
        total
    }
}

/// Returns the number of allocated bytes. The allocator's free memory varies by several MiB between
/// runs, so the size of the heap is no measure of a leak.
#[cfg(target_os = "linux")]
fn allocated() -> i64 {
    // SAFETY: `mallinfo2` takes no pointers and has no preconditions.
    let info = unsafe { libc::mallinfo2() };
    (info.uordblks + info.hblkhd) as i64
}
