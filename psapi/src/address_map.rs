//! A snapshot of an address space, for resolving addresses without system calls.
//!
//! [`AddressMap`] combines mappings and modules, and keeps removed mappings until new ones take
//! their place. `process/address_map.rs` reads it.

use std::sync::Arc;
#[cfg(feature = "symbols")]
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::mapping::Mapping;
use crate::module::Module;
use crate::process_id::ProcessId;
#[cfg(feature = "symbols")]
use crate::sys;

/// A snapshot of a process's address space for resolving addresses, for example of page faults. It
/// remains usable after the process has ended.
///
/// [`refresh`](Self::refresh) updates the map. It keeps mappings that are gone, except where a new
/// mapping took their place. Addresses that were recorded while a library was loaded can therefore
/// still be resolved after the library was unloaded, or after the process called `execve`. Until
/// the next refresh, addresses in a replaced mapping resolve to the old one.
///
/// ```
/// let me = psapi::System::new().current_process()?;
/// let map = me.address_map()?;
/// let address = str::len as fn(&str) -> usize as usize as u64;
/// let location = map.resolve(address).expect("code is mapped");
/// let module = location.module.expect("code is in a module");
/// println!("{}+{:#x}", module.path.display(), location.module_offset().unwrap());
/// assert!(map.resolve(0).is_none());
/// # Ok::<(), psapi::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct AddressMap {
    process: ProcessId,
    pub(crate) with_modules: bool,
    /// By ascending address, without overlaps.
    parts: Vec<Part>,
    /// The functions that the program generated at run time, if it ever had such code.
    #[cfg(feature = "symbols")]
    generated: Option<Arc<Mutex<sys::GeneratedFunctions>>>,
}

/// A mapping, or the rest of a mapping that is gone.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) mapping: Mapping,
    pub(crate) module: Option<Arc<KnownModule>>,
    gone: bool,
}

/// A module, and the properties that identify its file after the process has ended.
#[derive(Debug)]
pub(crate) struct KnownModule {
    pub(crate) module: Module,
    /// `None` for a module with a build id, and if the file was not accessible.
    #[cfg(feature = "symbols")]
    pub(crate) version: Option<sys::FileVersion>,
}

/// The mapping and module that contain an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Location<'m> {
    /// The address.
    pub address: u64,
    /// The mapping that contains the address. For a mapping that is gone, this is the part that no
    /// new mapping has replaced.
    pub mapping: &'m Mapping,
    /// The module that contains the address, either in a mapping of its file or in its memory
    /// without a file, such as zero-initialized variables.
    pub module: Option<&'m Module>,
    /// Whether the mapping was gone at the last refresh.
    pub gone: bool,
}

impl Location<'_> {
    /// Returns the offset in the file in bytes; `None` without a file.
    pub fn file_offset(&self) -> Option<u64> {
        self.mapping.file?;
        (self.address - self.mapping.start).checked_add(self.mapping.offset?)
    }

    /// Returns the distance in bytes from the module's base; `None` without a module.
    pub fn module_offset(&self) -> Option<u64> {
        self.address.checked_sub(self.module?.base)
    }
}

impl AddressMap {
    pub(crate) fn empty(process: ProcessId, with_modules: bool) -> Self {
        AddressMap {
            process,
            with_modules,
            parts: Vec::new(),
            #[cfg(feature = "symbols")]
            generated: None,
        }
    }

    /// Returns the id of the process.
    pub fn process(&self) -> ProcessId {
        self.process
    }

