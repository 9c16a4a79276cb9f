//! Chooses the kernels, downloads their packages, and keeps the parts that guests need.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use super::expectations::User;
use crate::apt::{self, Apt};
use crate::run;

/// A kernel to test: the newest one of the first available series.
#[derive(Debug, Clone, Copy)]
pub struct Required {
    pub name: &'static str,
    series: &'static [&'static str],
    /// The users that run the tests on this kernel in CI, which measures privileges on all kernels.
    /// On the newest, `nobody` gets the answers of the machine itself, where the step
    /// `unprivileged` runs.
    pub users_in_ci: &'static [User],
}

pub const REQUIRED: &[Required] = &[
    Required {
        name: "5.10",
        series: &["5.10"],
        users_in_ci: &User::ALL,
    },
    Required {
        name: "6.1",
        series: &["6.1"],
        users_in_ci: &[],
    },
    Required {
        name: "6.12",
        series: &["6.12"],
        users_in_ci: &[],
    },
    Required {
        name: "6.16",
        series: &["6.19", "6.18", "6.17", "6.16"],
        users_in_ci: &[],
    },
    Required {
        name: "7",
        series: &["7"],
        users_in_ci: &[User::Root],
    },
];

/// Finds the kernel to test for a version such as `6.1`, `6.18` or `7.3`.
pub fn find(version: &str) -> Result<Required> {
    let is = |series: &&str| version == *series || version.starts_with(&format!("{series}."));
    let required = REQUIRED
        .iter()
        .find(|required| required.series.iter().any(is));
    let names = || {
        let series = REQUIRED
            .iter()
            .flat_map(|required| required.series)
            .copied();
        series.collect::<Vec<_>>().join(", ")
    };
    required
        .copied()
        .with_context(|| format!("unknown kernel {version}; kernels are: {}", names()))
}

/// The drivers that tests or guests load. Their dependencies are added.
const DRIVERS: &[&str] = &[
    "9p",
    "9pnet_virtio",
    "btrfs",
    "crc32c_generic",
    "dummy",
    "ext4",
    "loop",
    "overlay",
    "veth",
    "virtio_blk",
    "virtio_pci",
    "zram",
];

/// A driver that is compressed for each kernel, so that tests read a compressed one.
const COMPRESSED: &str = "dummy";

/// The file in the cache that lists the drivers of an unpacked kernel.
const DRIVER_LIST: &str = "drivers";

/// A kernel, unpacked.
#[derive(Debug)]
pub struct Kernel {
    /// As `uname -r` prints it.
    pub release: String,
    pub image: PathBuf,
    /// The files for `/usr/lib/modules/RELEASE`.
    pub modules: PathBuf,
}

impl Kernel {
    /// Returns the newest kernel that Debian has, and unpacks it into the cache if necessary.
    pub fn newest_of(required: &Required, apt: &Apt, cache: &Path) -> Result<Self> {
        let (release, parts) = newest(required.series, apt)?;
        let directory = cache.join("kernels").join(&release);
        let kernel = Kernel {
            image: directory.join("vmlinuz"),
            modules: directory.join("modules"),
            release,
        };
        // An earlier run can have unpacked another set of drivers.
        let drivers = fs::read_to_string(directory.join(DRIVER_LIST)).unwrap_or_default();
        if drivers != DRIVERS.join(" ") {
            if directory.exists() {
                fs::remove_dir_all(&directory).with_context(|| directory.display().to_string())?;
            }
            kernel.prepare(&parts, apt, &directory)?;
        }
        Ok(kernel)
    }

    /// Returns the first two numbers of the release.
    pub fn version(&self) -> Option<(u32, u32)> {
        let mut numbers = self.release.split(['.', '-', '+']);
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    }

    /// Unpacks the packages and keeps the needed files. The final name appears only on success.
    fn prepare(&self, packages: &[String], apt: &Apt, directory: &Path) -> Result<()> {
        let parent = directory.parent().context("the cache has no directory")?;
        fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
        let whole = TempDir::new_in(parent)?;
        for package in packages {
            apt::unpack(&apt.download(package)?, whole.path())?;
        }
        let (usr, lib) = (whole.path().join("usr/lib"), whole.path().join("lib"));
        if !lib.exists() {
            std::os::unix::fs::symlink("usr/lib", &lib)?;
        }
        ensure!(
            lib.join("modules").is_dir() || !usr.join("modules").is_dir(),
            "{} has files in both /lib and /usr/lib",
            self.release
        );
        let all = lib.join("modules").join(&self.release);
        let images = [
            whole
                .path()
                .join("boot")
                .join(format!("vmlinuz-{}", self.release)),
            all.join("vmlinuz"),
        ];
        let image = images.iter().find(|image| image.exists());
        let image = image.with_context(|| format!("no kernel image in {packages:?}"))?;

        compress(&all)?;
        let mut depmod = Command::new("depmod");
        depmod.arg("-b").arg(whole.path()).arg(&self.release);
        ensure!(run::succeeds(&mut depmod)?, "depmod failed");

        let kept = TempDir::new_in(parent)?;
        fs::copy(image, kept.path().join("vmlinuz"))?;
        keep_needed(&all, &kept.path().join("modules"))?;
        fs::write(kept.path().join(DRIVER_LIST), DRIVERS.join(" "))?;
        fs::rename(kept.keep(), directory).with_context(|| directory.display().to_string())
    }
}

