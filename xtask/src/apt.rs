//! Downloads Debian's packages without changing the machine's own apt. Package lists, cache and
//! sources are private and lie outside of the repository. The mirror is the one that the machine's
//! apt uses.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::run;

/// The keys that sign the package lists.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A suite of packages, and the mirror that has it.
#[derive(Debug, Clone, Copy)]
pub enum Suite {
    /// The machine's own release and its backports.
    Own,
    /// A suite of Debian's main mirror.
    Debian(&'static str),
    /// A suite of security updates.
    Security(&'static str),
}

pub struct Apt {
    directory: PathBuf,
    release: String,
    architectures: &'static [&'static str],
}

impl Apt {
    /// Downloads the package lists of suites into a directory, for the machine's architecture.
    pub fn new(directory: &Path, suites: &[Suite]) -> Result<Self> {
        Apt::with_architectures(directory, suites, &[])
    }

    /// Like [`new`](Self::new), for other architectures. The first one is the preferred one.
    pub fn with_architectures(
        directory: &Path,
        suites: &[Suite],
        architectures: &'static [&'static str],
    ) -> Result<Self> {
        let release =
            fs::read_to_string("/etc/os-release").context("cannot find the Debian release")?;
        let release = release
            .lines()
            .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
            .context("/etc/os-release has no VERSION_CODENAME; the machine must run Debian")?;
        let apt = Apt {
            directory: directory.into(),
            release: release.into(),
            architectures,
        };
        for part in ["lists/partial", "archives/partial", "sources"] {
            let part = apt.directory.join(part);
            fs::create_dir_all(&part).with_context(|| part.display().to_string())?;
        }
        let sources = apt.sources(suites)?;
        fs::write(apt.directory.join("sources.list"), sources)?;
        ensure!(
            run::succeeds(apt.get().args(["update", "--quiet", "--quiet"]))?,
            "cannot download Debian's package lists"
        );
        Ok(apt)
    }

    /// Returns the text of `sources.list`: suites, from the mirrors that the machine uses.
    fn sources(&self, suites: &[Suite]) -> Result<String> {
        let mut targets = Command::new("apt-get");
        targets.args(["indextargets", "--format", "$(SITE) $(RELEASE)"]);
        let targets = String::from_utf8(run::output(targets.arg("Created-By: Packages"))?)?;
        let mirror = |wanted: &str| {
            let mut targets = targets.lines().filter_map(|line| line.split_once(' '));
            let site = targets.find_map(|(site, release)| (release == wanted).then_some(site));
            site.with_context(|| format!("the machine's apt has no source of {wanted}"))
        };
        let debian = mirror(&self.release)?;
        let security = format!("{}-security", self.release);

        let mut lines = Vec::new();
        for suite in suites {
            match suite {
                Suite::Own => {
                    lines.push(self.line(debian, &self.release));
                    lines.push(self.line(debian, &format!("{}-backports", self.release)));
                }
                Suite::Debian(suite) => lines.push(self.line(debian, suite)),
                Suite::Security(suite) => lines.push(self.line(mirror(&security)?, suite)),
            }
        }
        lines.sort_unstable();
        lines.dedup();
        Ok(lines.concat())
    }

    fn line(&self, site: &str, suite: &str) -> String {
        let architectures = match self.architectures {
            [] => String::new(),
            names => format!("arch={} ", names.join(",")),
        };
        format!("deb [{architectures}signed-by={KEYRING}] {site} {suite} main\n")
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
        for architecture in self.architectures {
            command.args(["-o", &format!("APT::Architectures::={architecture}")]);
        }
        // The cache can lie where apt's sandbox user has no access.
        command.args(["-o", "APT::Sandbox::User=root"]);
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("LC_ALL", "C");
        command
    }

    fn get(&self) -> Command {
        self.command("apt-get")
    }

    /// Returns the names of packages with a prefix.
    pub fn names(&self, prefix: &str) -> Result<Vec<String>> {
        let names = run::output(self.command("apt-cache").args(["pkgnames", prefix]))?;
        Ok(String::from_utf8(names)?
            .lines()
            .map(str::to_owned)
            .collect())
    }

    /// Returns the required dependencies of a package as `apt-cache` prints them: alternatives
    /// begin with `|`, and unavailable packages are in angle brackets.
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

    /// Downloads the newest version of a package, unless the cache has it.
    pub fn download(&self, package: &str) -> Result<PathBuf> {
        let directory = self.directory.join("archives");
        let uris = run::output(self.get().args(["download", "--print-uris", package]))
            .with_context(|| format!("package {package} is not available"))?;
        // 'URI' FILE SIZE HASH
        let uris = String::from_utf8(uris)?;
        let file = uris.split_whitespace().nth(1);
        let file =
            directory.join(file.with_context(|| format!("apt-get lists no file of {package}"))?);
        if !file.exists() {
            println!("downloading {package}");
            let mut download = self.get();
            download.args(["download", "--quiet", "--quiet", package]);
            download.current_dir(&directory);
            ensure!(run::succeeds(&mut download)?, "cannot download {package}");
        }
        Ok(file)
    }

    /// Downloads the newest versions of packages into a directory.
    pub fn download_into(&self, directory: &Path, packages: &[impl AsRef<OsStr>]) -> Result<()> {
        fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
        let mut download = self.get();
        download.args(["download", "--quiet", "--quiet"]);
        download.args(packages).current_dir(directory);
        ensure!(
            run::succeeds(&mut download)?,
            "cannot download Debian's packages"
        );
        Ok(())
    }

    /// Installs the backported versions of packages on the machine, without removing others.
    pub fn install(&self, packages: &[&str]) -> Result<()> {
        println!("installing {}", packages.join(" "));
        let mut install = self.get();
        install.args(["install", "--yes", "--quiet", "--quiet", "--no-remove"]);
        install.arg("--no-install-recommends");
        install.arg(format!("--target-release={}-backports", self.release));
        install.args(packages).stdout(Stdio::null());
        ensure!(
            run::succeeds(&mut install)?,
            "cannot install {}; root can",
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
        "cannot unpack {}",
        package.display()
    );
    Ok(())
}
