//! The libraries that `LoadLibrary` loaded.

use std::collections::BTreeMap;

/// The dynamic linker's handle of each library, by the base address of the library.
#[derive(Debug)]
pub struct Libraries(BTreeMap<usize, Library>);

#[derive(Debug)]
struct Library {
    /// The value that `dlopen` returned.
    linker_handle: usize,
    /// How often the library was loaded and not freed.
    uses: usize,
}

impl Libraries {
    pub const fn new() -> Self {
        Libraries(BTreeMap::new())
    }

    pub fn insert(&mut self, base: usize, linker_handle: usize) {
        let library = self.0.entry(base).or_insert(Library {
            linker_handle,
            uses: 0,
        });
        library.uses += 1;
    }

    /// Ends one use. Returns the handle to close, or `None` if the library is not in use.
    pub fn remove(&mut self, base: usize) -> Option<usize> {
        let library = self.0.get_mut(&base)?;
        let linker_handle = library.linker_handle;
        library.uses -= 1;
        if library.uses == 0 {
            self.0.remove(&base);
        }
        Some(linker_handle)
    }
}
