//! Tests of what only Linux has: ELF files, compared with `readelf`, deleted files, the vDSO,
//! namespaces, capabilities, and programs that replace or move themselves.

use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use rustix::thread::CapabilitySet;

use testing::privilege::{is_root, unprivileged, with_capabilities};
use testing::{elf, skip};

use super::*;

/// Asserts that size and build id match `readelf`.
fn assert_described(module: &Module, path: &Path) {
    assert_eq!(module.size, elf::image_size(path), "{module:?}");
    assert_eq!(
        module.build_id.as_ref().map(ToString::to_string),
        elf::build_id(path),
        "{module:?}"
    );
}

/// Asserts that a library and the program that loaded it match `readelf`.
pub(super) fn assert_matches_files(
    library: &Module,
    library_path: &Path,
    executable: &Module,
    executable_path: &Path,
) {
    assert_described(library, library_path);
    assert_eq!(library.entry_point, None);
    assert_described(executable, executable_path);
    let entry = executable.base + elf::entry_point(executable_path);
    assert_eq!(executable.entry_point, Some(entry));
}

#[test]
fn deleted_file_keeps_module_details() {
    let library = library("libgone.so");
    let copy = library.path.with_extension("kept");
    fs::copy(&library.path, &copy).unwrap();
    let program = Program::compile(programs::LOADS_LIBRARY, &["-ldl"]);
    let kept = program.path.with_extension("kept");
    fs::copy(&program.path, &kept).unwrap();
    let subject = TestProcess::start(Command::new(&program.path).arg(&library.path));

    // Replaces the library's file and deletes the executable's.
    let other = Program::compile(programs::ANOTHER, &["-Wl,--build-id=0x1234"]);
    let beside = library.path.with_extension("new");
    fs::copy(&other.path, &beside).unwrap();
    fs::rename(&beside, &library.path).unwrap();
    fs::remove_file(&program.path).unwrap();

    let modules = modules(subject.id());
    let module = find(&modules, &library.path);
    assert!(module.deleted);
    assert_described(module, &copy);
    assert!(modules[0].deleted);
    assert_eq!(modules[0].path, program.path);
    assert_described(&modules[0], &kept);
}

/// One of the names ends in the kernel's mark for deleted files.
#[test]
fn odd_file_names_are_kept() {
    for name in [
        &b"a (deleted)"[..],
        b"new\nline",
        b"back\\012slash",
        b"not utf-8 \xff\xfe",
    ] {
        let program = Program::compile_as(OsStr::from_bytes(name), programs::WAITS, &[]);
        let subject = program.start();
        let module = &modules(subject.id())[0];
        assert_eq!((&module.path, module.deleted), (&program.path, false));
        // After deletion, `maps` prints a newline and its escape alike.
        if name != b"back\\012slash" {
            fs::remove_file(&program.path).unwrap();
            let module = &modules(subject.id())[0];
            assert_eq!((&module.path, module.deleted), (&program.path, true));
        }
    }
}

#[test]
fn static_program_has_image_and_vdso() {
    for arguments in [
        &["-static", "-no-pie"][..],
        &["-static-pie", "-fPIE"],
        // Text at different offsets in memory and in the file.
        &["-static", "-no-pie", "-Wl,-Ttext=0x900000"],
        &["-static", "-no-pie", "-Wl,-z,noseparate-code"],
    ] {
        let Some(program) = Program::try_compile(OsStr::new("subject"), programs::WAITS, arguments)
        else {
            skip(&format!("the compiler cannot link with {arguments:?}"));
            continue;
        };
        let subject = program.start();
        let modules = modules(subject.id());
        let names: Vec<&OsStr> = modules.iter().map(Module::name).collect();
        assert_eq!(names, ["subject", "[vdso]"], "{arguments:?}");
        assert_described(&modules[0], &program.path);
        let bias = match arguments {
            ["-static-pie", ..] => modules[0].base,
            _ => 0,
        };
        let entry = bias + elf::entry_point(&program.path);
        assert_eq!(modules[0].entry_point, Some(entry), "{arguments:?}");
        assert!(modules[0].contains(entry));
    }
}

