//! `lib/modules/RELEASE/modules.builtin`: the drivers that are parts of the kernel image, each as
//! the file that it would be in if it were not.

use super::modules_dep::{name_of, normalized};
use super::text::whole_lines;

/// The drivers' names, in the form that the kernel gives them.
pub(crate) fn names(text: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    whole_lines(text).filter_map(|line| name_of(line.trim_ascii()).map(normalized))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_driver() {
        let text = b"kernel/drivers/char/virtio-rng.ko\nkernel/fs/fuse/fuse.ko\n\nx\nkernel/cut.k";
        assert_eq!(
            names(text).collect::<Vec<_>>(),
            [&b"virtio_rng"[..], b"fuse"]
        );
    }
}
