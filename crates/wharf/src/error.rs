//! Failures that have a hint and an exit code of their own. All others are told as they come, with code 1.

use std::io;
use std::path::PathBuf;

use crate::command::{build, client, lint, registries};
use crate::config::source::Problem;

/// What the process's exit code means. Code 2 for a wrong command line is clap's.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0    done; for `serve`: ended as asked, all transfers completed or their time was up
  1    it failed; the last lines say why
  2    the command line is wrong
  3    the configuration is wrong
  4    the data folder is in use by another process
  5    an address to listen on is taken or not ours
  6    the server asks for a log-in, or does not allow it
  7    the server knows no such thing, or does not show it
  8    it exists already, or its state forbids it
  9    the server cannot be reached or cannot answer now; the same may pass later
  10   `wharf fsck` or `wharf audit verify` found something that somebody has to see to, `wharf retention` left something,
       or `wharf lint` has findings that count
  11   a promotion will not be done as things are; `wharf env diff`: there are differences
  12   a promotion that was waited for is not done yet
  130  ended at once by a signal: for `serve`, by the second one";

/// What goes wrong in ways that people can mend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// The named file of configuration cannot be read.
    #[error("cannot read the configuration file `{}`", path.display())]
    ReadConfiguration { path: PathBuf, source: io::Error },
    /// The file of configuration is not TOML.
    #[error("the configuration file `{}` is not TOML", path.display())]
    ParseConfiguration { path: PathBuf, source: toml::de::Error },
    /// A file of AWS credentials that was named cannot be read.
    #[error("cannot read the AWS credentials in `{}`", path.display())]
    ReadCredentials { path: PathBuf, source: io::Error },
    /// Something in the configuration is wrong.
    #[error("{}", list(_0))]
    Configuration(Vec<Problem>),
    /// Anonymous writing was asked for on an address that others can reach.
    #[error("`--open` would let anyone who reaches {address} push and delete")]
    OpenToOthers { address: String },
    /// The folder, or a parent of it, cannot be made or written.
    #[error("cannot use the data folder `{}`", path.display())]
    UseFolder { path: PathBuf, source: io::Error },
    /// Somebody else has the folder.
    #[error("the data folder `{}` is in use by {holder}", path.display())]
    FolderInUse { path: PathBuf, holder: String },
    /// An address cannot be listened on.
    #[error("cannot listen on `{address}`")]
    Listen { address: String, source: io::Error },
    /// The certificate or its key cannot be used.
    #[error("cannot use the TLS certificate: {0}")]
    Certificate(String),
    /// Catalog or bytes are no longer where the configuration says.
    #[error("the registry's {what} moved to `{place}`")]
    Moved { what: &'static str, place: String },
    /// The data folder plays another part in a pair than it was started for.
    #[error("{0}")]
    Standby(String),
    /// A server was asked and did not do it.
    #[error(transparent)]
    Client(client::Error),
    /// A registry, a layout or an archive was asked and did not do it.
    #[error(transparent)]
    Registry(registries::Error),
    /// Nothing was built.
    #[error(transparent)]
    Build(build::Error),
    /// Dockerfiles cannot be linted, or there are findings in them.
    #[error(transparent)]
    Lint(lint::Error),
}

impl Error {
    /// What the reader can do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::ReadConfiguration { .. } => "name another file with --config, or leave the flag out".to_owned(),
            Self::ParseConfiguration { .. } | Self::Configuration(_) => {
                "`wharf config print` lists every setting with its default".to_owned()
            }
            Self::ReadCredentials { .. } => {
                "correct AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE, or unset them".to_owned()
            }
            Self::OpenToOthers { .. } => {
                "listen on 127.0.0.1, or add --force-open if the network in front is trusted".to_owned()
            }
            Self::UseFolder { .. } => "name a folder that this user can write with --data".to_owned(),
            Self::FolderInUse { .. } => {
                "stop that process, or give this one a folder of its own with --data".to_owned()
            }
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                "something else listens there; choose another address with --listen".to_owned()
            }
            Self::Listen { .. } => "choose another address with --listen".to_owned(),
            Self::Certificate(_) => "`tls.certificate` and `tls.key` name PEM files that belong together".to_owned(),
            Self::Moved { .. } => {
                "name that place in the configuration; to go on here instead, run `wharf admin migrate --abandon`"
                    .to_owned()
            }
            Self::Standby(_) => {
                "docs/admin/standby.md says how two servers become a pair, and how one takes over".to_owned()
            }
            Self::Client(error) => error.hint(),
            Self::Registry(error) => error.hint(),
            Self::Build(error) => error.hint(),
            Self::Lint(error) => error.hint(),
        }
    }

    /// The process's exit code; see [`EXIT_CODES`].
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::ReadConfiguration { .. }
            | Self::ParseConfiguration { .. }
            | Self::ReadCredentials { .. }
            | Self::Configuration(_)
            | Self::OpenToOthers { .. }
            | Self::Moved { .. }
            | Self::Standby(_)
            | Self::Certificate(_) => 3,
            Self::FolderInUse { .. } => 4,
            Self::Listen { .. } => 5,
            Self::UseFolder { .. } => 1,
            Self::Client(error) => error.exit_code(),
            Self::Registry(error) => error.exit_code(),
            Self::Build(error) => error.exit_code(),
            Self::Lint(error) => error.exit_code(),
        }
    }
}

/// One problem as a sentence, several as a list.
fn list(problems: &[Problem]) -> String {
    match problems {
        [problem] => format!("the configuration is wrong: {problem}"),
        problems => format!("the configuration is wrong:\n  {}", problems.join("\n  ")),
    }
}
