//! The page files of a system.

use crate::error::{Operation, Result};
use crate::page_file::PageFile;
use crate::sys;
use crate::system::System;

impl System {
    /// Lists the page files in use, in the kernel's order; none if the system has no swap.
    ///
    /// Source: `PROC/swaps`, which a kernel built without swap does not have; on Windows
    /// `SystemPageFileInformation`. Cost: cheap, one small file. Privileges: none.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotProc`](crate::ErrorKind::NotProc) if the proc root is not a proc file
    ///   system.
    /// - [`ErrorKind::NotSupported`](crate::ErrorKind::NotSupported) if it was mounted with
    ///   `subset=pid`.
    /// - [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if the file does not parse.
    ///
    /// ```
    /// for file in psapi::System::new().page_files()? {
    ///     println!("{}: {} of {} bytes in use", file.path.display(), file.in_use, file.total);
    /// }
    /// # Ok::<(), psapi::Error>(())
    /// ```
    #[doc(alias = "EnumPageFiles")]
    pub fn page_files(&self) -> Result<Vec<PageFile>> {
        sys::page_files(self.inner())
            .map_err(|source| self.error(Operation::LIST_PAGE_FILES, source))
    }
}
