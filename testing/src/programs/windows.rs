//! Programs that the build script compiled.

/// A compiled program or library.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// The name of the file that it was compiled from.
    pub file: &'static str,
    /// The contents of the program file.
    pub executable: &'static [u8],
    /// True for a library, which has an extension of its own.
    pub is_library: bool,
}

macro_rules! source {
    ($file:literal, $extension:literal) => {
        Source {
            file: concat!($file, ".c"),
            executable: include_bytes!(concat!(env!("OUT_DIR"), "/", $file, $extension)),
            is_library: false,
        }
    };
}

macro_rules! programs {
    ($($name:ident: $file:literal,)*) => {$(
        #[doc = concat!("`programs/windows/", $file, ".c`.")]
        pub const $name: Source = source!($file, ".exe");
    )*};
}

macro_rules! libraries {
    ($($name:ident: $file:literal,)*) => {$(
        #[doc = concat!("`programs/windows/", $file, ".c`.")]
        pub const $name: Source = Source {
            is_library: true,
            ..source!($file, ".dll")
        };
    )*};
}

programs! {
    CHANGES_MAPPINGS: "changes_mappings",
    CHANGES_MAPPINGS_FOREVER: "changes_mappings_forever",
    CHANGES_PAGES: "changes_pages",
    DAMAGES_LINK_MAP: "damages_link_map",
    EVICTABLE_PAGES: "evictable_pages",
    FAULTS: "faults",
    HAS_SIX_MORE_THREADS: "has_six_more_threads",
    HOLDS_96_MIB: "holds_96_mib",
    LISTS_MODULES: "lists_modules",
    LOADS_TWICE: "loads_twice",
    MAPPING_KINDS: "mapping_kinds",
    MAPS_FIVE_KINDS: "maps_five_kinds",
    MAPS_LONG_PATHS: "maps_long_paths",
    MEMORY_STEPS: "memory_steps",
    PICTURE_MANY_MAPPINGS: "picture_many_mappings",
    PICTURE_PAGES_FAR_APART: "picture_pages_far_apart",
    PICTURE_SPARSE_AND_DENSE: "picture_sparse_and_dense",
    PICTURE_TOUCHED_PAGES: "picture_touched_pages",
    PRINTS_MODULES: "prints_modules",
    REPORTS_MACHINE: "reports_machine",
    REPORTS_PROCESS: "reports_process",
    SLEEPS: "sleeps",
    WAITS: "waits",
    WATCHED: "watched",
}

libraries! {
    ANSWER_LIBRARY: "answer_library",
}
