//! Process handles: what is open, and by which value C programs know it.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Weak};

use psapi::{Access, Fields, Process};

use crate::boundary::Answer;
use crate::code::Code;
use crate::shared;
use crate::system::system;
use crate::types::rights::{
    MAXIMUM_ALLOWED, PROCESS_ALL_ACCESS, PROCESS_QUERY_INFORMATION,
    PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SET_QUOTA,
};
use crate::types::{BOOL, DWORD, HANDLE, TRUE};
use crate::watch::Watch;

/// A process that somebody has a handle of: all its handles lead to the same one.
#[derive(Debug)]
pub struct Target {
    pub process: Process,
    pub watch: Watch,
}

impl Target {
    fn new(process: Process) -> Arc<Self> {
        Arc::new(Target {
            process,
            watch: Watch::new(),
        })
    }

    /// Whether its id has not been given to another process: it runs, or nobody has asked yet how
    /// it ended.
    fn has_its_id(&self) -> bool {
        self.process.status(Fields::STAT).is_ok()
    }
}

/// What a handle leads to. It stays as it is while a call uses it, also if it is closed meanwhile.
#[derive(Debug, Clone)]
pub struct Opened {
    pub target: Arc<Target>,
    access: DWORD,
}

/// All handles.
#[derive(Debug)]
pub struct Handles {
    /// What makes values of slots' numbers that nobody guesses, chosen with the first.
    key: usize,
    slots: Vec<Slot>,
    free: Vec<usize>,
    /// The processes that there are handles of, by id.
    targets: BTreeMap<u32, Weak<Target>>,
    /// How many of these there may be before those that are gone are taken out.
    sweep_at: usize,
    /// The caller's own process; a child of it is another one.
    own: Option<Arc<Target>>,
}

/// A place for a handle. Each time it is used again its generation is another one, so that the value
/// of a handle that was closed never comes back.
#[derive(Debug)]
struct Slot {
    generation: usize,
    opened: Option<Opened>,
}

/// A handle is a multiple of 4, as the API has it: 2 bits of zeros, and then the number of a slot,
/// behind the key, and its generation, which begins with 1.
const LOW_BITS: u32 = 2;
const INDEX_BITS: u32 = usize::BITS / 2;
const LAST_INDEX: usize = (1 << INDEX_BITS) - 1;
const LAST_GENERATION: usize = usize::MAX >> (LOW_BITS + INDEX_BITS);

/// What `GetCurrentProcess` returns.
pub fn current() -> HANDLE {
    std::ptr::without_provenance_mut(usize::MAX)
}

impl Handles {
    pub const fn new() -> Self {
        Handles {
            key: 0,
            slots: Vec::new(),
            free: Vec::new(),
            targets: BTreeMap::new(),
            sweep_at: 64,
            own: None,
        }
    }

    fn slot(&self, handle: HANDLE) -> Option<usize> {
        let value = handle.addr() >> LOW_BITS ^ self.key;
        let index = value & LAST_INDEX;
        let generation = value >> INDEX_BITS;
        let slot = self.slots.get(index)?;
        let is_it = handle.addr().trailing_zeros() >= LOW_BITS && slot.generation == generation;
        (is_it && slot.opened.is_some()).then_some(index)
    }

    fn insert(&mut self, opened: Opened) -> Answer<HANDLE> {
        if self.slots.is_empty() {
            self.key = RandomState::new().hash_one(0) as usize & LAST_INDEX;
        }
        let index = match self.free.pop() {
            Some(index) => index,
            None if self.slots.len() <= LAST_INDEX => {
                self.slots.push(Slot {
                    generation: 1,
                    opened: None,
                });
                self.slots.len() - 1
            }
            None => return Err(Code::NOT_ENOUGH_MEMORY),
        };
        let slot = &mut self.slots[index];
        slot.opened = Some(opened);
        let value = slot.generation << INDEX_BITS | index;
        Ok(std::ptr::without_provenance_mut(
            (value ^ self.key) << LOW_BITS,
        ))
    }

    fn remove(&mut self, handle: HANDLE) -> Option<Opened> {
        let index = self.slot(handle)?;
        let slot = &mut self.slots[index];
        let opened = slot.opened.take();
        // A slot that has had all its generations is not used again.
        if slot.generation < LAST_GENERATION {
            slot.generation += 1;
            self.free.push(index);
        }
        opened
    }

    fn target(&self, id: u32) -> Option<Arc<Target>> {
        self.targets.get(&id).and_then(Weak::upgrade)
    }

