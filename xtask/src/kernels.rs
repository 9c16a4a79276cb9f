//! `cargo xtask kernels`: runs the live tests on Debian's kernels, in guests of QEMU, as root and as a user
//! without privileges, and finds out what each question needs on each of them.

mod apt;
mod expectations;
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

use crate::run::{find, root};
use apt::Apt;
use expectations::User;
use kernel::{Kernel, REQUIRED, Required};
use machine::Told;
use privileges::Privileges;
use programs::Programs;
use results::{Results, Verdict};
use share::Share;

/// Every test but those of this library alone that are about no kernel: about growth (which asks so often that
/// emulation takes minutes for it), about made-up files of processes, and about what programs' files hold.
const EVERY_TEST: &str = "all() - binary(growth) \
    - test(=an_id_that_is_handed_on_is_not_followed_and_its_end_is_told_once) \
    - test(=a_name_is_looked_for_anew_in_each_sample_and_its_absence_is_told_once) \
    - test(=a_png_is_the_same_picture_drawn) \
    - test(=compressed_debug_information_is_read) \
    - test(=damaged_files_break_nothing) \
    - test(=debug_information_in_a_file_of_its_own_is_found) \
    - test(=functions_lines_and_inlined_functions_are_those_of_the_source)";

/// What finds out what needs which privilege, as a step of what is run.
const PROBE: &str = "probe";

/// The oldest QEMU that runs all of these kernels: 7.2 corrupts the memory of 6.12.
const QEMU_VERSION: u32 = 10;

#[derive(Debug)]
struct Options {
    kernels: Vec<Required>,
    filter: String,
    users: Vec<User>,
    /// No tests: what each question needs is all that is found out.
    only_privileges: bool,
    update: bool,
}

/// What ran on a kernel.
struct Ran {
    name: &'static str,
    release: String,
    users: Vec<(User, Results, Verdict)>,
    privileges: Option<Privileges>,
    /// What the first boot did not come to the end of, if there was another one for that.
    again: Vec<&'static str>,
    /// It did not run to its end.
    broken: Vec<String>,
}

/// What came of it.
pub struct Report {
    /// All is as expected.
    pub is_good: bool,
    /// What ran where.
    pub lines: Vec<String>,
}

/// Runs what the arguments say.
pub fn run(arguments: &[String]) -> Result<Report> {
    let options = options(arguments)?;
    let cache = cache()?;
    let apt = Apt::new(&cache)?;
    provide(&apt)?;
    let busybox = busybox(&apt, &cache)?;
    // What is downloaded is waited for, and programs take minutes to build.
    let (kernels, programs) = std::thread::scope(|scope| {
        let programs = scope.spawn(Programs::build);
        let kernels = options.kernels.iter().map(|required| {
            let kernel = Kernel::newest_of(required, &apt, &cache)?;
            println!("{}: {}", required.name, kernel.release);
            Ok((required.name, kernel))
        });
        let kernels = kernels.collect::<Result<Vec<_>>>();
        (kernels, programs.join().expect("no panic"))
    });
    let (kernels, programs) = (kernels?, programs?);

    let mut ran = Vec::new();
    for (name, kernel) in &kernels {
        ran.push(try_kernel(name, kernel, &programs, &busybox, &options)?);
    }
    let mut report = report(&ran);
    println!("\n=== kernels\n{}", report.lines.join("\n"));
    if options.is_whole() {
        let has_table = privileges::report(&all_privileges(&ran), options.update)?;
        report.is_good &= has_table;
        if !has_table {
            let what = "README.md has another table of privileges than was found";
            report.lines.push(what.into());
        }
    }
    Ok(report)
}

impl Options {
    /// Whether all is run, so that what did not happen means something.
    fn is_whole(&self) -> bool {
        self.asks_for_privileges() && self.kernels.len() == REQUIRED.len()
    }

    fn asks_for_privileges(&self) -> bool {
        self.only_privileges || self.has_all_tests()
    }

    /// What is run in a guest, in order.
    fn steps(&self) -> Vec<&'static str> {
        let mut steps: Vec<_> = self.users.iter().map(|user| user.name()).collect();
        if self.asks_for_privileges() {
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
            option if option.starts_with('-') => bail!("there is no option {option}"),
            version => options.kernels.push(kernel::named(version)?),
        }
    }
    if options.kernels.is_empty() {
        options.kernels = REQUIRED.to_vec();
    }
    if options.users.is_empty() && !options.only_privileges {
        options.users = User::ALL.to_vec();
    }
    ensure!(
        !options.update || options.is_whole(),
        "--update takes what a whole run found out"
    );
    Ok(options)
}

/// Where downloads stay, outside of the tree.
fn cache() -> Result<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.filter(|path| path.is_absolute());
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    Ok(cache.context("HOME is not set")?.join("psapi-kernels"))
}

