//! Mappings and mapped files, compared with mappings that a test process makes.

#[cfg(target_os = "linux")]
mod linux;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use psapi::{Backing, ErrorKind, MappedFileKind, Mapping, Process, ProcessId, System};

use testing::{Program, TestProcess, interfaces, programs};

struct Fixture {
    subject: TestProcess,
    program: Program,
    file: PathBuf,
    #[cfg(target_os = "linux")]
    gone: PathBuf,
    _directory: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let program = Program::compile(programs::MAPPING_KINDS, &[]);
        let directory = testing::public_directory();
        let file = directory.path().join("mapped file");
        let gone = directory.path().join("gone");
        for path in [&file, &gone] {
            fs::write(path, [7; 12288]).unwrap();
        }
        let subject = TestProcess::start(Command::new(&program.path).arg(&file).arg(&gone));
        Fixture {
            subject,
            program,
            file,
            #[cfg(target_os = "linux")]
            gone,
            _directory: directory,
        }
    }

    /// Returns the number that the process printed for a kind.
    fn number(&self, kind: &str) -> u64 {
        let mut words = self.subject.line.split(' ');
        words.find(|word| *word == kind).expect(kind);
        u64::from_str_radix(words.next().unwrap(), 16).unwrap()
    }

    /// Returns the only mapping at the address that the process printed for a kind.
    fn mapping<'m>(&self, mappings: &'m [Mapping], kind: &str) -> &'m Mapping {
        let address = self.number(kind);
        let mut found = mappings
            .iter()
            .filter(|m| (m.start..m.end).contains(&address));
        let mapping = found.next().expect(kind);
        assert!(found.next().is_none());
        mapping
    }
}

fn by_each_interface(id: ProcessId) -> Vec<Process> {
    let processes = interfaces::mapping_interfaces().into_iter();
    processes
        .map(|system| system.process(id).unwrap())
        .collect()
}

/// Returns an offset in a file, which Windows does not report.
fn offset(offset: u64) -> Option<u64> {
    cfg!(target_os = "linux").then_some(offset)
}

/// Private memory. On Windows, stacks and heaps are also reported as this.
const UNNAMED: Backing = Backing::Anonymous {
    name: None,
    hugetlb: false,
};

#[test]
fn mapped_file_distinguishes_memory_kinds() {
    let fixture = Fixture::new();
    for process in by_each_interface(fixture.subject.id()) {
        let at = |kind: &str, distance: u64| {
            let address = fixture.number(kind) + distance;
            let found = process.mapped_file(address).unwrap();
            if let Some(found) = &found {
                let has_device = cfg!(windows) && found.kind == MappedFileKind::File;
                assert_eq!(found.device_path.is_some(), has_device, "{found:?}");
            }
            found.map(|found| (found.kind, found.path, found.deleted, found.offset))
        };
        let file =
            |path: &PathBuf, at| Some((MappedFileKind::File, path.clone(), false, offset(at)));
        assert_eq!(at("shared-file", 0), file(&fixture.file, 4096));
        assert_eq!(at("shared-file", 8191), file(&fixture.file, 12287));
        assert_eq!(at("private-file", 17), file(&fixture.file, 17));
        let name = match cfg!(windows) {
            true => "[pagefile section]",
            false => "/dev/zero",
        };
        let memory = (MappedFileKind::SharedMemory, name.into(), false, offset(1));
        assert_eq!(at("shared", 1), Some(memory));
        for private in ["private", "heap", "stack", "hole"] {
            assert_eq!(at(private, 0), None, "{private}");
        }
        let (kind, path, ..) = at("code", 0).unwrap();
        assert_eq!(
            (kind, path),
            (MappedFileKind::File, fixture.program.path.clone())
        );
        for nowhere in [0, 1, u64::MAX, 1 << 63] {
            assert_eq!(process.mapped_file(nowhere).unwrap(), None);
        }
    }
}

