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
    let mut image = KernelImage::default();
    search(proc, |text| image.search(text))?;
    Ok(image)
}

/// Hands the file to a search, which takes the whole lines of what it is shown and says how many
/// bytes they are, until it breaks.
fn search(
    proc: &Directory,
    mut take: impl FnMut(&[u8]) -> ControlFlow<(), usize>,
) -> Result<(), Refusal> {
    const FILE: &[u8] = b"kallsyms";
    let file = match proc.file(FILE) {
        Ok(file) => file,
        Err(refusal) => match refusal.cause {
            Cause::Os(Errno::NOENT | Errno::ACCESS | Errno::PERM) => return Ok(()),
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
        match take(&text) {
            ControlFlow::Continue(done) if length > 0 => {
                text.drain(..done);
            }
            _ => return Ok(()),
        }
    }
}

/// A function of the kernel.
#[cfg(feature = "symbols")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) start: u64,
    pub(crate) name: Vec<u8>,
    /// The driver that it is of, if it is not of the kernel image.
    pub(crate) driver: Option<Vec<u8>>,
}

/// Finds the functions that addresses are in: the file says where functions start, not where they
/// end.
#[cfg(feature = "symbols")]
#[derive(Debug)]
struct Functions<'a> {
    /// Ascending.
    addresses: &'a [u64],
    /// The last symbol at or before each address.
    found: Vec<Option<Function>>,
}

/// No function of the kernel is longer: what is further behind the last symbol before it is in a
/// gap, such as that between the kernel image and its drivers.
#[cfg(feature = "symbols")]
const LONGEST: u64 = 1 << 20;

#[cfg(feature = "symbols")]
impl Functions<'_> {
    /// Looks at the whole lines of `text`; says how many bytes they are.
    fn search(&mut self, text: &[u8]) -> usize {
        let mut done = 0;
        for line in super::text::whole_lines(text) {
            done += line.len() + 1;
            let Some(start) = address(line) else {
                continue;
            };
            // Drivers' symbols are in no order.
            let first = self.addresses.partition_point(|&address| address < start);
            let within = self.addresses[first..].iter().zip(&mut self.found[first..]);
            let within = within.take_while(|(address, _)| **address - start < LONGEST);
            for (_, found) in within {
                // Of several symbols at one place the first one is the name that people know.
                if found.as_ref().is_some_and(|found| found.start >= start) {
                    continue;
                }
                let Some(function) = function(line, start) else {
                    break;
                };
                *found = Some(function);
            }
        }
        done
    }
}

#[cfg(feature = "symbols")]
fn function(line: &[u8], start: u64) -> Option<Function> {
    let (name, driver) = match memchr::memchr(b'\t', line) {
        Some(tab) => (&line[..tab], Some(&line[tab + 1..])),
        None => (line, None),
    };
    let mut fields = name.trim_ascii_start().splitn(3, |&byte| byte == b' ');
    let kind = fields.nth(1)?;
    let name = fields.next()?;
    let driver = driver.map(|driver| driver.strip_prefix(b"[").unwrap_or(driver));
    let driver = driver.map(|driver| driver.strip_suffix(b"]").unwrap_or(driver));
    matches!(kind, b"t" | b"T" | b"w" | b"W").then(|| Function {
        start,
        name: name.to_vec(),
        driver: driver.map(<[u8]>::to_vec),
    })
}

/// The functions at addresses, which ascend. None is known where the kernel has no such file, or
/// hides the addresses from this user.
#[cfg(feature = "symbols")]
pub(crate) fn functions(
    proc: &Directory,
    addresses: &[u64],
) -> Result<Vec<Option<Function>>, Refusal> {
    let mut functions = Functions {
        addresses,
        found: vec![None; addresses.len()],
    };
    search(proc, |text| ControlFlow::Continue(functions.search(text)))?;
    Ok(functions.found)
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

    #[cfg(feature = "symbols")]
    #[test]
    fn a_function_is_the_last_one_that_starts_before() {
        let text = b"0000000000000000 A hidden\nffffffff81000000 T first\n\
ffffffff81000000 T alias\nffffffff81000100 t second\nffffffff81000180 d data\n\
ffffffffc0002000 t later\t[ext4]\nffffffffc0001000 t earlier\t[ext4]\nffffffffc0003000 t cut";
        let addresses = [
            0x1000,
            0xffff_ffff_80ff_ffff,
            0xffff_ffff_8100_0000,
            0xffff_ffff_8100_00ff,
            0xffff_ffff_8100_0190,
            0xffff_ffff_8110_0100,
            0xffff_ffff_c000_1fff,
            0xffff_ffff_c000_3000,
        ];
        for cut in 0..text.len() {
            let mut functions = Functions {
                addresses: &addresses,
                found: vec![None; addresses.len()],
            };
            let done = functions.search(&text[..cut]);
            functions.search(&text[done..]);
            let found = functions.found.iter().map(|function| {
                let function = function.as_ref()?;
                let driver = function.driver.as_deref().unwrap_or_default();
                let texts = [&function.name, driver].map(|text| std::str::from_utf8(text).unwrap());
                Some(texts)
            });
            let expected = [
                None,
                None,
                Some(["first", ""]),
                Some(["first", ""]),
                Some(["second", ""]),
                None,
                Some(["earlier", "ext4"]),
                Some(["later", "ext4"]),
            ];
            assert_eq!(found.collect::<Vec<_>>(), expected, "cut at {cut}");
        }
    }
}
