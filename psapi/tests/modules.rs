//! Modules, against images that the tests arrange and what binutils and the children say of them.

mod support;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use psapi::{ErrorKind, Module, ModuleClass, ModuleFields, ModuleFilter, ProcessId, System};
use rustix::thread::CapabilitySet;

use support::child::{Program, Subject};
use support::elf;
use support::privilege::{as_nobody, as_nobody_with, is_root, skip};
use support::ways;

/// What a child says about itself: its linker's list, by `dl_iterate_phdr`, one image a part of
/// the line: base, size, name.
const LIST: &str = r#"
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <fcntl.h>
    #include <link.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/mman.h>
    #include <unistd.h>
    static void next(const char *s) { puts(s); fflush(stdout); if (getchar() == EOF) _exit(0); }
    static int one(struct dl_phdr_info *info, size_t size, void *data) {
        unsigned long first = -1UL, end = 0, page = getpagesize();
        for (int i = 0; i < info->dlpi_phnum; i++) {
            const ElfW(Phdr) *p = &info->dlpi_phdr[i];
            if (p->p_type != PT_LOAD) continue;
            if (p->p_vaddr < first) first = p->p_vaddr;
            if (p->p_vaddr + p->p_memsz > end) end = p->p_vaddr + p->p_memsz;
        }
        first &= -page;
        end = (end + page - 1) & -page;
        printf("%lx %lx %s|", (unsigned long)info->dlpi_addr + first, end - first, info->dlpi_name);
        return 0;
    }
    static void list(void) { dl_iterate_phdr(one, 0); next(""); }
"#;

const WAITS: &str =
    "#include <stdio.h>\nint main(void) { puts(\"up\"); fflush(stdout); getchar(); }";

fn with_list(main: &str) -> String {
    [LIST, main].concat()
}

/// A shared library with a name of its own.
fn library(name: &str) -> Program {
    Program::compile_as(
        OsStr::new(name),
        "int answer(void) { return 42; }",
        &[
            "-shared",
            "-fPIC",
            "-Wl,-soname,libanswer.so.7",
            "-Wl,--build-id",
        ],
    )
}

/// The modules, which both ways agree about, as do questions for one alone.
fn modules(id: ProcessId) -> Vec<Module> {
    let all = ways::to_mappings().into_iter().map(|system| {
        let process = system.process(id).unwrap();
        let plain = process.modules(ModuleFilter::All).unwrap();
        for module in &plain {
            assert_eq!(process.module(module.base).unwrap(), *module);
        }
        if let Some(first) = plain.first() {
            assert_eq!(process.executable().unwrap(), *first);
        }
        process
            .modules_with(ModuleFilter::All, ModuleFields::all())
            .unwrap()
    });
    let mut all: Vec<_> = all.collect();
    let own = all.remove(0);
    for other in all {
        assert_eq!(own, other);
    }
    own
}

fn find<'m>(modules: &'m [Module], path: &Path) -> &'m Module {
    let mut found = modules.iter().filter(|module| module.path == path);
    let module = found
        .next()
        .unwrap_or_else(|| panic!("{path:?} in {modules:#?}"));
    assert!(found.next().is_none(), "{path:?} twice in {modules:#?}");
    module
}

/// Checks what binutils can tell.
fn assert_described(module: &Module, path: &Path) {
    assert_eq!(module.size, elf::size(path), "{module:?}");
    assert_eq!(
        module.build_id.as_ref().map(ToString::to_string),
        elf::build_id(path),
        "{module:?}"
    );
}

#[test]
fn modules_are_what_the_linker_says_in_its_order() {
    let library = library("libother-name.so");
    let program = Program::compile(
        &with_list(
            r#"int main(int argc, char **argv) {
                list();
                if (!dlopen(argv[1], RTLD_NOW)) { puts(dlerror()); exit(1); }
                list();
            }"#,
        ),
        &["-ldl"],
    );
    let mut subject = Subject::start(Command::new(&program.path).arg(&library.path));
    let before = modules(subject.id());
    assert_agrees(&before, &subject.said, &program.path);

    subject.proceed();
    let after = modules(subject.id());
    assert_agrees(&after, &subject.said, &program.path);
    assert_eq!(after[..before.len()], before);

    let module = find(&after, &library.path);
    assert_described(module, &library.path);
    assert_eq!(module.name(), "libother-name.so");
    assert_eq!(module.soname.as_deref(), Some(OsStr::new("libanswer.so.7")));
    assert_eq!((module.entry_point, module.deleted), (None, false));

    let executable = &after[0];
    assert_described(executable, &program.path);
    assert_eq!(executable.soname, None);
    let entry = executable.base + elf::entry(&program.path);
    assert_eq!(executable.entry_point, Some(entry));

    // The dear fields only when asked for.
    let process = System::new().process(subject.id()).unwrap();
    let cheap = process.modules(ModuleFilter::All).unwrap();
    assert!(cheap.iter().all(|module| module.soname.is_none()));
    assert_eq!(cheap.len(), after.len());
}

