//! `cargo xtask install`: puts the C library where C programs find it, as `cargo cinstall` of the
//! package `cargo-c` does, with nothing but cargo.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::run::{self, cargo, root};

/// Where things go.
#[derive(Debug)]
struct Places {
    prefix: PathBuf,
    libraries: PathBuf,
    /// Put before all paths when files are written, and in none of them: for packages.
    destination: Option<PathBuf>,
}

pub fn run(arguments: &[String]) -> Result<bool> {
    let places = places(arguments)?;
    if !run::succeeds(&mut cargo(["build", "--release", "--package", "libpsapi"]))? {
        return Ok(false);
    }
    let metadata = metadata()?;
    let package = package(&metadata)?;
    let version = package["metadata"]["capi"]["library"]["version"]
        .as_str()
        .context("the version of the C library")?;
    let target = metadata["target_directory"].as_str();
    let built = Path::new(target.context("where cargo builds")?).join("release");

    let real = format!("libpsapi.so.{version}");
    let abi = version.split('.').next().unwrap_or(version);
    places.copy(
        &built.join("libpsapi.so"),
        &places.libraries.join(&real),
        0o755,
    )?;
    for link in [format!("libpsapi.so.{abi}"), "libpsapi.so".into()] {
        places.link(&real, &places.libraries.join(link))?;
    }
    places.copy(
        &built.join("libpsapi.a"),
        &places.libraries.join("libpsapi.a"),
        0o644,
    )?;
    let headers = places.prefix.join("include/psapi");
    for header in headers_of(&root().join("capi/include/psapi"))? {
        let to = headers.join(header.file_name().unwrap_or_default());
        places.copy(&header, &to, 0o644)?;
    }
    let description = package["metadata"]["capi"]["pkgconfig"]["description"].as_str();
    let text = pkg_config(
        &places,
        description.unwrap_or_default(),
        package["version"].as_str().unwrap_or_default(),
    );
    let to = places.libraries.join("pkgconfig/psapi.pc");
    places.write(text.as_bytes(), &to, 0o644)?;
    Ok(true)
}

fn places(arguments: &[String]) -> Result<Places> {
    let (mut prefix, mut libraries, mut destination) = (PathBuf::from("/usr/local"), None, None);
    let mut arguments = arguments.iter();
    while let Some(option) = arguments.next() {
        let (option, value) = match option.split_once('=') {
            Some((option, value)) => (option, Some(value)),
            None => (option.as_str(), arguments.next().map(String::as_str)),
        };
        let value = || {
            let value = value.with_context(|| format!("{option} DIR"))?;
            std::path::absolute(value).with_context(|| value.to_owned())
        };
        match option {
            "--prefix" => prefix = value()?,
            "--libdir" => libraries = Some(value()?),
            "--destdir" => destination = Some(value()?),
            _ => bail!("there is no option {option}; there are: --prefix, --libdir, --destdir"),
        }
    }
    Ok(Places {
        libraries: libraries.unwrap_or_else(|| prefix.join("lib")),
        prefix,
        destination,
    })
}

impl Places {
    /// Where a file is written, with the directories that it needs.
    fn written(&self, path: &Path) -> Result<PathBuf> {
        let path = match &self.destination {
            Some(destination) => destination.join(path.strip_prefix("/").unwrap_or(path)),
            None => path.to_owned(),
        };
        let directory = path.parent().unwrap_or(&path);
        fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
        Ok(path)
    }

    fn copy(&self, from: &Path, to: &Path, mode: u32) -> Result<()> {
        let bytes = fs::read(from).with_context(|| from.display().to_string())?;
        self.write(&bytes, to, mode)
    }

    /// In place of what is there: who uses that goes on with it.
    fn write(&self, bytes: &[u8], to: &Path, mode: u32) -> Result<()> {
        let to = self.written(to)?;
        let context = || to.display().to_string();
        let new = to.with_extension("new");
        fs::write(&new, bytes).with_context(context)?;
        fs::set_permissions(&new, Permissions::from_mode(mode)).with_context(context)?;
        fs::rename(&new, &to).with_context(context)?;
        println!("{}", to.display());
        Ok(())
    }

    fn link(&self, to: &str, link: &Path) -> Result<()> {
        let link = self.written(link)?;
        let context = || link.display().to_string();
        let new = link.with_extension("new");
        let _ = fs::remove_file(&new);
        symlink(to, &new).with_context(context)?;
        fs::rename(&new, &link).with_context(context)?;
        println!("{} -> {to}", link.display());
        Ok(())
    }
}

/// What is linked with the static library, too, is what the C compiler links with anything, but for
/// what was apart from the C library before glibc 2.34.
fn pkg_config(places: &Places, description: &str, version: &str) -> String {
    let libraries = match places.libraries.strip_prefix(&places.prefix) {
        Ok(within) => format!("${{prefix}}/{}", within.display()),
        Err(_) => places.libraries.display().to_string(),
    };
    format!(
        "prefix={}\n\
         libdir={libraries}\n\
         includedir=${{prefix}}/include\n\
         \n\
         Name: psapi\n\
         Description: {description}\n\
         Version: {version}\n\
         Cflags: -I${{includedir}}/psapi\n\
         Libs: -L${{libdir}} -lpsapi\n\
         Libs.private: -lpthread -ldl\n",
        places.prefix.display()
    )
}

/// By name.
fn headers_of(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory).with_context(|| directory.display().to_string())?;
    let mut headers: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    headers.retain(|path| path.extension().is_some_and(|extension| extension == "h"));
    headers.sort();
    Ok(headers)
}

/// What cargo knows of the C library's package.
fn package(metadata: &Value) -> Result<&Value> {
    let packages = metadata["packages"].as_array();
    let mut packages = packages.into_iter().flatten();
    packages
        .find(|package| package["name"] == "libpsapi")
        .context("cargo knows no package libpsapi")
}

fn metadata() -> Result<Value> {
    let mut command = cargo(["metadata", "--format-version=1", "--no-deps"]);
    serde_json::from_slice(&run::output(&mut command)?).context("what cargo says")
}
