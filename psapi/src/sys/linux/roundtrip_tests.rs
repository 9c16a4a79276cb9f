//! Round trips: text in the kernel's format, made of arbitrary values, parses to the same values.
//!
//! The formats are written here independently of the parsers, so that a mistake in one of them does
//! not cancel out.

use proptest::prelude::*;

use crate::cgroup;
use crate::command_line as cmdline;
use crate::sys::linux::proc::file_nr;
use crate::sys::linux::proc::kallsyms;
use crate::sys::linux::proc::kernel_modules;
use crate::sys::linux::proc::loadavg;
use crate::sys::linux::proc::meminfo;
use crate::sys::linux::proc::smaps_rollup;
use crate::sys::linux::proc::stat;
use crate::sys::linux::proc::status;
use crate::sys::linux::proc::swaps;

/// Generates names of arbitrary bytes, except the bytes in `forbidden`, which end a field or a
/// line.
fn name(forbidden: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    let byte = any::<u8>().prop_filter("the byte ends a field", move |byte| {
        !forbidden.contains(byte)
    });
    prop::collection::vec(byte, 1..20)
}

/// Generates sizes in bytes that are whole kB.
fn size() -> impl Strategy<Value = u64> {
    prop_oneof![0..10_000u64, 0..=u64::MAX / 1024].prop_map(|kib| kib * 1024)
}

/// Formats `Key: value` lines. Before each, adds a line with an unknown key that starts with `Key`.
fn lines(figures: &[(&str, String)]) -> Vec<u8> {
    let lines = figures
        .iter()
        .map(|(key, value)| format!("{key}Unknown:\t1 of\n{key}:\t{value:>8}\n"));
    lines.collect::<String>().into_bytes()
}

fn kib(bytes: u64) -> String {
    format!("{} kB", bytes / 1024)
}

