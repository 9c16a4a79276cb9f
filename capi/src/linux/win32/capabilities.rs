//! The capabilities of the calling thread. The kernel keeps them per thread.

use crate::win32_error::{Result, Win32Error};

/// Version 3 of the structures, which has 64 capabilities (Linux 2.6.26).
const VERSION: u32 = 0x2008_0522;

#[repr(C)]
struct Header {
    version: u32,
    /// 0 is the calling thread.
    thread: i32,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
struct Data {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// The capability sets of a thread, one bit per capability.
#[derive(Debug, Clone, Copy)]
pub struct Capabilities([Data; 2]);

impl Capabilities {
    /// Reads the capabilities of the calling thread.
    pub fn of_thread() -> Result<Self> {
        let mut header = Header {
            version: VERSION,
            thread: 0,
        };
        let mut data = [Data::default(); 2];
        // SAFETY: for this version, the kernel writes two elements to `data`.
        let result = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, data.as_mut_ptr()) };
        match result {
            0 => Ok(Capabilities(data)),
            _ => Err(Win32Error::GEN_FAILURE),
        }
    }

    /// Gives these capabilities to the calling thread.
    pub fn apply(self) -> Result<()> {
        let mut header = Header {
            version: VERSION,
            thread: 0,
        };
        // SAFETY: for this version, the kernel reads two elements of `data`. Fewer effective
        // capabilities cannot make memory accesses invalid.
        let result = unsafe { libc::syscall(libc::SYS_capset, &raw mut header, self.0.as_ptr()) };
        match result {
            0 => Ok(()),
            _ => Err(Win32Error::ACCESS_DENIED),
        }
    }

    fn of(&mut self, capability: u32) -> (&mut Data, u32) {
        (
            &mut self.0[(capability / 32) as usize],
            1 << (capability % 32),
        )
    }

    pub fn is_effective(mut self, capability: u32) -> bool {
        let (data, bit) = self.of(capability);
        data.effective & bit != 0
    }

    pub fn is_permitted(mut self, capability: u32) -> bool {
        let (data, bit) = self.of(capability);
        data.permitted & bit != 0
    }

    pub fn set_effective(&mut self, capability: u32, effective: bool) {
        let (data, bit) = self.of(capability);
        match effective {
            true => data.effective |= bit,
            false => data.effective &= !bit,
        }
    }
}
