//! `PROC/PID/cmdline`: the arguments, each closed by a NUL – unless the process rewrote them.

/// The arguments of a command line, empty ones included. A program that rewrote its title and
/// filled the rest of its old arguments with NULs shows these as empty arguments: the kernel
/// keeps nothing that would tell the two apart.
pub(crate) fn arguments(cmdline: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = (!cmdline.is_empty()).then(|| cmdline.strip_suffix(b"\0").unwrap_or(cmdline));
    std::iter::from_fn(move || {
        let text = rest?;
        let nul = memchr::memchr(0, text);
        rest = nul.map(|nul| &text[nul + 1..]);
        Some(&text[..nul.unwrap_or(text.len())])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cmdline: &[u8]) -> Vec<&[u8]> {
        arguments(cmdline).collect()
    }

    #[test]
    fn every_argument_is_delivered_empty_ones_too() {
        assert_eq!(of(b"cat\0a b\0\0"), [&b"cat"[..], b"a b", b""]);
        assert_eq!(of(b"\0"), [b""]);
        assert_eq!(of(b"caf\xe9\0"), [b"caf\xe9"]);
    }

    #[test]
    fn a_kernel_thread_has_none() {
        assert!(of(b"").is_empty());
    }

    #[test]
    fn a_rewritten_title_is_one_argument() {
        assert_eq!(of(b"nginx: worker process"), [b"nginx: worker process"]);
    }
}
