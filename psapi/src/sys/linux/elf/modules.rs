//! Lists the modules of a process, and finds single ones.
//!
//! [`search`](super::search) finds the ELF images of an address space. This file repeats the search
//! if the process calls `execve` meanwhile.

use rustix::io::Errno;

use crate::error::{ErrorCause, SourceError};
use crate::module::{Module, ModuleFields};
use crate::sys::linux::address_space::AddressSpace;
use crate::sys::linux::dir::Dir;
use crate::sys::linux::elf::image::{Image, Rank};
use crate::sys::linux::elf::search::{ImageOptions, Search};
use crate::sys::linux::proc::auxv;
use crate::sys::linux::process::Process;

/// Lists the modules of a process.
pub(crate) fn modules(process: &Process, fields: ModuleFields) -> Result<Vec<Module>, SourceError> {
    Ok(images(process, fields)?
        .into_iter()
        .map(Module::from)
        .collect())
}

/// Returns the module with a base address.
pub(crate) fn module_at(process: &Process, base: u64) -> Result<Module, SourceError> {
    if let Some(image) = find_image(process, ImageQuery::At(base))? {
        return Ok(image.into());
    }
    images(process, ModuleFields::empty())?
        .into_iter()
        .find(|image| image.base == base)
        .map(Module::from)
        .ok_or_else(|| not_found(process, "no module starts at this address"))
}

/// Returns the module of the program that a process executes. No other module takes its place.
pub(crate) fn executable(process: &Process) -> Result<Module, SourceError> {
    if let Some(image) = find_image(process, ImageQuery::Executable)? {
        return Ok(image.into());
    }
    // During `execve`, only the repeated search sees the new program.
    images(process, ModuleFields::empty())?
        .into_iter()
        .find(|image| image.rank == Rank::Executable)
        .map(Module::from)
        .ok_or_else(|| match auxv::read(process.directory(), &mut Vec::new()) {
            Err(error) if error.is(Errno::ACCESS) => error,
            _ => not_found(process, "no part of the program is mapped"),
        })
}

fn images(process: &Process, fields: ModuleFields) -> Result<Vec<Image>, SourceError> {
    process.retry(|directory| list(directory, options(process, directory, fields)))
}

fn find_image(process: &Process, query: ImageQuery) -> Result<Option<Image>, SourceError> {
    process.retry(|directory| {
        let options = options(process, directory, ModuleFields::empty());
        find(directory, options, query)
    })
}

fn options<'p>(process: &'p Process, directory: &Dir, fields: ModuleFields) -> ImageOptions<'p> {
    // `process_vm_readv` with the process's id accesses the group leader, so it cannot replace the
    // directory of another thread. Without it, the memory is read from files.
    let is_own = std::ptr::eq(directory, process.directory());
    let id = process.id_for_system_calls().ok().flatten();
    ImageOptions {
        system: process.system(),
        direct: id.filter(|_| is_own),
        build_id: fields.contains(ModuleFields::BUILD_ID),
        soname: fields.contains(ModuleFields::SONAME),
    }
}

fn not_found(process: &Process, reason: &'static str) -> SourceError {
    let maps = process.directory().path().join("maps");
    SourceError::new(maps, ErrorCause::Invalid(reason))
}

/// Lists the images of a pinned process.
fn list(process: &Dir, options: ImageOptions<'_>) -> Result<Vec<Image>, SourceError> {
    let attempt = || {
        let space = AddressSpace::open(process, options.system.may_query_maps())?;
        let search = Search::new(process, &space, options)?;
        let is_complete = search.is_complete();
        let images = search.run()?;
        space.check_unchanged()?;
        Ok((images, is_complete))
    };
    match attempt() {
        Ok((images, true)) => Ok(images),
        // The process ended or is in the middle of `execve`. A second attempt distinguishes these.
        Ok((_, false)) => attempt().map(|(images, _)| images),
        Err(error) if error.is(Errno::SRCH) => attempt().map(|(images, _)| images),
        Err(error) => Err(error),
    }
}

/// Selects a single image.
#[derive(Debug, Clone, Copy)]
enum ImageQuery {
    Executable,
    /// The image with this base address.
    At(u64),
}

/// Finds one image without listing the others.
///
/// If the result is `None`, the image might still exist: only [`list`] finds images with unusual
/// headers.
fn find(
    process: &Dir,
    options: ImageOptions<'_>,
    query: ImageQuery,
) -> Result<Option<Image>, SourceError> {
    let space = AddressSpace::open(process, options.system.may_query_maps())?;
    let search = Search::new(process, &space, options)?;
    let image = match query {
        ImageQuery::Executable => search.executable()?,
        ImageQuery::At(base) => search.at(base)?,
    };
    space.check_unchanged()?;
    Ok(image)
}
