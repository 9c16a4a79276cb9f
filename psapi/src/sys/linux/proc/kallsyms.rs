//! `PROC/kallsyms`: the kernel's symbols, one per line.
//!
//! Each line is `ADDRESS TYPE NAME`, followed by a tab and `[MODULE]` for symbols of kernel
//! modules. The file has several megabytes, so it is searched while it is read.

use std::ops::ControlFlow;
use std::os::fd::AsFd;

use rustix::io::Errno;

use crate::error::SourceError;
use crate::sys::linux::dir::Dir;
use crate::sys::linux::text::hexadecimal;

/// The address range of the kernel image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct KernelImage {
    /// `_text`, the first address. `None` if the kernel hides addresses from this user.
    pub(crate) start: Option<u64>,
    /// `_end`, the first address after the image. `None` if hidden, or on a kernel without
    /// `CONFIG_KALLSYMS_ALL`, which lists only functions.
    pub(crate) end: Option<u64>,
}

impl KernelImage {
    /// Searches the complete lines of `text` and returns their length in bytes. Returns `Break`
    /// once no later line can contribute.
    pub(crate) fn search(&mut self, text: &[u8]) -> ControlFlow<(), usize> {
        let mut start = 0;
        while let Some(length) = memchr::memchr(b'\n', &text[start..]) {
            let line = &text[start..start + length];
            start += length + 1;
            // Symbols of modules follow all symbols of the kernel image.
            if line.ends_with(b"]") {
                return ControlFlow::Break(());
            }
            if line.ends_with(b" _text") {
                self.start = address(line);
                // If one address is hidden, all are.
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

    /// Returns the size of the address range in bytes.
    pub(crate) fn size(&self) -> Option<u64> {
        self.end?
            .checked_sub(self.start?)
            .filter(|&length| length > 0)
    }
}

/// Parses the address of a line. Hidden addresses, which are printed as 0 or before Linux 4.15 as
/// `(null)`, give `None`.
fn address(line: &[u8]) -> Option<u64> {
    let line = line.trim_ascii_start();
    let end = memchr::memchr(b' ', line)?;
    hexadecimal(&line[..end]).filter(|&address| address != 0)
}

/// Finds the kernel image. Both addresses are `None` if the kernel has no such file
/// (`CONFIG_KALLSYMS=n`) or this user is not permitted to read it.
pub(crate) fn read(proc: &Dir) -> Result<KernelImage, SourceError> {
    let mut image = KernelImage::default();
    search(proc, |text| image.search(text))?;
    Ok(image)
}

/// Calls `consume` with successive parts of the file.
///
/// `consume` returns the length of the complete lines that it processed. The rest is passed again,
/// together with the next part. `Break` ends the search.
fn search(
    proc: &Dir,
    mut consume: impl FnMut(&[u8]) -> ControlFlow<(), usize>,
) -> Result<(), SourceError> {
    const FILE: &[u8] = b"kallsyms";
    let file = match proc.file(FILE) {
        Ok(file) => file,
        Err(error) => match error.errno() {
            Some(Errno::NOENT | Errno::ACCESS | Errno::PERM) => return Ok(()),
            _ => return Err(error),
        },
    };
    let mut text = Vec::with_capacity(64 * 1024);
    loop {
        // Grows only if a single line fills the buffer.
        text.reserve(4096);
        let length = rustix::io::retry_on_intr(|| {
            rustix::io::read(file.as_fd(), rustix::buffer::spare_capacity(&mut text))
        })
        .map_err(|errno| proc.error_at(FILE, errno))?;
        match consume(&text) {
            ControlFlow::Continue(done) if length > 0 => {
                text.drain(..done);
            }
            _ => return Ok(()),
        }
    }
}

/// A function in the kernel.
#[cfg(feature = "symbols")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) start: u64,
    pub(crate) name: Vec<u8>,
    /// The driver that contains the function; `None` for the kernel image.
    pub(crate) driver: Option<Vec<u8>>,
}

/// A search for the functions that contain given addresses. The file does not list where functions
/// end, so the result is the last function that starts at or before an address.
#[cfg(feature = "symbols")]
#[derive(Debug)]
struct FunctionSearch<'a> {
    /// By ascending value.
    addresses: &'a [u64],
    /// The best match for each address so far.
    found: Vec<Option<Function>>,
}

/// Upper bound for the size of a kernel function. A larger distance to the preceding symbol means
/// that the address is in a gap, for example between the kernel image and its drivers.
#[cfg(feature = "symbols")]
const MAX_FUNCTION_SIZE: u64 = 1 << 20;

#[cfg(feature = "symbols")]
impl FunctionSearch<'_> {
    /// Searches the complete lines of `text` and returns their length in bytes.
    fn search(&mut self, text: &[u8]) -> usize {
        let mut done = 0;
        for line in crate::sys::linux::text::whole_lines(text) {
            done += line.len() + 1;
            let Some(start) = address(line) else {
                continue;
            };
            // The symbols of drivers are not sorted, so every line is compared with all addresses
            // that the function can contain.
            let first = self.addresses.partition_point(|&address| address < start);
            let within = self.addresses[first..].iter().zip(&mut self.found[first..]);
            let within = within.take_while(|(address, _)| **address - start < MAX_FUNCTION_SIZE);
            for (_, found) in within {
                // If several symbols have the same address, the first is the usual name.
                if found.as_ref().is_some_and(|found| found.start >= start) {
                    continue;
                }
                let Some(function) = parse_function(line, start) else {
                    break;
                };
                *found = Some(function);
            }
        }
        done
    }
}

/// Returns `None` for symbols that are not functions.
#[cfg(feature = "symbols")]
fn parse_function(line: &[u8], start: u64) -> Option<Function> {
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

/// Finds the functions that contain the addresses, which must be sorted. All results are `None` if
/// the kernel has no such file or hides addresses from this user.
#[cfg(feature = "symbols")]
pub(crate) fn functions(
    proc: &Dir,
    addresses: &[u64],
) -> Result<Vec<Option<Function>>, SourceError> {
    let mut functions = FunctionSearch {
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
    fn finds_kernel_image() {
        let image = found(TEXT);
        assert_eq!(image.start, Some(0xffff_ffff_8100_0000));
        assert_eq!(image.size(), Some(0x2c0_0000));
    }

    #[test]
    fn size_is_unknown_without_end_symbol() {
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
    fn invalid_lines_give_no_size() {
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
    fn search_in_parts_equals_whole_search() {
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
    fn finds_last_function_before_address() {
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
            let mut functions = FunctionSearch {
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
