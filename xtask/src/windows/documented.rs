//! Holds `docs/windows.md` against the sources: every native call and every exported function has a
//! row, and no other.

use std::collections::BTreeSet;
use std::fs;

use crate::run::root;

fn read(path: &str) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the names that stand at the beginning of a line, before a certain text.
fn names_before<'t>(text: &'t str, end: &str) -> BTreeSet<&'t str> {
    let words = text.lines().filter_map(|line| line.trim().split_once(end));
    let names = words.map(|(name, _)| name).filter(|name| is_name(name));
    names.collect()
}

fn is_name(text: &str) -> bool {
    let is_upper = text.starts_with(|first: char| first.is_ascii_uppercase());
    is_upper && text.chars().all(|c| c.is_ascii_alphanumeric())
}

/// Returns the names in the first column of the tables of a section.
fn documented<'t>(page: &'t str, heading: &str) -> BTreeSet<&'t str> {
    let (_, section) = page.split_once(heading).expect("the section exists");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let columns = rows.filter_map(|row| row.split(" | ").next());
    let is_other = |c: char| !c.is_ascii_alphanumeric();
    let names = columns.flat_map(move |column| column.split(is_other));
    names.filter(|name| is_name(name)).collect()
}

#[test]
fn native_calls_have_rows() {
    let page = read("docs/windows.md");
    let rows = documented(&page, "## Native calls");
    let calls = read("psapi/src/sys/windows/nt.rs");
    let (_, calls) = calls.split_once("\nfunctions! {").expect("the table");
    let calls = calls.split("\n}").next().unwrap_or_default();
    let classes = read("psapi/src/sys/windows/class.rs");
    let known = &names_before(calls, "(") | &names_before(&classes, " = ");
    assert!(known.len() > 30, "{known:?}");
    let missing: Vec<_> = known.difference(&rows).collect();
    assert!(missing.is_empty(), "without a row: {missing:?}");
    let is_call = |name: &&&str| ["Nt", "Rtl"].iter().any(|start| name.starts_with(start));
    let gone: Vec<_> = rows.difference(&known).filter(is_call).collect();
    assert!(gone.is_empty(), "rows without a call: {gone:?}");
}

#[test]
fn exports_have_rows() {
    let page = read("docs/windows.md");
    let rows = documented(&page, "## The 27 functions");
    let exports = read("capi/src/exports/psapi_h.rs");
    let brackets = exports.lines().filter_map(|line| {
        let (names, _) = line.trim().strip_prefix('[')?.split_once(']')?;
        names.strip_prefix("K32")?.split_once(' ')
    });
    let known: BTreeSet<_> = brackets.map(|(_, name)| name).collect();
    assert_eq!(known.len(), 27);
    assert_eq!(rows, known);
}
