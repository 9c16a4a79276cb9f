//! A second library in Rust, which uses much of Rust's standard library.

use std::collections::HashMap;

/// Returns how many panics were caught in as many threads.
#[unsafe(no_mangle)]
pub extern "C" fn caught_panics(count: i32) -> i32 {
    std::panic::set_hook(Box::new(|_| {}));
    let threads: HashMap<i32, _> = (0..count)
        .map(|number| {
            let panics = move || panic!("{number}");
            (number, std::thread::spawn(panics))
        })
        .collect();
    let panics = threads.into_values().map(|thread| thread.join());
    panics.filter(Result::is_err).count() as i32
}
