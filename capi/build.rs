//! How the shared library is linked.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CC");
    // The version of the ABI, as `package.metadata.capi.library` has it.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libpsapi.so.1");
    // What unwinds a panic becomes a part of the library, so that it needs the C library alone.
    // Where the C compiler brings no such archive, libgcc_s.so is needed, too.
    if let Some(directory) = directory_of("libgcc_eh.a") {
        println!("cargo::rustc-link-search=native={directory}");
        println!("cargo::rustc-cfg=own_unwinder");
    }
    println!("cargo::rustc-check-cfg=cfg(own_unwinder)");
}

/// Where the C compiler has a library.
fn directory_of(library: &str) -> Option<String> {
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    let output = Command::new(compiler)
        .arg(format!("-print-file-name={library}"))
        .output()
        .ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    let path = Path::new(path.trim());
    // It answers with the bare name if it has none.
    path.is_absolute()
        .then(|| path.parent()?.to_str().map(str::to_owned))?
}
