//! `FormatMessage`: the texts of the error codes.

use super::local;
use crate::text::{CodeUnit, OutBuffer};
use crate::types::format_message::{
    FORMAT_MESSAGE_ALLOCATE_BUFFER, FORMAT_MESSAGE_ARGUMENT_ARRAY, FORMAT_MESSAGE_FROM_HMODULE,
    FORMAT_MESSAGE_FROM_STRING, FORMAT_MESSAGE_FROM_SYSTEM, FORMAT_MESSAGE_IGNORE_INSERTS,
    FORMAT_MESSAGE_MAX_WIDTH_MASK,
};
use crate::types::{DWORD, LPCVOID, va_list};
use crate::user_memory;
use crate::win32_error::{Result, Win32Error};

/// A text for every code that this library returns, and for a few common codes.
///
/// The texts have the meaning of the documented ones. Where a code means something more specific in
/// this library, its text says so.
const MESSAGES: &[(Win32Error, &str)] = &[
    (Win32Error(0), "The operation completed successfully."),
    (Win32Error(1), "The function is invalid."),
    (Win32Error::FILE_NOT_FOUND, "The file was not found."),
    (Win32Error::ACCESS_DENIED, "Access is denied."),
    (Win32Error::INVALID_HANDLE, "The handle is invalid."),
    (
        Win32Error::NOT_ENOUGH_MEMORY,
        "Not enough memory is available.",
    ),
    (Win32Error::NO_MORE_FILES, "No more entries are available."),
    (
        Win32Error::BAD_LENGTH,
        "The length is incorrect or too small.",
    ),
    (
        Win32Error::GEN_FAILURE,
        "The request failed. The process might have exited.",
    ),
    (Win32Error::NOT_SUPPORTED, "The request is not supported."),
    (
        Win32Error::UNEXP_NET_ERR,
        "An unexpected error occurred, or no file is mapped at the address.",
    ),
    (Win32Error::INVALID_PARAMETER, "A parameter is incorrect."),
    (Win32Error::INSUFFICIENT_BUFFER, "The buffer is too small."),
    (Win32Error(234), "More data is available."),
    (Win32Error::MOD_NOT_FOUND, "The module was not found."),
    (Win32Error::PROC_NOT_FOUND, "The function was not found."),
    (Win32Error::NOT_LOCKED, "Some of the pages are not locked."),
    (Win32Error::NO_MORE_ITEMS, "No more data is available."),
    (
        Win32Error::PARTIAL_COPY,
        "Only part of the process's memory could be read. The process might have exited.",
    ),
    (
        Win32Error::MR_MID_NOT_FOUND,
        "No message text was found for the message number.",
    ),
    (Win32Error::INVALID_ADDRESS, "The address is invalid."),
    (
        Win32Error::NOACCESS,
        "The memory location cannot be accessed.",
    ),
    (Win32Error::INVALID_FLAGS, "The flags are invalid."),
    (
        Win32Error::FILE_INVALID,
        "The mapped memory is not backed by a valid file.",
    ),
    (
        Win32Error::NO_UNICODE_TRANSLATION,
        "The text has characters that are not valid in its encoding.",
    ),
    (
        Win32Error::NOT_ALL_ASSIGNED,
        "Not all of the privileges are assigned to the caller.",
    ),
    (
        Win32Error::NO_SUCH_PRIVILEGE,
        "The privilege does not exist.",
    ),
    (
        Win32Error::WORKING_SET_QUOTA,
        "The quota is insufficient: the process cannot lock this much memory.",
    ),
    (
        Win32Error::RESOURCE_LANG_NOT_FOUND,
        "The message is not available in the specified language.",
    ),
];

/// The API's limit for the size of a text in bytes.
const MAX_SIZE: usize = 64 * 1024;

/// Implements `FormatMessage`. No text has inserts, so the arguments are not read.
pub fn format<U: CodeUnit>(
    flags: DWORD,
    _source: LPCVOID,
    id: DWORD,
    language: DWORD,
    to: *mut U,
    capacity: DWORD,
    _arguments: *mut va_list,
) -> Result<DWORD> {
    let message = message(flags, id, language)?;
    if flags & FORMAT_MESSAGE_ALLOCATE_BUFFER == 0 {
        return OutBuffer::new(to, capacity).write_whole(&message);
    }
    let mut text = U::encode(message.as_ref());
    let length = text.len() as DWORD;
    text.push(U::NUL);
    if capacity as usize > MAX_SIZE / size_of::<U>() {
        return Err(Win32Error::INVALID_PARAMETER);
    }
    let memory = local::allocate(&text, capacity as usize)?;
    // With this flag, `to` points to a pointer that receives the address of the text.
    if let Err(error) = user_memory::write(to.cast(), &memory) {
        local::free(memory)?;
        return Err(error);
    }
    Ok(length)
}

