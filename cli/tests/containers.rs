//! The command inside and outside containers, whose processes have their own mount, pid and user
//! namespaces.

#![cfg(target_os = "linux")]

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use testing::command::{json, output_of_copy, program, stderr};

/// A container. Its first process runs an executable that exists only in the container's mount
/// namespace. The host's root is mounted at `host`, and `/lib/modules` is empty.
struct Container {
    root: TempDir,
    child: Child,
    /// The process id of the first process in the host's pid namespace.
    pid: String,
}

/// Sets up the container below the directory `$1`, prints the process id, and sleeps.
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
    /// Starts a container. Returns `None`, and skips, if that fails.
    fn start() -> Option<Self> {
        let root = tempfile::tempdir().unwrap();
        let mut child = Command::new("unshare")
            .args(["-m", "-p", "-f", "--kill-child", "sh", "-c", SCRIPT, "sh"])
            .arg(root.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("start unshare, which is part of util-linux");
        let mut pid = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut pid).unwrap();
        let container = Container {
            root,
            child,
            pid: pid.trim().to_owned(),
        };
        if container.pid.is_empty() {
            testing::skip("cannot create a container: needs root");
            return None;
        }
        testing::wait_until(|| {
            let exe = std::fs::read_link(format!("/proc/{}/exe", container.pid));
            exe.is_ok_and(|exe| exe == container.path("inside"))
        });
        // The dynamic linker no longer changes the mappings of a sleeping process.
        testing::wait_until(|| {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", container.pid));
            stat.unwrap().contains("(inside) S")
        });
        Some(container)
    }

    /// Returns the path of a file inside the container.
    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Returns a command that runs psapi inside the container.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.pid, "-m", "-p"]);
        command.arg(program()).args(arguments);
        command
    }

    /// Runs psapi inside the container.
    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        command
            .output()
            .expect("start nsenter, which is part of util-linux")
    }

    /// Like [`run`](Self::run), and parses the output.
    fn json(&self, arguments: &[&str]) -> Value {
        parsed(&self.run(arguments))
    }

    /// Returns the options that select the host from inside the container.
    fn host_options(&self) -> [String; 6] {
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

    /// Runs psapi inside the container, on the host's files.
    fn run_on_host(&self, arguments: &[&str]) -> Output {
        let host = self.host_options();
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

/// Parses the output of a successful run.
fn parsed(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn rows<'a>(document: &'a Value, list: &str) -> &'a Vec<Value> {
    document[list].as_array().unwrap()
}

/// Returns rows without the process id, which differs between namespaces.
fn without_pid(document: &Value, list: &str) -> Vec<Value> {
    let mut rows = rows(document, list).clone();
    for row in &mut rows {
        row.as_object_mut().unwrap().remove("pid");
    }
    rows
}

/// Returns the ids of the processes with a name.
fn named(document: &Value, name: &str) -> Vec<u64> {
    let rows = rows(document, "processes").iter();
    let found = rows.filter(|row| row["name"] == name);
    found.map(|row| row["pid"].as_u64().unwrap()).collect()
}

#[test]
fn container_lists_host_through_proc_root() {
    let Some(container) = Container::start() else {
        return;
    };
    let pid: u64 = container.pid.parse().unwrap();
    let listing = ["ps", "--json", "--columns", "pid,name"];
    let own = container.json(&listing);
    // The container has its first process, and psapi itself.
    assert_eq!(named(&own, "inside"), [1]);
    assert!(rows(&own, "processes").len() <= 3, "{own}");
    let all = parsed(&container.run_on_host(&listing));
    assert!(named(&all, "inside").contains(&pid), "{all}");
    let test = u64::from(std::process::id());
    assert!(rows(&all, "processes").iter().any(|row| row["pid"] == test));
    let outside = json(listing);
    assert!(named(&outside, "inside").contains(&pid));

    let figures = parsed(&container.run_on_host(&["system", "--json"]));
    let own = container.json(&["system", "--json"]);
    let count = |document: &Value| document["system"]["process_count"].as_u64();
    assert!(count(&own).is_some(), "{own}");
    assert!(count(&own) < count(&figures), "{own} {figures}");
}

#[test]
fn process_looks_equal_from_any_namespace() {
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
        let by_host = parsed(&container.run_on_host(&[command, "--json", pid]));
        assert_eq!(by_host, outside, "{command}");
    }
    // The host has no such file.
    assert!(!Path::new(inside).exists());
    let modules = json(["modules", "--json", pid]);
    let first = &rows(&modules, "modules")[0];
    assert_eq!(
        (&first["path"], &first["deleted"]),
        (&inside.into(), &false.into())
    );
    let base = first["base_address"].as_str().unwrap();
    for document in [
        json(["mapped", "--json", pid, base]),
        container.json(&["mapped", "--json", "1", base]),
        parsed(&container.run_on_host(&["mapped", "--json", pid, base])),
    ] {
        assert!(document.to_string().contains(inside), "{document}");
    }
    // Compare only figures that do not depend on other processes with the same libraries.
    let resident = |document: Value| -> Vec<_> {
        let rows = rows(&document, "working_sets").iter();
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
    let by_host = parsed(&container.run_on_host(&["ws", "--json", pid]));
    assert_eq!(resident(by_host), outside);
}

/// `empty` and `watch` need a process id that is valid in the caller's pid namespace.
#[test]
fn empty_and_watch_reject_foreign_namespace() {
    let Some(container) = Container::start() else {
        return;
    };
    let refused = container.run_on_host(&["empty", &container.pid]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("pid namespace"), "{refused:?}");
    let watched = container.run_on_host(&["watch", "--duration", "1", &container.pid]);
    assert!(!watched.status.success());
    assert!(stderr(&watched).contains("pid namespace"), "{watched:?}");
    // Inside the container, the process has id 1.
    let emptied = container.run(&["empty", "--json", "1"]);
    if stderr(&emptied).contains("CAP_SYS_NICE") {
        testing::skip("needs CAP_SYS_NICE to empty another process's working set");
        return;
    }
    let emptied = parsed(&emptied);
    assert_eq!(rows(&emptied, "emptied")[0]["name"], "inside");
}

#[test]
fn host_drivers_follow_roots() {
    let Some(container) = Container::start() else {
        return;
    };
    // Retry if a driver was loaded or unloaded in between.
    let mut outside = json(["drivers", "--json"]);
    let by_host = loop {
        let by_host = parsed(&container.run_on_host(&["drivers", "--json"]));
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
    assert_eq!(
        parsed(&container.run_on_host(&["pagefiles", "--json"])),
        swaps
    );
}

/// A copy of psapi for runs in a new user namespace. The user `nobody`, or the caller if that is
/// not root, creates the namespace and is root in it.
struct UserNamespace {
    _directory: TempDir,
    copy: PathBuf,
}

impl UserNamespace {
    /// Copies psapi. Returns `None`, and skips, if the user cannot create a namespace.
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
            testing::skip("cannot create a user namespace without privileges");
            return None;
        }
        Some(namespace)
    }

    /// Returns true if the test runs as root.
    fn is_root() -> bool {
        rustix::process::geteuid().is_root()
    }

    /// Returns a command that runs psapi in a new namespace.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Self::enter();
        command.arg(&self.copy).args(arguments);
        command
    }

    /// Returns a command that runs its further arguments in a new namespace.
    fn enter() -> Command {
        let as_nobody = [
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
        let all: Vec<&str> = if Self::is_root() {
            as_nobody.into_iter().chain(unshare).collect()
        } else {
            unshare.to_vec()
        };
        let mut command = Command::new(all[0]);
        command.args(&all[1..]).stdin(Stdio::null());
        command
    }

    /// Runs a shell script in a new namespace, with the path of psapi as `$1`.
    fn shell(&self, script: &str) -> Output {
        let mut command = Self::enter();
        command.args(["sh", "-c", script, "sh"]).arg(&self.copy);
        command.output().unwrap()
    }
}

