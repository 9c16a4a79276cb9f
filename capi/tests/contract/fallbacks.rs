//! The results for pages, mappings and modules without `PAGEMAP_SCAN`, `PROCMAP_QUERY` or both.
//!
//! A seccomp filter rejects these ioctls, as kernels before 6.7 and 6.11 do.

use std::ptr::null_mut;

use crate::api::*;

use testing::interfaces::disabled_sets;
use testing::seccomp::without_requests;
use testing::{Program, programs};

/// The results of several functions for one process.
#[derive(Debug, PartialEq, Eq)]
struct Results {
    /// The blocks of `QueryWorkingSet`, without share counts.
    blocks: Vec<usize>,
    /// The entries of `QueryWorkingSetEx`.
    pages: Vec<PageInformation>,
    modules: Vec<(usize, ModuleInformation)>,
    /// The path of the first module.
    file: String,
}

fn results(open: &OpenHandle, addresses: &[usize]) -> Results {
    // The first entry is the number of blocks.
    let mut blocks = vec![0; 1 << 16];
    let size = size_of_val(&blocks[..]) as u32;
    succeed(|api| (api.QueryWorkingSet)(open.0, blocks.as_mut_ptr(), size));
    let count = blocks[0];
    blocks.truncate(1 + count);
    blocks.remove(0);
    // Share counts change whenever another process maps the same library.
    for block in &mut blocks {
        *block &= !0xe0;
    }

    let page_at = |&address: &usize| PageInformation {
        address,
        attributes: 0,
    };
    let mut pages: Vec<_> = addresses.iter().map(page_at).collect();
    let size = size_of_val(&pages[..]) as u32;
    succeed(|api| (api.QueryWorkingSetEx)(open.0, pages.as_mut_ptr(), size));

    let mut bases = vec![null_mut(); 64];
    let mut needed = 0;
    succeed(|api| (api.EnumProcessModules)(open.0, bases.as_mut_ptr(), 512, &mut needed));
    bases.truncate(needed as usize / 8);
    let modules = bases.iter().map(|&base| {
        let mut information = ModuleInformation::default();
        succeed(|api| (api.GetModuleInformation)(open.0, base, &mut information, 24));
        (base.addr(), information)
    });
    let modules: Vec<_> = modules.collect();
    let mut name = [0; 4096];
    succeed(|api| (api.GetMappedFileNameA)(open.0, bases[0], name.as_mut_ptr(), 4096));
    Results {
        blocks,
        pages,
        modules,
        file: text(&name),
    }
}

#[test]
fn all_interfaces_agree() {
    let program = Program::compile(programs::WRITABLE_PRIVATE_AND_SHARED, &[]);
    let process = program.start();
    process.wait_for_sleep();
    let starts = process.line.split(' ');
    let starts: Vec<_> = starts
        .map(|start| usize::from_str_radix(start, 16).unwrap())
        .collect();
    let pages = |start: usize| (start..start + (16 << 12)).step_by(4096);
    let addresses: Vec<usize> = starts.iter().flat_map(|&start| pages(start)).collect();
    let id = process.id().get();
    let query = || results(&OpenHandle::new(QUERY | VM_READ, id), &addresses);
    // Reading the dynamic linker's list can fault in pages of the process. Do it before comparing.
    query();
    let mut first: Option<Results> = None;
    for (disabled, requests) in disabled_sets() {
        let found = without_requests(requests, query);
        for (at, page) in found.pages.iter().enumerate() {
            // The process touches the first eight pages of each mapping. The first mapping is
            // private, and the second one is shared.
            let is_resident = at % 16 < 8;
            assert_eq!(
                page.attributes & 1,
                usize::from(is_resident),
                "{disabled} {at}"
            );
            if is_resident {
                let shared = page.attributes >> 15 & 1;
                assert_eq!(shared, usize::from(at >= 16), "{disabled} {at}");
                // A shared page has one mapping. Private pages have a share count of 0.
                assert_eq!(
                    page.attributes >> 1 & 7,
                    usize::from(at >= 16),
                    "{disabled}"
                );
            }
            let is_listed = found
                .blocks
                .iter()
                .any(|block| block & !0xfff == page.address);
            assert_eq!(is_listed, is_resident, "{disabled} {at}");
        }
        let path = program.path.to_str().unwrap();
        assert!(found.file.ends_with(path), "{disabled}: {}", found.file);
        match &first {
            Some(first) => assert_eq!(&found, first, "{disabled}"),
            None => first = Some(found),
        }
    }
}