proptest! {
    #[test]
    fn stat(
        comm in prop::collection::vec(any::<u8>(), 0..64),
        (pid, ppid, num_threads) in (1..=u32::MAX, any::<u32>(), any::<u32>()),
        (pgrp, session) in (-1..=i32::MAX, -1..=i32::MAX),
        (state, tty_nr, nice) in (b'A'..b'z', any::<i32>(), any::<i32>()),
        (flags, min_flt, maj_flt) in any::<(u64, u64, u64)>(),
        (utime, stime, starttime) in any::<(u64, u64, u64)>(),
        further in r"( [0-9]{1,20}){0,40}",
    ) {
        let line = [
            format!("{pid} (").as_bytes(),
            &comm,
            b") ",
            &[state],
            format!(
                " {ppid} {pgrp} {session} {tty_nr} -1 {flags} {min_flt} 1 {maj_flt} 2 {utime} \
                 {stime} -3 -4 -5 {nice} {num_threads} 0 {starttime}{further}\n"
            )
            .as_bytes(),
        ]
        .concat();
        let (pgrp, session) = (pgrp.max(0) as u32, session.max(0) as u32);
        prop_assert_eq!(stat::parse(&line), Ok(stat::Stat {
            pid, comm: &comm, state, ppid, pgrp, session, tty_nr, flags, min_flt, maj_flt,
            utime, stime, nice, num_threads, starttime,
        }));
    }

    #[test]
    fn status(
        tgid in 1..=u32::MAX,
        uids in any::<[u32; 4]>(),
        gids in any::<[u32; 4]>(),
        memory in prop::option::of(prop::array::uniform13(size())),
        hugetlb in prop::option::of(size()),
    ) {
        let ids = |[real, effective, saved, file_system]: [u32; 4]| {
            let text = format!("{real}\t{effective}\t{saved}\t{file_system}");
            (text, status::Ids { real, effective, saved, file_system })
        };
        let ((uid_text, uids), (gid_text, gids)) = (ids(uids), ids(gids));
        let mut figures = vec![("Tgid", tgid.to_string()), ("Uid", uid_text), ("Gid", gid_text)];
        let keys = [
            "VmPeak", "VmSize", "VmLck", "VmPin", "VmHWM", "VmRSS", "RssAnon", "RssFile",
            "RssShmem", "VmData", "VmStk", "VmPTE", "VmSwap",
        ];
        if let Some(memory) = memory {
            figures.extend(keys.into_iter().zip(memory.map(kib)));
            figures.extend(hugetlb.map(|bytes| ("HugetlbPages", kib(bytes))));
        }
        figures.push(("Threads", "1".into()));
        let memory = memory.map(|[
            vm_peak, vm_size, vm_lck, vm_pin, vm_hwm, vm_rss, rss_anon, rss_file, rss_shmem,
            vm_data, vm_stk, vm_pte, vm_swap,
        ]| status::Memory {
            vm_peak, vm_size, vm_lck, vm_pin, vm_hwm, vm_rss, rss_anon, rss_file, rss_shmem,
            vm_data, vm_stk, vm_pte, vm_swap, hugetlb_pages: hugetlb,
        });
        let (uids, gids) = (Some(uids), Some(gids));
        let expected = status::Status { tgid, uids, gids, memory };
        prop_assert_eq!(status::parse(&lines(&figures)), Ok(expected));
    }

    #[test]
    fn smaps_rollup(required in prop::array::uniform12(size()), lazy in prop::option::of(size())) {
        let keys = [
            "Rss", "Pss", "Shared_Clean", "Shared_Dirty", "Private_Clean", "Private_Dirty",
            "Referenced", "Anonymous", "AnonHugePages", "Swap", "SwapPss", "Locked",
        ];
        let mut figures: Vec<_> = keys.into_iter().zip(required.map(kib)).collect();
        figures.extend(lazy.map(|bytes| ("LazyFree", kib(bytes))));
        let mut text = b"55d0-7ffe ---p 00000000 00:00 0    [rollup]\n".to_vec();
        for (key, value) in figures {
            text.extend_from_slice(format!("{key}: {value}\n").as_bytes());
        }
        let [
            rss, pss, shared_clean, shared_dirty, private_clean, private_dirty, referenced,
            anonymous, anon_huge_pages, swap, swap_pss, locked,
        ] = required;
        prop_assert_eq!(smaps_rollup::parse(&text), Ok(Some(smaps_rollup::SmapsRollup {
            rss, pss, shared_clean, shared_dirty, private_clean, private_dirty, referenced,
            anonymous, anon_huge_pages, swap, swap_pss, locked, lazy_free: lazy,
            ..Default::default()
        })));
    }

    #[test]
    fn cgroup(
        memberships in prop::collection::vec((any::<u32>(), name(b":\n"), name(b"\n")), 0..8)
    ) {
        let mut text = Vec::new();
        for (hierarchy, controllers, path) in &memberships {
            let parts = [hierarchy.to_string().as_bytes(), controllers, path].join(&b':');
            text.extend_from_slice(&[&parts, &b"\n"[..]].concat());
        }
        let lines: Vec<_> = cgroup::lines(&text)
            .map(|line| (line.hierarchy, line.controllers.to_vec(), line.path.to_vec()))
            .collect();
        prop_assert_eq!(lines, memberships);
    }

    #[test]
    fn container_id(
        digits in prop::collection::vec(prop::sample::select(&b"0123456789abcdef"[..]), 64),
        before in r"(/[a-z.]{1,9}){0,3}/([a-z]{1,9}-){0,2}",
        after in r"(\.scope)?(/[a-z]{1,9}){0,2}",
    ) {
        let path = [before.as_bytes(), &digits, after.as_bytes()].concat();
        // A directory below /lxc would be a nested container.
        prop_assume!(![&before, &after].iter().any(|part| part.contains("lxc")));
        prop_assert_eq!(cgroup::container_id(&path), Some(&digits[..]));
    }

    #[test]
    fn cmdline(arguments in prop::collection::vec(prop_oneof![name(b"\0"), Just(vec![])], 0..9)) {
        let text: Vec<u8> = arguments.iter().flat_map(|a| [a, &b"\0"[..]].concat()).collect();
        let parsed: Vec<_> = cmdline::arguments(&text).map(<[u8]>::to_vec).collect();
        prop_assert_eq!(parsed, arguments);
    }

    #[test]
    fn kallsyms(
        (start, length) in (1..u64::MAX / 2, 1..u64::MAX / 2),
        before in r"([0-9a-f]{16} [tTdD] [a-z_.]{1,30}x\n){0,9}",
        between in r"([0-9a-f]{16} [tTdD] [a-z_.]{1,30}x\n){0,9}",
        of_modules in r"([0-9a-f]{16} [tTdD] (_text|_end)\t\[[a-z_.]{1,30}\]\n){0,9}",
    ) {
        let end = start + length;
        let text = format!(
            "{before}{start:016x} T _text\n{between}{end:016x} B _end\n{of_modules}"
        );
        let mut image = kallsyms::KernelImage::default();
        let _ = image.search(text.as_bytes());
        prop_assert_eq!((image.start, image.size()), (Some(start), Some(length)));
        let functions_only = format!("{before}{start:016x} T _text\n{between}{of_modules}");
        let mut image = kallsyms::KernelImage::default();
        let _ = image.search(functions_only.as_bytes());
        prop_assert_eq!((image.start, image.size()), (Some(start), None));
    }

    #[test]
    fn modules(
        name in name(b" \n"),
        users in prop::collection::vec("[a-z0-9_]{1,20}", 0..5),
        (size, references) in any::<(u32, Option<u32>)>(),
        (permanent, address) in any::<(bool, u64)>(),
        taint in "[A-Z]{0,5}[-+]?",
    ) {
        let mut list: String = users.iter().map(|user| format!("{user},")).collect();
        if permanent {
            list.push_str("[permanent],");
        }
        let list = if list.is_empty() { "-" } else { &list };
        let count = references.map_or("-".into(), |count| count.to_string());
        let flags = if taint.is_empty() { String::new() } else { format!(" ({taint})") };
        let rest = format!(" {size} {count} {list} Live {address:#018x}{flags}\n");
        let text = [&name, rest.as_bytes()].concat();
        let modules = kernel_modules::parse(&text).unwrap();
        prop_assert_eq!(modules.len(), 1);
        let module = modules[0];
        prop_assert_eq!((module.name, module.size), (&name[..], u64::from(size)));
        prop_assert_eq!(module.references, references.map(u64::from));
        let parsed: Vec<_> = module.users().collect();
        prop_assert_eq!(parsed, users.iter().map(|user| user.as_bytes()).collect::<Vec<_>>());
        prop_assert_eq!(module.is_permanent(), permanent);
        prop_assert_eq!(module.address, (address != 0).then_some(address));
        prop_assert_eq!((module.state, module.taint), (&b"Live"[..], taint.as_bytes()));
    }

    #[test]
    fn meminfo(
        required in prop::array::uniform14(size()),
        percpu in prop::option::of(size()),
        huge in prop::option::of((any::<[u64; 4]>(), size(), prop::option::of(size()))),
    ) {
        let keys = [
            "MemTotal", "MemFree", "MemAvailable", "Buffers", "Cached", "SwapTotal", "SwapFree",
            "Shmem", "SReclaimable", "SUnreclaim", "KernelStack", "PageTables", "CommitLimit",
            "Committed_AS",
        ];
        let mut figures: Vec<_> = keys.into_iter().zip(required.map(kib)).collect();
        figures.extend(percpu.map(|bytes| ("Percpu", kib(bytes))));
        if let Some(([total, free, reserved, surplus], size, all_sizes)) = huge {
            figures.extend([
                ("HugePages_Total", total.to_string()),
                ("HugePages_Free", free.to_string()),
                ("HugePages_Rsvd", reserved.to_string()),
                ("HugePages_Surp", surplus.to_string()),
                ("Hugepagesize", kib(size)),
            ]);
            figures.extend(all_sizes.map(|bytes| ("Hugetlb", kib(bytes))));
        }
        let [
            mem_total, mem_free, mem_available, buffers, cached, swap_total, swap_free, shmem,
            s_reclaimable, s_unreclaim, kernel_stack, page_tables, commit_limit, committed_as,
        ] = required;
        prop_assert_eq!(meminfo::parse(&lines(&figures)), Ok(meminfo::Meminfo {
            mem_total, mem_free, mem_available, buffers, cached, swap_total, swap_free, shmem,
            s_reclaimable, s_unreclaim, kernel_stack, page_tables, commit_limit, committed_as,
            percpu,
            hardware_corrupted: None,
            huge_pages: huge.map(|([total, free, reserved, surplus], size, all_sizes)| {
                meminfo::HugePages { total, free, reserved, surplus, size, all_sizes }
            }),
        }));
    }

    #[test]
    fn swaps(
        files in prop::collection::vec(
            (name(b"\0"), size(), size(), any::<i32>()),
            0..5,
        )
    ) {
        let mut text = b"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n".to_vec();
        for (path, size, used, priority) in &files {
            for &byte in path {
                match byte {
                    b' ' | b'\t' | b'\n' | b'\\' => {
                        text.extend_from_slice(format!("\\{byte:03o}").as_bytes());
                    }
                    _ => text.push(byte),
                }
            }
            let (size, used) = (size / 1024, used / 1024);
            let rest = format!("   file\t\t{size}\t\t{used}\t\t{priority}\n");
            text.extend_from_slice(rest.as_bytes());
        }
        let parsed: Vec<_> = swaps::parse(&text)
            .unwrap()
            .into_iter()
            .map(|swap| (swap.path.into_owned(), swap.size, swap.used, swap.priority))
            .collect();
        prop_assert_eq!(parsed, files);
    }

    #[test]
    fn loadavg_and_file_nr(
        (threads, running) in any::<(u64, u64)>(),
        [open, unused, limit] in any::<[u64; 3]>(),
    ) {
        let line = format!("0.01 12.05 100.02 {running}/{threads} 6550\n");
        prop_assert_eq!(loadavg::parse_threads(line.as_bytes()), Ok(threads));
        let line = format!("{open}\t{unused}\t{limit}\n");
        prop_assert_eq!(file_nr::parse_open(line.as_bytes()), Ok(open));
    }
}
