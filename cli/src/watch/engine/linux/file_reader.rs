//! Reads the mappings, modules and symbols of processes, but does not wait for files that do not
//! respond.
//!
//! A mapped file can be on a network or FUSE file system that hangs. Then `open`, `stat` and page
//! faults wait forever. All such reads are therefore calls on a second thread. If that thread makes
//! no progress for a second, the read is given up: another thread takes over and leaves the file
//! out. `file_systems` also finds file systems that would keep even a killed process waiting.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsString;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signalfd::SignalFd;
use psapi::{AddressMap, Fields, Frame, Location, MissingSymbols, Process, Symbolizer, System};

use super::file_systems::{Device, FileSystems};
use super::signals::next_signal;

/// The time without progress after which a read is given up.
const TIME_LIMIT: Duration = Duration::from_secs(1);

/// The interval at which the progress of a read is checked.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// The number of given-up reads after which no further read is tried. Bounds the time that a watch
/// waits for file systems.
const MAX_GIVEN_UP: usize = 3;

/// The size of the thread's stack: that of a main thread. Symbols can be nested deeply.
const STACK_SIZE: usize = 8 << 20;

/// A reader of files and its thread.
#[derive(Debug)]
pub struct FileReader {
    with_symbols: bool,
    proc_root: PathBuf,
    worker: Option<Worker>,
    file_systems: FileSystems,
    /// Numbers of given-up reads of mappings, and of modules and symbols.
    given_up: [usize; 2],
    /// Devices and single files that are left out.
    blocked: HashSet<Device>,
    blocked_files: HashSet<PathBuf>,
    /// The files that were left out although they were needed.
    unread: BTreeSet<PathBuf>,
    /// Ends all reads when a signal arrives.
    signals: Option<SignalFd>,
}

/// Where calls are executed.
enum Worker {
    Thread(WorkerThread),
    /// On the calling thread, because no other one could be started.
    Caller(Box<Symbolizer>),
}

#[derive(Debug)]
struct WorkerThread {
    calls: Sender<Call>,
    progress: Progress,
}

type Call = Box<dyn FnOnce(&mut Symbolizer) + Send>;

/// The files that show whether a thread makes progress. They count its time on a CPU and its page
/// faults.
#[derive(Debug)]
struct Progress(Vec<File>);

/// What a read concerns. The limit for given-up reads applies to each kind.
#[derive(Debug, Clone, Copy)]
enum Subject {
    Mappings = 0,
    Files = 1,
}

/// Why a series of calls ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Complete,
    /// The call after the last result made no progress.
    TimedOut,
    /// The call after the last result panicked.
    Panicked,
    /// A signal arrived now or earlier, or too many earlier calls made no progress.
    Stopped,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Worker::Thread(_) => "Thread",
            Worker::Caller(_) => "Caller",
        })
    }
}

impl FileReader {
    /// Creates a reader. Without symbols, functions stay unknown.
    pub fn new(system: &System, with_symbols: bool) -> Self {
        FileReader {
            with_symbols,
            proc_root: system.proc_root().to_owned(),
            worker: None,
            file_systems: FileSystems::new(system),
            given_up: [0; 2],
            blocked: HashSet::new(),
            blocked_files: HashSet::new(),
            unread: BTreeSet::new(),
            signals: None,
        }
    }

    /// Gives up reads as soon as one of the signals arrives.
    pub fn stop_on(&mut self, signals: SignalFd) {
        self.signals = Some(signals);
    }

    /// Returns the files that were left out because they did not respond.
    pub fn unread(&self) -> impl Iterator<Item = &Path> {
        self.unread.iter().map(PathBuf::as_path)
    }

