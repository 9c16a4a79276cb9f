use std::collections::HashMap;
use std::fmt;
use std::os::fd::OwnedFd;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use blazesym::symbolize::source::{Elf, Source};
use blazesym::symbolize::{self as blaze, Input, Reason, Symbolized};

use crate::address_map::{AddressMap, Part};
use crate::linux::kallsyms;
use crate::linux::mem::Memory;
use crate::linux::module_file::{self, Version, Wanted};
use crate::mapping::{Backing, FileId};
use crate::module::{BuildId, Module, ModuleFields, ModuleFilter};
use crate::process::Process;

/// A function that is active at an address, and where in it that is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Frame {
    /// The function's name, demangled if it is of C++ or Rust. `None` where nothing names it, as
    /// in a module without symbols.
    pub function: Option<String>,
    /// The module's file, in the process's mount namespace; `[vdso]`, `[kernel]`, or the name of a
    /// driver in brackets. `None` for code that the program made while it ran.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_text")
    )]
    pub module: Option<PathBuf>,
    /// Where in the source it is: for a function that others were inlined into, where their call
    /// was. `None` without debug information.
    pub source: Option<SourceLine>,
    /// Whether the compiler put it into the function before it, so that no call was made.
    pub inlined: bool,
    /// How many bytes the address is behind the start of the function, or of the module where the
    /// function is unknown. `None` for an inlined function, which has no start of its own, and in
    /// the kernel where the function is unknown.
    pub offset: Option<u64>,
}

/// A line of source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SourceLine {
    /// The file, as the compiler knew it.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::text"))]
    pub path: PathBuf,
    /// The line, from 1; `None` for code that is of no line.
    pub line: Option<u32>,
}

/// A module whose symbols could not be had, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct MissingSymbols {
    /// The module's file, in the process's mount namespace, or its name in brackets.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::text"))]
    pub module: PathBuf,
    /// What refused, or what is wrong.
    pub why: String,
}

impl fmt::Display for MissingSymbols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no symbols of {}: {}", self.module.display(), self.why)
    }
}

/// Tells which functions and source lines addresses of code are of, inlined functions included.
/// With the feature `symbols`.
///
/// It goes by the files of the modules, and reads of each what it needs once: symbol tables, debug
/// information in DWARF, and `/tmp/perf-PID.map` of programs that compile while they run. Debug
/// information may be compressed, or in the file that `.gnu_debuglink` names, below
/// `usr/lib/debug` of the [file root](crate::System::file_root) or beside the module; `.dwp`
/// packages are left out. A file that is not the one that was mapped is not used: it is known by
/// its build id, or else by its size and times.
///
/// A process that lives is asked for the files that it maps, whatever their paths are by now, which
/// needs `CAP_SYS_ADMIN` or `CAP_CHECKPOINT_RESTORE`; without, the paths have to do, from the
/// process's root. Of a process that has ended they are looked up below the file root; see
/// [`hold`](Self::hold) for those that can't be found so.
///
/// The files are trusted to be what a linker made: one that was made to deceive can name functions
/// as it likes, or take much memory. One that is overwritten in place while it is read can end the
/// caller with `SIGBUS`, as with any program that maps files.
///
/// It stays in the thread that made it; its answers need not.
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
    modules: HashMap<Key, Symbols>,
    open_files: usize,
    kernel: HashMap<u64, Arc<[Frame]>>,
    missing: Vec<MissingSymbols>,
}

/// What makes a module the same one in different processes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    path: PathBuf,
    build_id: Option<BuildId>,
    file: Option<FileId>,
    version: Option<Version>,
}

/// The symbols of a module.
#[derive(Debug, Default)]
struct Symbols {
    state: State,
    /// By the offset in the file.
    known: HashMap<u64, Arc<[Frame]>>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Closed,
    Open(Open),
    Missing,
}

/// A module's file.
#[derive(Debug)]
struct Open {
    // Dropped before the file: it knows that by a path which then leads elsewhere.
    symbolizer: Option<Box<blaze::Symbolizer>>,
    file: OwnedFd,
}

impl Symbolizer {
    /// One that knows nothing yet. It may be asked about many processes: what it has read of a
    /// module serves all that have it.
    pub fn new() -> Self {
        Symbolizer::default()
    }

    /// Opens the files of the modules of a process that lives, for when it has ended: then those
    /// that were deleted or replaced, or were in a mount namespace that is gone, would be out of
    /// reach.
    ///
    /// Source: the files in `PROC/PID/map_files`, or by their paths below `PROC/PID/root`. Cost: a
    /// few system calls and a descriptor a module; no more than a quarter of the descriptors that
    /// the caller may have are used. Privileges: those of the process's own user or
    /// `CAP_SYS_PTRACE`. What can't be opened is told by [`missing`](Self::missing).
    pub fn hold(&mut self, process: &Process, map: &AddressMap) {
        for part in map.parts().iter().filter(|part| part.mapping.executable) {
            if self.open_files >= module_file::most_to_hold() {
                return;
            }
            if let Some((key, _)) = key_of(part) {
                self.open(process, part, key);
            }
        }
    }

