//! Ids, page faults, working sets and their peaks of all processes.

use psapi::{Capture, Fields, System};

use super::Stage;
use crate::contestants::{bare, procfs, sysinfo};
use crate::measure::{Contestant, Figure, medians};

const TURNS: usize = 21;

pub fn run(stage: &Stage) -> anyhow::Result<Vec<Figure>> {
    stage.fleet()?;
    let system = System::new();
    let mut capture = Capture::new(Fields::MEMORY);

    let proc = bare::proc()?;
    let names = bare::names(&["stat", "status"])?;
    let mut buffer = vec![0; 4096];

    let mut peer = ::sysinfo::System::new()?;

    medians(
        TURNS,
        vec![
            Contestant::inside("psapi", || Ok(capture.refresh(&system)?)),
            Contestant::inside("bare", || {
                bare::read(&proc, &names, &mut buffer);
                Ok(())
            }),
            Contestant::inside("procfs", procfs::capture),
            Contestant::inside("sysinfo", || {
                sysinfo::capture(&mut peer);
                Ok(())
            }),
        ],
    )
}
