//! `cargo xtask kernels`: runs the live tests on Debian's kernels in QEMU guests, as root and as
//! the user `nobody`. Also measures the privileges that each kind of information requires on each
//! kernel.

pub mod expectations;
mod initramfs;
mod kernel;
mod machine;
mod privileges;
mod programs;
mod results;
mod share;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::apt::{self, Apt, Suite};
use crate::run::{self, find, root};
use expectations::User;
use kernel::{Kernel, REQUIRED, Required};
use machine::GuestLog;
use privileges::Privileges;
#[cfg(test)]
pub use programs::COMPILER_TESTS;
use programs::Programs;
use results::{Results, Verdict};
use share::Share;

/// Selects all tests that a kernel can affect. The others concern made-up `/proc` files, the
/// contents of executables, Windows, and the examples, which need cargo. The test of growth is also
/// left out, because its many calls take minutes under emulation.
pub const EVERY_TEST: &str = "all() - binary(growth) - binary(examples) \
    - test(/^sys::windows::/) \
    - test(=reused_id_is_not_followed) \
    - test(=names_are_resolved_each_sample) \
    - test(=png_renders_the_picture) \
    - test(=sources::reads_compressed_debug_info) \
    - test(=files::corrupt_files_do_not_panic) \
    - test(=files::finds_separate_debug_file) \
    - test(=sources::symbols_match_source)";

/// The step that measures privileges.
const PROBE: &str = "probe";

/// The oldest QEMU that runs all kernels: 7.2 corrupts memory of Linux 6.12.
const QEMU_VERSION: u32 = 10;

/// The suites that contain the kernels, and the tools for guests.
const SUITES: &[Suite] = &[
    Suite::Own,
    Suite::Debian("bookworm"),
    Suite::Debian("bookworm-backports"),
    Suite::Debian("trixie-backports"),
    Suite::Security("bullseye-security"),
    Suite::Security("bookworm-security"),
];

#[derive(Debug)]
struct Options {
    kernels: Vec<Required>,
    filter: String,
    users: Vec<User>,
    /// Whether to run no tests, and only measure privileges.
    only_privileges: bool,
    /// Whether to run the tests only as the users that run them in CI.
    is_ci: bool,
    update: bool,
}

/// The results of one kernel.
struct KernelRun {
    name: &'static str,
    release: String,
    users: Vec<(User, Results, Verdict)>,
    privileges: Option<Privileges>,
    /// The steps that a second boot repeated, because the guest went down before their end.
    repeated: Vec<&'static str>,
    /// Steps that did not end, even in a second boot.
    errors: Vec<String>,
}

/// The results of all kernels, for the summary.
pub struct Report {
    /// Whether everything went as expected.
    pub is_good: bool,
    /// A description of each kernel's results.
    pub lines: Vec<String>,
}

/// Runs the tests that the arguments select.
pub fn run(arguments: &[String]) -> Result<Report> {
    test(&options(arguments)?)
}

/// Runs all tests on some kernels, and measures privileges on all.
pub fn run_in_ci() -> Result<Report> {
    let mut options = options(&[])?;
    options.is_ci = true;
    test(&options)
}

fn test(options: &Options) -> Result<Report> {
    let cache = run::cache("psapi-kernels")?;
    let apt = Apt::new(&cache.join("apt"), SUITES)?;
    install_tools(&apt)?;
    let busybox = busybox(&apt, &cache)?;
    // Downloads wait for the network while programs, which take minutes to build, use the
    // processors.
    let (kernels, programs) = std::thread::scope(|scope| {
        let programs = scope.spawn(Programs::build);
        let kernels = options.kernels.iter().map(|required| {
            let kernel = Kernel::newest_of(required, &apt, &cache)?;
            println!("{}: {}", required.name, kernel.release);
            Ok((*required, kernel))
        });
        let kernels = kernels.collect::<Result<Vec<_>>>();
        (kernels, programs.join().expect("the build does not panic"))
    });
    let (kernels, programs) = (kernels?, programs?);

    let mut runs = Vec::new();
    for (required, kernel) in &kernels {
        runs.push(test_kernel(required, kernel, &programs, &busybox, options)?);
    }
    let mut report = report(&runs);
    println!("\n=== kernels\n{}", report.lines.join("\n"));
    if options.is_complete() {
        let has_table = privileges::report(&all_privileges(&runs), options.update)?;
        report.is_good &= has_table;
        if !has_table {
            let error = "the table in docs/privileges.md differs from this run";
            report.lines.push(error.into());
        }
    }
    Ok(report)
}

