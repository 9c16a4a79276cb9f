//! `serde::Serialize` for names, which can be any bytes. A UTF-8 name becomes a string. Any other
//! name becomes a sequence of bytes, so that no information is lost.

use std::ffi::OsStr;
use std::path::Path;

use serde::ser::{Serialize, Serializer};

use crate::cgroup::{Cgroup, CgroupEntry};
use crate::command_line::CommandLine;

/// A text that might not be UTF-8.
struct Text<'a>(&'a OsStr);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.to_str() {
            Some(text) => serializer.serialize_str(text),
            None => serializer.collect_seq(self.0.as_encoded_bytes()),
        }
    }
}

pub(crate) fn text<S: Serializer>(
    text: &impl AsRef<OsStr>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    Text(text.as_ref()).serialize(serializer)
}

pub(crate) fn optional_text<S: Serializer>(
    text: &Option<impl AsRef<OsStr>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    text.as_ref()
        .map(|text| Text(text.as_ref()))
        .serialize(serializer)
}

pub(crate) fn texts<S: Serializer>(
    texts: &[impl AsRef<OsStr>],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(texts.iter().map(|text| Text(text.as_ref())))
}

impl Serialize for CommandLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.arguments().map(Text))
    }
}

impl Serialize for Cgroup {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.entries())
    }
}

impl Serialize for CgroupEntry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut entry = serializer.serialize_struct("CgroupEntry", 4)?;
        entry.serialize_field("hierarchy", &self.hierarchy)?;
        entry.serialize_field("controllers", &Text(self.controllers))?;
        entry.serialize_field("path", &Text(Path::as_os_str(self.path)))?;
        entry.serialize_field("deleted", &self.deleted)?;
        entry.end()
    }
}
