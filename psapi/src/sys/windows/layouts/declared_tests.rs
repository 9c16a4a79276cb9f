//! Holds parsers against declarations of others, in the width of the test: `phnt`, which is made
//! from public headers, and `windows-sys`.
//!
//! A test stores values by the names of fields, and the parser must find them.

use std::mem::ManuallyDrop;
use std::ptr::without_provenance_mut as pointer;

use phnt::ffi::{
    LDR_DATA_TABLE_ENTRY, MEMORY_WORKING_SET_BLOCK, MEMORY_WORKING_SET_EX_INFORMATION,
    MEMORY_WORKING_SET_INFORMATION, PEB, PEB_LDR_DATA, PROCESS_WS_WATCH_INFORMATION_EX, ULONG_PTR,
};
use windows_sys::Win32::Foundation::UNICODE_STRING;
use windows_sys::Win32::Security::QUOTA_LIMITS;
use windows_sys::Win32::System::Memory::{MEM_COMMIT, MEM_IMAGE, MEMORY_BASIC_INFORMATION};
use windows_sys::Win32::System::ProcessStatus::PSAPI_WORKING_SET_EX_INFORMATION;

use super::ldr::tests::CannedMemory;
use super::memory_basic_information::{self, MemoryBasicInformation, MemoryKind, MemoryState};
use super::peb::{self, Peb};
use super::process_ws_watch_information::{self as ws_watch, WatchedFault};
use super::reader::Width;
use super::{ldr, memory_working_set_ex_information as ex, memory_working_set_information as list};
use super::{page_protection::PageProtection, quota_limits};
use crate::page::{PageAttributes, ShareCount};
use crate::sys::windows::memory_windows::MemoryWindows;
use crate::working_set::options::ShareScope;

const WIDTH: Width = Width::NATIVE;

/// Returns a structure of zeros.
fn zeroed<T>() -> T {
    // SAFETY: the tests use this for C structures of numbers and pointers, for which zero is valid.
    unsafe { std::mem::zeroed() }
}

/// Returns the bytes of a structure without those of its padding, which are zero.
fn bytes<T>(structure: &T) -> &[u8] {
    // SAFETY: the structure began as zeros, and storing fields leaves padding initialized.
    unsafe { std::slice::from_raw_parts((&raw const *structure).cast(), size_of::<T>()) }
}

#[test]
fn memory_basic_information_is_as_declared() {
    let mut declared: MEMORY_BASIC_INFORMATION = zeroed();
    declared.BaseAddress = pointer(0x12_3000);
    declared.AllocationBase = pointer(0x12_0000);
    declared.AllocationProtect = 0x80;
    declared.RegionSize = 0x7000;
    declared.State = MEM_COMMIT;
    declared.Protect = 0x20;
    declared.Type = MEM_IMAGE;
    let expected = MemoryBasicInformation {
        base: 0x12_3000,
        size: 0x7000,
        allocation_base: 0x12_0000,
        allocation_protection: PageProtection::from(0x80),
        state: MemoryState::Committed,
        protection: PageProtection::from(0x20),
        kind: Some(MemoryKind::Image),
    };
    let found = MemoryBasicInformation::parse(bytes(&declared), WIDTH);
    assert_eq!(found, Some(expected));
    assert!(size_of_val(&declared) <= memory_basic_information::SIZE);
}

#[test]
fn working_set_list_is_as_declared() {
    let mut declared: MEMORY_WORKING_SET_INFORMATION = zeroed();
    declared.NumberOfEntries = 1;
    let block: &mut MEMORY_WORKING_SET_BLOCK = &mut declared.WorkingSetInfo[0];
    block.set_Protection(0x1F);
    block.set_ShareCount(7);
    block.set_Shared(1);
    block.set_Node(7);
    block.set_VirtualPage(0x7_1234);
    let addresses: Vec<u64> = list::addresses(bytes(&declared), WIDTH).collect();
    assert_eq!(addresses, [0x7123_4000]);
}

#[test]
fn page_attributes_are_as_declared() {
    let mut declared: MEMORY_WORKING_SET_EX_INFORMATION = zeroed();
    let size = ex::entry_size(WIDTH);
    assert_eq!(size_of::<PSAPI_WORKING_SET_EX_INFORMATION>(), size);
    let mut page = |change: fn(&mut Bits, ULONG_PTR), value| {
        // SAFETY: all variants of the union are bits of one number.
        let bits = unsafe { &mut declared.VirtualAttributes.__bindgen_anon_1.__bindgen_anon_1 };
        change(bits, value);
        // `phnt` declares upper bits for 32-bit programs too, which the header leaves out.
        let found = ex::blocks(&bytes(&declared)[..size], WIDTH).next().unwrap();
        found.page(ShareScope::Shareable)
    };
    assert_eq!(page(Bits::set_Win32Protection, 0x7FF), None);
    let valid = page(Bits::set_Valid, 1).unwrap();
    assert_eq!(valid.attributes, PageAttributes::RESIDENT);
    let shared = page(Bits::set_Shared, 1).unwrap();
    assert_eq!(shared.attributes - valid.attributes, PageAttributes::FILE);
    let counted = page(Bits::set_ShareCount, 5).unwrap();
    assert_eq!(counted.shares.count(), Some(ShareCount::Exactly(5)));
    assert_eq!(page(Bits::set_Node, 42).unwrap().node, 42);
    let locked = page(Bits::set_Locked, 1).unwrap();
    assert_eq!(
        locked.attributes - shared.attributes,
        PageAttributes::LOCKED
    );
    let large = page(Bits::set_LargePage, 1).unwrap();
    let huge = PageAttributes::HUGE | PageAttributes::HUGETLB;
    assert_eq!(large.attributes - locked.attributes, huge);
    let bad = page(Bits::set_Bad, 1).unwrap();
    assert_eq!(bad.attributes - large.attributes, PageAttributes::BAD);
}

