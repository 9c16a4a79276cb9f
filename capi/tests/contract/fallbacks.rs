//! The functions that ask for pages, mappings and modules, on kernels that lack `PAGEMAP_SCAN`,
//! `PROCMAP_QUERY` or both, as far as a filter of system calls makes such a kernel of this one.

use std::ptr::null_mut;

use crate::api::*;
use crate::support::child::Program;
use crate::support::seccomp::without_requests;
use crate::support::ways::withheld;
use crate::support::zeros::WRITE_EVERYWHERE;

const SUBJECT: &str = r#"
#include <sys/mman.h>
#include <unistd.h>
static char *map(int flags, int fd) {
    char *p = mmap(0, 18 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + 4096;
    p = mmap(p, 16 * 4096, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0);
    madvise(p, 16 * 4096, MADV_NOHUGEPAGE);
    return p;
}
int main(void) {
    write_everywhere();
    int fd = memfd_create("memory", 0);
    if (ftruncate(fd, 16 * 4096)) return 1;
    char *private = map(MAP_PRIVATE | MAP_ANONYMOUS, -1), *shared = map(MAP_SHARED, fd);
    for (int i = 0; i < 8; i++) private[i * 4096] = shared[i * 4096] = 1;
    printf("%zx %zx\n", (size_t)private, (size_t)shared);
    fflush(stdout); getchar(); return 0;
}"#;

/// What is answered of a process: its pages as `QueryWorkingSet` and as `QueryWorkingSetEx` have them,
/// its modules and the name of the file of the first one.
#[derive(Debug, PartialEq, Eq)]
struct Answers {
    words: Vec<usize>,
    pages: Vec<PageInformation>,
    modules: Vec<(usize, ModuleInformation)>,
    file: String,
}

fn answers(open: &Opened, addresses: &[usize]) -> Answers {
    let mut words = vec![0; 1 << 16];
    let size = size_of_val(&words[..]) as u32;
    done(|api| (api.QueryWorkingSet)(open.0, words.as_mut_ptr(), size));
    let count = words[0];
    words.truncate(1 + count);
    words.remove(0);
    // Others may come to map pages of libraries meanwhile: three bits count who does.
    for word in &mut words {
        *word &= !0xe0;
    }

    let of = |&address: &usize| PageInformation {
        address,
        attributes: 0,
    };
    let mut pages: Vec<_> = addresses.iter().map(of).collect();
    let size = size_of_val(&pages[..]) as u32;
    done(|api| (api.QueryWorkingSetEx)(open.0, pages.as_mut_ptr(), size));

    let mut bases = vec![null_mut(); 64];
    let mut needed = 0;
    done(|api| (api.EnumProcessModules)(open.0, bases.as_mut_ptr(), 512, &mut needed));
    bases.truncate(needed as usize / 8);
    let modules = bases.iter().map(|&base| {
        let mut information = ModuleInformation::default();
        done(|api| (api.GetModuleInformation)(open.0, base, &mut information, 24));
        (base.addr(), information)
    });
    let modules: Vec<_> = modules.collect();
    let mut name = [0; 4096];
    done(|api| (api.GetMappedFileNameA)(open.0, bases[0], name.as_mut_ptr(), 4096));
    Answers {
        words,
        pages,
        modules,
        file: text(&name),
    }
}

#[test]
fn every_way_gives_the_same() {
    let program = Program::compile(&format!("{WRITE_EVERYWHERE}{SUBJECT}"), &[]);
    let subject = program.start();
    subject.settle();
    let said = subject.said.split(' ');
    let starts: Vec<_> = said
        .map(|word| usize::from_str_radix(word, 16).unwrap())
        .collect();
    let pages = |start: usize| (start..start + (16 << 12)).step_by(4096);
    let addresses: Vec<usize> = starts.iter().flat_map(|&start| pages(start)).collect();
    let id = subject.id().get();
    let ask = || answers(&Opened::new(QUERY | VM_READ, id), &addresses);
    // The dynamic linker's list is read from the process's memory, and that may bring a page of it in.
    ask();
    let mut first: Option<Answers> = None;
    for (which, requests) in withheld() {
        let found = without_requests(requests, ask);
        for (at, page) in found.pages.iter().enumerate() {
            // Valid, and for memory that others may map shared: the first eight of each sixteen.
            let is_there = at % 16 < 8;
            assert_eq!(page.attributes & 1, usize::from(is_there), "{which} {at}");
            if is_there {
                let shared = page.attributes >> 15 & 1;
                assert_eq!(shared, usize::from(at >= 16), "{which} {at}");
                // Of one mapping; private pages have no count.
                assert_eq!(page.attributes >> 1 & 7, usize::from(at >= 16), "{which}");
            }
            let is_listed = found.words.iter().any(|word| word & !0xfff == page.address);
            assert_eq!(is_listed, is_there, "{which} {at}");
        }
        let path = program.path.to_str().unwrap();
        assert!(found.file.ends_with(path), "{which}: {}", found.file);
        match &first {
            Some(first) => assert_eq!(&found, first, "{which}"),
            None => first = Some(found),
        }
    }
}
