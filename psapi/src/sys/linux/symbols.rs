//! Reads the symbols of modules, generated code and the kernel.

use std::path::Path;

use crate::error::SourceError;
use crate::frame::Frame;
use crate::mapping::Mapping;
use crate::sys::linux::elf::file;
use crate::sys::linux::mapped_files::MappedFiles;
use crate::sys::linux::proc::kallsyms;
use crate::sys::linux::process::Process;
use crate::sys::linux::system::System;

pub(crate) use crate::sys::linux::elf::file::FileVersion;
pub(crate) use crate::sys::linux::elf::perf_map::PerfMap as GeneratedFunctions;
pub(crate) use crate::sys::linux::module_symbols::{ModuleSymbols, open_symbols, symbolize_module};

/// Returns the version of the file that backs a mapping; `None` if the file is not accessible.
pub(crate) fn file_version(
    process: &Process,
    path: &Path,
    mapping: &Mapping,
) -> Option<FileVersion> {
    let files = MappedFiles::new(process.system(), process.directory());
    file::version(&files, path, mapping)
}

/// Returns the functions that the process generated at run time.
pub(crate) fn generated_functions(process: &Process) -> Option<GeneratedFunctions> {
    GeneratedFunctions::open(process)
}

/// Returns the frame of each address in generated code, and the reason why the list of functions
/// was not read.
pub(crate) fn symbolize_generated(
    generated: &mut GeneratedFunctions,
    addresses: &[u64],
) -> (Vec<Option<Frame>>, Option<String>) {
    let functions = generated.functions();
    let frames = addresses.iter().map(|&address| {
        let (start, name) = functions.at(address)?;
        Some(Frame {
            function: Some(String::from_utf8_lossy(name).into_owned()),
            module: None,
            source: None,
            inlined: false,
            offset: Some(address - start),
        })
    });
    (frames.collect(), generated.refused())
}

/// Returns true if an unmapped address can be in the kernel.
///
/// The kernel uses the upper half of the addresses except for the last page. Its functions return
/// small negative numbers as errors, which are not pointers.
pub(crate) fn is_kernel_address(address: u64) -> bool {
    address >> 63 == 1 && address < u64::MAX - 4095
}

/// Returns the frame of each kernel address. The addresses must be sorted.
///
/// After an error, the frames name only the kernel.
pub(crate) fn symbolize_kernel(
    system: &System,
    addresses: &[u64],
) -> (Vec<Frame>, Option<SourceError>) {
    let functions = system
        .proc_directory()
        .and_then(|proc| kallsyms::functions(proc, addresses));
    let (functions, error) = match functions {
        Ok(functions) => (functions, None),
        Err(error) => (vec![None; addresses.len()], Some(error)),
    };
    let frames = addresses.iter().zip(functions).map(|(address, function)| {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let driver = function.as_ref().and_then(|found| found.driver.as_deref());
        Frame {
            function: function.as_ref().map(|found| text(&found.name)),
            module: Some(format!("[{}]", driver.map_or("kernel".into(), text)).into()),
            source: None,
            inlined: false,
            offset: function.map(|found| address - found.start),
        }
    });
    (frames.collect(), error)
}

/// Returns the number of modules to hold open at the same time.
pub(crate) fn max_open_symbols() -> usize {
    file::max_open_files()
}
