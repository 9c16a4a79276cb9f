//! The table of open handles, and the processes that the handles refer to.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use once_cell::race::OnceBox;
use psapi::{Fields, Process, StartTime};

use crate::linux::handle_values::{self, HandleValues, significant};
use crate::linux::watch_record::WatchCell;
use crate::linux::win32::snapshot::Snapshot;
use crate::types::{DWORD, HANDLE};
use crate::win32_error::{Result, Win32Error};

/// A process with open handles. All handles of a process share one target.
#[derive(Debug)]
pub struct Target {
    pub process: Process,
    pub watch: WatchCell,
    start: OnceBox<Option<i128>>,
    /// The exit code that `TerminateProcess` got. The kernel cannot give it to a killed process.
    pub terminated_with: OnceBox<DWORD>,
}

impl Target {
    pub fn new(process: Process) -> Arc<Self> {
        Arc::new(Target {
            process,
            watch: WatchCell::new(),
            start: OnceBox::new(),
            terminated_with: OnceBox::new(),
        })
    }

    /// Returns the nanoseconds from boot to the start of the process, if that is known. The id and
    /// the start together identify the process, even after this target is dropped.
    pub fn start(&self) -> Result<Option<i128>> {
        let read = || {
            let status = self.process.status(Fields::STAT)?;
            Ok(status.start.map(StartTime::as_nanos))
        };
        self.start
            .get_or_try_init(|| read().map(Box::new))
            .copied()
            .map_err(|error: psapi::Error| Win32Error::from_process_error(&error))
    }

    /// Returns true if the id still belongs to this process: it runs, or it is a zombie that its
    /// parent has not reaped.
    pub fn still_has_id(&self) -> bool {
        self.process.status(Fields::STAT).is_ok()
    }
}

/// The process and the access rights of a handle.
#[derive(Debug, Clone)]
pub struct OpenHandle {
    pub target: Arc<Target>,
    pub access: DWORD,
}

/// What a handle refers to. A call works on a clone, so closing the handle does not affect calls in
/// progress.
#[derive(Debug, Clone)]
pub enum Object {
    Process(OpenHandle),
    /// The privileges of a process.
    Token(OpenHandle),
    Snapshot(Arc<Snapshot>),
}

/// All open handles.
#[derive(Debug)]
pub struct HandleTable {
    /// The objects of the open handles, by the values of the handles.
    objects: BTreeMap<u32, Object>,
    values: HandleValues,
    /// The targets of open handles by process id.
    targets: BTreeMap<u32, Weak<Target>>,
    /// The number of targets at which entries without a handle are removed.
    sweep_at: usize,
    /// The calling process. After a fork, this is the parent until it is replaced.
    own: Option<Arc<Target>>,
}

impl HandleTable {
    pub const fn new() -> Self {
        HandleTable {
            objects: BTreeMap::new(),
            values: HandleValues::new(),
            targets: BTreeMap::new(),
            sweep_at: 64,
            own: None,
        }
    }

    /// Finds an open handle by its value.
    pub fn get(&self, handle: HANDLE) -> Option<&Object> {
        self.objects.get(&significant(handle)?)
    }

    /// Adds a handle and returns its value.
    pub fn insert(&mut self, object: Object) -> Result<HANDLE> {
        let value = std::iter::repeat_with(|| self.values.next())
            .take(handle_values::COUNT)
            .find(|value| *value != 0 && !self.objects.contains_key(value))
            .ok_or(Win32Error::NOT_ENOUGH_MEMORY)?;
        self.objects.insert(value, object);
        Ok(std::ptr::without_provenance_mut(value as usize))
    }

    /// Removes a handle. The caller must drop the result after it releases the lock of the table.
    pub fn remove(&mut self, handle: HANDLE) -> Option<Object> {
        self.objects.remove(&significant(handle)?)
    }

    /// Returns the target of the open handles with a process id.
    pub fn target(&self, id: u32) -> Option<Arc<Target>> {
        self.targets.get(&id).and_then(Weak::upgrade)
    }

    pub fn add_target(&mut self, target: &Arc<Target>) {
        let id = target.process.id().get();
        self.targets.insert(id, Arc::downgrade(target));
        if self.targets.len() >= self.sweep_at {
            self.targets.retain(|_, target| target.strong_count() > 0);
            self.sweep_at = 64 + 2 * self.targets.len();
        }
    }

    /// Returns the target of the calling process. In a forked child, this is the parent's target
    /// until it is replaced.
    pub fn own(&self) -> Option<Arc<Target>> {
        self.own.clone()
    }

    /// Replaces the target of the calling process. The caller must drop the result after it
    /// releases the lock of the table.
    pub fn replace_own(&mut self, target: Arc<Target>) -> Option<Arc<Target>> {
        self.own.replace(target)
    }
}
