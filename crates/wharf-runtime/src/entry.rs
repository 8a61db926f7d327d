//! Where this program begins when it is started again to hold a container.
//!
//! The program's `main` calls [`hold`] before it does anything else if its only argument is [`VERB`], so that there is one
//! thread only. Tests of whoever runs containers have [`entry_before_main!`](crate::entry_before_main).

use std::ffi::{CStr, c_char, c_int};
use std::process::ExitCode;

/// The argument that says so. No word for people: nobody but this program types it.
pub const VERB: &str = "hold-container";

/// Holds one container, described on standard input. To be called first thing in `main`, with no thread beside.
pub fn hold() -> ExitCode {
    match crate::holder::hold() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// The argument by which a test binary is asked to become root of a user namespace before its tests run.
pub const ROOTLESS_TESTS: &str = "in-a-user-namespace";

/// Makes a test binary its own entry: its `main` is not ours, so this runs before it. Stands once in the root of the binary.
#[macro_export]
macro_rules! entry_before_main {
    () => {
        #[used]
        // SAFETY: the section holds addresses of functions that glibc calls once, before main, with main's arguments.
        #[unsafe(link_section = ".init_array")]
        static ENTRY: unsafe extern "C" fn(i32, *const *const std::ffi::c_char, *const *const std::ffi::c_char) =
            $crate::entry::before_main;
    };
}

/// What [`entry_before_main!`](crate::entry_before_main) lets be called, and nobody else calls.
///
/// # Safety
///
/// `arguments` points to `count` strings, as in a C program's `main`.
#[doc(hidden)]
#[expect(clippy::exit, reason = "main must not run")]
#[expect(unsafe_code, reason = "reads main's arguments; see the block")]
pub unsafe extern "C" fn before_main(count: c_int, arguments: *const *const c_char, _: *const *const c_char) {
    if count < 2 {
        return;
    }
    // SAFETY: the caller says that there are `count` strings, which are at least two.
    let argument = unsafe { CStr::from_ptr(*arguments.add(1)) };
    if argument.to_bytes() == VERB.as_bytes() {
        std::process::exit(i32::from(crate::holder::hold().is_err()));
    }
    if argument.to_bytes() == ROOTLESS_TESTS.as_bytes()
        && let Err(error) = crate::rootless::enter()
    {
        eprintln!("{error}");
        std::process::exit(1);
    }
}
