//! Page protection: the `PAGE_` constants of `winnt.h`.

const READONLY: u32 = 0x02;
const READWRITE: u32 = 0x04;
const WRITECOPY: u32 = 0x08;
const EXECUTE: u32 = 0x10;
const EXECUTE_READ: u32 = 0x20;
const EXECUTE_READWRITE: u32 = 0x40;
const EXECUTE_WRITECOPY: u32 = 0x80;
const GUARD: u32 = 0x100;

/// What a page protection permits. Modifiers other than `PAGE_GUARD` are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PageProtection {
    pub(crate) read: bool,
    pub(crate) write: bool,
    pub(crate) execute: bool,
    /// Whether the first write gives the process its own copy of the page.
    pub(crate) copy: bool,
    /// Whether the next access raises an exception instead.
    pub(crate) guard: bool,
}

impl From<u32> for PageProtection {
    fn from(flags: u32) -> Self {
        let any = |mask| flags & mask != 0;
        let copy = any(WRITECOPY | EXECUTE_WRITECOPY);
        let write = copy || any(READWRITE | EXECUTE_READWRITE);
        PageProtection {
            read: write || any(READONLY | EXECUTE_READ),
            write,
            execute: any(EXECUTE | EXECUTE_READ | EXECUTE_READWRITE | EXECUTE_WRITECOPY),
            copy,
            guard: any(GUARD),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protection_follows_its_documentation() {
        const PAGE_NOACCESS: u32 = 0x01;
        const PAGE_NOCACHE: u32 = 0x200;
        for (flags, expected) in [
            (0, ""),
            (PAGE_NOACCESS, ""),
            (READONLY, "r"),
            (READWRITE | PAGE_NOCACHE, "rw"),
            (WRITECOPY, "rwc"),
            (EXECUTE, "x"),
            (EXECUTE_READ, "rx"),
            (EXECUTE_READWRITE, "rwx"),
            (EXECUTE_WRITECOPY, "rwxc"),
            (READWRITE | GUARD, "rwg"),
        ] {
            let found = PageProtection::from(flags);
            let letters = [
                (found.read, 'r'),
                (found.write, 'w'),
                (found.execute, 'x'),
                (found.copy, 'c'),
                (found.guard, 'g'),
            ];
            let letters = letters.into_iter().filter(|&(is_set, _)| is_set);
            let text: String = letters.map(|(_, letter)| letter).collect();
            assert_eq!(text, expected, "{flags:#x}");
        }
    }
}
