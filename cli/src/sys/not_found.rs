//! The failure to find the name of a user.

/// The failure to find a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotFound {
    /// There is no such user.
    Absent,
    /// The lookup failed, for instance because a server cannot be reached.
    Unknown,
}
