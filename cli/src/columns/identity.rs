//! Who a process is, and what it does.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use psapi::{Fields, ProcessId};

use super::{ProcessColumn, ProcessRow};
use crate::clock;
use crate::explain;
use crate::output::{Shape, Value};

const STAT: Fields = Fields::STAT;

pub fn columns<'a>() -> Vec<ProcessColumn<'a>> {
    use Shape::{Name, Number, Word};
    let column = ProcessColumn::new;
    vec![
        column(
            STAT,
            Number,
            ("pid", "PID", "pid"),
            "the process's id",
            |row| Value::count(row.status.id.get()),
        ),
        column(
            STAT,
            Number,
            ("ppid", "PPID", "parent_pid"),
            "the parent's id",
            |row| row.id(row.status.parent),
        ),
        column(
            STAT,
            Number,
            ("pgid", "PGID", "process_group"),
            "the process group",
            |row| row.id(row.status.group),
        ),
        column(
            STAT,
            Number,
            ("sid", "SID", "session"),
            "the session",
            |row| row.id(row.status.session),
        ),
        column(
            STAT,
            Word,
            ("tty", "TTY", "terminal"),
            "the controlling terminal",
            |row| row.stat(row.status.terminal, |device| Value::Text(terminal(device))),
        )
        .or(&["tt"]),
        column(
            Fields::USER,
            Name,
            ("user", "USER", "user"),
            "the user whose rights it acts with, or that user's number",
            |row| {
                let number = |id: u32| Value::Text(Cow::Owned(id.to_string().into_bytes()));
                row.tier(Fields::USER, row.status.user, |ids| {
                    row.user
                        .map_or_else(|| number(ids.effective_user), Value::text)
                })
            },
        )
        .or(&["euser"]),
        column(
            Fields::USER,
            Number,
            ("uid", "UID", "user_id"),
            "that user's number",
            |row| {
                row.tier(Fields::USER, row.status.user, |ids| {
                    Value::count(ids.effective_user)
                })
            },
        )
        .or(&["euid"]),
        column(
            Fields::USER,
            Number,
            ("ruid", "RUID", "real_user_id"),
            "the number of the user who started it",
            |row| row.tier(Fields::USER, row.status.user, |ids| Value::count(ids.user)),
        ),
        column(
            Fields::USER,
            Number,
            ("gid", "GID", "group_id"),
            "the number of the group whose rights it acts with",
            |row| {
                row.tier(Fields::USER, row.status.user, |ids| {
                    Value::count(ids.effective_group)
                })
            },
        )
        .or(&["egid"]),
        column(
            STAT,
            Word,
            ("state", "S", "state"),
            "R running, S sleeping, D in disk sleep, I idle, T stopped, t traced, Z zombie",
            |row| row.stat(row.status.state, |state| Value::Letter(state.letter())),
        )
        .or(&["s"]),
        column(
            STAT,
            Number,
            ("nice", "NI", "nice"),
            "-20 (favoured) to 19",
            |row| row.stat(row.status.nice, |nice| Value::Signed(nice.into())),
        )
        .or(&["ni"]),
        column(
            STAT,
            Number,
            ("threads", "THR", "threads"),
            "how many threads it has",
            |row| row.stat(row.status.threads, Value::count),
        )
        .or(&["nlwp", "thcount"]),
        column(
            STAT,
            Word,
            ("start", "STARTED", "start_seconds_since_boot"),
            "when it started; local time in a table",
            |row| row.stat(row.status.start, Value::Moment),
        )
        .or(&["lstart"]),
        column(
            STAT,
            Number,
            ("age", "AGE", "age_seconds"),
            "how long ago it started",
            |row| {
                row.stat(row.status.start, |start| {
                    Value::Seconds(clock::since_boot().saturating_sub(start))
                })
            },
        )
        .or(&["etime", "etimes"]),
        column(
            STAT,
            Word,
            ("kernel", "KERNEL", "kernel_thread"),
            "whether it is a thread of the kernel",
            |row| row.stat(row.status.kernel_thread, Value::Flag),
        ),
    ]
}

