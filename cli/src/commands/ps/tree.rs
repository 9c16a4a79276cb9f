//! `--tree`: arranges processes under their parents.

use std::collections::{HashMap, HashSet};

use psapi::ProcessId;

use crate::columns::ProcessRow;

/// Arranges rows under their parents and draws the branches. Siblings keep their order. A row whose
/// parent is not in the list is a root.
pub fn arrange(rows: &mut Vec<ProcessRow<'_>>) {
    let shown: HashSet<ProcessId> = rows.iter().map(|row| row.status.id).collect();
    let mut children: HashMap<ProcessId, Vec<usize>> = HashMap::new();
    let mut roots = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        match row.status.parent.filter(|parent| shown.contains(parent)) {
            Some(parent) => children.entry(parent).or_default().push(at),
            None => roots.push(at),
        }
    }
    let mut unplaced: Vec<_> = rows.drain(..).map(Some).collect();
    let mut place = |rows: &mut Vec<_>, root: usize| {
        // A stack instead of recursion, because a chain of processes can be too long to recurse
        // into.
        let mut pending = vec![(root, 0, String::new(), String::new())];
        while let Some((at, depth, branch, trunk)) = pending.pop() {
            let Some(mut row) = unplaced[at].take() else {
                continue;
            };
            let offspring = children.get(&row.status.id).map_or(&[][..], Vec::as_slice);
            for (index, &child) in offspring.iter().enumerate().rev() {
                let (joint, rest) = if index + 1 == offspring.len() {
                    ("└─ ", "   ")
                } else {
                    ("├─ ", "│  ")
                };
                pending.push((
                    child,
                    depth + 1,
                    format!("{trunk}{joint}"),
                    format!("{trunk}{rest}"),
                ));
            }
            row.branch = branch;
            row.depth = Some(depth);
            rows.push(row);
        }
    };
    for root in roots {
        place(rows, root);
    }
    // If ids are reused while the processes are read, parents can form a cycle without a root.
    for at in 0..shown.len() {
        place(rows, at);
    }
}
