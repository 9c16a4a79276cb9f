//! The table in `docs/privileges.md`: the privileges that each kind of information requires on each
//! kernel, as the probe measured them in the guests.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::kernel::REQUIRED;
use crate::run::root;

/// The page with the table.
const PAGE: &str = "docs/privileges.md";

const BEGIN: &str = "<!-- made by `cargo xtask kernels --privileges --update`: begin -->\n";
const END: &str = "<!-- end -->\n";

/// The probes by name, with their labels, in the order of the table.
const ROWS: &[(&str, &str)] = &[
    (
        "status",
        "ids, names, states, times, faults, memory counters, users, command lines, cgroups",
    ),
    ("image-file", "image file"),
    ("exact-memory", "exact memory (PSS, USS)"),
    ("mappings", "mappings, mapped file by address"),
    ("modules", "modules"),
    ("entry-points", "entry points and sonames of modules"),
    ("working-set", "working sets and single pages"),
    ("share-counts", "exact share counts of pages"),
    ("watch", "page faults as they happen"),
    ("watch-kernel", "page faults inside system calls"),
    ("empty", "emptying a working set"),
    ("drivers", "device drivers: names, files, sizes, references"),
    ("driver-addresses", "load addresses of drivers"),
    ("page-files", "page files"),
    ("performance", "performance information"),
];

/// For each probe and target, the sets of capabilities that suffice. A target is `own`, `others` or
/// `machine`.
#[derive(Debug, PartialEq, Eq)]
pub struct Privileges(BTreeMap<(String, String), String>);

impl Privileges {
    /// Reads the output of the probe.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let mut found = BTreeMap::new();
        for line in text.lines() {
            let mut parts = line.split('|').map(str::to_owned);
            let (Some(probe), Some(target), Some(sets)) =
                (parts.next(), parts.next(), parts.next())
            else {
                anyhow::bail!("unexpected output of the probe: {line:?}");
            };
            found.insert((probe, target), sets);
        }
        Ok(Privileges(found))
    }

    fn sets(&self, probe: &str, target: &str) -> Option<&str> {
        let key = (probe.to_owned(), target.to_owned());
        self.0.get(&key).map(String::as_str)
    }
}

/// Prints the table and returns true if the page has the same one. With `update`, writes it to the
/// page.
pub fn report(found: &[(&'static str, &Privileges)], update: bool) -> Result<bool> {
    let table = table(found)?;
    println!("\n{table}");
    let path = root().join(PAGE);
    let page = fs::read_to_string(&path).context(PAGE)?;
    let (before, rest) = page
        .split_once(BEGIN)
        .with_context(|| format!("{PAGE} has no line {BEGIN}"))?;
    let (current, after) = rest
        .split_once(END)
        .with_context(|| format!("{PAGE} has no line {END}"))?;
    if update {
        fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}"))?;
    } else if current != table {
        println!(
            "the table in {PAGE} is out of date; `cargo xtask kernels --privileges --update` replaces it"
        );
        return Ok(false);
    }
    Ok(true)
}

fn table(found: &[(&'static str, &Privileges)]) -> Result<String> {
    anyhow::ensure!(
        found.len() == REQUIRED.len(),
        "the probe did not finish on every kernel"
    );
    let mut table = String::from(
        "| information | your own processes, or the machine | other users' processes |\n\
         | --- | --- | --- |\n",
    );
    for (probe, label) in ROWS {
        let own = cell(found, probe, "own").or_else(|| cell(found, probe, "machine"));
        let own = own.with_context(|| format!("the probe {probe} printed nothing"))?;
        let others = cell(found, probe, "others").unwrap_or_default();
        table += &format!("| {label} | {own} | {others} |\n");
    }
    Ok(table)
}

/// Returns the sufficient sets: once if all kernels agree, otherwise by ranges of kernels.
fn cell(found: &[(&'static str, &Privileges)], probe: &str, target: &str) -> Option<String> {
    let mut groups: Vec<(&str, &str, &str)> = Vec::new();
    for (name, privileges) in found {
        let sets = privileges.sets(probe, target)?;
        match groups.last_mut() {
            Some((_, last, same)) if *same == sets => *last = name,
            _ => groups.push((name, name, sets)),
        }
    }
    if let [(_, _, sets)] = groups[..] {
        return Some(describe(sets));
    }
    let groups = groups.iter().map(|(first, last, sets)| {
        if first == last {
            format!("{first}: {}", describe(sets))
        } else {
            format!("{first} to {last}: {}", describe(sets))
        }
    });
    Some(groups.collect::<Vec<_>>().join("; "))
}

/// Formats sets such as `perfmon,sys_admin+sys_ptrace` for readers.
fn describe(sets: &str) -> String {
    let name = |name: &str| format!("`CAP_{}`", name.to_uppercase());
    let set = |set: &str| match set {
        "" => "not possible".to_owned(),
        "none" => "nothing".to_owned(),
        _ => set.split('+').map(name).collect::<Vec<_>>().join(" and "),
    };
    sets.split(',').map(set).collect::<Vec<_>>().join(", or ")
}
