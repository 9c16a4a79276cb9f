//! `psapi drivers`: the kernel image and its drivers, loaded and built in.

use std::borrow::Cow;
use std::os::unix::ffi::OsStrExt;

use anyhow::Result;
use psapi::{DeviceDriver, DriverKind, DriverState};

use crate::output::{Column, Shape, Value};
use crate::pattern::Pattern;
use crate::session::{Session, say};

/// Options of `psapi drivers`. Without a choice: the kernel image and the loaded ones.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The loaded drivers alone, as lsmod lists
    #[arg(long)]
    loaded: bool,
    /// The drivers that are part of the kernel image
    #[arg(long)]
    builtin: bool,
    /// The kernel image
    #[arg(long)]
    image: bool,
    /// Only drivers of this name: exact, or with `*` and `?`; `-` and `_` are the same
    #[arg(long, short = 'n', value_name = "NAME", value_parser = Pattern::parse)]
    name: Vec<Pattern>,
}

pub fn run(args: &Args, session: &mut Session) -> Result<()> {
    let mut drivers = session.system.device_drivers()?;
    let is_built_in = |driver: &&DeviceDriver| driver.kind == DriverKind::BuiltIn;
    let built_in = drivers.iter().filter(is_built_in).count();
    drivers.retain(|driver| args.wants(driver));
    let columns = columns();
    let columns = session.output.usual(&columns);
    let mut document = session.output.document(None)?;
    document.rows("drivers", &columns, &drivers)?;
    document.end()?;
    if !args.chosen() && built_in > 0 {
        say(format_args!(
            "{built_in} more are built into the kernel image: see --builtin"
        ));
    }
    let hidden = |driver: &&DeviceDriver| {
        driver.kind != DriverKind::BuiltIn && driver.load_address.is_none()
    };
    let hidden = drivers.iter().filter(hidden).count();
    if hidden > 0 {
        say(format_args!(
            "load addresses not shown: {hidden}; a kernel.kptr_restrict of 0 or 1 shows them \
             to CAP_SYSLOG"
        ));
    }
    Ok(())
}

impl Args {
    fn chosen(&self) -> bool {
        self.loaded || self.builtin || self.image || !self.name.is_empty()
    }

    fn wants(&self, driver: &DeviceDriver) -> bool {
        let kind = match driver.kind {
            DriverKind::KernelImage => self.image,
            DriverKind::BuiltIn => self.builtin,
            _ => self.loaded,
        };
        let any_kind = !(self.loaded || self.builtin || self.image);
        let usual = driver.kind != DriverKind::BuiltIn || !self.name.is_empty();
        let name: Vec<u8> = driver.name.as_bytes().iter().copied().map(plain).collect();
        let named = |pattern: &Pattern| pattern.map(plain).matches(&name);
        (kind || any_kind && usual) && (self.name.is_empty() || self.name.iter().any(named))
    }
}

/// The kernel takes `-` and `_` for the same in names of drivers.
fn plain(byte: u8) -> u8 {
    if byte == b'-' { b'_' } else { byte }
}

fn columns() -> [Column<DeviceDriver>; 10] {
    [
        column(("name", "NAME", "name"), Shape::Name, |driver| {
            Value::text(&driver.name)
        }),
        column(("kind", "KIND", "kind"), Shape::Word, |driver| {
            Value::Word(match driver.kind {
                DriverKind::KernelImage => "image",
                DriverKind::Loadable => "loaded",
                DriverKind::BuiltIn => "built-in",
                _ => "other",
            })
        }),
        column(
            ("address", "ADDRESS", "load_address"),
            Shape::Number,
            |driver| driver.load_address.map_or(Value::Unknown, Value::Address),
        ),
        column(("size", "SIZE", "size_bytes"), Shape::Number, |driver| {
            driver.size.map_or(Value::Unknown, Value::Bytes)
        }),
        column(
            ("references", "REFS", "references"),
            Shape::Number,
            |driver| driver.references.map_or(Value::Unknown, Value::Count),
        ),
        column(("state", "STATE", "state"), Shape::Word, |driver| {
            Value::Word(match driver.state {
                DriverState::Live => "live",
                DriverState::Loading => "loading",
                DriverState::Unloading => "unloading",
                _ => "other",
            })
        }),
        column(
            ("permanent", "PERMANENT", "permanent"),
            Shape::Word,
            |driver| Value::Flag(driver.permanent),
        )
        .in_table_if(false),
        column(("taint", "TAINT", "taint"), Shape::Word, |driver| {
            Value::Text(Cow::Borrowed(driver.taint.as_bytes()))
        }),
        column(
            ("users", "USED BY", "users"),
            Shape::Name,
            |driver| match driver.users.is_empty() {
                true => Value::Unknown,
                false => Value::Names(driver.users.iter().map(|user| user.as_bytes()).collect()),
            },
        ),
        column(("file", "FILE", "file"), Shape::Path, |driver| {
            driver.file.as_deref().map_or(Value::Unknown, Value::path)
        }),
    ]
}

fn column(
    names: (&'static str, &'static str, &'static str),
    shape: Shape,
    value: for<'r> fn(&'r DeviceDriver) -> Value<'r>,
) -> Column<DeviceDriver> {
    Column::new(names, shape, "", value)
}
