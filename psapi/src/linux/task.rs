//! `PROC/PID/task`: the threads of a process. One whose first thread has ended before the others
//! lives on, but the kernel shows its memory, its image and its arguments only through these.

use super::file::Directory;
use super::ids;
use super::name::Name;
use super::stat;

/// The name of the directory of a thread that lives, below the directory that `prefix` is
/// relative to.
pub(crate) fn survivor(directory: &Directory, prefix: Name) -> Option<Name> {
    let tasks = prefix.join(b"task/");
    let listed = directory.directory(&tasks).ok()?;
    let threads = ids::list(&listed).ok()?;
    let mut text = Vec::new();
    threads.into_iter().find_map(|thread| {
        let thread = Name::of_process(thread);
        let read = listed.read_record(&thread.join(b"stat"), &mut text);
        let lives = read.is_ok() && stat::parse(&text).is_ok_and(|stat| !stat.is_dead());
        lives.then(|| tasks.join(&thread))
    })
}
