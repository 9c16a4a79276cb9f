//! Advice on how to get a capability.

/// Returns what the caller can do to get capabilities.
pub fn privilege(capabilities: &[&str]) -> String {
    let names = capabilities.join(" and ");
    if !rustix::process::geteuid().is_root() {
        return format!("run as root or with {names}");
    }
    // The caller is root in a user namespace, or root without some capabilities.
    let is_relative = |name: &&str| ["CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH"].contains(name);
    let namespace = if capabilities.iter().all(is_relative) {
        "the process's user namespace"
    } else {
        "the initial user namespace"
    };
    format!("requires {names} in {namespace}")
}
