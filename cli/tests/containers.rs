//! The command in and around containers: processes in mount, pid and user namespaces of their own.

mod common;

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use common::{json, output_of_copy, program, stderr};
use serde_json::Value;
use tempfile::TempDir;

/// A container: its first process is a program that only its own mount namespace has. The machine's
/// root is below `host`, and the directory of its drivers is empty.
struct Container {
    place: TempDir,
    child: Child,
    /// Its first process, as the machine knows it.
    pid: String,
}

const SCRIPT: &str = r#"
set -e
read -r pid rest < /proc/self/stat
mount -t tmpfs container "$1"
mkdir "$1/host"
mount --rbind / "$1/host"
if [ -d /lib/modules ]; then mount -t tmpfs none /lib/modules; fi
mount -t proc proc /proc
cp "$(command -v sleep)" "$1/inside"
echo "$pid"
exec "$1/inside" 1000
"#;

impl Container {
    /// `None`, and said, where none can be made.
    fn start() -> Option<Self> {
        let place = tempfile::tempdir().unwrap();
        let mut child = Command::new("unshare")
            .args(["-m", "-p", "-f", "--kill-child", "sh", "-c", SCRIPT, "sh"])
            .arg(place.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("unshare comes with util-linux");
        let mut pid = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut pid).unwrap();
        let container = Container {
            place,
            child,
            pid: pid.trim().to_owned(),
        };
        if container.pid.is_empty() {
            common::skip("no container can be made: needs root");
            return None;
        }
        common::wait_until(|| {
            let exe = std::fs::read_link(format!("/proc/{}/exe", container.pid));
            exe.is_ok_and(|exe| exe == container.path("inside"))
        });
        // It sleeps once it is done with its start.
        common::wait_until(|| {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", container.pid));
            stat.unwrap().contains("(inside) S")
        });
        Some(container)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.pid, "-m", "-p"]);
        command.arg(program()).args(arguments);
        command
    }

    /// Runs the command inside.
    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        command.output().expect("nsenter comes with util-linux")
    }

    fn json(&self, arguments: &[&str]) -> Value {
        parsed(&self.run(arguments))
    }

    /// The machine's roots, as they are inside.
    fn host(&self) -> [String; 6] {
        let at = |name: &str| self.path(name).to_str().unwrap().to_owned();
        [
            "--proc-root".into(),
            at("host/proc"),
            "--sys-root".into(),
            at("host/sys"),
            "--file-root".into(),
            at("host"),
        ]
    }

    /// Asks inside about the machine.
    fn ask_host(&self, arguments: &[&str]) -> Output {
        let host = self.host();
        let all: Vec<&str> = arguments
            .iter()
            .copied()
            .chain(host.iter().map(String::as_str))
            .collect();
        self.run(&all)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn parsed(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn rows<'a>(answer: &'a Value, list: &str) -> &'a Vec<Value> {
    answer[list].as_array().unwrap()
}

/// Without what is told of the process, which has several ids.
fn without_pid(answer: &Value, list: &str) -> Vec<Value> {
    let mut rows = rows(answer, list).clone();
    for row in &mut rows {
        row.as_object_mut().unwrap().remove("pid");
    }
    rows
}

fn named(answer: &Value, name: &str) -> Vec<u64> {
    let rows = rows(answer, "processes").iter();
    let found = rows.filter(|row| row["name"] == name);
    found.map(|row| row["pid"].as_u64().unwrap()).collect()
}

#[test]
fn a_container_shows_itself_and_the_machine_where_its_proc_is_mounted() {
    let Some(container) = Container::start() else {
        return;
    };
    let pid: u64 = container.pid.parse().unwrap();
    let listing = ["ps", "--json", "--columns", "pid,name"];
    let own = container.json(&listing);
    // Itself, the one that asks, and nobody else.
    assert_eq!(named(&own, "inside"), [1]);
    assert!(rows(&own, "processes").len() <= 3, "{own}");
    let all = parsed(&container.ask_host(&listing));
    assert!(named(&all, "inside").contains(&pid), "{all}");
    let us = u64::from(std::process::id());
    assert!(rows(&all, "processes").iter().any(|row| row["pid"] == us));
    let outside = json(listing);
    assert!(named(&outside, "inside").contains(&pid));

    let figures = parsed(&container.ask_host(&["perf", "--json"]));
    let own = container.json(&["perf", "--json"]);
    let counted = |answer: &Value| answer["system"]["process_count"].as_u64();
    assert!(counted(&own).is_some(), "{own}");
    assert!(counted(&own) < counted(&figures), "{own} {figures}");
}

