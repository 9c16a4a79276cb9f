//! `VirtualQuery` and `VirtualQueryEx`.

use std::cell::OnceCell;

use psapi::{Backing, Mapping, Module, ModuleFilter, Process};

use super::system_info::application_addresses;
use super::virtual_memory::{is_accessible, is_copied, is_private_file};
use crate::convert::{to_pointer, to_size};
use crate::linux::handle_table::Target;
use crate::linux::handles::{current, resolve};
use crate::linux::machine::page_size;
use crate::linux::state;
use crate::types::allocation::{
    MEM_COMMIT, MEM_FREE, MEM_IMAGE, MEM_MAPPED, MEM_PRIVATE, MEM_RESERVE,
};
use crate::types::protection::{
    PAGE_EXECUTE, PAGE_EXECUTE_READ, PAGE_EXECUTE_READWRITE, PAGE_EXECUTE_WRITECOPY, PAGE_NOACCESS,
    PAGE_READONLY, PAGE_READWRITE, PAGE_WRITECOPY,
};
use crate::types::rights::PROCESS_QUERY_INFORMATION;
use crate::types::{DWORD, HANDLE, LPCVOID, MEMORY_BASIC_INFORMATION, SIZE_T};
use crate::user_memory;
use crate::win32_error::{Result, Win32Error};

/// Implements `VirtualQuery`.
pub fn query(address: LPCVOID, to: *mut MEMORY_BASIC_INFORMATION, size: SIZE_T) -> Result<SIZE_T> {
    query_ex(current(), address, to, size)
}

/// Implements `VirtualQueryEx`. Describes the pages from the one at `address` to the last one that
/// is like it.
pub fn query_ex(
    process: HANDLE,
    address: LPCVOID,
    to: *mut MEMORY_BASIC_INFORMATION,
    size: SIZE_T,
) -> Result<SIZE_T> {
    let target = resolve(process, PROCESS_QUERY_INFORMATION)?;
    if size < size_of::<MEMORY_BASIC_INFORMATION>() {
        return Err(Win32Error::BAD_LENGTH);
    }
    let page = page_size();
    let address = address.addr() as u64 / page * page;
    // Walks of the address space end with this error.
    if address >= application_addresses().end as u64 {
        return Err(Win32Error::INVALID_PARAMETER);
    }
    let Region { end, attributes } = region(&target, address)?;
    let information = MEMORY_BASIC_INFORMATION {
        BaseAddress: to_pointer(address),
        AllocationBase: to_pointer(attributes.allocation),
        AllocationProtect: attributes.allocation_protection,
        #[cfg(target_pointer_width = "64")]
        PartitionId: 0,
        #[cfg(target_pointer_width = "64")]
        Reserved: 0,
        RegionSize: to_size(end - address),
        State: attributes.state,
        Protect: attributes.protection,
        Type: attributes.kind,
        #[cfg(target_pointer_width = "64")]
        Reserved2: 0,
    };
    user_memory::write(to, &information)?;
    Ok(size_of::<MEMORY_BASIC_INFORMATION>())
}

/// Pages that are alike, up to `end`.
#[derive(Debug)]
struct Region {
    end: u64,
    attributes: Attributes,
}

#[derive(Debug, PartialEq, Eq)]
struct Attributes {
    state: DWORD,
    protection: DWORD,
    kind: DWORD,
    allocation: u64,
    allocation_protection: DWORD,
}

/// Returns the region that starts at an address.
fn region(target: &Target, address: u64) -> Result<Region> {
    /// Most regions end with their mapping.
    const FIRST_MAPPINGS: usize = 2;
    const MORE_MAPPINGS: usize = 64;
    let space = AddressSpace::new(target);
    let mut next = space.mappings_from(address, FIRST_MAPPINGS)?.into_iter();
    let first = match next.next() {
        Some(first) if first.start <= address => first,
        next => {
            let end = application_addresses().end as u64;
            return Ok(Region {
                end: next.map_or(end, |next| next.start.min(end)),
                attributes: Attributes {
                    state: MEM_FREE,
                    protection: PAGE_NOACCESS,
                    kind: 0,
                    allocation: 0,
                    allocation_protection: 0,
                },
            });
        }
    };
    let mut region = space.region(&first, address)?;
    loop {
        let Some(mapping) = next.next() else {
            let more = space.mappings_from(region.end, MORE_MAPPINGS)?;
            if more.first().is_none_or(|first| first.start != region.end) {
                break;
            }
            next = more.into_iter();
            continue;
        };
        if mapping.start != region.end {
            break;
        }
        let following = space.region(&mapping, region.end)?;
        if following.attributes != region.attributes {
            break;
        }
        region.end = following.end;
    }
    Ok(region)
}