    /// Reads the name of a process's program and its address space. If a mapped file does not
    /// respond, the address space has no modules.
    pub fn open(&mut self, process: &Arc<Process>) -> (Option<OsString>, Option<AddressMap>) {
        let of = process.clone();
        let read = self.call(Subject::Mappings, move |_| {
            let status = of.status(Fields::STAT | Fields::IMAGE).ok();
            let name = status.and_then(|status| status.display_name());
            (name, of.address_map_without_modules().ok())
        });
        let Some((name, map)) = read else {
            // These figures are in no file outside /proc.
            let status = process.status(Fields::STAT).ok();
            return (status.and_then(|status| status.display_name()), None);
        };
        let Some(map) = map else {
            return (name, None);
        };
        if self.is_blocked_by_file_system(process, &map) {
            return (name, Some(map));
        }
        let of = process.clone();
        let with_modules = self.call(Subject::Files, move |_| of.address_map().ok());
        if with_modules.is_none() && !self.has_given_up(Subject::Files) {
            let mut checked = HashSet::new();
            for location in map.locations() {
                if let Some(device) = Device::of(&location).filter(|device| checked.insert(*device))
                {
                    self.file_systems.access(device, process.id(), &location);
                }
            }
            self.is_blocked_by_file_system(process, &map);
        }
        (name, Some(with_modules.flatten().unwrap_or(map)))
    }

    /// Returns true if a file of an address space is on a file system that does not respond.
    fn is_blocked_by_file_system(&mut self, process: &Process, map: &AddressMap) -> bool {
        let mut is_blocked = false;
        for location in map.locations() {
            let Some(device) = Device::of(&location) else {
                continue;
            };
            if !self.file_systems.responds(device, process.id(), &location) {
                self.blocked.insert(device);
            }
            if self.blocked.contains(&device) {
                is_blocked = true;
                self.unread.extend(file(&location).map(Path::to_owned));
            }
        }
        is_blocked
    }

    /// Reads an address space again. Returns `None` if it is unchanged or cannot be read.
    pub fn refresh(&mut self, process: &Arc<Process>, map: &Arc<AddressMap>) -> Option<AddressMap> {
        let (of, before) = (process.clone(), map.clone());
        let refreshed = self.call(Subject::Mappings, move |_| {
            let mut map = AddressMap::clone(&before);
            matches!(map.refresh(&of), Ok(true)).then_some(map)
        });
        refreshed.flatten()
    }

