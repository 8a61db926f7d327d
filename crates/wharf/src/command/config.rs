//! `wharf config`: is the configuration right, and what counts?

use anyhow::Context as _;
use clap::Subcommand;

use super::serve::{self, Flags};
use crate::config::effective;
use crate::wire;

/// The verbs of `wharf config`.
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Say whether the configuration is right; exit code 3 if not.
    Check {
        /// Also try what the S3 endpoint of `storage.url` can do: put, get, list, parts, delete.
        #[arg(long)]
        storage: bool,
        #[command(flatten)]
        flags: Flags,
    },
    /// Print the configuration as TOML.
    Print {
        /// Print what counts after file, variables and flags, with each value's origin. Without it, the defaults.
        #[arg(long)]
        effective: bool,
        #[command(flatten)]
        flags: Flags,
    },
}

impl Config {
    #[expect(clippy::print_stdout, reason = "what was asked for goes to standard output")]
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Check { storage, flags } => {
                let config = flags.load()?.config;
                println!("the configuration is right");
                if storage {
                    try_storage(&config)?;
                }
            }
            Self::Print { effective: true, flags } => print!("{}", effective::render(&flags.load()?)),
            Self::Print { effective: false, .. } => print!("{}", effective::render(&Flags::defaults()?)),
        }
        Ok(())
    }
}

/// Tells what the endpoint can do, a line each; fails when something is missing that cannot be done without.
#[expect(clippy::print_stdout, reason = "what was asked for goes to standard output")]
fn try_storage(config: &crate::config::Config) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("start the runtime")?;
    let Some(report) = runtime.block_on(wire::store::probe(config, &serve::environment()))? else {
        println!("blobs lie in no bucket: there is nothing to try");
        return Ok(());
    };
    for finding in &report.findings {
        println!("{finding}");
    }
    report.lacking().map_or(Ok(()), |lacking| Err(lacking.into()))
}
