//! Symbolizes addresses of many processes and caches the results by module.
//!
//! [`Symbolizer`] groups addresses by the module that contains them and looks up each offset in a
//! module once. The platform reads the symbols; see [`crate::sys`].

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::address_map::{AddressMap, Part};
use crate::frame::Frame;
use crate::mapping::{Backing, FileId, ImageOffset};
use crate::module::BuildId;
use crate::process::Process;
use crate::sys;

/// A module whose symbols are missing or incomplete, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct MissingSymbols {
    /// The path of the module in the process's mount namespace, or its name in brackets. For code
    /// that the program generated at run time, `[generated code]`.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::text"))]
    pub module: PathBuf,
    /// The error, or the defect in the file.
    pub reason: String,
}

impl fmt::Display for MissingSymbols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MissingSymbols { module, reason } = self;
        write!(f, "no symbols for {}: {reason}", module.display())
    }
}

/// Symbolizes code addresses: function, source line and inlined functions. Requires the feature
/// `symbols`.
///
/// The symbolizer reads the symbol tables and DWARF debug information of modules. For programs that
/// generate code at run time it reads `/tmp/perf-PID.map`, which must belong to root or to a user
/// of the process. It reads only the required parts of a file, and each part once. Symbols and
/// debug information can be compressed, also in `.gnu_debugdata` and `.zdebug_…` sections. `.dwp`
/// packages are not supported.
///
/// Debug information can also be in a separate file. That file is found by the module's build id
/// below `usr/lib/debug/.build-id`. If the module has a `.gnu_debuglink` section, the file is also
/// found by its name. It can be in the directory of the module, in the subdirectory `.debug`, or
/// below `usr/lib/debug`. Both the directories of the process and those of the
/// [file root](crate::System::file_root) are searched.
///
/// A file is used only if it is the file that was mapped. It must have the same build id or, for a
/// module without one, the same device, inode, size and times.
///
/// The files of a live process are opened through its mappings, which works even after a file was
/// renamed or deleted. This requires `CAP_SYS_ADMIN` or `CAP_CHECKPOINT_RESTORE`. Without these,
/// files are opened by path below the root of the process, of its mount namespace, or of the
/// caller. After the process has ended, they are opened by path below the file root. Call
/// [`hold`](Self::hold) beforehand to keep files open that might not be found later.
///
/// The files are assumed to be the output of a linker. A malicious file can cause wrong function
/// names or high memory use. As in every program that maps files, overwriting a file in place while
/// it is read can terminate the caller with `SIGBUS`.
///
/// A symbolizer cannot be sent to another thread, but its results can.
///
/// ```
/// let me = psapi::System::new().current_process()?;
/// let map = me.address_map()?;
/// let mut symbolizer = psapi::Symbolizer::new();
/// let address = str::trim as fn(&str) -> &str as usize as u64;
/// for frame in symbolizer.symbolize(&me, &map, &[address])[0].iter() {
///     println!("{:?} {:?}", frame.function, frame.source);
/// }
/// for missing in symbolizer.missing() {
///     eprintln!("{missing}");
/// }
/// # Ok::<(), psapi::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Symbolizer {
    modules: HashMap<Key, CachedModule>,
    /// The number of descriptors that modules in state `Open` hold.
    open_files: usize,
    kernel: HashMap<u64, Arc<[Frame]>>,
    missing: Vec<MissingSymbols>,
}

/// The properties that identify a module across processes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    path: PathBuf,
    build_id: Option<BuildId>,
    file: Option<FileId>,
    version: Option<sys::FileVersion>,
}

/// A module's symbols and the frames that were found in it.
#[derive(Debug, Default)]
struct CachedModule {
    state: State,
    frames: HashMap<ImageOffset, Arc<[Frame]>>,
}

#[derive(Debug, Default)]
enum State {
    /// Not opened yet, or closed to limit the number of open files.
    #[default]
    Closed,
    Open(sys::ModuleSymbols),
}