#[test]
fn a_process_of_a_container_is_the_same_from_everywhere() {
    let Some(container) = Container::start() else {
        return;
    };
    let inside = container.path("inside");
    let inside = inside.to_str().unwrap();
    let pid = container.pid.as_str();
    for (command, list) in [("modules", "modules"), ("maps", "mappings")] {
        let outside = json([command, "--json", pid]);
        let expected = without_pid(&outside, list);
        let from_inside = container.json(&[command, "--json", "1"]);
        assert_eq!(without_pid(&from_inside, list), expected, "{command}");
        let by_host = parsed(&container.ask_host(&[command, "--json", pid]));
        assert_eq!(by_host, outside, "{command}");
    }
    // The machine has no such file.
    assert!(!Path::new(inside).exists());
    let modules = json(["modules", "--json", pid]);
    let first = &rows(&modules, "modules")[0];
    assert_eq!(
        (&first["path"], &first["deleted"]),
        (&inside.into(), &false.into())
    );
    let base = first["base_address"].as_str().unwrap();
    for answer in [
        json(["mapped", "--json", pid, base]),
        container.json(&["mapped", "--json", "1", base]),
        parsed(&container.ask_host(&["mapped", "--json", pid, base])),
    ] {
        assert!(answer.to_string().contains(inside), "{answer}");
    }
    // Its pages, by mapping; who else maps libraries may change.
    let resident = |answer: Value| -> Vec<_> {
        let rows = rows(&answer, "working_sets").iter();
        let figures = rows.map(|row| {
            [
                "start_address",
                "resident_bytes",
                "private_bytes",
                "file_bytes",
                "zero_bytes",
            ]
            .map(|figure| row[figure].clone())
        });
        figures.collect()
    };
    let outside = resident(json(["ws", "--json", pid]));
    assert!(!outside.is_empty());
    assert_eq!(resident(container.json(&["ws", "--json", "1"])), outside);
    let by_host = parsed(&container.ask_host(&["ws", "--json", pid]));
    assert_eq!(resident(by_host), outside);
}

#[test]
fn a_process_of_another_pid_namespace_can_be_looked_at_but_not_emptied() {
    let Some(container) = Container::start() else {
        return;
    };
    let refused = container.ask_host(&["empty", &container.pid]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("pid namespace"), "{refused:?}");
    let watched = container.ask_host(&["watch", "--duration", "1", &container.pid]);
    assert!(!watched.status.success());
    assert!(stderr(&watched).contains("pid namespace"), "{watched:?}");
    // Inside it is the first one.
    let emptied = container.run(&["empty", "--json", "1"]);
    if stderr(&emptied).contains("CAP_SYS_NICE") {
        common::skip("emptying another process's working set needs CAP_SYS_NICE");
        return;
    }
    let emptied = parsed(&emptied);
    assert_eq!(rows(&emptied, "emptied")[0]["name"], "inside");
}

#[test]
fn drivers_of_the_machine_are_those_that_a_container_finds_below_its_roots() {
    let Some(container) = Container::start() else {
        return;
    };
    // As long as no driver comes or goes.
    let mut outside = json(["drivers", "--json"]);
    let by_host = loop {
        let by_host = parsed(&container.ask_host(&["drivers", "--json"]));
        let again = json(["drivers", "--json"]);
        if again == outside {
            break by_host;
        }
        outside = again;
    };
    assert_eq!(by_host, outside);
    let own = container.json(&["drivers", "--loaded", "--json"]);
    for row in rows(&own, "drivers") {
        assert_eq!(row["file"], Value::Null, "{row}");
    }
    let swaps = json(["pagefiles", "--json"]);
    assert_eq!(parsed(&container.ask_host(&["pagefiles", "--json"])), swaps);
}

/// The command in a user namespace that a user without rights has made, where he is root.
struct UserNamespace {
    _directory: TempDir,
    copy: PathBuf,
}

impl UserNamespace {
    /// `None`, and said, where none can be had.
    fn new() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let copy = directory.path().join("psapi");
        std::fs::copy(program(), &copy).unwrap();
        let namespace = UserNamespace {
            _directory: directory,
            copy,
        };
        let possible = output_of_copy(&mut namespace.command(&["--version"]));
        if !possible.status.success() {
            common::skip("a user without rights can't make a user namespace here");
            return None;
        }
        Some(namespace)
    }

    fn is_root() -> bool {
        rustix::process::geteuid().is_root()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Self::enter();
        command.arg(&self.copy).args(arguments);
        command
    }

    /// What leads into one, and takes a command.
    fn enter() -> Command {
        let nobody = [
            "setpriv",
            "--reuid",
            "65534",
            "--regid",
            "65534",
            "--clear-groups",
        ];
        let unshare = [
            "unshare",
            "-U",
            "-r",
            "-m",
            "-p",
            "-f",
            "--mount-proc",
            "--kill-child",
        ];
        let all: Vec<&str> = match Self::is_root() {
            true => nobody.into_iter().chain(unshare).collect(),
            false => unshare.to_vec(),
        };
        let mut command = Command::new(all[0]);
        command.args(&all[1..]).stdin(Stdio::null());
        command
    }

    fn shell(&self, script: &str) -> Output {
        let mut command = Self::enter();
        command.args(["sh", "-c", script, "sh"]).arg(&self.copy);
        command.output().unwrap()
    }
}

