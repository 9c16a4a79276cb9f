//! The sources of programs, which tests compile.

/// A source file.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// The file name.
    pub file: &'static str,
    /// The contents.
    pub text: &'static str,
}

macro_rules! source {
    ($file:literal) => {
        Source {
            file: $file,
            text: include_str!(concat!("../../programs/", $file)),
        }
    };
}

macro_rules! programs {
    ($($name:ident: $file:literal,)*) => {$(
        #[doc = concat!("`programs/", $file, "`.")]
        pub const $name: Source = source!($file);
    )*};
}

/// The headers that programs include, which are written next to each program.
pub(crate) const HEADERS: &[Source] = &[
    source!("list_modules.h"),
    source!("map_memory.h"),
    source!("write_everywhere.h"),
];

programs! {
    ALL_PAGE_KINDS: "all_page_kinds.c",
    ANOTHER: "another.c",
    ANSWER_LIBRARY: "answer_library.c",
    CALLS_AFTER_LEADER_EXIT: "calls_after_leader_exit.c",
    CHANGES_MAPPINGS: "changes_mappings.c",
    CHANGES_MAPPINGS_FOREVER: "changes_mappings_forever.c",
    CHANGES_PAGES: "changes_pages.c",
    CHANGES_USERS: "changes_users.c",
    CHURNS_AND_EXECS: "churns_and_execs.c",
    COUNTS_RESIDENT_SHARED: "counts_resident_shared.c",
    DAMAGES_LINK_MAP: "damages_link_map.c",
    DEMANGLED: "demangled.cpp",
    EVERY_OTHER_PAGE: "every_other_page.c",
    EVICTABLE_PAGES: "evictable_pages.c",
    EXECS: "execs.c",
    EXECS_ITSELF_FOREVER: "execs_itself_forever.c",
    EXECS_WITH_PAGES: "execs_with_pages.c",
    EXECUTABLE_MEMORY: "executable_memory.c",
    FAULTS: "faults.c",
    FINDS_VDSO: "finds_vdso.c",
    FORKS_FOREVER: "forks_forever.c",
    GENERATES_CODE: "generates_code.c",
    HANGS_ON_FUSE: "hangs_on_fuse.c",
    HAS_64_MORE_THREADS: "has_64_more_threads.c",
    HAS_SIX_MORE_THREADS: "has_six_more_threads.c",
    HOLDS_96_MIB: "holds_96_mib.c",
    HOLDS_MEMORY: "holds_memory.c",
    LEADER_EXITS: "leader_exits.c",
    LISTS_MODULES: "lists_modules.c",
    LOADS_AND_UNLOADS: "loads_and_unloads.c",
    LOADS_LIBRARY: "loads_library.c",
    LOADS_MANY: "loads_many.c",
    LOADS_TWICE: "loads_twice.c",
    LOCAL_FUNCTIONS: "local_functions.cpp",
    MAPPING_KINDS: "mapping_kinds.c",
    MAPS_AND_UNMAPS: "maps_and_unmaps.c",
    MAPS_AND_UNMAPS_FOREVER: "maps_and_unmaps_forever.c",
    MAPS_FILES: "maps_files.c",
    MAPS_FILE_OFTEN: "maps_file_often.c",
    MAPS_FIVE_KINDS: "maps_five_kinds.c",
    MAPS_HUGETLB: "maps_hugetlb.c",
    MAPS_LONG_PATHS: "maps_long_paths.c",
    MAPS_SHARED_FILE: "maps_shared_file.c",
    MEMORY_IN_NEW_FRAMES: "memory_in_new_frames.c",
    MEMORY_STEPS: "memory_steps.c",
    MERGEABLE_PAGES: "mergeable_pages.c",
    MOVES_ITSELF: "moves_itself.c",
    MOVES_VDSO: "moves_vdso.c",
    NARROW: "narrow.c",
    NESTED: "nested.c",
    ODD_NAME: "odd_name.c",
    ODD_PAGES: "odd_pages.c",
    OVERLOADS: "overloads.cpp",
    PAGE_KINDS_WITH_CHILD: "page_kinds_with_child.c",
    PAGE_LAYOUT: "page_layout.c",
    PAGES_OUT_8_MIB: "pages_out_8_mib.c",
    PICTURE_FORKED_AND_LOCKED: "picture_forked_and_locked.c",
    PICTURE_HOSTILE_NAMES: "picture_hostile_names.c",
    PICTURE_MANY_MAPPINGS: "picture_many_mappings.c",
    PICTURE_PAGES_FAR_APART: "picture_pages_far_apart.c",
    PICTURE_PRIVATE_AND_SHARED: "picture_private_and_shared.c",
    PICTURE_SPARSE_AND_DENSE: "picture_sparse_and_dense.c",
    PICTURE_TOUCHED_PAGES: "picture_touched_pages.c",
    PRINTS_MODULES: "prints_modules.c",
    READS_FILES: "reads_files.c",
    RESERVES_60_TIB: "reserves_60_tib.c",
    SECRET_MEMORY: "secret_memory.c",
    SAME_NAME: "same_name.c",
    SAME_NAME_MORE: "same_name_more.c",
    SHARES_WITH_CHILD: "shares_with_child.c",
    SLEEPS: "sleeps.c",
    SPARSE_AND_SHARED: "sparse_and_shared.c",
    SPARSE_RESERVATIONS: "sparse_reservations.c",
    STARTS_50_THREADS: "starts_50_threads.c",
    SWAPS_OUT_HALF: "swaps_out_half.c",
    TOUCHES_AND_READS: "touches_and_reads.c",
    TOUCHES_HUGETLB: "touches_hugetlb.c",
    TOUCHES_ON_REQUEST: "touches_on_request.c",
    VFORKS: "vforks.c",
    WAITS: "waits.c",
    WATCHED: "watched.c",
    WRITABLE_PRIVATE_AND_SHARED: "writable_private_and_shared.c",
    WRITE_PROTECTS: "write_protects.c",
    WRITE_PROTECTS_UNTOUCHED: "write_protects_untouched.c",
    WRITES_8_MIB: "writes_8_mib.c",
    WRITES_FOREVER: "writes_forever.c",
}
