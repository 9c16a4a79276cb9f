//! Pictures of memory that only Linux has, of another user's processes, and on full disks.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use resvg::usvg::roxmltree::Node;

use testing::command::{Started, program, run, run_unprivileged, stderr, text};
use testing::huge_pool::HugePool;
use testing::{Program, programs, skip, wait_until};

use super::{
    Changes, Fixture, MIB, address, assert_not_written, document, drawn, groups, kinds_at, legend,
    number,
};

#[test]
fn legend_totals_match_smaps_rollup() {
    let fixture = Fixture::start(programs::PICTURE_PRIVATE_AND_SHARED);
    let svg = fixture.svg();
    let document = document(&svg);
    // Before Linux 6.2, the counters of `status` are inexact.
    let found = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", fixture.pid())).unwrap();
    let figure = |name: &str| -> u64 {
        let line = found.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.unwrap().trim().trim_end_matches(" kB");
        kib.parse::<u64>().unwrap() * 1024
    };
    let (private, all) = (figure("Anonymous:"), figure("Rss:"));
    assert!(private >= 3 * MIB && all - private >= 5 * MIB);
    let legend = legend(&document);
    let total = |kinds: &[&str]| -> u64 { kinds.iter().filter_map(|kind| legend.get(*kind)).sum() };
    assert_eq!(total(&["private", "private-huge", "forked"]), private);
    assert_eq!(total(&["file", "shared"]), all - private);
    // The blocks add up to the totals in the legend.
    assert_eq!(drawn(&document), legend);
}

#[test]
fn blocks_show_kind_and_lock() {
    let fixture = Fixture::start(programs::PICTURE_FORKED_AND_LOCKED);
    let svg = fixture.svg();
    let document = document(&svg);
    let (forked, locked, page) = (fixture.printed[0], fixture.printed[1], fixture.printed[2]);
    let at = |page: u64| {
        groups(&document, "run")
            .find(|run| address(*run, "data-at") <= page && page < address(*run, "data-to"))
            .unwrap()
    };
    for (number, kind) in [(0, "private"), (3, "private"), (4, "forked"), (8, "forked")] {
        let each = at(forked + number * page).attribute("data-each").unwrap();
        assert_eq!(each, format!("{kind} {page}"), "page {number}");
    }
    assert_eq!(number(at(locked), "data-locked"), page);
    assert_eq!(at(forked).attribute("data-locked"), None);
    assert_eq!(legend(&document)["locked"], 5 * page);
}

#[test]
fn difference_shows_every_kind_of_change() {
    let changes = Changes::make();
    let svg = changes.svg();
    let document = document(&svg);
    let kinds = |name: &str, offset: u64| kinds_at(&document, changes.addresses[name] + offset);
    for (name, offset, expected) in [
        ("touched", MIB, "added"),
        ("dropped", MIB, "removed"),
        ("grown", MIB, "added"),
        ("unmapped", 0, "removed"),
        ("split", MIB, "changed"),
        ("copied", 0, "changed"),
        ("replaced", 0, "replaced"),
        ("shifted", 0, "replaced"),
        ("moved", 0, "removed"),
        ("target", 0, "added"),
        ("later", 0, "added"),
    ] {
        assert_eq!(kinds(name, offset), [expected], "{name}");
    }
    for (name, offset) in [("touched", 0), ("dropped", 0), ("grown", 0), ("same", 0)] {
        let kinds = kinds(name, offset);
        assert!(
            ["unchanged", "shares-changed"].contains(&kinds[0]),
            "{name}: {kinds:?}"
        );
    }
    assert_eq!(drawn(&document), legend(&document));
}

