//! Advice on how to get a privilege.

/// Returns what the caller can do to get privileges.
pub fn privilege(privileges: &[&str]) -> String {
    let names = privileges.join(" and ");
    format!("run as administrator, who has {names}")
}
