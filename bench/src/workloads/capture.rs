//! Captures ids, page faults, working sets and their peaks of all processes.

use psapi::{Capture, Fields, System};

use crate::baselines::{bare, procfs, sysinfo};
use crate::fixtures::Fixtures;
use crate::measure::{Candidate, Figure, medians};

const TURNS: usize = 21;

pub fn run(fixtures: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    fixtures.fleet()?;
    let system = System::new();
    let mut capture = Capture::new(Fields::MEMORY);

    let proc = bare::proc()?;
    let names = bare::names(&["stat", "status"])?;
    let mut buffer = vec![0; 4096];

    let mut peer = ::sysinfo::System::new()?;

    medians(
        TURNS,
        vec![
            Candidate::inside("psapi", || Ok(capture.refresh(&system)?)),
            Candidate::inside("bare", || {
                bare::read(&proc, &names, &mut buffer);
                Ok(())
            }),
            Candidate::inside("procfs", procfs::capture),
            Candidate::inside("sysinfo", || {
                sysinfo::capture(&mut peer);
                Ok(())
            }),
        ],
    )
}
