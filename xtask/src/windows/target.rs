//! The targets whose programs run under Wine.

/// A target whose programs run under Wine.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name for the compiler.
    pub name: &'static str,
    /// The prefix of mingw's programs.
    pub mingw: &'static str,
}

/// 64-bit Windows.
pub const X86_64: Target = Target {
    name: "x86_64-pc-windows-gnu",
    mingw: "x86_64-w64-mingw32",
};

/// 32-bit Windows.
pub const I686: Target = Target {
    name: "i686-pc-windows-gnu",
    mingw: "i686-w64-mingw32",
};

impl Target {
    /// Returns the folder in `capi/windows` with the names for import libraries.
    pub fn architecture(&self) -> &'static str {
        self.name.split('-').next().unwrap_or(self.name)
    }

    /// Returns the name of a variable with a setting of cargo for this target.
    pub fn variable(&self, setting: &str) -> String {
        let name = self.name.to_uppercase().replace('-', "_");
        format!("CARGO_TARGET_{name}_{setting}")
    }

    /// Returns a compiler of mingw, `gcc` or `g++`. Debian's names end in the thread library.
    pub fn compiler(&self, name: &str) -> String {
        format!("{}-{name}-win32", self.mingw)
    }
}
