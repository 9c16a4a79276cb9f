//! Properties of the parsers that hold for every input. A violation panics.
//!
//! The fuzz targets call these functions with generated input. The property tests call them with
//! seeds, which are files written by real kernels, and with damaged copies of seeds.

mod images;

use std::ops::ControlFlow;

use crate::cgroup;
use crate::command_line as cmdline;
use crate::sys::linux::calls::perf_record::{Record, Records};
use crate::sys::linux::modules_builtin;
use crate::sys::linux::modules_dep;
use crate::sys::linux::proc::exe;
use crate::sys::linux::proc::file_nr;
use crate::sys::linux::proc::ids;
use crate::sys::linux::proc::kallsyms::KernelImage;
use crate::sys::linux::proc::kernel_modules as modules_file;
use crate::sys::linux::proc::loadavg;
use crate::sys::linux::proc::meminfo;
use crate::sys::linux::proc::osrelease;
use crate::sys::linux::proc::overcommit_memory;
use crate::sys::linux::proc::smaps;
use crate::sys::linux::proc::smaps_rollup;
use crate::sys::linux::proc::stat;
use crate::sys::linux::proc::status;
use crate::sys::linux::proc::swaps;
use crate::sys::linux::sysfs::bus_drivers;
use crate::sys::linux::sysfs::cpus as processors;
use crate::sys::linux::text::{decimal, hexadecimal, key_value, kibibytes, signed_decimal};
use crate::sys::linux::text::{unescape, whole_lines};

pub use images::{auxv, elf, link_map, maps};

