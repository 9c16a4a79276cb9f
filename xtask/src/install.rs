//! `cargo xtask install`: installs the C library for C programs. The layout is that of `cargo
//! cinstall`, but the package `cargo-c` is not needed.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::run::{self, cargo, root};
use crate::static_library;

/// The directories to install to.
#[derive(Debug)]
struct Layout {
    prefix: PathBuf,
    libraries: PathBuf,
    /// A directory below which all files are written, for packages. No file mentions it.
    destination: Option<PathBuf>,
}

/// Builds and installs the library. Returns false if the build fails.
pub fn run(arguments: &[String]) -> Result<bool> {
    let layout = parse(arguments)?;
    if !run::succeeds(&mut cargo(["build", "--release", "--package", "libpsapi"]))? {
        return Ok(false);
    }
    let metadata = metadata()?;
    let package = package(&metadata)?;
    let version = package["metadata"]["capi"]["library"]["version"]
        .as_str()
        .context("the manifest of libpsapi has no version of the C library")?;
    let target = metadata["target_directory"].as_str();
    let built =
        Path::new(target.context("cargo metadata lists no target directory")?).join("release");

    let real = format!("libpsapi.so.{version}");
    let abi = version.split('.').next().unwrap_or(version);
    layout.copy(
        &built.join("libpsapi.so"),
        &layout.libraries.join(&real),
        0o755,
    )?;
    for link in [format!("libpsapi.so.{abi}"), "libpsapi.so".into()] {
        layout.link(&real, &layout.libraries.join(link))?;
    }
    let scratch = tempfile::tempdir().context("cannot create a temporary directory")?;
    let archive = scratch.path().join("libpsapi.a");
    static_library::write(&built, &archive)?;
    layout.copy(&archive, &layout.libraries.join("libpsapi.a"), 0o644)?;
    let headers = layout.prefix.join("include/psapi");
    for header in headers_of(&root().join("capi/include/psapi"))? {
        let to = headers.join(header.file_name().unwrap_or_default());
        layout.copy(&header, &to, 0o644)?;
    }
    let description = package["metadata"]["capi"]["pkgconfig"]["description"].as_str();
    let text = pkg_config(
        &layout,
        description.unwrap_or_default(),
        package["version"].as_str().unwrap_or_default(),
    );
    let to = layout.libraries.join("pkgconfig/psapi.pc");
    layout.write(text.as_bytes(), &to, 0o644)?;
    Ok(true)
}

fn parse(arguments: &[String]) -> Result<Layout> {
    let (mut prefix, mut libraries, mut destination) = (PathBuf::from("/usr/local"), None, None);
    let mut arguments = arguments.iter();
    while let Some(option) = arguments.next() {
        let (option, value) = match option.split_once('=') {
            Some((option, value)) => (option, Some(value)),
            None => (option.as_str(), arguments.next().map(String::as_str)),
        };
        let value = || {
            let value = value.with_context(|| format!("{option} needs a directory"))?;
            std::path::absolute(value).with_context(|| value.to_owned())
        };
        match option {
            "--prefix" => prefix = value()?,
            "--libdir" => libraries = Some(value()?),
            "--destdir" => destination = Some(value()?),
            _ => bail!("unknown option {option}; options are: --prefix, --libdir, --destdir"),
        }
    }
    Ok(Layout {
        libraries: libraries.unwrap_or_else(|| prefix.join("lib")),
        prefix,
        destination,
    })
}

impl Layout {
    /// Returns the path at which a file is written, below `destination` if there is one. Creates
    /// its directory.
    fn prepared_path(&self, path: &Path) -> Result<PathBuf> {
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

    /// Writes a file under a temporary name and renames it, so that running programs keep the old
    /// one.
    fn write(&self, bytes: &[u8], to: &Path, mode: u32) -> Result<()> {
        let to = self.prepared_path(to)?;
        let context = || to.display().to_string();
        let new = to.with_extension("new");
        fs::write(&new, bytes).with_context(context)?;
        fs::set_permissions(&new, Permissions::from_mode(mode)).with_context(context)?;
        fs::rename(&new, &to).with_context(context)?;
        println!("{}", to.display());
        Ok(())
    }

    fn link(&self, to: &str, link: &Path) -> Result<()> {
        let link = self.prepared_path(link)?;
        let context = || link.display().to_string();
        let new = link.with_extension("new");
        let _ = fs::remove_file(&new);
        symlink(to, &new).with_context(context)?;
        fs::rename(&new, &link).with_context(context)?;
        println!("{} -> {to}", link.display());
        Ok(())
    }
}

/// Returns the text of `psapi.pc`. Besides libc, the static library needs the libraries for threads
/// and `dlopen`, which were separate before glibc 2.34.
fn pkg_config(layout: &Layout, description: &str, version: &str) -> String {
    let libraries = match layout.libraries.strip_prefix(&layout.prefix) {
        Ok(within) => format!("${{prefix}}/{}", within.display()),
        Err(_) => layout.libraries.display().to_string(),
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
        layout.prefix.display()
    )
}

/// Lists the headers of a directory, sorted by name.
fn headers_of(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory).with_context(|| directory.display().to_string())?;
    let mut headers: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    let is_header = |path: &PathBuf| {
        let extension = path.extension();
        extension.is_some_and(|extension| extension.eq_ignore_ascii_case("h"))
    };
    headers.retain(is_header);
    headers.sort();
    Ok(headers)
}

/// Returns the metadata of the C library's package.
fn package(metadata: &Value) -> Result<&Value> {
    let packages = metadata["packages"].as_array();
    let mut packages = packages.into_iter().flatten();
    packages
        .find(|package| package["name"] == "libpsapi")
        .context("cargo metadata lists no package libpsapi")
}

fn metadata() -> Result<Value> {
    let mut command = cargo(["metadata", "--format-version=1", "--no-deps"]);
    serde_json::from_slice(&run::output(&mut command)?).context("output of cargo metadata")
}
