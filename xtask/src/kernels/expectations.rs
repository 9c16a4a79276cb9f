//! What does not work on a kernel for the kernel's own reason, or can't be arranged in a guest: all of it, and
//! why. A test that fails or leaves something out without being named here fails the run, and so does
//! one that is named and passes.

use std::fmt;

/// As whom tests run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum User {
    Root,
    Nobody,
}

impl User {
    pub const ALL: [User; 2] = [User::Root, User::Nobody];

    pub fn name(self) -> &'static str {
        match self {
            User::Root => "root",
            User::Nobody => "nobody",
        }
    }
}

#[derive(Debug)]
pub enum Outcome {
    /// A test fails, named as nextest names it.
    #[expect(dead_code, reason = "no test fails at present")]
    Fails(&'static str),
    /// A test leaves something out, and says so in these words.
    Skips(&'static str),
}

#[derive(Debug)]
pub struct Expectation {
    pub outcome: Outcome,
    /// On kernels from this one on.
    pub from: (u32, u32),
    /// On kernels before this one.
    pub before: (u32, u32),
    pub users: &'static [User],
    pub why: &'static str,
}

const FIRST: (u32, u32) = (0, 0);
const LAST: (u32, u32) = (u32::MAX, 0);

pub const EXPECTATIONS: &[Expectation] = &[];

impl Expectation {
    /// Whether it is about this kernel and user.
    pub fn holds(&self, version: (u32, u32), user: User) -> bool {
        (self.from..self.before).contains(&version) && self.users.contains(&user)
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.outcome {
            Outcome::Fails(test) => write!(to, "{test} fails")?,
            Outcome::Skips(reason) => write!(to, "a test leaves something out: {reason}")?,
        }
        write!(to, " ({})", self.why)
    }
}
