//! Device drivers: `SystemModuleInformationEx`.

use super::buffer::Buffer;
use super::class::SystemClass;
use super::layouts::reader::Width;
use super::layouts::rtl_process_module_information_ex::entries;
use super::nt;
use super::system::System;
use super::text;
use crate::driver::{DeviceDriver, DriverKind, DriverState};
use crate::error::SourceError;

/// Lists the kernel and the loaded drivers, in load order. Windows has no other ones.
pub(crate) fn device_drivers(system: &System) -> Result<Vec<DeviceDriver>, SourceError> {
    loaded_drivers(system)
}

/// Lists the kernel and the loaded drivers, in load order.
pub(crate) fn loaded_drivers(_: &System) -> Result<Vec<DeviceDriver>, SourceError> {
    const CLASS: SystemClass = SystemClass::SystemModuleInformationEx;
    let mut buffer = Buffer::default();
    let answer = buffer
        .fill(|bytes| nt::query_system(CLASS, bytes))
        .map_err(|status| status.error(CLASS))?;
    let convert = |ansi: &[u8]| text::from_wide(&nt::ansi_to_utf16(ansi));
    let drivers = entries(answer, Width::NATIVE).enumerate();
    let drivers = drivers.map(|(index, module)| DeviceDriver {
        name: convert(module.name),
        // The kernel loads the others.
        kind: if index == 0 {
            DriverKind::KernelImage
        } else {
            DriverKind::Loadable
        },
        load_address: Some(module.base).filter(|&base| base != 0),
        size: Some(module.size.into()),
        file: Some(convert(module.path).into()),
        references: None,
        users: Vec::new(),
        permanent: None,
        state: DriverState::Live,
        taint: String::new(),
    });
    Ok(drivers.collect())
}
