//! `FormatMessage`: what the error codes mean.

use super::local;
use crate::boundary::Answer;
use crate::caller;
use crate::code::Code;
use crate::text::{Room, Unit};
use crate::types::format_message::{
    FORMAT_MESSAGE_ALLOCATE_BUFFER, FORMAT_MESSAGE_ARGUMENT_ARRAY, FORMAT_MESSAGE_FROM_HMODULE,
    FORMAT_MESSAGE_FROM_STRING, FORMAT_MESSAGE_FROM_SYSTEM, FORMAT_MESSAGE_IGNORE_INSERTS,
    FORMAT_MESSAGE_MAX_WIDTH_MASK,
};
use crate::types::{DWORD, LPCVOID, va_list};

/// Of every code that a function of this library fails with, and of the usual ones.
const MESSAGES: &[(Code, &str)] = &[
    (Code(0), "There was no error."),
    (Code(1), "There is no such function."),
    (Code(2), "There is no such file."),
    (Code::ACCESS_DENIED, "Access is denied."),
    (Code::INVALID_HANDLE, "This handle leads to nothing."),
    (Code::NOT_ENOUGH_MEMORY, "There is not enough memory."),
    (Code::BAD_LENGTH, "A length is wrong, or too small."),
    (
        Code::GEN_FAILURE,
        "The system did not answer. The process may have ended.",
    ),
    (Code::NOT_SUPPORTED, "This is not supported."),
    (Code::UNEXP_NET_ERR, "There is no file at this address."),
    (Code::INVALID_PARAMETER, "An argument is wrong."),
    (Code::INSUFFICIENT_BUFFER, "The buffer is too small."),
    (Code::MOD_NOT_FOUND, "There is no such module."),
    (Code::NOT_LOCKED, "Not all of the pages are locked."),
    (Code::NO_MORE_ITEMS, "There is nothing more."),
    (
        Code::PARTIAL_COPY,
        "Not all of the process's memory could be read. The process may have ended.",
    ),
    (
        Code::MR_MID_NOT_FOUND,
        "There is no message for this number.",
    ),
    (
        Code::INVALID_ADDRESS,
        "The address is none that this can be done with.",
    ),
    (
        Code::NOACCESS,
        "There is no memory to access at an address.",
    ),
    (
        Code::FILE_INVALID,
        "There is memory at this address that is of no file.",
    ),
    (
        Code::WORKING_SET_QUOTA,
        "The process may not lock so much memory.",
    ),
    (
        Code::RESOURCE_LANG_NOT_FOUND,
        "There is no message in this language.",
    ),
];

/// The API's limit for a text, in bytes.
const LARGEST: usize = 64 * 1024;

/// What a caller asks for besides a place for it.
#[derive(Debug, Clone, Copy)]
struct Question {
    flags: DWORD,
    id: DWORD,
    language: DWORD,
}

/// The message of a number. It has no place for arguments, so that these are not looked at.
pub fn format<U: Unit>(
    flags: DWORD,
    _source: LPCVOID,
    id: DWORD,
    language: DWORD,
    to: *mut U,
    units: DWORD,
    _arguments: *mut va_list,
) -> Answer<DWORD> {
    let message = message(Question {
        flags,
        id,
        language,
    })?;
    if flags & FORMAT_MESSAGE_ALLOCATE_BUFFER == 0 {
        return Room { to, units }.fill_whole(&message);
    }
    let mut text = U::encode(message.as_bytes());
    let length = text.len() as DWORD;
    text.push(U::NUL);
    if units as usize > LARGEST / size_of::<U>() {
        return Err(Code::INVALID_PARAMETER);
    }
    let memory = local::allocate(&text, units as usize)?;
    // The place is not for the text, but for its address.
    if let Err(code) = caller::write(to.cast(), &memory) {
        local::free(memory)?;
        return Err(code);
    }
    Ok(length)
}

fn message(question: Question) -> Answer<String> {
    const WITHOUT_EFFECT: DWORD = FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_ARGUMENT_ARRAY;
    const ELSEWHERE: DWORD = FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_FROM_HMODULE;
    const ALL: DWORD = FORMAT_MESSAGE_MAX_WIDTH_MASK
        | FORMAT_MESSAGE_ALLOCATE_BUFFER
        | FORMAT_MESSAGE_FROM_SYSTEM
        | WITHOUT_EFFECT
        | ELSEWHERE;
    let Question {
        flags,
        id,
        language,
    } = question;
    if flags & !ALL != 0 || flags & (FORMAT_MESSAGE_FROM_SYSTEM | ELSEWHERE) == 0 {
        return Err(Code::INVALID_PARAMETER);
    }
    if flags & ELSEWHERE != 0 {
        return Err(Code::NOT_SUPPORTED);
    }
    let (_, text) = MESSAGES
        .iter()
        .find(|(code, _)| code.0 == id)
        .ok_or(Code::MR_MID_NOT_FOUND)?;
    if !is_english(language) {
        return Err(Code::RESOURCE_LANG_NOT_FOUND);
    }
    Ok(match flags & FORMAT_MESSAGE_MAX_WIDTH_MASK {
        // Line breaks are as the message has them: one at its end.
        0 => format!("{text}\r\n"),
        // That one becomes a space.
        FORMAT_MESSAGE_MAX_WIDTH_MASK => format!("{text} "),
        width => wrapped(text, width as usize),
    })
}

/// Whether it is a language for which English is an answer: whichever there is, or English of any
/// country.
fn is_english(language: DWORD) -> bool {
    const PRIMARY: DWORD = 0x3FF;
    const NEUTRAL: DWORD = 0;
    const ENGLISH: DWORD = 9;
    matches!(language & PRIMARY, NEUTRAL | ENGLISH)
}

