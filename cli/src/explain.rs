//! Why figures and processes are missing: said once, below the listing.

use psapi::{Error, Fields, ProcessStatus, System};

use crate::session::say;

/// Says on standard error how many rows lack something of what is shown, because it was refused, and
/// what would allow it, in the library's words.
pub fn refusals<'a>(
    system: &System,
    shown: Fields,
    statuses: impl Iterator<Item = &'a ProcessStatus>,
) {
    let mut rows = 0;
    let mut what = Fields::empty();
    let mut example = None;
    for status in statuses.filter(|status| status.unreadable.intersects(shown)) {
        rows += 1;
        what |= status.unreadable & shown;
        example.get_or_insert(status);
    }
    let Some(example) = example else { return };
    let processes = counted(rows);
    let names = names(what).join(", ");
    let remedy = remedy(system, example, what);
    say(format_args!("of {processes}, can't read: {names}{remedy}"));
}

/// Says on standard error that a listing may lack processes of which could not be read what they were
/// to be chosen by.
pub fn undecided(system: &System, by: &str, undecided: &[&ProcessStatus]) {
    if let Some(unread) = unread(system, by, undecided) {
        say(format_args!("processes may be missing: {unread}"));
    }
}

/// Says on standard error that a listing of all processes lacks some, where that may be.
pub fn missing(system: &System) {
    if let Some(hidden) = hidden(system) {
        say(format_args!("processes may be missing: {hidden}"));
    }
}

/// That something which processes were to be chosen by could not be read, of how many, and what would
/// allow it.
pub fn unread(system: &System, what: &str, statuses: &[&ProcessStatus]) -> Option<String> {
    let example = statuses.first()?;
    let processes = counted(statuses.len());
    let remedy = remedy(system, example, example.unreadable);
    Some(format!("can't read the {what} of {processes}{remedy}"))
}

/// That the proc file system hides processes, where it may.
pub fn hidden(system: &System) -> Option<&'static str> {
    system.may_hide_processes().then_some(
        "the proc file system is mounted with hidepid, which hides other users' processes: with 2 it \
         shows them to CAP_SYS_PTRACE and to the group of its gid= option, with 4 to CAP_SYS_PTRACE \
         alone",
    )
}

fn counted(processes: usize) -> String {
    match processes {
        1 => "1 process".to_owned(),
        _ => format!("{processes} processes"),
    }
}

/// What would allow to read what was refused, in parentheses; empty where nothing is known to.
fn remedy(system: &System, status: &ProcessStatus, what: Fields) -> String {
    let remedy = refusal(system, status, what).and_then(|error| error.remedy());
    remedy.map_or_else(String::new, |remedy| format!(" ({remedy})"))
}

/// The tiers by the names of what they hold.
pub fn names(fields: Fields) -> Vec<&'static str> {
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

/// Asks again for what was refused, to hear why.
fn refusal(system: &System, status: &ProcessStatus, what: Fields) -> Option<Error> {
    let process = match system.process(status.id) {
        Ok(process) => process,
        Err(error) => return Some(error),
    };
    let refused = |field| (status.unreadable & what).contains(field);
    if refused(Fields::IMAGE) {
        return process.image_file().err();
    }
    if refused(Fields::EXACT) {
        return process.exact_memory().err();
    }
    process.memory_counters().err()
}
