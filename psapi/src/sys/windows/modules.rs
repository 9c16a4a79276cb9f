//! Lists the modules of a process, and finds single ones.
//!
//! The loader's lists name the modules. A 32-bit program on a 64-bit system has two of them: that
//! of the 64-bit part which runs it, and its own. If a list is damaged or does not exist yet, the
//! images of the address space complete it.

use std::collections::HashSet;
use std::ffi::OsString;
use std::os::windows::ffi::OsStringExt as _;

use super::address_space::{self, AddressSpace};
use super::buffer::Fixed;
use super::class::ProcessClass;
use super::device_names::DeviceNames;
use super::layouts::image_headers::{self, Directory, ImageHeaders};
use super::layouts::ldr::{self, LdrModule, Memory};
use super::layouts::memory_basic_information::MemoryKind;
use super::layouts::peb::{self, Peb};
use super::layouts::process_basic_information::{self, ProcessBasicInformation};
use super::layouts::reader::Width;
use super::mappings::MappedNames;
use super::memory_windows::MemoryWindows;
use super::nt;
use super::process::Process;
use super::text;
use crate::error::{ErrorCause, SourceError};
use crate::module::{BuildId, Module, ModuleClass, ModuleFields};

/// The source of errors of reading the loader's lists.
const LOADER_LIST: &str = "PEB.Ldr";

/// Lists the modules of a process.
pub(crate) fn modules(process: &Process, fields: ModuleFields) -> Result<Vec<Module>, SourceError> {
    Ok(list(process, fields)?.modules)
}

/// Returns the module with a base address.
pub(crate) fn module_at(process: &Process, base: u64) -> Result<Module, SourceError> {
    find(process, Some(base), "no module starts at this address")
}

/// Returns the module of the program that a process executes.
pub(crate) fn executable(process: &Process) -> Result<Module, SourceError> {
    find(process, None, "no part of the program is mapped")
}

/// Returns the module with a base address, or the program's.
fn find(
    process: &Process,
    base: Option<u64>,
    missing: &'static str,
) -> Result<Module, SourceError> {
    let list = list(process, ModuleFields::empty())?;
    let base = base.unwrap_or(list.program);
    let found = list.modules.into_iter().find(|module| module.base == base);
    found.ok_or_else(|| SourceError::new(LOADER_LIST, ErrorCause::Invalid(missing)))
}

#[derive(Debug)]
struct ModuleList {
    /// The program is first. The others are in load order, or by address if a list is damaged.
    modules: Vec<Module>,
    /// The base of the program.
    program: u64,
}

fn list(process: &Process, fields: ModuleFields) -> Result<ModuleList, SourceError> {
    let space = AddressSpace::open_to_read(process)?;
    let mut memory = MemoryWindows::new(|address, into: &mut [u8]| space.read(address, into));
    let blocks = environment_blocks(process)?;
    let LoadedModules {
        mut modules,
        program,
        is_complete,
    } = loaded(&blocks, &mut memory)?;
    process.check_alive(LOADER_LIST)?;
    if !is_complete {
        add_images(space, &blocks, &mut modules)?;
        modules.sort_by_key(|module| module.base);
    }
    // A stable sort keeps the order of the others.
    modules.sort_by_key(|module| module.base != program);
    for module in &mut modules {
        add_fields(space, module, fields)?;
    }
    Ok(ModuleList { modules, program })
}

/// Returns the addresses of the process environment blocks, and their widths. A 32-bit program on a
/// 64-bit system has two.
fn environment_blocks(process: &Process) -> Result<Vec<(u64, Width)>, SourceError> {
    let Some(address) = peb_address(process)? else {
        process.check_alive(ProcessClass::ProcessBasicInformation)?;
        let cause = ErrorCause::NoAddressSpace;
        return Err(SourceError::new(
            ProcessClass::ProcessBasicInformation,
            cause,
        ));
    };
    let mut blocks = vec![(address, Width::NATIVE)];
    if Width::NATIVE == Width::Bits64 {
        let class = ProcessClass::ProcessWow64Information;
        let wow64 = address_space::wow64_peb(process.limited())
            .map_err(|status| process.error(class, status))?;
        blocks.extend(wow64.map(|address| (address, Width::Bits32)));
    }
    Ok(blocks)
}

#[derive(Debug)]
struct LoadedModules {
    modules: Vec<Module>,
    /// The base of the program.
    program: u64,
    /// Whether all lists were followed to their end.
    is_complete: bool,
}

