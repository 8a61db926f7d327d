//! The command line: one file per verb. Here the verbs are named and called.

mod audit;
pub(crate) mod client;
pub(crate) mod config;
pub(crate) mod fsck;
mod group;
mod key;
mod project;
mod robot;
pub(crate) mod serve;
mod user;
mod welcome;
mod whoami;

use clap::{Parser, Subcommand};

use crate::error::{EXIT_CODES, Error};

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
    /// Projects and their members.
    Project(project::Project),
    /// Users.
    User(user::User),
    /// Groups of users.
    Group(group::Group),
    /// Robot accounts: machines that push and pull in one project.
    Robot(robot::Robot),
    /// The keys that sign tokens.
    Key(key::Key),
    /// Check that every reference has its bytes, every byte its digest, every upload its owner.
    Fsck(fsck::Fsck),
    /// The audit log.
    Audit(audit::Audit),
    /// As whom the server knows you.
    Whoami(whoami::Whoami),
}

impl Cli {
    /// Does what was asked.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let asked = match self.verb {
            Verb::Serve(serve) => return serve.run(),
            Verb::Config(config) => return config.run(),
            Verb::Project(project) => project.run(),
            Verb::User(user) => user.run(),
            Verb::Group(group) => group.run(),
            Verb::Robot(robot) => robot.run(),
            Verb::Key(key) => key.run(),
            Verb::Fsck(fsck) => fsck.run(),
            Verb::Audit(audit) => audit.run(),
            Verb::Whoami(whoami) => whoami.run(),
        };
        asked.map_err(|error| Error::Client(error).into())
    }
}