/// Returns the text of an error code, with line breaks as `flags` requests.
fn message(flags: DWORD, id: DWORD, language: DWORD) -> Result<String> {
    const NO_EFFECT: DWORD = FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_ARGUMENT_ARRAY;
    const OTHER_SOURCES: DWORD = FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_FROM_HMODULE;
    const ALL: DWORD = FORMAT_MESSAGE_MAX_WIDTH_MASK
        | FORMAT_MESSAGE_ALLOCATE_BUFFER
        | FORMAT_MESSAGE_FROM_SYSTEM
        | NO_EFFECT
        | OTHER_SOURCES;
    if flags & !ALL != 0 || flags & (FORMAT_MESSAGE_FROM_SYSTEM | OTHER_SOURCES) == 0 {
        return Err(Win32Error::INVALID_PARAMETER);
    }
    if flags & OTHER_SOURCES != 0 {
        return Err(Win32Error::NOT_SUPPORTED);
    }
    let (_, text) = MESSAGES
        .iter()
        .find(|(code, _)| code.0 == id)
        .ok_or(Win32Error::MR_MID_NOT_FOUND)?;
    if !accepts_english(language) {
        return Err(Win32Error::RESOURCE_LANG_NOT_FOUND);
    }
    Ok(match flags & FORMAT_MESSAGE_MAX_WIDTH_MASK {
        // No width: the text keeps its own line breaks. There is only one, at the end.
        0 => format!("{text}\r\n"),
        // This value turns the text's own line breaks into spaces.
        FORMAT_MESSAGE_MAX_WIDTH_MASK => format!("{text} "),
        width => wrap(text, width as usize),
    })
}

/// Returns true if a language id is neutral or a variant of English.
fn accepts_english(language: DWORD) -> bool {
    const PRIMARY: DWORD = 0x3FF;
    const NEUTRAL: DWORD = 0;
    const ENGLISH: DWORD = 9;
    matches!(language & PRIMARY, NEUTRAL | ENGLISH)
}

/// Wraps a text into lines of at most `width` characters. A longer word gets a line of its own.
fn wrap(text: &str, width: usize) -> String {
    let mut lines = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        let fits = used + 1 + word.len() <= width;
        lines.push_str(match used {
            0 => "",
            _ if fits => " ",
            _ => "\r\n",
        });
        lines.push_str(word);
        used = match used {
            1.. if fits => used + 1 + word.len(),
            _ => word.len(),
        };
    }
    lines + "\r\n"
}

#[cfg(test)]
mod tests {
    use std::ptr::{null, null_mut};

    use super::*;
    use crate::linux::test_memory::Pages;
    use crate::types::{CHAR, WCHAR};

    const SYSTEM: DWORD = FORMAT_MESSAGE_FROM_SYSTEM;

    fn wide(flags: DWORD, id: DWORD, language: DWORD) -> Result<String> {
        let mut buffer = [1 as WCHAR; 128];
        let length = format(
            flags,
            null(),
            id,
            language,
            buffer.as_mut_ptr(),
            128,
            null_mut(),
        )?;
        assert_eq!(buffer[length as usize..][..2], [0, 1]);
        Ok(String::from_utf16(&buffer[..length as usize]).unwrap())
    }

    #[test]
    fn every_code_has_unique_text() {
        // All codes that `windows.h` declares.
        const CODES: [DWORD; 29] = [
            0, 1, 2, 5, 6, 8, 18, 24, 31, 50, 59, 87, 122, 126, 127, 158, 234, 259, 299, 317, 487,
            998, 1004, 1006, 1113, 1300, 1313, 1453, 1815,
        ];
        let mut texts = std::collections::BTreeSet::new();
        for id in CODES {
            let text = wide(SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, id, 0).unwrap();
            assert!(text.ends_with(".\r\n"), "{text}");
            assert!(!text.contains('%'), "{text}");
            assert!(texts.insert(text));
        }
        assert_eq!(MESSAGES.len(), CODES.len());
    }

    #[test]
    fn formats_as_char_and_wchar() {
        assert_eq!(wide(SYSTEM, 5, 0).as_deref(), Ok("Access is denied.\r\n"));
        let mut buffer = [1 as CHAR; 64];
        let length = format(SYSTEM, null(), 5, 0, buffer.as_mut_ptr(), 64, null_mut()).unwrap();
        assert_eq!(
            &buffer[..length as usize],
            CHAR::encode("Access is denied.\r\n".as_ref())
        );
        assert_eq!(buffer[length as usize..][..2], [0, 1]);
    }

