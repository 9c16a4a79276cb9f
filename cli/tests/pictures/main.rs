//! Pictures of working sets, compared with memory that a test process prepares.

#[cfg(target_os = "linux")]
mod linux;

use std::collections::BTreeMap;
use std::process::{Command, Output, Stdio};

use resvg::tiny_skia::Pixmap;
use resvg::usvg::roxmltree::{Document, Node};

use testing::command::{Started, lists_pages, psapi, run, stderr, stdout, text};
use testing::{Program, Source, TestProcess, programs};

const MIB: u64 = 1 << 20;

/// A device that discards what is written.
const NULL: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

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
        #[cfg(target_os = "linux")]
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

/// The kinds of 16 pages that `picture_touched_pages.c` writes to, reads, or leaves out.
#[cfg(target_os = "linux")]
const TOUCHED: &str = "pppp..p.z.......";
#[cfg(windows)]
const TOUCHED: &str = "ppp.ppp.ppp.ppp.";

#[test]
fn touched_pages_are_drawn_in_place() {
    if !lists_pages() {
        return;
    }
    let fixture = Fixture::start(programs::PICTURE_TOUCHED_PAGES);
    let svg = fixture.svg();
    let document = document(&svg);
    let (at, page) = (fixture.printed[0], fixture.printed[1]);
    let private = format!("private {page}");
    let zero = format!("zero {page}");
    // The kernel can merge the mapping with an adjacent one, so search by address.
    let found = runs(&document, at, at + 16 * page);
    for (number, kind) in (0..).zip(TOUCHED.chars()) {
        let expected = match kind {
            'p' => &private[..],
            'z' => &zero,
            _ => "",
        };
        let address = at + number * page;
        let block = found.iter().find(|run| run.0 <= address && address < run.1);
        assert_eq!(block.unwrap().2, expected, "page {number}");
    }
}