#[test]
fn filter_selects_32_bit_modules() {
    let arguments = [
        "-m32",
        "-nostdlib",
        "-static",
        "-fno-pie",
        "-no-pie",
        "-Wl,-e,named_start",
        "-Wl,--build-id",
    ];
    let program = Program::try_compile(OsStr::new("narrow"), programs::NARROW, &arguments);
    let Some(program) = program.filter(|_| cfg!(target_arch = "x86_64")) else {
        return skip("no compiler for 32-bit programs");
    };
    if Command::new(&program.path)
        .stdin(std::process::Stdio::null())
        .output()
        .is_err()
    {
        return skip("the kernel cannot run 32-bit programs");
    }
    let subject = program.start();
    let all = modules(subject.id());
    let narrow = find(&all, &program.path);
    assert_eq!((narrow.class, narrow), (ModuleClass::Bits32, &all[0]));
    assert_eq!(narrow.entry_point, Some(elf::entry_point(&program.path)));
    assert_described(narrow, &program.path);
    assert_eq!(find(&all, Path::new("[vdso]")).class, ModuleClass::Bits32);

    // CAP_PERFMON does not permit reads of the memory or the files of the process.
    if is_root() {
        let told = with_capabilities(CapabilitySet::PERFMON, || {
            let process = System::new().process(subject.id()).unwrap();
            process.modules_with(ModuleFilter::Only32Bit, ModuleFields::all())
        });
        match told {
            Err(error) if error.kind() == ErrorKind::AccessDenied => {
                skip("the kernel does not list mappings for CAP_PERFMON");
            }
            told => {
                let bases = |modules: &[Module]| -> Vec<u64> {
                    modules.iter().map(|module| module.base).collect()
                };
                assert_eq!(bases(&told.unwrap()), bases(&all));
            }
        }
    }

    let process = System::new().process(subject.id()).unwrap();
    let only = |filter| process.modules_with(filter, ModuleFields::all()).unwrap();
    assert_eq!(only(ModuleFilter::Only32Bit), all);
    assert_eq!(only(ModuleFilter::Only64Bit), []);
    let me = System::new().current_process().unwrap();
    assert_eq!(me.modules(ModuleFilter::Only32Bit).unwrap(), []);
    assert_eq!(
        me.modules(ModuleFilter::Only64Bit).unwrap(),
        me.modules(ModuleFilter::All).unwrap()
    );
}

#[test]
fn finds_program_started_by_linker() {
    let program = Program::compile(programs::LOADS_LIBRARY, &["-ldl"]);
    let Some(linker) = elf::interpreter(&program.path) else {
        return skip("the compiler links programs statically");
    };
    let subject = TestProcess::start(Command::new(&linker).arg(&program.path));
    let modules = modules(subject.id());
    // The kernel started the linker, but the linker's list starts with the program.
    assert_eq!(modules[0].path, fs::canonicalize(&linker).unwrap());
    assert_eq!(modules[1].path, program.path);
    assert_described(&modules[1], &program.path);
    let listed = subject
        .line
        .split_terminator('|')
        .filter(|part| !part.contains("ld-linux"));
    let listed: Vec<u64> = listed
        .map(|part| u64::from_str_radix(part.split(' ').next().unwrap(), 16).unwrap())
        .collect();
    let found: Vec<u64> = modules[1..].iter().map(|module| module.base).collect();
    assert_eq!(found, listed);
}

#[test]
fn mount_namespace_paths_are_kept() {
    let program = Program::compile(programs::WAITS, &[]);
    let directory = testing::public_directory();
    let inside = directory.path().join("inside");
    let script = "mount -t tmpfs none \"$1\" && cp \"$2\" \"$1/inside\" && exec \"$1/inside\"";
    let namespaces = if is_root() { "-m" } else { "-Urm" };
    let unshare = |command: &[&OsStr]| {
        let mut unshare = Command::new("unshare");
        unshare.arg(namespaces).args(command);
        unshare
    };
    if !unshare(&[OsStr::new("true")])
        .status()
        .is_ok_and(|status| status.success())
    {
        return skip("cannot create a mount namespace");
    }
    let arguments: [&OsStr; 6] = [
        "sh".as_ref(),
        "-c".as_ref(),
        script.as_ref(),
        "sh".as_ref(),
        directory.path().as_ref(),
        program.path.as_ref(),
    ];
    let subject = TestProcess::start(&mut unshare(&arguments));
    assert!(!inside.exists());
    let modules = modules(subject.id());
    assert_eq!((&modules[0].path, modules[0].deleted), (&inside, false));
    assert_described(&modules[0], &program.path);
}

