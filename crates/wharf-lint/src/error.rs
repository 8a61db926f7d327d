//! What can go wrong when files are linted.

use std::io;
use std::path::PathBuf;

/// Why `wharf lint` ended with something else than 0.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There are findings.
    #[error("{count} findings that count")]
    Found {
        /// How many.
        count: usize,
    },
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A folder cannot be listed.
    #[error("cannot look into the folder `{}`", path.display())]
    List {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is larger than a Dockerfile is.
    #[error("`{}` has more than {limit} bytes", path.display())]
    TooLarge {
        /// Which one.
        path: PathBuf,
        /// So many bytes are taken.
        limit: u64,
    },
    /// A mended file cannot be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is nothing to lint.
    #[error("there is no Dockerfile in `{}`", path.display())]
    NoFile {
        /// Where.
        path: PathBuf,
    },
    /// Findings cannot be written out.
    #[error("cannot write the findings")]
    Print {
        /// Why.
        source: io::Error,
    },
    /// A file of settings cannot be read.
    #[error("cannot read the settings in `{}`", path.display())]
    ReadSettings {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of settings says something that it can't.
    #[error("the settings in `{}` are wrong: {problem}", path.display())]
    Settings {
        /// Which one.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The editor says something that the protocol does not have, or is gone.
    #[error("the editor cannot be served: {0}")]
    Editor(String),
    /// A level that there is not.
    #[error("`{0}` is no level")]
    Level(String),
}

impl Error {
    /// What can be done about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Found { .. } => {
                "`wharf lint --fix` mends some; docs/lint/README.md has a page for each rule".to_owned()
            }
            Self::Read { .. } | Self::List { .. } | Self::NoFile { .. } => {
                "name Dockerfiles, folders, or `-` for standard input".to_owned()
            }
            Self::TooLarge { .. } => "name Dockerfiles".to_owned(),
            Self::Write { .. } => "leave out --fix, or make the file writable".to_owned(),
            Self::Print { .. } => "see that what reads the output stays until its end".to_owned(),
            Self::ReadSettings { .. } | Self::Settings { .. } => {
                "docs/guide/lint.md tells what settings there are".to_owned()
            }
            Self::Editor(_) => "`--lsp` is for editors: they start it themselves".to_owned(),
            Self::Level(_) => "the levels are error, warning, info, style, none".to_owned(),
        }
    }

    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Found { .. } => 10,
            Self::Level(_) => 2,
            Self::ReadSettings { .. } | Self::Settings { .. } => 3,
            Self::Read { .. }
            | Self::List { .. }
            | Self::TooLarge { .. }
            | Self::Write { .. }
            | Self::NoFile { .. }
            | Self::Editor(_)
            | Self::Print { .. } => 1,
        }
    }
}
