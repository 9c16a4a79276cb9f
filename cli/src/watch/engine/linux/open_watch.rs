//! Opens a watch with buffers that are large enough.

use psapi::{Process, WatchOptions, WorkingSetWatch};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::output::human_size;
use crate::session::warn;
use crate::watch::engine::options::Buffer;

/// Size in bytes of the ring buffer of each CPU.
const BUFFER_SIZE: usize = 2 << 20;

/// Starts to record the faults of a process, and with `children` of the processes that it starts.
pub fn open_watch(process: &Process, children: bool) -> psapi::Result<(WorkingSetWatch, Buffer)> {
    let options = WatchOptions::new()
        .children(children)
        .buffer_size(BUFFER_SIZE);
    raise_descriptor_limit();
    let watch = process.watch_working_set_with(options)?;
    let has_small_buffer = watch.buffer_size() < BUFFER_SIZE;
    if has_small_buffer {
        warn(format_args!(
            "the buffer of each CPU has {} instead of {}, so faults might be lost. A larger buffer \
             requires CAP_IPC_LOCK, or a higher kernel.perf_event_mlock_kb or RLIMIT_MEMLOCK \
             (ulimit -l)",
            human_size(watch.buffer_size() as u64),
            human_size(BUFFER_SIZE as u64),
        ));
    }
    let buffer = Buffer {
        size: Some(watch.buffer_size() as u64),
        is_small: has_small_buffer,
        is_user_only: watch.is_user_only(),
    };
    Ok((watch, buffer))
}

/// Raises the soft limit for open files to the hard one: a watch opens two files for each thread
/// and CPU. A command that was started before keeps its own limit.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // Without it, opening the watch fails with an error that names the limit.
    let _ = setrlimit(Resource::Nofile, raised);
}
