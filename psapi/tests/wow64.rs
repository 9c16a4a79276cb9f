//! Processes of the other width on 64-bit Windows.

#![cfg(windows)]

use std::path::PathBuf;
use std::process::Command;

#[cfg(target_pointer_width = "32")]
use psapi::ErrorKind;
#[cfg(target_pointer_width = "64")]
use psapi::ModuleClass;
use psapi::{ModuleFilter, Process, System};

use testing::{TestProcess, skip};

/// Starts the command interpreter in a folder of the system, and waits until it runs a command.
fn interpreter(folder: &str) -> Option<(TestProcess, Process)> {
    let windows = PathBuf::from(std::env::var_os("SystemRoot").unwrap());
    let path = windows.join(folder).join("cmd.exe");
    if !path.exists() {
        skip(&format!("{} is missing", path.display()));
        return None;
    }
    let child = TestProcess::start(Command::new(&path).args(["/q", "/k", "echo ready"]));
    assert_eq!(child.line, "ready");
    let process = System::new().process(child.id()).unwrap();
    Some((child, process))
}

#[cfg(target_pointer_width = "64")]
#[test]
fn both_lists_of_32_bit_process() {
    let Some((_child, process)) = interpreter("syswow64") else {
        return;
    };
    let all = process.modules(ModuleFilter::All).unwrap();
    let narrow = process.modules(ModuleFilter::Only32Bit).unwrap();
    let wide = process.modules(ModuleFilter::Only64Bit).unwrap();
    assert_eq!(all.len(), narrow.len() + wide.len());
    assert_eq!(all[0], narrow[0]);
    assert_eq!(all[0].class, ModuleClass::Bits32);
    assert_eq!(all[0].name(), "cmd.exe");
    assert_eq!(process.executable().unwrap(), all[0]);
    let has = |modules: &[psapi::Module], name: &str| {
        let is_it = |found: &str| found.eq_ignore_ascii_case(name);
        modules
            .iter()
            .any(|module| module.name().to_str().is_some_and(is_it))
    };
    for modules in [&narrow, &wide] {
        assert!(has(modules, "ntdll.dll"), "{modules:#?}");
    }
    assert!(has(&narrow, "kernel32.dll") && !has(&wide, "kernel32.dll"));
    assert!(has(&wide, "wow64.dll") && !has(&narrow, "wow64.dll"));
    let mut bases: Vec<u64> = all.iter().map(|module| module.base).collect();
    bases.sort_unstable();
    bases.dedup();
    assert_eq!(bases.len(), all.len());
    assert!(
        narrow
            .iter()
            .all(|module| module.base + module.size <= 1 << 32)
    );
}

#[cfg(target_pointer_width = "32")]
#[test]
fn process_of_64_bits_is_beyond_caller() {
    const ERROR_PARTIAL_COPY: i32 = 299;
    let Some((_child, process)) = interpreter("sysnative") else {
        return;
    };
    for error in [
        process.modules(ModuleFilter::All).unwrap_err(),
        process.executable().unwrap_err(),
        process.mappings().unwrap_err(),
        process.mapped_file(0x1_0000).unwrap_err(),
        process.query_pages(&[0x1_0000]).unwrap_err(),
        process.working_set().unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotSupported, "{error}");
        assert_eq!(error.raw_os_error(), Some(ERROR_PARTIAL_COPY));
    }
}