    /// The functions that are active at each of many addresses of code, in the order of the
    /// addresses: the one that was called, then those that were inlined there, one into the other,
    /// so that the innermost is last.
    ///
    /// A module without symbols has one frame that says where in the module the address is, the
    /// kernel where it hides its symbols one that names the kernel. Nothing is told of addresses where nothing
    /// is mapped, or no code that anything is known of. An address that a function will return to
    /// may be of the next line already: ask for the one before.
    ///
    /// Source: the modules' files, `PROC/kallsyms`, and `tmp/perf-PID.map` below the process's
    /// root. Cost: of each module that is new, its symbol table and the units of its debug
    /// information that the addresses are in, which is much for a large program; of the kernel, one
    /// pass over some megabytes whenever there are new addresses; of an address that was asked
    /// before, a look into a table. Privileges: to read the files; for the kernel's functions, a
    /// `kernel.kptr_restrict` of 0, or `CAP_SYSLOG` and one below 2. Never fails as a whole: see [`missing`](Self::missing).
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

        let mut groups: HashMap<Key, Vec<(usize, &Part, u64)>> = HashMap::new();
        let mut made = Vec::new();
        let mut kernel = Vec::new();
        for (index, &address) in distinct.iter().enumerate() {
            match map.part(address) {
                Some(part) => match key_of(part) {
                    Some((key, start)) => {
                        let offset = address - part.mapping.start + start;
                        groups.entry(key).or_default().push((index, part, offset));
                    }
                    None => match part.mapping.backing.path() {
                        Some(path) => found[index] = Some(Arc::new([in_file(path)])),
                        None => made.push(index),
                    },
                },
                None if is_of_kernel(address) => kernel.push(index),
                None => {}
            }
        }
        for (key, group) in groups {
            self.module(process, key, &group, &distinct, &mut found);
        }
        if !made.is_empty()
            && let Some(mut perf_map) = map.perf_map()
        {
            let functions = perf_map.functions();
            for index in made {
                found[index] = functions.at(distinct[index]).map(|(start, name)| {
                    let frames: Arc<[Frame]> = Arc::new([Frame {
                        function: Some(String::from_utf8_lossy(name).into_owned()),
                        module: None,
                        source: None,
                        inlined: false,
                        offset: Some(distinct[index] - start),
                    }]);
                    frames
                });
            }
        }
        let addresses_of_kernel: Vec<u64> = kernel.iter().map(|&index| distinct[index]).collect();
        self.ask_kernel(process, &addresses_of_kernel);
        for (index, address) in kernel.into_iter().zip(addresses_of_kernel) {
            found[index] = self.kernel.get(&address).cloned();
        }