#[test]
fn namespace_root_inspects_its_processes() {
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
    let mut documents = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
    let mut next = || documents.next().unwrap().unwrap();
    let processes = next();
    // Every process of the namespace runs as root.
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
    // Evicting pages requires the capability in the initial user namespace.
    let text = stderr(&output);
    assert!(
        text.contains("CAP_SYS_NICE in the initial user namespace"),
        "{text}"
    );
    // The kernel reports page frame numbers only to root of the initial user namespace. Without
    // them, psapi distinguishes one mapping of a page from several, but cannot count them.
    let pages = next();
    let pages = rows(&pages, "working_sets");
    let sum = |figure: &str| -> u64 { pages.iter().map(|row| row[figure].as_u64().unwrap()).sum() };
    assert!(sum("resident_bytes") > 0);
    for row in pages {
        let is_exact = row["mapped_more_than_once_bytes"] == 0;
        assert_eq!(row["mapped_twice_bytes"].is_null(), !is_exact, "{row}");
    }
    assert_eq!(
        sum("mapped_once_bytes") + sum("mapped_more_than_once_bytes"),
        sum("resident_bytes")
    );
}

/// Root of a user namespace has no capabilities for processes outside of it.
#[test]
fn namespace_capabilities_end_at_namespace() {
    let Some(namespace) = UserNamespace::new() else {
        return;
    };
    if !UserNamespace::is_root() {
        testing::skip("needs root for another user's process");
        return;
    }
    let child = testing::command::Started::sleeping();
    let pid = child.pid();
    let mount_point = tempfile::tempdir().unwrap();
    std::fs::set_permissions(mount_point.path(), PermissionsExt::from_mode(0o755)).unwrap();
    // Inside the namespace, `/proc` lists only its own processes. This mount lists the host's.
    let mounted = Command::new("mount")
        .args(["-t", "proc", "proc"])
        .arg(mount_point.path())
        .status();
    if !mounted.unwrap().success() {
        testing::skip("cannot mount /proc");
        return;
    }
    let root = mount_point.path().to_str().unwrap();
    let run = |arguments: &[&str]| {
        let all = [arguments, &["--proc-root", root]].concat();
        namespace.command(&all).output().unwrap()
    };
    let listing = run(&["ps", "--json", "--columns", "pid,user,name"]);
    let refused: Vec<_> = ["modules", "maps", "ws"]
        .map(|command| (command, run(&[command, &pid])))
        .into();
    let _ = Command::new("umount")
        .arg("-l")
        .arg(mount_point.path())
        .status();

    // Users that the namespace does not map appear as the overflow user, `nobody`.
    let listed = parsed(&listing);
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

/// Outside a user namespace, psapi prints the user who created it, not root.
#[test]
fn namespace_user_has_host_name() {
    if UserNamespace::new().is_none() {
        return;
    }
    let started = testing::command::Started::new(UserNamespace::enter().args(["sleep", "4711"]));
    // The child of `unshare` is the first process of the namespace.
    let listing = ["ps", "--json", "--columns", "pid,ppid,user,name"];
    let mut found = Value::Null;
    testing::wait_until(|| {
        let document = json(listing);
        let rows = rows(&document, "processes").iter();
        let child = rows.clone().find(|row| {
            row["parent_pid"].as_u64() == started.pid().parse().ok() && row["name"] == "sleep"
        });
        found = child.cloned().unwrap_or_default();
        !found.is_null()
    });
    let status = std::fs::read_to_string(format!("/proc/{}/status", found["pid"])).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    let uid = line.unwrap().split_whitespace().next().unwrap();
    if UserNamespace::is_root() {
        assert_eq!(uid, "65534");
    }
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    let name = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then_some(name)
    });
    assert_eq!(found["user"], name.unwrap_or(uid));
}
