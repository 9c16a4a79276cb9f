//! `PROC/kallsyms`: where the kernel's symbols are, `ADDRESS TYPE NAME` a line and a tab and
//! `[MODULE]` behind those of modules. Some megabytes long, so it is searched as it is read.

use std::ops::ControlFlow;
use std::os::fd::AsFd;

use rustix::io::Errno;

use super::file::Directory;
use super::text::hexadecimal;
use crate::error::{Cause, Refusal};

/// Where the kernel image is in memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct KernelImage {
    /// `_text`: where it starts. `None` where the kernel hides it.
    pub(crate) start: Option<u64>,
    /// `_end`: the first address after it. `None` also on a kernel without
    /// `CONFIG_KALLSYMS_ALL`, which lists functions only.
    pub(crate) end: Option<u64>,
}

impl KernelImage {
    /// Looks at the whole lines of `text` for what is still sought; says how many bytes they are,
    /// and breaks once nothing more can be found.
    pub(crate) fn search(&mut self, text: &[u8]) -> ControlFlow<(), usize> {
        let mut start = 0;
        while let Some(length) = memchr::memchr(b'\n', &text[start..]) {
            let line = &text[start..start + length];
            start += length + 1;
            // Symbols of modules follow those of the kernel.
            if line.ends_with(b"]") {
                return ControlFlow::Break(());
            }
            if line.ends_with(b" _text") {
                self.start = address(line);
                // All addresses are hidden, or none is.
                if self.start.is_none() {
                    return ControlFlow::Break(());
                }
            } else if line.ends_with(b" _end") {
                self.end = address(line);
            }
            if self.start.is_some() && self.end.is_some() {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(start)
    }

    /// How many bytes of addresses it takes up.
    pub(crate) fn size(&self) -> Option<u64> {
        self.end?
            .checked_sub(self.start?)
            .filter(|&length| length > 0)
    }
}

/// The address of a line. Hidden ones are 0, or `(null)` before Linux 4.15.
fn address(line: &[u8]) -> Option<u64> {
    let line = line.trim_ascii_start();
    let end = memchr::memchr(b' ', line)?;
    hexadecimal(&line[..end]).filter(|&address| address != 0)
}

/// Finds the kernel image. Nothing is known where the kernel has no such file
/// (`CONFIG_KALLSYMS=n`) or does not let this user read it.
pub(crate) fn read(proc: &Directory) -> Result<KernelImage, Refusal> {
    const FILE: &[u8] = b"kallsyms";
    let mut image = KernelImage::default();
    let file = match proc.file(FILE) {
        Ok(file) => file,
        Err(refusal) => match refusal.cause {
            Cause::Os(Errno::NOENT | Errno::ACCESS | Errno::PERM) => return Ok(image),
            _ => return Err(refusal),
        },
    };
    let mut text = Vec::with_capacity(64 * 1024);
    loop {
        // Only a line that fills all the room makes it grow.
        text.reserve(4096);
        let length = rustix::io::retry_on_intr(|| {
            rustix::io::read(file.as_fd(), rustix::buffer::spare_capacity(&mut text))
        })
        .map_err(|errno| proc.refusal(FILE, errno))?;
        match image.search(&text) {
            ControlFlow::Continue(done) if length > 0 => {
                text.drain(..done);
            }
            _ => return Ok(image),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &[u8]) -> KernelImage {
        let mut image = KernelImage::default();
        let _ = image.search(text);
        image
    }

    const TEXT: &[u8] = b"0000000000000000 A fixed_percpu_data\n\
ffffffff81000000 T _stext\nffffffff81000000 T _text\nffffffff81000010 T __pi__text\n\
ffffffff82000000 B not_the_end\nffffffff83c00000 B _end\n\
ffffffffc0000000 t _text\t[evil]\nffffffffc0000000 t _end\t[evil]\n";

    #[test]
    fn the_image_is_between_its_symbols() {
        let image = found(TEXT);
        assert_eq!(image.start, Some(0xffff_ffff_8100_0000));
        assert_eq!(image.size(), Some(0x2c0_0000));
    }

    #[test]
    fn a_kernel_that_lists_functions_only_leaves_the_size_unknown() {
        let text = b"ffffffff81000000 T _text\nffffffffc0001000 t _end\t[evil]\n";
        assert_eq!(found(text).start, Some(0xffff_ffff_8100_0000));
        assert_eq!(found(text).size(), None);
    }

    #[test]
    fn hidden_addresses_are_unknown() {
        for text in [
            &b"0000000000000000 T _text\nffffffff83c00000 B _end\n"[..],
            b"          (null) T _text\n          (null) B _end\n",
            b"00000000 T _text\n00000000 B _end\n",
        ] {
            assert_eq!(found(text), KernelImage::default());
        }
    }

    #[test]
    fn nonsense_is_no_figure() {
        for text in [
            &b""[..],
            b"\n\n]\n",
            b" _text\n _end\n",
            b"zz T _text\n",
            b"ffffffff81000000 T _text",
        ] {
            assert_eq!(found(text), KernelImage::default(), "{text:?}");
        }
        assert_eq!(found(b"2 T _text\n1 B _end\n").size(), None);
        assert_eq!(found(b"2 T _text\n2 B _end\n").size(), None);
    }

    #[test]
    fn it_does_not_matter_where_reads_end() {
        for cut in 0..TEXT.len() {
            let mut image = KernelImage::default();
            if let ControlFlow::Continue(done) = image.search(&TEXT[..cut]) {
                let _ = image.search(&TEXT[done..]);
            }
            assert_eq!(image, found(TEXT), "cut at {cut}");
        }
    }
}
