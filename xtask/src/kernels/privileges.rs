//! The table of the README that says what works on which kernel with which privilege: made of what the
//! guests found out.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::kernel::REQUIRED;
use crate::run::root;

const BEGIN: &str = "<!-- made by `cargo xtask kernels --privileges --update`: begin -->\n";
const END: &str = "<!-- end -->\n";

/// The questions by the probe's names, in the table's order.
const ROWS: &[(&str, &str)] = &[
    (
        "status",
        "ids, names, states, times, faults, memory counters, users, command lines, cgroups",
    ),
    ("image-file", "image file"),
    ("exact-memory", "exact memory (PSS, USS)"),
    ("mappings", "mappings, mapped file by address"),
    ("modules", "modules"),
    ("entry-points", "their entry points and sonames"),
    ("working-set", "working sets and single pages"),
    ("share-counts", "how many share a page, not just whether"),
    ("watch", "page faults as they happen"),
    ("watch-kernel", "those inside system calls, too"),
    ("empty", "emptying a working set"),
    ("drivers", "device drivers: names, files, sizes, references"),
    ("driver-addresses", "load addresses of drivers"),
    ("page-files", "page files"),
    ("performance", "performance information"),
];

/// By question and whose process, the sets of capabilities that suffice.
#[derive(Debug, PartialEq, Eq)]
pub struct Privileges(BTreeMap<(String, String), String>);

impl Privileges {
    /// What the probe printed.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let mut found = BTreeMap::new();
        for line in text.lines() {
            let mut parts = line.split('|').map(str::to_owned);
            let (Some(question), Some(whose), Some(sets)) =
                (parts.next(), parts.next(), parts.next())
            else {
                anyhow::bail!("the probe printed {line:?}");
            };
            found.insert((question, whose), sets);
        }
        Ok(Privileges(found))
    }

    fn sets(&self, question: &str, whose: &str) -> Option<&str> {
        let key = (question.to_owned(), whose.to_owned());
        self.0.get(&key).map(String::as_str)
    }
}

/// Prints the table; says whether the README has it, or puts it there.
pub fn report(found: &[(&'static str, &Privileges)], update: bool) -> Result<bool> {
    let table = table(found)?;
    println!("\n{table}");
    let path = root().join("README.md");
    let readme = fs::read_to_string(&path).context("README.md")?;
    let (before, rest) = readme
        .split_once(BEGIN)
        .context("README.md has no place for the table")?;
    let (there, after) = rest
        .split_once(END)
        .context("README.md has no end of the table")?;
    if update {
        fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}"))?;
    } else if there != table {
        println!(
            "README.md has another table; `cargo xtask kernels --privileges --update` puts this one there"
        );
        return Ok(false);
    }
    Ok(true)
}

fn table(found: &[(&'static str, &Privileges)]) -> Result<String> {
    anyhow::ensure!(
        found.len() == REQUIRED.len(),
        "not all kernels told what needs which privilege"
    );
    let mut table = String::from(
        "| what | needed for one's own processes, or for the machine | for all others |\n| --- | --- | --- |\n",
    );
    for (question, what) in ROWS {
        let own = cell(found, question, "own").or_else(|| cell(found, question, "machine"));
        let own = own.with_context(|| format!("nobody asked {question}"))?;
        let others = cell(found, question, "others").unwrap_or_default();
        table += &format!("| {what} | {own} | {others} |\n");
    }
    Ok(table)
}

/// What suffices: once where that is the same on all kernels, else by kernel.
fn cell(found: &[(&'static str, &Privileges)], question: &str, whose: &str) -> Option<String> {
    let mut groups: Vec<(&str, &str, &str)> = Vec::new();
    for (name, privileges) in found {
        let sets = privileges.sets(question, whose)?;
        match groups.last_mut() {
            Some((_, last, same)) if *same == sets => *last = name,
            _ => groups.push((name, name, sets)),
        }
    }
    if let [(_, _, sets)] = groups[..] {
        return Some(words(sets));
    }
    let groups = groups
        .iter()
        .map(|(first, last, sets)| match first == last {
            true => format!("{first}: {}", words(sets)),
            false => format!("{first} to {last}: {}", words(sets)),
        });
    Some(groups.collect::<Vec<_>>().join("; "))
}

/// `perfmon,sys_admin+sys_ptrace`, as people read it.
fn words(sets: &str) -> String {
    let name = |name: &str| format!("`CAP_{}`", name.to_uppercase());
    let set = |set: &str| match set {
        "" => "not to be had".to_owned(),
        "none" => "nothing".to_owned(),
        _ => set.split('+').map(name).collect::<Vec<_>>().join(" and "),
    };
    sets.split(',').map(set).collect::<Vec<_>>().join(", or ")
}
