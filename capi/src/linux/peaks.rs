//! Peaks that Linux does not record. They are the highest values that this process has read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The peaks of processes and page files.
#[derive(Debug)]
pub struct Peaks {
    /// By process id.
    processes: BTreeMap<u32, Lifetime>,
    /// The number of processes at which ended ones are removed.
    sweep_at: usize,
    page_files: BTreeMap<PathBuf, u64>,
}

/// The peaks of the process that has, or had, an id.
#[derive(Debug)]
struct Lifetime {
    /// Nanoseconds from boot to its start. Distinguishes it from other processes with the id.
    start: Option<i128>,
    peaks: ProcessPeaks,
}

/// Peaks in bytes: those that Linux does not record, and one that it records but lets fall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessPeaks {
    /// The kernel's own peak falls by some pages, because the counter behind it is approximate.
    pub working_set: u64,
    pub commit: u64,
    pub nonpaged_pool: u64,
}

/// The number of processes below which none are removed.
const FEW: usize = 64;

impl Peaks {
    pub const fn new() -> Self {
        Peaks {
            processes: BTreeMap::new(),
            sweep_at: FEW,
            page_files: BTreeMap::new(),
        }
    }

    /// Raises the peaks of a process to its current values, and returns them.
    pub fn of_process(
        &mut self,
        id: u32,
        start: Option<i128>,
        current: ProcessPeaks,
    ) -> ProcessPeaks {
        let lifetime = self.processes.entry(id).or_insert(Lifetime {
            start,
            peaks: current,
        });
        if lifetime.start != start {
            *lifetime = Lifetime {
                start,
                peaks: current,
            };
        }
        let peaks = &mut lifetime.peaks;
        peaks.working_set = peaks.working_set.max(current.working_set);
        peaks.commit = peaks.commit.max(current.commit);
        peaks.nonpaged_pool = peaks.nonpaged_pool.max(current.nonpaged_pool);
        *peaks
    }

    /// Returns true if there are so many processes that ended ones should be removed.
    pub fn is_due_for_sweep(&self) -> bool {
        self.processes.len() >= self.sweep_at
    }

    /// Removes the processes that are not in a list of live ones.
    pub fn sweep(&mut self, live: &BTreeSet<u32>) {
        self.processes.retain(|id, _| live.contains(id));
        self.sweep_at = FEW + 2 * self.processes.len();
    }

    /// Raises the peaks of all page files to their current use, and returns them in the given
    /// order. Page files that are not given were removed, and lose their peaks.
    pub fn of_page_files<'a>(
        &mut self,
        current: impl Iterator<Item = (&'a Path, u64)>,
    ) -> Vec<u64> {
        let old = std::mem::take(&mut self.page_files);
        let raise = |(path, in_use): (&Path, u64)| {
            let peak = old.get(path).copied().unwrap_or(0).max(in_use);
            self.page_files.insert(path.to_owned(), peak);
            peak
        };
        current.map(raise).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(commit: u64, nonpaged_pool: u64) -> ProcessPeaks {
        ProcessPeaks {
            working_set: 10 * commit,
            commit,
            nonpaged_pool,
        }
    }

    #[test]
    fn peaks_rise_separately() {
        let mut peaks = Peaks::new();
        let start = Some(1);
        assert_eq!(peaks.of_process(7, start, sizes(5, 50)), sizes(5, 50));
        assert_eq!(peaks.of_process(7, start, sizes(3, 60)), sizes(5, 60));
        assert_eq!(peaks.of_process(7, start, sizes(6, 10)), sizes(6, 60));
        assert_eq!(peaks.of_process(8, start, sizes(1, 1)), sizes(1, 1));
    }

    #[test]
    fn reused_id_starts_anew() {
        let mut peaks = Peaks::new();
        peaks.of_process(7, Some(1), sizes(5, 50));
        let later = Some(2);
        assert_eq!(peaks.of_process(7, later, sizes(3, 30)), sizes(3, 30));
    }

    #[test]
    fn sweep_removes_only_ended_processes() {
        let mut peaks = Peaks::new();
        for id in 1..=FEW as u32 {
            assert!(!peaks.is_due_for_sweep());
            peaks.of_process(id, None, sizes(9, 9));
        }
        assert!(peaks.is_due_for_sweep());
        peaks.sweep(&BTreeSet::from([1]));
        assert!(!peaks.is_due_for_sweep());
        assert_eq!(peaks.of_process(1, None, sizes(1, 1)), sizes(9, 9));
        assert_eq!(peaks.of_process(2, None, sizes(1, 1)), sizes(1, 1));
    }

    #[test]
    fn removed_page_file_loses_peak() {
        let mut peaks = Peaks::new();
        let (a, b) = (Path::new("/a"), Path::new("/b"));
        let mut of = |files: &[(&'static Path, u64)]| peaks.of_page_files(files.iter().copied());
        assert_eq!(of(&[(a, 5), (b, 1)]), [5, 1]);
        assert_eq!(of(&[(b, 0), (a, 3)]), [1, 5]);
        assert_eq!(of(&[(b, 0)]), [1]);
        assert_eq!(of(&[(a, 2), (b, 0)]), [2, 1]);
    }
}
