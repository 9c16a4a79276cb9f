use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use crate::error::{Cause, Error, Refusal, Result};
use crate::linux::file::Directory;
use crate::linux::images::{self, Image, One};
use crate::process::Process;

/// Which modules to list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ModuleFilter {
    /// All of them.
    #[default]
    #[doc(alias = "LIST_MODULES_ALL")]
    #[doc(alias = "LIST_MODULES_DEFAULT")]
    All,
    /// Those of class [`Bits32`](ModuleClass::Bits32).
    #[doc(alias = "LIST_MODULES_32BIT")]
    Only32Bit,
    /// Those of class [`Bits64`](ModuleClass::Bits64).
    #[doc(alias = "LIST_MODULES_64BIT")]
    Only64Bit,
}

impl ModuleFilter {
    fn admits(self, class: ModuleClass) -> bool {
        match self {
            ModuleFilter::All => true,
            ModuleFilter::Only32Bit => class == ModuleClass::Bits32,
            ModuleFilter::Only64Bit => class == ModuleClass::Bits64,
        }
    }
}

/// The size of a module's addresses: its ELF class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum ModuleClass {
    /// `ELFCLASS32`.
    Bits32,
    /// `ELFCLASS64`.
    Bits64,
}

bitflags::bitflags! {
    /// What to read of each module beyond what every answer has.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct ModuleFields: u8 {
        /// [`Module::soname`]: two more reads of the process's memory, which double the cost of a
        /// module.
        const SONAME = 1;
        /// [`Module::build_id`]: a little more of each image's first page, and now and then one
        /// more read.
        const BUILD_ID = 1 << 1;
    }
}

/// The identity that the linker gave an image when it was built: the descriptor of its
/// `NT_GNU_BUILD_ID` note. Displays as `readelf -n` and debuggers write it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BuildId(Box<[u8]>);

impl BuildId {
    /// The bytes: 20 as a rule.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BuildId({self})")
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for BuildId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An ELF image that is mapped into a process: its executable, a shared library, the vDSO.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[doc(alias = "MODULEINFO")]
#[doc(alias = "HMODULE")]
#[non_exhaustive]
pub struct Module {
    /// The address of its first mapping (`lpBaseOfDll`).
    pub base: u64,
    /// The size of the address range that it occupies, in bytes (`SizeOfImage`): its first to its
    /// last `PT_LOAD` segment, in whole pages. Where neither its memory nor its file may be read:
    /// the range that its file's mappings span.
    pub size: u64,
    /// The address of its entry point (`EntryPoint`): `e_entry` of its ELF header, where it is in
    /// memory. `None` if it has none, as most libraries have, or if its header may not be read.
    pub entry_point: Option<u64>,
    /// The size of its addresses.
    pub class: ModuleClass,
    /// Its file, in the process's mount namespace; `[vdso]` for the image that the kernel
    /// provides.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::text"))]
    pub path: PathBuf,
    /// Whether the file has been deleted, or replaced, since it was mapped.
    pub deleted: bool,
    /// The name that the library calls itself by (`DT_SONAME`), with [`ModuleFields::SONAME`].
    /// `None` also if it has none.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_text")
    )]
    pub soname: Option<OsString>,
    /// Its build id, with [`ModuleFields::BUILD_ID`]. `None` also if it has none.
    pub build_id: Option<BuildId>,
}

impl Module {
    /// The base name of its file.
    #[doc(alias = "GetModuleBaseName")]
    pub fn name(&self) -> &OsStr {
        self.path.file_name().unwrap_or(self.path.as_os_str())
    }

    /// Whether an address is in the range that the module occupies.
    pub fn contains(&self, address: u64) -> bool {
        address >= self.base && address - self.base < self.size
    }
}

impl From<Image> for Module {
    fn from(image: Image) -> Self {
        Module {
            base: image.base,
            size: image.size,
            entry_point: image.entry,
            class: match image.is_64_bit {
                true => ModuleClass::Bits64,
                false => ModuleClass::Bits32,
            },
            path: OsString::from_vec(image.path).into(),
            deleted: image.deleted,
            soname: image.soname.map(OsString::from_vec),
            build_id: image.build_id.map(|id| BuildId(id.into())),
        }
    }
}

