//! Figures and lists of the whole machine, on every system.

use psapi::{DriverKind, Fields, ProcessId, System};

use testing::{Program, programs};

#[test]
fn figures_of_machine_are_consistent() {
    let info = System::new().performance_info().unwrap();
    assert!(info.physical_total > 0 && info.physical_available <= info.physical_total);
    assert!(info.commit_total > 0 && info.commit_total <= info.commit_limit);
    assert!(
        info.commit_peak
            .is_none_or(|peak| peak >= info.commit_total)
    );
    let parts = info.kernel_paged.zip(info.kernel_nonpaged);
    let sum = parts.map(|(paged, nonpaged)| paged + nonpaged);
    assert_eq!(info.kernel_total, sum);
    assert!(info.page_size.is_power_of_two() && info.page_size >= 4096);
    assert_eq!(info.physical_total % info.page_size, 0);
    assert!(info.thread_count >= info.process_count);
    assert!(info.swap_free <= info.swap_total);
}

#[test]
fn started_process_is_counted() {
    let system = System::new();
    let program = Program::compile(programs::HAS_SIX_MORE_THREADS, &[]);
    let count = || system.process_ids().unwrap().len() as u64;
    // Other tests start and end processes meanwhile, so only the counts of one moment agree.
    let subject = program.start();
    testing::wait_until(|| {
        let before = count();
        let info = system.performance_info().unwrap();
        before == count() && info.process_count == before && info.thread_count >= before + 6
    });
    drop(subject);
}

#[test]
fn page_files_sum_to_total() {
    let system = System::new();
    match system.page_files() {
        Ok(files) => {
            let total: u64 = files.iter().map(|file| file.total).sum();
            assert_eq!(system.performance_info().unwrap().swap_total, Some(total));
            assert!(files.iter().all(|file| file.in_use <= file.total));
        }
        // Wine reports none.
        Err(error) => {
            assert_eq!(error.kind(), psapi::ErrorKind::NotSupported, "{error}");
            let source = error.source_path().to_str().unwrap();
            assert!(source.contains("SystemPageFileInformation"), "{error}");
            assert_eq!(system.performance_info().unwrap().swap_total, None);
        }
    }
}

#[test]
fn kernel_is_first_driver() {
    let drivers = System::new().loaded_drivers().unwrap();
    assert_eq!(drivers[0].kind, DriverKind::KernelImage);
    let others = &drivers[1..];
    assert!(
        others
            .iter()
            .all(|driver| driver.kind == DriverKind::Loadable)
    );
    for driver in &drivers {
        assert!(!driver.name.is_empty());
        assert_ne!(driver.load_address, Some(0));
        assert_ne!(driver.size, Some(0));
    }
}

#[test]
fn lowest_address_is_no_null() {
    let lowest = System::new().minimum_address().unwrap();
    assert!(lowest < 1 << 20, "{lowest:#x}");
    assert!(lowest > 0 || cfg!(target_os = "linux"));
}

#[test]
fn listings_agree_on_caller() {
    let system = System::new();
    let id = ProcessId::new(std::process::id());
    assert!(system.process_ids().unwrap().contains(&id));
    let capture = system.capture(Fields::MEMORY).unwrap();
    let memory = capture.process(id).unwrap().memory.unwrap();
    assert!(memory.working_set > 0 && memory.commit > 0, "{memory:?}");
    assert!(memory.virtual_size >= memory.commit);
    assert!(!system.thread_ids(id).unwrap().unwrap().is_empty());
}