fn assert_agrees(modules: &[Module], said: &str, executable: &Path) {
    let said: Vec<(u64, u64, &str)> = said
        .split_terminator('|')
        .map(|part| {
            let mut fields = part.splitn(3, ' ');
            let mut number = || u64::from_str_radix(fields.next().unwrap(), 16).unwrap();
            let (base, size) = (number(), number());
            (base, size, fields.next().unwrap())
        })
        .collect();
    let found: Vec<_> = modules
        .iter()
        .map(|module| (module.base, module.size))
        .collect();
    let expected: Vec<_> = said.iter().map(|&(base, size, _)| (base, size)).collect();
    assert_eq!(found, expected, "{modules:#?}");
    for (index, (module, (.., name))) in modules.iter().zip(&said).enumerate() {
        match *name {
            _ if index == 0 => assert_eq!(module.path, executable),
            name if name.starts_with("linux-") => assert_eq!(module.path, Path::new("[vdso]")),
            name => assert_eq!(module.path, fs::canonicalize(name).unwrap()),
        }
        assert_eq!(module.class, ModuleClass::Bits64, "{module:?}");
    }
}

#[test]
fn one_file_as_two_images_is_two_modules_and_as_data_none() {
    let library = library("libtwice.so");
    let program = Program::compile(
        &with_list(
            r#"int main(int argc, char **argv) {
                int fd = open(argv[1], O_RDONLY);
                if (mmap(0, 1 << 14, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED) exit(1);
                next("data");
                void *handle[2] = {
                    dlopen(argv[1], RTLD_NOW), dlmopen(LM_ID_NEWLM, argv[1], RTLD_NOW)
                };
                struct link_map *map[2];
                for (int i = 0; i < 2; i++)
                    if (!handle[i] || dlinfo(handle[i], RTLD_DI_LINKMAP, &map[i])) exit(1);
                printf("%lx %lx", (long)map[0]->l_addr, (long)map[1]->l_addr);
                next("");
            }"#,
        ),
        &["-ldl"],
    );
    let mut subject = Subject::start(Command::new(&program.path).arg(&library.path));
    let is_library = |module: &&Module| module.path == library.path;
    assert_eq!(modules(subject.id()).iter().filter(is_library).count(), 0);

    subject.proceed();
    let modules = modules(subject.id());
    let found = modules.iter().filter(is_library).map(|module| module.base);
    let said = subject.said.split(' ');
    let said = said.map(|number| u64::from_str_radix(number, 16).unwrap());
    assert_eq!(found.collect::<Vec<_>>(), said.collect::<Vec<_>>());
}

#[test]
fn a_corrupt_list_gives_the_same_modules_by_address() {
    for damage in [
        // A cycle, and pointers to nothing, to no entry and to the end of the address space.
        "second->l_next->l_next = second",
        "second->l_next->l_next = second->l_next",
        "second->l_next = (void *)0x123456789000",
        "second->l_next = (void *)&main",
        "second->l_next = (void *)-8L",
        "debug->r_map = (void *)1",
        "debug->r_map = 0",
    ] {
        let main = format!(
            r#"int main(void) {{
                struct r_debug *debug = 0;
                for (ElfW(Dyn) *entry = _DYNAMIC; entry->d_tag; entry++)
                    if (entry->d_tag == DT_DEBUG) debug = (void *)entry->d_un.d_ptr;
                struct link_map *second = debug->r_map->l_next;
                next("");
                {damage};
                next("");
            }}"#
        );
        let program = Program::compile(&with_list(&main), &["-ldl"]);
        let mut subject = program.start();
        let mut expected = modules(subject.id());
        subject.proceed();
        let found = modules(subject.id());
        expected[1..].sort_by_key(|module| module.base);
        assert_eq!(found, expected, "{damage}");
    }
}

