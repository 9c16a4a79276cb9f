//! Mappings and the file at an address, against memory that the tests arrange.

mod support;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use psapi::{Backing, ErrorKind, MappedFileKind, Mapping, Process, ProcessId, System};

use support::child::{Program, Subject, proc_file};
use support::huge_pool::HugePool;
use support::privilege::{as_nobody, is_root, skip};
use support::ways;

/// Maps one of each kind and says where: a kind and an address a word.
const ARRANGES: &str = r#"
    #define _GNU_SOURCE
    #include <fcntl.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <sys/ipc.h>
    #include <sys/mman.h>
    #include <sys/prctl.h>
    #include <sys/shm.h>
    #include <unistd.h>
    static void *map(const char *kind, int prot, int flags, int fd, off_t offset) {
        void *p = mmap(0, 8192, prot, flags, fd, offset);
        if (p == MAP_FAILED) { perror(kind); exit(1); }
        printf("%s %lx ", kind, (long)p);
        return p;
    }
    int main(int argc, char **argv) {
        int file = open(argv[1], O_RDWR), gone = open(argv[2], O_RDWR);
        if (file < 0 || gone < 0 || unlink(argv[2])) exit(1);
        int memfd = memfd_create("a name (deleted)", 0);
        if (ftruncate(memfd, 8192)) exit(1);
        int segment = shmget(0x5a5a1234 ^ getpid(), 8192, IPC_CREAT | IPC_EXCL | 0600);
        if (segment < 0) { perror("shmget"); exit(1); }
        void *attached = shmat(segment, 0, 0);
        shmctl(segment, IPC_RMID, 0);
        int zero = open("/dev/zero", O_RDWR);
        int all = PROT_READ | PROT_WRITE, anonymous = MAP_ANONYMOUS;
        map("shared-file", all, MAP_SHARED, file, 4096);
        map("private-file", PROT_READ, MAP_PRIVATE, file, 0);
        map("deleted", PROT_READ, MAP_SHARED, gone, 0);
        map("memfd", all, MAP_SHARED, memfd, 0);
        map("shared", all, MAP_SHARED | anonymous, -1, 0);
        map("shared-zero", all, MAP_SHARED, zero, 0);
        map("private-zero", all, MAP_PRIVATE, zero, 0);
        map("private", PROT_NONE, MAP_PRIVATE | anonymous, -1, 0);
        void *named = map("named", all, MAP_PRIVATE | anonymous, -1, 0);
        prctl(0x53564d41, 0, named, 8192, "my arena");
        void *hole = map("hole", PROT_READ, MAP_PRIVATE | anonymous, -1, 0);
        munmap(hole, 8192);
        printf("sysv %lx key %x id %x ", (long)attached, 0x5a5a1234 ^ getpid(), segment);
        printf("heap %lx stack %lx code %lx\n", (long)malloc(10), (long)&argc, (long)&main);
        fflush(stdout);
        getchar();
    }"#;

struct Arranged {
    subject: Subject,
    program: Program,
    file: PathBuf,
    gone: PathBuf,
    _directory: tempfile::TempDir,
}

impl Arranged {
    fn new() -> Self {
        let program = Program::compile(ARRANGES, &[]);
        let directory = support::child::public_directory();
        let file = directory.path().join("mapped file");
        let gone = directory.path().join("gone");
        for path in [&file, &gone] {
            fs::write(path, [7; 12288]).unwrap();
        }
        let subject = Subject::start(Command::new(&program.path).arg(&file).arg(&gone));
        Arranged {
            subject,
            program,
            file,
            gone,
            _directory: directory,
        }
    }

    /// What the child said of a kind.
    fn number(&self, kind: &str) -> u64 {
        let mut words = self.subject.said.split(' ');
        words.find(|word| *word == kind).expect(kind);
        u64::from_str_radix(words.next().unwrap(), 16).unwrap()
    }
}

