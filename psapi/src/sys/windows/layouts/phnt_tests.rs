//! The layouts of this folder, held against those of the crate `phnt`, which has the public headers
//! in the width of the test program.
//!
//! Each test writes values at the offsets that `phnt` has, and reads them with a parser.

use std::mem::offset_of;

use phnt::ffi::{
    _IO_COUNTERS as IO_COUNTERS, _KERNEL_USER_TIMES as KERNEL_USER_TIMES, _PEB as PEB,
    _PROCESS_BASIC_INFORMATION as PROCESS_BASIC_INFORMATION,
    _RTL_PROCESS_MODULE_INFORMATION as RTL_PROCESS_MODULE_INFORMATION,
    _RTL_PROCESS_MODULE_INFORMATION_EX as RTL_PROCESS_MODULE_INFORMATION_EX,
    _RTL_USER_PROCESS_PARAMETERS as RTL_USER_PROCESS_PARAMETERS,
    _SYSTEM_BASIC_INFORMATION as SYSTEM_BASIC_INFORMATION,
    _SYSTEM_FILECACHE_INFORMATION as SYSTEM_FILECACHE_INFORMATION,
    _SYSTEM_MEMORY_LIST_INFORMATION as SYSTEM_MEMORY_LIST_INFORMATION,
    _SYSTEM_PAGEFILE_INFORMATION as SYSTEM_PAGEFILE_INFORMATION,
    _SYSTEM_PERFORMANCE_INFORMATION as SYSTEM_PERFORMANCE_INFORMATION,
    _SYSTEM_PROCESS_INFORMATION as SYSTEM_PROCESS_INFORMATION,
    _SYSTEM_PROCESSOR_PERFORMANCE_INFORMATION as SYSTEM_PROCESSOR_PERFORMANCE_INFORMATION,
    _SYSTEM_THREAD_INFORMATION as SYSTEM_THREAD_INFORMATION,
    _SYSTEM_TIMEOFDAY_INFORMATION as SYSTEM_TIMEOFDAY_INFORMATION,
    _VM_COUNTERS_EX as VM_COUNTERS_EX, _VM_COUNTERS_EX2 as VM_COUNTERS_EX2, CLIENT_ID,
};

use super::canned::Canned;
use super::io_counters::IoCounters;
use super::kernel_user_times::KernelUserTimes;
use super::process_basic_information::ProcessBasicInformation;
use super::reader::{Reader, Width};
use super::system_basic_information::SystemBasicInformation;
use super::system_performance_information::SystemPerformanceInformation;
use super::system_timeofday_information::SystemTimeOfDayInformation;
use super::vm_counters::VmCounters;
use super::{
    kernel_user_times, process_basic_information, rtl_process_module_information_ex,
    rtl_user_process_parameters, system_basic_information, system_filecache_information,
    system_memory_list_information, system_pagefile_information, system_process_information,
    system_processor_performance_information, vm_counters,
};

const NATIVE: Width = Width::NATIVE;

/// Returns zeros in the size of a structure.
fn zeros<T>() -> Canned {
    Canned::new(size_of::<T>(), NATIVE)
}