#[test]
fn an_image_keeps_its_description_when_its_file_goes() {
    let library = library("libgone.so");
    let copy = library.path.with_extension("kept");
    fs::copy(&library.path, &copy).unwrap();
    let program = Program::compile(
        &with_list(
            r#"int main(int argc, char **argv) {
                if (!dlopen(argv[1], RTLD_NOW)) exit(1);
                next("");
            }"#,
        ),
        &["-ldl"],
    );
    let kept = program.path.with_extension("kept");
    fs::copy(&program.path, &kept).unwrap();
    let subject = Subject::start(Command::new(&program.path).arg(&library.path));

    // The library is replaced by something else, the executable deleted.
    let other = Program::compile("int main(void) { return 0; }", &["-Wl,--build-id=0x1234"]);
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

#[test]
fn names_that_look_like_the_kernels_marks_are_names() {
    for name in [
        &b"a (deleted)"[..],
        b"new\nline",
        b"back\\012slash",
        b"not utf-8 \xff\xfe",
    ] {
        let program = Program::compile_as(OsStr::from_bytes(name), WAITS, &[]);
        let subject = program.start();
        let module = &modules(subject.id())[0];
        assert_eq!((&module.path, module.deleted), (&program.path, false));
        // Once the file is gone, nothing in the text tells a newline from what looks like its
        // escape.
        if name != b"back\\012slash" {
            fs::remove_file(&program.path).unwrap();
            let module = &modules(subject.id())[0];
            assert_eq!((&module.path, module.deleted), (&program.path, true));
        }
    }
}

