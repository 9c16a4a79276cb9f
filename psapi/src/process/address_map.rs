//! Reads an [`AddressMap`] from a process.

use crate::address_map::{AddressMap, KnownModule};
use crate::error::Result;
use crate::module::{ModuleFields, ModuleFilter};
use crate::process::Process;
#[cfg(feature = "symbols")]
use crate::{mapping::Mapping, module::Module, sys};

impl Process {
    /// Returns a snapshot of the process's address space for resolving many addresses.
    ///
    /// Source, cost and privileges: those of [`mappings`](Self::mappings) and
    /// [`modules_with`](Self::modules_with), including build ids. Mappings and modules are read one
    /// after the other, so a library that is loaded in between can be missing from one of them.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the privilege.
    /// - [`ErrorKind::NoAddressSpace`](crate::ErrorKind::NoAddressSpace) for a kernel thread.
    /// - [`ErrorKind::Ended`](crate::ErrorKind::Ended) after the process has ended.
    pub fn address_map(&self) -> Result<AddressMap> {
        self.read_address_map(true)
    }

    /// Returns a snapshot of the process's address space without the modules.
    ///
    /// A [refresh](AddressMap::refresh) does not add them.
    ///
    /// No mapped file is opened or read, so this call returns even if the file system of a module
    /// does not respond. It can wait only for a mapped file that was deleted, or that has a
    /// backslash in its name.
    ///
    /// Source, cost and privileges: those of [`mappings`](Self::mappings).
    ///
    /// # Errors
    ///
    /// The errors of [`address_map`](Self::address_map).
    pub fn address_map_without_modules(&self) -> Result<AddressMap> {
        self.read_address_map(false)
    }

    fn read_address_map(&self, with_modules: bool) -> Result<AddressMap> {
        let mut map = AddressMap::empty(self.id(), with_modules);
        map.refresh(self)?;
        Ok(map)
    }
}

impl AddressMap {
    /// Reads the address space again and returns true if it has changed.
    ///
    /// Source, cost and privileges: those of [`Process::mappings`] and, if these have changed, of
    /// [`Process::modules_with`].
    ///
    /// # Errors
    ///
    /// The same as for [`Process::address_map`]. The map then stays as it was.
    pub fn refresh(&mut self, process: &Process) -> Result<bool> {
        let mappings = process.mappings()?;
        if self.is_current(&mappings) {
            return Ok(false);
        }
        if !self.with_modules {
            self.merge(mappings, Vec::new());
            return Ok(true);
        }
        let modules = process.modules_with(ModuleFilter::All, ModuleFields::BUILD_ID)?;
        let modules = modules.into_iter().map(|module| KnownModule {
            #[cfg(feature = "symbols")]
            version: file_version(process, &module, &mappings),
            module,
        });
        let modules = modules.collect();
        #[cfg(feature = "symbols")]
        self.open_generated_functions(&mappings, || sys::generated_functions(process.inner()));
        self.merge(mappings, modules);
        Ok(true)
    }
}

/// Returns the version of a module's file, which identifies the file if it has no build id.
#[cfg(feature = "symbols")]
fn file_version(
    process: &Process,
    module: &Module,
    mappings: &[Mapping],
) -> Option<sys::FileVersion> {
    if module.build_id.is_some() {
        return None;
    }
    let first = mappings.partition_point(|mapping| mapping.end <= module.base);
    let mapping = mappings.get(first)?;
    sys::file_version(process.inner(), &module.path, mapping)
}
