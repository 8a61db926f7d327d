//! One program for a container image's whole life; the subcommand is the role.
//!
//! Nothing is decided here: [`command`] knows the flags, [`config`] the settings, [`wire`] is the one place where the
//! parts meet, [`server`] brings requests in and answers out.

mod command;
mod config;
mod control;
mod data;
mod error;
mod node;
mod operator;
mod server;
mod standby;
mod syslog;
mod telemetry;
mod wire;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    // Before anything else, for nothing may make a thread before: see `wharf_runtime::entry`.
    if std::env::args_os().skip(1).eq([wharf_runtime::entry::VERB]) {
        return wharf_runtime::entry::hold();
    }
    // One provider for every TLS connection of the process, whoever opens it.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        unreachable!("nothing runs before this line");
    }
    match command::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => tell(&error),
    }
}

/// Says what failed, its causes, and what can be done about it.
fn tell(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {cause}");
    }
    let known = error.chain().find_map(|cause| cause.downcast_ref::<error::Error>());
    if let Some(known) = known {
        eprintln!("hint: {}", known.hint());
    }
    ExitCode::from(known.map_or(1, error::Error::exit_code))
}
