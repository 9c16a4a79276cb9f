//! `QueryFullProcessImageName`.

use crate::boundary::Answer;
use crate::caller;
use crate::code::Code;
use crate::handles::resolve;
use crate::processes;
use crate::text::Unit;
use crate::types::rights::PROCESS_QUERY_LIMITED_INFORMATION;
use crate::types::{BOOL, DWORD, HANDLE, TRUE};

/// A path in the system's own format, which here is the same.
const PROCESS_NAME_NATIVE: DWORD = 1;

/// The path of the program that a process runs. `size` is the room for it, and is told its length.
pub fn query<U: Unit>(process: HANDLE, flags: DWORD, to: *mut U, size: *mut DWORD) -> Answer<BOOL> {
    resolve(process, PROCESS_QUERY_LIMITED_INFORMATION)?;
    if flags & !PROCESS_NAME_NATIVE != 0 {
        return Err(Code::INVALID_PARAMETER);
    }
    let units = caller::read(size)?;
    let length = processes::image_file_name(process, to, units)?;
    caller::write(size, &length)?;
    Ok(TRUE)
}

#[cfg(test)]
mod tests {
    use std::ptr::null_mut;

    use super::*;
    use crate::handles::{close, current, open};
    use crate::types::rights::PROCESS_VM_READ;
    use crate::types::{CHAR, FALSE, WCHAR};
    use crate::windows::tests::Pages;

    fn exe() -> String {
        let exe = std::fs::read_link("/proc/self/exe").unwrap();
        exe.into_os_string().into_string().unwrap()
    }

    #[test]
    fn the_path_and_its_length() {
        let own = open(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, std::process::id()).unwrap();
        for process in [current(), own] {
            for flags in [0, PROCESS_NAME_NATIVE] {
                let (mut room, mut size) = ([1 as WCHAR; 4096], 4096);
                assert_eq!(
                    query(process, flags, room.as_mut_ptr(), &mut size),
                    Ok(TRUE)
                );
                let name = String::from_utf16(&room[..size as usize]).unwrap();
                assert_eq!(name, exe());
                assert_eq!(room[size as usize..][..2], [0, 1]);
            }
        }
        close(own).unwrap();
    }

    #[test]
    fn too_little_room() {
        let length = exe().len() as DWORD;
        let mut room = [1 as CHAR; 4096];
        for units in [0, 1, length] {
            let mut size = units;
            let answer = query(current(), 0, room.as_mut_ptr(), &mut size);
            assert_eq!(answer, Err(Code::INSUFFICIENT_BUFFER));
            assert_eq!((size, room[0]), (units, 1));
        }
        let mut size = length + 1;
        assert_eq!(query(current(), 0, room.as_mut_ptr(), &mut size), Ok(TRUE));
        assert_eq!(size, length);
    }

    #[test]
    fn what_is_wrong_is_told_in_order() {
        let blind = open(PROCESS_VM_READ, FALSE, std::process::id()).unwrap();
        let to: *mut CHAR = null_mut();
        assert_eq!(query(blind, 2, to, null_mut()), Err(Code::ACCESS_DENIED));
        close(blind).unwrap();
        assert_eq!(query(blind, 2, to, null_mut()), Err(Code::INVALID_HANDLE));
        for flags in [2, 3, DWORD::MAX] {
            let answer = query(current(), flags, to, null_mut());
            assert_eq!(answer, Err(Code::INVALID_PARAMETER));
        }
        assert_eq!(query(current(), 0, to, null_mut()), Err(Code::NOACCESS));
        let mut size = 4096;
        assert_eq!(query(current(), 0, to, &mut size), Err(Code::NOACCESS));
        // A size that may be read but not written to.
        let pages = Pages::new(1);
        pages.put(0, &4096u32.to_ne_bytes());
        pages.protect(libc::PROT_READ);
        let mut room = [0 as CHAR; 4096];
        let answer = query(current(), 0, room.as_mut_ptr(), pages.at(0).cast());
        assert_eq!(answer, Err(Code::NOACCESS));
    }
}
