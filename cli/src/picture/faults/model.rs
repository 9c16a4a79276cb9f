//! The faults that a picture shows, and the address ranges that they are in.

/// A page fault.
#[derive(Debug, Clone, Copy)]
pub struct FaultPoint {
    /// Time since the start of the watch.
    pub time_ns: u64,
    pub address: u64,
    pub major: bool,
    pub thread: u32,
}

/// An address range with a name, such as a mapping.
#[derive(Debug, Clone)]
pub struct Span {
    /// For labels, without control characters.
    pub name: String,
    /// For descriptions: the whole path of a file, without control characters.
    pub full_name: String,
    pub start: u64,
    pub end: u64,
}

/// The faults of a program, which has an address space of its own.
#[derive(Debug)]
pub struct ProgramFaults {
    /// Without control characters.
    pub name: String,
    pub points: Vec<FaultPoint>,
    /// The touched mappings.
    pub spans: Vec<Span>,
}