/// Returns the newest release of the first series that has one with all packages, and the packages.
fn newest(series: &[&str], apt: &Apt) -> Result<(String, Vec<String>)> {
    let names = apt.names("linux-image-")?;
    for series in series {
        let mut releases: Vec<&str> = names
            .iter()
            .filter_map(|name| name.strip_prefix("linux-image-"))
            .filter(|release| is_in_series(release, series))
            .collect();
        releases.sort_by_key(|release| std::cmp::Reverse(numbers(release)));
        for release in releases {
            if let Some(packages) = packages(release, apt)? {
                return Ok((release.into(), packages));
            }
        }
    }
    anyhow::bail!(
        "Debian no longer has a kernel {} for amd64",
        series.join(" or ")
    )
}

/// Returns true if a release belongs to a series and is a general one: not for clouds, not
/// real-time.
fn is_in_series(release: &str, series: &str) -> bool {
    let rest = release
        .strip_prefix(series)
        .and_then(|rest| rest.strip_suffix("-amd64"));
    rest.is_some_and(|rest| {
        rest.starts_with('.') && !rest.ends_with("-cloud") && !rest.ends_with("-rt")
    })
}

/// Returns the numbers in a release, which sort releases by age.
fn numbers(release: &str) -> Vec<u64> {
    let parts = release.split(|character: char| !character.is_ascii_digit());
    parts.filter_map(|part| part.parse().ok()).collect()
}

/// Returns the packages with a kernel's files, or `None` if one of them is not available.
fn packages(release: &str, apt: &Apt) -> Result<Option<Vec<String>>> {
    let mut packages = vec![format!("linux-image-{release}")];
    for name in apt.dependencies(&packages[0])? {
        // Unavailable packages are in angle brackets.
        let plain = name.trim_matches(['<', '>']);
        if plain.starts_with("linux-") && plain.ends_with(release) {
            if plain == name {
                packages.push(name);
            } else if !plain.starts_with("linux-base-") {
                // Guests need all of these packages, except for `linux-base-`.
                return Ok(None);
            }
        }
    }
    Ok(Some(packages))
}

/// Compresses one driver, unless the package already has it compressed.
fn compress(modules: &Path) -> Result<()> {
    let mut find = Command::new("find");
    find.arg(modules)
        .args(["-name", &format!("{COMPRESSED}.ko")]);
    let found = String::from_utf8(run::output(&mut find)?)?;
    for file in found.lines() {
        // The settings that the kernel's own decompressor supports.
        let mut xz = Command::new("xz");
        xz.args(["--check=crc32", "--lzma2=dict=1MiB", file]);
        ensure!(run::succeeds(&mut xz)?, "cannot compress {file}");
    }
    Ok(())
}

/// Copies the drivers, their dependencies, and the lists of drivers.
fn keep_needed(all: &Path, kept: &Path) -> Result<()> {
    let list = all.join("modules.dep");
    let list = fs::read_to_string(&list).with_context(|| list.display().to_string())?;
    let lines: Vec<(&str, &str)> = list
        .lines()
        .filter_map(|line| line.split_once(':'))
        .collect();
    let name = |path: &str| {
        let file = path.rsplit('/').next().unwrap_or(path);
        file.split('.').next().unwrap_or(file).replace('-', "_")
    };
    let mut files = BTreeSet::new();
    for (file, needed) in &lines {
        if DRIVERS.contains(&name(file).as_str()) {
            files.insert(*file);
            files.extend(needed.split_whitespace());
        }
    }
    let copy = |file: &str| {
        let to = kept.join(file);
        fs::create_dir_all(to.parent().context("a driver has no directory")?)?;
        fs::copy(all.join(file), &to).with_context(|| to.display().to_string())?;
        anyhow::Ok(())
    };
    for file in &files {
        copy(file)?;
    }
    for list in [
        "modules.builtin",
        "modules.builtin.modinfo",
        "modules.order",
    ] {
        if all.join(list).exists() {
            copy(list)?;
        }
    }
    let lines = lines.iter().filter(|(file, _)| files.contains(file));
    let lines: String = lines
        .map(|(file, needed)| format!("{file}:{needed}\n"))
        .collect();
    fs::write(kept.join("modules.dep"), lines)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{is_in_series, numbers};

    #[test]
    fn series_matches_whole_numbers() {
        assert!(is_in_series("6.1.0-56-amd64", "6.1"));
        assert!(!is_in_series("6.12.117+deb12-amd64", "6.1"));
        assert!(is_in_series("7.3.4+deb13-amd64", "7"));
        assert!(!is_in_series("6.1.0-56-amd64-unsigned", "6.1"));
        assert!(!is_in_series("6.1.0-56-cloud-amd64", "6.1"));
        assert!(!is_in_series("6.1.0-56-rt-amd64", "6.1"));
    }

    #[test]
    fn releases_sort_by_number() {
        assert!(numbers("6.12.117+deb12-amd64") > numbers("6.12.95+deb12-amd64"));
        assert!(numbers("6.1.0-56-amd64") > numbers("6.1.0-0.deb11.52-amd64"));
    }
}
