//! `QUOTA_LIMITS`: the limits of a process's memory.

use super::reader::Width;

/// Returns limits that empty the working set: its least and largest size are -1, as for
/// `SetProcessWorkingSetSize`. The other limits are 0, which leaves them as they are.
pub(crate) fn empty_working_set(width: Width) -> Vec<u8> {
    const UNCHANGED: u64 = 0;
    const EMPTY: u64 = u64::MAX;
    let sizes = [
        UNCHANGED, // PagedPoolLimit
        UNCHANGED, // NonPagedPoolLimit
        EMPTY,     // MinimumWorkingSetSize
        EMPTY,     // MaximumWorkingSetSize
        UNCHANGED, // PagefileLimit
    ];
    let mut bytes = Vec::new();
    for size in sizes {
        bytes.extend_from_slice(&size.to_le_bytes()[..width.bytes()]);
    }
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend_from_slice(&UNCHANGED.to_le_bytes()); // TimeLimit
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_working_set_limits_are_set() {
        let limits = empty_working_set(Width::Bits64);
        assert_eq!(limits.len(), 48);
        assert_eq!(limits[16..32], [0xFF; 16]);
        assert_eq!(limits.iter().filter(|&&byte| byte != 0).count(), 16);
        let limits = empty_working_set(Width::Bits32);
        assert_eq!(limits.len(), 32);
        assert_eq!(limits[8..16], [0xFF; 8]);
        assert_eq!(limits.iter().filter(|&&byte| byte != 0).count(), 8);
    }
}