#[test]
fn statically_linked_programs_have_their_image_and_the_vdso() {
    for arguments in [
        &["-static", "-no-pie"][..],
        &["-static-pie", "-fPIE"],
        // Text that lies elsewhere in memory than in the file.
        &["-static", "-no-pie", "-Wl,-Ttext=0x900000"],
        &["-static", "-no-pie", "-Wl,-z,noseparate-code"],
    ] {
        let Some(program) = Program::try_compile(OsStr::new("subject"), WAITS, arguments) else {
            skip(&format!("the compiler can't link with {arguments:?}"));
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
        let entry = bias + elf::entry(&program.path);
        assert_eq!(modules[0].entry_point, Some(entry), "{arguments:?}");
        assert!(modules[0].contains(entry));
    }
}

#[test]
fn classes_are_told_apart() {
    const SOURCE: &str = r#"
        static int call(int number, int a, const void *b, int c) {
            int result;
            __asm__ volatile("int $0x80" : "=a"(result)
                             : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
            return result;
        }
        void _start(void) {
            char c;
            call(4, 1, "up\n", 3);
            call(3, 0, &c, 1);
            call(1, 0, 0, 0);
        }"#;
    let arguments = [
        "-m32",
        "-nostdlib",
        "-static",
        "-fno-pie",
        "-no-pie",
        "-Wl,--build-id",
    ];
    let program = Program::try_compile(OsStr::new("narrow"), SOURCE, &arguments);
    let Some(program) = program.filter(|_| cfg!(target_arch = "x86_64")) else {
        return skip("no compiler for 32-bit programs");
    };
    if Command::new(&program.path)
        .stdin(std::process::Stdio::null())
        .output()
        .is_err()
    {
        return skip("the kernel runs no 32-bit programs");
    }
    let subject = program.start();
    let all = modules(subject.id());
    let narrow = find(&all, &program.path);
    assert_eq!((narrow.class, narrow), (ModuleClass::Bits32, &all[0]));
    assert_eq!(narrow.entry_point, Some(elf::entry(&program.path)));
    assert_described(narrow, &program.path);
    assert_eq!(find(&all, Path::new("[vdso]")).class, ModuleClass::Bits32);

    // Where neither its memory nor its files may be read.
    if is_root() {
        let told = as_nobody_with(CapabilitySet::PERFMON, || {
            let process = System::new().process(subject.id()).unwrap();
            process.modules_with(ModuleFilter::Only32Bit, ModuleFields::all())
        });
        match told {
            Err(error) if error.kind() == ErrorKind::AccessDenied => {
                skip("CAP_PERFMON shows no mappings on this kernel");
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
fn a_program_that_the_linker_was_started_for_is_found() {
    let program = Program::compile(&with_list("int main(void) { list(); }"), &["-ldl"]);
    let Some(linker) = elf::interpreter(&program.path) else {
        return skip("programs are linked statically here");
    };
    let subject = Subject::start(Command::new(&linker).arg(&program.path));
    let modules = modules(subject.id());
    // The kernel started the linker; the linker's list starts with the program.
    assert_eq!(modules[0].path, fs::canonicalize(&linker).unwrap());
    assert_eq!(modules[1].path, program.path);
    assert_described(&modules[1], &program.path);
    let said = subject
        .said
        .split_terminator('|')
        .filter(|part| !part.contains("ld-linux"));
    let said: Vec<u64> = said
        .map(|part| u64::from_str_radix(part.split(' ').next().unwrap(), 16).unwrap())
        .collect();
    let found: Vec<u64> = modules[1..].iter().map(|module| module.base).collect();
    assert_eq!(found, said);
}

#[test]
fn a_process_in_another_mount_namespace_has_its_own_paths() {
    let program = Program::compile(WAITS, &[]);
    let place = support::child::public_directory();
    let inside = place.path().join("inside");
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
        return skip("no mount namespace to be had");
    }
    let arguments: [&OsStr; 6] = [
        "sh".as_ref(),
        "-c".as_ref(),
        script.as_ref(),
        "sh".as_ref(),
        place.path().as_ref(),
        program.path.as_ref(),
    ];
    let subject = Subject::start(&mut unshare(&arguments));
    assert!(!inside.exists());
    let modules = modules(subject.id());
    assert_eq!((&modules[0].path, modules[0].deleted), (&inside, false));
    assert_described(&modules[0], &program.path);
}

#[test]
fn another_program_in_the_process_is_another_answer() {
    let program = Program::compile(
        &with_list(
            r#"int main(int argc, char **argv) {
                next("first");
                execv(argv[1], argv + 1);
            }"#,
        ),
        &[],
    );
    let second = Program::compile_as(OsStr::new("second"), WAITS, &[]);
    let mut subject = Subject::start(Command::new(&program.path).arg(&second.path));
    let process = System::new().process(subject.id()).unwrap();
    let first = process.modules(ModuleFilter::All).unwrap();
    assert_eq!(first[0].path, program.path);
    subject.proceed();
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

/// A tree that stands for a proc file system in which a process's memory can't be read, as with a
/// `kernel.yama.ptrace_scope` of 1.
#[test]
fn without_its_memory_a_process_is_described_by_its_files() {
    let library = library("libfile.so");
    let program = Program::compile(
        &with_list(
            r#"int main(int argc, char **argv) {
                if (!dlopen(argv[1], RTLD_NOW)) exit(1);
                next("");
            }"#,
        ),
        &["-ldl"],
    );
    let subject = Subject::start(Command::new(&program.path).arg(&library.path));
    let mut expected = modules(subject.id());
    expected.retain(|module| module.path != Path::new("[vdso]"));
    expected[1..].sort_by_key(|module| module.base);

    let mut tree = support::tree::Tree::new();
    let id = subject.id();
    for name in ["stat", "status", "maps"] {
        tree = tree.file(format!("{id}/{name}"), support::child::proc_file(id, name));
    }
    let described = |tree: &support::tree::Tree| {
        let process = tree.as_proc().process(id).unwrap();
        let mut modules = process
            .modules_with(ModuleFilter::All, ModuleFields::all())
            .unwrap();
        let vdso = modules
            .iter()
            .position(|module| module.path == Path::new("[vdso]"));
        modules.remove(vdso.expect("the vDSO"));
        modules
    };

    // Not even the files can be reached: what the mappings tell, and no more.
    let bare = described(&tree);
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

    let tree = tree.link(format!("{id}/root"), "/");
    assert_eq!(described(&tree), expected);

    let auxv = support::child::proc_file(id, "auxv");
    let tree = tree.file(format!("{id}/auxv"), auxv);
    assert_eq!(described(&tree), expected);
}

#[test]
fn a_kernel_thread_has_no_modules() {
    let Ok(comm) = fs::read("/proc/2/comm") else {
        return skip("no kernel threads in this pid namespace");
    };
    if comm != b"kthreadd\n" {
        return skip("process 2 is not kthreadd here");
    }
    for system in ways::to_mappings() {
        let process = system.process(2).unwrap();
        let error = process.modules(ModuleFilter::All).unwrap_err();
        // Without privileges, older kernels do not even tell that there is nothing.
        let hidden = !is_root() && error.kind() == ErrorKind::AccessDenied;
        assert!(
            hidden || error.kind() == ErrorKind::NoAddressSpace,
            "{error}"
        );
    }
}

/// In the proc file system of another pid namespace, ids mean other processes than they do here.
#[test]
fn ids_of_another_pid_namespace_do_not_mislead() {
    let program = Program::compile(WAITS, &[]);
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
        return skip("no pid namespace to be had");
    }
    let subject = Subject::start(&mut unshare(&program.path));
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
fn without_the_privilege_the_error_names_it() {
    let program = Program::compile(WAITS, &[]);
    let subject = program.start();
    // Who is not root is refused the first process, which is root's.
    let id = if is_root() {
        subject.id()
    } else {
        ProcessId::new(1)
    };
    as_nobody(|| {
        for system in ways::to_mappings() {
            let process = system.process(id).unwrap();
            let error = process.modules(ModuleFilter::All).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AccessDenied);
            assert!(error.to_string().contains("CAP_SYS_PTRACE"), "{error}");
        }
    });
}

/// The files of a process that are for its user alone stay closed to who may but trace it.
#[test]
fn who_may_trace_a_process_needs_not_own_its_files() {
    if !is_root() {
        return skip("only root may hand on CAP_SYS_PTRACE");
    }
    let library = library("libtraced.so");
    let source = with_list(
        r#"int main(int argc, char **argv) {
            if (argc > 1 && !dlopen(argv[1], RTLD_NOW)) exit(1);
            next("");
        }"#,
    );
    let dynamic = Program::compile(&source, &["-ldl"]);
    let mut commands = vec![Command::new(&dynamic.path)];
    commands[0].arg(&library.path);
    let arguments = ["-static", "-no-pie"];
    let fixed = Program::try_compile(OsStr::new("fixed"), WAITS, &arguments);
    match &fixed {
        Some(program) => commands.push(Command::new(&program.path)),
        None => skip("the compiler can't link statically"),
    }
    if let Some(linker) = elf::interpreter(&dynamic.path) {
        let mut command = Command::new(&linker);
        command.arg(&dynamic.path);
        commands.push(command);
    }
    for mut command in commands {
        let subject = Subject::start(&mut command);
        let expected = modules(subject.id());
        let found = as_nobody_with(CapabilitySet::SYS_PTRACE, || modules(subject.id()));
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
    // Nothing where they were.
    image[start..][..count * 56].fill(0);
    let place = (image.len() as u64).next_multiple_of(1 << 21);
    image.resize(place as usize, 0);
    let size = 56 * count as u64;
    for header in &mut headers {
        // PT_PHDR tells the place; PT_GNU_STACK gives its own to a PT_LOAD.
        if [6, 0x6474_e551].contains(&kind(header)) {
            if kind(header) != 6 {
                header[..8].copy_from_slice(&[1, 0, 0, 0, 4, 0, 0, 0]);
            }
            let words = [place, place, place, size, size, 4096];
            header[8..].copy_from_slice(&words.map(u64::to_le_bytes).concat());
        }
    }
    // PT_PHDR stands before, and PT_LOADs ascend.
    headers.sort_by_key(|header| match kind(header) {
        6 => (0, 0),
        1 => (2, word(header, 16)),
        _ => (1, 0),
    });
    image.extend(headers.concat());
    image[32..40].copy_from_slice(&place.to_le_bytes());
    fs::write(path, image).unwrap();
}

#[test]
fn program_headers_at_the_end_are_found() {
    let library = library("libmoved.so");
    let program = Program::compile(
        &with_list(
            r#"int main(int argc, char **argv) {
                if (!dlopen(argv[1], RTLD_NOW)) { puts(dlerror()); exit(1); }
                list();
            }"#,
        ),
        &["-ldl", "-Wl,--build-id"],
    );
    if cfg!(not(all(
        target_pointer_width = "64",
        target_endian = "little"
    ))) {
        return skip("the test rewrites 64-bit little-endian images alone");
    }
    move_program_headers(&program.path);
    move_program_headers(&library.path);
    let subject = Subject::start(Command::new(&program.path).arg(&library.path));
    let modules = modules(subject.id());
    assert_agrees(&modules, &subject.said, &program.path);
    for path in [&program.path, &library.path] {
        assert_described(find(&modules, path), path);
    }
}

#[test]
fn where_no_module_starts_there_is_none() {
    let process = System::new().current_process().unwrap();
    let modules = process.modules(ModuleFilter::All).unwrap();
    let within = modules[0].base + 1;
    let second_page = modules[0].base + rustix::param::page_size() as u64;
    let stack = &process as *const _ as u64;
    for address in [0, within, second_page, stack, u64::MAX] {
        let error = process.module(address).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidParameter, "{address:#x}");
    }
}
