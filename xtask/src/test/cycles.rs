//! Import cycles: files of one crate that need each other, directly or through others.
//!
//! An edge leads from a file that names an item to the file that defines it. A module that
//! re-exports an item of a submodule, without using it itself, has no edge for it.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::outcome::Outcome;
use crate::source::{self, Crate, Module, Resolved};

/// For each file, the files that it needs, with the place of the first use.
type Graph<'a> = BTreeMap<&'a Path, BTreeMap<&'a Path, Edge>>;

#[derive(Debug, Clone)]
struct Edge {
    line: usize,
    /// The path, as the code names it.
    path: String,
}

/// A chain of files. Each file needs the next one, and the last file needs the first.
type Cycle = Vec<(PathBuf, Edge)>;

/// Prints the import cycles of all crates.
pub fn check() -> Result<Outcome> {
    let mut failures = Vec::new();
    for code in source::workspace()? {
        let (files, cycles) = find(&code);
        for (number, cycle) in cycles.iter().enumerate() {
            println!("{}, cycle {}:", code.root().display(), number + 1);
            print(cycle);
        }
        if files > 0 {
            failures.push(format!(
                "{}: {files} files in import cycles",
                code.root().display()
            ));
        }
    }
    Ok(if failures.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed(failures.join("; "))
    })
}

fn print(cycle: &Cycle) {
    for (at, (file, edge)) in cycle.iter().enumerate() {
        let next = &cycle[(at + 1) % cycle.len()].0;
        let (file, next, Edge { line, path }) = (file.display(), next.display(), edge);
        println!("    {file}:{line}: {path} is in {next}");
    }
}

/// Returns the number of files in cycles, and a selection of cycles, the shortest ones first. No
/// two of them share an edge. Every other cycle shares an edge with one of them.
fn find(code: &Crate) -> (usize, Vec<Cycle>) {
    let mut graph = graph(code);
    let files = graph
        .keys()
        .filter(|file| shortest(&graph, file).is_some())
        .count();
    let mut cycles = Vec::new();
    loop {
        let found = graph.keys().filter_map(|file| shortest(&graph, file));
        let Some(chain) = found.min_by_key(Vec::len) else {
            return (files, cycles);
        };
        let mut cycle = Vec::new();
        for (at, file) in chain.iter().enumerate() {
            let next = chain[(at + 1) % chain.len()];
            let edge = graph.get_mut(file).and_then(|edges| edges.remove(next));
            cycle.extend(edge.map(|edge| (file.to_path_buf(), edge)));
        }
        cycles.push(cycle);
    }
}

/// Returns the files of a shortest cycle through a file, found breadth-first.
fn shortest<'a>(graph: &Graph<'a>, start: &'a Path) -> Option<Vec<&'a Path>> {
    let mut reached_from = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(file) = queue.pop_front() {
        for &next in graph.get(file).into_iter().flat_map(BTreeMap::keys) {
            if next == start {
                let mut chain = vec![file];
                while let Some(&previous) = reached_from.get(chain[chain.len() - 1]) {
                    chain.push(previous);
                }
                chain.reverse();
                return Some(chain);
            }
            if !reached_from.contains_key(next) {
                reached_from.insert(next, file);
                queue.push_back(next);
            }
        }
    }
    None
}

fn graph(code: &Crate) -> Graph<'_> {
    let mut graph = Graph::new();
    for (id, module) in code.modules.iter().enumerate() {
        for (target, line, path) in dependencies(code, id, module) {
            let to = code.modules[target].file.as_path();
            if to != module.file {
                let edges = graph.entry(module.file.as_path()).or_default();
                let path = path.join("::");
                edges.entry(to).or_insert(Edge { line, path });
            }
        }
    }
    graph
}

