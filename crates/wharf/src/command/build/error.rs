//! What can go wrong between the command line and a build, and what can be done about it.

use std::io;
use std::path::PathBuf;

use crate::command::registries;

/// Why nothing was built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// A registry, a log-in or the runtime.
    #[error(transparent)]
    Registry(registries::Error),
    /// The node's images.
    #[error("cannot use this node's images")]
    Images(#[source] wharf_images::Error),
    /// No client for downloads.
    #[error("cannot prepare for downloads")]
    Http(#[source] wharf_http::Error),
    /// An instruction failed.
    #[error("{text}")]
    Step { text: String, source: wharf_build::Error },
    /// The build.
    #[error(transparent)]
    Build(wharf_build::Error),
    /// A second build left other files.
    #[error("a second build left other files:\n  {files}")]
    Differs { files: String },
    /// A flag makes no sense.
    #[error("{flag} `{text}` {reason}")]
    Flag { flag: &'static str, text: String, reason: &'static str },
    /// The Dockerfile, an ignore file or the context cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// A file cannot be written.
    #[error("cannot write `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
}

impl Error {
    /// What the reader can do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Registry(error) => error.hint(),
            Self::Images(_) => {
                "name another folder with --store; unpacking layers needs root, and a file system that is no overlay itself"
                    .to_owned()
            }
            Self::Step { source, .. } | Self::Build(source) => hint(source).to_owned(),
            Self::Differs { .. } => {
                "times are set already; look for random names, dates, and caches that instructions leave".to_owned()
            }
            Self::Http(_) => "check the files of --ca, and the proxies in HTTP_PROXY and HTTPS_PROXY".to_owned(),
            Self::Flag { .. } => "`wharf build --help` says what it takes".to_owned(),
            Self::Read { .. } => "name the Dockerfile with --file, and the context as the last word".to_owned(),
            Self::Write { .. } => "name a file that this user can write".to_owned(),
        }
    }

    /// The process's exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Registry(error) => error.exit_code(),
            Self::Flag { .. } => 2,
            Self::Differs { .. }
            | Self::Images(_)
            | Self::Http(_)
            | Self::Step { .. }
            | Self::Build(_)
            | Self::Read { .. }
            | Self::Write { .. } => 1,
        }
    }
}

impl From<wharf_build::Error> for Error {
    /// A failed instruction is told with its lines, and the last that it wrote.
    fn from(error: wharf_build::Error) -> Self {
        let wharf_build::Error::Step { title, excerpt, output, source } = error else { return Self::Build(error) };
        let output: String = output.lines().map(|line| format!("  {line}\n")).collect();
        let output = if output.is_empty() { output } else { format!("the last that it wrote:\n{output}") };
        let text = format!("{title} failed\n{excerpt}{output}").trim_end().to_owned();
        Self::Step { text, source: *source }
    }
}

fn hint(error: &wharf_build::Error) -> &'static str {
    use wharf_build::Error as Build;
    if let Build::Step { source, .. } = error {
        return hint(source);
    }
    if matches!(error, Build::Dockerfile(_)) {
        return "correct the Dockerfile where it is shown";
    }
    if matches!(error, Build::Base { .. }) {
        return "check the base's name; `wharf login HOST` logs in, `wharf image import` makes a base of a folder";
    }
    if matches!(error, Build::Exit(_)) {
        return "what it wrote says why; what was done before is not done again";
    }
    match error.kind() == wharf_context::Kind::Exhausted {
        true => "make room; what was unfinished is removed by the next build",
        false => "the lines above say what is wrong",
    }
}
