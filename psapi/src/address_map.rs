use std::sync::Arc;
#[cfg(feature = "symbols")]
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Result;
#[cfg(feature = "symbols")]
use crate::linux::module_file::{self, Version};
#[cfg(feature = "symbols")]
use crate::linux::perf_map::PerfMap;
use crate::mapping::{Backing, Mapping};
use crate::module::{Module, ModuleFields, ModuleFilter};
use crate::process::{Process, ProcessId};

/// What is where in a process's address space, to look addresses up in: such as those of page
/// faults, while they come or once the process has ended.
///
/// It is a picture of a moment. [`refresh`](Self::refresh) brings it up to date and keeps what has
/// gone since in the places that nothing new has taken, so that an address which was met while a
/// library was loaded can be looked up after that was unloaded, or another program executed. Where
/// one thing has taken the place of another since the last refresh, the old one answers.
///
/// ```
/// let me = psapi::System::new().current_process()?;
/// let map = me.address_map()?;
/// let place = map.resolve(str::len as fn(&str) -> usize as usize as u64).expect("code is mapped");
/// let module = place.module.expect("code is of a module");
/// println!("{}+{:#x}", module.path.display(), place.module_offset().unwrap());
/// assert!(map.resolve(0).is_none());
/// # Ok::<(), psapi::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct AddressMap {
    process: ProcessId,
    /// By ascending address; none overlap.
    parts: Vec<Part>,
    /// Of a process that has had code which is of no file.
    #[cfg(feature = "symbols")]
    perf_map: Option<Arc<Mutex<PerfMap>>>,
}

/// A mapping, or what is left of one that has gone.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) mapping: Mapping,
    pub(crate) module: Option<Arc<Known>>,
    gone: bool,
}

/// A module, and what its file is known by once the process has ended.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) module: Module,
    /// Of a module without a build id, if its file could be reached.
    #[cfg(feature = "symbols")]
    pub(crate) version: Option<Version>,
}

/// What an address is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Place<'m> {
    /// The address.
    pub address: u64,
    /// The mapping that it is in; of one that has gone, the part that nothing new has taken.
    pub mapping: &'m Mapping,
    /// The module that it is in: in its file's mappings, or in its memory that is of no file, such
    /// as variables that start as zero.
    pub module: Option<&'m Module>,
    /// Whether the mapping was gone when the map was last refreshed.
    pub gone: bool,
}

impl Place<'_> {
    /// Where in the file it is, in bytes; `None` where there is no file.
    pub fn file_offset(&self) -> Option<u64> {
        self.mapping.file?;
        (self.address - self.mapping.start).checked_add(self.mapping.offset)
    }

    /// How far behind the module's base it is, in bytes; `None` where there is no module.
    pub fn module_offset(&self) -> Option<u64> {
        self.address.checked_sub(self.module?.base)
    }
}

impl AddressMap {
    fn read(process: &Process) -> Result<Self> {
        let mut map = AddressMap {
            process: process.id(),
            parts: Vec::new(),
            #[cfg(feature = "symbols")]
            perf_map: None,
        };
        map.refresh(process)?;
        Ok(map)
    }

    /// The process that it is of.
    pub fn process(&self) -> ProcessId {
        self.process
    }

