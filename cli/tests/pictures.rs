//! Pictures of working sets, against memory that the tests arranged.

mod common;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use resvg::tiny_skia::Pixmap;
use resvg::usvg::roxmltree::{Document, Node};
use tempfile::TempDir;

use common::{output_of_copy, run, stderr, stdout, text};

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

    /// The picture as SVG; `None` where the kernel can't tell of pages.
    fn svg(&self) -> Option<String> {
        let output = run(["ws", &self.pid(), "--svg", "-"]);
        if stderr(&output).contains("PAGEMAP_SCAN") {
            eprintln!("SKIPPED: this kernel has no PAGEMAP_SCAN");
            return None;
        }
        assert!(output.status.success(), "{}", stderr(&output));
        Some(String::from_utf8(output.stdout).unwrap())
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
         #include <unistd.h>\n#include <fcntl.h>\n#include <sys/prctl.h>\n\
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

/// Bytes by kind that the legend tells.
fn legend(document: &Document<'_>) -> BTreeMap<String, u64> {
    groups(document, "legend")
        .map(|item| {
            let kind = item.attribute("data-kind").unwrap();
            (kind.to_owned(), number(item, "data-total"))
        })
        .collect()
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
    let Some(svg) = subject.svg() else { return };
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
    let Some(svg) = subject.svg() else { return };
    let document = document(&svg);
    let status = text([
        "ps",
        "--csv",
        "-o",
        "anon,file,shmem",
        "--pid",
        &subject.pid(),
    ]);
    let figures: Vec<u64> = status
        .lines()
        .nth(1)
        .unwrap()
        .split(',')
        .map(|figure| figure.parse().unwrap())
        .collect();
    assert!(figures[0] >= 3 * MIB && figures[2] >= 5 * MIB);
    let legend = legend(&document);
    let total =
        |kinds: [&str; 2]| -> u64 { kinds.iter().filter_map(|kind| legend.get(*kind)).sum() };
    assert_eq!(total(["private", "private-huge"]), figures[0]);
    assert_eq!(total(["file", "file-huge"]), figures[1] + figures[2]);
    // And the blocks add up to it.
    let mut drawn = 0;
    for run in groups(&document, "run") {
        for (kind, bytes) in run
            .attribute("data-each")
            .unwrap_or_default()
            .split(' ')
            .collect::<Vec<_>>()
            .chunks_exact(2)
            .map(|pair| (pair[0], pair[1].parse::<u64>().unwrap()))
        {
            if kind != "zero" && kind != "swapped" {
                drawn += bytes * number(run, "data-blocks");
            }
        }
    }
    assert_eq!(drawn, figures.iter().sum::<u64>());
}

#[test]
fn a_png_is_the_same_picture_drawn() {
    let subject = Subject::start("memset(map(8 * M, MAP_PRIVATE), 1, 3 * M); puts(\"0\");");
    if subject.svg().is_none() {
        return;
    }
    let png = stdout(["ws", &subject.pid(), "--png", "-"]);
    let image = Pixmap::decode_png(&png).unwrap();
    assert_eq!(image.width(), 1536);
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
