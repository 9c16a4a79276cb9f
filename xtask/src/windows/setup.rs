//! Sets up the toolchain and Wine in the cache, unless an earlier run did.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::places::Places;
use super::{packages, toolchain, wine};
use crate::run::{self, find};

/// Returns why this machine cannot run the steps.
pub fn obstacle() -> Option<String> {
    if !cfg!(target_arch = "x86_64") {
        return Some("Wine needs x86-64".into());
    }
    if find("apt-get").is_none() {
        return Some("the toolchain and Wine come from Debian's packages".into());
    }
    if find("cargo-nextest").is_none() {
        return Some("cargo-nextest, which runs tests under Wine, is missing".into());
    }
    None
}

/// Sets up what is missing.
pub fn provide() -> Result<Places> {
    let cache = run::cache("psapi-windows")?;
    let places = Places {
        toolchain: cache.join("toolchain"),
        wine: cache.join("wine"),
        prefix: cache.join("prefix"),
    };
    // The file is written last, and names everything that went into the cache.
    let mark = cache.join("ready");
    let contents = format!("{}\n{}", packages::names(), wine::names());
    if fs::read_to_string(&mark).is_ok_and(|text| text == contents) {
        return Ok(places);
    }
    remove(&cache)?;
    println!("unpacking Debian's packages into {}", cache.display());
    for directory in [&places.toolchain, &places.wine] {
        fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    }
    packages::unpack(&cache, &places.toolchain, &places.wine)?;
    toolchain::complete(&places.toolchain)?;
    wine::complete(&places)?;
    fs::write(&mark, contents).context("cannot mark the cache as complete")?;
    Ok(places)
}

fn remove(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| directory.display().to_string())
        }
        _ => Ok(()),
    }
}
