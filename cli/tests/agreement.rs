//! What the command says against what `ps`, `free` and `/proc` say.

mod common;

use std::process::{Command, Output};

use common::{Started, have, json, run, run_as_nobody, stderr};

/// A line `Name:  123 kB` of a text, in bytes.
fn kibibytes(text: &[u8], name: &str) -> u64 {
    let text = String::from_utf8_lossy(text);
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.expect(name).trim().strip_suffix("kB").expect("kB");
    number.trim().parse::<u64>().unwrap() * 1024
}

#[test]
fn a_sleeping_child_is_what_its_files_say() {
    let child = Started::sleeping();
    let status = child.proc("status");
    for arguments in [["ps", "--json", "--pid"], ["memory", "--json", "--"]] {
        let answer = json([&arguments[..], &[&child.pid()]].concat());
        let row = &answer["processes"][0];
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
fn ps_says_the_same_of_a_sleeping_child() {
    if !have("ps") {
        return;
    }
    let child = Started::sleeping();
    let row = json(["ps", "--json", "--pid", &child.pid()])["processes"][0].clone();
    let ask = |format: &str| {
        let output = Command::new("ps")
            .args(["-o", format, "-p", &child.pid()])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    // `ps` says 0 of who is in no visible pid namespace, as the session of a container's
    // processes may be; psapi says that it does not know.
    for (format, field) in [
        ("ppid=", "parent_pid"),
        ("pgid=", "process_group"),
        ("sid=", "session"),
    ] {
        let known = row[field].as_u64();
        assert_ne!(known, Some(0), "{field}");
        assert_eq!(ask(format), known.unwrap_or(0).to_string(), "{field}");
    }
    assert_eq!(ask("nlwp="), row["threads"].to_string());
    assert_eq!(ask("uid="), row["user_id"].to_string());
    assert_eq!(ask("ni="), row["nice"].to_string());
    assert_eq!(ask("user="), row["user"].as_str().unwrap());
    assert_eq!(ask("comm="), row["name"].as_str().unwrap());
    let kib = |field: &str| (row[field].as_u64().unwrap() / 1024).to_string();
    assert_eq!(ask("vsz="), kib("virtual_size_bytes"));
    assert_eq!(ask("rss="), kib("working_set_bytes"));
}

#[test]
fn ps_lists_the_same_processes() {
    if !have("ps") {
        return;
    }
    let ids = |output: &[u8]| -> std::collections::BTreeSet<u32> {
        let text = String::from_utf8_lossy(output).into_owned();
        text.split_whitespace()
            .filter_map(|id| id.parse().ok())
            .collect()
    };
    let ask = || {
        let theirs = Command::new("ps")
            .args(["-e", "-o", "pid="])
            .output()
            .unwrap()
            .stdout;
        ids(&theirs)
    };
    // One that was there before and after was there throughout, unless its id was given out
    // again; that does not happen to the same id time after time.
    let missing = || {
        let before = ask();
        let ours = ids(&common::stdout(["ps", "-o", "pid"]));
        let after = ask();
        let throughout = before.intersection(&after).copied();
        throughout.filter(|id| !ours.contains(id)).collect()
    };
    let mut always: std::collections::BTreeSet<u32> = missing();
    for _ in 0..10 {
        if always.is_empty() {
            return;
        }
        let again = missing();
        always.retain(|id| again.contains(id));
    }
    assert!(always.is_empty(), "{always:?}");
}

#[test]
fn free_and_meminfo_say_the_same_of_the_machine() {
    let has_free = have("free");
    // Page files and hugetlb pages, which these count, may come and go: the three are asked until
    // they agree, which a wrong figure never does.
    let disagreement = || {
        let system = json(["perf", "--json"])["system"].clone();
        let meminfo = std::fs::read("/proc/meminfo").unwrap();
        let mut pairs: Vec<(String, String)> = [
            ("physical_total_bytes", "MemTotal"),
            ("commit_limit_bytes", "CommitLimit"),
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
    let mut last = disagreement();
    for _ in 0..100 {
        match last {
            None => return,
            Some(_) => last = disagreement(),
        }
    }
    assert_eq!(last, None);
}

/// Asks, as a user who may not look into a process, about that process: as root, nobody asks about
/// the child; else we ask about somebody else's process.
fn ask_without_privilege(child: &Started, arguments: &[&str]) -> Option<(Output, String)> {
    let answer = json(["ps", "--json", "-o", "uid", "--pid", &child.pid()]);
    let me = answer["processes"][0]["user_id"].as_u64().unwrap();
    if me == 0 {
        let output = run_as_nobody([arguments, &[&child.pid()]].concat());
        return Some((output, child.pid()));
    }
    let all = json(["ps", "--json"]);
    let other = all["processes"].as_array().unwrap().iter().find(|row| {
        row["user_id"].as_u64() != Some(me) && row["kernel_thread"] == false && row["state"] != "Z"
    });
    let Some(other) = other else {
        common::skip("every process here belongs to this user");
        return None;
    };
    let pid = other["pid"].to_string();
    Some((run([arguments, &[&pid]].concat()), pid))
}

#[test]
fn an_unprivileged_user_gets_the_row_and_is_told_what_would_help() {
    let child = Started::sleeping();
    let arguments = ["ps", "-o", "pid,ws,image,pss,name", "--pid"];
    let Some((output, pid)) = ask_without_privilege(&child, &arguments) else {
        return;
    };
    assert!(output.status.success(), "{}", stderr(&output));
    let table = String::from_utf8_lossy(&output.stdout);
    let row = table.lines().nth(1).expect("the row");
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(
        (cells[0], cells[2], cells[3]),
        (&pid[..], "-", "-"),
        "{table}"
    );
    assert_ne!(cells[1], "-", "{table}");
    let message = stderr(&output);
    assert!(
        message.starts_with("psapi: of 1 process, can't read: image, exact"),
        "{message}"
    );
    assert!(message.contains("CAP_SYS_PTRACE"), "{message}");
}

#[test]
fn a_refused_part_of_an_answer_is_no_failure_but_is_explained() {
    let child = Started::sleeping();
    let Some((output, _)) = ask_without_privilege(&child, &["memory", "--exact"]) else {
        return;
    };
    assert!(output.status.success());
    assert!(
        stderr(&output).contains("CAP_SYS_PTRACE"),
        "{}",
        stderr(&output)
    );
}
