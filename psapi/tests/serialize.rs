//! What serde makes of the answers: nothing is lost.

mod support;

use psapi::Fields;
use support::tree::Tree;

#[test]
fn texts_that_are_not_utf_8_are_their_bytes() {
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