    /// Opens the files of the modules of a live process, as [`Symbolizer::hold`] does.
    pub fn hold(&mut self, process: &Arc<Process>, map: &Arc<AddressMap>) {
        if !self.with_symbols {
            return;
        }
        let is_held = |location: &Location<'_>| {
            location.mapping.executable && location.module.is_some() && !self.is_left_out(location)
        };
        let held = map.locations().filter(is_held);
        let mut addresses: Vec<u64> = held.map(|location| location.address).collect();
        while !addresses.is_empty() {
            let (of, within, at) = (process.clone(), map.clone(), addresses.clone());
            let (opened, end) = self.each(
                Subject::Files,
                addresses.len(),
                move |symbolizer, number| {
                    symbolizer.hold_at(&of, &within, at[number]);
                },
            );
            if matches!(end, End::Complete | End::Stopped) {
                return;
            }
            if end == End::TimedOut {
                // One file shows that the whole file system does not respond.
                let location = map.resolve(addresses[opened.len()]);
                self.leave_out(location.as_ref());
                self.blocked.extend(location.as_ref().and_then(Device::of));
            }
            addresses.drain(..=opened.len());
            addresses.retain(|&address| {
                let location = map.resolve(address);
                location.is_some_and(|location| !self.is_left_out(&location))
            });
        }
    }

    /// Returns the functions of instructions, as [`Symbolizer::symbolize`] does. The result is
    /// empty for an instruction in a file that does not respond.
    pub fn frames(
        &mut self,
        process: &Arc<Process>,
        map: &Arc<AddressMap>,
        addresses: &[u64],
    ) -> Vec<Arc<[Frame]>> {
        let nothing: Arc<[Frame]> = Arc::from([]);
        let mut frames = vec![nothing; addresses.len()];
        if !self.with_symbols {
            return frames;
        }
        let mut groups = self.by_file(map, addresses);
        while !groups.is_empty() {
            let (of, within) = (process.clone(), map.clone());
            let each: Vec<Vec<u64>> = groups
                .iter()
                .map(|group| group.iter().map(|&index| addresses[index]).collect())
                .collect();
            let (found, end) =
                self.each(Subject::Files, groups.len(), move |symbolizer, number| {
                    symbolizer.symbolize(&of, &within, &each[number])
                });
            let done = found.len();
            for (group, found) in groups.iter().zip(found) {
                for (&index, found) in group.iter().zip(found) {
                    frames[index] = found;
                }
            }
            if end == End::Stopped {
                break;
            }
            if end == End::TimedOut
                && let Some(group) = groups.get(done)
            {
                let location = group
                    .first()
                    .and_then(|&index| map.resolve(addresses[index]));
                self.leave_out(location.as_ref());
            }
            groups.drain(..groups.len().min(done + 1));
        }
        frames
    }

    /// Returns the indices of addresses, grouped by mapped file. Files that do not respond are left
    /// out.
    fn by_file(&mut self, map: &AddressMap, addresses: &[u64]) -> Vec<Vec<usize>> {
        let mut groups: Vec<(Option<PathBuf>, Vec<usize>)> = Vec::new();
        for (index, &address) in addresses.iter().enumerate() {
            let location = map.resolve(address);
            if let Some(location) = &location
                && self.is_left_out(location)
            {
                self.unread.extend(file(location).map(Path::to_owned));
                continue;
            }
            let path = location.as_ref().and_then(file);
            match groups
                .iter_mut()
                .find(|(known, _)| known.as_deref() == path)
            {
                Some((_, group)) => group.push(index),
                None => groups.push((path.map(Path::to_owned), vec![index])),
            }
        }
        groups.into_iter().map(|(_, group)| group).collect()
    }

    fn is_left_out(&self, location: &Location<'_>) -> bool {
        Device::of(location).is_some_and(|device| self.blocked.contains(&device))
            || file(location).is_some_and(|path| self.blocked_files.contains(path))
    }

    fn leave_out(&mut self, location: Option<&Location<'_>>) {
        if let Some(path) = location.and_then(file) {
            self.blocked_files.insert(path.to_owned());
            self.unread.insert(path.to_owned());
        }
    }

    /// Returns the modules whose symbols are missing, and why.
    pub fn missing(&mut self) -> Vec<MissingSymbols> {
        let missing = self.call(Subject::Files, |symbolizer| symbolizer.missing().to_vec());
        missing.unwrap_or_default()
    }

    /// Makes a call that reads the mappings of a process. Returns `None` if it did not return.
    pub fn read_mappings<T: Send + 'static>(
        &mut self,
        read: impl Fn() -> T + Send + 'static,
    ) -> Option<T> {
        self.call(Subject::Mappings, move |_| read())
    }

    fn call<T: Send + 'static>(
        &mut self,
        subject: Subject,
        call: impl Fn(&mut Symbolizer) -> T + Send + 'static,
    ) -> Option<T> {
        let (mut found, _) = self.each(subject, 1, move |symbolizer, _| call(symbolizer));
        found.pop()
    }

    /// Returns true if no further read of this kind is tried.
    fn has_given_up(&self, subject: Subject) -> bool {
        self.given_up[subject as usize] >= MAX_GIVEN_UP
    }

    /// Makes a call with each number below `count`, in ascending order. Returns fewer results
    /// unless all calls returned.
    fn each<T: Send + 'static>(
        &mut self,
        subject: Subject,
        count: usize,
        call: impl Fn(&mut Symbolizer, usize) -> T + Send + 'static,
    ) -> (Vec<T>, End) {
        if self.has_given_up(subject) {
            return (Vec::new(), End::Stopped);
        }
        let (sender, results) = mpsc::channel();
        let all = move |symbolizer: &mut Symbolizer| {
            for number in 0..count {
                if sender.send(call(symbolizer, number)).is_err() {
                    return;
                }
            }
        };
        let proc_root = &self.proc_root;
        let worker = self.worker.get_or_insert_with(|| Worker::start(proc_root));
        let thread = match worker {
            Worker::Thread(thread) => thread,
            Worker::Caller(symbolizer) => {
                all(symbolizer);
                return (results.try_iter().collect(), End::Complete);
            }
        };
        let _ = thread.calls.send(Box::new(all));
        let (found, end) = thread.wait_for(&results, count, self.signals.as_ref());
        if end != End::Complete {
            // The thread might wait forever, and its symbolizer with it.
            self.worker = None;
        }
        match end {
            End::Complete | End::Panicked => {}
            End::TimedOut => self.given_up[subject as usize] += 1,
            End::Stopped => self.given_up = [MAX_GIVEN_UP; 2],
        }
        (found, end)
    }
}

