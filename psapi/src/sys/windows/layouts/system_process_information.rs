//! `SYSTEM_PROCESS_INFORMATION`: the entries of `SystemProcessInformation`, one for each process,
//! each followed by its threads.

use super::reader::{Reader, UnicodeString, Width};
use super::vm_counters::VmCounters;

/// One process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProcessEntry<'a> {
    /// The whole answer of the call, which contains the name.
    answer: &'a [u8],
    /// Where the entry is in the answer.
    pub(crate) offset: usize,
    /// Where the next entry is.
    next: Option<usize>,
    /// The threads, and what follows them.
    threads: &'a [u8],
    width: Width,
    pub(crate) thread_count: u32,
    /// The private part of the working set in bytes. 0 where the system does not fill it.
    pub(crate) private_working_set: u64,
    pub(crate) hard_faults: u32,
    /// System time, in units of 100 ns since 1601.
    pub(crate) create_time: i64,
    /// In units of 100 ns.
    pub(crate) user_time: i64,
    /// In units of 100 ns.
    pub(crate) kernel_time: i64,
    name: UnicodeString,
    pub(crate) id: u32,
    pub(crate) parent: u32,
    pub(crate) handles: u32,
    pub(crate) session: u32,
    pub(crate) memory: VmCounters,
}

/// Returns the entries of an answer. A truncated entry ends the list.
pub(crate) fn entries(answer: &[u8], width: Width) -> impl Iterator<Item = ProcessEntry<'_>> {
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let entry = entry_at(answer, next?, width)?;
        next = entry.next;
        Some(entry)
    })
}

/// Parses the entry at an offset, which [`ProcessEntry::offset`] returned.
pub(crate) fn entry_at(answer: &[u8], offset: usize, width: Width) -> Option<ProcessEntry<'_>> {
    let bytes = answer.get(offset..)?;
    let mut fields = Reader::new(bytes, width);
    let distance = fields.u32()? as usize;
    let thread_count = fields.u32()?;
    let private_working_set = fields.u64()?;
    let hard_faults = fields.u32()?;
    let _thread_high_watermark = fields.u32()?;
    let _cycle_time = fields.u64()?;
    let (create_time, user_time, kernel_time) = (fields.i64()?, fields.i64()?, fields.i64()?);
    let name = fields.unicode_string()?;
    let _base_priority = fields.i32()?;
    let (id, parent) = (fields.size()?, fields.size()?);
    let (handles, session) = (fields.u32()?, fields.u32()?);
    let _unique_process_key = fields.size()?;
    let memory = VmCounters::read(&mut fields)?;
    let private_pages = fields.size()?;
    // Six counters of input and output.
    fields.align(size_of::<u64>());
    fields.skip(6 * size_of::<u64>());
    Some(ProcessEntry {
        answer,
        offset,
        next: offset.checked_add(distance).filter(|_| distance > 0),
        threads: bytes.get(fields.offset()..)?,
        width,
        thread_count,
        private_working_set,
        hard_faults,
        create_time,
        user_time,
        kernel_time,
        name,
        id: u32::try_from(id).ok()?,
        parent: u32::try_from(parent).ok()?,
        handles,
        session,
        memory: VmCounters {
            private_usage: Some(private_pages),
            ..memory
        },
    })
}

