//! Messages about missing figures and processes, printed once below a listing.

use psapi::{Error, Fields, ProcessId, ProcessStatus, System};

use crate::columns::tier_names;
use crate::failures::{counted, owners};
use crate::session::{Session, warn};
use crate::sys::privilege;

/// Prints how many processes lack some of the shown figures because reading them was denied, and
/// what would permit it.
pub fn warn_unreadable<'a>(
    session: &mut Session,
    shown: Fields,
    statuses: impl Iterator<Item = &'a ProcessStatus>,
) {
    let mut refused = Fields::empty();
    let mut ids = Vec::new();
    let mut example = None;
    for status in statuses.filter(|status| status.unreadable.intersects(shown)) {
        ids.push(status.id);
        refused |= status.unreadable & shown;
        example.get_or_insert(status);
    }
    let Some(example) = example else { return };
    let names: Vec<&str> = tier_names(refused).into_iter().map(in_words).collect();
    let mut text = format!("cannot read {} of {}", names.join(", "), counted(ids.len()));
    if let Some(privilege) = privilege_for(&session.system, example, refused) {
        let owners = owned_by(&ids, session).map_or(String::new(), |owners| format!(": {owners}"));
        text = format!("{text}{owners}; {privilege}");
    }
    warn(text);
}

/// Prints why processes might be missing from an empty listing. Either the figures to filter by
/// could not be read for some processes, or processes are hidden.
pub fn warn_missing(system: &System, figures: &str, undecided: &[&ProcessStatus]) {
    if let Some(reason) = undecided_reason(system, figures, undecided) {
        warn(format_args!("processes may be missing: {reason}"));
    } else if let Some(reason) = hidden_reason(system) {
        warn(format_args!("processes may be missing: {reason}"));
    }
}

/// Prints that a listing of all processes lacks those that the proc file system hides.
pub fn warn_hidden(system: &System) {
    if let Some(reason) = hidden_reason(system) {
        warn(reason);
    }
}

/// Returns why a search by name might have missed processes; `None` if it cannot have.
pub fn absence_reason(system: &System, undecided: &[&ProcessStatus]) -> Option<String> {
    let Some(example) = undecided.first() else {
        return hidden_reason(system);
    };
    let count = undecided.len();
    let are = if count == 1 { "is" } else { "are" };
    let privilege = privilege_for(system, example, example.unreadable);
    let privilege = privilege.map_or(String::new(), |privilege| format!("; {privilege}"));
    Some(format!("{count} {are} unreadable{privilege}"))
}

/// Prints which requested columns a table left out for lack of room.
pub fn warn_left_out(left_out: &[&str], requested: &[&str]) {
    let mut titles = left_out.to_vec();
    titles.retain(|title| requested.contains(title));
    if !titles.is_empty() {
        warn(format_args!(
            "no room for {}; --width N makes lines of N columns",
            titles.join(", ")
        ));
    }
}

/// Returns the message that figures of some processes could not be read, and what would permit it.
/// `None` if there are no such processes.
fn undecided_reason(system: &System, figures: &str, statuses: &[&ProcessStatus]) -> Option<String> {
    let example = statuses.first()?;
    let processes = counted(statuses.len());
    let privilege = privilege_for(system, example, example.unreadable);
    let privilege = privilege.map_or(String::new(), |privilege| format!("; {privilege}"));
    Some(format!(
        "cannot read the {figures} of {processes}{privilege}"
    ))
}

/// Returns the message that the proc file system can hide processes; `None` if it cannot.
fn hidden_reason(system: &System) -> Option<String> {
    system.may_hide_processes().then(|| {
        format!(
            "hidepid hides other users' processes; {}",
            privilege(&["CAP_SYS_PTRACE"])
        )
    })
}

/// Returns the name of a tier as text, where machine formats use a single word.
fn in_words(tier: &'static str) -> &'static str {
    match tier {
        "image" => "image file",
        "command_line" => "command line",
        "exact" => "exact memory",
        other => other,
    }
}

fn owned_by(ids: &[ProcessId], session: &mut Session) -> Option<String> {
    owners(ids, &mut session.users)
}

/// Returns what would permit reading some figures; `None` if that is unknown.
fn privilege_for(system: &System, status: &ProcessStatus, refused: Fields) -> Option<String> {
    let error = refusal(system, status, refused)?;
    let capabilities = error.capabilities();
    (!capabilities.is_empty()).then(|| privilege(capabilities))
}

/// Reads a refused figure of a process again to get the error: a status records only that reading
/// failed.
fn refusal(system: &System, status: &ProcessStatus, figures: Fields) -> Option<Error> {
    let process = match system.process(status.id) {
        Ok(process) => process,
        Err(error) => return Some(error),
    };
    let refused = status.unreadable & figures;
    if refused.contains(Fields::IMAGE) {
        return process.image_file().err();
    }
    if refused.contains(Fields::EXACT) {
        return process.exact_memory().err();
    }
    process.memory_counters().err()
}