#[test]
fn mappings_report_their_backing() {
    let fixture = Fixture::new();
    let process = System::new().process(fixture.subject.id()).unwrap();
    let mappings = process.mappings().unwrap();
    let at = |kind: &str| fixture.mapping(&mappings, kind);
    let access = |m: &Mapping| (m.readable, m.writable, m.executable, m.shared);
    let file = |path: &PathBuf| Backing::File {
        path: path.clone(),
        deleted: false,
    };

    let shared = at("shared-file");
    assert_eq!(shared.backing, file(&fixture.file));
    assert_eq!(access(shared), (true, true, false, true));
    // Windows maps the whole file.
    let size = if cfg!(windows) { 12288 } else { 8192 };
    assert_eq!((shared.offset, shared.size()), (offset(4096), size));
    let private = at("private-file");
    assert_eq!(private.backing, file(&fixture.file));
    assert_eq!(access(private), (true, false, false, false));

    let shared = at("shared");
    assert_eq!(access(shared), (true, true, false, true));
    #[cfg(windows)]
    let expected = Backing::PagefileSection;
    #[cfg(target_os = "linux")]
    let expected = Backing::SharedAnonymous {
        name: None,
        hugetlb: false,
    };
    assert_eq!(shared.backing, expected);

    let private = at("private");
    assert_eq!((&private.backing, private.size()), (&UNNAMED, 8192));
    assert_eq!(
        (access(private), private.file),
        ((false, false, false, false), None)
    );
    let (heap, stack) = match cfg!(windows) {
        true => (UNNAMED, UNNAMED),
        false => (Backing::Heap, Backing::Stack),
    };
    assert_eq!(at("heap").backing, heap);
    assert_eq!(at("stack").backing, stack);
    assert_eq!(access(at("stack")), (true, true, false, false));
    let code = at("code");
    assert_eq!(code.backing, file(&fixture.program.path));
    assert_eq!(access(code), (true, false, true, false));
    let hole = fixture.number("hole");
    let is_hole = |mapping: &Mapping| (mapping.start..mapping.end).contains(&hole);
    assert!(!mappings.iter().any(is_hole));
    #[cfg(target_os = "linux")]
    linux::assert_kernel_kinds(&fixture, &mappings);
}

/// Formats mappings as `maps` does, up to the permissions; on Linux, also with the offset.
fn print(mapping: &Mapping) -> String {
    let letter = |is, letter, other| if is { letter } else { other };
    let mut text = format!(
        "{:08x}-{:08x} {}{}{}{}",
        mapping.start,
        mapping.end,
        letter(mapping.readable, 'r', '-'),
        letter(mapping.writable, 'w', '-'),
        letter(mapping.executable, 'x', '-'),
        letter(mapping.shared, 's', 'p'),
    );
    if let Some(offset) = mapping.offset {
        text += &format!(" {offset:08x}");
    }
    text
}

/// Returns the mappings in `maps`.
#[cfg(target_os = "linux")]
fn reported(process: &Process) -> Vec<String> {
    let text = String::from_utf8(testing::proc_file(process.id(), "maps")).unwrap();
    text.lines()
        .map(|line| line.split(' ').take(3).collect::<Vec<_>>().join(" "))
        .collect()
}

/// Returns the regions that `VirtualQueryEx` of kernel32 reports.
#[cfg(windows)]
fn reported(process: &Process) -> Vec<String> {
    use windows_sys::Win32::System::Memory::*;
    use windows_sys::Win32::System::Threading::{OpenProcess, PROCESS_QUERY_INFORMATION};
    // SAFETY: the calls take a process id.
    let handle = unsafe { OpenProcess(PROCESS_QUERY_INFORMATION, 0, process.id().get()) };
    assert!(!handle.is_null());
    let mut regions = Vec::new();
    let mut next = 0_usize;
    loop {
        let mut region = MEMORY_BASIC_INFORMATION::default();
        let size = size_of_val(&region);
        // SAFETY: the structure has the given size.
        if unsafe { VirtualQueryEx(handle, next as *const _, &mut region, size) } == 0 {
            break;
        }
        let start = region.BaseAddress as usize;
        next = start + region.RegionSize;
        if region.State == MEM_FREE {
            continue;
        }
        let protection = match region.State {
            MEM_COMMIT => region.Protect & 0xFF,
            _ => PAGE_NOACCESS,
        };
        let (access, can_copy) = match protection {
            PAGE_NOACCESS => ("---", false),
            PAGE_READONLY => ("r--", false),
            PAGE_READWRITE => ("rw-", false),
            PAGE_WRITECOPY => ("rw-", true),
            PAGE_EXECUTE => ("--x", false),
            PAGE_EXECUTE_READ => ("r-x", false),
            PAGE_EXECUTE_READWRITE => ("rwx", false),
            PAGE_EXECUTE_WRITECOPY => ("rwx", true),
            other => panic!("protection {other:#x}"),
        };
        let copies = [PAGE_WRITECOPY, PAGE_EXECUTE_WRITECOPY].contains(&region.AllocationProtect);
        let is_shared = region.Type == MEM_MAPPED && !can_copy && !copies;
        let shared = if is_shared { 's' } else { 'p' };
        regions.push(format!("{start:08x}-{next:08x} {access}{shared}"));
    }
    // SAFETY: the handle was opened above.
    unsafe { windows_sys::Win32::Foundation::CloseHandle(handle) };
    regions
}