fn both_ways(id: ProcessId) -> Vec<Process> {
    let ways = ways::to_mappings().into_iter();
    ways.map(|system| system.process(id).unwrap()).collect()
}

#[test]
fn each_kind_of_memory_is_told_by_its_address() {
    let arranged = Arranged::new();
    for process in both_ways(arranged.subject.id()) {
        let at = |kind: &str, distance: u64| {
            let found = process
                .mapped_file(arranged.number(kind) + distance)
                .unwrap();
            found.map(|found| (found.kind, found.path, found.deleted, found.offset))
        };
        let file =
            |path: &PathBuf, offset| Some((MappedFileKind::File, path.clone(), false, offset));
        assert_eq!(at("shared-file", 0), file(&arranged.file, 4096));
        assert_eq!(at("shared-file", 8191), file(&arranged.file, 12287));
        assert_eq!(at("private-file", 17), file(&arranged.file, 17));
        let gone = (MappedFileKind::File, arranged.gone.clone(), true, 5);
        assert_eq!(at("deleted", 5), Some(gone));
        let memfd = (
            MappedFileKind::Memfd,
            "/memfd:a name (deleted)".into(),
            false,
            0,
        );
        assert_eq!(at("memfd", 0), Some(memfd));
        let memory = |path: String| Some((MappedFileKind::SharedMemory, path.into(), false, 1));
        assert_eq!(at("shared", 1), memory("/dev/zero".into()));
        assert_eq!(at("shared-zero", 1), memory("/dev/zero".into()));
        let key = arranged.number("key");
        assert_eq!(at("sysv", 1), memory(format!("/SYSV{key:08x}")));
        for private in ["private", "private-zero", "named", "heap", "stack", "hole"] {
            assert_eq!(at(private, 0), None, "{private}");
        }
        let (kind, path, ..) = at("code", 0).unwrap();
        assert_eq!(
            (kind, path),
            (MappedFileKind::File, arranged.program.path.clone())
        );
        for nowhere in [0, 1, u64::MAX, 1 << 63] {
            assert_eq!(process.mapped_file(nowhere).unwrap(), None);
        }
    }
}

#[test]
fn the_list_tells_what_is_behind_each_mapping() {
    let arranged = Arranged::new();
    let process = System::new().process(arranged.subject.id()).unwrap();
    let mappings = process.mappings().unwrap();
    let at = |kind: &str| -> &Mapping {
        let address = arranged.number(kind);
        let mut found = mappings
            .iter()
            .filter(|m| (m.start..m.end).contains(&address));
        let mapping = found.next().expect(kind);
        assert!(found.next().is_none());
        mapping
    };
    let access = |m: &Mapping| (m.readable, m.writable, m.executable, m.shared);
    let file = |deleted, path: &PathBuf| Backing::File {
        path: path.clone(),
        deleted,
    };

    let shared = at("shared-file");
    assert_eq!(shared.backing, file(false, &arranged.file));
    assert_eq!(access(shared), (true, true, false, true));
    assert_eq!((shared.offset, shared.size()), (4096, 8192));
    use std::os::unix::fs::MetadataExt as _;
    let inode = fs::metadata(&arranged.file).unwrap().ino();
    assert_eq!(shared.file.unwrap().inode, inode);

    assert_eq!(access(at("private-file")), (true, false, false, false));
    assert_eq!(at("deleted").backing, file(true, &arranged.gone));
    let name = OsString::from("a name (deleted)");
    assert_eq!(at("memfd").backing, Backing::Memfd { name });
    assert_eq!(
        at("shared").backing,
        Backing::SharedAnonymous {
            name: None,
            hugetlb: false
        }
    );
    assert_eq!(
        at("shared-zero").backing,
        Backing::SharedAnonymous {
            name: None,
            hugetlb: false
        }
    );
    let key = arranged.number("key") as u32;
    assert_eq!(at("sysv").backing, Backing::SysV { key });
    assert_eq!(at("sysv").file.unwrap().inode, arranged.number("id"));
    let private = at("private");
    assert_eq!(private.backing, UNNAMED);
    assert_eq!(
        (access(private), private.file),
        ((false, false, false, false), None)
    );
    assert_eq!(at("private-zero").backing, UNNAMED);
    assert_eq!(at("heap").backing, Backing::Heap);
    assert_eq!(at("stack").backing, Backing::Stack);
    let code = at("code");
    assert_eq!(code.backing, file(false, &arranged.program.path));
    assert_eq!(access(code), (true, false, true, false));
    match &at("named").backing {
        Backing::Anonymous {
            name: Some(name), ..
        } => assert_eq!(name, OsStr::new("my arena")),
        Backing::Anonymous { name: None, .. } => skip("this kernel does not name anonymous memory"),
        other => panic!("{other:?}"),
    }
    assert!(
        mappings
            .iter()
            .any(|mapping| mapping.backing == Backing::Vdso)
    );
}

