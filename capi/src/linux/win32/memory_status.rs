//! `GlobalMemoryStatusEx`.

use super::system_info::application_addresses;
use crate::convert::to_dword;
use crate::linux::handles::own_process;
use crate::system::system;
use crate::types::{BOOL, DWORD, MEMORYSTATUSEX, TRUE};
use crate::user_memory;
use crate::win32_error::{Result, Win32Error};

/// Implements `GlobalMemoryStatusEx`. The caller must have set the length of the structure.
pub fn query(to: *mut MEMORYSTATUSEX) -> Result<BOOL> {
    const SIZE: DWORD = size_of::<MEMORYSTATUSEX>() as DWORD;
    if user_memory::read(to.cast::<DWORD>().cast_const())? != SIZE {
        return Err(Win32Error::INVALID_PARAMETER);
    }
    let info = system()
        .performance_info()
        .map_err(|error| Win32Error::from_system_error(&error))?;
    let counters = own_process()?
        .process
        .memory_counters()
        .map_err(|error| Win32Error::from_process_error(&error))?;
    let used = info.physical_total.saturating_sub(info.physical_available);
    let load = u128::from(used) * 100 / u128::from(info.physical_total.max(1));
    let uncommitted = info.commit_limit.saturating_sub(info.commit_total);
    let own_limit = own_commit_limit();
    let addresses = application_addresses();
    let virtual_total = (addresses.end - addresses.start) as u64;
    let status = MEMORYSTATUSEX {
        dwLength: SIZE,
        dwMemoryLoad: to_dword(load as u64),
        ullTotalPhys: info.physical_total,
        ullAvailPhys: info.physical_available,
        ullTotalPageFile: info.commit_limit.min(own_limit),
        ullAvailPageFile: uncommitted.min(own_limit.saturating_sub(counters.commit)),
        ullTotalVirtual: virtual_total,
        ullAvailVirtual: virtual_total.saturating_sub(counters.virtual_size),
        ullAvailExtendedVirtual: 0,
    };
    user_memory::write(to, &status)?;
    Ok(TRUE)
}

/// Returns the limit of the caller's private writable memory in bytes: `RLIMIT_DATA`.
fn own_commit_limit() -> u64 {
    let mut limit = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: `limit` has room for the structure. On failure it keeps its value.
    unsafe { libc::getrlimit(libc::RLIMIT_DATA, &mut limit) };
    match limit.rlim_cur {
        libc::RLIM_INFINITY => u64::MAX,
        // The type has 32 bits on some architectures.
        #[allow(clippy::useless_conversion)]
        limited => limited.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> MEMORYSTATUSEX {
        let mut status = MEMORYSTATUSEX {
            dwLength: size_of::<MEMORYSTATUSEX>() as DWORD,
            dwMemoryLoad: 0,
            ullTotalPhys: 0,
            ullAvailPhys: 0,
            ullTotalPageFile: 0,
            ullAvailPageFile: 0,
            ullTotalVirtual: 0,
            ullAvailVirtual: 0,
            ullAvailExtendedVirtual: 7,
        };
        assert_eq!(query(&mut status), Ok(TRUE));
        status
    }

    #[test]
    fn reports_memory_of_machine() {
        let text = std::fs::read_to_string("/proc/meminfo").unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
        let total = line.unwrap().trim().trim_end_matches(" kB");
        let status = status();
        assert_eq!(status.ullTotalPhys, total.parse::<u64>().unwrap() * 1024);
        assert!(status.ullAvailPhys <= status.ullTotalPhys);
        assert!(status.ullAvailPageFile <= status.ullTotalPageFile);
        let used = status.ullTotalPhys - status.ullAvailPhys;
        assert_eq!(
            u64::from(status.dwMemoryLoad),
            used * 100 / status.ullTotalPhys
        );
        assert_eq!(status.ullAvailExtendedVirtual, 0);
    }

    #[test]
    fn mappings_use_addresses() {
        const SIZE: usize = 1 << 30;
        let before = status();
        // SAFETY: without `MAP_FIXED`, the mapping replaces nothing.
        let memory = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                SIZE,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        assert_ne!(memory, libc::MAP_FAILED);
        let after = status();
        // SAFETY: nothing uses the mapping.
        unsafe { libc::munmap(memory, SIZE) };
        assert_eq!(before.ullTotalVirtual, after.ullTotalVirtual);
        // Other tests map a few megabytes in the meantime.
        let used = before.ullAvailVirtual.abs_diff(after.ullAvailVirtual);
        assert!(used.abs_diff(SIZE as u64) < SIZE as u64 / 2, "{used}");
    }

    #[test]
    fn length_must_be_set() {
        let mut status = status();
        for length in [0, 63, 65, 128] {
            status.dwLength = length;
            assert_eq!(query(&mut status), Err(Win32Error::INVALID_PARAMETER));
        }
        assert_eq!(query(std::ptr::null_mut()), Err(Win32Error::NOACCESS));
    }
}
