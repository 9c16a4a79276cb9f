//! The file that a process runs: `ProcessImageFileName` has the native name, and
//! `ProcessImageFileNameWin32` the path with a drive letter.

use std::ffi::OsString;
use std::os::windows::ffi::OsStrExt as _;
use std::path::PathBuf;

use super::buffer::Buffer;
use super::class::{ProcessClass, SystemClass};
use super::device_names::{DeviceNames, SEPARATOR, by_device};
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
        Ok(name) if is_path(text::units(name)) => name,
        other => {
            *row = None;
            return other.map(drop);
        }
    };
    let image = row.get_or_insert_default();
    if !is_named_by_letter(image, name) {
        match named_by_letter(name) {
            Some(path) => image.device_path = Some(path),
            None => replace(image.device_path.get_or_insert_default(), name),
        }
    }
    // The file can be on a device without a drive letter.
    match query(process, WIN32, buffer) {
        Ok(path) if !path.is_empty() => replace(&mut image.path, path),
        _ => translate(image),
    }
    Ok(())
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
    if !has_name(path, name) {
        return Err(Status::INVALID_CID);
    }
    if !is_path(path.iter().copied()) {
        return Ok(());
    }
    let image = row.get_or_insert_default();
    let device_path = by_device(path).unwrap_or_else(|| text::from_wide(path));
    image.device_path = Some(device_path.into());
    translate(image);
    Ok(())
}

/// Returns true if a name is that of a file. Processes of the kernel, such as `Registry`, can have
/// a name that begins with no device.
fn is_path(mut name: impl Iterator<Item = u16>) -> bool {
    name.next() == Some(SEPARATOR)
}

/// Returns true if a path ends with the name of a file, whose bytes a call returned.
fn has_name(path: &[u16], name: &[u8]) -> bool {
    let base_name = path.rsplit(|&unit| unit == SEPARATOR).next();
    let base_name = base_name.unwrap_or_default();
    text::units(name).eq(base_name.iter().copied())
}

const BY_LETTER: &str = r"\??\";

/// Returns true if a row has this file already, and the call named it by its drive letter.
fn is_named_by_letter(image: &ImageFile, name: &[u8]) -> bool {
    let mut units = text::units(name);
    let prefix = units.by_ref().take(BY_LETTER.len());
    prefix.eq(BY_LETTER.encode_utf16())
        && image.device_path.is_some()
        && image.path.as_os_str().encode_wide().eq(units)
}

/// Returns the path of a file by its device, if the call named it by its drive letter.
fn named_by_letter(name: &[u8]) -> Option<PathBuf> {
    let prefix = text::units(name).take(BY_LETTER.len());
    if !prefix.eq(BY_LETTER.encode_utf16()) {
        return None;
    }
    let name: Vec<u16> = text::units(name).collect();
    by_device(&name).map(Into::into)
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
    name.ok_or(Status::INFO_LENGTH_MISMATCH)
}

fn replace(path: &mut PathBuf, bytes: &[u8]) {
    let mut text: OsString = std::mem::take(path).into_os_string();
    text::replace(&mut text, bytes);
    *path = text.into();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    #[test]
    fn kernel_process_runs_no_file() {
        for (name, expected) in [
            (r"\Device\HarddiskVolume3\a.exe", true),
            ("Registry", false),
            ("", false),
        ] {
            assert_eq!(is_path(utf16(name).into_iter()), expected, "{name}");
        }
    }

    #[test]
    fn base_name_is_compared_whole() {
        let name: Vec<u8> = utf16("a.exe")
            .into_iter()
            .flat_map(u16::to_le_bytes)
            .collect();
        for (path, expected) in [
            (r"\Device\HarddiskVolume3\a.exe", true),
            ("a.exe", true),
            (r"\Device\HarddiskVolume3\aa.exe", false),
            (r"\Device\HarddiskVolume3\a.exe\", false),
            ("", false),
        ] {
            assert_eq!(has_name(&utf16(path), &name), expected, "{path}");
        }
    }
}
