//! `GetSystemInfo`.

use std::ops::Range;

use super::reservations::GRANULARITY;
use crate::address::{narrow, pointer};
use crate::boundary::Answer;
use crate::caller;
use crate::system::page_size;
use crate::types::{DWORD, DWORD_PTR, SYSTEM_INFO, WORD};

/// `PROCESSOR_ARCHITECTURE_AMD64` and so on, and the type of processor that goes with it, where the
/// API has one: 8664, or 586 for any newer one of 32 bits.
const ARCHITECTURE: (WORD, DWORD) = match () {
    () if cfg!(target_arch = "x86_64") => (9, 8664),
    () if cfg!(target_arch = "x86") => (0, 586),
    () if cfg!(target_arch = "aarch64") => (12, 0),
    () if cfg!(target_arch = "arm") => (5, 0),
    // PROCESSOR_ARCHITECTURE_UNKNOWN
    () => (0xFFFF, 0),
};

pub fn query(to: *mut SYSTEM_INFO) -> Answer<()> {
    let addresses = application_addresses();
    let processors = processors();
    let (level, revision) = level_and_revision();
    let information = SYSTEM_INFO {
        wProcessorArchitecture: ARCHITECTURE.0,
        wReserved: 0,
        dwPageSize: narrow(page_size()),
        lpMinimumApplicationAddress: pointer(addresses.start as u64),
        lpMaximumApplicationAddress: pointer(addresses.end as u64 - 1),
        dwActiveProcessorMask: mask(&processors),
        dwNumberOfProcessors: narrow(processors.len() as u64),
        dwProcessorType: ARCHITECTURE.1,
        dwAllocationGranularity: GRANULARITY as DWORD,
        wProcessorLevel: level,
        wProcessorRevision: revision,
    };
    caller::write(to, &information)
}

/// The addresses that `VirtualAlloc` can be asked for. They begin with the first multiple of its
/// granularity, 0 not included, that the kernel lets a program map (`vm.mmap_min_addr`).
pub fn application_addresses() -> Range<usize> {
    let least = std::fs::read_to_string("/proc/sys/vm/mmap_min_addr");
    let least = least.ok().and_then(|text| text.trim().parse().ok());
    let start = least.unwrap_or(GRANULARITY).max(1);
    start.next_multiple_of(GRANULARITY)..end_of_addresses()
}

/// Where the addresses end that the kernel gives to a program which does not ask for higher ones.
///
/// The first stack is at the end of them, give or take a random distance that is small against it,
/// and the kernel puts a few bytes there whose place it tells.
pub fn end_of_addresses() -> usize {
    // SAFETY: it only tells.
    let near_the_end = unsafe { libc::getauxval(libc::AT_RANDOM) } as usize;
    let page = page_size() as usize;
    match () {
        // Their number is a power of two, less a page that guards the last address on x86.
        () if cfg!(target_arch = "x86_64") => near_the_end.max(1 << 46).next_power_of_two() - page,
        () if cfg!(target_pointer_width = "64") => near_the_end.max(1 << 37).next_power_of_two(),
        // Three or four GiB. The last page of four is no program's.
        () => near_the_end
            .checked_next_multiple_of(1 << 30)
            .unwrap_or(usize::MAX - (page - 1)),
    }
}

/// The numbers of the processors that run, whichever of them the process may use.
fn processors() -> Vec<u32> {
    let online = std::fs::read_to_string("/sys/devices/system/cpu/online");
    online
        .ok()
        .and_then(|list| parse(&list))
        .unwrap_or_else(|| {
            // SAFETY: it only tells.
            let count = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
            (0..count.try_into().unwrap_or(1)).collect()
        })
}

/// A list such as `0-3,6`.
fn parse(list: &str) -> Option<Vec<u32>> {
    let mut numbers = Vec::new();
    for part in list.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        // No kernel is built for more.
        let last = last.parse().ok().filter(|&last: &u32| last < 1 << 16)?;
        let first: u32 = first.parse().ok()?;
        numbers.extend(first..=last);
    }
    Some(numbers)
}

/// A bit for each of those that there is a bit for.
fn mask(processors: &[u32]) -> DWORD_PTR {
    let bits = processors.iter().map(|&it| 1_usize.checked_shl(it));
    bits.flatten().fold(0, |mask, bit| mask | bit)
}

/// The processor's family; its model and its stepping.
#[cfg(target_arch = "x86_64")]
fn level_and_revision() -> (WORD, WORD) {
    // It is safe since a newer version of the compiler than the oldest that this is for.
    #[allow(unused_unsafe)]
    // SAFETY: all processors of this architecture have the instruction and this leaf of it.
    let leaf = unsafe { std::arch::x86_64::__cpuid(1) };
    of_signature(leaf.eax)
}

/// Other architectures: what the API wants there is not published, or, of the oldest processors of
/// 32 bits, can't be asked for.
#[cfg(not(target_arch = "x86_64"))]
fn level_and_revision() -> (WORD, WORD) {
    (0, 0)
}

/// Families from 15 on, and models of some families, are in two parts.
#[cfg(target_arch = "x86_64")]
fn of_signature(signature: u32) -> (WORD, WORD) {
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
    use crate::code::Code;
    use crate::windows::tests::Pages;

    fn information() -> SYSTEM_INFO {
        let pages = Pages::new(1);
        let to = pages.at(0).cast::<SYSTEM_INFO>();
        query(to).unwrap();
        // SAFETY: it was just written there.
        unsafe { to.read() }
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn its_layout() {
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
    fn pages_and_processors() {
        let information = information();
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
    fn the_processor_is_the_one_that_the_kernel_shows() {
        let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap();
        let number = |of: &str| -> WORD {
            let line = cpus.lines().find(|line| {
                let name = line.split(':').next().unwrap();
                name.trim() == of
            });
            let (_, number) = line.unwrap().split_once(':').unwrap();
            number.trim().parse().unwrap()
        };
        let information = information();
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
    fn families_and_models_in_two_parts() {
        // A Skylake server, a Zen 2, a Pentium 4 and a Pentium.
        assert_eq!(of_signature(0x5_0654), (6, 0x5504));
        assert_eq!(of_signature(0x83_0F10), (23, 0x3100));
        assert_eq!(of_signature(0x0F29), (15, 0x0209));
        assert_eq!(of_signature(0x052C), (5, 0x020C));
    }

    #[test]
    fn every_mapping_of_a_program_is_within_the_addresses() {
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
    fn the_last_page_can_be_mapped_and_the_next_cannot() {
        let end = application_addresses().end;
        let page = page_size() as usize;
        let map = |start: usize| {
            // SAFETY: nothing that is there is replaced.
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
        // SAFETY: it was just mapped.
        unsafe { libc::munmap(last, page) };
        assert_eq!(map(end), libc::MAP_FAILED);
    }

    #[test]
    fn lists_of_processors() {
        assert_eq!(parse("0\n"), Some(vec![0]));
        assert_eq!(parse("0-2,6,8-9\n"), Some(vec![0, 1, 2, 6, 8, 9]));
        for wrong in ["", "x", "0-", "1-99999999"] {
            assert_eq!(parse(wrong), None);
        }
        assert_eq!(mask(&[0, 1, 5]), 0b10_0011);
        assert_eq!(mask(&[1, 64, 200]), 2);
    }

    #[test]
    fn it_is_not_written_where_it_cannot_be() {
        let pages = Pages::new(1);
        pages.protect(libc::PROT_READ);
        for to in [std::ptr::null_mut(), pages.at(0).cast()] {
            assert_eq!(query(to), Err(Code::NOACCESS));
        }
    }
}
