//! `OpenProcessToken`, `LookupPrivilegeValue` and `AdjustTokenPrivileges`.
//!
//! A privilege is a capability. Enabling it makes a permitted capability effective for the calling
//! thread; disabling it does the opposite.

use std::mem::offset_of;

use super::capabilities::Capabilities;
use crate::convert::to_dword;
use crate::linux::caller_strings::read_until_zero;
use crate::linux::handle_table::{Object, OpenHandle};
use crate::linux::handles::{object, resolve};
use crate::linux::last_error;
use crate::linux::state;
use crate::linux::win32::name::NameUnit;
use crate::types::rights::{
    MAXIMUM_ALLOWED, PROCESS_QUERY_LIMITED_INFORMATION, TOKEN_ADJUST_PRIVILEGES, TOKEN_QUERY,
};
use crate::types::{BOOL, DWORD, FALSE, HANDLE, LUID, LUID_AND_ATTRIBUTES, TOKEN_PRIVILEGES, TRUE};
use crate::user_memory::{self, AnyBitPattern};
use crate::win32_error::{Result, Win32Error};

// SAFETY: the fields are integers, for which every bit pattern is valid.
unsafe impl AnyBitPattern for LUID_AND_ATTRIBUTES {}

/// A privilege: its name, its published number, and the capability that has its effect here.
struct Privilege {
    name: &'static str,
    luid: LUID,
    capability: u32,
}

/// The privileges that affect a function of this library.
const PRIVILEGES: [Privilege; 3] = [
    // Locking memory beyond the limit, with `VirtualLock`: CAP_IPC_LOCK.
    Privilege::new("SeLockMemoryPrivilege", 4, 14),
    // Emptying the working sets of others: CAP_SYS_NICE.
    Privilege::new("SeIncreaseQuotaPrivilege", 5, 23),
    // Opening the processes of others with all rights: CAP_SYS_PTRACE.
    Privilege::new("SeDebugPrivilege", 20, 19),
];

impl Privilege {
    const fn new(name: &'static str, number: DWORD, capability: u32) -> Self {
        let luid = LUID {
            LowPart: number,
            HighPart: 0,
        };
        Privilege {
            name,
            luid,
            capability,
        }
    }
}

const SE_PRIVILEGE_ENABLED: DWORD = 2;
const SE_PRIVILEGE_REMOVED: DWORD = 4;

/// Implements `OpenProcessToken`. Only the caller's own privileges can be adjusted.
pub fn open(process: HANDLE, access: DWORD, to: *mut HANDLE) -> Result<BOOL> {
    /// The standard rights, and the rights to a token.
    const ALL: DWORD = 0x000F_01FF;
    let target = resolve(process, PROCESS_QUERY_LIMITED_INFORMATION)?;
    let is_own = target.process.id().get() == std::process::id();
    let available = match is_own {
        true => ALL,
        false => ALL & !TOKEN_ADJUST_PRIVILEGES,
    };
    if access & !(available | MAXIMUM_ALLOWED) != 0 {
        return Err(Win32Error::ACCESS_DENIED);
    }
    let access = match access & MAXIMUM_ALLOWED {
        0 => access,
        _ => available,
    };
    let token = Object::Token(OpenHandle { target, access });
    let handle = state::with(|state| state.handles.insert(token))?;
    user_memory::write(to, &handle)
        // Nobody else knows the handle.
        .inspect_err(|_| drop(state::with(|state| state.handles.remove(handle))))?;
    Ok(TRUE)
}

/// Implements `LookupPrivilegeValue` for this machine: other machines are not reachable.
pub fn lookup<U: NameUnit>(machine: *const U, name: *const U, to: *mut LUID) -> Result<BOOL> {
    /// No privilege has a longer name.
    const MAX_NAME: usize = 64;
    if !machine.is_null() && !read_until_zero(machine, 1)?.is_empty() {
        return Err(Win32Error::NOT_SUPPORTED);
    }
    let name = U::decode(&read_until_zero(name, MAX_NAME)?);
    let privilege = PRIVILEGES
        .iter()
        .find(|privilege| privilege.name.as_bytes().eq_ignore_ascii_case(&name))
        .ok_or(Win32Error::NO_SUCH_PRIVILEGE)?;
    user_memory::write(to, &privilege.luid)?;
    Ok(TRUE)
}

