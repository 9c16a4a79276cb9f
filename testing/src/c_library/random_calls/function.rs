//! Exported functions, by name.

use libloading::Library;

use super::kinds::{FUNCTIONS, Kind, Prototype};

/// The address of a function of any type.
type RawFunction = unsafe extern "system" fn();

/// The largest number of arguments of a function.
pub const MAX_ARGUMENTS: usize = 8;

/// An exported function.
pub struct Function {
    pub name: &'static str,
    pub kinds: &'static [Kind],
    address: RawFunction,
}

impl Function {
    /// Calls the function. Arguments that it does not have are ignored.
    ///
    /// # Safety
    ///
    /// The arguments must be valid for the function.
    pub unsafe fn call(&self, arguments: [usize; MAX_ARGUMENTS]) -> usize {
        // SAFETY: the function has this number of arguments. The caller chooses valid ones.
        unsafe { call(self.address, self.kinds.len(), arguments) }
    }
}

/// Looks up the functions of `psapi.h` under both names, and others. Panics if the library lacks
/// one.
pub fn functions(library: &Library, helpers: &[Prototype]) -> Vec<Function> {
    let mut all = Vec::new();
    let mut find = |symbol: String, name, kinds| {
        // SAFETY: the type has no arguments that could be wrong. It is replaced before a call.
        let found = unsafe { library.get::<RawFunction>(symbol.as_bytes()) };
        let address = *found.unwrap_or_else(|error| panic!("{symbol}: {error}"));
        all.push(Function {
            name,
            kinds,
            address,
        });
    };
    for &(name, kinds) in FUNCTIONS {
        find(format!("{name}\0"), name, kinds);
        find(format!("K32{name}\0"), name, kinds);
    }
    for &(name, kinds) in helpers {
        find(format!("{name}\0"), name, kinds);
    }
    all
}

/// Calls a function with the first `count` of the arguments. In some calling conventions, functions
/// must get exactly as many arguments as they have.
///
/// # Safety
///
/// The function must have `count` arguments, and the arguments must be valid for it.
unsafe fn call(function: RawFunction, count: usize, arguments: [usize; MAX_ARGUMENTS]) -> usize {
    macro_rules! call {
        ($($type:ty),*; $($argument:ident),*) => {
            // SAFETY: both are addresses of functions, and the function has these arguments, as the
            // caller guarantees. Each has the size of a register, as all arguments here.
            unsafe {
                std::mem::transmute::<RawFunction, unsafe extern "system" fn($($type),*) -> usize>(
                    function,
                )($($argument),*)
            }
        };
    }
    let [a, b, c, d, e, f, g, h] = arguments;
    match count {
        0 => call!(;),
        1 => call!(usize; a),
        2 => call!(usize, usize; a, b),
        3 => call!(usize, usize, usize; a, b, c),
        4 => call!(usize, usize, usize, usize; a, b, c, d),
        5 => call!(usize, usize, usize, usize, usize; a, b, c, d, e),
        6 => call!(usize, usize, usize, usize, usize, usize; a, b, c, d, e, f),
        7 => call!(usize, usize, usize, usize, usize, usize, usize; a, b, c, d, e, f, g),
        _ => call!(usize, usize, usize, usize, usize, usize, usize, usize; a, b, c, d, e, f, g, h),
    }
}

/// Finds a function by its name.
pub fn find<'f>(functions: &'f [Function], name: &str) -> &'f Function {
    let named = functions.iter().find(|it| it.name == name);
    named.unwrap_or_else(|| panic!("{name}"))
}
