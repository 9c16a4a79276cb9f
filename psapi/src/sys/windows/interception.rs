//! Lets tests observe the native calls of a thread, replace them, and change the system before one
//! of them.

use std::cell::RefCell;
use std::rc::Rc;

use super::status::Status;

/// Called before each native call with its name. A status that it returns replaces the call.
type Hook = Box<dyn FnMut(&'static str) -> Option<Status>>;

thread_local! {
    static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
}

/// Calls the hook of this thread. Its own native calls are not intercepted.
pub(super) fn before_call(name: &'static str) -> Option<Status> {
    let mut hook = HOOK.take()?;
    let status = hook(name);
    HOOK.set(Some(hook));
    status
}

/// Runs a function whose native calls are intercepted.
pub(crate) fn intercept<T>(
    hook: impl FnMut(&'static str) -> Option<Status> + 'static,
    run: impl FnOnce() -> T,
) -> T {
    HOOK.set(Some(Box::new(hook)));
    let result = run();
    HOOK.set(None);
    result
}

/// Returns the native calls that a function makes, in order.
pub(crate) fn calls_of(run: impl FnOnce()) -> Vec<&'static str> {
    let calls = Rc::new(RefCell::new(Vec::new()));
    let noted = Rc::clone(&calls);
    intercept(
        move |name| {
            noted.borrow_mut().push(name);
            None
        },
        run,
    );
    calls.take()
}

/// Runs a function while one native call is refused with a status.
pub(crate) fn refusing<T>(call: &'static str, status: Status, run: impl FnOnce() -> T) -> T {
    intercept(move |name| (name == call).then_some(status), run)
}