    /// What an address is part of; `None` where nothing is mapped.
    ///
    /// Source: memory. Cost: a binary search. Privileges: none.
    pub fn resolve(&self, address: u64) -> Option<Place<'_>> {
        Some(self.part(address)?.place(address))
    }

    /// What comes last at or before an address: [what it is part of](Self::resolve), or where nothing
    /// is mapped what is before that, such as a heap that has been larger.
    ///
    /// Source, cost and privileges: those of [`resolve`](Self::resolve).
    pub fn last_before(&self, address: u64) -> Option<Place<'_>> {
        let part = self.part_before(address)?;
        Some(part.place(address))
    }

    /// Reads the address space again, and tells whether it has changed.
    ///
    /// Source: those of [`Process::mappings`] and, where these have changed, of
    /// [`Process::modules_with`]. Cost and privileges: theirs.
    ///
    /// # Errors
    ///
    /// Those of [`Process::address_map`]; the map stays as it is then.
    pub fn refresh(&mut self, process: &Process) -> Result<bool> {
        let mappings = process.mappings()?;
        let known = self.parts.iter().filter(|part| !part.gone);
        if known.map(|part| &part.mapping).eq(&mappings) {
            return Ok(false);
        }
        let modules = process.modules_with(ModuleFilter::All, ModuleFields::BUILD_ID)?;
        let known = modules.into_iter().map(|module| Known {
            #[cfg(feature = "symbols")]
            version: version_of(process, &module, &mappings),
            module,
        });
        let known = known.collect();
        #[cfg(feature = "symbols")]
        if self.perf_map.is_none() && mappings.iter().any(is_made_at_run_time) {
            let perf_map = PerfMap::open(process.directory());
            self.perf_map = perf_map.map(|perf_map| Arc::new(Mutex::new(perf_map)));
        }
        self.take(mappings, known);
        Ok(true)
    }

    /// The parts, by ascending address.
    #[cfg(feature = "symbols")]
    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// What the process says of the code that it makes at run time.
    #[cfg(feature = "symbols")]
    pub(crate) fn perf_map(&self) -> Option<MutexGuard<'_, PerfMap>> {
        let perf_map = self.perf_map.as_ref()?;
        Some(perf_map.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn part(&self, address: u64) -> Option<&Part> {
        let part = self.part_before(address)?;
        (address < part.mapping.end).then_some(part)
    }

    fn part_before(&self, address: u64) -> Option<&Part> {
        let after = self
            .parts
            .partition_point(|part| part.mapping.start <= address);
        self.parts.get(after.checked_sub(1)?)
    }

    fn take(&mut self, mappings: Vec<Mapping>, modules: Vec<Known>) {
        let mut modules: Vec<_> = modules.into_iter().map(Arc::new).collect();
        modules.sort_by_key(|known| known.module.base);
        let old = std::mem::take(&mut self.parts);
        let mut left = Vec::new();
        let mut rest = &mappings[..];
        for part in &old {
            let before = rest.partition_point(|mapping| mapping.end <= part.mapping.start);
            rest = &rest[before..];
            left.extend(part.without(rest));
        }
        if left.len() > MOST_GONE {
            left.retain(|part| part.module.is_some());
        }
        if left.len() > MOST_GONE {
            left.clear();
        }
        let parts = mappings.into_iter().map(|mapping| Part {
            module: module_of(&mapping, &modules)
                .or_else(|| module_before(&mapping, &old))
                .cloned(),
            mapping,
            gone: false,
        });
        left.extend(parts);
        self.parts = left;
        self.parts.sort_by_key(|part| part.mapping.start);
    }
}

/// How many parts that have gone are kept: as many as a process may have mappings by default
/// (`vm.max_map_count`).
const MOST_GONE: usize = 65_530;

impl Part {
    fn place(&self, address: u64) -> Place<'_> {
        Place {
            address,
            mapping: &self.mapping,
            module: self.module.as_ref().map(|known| &known.module),
            gone: self.gone,
        }
    }

    /// What is left of it beside mappings that go by ascending address, the first of which ends
    /// behind its start.
    fn without(&self, mappings: &[Mapping]) -> Vec<Part> {
        let mut left = Vec::new();
        let mut start = self.mapping.start;
        let taken = mappings
            .iter()
            .take_while(|mapping| mapping.start < self.mapping.end)
            .map(|mapping| (mapping.start, mapping.end))
            .chain([(self.mapping.end, self.mapping.end)]);
        for (taken, end) in taken {
            if start < taken {
                let mut mapping = self.mapping.clone();
                if mapping.file.is_some() {
                    mapping.offset = mapping.offset.saturating_add(start - mapping.start);
                }
                (mapping.start, mapping.end) = (start, taken);
                left.push(Part {
                    mapping,
                    module: self.module.clone(),
                    gone: true,
                });
            }
            start = start.max(end);
        }
        left
    }
}

/// The module that a mapping is part of, among modules by ascending base.
fn module_of<'m>(mapping: &Mapping, modules: &'m [Arc<Known>]) -> Option<&'m Arc<Known>> {
    let after = modules.partition_point(|known| known.module.base <= mapping.start);
    let known = modules.get(after.checked_sub(1)?)?;
    let module = &known.module;
    let is_its = match &mapping.backing {
        Backing::File { path, .. } => *path == module.path,
        Backing::Vdso => module.path.as_os_str() == "[vdso]",
        Backing::Anonymous { .. } | Backing::Heap => true,
        _ => false,
    };
    (is_its && module.contains(mapping.start)).then_some(known)
}

