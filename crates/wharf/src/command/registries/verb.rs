//! The verbs that work on registries, layouts and archives. Here they are named and called.

use clap::Subcommand;

use super::error::Error;
use crate::command::{copy, inspect, login, logout, ls, pull, push, rm, tag, tags};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Log in to a registry.
    Login(login::Login),
    /// Forget a registry's log-in.
    Logout(logout::Logout),
    /// Push an image, a Helm chart or any files to a registry.
    Push(push::Push),
    /// Pull an image into a layout or archive, or an artifact's files into a folder.
    Pull(pull::Pull),
    /// Copy an image between registries, layouts and archives.
    Copy(copy::Copy),
    /// List the repositories of a registry.
    Ls(ls::Ls),
    /// List the tags of a repository.
    Tags(tags::Tags),
    /// Show what an image or artifact is made of.
    Inspect(inspect::Inspect),
    /// Give a manifest another tag.
    Tag(tag::Tag),
    /// Delete a tag, or a manifest with all its tags.
    Rm(rm::Rm),
}

impl Verb {
    pub(crate) fn run(self) -> Result<(), Error> {
        match self {
            Self::Login(login) => login.run(),
            Self::Logout(logout) => logout.run(),
            Self::Push(push) => push.run(),
            Self::Pull(pull) => pull.run(),
            Self::Copy(copy) => copy.run(),
            Self::Ls(ls) => ls.run(),
            Self::Tags(tags) => tags.run(),
            Self::Inspect(inspect) => inspect.run(),
            Self::Tag(tag) => tag.run(),
            Self::Rm(rm) => rm.run(),
        }
    }
}
