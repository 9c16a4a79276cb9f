//! Pictures of working sets, compared with memory that a test process prepares.

#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output, Stdio};

use resvg::tiny_skia::Pixmap;
use resvg::usvg::roxmltree::{Document, Node};

use testing::command::{Started, program, psapi, run, run_unprivileged, stderr, stdout, text};
use testing::huge_pool::HugePool;
use testing::{Program, Source, TestProcess, programs, skip, wait_until};

const MIB: u64 = 1 << 20;

/// A process that prepares memory, prints addresses and sizes, and waits.
struct Fixture {
    process: TestProcess,
    /// The numbers that the process printed.
    printed: Vec<u64>,
    _program: Program,
}

impl Fixture {
    fn start(source: Source) -> Fixture {
        let program = Program::compile(source, &[]);
        let process = program.start();
        // A sleeping process has also finished the work that follows its output.
        process.wait_for_sleep();
        let numbers = process.line.split_whitespace();
        let printed = numbers.map(|number| u64::from_str_radix(number, 16).unwrap());
        Fixture {
            printed: printed.collect(),
            process,
            _program: program,
        }
    }

    fn pid(&self) -> String {
        self.process.id().to_string()
    }

    /// Returns the SVG picture of the process.
    fn svg(&self) -> String {
        text(["ws", &self.pid(), "--svg", "-"])
    }
}

fn number(node: Node<'_, '_>, name: &str) -> u64 {
    node.attribute(name).unwrap().parse().unwrap()
}

fn address(node: Node<'_, '_>, name: &str) -> u64 {
    u64::from_str_radix(node.attribute(name).unwrap(), 16).unwrap()
}

