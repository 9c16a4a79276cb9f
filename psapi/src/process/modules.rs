//! The modules of a process.

use crate::error::Result;
use crate::module::{Module, ModuleFields, ModuleFilter};
use crate::process::Process;
use crate::sys;

/// The operation in error messages.
const MODULES: &str = "modules";

impl Process {
    /// Lists the modules of the process.
    ///
    /// The executable is first. Images loaded by the dynamic linker follow in the linker's order,
    /// and then images mapped without the linker, by address. The fields in [`ModuleFields`] are
    /// `None`; [`modules_with`](Self::modules_with) reads them.
    ///
    /// A file without any executable mapping is not a module. A file that is mapped as two images
    /// is two modules. If the linker's list is corrupt or not readable, all modules except the
    /// executable are sorted by address. During `execve`, the result contains only the modules that
    /// are mapped so far, which can be none.
    ///
    /// A program can move its image to memory without a file, for example to use huge pages. It is
    /// still the first module, with the path of [`image_file`](Self::image_file). If its ELF header
    /// is gone as well, its range is the mapping that holds its program headers. A program whose
    /// headers are no longer mapped at all is not a module, and the result then starts with another
    /// one. [`executable`](Self::executable) never returns another one.
    ///
    /// Source on Windows: the loader's list in the process's memory, `PEB.Ldr`, in load order. A
    /// 32-bit process on a 64-bit system has a second list; modules of the first one come first. If
    /// a list is damaged or does not exist yet, the images of the address space complete it, by
    /// address. Cost: a few reads of 64 KiB; in the worst case, two for each module. Privileges:
    /// the rights `PROCESS_QUERY_INFORMATION` and `PROCESS_VM_READ`, which `SeDebugPrivilege` gives
    /// for every process that is not protected. A 32-bit program cannot list the modules of a
    /// 64-bit process: the error is Windows' `ERROR_PARTIAL_COPY`. The rest of this text is about
    /// Linux.
    ///
    /// Source on Linux: the mappings (`PROCMAP_QUERY`, or `maps` on kernels before 6.11), `auxv`,
    /// and the images' headers and the linker's list in the process's memory. Cost: one or two
    /// microseconds per module. Pages that are read become part of the process's working set.
    ///
    /// Privileges: the process's own user or `CAP_SYS_PTRACE`. `CAP_SYS_PTRACE` alone does not give
    /// access to `auxv` and `mem`, which only the process's own user can open. `stat` and the
    /// mappings then locate the executable and the vDSO, and `process_vm_readv` reads the memory.
    /// If the proc file system belongs to another pid namespace, `CAP_DAC_READ_SEARCH` is also
    /// required.
    ///
    /// The mappings can be readable although the memory is not. This happens with
    /// `kernel.yama.ptrace_scope` = 1. It also happens for another user's process with only
    /// `CAP_PERFMON`, which suffices for the mappings on newer kernels. Headers are then read from
    /// the files. For files that are not accessible either, sizes are those of the mappings, and
    /// entry point and soname are unknown. With only `CAP_PERFMON`, the executable is not
    /// distinguished from other modules.
    ///
    /// Reading memory or a file makes the kernel read pages that are not in RAM. If they are in a
    /// file on a network file system that hangs, this call blocks as well.
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
    /// - [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the privilege.
    /// - [`ErrorKind::NoAddressSpace`](crate::ErrorKind::NoAddressSpace) for a kernel thread.
    /// - [`ErrorKind::Ended`](crate::ErrorKind::Ended) after the process has ended.
    #[doc(alias = "EnumProcessModules")]
    #[doc(alias = "EnumProcessModulesEx")]
    #[doc(alias = "GetModuleFileNameEx")]
    pub fn modules(&self, filter: ModuleFilter) -> Result<Vec<Module>> {
        self.modules_with(filter, ModuleFields::empty())
    }

    /// Lists the modules like [`modules`](Self::modules), including optional fields.
    ///
    /// # Errors
    ///
    /// The same as for [`modules`](Self::modules).
    pub fn modules_with(&self, filter: ModuleFilter, fields: ModuleFields) -> Result<Vec<Module>> {
        let mut modules =
            sys::modules(self.inner(), fields).map_err(|source| self.error(MODULES, source))?;
        modules.retain(|module| filter.admits(module.class));
        Ok(modules)
    }

    /// Returns the module with a base address.
    ///
    /// Source and privileges: those of [`modules`](Self::modules). Cost: a few system calls,
    /// regardless of the number of modules. If no module starts at the address, the call costs as
    /// much as listing all modules.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidParameter`](crate::ErrorKind::InvalidParameter) if no module starts at
    /// the address. Otherwise the same as for [`modules`](Self::modules).
    #[doc(alias = "GetModuleInformation")]
    pub fn module(&self, base: u64) -> Result<Module> {
        sys::module_at(self.inner(), base).map_err(|source| self.error(MODULES, source))
    }

    /// Returns the module of the program that the process executes.
    ///
    /// If it exists, it is the first of [`modules`](Self::modules).
    ///
    /// Source and privileges: those of [`modules`](Self::modules). Cost: a few system calls.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidParameter`](crate::ErrorKind::InvalidParameter) if the program is not
    /// mapped yet or no longer mapped. [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied)
    /// if the caller may list the mappings, but not read which of them is the program. Otherwise
    /// the same as for [`modules`](Self::modules).
    pub fn executable(&self) -> Result<Module> {
        sys::executable(self.inner()).map_err(|source| self.error(MODULES, source))
    }
}