/// In lines of so many characters, if no word is longer, each with a line break.
fn wrapped(text: &str, width: usize) -> String {
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
    use crate::types::{CHAR, WCHAR};
    use crate::windows::tests::Pages;

    const SYSTEM: DWORD = FORMAT_MESSAGE_FROM_SYSTEM;

    fn wide(flags: DWORD, id: DWORD, language: DWORD) -> Answer<String> {
        let mut room = [1 as WCHAR; 128];
        let length = format(
            flags,
            null(),
            id,
            language,
            room.as_mut_ptr(),
            128,
            null_mut(),
        )?;
        assert_eq!(room[length as usize..][..2], [0, 1]);
        Ok(String::from_utf16(&room[..length as usize]).unwrap())
    }

    #[test]
    fn every_code_has_its_own_message() {
        // Those of the contract, and those of the functions around it.
        const CODES: [DWORD; 22] = [
            0, 1, 2, 5, 6, 8, 24, 31, 50, 59, 87, 122, 126, 158, 259, 299, 317, 487, 998, 1006,
            1453, 1815,
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
    fn access_is_denied() {
        assert_eq!(wide(SYSTEM, 5, 0).as_deref(), Ok("Access is denied.\r\n"));
        let mut room = [1 as CHAR; 64];
        let length = format(SYSTEM, null(), 5, 0, room.as_mut_ptr(), 64, null_mut()).unwrap();
        assert_eq!(
            &room[..length as usize],
            CHAR::encode(b"Access is denied.\r\n")
        );
        assert_eq!(room[length as usize..][..2], [0, 1]);
    }

    #[test]
    fn too_little_room_and_none() {
        const LENGTH: DWORD = "Access is denied.\r\n".len() as DWORD;
        let mut room = [1 as CHAR; 64];
        for units in [0, 1, LENGTH] {
            let answer = format(SYSTEM, null(), 5, 0, room.as_mut_ptr(), units, null_mut());
            assert_eq!(answer, Err(Code::INSUFFICIENT_BUFFER));
            assert_eq!(room[0], 1);
        }
        let answer = format(
            SYSTEM,
            null(),
            5,
            0,
            room.as_mut_ptr(),
            LENGTH + 1,
            null_mut(),
        );
        assert_eq!(answer, Ok(LENGTH));
        let _one_at_a_time = local::tests::ALLOCATING.lock();
        let pages = Pages::new(1);
        pages.protect(libc::PROT_READ);
        for to in [null_mut(), pages.at(0).cast::<CHAR>()] {
            for flags in [SYSTEM, SYSTEM | FORMAT_MESSAGE_ALLOCATE_BUFFER] {
                let answer = format(flags, null(), 5, 0, to, 64, null_mut());
                assert_eq!(answer, Err(Code::NOACCESS));
            }
        }
    }

    #[test]
    fn allocated_memory_has_the_message_and_room() {
        const FLAGS: DWORD = SYSTEM | FORMAT_MESSAGE_ALLOCATE_BUFFER;
        let _one_at_a_time = local::tests::ALLOCATING.lock();
        let mut memory: *mut WCHAR = null_mut();
        let place = std::ptr::from_mut(&mut memory).cast::<WCHAR>();
        for units in [0, 500] {
            let length = format(FLAGS, null(), 5, 0, place, units, null_mut()).unwrap() as usize;
            // SAFETY: there is the text with its NUL, and at least as much as was asked for.
            let text =
                unsafe { std::slice::from_raw_parts(memory, (length + 1).max(units as usize)) };
            let said = String::from_utf16(&text[..length]).unwrap();
            assert_eq!(said, "Access is denied.\r\n");
            assert!(text[length..].iter().all(|&unit| unit == 0));
            assert!(local::free(memory.cast()).unwrap().is_null());
        }
        let answer = format(FLAGS, null(), 5, 0, place, DWORD::MAX, null_mut());
        assert_eq!(answer, Err(Code::INVALID_PARAMETER));
    }

    #[test]
    fn what_there_is_no_message_for() {
        assert_eq!(wide(SYSTEM, 3, 0), Err(Code::MR_MID_NOT_FOUND));
        assert_eq!(wide(SYSTEM, DWORD::MAX, 0), Err(Code::MR_MID_NOT_FOUND));
        // Neutral by default, American, British; German, Japanese.
        for language in [0x400, 0x800, 0x409, 0x809] {
            assert!(wide(SYSTEM, 5, language).is_ok());
        }
        for language in [0x407, 0x411] {
            let answer = wide(SYSTEM, 5, language);
            assert_eq!(answer, Err(Code::RESOURCE_LANG_NOT_FOUND));
        }
    }

    #[test]
    fn other_sources() {
        for flags in [0, FORMAT_MESSAGE_ALLOCATE_BUFFER, SYSTEM | 0x4000] {
            assert_eq!(wide(flags, 5, 0), Err(Code::INVALID_PARAMETER));
        }
        for flags in [
            FORMAT_MESSAGE_FROM_STRING,
            FORMAT_MESSAGE_FROM_HMODULE,
            SYSTEM | FORMAT_MESSAGE_FROM_HMODULE,
        ] {
            assert_eq!(wide(flags, 5, 0), Err(Code::NOT_SUPPORTED));
        }
    }

    #[test]
    fn without_line_breaks_and_with_more() {
        let said = wide(SYSTEM | FORMAT_MESSAGE_MAX_WIDTH_MASK, 5, 0);
        assert_eq!(said.as_deref(), Ok("Access is denied. "));
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
