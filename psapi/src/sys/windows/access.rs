//! The caller's rights to a process.

use super::process::{Process, Rights};
use super::status::Status;
use crate::access::Access;
use crate::error::SourceError;

/// Returns the rights that the system grants the caller now.
pub(crate) fn access(process: &Process) -> Result<Access, SourceError> {
    let mut access = Access::empty();
    for (flag, rights) in [
        (Access::READ, Rights::READ),
        (Access::EMPTY, Rights::SET_QUOTA),
        (Access::TERMINATE, Rights::TERMINATE),
    ] {
        match process.grants(rights) {
            Ok(granted) => access.set(flag, granted),
            Err(Status::ACCESS_DENIED) => {}
            Err(status) => return Err(process.error(super::process::OPEN, status)),
        }
    }
    Ok(access)
}
