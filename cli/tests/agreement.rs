//! The command's figures, compared with `ps`, `free` and `/proc`, or with what Windows reports to
//! another program.

use std::collections::BTreeSet;
#[cfg(target_os = "linux")]
use std::process::{Command, Output};

use serde_json::Value;

use testing::command::{Started, json};
#[cfg(target_os = "linux")]
use testing::command::{run, run_unprivileged, stderr};
#[cfg(target_os = "linux")]
use testing::has_program;
#[cfg(windows)]
use testing::machine_report::MachineReport;
#[cfg(windows)]
use testing::process_report::counters;

/// Returns the value of a line `Name:  123 kB` in bytes.
#[cfg(target_os = "linux")]
fn kibibytes(text: &[u8], name: &str) -> u64 {
    let text = String::from_utf8_lossy(text);
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line
        .expect(name)
        .trim()
        .strip_suffix("kB")
        .expect("a value in kB");
    number.trim().parse::<u64>().unwrap() * 1024
}

/// Returns figures of a process by field, in bytes.
#[cfg(target_os = "linux")]
fn figures(child: &Started) -> Vec<(&'static str, u64)> {
    let status = child.proc("status");
    let mut figures: Vec<_> = [
        ("working_set_bytes", "VmRSS"),
        ("peak_working_set_bytes", "VmHWM"),
        ("virtual_size_bytes", "VmSize"),
        ("rss_anon_bytes", "RssAnon"),
        ("rss_file_bytes", "RssFile"),
        ("rss_shmem_bytes", "RssShmem"),
        ("swap_bytes", "VmSwap"),
        ("page_tables_bytes", "VmPTE"),
    ]
    .map(|(field, line)| (field, kibibytes(&status, line)))
    .into();
    let commit = kibibytes(&status, "VmData") + kibibytes(&status, "VmStk");
    figures.push(("commit_bytes", commit));
    figures
}

#[cfg(windows)]
fn figures(child: &Started) -> Vec<(&'static str, u64)> {
    let counters = counters(child.0.id());
    vec![
        ("working_set_bytes", counters.working_set),
        ("peak_working_set_bytes", counters.peak),
        ("commit_bytes", counters.commit),
    ]
}

#[test]
fn figures_match_other_source() {
    let child = Started::sleeping();
    let figures = figures(&child);
    for arguments in [["ps", "--json", "--pid"], ["memory", "--json", "--"]] {
        let document = json([&arguments[..], &[&child.pid()]].concat());
        let row = &document["processes"][0];
        for &(field, expected) in &figures {
            assert_eq!(row[field], expected, "{field}");
        }
    }
}

