//! `psapi man`: manual pages.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use clap::Command;

use crate::examples::{self, Example};
use crate::output::os_reason;
use crate::session::Session;

/// Options of `psapi man`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write all pages to DIR as psapi.1, psapi-ps.1 and so on; DIR is created if missing
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub fn run(args: &Args, command: Command, session: &mut Session) -> Result<()> {
    let command = documented(command);
    if let Some(dir) = &args.dir {
        return std::fs::create_dir_all(dir)
            .and_then(|()| write_pages(&command, dir))
            // Convert to text: `main` reports an `io::Error` as a failure to write the output.
            .map_err(|error| anyhow!(os_reason(&error)))
            .with_context(|| format!("cannot write manual pages to {}", dir.display()));
    }
    Ok(session.output.text(&page(&command)?)?)
}

/// Writes the pages of a command and its subcommands.
fn write_pages(command: &Command, dir: &Path) -> io::Result<()> {
    let file = dir.join(clap_mangen::Man::new(command.clone()).get_filename());
    std::fs::write(file, page(command)?)?;
    let mut subcommands = command.get_subcommands();
    subcommands.try_for_each(|subcommand| write_pages(subcommand, dir))
}

/// Renders the page of a command, with the examples at its end.
fn page(command: &Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    writeln!(page, ".SH EXAMPLES")?;
    for Example { about, command } in examples::of(command.get_name()) {
        writeln!(page, ".PP\n{}:", escaped(about))?;
        // The macros of `man` have none for code: `.nf` keeps the line as it is.
        writeln!(page, ".RS 4\n.nf\n{}\n.fi\n.RE", escaped(command))?;
    }
    Ok(page)
}

/// Escapes the characters that `man` replaces by typographic ones.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('-', "\\-")
        .replace('~', "\\(ti")
}

/// Returns the command with the usage lines that `--help` prints. The lines that `clap_mangen`
/// writes itself do not show which arguments can be repeated.
fn documented(mut command: Command) -> Command {
    command = command.disable_help_subcommand(true);
    command.build();
    with_usage(command)
}

fn with_usage(mut command: Command) -> Command {
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    command.mut_subcommands(with_usage).override_usage(usage)
}