#[test]
fn mappings_match_system_report() {
    let fixture = Fixture::new();
    let process = System::new().process(fixture.subject.id()).unwrap();
    let expected = reported(&process);
    let mappings = process.mappings().unwrap();
    assert_eq!(mappings.iter().map(print).collect::<Vec<_>>(), expected);
    assert!(mappings.is_sorted_by(|a, b| a.end <= b.start));

    // A vector can be reused for another process with more or fewer mappings.
    let other = Program::compile(
        programs::WAITS,
        if cfg!(windows) { &[] } else { &["-static"] },
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
fn mappings_from_address_continue_list() {
    let child = Program::compile(programs::WAITS, &[]).start();
    for process in by_each_interface(child.id()) {
        let mut all = process.mappings().unwrap();
        all.retain(|mapping| mapping.backing.label() != "[vsyscall]");
        for (index, mapping) in all.iter().enumerate() {
            for address in [mapping.start, mapping.end - 1] {
                let found = process.mappings_from(address, 3).unwrap();
                assert_eq!(found, all[index..all.len().min(index + 3)]);
            }
        }
        assert_eq!(process.mappings_from(0, usize::MAX).unwrap(), all);
        assert_eq!(process.mappings_from(0, 0).unwrap(), []);
        assert_eq!(process.mappings_from(u64::MAX, 3).unwrap(), []);
    }
}

#[test]
fn mapped_file_covers_mapping_bounds() {
    let fixture = Fixture::new();
    let processes = by_each_interface(fixture.subject.id());
    for mapping in processes[0].mappings().unwrap() {
        for address in [mapping.start, mapping.end - 1] {
            let found = processes[0].mapped_file(address).unwrap();
            for other in &processes[1..] {
                assert_eq!(found, other.mapped_file(address).unwrap(), "{mapping:?}");
            }
            if let Some(path) = mapping.backing.path() {
                assert_eq!(found.unwrap().path, path);
            }
        }
    }
}

/// One path is longer than the usual buffer of the system. On Linux, another one is longer than
/// `PATH_MAX`.
#[test]
fn long_paths_are_complete() {
    let program = Program::compile(programs::MAPS_LONG_PATHS, &[]);
    let directory = testing::public_directory();
    let subject = TestProcess::start(Command::new(&program.path).arg(directory.path()));
    for (depth, address) in [3, 25].into_iter().zip(subject.line.split_whitespace()) {
        let address = u64::from_str_radix(address, 16).unwrap();
        let mut path = match cfg!(windows) {
            true => directory.path().to_owned(),
            false => fs::canonicalize(directory.path()).unwrap(),
        };
        path.extend(vec!["n".repeat(200); depth]);
        path.push("file");
        for process in by_each_interface(subject.id()) {
            let file = process.mapped_file(address).unwrap().unwrap();
            assert_eq!((file.path, file.deleted), (path.clone(), false));
        }
    }
}

#[test]
fn ended_process_has_no_mappings() {
    let mut subject = Program::compile(programs::WAITS, &[]).start();
    let process = System::new().process(subject.id()).unwrap();
    let main = u64::from_str_radix(&subject.line, 16).unwrap();
    subject.kill();
    for error in [
        process.mappings().unwrap_err(),
        process.mappings_from(0, 3).unwrap_err(),
        process.mapped_file(main).unwrap_err(),
        process.address_map().unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Ended, "{error}");
    }
}
