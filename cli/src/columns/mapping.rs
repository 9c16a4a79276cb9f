//! Values of a mapping that several subcommands show.

use std::borrow::Cow;

use psapi::{Backing, Mapping};

use crate::output::Value;

/// Returns the permissions as `/proc/PID/maps` prints them: `r-xp`.
pub fn permissions(mapping: &Mapping) -> Value<'static> {
    let letter = |allowed: bool, letter: u8| if allowed { letter } else { b'-' };
    Value::Text(Cow::Owned(vec![
        letter(mapping.readable, b'r'),
        letter(mapping.writable, b'w'),
        letter(mapping.executable, b'x'),
        if mapping.shared { b's' } else { b'p' },
    ]))
}

/// Returns the kind of memory that backs the mapping.
pub fn kind(mapping: &Mapping) -> Value<'static> {
    Value::Word(match mapping.backing {
        Backing::File { .. } => "file",
        Backing::Memfd { .. } => "memfd",
        Backing::SysV { .. } => "sysv",
        Backing::SharedAnonymous { .. } | Backing::PagefileSection => "shared",
        Backing::Anonymous { .. } => "anonymous",
        Backing::Heap => "heap",
        Backing::Stack => "stack",
        Backing::Vdso => "vdso",
        Backing::Kernel { .. } => "kernel",
        _ => "other",
    })
}

/// Returns the path of the mapped file, or a label such as `[heap]`.
pub fn name(mapping: &Mapping) -> Value<'static> {
    Value::Text(Cow::Owned(mapping.backing.label().into_encoded_bytes()))
}
