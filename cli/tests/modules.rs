//! Modules, mappings, mapped files and drivers, compared with `/proc` and with made-up trees, or with
//! what Windows reports to another program.

#[cfg(target_os = "linux")]
use std::collections::BTreeSet;

use serde_json::Value;

#[cfg(target_os = "linux")]
use testing::command::ProcTree;
use testing::command::{Started, json, run, stderr, text};
#[cfg(windows)]
use testing::process_report::{modules, regions};

/// A line of `/proc/PID/maps`, or a region on Windows.
struct Line {
    start: String,
    end: String,
    permissions: String,
    #[cfg(target_os = "linux")]
    offset: u64,
    #[cfg(target_os = "linux")]
    inode: u64,
    /// On Windows, the path of the module that contains the region, if there is one.
    path: String,
    /// Whether the memory is private and can be read.
    #[cfg(windows)]
    is_private_memory: bool,
}

impl Line {
    fn has_code_of_file(&self) -> bool {
        self.permissions.contains('x') && self.path.contains(std::path::MAIN_SEPARATOR)
    }
}

/// Returns the regions of a child.
#[cfg(windows)]
fn maps(child: &Started) -> Vec<Line> {
    let id = child.0.id();
    let modules = modules(id);
    let regions = regions(id).into_iter();
    let line = |region: testing::process_report::Region| {
        let mut modules = modules.iter();
        let contains = |start: u64, size: u64| (start..start + size).contains(&region.start);
        let module = modules.find(|module| contains(module.base, module.size));
        Line {
            start: format!("{:#x}", region.start),
            end: format!("{:#x}", region.end),
            permissions: region.permissions(),
            path: module.map_or_else(String::new, |module| module.path.clone()),
            is_private_memory: region.is_private_memory(),
        }
    };
    regions.map(line).collect()
}

/// Parses the `maps` file of a child.
#[cfg(target_os = "linux")]
fn maps(child: &Started) -> Vec<Line> {
    let text = String::from_utf8(child.proc("maps")).unwrap();
    let line = |line: &str| {
        let mut fields = line.split_whitespace();
        let mut next = || fields.next().unwrap_or_default().to_owned();
        let range = next();
        let (start, end) = range.split_once('-').unwrap();
        Line {
            start: format!("0x{}", start.trim_start_matches('0')),
            end: format!("0x{}", end.trim_start_matches('0')),
            permissions: next(),
            offset: u64::from_str_radix(&next(), 16).unwrap(),
            inode: {
                next();
                next().parse().unwrap()
            },
            path: next(),
        }
    };
    text.lines().map(line).collect()
}

fn rows(document: &Value, noun: &str) -> Vec<Value> {
    document[noun].as_array().expect(noun).clone()
}

#[test]
fn maps_match_proc_file() {
    let child = Started::sleeping();
    let lines = maps(&child);
    let rows = rows(&json(["maps", "--json", &child.pid()]), "mappings");
    assert_eq!(rows.len(), lines.len());
    for (row, line) in rows.iter().zip(&lines) {
        assert_eq!(row["start_address"], line.start);
        assert_eq!(row["end_address"], line.end);
        assert_eq!(row["permissions"], line.permissions);
        assert_eq!(row["pid"], child.0.id());
        let is_file = line.path.contains(std::path::MAIN_SEPARATOR);
        if is_file || cfg!(target_os = "linux") {
            assert_eq!(row["name"], line.path);
        }
        if is_file {
            assert_eq!(row["kind"], "file");
        }
        #[cfg(target_os = "linux")]
        if is_file {
            assert_eq!(row["offset_bytes"], line.offset);
            assert_eq!(row["inode"], line.inode);
        }
        #[cfg(windows)]
        if line.is_private_memory {
            assert_eq!(
                (&row["kind"], &row["name"]),
                (&"anonymous".into(), &"".into())
            );
        }
    }
    let table = text(["maps", &child.pid()]);
    assert_eq!(table.lines().count(), lines.len() + 1);
}