/// Reads the loader's lists.
fn loaded(blocks: &[(u64, Width)], memory: &mut impl Memory) -> Result<LoadedModules, SourceError> {
    let mut loaded = LoadedModules {
        modules: Vec::new(),
        program: 0,
        is_complete: true,
    };
    for &(address, width) in blocks {
        let bytes = memory.bytes(address, peb::SIZE)?;
        let Some(peb) = bytes.and_then(|bytes| Peb::parse(bytes, width)) else {
            loaded.is_complete = false;
            continue;
        };
        let list = ldr::read(memory, peb.ldr, width)?;
        loaded.is_complete &= list.is_complete;
        loaded.program = peb.image_base;
        for found in list.modules {
            add(&mut loaded.modules, module(&found, width));
        }
    }
    Ok(loaded)
}

/// Returns the address of the process environment block; `None` for a process without user memory,
/// such as `System`.
fn peb_address(process: &Process) -> Result<Option<u64>, SourceError> {
    let class = ProcessClass::ProcessBasicInformation;
    let mut buffer = Fixed::<{ process_basic_information::MAX_SIZE }>::new();
    let bytes = &mut buffer.0[..process_basic_information::size(Width::NATIVE)];
    nt::query_process(process.limited(), class, bytes)
        .status
        .check()
        .map_err(|status| process.error(class, status))?;
    let basic = ProcessBasicInformation::parse(bytes, Width::NATIVE);
    Ok(basic.map(|basic| basic.peb).filter(|&address| address != 0))
}

/// Adds a module. The program is in both lists of a process that has two, and the second has its
/// class.
fn add(modules: &mut Vec<Module>, module: Module) {
    match modules.iter_mut().find(|known| known.base == module.base) {
        Some(known) => known.class = module.class,
        None => modules.push(module),
    }
}

fn module(found: &LdrModule, width: Width) -> Module {
    let path: Vec<u16> = text::units(&found.path).collect();
    // The loader's paths have drive letters, but can have the prefix of the native name space.
    let path = DeviceNames::default().win32_path(&path);
    Module {
        base: found.base,
        size: found.size,
        entry_point: Some(found.entry_point).filter(|&address| address != 0),
        class: class(width),
        path: OsString::from_wide(&path).into(),
        deleted: false,
        soname: None,
        build_id: None,
    }
}

fn class(width: Width) -> ModuleClass {
    match width {
        Width::Bits32 => ModuleClass::Bits32,
        Width::Bits64 => ModuleClass::Bits64,
    }
}

/// Adds the images in the address space that are not in the lists. Images of another width than the
/// lists are left out: a 32-bit program is not told of the 64-bit part that runs it.
fn add_images(
    space: AddressSpace<'_>,
    blocks: &[(u64, Width)],
    modules: &mut Vec<Module>,
) -> Result<(), SourceError> {
    let known: HashSet<u64> = modules.iter().map(|module| module.base).collect();
    let mut names = MappedNames::new(space);
    for region in space.regions(0) {
        let region = region?;
        let is_start = region.base == region.allocation_base;
        if region.kind != Some(MemoryKind::Image) || !is_start || known.contains(&region.base) {
            continue;
        }
        let mut header = vec![0; image_headers::SIZE];
        let length = space.read(region.base, &mut header)?;
        let Some(headers) = ImageHeaders::parse(&header[..length]) else {
            continue;
        };
        if !blocks.iter().any(|&(_, width)| width == headers.width) {
            continue;
        }
        let Some(path) = names.path(region.base)? else {
            continue;
        };
        let entry_point = Some(headers.entry_point).filter(|&distance| distance != 0);
        modules.push(Module {
            base: region.base,
            size: headers.size.into(),
            entry_point: entry_point.map(|distance| region.base.wrapping_add(distance.into())),
            class: class(headers.width),
            path: path.into(),
            deleted: false,
            soname: None,
            build_id: None,
        });
    }
    Ok(())
}

/// Reads the requested fields of a module from its image.
fn add_fields(
    space: AddressSpace<'_>,
    module: &mut Module,
    fields: ModuleFields,
) -> Result<(), SourceError> {
    if fields.is_empty() {
        return Ok(());
    }
    let mut image = Image {
        base: module.base,
        memory: MemoryWindows::new(|address, into: &mut [u8]| space.read(address, into)),
    };
    let header = image.bytes(0, image_headers::SIZE as u32)?;
    let Some(headers) = header.and_then(ImageHeaders::parse) else {
        return Ok(());
    };
    if fields.contains(ModuleFields::SONAME) {
        module.soname = image.export_name(headers.exports)?;
    }
    if fields.contains(ModuleFields::BUILD_ID) {
        module.build_id = image.build_id(headers.debug)?.map(BuildId::new);
    }
    Ok(())
}

