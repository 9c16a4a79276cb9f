//! Who may watch page faults, by `kernel.perf_event_paranoid`.

use std::fs;

use psapi::{ErrorKind, System};
use rustix::thread::CapabilitySet;

use crate::support::child::{Program, Subject};
use crate::support::machine::{Alone, Setting};
use crate::support::privilege::{as_nobody_with, skip};

/// Fresh pages: 50 that it touches itself, and 100 that the kernel touches for it.
const SUBJECT: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void) {
    char *p = mmap(0, 150 * 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(p, 150 * 4096, MADV_NOHUGEPAGE);
    int zeros = open("/dev/zero", O_RDONLY);
    printf("%lu\n", (long)p); fflush(stdout); getchar();
    for (int i = 0; i < 50; i++) p[i * 4096] = 1;
    for (int i = 50; i < 150; i++) if (read(zeros, p + i * 4096, 1) != 1) return 1;
    puts("touched"); fflush(stdout); getchar(); return 0;
}"#;

/// How many of the pages a watch tells of: of those that the process touched, and of the kernel's.
fn told(subject: &mut Subject) -> Result<(usize, usize), psapi::Error> {
    subject.settle();
    let start: u64 = subject.said.parse().unwrap();
    let process = System::new().process(subject.id()).unwrap();
    let mut watch = process.watch_working_set()?;
    let is_user_only = watch.is_user_only();
    subject.proceed();
    let changes = watch.changes().unwrap();
    assert_eq!(changes.lost, 0);
    let within = |first: u64, count: u64| {
        let place = start + first * 4096..start + (first + count) * 4096;
        let faults = changes.faults.iter();
        faults
            .filter(|fault| place.contains(&fault.address))
            .count()
    };
    let (own, kernels) = (within(0, 50), within(50, 100));
    assert_eq!(is_user_only, kernels == 0);
    Ok((own, kernels))
}

#[test]
fn faults_are_told_to_whom_the_setting_says() {
    let alone = Alone::now();
    let Some(paranoid) = Setting::of(&alone, "/proc/sys/kernel/perf_event_paranoid") else {
        return skip("the settings of the kernel can't be changed: needs root");
    };
    let own = rustix::thread::capabilities(None).unwrap().permitted;
    // Debian's kernels give levels above 2 a meaning: all but CAP_SYS_ADMIN are refused.
    let version = fs::read_to_string("/proc/version").unwrap();
    let is_patched = version.contains("debian-kernel@");
    let program = Program::compile(SUBJECT, &[]);
    for level in [-1, 0, 1, 2, 3, 4] {
        paranoid.set(level);
        let ask = |capabilities| as_nobody_with(capabilities, || told(&mut program.start()));

        let nobody = ask(CapabilitySet::empty());
        let is_refused = level > 2 && is_patched;
        match level {
            _ if is_refused => {
                let error = nobody.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::AccessDenied, "{level}");
                let text = error.to_string();
                for what in ["kernel.perf_event_paranoid", "CAP_PERFMON", "CAP_SYS_ADMIN"] {
                    assert!(text.contains(what), "{text}");
                }
            }
            2.. => assert_eq!(nobody.unwrap(), (50, 0), "{level}"),
            _ => assert_eq!(nobody.unwrap(), (50, 100), "{level}"),
        }
        let perfmon = CapabilitySet::PERFMON;
        if own.contains(perfmon) {
            let told = ask(perfmon);
            match is_refused {
                true => assert_eq!(told.unwrap_err().kind(), ErrorKind::AccessDenied),
                false => assert_eq!(told.unwrap(), (50, 100), "{level}"),
            }
        }
        let admin = CapabilitySet::SYS_ADMIN;
        if own.contains(admin) {
            assert_eq!(ask(admin).unwrap(), (50, 100), "{level}");
        }
    }
}
