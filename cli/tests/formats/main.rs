//! Tables, JSON and CSV of made-up `/proc` trees, and of children with the most hostile names that
//! the kernel allows.

#[cfg(target_os = "linux")]
mod linux;

use testing::command::{Started, json, psapi, stderr, stdout, text};

#[test]
fn each_sample_is_one_document() {
    let child = Started::sleeping();
    let pid = child.pid();
    let repeated = ["--interval", "0.02", "--count", "3", "--pid", &pid];
    let output = stdout([&["ps", "--json"][..], &repeated].concat());
    let documents: Vec<serde_json::Value> = output
        .split_inclusive(|&byte| byte == b'\n')
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(documents.len(), 3);
    assert!(documents[0]["processes"][0]["cpu_percent"].is_null());
    for document in &documents[1..] {
        // The child sleeps.
        assert_eq!(document["processes"][0]["cpu_percent"], 0.0);
        let rate = &document["processes"][0]["minor_faults_per_second"];
        // Wine does not report faults.
        assert!(
            *rate == 0.0 || cfg!(windows) && rate.is_null(),
            "{document}"
        );
    }
    let times: Vec<f64> = documents
        .iter()
        .map(|document| document["sample_seconds_since_boot"].as_f64().unwrap())
        .collect();
    assert!(times.is_sorted() && times[0] < times[2], "{times:?}");

    let output = stdout([&["ps", "--csv", "-o", "pid,cpu"][..], &repeated].concat());
    let mut reader = csv::Reader::from_reader(&output[..]);
    let headers = reader.headers().unwrap().clone();
    assert_eq!(
        headers,
        vec!["sample_seconds_since_boot", "pid", "cpu_percent"]
    );
    let records: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), 3);
    assert_eq!((&records[0][2], &records[1][2]), ("", "0"));
}

/// No running machine has 0 of these figures.
#[test]
fn unfilled_figure_is_null() {
    let system = &json(["system", "--json"])["system"];
    for field in [
        "system_cache_bytes",
        "kernel_total_bytes",
        "kernel_paged_bytes",
        "kernel_nonpaged_bytes",
        "commit_peak_bytes",
        "handle_count",
    ] {
        assert_ne!(system[field], 0, "{field}: {system}");
    }
    let child = Started::sleeping();
    let row = &json(["ps", "--json", "--pid", &child.pid()])["processes"][0];
    // The process has faulted on its first instruction.
    assert_ne!(row["minor_faults"], 0, "{row}");
}

#[test]
fn repeated_column_is_printed_once() {
    let child = Started::sleeping();
    let pid = child.pid();
    for (arguments, fields) in [
        (&["-o", "pid,ppid,pid"][..], "pid,parent_pid\n"),
        (&["-o", "ws,rss,pid"], "working_set_bytes,pid\n"),
    ] {
        let table = text(["ps", "--csv", "-p", &pid].iter().chain(arguments));
        assert!(table.starts_with(fields), "{table}");
    }
    // `-O` adds no column that the default listing already has.
    let usual = text(["ps", "--csv", "-p", &pid]);
    let added = text(["ps", "--csv", "-p", &pid, "-O", "ws,name,pid"]);
    assert_eq!(usual.lines().next(), added.lines().next());
    let added = text(["ps", "-p", &pid, "-O", "name,ppid,ws"]);
    let heading: Vec<&str> = added.lines().next().unwrap().split_whitespace().collect();
    let tail = &heading[heading.len() - 4..];
    assert_eq!(tail, ["TIME", "PPID", "NAME", "COMMAND"], "{added}");
}

#[test]
fn sampling_ends_with_last_process() {
    let mut child = Started::sleeping();
    let pid = child.pid();
    let running = psapi()
        .args(["memory", &pid, "--json", "--interval", "0.02"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.0.kill().unwrap();
    child.0.wait().unwrap();
    let output = running.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    // The process can exit between two samples or during one.
    let message = stderr(&output);
    let texts = ["no such process", "has ended"];
    assert!(texts.iter().any(|text| message.contains(text)), "{message}");
}

#[test]
fn overview_is_one_document() {
    let document = json(["--json"]);
    let count = |document: &serde_json::Value| document["processes"].as_array().unwrap().len();
    assert!(document["system"]["physical_total_bytes"].as_u64().unwrap() > 0);
    assert!(count(&document) > 0);
    assert_eq!(
        json(["overview", "--json"])["system"]["physical_total_bytes"],
        document["system"]["physical_total_bytes"]
    );

    let output = stdout(["--csv"]);
    let mut reader = csv::Reader::from_reader(&output[..]);
    assert_eq!(reader.headers().unwrap(), vec!["pid", "field", "value"]);
    let records: Vec<_> = reader.byte_records().map(Result::unwrap).collect();
    assert!(
        records
            .iter()
            .any(|record| &record[1] == b"physical_total_bytes")
    );
    assert!(
        records
            .iter()
            .any(|record| &record[1] == b"working_set_bytes")
    );

    let table = text([] as [&str; 0]);
    assert!(
        table.starts_with("MEMORY") && table.contains("WSET"),
        "{table}"
    );
}
