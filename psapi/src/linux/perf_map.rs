//! `/tmp/perf-PID.map`: where a program says which functions it has compiled while it runs,
//! `START SIZE NAME` a line, the numbers hexadecimal. Written by the program itself, in its own
//! mount and pid namespaces, and longer and longer.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::time::ClockId;

use super::file::Directory;
use super::text::{decimal, hexadecimal, key_value, whole_lines};
use super::{stat, status};

/// Functions that do not overlap: where memory was used again, the last one said.
#[derive(Debug, Default)]
pub(crate) struct Functions(BTreeMap<u64, Function>);

#[derive(Debug)]
struct Function {
    end: u64,
    name: Box<[u8]>,
}

impl Functions {
    /// Takes in the whole lines of a text; tells how many bytes they are. Lines that make no sense
    /// are passed over.
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

    /// The function at an address, and where it starts.
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

/// The file of one process, as far as it has been read.
#[derive(Debug)]
pub(crate) struct PerfMap {
    /// The process's own `/tmp`, which outlasts the process.
    tmp: Directory,
    name: Vec<u8>,
    /// Who has to own it: anybody may write to `/tmp`.
    owner: u32,
    /// Seconds of the epoch: what was written before is of another process that had the id.
    not_before: i64,
    /// The file's identity, and how much of it has been read.
    read: Option<((u64, u64), u64)>,
    functions: Functions,
}

/// No more of the file is read: a hundred times what a large program writes.
const MOST: u64 = 1 << 30;

impl PerfMap {
    /// Finds out where the file of a pinned process would be. `None`: it has ended, or this is not
    /// permitted.
    pub(crate) fn open(process: &Directory) -> Option<Self> {
        let mut text = Vec::new();
        let owner = status::read(process, &mut text).ok()?.uids?.effective;
        let id = innermost_id(&text)?;
        let ticks = stat::read(process, &mut text).ok()?.starttime;
        let seconds = |clock| rustix::time::clock_gettime(clock).tv_sec;
        let boot = seconds(ClockId::Realtime) - seconds(ClockId::Boottime);
        let start = ticks / rustix::param::clock_ticks_per_second();
        Some(PerfMap {
            tmp: process.directory(b"root/tmp").ok()?,
            name: format!("perf-{id}.map").into(),
            owner,
            // None of the clocks is exact.
            not_before: boot + i64::try_from(start).ok()? - 2,
            read: None,
            functions: Functions::default(),
        })
    }

    /// What it says by now.
    pub(crate) fn functions(&mut self) -> &Functions {
        if let Ok(Some((file, found))) = self.tmp.try_regular_file(&self.name)
            && found.st_uid == self.owner
            && found.st_mtime >= self.not_before
        {
            #[allow(
                clippy::unnecessary_cast,
                reason = "the types of these fields differ from one architecture to another"
            )]
            let identity = (found.st_dev as u64, found.st_ino as u64);
            let read = match self.read {
                Some((known, read)) if known == identity && read <= found.st_size as u64 => read,
                _ => {
                    self.functions = Functions::default();
                    0
                }
            };
            let read = self.read_on(&file, read);
            self.read = Some((identity, read));
        }
        &self.functions
    }

    /// Reads on from an offset; tells up to where all is known.
    fn read_on(&mut self, file: &OwnedFd, mut read: u64) -> u64 {
        let mut text = vec![0; 1 << 18];
        while read < MOST {
            let length = match rustix::io::pread(file, &mut text[..], read) {
                Err(Errno::INTR) => continue,
                Ok(length) => length,
                Err(_) => 0,
            };
            match self.functions.parse(&text[..length]) {
                // The end; or a line that is longer than any name, which is where it ends, too.
                0 => break,
                done => read += done as u64,
            }
        }
        read
    }
}

/// The id by which the process knows itself, from its `status`; on a kernel without pid
/// namespaces, the only one.
fn innermost_id(status: &[u8]) -> Option<u64> {
    let value = |wanted: &[u8]| {
        whole_lines(status)
            .filter_map(key_value)
            .find_map(|(key, value)| (key == wanted).then_some(value))
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
    fn each_line_is_a_function_and_the_last_one_holds() {
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
        // One that covers several.
        functions.parse(b"1000 3000 h\n");
        assert_eq!(names(&functions), [(0x1000, 0x4000, "h")]);
    }

    #[test]
    fn nonsense_is_passed_over() {
        let mut functions = Functions::default();
        let text = b"\n1000\n1000 10\n1000 10 \n1000 0 a\nx 10 b\n10 -1 c\n\
                     ffffffffffffffff 2 d\n11111111111111111 1 e\n20 1 caf\xe9\n";
        assert_eq!(functions.parse(text), text.len());
        assert_eq!(functions.0.len(), 1);
        assert_eq!(functions.at(0x20), Some((0x20, &b"caf\xe9"[..])));
    }

    #[test]
    fn the_id_is_the_innermost_one() {
        assert_eq!(
            innermost_id(b"Tgid:\t77\nNStgid:\t77\t12\t1\nUid:\t0\n"),
            Some(1)
        );
        assert_eq!(innermost_id(b"Tgid:\t77\nUid:\t0\n"), Some(77));
        assert_eq!(innermost_id(b"Name:\ta\n"), None);
    }

    /// Lines that are nearly right.
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
        fn functions_never_overlap_and_cuts_do_not_matter(text in text(), cut: proptest::sample::Index) {
            let mut whole = Functions::default();
            whole.parse(&text);
            let mut end = 0;
            for (&start, function) in &whole.0 {
                prop_assert!(start >= end && function.end > start);
                end = function.end;
            }
            let mut parts = Functions::default();
            let done = parts.parse(&text[..cut.index(text.len() + 1)]);
            parts.parse(&text[done..]);
            prop_assert_eq!(format!("{whole:?}"), format!("{parts:?}"));
        }
    }
}
