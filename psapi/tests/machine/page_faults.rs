//! Which callers can watch page faults, by `kernel.perf_event_paranoid`.

use std::fs;

use psapi::{ErrorKind, System};
use rustix::thread::CapabilitySet;

use testing::machine::{MachineLock, Setting};
use testing::privilege::with_capabilities;
use testing::{Program, TestProcess, programs, skip};

/// Counts the recorded faults in pages that the process touched, and in those the kernel touched.
fn recorded_faults(subject: &mut TestProcess) -> Result<(usize, usize), psapi::Error> {
    subject.wait_for_sleep();
    let start: u64 = subject.line.parse().unwrap();
    let process = System::new().process(subject.id()).unwrap();
    let mut watch = process.watch_working_set()?;
    let is_user_only = watch.is_user_only();
    subject.resume();
    let changes = watch.changes().unwrap();
    assert_eq!(changes.lost, 0);
    let within = |first: u64, count: u64| {
        let range = start + first * 4096..start + (first + count) * 4096;
        let faults = changes.faults.iter();
        faults
            .filter(|fault| range.contains(&fault.address))
            .count()
    };
    let (own, kernels) = (within(0, 50), within(50, 100));
    assert_eq!(is_user_only, kernels == 0);
    Ok((own, kernels))
}

#[test]
fn faults_follow_perf_event_paranoid() {
    let lock = MachineLock::acquire();
    let Some(paranoid) = Setting::open(&lock, "/proc/sys/kernel/perf_event_paranoid") else {
        return skip("cannot change kernel settings: needs root");
    };
    let own = rustix::thread::capabilities(None).unwrap().permitted;
    // Debian's kernels give levels above 2 a meaning: they deny everyone without CAP_SYS_ADMIN.
    let version = fs::read_to_string("/proc/version").unwrap();
    let is_patched = version.contains("debian-kernel@");
    let program = Program::compile(programs::TOUCHES_AND_READS, &[]);
    for level in [-1, 0, 1, 2, 3, 4] {
        paranoid.set(level);
        let record_with = |capabilities| {
            with_capabilities(capabilities, || recorded_faults(&mut program.start()))
        };

        let unprivileged = record_with(CapabilitySet::empty());
        let is_refused = level > 2 && is_patched;
        match level {
            _ if is_refused => {
                let error = unprivileged.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::AccessDenied, "{level}");
                let text = error.to_string();
                for what in ["kernel.perf_event_paranoid", "CAP_PERFMON", "CAP_SYS_ADMIN"] {
                    assert!(text.contains(what), "{text}");
                }
            }
            2.. => assert_eq!(unprivileged.unwrap(), (50, 0), "{level}"),
            _ => assert_eq!(unprivileged.unwrap(), (50, 100), "{level}"),
        }
        let perfmon = CapabilitySet::PERFMON;
        if own.contains(perfmon) {
            let recorded_faults = record_with(perfmon);
            if is_refused {
                assert_eq!(recorded_faults.unwrap_err().kind(), ErrorKind::AccessDenied)
            } else {
                assert_eq!(recorded_faults.unwrap(), (50, 100), "{level}")
            }
        }
        let admin = CapabilitySet::SYS_ADMIN;
        if own.contains(admin) {
            assert_eq!(record_with(admin).unwrap(), (50, 100), "{level}");
        }
    }
}