#[test]
fn modules_match_executable_mappings() {
    let child = Started::sleeping();
    let rows = rows(&json(["modules", "--json", &child.pid()]), "modules");
    #[cfg(target_os = "linux")]
    assert_modules_are_mapped(&child, &rows);
    #[cfg(windows)]
    {
        let expected = modules(child.0.id()).into_iter();
        let expected: Vec<_> = expected
            .map(|module| (format!("{:#x}", module.base), module.size, module.path))
            .collect();
        let row = |row: &Value| {
            let text = |field: &str| row[field].as_str().unwrap().to_owned();
            let size = row["size_bytes"].as_u64().unwrap();
            (text("base_address"), size, text("path"))
        };
        assert_eq!(rows.iter().map(row).collect::<Vec<_>>(), expected);
    }

    let bits = if cfg!(target_pointer_width = "64") {
        "--32"
    } else {
        "--64"
    };
    let none = json(["modules", bits, "--json", &child.pid()]);
    assert_eq!(none, serde_json::json!({"modules": []}));
}

/// Asserts that the modules are the files with executable mappings, and begin at their first one.
#[cfg(target_os = "linux")]
fn assert_modules_are_mapped(child: &Started, rows: &[Value]) {
    let lines = maps(child);
    let exe = std::fs::read_link(format!("/proc/{}/exe", child.0.id())).unwrap();
    assert_eq!(rows[0]["path"], exe.to_str().unwrap());

    let with_code: BTreeSet<&str> = lines
        .iter()
        .filter(|line| line.permissions.contains('x') && line.path.starts_with('/'))
        .map(|line| &line.path[..])
        .collect();
    let listed: BTreeSet<&str> = rows
        .iter()
        .map(|row| row["path"].as_str().unwrap())
        .filter(|path| path.starts_with('/'))
        .collect();
    assert_eq!(listed, with_code);
    for row in rows {
        let first = lines.iter().find(|line| row["path"] == line.path);
        assert_eq!(
            row["base_address"],
            first.expect("the module is mapped").start
        );
        assert!(row["size_bytes"].as_u64().unwrap() > 0);
    }
}

