//! Pictures of working sets, against memory that the tests arranged.

mod common;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use resvg::tiny_skia::Pixmap;
use resvg::usvg::roxmltree::{Document, Node};
use tempfile::TempDir;

use common::{
    Started, output_of_copy, program, psapi, run, run_as_nobody, stderr, stdout, text, wait_until,
};

const MIB: u64 = 1 << 20;

/// A program that arranges memory, tells where, and waits.
struct Subject {
    child: Child,
    /// The numbers that it printed.
    said: Vec<u64>,
    _directory: TempDir,
}

impl Subject {
    fn start(body: &str) -> Subject {
        let directory = tempfile::tempdir().unwrap();
        let path = compile(&directory, body);
        let mut child = Command::new(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = child.stdout.as_mut().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let stat = format!("/proc/{}/stat", child.id());
        // What it does between its line and the waiting is done, too.
        wait_until(|| {
            let stat = std::fs::read(&stat).unwrap();
            String::from_utf8_lossy(&stat).contains(") S ")
        });
        let numbers = line.split_whitespace();
        Subject {
            child,
            said: numbers
                .map(|number| u64::from_str_radix(number, 16).unwrap())
                .collect(),
            _directory: directory,
        }
    }

    fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// The picture as SVG.
    fn svg(&self) -> String {
        text(["ws", &self.pid(), "--svg", "-"])
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program is linked with no library that makes mappings of its own while it waits.
fn compile(directory: &TempDir, body: &str) -> PathBuf {
    let code = directory.path().join("subject.c");
    let path = directory.path().join("subject");
    let source = format!(
        "#define _GNU_SOURCE\n#include <stdio.h>\n#include <string.h>\n#include <sys/mman.h>\n\
         #include <unistd.h>\n#include <stdlib.h>\n#include <fcntl.h>\n#include <sys/stat.h>\n\
         #include <sys/prctl.h>\n\
         static char *map(unsigned long size, int flags) {{\n\
         return mmap(0, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);\n}}\n\
         int main(void) {{ const unsigned long page = sysconf(_SC_PAGESIZE), M = 1 << 20; (void)page; (void)M;\n\
         {body}\nfflush(stdout); getchar(); return 0; }}\n"
    );
    std::fs::write(&code, source).unwrap();
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let mut command = Command::new(compiler);
    let output = output_of_copy(command.arg("-o").arg(&path).arg(&code));
    assert!(output.status.success(), "{}", stderr(&output));
    path
}

fn number(node: Node<'_, '_>, name: &str) -> u64 {
    node.attribute(name).unwrap().parse().unwrap()
}

fn address(node: Node<'_, '_>, name: &str) -> u64 {
    u64::from_str_radix(node.attribute(name).unwrap(), 16).unwrap()
}

/// The groups of a class.
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

/// Bytes by kind that the legend tells, but for what is not in memory.
fn legend(document: &Document<'_>) -> BTreeMap<String, u64> {
    groups(document, "legend")
        .filter(|item| item.attribute("data-kind") != Some("absent"))
        .map(|item| {
            let kind = item.attribute("data-kind").unwrap();
            (kind.to_owned(), number(item, "data-total"))
        })
        .collect()
}

/// Bytes by kind that the blocks show.
fn drawn(document: &Document<'_>) -> BTreeMap<String, u64> {
    let mut drawn = BTreeMap::new();
    for run in groups(document, "run") {
        let each = run.attribute("data-each").unwrap_or_default();
        let words: Vec<&str> = each.split_whitespace().collect();
        for pair in words.chunks_exact(2) {
            let bytes: u64 = pair[1].parse().unwrap();
            *drawn.entry(pair[0].to_owned()).or_default() += bytes * number(run, "data-blocks");
        }
    }
    drawn
}

/// Runs of blocks within a range: first address, end, and bytes by kind in each block.
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
fn touched_pages_are_blocks_in_their_place() {
    let subject = Subject::start(
        "char *a = map(16 * page, MAP_PRIVATE);\n\
         memset(a, 1, 4 * page); a[6 * page] = 1; *(volatile char *)(a + 8 * page);\n\
         printf(\"%lx %lx\\n\", (long)a, page);",
    );
    let svg = subject.svg();
    let document = document(&svg);
    let (at, page) = (subject.said[0], subject.said[1]);
    let private = format!("private {page}");
    let zero = format!("zero {page}");
    // The mapping may have been joined to one beside it.
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
            let place = at + number * page;
            let block = found.iter().find(|run| run.0 <= place && place < run.1);
            assert_eq!(block.unwrap().2, expected, "page {number}");
        }
    }
}

#[test]
fn the_legend_has_the_totals_of_the_process() {
    let subject = Subject::start(
        "memset(map(8 * M, MAP_PRIVATE), 1, 3 * M); memset(map(8 * M, MAP_SHARED), 1, 5 * M);\n\
         puts(\"0\");",
    );
    let svg = subject.svg();
    let document = document(&svg);
    // As the kernel finds them: before Linux 6.2 the counters of `status` lag behind.
    let found = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", subject.pid())).unwrap();
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
    // And the blocks add up to what the legend says.
    assert_eq!(drawn(&document), legend);
}

#[test]
fn of_hundreds_of_mappings_every_page_is_drawn() {
    // Neighbours that may not be joined: every other one may be executed.
    let subject = Subject::start(
        "for (int i = 0; i < 700; i++) { char *a = map(2 * page, MAP_PRIVATE);\n\
         if (i % 2) mprotect(a, 2 * page, PROT_READ | PROT_WRITE | PROT_EXEC); *a = 1; }\n\
         memset(map(8 * M, MAP_SHARED), 1, 8 * M); puts(\"0\");",
    );
    let svg = subject.svg();
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
fn a_png_is_the_same_picture_drawn() {
    // Sparse memory, too: pages do not have a block each then.
    let subject = Subject::start(
        "prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);\n\
         memset(map(8 * M, MAP_PRIVATE), 1, 3 * M); memset(map(M, MAP_SHARED), 1, M);\n\
         char *a = map(300 * M, MAP_PRIVATE); for (long i = 0; i < 300 * M; i += 16 * page) a[i] = 1;\n\
         puts(\"0\");",
    );
    let png = stdout(["ws", &subject.pid(), "--png", "-"]);
    let image = Pixmap::decode_png(&png).unwrap();
    assert_eq!(image.width(), 1536);
    assert!(image.pixels().iter().all(|pixel| pixel.alpha() == 255));
    let has = |red, green, blue| {
        image
            .pixels()
            .iter()
            .filter(|pixel| (pixel.red(), pixel.green(), pixel.blue()) == (red, green, blue))
            .count()
    };
    // The page, writing, private pages and those of files.
    assert!(has(0xff, 0xff, 0xff) > 1000);
    assert!(has(0x1a, 0x1a, 0x1a) > 100);
    assert!(has(0x00, 0x72, 0xb2) > 1000);
    assert!(has(0xe6, 0x9f, 0x00) > 100);
}

#[test]
fn what_a_page_is_can_be_told_from_its_block() {
    let subject = Subject::start(
        "char *forked = map(9 * page, MAP_PRIVATE); memset(forked, 1, 9 * page);\n\
         char *locked = map(5 * page, MAP_SHARED); mlock(locked, 5 * page);\n\
         int ends[2]; pipe(ends); if (fork() == 0) { close(ends[1]);\n\
         char end; read(ends[0], &end, 1); _exit(0); }\n\
         memset(forked, 2, 4 * page);\n\
         printf(\"%lx %lx %lx\\n\", (long)forked, (long)locked, page);",
    );
    let svg = subject.svg();
    let document = document(&svg);
    let (forked, locked, page) = (subject.said[0], subject.said[1], subject.said[2]);
    let at = |place: u64| {
        groups(&document, "run")
            .find(|run| address(*run, "data-at") <= place && place < address(*run, "data-to"))
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
fn a_huge_reservation_is_cut_and_none_of_its_pages_left_out() {
    let subject = Subject::start(
        "prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);\n\
         char *a = map(M << 26, MAP_PRIVATE); if (a == MAP_FAILED) a = map(M << 20, MAP_PRIVATE);\n\
         a[0] = 1; memset(a + (M << 13), 1, 3 * page); a[M << 19] = 1;\n\
         printf(\"%lx %lx\\n\", (long)a, page);",
    );
    let svg = subject.svg();
    let document = document(&svg);
    let (at, page) = (subject.said[0], subject.said[1]);
    for (place, pages) in [(at, 1), (at + (MIB << 13), 3), (at + (MIB << 19), 1)] {
        let drawn: u64 = groups(&document, "run")
            .filter(|run| {
                address(*run, "data-at") < place + pages * page && address(*run, "data-to") > place
            })
            .filter_map(|run| {
                let bytes = run.attribute("data-each")?.strip_prefix("private ")?;
                Some(bytes.parse::<u64>().unwrap() * number(run, "data-blocks"))
            })
            .sum();
        assert_eq!(drawn, pages * page, "{place:x}");
    }
    let cut: u64 = groups(&document, "cut")
        .map(|cut| number(cut, "data-bytes"))
        .sum();
    assert!(cut > MIB << 19, "{cut}");
    // It still has the size of a page.
    let height = document.root_element().attribute("height").unwrap();
    let height: f64 = height.strip_suffix("pt").unwrap().parse().unwrap();
    assert!(height < 700.0, "{height}");
}

#[test]
fn names_from_outside_are_harmless_and_short() {
    let subject = Subject::start(
        "prctl(PR_SET_NAME, \"\\\"><b>&'\\001\\377\", 0, 0, 0);\n\
         chdir(\"/tmp\"); char dir[] = \"psapi-XXXXXX\"; chdir(mkdtemp(dir));\n\
         const char *name = \"a\\\"></script><script>alert(1)&amp;'\\001\\377\\xe2\\x80\\xae\\xef\\xbf\\xbe\";\n\
         char deep[200]; memset(deep, 'd', sizeof deep); deep[199] = 0;\n\
         for (int i = 0; i < 18; i++) { mkdir(deep, 0755); chdir(deep); }\n\
         int fd = memfd_create(name, 0); ftruncate(fd, 4 * page);\n\
         *(char *)mmap(0, 4 * page, PROT_WRITE, MAP_SHARED, fd, 0) = 1;\n\
         fd = open(\"long<file>\", O_RDWR | O_CREAT, 0600); ftruncate(fd, 8 * page);\n\
         *(char *)mmap(0, 8 * page, PROT_WRITE, MAP_SHARED, fd, 0) = 1;\n\
         unlink(\"long<file>\"); for (int i = 0; i < 18; i++) { chdir(\"..\"); rmdir(deep); }\n\
         chdir(\"..\"); rmdir(dir); puts(\"0\");",
    );
    let svg = subject.svg();
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
    let is_foreign = |node: Node<'_, '_>| node.has_tag_name("script") || node.has_tag_name("b");
    assert!(!document.descendants().any(is_foreign));
    let is_text = |node: &Node<'_, '_>| node.has_tag_name("text");
    let texts: Vec<&str> = document
        .descendants()
        .filter(is_text)
        .map(|node| node.text().unwrap())
        .collect();
    assert_eq!(
        texts[0],
        format!("\"><b>&'\\x01\\xff (pid {})", subject.pid())
    );
    for text in texts {
        assert!(text.chars().count() < 110, "{text}");
    }
    let html = text(["ws", &subject.pid(), "--html", "-"]);
    assert_eq!(html.matches("<script").count(), 1);
    assert_eq!(html.matches("<b>").count(), 0);
}

#[test]
fn a_page_of_html_needs_nothing_beside_it() {
    let subject = Subject::start("puts(\"0\");");
    let html = text(["ws", &subject.pid(), "--html", "-"]);
    for outside in [
        "http", "src=", "href", "url(", "@import", "<link", "fetch", "XMLHttp", "import(",
    ] {
        let found = html.lines().find(|line| line.contains(outside));
        assert_eq!(found, None, "{outside}");
    }
    // The picture in it is the one that --svg draws.
    let start = html.find("<svg").unwrap();
    let end = html.find("</svg>").unwrap() + "</svg>".len();
    let inside = document(&html[start..end]);
    assert!(groups(&inside, "band").count() > 3);
    let is_told = |band: Node<'_, '_>| band.attribute("aria-label").is_some();
    assert!(groups(&inside, "band").all(is_told));
    assert!(html.contains("prefers-color-scheme: dark"));
}

#[test]
fn a_picture_goes_to_its_file_in_place_of_the_table() {
    let subject = Subject::start("puts(\"0\");");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("picture.svg");
    let link = directory.path().join("link.svg");
    std::os::unix::fs::symlink("picture.svg", &link).unwrap();
    std::fs::write(&file, "old").unwrap();
    let page = directory.path().join("picture.html");
    let output = psapi()
        .args(["ws", &subject.pid(), "--svg"])
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

    // What programs read comes beside it.
    let output = psapi()
        .args(["ws", "--json", &subject.pid(), "--svg"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(output.stdout.starts_with(b"{\"working_sets\":"));
}

#[test]
fn a_file_that_cant_be_written_is_named_and_the_old_one_kept() {
    let subject = Subject::start("puts(\"0\");");
    let fails = |file: &str, output: Output| {
        assert_eq!(output.status.code(), Some(1), "{file}: {output:?}");
        let message = stderr(&output);
        let start = format!("psapi: can't write {file}: ");
        assert!(message.starts_with(&start), "{message}");
    };
    for file in [
        "/dev/full",
        "/no such directory/a.png",
        "/proc/self/a.svg",
        "/tmp",
    ] {
        fails(file, run(["ws", &subject.pid(), "--svg", file]));
    }
    // No more than a block may be written.
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("picture.svg");
    std::fs::write(&file, "old").unwrap();
    let output = Command::new("sh")
        .arg("-c")
        .arg("trap '' XFSZ; ulimit -f 1; exec \"$0\" ws \"$1\" --svg \"$2\"")
        .arg(program())
        .arg(subject.pid())
        .arg(&file)
        .output()
        .unwrap();
    fails(file.to_str().unwrap(), output);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "old");
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1);
}

#[test]
fn who_reads_no_further_ends_it_quietly() {
    let subject = Subject::start("puts(\"0\");");
    let mut child = psapi()
        .args(["ws", &subject.pid(), "--html", "-"])
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
fn one_picture_is_of_one_process_and_standard_output_of_one_thing() {
    let (first, second) = (Started::sleeping(), Started::sleeping());
    let (first, second) = (first.pid(), second.pid());
    for arguments in [
        &["ws", &first, &second, "--svg", "/dev/null"][..],
        &["ws", &first, "--svg", "-", "--html", "-"],
        &["ws", &first, "--svg", "-", "--csv"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_user_without_rights_draws_processes_of_their_own() {
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut command = Command::new("sleep");
    command.arg("1000");
    if is_root {
        command.uid(65534).gid(65534);
    }
    let child = Started::new(&mut command);
    wait_until(|| child.proc("stat").windows(3).any(|bytes| bytes == b") S"));
    let output = run_as_nobody(["ws", &child.pid(), "--svg", "-"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let svg = String::from_utf8(output.stdout).unwrap();
    assert!(legend(&document(&svg))["private"] > 0);

    if is_root {
        let others = tempfile::tempdir().unwrap();
        let file = others.path().join("a.svg");
        let pid = child.pid();
        let arguments = [
            "ws".as_ref(),
            pid.as_ref(),
            "--svg".as_ref(),
            file.as_os_str(),
        ];
        let output = run_as_nobody(arguments);
        assert_eq!(output.status.code(), Some(1));
        let message = stderr(&output);
        assert!(message.contains("Permission denied"), "{message}");
    }
}
