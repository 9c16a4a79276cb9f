//! `GetSystemInfo` and `GetNativeSystemInfo`.

use std::ops::Range;

use super::reservations::GRANULARITY;
use crate::convert::{to_dword, to_pointer};
use crate::linux::machine::{lowest_mappable_address, online_cpus, page_size};
use crate::types::{DWORD, DWORD_PTR, SYSTEM_INFO, WORD};
use crate::user_memory;
use crate::win32_error::Result;

/// The `PROCESSOR_ARCHITECTURE_…` constant and the processor type. The API defines a type only for
/// x86: 8664 for 64 bits, and 586 for the Pentium and all later 32-bit processors.
const ARCHITECTURE: (WORD, DWORD) = match () {
    () if cfg!(target_arch = "x86_64") => (9, 8664),
    () if cfg!(target_arch = "x86") => (0, 586),
    () if cfg!(target_arch = "aarch64") => (12, 0),
    () if cfg!(target_arch = "arm") => (5, 0),
    // PROCESSOR_ARCHITECTURE_UNKNOWN
    () => (0xFFFF, 0),
};

/// Implements `GetSystemInfo`.
pub fn query(to: *mut SYSTEM_INFO) -> Result<()> {
    user_memory::write(to, &information(ARCHITECTURE))
}

/// Implements `GetNativeSystemInfo`. The result differs for 32-bit programs on a 64-bit kernel.
pub fn query_native(to: *mut SYSTEM_INFO) -> Result<()> {
    let architecture = match () {
        () if !is_64_bit_system() => ARCHITECTURE,
        () if cfg!(target_arch = "x86") => (9, 8664),
        () if cfg!(target_arch = "arm") => (12, 0),
        () => ARCHITECTURE,
    };
    user_memory::write(to, &information(architecture))
}

/// Returns true if the kernel has 64 bits.
pub fn is_64_bit_system() -> bool {
    if cfg!(target_pointer_width = "64") {
        return true;
    }
    let mut name = std::mem::MaybeUninit::<libc::utsname>::zeroed();
    // SAFETY: `name` has room for the structure, for which zeros are valid.
    let name = unsafe {
        libc::uname(name.as_mut_ptr());
        name.assume_init()
    };
    let machine = name.machine.map(|unit| unit as u8);
    machine.windows(2).any(|digits| digits == b"64")
}

fn information((architecture, processor_type): (WORD, DWORD)) -> SYSTEM_INFO {
    let addresses = application_addresses();
    let cpus = online_cpus();
    let (level, revision) = level_and_revision();
    SYSTEM_INFO {
        wProcessorArchitecture: architecture,
        wReserved: 0,
        dwPageSize: to_dword(page_size()),
        lpMinimumApplicationAddress: to_pointer(addresses.start as u64),
        lpMaximumApplicationAddress: to_pointer(addresses.end as u64 - 1),
        dwActiveProcessorMask: mask(&cpus),
        dwNumberOfProcessors: to_dword(cpus.len() as u64),
        dwProcessorType: processor_type,
        dwAllocationGranularity: GRANULARITY as DWORD,
        wProcessorLevel: level,
        wProcessorRevision: revision,
    }
}

/// Returns the addresses that `VirtualAlloc` accepts. The range starts at the lowest multiple of
/// the granularity that the kernel lets a program map, but never at 0.
pub fn application_addresses() -> Range<usize> {
    let lowest = lowest_mappable_address().unwrap_or(GRANULARITY).max(1);
    lowest.next_multiple_of(GRANULARITY)..end_of_addresses()
}

/// Returns the end of the address space that the kernel uses for programs that do not request
/// higher addresses.
///
/// No interface reports this end. But the initial stack is near the end: the random distance is
/// small compared with the address space. `AT_RANDOM` is an address in that stack.
pub fn end_of_addresses() -> usize {
    // SAFETY: `getauxval` takes no pointers and has no preconditions.
    let near_end = unsafe { libc::getauxval(libc::AT_RANDOM) } as usize;
    let page = page_size() as usize;
    match () {
        // The size is a power of two. On x86-64 the last page is a guard page.
        () if cfg!(target_arch = "x86_64") => near_end.max(1 << 46).next_power_of_two() - page,
        () if cfg!(target_pointer_width = "64") => near_end.max(1 << 37).next_power_of_two(),
        // The size is 3 or 4 GiB. Programs cannot map the last page of 4 GiB.
        () => near_end
            .checked_next_multiple_of(1 << 30)
            .unwrap_or(usize::MAX - (page - 1)),
    }
}

/// Returns a mask of CPUs. CPUs whose id does not fit in the mask are omitted.
fn mask(cpus: &[u32]) -> DWORD_PTR {
    let bits = cpus.iter().map(|&id| 1_usize.checked_shl(id));
    bits.flatten().fold(0, |mask, bit| mask | bit)
}

/// Returns the processor's family, and its model and stepping in one number.
#[cfg(target_arch = "x86_64")]
fn level_and_revision() -> (WORD, WORD) {
    // Newer compilers declare the function safe; the minimum supported one does not.
    #[allow(unused_unsafe)]
    // SAFETY: every x86-64 processor supports `cpuid` and its leaf 1.
    let leaf = unsafe { std::arch::x86_64::__cpuid(1) };
    from_signature(leaf.eax)
}

/// Returns zeros: the API does not document the values for other architectures, and the oldest
/// 32-bit x86 processors have no `cpuid`.
#[cfg(not(target_arch = "x86_64"))]
fn level_and_revision() -> (WORD, WORD) {
    (0, 0)
}