/// An address in a module: its index among the sorted addresses, its part of the address map, and
/// its position in the image.
type Lookup<'m> = (usize, &'m Part, ImageOffset);

impl Symbolizer {
    /// Creates a symbolizer with an empty cache. It can be used for many processes, which then
    /// share the symbols of common modules.
    pub fn new() -> Self {
        Symbolizer::default()
    }

    /// Opens the files of a live process's modules, so that their symbols are available after it
    /// has ended.
    ///
    /// Otherwise, files that were deleted or replaced, or that are in a mount namespace that no
    /// longer exists, would be inaccessible. Files that cannot be opened are listed by
    /// [`missing`](Self::missing).
    ///
    /// Source: the files in `PROC/PID/map_files`, or their paths below `PROC/PID/root`. Cost: a few
    /// system calls and one descriptor per module, up to a quarter of the caller's descriptor
    /// limit. Privileges: the process's own user or `CAP_SYS_PTRACE`.
    pub fn hold(&mut self, process: &Process, map: &AddressMap) {
        for part in map.parts().iter().filter(|part| part.mapping.executable) {
            self.hold_part(process, part);
        }
    }

    /// Opens the file of the module at an address of a live process.
    ///
    /// [`hold`](Self::hold) does this for all modules. With single modules, a caller can find out
    /// which file does not respond.
    ///
    /// Source, cost and privileges: those of [`hold`](Self::hold), for one module.
    pub fn hold_at(&mut self, process: &Process, map: &AddressMap, address: u64) {
        if let Some(part) = map.part(address) {
            self.hold_part(process, part);
        }
    }

    fn hold_part(&mut self, process: &Process, part: &Part) {
        if self.open_files < sys::max_open_symbols()
            && let Some(key) = key_of(part)
        {
            self.open(process, part, key);
        }
    }

    /// Returns the functions that are active at each of the addresses, in the order of the
    /// addresses.
    ///
    /// For each address, the first frame is the function that was called. Functions that were
    /// inlined there follow, with the innermost last. For a module without symbols, the only frame
    /// has the offset in the module. If the kernel hides its symbols, the only frame names the
    /// kernel. The result is empty for addresses that are not mapped and for unknown code.
    ///
    /// A return address can already belong to the next line, so look up the address before it.
    ///
    /// This method never fails as a whole; see [`missing`](Self::missing).
    ///
    /// Source: the modules' files, `PROC/kallsyms`, and `tmp/perf-PID.map` below the process's
    /// root. Privileges: read access to the files. Kernel functions require `kernel.kptr_restrict`
    /// = 0 or, with `CAP_SYSLOG`, 1. The cost depends on the address:
    ///
    /// - In a new module: reading its symbol table and the debug information units of the address,
    ///   which is slow for a large program.
    /// - In the kernel: one pass over several megabytes for all new addresses of a call.
    /// - Looked up before: a hash lookup.
    pub fn symbolize(
        &mut self,
        process: &Process,
        map: &AddressMap,
        addresses: &[u64],
    ) -> Vec<Arc<[Frame]>> {
        let mut distinct = addresses.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let mut found: Vec<Option<Arc<[Frame]>>> = vec![None; distinct.len()];

        // Group the addresses by the source of their symbols.
        let mut in_modules = Vec::new();
        let mut generated = Vec::new();
        let mut kernel = Vec::new();
        for (index, &address) in distinct.iter().enumerate() {
            match map.part(address) {
                Some(part) if part.mapping.is_generated_code() => generated.push((index, part)),
                Some(part) => in_modules.push((index, part)),
                None if sys::is_kernel_address(address) => kernel.push(index),
                None => {}
            }
        }

        let mut refused = None;
        if !generated.is_empty()
            && let Some(mut functions) = map.generated_functions()
        {
            let addresses = generated.iter().map(|&(index, _)| distinct[index]);
            let addresses: Vec<u64> = addresses.collect();
            let (frames, reason) = sys::symbolize_generated(&mut functions, &addresses);
            refused = reason;
            for (&(index, _), frame) in generated.iter().zip(frames) {
                found[index] = frame.map(|frame| Arc::from([frame]));
            }
        }
        // Code in memory without a file can also be code of a module that the program has moved.
        let is_unknown = |(index, _): &(usize, &Part)| found[*index].is_none();
        let (moved, unknown_code): (Vec<_>, Vec<_>) = generated
            .into_iter()
            .filter(is_unknown)
            .partition(|(_, part)| part.module.is_some());
        in_modules.extend(moved);
        if let Some(reason) = refused
            && !unknown_code.is_empty()
        {
            self.add_missing(Path::new("[generated code]"), reason);
        }
        let mut modules: HashMap<Key, Vec<Lookup<'_>>> = HashMap::new();
        for (index, part) in in_modules {
            match key_of(part).zip(offset_of(part, distinct[index])) {
                Some((key, offset)) => {
                    modules.entry(key).or_default().push((index, part, offset));
                }
                None => {
                    let path = part.mapping.backing.path();
                    found[index] = path.map(|path| Arc::from([unknown(path, None)]));
                }
            }
        }
        for (key, lookups) in modules {
            self.symbolize_module(process, key, &lookups, &distinct, &mut found);
        }
        let kernel_addresses: Vec<u64> = kernel.iter().map(|&index| distinct[index]).collect();
        let frames = self.symbolize_kernel(process, &kernel_addresses);
        for (index, frames) in kernel.into_iter().zip(frames) {
            found[index] = Some(frames);
        }

        let nothing: Arc<[Frame]> = Arc::new([]);
        let results = addresses.iter().map(|address| {
            let index = distinct.binary_search(address).ok();
            let frames = index.and_then(|index| found[index].as_ref());
            frames.unwrap_or(&nothing).clone()
        });
        results.collect()
    }