#[test]
fn many_mappings_are_drawn_completely() {
    if !lists_pages() {
        return;
    }
    // Every other mapping is executable, so that none are merged.
    let fixture = Fixture::start(programs::PICTURE_MANY_MAPPINGS);
    let svg = fixture.svg();
    let document = document(&svg);
    let mut kinds = legend(&document);
    // Locked pages are also of another kind.
    kinds.remove("locked");
    assert_eq!(drawn(&document), kinds);
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
    if !lists_pages() {
        return;
    }
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

/// Returns the addresses that `changes_pages.c` prints, by their names.
fn addresses(line: &str) -> BTreeMap<String, u64> {
    let pairs = line.split(',').map(|text| text.split_once(' ').unwrap());
    pairs
        .map(|(name, address)| (name.to_owned(), address.parse().unwrap()))
        .collect()
}

/// Returns the kinds of the block at an address.
fn kinds_at<'a>(document: &'a Document<'_>, at: u64) -> Vec<&'a str> {
    let run = groups(document, "run")
        .filter(|run| address(*run, "data-at") <= at)
        .find(|run| at < address(*run, "data-to"));
    let each = run.and_then(|run| run.attribute("data-each"));
    each.unwrap_or("").split(' ').step_by(2).collect()
}

/// `changes_pages.c` before and after its changes.
struct Changes {
    addresses: BTreeMap<String, u64>,
    pid: String,
    /// The path of the working set before.
    saved: String,
    _process: TestProcess,
    _directory: tempfile::TempDir,
    _program: Program,
}

impl Changes {
    fn make() -> Changes {
        let program = Program::compile(programs::CHANGES_PAGES, &[]);
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new(&program.path);
        let mut process = TestProcess::start(command.arg(directory.path().join("file")));
        #[cfg(target_os = "linux")]
        process.wait_for_sleep();
        let addresses = addresses(&process.line);
        let saved = directory.path().join("before");
        let (pid, saved) = (process.id().to_string(), saved.to_str().unwrap().to_owned());
        let save = run(["ws", &pid, "-o", &saved]);
        assert!(save.status.success(), "{save:?}");
        process.resume();
        #[cfg(target_os = "linux")]
        process.wait_for_sleep();
        Changes {
            addresses,
            pid,
            saved,
            _process: process,
            _directory: directory,
            _program: program,
        }
    }

    /// Returns the picture of the changes.
    fn svg(&self) -> String {
        text(["ws", &self.pid, "--against", &self.saved, "--svg", "-"])
    }
}

#[test]
fn difference_shows_added_and_removed_pages() {
    if !lists_pages() {
        return;
    }
    let changes = Changes::make();
    let svg = changes.svg();
    let document = document(&svg);
    for (name, offset, expected) in [
        ("dropped", MIB, "removed"),
        ("grown", MIB, "added"),
        ("unmapped", 0, "removed"),
        ("later", 0, "added"),
    ] {
        let kinds = kinds_at(&document, changes.addresses[name] + offset);
        assert_eq!(kinds, [expected], "{name}");
    }
    for name in ["dropped", "grown", "same"] {
        let kinds = kinds_at(&document, changes.addresses[name]);
        assert!(
            ["unchanged", "shares-changed"].contains(&kinds[0]),
            "{name}: {kinds:?}"
        );
    }
    assert_eq!(drawn(&document), legend(&document));
    assert!(svg.contains(">anonymous (unmapped)<"), "{svg}");
    // The table and the picture come from the same difference.
    let (pid, saved) = (&changes.pid, &changes.saved);
    let output = run(["ws", pid, "--against", saved, "--json", "--svg", NULL]);
    assert!(
        output.stdout.starts_with(b"{\"differences\":"),
        "{output:?}"
    );
}

#[test]
fn difference_without_changes_says_so() {
    if !lists_pages() {
        return;
    }
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
fn sparse_reservation_keeps_all_pages() {
    if !lists_pages() {
        return;
    }
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
fn html_is_self_contained() {
    if !lists_pages() {
        return;
    }
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
    if !lists_pages() {
        return;
    }
    let fixture = Fixture::start(programs::WAITS);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("picture of ä.svg");
    std::fs::write(&file, "old").unwrap();
    // A link on Linux. Windows permits links to administrators only.
    #[cfg(target_os = "linux")]
    let link = {
        let link = directory.path().join("link.svg");
        std::os::unix::fs::symlink("picture of ä.svg", &link).unwrap();
        link
    };
    #[cfg(windows)]
    let link = file.clone();
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
    if cfg!(target_os = "linux") {
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    }
    // No temporary file remains.
    let count = if cfg!(windows) { 2 } else { 3 };
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), count);

    // JSON is printed in addition to the picture.
    let output = psapi()
        .args(["ws", "--json", &fixture.pid(), "--svg"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(output.stdout.starts_with(b"{\"working_sets\":"));
}

/// Asserts that a picture could not be written.
fn assert_not_written(file: &str, output: &Output) {
    assert_eq!(output.status.code(), Some(1), "{file}: {output:?}");
    let message = stderr(output);
    let start = format!("psapi: cannot write {file}: ");
    assert!(message.starts_with(&start), "{message}");
}

#[test]
fn unwritable_picture_is_an_error() {
    if !lists_pages() {
        return;
    }
    let fixture = Fixture::start(programs::WAITS);
    let directory = tempfile::tempdir().unwrap();
    let absent = directory.path().join("no such directory").join("a.png");
    for file in [directory.path(), &absent] {
        let file = file.to_str().unwrap();
        assert_not_written(file, &run(["ws", &fixture.pid(), "--svg", file]));
    }
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 0);
}

#[test]
fn closed_pipe_exits_0() {
    if !lists_pages() {
        return;
    }
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
        &["ws", &first, &second, "--svg", NULL][..],
        &["ws", &first, "--svg", "-", "--html", "-"],
        &["ws", &first, "--svg", "-", "--csv"],
        &["ws", &first, "--against", "-", "--svg", "-", "--html", "-"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(output.stdout.is_empty());
    }
}
