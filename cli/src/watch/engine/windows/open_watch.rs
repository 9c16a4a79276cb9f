//! Opens a watch.

use psapi::{Process, WorkingSetWatch};

use crate::watch::engine::options::Buffer;

/// Starts to record the faults of a process. Faults of the processes that it starts cannot be
/// recorded.
pub fn open_watch(process: &Process, _children: bool) -> psapi::Result<(WorkingSetWatch, Buffer)> {
    let buffer = Buffer {
        size: None,
        is_small: false,
        is_user_only: false,
    };
    Ok((process.watch_working_set()?, buffer))
}
