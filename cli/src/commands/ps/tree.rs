//! `--tree`: processes under their parents.

use std::collections::{HashMap, HashSet};

use psapi::ProcessId;

use crate::columns::ProcessRow;

/// Puts rows under their parents, siblings in the order that they are in, and draws the branches.
/// A row whose parent is not among them is a root.
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
        // Not by recursion: a chain of processes may be longer than the stack.
        let mut pending = vec![(root, 0, String::new(), String::new())];
        while let Some((at, depth, branch, trunk)) = pending.pop() {
            let Some(mut row) = unplaced[at].take() else {
                continue;
            };
            let below = children.get(&row.status.id).map_or(&[][..], Vec::as_slice);
            for (index, &child) in below.iter().enumerate().rev() {
                let (joint, rest) = if index + 1 == below.len() {
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
    // Ids that were handed on during the pass can make a ring, which no root leads to.
    for at in 0..shown.len() {
        place(rows, at);
    }
}