        let nothing: Arc<[Frame]> = Arc::new([]);
        let answer = addresses.iter().map(|address| {
            let frames = distinct.binary_search(address).ok();
            let frames = frames.and_then(|index| found[index].as_ref());
            frames.unwrap_or(&nothing).clone()
        });
        answer.collect()
    }

    /// The modules whose symbols could not be had so far, or not all of them.
    pub fn missing(&self) -> &[MissingSymbols] {
        &self.missing
    }

    fn miss(&mut self, module: &Path, why: impl fmt::Display) {
        let missing = MissingSymbols {
            module: module.into(),
            why: why.to_string(),
        };
        if !self.missing.contains(&missing) {
            self.missing.push(missing);
        }
    }

    /// Fills in what is found at addresses of one module, each with its place in `distinct` and its
    /// offset in the file.
    fn module(
        &mut self,
        process: &Process,
        key: Key,
        group: &[(usize, &Part, u64)],
        distinct: &[u64],
        found: &mut [Option<Arc<[Frame]>>],
    ) {
        let known = self.modules.get(&key).map(|symbols| &symbols.known);
        let mut new = Vec::new();
        for &(index, part, offset) in group {
            found[index] = known.and_then(|known| known.get(&offset)).cloned();
            if found[index].is_none() {
                new.push((index, part, offset));
            }
        }
        let Some(&(_, part, _)) = new.first() else {
            return;
        };
        let path = key.path.clone();
        let mut offsets: Vec<u64> = new.iter().map(|&(.., offset)| offset).collect();
        offsets.sort_unstable();
        offsets.dedup();
        let mut frames = HashMap::new();
        if let State::Open(open) = &mut self.open(process, part, key.clone()).state {
            let (answer, complaint) = open.ask(process.system().file_root(), &path, &offsets);
            frames = answer;
            if let Some(why) = complaint {
                self.miss(&path, why);
            }
        }
        let symbols = self.modules.entry(key).or_default();
        for (index, part, offset) in new {
            let frames = frames.get(&offset).cloned().unwrap_or_else(|| {
                let base = part.module.as_ref().map(|known| known.module.base);
                Arc::new([Frame {
                    function: None,
                    module: Some(path.clone()),
                    source: None,
                    inlined: false,
                    offset: base.and_then(|base| distinct[index].checked_sub(base)),
                }])
            });
            symbols.known.insert(offset, frames.clone());
            found[index] = Some(frames);
        }
        if self.open_files > module_file::most_to_hold() && matches!(symbols.state, State::Open(_))
        {
            symbols.state = State::Closed;
            self.open_files -= 1;
        }
    }

    /// The symbols of the module that a mapping is of, with its file open if that can be had.
    fn open(&mut self, process: &Process, part: &Part, key: Key) -> &mut Symbols {
        if !matches!(
            self.modules.get(&key).map(|symbols| &symbols.state),
            None | Some(State::Closed)
        ) {
            return self.modules.entry(key).or_default();
        }
        let file = match &part.mapping.backing {
            Backing::Vdso => vdso(process, part).ok_or_else(|| {
                "the process has ended, or its memory may not be read, and this process has another"
                    .to_string()
            }),
            _ => {
                let wanted = Wanted {
                    path: &key.path,
                    mapping: &part.mapping,
                    build_id: key.build_id.as_ref().map(BuildId::as_bytes),
                    version: key.version,
                };
                let file_root = process.system().file_root();
                module_file::open(process.directory(), file_root, wanted)
                    .map_err(|absent| absent.to_string())
            }
        };
        let state = match file {
            Ok(file) => {
                self.open_files += 1;
                State::Open(Open {
                    symbolizer: None,
                    file,
                })
            }
            Err(why) => {
                self.miss(&key.path, why);
                State::Missing
            }
        };
        let symbols = self.modules.entry(key).or_default();
        symbols.state = state;
        symbols
    }

    /// Learns of addresses of the kernel, which ascend.
    fn ask_kernel(&mut self, process: &Process, addresses: &[u64]) {
        let is_new = |address: &&u64| !self.kernel.contains_key(address);
        let new: Vec<u64> = addresses.iter().filter(is_new).copied().collect();
        if new.is_empty() {
            return;
        }
        let functions = process
            .system()
            .proc_directory()
            .and_then(|proc| kallsyms::functions(proc, &new));
        let functions = match functions {
            Ok(functions) => functions,
            Err(refusal) => {
                let error = refusal.of_system("functions of the kernel");
                self.miss(Path::new("[kernel]"), error);
                vec![None; new.len()]
            }
        };
        for (address, function) in new.into_iter().zip(functions) {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let driver = function.as_ref().and_then(|found| found.driver.as_deref());
            let frame = Frame {
                function: function.as_ref().map(|found| text(&found.name)),
                module: Some(format!("[{}]", driver.map_or("kernel".into(), text)).into()),
                source: None,
                inlined: false,
                offset: function.map(|found| address - found.start),
            };
            self.kernel.insert(address, Arc::new([frame]));
        }
    }
}

impl Open {
    /// What is known of offsets in the file, and what was wrong with it.
    fn ask(
        &mut self,
        file_root: &Path,
        module: &Path,
        offsets: &[u64],
    ) -> (HashMap<u64, Arc<[Frame]>>, Option<String>) {
        let mut frames = HashMap::new();
        let mut complaint = None;
        let mut rest = offsets.to_vec();
        // Without the debug information, if there is something wrong with that.
        for with_debug in [true, false] {
            let answer = self.try_ask(file_root, with_debug, &rest);
            let answer = match answer {
                Ok(answer) => answer,
                Err(why) => {
                    complaint.get_or_insert(why);
                    continue;
                }
            };
            rest = Vec::new();
            for (offset, answer) in answer {
                match answer {
                    Answer::Frames(mut found) => {
                        for frame in &mut found {
                            frame.module = Some(module.into());
                        }
                        frames.insert(offset, found.into());
                    }
                    Answer::Nothing => {}
                    Answer::Failed(why) => {
                        complaint.get_or_insert(why);
                        rest.push(offset);
                    }
                }
            }
            if rest.is_empty() {
                break;
            }
        }
        (frames, complaint)
    }

