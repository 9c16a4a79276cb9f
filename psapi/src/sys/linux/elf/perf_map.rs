//! `/tmp/perf-PID.map`: a list of the functions that a program compiled at run time.
//!
//! Each line is `START SIZE NAME` with hexadecimal numbers. The program itself appends to the file,
//! in its own mount namespace and with the id that it has in its own pid namespace.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::time::ClockId;

use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc::stat;
use crate::sys::linux::proc::status;
use crate::sys::linux::process::Process;
use crate::sys::linux::text::{decimal, hexadecimal, key_value, whole_lines};

/// Functions that do not overlap. If lines overlap because the program reused memory, the last one
/// wins.
#[derive(Debug, Default)]
pub(crate) struct Functions(BTreeMap<u64, Function>);

#[derive(Debug)]
struct Function {
    end: u64,
    name: Box<[u8]>,
}

impl Functions {
    /// Adds the functions on complete lines of `text` and returns the length of these lines.
    /// Invalid lines are skipped.
    fn parse(&mut self, text: &[u8]) -> usize {
        let mut done = 0;
        for line in whole_lines(text) {
            done += line.len() + 1;
            if let Some((start, size, name)) = parse_line(line)
                && let Some(end) = start.checked_add(size)
            {
                self.insert(start, end, name);
            }
        }
        done
    }

    fn insert(&mut self, start: u64, end: u64, name: &[u8]) {
        while let Some((&other, function)) = self.0.range(..end).next_back()
            && function.end > start
        {
            self.0.remove(&other);
        }
        let name = name.into();
        self.0.insert(start, Function { end, name });
    }

    /// Returns the start and name of the function at an address.
    pub(crate) fn at(&self, address: u64) -> Option<(u64, &[u8])> {
        let (&start, function) = self.0.range(..=address).next_back()?;
        (address < function.end).then_some((start, &function.name))
    }
}

fn parse_line(line: &[u8]) -> Option<(u64, u64, &[u8])> {
    let mut fields = line.splitn(3, |&byte| byte == b' ');
    let mut number = || {
        let field = fields.next()?;
        hexadecimal(field.strip_prefix(b"0x").unwrap_or(field))
    };
    let (start, size) = (number()?, number()?);
    let name = fields.next()?.trim_ascii();
    (size > 0 && !name.is_empty()).then_some((start, size, name))
}

/// The file of one process, and the functions that were read from it so far.
#[derive(Debug)]
pub(crate) struct PerfMap {
    /// The process's own `/tmp`, held open so that the file is accessible after the process exits.
    tmp: Dir,
    name: Vec<u8>,
    /// The accepted owners of the file, since every user can write to `/tmp`. They are the users
    /// that the process runs as, the user that started it, and root in its user namespace and in
    /// the caller's.
    owners: Vec<u32>,
    /// Seconds since the epoch. An older file belongs to an earlier process with the same id.
    not_before: i64,
    /// The file's device and inode, and the number of bytes that were read.
    read: Option<((u64, u64), u64)>,
    functions: Functions,
    /// The reason why the file was not read at the last attempt.
    refused: Option<String>,
}

/// Limit for the size of the file: a hundred times as much as a large program writes.
const MAX_SIZE: u64 = 1 << 30;

impl PerfMap {
    /// Prepares to read the file of a pinned process. Returns `None` if the process has ended or
    /// access is denied.
    pub(crate) fn open(process: &Process) -> Option<Self> {
        let mut text = Vec::new();
        let start_offset = process.system().start_offset(&mut text).ok()?;
        let process = process.directory();
        let users = status::read(process, &mut text).ok()?.uids?;
        // The real user id stays that of the user who started a set-user-ID program.
        let mut owners = vec![users.effective, users.real, users.saved, 0];
        let id = innermost_id(&text)?;
        let mut map = Vec::new();
        if process.read(b"uid_map", &mut map).is_ok() {
            owners.extend(namespace_root(&map));
        }
        let start = stat::read(process, &mut text).ok()?.start(start_offset);
        let seconds = |clock| rustix::time::clock_gettime(clock).tv_sec;
        let boot = seconds(ClockId::Realtime) - seconds(ClockId::Boottime);
        Some(PerfMap {
            tmp: process.directory(b"root/tmp").ok()?,
            name: format!("perf-{id}.map").into(),
            owners,
            // Both clocks and the start time have limited resolution.
            not_before: boot + start.secs() - 2,
            read: None,
            functions: Functions::default(),
            refused: None,
        })
    }

    /// Returns the reason why the file was not read at the last attempt, and names the file.
    pub(crate) fn refused(&self) -> Option<String> {
        let name = String::from_utf8_lossy(&self.name);
        let reason = self.refused.as_ref()?;
        Some(format!("/tmp/{name}: {reason}"))
    }

