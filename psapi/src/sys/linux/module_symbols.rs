//! Reads the symbols of one module.
//!
//! Modules are symbolized by `blazesym`, which opens files by path. Each file is therefore opened
//! and verified first, and passed as `/proc/self/fd/N`. The image that the kernel provides has no
//! file and is copied from memory to an anonymous one.
//!
//! Addresses are looked up twice. Debug information gives lines and inlined functions. The symbol
//! table gives the start of each function. For functions that are local to a C++ file, it also
//! gives the full name: debug information has only the short one.

use std::collections::{BTreeMap, HashMap};
use std::os::fd::OwnedFd;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use blazesym::symbolize::source::{Elf as ElfFile, Source};
use blazesym::symbolize::{self as blaze, Input, Reason, Symbolized};

use crate::frame::{Frame, SourceLine};
use crate::mapping::{Backing, ImageOffset, Mapping};
use crate::module::{BuildId, Module, ModuleFields};
use crate::sys::linux::calls::process_vm_readv::Memory;
use crate::sys::linux::elf::debug_file::{DebugFileSearch, Found, debug_directories};
use crate::sys::linux::elf::file::{self, FileIdentity, FileVersion};
use crate::sys::linux::elf::header::{Elf, Segment};
use crate::sys::linux::elf::modules::modules;
use crate::sys::linux::elf::sections::Sections;
use crate::sys::linux::elf::source::header_in_file;
use crate::sys::linux::elf::unpacked::unpacked;
use crate::sys::linux::process::{Process, open_current};

/// An open module.
#[derive(Debug)]
pub(crate) struct ModuleSymbols {
    file: OwnedFd,
    path: PathBuf,
    build_id: Option<BuildId>,
    /// The sources of symbols, found at the first lookup.
    sources: Option<Sources>,
}

/// The files with the symbols of a module.
#[derive(Debug)]
struct Sources {
    // Declared before the files, and therefore dropped first, while its paths to them are valid.
    symbolizer: Option<Box<blaze::Symbolizer>>,
    debug_directories: Vec<PathBuf>,
    /// The separate debug file, if there is one, and the module's own file.
    files: Vec<SymbolFile>,
    loads: Vec<Segment>,
    /// The address of the image's first page.
    first_page: u64,
    /// The reason why functions are missing. It matters only if one is not found.
    incomplete: Option<String>,
    /// The reason why a file with symbols is not used.
    defect: Option<String>,
}

#[derive(Debug)]
struct SymbolFile {
    /// `None` for the module's own file.
    file: Option<OwnedFd>,
    has_debug_info: bool,
}

/// Opens a module's file or, for the image that the kernel provides, a copy of it.
///
/// `version` identifies the file of a module without a build id. The error is the reason for
/// [`MissingSymbols`](crate::MissingSymbols).
pub(crate) fn open_symbols(
    process: &Process,
    module: &Module,
    mapping: &Mapping,
    version: Option<FileVersion>,
) -> Result<ModuleSymbols, String> {
    let file = if mapping.backing == Backing::Vdso {
        copy_vdso(process, module, mapping).ok_or_else(|| {
            "the process has ended or its memory is not readable, and the vDSO of the calling \
             process differs"
                .to_string()
        })?
    } else {
        let identity = FileIdentity {
            path: &module.path,
            mapping,
            build_id: module.build_id.as_ref().map(BuildId::as_bytes),
            version,
        };
        file::open(process, identity).map_err(|error| error.to_string())?
    };
    Ok(ModuleSymbols {
        file,
        path: module.path.clone(),
        build_id: module.build_id.clone(),
        sources: None,
    })
}

