//! `cargo xtask bench`: this library, its peers and bare system calls side by side, in one run.

mod bars;
mod c_library;
mod contestants;
mod fleet;
mod helper;
mod libraries;
mod machine;
mod measure;
mod pages;
mod report;
mod toucher;
mod workloads;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use bars::WORKLOADS;
use machine::Machine;
use report::{Report, json, markdown, table};
use workloads::Stage;

/// Measures psapi side by side with bare system calls, the crates procfs and sysinfo, and ps.
///
/// Figures are CPU time, user and system, medians of runs that take turns, unless they are said to be
/// something else.
#[derive(Parser)]
struct Options {
    /// What to measure; everything if not said.
    #[arg(value_parser = WORKLOADS.iter().map(|workload| workload.name).collect::<Vec<_>>())]
    name: Vec<String>,
    /// Write the rows to a file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Exit with 1 if a bar is missed.
    #[arg(long)]
    check: bool,
    /// Print Markdown.
    #[arg(long)]
    markdown: bool,
    /// Replace the last run in a document, such as docs/performance.md.
    #[arg(long, value_name = "FILE")]
    update: Option<PathBuf>,
    /// Measure nothing; take the rows that an earlier run wrote with --json.
    #[arg(long, value_name = "FILE", conflicts_with = "name")]
    from: Option<PathBuf>,
}

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let report = match &options.from {
        Some(file) => json::read(file)?,
        None => measure(&options.name)?,
    };
    let shown = match options.markdown {
        true => markdown::show(&report),
        false => table::show(&report),
    };
    print!("{shown}");
    if let Some(file) = &options.json {
        json::write(&report, file)?;
    }
    if let Some(file) = &options.update {
        markdown::replace(&report, file)?;
    }
    Ok(match options.check && report.missed() > 0 {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

fn measure(names: &[String]) -> anyhow::Result<Report> {
    helper::build()?;
    let stage = Stage::default();
    let mut rows = Vec::new();
    for workload in WORKLOADS {
        if names.is_empty() || names.iter().any(|name| name == workload.name) {
            eprintln!("measuring {} …", workload.what);
            rows.extend(report::rows(workload, (workload.run)(&stage)));
        }
    }
    Ok(Report {
        machine: Machine::describe(),
        stage: stage.describe(),
        rows,
    })
}
