//! The user that a process runs as.

use std::fmt;
use std::str::FromStr;

/// The user that a process runs as, as the operating system identifies users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(untagged))]
#[non_exhaustive]
pub enum Owner {
    /// Ids of users and groups, on Linux.
    Ids(UserIds),
    /// A security identifier, on Windows.
    Sid(Sid),
}

impl Owner {
    /// Returns the ids; `None` on Windows.
    pub fn ids(self) -> Option<UserIds> {
        match self {
            Owner::Ids(ids) => Some(ids),
            Owner::Sid(_) => None,
        }
    }

    /// Returns the security identifier; `None` on Linux.
    pub fn sid(self) -> Option<Sid> {
        match self {
            Owner::Sid(sid) => Some(sid),
            Owner::Ids(_) => None,
        }
    }
}

/// The users and groups that a process runs as, in the reader's user namespace. Source: `Uid` and
/// `Gid` in `PROC/PID/status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct UserIds {
    /// The real user id: the user who started the process.
    pub user: u32,
    /// The effective user id, by which the kernel checks access.
    pub effective_user: u32,
    /// The real group id.
    pub group: u32,
    /// The effective group id, by which the kernel checks access.
    pub effective_group: u32,
}

/// A security identifier: the id of a user or group on Windows, such as `S-1-5-18`.
///
/// Source: `TokenUser` of the process's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[doc(alias = "SID")]
pub struct Sid {
    revision: u8,
    /// 48 bits.
    authority: u64,
    /// The number of sub-authorities. The others are 0.
    count: u8,
    sub_authorities: [u32; Sid::MAX_SUB_AUTHORITIES],
}

impl Sid {
    /// The most sub-authorities that a security identifier has.
    pub const MAX_SUB_AUTHORITIES: usize = 15;

    /// Creates a security identifier; `None` if a part is out of range.
    pub fn new(revision: u8, authority: u64, sub_authorities: &[u32]) -> Option<Self> {
        let mut all = [0; Sid::MAX_SUB_AUTHORITIES];
        all.get_mut(..sub_authorities.len())?
            .copy_from_slice(sub_authorities);
        Some(Sid {
            revision,
            authority: Some(authority).filter(|authority| authority >> 48 == 0)?,
            count: sub_authorities.len() as u8,
            sub_authorities: all,
        })
    }

    /// Returns the revision, which is 1.
    pub fn revision(&self) -> u8 {
        self.revision
    }

    /// Returns the authority that issued the identifier; 5 is Windows itself.
    pub fn authority(&self) -> u64 {
        self.authority
    }

    /// Returns the sub-authorities. The last one tells apart the accounts of one domain.
    pub fn sub_authorities(&self) -> &[u32] {
        &self.sub_authorities[..usize::from(self.count)]
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S-{}-", self.revision)?;
        // The documented notation has hexadecimal digits for large authorities.
        if self.authority >> 32 == 0 {
            write!(f, "{}", self.authority)?;
        } else {
            write!(f, "0x{:012X}", self.authority)?;
        }
        self.sub_authorities()
            .iter()
            .try_for_each(|part| write!(f, "-{part}"))
    }
}

/// The error for a text that is not a security identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a security identifier, such as S-1-5-18")]
pub struct ParseSidError(());

impl FromStr for Sid {
    type Err = ParseSidError;

    fn from_str(text: &str) -> Result<Self, ParseSidError> {
        let parse = || {
            let (letter, rest) = text.split_at_checked(2)?;
            if !letter.eq_ignore_ascii_case("S-") {
                return None;
            }
            let mut parts = rest.split('-');
            let revision = parts.next()?.parse().ok()?;
            let authority = parts.next()?;
            let authority = match authority.strip_prefix("0x") {
                Some(digits) => u64::from_str_radix(digits, 16).ok()?,
                None => authority.parse().ok()?,
            };
            let rest: Vec<u32> = parts.map(str::parse).collect::<Result<_, _>>().ok()?;
            Sid::new(revision, authority, &rest)
        };
        parse().ok_or(ParseSidError(()))
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Sid {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sid_has_documented_notation() {
        let system = Sid::new(1, 5, &[18]).unwrap();
        assert_eq!(system.to_string(), "S-1-5-18");
        let large = Sid::new(1, 0x1234_5678_9ABC, &[1, 2]).unwrap();
        assert_eq!(large.to_string(), "S-1-0x123456789ABC-1-2");
        for sid in [system, large, Sid::new(1, 0, &[]).unwrap()] {
            assert_eq!(sid.to_string().parse(), Ok(sid));
        }
    }

    #[test]
    fn invalid_sid_is_rejected() {
        assert_eq!(Sid::new(1, 1 << 48, &[]), None);
        assert_eq!(Sid::new(1, 5, &[0; 16]), None);
        for text in [
            "",
            "S",
            "S-1",
            "X-1-5",
            "S-1-5-",
            "S-1-5-4294967296",
            "S-256-5",
        ] {
            assert_eq!(text.parse::<Sid>(), Err(ParseSidError(())), "{text}");
        }
    }
}
