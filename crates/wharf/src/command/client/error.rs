//! What can go wrong between the command line and a server, and what can be done about it.

use std::io;
use std::path::PathBuf;

use super::output::printable;

/// Why a command did not do what it says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// The server's address cannot be used.
    #[error("`{text}` is not a server's address")]
    ServerAddress { text: String },
    /// The password would go over the network unencrypted.
    #[error("the password would go to `{server}` without TLS")]
    Exposed { server: String },
    /// A password without a name.
    #[error("--password-stdin needs --username")]
    NoUsername,
    /// A password is needed and nobody can be asked.
    #[error("a password is needed, and standard input is no terminal to ask at")]
    NoTerminal,
    /// The password cannot be read.
    #[error("cannot read the password")]
    ReadPassword(#[source] io::Error),
    /// Two different ones were typed.
    #[error("the two passwords differ")]
    PasswordsDiffer,
    /// A token that cannot stand in a header.
    #[error("the stored log-in is malformed")]
    Token,
    /// A file that was named cannot be read.
    #[error("cannot read `{}`", path.display())]
    ReadFile { path: PathBuf, source: io::Error },
    /// A file that does not hold what it should.
    #[error("`{}` is not {what}: {reason}", path.display())]
    Malformed { path: PathBuf, what: &'static str, reason: String },
    /// The file of log-ins cannot be written.
    #[error("cannot write `{}`", path.display())]
    WriteFile { path: PathBuf, source: io::Error },
    /// Nobody knows where log-ins are to be stored.
    #[error("there is no place to store a log-in: neither DOCKER_CONFIG nor HOME is set")]
    NoHome,
    /// What `docker login` has written is not JSON.
    #[error("`{}` is not what `docker login` writes", path.display())]
    DockerConfig { path: PathBuf, source: serde_json::Error },
    /// A credential helper does not answer.
    #[error("the credential helper `docker-credential-{name}` does not answer")]
    Helper { name: String, source: io::Error },
    /// No runtime.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    /// The server cannot be reached.
    #[error(transparent)]
    Http(#[from] wharf_http::Error),
    /// Something else listens there.
    #[error("`{server}` does not answer like Wharf")]
    NotWharf { server: String },
    /// A value of the command line that only makes sense together with the time.
    #[error("the expiry is beyond the calendar")]
    Expiry,
    /// The server said no.
    #[error("{}", printable(&_0.detail))]
    Refused(Box<Refusal>),
    /// A check found something.
    #[error("not everything is as it should be: {count} findings are not repaired")]
    Findings { count: u64 },
    /// A file is no export of the audit log.
    #[error("`{}` does not begin as what `wharf audit export` writes", path.display())]
    AuditExport { path: PathBuf },
    /// A file does not hold keys.
    #[error("`{}` is not what `wharf audit keys --json` writes", path.display())]
    AuditKeys { path: PathBuf, source: serde_json::Error },
    /// The audit log is not as it was written.
    #[error("the audit log is not as it was written: {0}")]
    AuditFault(wharf_identity::Fault),
    /// A document is not the evidence that it should be.
    #[error("`{}` is not what the registry signed: {reason}", path.display())]
    Evidence { path: PathBuf, reason: String },
    /// A receiver did not take a test event.
    #[error("the receiver of `{webhook}` did not take the event")]
    NotDelivered { webhook: String },
    /// Images stand on something outdated.
    #[error("not everything is the newest: {count} of what was asked about must be rebuilt")]
    Outdated { count: usize },
    /// An image does not keep the standards of its repository.
    #[error("not everything is as the standards say: {count} complaints")]
    Standards { count: usize },
    /// The text names no image of the server.
    #[error("`{name}` is no image of a project")]
    ImageName { name: String },
    /// A promotion will not be done as things are.
    #[error("it is {state}")]
    NotPromoted { state: String },
    /// A promotion is not done yet.
    #[error("it is not done yet")]
    NotYet,
    /// Two environments are not the same.
    #[error("they differ in {count} repositories")]
    Differ { count: usize },
    /// A promotion's name without a project.
    #[error("a promotion is named `PROJECT/ID`")]
    PromotionName,
    /// A release's name without a project.
    #[error("a release is named `PROJECT/VERSION`")]
    ReleaseName,
    /// A tag where only a digest will do.
    #[error("a history is that of a digest: `PROJECT/APP@sha256:…`")]
    NotADigest,
    /// A key that cannot stand in a header.
    #[error("an idempotency key has 1 to 128 printable characters of ASCII")]
    IdempotencyKey,
    /// Retention left something that the rules wanted gone.
    #[error("retention did not do all that its rules say: {count} tags were left, or the run was given up")]
    TagsLeft { count: u64 },
    /// No archive has the image.
    #[error("`{image}` is in no archive")]
    NotArchived { image: String },
    /// An image was not archived, or not brought back.
    #[error("it was not done: {why}", why = printable(_0))]
    ArchiveFailed(String),
    /// Standard output is gone.
    #[error("cannot write to standard output")]
    Print(#[source] io::Error),
}

/// What the server said instead of doing it.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) detail: String,
    pub(crate) request_id: Option<String>,
    pub(crate) retry_after: Option<u64>,
    pub(crate) host: String,
    pub(crate) has_shown_credentials: bool,
}

impl Error {
    /// What the reader can do about it.
    pub(crate) fn hint(&self) -> String {
        let hint = match self {
            Self::ServerAddress { .. } => "write `https://registry.example.com`, or a host and port",
            Self::Exposed { .. } => "use https, or add --plain-http if everyone on the way is trusted",
            Self::NoUsername => "name yourself with --username or WHARF_USERNAME",
            Self::NoTerminal => {
                "give the password by --password-stdin, --new-password-stdin or WHARF_PASSWORD_FILE, or log in with `wharf login`"
            }
            Self::ReadPassword(_) => "it is one line of standard input, or what you type",
            Self::PasswordsDiffer => "nothing was changed; try again",
            Self::Token => "log in again with `wharf login`",
            Self::ReadFile { .. } => "name a file that this user can read",
            Self::Malformed { .. } => "correct the file; nothing was changed",
            Self::WriteFile { .. } => "its folder must be writable for this user",
            Self::NoHome => "set DOCKER_CONFIG to a folder",
            Self::DockerConfig { .. } => "repair or remove the file, or name yourself with --username",
            Self::Helper { .. } => "install it, or name yourself with --username",
            Self::Runtime(_) | Self::Print(_) => "this is the machine's trouble, not the server's",
            Self::Http(_) | Self::NotWharf { .. } => {
                "is the server running? Name another one with --server or WHARF_SERVER"
            }
            Self::Findings { .. } => "each line above says what can be done; docs/admin/fsck.md says more",
            Self::AuditExport { .. } => {
                "only JSON lines without --person, --object, --action and --outcome are the chain; extracts and tables prove nothing"
            }
            Self::AuditKeys { .. } => "write it anew with `wharf audit keys --json`, or give a key's id",
            Self::Evidence { .. } => {
                "have it made anew by `wharf history --evidence`, and name the keys that you noted down"
            }
            Self::AuditFault(_) => {
                "compare with an earlier export, with what syslog was sent, and with a backup; docs/admin/audit.md says more"
            }
            Self::NotDelivered { .. } => "the lines above say what it answered; docs/admin/webhooks.md says more",
            Self::Outdated { .. } => "build them anew on what is newest, bases first; docs/guide/lineage.md says more",
            Self::Standards { .. } => "correct the image; docs/admin/policy.md says what each rule asks for",
            Self::ImageName { .. } => "write `PROJECT/REPOSITORY:TAG` or `PROJECT/REPOSITORY@DIGEST`",
            Self::NotPromoted { .. } => "`wharf promotion show` says why, and what can be done about it",
            Self::NotYet => "`wharf promotion show` says whose word is missing; it goes on without this command",
            Self::Differ { .. } => "promote what is missing, or roll back what is too much",
            Self::PromotionName => "`wharf promotion ls PROJECT` lists them",
            Self::ReleaseName => "`wharf release ls PROJECT` lists them",
            Self::NotADigest => "`wharf inspect` shows the digest of a tag",
            Self::IdempotencyKey => "choose another one; nothing was changed",
            Self::TagsLeft { .. } => "each line above says why; `wharf retention show` tells it again",
            Self::NotArchived { .. } => "`wharf archive ls` lists what is, `wharf bin ls` what was deleted lately",
            Self::ArchiveFailed(_) => "when that is mended, ask again; docs/admin/archive.md says more",
            Self::Expiry => "choose a shorter time, or --never-expires",
            Self::Refused(refusal) => return refusal.hint(),
        };
        hint.to_owned()
    }

    /// The process's exit code; see `EXIT_CODES`.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::ServerAddress { .. }
            | Self::NoUsername
            | Self::ImageName { .. }
            | Self::PromotionName
            | Self::ReleaseName
            | Self::NotADigest
            | Self::IdempotencyKey => 2,
            Self::NotPromoted { .. } | Self::Differ { .. } => 11,
            Self::NotYet => 12,
            Self::NotArchived { .. } => 7,
            Self::Exposed { .. } | Self::NoTerminal => 6,
            Self::Http(_) | Self::NotWharf { .. } | Self::NotDelivered { .. } => 9,
            Self::Refused(refusal) => refusal.exit_code(),
            Self::Findings { .. }
            | Self::AuditFault(_)
            | Self::Evidence { .. }
            | Self::AuditExport { .. }
            | Self::Outdated { .. }
            | Self::Standards { .. }
            | Self::TagsLeft { .. } => 10,
            Self::ArchiveFailed(_)
            | Self::ReadPassword(_)
            | Self::PasswordsDiffer
            | Self::Token
            | Self::ReadFile { .. }
            | Self::Malformed { .. }
            | Self::WriteFile { .. }
            | Self::NoHome
            | Self::DockerConfig { .. }
            | Self::Helper { .. }
            | Self::Runtime(_)
            | Self::AuditKeys { .. }
            | Self::Expiry
            | Self::Print(_) => 1,
        }
    }
}

impl Refusal {
    fn hint(&self) -> String {
        match self.status {
            401 if self.has_shown_credentials => {
                "check the name and the password; `wharf login` stores them anew".to_owned()
            }
            401 => format!("log in with `wharf login {}`, or name yourself with --username", self.host),
            403 => "ask an owner of the project, or an administrator".to_owned(),
            404 => "check the name; what you may not see is not known, either".to_owned(),
            409 => "look at what is there; nothing was changed".to_owned(),
            429 => format!("try again in {} s", self.retry_after.unwrap_or(60)),
            500.. => {
                let id = self.request_id.as_deref().unwrap_or("the time of this request");
                format!("the server's log says more under {}", printable(id))
            }
            _ => "`--help` says what the command takes; nothing was changed".to_owned(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self.status {
            401 | 403 => 6,
            404 => 7,
            409 | 412 => 8,
            429 | 500.. => 9,
            _ => 1,
        }
    }
}
