//! The command's figures, compared with `ps`, `free` and `/proc`.

#![cfg(target_os = "linux")]

use std::process::{Command, Output};

use testing::command::{Started, json, run, run_unprivileged, stderr};
use testing::has_program;

/// Returns the value of a line `Name:  123 kB` in bytes.
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

#[test]
fn figures_match_proc_status() {
    let child = Started::sleeping();
    let status = child.proc("status");
    for arguments in [["ps", "--json", "--pid"], ["memory", "--json", "--"]] {
        let document = json([&arguments[..], &[&child.pid()]].concat());
        let row = &document["processes"][0];
        for (field, line) in [
            ("working_set_bytes", "VmRSS"),
            ("peak_working_set_bytes", "VmHWM"),
            ("virtual_size_bytes", "VmSize"),
            ("rss_anon_bytes", "RssAnon"),
            ("rss_file_bytes", "RssFile"),
            ("rss_shmem_bytes", "RssShmem"),
            ("swap_bytes", "VmSwap"),
            ("page_tables_bytes", "VmPTE"),
        ] {
            assert_eq!(row[field], kibibytes(&status, line), "{field}");
        }
        let commit = kibibytes(&status, "VmData") + kibibytes(&status, "VmStk");
        assert_eq!(row["commit_bytes"], commit);
    }
}

#[test]
fn process_columns_match_ps() {
    if !has_program("ps") {
        return;
    }
    let child = Started::sleeping();
    let row = json(["ps", "--json", "--pid", &child.pid()])["processes"][0].clone();
    let ps = |format: &str| {
        let output = Command::new("ps")
            .args(["-o", format, "-p", &child.pid()])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    // The session of a container's process can be outside the pid namespace. `ps` then prints 0,
    // and psapi prints null.
    for (format, field) in [
        ("ppid=", "parent_pid"),
        ("pgid=", "process_group"),
        ("sid=", "session"),
    ] {
        let visible = row[field].as_u64();
        assert_ne!(visible, Some(0), "{field}");
        assert_eq!(ps(format), visible.unwrap_or(0).to_string(), "{field}");
    }
    assert_eq!(ps("nlwp="), row["threads"].to_string());
    assert_eq!(ps("uid="), row["user_id"].to_string());
    assert_eq!(ps("ni="), row["nice"].to_string());
    assert_eq!(ps("user="), row["user"].as_str().unwrap());
    assert_eq!(ps("comm="), row["name"].as_str().unwrap());
    let kib = |field: &str| (row[field].as_u64().unwrap() / 1024).to_string();
    assert_eq!(ps("vsz="), kib("virtual_size_bytes"));
    assert_eq!(ps("rss="), kib("working_set_bytes"));
}

#[test]
fn listing_matches_ps() {
    if !has_program("ps") {
        return;
    }
    let ids = |output: &[u8]| -> std::collections::BTreeSet<u32> {
        let text = String::from_utf8_lossy(output).into_owned();
        text.split_whitespace()
            .filter_map(|id| id.parse().ok())
            .collect()
    };
    let ps = || {
        let theirs = Command::new("ps")
            .args(["-e", "-o", "pid="])
            .output()
            .unwrap()
            .stdout;
        ids(&theirs)
    };
    // If `ps` lists an id both before and after, the process existed throughout, unless the id was
    // reused. The same id is not reused ten times in a row.
    let missing = || {
        let before = ps();
        let ours = ids(&testing::command::stdout(["ps", "-o", "pid"]));
        let after = ps();
        let throughout = before.intersection(&after).copied();
        throughout.filter(|id| !ours.contains(id)).collect()
    };
    let mut always_missing: std::collections::BTreeSet<u32> = missing();
    for _ in 0..10 {
        if always_missing.is_empty() {
            return;
        }
        let again = missing();
        always_missing.retain(|id| again.contains(id));
    }
    assert!(always_missing.is_empty(), "{always_missing:?}");
}

#[test]
fn system_figures_match_free_and_meminfo() {
    let has_free = has_program("free");
    // Other tests add page files and hugetlb pages, so retry until the sources agree. A wrong
    // figure never agrees.
    let difference = || {
        let system = json(["system", "--json"])["system"].clone();
        let meminfo = std::fs::read("/proc/meminfo").unwrap();
        let mut pairs: Vec<(String, String)> = [
            ("physical_total_bytes", "MemTotal"),
            ("kernel_commit_limit_bytes", "CommitLimit"),
            ("page_file_total_bytes", "SwapTotal"),
        ]
        .map(|(field, line)| {
            let expected = kibibytes(&meminfo, line).to_string();
            (system[field].to_string(), expected)
        })
        .into();
        if has_free {
            let output = Command::new("free").arg("-b").output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let total = |line: &str| {
                let line = text
                    .lines()
                    .find_map(|text| text.strip_prefix(line))
                    .expect(line);
                line.split_whitespace().next().unwrap().to_owned()
            };
            for (field, line) in [
                ("physical_total_bytes", "Mem:"),
                ("page_file_total_bytes", "Swap:"),
            ] {
                pairs.push((system[field].to_string(), total(line)));
            }
        }
        (pairs.iter().any(|(ours, theirs)| ours != theirs)).then_some(pairs)
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