impl<'a> ProcessEntry<'a> {
    /// Returns the name in UTF-16; empty for the idle process. `base` is the address at which the
    /// call filled the answer.
    pub(crate) fn name(&self, base: u64) -> &'a [u8] {
        self.name.in_buffer(self.answer, base).unwrap_or_default()
    }

    /// Returns the ids of the threads.
    pub(crate) fn thread_ids(&self) -> impl Iterator<Item = u32> + use<'a> {
        let (threads, width) = (self.threads, self.width);
        // `SYSTEM_THREAD_INFORMATION`.
        let size = match width {
            Width::Bits32 => 0x40,
            Width::Bits64 => 0x50,
        };
        let count = self.thread_count as usize;
        threads
            .chunks_exact(size)
            .take(count)
            .filter_map(move |thread| {
                let mut fields = Reader::new(thread, width);
                let _times = (fields.i64()?, fields.i64()?, fields.i64()?);
                let _wait_time = fields.u32()?;
                let _start_address = fields.size()?;
                let _process = fields.size()?;
                u32::try_from(fields.size()?).ok()
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::windows::layouts::canned::Canned;

    /// Offsets that depend on the width: name, id, parent, handles, session, first size, page
    /// faults, and the first thread.
    struct Offsets {
        width: Width,
        name: usize,
        id: usize,
        parent: usize,
        handles: usize,
        session: usize,
        sizes: usize,
        faults: usize,
        working_set: usize,
        threads: usize,
        thread_size: usize,
        thread_id: usize,
    }

    const OFFSETS: [Offsets; 2] = [
        Offsets {
            width: Width::Bits32,
            name: 0x38,
            id: 0x44,
            parent: 0x48,
            handles: 0x4C,
            session: 0x50,
            sizes: 0x58,
            faults: 0x60,
            working_set: 0x64,
            threads: 0xB8,
            thread_size: 0x40,
            thread_id: 0x24,
        },
        Offsets {
            width: Width::Bits64,
            name: 0x38,
            id: 0x50,
            parent: 0x58,
            handles: 0x60,
            session: 0x64,
            sizes: 0x70,
            faults: 0x80,
            working_set: 0x88,
            threads: 0x100,
            thread_size: 0x50,
            thread_id: 0x30,
        },
    ];

    const BASE: u64 = 0x10_0000;

    /// Two processes. The second starts at an odd offset, as some systems arrange them.
    fn answer(at: &Offsets) -> Vec<u8> {
        let end = at.threads + 2 * at.thread_size;
        let second = end + 11;
        let mut bytes = Canned::new(second + at.threads, at.width);
        bytes.u32(0x00, second as u32);
        bytes.u32(0x04, 2);
        bytes.u64(0x08, 4096);
        bytes.u32(0x10, 7);
        bytes.u64(0x20, 133_000_000_000_000_000);
        bytes.u64(0x28, 20_000_000);
        bytes.u64(0x30, 30_000_000);
        bytes.unicode_string(at.name, "a.exe", BASE + end as u64);
        bytes.utf16(end, "a.exe");
        bytes.size(at.id, 4711);
        bytes.size(at.parent, 4);
        bytes.u32(at.handles, 55);
        bytes.u32(at.session, 1);
        for (index, value) in [101, 100].into_iter().enumerate() {
            bytes.size(at.sizes + index * at.width.bytes(), value);
        }
        bytes.u32(at.faults, 1000);
        for index in 0..9 {
            bytes.size(
                at.working_set + index * at.width.bytes(),
                201 + index as u64,
            );
        }
        bytes.size(at.threads + at.thread_id, 5001);
        bytes.size(at.threads + at.thread_size + at.thread_id, 5002);
        bytes.size(second + at.id, 8);
        bytes.into_bytes()
    }

    #[test]
    fn entries_are_parsed_in_both_widths() {
        for at in &OFFSETS {
            let answer = answer(at);
            let all: Vec<_> = entries(&answer, at.width).collect();
            let [entry, second] = all[..] else {
                panic!("{all:?}");
            };
            assert_eq!((entry.id, entry.parent, entry.session), (4711, 4, 1));
            assert_eq!((entry.handles, entry.hard_faults), (55, 7));
            assert_eq!(entry.private_working_set, 4096);
            assert_eq!(entry.create_time, 133_000_000_000_000_000);
            assert_eq!(
                (entry.user_time, entry.kernel_time),
                (20_000_000, 30_000_000)
            );
            let name: Vec<u8> = "a.exe".encode_utf16().flat_map(u16::to_le_bytes).collect();
            assert_eq!(entry.name(BASE), name);
            assert_eq!(entry.name(BASE + 4096), b"");
            assert_eq!(entry.thread_ids().collect::<Vec<_>>(), [5001, 5002]);
            let memory = entry.memory;
            assert_eq!((memory.peak_virtual_size, memory.virtual_size), (101, 100));
            assert_eq!(memory.page_faults, 1000);
            assert_eq!((memory.peak_working_set, memory.working_set), (201, 202));
            assert_eq!((memory.peak_paged_pool, memory.paged_pool), (203, 204));
            assert_eq!(
                (memory.peak_nonpaged_pool, memory.nonpaged_pool),
                (205, 206)
            );
            assert_eq!((memory.page_file, memory.peak_page_file), (207, 208));
            assert_eq!(memory.private_usage, Some(209));
            assert_eq!((second.id, second.thread_ids().count()), (8, 0));
            assert_eq!(second.name(BASE), b"");
        }
    }

    #[test]
    fn truncated_answer_ends_list() {
        for at in &OFFSETS {
            let answer = answer(at);
            for end in 0..answer.len() {
                let entries: Vec<_> = entries(&answer[..end], at.width).collect();
                assert_eq!(
                    entries.len(),
                    usize::from(end >= at.threads),
                    "cut at {end}"
                );
                for entry in entries {
                    assert!(entry.thread_ids().count() <= 2);
                    entry.name(BASE);
                }
            }
        }
    }
}