/// A process and its modules, which are read once a mapping might be part of one.
struct AddressSpace<'t> {
    process: &'t Process,
    is_own: bool,
    modules: OnceCell<Vec<Module>>,
}

impl<'t> AddressSpace<'t> {
    fn new(target: &'t Target) -> Self {
        let process = &target.process;
        AddressSpace {
            process,
            is_own: process.id().get() == std::process::id(),
            modules: OnceCell::new(),
        }
    }

    /// Returns at most `limit` mappings that end after an address.
    fn mappings_from(&self, address: u64, limit: usize) -> Result<Vec<Mapping>> {
        self.process
            .mappings_from(address, limit)
            .map_err(|error| Win32Error::from_memory_error(&error))
    }

    /// Returns the mapping that ends where another one starts.
    fn before(&self, mapping: &Mapping) -> Result<Option<Mapping>> {
        let Some(last) = mapping.start.checked_sub(1) else {
            return Ok(None);
        };
        let found = self.mappings_from(last, 1)?.into_iter().next();
        Ok(found.filter(|before| before.start <= last))
    }

    /// Returns the base address of the module that contains an address in a mapping.
    fn module_base(&self, mapping: &Mapping, address: u64) -> Result<Option<u64>> {
        // An image starts with a mapping of its file. Mappings without a file can follow at once.
        let has_file = mapping.file.is_some() || mapping.backing == Backing::Vdso;
        if !has_file && self.before(mapping)?.is_none() {
            return Ok(None);
        }
        if self.modules.get().is_none() {
            let modules = self.process.modules(ModuleFilter::All);
            let modules = modules.map_err(|error| Win32Error::from_memory_error(&error))?;
            let _ = self.modules.set(modules);
        }
        let contains =
            |module: &&Module| (module.base..module.base + module.size).contains(&address);
        let module = self.modules.get().into_iter().flatten().find(contains);
        Ok(module.map(|module| module.base))
    }

    /// Returns the region that starts at an address in a mapping. It can end before the mapping.
    fn region(&self, mapping: &Mapping, address: u64) -> Result<Region> {
        let reserved = match self.is_own {
            true => state::with_reservations(|reservations| reservations.at(address as usize)),
            false => None,
        };
        if let Some(reserved) = reserved {
            let protection = protection(mapping, true);
            return Ok(Region {
                end: mapping.end.min(reserved.end as u64),
                attributes: Attributes {
                    state: if reserved.committed {
                        MEM_COMMIT
                    } else {
                        MEM_RESERVE
                    },
                    protection: if reserved.committed { protection } else { 0 },
                    kind: MEM_PRIVATE,
                    allocation: reserved.base as u64,
                    allocation_protection: protection,
                },
            });
        }
        let module = self.module_base(mapping, address)?;
        let is_memory = !mapping.shared && mapping.file.is_none();
        let (kind, allocation, allocation_protection) = match module {
            // As on Windows, where all images are mapped with this protection.
            Some(base) => (MEM_IMAGE, base, PAGE_EXECUTE_WRITECOPY),
            None if is_memory => (MEM_PRIVATE, mapping.start, protection(mapping, false)),
            None => {
                let view = self.view(mapping)?;
                (MEM_MAPPED, view.start, protection(&view, false))
            }
        };
        // Memory without any access has no commit charge, unless it was written before.
        let is_reserved = is_memory && !is_accessible(mapping);
        let (copied, end) = match mapping.writable && is_private_file(mapping) {
            true => self.copied(address, mapping.end)?,
            false => (true, mapping.end),
        };
        let protection = protection(mapping, copied);
        Ok(Region {
            end,
            attributes: Attributes {
                state: if is_reserved { MEM_RESERVE } else { MEM_COMMIT },
                protection: if is_reserved { 0 } else { protection },
                kind,
                allocation,
                allocation_protection,
            },
        })
    }

    /// Returns the first of the adjacent mappings that continue the same file. A program can map a
    /// file with one call, and then change the protection of parts.
    fn view(&self, mapping: &Mapping) -> Result<Mapping> {
        let mut first = mapping.clone();
        // The start of a file continues nothing.
        while first.file.is_some() && first.offset > Some(0) {
            let Some(before) = self.before(&first)? else {
                break;
            };
            let end = before.offset.map(|offset| offset + before.size());
            if before.file != first.file || end != first.offset {
                break;
            }
            first = before;
        }
        Ok(first)
    }