impl Options {
    /// Returns true if privileges are measured on all kernels, so that the table is complete.
    fn is_complete(&self) -> bool {
        self.measures_privileges() && self.kernels.len() == REQUIRED.len()
    }

    fn measures_privileges(&self) -> bool {
        self.only_privileges || self.has_all_tests()
    }

    /// Returns the users that run the tests on a kernel.
    fn users_on(&self, kernel: &Required) -> &[User] {
        match self.is_ci {
            true => kernel.users_in_ci,
            false => &self.users,
        }
    }

    /// Returns the steps of a kernel's guest, in order.
    fn steps_on(&self, kernel: &Required) -> Vec<&'static str> {
        let users = self.users_on(kernel);
        let mut steps: Vec<_> = users.iter().map(|user| user.name()).collect();
        if self.measures_privileges() {
            steps.push(PROBE);
        }
        steps
    }

    fn has_all_tests(&self) -> bool {
        self.filter == EVERY_TEST && self.users == User::ALL
    }
}

fn options(arguments: &[String]) -> Result<Options> {
    let mut options = Options {
        kernels: Vec::new(),
        filter: EVERY_TEST.into(),
        users: Vec::new(),
        only_privileges: false,
        is_ci: false,
        update: false,
    };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .with_context(|| format!("{argument} needs a value"))
        };
        match argument.as_str() {
            "--filter" => options.filter.clone_from(value()?),
            "--user" => {
                let name = value()?;
                let user = User::ALL.into_iter().find(|user| user.name() == name);
                options
                    .users
                    .push(user.context("--user root or --user nobody")?);
            }
            "--privileges" => options.only_privileges = true,
            "--update" => options.update = true,
            option if option.starts_with('-') => bail!("unknown option {option}"),
            version => options.kernels.push(kernel::find(version)?),
        }
    }
    if options.kernels.is_empty() {
        options.kernels = REQUIRED.to_vec();
    }
    if options.users.is_empty() && !options.only_privileges {
        options.users = User::ALL.to_vec();
    }
    ensure!(
        !options.update || options.is_complete(),
        "--update requires all kernels, users and tests, or --privileges"
    );
    Ok(options)
}

/// Installs the programs that run guests and unpack kernels.
fn install_tools(apt: &Apt) -> Result<()> {
    let mut missing = Vec::new();
    if qemu_version().is_none_or(|version| version < QEMU_VERSION) {
        missing.push("qemu-system-x86");
    }
    let tools = [
        ("depmod", "kmod"),
        ("mkfs.ext4", "e2fsprogs"),
        ("mkfs.btrfs", "btrfs-progs"),
        ("xz", "xz-utils"),
        ("setpriv", "util-linux"),
        ("script", "bsdutils"),
    ];
    missing.extend(
        tools
            .iter()
            .filter(|(program, _)| find(program).is_none())
            .map(|(_, package)| package),
    );
    if !missing.is_empty() {
        apt.install(&missing)?;
    }
    ensure!(
        qemu_version().is_some_and(|version| version >= QEMU_VERSION),
        "QEMU {QEMU_VERSION} or newer is required"
    );
    ensure!(
        find("cargo-nextest").is_some(),
        "cargo-nextest, which runs the tests in guests, is missing: \
         cargo install --locked cargo-nextest"
    );
    Ok(())
}