const UNNAMED: Backing = Backing::Anonymous {
    name: None,
    hugetlb: false,
};

#[test]
fn hugetlb_pages_are_private_or_shared_memory() {
    let Some(_pool) = HugePool::with_more(2) else {
        return skip("no hugetlb pages can be set aside: needs root, and free memory");
    };
    let program = Program::compile(
        r#"
        #define _GNU_SOURCE
        #include <stdio.h>
        #include <sys/mman.h>
        static void *map(long size, int flags) {
            return mmap(0, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
        }
        int main(void) {
            long size = 0;
            char line[100];
            FILE *meminfo = fopen("/proc/meminfo", "r");
            while (fgets(line, sizeof line, meminfo))
                if (sscanf(line, "Hugepagesize: %ld kB", &size) == 1) break;
            size *= 1024;
            printf("%lx %lx\n", (long)map(size, MAP_PRIVATE), (long)map(size, MAP_SHARED));
            fflush(stdout);
            getchar();
        }"#,
        &[],
    );
    let subject = program.start();
    let addresses: Vec<u64> = subject
        .said
        .split(' ')
        .map(|word| u64::from_str_radix(word, 16).unwrap())
        .collect();
    if addresses.contains(&u64::MAX) {
        return skip("the hugetlb pages that were set aside went to somebody else");
    }
    for process in both_ways(subject.id()) {
        assert_eq!(process.mapped_file(addresses[0] + 1).unwrap(), None);
        let shared = process.mapped_file(addresses[1] + 1).unwrap().unwrap();
        assert_eq!(
            (shared.kind, shared.path, shared.offset),
            (MappedFileKind::SharedMemory, "/anon_hugepage".into(), 1)
        );
        let mappings = process.mappings().unwrap();
        let at = |address| mappings.iter().find(|m| m.start == address).unwrap();
        let (name, hugetlb) = (None, true);
        let private = Backing::Anonymous {
            name: name.clone(),
            hugetlb,
        };
        assert_eq!(at(addresses[0]).backing, private);
        let shared = Backing::SharedAnonymous { name, hugetlb };
        assert_eq!(at(addresses[1]).backing, shared);
        for address in addresses.iter().copied() {
            assert_eq!(at(address).backing.label(), "/anon_hugepage");
        }
    }
}

#[test]
fn the_list_is_that_of_the_kernel() {
    let arranged = Arranged::new();
    let process = System::new().process(arranged.subject.id()).unwrap();
    let text = String::from_utf8(proc_file(process.id(), "maps")).unwrap();
    let expected: Vec<String> = text
        .lines()
        .map(|line| line.split(' ').take(3).collect::<Vec<_>>().join(" "))
        .collect();
    let print = |m: &Mapping| {
        let letter = |is, letter, other| if is { letter } else { other };
        format!(
            "{:08x}-{:08x} {}{}{}{} {:08x}",
            m.start,
            m.end,
            letter(m.readable, 'r', '-'),
            letter(m.writable, 'w', '-'),
            letter(m.executable, 'x', '-'),
            letter(m.shared, 's', 'p'),
            m.offset
        )
    };
    let mappings = process.mappings().unwrap();
    assert_eq!(mappings.iter().map(print).collect::<Vec<_>>(), expected);

    // A vector that held another process's mappings, more or fewer, holds these afterwards.
    let other = Program::compile(
        "#include <stdio.h>\nint main(void) { puts(\"\"); fflush(stdout); getchar(); }",
        &["-static"],
    );
    let other = other.start();
    let other = System::new().process(other.id()).unwrap();
    let few = other.mappings().unwrap();
    assert!(few.len() < mappings.len());
    let mut reused = few.clone();
    process.mappings_into(&mut reused).unwrap();
    assert_eq!(reused, mappings);
    other.mappings_into(&mut reused).unwrap();
    assert_eq!(reused, few);
}

#[test]
fn each_mapping_is_found_at_its_first_and_last_address() {
    let arranged = Arranged::new();
    let ways = both_ways(arranged.subject.id());
    for mapping in ways[0].mappings().unwrap() {
        for address in [mapping.start, mapping.end - 1] {
            let found = ways[0].mapped_file(address).unwrap();
            for other in &ways[1..] {
                assert_eq!(found, other.mapped_file(address).unwrap(), "{mapping:?}");
            }
            if let Some(path) = mapping.backing.path() {
                assert_eq!(found.unwrap().path, path);
            }
        }
    }
}

/// Longer than the kernel's usual names, and longer than `PATH_MAX`.
#[test]
fn long_names_come_whole() {
    let program = Program::compile(
        r#"
        #include <fcntl.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <sys/stat.h>
        #include <unistd.h>
        int main(int argc, char **argv) {
            char name[201];
            memset(name, 'n', 200);
            name[200] = 0;
            if (chdir(argv[1])) exit(1);
            for (int i = 0; i < 25; i++) {
                if (mkdir(name, 0755) || chdir(name)) exit(1);
                if (i != 2 && i != 24) continue;
                int fd = open("file", O_RDWR | O_CREAT, 0644);
                if (ftruncate(fd, 4096)) exit(1);
                printf("%lx ", (long)mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0));
            }
            puts("");
            fflush(stdout);
            getchar();
        }"#,
        &[],
    );
    let directory = support::child::public_directory();
    let subject = Subject::start(Command::new(&program.path).arg(directory.path()));
    for (depth, address) in [3, 25].into_iter().zip(subject.said.split_whitespace()) {
        let address = u64::from_str_radix(address, 16).unwrap();
        let mut path = fs::canonicalize(directory.path()).unwrap();
        path.extend(vec!["n".repeat(200); depth]);
        path.push("file");
        for process in both_ways(subject.id()) {
            let file = process.mapped_file(address).unwrap().unwrap();
            assert_eq!((file.path, file.deleted), (path.clone(), false));
        }
    }
}