    /// Returns true if the page at an address in a private file mapping has been written. Also
    /// returns the end of the pages to which this applies.
    fn copied(&self, address: u64, end: u64) -> Result<(bool, u64)> {
        const PAGES_PER_QUERY: usize = 512;
        let page = page_size();
        let mut first = None;
        let mut next = address;
        while next < end {
            let addresses = (next..end).step_by(page as usize).take(PAGES_PER_QUERY);
            let addresses: Vec<u64> = addresses.collect();
            let pages = self
                .process
                .query_pages(&addresses)
                .map_err(|error| Win32Error::from_memory_error(&error))?;
            for page in &pages {
                let copied = is_copied(page);
                if *first.get_or_insert(copied) != copied {
                    return Ok((!copied, page.address));
                }
            }
            next += addresses.len() as u64 * page;
        }
        Ok((first.unwrap_or(false), end))
    }
}

/// Returns the protection of pages in a mapping. `copied` is true if pages of a private file
/// mapping have been written.
fn protection(mapping: &Mapping, copied: bool) -> DWORD {
    let is_copy_on_write = is_private_file(mapping) && !copied;
    match (mapping.writable, mapping.executable) {
        (true, false) if is_copy_on_write => PAGE_WRITECOPY,
        (true, false) => PAGE_READWRITE,
        (true, true) if is_copy_on_write => PAGE_EXECUTE_WRITECOPY,
        (true, true) => PAGE_EXECUTE_READWRITE,
        (false, true) if mapping.readable => PAGE_EXECUTE_READ,
        (false, true) => PAGE_EXECUTE,
        (false, false) if mapping.readable => PAGE_READONLY,
        (false, false) => PAGE_NOACCESS,
    }
}

#[cfg(test)]
mod tests {
    use std::ptr::{null, null_mut};

    use super::*;
    use crate::linux::test_memory::unused_address;
    use crate::linux::win32::virtual_memory::{allocate, free};
    use crate::types::LPVOID;
    use crate::types::allocation::MEM_RELEASE;
    use crate::types::protection::PAGE_NOACCESS;

    const PAGE: usize = 4096;

    fn queried(address: *const std::ffi::c_void) -> MEMORY_BASIC_INFORMATION {
        let mut information = std::mem::MaybeUninit::<MEMORY_BASIC_INFORMATION>::zeroed();
        let size = size_of::<MEMORY_BASIC_INFORMATION>();
        assert_eq!(query(address, information.as_mut_ptr(), size), Ok(size));
        // SAFETY: the call succeeded and so wrote the structure.
        unsafe { information.assume_init() }
    }

    /// Returns the offset from `start`, the size, the state, the protection and the type.
    fn summary(start: LPVOID, at: usize) -> (usize, usize, DWORD, DWORD, DWORD) {
        let found = queried(start.wrapping_byte_add(at));
        let offset = found.BaseAddress.addr() - start.addr();
        (
            offset,
            found.RegionSize,
            found.State,
            found.Protect,
            found.Type,
        )
    }

    #[test]
    fn regions_follow_reservation() {
        let start = allocate(unused_address(), 16 * PAGE, MEM_RESERVE, PAGE_NOACCESS).unwrap();
        let commit = |at: usize, pages, protection| {
            let at = start.wrapping_byte_add(at * PAGE);
            allocate(at, pages * PAGE, MEM_COMMIT, protection).unwrap();
        };
        assert_eq!(
            summary(start, 5),
            (0, 16 * PAGE, MEM_RESERVE, 0, MEM_PRIVATE)
        );
        commit(4, 2, PAGE_READWRITE);
        commit(6, 1, PAGE_READONLY);
        commit(7, 1, PAGE_NOACCESS);
        let committed = |at: usize, pages: usize, protection| {
            (at * PAGE, pages * PAGE, MEM_COMMIT, protection, MEM_PRIVATE)
        };
        assert_eq!(
            summary(start, PAGE),
            (PAGE, 3 * PAGE, MEM_RESERVE, 0, MEM_PRIVATE)
        );
        assert_eq!(
            summary(start, 4 * PAGE + 7),
            committed(4, 2, PAGE_READWRITE)
        );
        assert_eq!(summary(start, 5 * PAGE), committed(5, 1, PAGE_READWRITE));
        assert_eq!(summary(start, 6 * PAGE), committed(6, 1, PAGE_READONLY));
        assert_eq!(summary(start, 7 * PAGE), committed(7, 1, PAGE_NOACCESS));
        let rest = (8 * PAGE, 8 * PAGE, MEM_RESERVE, 0, MEM_PRIVATE);
        assert_eq!(summary(start, 8 * PAGE), rest);
        let inner = queried(start.wrapping_byte_add(9 * PAGE));
        assert_eq!(inner.AllocationBase, start);
        free(start, 0, MEM_RELEASE).unwrap();
        let freed = queried(start);
        assert_eq!(
            (freed.State, freed.Protect, freed.Type),
            (MEM_FREE, PAGE_NOACCESS, 0)
        );
        assert!(freed.RegionSize >= 16 * PAGE && freed.AllocationBase.is_null());
    }

