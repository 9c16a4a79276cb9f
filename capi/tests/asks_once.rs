//! A program that asks once for the size of its own working set can query it. The program's buffer,
//! and what it does between the two calls, add pages to the working set.

#![cfg(target_os = "linux")]

use testing::c_library::compiler;
use testing::c_library::workshop::{Workshop, run};

#[test]
fn announced_number_suffices() {
    let workshop = Workshop::new();
    let source = workshop.file("asks_once.c", include_str!("c/asks_once.c"));
    for compiler in compiler::all() {
        let program = workshop.build(&compiler, &[], &source);
        for mebibytes in ["0", "64", "200"] {
            for allocation in ["malloc", "calloc", "VirtualAlloc"] {
                let ended = run(workshop.command(&program).args([allocation, mebibytes]));
                let lines: Vec<&str> = ended.succeeded().lines().collect();
                let number = |line: &str| line.split(' ').next().unwrap().parse::<u64>().unwrap();
                let (announced, found) = (number(lines[0]), number(lines[1]));
                // The announced number is still close to the size of the working set.
                assert!(announced - found <= 256 + found / 64, "{lines:?}");
            }
        }
    }
}
