//! The version of the running kernel.

/// Returns the first two numbers of the kernel's release.
pub fn kernel() -> (u32, u32) {
    let uname = rustix::system::uname();
    let release = uname.release().to_string_lossy();
    let mut numbers = release.split('.').map_while(|number| number.parse().ok());
    let version = numbers.next().zip(numbers.next());
    version.expect("a release begins with two numbers")
}
