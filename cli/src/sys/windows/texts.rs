//! Texts of the help that differ between systems, and what the command lacks here. The other texts
//! stand beside the options and columns that they describe.

use psapi::Fields;

/// The name of the command in usage lines, without the extension.
pub const PROGRAM: Option<&str> = Some("psapi");

/// The heading of the options that every subcommand has.
pub const GLOBAL_HEADING: &str = "Output";

/// How the machine formats contain a name that is not UTF-8.
pub const NOT_UTF8: &str = "\
neither shorten nor escape names. An unknown value is null in JSON and empty in CSV. If a name has
an unpaired surrogate, its JSON string contains U+FFFD, and an additional field FIELD_hex has its
WTF-8 in hexadecimal: UTF-8, with three bytes for the surrogate. CSV contains WTF-8. With
--interval, JSON is one document per line.";

/// Which processes the caller can inspect.
pub const PRIVILEGES: &str = "\
Names and patterns are compared without case. A name can be given with or without .exe, or as the
path of the executable file. Every caller can list processes with their times and memory counters.
Your own processes can be inspected without a privilege. Processes of other users and of services
require an administrator, who has SeDebugPrivilege. Protected processes can only be listed.";

/// The end of the sentence about exit codes of a watched command.
pub const KILLED: &str = "";

/// The error for a text that is not a process id.
pub const NOT_AN_ID: &str = "expected a process id, a number from 1";

/// The line for a machine without page files.
pub const NO_PAGE_FILES: &str = "no page files";

/// The unit of the number of handles of all processes.
pub const HANDLE: &str = "open handle";
pub const HANDLES: &str = "open handles";

/// The heading of the bar with the working set of a process.
pub const BAR: &str = "█ working set";

/// The reason why a process has no address space.
pub const NO_ADDRESS_SPACE: &str = "processes of the system have no address space of their own";

/// The setting that reveals the addresses of drivers, before the privilege.
pub const HIDDEN_ADDRESSES: &str = "";

/// The privilege that reveals the addresses of drivers.
pub const ADDRESS_PRIVILEGE: &str = "SeDebugPrivilege";

/// Options that the system cannot offer: the subcommand, the option, and the reason.
pub const ABSENT_OPTIONS: &[(&str, &str, &str)] = &[
    ("drivers", "builtin", "every driver is a file of its own"),
    (
        "memory",
        "exact",
        "Windows does not report proportional set sizes",
    ),
    (
        "watch",
        "children",
        "Windows records the faults of one process at a time",
    ),
    (
        "watch",
        "no_children",
        "Windows records the faults of one process at a time",
    ),
    ("watch", "no_symbols", "symbols are never resolved"),
    (
        "ws",
        "private_shares",
        "Windows processes do not share private pages",
    ),
];

/// Options of every subcommand that the system cannot offer, and the reason.
pub const ABSENT_GLOBAL_OPTIONS: &[(&str, &str)] = &[
    ("proc-root", NO_ROOTS),
    ("sys-root", NO_ROOTS),
    ("file-root", NO_ROOTS),
];

const NO_ROOTS: &str = "there is no such file system";

/// Tiers of processes that the system cannot fill.
pub const ABSENT_TIERS: Fields = Fields::CGROUP.union(Fields::EXACT);

/// Keys of columns of processes that the system cannot fill.
pub const ABSENT_PROCESS_COLUMNS: &[&str] = &[
    "pgid", "tty", "ruid", "gid", "state", "nice", "deleted", "swap", "anon", "file", "shmem",
    "locked", "pinned", "hugetlb", "pte",
];