/// Returns the groups of a class.
fn groups<'a, 'i>(
    document: &'a Document<'i>,
    class: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> {
    document
        .descendants()
        .filter(move |node| node.attribute("class") == Some(class) && node.has_tag_name("g"))
}

fn document(svg: &str) -> Document<'_> {
    Document::parse(svg).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the bytes of each kind of page in the legend, except for absent pages.
fn legend(document: &Document<'_>) -> BTreeMap<String, u64> {
    groups(document, "legend")
        .filter(|item| item.attribute("data-kind") != Some("absent"))
        .map(|item| {
            let kind = item.attribute("data-kind").unwrap();
            (kind.to_owned(), number(item, "data-total"))
        })
        .collect()
}

/// Returns the bytes of each kind of page in all blocks.
fn drawn(document: &Document<'_>) -> BTreeMap<String, u64> {
    let mut drawn = BTreeMap::new();
    for run in groups(document, "run") {
        let each = run.attribute("data-each").unwrap_or_default();
        let pairs: Vec<&str> = each.split_whitespace().collect();
        for pair in pairs.chunks_exact(2) {
            let bytes: u64 = pair[1].parse().unwrap();
            *drawn.entry(pair[0].to_owned()).or_default() += bytes * number(run, "data-blocks");
        }
    }
    drawn
}

/// Returns the runs of blocks in a range: start, end, and the bytes of each kind in one block.
fn runs(document: &Document<'_>, start: u64, end: u64) -> Vec<(u64, u64, String)> {
    groups(document, "run")
        .map(|run| {
            let each = run.attribute("data-each").unwrap_or_default().to_owned();
            (address(run, "data-at"), address(run, "data-to"), each)
        })
        .filter(|run| run.0 < end && run.1 > start)
        .collect()
}

#[test]
fn touched_pages_are_drawn_in_place() {
    let fixture = Fixture::start(programs::PICTURE_TOUCHED_PAGES);
    let svg = fixture.svg();
    let document = document(&svg);
    let (at, page) = (fixture.printed[0], fixture.printed[1]);
    let private = format!("private {page}");
    let zero = format!("zero {page}");
    // The kernel can merge the mapping with an adjacent one, so search by address.
    let found = runs(&document, at, at + 16 * page);
    for (from, to, expected) in [
        (0, 4, &private[..]),
        (4, 6, ""),
        (6, 7, &private),
        (7, 8, ""),
        (8, 9, &zero),
        (9, 16, ""),
    ] {
        for number in from..to {
            let address = at + number * page;
            let block = found.iter().find(|run| run.0 <= address && address < run.1);
            assert_eq!(block.unwrap().2, expected, "page {number}");
        }
    }
}

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
fn many_mappings_are_drawn_completely() {
    // Every other mapping is executable, so the kernel merges none of them.
    let fixture = Fixture::start(programs::PICTURE_MANY_MAPPINGS);
    let svg = fixture.svg();
    let document = document(&svg);
    assert_eq!(drawn(&document), legend(&document));
    assert!(groups(&document, "band").count() < 40);
    let mappings: usize = groups(&document, "band")
        .map(|band| {
            let mappings = band.attribute("data-mappings").unwrap();
            let mappings: serde_json::Value = serde_json::from_str(mappings).unwrap();
            mappings.as_array().unwrap().len()
        })
        .sum();
    assert!(mappings > 700, "{mappings}");
}

#[test]
fn png_renders_the_picture() {
    // In sparse memory, a block contains several pages.
    let fixture = Fixture::start(programs::PICTURE_SPARSE_AND_DENSE);
    let png = stdout(["ws", &fixture.pid(), "--png", "-"]);
    let image = Pixmap::decode_png(&png).unwrap();
    assert_eq!(image.width(), 1536);
    assert!(image.pixels().iter().all(|pixel| pixel.alpha() == 255));
    let count = |red, green, blue| {
        image
            .pixels()
            .iter()
            .filter(|pixel| (pixel.red(), pixel.green(), pixel.blue()) == (red, green, blue))
            .count()
    };
    // The background, the text, private pages, and file pages.
    assert!(count(0xff, 0xff, 0xff) > 1000);
    assert!(count(0x1a, 0x1a, 0x1a) > 100);
    assert!(count(0x00, 0x72, 0xb2) > 1000);
    assert!(count(0xe6, 0x9f, 0x00) > 100);
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
fn difference_shows_added_and_removed_pages() {
    let program = Program::compile(programs::CHANGES_PAGES, &[]);
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new(&program.path);
    let mut process = TestProcess::start(command.arg(directory.path().join("file")));
    process.wait_for_sleep();
    let addresses: BTreeMap<String, u64> = process
        .line
        .split(',')
        .map(|text| text.split_once(' ').unwrap())
        .map(|(name, address)| (name.to_owned(), address.parse().unwrap()))
        .collect();
    let saved = directory.path().join("before");
    let (pid, saved) = (process.id().to_string(), saved.to_str().unwrap());
    let save = run(["ws", &pid, "-o", saved]);
    assert!(save.status.success(), "{save:?}");
    process.resume();
    process.wait_for_sleep();
    let svg = text(["ws", &pid, "--against", saved, "--svg", "-"]);
    let document = document(&svg);
    let kinds = |name: &str, offset: u64| -> Vec<&str> {
        let address = addresses[name] + offset;
        let here = groups(&document, "run")
            .filter(|run| self::address(*run, "data-at") <= address)
            .find(|run| address < self::address(*run, "data-to"));
        let each = here.and_then(|run| run.attribute("data-each"));
        each.unwrap_or("").split(' ').step_by(2).collect()
    };
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
    assert!(svg.contains(">anonymous (unmapped)<"), "{svg}");
    // The table and the picture come from the same difference.
    let output = run([
        "ws",
        &pid,
        "--against",
        saved,
        "--json",
        "--svg",
        "/dev/null",
    ]);
    assert!(
        output.stdout.starts_with(b"{\"differences\":"),
        "{output:?}"
    );
}

#[test]
fn difference_without_changes_says_so() {
    let child = Started::sleeping();
    let directory = tempfile::tempdir().unwrap();
    let saved = directory.path().join("before");
    let saved = saved.to_str().unwrap();
    let save = run(["ws", &child.pid(), "-o", saved]);
    assert!(save.status.success(), "{save:?}");
    let svg = text(["ws", "--from", saved, "--against", saved, "--svg", "-"]);
    assert!(
        svg.contains(">No page was added, removed or changed.<"),
        "{svg}"
    );
    let document = document(&svg);
    assert_eq!(legend(&document).keys().collect::<Vec<_>>(), ["unchanged"]);
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
fn sparse_reservation_keeps_all_pages() {
    let fixture = Fixture::start(programs::PICTURE_PAGES_FAR_APART);
    let svg = fixture.svg();
    let document = document(&svg);
    let (at, page) = (fixture.printed[0], fixture.printed[1]);
    for (start, pages) in [(at, 1), (at + (MIB << 13), 3), (at + (MIB << 19), 1)] {
        let drawn: u64 = groups(&document, "run")
            .filter(|run| {
                address(*run, "data-at") < start + pages * page && address(*run, "data-to") > start
            })
            .filter_map(|run| {
                let bytes = run.attribute("data-each")?.strip_prefix("private ")?;
                Some(bytes.parse::<u64>().unwrap() * number(run, "data-blocks"))
            })
            .sum();
        assert_eq!(drawn, pages * page, "{start:x}");
    }
    let cut: u64 = groups(&document, "cut")
        .map(|cut| number(cut, "data-bytes"))
        .sum();
    assert!(cut > MIB << 19, "{cut}");
    // The picture still fits on a printed page.
    let height = document.root_element().attribute("height").unwrap();
    let height: f64 = height.strip_suffix("pt").unwrap().parse().unwrap();
    assert!(height < 700.0, "{height}");
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
fn html_is_self_contained() {
    let fixture = Fixture::start(programs::WAITS);
    let html = text(["ws", &fixture.pid(), "--html", "-"]);
    for reference in [
        "http", "src=", "href", "url(", "@import", "<link", "fetch", "XMLHttp", "import(",
    ] {
        let found = html.lines().find(|line| line.contains(reference));
        assert_eq!(found, None, "{reference}");
    }
    // The page contains the picture that `--svg` draws.
    let start = html.find("<svg").unwrap();
    let end = html.find("</svg>").unwrap() + "</svg>".len();
    let inside = document(&html[start..end]);
    assert!(groups(&inside, "band").count() > 3);
    let has_label = |band: Node<'_, '_>| band.attribute("aria-label").is_some();
    assert!(groups(&inside, "band").all(has_label));
    assert!(html.contains("prefers-color-scheme: dark"));
}

#[test]
fn picture_replaces_the_table() {
    let fixture = Fixture::start(programs::WAITS);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("picture.svg");
    let link = directory.path().join("link.svg");
    std::os::unix::fs::symlink("picture.svg", &link).unwrap();
    std::fs::write(&file, "old").unwrap();
    let page = directory.path().join("picture.html");
    let output = psapi()
        .args(["ws", &fixture.pid(), "--svg"])
        .arg(&link)
        .arg("--html")
        .arg(&page)
        .output()
        .unwrap();
    assert!(
        output.status.success() && output.stdout.is_empty(),
        "{output:?}"
    );
    let (link_name, page_name) = (link.display(), page.display());
    assert_eq!(
        stderr(&output),
        format!("psapi: wrote {link_name}\npsapi: wrote {page_name}\n")
    );
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("<svg"));
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 3);

    // JSON is printed in addition to the picture.
    let output = psapi()
        .args(["ws", "--json", &fixture.pid(), "--svg"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(output.stdout.starts_with(b"{\"working_sets\":"));
}

#[test]
fn failed_write_keeps_old_file() {
    let fixture = Fixture::start(programs::WAITS);
    let fails = |file: &str, output: Output| {
        assert_eq!(output.status.code(), Some(1), "{file}: {output:?}");
        let message = stderr(&output);
        let start = format!("psapi: cannot write {file}: ");
        assert!(message.starts_with(&start), "{message}");
    };
    for file in [
        "/dev/full",
        "/no such directory/a.png",
        "/proc/self/a.svg",
        "/tmp",
    ] {
        fails(file, run(["ws", &fixture.pid(), "--svg", file]));
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
    fails(file.to_str().unwrap(), output);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "old");
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1);
}

#[test]
fn closed_pipe_exits_0() {
    let fixture = Fixture::start(programs::WAITS);
    let mut child = psapi()
        .args(["ws", &fixture.pid(), "--html", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
}

#[test]
fn conflicting_outputs_exit_2() {
    let (first, second) = (Started::sleeping(), Started::sleeping());
    let (first, second) = (first.pid(), second.pid());
    for arguments in [
        &["ws", &first, &second, "--svg", "/dev/null"][..],
        &["ws", &first, "--svg", "-", "--html", "-"],
        &["ws", &first, "--svg", "-", "--csv"],
        &["ws", &first, "--against", "-", "--svg", "-", "--html", "-"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(output.stdout.is_empty());
    }
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