#[test]
fn exec_replaces_modules() {
    let program = Program::compile(programs::EXECS, &[]);
    let second = Program::compile_as(OsStr::new("second"), programs::WAITS, &[]);
    let mut subject = TestProcess::start(Command::new(&program.path).arg(&second.path));
    let process = System::new().process(subject.id()).unwrap();
    let first = process.modules(ModuleFilter::All).unwrap();
    assert_eq!(first[0].path, program.path);
    subject.resume();
    let modules = process.modules(ModuleFilter::All).unwrap();
    assert_eq!(modules[0].path, second.path);
    assert!(modules.iter().all(|module| module.path != program.path));

    assert_eq!(process.module(modules[0].base).unwrap(), modules[0]);
    let error = process.module(modules[0].base + 4096).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidParameter);

    subject.kill();
    let error = process.modules(ModuleFilter::All).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ended, "a zombie: {error}");
    subject.reap();
    let error = process.modules(ModuleFilter::All).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ended, "reaped: {error}");
}

/// The tree has no readable memory, as with a `kernel.yama.ptrace_scope` of 1.
#[test]
fn unreadable_memory_falls_back_to_files() {
    let library = library("libfile.so");
    let program = Program::compile(programs::LOADS_LIBRARY, &["-ldl"]);
    let subject = TestProcess::start(Command::new(&program.path).arg(&library.path));
    let mut expected = modules(subject.id());
    expected.retain(|module| module.path != Path::new("[vdso]"));
    expected[1..].sort_by_key(|module| module.base);

    let id = subject.id();
    let maps = String::from_utf8(testing::proc_file(id, "maps")).unwrap();
    let tree = |maps: &str| {
        let tree = testing::tree::Tree::new().file(format!("{id}/maps"), maps);
        ["stat", "status"].iter().fold(tree, |tree, name| {
            tree.file(format!("{id}/{name}"), testing::proc_file(id, name))
        })
    };
    let described = |tree: &testing::tree::Tree| {
        let process = tree.as_proc().process(id).unwrap();
        let mut modules = process
            .modules_with(ModuleFilter::All, ModuleFields::all())
            .unwrap();
        let vdso = modules
            .iter()
            .position(|module| module.path == Path::new("[vdso]"));
        modules.remove(vdso.expect("the vDSO is mapped"));
        modules
    };

    // If the paths lead to other files, only the properties of mappings are known.
    let line = |line: &str| {
        let mut fields: Vec<&str> = line.splitn(5, ' ').collect();
        if fields[3] != "00:00" {
            fields[3] = "ff:ff";
        }
        fields.join(" ") + "\n"
    };
    let others: String = maps.lines().map(line).collect();
    let bare = described(&tree(&others));
    let known = |modules: &[Module]| -> Vec<(u64, PathBuf)> {
        let known = modules
            .iter()
            .map(|module| (module.base, module.path.clone()));
        known.collect()
    };
    assert_eq!(known(&bare), known(&expected));
    for module in &bare {
        assert_eq!((&module.build_id, module.entry_point), (&None, None));
        assert_eq!(module.size % 4096, 0);
    }

    // Without the root of the process, the files are found below the caller's root.
    let tree = tree(&maps);
    assert_eq!(described(&tree), expected);

    let tree = tree.link(format!("{id}/root"), "/");
    assert_eq!(described(&tree), expected);

    let auxv = testing::proc_file(id, "auxv");
    let tree = tree.file(format!("{id}/auxv"), auxv);
    assert_eq!(described(&tree), expected);
}

#[test]
fn kernel_thread_has_no_modules() {
    let Ok(comm) = fs::read("/proc/2/comm") else {
        return skip("no kernel threads in this pid namespace");
    };
    if comm != b"kthreadd\n" {
        return skip("process 2 is not kthreadd");
    }
    for system in interfaces::mapping_interfaces() {
        let process = system.process(2).unwrap();
        let error = process.modules(ModuleFilter::All).unwrap_err();
        // Older kernels deny access even though there is nothing to read.
        let hidden = !is_root() && error.kind() == ErrorKind::AccessDenied;
        assert!(
            hidden || error.kind() == ErrorKind::NoAddressSpace,
            "{error}"
        );
    }
}

