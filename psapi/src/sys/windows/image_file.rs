//! The file that a process runs: `ProcessImageFileName` has the native name, and
//! `ProcessImageFileNameWin32` the path with a drive letter.

use std::ffi::OsString;
use std::path::PathBuf;

use super::buffer::Buffer;
use super::class::{ProcessClass, SystemClass};
use super::device_names::{DeviceNames, by_device};
use super::layouts::reader::{Reader, Width};
use super::nt;
use super::process::Process;
use super::status::Status;
use super::text;
use crate::error::SourceError;
use crate::status::ImageFile;

const NATIVE: ProcessClass = ProcessClass::ProcessImageFileName;
const WIN32: ProcessClass = ProcessClass::ProcessImageFileNameWin32;

/// Reads which file a process runs; `None` for processes of the kernel.
pub(crate) fn image_file(process: &Process) -> Result<Option<ImageFile>, SourceError> {
    let mut image = None;
    read(process, &mut image, &mut Buffer::default())
        .map_err(|status| process.error(NATIVE, status))?;
    process.check_alive(NATIVE)?;
    Ok(image)
}

/// Replaces the file of a row, reusing its memory.
pub(crate) fn read(
    process: &Process,
    row: &mut Option<ImageFile>,
    buffer: &mut Buffer,
) -> Result<(), Status> {
    let name = match query(process, NATIVE, buffer) {
        Ok(name) if !name.is_empty() => name,
        failed => {
            *row = None;
            return failed.map(drop);
        }
    };
    let image = row.get_or_insert_default();
    // A lookup of the device allocates, so it is made only for another file.
    if !is_named_by_letter(image, name) {
        let device_path = image.device_path.get_or_insert_default();
        replace(device_path, name);
        if let Some(path) = by_device(device_path.as_os_str()) {
            *device_path = path.into();
        }
    }
    // The file can be on a device without a drive letter.
    match query(process, WIN32, buffer) {
        Ok(path) if !path.is_empty() => replace(&mut image.path, path),
        _ => translate(image),
    }
    Ok(())
}

/// Returns true if a native name has a drive letter, as in Wine, and names the row's file.
fn is_named_by_letter(image: &ImageFile, name: &[u8]) -> bool {
    let path = name.strip_prefix(b"\\\0?\0?\0\\\0");
    path.is_some_and(|path| {
        image.device_path.is_some() && text::equals(image.path.as_os_str(), path)
    })
}

/// Replaces the file of a row whose process cannot be opened, by its id alone.
///
/// The id could belong to another process by now, so the file must have the process's name.
pub(crate) fn read_by_id(
    id: u32,
    name: &[u8],
    row: &mut Option<ImageFile>,
    buffer: &mut Vec<u16>,
) -> Result<(), Status> {
    *row = None;
    buffer.resize(usize::from(u16::MAX) / 2, 0);
    let length = nt::image_file_by_id(SystemClass::SystemProcessIdInformation, id, buffer)?;
    let path = &buffer[..length.min(buffer.len())];
    let base_name = path.rsplit(|&unit| unit == u16::from(b'\\')).next();
    if !text::units(name).eq(base_name.unwrap_or_default().iter().copied()) {
        return Err(Status::INVALID_CID);
    }
    let image = row.get_or_insert_default();
    image.device_path = Some(text::from_wide(path).into());
    translate(image);
    Ok(())
}

/// Derives the Win32 path from the native name, with the letters that devices have now.
fn translate(image: &mut ImageFile) {
    let name = image.device_path.clone().unwrap_or_default();
    let name = text::to_wide(name.as_os_str());
    image.path = text::from_wide(&DeviceNames::read().win32_path(&name)).into();
}

fn query<'b>(
    process: &Process,
    class: ProcessClass,
    buffer: &'b mut Buffer,
) -> Result<&'b [u8], Status> {
    buffer.fill(|bytes| nt::query_process(process.limited(), class, bytes))?;
    let bytes = buffer.bytes();
    let name = Reader::new(bytes, Width::NATIVE).unicode_string();
    let name = name.and_then(|name| name.in_buffer(bytes, bytes.as_ptr() as u64));
    Ok(name.unwrap_or_default())
}

fn replace(path: &mut PathBuf, bytes: &[u8]) {
    let mut text: OsString = std::mem::take(path).into_os_string();
    text::replace(&mut text, bytes);
    *path = text.into();
}