#[test]
fn a_process_that_executes_something_else_is_asked_anew() {
    let next = Program::compile_as(
        OsStr::new("next"),
        "#include <stdio.h>\nint main(void) { printf(\"%lx\\n\", (long)&main); fflush(stdout); getchar(); }",
        &[],
    );
    let program = Program::compile(
        r#"
        #include <stdio.h>
        #include <unistd.h>
        int main(int argc, char **argv) {
            printf("%lx\n", (long)&main);
            fflush(stdout);
            getchar();
            execv(argv[1], argv + 1);
        }"#,
        &[],
    );
    let mut subject = Subject::start(Command::new(&program.path).arg(&next.path));
    let first = u64::from_str_radix(&subject.said, 16).unwrap();
    let processes = both_ways(subject.id());
    for process in &processes {
        let file = process.mapped_file(first).unwrap().unwrap();
        assert_eq!(file.path, program.path);
    }
    subject.proceed();
    let second = u64::from_str_radix(&subject.said, 16).unwrap();
    for process in &processes {
        let file = process.mapped_file(second).unwrap().unwrap();
        assert_eq!(file.path, next.path);
        let gone = process.mapped_file(first).unwrap();
        assert!(gone.is_none_or(|file| file.path != program.path));
    }
    subject.kill();
    for process in &processes {
        let error = process.mapped_file(second).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ended, "a zombie: {error}");
        let error = process.mappings().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ended, "a zombie: {error}");
    }
    subject.reap();
    for process in &processes {
        let error = process.mapped_file(second).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ended, "reaped: {error}");
    }
}