/// The ids in `/proc` of another pid namespace belong to other processes here.
#[test]
fn other_pid_namespace_finds_right_process() {
    let program = Program::compile(programs::WAITS, &[]);
    let namespaces = if is_root() { "-mpf" } else { "-Urmpf" };
    let unshare = |program: &Path| {
        let mut unshare = Command::new("unshare");
        unshare
            .args([namespaces, "--mount-proc", "--kill-child"])
            .arg(program);
        unshare
    };
    let possible = unshare(Path::new("true")).status();
    if !possible.is_ok_and(|status| status.success()) {
        return skip("cannot create a pid namespace");
    }
    let subject = TestProcess::start(&mut unshare(&program.path));
    let here = System::new();
    let parent = Some(subject.id());
    let capture = here.capture(psapi::Fields::empty()).unwrap();
    let mut children = capture
        .processes()
        .iter()
        .filter(|status| status.parent == parent);
    let child = children.next().unwrap().id;
    let expected = modules(child);
    assert_eq!(expected[0].path, program.path);

    let there = System::builder()
        .proc_root(format!("/proc/{child}/root/proc"))
        .build();
    let process = there.process(1).unwrap();
    let found = process
        .modules_with(ModuleFilter::All, ModuleFields::all())
        .unwrap();
    assert_eq!(found, expected);
}

#[test]
fn denial_names_required_capability() {
    let program = Program::compile(programs::WAITS, &[]);
    let subject = program.start();
    // Process 1 belongs to root.
    let id = if is_root() {
        subject.id()
    } else {
        ProcessId::new(1)
    };
    unprivileged(|| {
        for system in interfaces::mapping_interfaces() {
            let process = system.process(id).unwrap();
            let error = process.modules(ModuleFilter::All).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AccessDenied);
            assert!(error.to_string().contains("CAP_SYS_PTRACE"), "{error}");
        }
    });
}

/// `CAP_SYS_PTRACE` does not include access to files that only the process's user can read.
#[test]
fn tracer_needs_no_file_access() {
    if !is_root() {
        return skip("needs root to pass on CAP_SYS_PTRACE");
    }
    let library = library("libtraced.so");
    let dynamic = Program::compile(programs::LOADS_LIBRARY, &["-ldl"]);
    let mut commands = vec![Command::new(&dynamic.path)];
    commands[0].arg(&library.path);
    let arguments = ["-static", "-no-pie"];
    let fixed = Program::try_compile(OsStr::new("fixed"), programs::WAITS, &arguments);
    match &fixed {
        Some(program) => commands.push(Command::new(&program.path)),
        None => skip("the compiler cannot link statically"),
    }
    if let Some(linker) = elf::interpreter(&dynamic.path) {
        let mut command = Command::new(&linker);
        command.arg(&dynamic.path);
        commands.push(command);
    }
    for mut command in commands {
        let subject = TestProcess::start(&mut command);
        let expected = modules(subject.id());
        let found = with_capabilities(CapabilitySet::SYS_PTRACE, || modules(subject.id()));
        assert_eq!(found, expected, "{command:?}");
    }
}

