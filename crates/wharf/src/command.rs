//! The command line: one file per verb. Here the verbs are named and called.

mod access;
mod admin;
mod archive;
mod audit;
mod bin;
pub(crate) mod build;
pub(crate) mod client;
mod completion;
pub(crate) mod config;
mod copy;
mod env;
mod exception;
pub(crate) mod fsck;
mod gc;
mod group;
mod history;
mod hold;
mod hook;
mod image;
mod inspect;
mod key;
mod lineage;
pub(crate) mod lint;
mod login;
pub(crate) mod logins;
mod logout;
mod ls;
mod man;
mod person;
mod policy;
mod project;
mod promote;
mod promotion;
mod pull;
mod push;
mod rebuild;
pub(crate) mod registries;
mod release;
mod remote;
mod retention;
mod review;
mod rm;
mod robot;
mod role;
mod running;
mod search;
pub(crate) mod serve;
mod standard;
mod standby;
mod subject;
mod tag;
mod tags;
mod user;
mod version;
mod webhook;
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
    #[command(flatten)]
    Registries(registries::verb::Verb),
    /// Find what is wrong with Dockerfiles although they build.
    Lint(lint::Lint),
    /// Build an image out of a Dockerfile.
    Build(Box<build::Build>),
    /// Look into images, and make them of folders.
    #[command(subcommand)]
    Image(image::Image),
    /// Check or show the configuration.
    #[command(subcommand)]
    Config(config::Config),
    /// Projects and their members.
    Project(project::Project),
    /// What a project demands of its images.
    Policy(policy::Policy),
    /// Versions by date, which the server gives out in order.
    Version(version::Version),
    /// Who outside is told of what happens in a project.
    Webhook(webhook::Webhook),
    /// What Git servers and build systems tell a project.
    Hook(hook::Hook),
    /// Find images by what they are.
    Search(search::Search),
    /// What an image stands on, what stands on it, what must be rebuilt.
    Lineage(lineage::Lineage),
    /// What newer bases ask to be rebuilt, and the answers.
    Rebuild(rebuild::Rebuild),
    /// Whether images are as a project's standards say.
    Standard(standard::Standard),
    /// Environments: what stands in them, and how they differ.
    Env(env::Env),
    /// Ask for something to go on to the next environment.
    Promote(promote::Promote),
    /// Ask for what stood in an environment before.
    Rollback(promote::Rollback),
    /// Promotions: what is asked for, and what people say to it.
    Promotion(promotion::Promotion),
    /// Agree to a promotion.
    Approve(promotion::Approve),
    /// Sets that move together.
    Release(release::Release),
    /// Seal a release: its digests stand from now on.
    Seal(release::Seal),
    /// Registries beyond this one that environments may be at.
    Remote(remote::Remote),
    /// All that is known of a digest, from the push to where it stands.
    History(history::History),
    /// Uses of the emergency passage that somebody else looks at.
    Review(review::Review),
    /// Gates' noes that do not count for a while.
    Exception(exception::Exception),
    /// What must stay as it is, whoever wants it gone.
    Hold(hold::Hold),
    /// Which tags stay and which go, by the project's rules.
    Retention(retention::Retention),
    /// Images that leave for the cold place.
    Archive(archive::Archive),
    /// Bring an archived image back.
    Restore(archive::Restore),
    /// What runs where.
    Running(running::Running),
    /// Users.
    User(user::User),
    /// Groups of users.
    Group(group::Group),
    /// Custom roles, roles within limits, and repositories that only a role pulls.
    Role(role::Role),
    /// Whom accounts belong to: two accounts of one person are never two people who approve.
    Person(person::Person),
    /// Why somebody may do something, or not.
    Access(access::Access),
    /// Robot accounts: machines that push and pull in one project.
    Robot(robot::Robot),
    /// The keys that sign tokens, and those that secrets and blobs are sealed under.
    Key(key::Key),
    /// Check that every reference has its bytes, every byte its digest, every upload its owner.
    Fsck(fsck::Fsck),
    /// Collection: do it now, see what it would take, and why something stays.
    Gc(gc::Gc),
    /// What was deleted, and bringing it back.
    Bin(bin::Bin),
    /// A second machine that follows this one, and takes over.
    Standby(standby::Standby),
    /// What a registry holds; saving, restoring and moving it.
    Admin(admin::Admin),
    /// The audit log.
    Audit(audit::Audit),
    /// As whom the server knows you.
    Whoami(whoami::Whoami),
    /// Print what completes commands in a shell.
    Completion(completion::Completion),
    /// Write the manual: a page for each command.
    Man(man::Man),
}

impl Cli {
    /// Does what was asked.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let asked = match self.verb {
            Verb::Serve(serve) => return serve.run(),
            Verb::Config(config) => return config.run(),
            Verb::Admin(admin) => return admin.run(),
            Verb::Standby(standby) => return standby.run(),
            Verb::Registries(verb) => return verb.run().map_err(|error| Error::Registry(error).into()),
            Verb::Build(build) => return build.run().map_err(|error| Error::Build(error).into()),
            Verb::Lint(lint) => return lint.run().map_err(|error| Error::Lint(error).into()),
            Verb::Image(image) => return image.run().map_err(|error| Error::Registry(error).into()),
            Verb::Completion(completion) => return completion.run(),
            Verb::Man(man) => return man.run(),
            Verb::Project(project) => project.run(),
            Verb::Policy(policy) => policy.run(),
            Verb::Version(version) => version.run(),
            Verb::Webhook(webhook) => webhook.run(),
            Verb::Hook(hook) => hook.run(),
            Verb::Search(search) => search.run(),
            Verb::Lineage(lineage) => lineage.run(),
            Verb::Rebuild(rebuild) => rebuild.run(),
            Verb::Standard(standard) => standard.run(),
            Verb::Env(env) => env.run(),
            Verb::Promote(promote) => promote.run(),
            Verb::Rollback(rollback) => rollback.run(),
            Verb::Promotion(promotion) => promotion.run(),
            Verb::Approve(approve) => approve.run(),
            Verb::Release(release) => release.run(),
            Verb::Seal(seal) => seal.run(),
            Verb::Remote(remote) => remote.run(),
            Verb::History(history) => history.run(),
            Verb::Review(review) => review.run(),
            Verb::Exception(exception) => exception.run(),
            Verb::Hold(hold) => hold.run(),
            Verb::Retention(retention) => retention.run(),
            Verb::Archive(archive) => archive.run(),
            Verb::Restore(restore) => restore.run(),
            Verb::Running(running) => running.run(),
            Verb::User(user) => user.run(),
            Verb::Group(group) => group.run(),
            Verb::Role(role) => role.run(),
            Verb::Person(person) => person.run(),
            Verb::Access(access) => access.run(),
            Verb::Robot(robot) => robot.run(),
            Verb::Key(key) => key.run(),
            Verb::Fsck(fsck) => fsck.run(),
            Verb::Gc(gc) => gc.run(),
            Verb::Bin(bin) => bin.run(),
            Verb::Audit(audit) => audit.run(),
            Verb::Whoami(whoami) => whoami.run(),
        };
        asked.map_err(|error| Error::Client(error).into())
    }
}