impl Process {
    /// The modules of the process: the executable first, then what the dynamic linker loaded, in
    /// its order, then images that were mapped without it, by address. What
    /// [`ModuleFields`] offers is left out; [`modules_with`](Self::modules_with) reads it.
    ///
    /// A file that is mapped but can't be executed there is no module. The same file mapped as
    /// two images is two modules. Where the linker's list is corrupt, or may not be read, all but
    /// the executable go by address. A process that is just executing another program has only
    /// what has been mapped so far, which may be nothing.
    ///
    /// Source: the mappings (`PROCMAP_QUERY`, on kernels before 6.11 `maps`), `auxv`, and the
    /// images' headers and the linker's list in the process's memory. Cost: one or two
    /// microseconds a module; the process's pages that are read become part of its working set if
    /// they were not. Privileges: those of the process's own user or `CAP_SYS_PTRACE`. That alone
    /// opens neither `auxv` nor `mem`, which are their user's: `stat` and the mappings tell where
    /// the executable and the vDSO are, and `process_vm_readv` reads the memory, which in the proc
    /// file system of another pid namespace takes `CAP_DAC_READ_SEARCH`, too.
    ///
    /// Where the mappings may be read but the memory may not (a `kernel.yama.ptrace_scope` of 1, or
    /// another user's process with `CAP_PERFMON` alone, which newer kernels show the mappings to),
    /// headers come from the files. Of what can't be reached there either, sizes are those of the
    /// mappings, and entry point and soname are not known; with `CAP_PERFMON` the executable is not
    /// told from the rest, either. To read memory or a file the kernel fetches pages that are not
    /// in RAM: where they are of a file on a network file system that hangs, it waits, and so does
    /// the caller.
    ///
    /// ```
    /// let me = psapi::System::new().current_process()?;
    /// for module in me.modules(psapi::ModuleFilter::All)? {
    ///     println!("{:#x} {} {}", module.base, module.size, module.path.display());
    /// }
    /// # Ok::<(), psapi::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the privilege;
    /// [`ErrorKind::NoAddressSpace`](crate::ErrorKind::NoAddressSpace) for a kernel thread;
    /// [`ErrorKind::Ended`](crate::ErrorKind::Ended) once the process has ended.
    #[doc(alias = "EnumProcessModules")]
    #[doc(alias = "EnumProcessModulesEx")]
    #[doc(alias = "GetModuleFileNameEx")]
    pub fn modules(&self, filter: ModuleFilter) -> Result<Vec<Module>> {
        self.modules_with(filter, ModuleFields::empty())
    }

    /// As [`modules`](Self::modules), with what is read only on request.
    ///
    /// # Errors
    ///
    /// Those of [`modules`](Self::modules).
    pub fn modules_with(&self, filter: ModuleFilter, fields: ModuleFields) -> Result<Vec<Module>> {
        let images = self.ask(MODULES, |directory| {
            images::read(directory, self.manner(directory, fields))
        })?;
        Ok(images
            .into_iter()
            .map(Module::from)
            .filter(|module| filter.admits(module.class))
            .collect())
    }

    /// The module that starts at an address.
    ///
    /// Source and privileges: those of [`modules`](Self::modules). Cost: a few system calls, however
    /// many modules there are; those of all where none starts there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidParameter`](crate::ErrorKind::InvalidParameter) where no module starts
    /// there; else those of [`modules`](Self::modules).
    #[doc(alias = "GetModuleInformation")]
    pub fn module(&self, base: u64) -> Result<Module> {
        if let Some(module) = self.one_module(One::At(base))? {
            return Ok(module);
        }
        let modules = self.modules(ModuleFilter::All)?;
        modules
            .into_iter()
            .find(|module| module.base == base)
            .ok_or_else(|| self.no_module("no module starts at this address"))
    }

    /// The module of the program that the process runs: the first of [`modules`](Self::modules).
    ///
    /// Source and privileges: those of [`modules`](Self::modules). Cost: a few system calls.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidParameter`](crate::ErrorKind::InvalidParameter) where nothing of it is
    /// mapped yet, or any more; else those of [`modules`](Self::modules).
    pub fn executable(&self) -> Result<Module> {
        if let Some(module) = self.one_module(One::Executable)? {
            return Ok(module);
        }
        let modules = self.modules(ModuleFilter::All)?;
        modules
            .into_iter()
            .next()
            .ok_or_else(|| self.no_module("nothing of its program is mapped"))
    }

    fn one_module(&self, which: One) -> Result<Option<Module>> {
        let image = self.ask(MODULES, |directory| {
            images::read_one(
                directory,
                self.manner(directory, ModuleFields::empty()),
                which,
            )
        })?;
        Ok(image.map(Module::from))
    }

    fn manner(&self, directory: &Directory, fields: ModuleFields) -> images::Manner {
        // A system call that knows the process by its id asks its first thread.
        let is_own = std::ptr::eq(directory, self.directory());
        images::Manner {
            use_query: self.may_query_maps(),
            direct: self.id_for_system_calls().filter(|_| is_own),
            build_id: fields.contains(ModuleFields::BUILD_ID),
            soname: fields.contains(ModuleFields::SONAME),
        }
    }

    fn no_module(&self, why: &'static str) -> Error {
        Refusal::new(self.directory().path().join("maps"), Cause::Invalid(why))
            .of(MODULES, self.id())
    }
}

/// What is asked for here.
const MODULES: &str = "modules";