    /// Maps a file of four pages at an unused address.
    fn map_file(flags: i32, protection: i32) -> LPVOID {
        let file = tempfile::tempfile().unwrap();
        file.set_len(4 * PAGE as u64).unwrap();
        // SAFETY: `MAP_FIXED_NOREPLACE` replaces no existing mapping.
        let start = unsafe {
            let flags = flags | libc::MAP_FIXED_NOREPLACE;
            let file = std::os::fd::AsRawFd::as_raw_fd(&file);
            libc::mmap(unused_address(), 4 * PAGE, protection, flags, file, 0)
        };
        assert_ne!(start, libc::MAP_FAILED);
        start
    }

    fn unmap(start: LPVOID) {
        // SAFETY: `map_file` mapped this range, and nothing uses it any longer.
        unsafe { libc::munmap(start, 4 * PAGE) };
    }

    #[test]
    fn written_private_file_pages_are_copied() {
        let both = libc::PROT_READ | libc::PROT_WRITE;
        let start = map_file(libc::MAP_PRIVATE, both);
        let mapped = |at: usize, pages: usize, protection| {
            (at * PAGE, pages * PAGE, MEM_COMMIT, protection, MEM_MAPPED)
        };
        assert_eq!(summary(start, 0), mapped(0, 4, PAGE_WRITECOPY));
        // SAFETY: the page is mapped and writable, and no reference covers it.
        unsafe { start.byte_add(2 * PAGE).cast::<u8>().write(1) };
        assert_eq!(summary(start, 0), mapped(0, 2, PAGE_WRITECOPY));
        assert_eq!(summary(start, 2 * PAGE), mapped(2, 1, PAGE_READWRITE));
        assert_eq!(summary(start, 3 * PAGE), mapped(3, 1, PAGE_WRITECOPY));
        unmap(start);
        let start = map_file(libc::MAP_SHARED, both);
        // SAFETY: the pages are mapped, and nothing uses them.
        unsafe { libc::mprotect(start.byte_add(PAGE), PAGE, libc::PROT_READ) };
        assert_eq!(summary(start, 0), mapped(0, 1, PAGE_READWRITE));
        assert_eq!(summary(start, PAGE), mapped(1, 1, PAGE_READONLY));
        let last = queried(start.wrapping_byte_add(3 * PAGE));
        assert_eq!(
            (last.AllocationBase, last.AllocationProtect),
            (start, PAGE_READWRITE)
        );
        unmap(start);
    }

    #[test]
    fn code_is_in_an_image() {
        let code = code_is_in_an_image as fn() as *const std::ffi::c_void;
        let found = queried(code);
        assert_eq!((found.State, found.Type), (MEM_COMMIT, MEM_IMAGE));
        assert_eq!(found.Protect, PAGE_EXECUTE_READ);
        assert_eq!(found.AllocationProtect, PAGE_EXECUTE_WRITECOPY);
        let base = crate::linux::win32::module::handle::<crate::types::CHAR>(null()).unwrap();
        assert_eq!(found.AllocationBase, base);
    }

    /// A walk visits all addresses once, and ends with an error.
    #[test]
    fn walk_covers_all_addresses() {
        let mut address = 0;
        let mut information = queried(null());
        let size = size_of::<MEMORY_BASIC_INFORMATION>();
        while query(
            std::ptr::without_provenance(address),
            &mut information,
            size,
        ) == Ok(size)
        {
            assert_eq!(information.BaseAddress.addr(), address);
            assert!(information.RegionSize > 0);
            address += information.RegionSize;
        }
        assert_eq!(address, application_addresses().end);
        let beyond = query(
            std::ptr::without_provenance(address),
            &mut information,
            size,
        );
        assert_eq!(beyond, Err(Win32Error::INVALID_PARAMETER));
    }

    #[test]
    fn rejects_bad_arguments() {
        let size = size_of::<MEMORY_BASIC_INFORMATION>();
        assert_eq!(
            query(null(), null_mut(), size - 1),
            Err(Win32Error::BAD_LENGTH)
        );
        assert_eq!(query(null(), null_mut(), size), Err(Win32Error::NOACCESS));
        let limited = crate::types::rights::PROCESS_QUERY_LIMITED_INFORMATION;
        let process = crate::linux::handles::open(limited, 0, std::process::id()).unwrap();
        let result = query_ex(process, null(), null_mut(), size);
        assert_eq!(result, Err(Win32Error::ACCESS_DENIED));
        crate::linux::handles::close(process).unwrap();
        let result = query_ex(process, null(), null_mut(), size);
        assert_eq!(result, Err(Win32Error::INVALID_HANDLE));
    }
}
