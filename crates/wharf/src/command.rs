//! The command line: one file per verb. Here the verbs are named and called.

pub(crate) mod config;
pub(crate) mod serve;
mod welcome;

use clap::{Parser, Subcommand};

use crate::error::EXIT_CODES;

/// One program for a container image's whole life.
#[derive(Debug, Parser)]
#[command(name = "wharf", version, after_help = EXIT_CODES, max_term_width = 120)]
pub(crate) struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the registry.
    Serve(serve::Serve),
    /// Check or show the configuration.
    #[command(subcommand)]
    Config(config::Config),
}

impl Cli {
    /// Does what was asked.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self.verb {
            Verb::Serve(serve) => serve.run(),
            Verb::Config(config) => config.run(),
        }
    }
}