/// Installs what runs guests and takes kernels apart.
fn provide(apt: &Apt) -> Result<()> {
    let mut missing = Vec::new();
    if qemu_version().is_none_or(|version| version < QEMU_VERSION) {
        missing.push("qemu-system-x86");
    }
    let tools = [
        ("depmod", "kmod"),
        ("mkfs.ext4", "e2fsprogs"),
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
        "QEMU {QEMU_VERSION} or newer is needed"
    );
    ensure!(
        find("cargo-nextest").is_some(),
        "cargo-nextest runs the tests in guests: cargo install --locked cargo-nextest"
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

/// The static busybox, unpacked.
fn busybox(apt: &Apt, cache: &Path) -> Result<PathBuf> {
    let place = cache.join("busybox");
    apt::unpack(&apt.download("busybox-static")?, &place)?;
    let places = [place.join("bin/busybox"), place.join("usr/bin/busybox")];
    let found = places.into_iter().find(|path| path.exists());
    found.context("busybox-static has no busybox")
}

fn try_kernel(
    name: &'static str,
    kernel: &Kernel,
    programs: &Programs,
    busybox: &Path,
    options: &Options,
) -> Result<Ran> {
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
    let steps = options.steps();
    let boot = |steps: &[&str], console: &Path| {
        share.file("plan", &plan(programs, &share, &options.filter, steps))?;
        machine::run(kernel, &initramfs, console, &share)
    };
    let mut told = boot(&steps, &console)?;
    let has_ended = |step: &&str| told.codes.contains_key(*step);
    let again: Vec<_> = steps.into_iter().filter(|step| !has_ended(step)).collect();
    if !again.is_empty() {
        println!(
            "{}: the guest went down: once more for {}, which is no second chance for a test that failed; \
             the kernel's own messages are in {}",
            kernel.release,
            again.join(", "),
            console.display()
        );
        let console = directory.join(format!("console-{name}-again"));
        told.codes.extend(boot(&again, &console)?.codes);
    }
    let mut ran = Ran {
        name,
        release: kernel.release.clone(),
        users: Vec::new(),
        privileges: None,
        again,
        broken: Vec::new(),
    };
    for user in &options.users {
        match read(&told, *user, &results) {
            Ok(results) => {
                let version = kernel.version().context("a kernel's version")?;
                let verdict = results.judge(version, *user, options.has_all_tests());
                ran.users.push((*user, results, verdict));
            }
            Err(error) => ran.broken.push(format!("{}: {error:#}", user.name())),
        }
    }
    if options.asks_for_privileges() {
        match told.codes.get(PROBE) {
            Some(0) => ran.privileges = Some(Privileges::read(&results.join(PROBE))?),
            _ => ran
                .broken
                .push("what finds out privileges has not ended well".into()),
        }
    }
    if !ran.broken.is_empty() {
        println!("the kernel's own messages are in {}", console.display());
    }
    Ok(ran)
}

/// What the tests of a user came to, those that failed before the guest went down included.
fn read(told: &Told, user: User, results: &Path) -> Result<Results> {
    let code = told
        .codes
        .get(user.name())
        .context("the tests have not ended: the guest went down")?;
    let failed = told.failed.get(user.name()).cloned().unwrap_or_default();
    Results::read(results, user, *code, &failed)
}

/// What the guest's first program does.
fn plan(programs: &Programs, share: &Share, filter: &str, steps: &[&str]) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let path = |path: &Path| quoted(&path.to_string_lossy());
    format!(
        "export TMPDIR={} PSAPI_LIBRARY_DIR={} PSAPI_RANDOM_CALLS=3000 PSAPI_OWN_WAY_ALONE=yes\nSOURCES={}\nPROBE={}\nFILTER={}\nSTEPS={}\n",
        path(share.path()),
        path(&programs.library),
        path(root()),
        path(&programs.probe),
        quoted(filter),
        quoted(&steps.join(" ")),
    )
}

/// What ran where, and what of it is not as expected.
fn report(ran: &[Ran]) -> Report {
    let mut report = Report {
        is_good: true,
        lines: Vec::new(),
    };
    for ran in ran {
        for (user, results, verdict) in &ran.users {
            let (passed, failed) = (results.passed.len(), results.failed.len());
            let left_out: u32 = results.skipped.values().sum();
            report.lines.push(format!(
                "{:27} {:7} {passed:4} passed, {failed} failed, {} as expected; {left_out} left something out",
                ran.release,
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
        if !ran.again.is_empty() {
            report.lines.push(format!(
                "    the guest went down once, before the end of: {}",
                ran.again.join(", ")
            ));
        }
        for broken in &ran.broken {
            report
                .lines
                .push(format!("{:27} FAILED: {broken}", ran.release));
        }
        report.is_good &= ran.broken.is_empty();
    }
    report
}

fn all_privileges(ran: &[Ran]) -> Vec<(&'static str, &Privileges)> {
    let found = ran
        .iter()
        .filter_map(|ran| Some((ran.name, ran.privileges.as_ref()?)));
    found.collect()
}