/// Returns the path of the mapped file at a location.
fn file<'l>(location: &Location<'l>) -> Option<&'l Path> {
    location.mapping.backing.path()
}

impl Worker {
    fn start(proc_root: &Path) -> Self {
        let (calls, receiver) = mpsc::channel::<Call>();
        let (progress_sender, progress) = mpsc::channel();
        let proc_root = proc_root.to_owned();
        let started = thread::Builder::new()
            .stack_size(STACK_SIZE)
            .spawn(move || {
                let _ = progress_sender.send(Progress::of_this_thread(&proc_root));
                let mut symbolizer = Symbolizer::new();
                for call in receiver {
                    call(&mut symbolizer);
                }
            });
        match started.ok().and_then(|_| progress.recv().ok()) {
            Some(progress) => Worker::Thread(WorkerThread { calls, progress }),
            None => Worker::Caller(Box::default()),
        }
    }
}

impl WorkerThread {
    /// Waits for `count` results, as long as the thread makes progress and no signal arrives.
    fn wait_for<T>(
        &self,
        results: &Receiver<T>,
        count: usize,
        signals: Option<&SignalFd>,
    ) -> (Vec<T>, End) {
        let mut found = Vec::with_capacity(count);
        let mut last = (Vec::new(), Instant::now());
        while found.len() < count {
            match results.recv_timeout(CHECK_INTERVAL) {
                Ok(result) => {
                    found.push(result);
                    last.1 = Instant::now();
                }
                Err(RecvTimeoutError::Disconnected) => return (found, End::Panicked),
                Err(RecvTimeoutError::Timeout) => {
                    if signals.and_then(next_signal).is_some() {
                        return (found, End::Stopped);
                    }
                    let progress = self.progress.read();
                    if is_runnable(&progress) || progress != last.0 {
                        last = (progress, Instant::now());
                    } else if last.1.elapsed() >= TIME_LIMIT {
                        return (found, End::TimedOut);
                    }
                }
            }
        }
        (found, End::Complete)
    }
}

impl Progress {
    fn of_this_thread(proc_root: &Path) -> Self {
        let files = ["stat", "schedstat"].map(|name| proc_root.join("thread-self").join(name));
        Progress(
            files
                .iter()
                .filter_map(|file| File::open(file).ok())
                .collect(),
        )
    }

    fn read(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for file in &self.0 {
            let mut text = [0; 1024];
            let length = file.read_at(&mut text, 0).unwrap_or(0);
            all.extend_from_slice(&text[..length]);
        }
        all
    }
}

/// Returns true if a thread runs or waits for a CPU, given its `stat`.
fn is_runnable(stat: &[u8]) -> bool {
    // The state follows the name, which can contain any byte.
    let end = stat.iter().rposition(|&byte| byte == b')');
    end.is_some_and(|end| stat.get(end + 2) == Some(&b'R'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocked_call_is_given_up() {
        let mut reader = FileReader::new(&System::new(), false);
        let (sender, receiver) = mpsc::channel::<()>();
        let receiver = std::sync::Mutex::new(receiver);
        let found = reader.each(Subject::Files, 3, move |_, number| {
            if number == 2 {
                let _ = receiver.lock().map(|receiver| receiver.recv());
            }
            number
        });
        assert_eq!(found, ([0, 1].into(), End::TimedOut));
        // Another thread makes the next call.
        assert_eq!(reader.call(Subject::Files, |_| 7), Some(7));
        drop(sender);
    }

    #[test]
    fn panic_ends_only_its_call() {
        let mut reader = FileReader::new(&System::new(), false);
        let found = reader.each(Subject::Files, 2, |_, number| {
            assert_ne!(number, 1);
            number
        });
        assert_eq!(found, ([0].into(), End::Panicked));
        assert_eq!(reader.call(Subject::Files, |_| 7), Some(7));
        assert!(!reader.has_given_up(Subject::Files));
    }

    #[test]
    fn working_call_is_not_given_up() {
        let mut reader = FileReader::new(&System::new(), false);
        let found = reader.call(Subject::Files, |_| {
            let start = Instant::now();
            while start.elapsed() < TIME_LIMIT * 2 {}
            7
        });
        assert_eq!(found, Some(7));
    }
}
