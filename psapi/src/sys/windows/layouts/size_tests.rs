//! Sizes of structures in bytes, as the public headers have them. Calls require them exactly.

use super::reader::Width::{self, Bits32, Bits64};
use super::{
    image_headers, io_counters, kernel_user_times, memory_basic_information,
    memory_mapped_filename_information, memory_working_set_ex_information, peb,
    process_basic_information, quota_limits, rtl_user_process_parameters, system_basic_information,
    system_filecache_information, system_memory_list_information,
    system_processor_performance_information, system_timeofday_information, vm_counters,
};

#[test]
fn native_width_is_that_of_pointers() {
    assert_eq!(Width::NATIVE.bytes(), size_of::<usize>());
}

#[test]
fn sizes_of_both_widths_are_exact() {
    type Size = fn(Width) -> usize;
    let sizes: [(Size, usize, usize); 6] = [
        (process_basic_information::size, 24, 48),
        (system_basic_information::size, 44, 64),
        (system_filecache_information::size, 36, 64),
        (system_memory_list_information::size, 88, 176),
        (memory_working_set_ex_information::entry_size, 8, 16),
        (|width| quota_limits::empty_working_set(width).len(), 32, 48),
    ];
    for (size, bits32, bits64) in sizes {
        assert_eq!((size(Bits32), size(Bits64)), (bits32, bits64));
    }
    // `VM_COUNTERS_EX2` in both forms, `VM_COUNTERS_EX` and `VM_COUNTERS`.
    assert_eq!(vm_counters::sizes(Bits32), [64, 56, 48, 44]);
    assert_eq!(vm_counters::sizes(Bits64), [112, 112, 96, 88]);
}

#[test]
fn sizes_without_pointers_are_exact() {
    assert_eq!(io_counters::SIZE, 48);
    assert_eq!(kernel_user_times::SIZE, 32);
    assert_eq!(system_processor_performance_information::SIZE, 48);
    assert_eq!(system_timeofday_information::SIZE, 48);
    assert_eq!(image_headers::DEBUG_DIRECTORY_SIZE, 28);
    // A type, a GUID and an age.
    assert_eq!(image_headers::CODEVIEW_SIZE, 4 + 16 + 4);
    // The name is the fourth of the fields of `IMAGE_EXPORT_DIRECTORY`.
    assert_eq!(image_headers::EXPORT_DIRECTORY_SIZE, 16);
}

/// Buffers are as large as the longer form, and no read of memory is longer than its structure.
#[test]
fn buffers_hold_longer_form() {
    assert_eq!(process_basic_information::MAX_SIZE, 48);
    assert_eq!(system_basic_information::MAX_SIZE, 64);
    assert_eq!(system_filecache_information::MAX_SIZE, 64);
    assert_eq!(system_memory_list_information::MAX_SIZE, 176);
    assert_eq!(vm_counters::MAX_SIZE, 112);
    assert_eq!(memory_basic_information::SIZE, 48);
    assert_eq!(memory_mapped_filename_information::MAX_SIZE, 16 + 65_536);
    assert_eq!(image_headers::SIZE, 4096);
    // The ends of `PEB.Ldr`, `PEB.ProcessParameters` and `RTL_USER_PROCESS_PARAMETERS.CommandLine`.
    assert_eq!(peb::SIZE, 0x20);
    assert_eq!(rtl_user_process_parameters::PEB_SIZE, 0x28);
    assert_eq!(rtl_user_process_parameters::SIZE, 0x80);
}
