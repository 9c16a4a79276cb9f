//! Why figures are missing: said once, below the listing.

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
    let processes = if rows == 1 {
        "1 process"
    } else {
        &format!("{rows} processes")
    };
    let names = names(what).join(", ");
    match refusal(system, example, what).and_then(|error| error.remedy()) {
        Some(remedy) => say(format_args!(
            "of {processes}, can't read: {names} ({remedy})"
        )),
        None => say(format_args!("of {processes}, can't read: {names}")),
    }
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