#[test]
fn process_entry_is_that_of_headers() {
    type T = SYSTEM_PROCESS_INFORMATION;
    let mut bytes = zeros::<T>();
    bytes.u32(offset_of!(T, NumberOfThreads), 1);
    bytes.u64(offset_of!(T, WorkingSetPrivateSize), 2);
    bytes.u32(offset_of!(T, HardFaultCount), 3);
    bytes.u64(offset_of!(T, CreateTime), 4);
    bytes.u64(offset_of!(T, UserTime), 5);
    bytes.u64(offset_of!(T, KernelTime), 6);
    bytes.unicode_string(offset_of!(T, ImageName), "a", 0x1000);
    bytes.size(offset_of!(T, UniqueProcessId), 7);
    bytes.size(offset_of!(T, InheritedFromUniqueProcessId), 8);
    bytes.u32(offset_of!(T, HandleCount), 9);
    bytes.u32(offset_of!(T, SessionId), 10);
    bytes.size(offset_of!(T, PeakVirtualSize), 11);
    bytes.size(offset_of!(T, VirtualSize), 12);
    bytes.u32(offset_of!(T, PageFaultCount), 13);
    bytes.size(offset_of!(T, PeakWorkingSetSize), 14);
    bytes.size(offset_of!(T, WorkingSetSize), 15);
    bytes.size(offset_of!(T, QuotaPeakPagedPoolUsage), 16);
    bytes.size(offset_of!(T, QuotaPagedPoolUsage), 17);
    bytes.size(offset_of!(T, QuotaPeakNonPagedPoolUsage), 18);
    bytes.size(offset_of!(T, QuotaNonPagedPoolUsage), 19);
    bytes.size(offset_of!(T, PagefileUsage), 20);
    bytes.size(offset_of!(T, PeakPagefileUsage), 21);
    bytes.size(offset_of!(T, PrivatePageCount), 22);
    let thread = offset_of!(T, Threads)
        + offset_of!(SYSTEM_THREAD_INFORMATION, ClientId)
        + offset_of!(CLIENT_ID, UniqueThread);
    bytes.size(thread, 29);
    let bytes = bytes.into_bytes();
    let entry = system_process_information::entries(&bytes, NATIVE).next();
    let entry = entry.unwrap();
    assert_eq!((entry.thread_count, entry.private_working_set), (1, 2));
    assert_eq!((entry.hard_faults, entry.create_time), (3, 4));
    assert_eq!((entry.user_time, entry.kernel_time), (5, 6));
    assert_eq!((entry.id, entry.parent), (7, 8));
    assert_eq!((entry.handles, entry.session), (9, 10));
    assert_eq!(entry.name(0x1000), &bytes[..2]);
    assert_eq!(entry.thread_ids().collect::<Vec<_>>(), [29]);
    let memory = VmCounters {
        peak_virtual_size: 11,
        virtual_size: 12,
        page_faults: 13,
        peak_working_set: 14,
        working_set: 15,
        peak_paged_pool: 16,
        paged_pool: 17,
        peak_nonpaged_pool: 18,
        nonpaged_pool: 19,
        page_file: 20,
        peak_page_file: 21,
        private_usage: Some(22),
        private_working_set: None,
        shared_commit: None,
    };
    assert_eq!(entry.memory, memory);
}

#[test]
fn counters_are_those_of_headers() {
    type T = VM_COUNTERS_EX2;
    let sizes = vm_counters::sizes(NATIVE);
    assert!(sizes.contains(&size_of::<T>()));
    assert!(sizes.contains(&size_of::<VM_COUNTERS_EX>()));
    let mut bytes = zeros::<T>();
    bytes.size(offset_of!(VM_COUNTERS_EX, PeakVirtualSize), 1);
    bytes.u32(offset_of!(VM_COUNTERS_EX, PageFaultCount), 2);
    bytes.size(offset_of!(VM_COUNTERS_EX, PeakPagefileUsage), 3);
    bytes.size(offset_of!(VM_COUNTERS_EX, PrivateUsage), 4);
    bytes.size(offset_of!(T, PrivateWorkingSetSize), 5);
    bytes.size(offset_of!(T, SharedCommitUsage), 6);
    let counters = VmCounters::parse(&bytes.into_bytes(), NATIVE).unwrap();
    assert_eq!((counters.peak_virtual_size, counters.page_faults), (1, 2));
    assert_eq!(
        (counters.peak_page_file, counters.private_usage),
        (3, Some(4))
    );
    assert_eq!(counters.private_working_set, Some(5));
    assert_eq!(counters.shared_commit, Some(6));
}

