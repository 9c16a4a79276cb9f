//! What the kernel counts for this process on Linux.

/// Memory and descriptors.
#[derive(Debug)]
pub struct Holdings {
    pub descriptors: usize,
    /// The mapped bytes.
    pub mapped: u64,
    /// The private resident bytes.
    pub private: u64,
}

impl Holdings {
    pub fn now() -> Holdings {
        let bytes = |file: &str, label: &str| {
            let text = std::fs::read_to_string(file).expect("read a file of /proc");
            let mut lines = text.lines();
            let value = lines.find_map(|line| line.strip_prefix(label)?.strip_suffix("kB"));
            let kib = value.expect("the file has the field").trim().parse::<u64>();
            kib.expect("a number") << 10
        };
        let descriptors = std::fs::read_dir("/proc/self/fd").expect("list the descriptors");
        Holdings {
            descriptors: descriptors.count(),
            mapped: bytes("/proc/self/status", "VmSize:"),
            private: bytes("/proc/self/smaps_rollup", "Anonymous:"),
        }
    }
}
