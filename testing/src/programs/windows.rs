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
    HAS_SIX_MORE_THREADS: "has_six_more_threads",
    MAPS_FIVE_KINDS: "maps_five_kinds",
    MEMORY_STEPS: "memory_steps",
    PRINTS_MODULES: "prints_modules",
    SLEEPS: "sleeps",
    WAITS: "waits",
}

libraries! {
    ANSWER_LIBRARY: "answer_library",
}