/// A fuzz target and its property. The target's name is also the name of the directory with its
/// seeds.
pub type Property = (&'static str, fn(&[u8]));

/// The properties of all parsers of the platform.
pub const PARSERS: &[Property] = &[
    ("text", text),
    ("stat", stat),
    ("status", status),
    ("smaps", smaps),
    ("smaps_rollup", smaps_rollup),
    ("cgroup", cgroup),
    ("cmdline", cmdline),
    ("kallsyms", kallsyms),
    ("kernel_modules", kernel_modules),
    ("driver_files", driver_files),
    ("meminfo", meminfo),
    ("swaps", swaps),
    ("counts", counts),
    ("maps", maps),
    ("elf", elf),
    ("auxv", auxv),
    ("link_map", link_map),
    ("perf_record", perf_record),
    ("cpus", cpus),
];

/// Checks the parser of `/proc/PID/stat`.
pub fn stat(bytes: &[u8]) {
    let Ok(stat) = stat::parse(bytes) else {
        return;
    };
    // The parsed fields up to the state reproduce the input.
    let start = [
        format!("{} (", stat.pid).as_bytes(),
        stat.comm,
        b") ",
        &[stat.state],
        b" ",
    ]
    .concat();
    let has_leading_zeros = bytes.starts_with(b"0");
    assert!(bytes.starts_with(&start) || has_leading_zeros);
    assert!(bytes.ends_with(b"\n"));
    assert!(!bytes[start.len()..].contains(&b')') || has_leading_zeros);
}

/// Checks the parser of `/proc/PID/status`.
pub fn status(bytes: &[u8]) {
    let Ok(status) = status::parse(bytes) else {
        return;
    };
    assert_ne!(status.tgid, 0);
    if let Some(memory) = status.memory {
        assert_eq!(memory.vm_rss, last_kibibytes(bytes, b"VmRSS", b"Threads"));
        assert_eq!(memory.vm_swap, last_kibibytes(bytes, b"VmSwap", b"Threads"));
        assert_eq!(memory.vm_hwm % 1024, 0);
    }
    // Lines after the parsed part do not change the result.
    let longer = [bytes, b"VmRSS:\t1 kB\nTgid:\t1\nUid:\tx\n"].concat();
    assert_eq!(status::parse(&longer), Ok(status));
}

/// Checks the parser of `/proc/PID/smaps`.
pub fn smaps(bytes: &[u8]) {
    let Ok(smaps) = smaps::parse(bytes) else {
        return;
    };
    let mut reached = 0;
    for smap in &smaps {
        assert!(smap.start >= reached && smap.end > smap.start);
        assert_eq!(smap.rss % 1024, 0);
        reached = smap.end;
    }
    // Each mapping has at least a title line and a line with its flags.
    assert!(smaps.len() * 2 <= newlines(bytes));
}

/// Checks the parser of `/proc/PID/smaps_rollup`.
pub fn smaps_rollup(bytes: &[u8]) {
    match smaps_rollup::parse(bytes) {
        Ok(Some(rollup)) => {
            let after_title =
                &bytes[1 + memchr::memchr(b'\n', bytes).expect("the title line ends")..];
            assert_eq!(rollup.rss, last_kibibytes(after_title, b"Rss", b""));
            assert_eq!(rollup.locked, last_kibibytes(after_title, b"Locked", b""));
        }
        Ok(None) => assert!(bytes.is_empty()),
        Err(_) => assert!(!bytes.is_empty()),
    }
}

/// Checks the parser of `/proc/PID/cgroup`.
pub fn cgroup(bytes: &[u8]) {
    for line in cgroup::lines(bytes) {
        assert_part(bytes, line.controllers);
        assert_part(bytes, line.path);
        assert!(!line.path.contains(&b'\n') && !line.controllers.contains(&b':'));
        if let Some(id) = cgroup::container_id(line.path) {
            assert_part(line.path, id);
            assert!(!id.is_empty() && !id.contains(&b'/'));
        }
    }
    assert!(cgroup::lines(bytes).count() <= newlines(bytes));
}

/// Checks the parser of `/proc/PID/cmdline`.
pub fn cmdline(bytes: &[u8]) {
    let arguments: Vec<_> = cmdline::arguments(bytes).collect();
    assert_eq!(arguments.is_empty(), bytes.is_empty());
    let joined = arguments.join(&0);
    assert_eq!(joined, bytes.strip_suffix(b"\0").unwrap_or(bytes));
}

/// Checks the search in `/proc/kallsyms`. The first byte is the size of the parts in which the rest
/// is read.
pub fn kallsyms(bytes: &[u8]) {
    let Some((&part, text)) = bytes.split_first() else {
        return;
    };
    let mut whole = KernelImage::default();
    if let ControlFlow::Continue(done) = whole.search(text) {
        assert!(done == 0 || text[done - 1] == b'\n');
        assert!(!text[done..].contains(&b'\n'));
    }
    let mut in_parts = KernelImage::default();
    let mut start = 0;
    for end in (0..text.len())
        .step_by(usize::from(part) + 1)
        .chain([text.len()])
    {
        match in_parts.search(&text[start..end]) {
            ControlFlow::Continue(done) => start += done,
            ControlFlow::Break(()) => break,
        }
    }
    assert_eq!(in_parts, whole);
    assert!(whole.start != Some(0) && whole.end != Some(0) && whole.size() != Some(0));
}

/// Checks the parser of `/proc/modules`.
pub fn kernel_modules(bytes: &[u8]) {
    let Ok(modules) = modules_file::parse(bytes) else {
        return;
    };
    assert_eq!(modules.len(), newlines(bytes));
    for module in modules {
        assert_part(bytes, module.name);
        assert_ne!(module.address, Some(0));
        assert!(!module.name.is_empty() && !module.state.is_empty());
        for user in module.users() {
            assert_part(bytes, user);
            assert!(!user.is_empty() && !user.contains(&b','));
        }
    }
}

/// Checks the parsers of the lists in `lib/modules/RELEASE`, of the release, and of a driver's link
/// to its module.
pub fn driver_files(bytes: &[u8]) {
    for path in modules_dep::files(bytes) {
        assert_part(bytes, path);
        if let Some(name) = modules_dep::name_of(path) {
            assert_part(path, name);
            assert!(!name.is_empty() && !name.contains(&b'/'));
            let normal = modules_dep::normalized(name);
            assert_eq!(modules_dep::normalized(&normal), normal);
            assert_eq!(normal.len(), name.len());
        }
    }
    for name in modules_builtin::names(bytes) {
        assert!(!name.is_empty() && !name.contains(&b'-') && !name.contains(&b'/'));
    }
    for name in [osrelease::parse(bytes), bus_drivers::parse_link(bytes)]
        .into_iter()
        .flatten()
    {
        assert_part(bytes, name);
        assert!(!name.contains(&b'/') && !matches!(name, b"" | b"." | b".."));
    }
}

/// Checks the parser of `/proc/meminfo`.
pub fn meminfo(bytes: &[u8]) {
    let Ok(memory) = meminfo::parse(bytes) else {
        return;
    };
    assert_eq!(memory.mem_total, last_kibibytes(bytes, b"MemTotal", b""));
    assert_eq!(
        memory.committed_as,
        last_kibibytes(bytes, b"Committed_AS", b"")
    );
    if let Some(percpu) = memory.percpu {
        assert_eq!(percpu, last_kibibytes(bytes, b"Percpu", b""));
    }
    if let Some(pages) = memory.huge_pages {
        assert_eq!(pages.size, last_kibibytes(bytes, b"Hugepagesize", b""));
    }
}

/// Checks the parser of `/proc/swaps`.
pub fn swaps(bytes: &[u8]) {
    let Ok(swaps) = swaps::parse(bytes) else {
        return;
    };
    assert_eq!(swaps.len() + 1, newlines(bytes));
    for swap in swaps {
        assert!(swap.path.len() < bytes.len());
        assert_eq!((swap.size % 1024, swap.used % 1024), (0, 0));
        assert_part(bytes, swap.kind);
    }
}

/// Checks the parsers of `loadavg`, `file-nr`, `overcommit_memory`, and directory names that are
/// process ids.
pub fn counts(bytes: &[u8]) {
    if overcommit_memory::parse_is_enforced(bytes) == Ok(true) {
        assert!(bytes.ends_with(b"2\n"));
    }
    for count in [loadavg::parse_threads(bytes), file_nr::parse_open(bytes)]
        .into_iter()
        .flatten()
    {
        assert!(bytes.ends_with(b"\n"));
        let digits = count.to_string();
        assert!(memchr::memmem::find(bytes, digits.as_bytes()).is_some());
    }
    if let Some(id) = ids::parse_name(bytes) {
        assert_eq!(id.to_string().as_bytes(), bytes);
    }
}

/// Checks the parser of the records in a ring buffer of `perf_event`.
pub fn perf_record(bytes: &[u8]) {
    let mut length = 0;
    let mut records = Records::new(bytes);
    for record in records.by_ref() {
        let Ok(record) = record else {
            break;
        };
        // The size in the record's header covers the record's fields.
        let size = u16::from_ne_bytes([bytes[length + 6], bytes[length + 7]]);
        let min_size = match record {
            Record::Sample(sample) => 48 + 8 * usize::from(sample.major),
            Record::Lost | Record::Other => 8,
        };
        assert!(usize::from(size) >= min_size);
        length += usize::from(size);
    }
    assert!(length <= bytes.len() && records.next().is_none());
}

/// Checks the parser of `/sys/devices/system/cpu/online`, a list of CPUs.
pub fn cpus(bytes: &[u8]) {
    let Ok(cpus) = processors::parse(bytes) else {
        return;
    };
    assert!(cpus.is_sorted_by(|a, b| a < b));
    let mut ends = bytes
        .split(|byte| !byte.is_ascii_digit())
        .filter_map(decimal);
    assert!(ends.all(|end| cpus.contains(&(end as u32))));
    assert!(!cpus.is_empty());
}

/// Checks the parsers of numbers, lines, escapes, and the suffix of deleted files.
pub fn text(bytes: &[u8]) {
    // Only the standard library accepts a leading plus sign.
    let utf8 = std::str::from_utf8(bytes).ok();
    let plain = utf8.filter(|text| !text.starts_with('+'));
    let parsed = plain.and_then(|text| text.parse().ok());
    assert_eq!(decimal(bytes), parsed);
    let minus = |text: &&str| !text.starts_with("-+");
    let parsed = plain.filter(minus).and_then(|text| text.parse().ok());
    assert_eq!(signed_decimal(bytes), parsed);
    let parsed = plain.and_then(|text| u64::from_str_radix(text, 16).ok());
    assert_eq!(hexadecimal(bytes), parsed.filter(|_| bytes.len() <= 16));

    let lines: Vec<_> = whole_lines(bytes).collect();
    assert_eq!(lines.len(), newlines(bytes));
    let joined = lines.iter().flat_map(|line| [line, &b"\n"[..]]);
    let joined = joined.collect::<Vec<_>>().concat();
    assert!(bytes.starts_with(&joined) && !bytes[joined.len()..].contains(&b'\n'));
    for (key, value) in lines.into_iter().filter_map(key_value) {
        assert_part(bytes, value);
        assert!(!key.contains(&b':'));
        assert!(kibibytes(value).is_none_or(|bytes| bytes % 1024 == 0));
    }

    assert_eq!(unescape(&escaped(bytes)), bytes);
    assert!(unescape(bytes).len() <= bytes.len());

    let (path, deleted) = exe::split_deleted(bytes);
    let mark: &[u8] = if deleted { b" (deleted)" } else { b"" };
    assert_eq!([path, mark].concat(), bytes);
}

/// Escapes a path as the kernel does.
fn escaped(path: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(path.len());
    for &byte in path {
        match byte {
            b' ' | b'\t' | b'\n' | b'\\' => {
                let octal = [byte >> 6, byte >> 3 & 7, byte & 7].map(|digit| b'0' + digit);
                text.push(b'\\');
                text.extend_from_slice(&octal);
            }
            _ => text.push(byte),
        }
    }
    text
}

/// Returns the value of the last line with a key, before the first line with the key `end`.
fn last_kibibytes(text: &[u8], key: &[u8], end: &[u8]) -> u64 {
    whole_lines(text)
        .filter_map(key_value)
        .take_while(|&(found, _)| end.is_empty() || found != end)
        .filter(|&(found, _)| found == key)
        .last()
        .and_then(|(_, value)| kibibytes(value))
        .expect("a parsed value is on a line of the input")
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

/// Asserts that `part` is a subslice of `whole`.
fn assert_part(whole: &[u8], part: &[u8]) {
    let (outer, inner) = (whole.as_ptr_range(), part.as_ptr_range());
    assert!(outer.start <= inner.start && inner.end <= outer.end);
}