/// Returns the modules whose items a module uses. An imported module is no dependency by itself;
/// the paths that go through it are.
fn dependencies<'a>(
    code: &'a Crate,
    id: usize,
    module: &'a Module,
) -> Vec<(usize, usize, &'a [String])> {
    let mut found = Vec::new();
    for import in &module.imports {
        match code.resolve(id, &import.path) {
            Some(Resolved::Item(target)) => {
                let is_reexport = import.is_public && code.is_within(target, id);
                if !is_reexport || module.uses(&import.name) {
                    found.push((target, import.line, &import.path[..]));
                }
            }
            Some(Resolved::Module(target)) if import.name == "*" => {
                let names = module.paths.iter().map(|path| &path.segments[..1]);
                let used = names.filter_map(|name| match code.resolve(target, name) {
                    Some(Resolved::Item(definer)) => Some((definer, import.line, &import.path[..])),
                    _ => None,
                });
                found.extend(used);
            }
            _ => {}
        }
    }
    for path in module.paths.iter().filter(|path| path.segments.len() > 1) {
        if let Some(Resolved::Item(target)) = code.resolve(id, &path.segments) {
            found.push((target, path.line, &path.segments));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::crate_of;

    fn files_of(cycles: &[Cycle]) -> Vec<Vec<String>> {
        let files = |cycle: &Cycle| {
            let mut files: Vec<_> = cycle
                .iter()
                .map(|(file, _)| file.display().to_string())
                .collect();
            files.sort();
            files
        };
        cycles.iter().map(files).collect()
    }

    #[test]
    fn mutual_imports_are_a_cycle() {
        let code = crate_of(&[
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::b::B;\npub struct A(B);"),
            ("b.rs", "pub struct B;\nfn f() { super::a::A::new() }"),
            ("c.rs", "use crate::{a::A, b::B};"),
        ]);
        let (files, cycles) = find(&code);
        assert_eq!(files, 2);
        assert_eq!(files_of(&cycles), [["a.rs", "b.rs"]]);
        let edges = cycles[0]
            .iter()
            .map(|(file, edge)| (file.display().to_string(), edge.line));
        assert!(edges.eq([("a.rs".to_owned(), 1), ("b.rs".to_owned(), 2)]));
    }

    #[test]
    fn longer_cycle_passes_through_reexports() {
        let code = crate_of(&[
            ("lib.rs", "mod a; mod b; mod c; pub use c::C;"),
            ("a.rs", "use crate::b; fn f() { b::g() }"),
            ("b.rs", "use crate::C; pub fn g(_: C) {}"),
            ("c.rs", "pub struct C(crate::a::A);"),
        ]);
        assert_eq!(files_of(&find(&code).1), [["a.rs", "b.rs", "c.rs"]]);
    }

    #[test]
    fn pure_reexport_is_no_cycle() {
        let code = crate_of(&[
            ("lib.rs", "mod a; mod b; pub use a::{A, Child};"),
            (
                "a/mod.rs",
                "mod child; mod other; pub use child::Child; pub use other::*; pub struct A;",
            ),
            (
                "a/child.rs",
                "use super::{A, Other}; use crate::b::B; pub struct Child(A, Other, B);",
            ),
            ("a/other.rs", "pub struct Other;"),
            (
                "b.rs",
                "pub struct B; #[cfg(test)] mod tests { use crate::Child; }",
            ),
        ]);
        assert_eq!(find(&code).0, 0);
    }

    #[test]
    fn used_reexport_closes_a_cycle() {
        let code = crate_of(&[
            ("lib.rs", "mod a;"),
            (
                "a/mod.rs",
                "mod child; pub use child::Child; pub struct A(Option<Child>);",
            ),
            ("a/child.rs", "use super::A; pub struct Child(Box<A>);"),
        ]);
        assert_eq!(files_of(&find(&code).1), [["a/child.rs", "a/mod.rs"]]);
    }

    #[test]
    fn glob_depends_on_used_names() {
        let code = crate_of(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::*; pub struct A(B);"),
            ("b.rs", "use crate::a::A; pub struct B;"),
        ]);
        assert_eq!(find(&code).0, 2);
    }
}
