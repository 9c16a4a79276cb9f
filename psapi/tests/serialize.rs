//! Serialization by serde, which must be lossless.

#[cfg(target_os = "linux")]
use psapi::Fields;

#[cfg(target_os = "linux")]
use testing::tree::Tree;

#[cfg(target_os = "linux")]
#[test]
fn non_utf8_texts_are_bytes() {
    let tree = Tree::new()
        .process(1, "plain")
        .file("1/cmdline", b"caf\xe9\0--all\0")
        .file("1/cgroup", "0::/user.slice\n")
        .link("1/exe", "/bin/plain");
    let capture = tree.as_proc().capture(Fields::all()).unwrap();
    let json = serde_json::to_value(capture.processes()).unwrap();
    let row = &json[0];
    assert_eq!(row["id"], 1);
    assert_eq!(row["name"], "plain");
    assert_eq!(
        row["command_line"][0],
        serde_json::json!([99, 97, 102, 233])
    );
    assert_eq!(row["command_line"][1], "--all");
    assert_eq!(row["image"]["path"], "/bin/plain");
    assert_eq!(row["cgroup"][0]["path"], "/user.slice");
    assert_eq!(row["memory"]["working_set"], 1000 << 10);
    assert_eq!(row["memory"]["peak_commit"], serde_json::Value::Null);
}

#[cfg(target_os = "linux")]
#[test]
fn serializes_drivers_swap_and_performance() {
    let tree = Tree::machine()
        .file(
            "proc/modules",
            b"caf\xe9 4096 1 nft, Live 0xffffffffc0a00000 (OE)\n",
        )
        .file("proc/swaps", "Filename Type\n/dev/dm-1 partition 8 4 -2\n")
        .file("proc/loadavg", "0.01 0.05 0.02 1/87 6550\n");
    let system = tree.as_machine();
    let drivers = serde_json::to_value(system.device_drivers().unwrap()).unwrap();
    assert_eq!(drivers[0]["kind"], "KernelImage");
    assert_eq!(drivers[0]["file"], serde_json::Value::Null);
    assert_eq!(drivers[1]["name"], serde_json::json!([99, 97, 102, 233]));
    assert_eq!(drivers[1]["users"], serde_json::json!(["nft"]));
    assert_eq!(drivers[1]["load_address"], 0xffff_ffff_c0a0_0000_u64);
    let files = serde_json::to_value(system.page_files().unwrap()).unwrap();
    assert_eq!(
        (&files[0]["path"], &files[0]["total"]),
        (&"/dev/dm-1".into(), &8192.into())
    );
    let info = serde_json::to_value(system.performance_info().unwrap()).unwrap();
    assert_eq!(info["huge_pages"]["total"], 7);
    assert_eq!(info["commit_peak"], serde_json::Value::Null);
}

#[test]
fn serializes_pages_with_mappings() {
    let here = 1u8;
    let address = &raw const here as u64;
    let process = psapi::System::new().current_process().unwrap();
    let set = process.working_set().unwrap();
    let run = set
        .runs()
        .find(|run| (run.start..run.end).contains(&address));
    let json = serde_json::to_value(run.expect("the stack is resident")).unwrap();
    assert_eq!(json["mapping"]["writable"], true);
    assert!(json["attributes"].as_str().unwrap().contains("RESIDENT"));
    let page = process.query_pages(&[address]).unwrap()[0];
    let json = serde_json::to_value(page).unwrap();
    assert_eq!(json["address"], address);
    assert_eq!(json["protection"], "read_write");
}
