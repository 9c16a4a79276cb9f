//! The values of handles.
//!
//! Only the lower 32 bits of a handle are significant, so that programs in other languages can keep
//! it in an integer. Values are below 2^31: truncating one and extending it again, with or without
//! its sign, returns the same handle. They are multiples of 4, as the API requires.
//!
//! The 2^29 remaining values are used in an order that depends on a secret. A guess, or arithmetic
//! on other handles, hardly ever yields a valid handle. A closed handle stays invalid until all
//! other values have been used.

use std::hash::{BuildHasher as _, RandomState};

use crate::types::HANDLE;

/// The low bits of a value, which are zero.
const LOW_BITS: u32 = 2;

/// The number of bits above the low ones.
const BITS: u32 = 31 - LOW_BITS;

/// The number of values.
pub const COUNT: usize = 1 << BITS;

/// An endless sequence of handle values.
#[derive(Debug)]
pub struct HandleValues {
    /// The secret, chosen on first use.
    keys: Option<[u32; 2]>,
    position: u32,
}

impl HandleValues {
    pub const fn new() -> Self {
        HandleValues {
            keys: None,
            position: 0,
        }
    }

    /// Returns the next value. It can be 0, or a value that is in use.
    pub fn next(&mut self) -> u32 {
        let keys = *self.keys.get_or_insert_with(|| {
            let random = RandomState::new().hash_one(0);
            [random as u32, (random >> 32) as u32]
        });
        let value = permute(self.position, keys, BITS) << LOW_BITS;
        self.position = (self.position + 1) % (1 << BITS);
        value
    }
}

/// Permutes the numbers that have a number of bits. Each step can be undone, so no two numbers
/// become the same.
fn permute(number: u32, keys: [u32; 2], bits: u32) -> u32 {
    let mask = (1 << bits) - 1;
    keys.into_iter().fold(number, |number, key| {
        let odd = key | 1;
        let number = number.wrapping_add(key >> 1).wrapping_mul(odd) & mask;
        number ^ number >> bits.div_ceil(2)
    })
}

/// Returns the significant part of a handle. Returns `None` if the other bits do not come from
/// extending that part, so that the value is no handle.
pub fn significant(handle: HANDLE) -> Option<u32> {
    let value = handle.addr();
    let low = value as u32;
    let with_sign = low.cast_signed() as isize;
    (value == low as usize || value == with_sign.cast_unsigned()).then_some(low)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn permutation_hits_each_number_once() {
        for bits in [1, 2, 7, 12] {
            for key in [0, 1, 0x8000_0001, 0xdead_beef, u32::MAX] {
                let numbers = 0..1 << bits;
                let permuted = numbers.clone().map(|n| permute(n, [key, !key], bits));
                let mut permuted: Vec<u32> = permuted.collect();
                permuted.sort_unstable();
                assert!(permuted.into_iter().eq(numbers), "{bits} {key:#x}");
            }
        }
    }

    #[test]
    fn values_are_multiples_of_4() {
        let mut values = HandleValues::new();
        let values: BTreeSet<u32> = (0..10_000).map(|_| values.next()).collect();
        assert_eq!(values.len(), 10_000);
        for value in values {
            assert_eq!(value % 4, 0);
            assert!(i32::try_from(value).is_ok());
        }
    }

    #[test]
    fn sequences_differ() {
        let first_values = || {
            let mut values = HandleValues::new();
            [(); 3].map(|()| values.next())
        };
        assert_ne!(first_values(), first_values());
    }

    #[test]
    fn upper_bits_must_extend_lower_ones() {
        let handle = std::ptr::without_provenance_mut;
        assert_eq!(significant(handle(0x7fff_fffc)), Some(0x7fff_fffc));
        assert_eq!(significant(handle(usize::MAX)), Some(u32::MAX));
        assert_eq!(significant(handle(0xffff_ffff)), Some(u32::MAX));
        #[cfg(target_pointer_width = "64")]
        for value in [1 << 32 | 4, usize::MAX << 32 | 4, usize::MAX >> 1] {
            assert_eq!(significant(handle(value)), None, "{value:#x}");
        }
    }
}