/// Decodes the signature that `cpuid` returns. Families from 15, and models of families 6 and 15,
/// have a second field.
#[cfg(target_arch = "x86_64")]
fn from_signature(signature: u32) -> (WORD, WORD) {
    let field = |from: u32, bits: u32| (signature >> from & ((1 << bits) - 1)) as WORD;
    let (stepping, model, family) = (field(0, 4), field(4, 4), field(8, 4));
    let (more_model, more_family) = (field(16, 4), field(20, 8));
    let level = match family {
        15 => family + more_family,
        _ => family,
    };
    let model = match family {
        6 | 15 => more_model << 4 | model,
        _ => model,
    };
    (level, model << 8 | stepping)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linux::test_memory::Pages;
    use crate::win32_error::Win32Error;

    fn queried(query: fn(*mut SYSTEM_INFO) -> Result<()>) -> SYSTEM_INFO {
        let pages = Pages::new(1);
        let to = pages.at(0).cast::<SYSTEM_INFO>();
        query(to).unwrap();
        // SAFETY: `query` succeeded and so wrote the structure, and `pages` is still mapped.
        unsafe { to.read() }
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn layout_matches_published_api() {
        use std::mem::offset_of;

        assert_eq!(size_of::<SYSTEM_INFO>(), 48);
        assert_eq!(offset_of!(SYSTEM_INFO, dwPageSize), 4);
        assert_eq!(offset_of!(SYSTEM_INFO, lpMinimumApplicationAddress), 8);
        assert_eq!(offset_of!(SYSTEM_INFO, lpMaximumApplicationAddress), 16);
        assert_eq!(offset_of!(SYSTEM_INFO, dwActiveProcessorMask), 24);
        assert_eq!(offset_of!(SYSTEM_INFO, dwNumberOfProcessors), 32);
        assert_eq!(offset_of!(SYSTEM_INFO, dwProcessorType), 36);
        assert_eq!(offset_of!(SYSTEM_INFO, dwAllocationGranularity), 40);
        assert_eq!(offset_of!(SYSTEM_INFO, wProcessorLevel), 44);
        assert_eq!(offset_of!(SYSTEM_INFO, wProcessorRevision), 46);
    }

    #[test]
    fn reports_page_size_and_cpus() {
        let information = queried(query);
        assert_eq!(u64::from(information.dwPageSize), page_size());
        assert_eq!(information.dwAllocationGranularity, 65536);
        let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap();
        let count = cpus.lines().filter(|line| line.starts_with("processor\t"));
        let count = count.count() as DWORD;
        assert_eq!(information.dwNumberOfProcessors, count);
        let bits = information.dwActiveProcessorMask.count_ones();
        assert_eq!(bits, count.min(usize::BITS));
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn processor_matches_cpuinfo() {
        let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap();
        let number = |field: &str| -> WORD {
            let line = cpus.lines().find(|line| {
                let name = line.split(':').next().unwrap();
                name.trim() == field
            });
            let (_, number) = line.unwrap().split_once(':').unwrap();
            number.trim().parse().unwrap()
        };
        let information = queried(query);
        assert_eq!(information.wProcessorArchitecture, 9);
        assert_eq!(information.dwProcessorType, 8664);
        assert_eq!(information.wProcessorLevel, number("cpu family"));
        assert_eq!(
            information.wProcessorRevision,
            number("model") << 8 | number("stepping")
        );
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn decodes_extended_families_and_models() {
        // Skylake server, Zen 2, Pentium 4 and Pentium.
        assert_eq!(from_signature(0x5_0654), (6, 0x5504));
        assert_eq!(from_signature(0x83_0F10), (23, 0x3100));
        assert_eq!(from_signature(0x0F29), (15, 0x0209));
        assert_eq!(from_signature(0x052C), (5, 0x020C));
    }

    #[test]
    fn application_addresses_contain_all_mappings() {
        let addresses = application_addresses();
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        for line in maps.lines().filter(|line| !line.contains("vsyscall")) {
            let (start, rest) = line.split_once('-').unwrap();
            let end = rest.split_once(' ').unwrap().0;
            let number = |text| usize::from_str_radix(text, 16).unwrap();
            assert!(number(start) >= addresses.start, "{line}");
            assert!(number(end) <= addresses.end, "{line}");
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn last_application_page_can_be_mapped() {
        let end = application_addresses().end;
        let page = page_size() as usize;
        let map = |start: usize| {
            // SAFETY: `MAP_FIXED_NOREPLACE` replaces no existing mapping.
            unsafe {
                libc::mmap(
                    std::ptr::without_provenance_mut(start),
                    page,
                    libc::PROT_NONE,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE,
                    -1,
                    0,
                )
            }
        };
        let last = map(end - page);
        assert_eq!(last.addr(), end - page);
        // SAFETY: this test has just mapped the page, and no reference covers it.
        unsafe { libc::munmap(last, page) };
        assert_eq!(map(end), libc::MAP_FAILED);
    }

    #[test]
    fn mask_omits_high_cpu_ids() {
        assert_eq!(mask(&[0, 1, 5]), 0b10_0011);
        assert_eq!(mask(&[1, 64, 200]), 2);
    }

    #[test]
    fn rejects_unwritable_buffer() {
        let pages = Pages::new(1);
        pages.protect(libc::PROT_READ);
        for to in [std::ptr::null_mut(), pages.at(0).cast()] {
            assert_eq!(query(to), Err(Win32Error::NOACCESS));
        }
    }
}
