//! `wharf config`: is the configuration right, and what counts?

use clap::Subcommand;

use super::serve::Flags;
use crate::config::effective;

/// The verbs of `wharf config`.
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Say whether the configuration is right; exit code 3 if not.
    Check {
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
            Self::Check { flags } => {
                flags.load()?;
                println!("the configuration is right");
            }
            Self::Print { effective: true, flags } => print!("{}", effective::render(&flags.load()?)),
            Self::Print { effective: false, .. } => print!("{}", effective::render(&Flags::defaults()?)),
        }
        Ok(())
    }
}
