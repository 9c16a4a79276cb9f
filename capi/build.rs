//! Linker options for the shared library.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CC");
    if env::var_os("CARGO_CFG_WINDOWS").is_some() {
        println!("cargo::rustc-check-cfg=cfg(own_unwinder)");
        return;
    }
    // The major version of `package.metadata.capi.library`.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libpsapi.so.1");
    // Link the unwinder into the library, so that the C library is its only dependency. Without
    // this archive, the library also depends on libgcc_s.so.
    if let Some(directory) = directory_of("libgcc_eh.a") {
        println!("cargo::rustc-link-search=native={directory}");
        println!("cargo::rustc-cfg=own_unwinder");
    }
    println!("cargo::rustc-check-cfg=cfg(own_unwinder)");
}

/// Returns the directory in which the C compiler finds a library.
fn directory_of(library: &str) -> Option<String> {
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    let output = Command::new(compiler)
        .arg(format!("-print-file-name={library}"))
        .output()
        .ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    let path = Path::new(path.trim());
    // If the compiler does not find the library, it prints the bare name.
    path.is_absolute()
        .then(|| path.parent()?.to_str().map(str::to_owned))?
}