/// The image of a module in memory.
struct Image<M> {
    base: u64,
    memory: M,
}

impl<M: Memory> Image<M> {
    /// Returns the bytes at a distance from the base.
    fn bytes(&mut self, distance: u32, length: u32) -> Result<Option<&[u8]>, SourceError> {
        let address = self.base.wrapping_add(distance.into());
        self.memory.bytes(address, length as usize)
    }

    fn export_name(&mut self, exports: Directory) -> Result<Option<OsString>, SourceError> {
        if exports.size == 0 {
            return Ok(None);
        }
        let directory = self.bytes(exports.address, image_headers::EXPORT_DIRECTORY_SIZE as u32)?;
        let Some(name) = directory.and_then(image_headers::export_name) else {
            return Ok(None);
        };
        // The name ends with NUL, and is within the directory.
        let end = exports.address.saturating_add(exports.size);
        let mut text = Vec::new();
        for at in name..end {
            match self.bytes(at, 1)? {
                Some(&[byte]) if byte != 0 => text.push(byte),
                _ => break,
            }
        }
        let name = String::from_utf8_lossy(&text).into_owned();
        Ok(Some(name.into()).filter(|name: &OsString| !name.is_empty()))
    }

    fn build_id(&mut self, debug: Directory) -> Result<Option<Vec<u8>>, SourceError> {
        const ENTRY: u32 = image_headers::DEBUG_DIRECTORY_SIZE as u32;
        for index in 0..debug.size / ENTRY {
            let at = debug.address.saturating_add(index * ENTRY);
            let Some(entry) = self.bytes(at, ENTRY)? else {
                break;
            };
            if let Some(record) = image_headers::codeview(entry) {
                let length = record.size.min(image_headers::CODEVIEW_SIZE as u32);
                let record = self.bytes(record.address, length)?.unwrap_or_default();
                return Ok(image_headers::build_id(record));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use testing::{Program, programs};

    use super::*;
    use crate::process_id::ProcessId;
    use crate::sys::windows::process::open_process;
    use crate::sys::windows::system::{System, SystemOptions};

    #[test]
    fn reads_are_fewer_than_modules() {
        let subject = Program::compile(programs::WAITS, &[]).start();
        let system = Arc::new(System::new(SystemOptions::default()));
        let process = open_process(&system, ProcessId::new(subject.id().get())).unwrap();
        let space = AddressSpace::open_to_read(&process).unwrap();
        let mut reads = 0;
        let mut memory = MemoryWindows::new(|address, into: &mut [u8]| {
            reads += 1;
            space.read(address, into)
        });
        let blocks = environment_blocks(&process).unwrap();
        let loaded = loaded(&blocks, &mut memory).unwrap();
        drop(memory);
        assert!(loaded.is_complete);
        let modules = loaded.modules.len();
        assert!(
            modules > 2 && reads <= modules + 3,
            "{reads} reads, {modules} modules"
        );
    }

    /// The images of the address space replace a list that leads nowhere.
    #[test]
    fn images_complete_damaged_list() {
        let subject = Program::compile(programs::WAITS, &[]).start();
        let system = Arc::new(System::new(SystemOptions::default()));
        let process = open_process(&system, ProcessId::new(subject.id().get())).unwrap();
        let space = AddressSpace::open_to_read(&process).unwrap();
        let mut expected = list(&process, ModuleFields::empty()).unwrap().modules;
        expected.sort_by_key(|module| module.base);
        let blocks = environment_blocks(&process).unwrap();
        let mut images = Vec::new();
        add_images(space, &blocks, &mut images).unwrap();
        let describe = |module: &Module| {
            let name = module.name().to_ascii_lowercase();
            (
                module.base,
                module.size,
                module.entry_point,
                module.class,
                name,
            )
        };
        let images: Vec<_> = images.iter().map(describe).collect();
        for module in &expected {
            assert!(
                images.contains(&describe(module)),
                "{module:#?} in {images:#?}"
            );
        }
        // Parts of a damaged list are kept.
        let mut some = expected[..1].to_vec();
        add_images(space, &blocks, &mut some).unwrap();
        assert_eq!(some[0], expected[0]);
        assert_eq!(some.len(), images.len());
    }
}