fn qemu_version() -> Option<u32> {
    let output = Command::new(machine::QEMU).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_once("version ")?
        .1
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// Unpacks the static busybox and returns its path.
fn busybox(apt: &Apt, cache: &Path) -> Result<PathBuf> {
    let unpacked = cache.join("busybox");
    apt::unpack(&apt.download("busybox-static")?, &unpacked)?;
    let paths = [
        unpacked.join("bin/busybox"),
        unpacked.join("usr/bin/busybox"),
    ];
    let found = paths.into_iter().find(|path| path.exists());
    found.context("package busybox-static contains no busybox")
}

/// Boots a kernel, runs the steps, and reads their results.
fn test_kernel(
    required: &Required,
    kernel: &Kernel,
    programs: &Programs,
    busybox: &Path,
    options: &Options,
) -> Result<KernelRun> {
    let name = required.name;
    let share = Share::new()?;
    let directory = root().join("target/kernels");
    let initramfs = directory.join("initramfs");
    let console = directory.join(format!("console-{name}"));
    initramfs::write(&initramfs, kernel, programs, busybox, share.path())?;
    let results = share.path().join("results");

    println!(
        "
--- {}",
        kernel.release
    );
    let steps = options.steps_on(required);
    let boot = |steps: &[&str], console: &Path| {
        share.write("plan", &plan(programs, &share, &options.filter, steps))?;
        machine::run(kernel, &initramfs, console, &share)
    };
    let mut log = boot(&steps, &console)?;
    let has_ended = |step: &&str| log.exit_codes.contains_key(*step);
    let repeated: Vec<_> = steps.into_iter().filter(|step| !has_ended(step)).collect();
    if !repeated.is_empty() {
        println!(
            "{}: the guest went down and is booted again for {}; tests that failed before count as \
             failed; kernel messages: {}",
            kernel.release,
            repeated.join(", "),
            console.display()
        );
        let console = directory.join(format!("console-{name}-again"));
        log.exit_codes.extend(boot(&repeated, &console)?.exit_codes);
    }
    let mut run = KernelRun {
        name,
        release: kernel.release.clone(),
        users: Vec::new(),
        privileges: None,
        repeated,
        errors: Vec::new(),
    };
    for user in options.users_on(required) {
        match read(&log, *user, &results) {
            Ok(results) => {
                let version = kernel
                    .version()
                    .context("a kernel release begins with two numbers")?;
                let verdict = results.judge(version, *user, options.has_all_tests());
                run.users.push((*user, results, verdict));
            }
            Err(error) => run.errors.push(format!("{}: {error:#}", user.name())),
        }
    }
    if options.measures_privileges() {
        match log.exit_codes.get(PROBE) {
            Some(0) => run.privileges = Some(Privileges::read(&results.join(PROBE))?),
            _ => run.errors.push("the probe failed".into()),
        }
    }
    if !run.errors.is_empty() {
        println!("kernel messages: {}", console.display());
    }
    Ok(run)
}

/// Reads the results of a user's tests. Tests that failed before the guest went down are included.
fn read(log: &GuestLog, user: User, results: &Path) -> Result<Results> {
    let code = log
        .exit_codes
        .get(user.name())
        .context("the guest went down before the tests ended")?;
    let failed = log.failed.get(user.name()).cloned().unwrap_or_default();
    Results::read(results, user, *code, &failed)
}

/// Returns the script that the guest's init sources: settings, and the steps to run.
fn plan(programs: &Programs, share: &Share, filter: &str, steps: &[&str]) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let path = |path: &Path| quoted(&path.to_string_lossy());
    format!(
        "export TMPDIR={} PSAPI_LIBRARY_DIR={} PSAPI_RANDOM_CALLS=3000 PSAPI_NATIVE_ONLY=yes\n\
         SOURCES={}\nPROBE={}\nFILTER={}\nSTEPS={}\n",
        path(share.path()),
        path(&programs.library),
        path(root()),
        path(&programs.probe),
        quoted(filter),
        quoted(&steps.join(" ")),
    )
}

/// Describes the results of all kernels.
fn report(runs: &[KernelRun]) -> Report {
    let mut report = Report {
        is_good: true,
        lines: Vec::new(),
    };
    for run in runs {
        for (user, results, verdict) in &run.users {
            let (passed, failed) = (results.passed.len(), results.failed.len());
            let skipped: u32 = results.skipped.values().sum();
            report.lines.push(format!(
                "{:27} {:7} {passed:4} passed, {failed} failed, {} as expected; {skipped} skips",
                run.release,
                user.name(),
                verdict.expected.len()
            ));
            let expected = verdict.expected.iter();
            report
                .lines
                .extend(expected.map(|test| format!("    failed as expected: {test}")));
            let notes = verdict.notes.iter();
            report.lines.extend(notes.map(|note| format!("    {note}")));
            let complaints = verdict.complaints.iter();
            report
                .lines
                .extend(complaints.map(|complaint| format!("    {complaint}")));
            report.is_good &= verdict.complaints.is_empty();
        }
        if !run.repeated.is_empty() {
            report.lines.push(format!(
                "    the guest went down once, before the end of: {}",
                run.repeated.join(", ")
            ));
        }
        for error in &run.errors {
            report
                .lines
                .push(format!("{:27} FAILED: {error}", run.release));
        }
        report.is_good &= run.errors.is_empty();
    }
    report
}

fn all_privileges(runs: &[KernelRun]) -> Vec<(&'static str, &Privileges)> {
    let found = runs
        .iter()
        .filter_map(|run| Some((run.name, run.privileges.as_ref()?)));
    found.collect()
}
