//! What does not work on a kernel for the kernel's own reason, or can't be arranged in a guest: all of it, and
//! why. A test that fails or leaves something out without being named here fails the run, and so does
//! one that is named and passes.

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
pub struct Expectation {
    /// On kernels from this one on.
    from: (u32, u32),
    /// On kernels before this one.
    before: (u32, u32),
    users: &'static [User],
    /// The tests that fail, named as nextest names them.
    pub fail: &'static [&'static str],
    /// What tests say of what they leave out.
    pub leave_out: &'static [&'static str],
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
