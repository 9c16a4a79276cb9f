//! `psapi drivers`: the kernel image and its drivers, loaded and built in.

use anyhow::Result;
use psapi::{DeviceDriver, DriverKind, DriverState};

use crate::output::{Column, Value, columns};
use crate::pattern::Pattern;
use crate::session::{Session, warn};
use crate::sys::{self, texts};

/// Options of `psapi drivers`. By default, it lists the kernel image and the loaded drivers.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// List only loaded drivers, like lsmod
    #[arg(long)]
    loaded: bool,
    /// List only drivers built into the kernel image
    #[arg(long)]
    builtin: bool,
    /// List only the kernel image
    #[arg(long)]
    image: bool,
    /// List only drivers with this name; `*` and `?` are wildcards, `-` and `_` are equivalent
    #[arg(long, short = 'n', value_name = "NAME", value_parser = Pattern::parse)]
    name: Vec<Pattern>,
}

pub fn run(args: &Args, session: &mut Session) -> Result<()> {
    let mut drivers = session.system.device_drivers()?;
    let is_built_in = |driver: &&DeviceDriver| driver.kind == DriverKind::BuiltIn;
    let built_in = drivers.iter().filter(is_built_in).count();
    drivers.retain(|driver| args.wants(driver));
    let columns = columns();
    let columns = session.output.visible(&columns);
    let mut document = session.output.document(None)?;
    document.rows_if_any("drivers", &columns, &drivers)?;
    document.end()?;
    for name in &args.name {
        if !drivers.iter().any(|driver| is_called(driver, name)) {
            session.report(format_args!("no driver matches {}", name.text()));
        }
    }
    if !args.are_given() && built_in > 0 {
        warn(format_args!(
            "{built_in} more drivers are built into the kernel image; --builtin lists them"
        ));
    }
    let hidden = |driver: &&DeviceDriver| {
        driver.kind != DriverKind::BuiltIn && driver.load_address.is_none()
    };
    let hidden = drivers.iter().filter(hidden).count();
    if hidden > 0 {
        warn(format_args!(
            "the kernel hides load addresses; {}{}",
            texts::HIDDEN_ADDRESSES,
            sys::privilege(&[texts::ADDRESS_PRIVILEGE])
        ));
    }
    Ok(())
}

impl Args {
    /// Returns true if any option selects drivers.
    fn are_given(&self) -> bool {
        self.loaded || self.builtin || self.image || !self.name.is_empty()
    }

    fn wants(&self, driver: &DeviceDriver) -> bool {
        let kind = match driver.kind {
            DriverKind::KernelImage => self.image,
            DriverKind::BuiltIn => self.builtin,
            _ => self.loaded,
        };
        let any_kind = !(self.loaded || self.builtin || self.image);
        let by_default = driver.kind != DriverKind::BuiltIn || !self.name.is_empty();
        let is_named = |name| is_called(driver, name);
        (kind || any_kind && by_default) && (self.name.is_empty() || self.name.iter().any(is_named))
    }
}

fn is_called(driver: &DeviceDriver, name: &Pattern) -> bool {
    let name = Pattern::new(&sys::driver_name(name.as_os_str()));
    name.matches(sys::driver_name(&driver.name).as_encoded_bytes())
}

fn columns() -> Vec<Column<DeviceDriver>> {
    columns! { driver: DeviceDriver;
        "name"       "NAME"      "name"         Name:   Value::text(&driver.name), priority 9;
        "kind"       "KIND"      "kind"         Word:   kind(driver), priority 7;
        "address"    "ADDRESS"   "load_address" Number: driver.load_address.map_or(Value::Unknown, Value::Address), priority 8;
        "size"       "SIZE"      "size_bytes"   Number: Value::bytes(driver.size), priority 7;
        "references" "REFS"      "references"   Number: driver.references.map_or(Value::Unknown, Value::Count), priority 4;
        "state"      "STATE"     "state"        Word:   state(driver);
        "permanent"  "PERMANENT" "permanent"    Word:   driver.permanent.map_or(Value::Unknown, Value::Flag), if false;
        "taint"      "TAINT"     "taint"        Word:   Value::Text(driver.taint.as_bytes().into()), priority 3;
        "users"      "USED BY"   "users"        Name:   users(driver), priority 4;
        "file"       "FILE"      "file"         Path:   driver.file.as_deref().map_or(Value::Unknown, Value::path), priority 6;
    }
}

fn kind(driver: &DeviceDriver) -> Value<'_> {
    Value::Word(match driver.kind {
        DriverKind::KernelImage => "image",
        DriverKind::Loadable => "loaded",
        DriverKind::BuiltIn => "built-in",
        _ => "other",
    })
}

fn state(driver: &DeviceDriver) -> Value<'_> {
    Value::Word(match driver.state {
        DriverState::Live => "live",
        DriverState::Loading => "loading",
        DriverState::Unloading => "unloading",
        _ => "other",
    })
}

fn users(driver: &DeviceDriver) -> Value<'_> {
    if driver.users.is_empty() {
        return Value::Unknown;
    }
    Value::Names(
        driver
            .users
            .iter()
            .map(|user| user.as_encoded_bytes())
            .collect(),
    )
}
