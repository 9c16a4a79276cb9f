//! Functions that have the same name, and modules without symbols.

use std::process::Command;

use serde_json::Value;
use testing::command::{output_of_copy, psapi};
use testing::{Program, programs, public_directory};

use super::support::*;

/// Watches a program. Returns the JSON report, the table of functions and the flame graph.
fn reports(program: &Program) -> (Value, String, String) {
    let directory = public_directory();
    let flame = directory.path().join("flame.svg");
    let watch = |options: &[&str]| {
        let mut command = psapi();
        command
            .arg("watch")
            .args(options)
            .arg("--flame")
            .arg(&flame);
        let output = output_of_copy(command.arg("--").arg(&program.path));
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let json = watch(&["--json"]);
    // The first line says where the flame graph is.
    let (_, json) = json.split_once('\n').unwrap();
    let json = serde_json::from_str(json).unwrap();
    let table = watch(&["--by", "function", "--width", "300"]);
    (json, table, std::fs::read_to_string(&flame).unwrap())
}

/// Returns faults and row of the functions whose names match, fewest faults first.
fn named(report: &Value, matches: impl Fn(&str) -> bool) -> Vec<(u64, &Value)> {
    let functions = rows(report, "functions").iter();
    let named = functions.filter(|row| row["function"].as_str().is_some_and(&matches));
    let mut named: Vec<_> = named.map(|row| (number(row, "faults"), row)).collect();
    named.sort_by_key(|(faults, _)| *faults);
    named
}

fn faults_of(named: &[(u64, &Value)]) -> Vec<u64> {
    named.iter().map(|(faults, _)| *faults).collect()
}

#[test]
fn static_functions_have_own_rows() {
    let directory = public_directory();
    let more = directory.path().join("more.c");
    std::fs::write(&more, programs::SAME_NAME_MORE.text).unwrap();
    for debug in ["-g", "-g0"] {
        let arguments = [debug, "-O1", more.to_str().unwrap()];
        let program = Program::compile(programs::SAME_NAME, &arguments);
        let (report, table, flame) = reports(&program);
        let functions = named(&report, |name| name == "fill");
        assert_eq!(faults_of(&functions), [100, 200], "{report}");
        // `nm` prints the addresses, which start at 0 in a position-independent program.
        let symbols = Command::new("nm").arg(&program.path).output().unwrap();
        let symbols = String::from_utf8(symbols.stdout).unwrap();
        let symbols = symbols.lines().filter(|line| line.ends_with(" t fill"));
        let mut expected: Vec<u64> = symbols
            .map(|line| u64::from_str_radix(line.split(' ').next().unwrap(), 16).unwrap())
            .map(|address| address & 0xf_ffff)
            .collect();
        expected.sort_unstable();
        assert_eq!(expected.len(), 2);
        let starts = functions.iter();
        let mut starts: Vec<u64> = starts
            .map(|(_, row)| number(row, "function_offset_bytes") & 0xf_ffff)
            .collect();
        starts.sort_unstable();
        assert_eq!(starts, expected, "{report}");
        for start in starts {
            assert!(table.contains(&format!("{start:#x}")), "{table}");
        }
        for faults in [100, 200] {
            let frame = flame.lines().find(|line| {
                line.contains("fill [+0x") && line.contains(&format!("({faults} faults"))
            });
            assert!(frame.is_some(), "{faults}: {flame}");
        }
        if debug == "-g" {
            let source = |index: usize| functions[index].1["source"].as_str().unwrap();
            assert!(source(0).contains("same_name.c:"), "{report}");
            assert!(source(1).contains("more.c:"), "{report}");
        }
    }
}

#[test]
fn overloads_and_lambdas_have_own_rows() {
    let Some(program) = Program::compile_cpp(programs::OVERLOADS, &["-g", "-O1"]) else {
        return;
    };
    let (report, _, flame) = reports(&program);
    let functions = named(&report, |name| name.contains("fill(char*, "));
    assert_eq!(faults_of(&functions), [100, 200], "{report}");
    assert_ne!(functions[0].1["function"], functions[1].1["function"]);
    for (faults, row) in functions {
        let name = row["function"].as_str().unwrap();
        assert!(
            flame.contains(&format!("{name} ({faults} faults")),
            "{flame}"
        );
    }
    // Inlined functions have no symbols, but different lines. The second lambda has one row for
    // both places that it was inlined into.
    let lambdas = named(&report, |name| name.contains("operator()"));
    assert_eq!(faults_of(&lambdas), [30, 80], "{report}");
    assert_ne!(lambdas[0].1["source"], lambdas[1].1["source"]);
    for (faults, _) in lambdas {
        let frame = flame.lines().find(|line| {
            line.contains("operator() [overloads.cpp:")
                && line.contains(&format!("({faults} faults"))
        });
        assert!(frame.is_some(), "{faults}: {flame}");
    }
}

#[test]
fn missing_symbols_have_one_reason() {
    let program = Program::compile(programs::WATCHED, &["-s", "-Wl,--build-id"]);
    let mut command = psapi();
    command.args(["watch", "--json", "--"]).arg(&program.path);
    let output = output_of_copy(command.arg("touch"));
    let report: Value = serde_json::from_slice(&output.stderr).unwrap();
    let path = program.path.to_str().unwrap();
    let reasons = rows(&report, "missing_symbols").iter();
    let reasons: Vec<_> = reasons.filter(|row| row["module"] == path).collect();
    assert_eq!(reasons.len(), 1, "{report}");
    let reason = reasons[0]["reason"].as_str().unwrap();
    let id = testing::elf::build_id(&program.path).unwrap();
    assert!(
        reason.contains("stripped") && reason.contains(&id),
        "{reason}"
    );

    for (options, lines) in [(&[][..], 1), (&["--live"], 1), (&["--no-symbols"], 0)] {
        let mut command = psapi();
        command
            .arg("watch")
            .args(options)
            .arg("--")
            .arg(&program.path);
        let output = output_of_copy(command.arg("touch"));
        let text = String::from_utf8(output.stderr).unwrap();
        let reason = format!("no symbols for {path}: ");
        assert_eq!(text.matches(&reason).count(), lines, "{options:?} {text}");
    }
}