    fn add_target(&mut self, target: &Arc<Target>) {
        let id = target.process.id().get();
        self.targets.insert(id, Arc::downgrade(target));
        if self.targets.len() >= self.sweep_at {
            self.targets.retain(|_, target| target.strong_count() > 0);
            self.sweep_at = 64 + 2 * self.targets.len();
        }
    }
}

/// What a handle leads to, if it has a right.
pub fn resolve(handle: HANDLE, right: DWORD) -> Answer<Arc<Target>> {
    let opened = match handle == current() {
        true => Opened {
            target: own_process()?,
            access: PROCESS_ALL_ACCESS,
        },
        false => shared::with(|shared| {
            let handles = &shared.handles;
            let opened = handles.slots[handles.slot(handle)?].opened.as_ref();
            opened.cloned()
        })
        .ok_or(Code::INVALID_HANDLE)?,
    };
    match opened.access & right == right {
        true => Ok(opened.target),
        false => Err(Code::ACCESS_DENIED),
    }
}

fn own_process() -> Answer<Arc<Target>> {
    let id = std::process::id();
    let is_own = |target: &Arc<Target>| target.process.id().get() == id;
    let known = shared::with(|shared| shared.handles.own.clone());
    if let Some(target) = known.filter(is_own) {
        return Ok(target);
    }
    let process = system()
        .current_process()
        .map_err(|error| Code::of_process(&error))?;
    let target = share(process);
    // What the parent of this process had there is dropped after the lock.
    let _parents = shared::with(|shared| shared.handles.own.replace(Arc::clone(&target)));
    Ok(target)
}

/// The target that other handles of the process lead to, too.
fn share(process: Process) -> Arc<Target> {
    let id = process.id().get();
    let known = shared::with(|shared| shared.handles.target(id));
    // If it still has the id, it is the process that had it when this one was pinned.
    if let Some(known) = known.filter(|known| known.has_its_id()) {
        return known;
    }
    let target = Target::new(process);
    shared::with(|shared| shared.handles.add_target(&target));
    target
}

/// `OpenProcess`. Handles are not inherited by what the caller executes.
pub fn open(access: DWORD, _inherit: BOOL, id: DWORD) -> Answer<HANDLE> {
    if id == 0 {
        return Err(Code::INVALID_PARAMETER);
    }
    let process = system()
        .process(id)
        .map_err(|error| Code::of_system(&error))?;
    let access = granted(&process, access)?;
    let target = share(process);
    shared::with(|shared| shared.handles.insert(Opened { target, access }))
}

/// What of the wanted rights there is, which is all of them or an error.
fn granted(process: &Process, wanted: DWORD) -> Answer<DWORD> {
    /// What everybody may: limited information, the standard rights, and to wait.
    const FREE: DWORD = PROCESS_QUERY_LIMITED_INFORMATION | 0x1F_0000;

    let available = match wanted & !(FREE | MAXIMUM_ALLOWED) {
        0 if wanted & MAXIMUM_ALLOWED == 0 => FREE,
        _ => {
            let access = process.access().map_err(|error| Code::of_process(&error))?;
            let if_may = |what, rights| match access.contains(what) {
                true => rights,
                false => 0,
            };
            // What nothing here asks for goes with what does: who may read a process's memory
            // may trace it, and so all but what takes a privilege of its own.
            let others = PROCESS_ALL_ACCESS & !(FREE | PROCESS_SET_QUOTA);
            FREE | if_may(Access::READ, others) | if_may(Access::EMPTY, PROCESS_SET_QUOTA)
        }
    };
    let granted = match wanted & MAXIMUM_ALLOWED != 0 {
        true => available,
        false => wanted & available,
    };
    if wanted & !(available | MAXIMUM_ALLOWED) != 0 {
        return Err(Code::ACCESS_DENIED);
    }
    // The larger of the two has the smaller one in it.
    Ok(match granted & PROCESS_QUERY_INFORMATION {
        0 => granted,
        _ => granted | PROCESS_QUERY_LIMITED_INFORMATION,
    })
}

/// `CloseHandle`. To close the pseudo handle does nothing.
pub fn close(handle: HANDLE) -> Answer<BOOL> {
    if handle == current() {
        return Ok(TRUE);
    }
    // What it led to is dropped after the lock.
    let closed = shared::with(|shared| shared.handles.remove(handle));
    closed.map(|_| TRUE).ok_or(Code::INVALID_HANDLE)
}
