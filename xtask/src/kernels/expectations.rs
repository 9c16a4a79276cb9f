//! What does not work on a kernel for the kernel's own reason, or can't be arranged in a guest: all of it, and
//! why. A test that fails or leaves something out without being named here fails the run.

/// As whom tests run.
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

#[derive(Debug)]
pub struct Expectation {
    /// On kernels from this one on.
    from: (u32, u32),
    /// On kernels before this one.
    before: (u32, u32),
    users: &'static [User],
    /// The tests that fail, named as nextest names them.
    pub fail: &'static [&'static str],
    /// What tests say of what they leave out.
    pub leave_out: &'static [&'static str],
    pub why: &'static str,
}

const FIRST: (u32, u32) = (0, 0);
const LAST: (u32, u32) = (u32::MAX, 0);

pub const EXPECTATIONS: &[Expectation] = &[
    Expectation {
        from: FIRST,
        before: (5, 13),
        users: &User::ALL,
        fail: &[],
        leave_out: &["userfaultfd protects nothing here"],
        why: "UFFD_USER_MODE_ONLY came with 5.11, and what pagemap tells of protected pages with 5.13",
    },
    Expectation {
        from: FIRST,
        before: (5, 19),
        users: &User::ALL,
        fail: &["psapi-cli::watch faults_are_told_as_they_happen"],
        leave_out: &[],
        why: "the kernel lets go of the mappings' lock and tries again where a page of shared memory is \
              first written to, and calls each fault that was tried again a hard one",
    },
    Expectation {
        from: FIRST,
        before: (6, 7),
        users: &[User::Nobody],
        fail: &[
            "psapi-cli::pictures touched_pages_are_blocks_in_their_place",
            "psapi::difference after_another_program_nothing_of_the_first_is_left_where_it_was",
            "psapi::difference mappings_are_followed_as_they_grow_and_split",
            "psapi::working_set a_machine_with_several_nodes_is_asked_for_them",
        ],
        leave_out: &[],
        why: "without PAGEMAP_SCAN only who sees frames (CAP_SYS_ADMIN) tells a page of zeros from one that \
              was written to",
    },
    Expectation {
        from: (6, 1),
        before: (6, 6),
        users: &[User::Root],
        fail: &["psapi::working_set a_machine_with_several_nodes_is_asked_for_them"],
        leave_out: &[],
        why: "these kernels' move_pages takes memory that may not be accessed for such as awaits a NUMA \
              hint, and tells no node of it",
    },
    Expectation {
        from: FIRST,
        before: (6, 4),
        users: &User::ALL,
        fail: &[],
        leave_out: &["userfaultfd leaves no marks here: needs Linux 6.4"],
        why: "UFFD_FEATURE_WP_ASYNC came with 6.4",
    },
    Expectation {
        from: FIRST,
        before: (6, 7),
        users: &User::ALL,
        fail: &[],
        leave_out: &[
            "only root is told of pages of zeros on older kernels",
            "this kernel has no PAGEMAP_SCAN",
        ],
        why: "PAGEMAP_SCAN came with 6.7",
    },
    Expectation {
        from: FIRST,
        before: (6, 13),
        users: &User::ALL,
        fail: &[],
        leave_out: &["this kernel makes no guard regions"],
        why: "MADV_GUARD_INSTALL came with 6.13",
    },
    Expectation {
        from: FIRST,
        before: (6, 18),
        users: &[User::Root],
        fail: &[],
        leave_out: &["CAP_PERFMON shows no mappings on this kernel"],
        why: "that it does came later than 6.12",
    },
    Expectation {
        from: FIRST,
        before: LAST,
        users: &User::ALL,
        fail: &[],
        leave_out: &["this kernel does not name anonymous memory"],
        why: "Debian builds kernels without CONFIG_ANON_VMA_NAME",
    },
    Expectation {
        from: FIRST,
        before: LAST,
        users: &[User::Nobody],
        fail: &[],
        leave_out: NEEDS_ROOT,
        why: "only root can arrange what these tests look at",
    },
];

const NEEDS_ROOT: &[&str] = &[
    "a proc file system can't be mounted with hidepid=1 here",
    "a proc file system can't be mounted with hidepid=1: needs root, and Linux 5.8",
    "a proc file system can't be mounted with hidepid=2 here",
    "a proc file system can't be mounted with hidepid=2,gid=65534: needs root, and Linux 5.8",
    "a proc file system can't be mounted with hidepid=4 here",
    "a proc file system can't be mounted with hidepid=2: needs root, and Linux 5.8",
    "a proc file system can't be mounted with hidepid=4: needs root, and Linux 5.8",
    "a proc file system can't be mounted with subset=pid here",
    "deleted executables are known to who has CAP_SYS_ADMIN only",
    "emptying another process's working set needs CAP_SYS_NICE",
    "ids can't be chosen here: the storm runs, but ids are hardly reused",
    "needs root for a process of another user",
    "needs root for a process of the kernel's",
    "needs root for files of two users",
    "needs root for processes of others and for kernel threads",
    "needs root to be a user who has nothing locked in memory yet",
    "needs root to be denied what another process of one's own may",
    "needs root to be somebody with some capabilities",
    "needs root to be told share counts",
    "needs root to become somebody else",
    "needs root to hand on capabilities",
    "needs root to see the kernel's own faults",
    "needs root to start a process as another user",
    "needs root to start as a user who has nothing locked in memory yet",
    "needs root to start as another user",
    "no container can be made: needs root",
    "no driver can be loaded: needs root, and dummy as a loadable driver",
    "no hugetlb pages can be set aside: needs root, and free memory",
    "no mount namespace to be had",
    "no page file can be had: needs root, zram and util-linux",
    "no pid namespace can be made here",
    "no pid namespace to be had",
    "no proc file system can be mounted here",
    "no tmpfs can be mounted: needs root",
    "only root can start a program for nobody that nobody may not read",
    "only root has a process that nobody may not look at",
    "only root is told of pages of zeros on older kernels",
    "only root may give a file to another user",
    "only root may hand on CAP_SYS_PTRACE",
    "the id can't be given out again: needs root",
    "the kernel can't be told to merge pages: needs root, and CONFIG_KSM",
    "the kernel hides its addresses",
    "the kernel hides its addresses from this user",
    "the settings of the kernel can't be changed: needs root",
    "there is no process of another user to ask for: needs root",
];

impl Expectation {
    /// Whether it is about this kernel and user.
    pub fn holds(&self, version: (u32, u32), user: User) -> bool {
        (self.from..self.before).contains(&version) && self.users.contains(&user)
    }
}
