//! Lists every expected failure and skip of the tests in guests, with its reason: a limitation of
//! the kernel, or of the guest. Any other failure or skip fails the run.

/// The user that runs the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum User {
    Root,
    Nobody,
}

impl User {
    pub const ALL: [User; 2] = [User::Root, User::Nobody];

    pub fn name(self) -> &'static str {
        match self {
            User::Root => "root",
            User::Nobody => "nobody",
        }
    }
}

/// Tests that fail, or skip something, on some kernels.
#[derive(Debug)]
pub struct Expectation {
    /// The first kernel that is affected.
    from: (u32, u32),
    /// The first kernel that is no longer affected.
    before: (u32, u32),
    users: &'static [User],
    /// The tests that fail, as nextest names them: package, binary and test.
    pub fail: &'static [&'static str],
    /// The reasons that tests report for skipping something.
    pub skips: &'static [&'static str],
    pub reason: &'static str,
}

const FIRST: (u32, u32) = (0, 0);
const LAST: (u32, u32) = (u32::MAX, 0);

pub const EXPECTATIONS: &[Expectation] = &[
    Expectation {
        from: FIRST,
        before: (5, 13),
        users: &User::ALL,
        fail: &[],
        skips: &["userfaultfd cannot write-protect pages"],
        reason: "UFFD_USER_MODE_ONLY requires Linux 5.11, and the write-protection bit of pagemap \
              requires 5.13",
    },
    Expectation {
        from: FIRST,
        before: (5, 19),
        users: &User::ALL,
        fail: &["psapi-cli::watch output::live_output_lists_each_fault"],
        skips: &[],
        reason: "on the first write to a shared page, the kernel releases the mmap lock and retries \
              the fault, and it counts every retried fault as major",
    },
    Expectation {
        from: FIRST,
        before: (6, 7),
        users: &[User::Nobody],
        fail: &[
            "psapi-cli::pictures touched_pages_are_drawn_in_place",
            "psapi::difference exec_removes_all_pages",
            "psapi::difference difference_follows_resized_mappings",
            "psapi::working_set attributes::pages_have_numa_nodes",
        ],
        skips: &[],
        reason: "without PAGEMAP_SCAN, only frame numbers distinguish a zero page from a written \
              page, and they require CAP_SYS_ADMIN",
    },
    Expectation {
        from: (6, 1),
        before: (6, 6),
        users: &[User::Root],
        fail: &["psapi::working_set attributes::pages_have_numa_nodes"],
        skips: &[],
        reason: "move_pages of these kernels takes PROT_NONE memory for memory that awaits a NUMA \
              hint, and reports no node for it",
    },
    Expectation {
        from: FIRST,
        before: (6, 5),
        users: &User::ALL,
        fail: &[],
        skips: &["the kernel lacks memfd_secret"],
        reason: "memfd_secret requires Linux 5.14 and, before 6.5, a boot parameter",
    },
    Expectation {
        from: FIRST,
        before: (6, 4),
        users: &User::ALL,
        fail: &[],
        skips: &["userfaultfd leaves no markers: needs Linux 6.4"],
        reason: "UFFD_FEATURE_WP_ASYNC requires Linux 6.4",
    },
    Expectation {
        from: FIRST,
        before: (6, 7),
        users: &User::ALL,
        fail: &[],
        skips: &[
            "needs root to recognize zero pages without PAGEMAP_SCAN",
            "the kernel lacks PAGEMAP_SCAN",
        ],
        reason: "PAGEMAP_SCAN requires Linux 6.7",
    },
    Expectation {
        from: FIRST,
        before: (6, 13),
        users: &User::ALL,
        fail: &[],
        skips: &["the kernel lacks MADV_GUARD_INSTALL"],
        reason: "MADV_GUARD_INSTALL requires Linux 6.13",
    },
    Expectation {
        from: FIRST,
        before: (6, 18),
        users: &[User::Root],
        fail: &[],
        skips: &["the kernel does not list mappings for CAP_PERFMON"],
        reason: "CAP_PERFMON gives access to mappings only since a kernel after 6.12",
    },
    Expectation {
        from: FIRST,
        before: LAST,
        users: &User::ALL,
        fail: &[],
        skips: &["the kernel lacks CONFIG_ANON_VMA_NAME"],
        reason: "Debian builds kernels without CONFIG_ANON_VMA_NAME",
    },
    Expectation {
        from: FIRST,
        before: LAST,
        users: &User::ALL,
        fail: &[],
        skips: &[
            "cannot create a control group for processes: needs root",
            "cannot mount a FUSE file system: needs root and /dev/fuse",
        ],
        reason: "guests have no control groups and no driver for FUSE",
    },
    Expectation {
        from: FIRST,
        before: LAST,
        users: &[User::Root],
        fail: &[],
        skips: &["compaction moves no page"],
        reason: "the memory of a guest that was just booted is hardly fragmented",
    },
    Expectation {
        from: FIRST,
        before: LAST,
        users: &User::ALL,
        fail: &[],
        skips: &["needs chromium to show HTML pages"],
        reason: "a browser is too large for the guests",
    },
    Expectation {
        from: FIRST,
        before: LAST,
        users: &[User::Nobody],
        fail: &[],
        skips: NEEDS_ROOT,
        reason: "only root can prepare what these tests inspect",
    },
];