/// A child of `vfork` shares its parent's address space, which lives on when the child leaves it.
#[test]
fn a_child_of_vfork_leaves_its_parents_mappings() {
    let program = Program::compile(
        r#"
        #define _GNU_SOURCE
        #include <stdio.h>
        #include <unistd.h>
        int main(int argc, char **argv) {
            if (vfork() == 0) {
                char c;
                dprintf(1, "%d %lx\n", getpid(), (long)&main);
                if (read(0, &c, 1) == 1) execl("/bin/sh", "sh", "-c", "echo up; read line", (char *)0);
                _exit(1);
            }
            getchar();
        }"#,
        &[],
    );
    let mut subject = program.start();
    let (id, address) = subject.said.split_once(' ').unwrap();
    let id = ProcessId::new(id.parse().unwrap());
    let address = u64::from_str_radix(address, 16).unwrap();
    let child = System::new().process(id).unwrap();
    let file = child.mapped_file(address).unwrap().unwrap();
    assert_eq!(file.path, program.path);
    subject.proceed();
    let file = child.mapped_file(address).unwrap();
    assert!(file.is_none_or(|file| file.path != program.path));
}

#[test]
fn without_the_privilege_the_error_names_it() {
    let arranged = Arranged::new();
    // Who is not root is refused the first process, which is root's.
    let id = match is_root() {
        true => arranged.subject.id(),
        false => ProcessId::new(1),
    };
    as_nobody(|| {
        for process in both_ways(id) {
            for error in [
                process.mappings().unwrap_err(),
                process.mapped_file(0x1000).unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::AccessDenied);
                let text = error.to_string();
                assert!(text.contains("CAP_SYS_PTRACE"), "{text}");
                // Yama forbids to attach to a process, and this only reads.
                assert!(!text.contains("yama"), "{text}");
            }
        }
    });
}

#[test]
fn damaged_lists_are_told_from_short_ones() {
    let tree = |maps: &str| {
        let tree = support::tree::Tree::new().process(7, "sleeper");
        tree.file("7/maps", maps)
    };
    let process = |tree: &support::tree::Tree| tree.as_proc().process(7).unwrap();

    let cut = tree("1000-2000 r-xp 00000000 fe:00 7 /a\n2000-3000 r--p 00001000 fe:0");
    let mappings = process(&cut).mappings().unwrap();
    assert_eq!(mappings.len(), 1);
    let file = process(&cut).mapped_file(0x1fff).unwrap().unwrap();
    assert_eq!((file.path, file.offset), (PathBuf::from("/a"), 0xfff));
    assert_eq!(process(&cut).mapped_file(0x2000).unwrap(), None);

    let nameless = tree("1000-2000 r-xp 00000000 00:00 0\n");
    assert_eq!(process(&nameless).mapped_file(0x1000).unwrap(), None);
    assert_eq!(process(&nameless).mappings().unwrap().len(), 1);

    // Nothing that can be a mapping.
    let noise = tree("\u{0}\u{0}\u{0}\n\n- - -\n");
    for error in [
        process(&noise).mapped_file(0).unwrap_err(),
        process(&noise).mappings().unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    }
}