/// Other columns that the system cannot fill: the key and the field.
pub const ABSENT_COLUMNS: &[(&str, &str)] = &[
    // Modules and mappings.
    ("soname", "soname"),
    ("build-id", "build_id"),
    ("deleted", "deleted"),
    ("device", "device"),
    ("inode", "inode"),
    ("offset", "offset_bytes"),
    // Drivers.
    ("state", "state"),
    ("references", "references"),
    ("permanent", "permanent"),
    ("taint", "taint"),
    ("users", "users"),
    // The machine and its page files.
    ("priority", "priority"),
    ("shared_bytes", "shared_bytes"),
    ("kernel_commit_limit_bytes", "kernel_commit_limit_bytes"),
    ("per_cpu_bytes", "per_cpu_bytes"),
    ("huge_page_size_bytes", "huge_page_size_bytes"),
    ("huge_pages_total", "huge_pages_total"),
    ("huge_pages_free", "huge_pages_free"),
    ("huge_pages_reserved", "huge_pages_reserved"),
    ("huge_pages_surplus", "huge_pages_surplus"),
    ("huge_page_pools_bytes", "huge_page_pools_bytes"),
    // Faults.
    ("cpu", "cpu"),
    ("function", "function"),
    ("file-offset", "file_offset_bytes"),
    ("buffer", "buffer_bytes"),
    ("user-only", "user_only"),
    ("unread", "unread_files"),
    ("counted", "counted_faults"),
    ("unrecorded", "unrecorded_faults"),
    ("doubtful", "doubtful_faults"),
];

/// Titles of columns that replace those of Linux, by field.
pub const TITLES: &[(&str, &str)] = &[("session", "SESSION"), ("user_id", "SID")];

/// Help texts that replace those of Linux: the subcommand, the option or nothing, and the text.
pub const HELP: &[(&str, &str, &str)] = &[
    (
        "modules",
        "",
        "List modules loaded into processes: executable and libraries",
    ),
    ("modules", "details", "Also show the entry point in tables"),
    ("maps", "details", "Also show the end address in tables"),
    (
        "watch",
        "",
        "Record the page faults of a process or a command, by mapping and instruction",
    ),
    (
        "watch",
        "duration",
        "Stop after SECONDS (fractions allowed). A command that still runs is terminated",
    ),
    (
        "watch",
        "flame",
        "Draw a flame graph by module and instruction to FILE, as SVG. `-` is standard output",
    ),
    ("drivers", "", "List the kernel image and its drivers"),
    (
        "drivers",
        "loaded",
        "List only drivers, not the kernel image",
    ),
    (
        "drivers",
        "name",
        "List only drivers with this name; `*` and `?` are wildcards",
    ),
    ("pagefiles", "", "List page files"),
    (
        "ps",
        "user",
        "List only processes of these users: accounts or security identifiers, comma-separated",
    ),
    (
        "ps",
        "columns",
        "Show these columns, comma-separated; only the figures that they need are read",
    ),
    (
        "ps",
        "name",
        "List only processes with this name, with or without .exe; `*` and `?` are wildcards",
    ),
    (
        "ps",
        "no_kernel",
        "Omit processes of the system without an address space of their own",
    ),
];

/// Descriptions of columns that replace those of Linux, by field.
pub const ABOUT: &[(&str, &str)] = &[
    ("session", "number of the logon session"),
    (
        "user",
        "account, or the security identifier of an account without a name",
    ),
    ("user_id", "security identifier of the account"),
    (
        "kernel_thread",
        "whether it belongs to the system and has no address space of its own",
    ),
    ("name", "name of the executable file"),
    ("working_set_bytes", "memory in RAM now"),
    ("peak_working_set_bytes", "largest working set so far"),
    (
        "commit_bytes",
        "private memory that RAM or a page file is reserved for, touched or not",
    ),
    ("virtual_size_bytes", "total size of all mappings"),
    (
        "peak_virtual_size_bytes",
        "largest total size of all mappings so far",
    ),
    (
        "nonpaged_pool_bytes",
        "kernel memory used for the process that is always in RAM",
    ),
    ("physical_total_bytes", "RAM managed by the system"),
    ("physical_available_bytes", "available without paging"),
    ("physical_free_bytes", "unused memory"),
    (
        "system_cache_bytes",
        "file contents and the system's working set",
    ),
    ("commit_total_bytes", "memory promised to programs"),
    (
        "commit_limit_bytes",
        "the largest commit without larger page files",
    ),
    ("commit_peak_bytes", "largest commit since the start"),
    ("kernel_total_bytes", "kernel memory, paged and nonpaged"),
    ("kernel_paged_bytes", "kernel memory that can be paged out"),
    (
        "kernel_nonpaged_bytes",
        "kernel memory that is always in RAM",
    ),
    ("page_file_total_bytes", "size of all page files"),
    ("page_file_free_bytes", "unused space in page files"),
    ("handle_count", "open handles of all processes"),
    ("process_count", "processes"),
    ("thread_count", "threads of all processes"),
];