const NEEDS_ROOT: &[&str] = &[
    "cannot compact memory: needs root and CONFIG_COMPACTION",
    "cannot mount /proc with hidepid=1",
    "cannot mount /proc with hidepid=1: needs root and Linux 5.8",
    "cannot mount /proc with hidepid=2",
    "cannot mount /proc with hidepid=2,gid=65534: needs root and Linux 5.8",
    "cannot mount /proc with hidepid=4",
    "cannot mount /proc with hidepid=2: needs root and Linux 5.8",
    "cannot mount /proc with hidepid=4: needs root and Linux 5.8",
    "cannot mount /proc with subset=pid",
    "needs CAP_SYS_ADMIN to symbolize deleted executables",
    "needs CAP_SYS_NICE to empty another process's working set",
    "cannot choose process ids: the storm runs, but ids are rarely reused",
    "needs root to drop privileges",
    "needs root to open a kernel thread",
    "needs root for files of two users",
    "needs root for other users' processes and kernel threads",
    "needs root to be a user without locked memory",
    "needs root to choose capabilities",
    "needs root to read share counts",
    "needs root to recognize zero pages without PAGEMAP_SCAN",
    "needs root to change the user",
    "needs root to pass on capabilities",
    "needs root to record faults in kernel mode",
    "needs root to start a process as another user",
    "cannot create a container: needs root",
    "cannot load drivers: needs root and dummy as a loadable driver",
    "cannot reserve hugetlb pages: needs root and free memory",
    "cannot create a mount namespace",
    "cannot add a page file: needs root, zram and util-linux",
    "cannot create a pid namespace",
    "cannot create a time namespace",
    "cannot mount /proc",
    "cannot change the root directory",
    "cannot mount a tmpfs: needs root",
    "cannot mount cgroup2: needs root",
    "cannot mount an overlay",
    "cannot mount btrfs: needs root, mkfs.btrfs and the driver",
    "needs root for an executable that the caller cannot read",
    "needs root for a process that the caller cannot inspect",
    "needs root to change a file's owner",
    "needs root to change the users of a process",
    "needs root to pass on CAP_SYS_PTRACE",
    "needs root to reuse a process id",
    "cannot enable page merging: needs root and CONFIG_KSM",
    "the kernel hides its addresses",
    "the kernel hides its addresses from this user",
    "cannot change kernel settings: needs root",
    "needs root for another user's process",
];

impl Expectation {
    /// Returns true if this kernel and this user are affected.
    pub fn applies_to(&self, version: (u32, u32), user: User) -> bool {
        (self.from..self.before).contains(&version) && self.users.contains(&user)
    }
}