    /// Returns the mapping and module that contain an address; `None` if nothing is mapped there.
    ///
    /// Source: memory. Cost: a binary search. Privileges: none.
    pub fn resolve(&self, address: u64) -> Option<Location<'_>> {
        Some(self.part(address)?.location(address))
    }

    /// Returns the last location at or before an address.
    ///
    /// If nothing is mapped at the address, the result is in the preceding mapping, such as a heap
    /// that has shrunk. Otherwise the result equals that of [`resolve`](Self::resolve).
    ///
    /// Source: memory. Cost: a binary search. Privileges: none.
    pub fn last_before(&self, address: u64) -> Option<Location<'_>> {
        let part = self.part_before(address)?;
        Some(part.location(address))
    }

    /// Returns the mappings and the parts of former mappings, by ascending address.
    ///
    /// The address of each location is its start.
    ///
    /// Source: memory. Cost: proportional to the number of mappings. Privileges: none.
    pub fn locations(&self) -> impl Iterator<Item = Location<'_>> {
        let parts = self.parts.iter();
        parts.map(|part| part.location(part.mapping.start))
    }

    /// Returns true if the map consists of these mappings, apart from mappings that are gone.
    pub(crate) fn is_current(&self, mappings: &[Mapping]) -> bool {
        let current = self.parts.iter().filter(|part| !part.gone);
        current.map(|part| &part.mapping).eq(mappings)
    }

    #[cfg(feature = "symbols")]
    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Returns the functions that the program generated at run time.
    #[cfg(feature = "symbols")]
    pub(crate) fn generated_functions(&self) -> Option<MutexGuard<'_, sys::GeneratedFunctions>> {
        let functions = self.generated.as_ref()?;
        Some(functions.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Calls `open` if the map has no generated functions yet and one of the mappings contains
    /// generated code.
    #[cfg(feature = "symbols")]
    pub(crate) fn open_generated_functions(
        &mut self,
        mappings: &[Mapping],
        open: impl FnOnce() -> Option<sys::GeneratedFunctions>,
    ) {
        if self.generated.is_none() && mappings.iter().any(Mapping::is_generated_code) {
            self.generated = open().map(|functions| Arc::new(Mutex::new(functions)));
        }
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

    /// Replaces the current mappings. Parts of old mappings stay where no new mapping is.
    pub(crate) fn merge(&mut self, mappings: Vec<Mapping>, modules: Vec<KnownModule>) {
        let mut modules: Vec<_> = modules.into_iter().map(Arc::new).collect();
        modules.sort_by_key(|known| known.module.base);
        let old = std::mem::take(&mut self.parts);

        let mut parts = Vec::new();
        let mut rest = &mappings[..];
        for part in &old {
            let before = rest.partition_point(|mapping| mapping.end <= part.mapping.start);
            rest = &rest[before..];
            parts.extend(part.without(rest));
        }
        // Over the limit, modules are kept longest, because their symbols are of most use.
        if parts.len() > MAX_GONE {
            parts.retain(|part| part.module.is_some());
        }
        if parts.len() > MAX_GONE {
            parts.clear();
        }

        let current = mappings.into_iter().map(|mapping| Part {
            module: module_of(&mapping, &modules)
                .or_else(|| previous_module(&mapping, &old))
                .cloned(),
            mapping,
            gone: false,
        });
        parts.extend(current);
        self.parts = parts;
        self.parts.sort_by_key(|part| part.mapping.start);
    }
}

/// Limit for parts that are gone: the default limit for a process's mappings (`vm.max_map_count`).
const MAX_GONE: usize = 65_530;

impl Part {
    fn location(&self, address: u64) -> Location<'_> {
        Location {
            address,
            mapping: &self.mapping,
            module: self.module.as_ref().map(|known| &known.module),
            gone: self.gone,
        }
    }

    /// Returns the pieces of this part that are not covered by `mappings`, which are sorted by
    /// address and end after the start of this part.
    fn without(&self, mappings: &[Mapping]) -> Vec<Part> {
        let mut uncovered = Vec::new();
        let mut start = self.mapping.start;
        let covered = mappings
            .iter()
            .take_while(|mapping| mapping.start < self.mapping.end)
            .map(|mapping| (mapping.start, mapping.end))
            .chain([(self.mapping.end, self.mapping.end)]);
        for (covered_start, covered_end) in covered {
            if start < covered_start {
                let mut mapping = self.mapping.clone();
                if mapping.file.is_some() {
                    let skipped = start - mapping.start;
                    mapping.offset = mapping.offset.map(|offset| offset.saturating_add(skipped));
                }
                (mapping.start, mapping.end) = (start, covered_start);
                uncovered.push(Part {
                    mapping,
                    module: self.module.clone(),
                    gone: true,
                });
            }
            start = start.max(covered_end);
        }
        uncovered
    }
}

/// Returns the module that a mapping belongs to, from modules sorted by base.
fn module_of<'m>(
    mapping: &Mapping,
    modules: &'m [Arc<KnownModule>],
) -> Option<&'m Arc<KnownModule>> {
    let after = modules.partition_point(|known| known.module.base <= mapping.start);
    let known = modules.get(after.checked_sub(1)?)?;
    known.module.owns(mapping).then_some(known)
}

