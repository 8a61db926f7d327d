//! The instructions of a stage with their words expanded: what the builder does, one after the other.

use crate::command::CommandLine;
use crate::instruction::mount::Mount;
use crate::instruction::{Healthcheck, RunForm};

/// One instruction, ready to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// `ADD`.
    Add(AddStep),
    /// `ARG`: names, and the values that they have now.
    Arg(Vec<(String, Option<String>)>),
    /// `CMD`.
    Cmd(CommandLine),
    /// `COPY`.
    Copy(CopyStep),
    /// `ENTRYPOINT`.
    Entrypoint(CommandLine),
    /// `ENV`: names and values.
    Env(Vec<(String, String)>),
    /// `EXPOSE`.
    Expose(Vec<Ports>),
    /// `HEALTHCHECK`.
    Healthcheck(Healthcheck),
    /// `LABEL`: names and values.
    Label(Vec<(String, String)>),
    /// `MAINTAINER`.
    Maintainer(String),
    /// `ONBUILD`: the instruction as text.
    Onbuild(String),
    /// `RUN`.
    Run(RunStep),
    /// `SHELL`.
    Shell(Vec<String>),
    /// `STOPSIGNAL`.
    Stopsignal(String),
    /// `USER`.
    User(String),
    /// `VOLUME`.
    Volume(Vec<String>),
    /// `WORKDIR`.
    Workdir(String),
}

/// An expanded `COPY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyStep {
    /// The stage, its number, a named context or an image to copy from, instead of the build context.
    pub from: Option<String>,
    /// The owner of what is copied.
    pub chown: Option<String>,
    /// The mode of what is copied, octal or symbolic.
    pub chmod: Option<String>,
    /// Whether the files become a layer that does not depend on those below.
    pub link: bool,
    /// Whether the folders above a source are kept.
    pub parents: bool,
    /// Patterns of what is left out.
    pub exclude: Vec<String>,
    /// What is copied.
    pub sources: Vec<Origin>,
    /// Where to.
    pub destination: String,
}

/// An expanded `ADD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddStep {
    /// The owner of what is added.
    pub chown: Option<String>,
    /// The mode of what is added, octal or symbolic.
    pub chmod: Option<String>,
    /// The digest that a download must have, or the commit of a repository.
    pub checksum: Option<String>,
    /// Whether the files become a layer that does not depend on those below.
    pub link: bool,
    /// Whether a repository keeps its `.git`.
    pub keep_git_dir: Option<bool>,
    /// Whether archives are unpacked.
    pub unpack: Option<bool>,
    /// Patterns of what is left out.
    pub exclude: Vec<String>,
    /// What is added.
    pub sources: Vec<Origin>,
    /// Where to.
    pub destination: String,
}

/// What a `COPY` or `ADD` takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A path, a pattern or a URL.
    Path(String),
    /// A file of the Dockerfile itself.
    File {
        /// Its name.
        name: String,
        /// Its content.
        content: String,
    },
}

/// An expanded `RUN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunStep {
    /// The mounts.
    pub mounts: Vec<Mount>,
    /// `default`, `none` or `host`.
    pub network: Option<String>,
    /// `sandbox` or `insecure`.
    pub security: Option<String>,
    /// Names of devices.
    pub devices: Vec<String>,
    /// What is run, and how.
    pub form: RunForm,
    /// Whether the instruction's form is the shell's, not JSON.
    pub shell: bool,
}

/// Ports that an image listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ports {
    /// The first one.
    pub first: u16,
    /// The last one; the first one again, if there is one only.
    pub last: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
}

impl Ports {
    /// Reads `80`, `8000-8010/udp`. A host's part, `127.0.0.1:80:` or `80:`, is passed over: an image can't have one.
    pub(super) fn parse(word: &str) -> Result<Self, String> {
        let wrong = || format!("`{word}` is no port: a port is like `80`, `53/udp` or `8000-8010`");
        let (ports, protocol) = match word.split_once('/') {
            Some((ports, protocol)) => (ports, protocol.to_ascii_lowercase()),
            None => (word, "tcp".to_owned()),
        };
        if !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
            return Err(format!("`{word}`: the protocol of a port is `tcp`, `udp` or `sctp`"));
        }
        let own = ports.rsplit(':').next().unwrap_or_default();
        let (first, last) = own.split_once('-').unwrap_or((own, own));
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u16>().ok().filter(|_| digits).ok_or_else(wrong)
        };
        let (first, last) = (number(first)?, number(last)?);
        if first > last { Err(wrong()) } else { Ok(Self { first, last, protocol }) }
    }

    /// Each of them, as an image's config writes it: `80/tcp`.
    pub fn keys(&self) -> impl Iterator<Item = String> {
        (self.first..=self.last).map(|port| format!("{port}/{}", self.protocol))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_numbers_ranges_and_protocols() {
        let cases: &[(&str, &[&str])] = &[
            ("80", &["80/tcp"]),
            ("53/UDP", &["53/udp"]),
            ("8000-8002/sctp", &["8000/sctp", "8001/sctp", "8002/sctp"]),
            ("127.0.0.1:80:8080", &["8080/tcp"]),
            ("80:8080", &["8080/tcp"]),
        ];
        for (word, expected) in cases {
            assert_eq!(Ports::parse(word).unwrap().keys().collect::<Vec<_>>(), *expected, "{word}");
        }
        for word in ["", "a", "65536", "90-80", "80/icmp", "-80", "80-", "+80", "80/tcp/udp"] {
            assert!(Ports::parse(word).is_err(), "{word}");
        }
    }
}