    /// Returns the modules whose symbols were missing or incomplete so far. A module with symbols
    /// is listed only if one of the addresses was in none of its functions.
    pub fn missing(&self) -> &[MissingSymbols] {
        &self.missing
    }

    fn add_missing(&mut self, module: &Path, reason: impl fmt::Display) {
        let missing = MissingSymbols {
            module: module.into(),
            reason: reason.to_string(),
        };
        if !self.missing.contains(&missing) {
            self.missing.push(missing);
        }
    }

    /// Stores the frames for addresses in one module at their indices in `found`.
    fn symbolize_module(
        &mut self,
        process: &Process,
        key: Key,
        lookups: &[Lookup<'_>],
        addresses: &[u64],
        found: &mut [Option<Arc<[Frame]>>],
    ) {
        let cached = self.modules.get(&key).map(|module| &module.frames);
        let mut new = Vec::new();
        for &(index, part, offset) in lookups {
            found[index] = cached.and_then(|frames| frames.get(&offset)).cloned();
            if found[index].is_none() {
                new.push((index, part, offset));
            }
        }
        let Some(&(_, part, _)) = new.first() else {
            return;
        };
        let path = key.path.clone();
        let mut offsets: Vec<ImageOffset> = new.iter().map(|&(.., offset)| offset).collect();
        offsets.sort_unstable();
        offsets.dedup();
        let mut frames = HashMap::new();
        // A failure can be temporary, such as a lack of descriptors, so the next call tries again.
        let mut is_final = false;
        if let State::Open(symbols) = &mut self.open(process, part, key.clone()).state {
            let before = symbols.open_files();
            let (symbolized, defect) = sys::symbolize_module(process.inner(), symbols, &offsets);
            // The first lookup opens debug files.
            let opened = symbols.open_files().saturating_sub(before);
            self.open_files += opened;
            frames = symbolized;
            is_final = defect.is_none();
            if let Some(reason) = defect {
                self.add_missing(&path, reason);
            }
        }
        let module = self.modules.entry(key).or_default();
        for (offset, frames) in frames {
            module.frames.insert(offset, frames.into());
        }
        for (index, part, offset) in new {
            let frames = module.frames.get(&offset).cloned().unwrap_or_else(|| {
                let base = part.module.as_ref().map(|known| known.module.base);
                let offset = base.and_then(|base| addresses[index].checked_sub(base));
                Arc::new([unknown(&path, offset)])
            });
            if is_final {
                module.frames.insert(offset, frames.clone());
            }
            found[index] = Some(frames);
        }
        if self.open_files > sys::max_open_symbols()
            && let State::Open(symbols) = &module.state
        {
            self.open_files -= symbols.open_files();
            module.state = State::Closed;
        }
    }

    /// Opens the symbols of the module that contains a part, unless they are open, and returns its
    /// entry in the cache.
    fn open(&mut self, process: &Process, part: &Part, key: Key) -> &mut CachedModule {
        let is_closed = match self.modules.get(&key) {
            Some(module) => matches!(module.state, State::Closed),
            None => true,
        };
        if is_closed && let Some(known) = &part.module {
            let (module, mapping) = (&known.module, &part.mapping);
            let state = match sys::open_symbols(process.inner(), module, mapping, known.version) {
                Ok(symbols) => {
                    self.open_files += symbols.open_files();
                    State::Open(symbols)
                }
                Err(reason) => {
                    self.add_missing(&module.path, reason);
                    State::Closed
                }
            };
            self.modules.entry(key.clone()).or_default().state = state;
        }
        self.modules.entry(key).or_default()
    }

    /// Returns the frames of kernel addresses. `addresses` must be sorted.
    fn symbolize_kernel(&mut self, process: &Process, addresses: &[u64]) -> Vec<Arc<[Frame]>> {
        let is_new = |address: &&u64| !self.kernel.contains_key(address);
        let new: Vec<u64> = addresses.iter().filter(is_new).copied().collect();
        let mut nameless = HashMap::new();
        if !new.is_empty() {
            let system = process.system();
            let (frames, error) = sys::symbolize_kernel(system.inner(), &new);
            let frames = frames.into_iter().map(|frame| Arc::from([frame]));
            let found = new.into_iter().zip(frames);
            if let Some(source) = error {
                let error = system.error("kernel functions", source);
                self.add_missing(Path::new("[kernel]"), error);
                nameless.extend(found);
            } else {
                self.kernel.extend(found);
            }
        }
        let frames = addresses.iter().map(|address| {
            let known = self.kernel.get(address);
            let frames: &Arc<[Frame]> = known.unwrap_or_else(|| &nameless[address]);
            frames.clone()
        });
        frames.collect()
    }
}

/// Returns the frame of an address in an unknown function.
fn unknown(module: &Path, offset: Option<u64>) -> Frame {
    Frame {
        function: None,
        module: Some(module.into()),
        source: None,
        inlined: false,
        offset,
    }
}

/// Returns the identity of the module that contains a part.
fn key_of(part: &Part) -> Option<Key> {
    let known = part.module.as_ref()?;
    Some(Key {
        path: known.module.path.clone(),
        build_id: known.module.build_id.clone(),
        file: part.mapping.file,
        version: known.version,
    })
}

/// Returns the position of an address in the image of its module.
fn offset_of(part: &Part, address: u64) -> Option<ImageOffset> {
    let within = address.checked_sub(part.mapping.start)?;
    match (&part.mapping.backing, part.mapping.file) {
        (Backing::Vdso, _) => Some(ImageOffset::File(within)),
        (_, Some(_)) => Some(ImageOffset::File(part.mapping.offset?.checked_add(within)?)),
        _ => {
            let base = part.module.as_ref()?.module.base;
            Some(ImageOffset::Memory(address.checked_sub(base)?))
        }
    }
}
