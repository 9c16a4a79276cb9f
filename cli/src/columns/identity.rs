//! The identity of a process: ids, users, state, names, control group, command line.

use std::borrow::Cow;
use std::ffi::OsStr;

use psapi::{Cgroup, CommandLine, Fields, ImageFile, Owner, UserIds};

use super::process::{ProcessColumn, ProcessRow, tier};
use crate::output::{Value, columns};
use crate::sys;

pub fn columns<'a>() -> Vec<ProcessColumn<'a>> {
    let mut columns = tier(
        Fields::STAT,
        columns! { row: ProcessRow<'a>;
            "pid"        "PID"  "pid"           Number: Value::count(row.status.id.get()), "process id", priority 9;
            "ppid"       "PPID" "parent_pid"    Number: row.id(row.status.parent), "process id of the parent";
            "pgid"       "PGID" "process_group" Number: row.id(row.status.group), "process group id";
            "sid"        "SID"  "session"       Number: row.stat(row.status.session, Value::count), "session id";
            "tty" | "tt" "TTY"  "terminal"      Word: row.stat(row.status.terminal, |device| Value::Text(terminal(device))), "controlling terminal";
        },
    );
    columns.extend(tier(Fields::USER, columns! { row: ProcessRow<'a>;
        "user" | "euser" "USER" "user"         Name: row.user_name(), "effective user: the name, or the id of a user without a name", priority 6;
        "uid" | "euid"   "UID"  "user_id"      Number: row.effective_user_id(), "effective user id";
        "ruid"           "RUID" "real_user_id" Number: row.user_id(|ids| ids.user), "real user id";
        "gid" | "egid"   "GID"  "group_id"     Number: row.user_id(|ids| ids.effective_group), "effective group id";
    }));
    columns.extend(tier(Fields::STAT, columns! { row: ProcessRow<'a>;
        "state" | "s"                  "S"       "state"                    Word: row.stat(row.status.state, |state| Value::Letter(state.letter())), "R running, S sleeping, D disk sleep, I idle, T stopped, t traced, Z zombie";
        "nice" | "ni"                  "NI"      "nice"                     Number: row.stat(row.status.nice, |nice| Value::Signed(nice.into())), "nice value, from -20 (favored) to 19";
        "threads" | "nlwp" | "thcount" "THR"     "threads"                  Number: row.stat(row.status.threads, Value::count), "number of threads", priority 3;
        "start" | "lstart"             "STARTED" "start_seconds_since_boot" Word: row.stat(row.status.start, Value::Moment), "start time; local time in tables";
        "age" | "etime" | "etimes"     "AGE"     "age_seconds"              Number: row.age(), "time since the start";
        "kernel"                       "KERNEL"  "kernel_thread"            Word: row.stat(row.status.kernel_thread, Value::Flag), "whether it is a kernel thread";
    }));
    columns
}

/// Returns the columns that come last, because their values can be long.
pub fn closing_columns<'a>() -> Vec<ProcessColumn<'a>> {
    let mut columns = tier(
        Fields::CGROUP,
        columns! { row: ProcessRow<'a>;
            "cgroup"    "CGROUP"    "cgroup"       Path: row.cgroup(|cgroup| cgroup.path().map_or(Value::Unknown, Value::path)), "control group";
            "container" "CONTAINER" "container_id" Name: row.cgroup(|cgroup| cgroup.container_id().map_or(Value::Unknown, Value::text)), "container id, if the name of the control group contains one";
        },
    );
    columns.extend(tier(Fields::IMAGE, columns! { row: ProcessRow<'a>;
        "image" | "exe" "IMAGE"   "image"         Path: row.image(|image| Value::path(&image.path)), "executable file";
        "deleted"       "DELETED" "image_deleted" Word: row.image(|image| Value::Flag(image.deleted)), "whether the executable file was deleted or replaced";
    }));
    columns.extend(tier(Fields::STAT, columns! { row: ProcessRow<'a>;
        "depth"                  "DEPTH"      "depth"      Number: row.depth.map_or(Value::Unknown, Value::Count), "depth in the tree, with --tree";
        "unreadable"             "UNREADABLE" "unreadable" Word: Value::Words(tier_names(row.status.unreadable)), "figures that were requested but could not be read";
        "name" | "comm" | "ucmd" "NAME"       "name"       Name: row.name(), "name in the kernel, at most 15 bytes; kernel threads: in brackets, at most 63 bytes", priority 9;
    }));
    columns.extend(tier(Fields::IMAGE, columns! { row: ProcessRow<'a>;
        "program" "PROGRAM" "program" Name: row.program(), "base name of the executable file; if unknown, same as name", priority 8;
    }));
    columns.extend(tier(Fields::COMMAND_LINE, columns! { row: ProcessRow<'a>;
        "command" | "args" | "cmd" | "cmdline" "COMMAND" "command_line" Text: row.command_line(), "arguments, separated by spaces", priority 4;
    }));
    columns
}