    /// Reads lines that were added since the last call, and returns all functions.
    pub(crate) fn functions(&mut self) -> &Functions {
        let found = self.tmp.try_regular_file(&self.name);
        self.refused = match &found {
            Ok(Some((_, found))) if !self.owners.contains(&found.st_uid) => Some(format!(
                "the file belongs to user {}, which is neither root nor a user of the process",
                found.st_uid
            )),
            Ok(Some((_, found))) if found.st_mtime < self.not_before => {
                Some("the file is older than the process".to_owned())
            }
            Ok(Some(_)) => None,
            Ok(None) => Some("not a regular file".to_owned()),
            Err(Errno::NOENT) => Some(
                "the program does not write this file; some have an option for it, such as \
                 --perf-basic-prof"
                    .to_owned(),
            ),
            Err(errno) => Some(std::io::Error::from(*errno).to_string()),
        };
        if let Ok(Some((file, found))) = found
            && self.refused.is_none()
        {
            #[allow(
                clippy::unnecessary_cast,
                reason = "the types of these fields differ from one architecture to another"
            )]
            let identity = (found.st_dev as u64, found.st_ino as u64);
            // A replaced or truncated file is read again from the start.
            let read = match self.read {
                Some((known, read)) if known == identity && read <= found.st_size as u64 => read,
                _ => {
                    self.functions = Functions::default();
                    0
                }
            };
            let read = self.read_from(&file, read);
            self.read = Some((identity, read));
        }
        &self.functions
    }

    /// Reads from an offset and returns the offset after the last complete line.
    fn read_from(&mut self, file: &OwnedFd, mut read: u64) -> u64 {
        let mut text = vec![0; 1 << 18];
        while read < MAX_SIZE {
            let length = match rustix::io::pread(file, &mut text[..], read) {
                Err(Errno::INTR) => continue,
                Ok(length) => length,
                Err(_) => 0,
            };
            match self.functions.parse(&text[..length]) {
                // The end of the file, or a line that is too long for the buffer and hence invalid.
                0 => break,
                done => read += done as u64,
            }
        }
        read
    }
}

/// Returns the user that is root in a user namespace, from the text of `uid_map`. A line has the
/// first id inside, the first id outside, and the number of ids.
fn namespace_root(map: &[u8]) -> Option<u32> {
    whole_lines(map).find_map(|line| {
        let mut fields = line.split(u8::is_ascii_whitespace);
        let mut number = || decimal(fields.find(|field| !field.is_empty())?);
        let (inside, outside) = (number()?, number()?);
        (inside == 0).then(|| u32::try_from(outside).ok())?
    })
}

/// Returns the process's id in its own pid namespace, from the text of `status`. A kernel without
/// pid namespaces has only one id.
fn innermost_id(status: &[u8]) -> Option<u64> {
    let value = |expected: &[u8]| {
        whole_lines(status)
            .filter_map(key_value)
            .find_map(|(key, value)| (key == expected).then_some(value))
    };
    let ids = value(b"NStgid").or_else(|| value(b"Tgid"))?;
    decimal(ids.rsplit(u8::is_ascii_whitespace).next()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(functions: &Functions) -> Vec<(u64, u64, &str)> {
        let names = functions.0.iter();
        names
            .map(|(&start, function)| {
                let name = std::str::from_utf8(&function.name).unwrap();
                (start, function.end, name)
            })
            .collect()
    }

    #[test]
    fn later_line_replaces_overlapping_functions() {
        let mut functions = Functions::default();
        let text = b"1000 100 a b::c(int)\n0x2000 0x10 d\n3000 8 e\n1080 100 f\n2000 4 g\ncut 1";
        assert_eq!(functions.parse(text), text.len() - 5);
        assert_eq!(
            names(&functions),
            [
                (0x1080, 0x1180, "f"),
                (0x2000, 0x2004, "g"),
                (0x3000, 0x3008, "e")
            ]
        );
        assert_eq!(functions.at(0x2003), Some((0x2000, &b"g"[..])));
        for nothing in [0, 0x107f, 0x1180, 0x2004, u64::MAX] {
            assert_eq!(functions.at(nothing), None);
        }
        // A function that covers several others.
        functions.parse(b"1000 3000 h\n");
        assert_eq!(names(&functions), [(0x1000, 0x4000, "h")]);
    }

    #[test]
    fn skips_invalid_lines() {
        let mut functions = Functions::default();
        let text = b"\n1000\n1000 10\n1000 10 \n1000 0 a\nx 10 b\n10 -1 c\n\
                     ffffffffffffffff 2 d\n11111111111111111 1 e\n20 1 caf\xe9\n";
        assert_eq!(functions.parse(text), text.len());
        assert_eq!(functions.0.len(), 1);
        assert_eq!(functions.at(0x20), Some((0x20, &b"caf\xe9"[..])));
    }

    #[test]
    fn uses_id_of_innermost_namespace() {
        assert_eq!(
            innermost_id(b"Tgid:\t77\nNStgid:\t77\t12\t1\nUid:\t0\n"),
            Some(1)
        );
        assert_eq!(innermost_id(b"Tgid:\t77\nUid:\t0\n"), Some(77));
        assert_eq!(innermost_id(b"Name:\ta\n"), None);
    }

    #[test]
    fn finds_root_of_user_namespace() {
        let map = b"         0     100000      65536\n";
        assert_eq!(namespace_root(map), Some(100_000));
        let own = b"      1000       1000          1\n         0       1001          1\n";
        assert_eq!(namespace_root(own), Some(1001));
        assert_eq!(namespace_root(b"      1000       1000          1\n"), None);
        assert_eq!(namespace_root(b""), None);
    }

    /// Generates lines, most of them valid.
    fn text() -> impl Strategy<Value = Vec<u8>> {
        let number = prop_oneof![0..200u64, any::<u64>()];
        let line = (number.clone(), number, "[ -~]{0,9}");
        let line = line.prop_map(|(start, size, name)| format!("{start:x} {size:x} {name}\n"));
        let bytes = proptest::collection::vec(any::<u8>(), 0..20);
        let part = prop_oneof![9 => line.prop_map(String::into_bytes), 1 => bytes];
        proptest::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn functions_never_overlap(text in text(), cut: proptest::sample::Index) {
            let mut whole = Functions::default();
            whole.parse(&text);
            let mut end = 0;
            for (&start, function) in &whole.0 {
                prop_assert!(start >= end && function.end > start);
                end = function.end;
            }
            // Reading the text in two parts gives the same functions.
            let mut parts = Functions::default();
            let done = parts.parse(&text[..cut.index(text.len() + 1)]);
            parts.parse(&text[done..]);
            prop_assert_eq!(format!("{whole:?}"), format!("{parts:?}"));
        }
    }
}