/// Those that may be long, and so stand last.
pub fn closing_columns<'a>() -> Vec<ProcessColumn<'a>> {
    use Shape::{Name, Number, Path, Word};
    let column = ProcessColumn::new;
    vec![
        column(
            Fields::CGROUP,
            Path,
            ("cgroup", "CGROUP", "cgroup"),
            "the control group",
            |row| {
                row.tier(Fields::CGROUP, row.status.cgroup.as_ref(), |cgroup| {
                    cgroup.path().map_or(Value::Unknown, Value::path)
                })
            },
        ),
        column(
            Fields::CGROUP,
            Name,
            ("container", "CONTAINER", "container_id"),
            "the container, where the control group shows one",
            |row| {
                row.tier(Fields::CGROUP, row.status.cgroup.as_ref(), |cgroup| {
                    cgroup.container_id().map_or(Value::Unknown, Value::text)
                })
            },
        ),
        column(
            Fields::IMAGE,
            Path,
            ("image", "IMAGE", "image"),
            "the file that it runs",
            |row| {
                row.tier(Fields::IMAGE, row.status.image.as_ref(), |image| {
                    Value::path(&image.path)
                })
            },
        )
        .or(&["exe"]),
        column(
            Fields::IMAGE,
            Word,
            ("deleted", "DELETED", "image_deleted"),
            "whether that file was deleted or replaced",
            |row| {
                row.tier(Fields::IMAGE, row.status.image.as_ref(), |image| {
                    Value::Flag(image.deleted)
                })
            },
        ),
        column(
            STAT,
            Number,
            ("depth", "DEPTH", "depth"),
            "how deep it stands in the tree, with --tree",
            |row| row.depth.map_or(Value::Unknown, Value::Count),
        ),
        column(
            STAT,
            Word,
            ("unreadable", "UNREADABLE", "unreadable"),
            "what was asked for but refused",
            |row| Value::Words(explain::names(row.status.unreadable)),
        ),
        column(
            STAT,
            Name,
            ("name", "NAME", "name"),
            "the kernel's name for it, at most 15 bytes; a kernel thread's in brackets, at most 63",
            |row| {
                row.stat(row.status.name.as_deref(), |name| Value::Process {
                    name: name.as_bytes(),
                    kernel: row.status.kernel_thread == Some(true),
                    branch: &row.branch,
                })
            },
        )
        .or(&["comm", "ucmd"]),
        column(
            Fields::IMAGE,
            Name,
            ("program", "PROGRAM", "program"),
            "the base name of its image; else as name",
            |row| {
                let image = row
                    .status
                    .image
                    .as_ref()
                    .and_then(|image| image.path.file_name());
                let (name, kernel) = match image {
                    Some(base) => (Some(base), false),
                    None => (
                        row.status.name.as_deref(),
                        row.status.kernel_thread == Some(true),
                    ),
                };
                row.stat(name, |name| Value::Process {
                    name: name.as_bytes(),
                    kernel,
                    branch: &row.branch,
                })
            },
        ),
        column(
            Fields::COMMAND_LINE,
            Name,
            ("command", "COMMAND", "command_line"),
            "its arguments, with blanks between",
            |row| {
                row.tier(
                    Fields::COMMAND_LINE,
                    row.status.command_line.as_ref(),
                    |line| {
                        let arguments: Vec<&[u8]> = line.arguments().map(OsStr::as_bytes).collect();
                        match arguments.is_empty() {
                            true => Value::Unknown,
                            false => Value::Text(Cow::Owned(arguments.join(&b' '))),
                        }
                    },
                )
            },
        )
        .or(&["args", "cmd", "cmdline"]),
    ]
}

impl ProcessRow<'_> {
    fn id(&self, id: Option<ProcessId>) -> Value<'_> {
        self.stat(id, |id| Value::count(id.get()))
    }
}

/// A terminal's name, from its device number as the kernel encodes it: `pts/0`, `tty1`, else
/// `MAJOR:MINOR`.
fn terminal(device: u32) -> Cow<'static, [u8]> {
    let major = device >> 8 & 0xfff;
    let minor = device & 0xff | device >> 12 & 0xfff00;
    let name = match (major, minor) {
        // Majors 136 to 143 are Unix 98 pseudo-terminals, 256 minors each where they were short.
        (136..=143, _) => format!("pts/{}", ((major - 136) << 8) + minor),
        (4, 0..=63) => format!("tty{minor}"),
        (4, _) => format!("ttyS{}", minor - 64),
        (5, 1) => "console".to_owned(),
        _ => format!("{major}:{minor}"),
    };
    Cow::Owned(name.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_have_their_usual_names() {
        for (device, name) in [
            (0x8800, "pts/0"),
            (0x8805, "pts/5"),
            (0x10_8801, "pts/257"),
            (0x0401, "tty1"),
            (0x0440, "ttyS0"),
            (0x0501, "console"),
            (0xcc40, "204:64"),
        ] {
            assert_eq!(terminal(device), name.as_bytes(), "{device:#x}");
        }
    }
}