    #[test]
    fn rejects_small_or_unwritable_buffer() {
        const LENGTH: DWORD = "Access is denied.\r\n".len() as DWORD;
        let mut buffer = [1 as CHAR; 64];
        for capacity in [0, 1, LENGTH] {
            let result = format(
                SYSTEM,
                null(),
                5,
                0,
                buffer.as_mut_ptr(),
                capacity,
                null_mut(),
            );
            assert_eq!(result, Err(Win32Error::INSUFFICIENT_BUFFER));
            assert_eq!(buffer[0], 1);
        }
        let result = format(
            SYSTEM,
            null(),
            5,
            0,
            buffer.as_mut_ptr(),
            LENGTH + 1,
            null_mut(),
        );
        assert_eq!(result, Ok(LENGTH));
        let _serialized = local::tests::ALLOCATING.lock();
        let pages = Pages::new(1);
        pages.protect(libc::PROT_READ);
        for to in [null_mut(), pages.at(0).cast::<CHAR>()] {
            for flags in [SYSTEM, SYSTEM | FORMAT_MESSAGE_ALLOCATE_BUFFER] {
                let result = format(flags, null(), 5, 0, to, 64, null_mut());
                assert_eq!(result, Err(Win32Error::NOACCESS));
            }
        }
    }

    #[test]
    fn allocates_buffer_of_requested_size() {
        const FLAGS: DWORD = SYSTEM | FORMAT_MESSAGE_ALLOCATE_BUFFER;
        let _serialized = local::tests::ALLOCATING.lock();
        let mut memory: *mut WCHAR = null_mut();
        let address = std::ptr::from_mut(&mut memory).cast::<WCHAR>();
        for capacity in [0, 500] {
            let length =
                format(FLAGS, null(), 5, 0, address, capacity, null_mut()).unwrap() as usize;
            // SAFETY: the allocation holds the text with its NUL, and at least `capacity` units.
            let text =
                unsafe { std::slice::from_raw_parts(memory, (length + 1).max(capacity as usize)) };
            let actual = String::from_utf16(&text[..length]).unwrap();
            assert_eq!(actual, "Access is denied.\r\n");
            assert!(text[length..].iter().all(|&unit| unit == 0));
            assert!(local::free(memory.cast()).unwrap().is_null());
        }
        let result = format(FLAGS, null(), 5, 0, address, DWORD::MAX, null_mut());
        assert_eq!(result, Err(Win32Error::INVALID_PARAMETER));
    }

    #[test]
    fn unknown_code_or_language_is_rejected() {
        assert_eq!(wide(SYSTEM, 3, 0), Err(Win32Error::MR_MID_NOT_FOUND));
        assert_eq!(
            wide(SYSTEM, DWORD::MAX, 0),
            Err(Win32Error::MR_MID_NOT_FOUND)
        );
        // User default, system default, American and British English.
        for language in [0x400, 0x800, 0x409, 0x809] {
            assert!(wide(SYSTEM, 5, language).is_ok());
        }
        // German and Japanese.
        for language in [0x407, 0x411] {
            let result = wide(SYSTEM, 5, language);
            assert_eq!(result, Err(Win32Error::RESOURCE_LANG_NOT_FOUND));
        }
    }

    #[test]
    fn rejects_other_sources_and_flags() {
        for flags in [0, FORMAT_MESSAGE_ALLOCATE_BUFFER, SYSTEM | 0x4000] {
            assert_eq!(wide(flags, 5, 0), Err(Win32Error::INVALID_PARAMETER));
        }
        for flags in [
            FORMAT_MESSAGE_FROM_STRING,
            FORMAT_MESSAGE_FROM_HMODULE,
            SYSTEM | FORMAT_MESSAGE_FROM_HMODULE,
        ] {
            assert_eq!(wide(flags, 5, 0), Err(Win32Error::NOT_SUPPORTED));
        }
    }

    #[test]
    fn wraps_at_requested_width() {
        let actual = wide(SYSTEM | FORMAT_MESSAGE_MAX_WIDTH_MASK, 5, 0);
        assert_eq!(actual.as_deref(), Ok("Access is denied. "));
        for (width, text) in [
            (1, "Access\r\nis\r\ndenied.\r\n"),
            (8, "Access\r\nis\r\ndenied.\r\n"),
            (9, "Access is\r\ndenied.\r\n"),
            (10, "Access is\r\ndenied.\r\n"),
            (17, "Access is denied.\r\n"),
        ] {
            assert_eq!(wide(SYSTEM | width, 5, 0).as_deref(), Ok(text));
        }
    }
}