#[test]
fn small_structures_are_those_of_headers() {
    type Io = IO_COUNTERS;
    let mut bytes = zeros::<Io>();
    bytes.u64(offset_of!(Io, WriteOperationCount), 1);
    bytes.u64(offset_of!(Io, WriteTransferCount), 2);
    let counters = IoCounters::read(&mut Reader::new(&bytes.into_bytes(), NATIVE)).unwrap();
    assert_eq!((counters.writes, counters.written_bytes), (1, 2));

    type Times = KERNEL_USER_TIMES;
    assert_eq!(kernel_user_times::SIZE, size_of::<Times>());
    let mut bytes = zeros::<Times>();
    bytes.u64(offset_of!(Times, ExitTime), 1);
    bytes.u64(offset_of!(Times, KernelTime), 2);
    let times = KernelUserTimes::parse(&bytes.into_bytes()).unwrap();
    assert_eq!((times.exit, times.kernel), (1, 2));

    type Basic = PROCESS_BASIC_INFORMATION;
    assert_eq!(process_basic_information::size(NATIVE), size_of::<Basic>());
    let mut bytes = zeros::<Basic>();
    bytes.u32(offset_of!(Basic, ExitStatus), 1);
    bytes.size(offset_of!(Basic, PebBaseAddress), 2);
    bytes.size(offset_of!(Basic, UniqueProcessId), 3);
    bytes.size(offset_of!(Basic, InheritedFromUniqueProcessId), 4);
    let expected = ProcessBasicInformation {
        exit_status: 1,
        peb: 2,
        id: 3,
        parent: 4,
    };
    let bytes = bytes.into_bytes();
    assert_eq!(
        ProcessBasicInformation::parse(&bytes, NATIVE),
        Some(expected)
    );
}

#[test]
fn process_parameters_are_those_of_headers() {
    let mut bytes = zeros::<PEB>();
    bytes.size(offset_of!(PEB, ProcessParameters), 7);
    let bytes = bytes.into_bytes();
    let peb = &bytes[..rtl_user_process_parameters::PEB_SIZE];
    assert_eq!(rtl_user_process_parameters::address(peb, NATIVE), Some(7));

    type T = RTL_USER_PROCESS_PARAMETERS;
    let mut bytes = zeros::<T>();
    bytes.unicode_string(offset_of!(T, CommandLine), "abc", 8);
    let bytes = bytes.into_bytes();
    let bytes = &bytes[..rtl_user_process_parameters::SIZE];
    let text = rtl_user_process_parameters::command_line(bytes, NATIVE).unwrap();
    assert_eq!((text.length, text.address), (6, 8));
}

#[test]
fn machine_structures_are_those_of_headers() {
    type Basic = SYSTEM_BASIC_INFORMATION;
    assert_eq!(system_basic_information::size(NATIVE), size_of::<Basic>());
    let mut bytes = zeros::<Basic>();
    bytes.u32(offset_of!(Basic, PageSize), 1);
    bytes.u32(offset_of!(Basic, NumberOfPhysicalPages), 2);
    bytes.size(offset_of!(Basic, MinimumUserModeAddress), 3);
    let basic = SystemBasicInformation::parse(&bytes.into_bytes(), NATIVE).unwrap();
    assert_eq!((basic.page_size, basic.physical_pages), (1, 2));
    assert_eq!(basic.minimum_address, 3);

    type Performance = SYSTEM_PERFORMANCE_INFORMATION;
    let mut bytes = zeros::<Performance>();
    bytes.u32(offset_of!(Performance, AvailablePages), 1);
    bytes.u32(offset_of!(Performance, CommittedPages), 2);
    bytes.u32(offset_of!(Performance, CommitLimit), 3);
    bytes.u32(offset_of!(Performance, PeakCommitment), 4);
    bytes.u32(offset_of!(Performance, PagedPoolPages), 5);
    bytes.u32(offset_of!(Performance, NonPagedPoolPages), 6);
    let expected = SystemPerformanceInformation {
        available: 1,
        committed: 2,
        commit_limit: 3,
        peak_commitment: 4,
        paged_pool: 5,
        nonpaged_pool: 6,
    };
    let bytes = bytes.into_bytes();
    assert_eq!(SystemPerformanceInformation::parse(&bytes), Some(expected));

    type Time = SYSTEM_TIMEOFDAY_INFORMATION;
    let mut bytes = zeros::<Time>();
    bytes.u64(offset_of!(Time, BootTime), 9);
    bytes.u64(offset_of!(Time, CurrentTime), 20);
    bytes.u64(offset_of!(Time, BootTimeBias), 2);
    let time = SystemTimeOfDayInformation::parse(&bytes.into_bytes()).unwrap();
    assert_eq!(time.boot_as_recorded(), 7);

    type Cache = SYSTEM_FILECACHE_INFORMATION;
    assert_eq!(
        system_filecache_information::size(NATIVE),
        size_of::<Cache>()
    );
    let mut bytes = zeros::<Cache>();
    bytes.size(offset_of!(Cache, CurrentSizeIncludingTransitionInPages), 5);
    let bytes = bytes.into_bytes();
    assert_eq!(system_filecache_information::pages(&bytes, NATIVE), Some(5));

    type Lists = SYSTEM_MEMORY_LIST_INFORMATION;
    assert_eq!(
        system_memory_list_information::size(NATIVE),
        size_of::<Lists>()
    );
    let mut bytes = zeros::<Lists>();
    bytes.size(offset_of!(Lists, ZeroPageCount), 5);
    bytes.size(offset_of!(Lists, FreePageCount), 6);
    let bytes = bytes.into_bytes();
    let free = system_memory_list_information::free_pages(&bytes, NATIVE);
    assert_eq!(free, Some(11));
}

