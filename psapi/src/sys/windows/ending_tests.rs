//! A process that ends between any two native calls of a question.
//!
//! For each question, a child is killed before the first native call, before the second, and so on.
//! The answer is either complete, or the error of a process that has ended.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::PathBuf;

use testing::{Program, TestProcess, programs};

use super::interception::{calls_of, intercept};
use crate::error::Result;
use crate::{Capture, ErrorKind, Fields, Mapping, ModuleFilter, Process, ProcessStatus, System};

/// A question about a process, and the address of its function `main`. The answer leaves out what
/// differs between two processes of one program.
type Question = fn(&Process, u64) -> Result<String>;

/// `ERROR_PARTIAL_COPY`.
const PARTIAL_COPY: i32 = 299;

/// Questions with more calls are interrupted before each of the first calls, and then before some.
const EACH: usize = 12;

/// The number of processes per question, about.
const PROCESSES: usize = 30;

fn text(answer: impl Debug) -> String {
    format!("{answer:?}")
}

fn row(row: &ProcessStatus) -> String {
    let figures = (row.threads > Some(0), row.start.is_some());
    let memory = row.memory.as_ref().map(|memory| memory.working_set > 0);
    let names = (&row.name, &row.image, &row.command_line, &row.user);
    text((figures, memory, names, row.unreadable))
}

fn files(mappings: &[Mapping]) -> String {
    let paths: BTreeSet<PathBuf> = mappings
        .iter()
        .filter_map(|mapping| Some(mapping.backing.path()?.to_path_buf()))
        .collect();
    text(paths)
}

/// The fields that Windows has.
fn fields() -> Fields {
    Fields::all() - Fields::EXACT - Fields::CGROUP
}

const QUESTIONS: &[(&str, Question)] = &[
    ("status", |process, _| Ok(row(&process.status(fields())?))),
    ("image file", |process, _| Ok(text(process.image_file()?))),
    ("command line", |process, _| {
        Ok(text(process.command_line()?))
    }),
    ("memory", |process, _| {
        let memory = process.memory_counters()?;
        Ok(text((
            memory.working_set > 0,
            memory.commit > 0,
            memory.virtual_size > 0,
        )))
    }),
    ("input and output", |process, _| {
        process.io_counters().map(|_| String::new())
    }),
    ("handles", |process, _| {
        process.handle_count().map(|_| String::new())
    }),
    ("access", |process, _| Ok(text(process.access()?))),
    ("modules", |process, _| {
        let modules = process.modules(ModuleFilter::All)?;
        let modules = modules.iter().map(|module| (&module.path, module.size));
        Ok(text(modules.collect::<Vec<_>>()))
    }),
    ("executable", |process, _| {
        Ok(text(process.executable()?.path))
    }),
    ("mappings", |process, _| Ok(files(&process.mappings()?))),
    ("mappings from an address", |process, main| {
        Ok(files(&process.mappings_from(main, 1)?))
    }),
    ("mapped file", |process, main| {
        Ok(text(process.mapped_file(main)?.map(|file| file.path)))
    }),
    ("contents of memory", |process, main| {
        let mut bytes = [0; 32];
        let length = process.read_memory(main, &mut bytes)?;
        Ok(text((length, &bytes[..4])))
    }),
    ("pages at addresses", |process, main| {
        let pages = process.query_pages(&[main, main])?;
        let pages = pages.iter().map(|page| page.protection);
        Ok(text(pages.collect::<Vec<_>>()))
    }),
    ("working set", |process, _| {
        let set = process.working_set()?;
        let is_resident = set.totals().file > 0 && set.totals().private > 0;
        Ok(text((is_resident, set.mappings().len() > 10)))
    }),
    ("watch", |process, _| {
        process.watch_working_set().map(|_| String::new())
    }),
    ("empty", |process, _| {
        let emptied = process.empty_working_set()?;
        Ok(text((emptied.before.total() > 0, emptied.refused.len())))
    }),
    ("threads", |process, _| {
        let threads = System::new().thread_ids(process.id())?;
        Ok(text(threads.map(|threads| threads.len())))
    }),
];

