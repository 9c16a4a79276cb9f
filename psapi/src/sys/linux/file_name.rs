//! Extracts the path of a file from the name of its mapping.
//!
//! The ` (deleted)` suffix and the escape of newlines are ambiguous, since a file can have such a
//! name. For the escape, other interfaces of the kernel show the exact name. The suffix is resolved
//! by checking whether the whole name leads to the mapped file.

use crate::sys::linux::mapped_files::MappedFiles;
use crate::sys::linux::proc::exe::split_deleted;
use crate::sys::linux::proc::maps::{Vma, escape};

/// Returns the path of a mapped file and whether the file was deleted.
///
/// `unescaped` means that `name` had a sequence that looked like an escape and was replaced.
pub(crate) fn path_of(
    files: &MappedFiles<'_>,
    vma: &Vma,
    name: &[u8],
    unescaped: bool,
) -> (Vec<u8>, bool) {
    let exact = unescaped.then(|| files.exact_name(vma)).flatten();
    // The mapping might have changed since.
    let exact = exact.filter(|exact| escape(exact) == escape(name));
    let is_ambiguous = unescaped && exact.is_none();
    let name = exact.as_deref().unwrap_or(name);
    let leads_to_file = |path: &[u8]| files.is_name_of(vma.into(), path);
    if is_ambiguous {
        let literal = escape(name);
        if leads_to_file(&literal) {
            return (literal, false);
        }
    }
    let (plain, has_suffix) = split_deleted(name);
    if has_suffix && !leads_to_file(name) {
        (plain.to_vec(), true)
    } else {
        (name.to_vec(), false)
    }
}