#[test]
fn root_of_a_user_namespace_sees_what_is_in_it() {
    let Some(namespace) = UserNamespace::new() else {
        return;
    };
    let output = namespace.shell(
        "sleep 1000 & pid=$!; while ! grep -q '(sleep) S' /proc/$pid/stat; do :; done; \
         \"$1\" ps --json --columns pid,user,name && \"$1\" modules --json $pid \
         && \"$1\" ws --json --private-shares $pid; \
         \"$1\" empty $pid; [ $? = 1 ] && kill $pid",
    );
    assert!(output.status.success(), "{output:?}");
    let mut answers = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
    let mut next = || answers.next().unwrap().unwrap();
    let processes = next();
    // All of them are root there.
    let users = rows(&processes, "processes").iter().map(|row| &row["user"]);
    assert!(users.clone().count() >= 3, "{processes}");
    assert!(users.into_iter().all(|user| user == "root"), "{processes}");
    let modules = next();
    let path = rows(&modules, "modules")[0]["path"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        path.ends_with("/sleep") || path.ends_with("/coreutils"),
        "{path}"
    );
    // That is for who has the capability in the namespace that all others are in.
    let text = stderr(&output);
    assert!(
        text.contains("CAP_SYS_NICE in the initial user namespace"),
        "{text}"
    );
    // Frames are told to who is root of the machine alone: not how many map a page, but whether more
    // than one do.
    let pages = next();
    let sum = |figure: &str| -> u64 {
        let rows = rows(&pages, "working_sets").iter();
        rows.map(|row| row[figure].as_u64().unwrap()).sum()
    };
    assert!(sum("resident_bytes") > 0);
    assert_eq!(sum("mapped_twice_bytes"), 0);
    assert_eq!(
        sum("mapped_once_bytes") + sum("mapped_more_than_once_bytes"),
        sum("resident_bytes")
    );
}

#[test]
fn capabilities_of_a_user_namespace_do_not_count_outside_of_it() {
    let Some(namespace) = UserNamespace::new() else {
        return;
    };
    if !UserNamespace::is_root() {
        common::skip("needs root for a process of another user");
        return;
    }
    let subject = common::Started::sleeping();
    let pid = subject.pid();
    let place = tempfile::tempdir().unwrap();
    std::fs::set_permissions(place.path(), PermissionsExt::from_mode(0o755)).unwrap();
    // The machine's processes, below a mount of its proc file system.
    let mounted = Command::new("mount")
        .args(["-t", "proc", "proc"])
        .arg(place.path())
        .status();
    if !mounted.unwrap().success() {
        common::skip("no proc file system can be mounted here");
        return;
    }
    let root = place.path().to_str().unwrap();
    let ask = |arguments: &[&str]| {
        let all = [arguments, &["--proc-root", root]].concat();
        namespace.command(&all).output().unwrap()
    };
    let rows_of = ask(&["ps", "--json", "--columns", "pid,user,name"]);
    let refused: Vec<_> = ["modules", "maps", "ws"]
        .map(|command| (command, ask(&[command, &pid])))
        .into();
    let _ = Command::new("umount").arg("-l").arg(place.path()).status();

    // Users that the namespace has no number for are the one that stands for all of these.
    let listed = parsed(&rows_of);
    let mut found = rows(&listed, "processes").iter();
    let row = found
        .find(|row| row["pid"].as_u64() == pid.parse().ok())
        .unwrap();
    assert_eq!(
        (&row["name"], &row["user"]),
        (&"sleep".into(), &"nobody".into())
    );
    for (command, output) in refused {
        assert_eq!(output.status.code(), Some(1), "{command}: {output:?}");
        let text = stderr(&output);
        assert!(text.contains("CAP_SYS_PTRACE"), "{text}");
        assert!(text.contains("user namespace"), "{text}");
    }
}

#[test]
fn a_user_of_a_namespace_is_whom_the_machine_knows() {
    if UserNamespace::new().is_none() {
        return;
    }
    let started = common::Started::new(UserNamespace::enter().args(["sleep", "4711"]));
    // Its child is the first process of the namespace.
    let listing = ["ps", "--json", "--columns", "pid,ppid,user,name"];
    let mut found = Value::Null;
    common::wait_until(|| {
        let answer = json(listing);
        let rows = rows(&answer, "processes").iter();
        let child = rows.clone().find(|row| {
            row["parent_pid"].as_u64() == started.pid().parse().ok() && row["name"] == "sleep"
        });
        found = child.cloned().unwrap_or_default();
        !found.is_null()
    });
    let status = std::fs::read_to_string(format!("/proc/{}/status", found["pid"])).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    let uid = line.unwrap().split_whitespace().next().unwrap();
    let expected = match UserNamespace::is_root() {
        true => "65534",
        false => uid,
    };
    assert_eq!(uid, expected);
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    let name = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then_some(name)
    });
    assert_eq!(found["user"], name.unwrap_or(uid));
}