/// Moves the program headers of an image to its end, in a segment of their own, as BOLT does.
fn move_program_headers(path: &Path) {
    let mut image = fs::read(path).unwrap();
    let word = |image: &[u8], at: usize| u64::from_le_bytes(*image[at..].first_chunk().unwrap());
    let kind = |header: &[u8]| u32::from_le_bytes(*header.first_chunk().unwrap());
    let count = usize::from(u16::from_le_bytes([image[56], image[57]]));
    let start = word(&image, 32) as usize;
    let mut headers: Vec<Vec<u8>> = image[start..][..count * 56]
        .chunks(56)
        .map(<[u8]>::to_vec)
        .collect();
    // Overwrites the old table.
    image[start..][..count * 56].fill(0);
    let table = (image.len() as u64).next_multiple_of(1 << 21);
    image.resize(table as usize, 0);
    let size = 56 * count as u64;
    for header in &mut headers {
        // PT_PHDR points to the table. PT_GNU_STACK becomes a PT_LOAD for it.
        if [6, 0x6474_e551].contains(&kind(header)) {
            if kind(header) != 6 {
                header[..8].copy_from_slice(&[1, 0, 0, 0, 4, 0, 0, 0]);
            }
            let words = [table, table, table, size, size, 4096];
            header[8..].copy_from_slice(&words.map(u64::to_le_bytes).concat());
        }
    }
    // PT_PHDR must come first, and PT_LOADs must ascend.
    headers.sort_by_key(|header| match kind(header) {
        6 => (0, 0),
        1 => (2, word(header, 16)),
        _ => (1, 0),
    });
    image.extend(headers.concat());
    image[32..40].copy_from_slice(&table.to_le_bytes());
    fs::write(path, image).unwrap();
}

#[test]
fn finds_program_headers_at_end() {
    let library = library("libmoved.so");
    let program = Program::compile(programs::LOADS_LIBRARY, &["-ldl", "-Wl,--build-id"]);
    if cfg!(not(all(
        target_pointer_width = "64",
        target_endian = "little"
    ))) {
        return skip("the test rewrites only 64-bit little-endian images");
    }
    move_program_headers(&program.path);
    move_program_headers(&library.path);
    let subject = TestProcess::start(Command::new(&program.path).arg(&library.path));
    let modules = modules(subject.id());
    assert_agrees(&modules, &subject.line, &program.path);
    for path in [&program.path, &library.path] {
        assert_described(find(&modules, path), path);
    }
}

/// Starts `moves_itself.c`. Returns the mapping that holds its program headers.
fn moved(behavior: &str) -> (Program, TestProcess, std::ops::Range<u64>) {
    let arguments = ["-Wl,-z,separate-code,-z,now", "-Wl,--build-id"];
    let program = Program::compile(programs::MOVES_ITSELF, &arguments);
    let subject = TestProcess::start(Command::new(&program.path).arg(behavior));
    let numbers = subject.line.split(' ');
    let mut numbers = numbers.map(|number| u64::from_str_radix(number, 16).unwrap());
    let range = numbers.next().unwrap()..numbers.next().unwrap();
    (program, subject, range)
}

#[test]
fn program_moved_to_memory_is_first() {
    for behavior in ["headers", "all"] {
        let (program, subject, range) = moved(behavior);
        let modules = modules(subject.id());
        let executable = find(&modules, &program.path);
        assert_eq!(executable, &modules[0], "{behavior}");
        assert_eq!(executable.base, range.start, "{behavior}");
        assert_described(executable, &program.path);
        let entry = range.start + elf::entry_point(&program.path);
        assert_eq!(executable.entry_point, Some(entry));
        let link = fs::read_link(format!("/proc/{}/exe", subject.id())).unwrap();
        assert_eq!((&executable.path, executable.deleted), (&link, false));
    }
}

#[test]
fn program_without_header_has_its_range() {
    let (program, subject, range) = moved("wiped");
    let modules = modules(subject.id());
    let executable = find(&modules, &program.path);
    assert_eq!(executable, &modules[0]);
    let end = executable.base + executable.size;
    assert_eq!(executable.base..end, range);
}

#[test]
fn unmapped_program_is_no_module() {
    let (program, subject, _) = moved("unmapped");
    for system in interfaces::mapping_interfaces() {
        let process = system.process(subject.id()).unwrap();
        let error = process.executable().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidParameter, "{error}");
        let modules = process.modules(ModuleFilter::All).unwrap();
        assert!(!modules.is_empty());
        assert!(modules.iter().all(|module| module.path != program.path));
    }
}

#[test]
fn moved_vdso_is_listed() {
    let program = Program::compile(programs::MOVES_VDSO, &[]);
    let subject = program.start();
    let base = u64::from_str_radix(&subject.line, 16).unwrap();
    if base == 0 {
        return skip("the kernel does not move the vDSO");
    }
    let modules = modules(subject.id());
    let vdso = find(&modules, Path::new("[vdso]"));
    assert_eq!(vdso.base, base);
    assert!(vdso.build_id.is_some());
}
