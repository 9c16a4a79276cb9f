//! Figures of the whole machine.

use super::buffer::{Buffer, Fixed};
use super::class::SystemClass;
use super::layouts::reader::Width;
use super::layouts::system_performance_information::SystemPerformanceInformation;
use super::layouts::{system_filecache_information, system_memory_list_information};
use super::listing::Listing;
use super::nt;
use super::page_files::page_files;
use super::system::{System, basic_information, truncated};
use crate::error::SourceError;
use crate::performance::PerformanceInfo;

/// Reads the figures from six classes. Those that the caller may not read, or that this version of
/// Windows lacks, are unknown.
pub(crate) fn performance_info(system: &System) -> Result<PerformanceInfo, SourceError> {
    const CLASS: SystemClass = SystemClass::SystemPerformanceInformation;
    let basic = basic_information()?;
    let bytes = |pages: u64| pages.saturating_mul(basic.page_size.into());
    let filled = |pages: u64| filled(pages).map(bytes);
    let mut buffer = Buffer::default();
    let answer = buffer
        .fill(|bytes| nt::query_system(CLASS, bytes))
        .map_err(|status| status.error(CLASS))?;
    let memory = SystemPerformanceInformation::parse(answer).ok_or_else(|| truncated(CLASS))?;
    let mut listing = Listing::default();
    listing.read()?;
    let count = |figure: fn(u32, u32) -> u32| -> u64 {
        let figures = listing
            .entries()
            .map(|entry| figure(entry.handles, entry.thread_count));
        figures.map(u64::from).sum()
    };
    let page_files = page_files(system).ok();
    let swap = |size: fn(u64, u64) -> u64| {
        let files = page_files.as_ref()?.iter();
        Some(files.map(|file| size(file.total, file.in_use)).sum())
    };
    let kernel_paged = filled(memory.paged_pool.into());
    let kernel_nonpaged = filled(memory.nonpaged_pool.into());
    let commit_total = bytes(memory.committed.into());
    Ok(PerformanceInfo {
        commit_total,
        commit_limit: bytes(memory.commit_limit.into()).max(commit_total),
        kernel_commit_limit: None,
        commit_peak: filled(memory.peak_commitment.into()).map(|peak| peak.max(commit_total)),
        physical_total: bytes(basic.physical_pages.into()),
        physical_available: bytes(memory.available.into()),
        physical_free: free_pages().map(bytes),
        system_cache: filled(cached_pages()?),
        shared: None,
        kernel_total: kernel_paged
            .zip(kernel_nonpaged)
            .map(|(paged, nonpaged)| paged.saturating_add(nonpaged)),
        kernel_paged,
        kernel_nonpaged,
        per_cpu: None,
        page_size: basic.page_size.into(),
        handle_count: self::filled(count(|handles, _| handles)),
        process_count: listing.entries().count() as u64,
        thread_count: count(|_, threads| threads),
        swap_total: swap(|total, _| total),
        swap_free: swap(u64::saturating_sub),
        huge_pages: None,
    })
}

/// Returns a figure that no running system has 0 of, such as a pool: 0 means that the system does not
/// fill the field.
fn filled(figure: u64) -> Option<u64> {
    (figure > 0).then_some(figure)
}

fn cached_pages() -> Result<u64, SourceError> {
    const CLASS: SystemClass = SystemClass::SystemFileCacheInformation;
    let mut buffer = Fixed::<{ system_filecache_information::MAX_SIZE }>::new();
    let size = system_filecache_information::size(Width::NATIVE);
    buffer
        .fill(|bytes| nt::query_system(CLASS, &mut bytes[..size]))
        .map_err(|status| status.error(CLASS))?;
    system_filecache_information::pages(&buffer.0, Width::NATIVE).ok_or_else(|| truncated(CLASS))
}

/// Returns the number of unused pages; `None` without the privilege.
fn free_pages() -> Option<u64> {
    const CLASS: SystemClass = SystemClass::SystemMemoryListInformation;
    let mut buffer = Fixed::<{ system_memory_list_information::MAX_SIZE }>::new();
    let size = system_memory_list_information::size(Width::NATIVE);
    buffer
        .fill(|bytes| nt::query_system(CLASS, &mut bytes[..size]))
        .ok()?;
    system_memory_list_information::free_pages(&buffer.0, Width::NATIVE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::windows::system::SystemOptions;

    /// Wine leaves some of these figures 0.
    #[test]
    fn unfilled_figures_are_unknown() {
        let info = performance_info(&System::new(SystemOptions::default())).unwrap();
        for figure in [
            info.commit_peak,
            info.system_cache,
            info.kernel_paged,
            info.kernel_nonpaged,
            info.kernel_total,
            info.handle_count,
        ] {
            assert_ne!(figure, Some(0), "{info:?}");
        }
        let parts = info.kernel_paged.zip(info.kernel_nonpaged);
        let sum = parts.map(|(paged, nonpaged)| paged + nonpaged);
        assert_eq!(info.kernel_total, sum);
    }
}