/// The module that a file's mapping was part of. Modules are read after mappings: if another program
/// was executed in between, they are that one's.
fn module_before<'m>(mapping: &Mapping, parts: &'m [Part]) -> Option<&'m Arc<Known>> {
    mapping.file?;
    let at = parts.binary_search_by_key(&mapping.start, |part| part.mapping.start);
    let part = &parts[at.ok()?];
    let is_same = !part.gone && part.mapping == *mapping;
    part.module.as_ref().filter(|_| is_same)
}

/// Whether what is executed there is of no file, but of the program's own making.
#[cfg(feature = "symbols")]
fn is_made_at_run_time(mapping: &Mapping) -> bool {
    let is_memory = !matches!(
        mapping.backing,
        Backing::File { .. } | Backing::Vdso | Backing::Kernel { .. }
    );
    mapping.executable && is_memory
}

/// What the file of a module without a build id is known by.
#[cfg(feature = "symbols")]
fn version_of(process: &Process, module: &Module, mappings: &[Mapping]) -> Option<Version> {
    if module.build_id.is_some() {
        return None;
    }
    let first = mappings.partition_point(|mapping| mapping.end <= module.base);
    let mapping = mappings.get(first)?;
    module_file::version(process.directory(), &module.path, mapping)
}

impl Process {
    /// What is where in the process's address space now, to look many addresses up in.
    ///
    /// Source: those of [`mappings`](Self::mappings) and [`modules_with`](Self::modules_with),
    /// build ids included. Cost and privileges: theirs together. Mappings and modules are read one
    /// after the other: a library that is loaded meanwhile may be among the one and not the other.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the privilege;
    /// [`ErrorKind::NoAddressSpace`](crate::ErrorKind::NoAddressSpace) for a kernel thread;
    /// [`ErrorKind::Ended`](crate::ErrorKind::Ended) once the process has ended.
    pub fn address_map(&self) -> Result<AddressMap> {
        AddressMap::read(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::FileId;
    use crate::module::ModuleClass;

    fn mapping(start: u64, end: u64, path: Option<&str>) -> Mapping {
        Mapping {
            start,
            end,
            readable: true,
            writable: false,
            executable: true,
            shared: false,
            offset: 0,
            file: path.map(|path| FileId {
                major: 8,
                minor: 1,
                inode: path.len() as u64,
            }),
            backing: match path {
                Some(path) => Backing::File {
                    path: path.into(),
                    deleted: false,
                },
                None => Backing::Anonymous {
                    name: None,
                    hugetlb: false,
                },
            },
        }
    }

    fn module(base: u64, size: u64, path: &str) -> Known {
        Known {
            module: Module {
                base,
                size,
                entry_point: None,
                class: ModuleClass::Bits64,
                path: path.into(),
                deleted: false,
                soname: None,
                build_id: None,
            },
            #[cfg(feature = "symbols")]
            version: None,
        }
    }

    fn map() -> AddressMap {
        AddressMap {
            process: ProcessId::new(1),
            parts: Vec::new(),
            #[cfg(feature = "symbols")]
            perf_map: None,
        }
    }

    /// Start, end, offset in the file, module and whether it is gone, of all parts.
    fn parts(map: &AddressMap) -> Vec<(u64, u64, u64, &str, bool)> {
        let parts = map.parts.iter().map(|part| {
            let module = part.module.as_ref();
            (
                part.mapping.start,
                part.mapping.end,
                part.mapping.offset,
                module.map_or("", |known| known.module.path.to_str().unwrap()),
                part.gone,
            )
        });
        parts.collect()
    }

    #[test]
    fn a_mapping_is_of_the_module_whose_file_or_zeros_it_is() {
        let mut map = map();
        map.take(
            vec![
                mapping(0x1000, 0x2000, Some("/a")),
                mapping(0x2000, 0x3000, None),
                mapping(0x3000, 0x4000, None),
                mapping(0x4000, 0x5000, Some("/a")),
                mapping(0x6000, 0x7000, Some("/b")),
            ],
            vec![module(0x6000, 0x1000, "/c"), module(0x1000, 0x2000, "/a")],
        );
        let of = |address| {
            let place = map.resolve(address)?;
            Some((place.module?.path.to_str()?, place.module_offset()?))
        };
        assert_eq!(of(0x1000), Some(("/a", 0)));
        assert_eq!(of(0x2fff), Some(("/a", 0x1fff)));
        // Behind the module; its file as data; the range of a module, but another file.
        assert_eq!((of(0x3000), of(0x4000), of(0x6000)), (None, None, None));
        assert_eq!(map.resolve(0x4010).unwrap().file_offset(), Some(0x10));
        assert_eq!(map.resolve(0x2000).unwrap().file_offset(), None);
        for nothing in [0, 0xfff, 0x5000, 0x7000, u64::MAX] {
            assert_eq!(map.resolve(nothing), None);
        }
    }

    #[test]
    fn what_has_gone_stays_where_nothing_new_is() {
        let mut map = map();
        map.take(
            vec![mapping(0x1000, 0x9000, Some("/a"))],
            vec![module(0x1000, 0x8000, "/a")],
        );
        map.take(
            vec![
                mapping(0x0, 0x2000, None),
                mapping(0x4000, 0x5000, Some("/b")),
                mapping(0x5000, 0x6000, None),
                mapping(0x8000, 0x9000, None),
            ],
            vec![module(0x4000, 0x1000, "/b")],
        );
        let after = [
            (0x0, 0x2000, 0, "", false),
            (0x2000, 0x4000, 0x1000, "/a", true),
            (0x4000, 0x5000, 0, "/b", false),
            (0x5000, 0x6000, 0, "", false),
            (0x6000, 0x8000, 0x5000, "/a", true),
            (0x8000, 0x9000, 0, "", false),
        ];
        assert_eq!(parts(&map), after);
        let place = map.resolve(0x7fff).unwrap();
        assert_eq!(
            (place.module_offset(), place.file_offset(), place.gone),
            (Some(0x6fff), Some(0x6fff), true)
        );
        // What has gone goes on being gone, and may be taken later.
        map.take(vec![mapping(0x3000, 0x10_000, None)], Vec::new());
        let after = [
            (0x0, 0x2000, 0, "", true),
            (0x2000, 0x3000, 0x1000, "/a", true),
            (0x3000, 0x10_000, 0, "", false),
        ];
        assert_eq!(parts(&map), after);
    }

    /// Mappings are read first: what is executed then has other modules, elsewhere.
    #[test]
    fn what_was_read_of_two_programs_keeps_the_modules_of_the_first() {
        let mut map = map();
        map.take(
            vec![mapping(0x1000, 0x2000, Some("/a"))],
            vec![module(0x1000, 0x1000, "/a")],
        );
        map.take(
            vec![
                mapping(0x1000, 0x2000, Some("/a")),
                mapping(0x5000, 0x6000, Some("/lib")),
            ],
            vec![module(0x9000, 0x1000, "/b")],
        );
        let of_both = [
            (0x1000, 0x2000, 0, "/a", false),
            (0x5000, 0x6000, 0, "", false),
        ];
        assert_eq!(parts(&map), of_both);
        map.take(
            vec![mapping(0x9000, 0xa000, Some("/b"))],
            vec![module(0x9000, 0x1000, "/b")],
        );
        let after = [
            (0x1000, 0x2000, 0, "/a", true),
            (0x5000, 0x6000, 0, "", true),
            (0x9000, 0xa000, 0, "/b", false),
        ];
        assert_eq!(parts(&map), after);
    }

    #[test]
    fn what_is_before_an_address_is_found_also_where_nothing_is() {
        let mut map = map();
        map.take(vec![mapping(0x1000, 0x3000, None)], Vec::new());
        map.take(vec![mapping(0x1000, 0x2000, None)], Vec::new());
        let before = |address| {
            let place = map.last_before(address)?;
            Some((place.mapping.start, place.mapping.end, place.gone))
        };
        assert_eq!(before(0xfff), None);
        assert_eq!(before(0x1fff), Some((0x1000, 0x2000, false)));
        assert_eq!(before(0x2000), Some((0x2000, 0x3000, true)));
        assert_eq!(before(u64::MAX), Some((0x2000, 0x3000, true)));
        assert!(map.resolve(0x3000).is_none());
    }

    #[test]
    fn what_has_gone_is_bounded() {
        let mut map = map();
        for round in 0..4 {
            let start = round << 40;
            let mappings = (0..30_000).map(|index| start + index * 0x2000);
            let mut mappings: Vec<_> = mappings.map(|at| mapping(at, at + 0x1000, None)).collect();
            mappings[0] = mapping(start, start + 0x1000, Some("/a"));
            map.take(mappings, vec![module(start, 0x1000, "/a")]);
        }
        assert!(map.parts.len() <= MOST_GONE + 30_000);
        // Modules are forgotten last.
        assert!(map.resolve(0).unwrap().gone);
        assert!(map.resolve(0x2000).is_none());
    }
}
