//! Modules: the ELF or PE images that are mapped into a process.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

use crate::mapping::{Backing, Mapping};

/// A selection of modules by class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ModuleFilter {
    /// All modules.
    #[default]
    #[doc(alias = "LIST_MODULES_ALL")]
    #[doc(alias = "LIST_MODULES_DEFAULT")]
    All,
    /// Modules of class [`Bits32`](ModuleClass::Bits32).
    #[doc(alias = "LIST_MODULES_32BIT")]
    Only32Bit,
    /// Modules of class [`Bits64`](ModuleClass::Bits64).
    #[doc(alias = "LIST_MODULES_64BIT")]
    Only64Bit,
}

impl ModuleFilter {
    /// Returns true if the filter selects modules of this class.
    pub(crate) fn admits(self, class: ModuleClass) -> bool {
        match self {
            ModuleFilter::All => true,
            ModuleFilter::Only32Bit => class == ModuleClass::Bits32,
            ModuleFilter::Only64Bit => class == ModuleClass::Bits64,
        }
    }
}

/// The class of a module's image, which is the size of its addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum ModuleClass {
    /// `ELFCLASS32`; on Windows, a module in the list of a 32-bit loader.
    Bits32,
    /// `ELFCLASS64`; on Windows, a module in the list of a 64-bit loader.
    Bits64,
}

bitflags::bitflags! {
    /// Optional fields of [`Module`], which are read only on request.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct ModuleFields: u8 {
        /// [`Module::soname`]. Takes two more reads of the process's memory per module, which
        /// doubles the cost.
        const SONAME = 1;
        /// [`Module::build_id`]. Reads slightly more of each image's first page, and sometimes
        /// takes one more read.
        const BUILD_ID = 1 << 1;
    }
}

/// The unique id that the linker stored in an image: the descriptor of its `NT_GNU_BUILD_ID` note.
/// On Windows, the GUID and the age in the image's CodeView record, as symbol servers print them.
///
/// `Display` prints it in hexadecimal, like `readelf -n` and debuggers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BuildId(Box<[u8]>);

impl BuildId {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        BuildId(bytes.into())
    }

    /// Returns the bytes, usually 20.
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

/// An image that is mapped into a process: the executable, a shared library, or the vDSO.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[doc(alias = "MODULEINFO")]
#[doc(alias = "HMODULE")]
#[non_exhaustive]
pub struct Module {
    /// The address of the first mapping (`lpBaseOfDll`).
    pub base: u64,
    /// The size of the occupied address range in bytes (`SizeOfImage`): from the first to the last
    /// `PT_LOAD` segment, in whole pages. If neither memory nor file is readable, the range spanned
    /// by the mappings of the file. On Windows, `SizeOfImage` in the loader's list.
    pub size: u64,
    /// The address of the entry point in memory (`EntryPoint`), from `e_entry` in the ELF header.
    /// `None` without an entry point, as in most libraries, or if the header is not readable. On
    /// Windows, `EntryPoint` in the loader's list.
    pub entry_point: Option<u64>,
    /// The size of the addresses.
    pub class: ModuleClass,
    /// The path of the file in the process's mount namespace; `[vdso]` for the image that the
    /// kernel provides. On Windows, the path with which the module was loaded.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::text"))]
    pub path: PathBuf,
    /// Whether the file was deleted or replaced after it was mapped; false on Windows, where a
    /// mapped image cannot be deleted.
    pub deleted: bool,
    /// The library's own name (`DT_SONAME`; on Windows, the name in the export directory). `None`
    /// without one, or if [`ModuleFields::SONAME`] was not requested.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_text")
    )]
    pub soname: Option<OsString>,
    /// The build id. `None` without one, or if [`ModuleFields::BUILD_ID`] was not requested.
    pub build_id: Option<BuildId>,
}

impl Module {
    /// Returns the file name without the directory.
    #[doc(alias = "GetModuleBaseName")]
    pub fn name(&self) -> &OsStr {
        self.path.file_name().unwrap_or(self.path.as_os_str())
    }

    /// Returns true if the address is in the range that the module occupies.
    pub fn contains(&self, address: u64) -> bool {
        address >= self.base && address - self.base < self.size
    }

    /// Returns true if a mapping is in the module's range and belongs to the module. Such a mapping
    /// either maps the module's file, or has no file and holds zero-initialized variables.
    pub(crate) fn owns(&self, mapping: &Mapping) -> bool {
        let is_backed = match &mapping.backing {
            Backing::File { path, .. } => *path == self.path,
            Backing::Vdso => self.path.as_os_str() == "[vdso]",
            Backing::Anonymous { .. } | Backing::Heap => true,
            _ => false,
        };
        is_backed && self.contains(mapping.start)
    }
}