/// Returns a name for each tier: the figures that it contains.
pub fn tier_names(fields: Fields) -> Vec<&'static str> {
    [
        (Fields::STAT, "status"),
        (Fields::MEMORY, "memory"),
        (Fields::USER, "user"),
        (Fields::IMAGE, "image"),
        (Fields::COMMAND_LINE, "command_line"),
        (Fields::CGROUP, "cgroup"),
        (Fields::EXACT, "exact"),
    ]
    .into_iter()
    .filter_map(|(field, name)| fields.contains(field).then_some(name))
    .collect()
}

impl ProcessRow<'_> {
    fn user_name(&self) -> Value<'_> {
        self.tier(Fields::USER, sys::user_of(self.status), |id| {
            match self.user {
                Some(name) => Value::text(name),
                None => Value::Text(Cow::Owned(id.to_string().into_bytes())),
            }
        })
    }

    fn user_ids(&self) -> Option<UserIds> {
        self.status.user.and_then(Owner::ids)
    }

    fn user_id(&self, id: fn(UserIds) -> u32) -> Value<'_> {
        self.tier(Fields::USER, self.user_ids(), |ids| Value::count(id(ids)))
    }

    fn effective_user_id(&self) -> Value<'_> {
        self.tier(Fields::USER, self.status.user, |owner| match owner {
            Owner::Ids(ids) => Value::count(ids.effective_user),
            Owner::Sid(sid) => Value::Text(Cow::Owned(sid.to_string().into_bytes())),
            _ => Value::Unknown,
        })
    }

    fn age(&self) -> Value<'_> {
        self.stat(self.status.start, |start| {
            Value::Seconds(start.until(sys::since_boot()))
        })
    }

    fn cgroup<'r>(&'r self, value: fn(&'r Cgroup) -> Value<'r>) -> Value<'r> {
        self.tier(Fields::CGROUP, self.status.cgroup.as_ref(), value)
    }

    fn image<'r>(&'r self, value: fn(&'r ImageFile) -> Value<'r>) -> Value<'r> {
        self.tier(Fields::IMAGE, self.status.image.as_ref(), value)
    }

    fn name(&self) -> Value<'_> {
        let is_kernel_thread = self.status.kernel_thread == Some(true);
        self.shown_name(self.status.name.as_deref(), is_kernel_thread)
    }

    fn program(&self) -> Value<'_> {
        let image = self.status.image.as_ref();
        match image.and_then(|image| image.path.file_name()) {
            Some(name) => self.shown_name(Some(name), false),
            None => self.name(),
        }
    }

    fn shown_name<'r>(&'r self, name: Option<&'r OsStr>, kernel: bool) -> Value<'r> {
        self.stat(name, |name| Value::Process {
            name: name.as_encoded_bytes(),
            kernel,
            branch: &self.branch,
        })
    }

    fn command_line(&self) -> Value<'_> {
        let line = self.status.command_line.as_ref();
        self.tier(Fields::COMMAND_LINE, line, |line| {
            if line.as_bytes().is_empty() {
                Value::Unknown
            } else {
                Value::Text(Cow::Owned(command_text(line)))
            }
        })
    }
}

/// Returns the arguments, separated by spaces.
pub fn command_text(line: &CommandLine) -> Vec<u8> {
    let arguments: Vec<&[u8]> = line.arguments().map(OsStr::as_encoded_bytes).collect();
    arguments.join(&b' ')
}

/// Returns the name of a terminal from its device number as the kernel encodes it: `pts/0`, `tty1`,
/// otherwise `MAJOR:MINOR`.
fn terminal(device: u32) -> Cow<'static, [u8]> {
    let major = device >> 8 & 0xfff;
    let minor = device & 0xff | device >> 12 & 0xfff00;
    let name = match (major, minor) {
        // Majors 136 to 143 are Unix 98 pseudo-terminals. They date from when minors had 8 bits, so
        // each major continues the numbers of the previous one after 256.
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
    fn terminal_names_follow_device_numbers() {
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
