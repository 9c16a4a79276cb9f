//! Debian's packages, without a change to the machine's own apt: the lists, the cache and the sources are
//! private ones, outside of the tree. The mirror is the one that the machine's apt is set to.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::run;

/// What `deb` lines are signed with.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The suites that kernels come from, beside those of the machine's own release.
const SUITES: &[&str] = &["bookworm", "bookworm-backports", "trixie-backports"];
const SECURITY_SUITES: &[&str] = &["bullseye-security", "bookworm-security"];

pub struct Apt {
    directory: PathBuf,
    release: String,
}

impl Apt {
    /// Fetches the lists.
    pub fn new(cache: &Path) -> Result<Self> {
        let release = fs::read_to_string("/etc/os-release").context("which Debian this is")?;
        let release = release
            .lines()
            .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
            .context(
                "/etc/os-release has no VERSION_CODENAME; kernels are taken from Debian's packages",
            )?;
        let apt = Apt {
            directory: cache.join("apt"),
            release: release.into(),
        };
        for part in ["lists/partial", "archives/partial", "sources"] {
            let part = apt.directory.join(part);
            fs::create_dir_all(&part).with_context(|| part.display().to_string())?;
        }
        let sources = apt
            .sources()
            .context("kernels are taken from Debian's packages")?;
        fs::write(apt.directory.join("sources.list"), sources)?;
        ensure!(
            run::succeeds(apt.get().args(["update", "--quiet", "--quiet"]))?,
            "Debian's lists of packages can't be had"
        );
        Ok(apt)
    }

    /// The suites, from the mirrors that the machine uses.
    fn sources(&self) -> Result<String> {
        let mut targets = Command::new("apt-get");
        targets.args(["indextargets", "--format", "$(SITE) $(RELEASE)"]);
        let targets = String::from_utf8(run::output(targets.arg("Created-By: Packages"))?)?;
        let mirror = |of: &dyn Fn(&str) -> bool| {
            let mut targets = targets.lines().filter_map(|line| line.split_once(' '));
            targets.find_map(|(site, release)| of(release).then(|| site.to_owned()))
        };
        let debian = mirror(&|release| release == self.release);
        let debian = debian.context("the machine's apt has no source of its own release")?;
        let security = mirror(&|release| release == format!("{}-security", self.release));
        let security = security.context("the machine's apt has no source of security updates")?;

        let backports = format!("{}-backports", self.release);
        let own = [self.release.as_str(), &backports];
        let mut suites: Vec<_> = SUITES.iter().copied().chain(own).collect();
        suites.sort_unstable();
        suites.dedup();
        let line =
            |site: &str, suite: &str| format!("deb [signed-by={KEYRING}] {site} {suite} main\n");
        let lines = suites.into_iter().map(|suite| line(&debian, suite));
        let security = SECURITY_SUITES.iter().map(|suite| line(&security, suite));
        Ok(lines.chain(security).collect())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for (option, file) in [
            ("Dir::Etc::SourceList", "sources.list"),
            ("Dir::Etc::SourceParts", "sources"),
            ("Dir::State::Lists", "lists"),
            ("Dir::Cache", ""),
        ] {
            let mut setting = std::ffi::OsString::from(format!("{option}="));
            setting.push(self.directory.join(file));
            command.arg("-o").arg(setting);
        }
        // The cache may be where only its owner may go.
        command.args(["-o", "APT::Sandbox::User=root"]);
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("LC_ALL", "C");
        command
    }

    fn get(&self) -> Command {
        self.command("apt-get")
    }

    /// The names of packages that begin so.
    pub fn names(&self, beginning: &str) -> Result<Vec<String>> {
        let names = run::output(self.command("apt-cache").args(["pkgnames", beginning]))?;
        Ok(String::from_utf8(names)?
            .lines()
            .map(str::to_owned)
            .collect())
    }

    /// What a package can't be without, one name a line of `apt-cache`; alternatives and what can't be
    /// had are marked.
    pub fn dependencies(&self, package: &str) -> Result<Vec<String>> {
        let lines =
            run::output(
                self.command("apt-cache")
                    .args(["depends", "--important", package]),
            )?;
        let lines = String::from_utf8(lines)?;
        let names = lines
            .lines()
            .filter_map(|line| line.trim().split_once("Depends: "));
        Ok(names.map(|(_, name)| name.to_owned()).collect())
    }

    /// Downloads a package's newest version, unless that was done before.
    pub fn download(&self, package: &str) -> Result<PathBuf> {
        let directory = self.directory.join("archives");
        let uris = run::output(self.get().args(["download", "--print-uris", package]))
            .with_context(|| format!("the package {package} can't be had"))?;
        // 'URI' FILE SIZE HASH
        let uris = String::from_utf8(uris)?;
        let file = uris.split_whitespace().nth(1);
        let file = directory.join(file.with_context(|| format!("no file of {package}"))?);
        if !file.exists() {
            println!("downloading {package}");
            let mut download = self.get();
            download.args(["download", "--quiet", "--quiet", package]);
            download.current_dir(&directory);
            ensure!(
                run::succeeds(&mut download)?,
                "{package} can't be downloaded"
            );
        }
        Ok(file)
    }

    /// Installs packages on the machine, the backports' versions, and removes none.
    pub fn install(&self, packages: &[&str]) -> Result<()> {
        println!("installing {}", packages.join(" "));
        let mut install = self.get();
        install.args(["install", "--yes", "--quiet", "--quiet", "--no-remove"]);
        install.arg("--no-install-recommends");
        install.arg(format!("--target-release={}-backports", self.release));
        install.args(packages).stdout(Stdio::null());
        ensure!(
            run::succeeds(&mut install)?,
            "{} can't be installed (root can)",
            packages.join(" ")
        );
        Ok(())
    }
}

/// Unpacks a package into a directory.
pub fn unpack(package: &Path, into: &Path) -> Result<()> {
    let mut unpack = Command::new("dpkg-deb");
    unpack.args([OsStr::new("-x"), package.as_ref(), into.as_ref()]);
    ensure!(
        run::succeeds(&mut unpack)?,
        "{} can't be unpacked",
        package.display()
    );
    Ok(())
}
