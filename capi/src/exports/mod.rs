//! Every exported function with its prototype. Tests check the headers and the lists of exports for
//! Windows against it.

/// Exports each function, some of them under a second name. A body after `call` returns a `Result`;
/// a body after `plain` cannot fail.
macro_rules! exports {
    ($([$name:ident $($other:ident)?] $arguments:tt -> $result:tt = $wrapper:ident $body:expr;)*) => {
        $(
            export!($name $arguments $result $wrapper $body);
            $(export!($other $arguments $result $wrapper $body);)?
        )*

        /// Returns the address of an exported function.
        #[cfg(target_os = "linux")]
        pub fn exported(name: &[u8]) -> FARPROC {
            $(
                address_if!(name, $name $arguments $result);
                $(address_if!(name, $other $arguments $result);)?
            )*
            None
        }

        /// The name, the arguments and the return type of each function, in Rust's notation.
        #[cfg(all(test, target_os = "linux"))]
        pub const PROTOTYPES: &[(&str, &str, &str)] = &[
            $(
                (stringify!($name), stringify!($arguments), stringify!($result)),
                $((stringify!($other), stringify!($arguments), stringify!($result)),)?
            )*
        ];
    };
}

macro_rules! export {
    ($name:ident ($($argument:ident: $type:ty),*) $result:tt $wrapper:ident $body:expr) => {
        #[unsafe(no_mangle)]
        extern "system" fn $name($($argument: $type),*) -> $result {
            $wrapper(|| $body($($argument),*))
        }
    };
}

/// Returns the address of a function if it has the name.
#[cfg(target_os = "linux")]
macro_rules! address_if {
    ($wanted:ident, $name:ident ($($argument:ident: $type:ty),*) $result:tt) => {
        if $wanted == stringify!($name).as_bytes() {
            let function: extern "system" fn($($type),*) -> $result = $name;
            // SAFETY: both are addresses of functions. The caller converts the address back to the
            // function's own type before the call.
            return Some(unsafe {
                std::mem::transmute::<extern "system" fn($($type),*) -> $result, unsafe extern "system" fn()>(
                    function,
                )
            });
        }
    };
}

pub mod psapi_h;
#[cfg(target_os = "linux")]
pub mod windows_h;

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::path::PathBuf;
    use std::process::Command;

    use super::*;

    /// Converts a type from Rust's notation, `*mut T` or `T`, to C.
    fn c_type(rust: &str) -> String {
        // `stringify!` breaks long lines.
        match rust.split_once(char::is_whitespace).unwrap_or(("", rust)) {
            ("*mut", to) => format!("{} *", to.trim_start()),
            ("*const", to) => format!("const {} *", to.trim_start()),
            _ if rust == "()" => "void".into(),
            _ => rust.into(),
        }
    }

    fn prototype((name, arguments, result): &(&str, &str, &str)) -> String {
        let arguments = arguments.trim_start_matches('(').trim_end_matches(')');
        let types: Vec<String> = arguments
            .split(',')
            .filter_map(|argument| argument.split_once(':'))
            .map(|(_, rust)| c_type(rust.trim()))
            .collect();
        let types = if types.is_empty() {
            "void".into()
        } else {
            types.join(", ")
        };
        format!("{} WINAPI {name}({types});\n", c_type(result))
    }

    #[test]
    fn headers_declare_every_export() {
        let mut code = String::new();
        for header in ["windows.h", "psapi.h", "tlhelp32.h"] {
            code.push_str(&format!("#include <{header}>\n"));
        }
        let prototypes = psapi_h::PROTOTYPES.iter().chain(windows_h::PROTOTYPES);
        prototypes.for_each(|export| code.push_str(&prototype(export)));
        assert_compiles(&code);
    }

    /// Returns a list of the names for an import library. 32-bit linkers need the size of the
    /// arguments with each name.
    fn import_list(prefix: &str, with_sizes: bool) -> String {
        let mut list = String::from("LIBRARY psapi.dll\nEXPORTS\n");
        for (name, arguments, _) in psapi_h::PROTOTYPES {
            // Every function has two prototypes: the `K32` name, and the plain one.
            let is_listed = name.starts_with("K32") == (prefix == "K32");
            if is_listed {
                let size = 4 * arguments.matches(':').count();
                let suffix = if with_sizes {
                    format!("@{size}")
                } else {
                    String::new()
                };
                list.push_str(&format!("{name}{suffix}\n"));
            }
        }
        list
    }

    #[test]
    fn import_lists_match_exports() {
        macro_rules! found {
            ($file:literal) => {
                include_str!(concat!("../../windows/", $file))
            };
        }
        assert_eq!(found!("x86_64/psapi.def"), import_list("", false));
        assert_eq!(found!("x86_64/psapi_k32.def"), import_list("K32", false));
        assert_eq!(found!("i686/psapi.def"), import_list("", true));
        assert_eq!(found!("i686/psapi_k32.def"), import_list("K32", true));
    }

    fn assert_compiles(code: &str) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("check.c");
        std::fs::write(&file, code).unwrap();
        // `cargo xtask test` copies the headers to a directory that the user `nobody` can read.
        let copied = std::env::var_os("PSAPI_CAPI_DIR").map(PathBuf::from);
        let capi = copied.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let headers = capi.join("include/psapi");
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let output = Command::new(compiler)
            .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"])
            // With version 1, the headers declare the plain names as functions.
            .args(["-DPSAPI_VERSION=1", "-I"])
            .arg(&headers)
            .arg(&file)
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
    }
}
