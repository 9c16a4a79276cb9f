//! Names of accounts.

use std::ffi::{OsStr, OsString};
use std::os::windows::ffi::{OsStrExt as _, OsStringExt as _};
use std::ptr::{null, null_mut};

use psapi::Sid;
use windows_sys::Win32::Foundation::{ERROR_NONE_MAPPED, GetLastError};
use windows_sys::Win32::Security::{LookupAccountNameW, LookupAccountSidW, PSID};

use crate::sys::not_found::NotFound;

/// The size in bytes of the longest security identifier.
const MAX_SID: usize = 8 + 4 * Sid::MAX_SUB_AUTHORITIES;

fn last_failure() -> NotFound {
    // SAFETY: the function has no preconditions.
    match unsafe { GetLastError() } {
        ERROR_NONE_MAPPED => NotFound::Absent,
        _ => NotFound::Unknown,
    }
}

/// Returns the name of an account, with its domain: `NT AUTHORITY\SYSTEM`.
pub fn account_name(sid: Sid) -> Result<OsString, NotFound> {
    let mut sid = to_bytes(sid);
    let (mut name, mut domain) = (Vec::new(), Vec::new());
    let (mut name_size, mut domain_size, mut kind) = (0, 0, 0);
    loop {
        let is_first = name.is_empty();
        // SAFETY: the identifier is complete, and each buffer has the size that is passed with it.
        let found = unsafe {
            LookupAccountSidW(
                null(),
                sid.as_mut_ptr() as PSID,
                pointer(&mut name),
                &mut name_size,
                pointer(&mut domain),
                &mut domain_size,
                &mut kind,
            )
        };
        if found != 0 {
            break;
        }
        // The first call only asks for the sizes.
        if !is_first || name_size == 0 {
            return Err(last_failure());
        }
        name.resize(name_size as usize, 0);
        domain.resize(domain_size as usize, 0);
    }
    let text = |buffer: &[u16], length: u32| {
        OsString::from_wide(buffer.get(..length as usize).unwrap_or_default())
    };
    let mut full = text(&domain, domain_size);
    if !full.is_empty() {
        full.push("\\");
    }
    full.push(text(&name, name_size));
    Ok(full)
}

/// Returns the security identifier of an account: `SYSTEM` or `DOMAIN\name`.
pub fn account_sid(name: &OsStr) -> Option<Sid> {
    let name: Vec<u16> = name.encode_wide().chain([0]).collect();
    if name.iter().position(|&unit| unit == 0) != Some(name.len() - 1) {
        return None;
    }
    let mut sid = [0; MAX_SID];
    let mut domain = Vec::new();
    let (mut domain_size, mut kind) = (0, 0);
    loop {
        let is_first = domain.is_empty();
        let mut size = MAX_SID as u32;
        // SAFETY: the name ends with NUL, and each buffer has the size that is passed with it.
        let found = unsafe {
            LookupAccountNameW(
                null(),
                name.as_ptr(),
                sid.as_mut_ptr() as PSID,
                &mut size,
                pointer(&mut domain),
                &mut domain_size,
                &mut kind,
            )
        };
        if found != 0 {
            return from_bytes(&sid);
        }
        // The first call only asks for the size.
        if !is_first || domain_size == 0 {
            return None;
        }
        domain.resize(domain_size as usize, 0);
    }
}

/// Returns the address of a buffer; null if it is empty.
fn pointer(buffer: &mut [u16]) -> *mut u16 {
    if buffer.is_empty() {
        null_mut()
    } else {
        buffer.as_mut_ptr()
    }
}

/// Returns an identifier as the structure `SID`.
fn to_bytes(sid: Sid) -> Vec<u8> {
    let parts = sid.sub_authorities();
    let mut bytes = vec![sid.revision(), parts.len() as u8];
    bytes.extend_from_slice(&sid.authority().to_be_bytes()[2..]);
    bytes.extend(parts.iter().flat_map(|part| part.to_le_bytes()));
    bytes
}

/// Returns the identifier in a structure `SID`.
fn from_bytes(bytes: &[u8]) -> Option<Sid> {
    let (&[revision, count], rest) = bytes.split_first_chunk()?;
    let (authority, rest) = rest.split_first_chunk::<6>()?;
    let authority = authority
        .iter()
        .fold(0, |all, &byte| all << 8 | u64::from(byte));
    let parts: Vec<u32> = rest
        .chunks_exact(4)
        .take(count.into())
        .map(|part| {
            part.iter()
                .rev()
                .fold(0, |all, &byte| all << 8 | u32::from(byte))
        })
        .collect();
    Sid::new(revision, authority, &parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_account_has_name() {
        let system: Sid = "S-1-5-18".parse().unwrap();
        assert_eq!(from_bytes(&to_bytes(system)), Some(system));
        let name = account_name(system).unwrap();
        assert_eq!(account_sid(&name), Some(system), "{name:?}");
    }

    #[test]
    fn unknown_account_is_absent() {
        let nobody: Sid = "S-1-5-21-1-2-3-4".parse().unwrap();
        assert_eq!(account_name(nobody), Err(NotFound::Absent));
        assert_eq!(account_sid(OsStr::new("no such account")), None);
        assert_eq!(account_sid(OsStr::new("a\0b")), None);
    }
}