/// Returns the module of the same file mapping in the previous parts.
///
/// Modules are read after mappings. If the process called `execve` in between, the new modules do
/// not belong to these mappings.
fn previous_module<'m>(mapping: &Mapping, parts: &'m [Part]) -> Option<&'m Arc<KnownModule>> {
    mapping.file?;
    let at = parts.binary_search_by_key(&mapping.start, |part| part.mapping.start);
    let part = &parts[at.ok()?];
    let is_same = !part.gone && part.mapping == *mapping;
    part.module.as_ref().filter(|_| is_same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{Backing, FileId};
    use crate::module::ModuleClass;

    fn mapping(start: u64, end: u64, path: Option<&str>) -> Mapping {
        Mapping {
            start,
            end,
            readable: true,
            writable: false,
            executable: true,
            shared: false,
            offset: Some(0),
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

    fn module(base: u64, size: u64, path: &str) -> KnownModule {
        KnownModule {
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

    /// Returns start, end, file offset, module and `gone` of all parts.
    fn parts(map: &AddressMap) -> Vec<(u64, u64, u64, &str, bool)> {
        let parts = map.parts.iter().map(|part| {
            let module = part.module.as_ref();
            (
                part.mapping.start,
                part.mapping.end,
                part.mapping.offset.unwrap(),
                module.map_or("", |known| known.module.path.to_str().unwrap()),
                part.gone,
            )
        });
        parts.collect()
    }

    #[test]
    fn mappings_resolve_to_their_module() {
        let mut map = AddressMap::empty(ProcessId::new(1), true);
        map.merge(
            vec![
                mapping(0x1000, 0x2000, Some("/a")),
                mapping(0x2000, 0x3000, None),
                mapping(0x3000, 0x4000, None),
                mapping(0x4000, 0x5000, Some("/a")),
                mapping(0x6000, 0x7000, Some("/b")),
            ],
            vec![module(0x6000, 0x1000, "/c"), module(0x1000, 0x2000, "/a")],
        );
        let module_at = |address| {
            let location = map.resolve(address)?;
            Some((location.module?.path.to_str()?, location.module_offset()?))
        };
        assert_eq!(module_at(0x1000), Some(("/a", 0)));
        assert_eq!(module_at(0x2fff), Some(("/a", 0x1fff)));
        // Memory after the module, its file mapped as data, another file in a module's range.
        for address in [0x3000, 0x4000, 0x6000] {
            assert_eq!(module_at(address), None);
        }
        assert_eq!(map.resolve(0x4010).unwrap().file_offset(), Some(0x10));
        assert_eq!(map.resolve(0x2000).unwrap().file_offset(), None);
        for unmapped in [0, 0xfff, 0x5000, 0x7000, u64::MAX] {
            assert_eq!(map.resolve(unmapped), None);
        }
    }

    #[test]
    fn gone_parts_stay_until_replaced() {
        let mut map = AddressMap::empty(ProcessId::new(1), true);
        map.merge(
            vec![mapping(0x1000, 0x9000, Some("/a"))],
            vec![module(0x1000, 0x8000, "/a")],
        );
        map.merge(
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
        let location = map.resolve(0x7fff).unwrap();
        assert_eq!(
            (
                location.module_offset(),
                location.file_offset(),
                location.gone
            ),
            (Some(0x6fff), Some(0x6fff), true)
        );
        // A later merge keeps parts that are gone, or replaces them.
        map.merge(vec![mapping(0x3000, 0x10_000, None)], Vec::new());
        let after = [
            (0x0, 0x2000, 0, "", true),
            (0x2000, 0x3000, 0x1000, "/a", true),
            (0x3000, 0x10_000, 0, "", false),
        ];
        assert_eq!(parts(&map), after);
    }

    /// `execve` between reading mappings and modules gives modules at other addresses.
    #[test]
    fn execve_during_read_keeps_previous_modules() {
        let mut map = AddressMap::empty(ProcessId::new(1), true);
        map.merge(
            vec![mapping(0x1000, 0x2000, Some("/a"))],
            vec![module(0x1000, 0x1000, "/a")],
        );
        map.merge(
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
        map.merge(
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
    fn last_before_finds_preceding_mapping() {
        let mut map = AddressMap::empty(ProcessId::new(1), true);
        map.merge(vec![mapping(0x1000, 0x3000, None)], Vec::new());
        map.merge(vec![mapping(0x1000, 0x2000, None)], Vec::new());
        let before = |address| {
            let location = map.last_before(address)?;
            let mapping = location.mapping;
            Some((mapping.start, mapping.end, location.gone))
        };
        assert_eq!(before(0xfff), None);
        assert_eq!(before(0x1fff), Some((0x1000, 0x2000, false)));
        assert_eq!(before(0x2000), Some((0x2000, 0x3000, true)));
        assert_eq!(before(u64::MAX), Some((0x2000, 0x3000, true)));
        assert!(map.resolve(0x3000).is_none());
    }

    #[test]
    fn number_of_gone_parts_is_bounded() {
        let mut map = AddressMap::empty(ProcessId::new(1), true);
        for round in 0..4 {
            let start = round << 40;
            let mappings = (0..30_000).map(|index| start + index * 0x2000);
            let mut mappings: Vec<_> = mappings.map(|at| mapping(at, at + 0x1000, None)).collect();
            mappings[0] = mapping(start, start + 0x1000, Some("/a"));
            map.merge(mappings, vec![module(start, 0x1000, "/a")]);
        }
        assert!(map.parts.len() <= MAX_GONE + 30_000);
        // Modules are dropped last.
        assert!(map.resolve(0).unwrap().gone);
        assert!(map.resolve(0x2000).is_none());
    }
}
