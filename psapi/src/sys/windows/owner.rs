//! The user that a process runs as: `TokenUser` of its token.

use std::os::windows::io::AsHandle as _;

use super::buffer::Fixed;
use super::layouts::reader::Width;
use super::layouts::sid;
use super::nt;
use super::process::Process;
use super::status::Status;
use crate::owner::Sid;

/// The longest `TOKEN_USER`, with the longest identifier.
const MAX_TOKEN_USER: usize = 2 * 8 + 8 + 4 * Sid::MAX_SUB_AUTHORITIES;

/// Reads the user of a process; `None` if Windows reports an identifier that this crate does not
/// understand.
pub(crate) fn owner(process: &Process) -> Result<Option<Sid>, Status> {
    const TOKEN_QUERY: u32 = 0x0008;
    let token = nt::open_token(process.limited(), TOKEN_QUERY)?;
    let mut buffer = Fixed::<MAX_TOKEN_USER>::new();
    buffer.fill(|bytes| nt::query_token_user(token.as_handle(), bytes))?;
    let base = buffer.0.as_ptr() as u64;
    Ok(sid::parse_token_user(&buffer.0, base, Width::NATIVE))
}