/// Returns the frames of each offset that has symbols, and the reason why symbols are missing.
///
/// At the first call for a module, searches for its debug file.
pub(crate) fn symbolize_module(
    process: &Process,
    module: &mut ModuleSymbols,
    offsets: &[ImageOffset],
) -> (HashMap<ImageOffset, Vec<Frame>>, Option<String>) {
    let mut frames = HashMap::new();
    if module.sources.is_none() {
        match module.find_sources(process) {
            Ok(sources) => module.sources = Some(sources),
            Err(reason) => return (frames, Some(reason)),
        }
    }
    let (file, path) = (&module.file, &module.path);
    let Some(sources) = &mut module.sources else {
        return (frames, None);
    };
    let addresses: Vec<(ImageOffset, u64)> = offsets
        .iter()
        .filter_map(|&offset| Some((offset, sources.address(offset)?)))
        .collect();
    let (found, defect) = sources.look_up(file, addresses.iter().map(|&(_, at)| at).collect());
    for (offset, address) in addresses {
        if let Some(function) = found.get(&address) {
            frames.insert(offset, function.frames(address, path));
        }
    }
    let is_incomplete = frames.len() < offsets.len();
    let reason = defect
        .or_else(|| sources.defect.clone())
        .or_else(|| sources.incomplete.clone().filter(|_| is_incomplete));
    (frames, reason)
}

impl ModuleSymbols {
    /// Returns the number of open descriptors, with those that `blazesym` holds.
    pub(crate) fn open_files(&self) -> usize {
        let sources = self
            .sources
            .as_ref()
            .map_or(&[][..], |sources| &sources.files);
        let own = sources.iter().filter(|source| source.file.is_some());
        1 + own.count() + sources.len()
    }

    fn find_sources(&self, process: &Process) -> Result<Sources, String> {
        let header = header_in_file(&self.file, 0).ok_or(INVALID)?;
        let elf = Elf::parse(&header).map_err(|_| INVALID)?;
        let page = rustix::param::page_size() as u64;
        let (first_page, _) = elf.extent(page).ok_or(INVALID)?;

        let file_root = process.system().file_root();
        let process_root = process.directory().path_of(b"root");
        let roots = [&*process_root, file_root];
        let own = Sections::read(&self.file).ok_or(INVALID)?;
        let link = own.debug_link(&self.file);
        let mut defect = None;
        let mut files = Vec::new();
        if !own.has_debug_info() || !own.has_symbol_table() {
            let search = DebugFileSearch {
                file: &self.file,
                path: &self.path,
                build_id: self.build_id.as_ref().map(BuildId::as_bytes),
                link: link.as_ref(),
                roots,
            };
            match search.run() {
                Found::File(file) => match SymbolFile::open(file) {
                    Ok(file) => files.push(file),
                    Err(reason) => defect = Some(format!("its debug file: {reason}")),
                },
                Found::OtherBuild(path) => {
                    let path = path.display();
                    defect = Some(format!("the debug file {path} belongs to another build"));
                }
                Found::Nothing => {}
            }
        }
        let is_incomplete = files.is_empty() && !own.has_all_symbols();
        let incomplete = is_incomplete.then(|| match (&self.build_id, &link) {
            (Some(id), _) => {
                format!("the file is stripped, and no debug file was found for build id {id}")
            }
            (None, Some(link)) => {
                let name = String::from_utf8_lossy(&link.name);
                format!("the file is stripped, and its debug file {name} was not found")
            }
            (None, None) => "the file is stripped, and does not name a debug file".to_string(),
        });
        match unpacked(&self.file, &own) {
            Ok(copy) => files.push(SymbolFile {
                file: copy,
                has_debug_info: own.has_debug_info(),
            }),
            Err(reason) => {
                defect.get_or_insert(reason.to_string());
            }
        }
        Ok(Sources {
            symbolizer: None,
            debug_directories: roots.into_iter().flat_map(debug_directories).collect(),
            files,
            loads: elf.loads().collect(),
            first_page,
            incomplete,
            defect,
        })
    }
}

impl SymbolFile {
    fn open(file: OwnedFd) -> Result<Self, String> {
        let sections = Sections::read(&file).ok_or(INVALID)?;
        let file = unpacked(&file, &sections)?.unwrap_or(file);
        Ok(SymbolFile {
            file: Some(file),
            has_debug_info: sections.has_debug_info(),
        })
    }
}

impl Sources {
    /// Converts an offset to an address of the image.
    fn address(&self, offset: ImageOffset) -> Option<u64> {
        match offset {
            ImageOffset::Memory(distance) => self.first_page.checked_add(distance),
            ImageOffset::File(offset) => self.loads.iter().find_map(|load| {
                let distance = offset.checked_sub(load.offset)?;
                (distance < load.file_size).then(|| load.vaddr.checked_add(distance))?
            }),
        }
    }