/// Returns values of a process by field, as `ps` prints them. Returns `None`, and skips, if it is not
/// installed.
#[cfg(target_os = "linux")]
fn listed(child: &Started) -> Option<Vec<(&'static str, String)>> {
    let ps = |format: &str| {
        let output = Command::new("ps")
            .args(["-o", format, "-p", &child.pid()])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let bytes = |format: &str| (ps(format).parse::<u64>().unwrap() * 1024).to_string();
    has_program("ps").then(|| {
        vec![
            ("parent_pid", ps("ppid=")),
            ("process_group", ps("pgid=")),
            ("session", ps("sid=")),
            ("threads", ps("nlwp=")),
            ("user_id", ps("uid=")),
            ("nice", ps("ni=")),
            ("user", ps("user=")),
            ("name", ps("comm=")),
            ("virtual_size_bytes", bytes("vsz=")),
            ("working_set_bytes", bytes("rss=")),
        ]
    })
}

#[cfg(windows)]
fn listed(child: &Started) -> Option<Vec<(&'static str, String)>> {
    let listed = MachineReport::of_processes().processes().into_iter();
    let mut listed = listed.filter(|process| process.id == child.0.id());
    let listed = listed.next().unwrap();
    Some(vec![
        ("parent_pid", listed.parent.to_string()),
        ("threads", listed.threads.to_string()),
        ("name", listed.name),
    ])
}

#[test]
fn process_columns_match_ps() {
    let child = Started::sleeping();
    let Some(listed) = listed(&child) else {
        return;
    };
    let row = json(["ps", "--json", "--pid", &child.pid()])["processes"][0].clone();
    assert_eq!(row["parent_pid"], std::process::id());
    for (field, expected) in listed {
        let found = match &row[field] {
            // The session of a container's process can be outside the pid namespace. `ps` then
            // prints 0, and psapi prints null.
            Value::Null => "0".to_owned(),
            Value::String(text) => text.clone(),
            number => {
                let is_id = ["parent_pid", "process_group", "session"].contains(&field);
                assert!(!is_id || *number != 0, "{field}");
                number.to_string()
            }
        };
        assert_eq!(found, expected, "{field}");
    }
}

fn numbers(output: &[u8]) -> BTreeSet<u32> {
    let text = String::from_utf8_lossy(output).into_owned();
    text.split_whitespace()
        .filter_map(|id| id.parse().ok())
        .collect()
}

/// Returns the process ids that another program lists. Returns `None`, and skips, if it is not
/// installed.
#[cfg(target_os = "linux")]
fn listing() -> Option<impl FnMut() -> BTreeSet<u32>> {
    has_program("ps").then_some(|| {
        let ps = Command::new("ps").args(["-e", "-o", "pid="]).output();
        numbers(&ps.unwrap().stdout)
    })
}

#[cfg(windows)]
fn listing() -> Option<impl FnMut() -> BTreeSet<u32>> {
    let mut report = MachineReport::of_processes();
    Some(move || {
        let processes = report.processes().into_iter();
        processes.map(|process| process.id).collect()
    })
}

#[test]
fn listing_matches_ps() {
    let Some(mut ps) = listing() else {
        return;
    };
    // If `ps` lists an id both before and after, the process existed throughout, unless the id was
    // reused. The same id is not reused ten times in a row.
    let mut missing = || {
        let before = ps();
        let ours = numbers(&testing::command::stdout(["ps", "-o", "pid"]));
        let after = ps();
        let throughout = before.intersection(&after).copied();
        throughout.filter(|id| !ours.contains(id)).collect()
    };
    let mut always_missing: BTreeSet<u32> = missing();
    for _ in 0..10 {
        if always_missing.is_empty() {
            return;
        }
        let again = missing();
        always_missing.retain(|id| again.contains(id));
    }
    assert!(always_missing.is_empty(), "{always_missing:?}");
}

/// Returns figures of the machine by field.
#[cfg(windows)]
fn machine() -> Vec<(&'static str, u64)> {
    let memory = MachineReport::of_memory().memory();
    vec![
        ("physical_total_bytes", memory.physical_total),
        ("commit_limit_bytes", memory.commit_limit),
        ("page_size_bytes", memory.page_size),
    ]
}

/// Returns figures of the machine by field, from `/proc/meminfo` and from `free` if it is installed.
#[cfg(target_os = "linux")]
fn machine() -> Vec<(&'static str, u64)> {
    let meminfo = std::fs::read("/proc/meminfo").unwrap();
    let mut figures: Vec<_> = [
        ("physical_total_bytes", "MemTotal"),
        ("kernel_commit_limit_bytes", "CommitLimit"),
        ("page_file_total_bytes", "SwapTotal"),
    ]
    .map(|(field, line)| (field, kibibytes(&meminfo, line)))
    .into();
    if has_program("free") {
        let output = Command::new("free").arg("-b").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let total = |line: &str| {
            let line = text.lines().find_map(|text| text.strip_prefix(line));
            let total = line.expect("a line of free").split_whitespace().next();
            total.unwrap().parse().unwrap()
        };
        figures.push(("physical_total_bytes", total("Mem:")));
        figures.push(("page_file_total_bytes", total("Swap:")));
    }
    figures
}

#[test]
fn system_figures_match_free_and_meminfo() {
    // Other tests add page files and hugetlb pages, so retry until the sources agree. A wrong
    // figure never agrees.
    let difference = || {
        let system = json(["system", "--json"])["system"].clone();
        let theirs = machine();
        let differs = |&(field, figure): &(&str, u64)| system[field] != figure;
        theirs.iter().any(differs).then_some((system, theirs))
    };
    let mut last = difference();
    for _ in 0..100 {
        match last {
            None => return,
            Some(_) => last = difference(),
        }
    }
    assert_eq!(last, None);
}

/// Runs psapi on a process that the user cannot inspect. Returns the output and the process id.
///
/// As root, the user `nobody` inspects the child. Otherwise the caller inspects a process of
/// another user.
#[cfg(target_os = "linux")]
fn run_on_unreadable_process(child: &Started, arguments: &[&str]) -> Option<(Output, String)> {
    let document = json(["ps", "--json", "-o", "uid", "--pid", &child.pid()]);
    let me = document["processes"][0]["user_id"].as_u64().unwrap();
    if me == 0 {
        let output = run_unprivileged([arguments, &[&child.pid()]].concat());
        return Some((output, child.pid()));
    }
    let all = json(["ps", "--json"]);
    let other = all["processes"].as_array().unwrap().iter().find(|row| {
        row["user_id"].as_u64() != Some(me) && row["kernel_thread"] == false && row["state"] != "Z"
    });
    let Some(other) = other else {
        testing::skip("no process of another user");
        return None;
    };
    let pid = other["pid"].to_string();
    Some((run([arguments, &[&pid]].concat()), pid))
}

#[cfg(target_os = "linux")]
#[test]
fn missing_privilege_is_named() {
    let child = Started::sleeping();
    let arguments = ["ps", "-o", "pid,ws,image,pss,name", "--pid"];
    let Some((output, pid)) = run_on_unreadable_process(&child, &arguments) else {
        return;
    };
    assert!(output.status.success(), "{}", stderr(&output));
    let table = String::from_utf8_lossy(&output.stdout);
    let row = table.lines().nth(1).expect("a row for the process");
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(
        (cells[0], cells[2], cells[3]),
        (&pid[..], "-", "-"),
        "{table}"
    );
    assert_ne!(cells[1], "-", "{table}");
    let message = stderr(&output);
    assert!(
        message.starts_with("psapi: cannot read image file, exact memory of 1 process"),
        "{message}"
    );
    assert!(message.contains("CAP_SYS_PTRACE"), "{message}");
}

#[cfg(target_os = "linux")]
#[test]
fn unreadable_figure_is_not_a_failure() {
    let child = Started::sleeping();
    let Some((output, _)) = run_on_unreadable_process(&child, &["memory", "--exact"]) else {
        return;
    };
    assert!(output.status.success());
    assert!(
        stderr(&output).contains("CAP_SYS_PTRACE"),
        "{}",
        stderr(&output)
    );
}
