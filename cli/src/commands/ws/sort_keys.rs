//! The columns that `--sort` accepts in each table of `psapi ws`.

use anyhow::Result;

use super::args::Args;
use super::{changes, page_changes, pages, summary};
use crate::usage::usage;

/// Returns an error if the table has no such sort key.
pub fn check(args: &Args) -> Result<()> {
    let keys = match (args.shows_changes(), args.pages) {
        (false, None) => summary::sort_keys(),
        (false, Some(_)) => pages::sort_keys(),
        (true, None) => changes::sort_keys(),
        (true, Some(_)) => page_changes::sort_keys(),
    };
    match args.sort.iter().find(|sort| !keys.contains(&&sort.key[..])) {
        None => Ok(()),
        Some(sort) => Err(usage(format_args!(
            "--sort {}: unknown column; expected one of {}",
            sort.key,
            keys.join(", ")
        ))),
    }
}