#[test]
fn machine_lists_are_those_of_headers() {
    type Processor = SYSTEM_PROCESSOR_PERFORMANCE_INFORMATION;
    let size = system_processor_performance_information::SIZE;
    assert_eq!(size, size_of::<Processor>());
    let mut bytes = zeros::<Processor>();
    bytes.u64(offset_of!(Processor, IdleTime), 1);
    bytes.u64(offset_of!(Processor, KernelTime), 100);
    bytes.u64(offset_of!(Processor, UserTime), 2);
    bytes.u64(offset_of!(Processor, DpcTime), 3);
    bytes.u64(offset_of!(Processor, InterruptTime), 4);
    let bytes = bytes.into_bytes();
    let times = system_processor_performance_information::entries(&bytes).next();
    let times = times.unwrap();
    assert_eq!((times.idle, times.user, times.kernel), (1, 2, 92));
    assert_eq!((times.deferred, times.interrupts), (3, 4));

    type File = SYSTEM_PAGEFILE_INFORMATION;
    let mut bytes = zeros::<File>();
    bytes.u32(offset_of!(File, TotalSize), 1);
    bytes.u32(offset_of!(File, TotalInUse), 2);
    bytes.u32(offset_of!(File, PeakUsage), 3);
    bytes.unicode_string(offset_of!(File, PageFileName), "ab", 0x1000);
    let bytes = bytes.into_bytes();
    let file = system_pagefile_information::entries(&bytes, 0x1000, NATIVE).next();
    let file = file.unwrap();
    assert_eq!((file.total, file.in_use, file.peak), (1, 2, 3));
    assert_eq!(file.name, &bytes[..4]);

    type Module = RTL_PROCESS_MODULE_INFORMATION_EX;
    type Base = RTL_PROCESS_MODULE_INFORMATION;
    let base = offset_of!(Module, __bindgen_anon_1);
    let mut bytes = zeros::<Module>();
    bytes.size(base + offset_of!(Base, ImageBase), 1);
    bytes.u32(base + offset_of!(Base, ImageSize), 2);
    bytes.u16(base + offset_of!(Base, OffsetToFileName), 3);
    bytes.text(base + offset_of!(Base, FullPathName), "\\a\\b.sys");
    let bytes = bytes.into_bytes();
    let module = rtl_process_module_information_ex::entries(&bytes, NATIVE).next();
    let module = module.unwrap();
    assert_eq!((module.base, module.size), (1, 2));
    assert_eq!(
        (module.path, module.name),
        (&b"\\a\\b.sys"[..], &b"b.sys"[..])
    );
}
