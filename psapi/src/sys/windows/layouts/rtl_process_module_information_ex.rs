//! `RTL_PROCESS_MODULE_INFORMATION_EX`: the entries of `SystemModuleInformationEx`, one for each
//! module of the kernel.

use super::reader::{Reader, Width};

/// The longest path, with a NUL at its end unless it fills the field.
const PATH_SIZE: usize = 256;

/// One module of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KernelModule<'a> {
    /// 0 if the system hides addresses from the caller.
    pub(crate) base: u64,
    /// In bytes.
    pub(crate) size: u32,
    /// In the system's ANSI code page.
    pub(crate) path: &'a [u8],
    /// The part of the path that is the name of the file.
    pub(crate) name: &'a [u8],
}

/// Returns the modules of an answer, in load order.
pub(crate) fn entries(answer: &[u8], width: Width) -> impl Iterator<Item = KernelModule<'_>> {
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let start: usize = next?;
        let bytes = answer.get(start..)?;
        let distance = usize::from(Reader::new(bytes, width).u16()?);
        let module = parse(bytes, width)?;
        next = start.checked_add(distance).filter(|_| distance > 0);
        // An entry without content can end the list.
        let is_end = distance == 0 && module.size == 0;
        Some(module).filter(|_| !is_end)
    })
}

fn parse(bytes: &[u8], width: Width) -> Option<KernelModule<'_>> {
    let mut fields = Reader::new(bytes, width);
    let _next_offset = fields.u16()?;
    let (_section, _mapped_base) = (fields.size()?, fields.size()?);
    let base = fields.size()?;
    let size = fields.u32()?;
    let _flags = fields.u32()?;
    let (_load_order, _init_order, _load_count) = (fields.u16()?, fields.u16()?, fields.u16()?);
    let name_offset = usize::from(fields.u16()?);
    let path = bytes.get(fields.offset()..)?.get(..PATH_SIZE)?;
    let path = path.split(|&byte| byte == 0).next()?;
    Some(KernelModule {
        base,
        size,
        path,
        name: path.get(name_offset..).unwrap_or(path),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::windows::layouts::canned::Canned;

    #[test]
    fn modules_are_parsed_in_both_widths() {
        for (width, base, path) in [(Width::Bits32, 0x0C, 0x20), (Width::Bits64, 0x18, 0x30)] {
            let entry = path + PATH_SIZE + 8 + width.bytes();
            for has_end in [true, false] {
                let mut bytes = Canned::new(2 * entry + 4, width);
                for (index, name) in ["ntoskrnl.exe", "hal.dll"].into_iter().enumerate() {
                    let start = index * entry;
                    if has_end || index == 0 {
                        bytes.u16(start, entry as u16);
                    }
                    bytes.size(start + base, 0x8000_0000 + index as u64);
                    bytes.u32(start + base + width.bytes(), 0x5000);
                    bytes.u16(start + path - 2, 12);
                    bytes.text(start + path, &format!("\\SystemRoot\\{name}\0rest"));
                }
                let bytes = bytes.into_bytes();
                let modules: Vec<_> = entries(&bytes, width).collect();
                let module = |base, path, name| KernelModule {
                    base,
                    size: 0x5000,
                    path,
                    name,
                };
                assert_eq!(
                    modules,
                    [
                        module(
                            0x8000_0000,
                            &b"\\SystemRoot\\ntoskrnl.exe"[..],
                            &b"ntoskrnl.exe"[..]
                        ),
                        module(0x8000_0001, b"\\SystemRoot\\hal.dll", b"hal.dll"),
                    ]
                );
            }
        }
    }

    #[test]
    fn empty_last_entry_is_no_module() {
        const ENTRY: usize = 0x30 + 256;
        let mut bytes = Canned::new(2 * ENTRY, Width::Bits64);
        bytes.u16(0, ENTRY as u16);
        bytes.u32(0x20, 0x5000);
        let bytes = bytes.into_bytes();
        let sizes: Vec<_> = entries(&bytes, Width::Bits64).map(|it| it.size).collect();
        assert_eq!(sizes, [0x5000]);
    }

    #[test]
    fn full_path_needs_no_end() {
        let mut bytes = Canned::new(0x30 + 256, Width::Bits64);
        bytes.u32(0x20, 1);
        bytes.text(0x30, &"a".repeat(256));
        bytes.u16(0x2E, 300);
        let bytes = bytes.into_bytes();
        let modules: Vec<_> = entries(&bytes, Width::Bits64).collect();
        assert_eq!((modules.len(), modules[0].path.len()), (1, 256));
        assert_eq!(modules[0].name, modules[0].path);
        assert_eq!(entries(&bytes[1..], Width::Bits64).count(), 0);
    }
}