    fn try_ask(
        &mut self,
        file_root: &Path,
        with_debug: bool,
        offsets: &[u64],
    ) -> Result<Vec<(u64, Answer)>, String> {
        let symbolizer = self.symbolizer.get_or_insert_with(|| {
            let places = ["usr/lib/debug", "lib/debug"].map(|place| file_root.join(place));
            let builder = blaze::Symbolizer::builder().set_debug_dirs(Some(places));
            Box::new(builder.enable_auto_reload(false).build())
        });
        let mut elf = Elf::new(module_file::path_of(&self.file));
        elf.debug_syms = with_debug;
        let source = Source::Elf(elf);
        // Where a file makes so little sense that the code which reads it gives up, its symbols are
        // lost and not the caller.
        let asked = std::panic::catch_unwind(AssertUnwindSafe(|| {
            let answer = symbolizer.symbolize(&source, Input::FileOffset(offsets));
            let answer = answer.map_err(|error| format!("{error:#}"))?;
            Ok::<_, String>(answer.iter().map(Answer::of).collect::<Vec<_>>())
        }));
        let Ok(answer) = asked else {
            self.symbolizer = None;
            return Err(NONSENSE.into());
        };
        Ok(offsets.iter().copied().zip(answer?).collect())
    }
}

const NONSENSE: &str = "its symbols or its debug information make no sense";

/// What was found at an offset.
enum Answer {
    /// Their module is for the caller to fill in.
    Frames(Vec<Frame>),
    Nothing,
    Failed(String),
}

impl Answer {
    fn of(symbolized: &Symbolized<'_>) -> Self {
        let symbol = match symbolized {
            Symbolized::Sym(symbol) => symbol,
            Symbolized::Unknown(Reason::IgnoredError) => return Answer::Failed(NONSENSE.into()),
            Symbolized::Unknown(_) => return Answer::Nothing,
        };
        let line = |code: &blaze::CodeInfo<'_>| SourceLine {
            path: code.to_path().into_owned(),
            line: code.line.filter(|&line| line > 0),
        };
        let name = |name: &str| {
            Some(name)
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
        };
        let mut frames = vec![Frame {
            function: name(&symbol.name),
            module: None,
            source: symbol.code_info.as_deref().map(line),
            inlined: false,
            offset: Some(symbol.offset as u64),
        }];
        frames.extend(symbol.inlined.iter().map(|inlined| Frame {
            function: name(&inlined.name),
            module: None,
            source: inlined.code_info.as_ref().map(line),
            inlined: true,
            offset: None,
        }));
        Answer::Frames(frames)
    }
}

/// What is known of an address in a file that is no module.
fn in_file(path: &Path) -> Frame {
    Frame {
        function: None,
        module: Some(path.into()),
        source: None,
        inlined: false,
        offset: None,
    }
}

/// What tells the module of a mapping from others, and where in its file the mapping starts.
fn key_of(part: &Part) -> Option<(Key, u64)> {
    let known = part.module.as_ref()?;
    let start = match (&part.mapping.backing, part.mapping.file) {
        (Backing::Vdso, _) => 0,
        (_, Some(_)) => part.mapping.offset,
        _ => return None,
    };
    let key = Key {
        path: known.module.path.clone(),
        build_id: known.module.build_id.clone(),
        file: part.mapping.file,
        version: known.version,
    };
    Some((key, start))
}

/// The image that the kernel provides: that of the process while its memory can be read, else
/// ours if it is the same.
fn vdso(process: &Process, part: &Part) -> Option<OwnedFd> {
    let read = |process: &Process, base: u64| {
        let memory = Memory::open(process.directory(), None).ok()??;
        let size = usize::try_from(part.mapping.size()).ok()?;
        let mut image = vec![0; size.min(MOST_OF_VDSO)];
        let length = memory.read(base, &mut image);
        image.truncate(length);
        (length > 0).then_some(image)
    };
    let ours = || {
        let me = process.system().current_process().ok()?;
        let modules = me.modules_with(ModuleFilter::All, ModuleFields::BUILD_ID);
        let wanted = &part.module.as_ref()?.module;
        let is_it = |module: &&Module| {
            module.path == wanted.path
                && module.build_id.is_some()
                && module.build_id == wanted.build_id
        };
        let base = modules.ok()?.iter().find(is_it)?.base;
        read(&me, base)
    };
    let image = read(process, part.mapping.start).or_else(ours)?;
    module_file::in_memory(&image).ok()
}

/// The image is of some pages.
const MOST_OF_VDSO: usize = 1 << 20;

/// Whether an address that is in no mapping may be of the kernel: it has the upper half, and leaves
/// the last page empty, since its functions return small negative numbers as errors.
fn is_of_kernel(address: u64) -> bool {
    address >> 63 == 1 && address < u64::MAX - 4095
}