    /// Returns the functions at addresses of the image, and the first defect found in a file.
    fn look_up(
        &mut self,
        own: &OwnedFd,
        addresses: Vec<u64>,
    ) -> (BTreeMap<u64, Function>, Option<String>) {
        let mut found: BTreeMap<u64, Function> = BTreeMap::new();
        let mut defect = None;
        let files = std::mem::take(&mut self.files);
        for with_debug in [true, false] {
            let mut rest = addresses.clone();
            let files = files
                .iter()
                .filter(|file| file.has_debug_info || !with_debug);
            for SymbolFile { file, .. } in files {
                if rest.is_empty() {
                    break;
                }
                let path = file::path_of(file.as_ref().unwrap_or(own));
                let results = match self.symbolize(&path, with_debug, &rest) {
                    Ok(results) => results,
                    Err(reason) => {
                        defect.get_or_insert(reason);
                        continue;
                    }
                };
                rest.clear();
                for (address, result) in results {
                    match result {
                        Lookup::Found(function) => match found.get_mut(&address) {
                            Some(known) => known.complete(address, function),
                            None => {
                                found.insert(address, function);
                            }
                        },
                        Lookup::NotFound => rest.push(address),
                        Lookup::Failed(reason) => {
                            defect.get_or_insert(reason);
                            rest.push(address);
                        }
                    }
                }
            }
        }
        self.files = files;
        (found, defect)
    }

    fn symbolize(
        &mut self,
        path: &Path,
        with_debug: bool,
        addresses: &[u64],
    ) -> Result<Vec<(u64, Lookup)>, String> {
        let symbolizer = self.symbolizer.get_or_insert_with(|| {
            let builder = blaze::Symbolizer::builder();
            let builder = builder.set_debug_dirs(Some(&self.debug_directories));
            Box::new(builder.enable_auto_reload(false).build())
        });
        let mut elf = ElfFile::new(path);
        elf.debug_syms = with_debug;
        let source = Source::Elf(elf);
        // The parser can panic on an invalid file. That must cost the caller only the symbols.
        let result = std::panic::catch_unwind(AssertUnwindSafe(|| {
            let symbolized = symbolizer.symbolize(&source, Input::VirtOffset(addresses));
            let symbolized = symbolized.map_err(|error| format!("{error:#}"))?;
            Ok::<_, String>(symbolized.iter().map(Lookup::new).collect::<Vec<_>>())
        }));
        let Ok(lookups) = result else {
            self.symbolizer = None;
            return Err(INVALID.into());
        };
        Ok(addresses.iter().copied().zip(lookups?).collect())
    }
}

const INVALID: &str = "invalid symbols or debug information";

/// The result of looking up one address.
enum Lookup {
    Found(Function),
    NotFound,
    Failed(String),
}

impl Lookup {
    fn new(symbolized: &Symbolized<'_>) -> Self {
        let symbol = match symbolized {
            Symbolized::Sym(symbol) => symbol,
            Symbolized::Unknown(Reason::IgnoredError) => return Lookup::Failed(INVALID.into()),
            Symbolized::Unknown(_) => return Lookup::NotFound,
        };
        let inlined = symbol.inlined.iter().map(|inlined| Inlined {
            name: name(&inlined.name),
            source: inlined.code_info.as_ref().map(line),
        });
        Lookup::Found(Function {
            name: name(&symbol.name),
            start: symbol.addr,
            source: symbol.code_info.as_deref().map(line),
            inlined: inlined.collect(),
        })
    }
}

fn name(name: &str) -> Option<String> {
    (!name.is_empty()).then(|| name.to_owned())
}

fn line(code: &blaze::CodeInfo<'_>) -> SourceLine {
    SourceLine {
        path: code.to_path().into_owned(),
        line: code.line.filter(|&line| line > 0),
    }
}