/// A running child.
struct Child {
    subject: TestProcess,
    /// The address of its function `main`.
    main: u64,
}

impl Child {
    fn start(program: &Program) -> Self {
        let subject = program.start();
        let main = u64::from_str_radix(&subject.line, 16).unwrap();
        Child { subject, main }
    }

    fn open(&self) -> Process {
        System::new().process(self.subject.id().get()).unwrap()
    }
}

/// Returns the calls before which a child is killed.
fn moments(calls: usize) -> impl Iterator<Item = usize> {
    let step = calls.saturating_sub(EACH).div_ceil(PROCESSES - EACH).max(1);
    (0..calls.min(EACH)).chain((EACH..calls).step_by(step))
}

#[test]
fn ending_process_has_full_answer_or_error() {
    let program = Program::compile(programs::WAITS, &[]);
    for &(what, question) in QUESTIONS {
        let child = Child::start(&program);
        let process = child.open();
        let complete = match question(&process, child.main) {
            Ok(answer) => answer,
            // Wine has no such call.
            Err(error) if error.kind() == ErrorKind::NotSupported => continue,
            Err(error) => panic!("{what}: {error}"),
        };
        // Handles that the first answer opened are kept.
        let process = child.open();
        let calls = calls_of(|| {
            question(&process, child.main).unwrap();
        });
        for moment in moments(calls.len()) {
            let Child { mut subject, main } = Child::start(&program);
            let process = System::new().process(subject.id().get()).unwrap();
            let mut remaining = moment;
            let kill = move |_| {
                if remaining == 0 {
                    subject.kill();
                }
                remaining = remaining.wrapping_sub(1);
                None
            };
            let when = format!("{what}, ended before call {moment}: {}", calls[moment]);
            match intercept(kill, || question(&process, main)) {
                Ok(answer) => assert!(
                    answer == complete || answer == "None",
                    "{when}: {answer}, not {complete}"
                ),
                Err(error) => assert!(
                    error.kind() == ErrorKind::Ended || error.raw_os_error() == Some(PARTIAL_COPY),
                    "{when}: {error} ({:?})",
                    error.kind()
                ),
            }
        }
    }
}

/// A capture keeps the row of a process that ends meanwhile, or leaves it out.
#[test]
fn ending_process_leaves_or_keeps_its_row() {
    let program = Program::compile(programs::WAITS, &[]);
    let child = Child::start(&program);
    let find = |capture: &Capture, id: u32| {
        let mut rows = capture.processes().iter();
        rows.find(|row| row.id.get() == id).cloned()
    };
    let mut capture = Capture::new(fields());
    capture.refresh(&System::new()).unwrap();
    let complete = find(&capture, child.subject.id().get()).unwrap();
    let calls = calls_of(|| capture.refresh(&System::new()).unwrap());
    for moment in moments(calls.len()) {
        let mut subject = program.start();
        let id = subject.id().get();
        let mut remaining = moment;
        let kill = move |_| {
            if remaining == 0 {
                subject.kill();
            }
            remaining = remaining.wrapping_sub(1);
            None
        };
        intercept(kill, || capture.refresh(&System::new()).unwrap());
        let Some(found) = find(&capture, id) else {
            continue;
        };
        for (field, is_complete) in [
            (Fields::USER, found.user == complete.user),
            (Fields::IMAGE, found.image == complete.image),
            (
                Fields::COMMAND_LINE,
                found.command_line == complete.command_line,
            ),
        ] {
            assert!(
                is_complete || found.unreadable.contains(field),
                "{field:?} before call {moment}: {found:?}"
            );
        }
        assert_eq!(found.name, complete.name);
    }
}
