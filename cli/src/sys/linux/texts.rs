//! Texts of the help that differ between systems, and what the command lacks here: nothing. All
//! other texts stand beside the options and columns that they describe.

use psapi::Fields;

/// The name of the command in usage lines; `None` for the name that it was started with.
pub const PROGRAM: Option<&str> = None;

/// The heading of the options that every subcommand has.
pub const GLOBAL_HEADING: &str = "Output and source";

/// How the machine formats contain a name that is not UTF-8.
pub const NOT_UTF8: &str = "\
neither shorten nor escape names. An unknown value is null in JSON and empty in CSV. If a name is
not UTF-8, its JSON string contains U+FFFD, and an additional field FIELD_hex has its exact bytes in
hexadecimal; CSV contains the bytes themselves. With --interval, JSON is one document per line.";

/// Which processes the caller can inspect.
pub const PRIVILEGES: &str = "\
A message about a refused process names its owner and the sufficient capabilities. Your own
processes require none: those with your user and group, which they have not changed, with no
capability that you lack, and with an executable that you can read. CAP_SYS_PTRACE and
CAP_DAC_READ_SEARCH count in the process's user namespace; all others count in the initial one, so
root in a container might lack them. The mount options hidepid=1 and 2 of /proc do not affect
members of the group in its option gid=. docs/privileges.md lists the required capabilities.";

/// The end of the sentence about exit codes of a watched command.
pub const KILLED: &str = ", and 128 + N if signal N killed it";

/// The error for a text that is not a process id.
pub const NOT_AN_ID: &str = "expected a process id from 1 to 4194304";

/// The line for a machine without page files.
pub const NO_PAGE_FILES: &str = "no page files: the system uses no swap";

/// The unit of the number of handles of all processes.
pub const HANDLE: &str = "open file";
pub const HANDLES: &str = "open files";

/// The heading of the bar with the working set of a process.
pub const BAR: &str = "█ private ▓ shared ░ files";

/// The reason why a process has no address space.
pub const NO_ADDRESS_SPACE: &str = "kernel threads have no address space";

/// The setting that reveals the addresses of drivers, before the privilege.
pub const HIDDEN_ADDRESSES: &str = "with kernel.kptr_restrict below 2, ";

/// The capability that reveals the addresses of drivers.
pub const ADDRESS_PRIVILEGE: &str = "CAP_SYSLOG";

/// Options that the system cannot offer: the subcommand, the option, and the reason.
pub const ABSENT_OPTIONS: &[(&str, &str, &str)] = &[];

/// Options of every subcommand that the system cannot offer: none.
pub const ABSENT_GLOBAL_OPTIONS: &[(&str, &str)] = &[];

/// Tiers of processes that the system cannot fill.
pub const ABSENT_TIERS: Fields = Fields::empty();

/// Keys of columns of processes that the system cannot fill.
pub const ABSENT_PROCESS_COLUMNS: &[&str] = &[];

/// Other columns that the system cannot fill: the key and the field.
pub const ABSENT_COLUMNS: &[(&str, &str)] = &[];

/// Titles of columns that replace those of Linux, by field.
pub const TITLES: &[(&str, &str)] = &[];

/// Help texts that replace those of Linux: the subcommand, the option or nothing, and the text.
pub const HELP: &[(&str, &str, &str)] = &[];

/// Descriptions of columns that replace those of Linux, by field.
pub const ABOUT: &[(&str, &str)] = &[];

/// Examples that replace those of Linux: the subcommand, and for each a description and a command.
pub const EXAMPLES: &[(&str, [(&str, &str); 3])] = &[];
