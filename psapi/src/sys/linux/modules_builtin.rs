//! `lib/modules/RELEASE/modules.builtin`: the drivers that are built into the kernel image. Each
//! line is the path that the driver's file would have if the driver were loadable.

use crate::sys::linux::modules_dep::{name_of, normalized};
use crate::sys::linux::text::whole_lines;

/// Returns the names of the drivers, normalized as the kernel prints them.
pub(crate) fn names(text: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    whole_lines(text).filter_map(|line| name_of(line.trim_ascii()).map(normalized))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_names_driver() {
        let text = b"kernel/drivers/char/virtio-rng.ko\nkernel/fs/fuse/fuse.ko\n\nx\nkernel/cut.k";
        assert_eq!(
            names(text).collect::<Vec<_>>(),
            [&b"virtio_rng"[..], b"fuse"]
        );
    }
}