type Bits = phnt::ffi::_MEMORY_WORKING_SET_EX_BLOCK__bindgen_ty_1__bindgen_ty_1;

#[test]
fn page_address_is_first_as_declared() {
    let mut buffer = vec![0; ex::entry_size(WIDTH)];
    ex::fill(&mut buffer, WIDTH, [0x1234_5000]);
    let mut declared: PSAPI_WORKING_SET_EX_INFORMATION = zeroed();
    declared.VirtualAddress = pointer(0x1234_5000);
    assert_eq!(bytes(&declared), buffer);
}

#[test]
fn loader_list_is_as_declared() {
    let mut block: PEB = zeroed();
    block.ImageBaseAddress = pointer(0x40_0000);
    block.Ldr = pointer(0x20_0000);
    let expected = Peb {
        image_base: 0x40_0000,
        ldr: 0x20_0000,
    };
    assert_eq!(
        Peb::parse(&bytes(&block)[..peb::SIZE], WIDTH),
        Some(expected)
    );

    let (list, entry, path) = (0x20_0000, 0x20_1000, 0x20_2000);
    let mut head: PEB_LDR_DATA = zeroed();
    head.InLoadOrderModuleList.Flink = pointer(entry);
    let link = &raw const head.InLoadOrderModuleList;
    let link = list + link as usize - (&raw const head) as usize;
    // Its name is a text that `phnt` would release.
    let mut module: ManuallyDrop<LDR_DATA_TABLE_ENTRY> = zeroed();
    module.InLoadOrderLinks.Flink = pointer(link);
    module.InLoadOrderLinks.Blink = pointer(link);
    module.DllBase = pointer(0x40_0000);
    // SAFETY: the field is a function pointer, which is not called.
    unsafe {
        (&raw mut module.EntryPoint)
            .cast::<usize>()
            .write(0x40_1000)
    };
    module.SizeOfImage = 0x9000;
    let name = UNICODE_STRING {
        Length: 4,
        MaximumLength: 6,
        Buffer: pointer(path),
    };
    // SAFETY: the field is a `UNICODE_STRING`, which `phnt` declares with private fields.
    unsafe {
        (&raw mut module.FullDllName)
            .cast::<UNICODE_STRING>()
            .write(name)
    };
    let mut memory = CannedMemory::new(list as u64, 0x3000);
    memory.put(list as u64, bytes(&head));
    memory.put(entry as u64, bytes(&module));
    memory.put(path as u64, &[0x41, 0, 0x42, 0]);
    let mut windows = MemoryWindows::new(|address, into: &mut [u8]| memory.read(address, into));
    let found = ldr::read(&mut windows, list as u64, WIDTH).unwrap();
    assert!(found.is_complete);
    let expected = ldr::LdrModule {
        base: 0x40_0000,
        entry_point: 0x40_1000,
        size: 0x9000,
        path: vec![0x41, 0, 0x42, 0],
    };
    assert_eq!(found.modules, [expected]);
}

#[test]
fn fault_record_is_as_declared() {
    let mut fault: PROCESS_WS_WATCH_INFORMATION_EX = zeroed();
    fault.__bindgen_anon_1.BasicInfo.FaultingPc = pointer(0x40_1000);
    fault.__bindgen_anon_1.BasicInfo.FaultingVa = pointer(0x50_0008);
    fault.FaultingThreadId = pointer(12);
    fault.Flags = 1;
    let mut last: PROCESS_WS_WATCH_INFORMATION_EX = zeroed();
    last.__bindgen_anon_1.BasicInfo.FaultingVa = pointer(3);
    let record = [bytes(&fault), bytes(&last)].concat();
    let expected = WatchedFault {
        program_counter: 0x40_1000,
        address: 0x50_0008,
        thread: 12,
    };
    assert_eq!(ws_watch::parse(&record, WIDTH), (vec![expected], 3));
}

#[test]
fn quota_limits_are_as_declared() {
    let mut declared: QUOTA_LIMITS = zeroed();
    declared.MinimumWorkingSetSize = usize::MAX;
    declared.MaximumWorkingSetSize = usize::MAX;
    assert_eq!(bytes(&declared), quota_limits::empty_working_set(WIDTH));
}
