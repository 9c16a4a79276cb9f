//! `cargo xtask bench`: measures this library, similar crates and bare system calls side by side,
//! in one run.

mod baselines;
mod c_library;
mod fault_load;
mod fixtures;
mod fleet;
mod helper;
mod libraries;
mod machine;
mod measure;
mod pages;
mod report;
mod targets;
mod workloads;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use fixtures::Fixtures;
use machine::Machine;
use report::{Report, json, markdown, table};
use targets::WORKLOADS;

/// Measures psapi side by side with bare system calls, the crates procfs and sysinfo, and ps.
///
/// Figures are medians of user and system CPU time, over candidates that take turns, unless a row
/// names another quantity.
#[derive(Parser)]
struct Options {
    /// Workloads to measure [default: all]
    #[arg(value_parser = WORKLOADS.iter().map(|workload| workload.name).collect::<Vec<_>>())]
    name: Vec<String>,
    /// Write the rows to a JSON file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Exit with 1 if a target is missed
    #[arg(long)]
    check: bool,
    /// Print Markdown
    #[arg(long)]
    markdown: bool,
    /// Replace the last run in a document such as docs/performance.md
    #[arg(long, value_name = "FILE")]
    update: Option<PathBuf>,
    /// Measure nothing, and read the rows that an earlier run wrote with --json
    #[arg(long, value_name = "FILE", conflicts_with = "name")]
    from: Option<PathBuf>,
}

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let report = match &options.from {
        Some(file) => json::read(file)?,
        None => measure(&options.name)?,
    };
    let text = if options.markdown {
        markdown::format(&report)
    } else {
        table::format(&report)
    };
    print!("{text}");
    if let Some(file) = &options.json {
        json::write(&report, file)?;
    }
    if let Some(file) = &options.update {
        markdown::replace(&report, file)?;
    }
    Ok(if options.check && report.missed() > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn measure(names: &[String]) -> anyhow::Result<Report> {
    helper::build()?;
    let fixtures = Fixtures::default();
    let mut rows = Vec::new();
    for workload in WORKLOADS {
        if names.is_empty() || names.iter().any(|name| name == workload.name) {
            eprintln!("measuring {} …", workload.description);
            rows.extend(report::rows(workload, (workload.run)(&fixtures)));
        }
    }
    Ok(Report {
        machine: Machine::describe(),
        fixtures: fixtures.describe(),
        rows,
    })
}