/// Implements `AdjustTokenPrivileges`. As the API defines, a successful call sets the last error:
/// to 0, or to `ERROR_NOT_ALL_ASSIGNED` if the caller lacks some of the privileges.
pub fn adjust(
    token: HANDLE,
    disable_all: BOOL,
    new: *mut TOKEN_PRIVILEGES,
    length: DWORD,
    previous: *mut TOKEN_PRIVILEGES,
    needed: *mut DWORD,
) -> Result<BOOL> {
    let token = match object(token)? {
        Object::Token(token) => token,
        _ => return Err(Win32Error::INVALID_HANDLE),
    };
    let wanted_access = match previous.is_null() {
        true => TOKEN_ADJUST_PRIVILEGES,
        false => TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY,
    };
    // A forked child has the tokens of its parent, whose privileges it cannot adjust.
    let is_own = token.target.process.id().get() == std::process::id();
    if token.access & wanted_access != wanted_access || !is_own {
        return Err(Win32Error::ACCESS_DENIED);
    }
    let requested = match disable_all {
        FALSE => read_privileges(new)?,
        _ => all_disabled(),
    };
    let before = Capabilities::of_thread()?;
    let mut after = before;
    let (mut changed, mut all_assigned) = (Vec::new(), true);
    for LUID_AND_ATTRIBUTES { Luid, Attributes } in requested {
        let known = PRIVILEGES.iter().find(|privilege| privilege.luid == Luid);
        let held = known.filter(|privilege| before.is_permitted(privilege.capability));
        let Some(privilege) = held else {
            // Disabling everything concerns only the privileges that the caller has.
            all_assigned &= disable_all != FALSE;
            continue;
        };
        let was_enabled = before.is_effective(privilege.capability);
        let enable = Attributes & SE_PRIVILEGE_ENABLED != 0;
        if was_enabled != enable {
            after.set_effective(privilege.capability, enable);
            changed.push(LUID_AND_ATTRIBUTES {
                Luid,
                Attributes: if was_enabled { SE_PRIVILEGE_ENABLED } else { 0 },
            });
        }
    }
    if !previous.is_null() {
        write_previous(&changed, length, previous, needed)?;
    }
    if !changed.is_empty() {
        after.apply()?;
    }
    last_error::set(match all_assigned {
        true => 0,
        false => Win32Error::NOT_ALL_ASSIGNED.0,
    });
    Ok(TRUE)
}

/// Reads the privileges that the caller wants to change. Permanent removal of a privilege is not
/// supported.
fn read_privileges(from: *const TOKEN_PRIVILEGES) -> Result<Vec<LUID_AND_ATTRIBUTES>> {
    let count = user_memory::read(from.cast::<DWORD>())?;
    let first = from.wrapping_byte_add(offset_of!(TOKEN_PRIVILEGES, Privileges));
    let first = first.cast::<LUID_AND_ATTRIBUTES>();
    let mut privileges = Vec::new();
    for index in 0..count as usize {
        let privilege = user_memory::read(first.wrapping_add(index))?;
        if privilege.Attributes & SE_PRIVILEGE_REMOVED != 0 {
            return Err(Win32Error::NOT_SUPPORTED);
        }
        privileges.push(privilege);
    }
    Ok(privileges)
}

fn all_disabled() -> Vec<LUID_AND_ATTRIBUTES> {
    let disabled = |privilege: &Privilege| LUID_AND_ATTRIBUTES {
        Luid: privilege.luid,
        Attributes: 0,
    };
    PRIVILEGES.iter().map(disabled).collect()
}

