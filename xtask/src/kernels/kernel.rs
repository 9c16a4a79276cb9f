//! The kernels: which, from which packages, and what of them goes into a guest.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use super::apt::{self, Apt};
use crate::run;

/// A kernel that must run: of the first of its series that there is, the newest.
#[derive(Debug, Clone, Copy)]
pub struct Required {
    pub name: &'static str,
    series: &'static [&'static str],
}

pub const REQUIRED: &[Required] = &[
    Required {
        name: "5.10",
        series: &["5.10"],
    },
    Required {
        name: "6.1",
        series: &["6.1"],
    },
    Required {
        name: "6.12",
        series: &["6.12"],
    },
    Required {
        name: "6.16",
        series: &["6.19", "6.18", "6.17", "6.16"],
    },
    Required {
        name: "7",
        series: &["7"],
    },
];

/// The one of these that a version is of: `6.1`, `6.18`, `7.3`.
pub fn named(version: &str) -> Result<Required> {
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
        .with_context(|| format!("no kernel {version} is tried; there are {}", names()))
}

/// The drivers that the tests load, and those that the guest needs; with all that they need.
const DRIVERS: &[&str] = &[
    "9p",
    "9pnet_virtio",
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

/// This one is compressed on each kernel.
const COMPRESSED: &str = "dummy";

/// What of the cache says which drivers were kept.
const KEPT: &str = "drivers";

/// A kernel, unpacked.
#[derive(Debug)]
pub struct Kernel {
    /// As `uname -r` has it.
    pub release: String,
    pub image: PathBuf,
    /// What goes to `/usr/lib/modules/RELEASE`.
    pub modules: PathBuf,
}

impl Kernel {
    /// The newest that Debian has, in the cache.
    pub fn newest_of(required: &Required, apt: &Apt, cache: &Path) -> Result<Self> {
        let (release, parts) = newest(required.series, apt)?;
        let place = cache.join("kernels").join(&release);
        let kernel = Kernel {
            image: place.join("vmlinuz"),
            modules: place.join("modules"),
            release,
        };
        // Or it was prepared when other drivers were wanted.
        let drivers = fs::read_to_string(place.join(KEPT)).unwrap_or_default();
        if drivers != DRIVERS.join(" ") {
            if place.exists() {
                fs::remove_dir_all(&place).with_context(|| place.display().to_string())?;
            }
            kernel.prepare(&parts, apt, &place)?;
        }
        Ok(kernel)
    }

    /// The first two numbers of its release.
    pub fn version(&self) -> Option<(u32, u32)> {
        let mut numbers = self.release.split(['.', '-', '+']);
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    }

    /// Unpacks the packages and keeps what is needed; complete or not at all.
    fn prepare(&self, packages: &[String], apt: &Apt, place: &Path) -> Result<()> {
        let parent = place.parent().context("the cache")?;
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
            "the files of {} are in two places",
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
        let image = image.with_context(|| format!("{packages:?} have no kernel image"))?;

        compress(&all)?;
        let mut depmod = Command::new("depmod");
        depmod.arg("-b").arg(whole.path()).arg(&self.release);
        ensure!(run::succeeds(&mut depmod)?, "depmod");

        let kept = TempDir::new_in(parent)?;
        fs::copy(image, kept.path().join("vmlinuz"))?;
        keep_needed(&all, &kept.path().join("modules"))?;
        fs::write(kept.path().join(KEPT), DRIVERS.join(" "))?;
        fs::rename(kept.keep(), place).with_context(|| place.display().to_string())
    }
}

/// The release of the newest kernel of the first of these series whose packages can all be had, and these.
fn newest(series: &[&str], apt: &Apt) -> Result<(String, Vec<String>)> {
    let names = apt.names("linux-image-")?;
    for series in series {
        let mut releases: Vec<&str> = names
            .iter()
            .filter_map(|name| name.strip_prefix("linux-image-"))
            .filter(|release| is_of(release, series))
            .collect();
        releases.sort_by_key(|release| std::cmp::Reverse(numbers(release)));
        for release in releases {
            if let Some(packages) = packages(release, apt)? {
                return Ok((release.into(), packages));
            }
        }
    }
    anyhow::bail!(
        "Debian has no kernel {} for amd64 any more",
        series.join(" or ")
    )
}

/// Whether a release is one of a series, for common machines: no cloud's, no real-time one.
fn is_of(release: &str, series: &str) -> bool {
    let rest = release
        .strip_prefix(series)
        .and_then(|rest| rest.strip_suffix("-amd64"));
    rest.is_some_and(|rest| {
        rest.starts_with('.') && !rest.ends_with("-cloud") && !rest.ends_with("-rt")
    })
}

/// The numbers of a release, which order releases.
fn numbers(release: &str) -> Vec<u64> {
    let parts = release.split(|character: char| !character.is_ascii_digit());
    parts.filter_map(|part| part.parse().ok()).collect()
}

/// The packages that a kernel's files are in. `None`: some are not to be had.
fn packages(release: &str, apt: &Apt) -> Result<Option<Vec<String>>> {
    let mut packages = vec![format!("linux-image-{release}")];
    for name in apt.dependencies(&packages[0])? {
        // Those that can't be had are in angle brackets.
        let plain = name.trim_matches(['<', '>']);
        if plain.starts_with("linux-") && plain.ends_with(release) {
            match plain == name {
                true => packages.push(name),
                // It has no file that the image needs.
                false if plain.starts_with("linux-base-") => {}
                false => return Ok(None),
            }
        }
    }
    Ok(Some(packages))
}

/// Compresses the driver that is to be compressed, where none is.
fn compress(modules: &Path) -> Result<()> {
    let mut find = Command::new("find");
    find.arg(modules)
        .args(["-name", &format!("{COMPRESSED}.ko")]);
    let found = String::from_utf8(run::output(&mut find)?)?;
    for file in found.lines() {
        // What the kernel can read, too.
        let mut xz = Command::new("xz");
        xz.args(["--check=crc32", "--lzma2=dict=1MiB", file]);
        ensure!(run::succeeds(&mut xz)?, "xz {file}");
    }
    Ok(())
}

/// Copies the drivers, what they need, and the lists of them.
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
        fs::create_dir_all(to.parent().context("a directory")?)?;
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
    use super::{is_of, numbers};

    #[test]
    fn a_series_is_no_prefix_of_a_number() {
        assert!(is_of("6.1.0-56-amd64", "6.1"));
        assert!(!is_of("6.12.117+deb12-amd64", "6.1"));
        assert!(is_of("7.3.4+deb13-amd64", "7"));
        assert!(!is_of("6.1.0-56-amd64-unsigned", "6.1"));
        assert!(!is_of("6.1.0-56-cloud-amd64", "6.1"));
        assert!(!is_of("6.1.0-56-rt-amd64", "6.1"));
    }

    #[test]
    fn releases_are_ordered_by_their_numbers() {
        assert!(numbers("6.12.117+deb12-amd64") > numbers("6.12.95+deb12-amd64"));
        assert!(numbers("6.1.0-56-amd64") > numbers("6.1.0-0.deb11.52-amd64"));
    }
}