#[test]
fn mapped_address_resolves_to_file() {
    let child = Started::sleeping();
    let lines = maps(&child);
    let code = lines
        .iter()
        .find(|line| line.has_code_of_file())
        .expect("a mapping with code");
    let address = u64::from_str_radix(&code.start[2..], 16).unwrap() + 5;
    let decimal = address.to_string();
    for form in [format!("{address:#x}"), decimal] {
        let document = json(["mapped", "--json", &child.pid(), &form]);
        let row = &document["mapped_files"][0];
        assert_eq!(row["path"], code.path);
        #[cfg(target_os = "linux")]
        assert_eq!(row["offset_bytes"], code.offset + 5);
        assert_eq!(row["address"], format!("{address:#x}"));
        assert_eq!(row["kind"], "file");
        #[cfg(target_os = "linux")]
        assert_eq!(row["deleted"], false);
    }

    let output = run(["mapped", &child.pid(), "0x10", &format!("{address:#x}")]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        stderr(&output),
        format!(
            "psapi: process {} has nothing mapped at 0x10\n",
            child.pid()
        )
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains(&code.path));

    for wrong in ["0x", "10h", "-1", "+1", "0x+1", "0x10000000000000000"] {
        let output = run(["mapped", "--", &child.pid(), wrong]);
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
}

#[test]
fn mapped_address_can_be_memory() {
    let child = Started::sleeping();
    let lines = maps(&child);
    #[cfg(target_os = "linux")]
    let found = |path: &str| lines.iter().find(|line| line.path == path);
    #[cfg(windows)]
    let found = |_: &str| lines.iter().find(|line| line.is_private_memory);
    for (path, kind) in [
        #[cfg(target_os = "linux")]
        ("[heap]", "heap"),
        #[cfg(target_os = "linux")]
        ("[stack]", "stack"),
        #[cfg(target_os = "linux")]
        ("[vdso]", "vdso"),
        ("", "anonymous"),
    ] {
        let line = found(path).expect(path);
        let address = u64::from_str_radix(&line.start[2..], 16).unwrap() + 5;
        let address = format!("{address:#x}");
        let document = json(["mapped", "--json", &child.pid(), &address]);
        let row = &document["mapped_files"][0];
        assert_eq!((&row["kind"], &row["name"]), (&kind.into(), &path.into()));
        assert_eq!(row["start_address"], line.start);
        assert_eq!(row["permissions"], line.permissions);
        for field in ["path", "offset_bytes", "deleted"] {
            assert!(row[field].is_null(), "{field}: {row}");
        }
        let table = text(["mapped", &child.pid(), &address]);
        assert!(table.contains(kind), "{table}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn kernel_thread_has_no_modules() {
    let all = json(["ps", "--json"]);
    let kernel_thread = rows(&all, "processes")
        .into_iter()
        .find(|row| row["kernel_thread"] == true);
    let Some(kernel_thread) = kernel_thread else {
        testing::skip("no kernel threads in this pid namespace");
        return;
    };
    let pid = kernel_thread["pid"].to_string();
    for command in ["modules", "maps"] {
        let output = run([command, &pid]);
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        assert!(stderr(&output).contains(&pid), "{}", stderr(&output));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn drivers_follow_roots() {
    let tree = ProcTree::new();
    tree.process(1, 0, b"init", 4);
    tree.write("sys/kernel/osrelease", "6.1.0-test\n");
    tree.write(
        "kallsyms",
        "ffffffff81000000 T _text\nffffffff82000000 B _end\n",
    );
    tree.write(
        "modules",
        "snd_hda 45056 1 snd_intel,snd_codec, Live 0xffffffffc0a00000 (OE)\n\
         loop 36864 0 - Live 0x0000000000000000\n",
    );
    let files = tempfile::tempdir().unwrap();
    let release = files.path().join("lib/modules/6.1.0-test");
    std::fs::create_dir_all(&release).unwrap();
    std::fs::write(release.join("modules.dep"), "kernel/sound/snd-hda.ko.xz:\n").unwrap();
    std::fs::write(release.join("modules.builtin"), "kernel/fs/ext4/ext4.ko\n").unwrap();
    let sys = tempfile::tempdir().unwrap();
    let drivers = |arguments: &[&str]| {
        let roots = [
            "--proc-root",
            tree.path().to_str().unwrap(),
            "--sys-root",
            sys.path().to_str().unwrap(),
            "--file-root",
            files.path().to_str().unwrap(),
        ];
        run([&["drivers", "--json"][..], arguments, &roots].concat())
    };
    let names = |arguments: &[&str]| {
        let document: Value = serde_json::from_slice(&drivers(arguments).stdout).unwrap();
        let names = rows(&document, "drivers")
            .into_iter()
            .map(|row| row["name"].clone());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(&[]), ["vmlinux", "snd_hda", "loop"]);
    assert_eq!(names(&["--loaded"]), ["snd_hda", "loop"]);
    assert_eq!(names(&["--builtin"]), ["ext4"]);
    assert_eq!(names(&["--image", "--builtin"]), ["vmlinux", "ext4"]);
    assert_eq!(names(&["--name", "snd-*"]), ["snd_hda"]);
    assert_eq!(names(&["--name", "ext4"]), ["ext4"]);

    let output = drivers(&["--name", "snd_hda"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut row = rows(&document, "drivers").remove(0);
    let file = row["file"].take();
    assert!(
        file.as_str()
            .unwrap()
            .ends_with("kernel/sound/snd-hda.ko.xz"),
        "{file}"
    );
    assert_eq!(
        row,
        serde_json::json!({
            "name": "snd_hda", "kind": "loaded", "load_address": "0xffffffffc0a00000",
            "size_bytes": 45056, "references": 1, "state": "live", "permanent": false,
            "taint": "OE", "users": ["snd_intel", "snd_codec"], "file": null,
        })
    );
    assert!(stderr(&drivers(&["--name", "loop"])).contains("kptr_restrict"));
}