/// Writes the changed privileges as they were, for a call that restores them. If they do not fit,
/// nothing changes.
fn write_previous(
    changed: &[LUID_AND_ATTRIBUTES],
    length: DWORD,
    to: *mut TOKEN_PRIVILEGES,
    needed: *mut DWORD,
) -> Result<()> {
    let offset = offset_of!(TOKEN_PRIVILEGES, Privileges);
    // The structure has room for at least one element.
    let elements = changed.len().max(1) * size_of::<LUID_AND_ATTRIBUTES>();
    let size = to_dword((offset + elements) as u64);
    user_memory::write(needed, &size)?;
    if length < size {
        return Err(Win32Error::INSUFFICIENT_BUFFER);
    }
    user_memory::write(to.cast(), &to_dword(changed.len() as u64))?;
    user_memory::write_slice(to.wrapping_byte_add(offset).cast(), changed)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::ptr::{null, null_mut};

    use rustix::thread::CapabilitySet;
    use testing::privilege::{is_root, unprivileged, with_capabilities};
    use testing::skip;

    use super::*;
    use crate::linux::handles::{close, current};
    use crate::types::CHAR;

    /// `TOKEN_PRIVILEGES` with one element.
    #[repr(C)]
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    struct One {
        count: DWORD,
        privilege: LUID_AND_ATTRIBUTES,
    }

    fn debug(attributes: DWORD) -> One {
        let mut luid = PRIVILEGES[0].luid;
        let name = c"SeDebugPrivilege".as_ptr();
        assert_eq!(lookup(null(), name, &mut luid), Ok(TRUE));
        One {
            count: 1,
            privilege: LUID_AND_ATTRIBUTES {
                Luid: luid,
                Attributes: attributes,
            },
        }
    }

    /// Adjusts the debug privilege. Returns the last error and the previous state.
    fn set_debug(token: HANDLE, attributes: DWORD) -> (Result<BOOL>, DWORD, One) {
        let (mut new, mut previous) = (debug(attributes), debug(0x77));
        let (mut needed, size) = (0, size_of::<One>() as DWORD);
        last_error::set(77);
        let (new, at) = ((&raw mut new).cast(), (&raw mut previous).cast());
        let result = adjust(token, FALSE, new, size, at, &mut needed);
        (result, last_error::get(), previous)
    }

    fn open_own(access: DWORD) -> HANDLE {
        let mut token = null_mut();
        assert_eq!(open(current(), access, &mut token), Ok(TRUE));
        token
    }

    fn has_effective() -> bool {
        Capabilities::of_thread().unwrap().is_effective(19)
    }

    const BOTH: DWORD = TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY;

    #[test]
    fn privilege_follows_capability() {
        if !is_root() {
            return skip("needs root to choose capabilities");
        }
        with_capabilities(CapabilitySet::SYS_PTRACE, || {
            let token = open_own(BOTH);
            let one = |attributes| debug(attributes);
            assert!(has_effective());
            // Nothing changes, so the previous state is empty.
            let (result, error, previous) = set_debug(token, SE_PRIVILEGE_ENABLED);
            assert_eq!((result, error, previous.count), (Ok(TRUE), 0, 0));
            assert_eq!(
                set_debug(token, 0),
                (Ok(TRUE), 0, one(SE_PRIVILEGE_ENABLED))
            );
            assert!(!has_effective());
            assert_eq!(
                set_debug(token, SE_PRIVILEGE_ENABLED),
                (Ok(TRUE), 0, one(0))
            );
            assert!(has_effective());
            assert_eq!(
                adjust(token, TRUE, null_mut(), 0, null_mut(), null_mut()),
                Ok(TRUE)
            );
            assert!(!has_effective());
            close(token).unwrap();
        });
        // Other threads keep the capability.
        assert!(has_effective());
    }

    #[test]
    fn missing_capability_is_not_assigned() {
        unprivileged(|| {
            let token = open_own(BOTH);
            let (result, error, previous) = set_debug(token, SE_PRIVILEGE_ENABLED);
            assert_eq!((result, error), (Ok(TRUE), Win32Error::NOT_ALL_ASSIGNED.0));
            assert_eq!(previous.count, 0);
            close(token).unwrap();
        });
    }

    #[test]
    fn names_have_published_numbers() {
        assert_eq!(debug(0).privilege.Luid.LowPart, 20);
        let mut luid = PRIVILEGES[0].luid;
        let wide: Vec<u16> = "selockmemoryprivilege\0".encode_utf16().collect();
        assert_eq!(lookup([0u16].as_ptr(), wide.as_ptr(), &mut luid), Ok(TRUE));
        assert_eq!((luid.LowPart, luid.HighPart), (4, 0));
        for name in [c"", c"SeDebug", c"SeDebugPrivilegeX"] {
            let result = lookup(null(), name.as_ptr(), &mut luid);
            assert_eq!(result, Err(Win32Error::NO_SUCH_PRIVILEGE));
        }
        let name = c"SeDebugPrivilege".as_ptr();
        let remote = lookup(c"machine".as_ptr(), name, &mut luid);
        assert_eq!(remote, Err(Win32Error::NOT_SUPPORTED));
        assert_eq!(lookup(null(), name, null_mut()), Err(Win32Error::NOACCESS));
        let nameless = lookup(null(), null::<CHAR>(), &mut luid);
        assert_eq!(nameless, Err(Win32Error::NOACCESS));
    }

    #[test]
    fn token_needs_rights() {
        let token = open_own(TOKEN_QUERY);
        assert_eq!(set_debug(token, 0).0, Err(Win32Error::ACCESS_DENIED));
        close(token).unwrap();
        assert_eq!(set_debug(token, 0).0, Err(Win32Error::INVALID_HANDLE));
        assert_eq!(set_debug(current(), 0).0, Err(Win32Error::INVALID_HANDLE));
        let token = open_own(TOKEN_ADJUST_PRIVILEGES);
        assert_eq!(set_debug(token, 0).0, Err(Win32Error::ACCESS_DENIED));
        let mut removed = debug(SE_PRIVILEGE_REMOVED);
        let adjust_with =
            |new: *mut TOKEN_PRIVILEGES| adjust(token, FALSE, new, 0, null_mut(), null_mut());
        let result = adjust_with((&raw mut removed).cast());
        assert_eq!(result, Err(Win32Error::NOT_SUPPORTED));
        assert_eq!(adjust_with(null_mut()), Err(Win32Error::NOACCESS));
        close(token).unwrap();
        assert_eq!(open(current(), BOTH, null_mut()), Err(Win32Error::NOACCESS));
    }

    #[test]
    fn privileges_of_others_cannot_be_adjusted() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let access = PROCESS_QUERY_LIMITED_INFORMATION;
        let process = crate::linux::handles::open(access, FALSE, child.id()).unwrap();
        let mut token = null_mut();
        assert_eq!(
            open(process, BOTH, &mut token),
            Err(Win32Error::ACCESS_DENIED)
        );
        assert_eq!(open(process, MAXIMUM_ALLOWED, &mut token), Ok(TRUE));
        assert_eq!(set_debug(token, 0).0, Err(Win32Error::ACCESS_DENIED));
        close(token).unwrap();
        close(process).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