/// A function at an address, and the functions that were inlined there.
struct Function {
    name: Option<String>,
    start: u64,
    source: Option<SourceLine>,
    inlined: Vec<Inlined>,
}

struct Inlined {
    name: Option<String>,
    source: Option<SourceLine>,
}

impl Function {
    /// Adds what the symbol table has about a function that was found in the debug information.
    fn complete(&mut self, address: u64, symbol: Function) {
        if symbol.start > address {
            return;
        }
        // Debug information describes a function that the compiler has split as one, which can
        // start after its own cold part.
        let is_part = self.start > address;
        let name = self.name.as_deref().unwrap_or_default();
        let has_full_name = symbol.start == self.start
            && symbol
                .name
                .as_deref()
                .is_some_and(|full| is_full(full, name));
        if is_part {
            self.start = symbol.start;
        }
        if is_part || has_full_name || self.name.is_none() {
            self.name = symbol.name.or(self.name.take());
        }
    }

    fn frames(&self, address: u64, module: &Path) -> Vec<Frame> {
        let mut frames = vec![Frame {
            function: self.name.clone(),
            module: Some(module.into()),
            source: self.source.clone(),
            inlined: false,
            offset: address.checked_sub(self.start),
        }];
        frames.extend(self.inlined.iter().map(|inlined| Frame {
            function: inlined.name.clone(),
            module: Some(module.into()),
            source: inlined.source.clone(),
            inlined: true,
            offset: None,
        }));
        frames
    }
}

/// Returns true if `full` is `name` with its scope, its parameters or the suffix of a clone.
///
/// Another symbol at the same address, such as an alias, is not.
fn is_full(full: &str, name: &str) -> bool {
    if name.is_empty() || full.len() <= name.len() {
        return false;
    }
    full.match_indices(name).any(|(at, _)| {
        let (before, after) = (&full[..at], &full[at + name.len()..]);
        let starts = before.is_empty() || before.ends_with("::") || before.ends_with(' ');
        let ends = after.is_empty() || after.starts_with(['(', '<', '.', '[', ' ']);
        starts && ends
    })
}

/// Copies the vDSO of a process to an anonymous file. If the process's memory is not readable, the
/// vDSO of the calling process is used, provided that it has the same build id.
fn copy_vdso(process: &Process, module: &Module, mapping: &Mapping) -> Option<OwnedFd> {
    let read = |process: &Process, base: u64| {
        let memory = Memory::open(process.directory(), None).ok()??;
        let size = usize::try_from(mapping.size()).ok()?;
        let mut image = vec![0; size.min(MAX_VDSO)];
        let length = memory.read(base, &mut image);
        image.truncate(length);
        (length > 0).then_some(image)
    };
    let read_own = || {
        let me = open_current(process.system()).ok()?;
        let is_same = |own: &&Module| {
            own.path == module.path && own.build_id.is_some() && own.build_id == module.build_id
        };
        let modules = modules(&me, ModuleFields::BUILD_ID).ok()?;
        let base = modules.iter().find(is_same)?.base;
        read(&me, base)
    };
    let image = read(process, mapping.start).or_else(read_own)?;
    file::in_memory(&image).ok()
}

/// Limit for the size of the vDSO, which has a few pages.
const MAX_VDSO: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::is_full;

    #[test]
    fn full_name_contains_short_name() {
        for (full, name) in [
            ("fill(char*, long)", "fill"),
            ("(anonymous namespace)::fill(char*)", "fill"),
            (
                "main::{lambda(char*)#1}::operator()(char*) const",
                "operator()",
            ),
            ("int apply<int>(int)", "apply<int>"),
            ("int apply<int>(int)", "apply"),
            ("fill.constprop.0", "fill"),
            ("fill(char*) [clone .cold]", "fill(char*)"),
        ] {
            assert!(is_full(full, name), "{full} {name}");
        }
        for (full, name) in [
            ("fill", "fill"),
            ("refill(char*)", "fill"),
            ("__libc_malloc", "malloc"),
            ("malloc@@GLIBC_2.2.5", "malloc"),
            ("fill", ""),
            ("other(char*)", "fill"),
        ] {
            assert!(!is_full(full, name), "{full} {name}");
        }
    }
}