#[test]
fn hugetlb_band_counts_its_pages() {
    let Some(_pool) = HugePool::grow(4) else {
        return skip("cannot reserve hugetlb pages: needs root and free memory");
    };
    let fixture = Program::compile(programs::TOUCHES_HUGETLB, &[]);
    let process = fixture.start();
    process.wait_for_sleep();
    if process.line == "none" {
        return skip("another process took the reserved hugetlb pages");
    }
    let svg = text(["ws", &process.id().to_string(), "--svg", "-"]);
    let document = document(&svg);
    let hugetlb: Vec<&str> = groups(&document, "band")
        .filter(|band| {
            let mut runs = band
                .descendants()
                .filter_map(|node| node.attribute("data-each"));
            runs.any(|each| each.starts_with("hugetlb "))
        })
        .map(|band| band.attribute("aria-label").unwrap())
        .collect();
    assert_eq!(hugetlb.len(), 4, "{hugetlb:?}");
    for label in hugetlb {
        assert!(label.contains(": 2.0M of 2.0M, "), "{label}");
    }
    let all = legend(&document)["hugetlb"];
    assert_eq!(all, 8 * MIB);
    assert!(svg.contains(", 8.0M in hugetlb pages, of "), "{svg}");
}

#[test]
fn hostile_names_are_escaped_and_shortened() {
    let fixture = Fixture::start(programs::PICTURE_HOSTILE_NAMES);
    let svg = fixture.svg();
    let document = document(&svg);
    for name in [
        "\\\\x01",
        "\\\\xff",
        "\\\\u{202e}",
        "</script>",
        "long<file>",
    ] {
        let shown = document.descendants().any(|node| {
            let mut attributes = node.attributes();
            attributes.any(|attribute| attribute.value().contains(name))
        });
        assert!(shown, "{name}");
    }
    let is_injected = |node: Node<'_, '_>| node.has_tag_name("script") || node.has_tag_name("b");
    assert!(!document.descendants().any(is_injected));
    let is_text = |node: &Node<'_, '_>| node.has_tag_name("text");
    let texts: Vec<&str> = document
        .descendants()
        .filter(is_text)
        .map(|node| node.text().unwrap())
        .collect();
    assert_eq!(
        texts[0],
        format!("\"><b>&'\\x01\\xff (pid {})", fixture.pid())
    );
    for text in texts {
        assert!(text.chars().count() < 110, "{text}");
    }
    let html = text(["ws", &fixture.pid(), "--html", "-"]);
    assert_eq!(html.matches("<script").count(), 1);
    assert_eq!(html.matches("<b>").count(), 0);
}

#[test]
fn unprivileged_user_draws_own_process() {
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut command = Command::new("sleep");
    command.arg("1000");
    if is_root {
        command.uid(65534).gid(65534);
    }
    let child = Started::new(&mut command);
    wait_until(|| child.proc("stat").windows(3).any(|bytes| bytes == b") S"));
    let output = run_unprivileged(["ws", &child.pid(), "--svg", "-"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let svg = String::from_utf8(output.stdout).unwrap();
    assert!(legend(&document(&svg))["private"] > 0);

    if is_root {
        let unwritable = tempfile::tempdir().unwrap();
        let file = unwritable.path().join("a.svg");
        let pid = child.pid();
        let arguments = [
            "ws".as_ref(),
            pid.as_ref(),
            "--svg".as_ref(),
            file.as_os_str(),
        ];
        let output = run_unprivileged(arguments);
        assert_eq!(output.status.code(), Some(1));
        let message = stderr(&output);
        assert!(message.contains("permission denied"), "{message}");
    }
}

#[test]
fn failed_write_keeps_old_file() {
    let fixture = Fixture::start(programs::WAITS);
    for file in [
        "/dev/full",
        "/no such directory/a.png",
        "/proc/self/a.svg",
        "/tmp",
    ] {
        assert_not_written(file, &run(["ws", &fixture.pid(), "--svg", file]));
    }
    // The limit on the file size lets psapi write only one block.
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("picture.svg");
    std::fs::write(&file, "old").unwrap();
    let output = Command::new("sh")
        .arg("-c")
        .arg("trap '' XFSZ; ulimit -f 1; exec \"$0\" ws \"$1\" --svg \"$2\"")
        .arg(program())
        .arg(fixture.pid())
        .arg(&file)
        .output()
        .unwrap();
    assert_not_written(file.to_str().unwrap(), &output);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "old");
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1);
}
