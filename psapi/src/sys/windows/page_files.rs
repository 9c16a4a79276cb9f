//! Page files: `SystemPageFileInformation`.

use super::buffer::Buffer;
use super::class::SystemClass;
use super::device_names::DeviceNames;
use super::layouts::reader::Width;
use super::layouts::system_pagefile_information::entries;
use super::nt;
use super::system::{System, basic_information};
use super::text;
use crate::error::SourceError;
use crate::page_file::{PageFile, PageFileKind};

/// Lists the page files in use, in the system's order.
pub(crate) fn page_files(_: &System) -> Result<Vec<PageFile>, SourceError> {
    const CLASS: SystemClass = SystemClass::SystemPageFileInformation;
    let mut buffer = Buffer::default();
    let length = buffer
        .fill(|bytes| nt::query_system(CLASS, bytes))
        .map_err(|status| status.error(CLASS))?
        .len();
    let bytes = buffer.bytes();
    let base = bytes.as_ptr() as u64;
    let page_size = u64::from(basic_information()?.page_size);
    let devices = DeviceNames::read();
    let files = entries(&bytes[..length], base, Width::NATIVE).map(|file| {
        let name: Vec<u16> = text::units(file.name).collect();
        PageFile {
            path: text::from_wide(&devices.win32_path(&name)).into(),
            deleted: false,
            kind: PageFileKind::File,
            total: u64::from(file.total) * page_size,
            in_use: u64::from(file.in_use) * page_size,
            peak: Some(u64::from(file.peak) * page_size),
            priority: None,
        }
    });
    Ok(files.collect())
}

#[cfg(all(test, standin))]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::sys::windows::system::SystemOptions;

    #[test]
    fn files_of_standin_are_in_bytes() {
        let system = System::new(SystemOptions::default());
        let files = page_files(&system).unwrap();
        let [first, second] = &files[..] else {
            panic!("{files:?}");
        };
        assert_eq!(first.path, Path::new(r"C:\pagefile.sys"));
        assert_eq!((first.total, first.in_use), (0x8000_0000, 0x1000_0000));
        assert_eq!(first.peak, Some(0x2000_0000));
        // A device without a drive letter keeps its name.
        let device = Path::new(r"\Device\HarddiskVolume9\swapfile.sys");
        assert_eq!((&*second.path, second.in_use), (device, 0));
    }
}