/// Examples that replace those of Linux: the subcommand, and for each a description and a command.
pub const EXAMPLES: &[(&str, [(&str, &str); 3])] = &[
    (
        "psapi",
        [
            ("The machine and its largest processes", "psapi"),
            ("The memory of a program", "psapi memory explorer"),
            ("All processes as JSON", "psapi ps --json"),
        ],
    ),
    (
        "ps",
        [
            (
                "Processes with this text in their name or command line",
                "psapi ps explorer",
            ),
            (
                "Programs by the size of their working sets, largest first",
                "psapi ps --no-kernel --sort -ws",
            ),
            (
                "The memory of all processes with a name",
                "psapi ps --name explorer.exe --columns pid,ws,commit,command",
            ),
        ],
    ),
    (
        "memory",
        [
            (
                "Memory counters of all processes with a name",
                "psapi memory explorer",
            ),
            (
                "Those of the processes that run a file",
                r"psapi memory C:\Windows\explorer.exe",
            ),
            (
                "Three samples, one per second, as JSON",
                "psapi memory explorer --json --interval 1 --count 3",
            ),
        ],
    ),
    (
        "modules",
        [
            ("The executable and its libraries", "psapi modules explorer"),
            ("Also entry points", "psapi modules --details explorer"),
            ("All properties as JSON", "psapi modules explorer --json"),
        ],
    ),
    (
        "maps",
        [
            ("The mappings of a process", "psapi maps explorer"),
            ("Also end addresses", "psapi maps --details explorer"),
            (
                "A file for a spreadsheet",
                "psapi maps explorer --csv > maps.csv",
            ),
        ],
    ),
    (
        "ws",
        [
            (
                "Mappings by the size of their private memory, largest first",
                "psapi ws explorer --sort -private",
            ),
            (
                "Save the working set, to compare it later",
                "psapi ws explorer --output before.psws",
            ),
            (
                "The changes since then",
                "psapi ws explorer --against before.psws",
            ),
        ],
    ),
    (
        "watch",
        [
            (
                "Page faults of a running program during one second",
                "psapi watch explorer --duration 1",
            ),
            (
                "The five instructions of a command that take the most faults",
                "psapi watch --by instruction --top 5 -- cmd /c dir",
            ),
            (
                "A picture of the faults over time, and a flame graph",
                "psapi watch --html faults.html -- cmd /c dir",
            ),
        ],
    ),
    (
        "empty",
        [
            (
                "Evict all pages that can be evicted",
                "psapi empty explorer",
            ),
            (
                "The pages that it uses afterwards",
                "psapi empty explorer && psapi ws explorer",
            ),
            ("The result as JSON", "psapi empty --json explorer"),
        ],
    ),
    (
        "mapped",
        [
            (
                "What is mapped at an address",
                "psapi mapped explorer 0x7ffe0000",
            ),
            (
                "The same, with a decimal address",
                "psapi mapped explorer 2147352576",
            ),
            (
                "Several addresses, with the result as JSON",
                "psapi mapped explorer 0x7ffe0000 0x7ffe0010 --json",
            ),
        ],
    ),
    (
        "drivers",
        [
            ("The kernel image and its drivers", "psapi drivers"),
            ("Drivers with a name", "psapi drivers --name ntfs*"),
            (
                "Drivers without the kernel image, as JSON",
                "psapi drivers --loaded --json",
            ),
        ],
    ),
    (
        "system",
        [
            (
                "Memory, commit and page files of the machine",
                "psapi system",
            ),
            (
                "The same three times, once per second",
                "psapi system --interval 1 --count 3",
            ),
            ("All figures as JSON", "psapi system --json"),
        ],
    ),
    (
        "completions",
        [
            (
                "For PowerShell, in this session",
                "psapi completions powershell | Out-String | Invoke-Expression",
            ),
            (
                "For PowerShell, in all sessions",
                "psapi completions powershell >> $PROFILE",
            ),
            ("For bash", "psapi completions bash > psapi.bash"),
        ],
    ),
    (
        "man",
        [
            ("All pages in a new directory", "psapi man --dir pages"),
            ("The page of the whole command", "psapi man > psapi.1"),
            (
                "The page of ps",
                "psapi man --dir pages && type pages\\psapi-ps.1",
            ),
        ],
    ),
];
