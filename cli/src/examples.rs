//! The examples at the end of each help text and manual page. `tests/examples.rs` runs them.

use clap::Command;
use clap::builder::StyledStr;

use crate::sys::texts;

/// A command line, and what it does.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    pub about: &'static str,
    pub command: &'static str,
}

/// The examples of a subcommand, each with a description.
type Examples = [(&'static str, &'static str); 3];

const OVERVIEW: Examples = [
    ("The machine and its largest processes", "psapi overview"),
    (
        "The same three times, once per second",
        "psapi overview --interval 1 --count 3",
    ),
    ("All figures as CSV", "psapi overview --csv"),
];

const PS: Examples = [
    (
        "Processes with this text in their name or command line",
        "psapi ps leak.py",
    ),
    (
        "Programs by the size of their working sets, largest first",
        "psapi ps --no-kernel --sort -ws",
    ),
    (
        "Exact shares of the memory of all processes with a name, and their total",
        "psapi ps --name service --columns pid,pss,uss,command",
    ),
];

const MEMORY: Examples = [
    (
        "Memory counters of all processes with a name",
        "psapi memory service",
    ),
    (
        "Also the exact figures PSS and USS",
        "psapi memory --exact leak.py",
    ),
    (
        "Three samples, one per second, as JSON",
        "psapi memory service --json --interval 1 --count 3",
    ),
];

const MODULES: Examples = [
    ("The executable and its libraries", "psapi modules service"),
    (
        "Also entry points, sonames and build ids",
        "psapi modules --details leak.py",
    ),
    ("All properties as JSON", "psapi modules service --json"),
];

const MAPS: Examples = [
    ("The mappings of a process", "psapi maps service"),
    (
        "Also end addresses, devices and inodes",
        "psapi maps --details leak.py",
    ),
    (
        "A file for a spreadsheet",
        "psapi maps service --csv > maps.csv",
    ),
];

const WS: Examples = [
    (
        "Mappings by the size of their private memory, largest first",
        "psapi ws service --sort -private",
    ),
    (
        "Save the working set, to compare it later",
        "psapi ws service --output before.psws",
    ),
    (
        "The changes since then",
        "psapi ws service --against before.psws",
    ),
];

const WATCH: Examples = [
    (
        "Page faults of a running script during one second",
        "psapi watch leak.py --duration 1",
    ),
    (
        "The five functions of a command that take the most faults",
        "psapi watch --by function --top 5 -- ls",
    ),
    (
        "A picture of the faults over time, and a flame graph",
        "psapi watch --html faults.html -- ls",
    ),
];

const EMPTY: Examples = [
    (
        "Evict all pages that the kernel can evict",
        "psapi empty service",
    ),
    (
        "The pages that it uses during the next second",
        "psapi empty service && sleep 1 && psapi ws service",
    ),
    ("The result as JSON", "psapi empty --json leak.py"),
];

const MAPPED: Examples = [
    (
        "What is mapped at an address",
        "psapi mapped service 0x400000",
    ),
    (
        "The same, with a decimal address",
        "psapi mapped service 4194304",
    ),
    (
        "Several addresses, with the result as JSON",
        "psapi mapped service 0x400000 0x400010 --json",
    ),
];

const DRIVERS: Examples = [
    ("The kernel image and its loaded drivers", "psapi drivers"),
    (
        "Drivers that are built into the kernel",
        "psapi drivers --builtin",
    ),
    ("Loaded drivers, as JSON", "psapi drivers --loaded --json"),
];

const PAGEFILES: Examples = [
    ("Page files and how full they are", "psapi pagefiles"),
    ("The same in exact bytes", "psapi pagefiles --bytes"),
    ("The same as JSON", "psapi pagefiles --json"),
];

const SYSTEM: Examples = [
    (
        "Memory, commit and page files of the machine",
        "psapi system",
    ),
    (
        "The same three times, once per second",
        "psapi system --interval 1 --count 3",
    ),
    (
        "The figures of another /proc, such as that of a container's host",
        "psapi system --proc-root /proc",
    ),
];

const COMPLETIONS: Examples = [
    (
        "For bash",
        "psapi completions bash > ~/.local/share/bash-completion/completions/psapi",
    ),
    (
        "For fish",
        "psapi completions fish > ~/.config/fish/completions/psapi.fish",
    ),
    (
        "For zsh, in a directory of $fpath",
        "psapi completions zsh > ~/.zfunc/_psapi",
    ),
];

const MAN: Examples = [
    (
        "All pages, where man finds them",
        "psapi man --dir ~/.local/share/man/man1",
    ),
    ("The page of the whole command", "psapi man > psapi.1"),
    ("All pages in a new directory", "psapi man --dir pages"),
];

const PSAPI: Examples = [
    ("The machine and its largest processes", "psapi"),
    ("The memory of a script", "psapi memory leak.py"),
    ("All processes as JSON", "psapi ps --json"),
];

/// Returns the examples of a subcommand; of the whole command for its own name.
pub fn of(name: &str) -> impl Iterator<Item = Example> {
    let mut of_system = texts::EXAMPLES.iter();
    let of_system = of_system.find(|(subcommand, _)| *subcommand == name);
    let examples = of_system.map_or(shared(name), |(_, examples)| examples);
    examples
        .iter()
        .map(|&(about, command)| Example { about, command })
}

/// Returns the examples that every system has.
fn shared(name: &str) -> &'static Examples {
    match name {
        "overview" => &OVERVIEW,
        "ps" => &PS,
        "memory" => &MEMORY,
        "modules" => &MODULES,
        "maps" => &MAPS,
        "ws" => &WS,
        "watch" => &WATCH,
        "empty" => &EMPTY,
        "mapped" => &MAPPED,
        "drivers" => &DRIVERS,
        "pagefiles" => &PAGEFILES,
        "system" => &SYSTEM,
        "completions" => &COMPLETIONS,
        "man" => &MAN,
        _ => &PSAPI,
    }
}

/// Adds the examples to the end of all help texts.
pub fn add_to(command: Command) -> Command {
    let command = command.mut_subcommands(|subcommand| match subcommand.get_name() {
        "help" => subcommand,
        _ => add_to(subcommand),
    });
    let examples = text(command.get_name());
    let append = |help: Option<&StyledStr>| match help {
        Some(help) => format!("{}\n\n{examples}", help.ansi()),
        None => examples.clone(),
    };
    let short = append(command.get_after_help());
    let long = command.get_after_long_help().map(|help| append(Some(help)));
    let command = command.after_help(short);
    match long {
        Some(long) => command.after_long_help(long),
        None => command,
    }
}

/// Returns the examples as text.
fn text(name: &str) -> String {
    let lines = of(name).map(|example| format!("  # {}\n  {}", example.about, example.command));
    let lines: Vec<String> = lines.collect();
    format!("Examples:\n{}", lines.join("\n"))
}
