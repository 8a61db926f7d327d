//! Containers made of busybox, run for real: what a process sees, what it leaves, and what it cannot do.
//!
//! All take root and Debian's `busybox-static`; `rootless` runs many of them again as an ordinary user.
#![expect(clippy::unwrap_used, reason = "a test ends by panicking")]

mod escape;
mod process;
mod rig;
mod rootless;
mod stop;

wharf_runtime::entry_before_main!();
