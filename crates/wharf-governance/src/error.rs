//! What can go wrong, on what.

use wharf_context::Kind;
use wharf_oci::{Digest, ProjectName, RepositoryName};

use crate::tag_rule::Violation;
use crate::version::{DateVersion, MAX_NOTE_BYTES};
use crate::webhook::WebhookName;

/// An error of governance.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The catalog failed.
    #[error("cannot use the catalog")]
    Catalog(#[from] wharf_db::Error),
    /// The registry could not do its part.
    #[error(transparent)]
    Registry(#[from] wharf_registry::Error),
    /// Content cannot be read.
    #[error("cannot read an image")]
    Content(#[source] wharf_oci::ContentError),
    /// A policy that does not say what a policy says.
    #[error("the policy is wrong: {reason}")]
    PolicyInvalid {
        /// Where and why.
        reason: String,
    },
    /// Somebody else has changed the policy since it was read.
    #[error(
        "the policy of project `{project}` is at revision {current} by now; read it again and apply the change to that"
    )]
    PolicyChanged {
        /// The project.
        project: ProjectName,
        /// The revision in force.
        current: i64,
    },
    /// A tag breaks a rule of its project.
    #[error("{0}")]
    TagRefused(Box<Violation>),
    /// Nobody was given the version.
    #[error("version `{version}` was not allocated to `{of}`")]
    VersionUnknown {
        /// The repository or the project.
        of: String,
        /// The version.
        version: DateVersion,
    },
    /// The version is on an image already.
    #[error("version `{version}` of `{of}` is on an image; it cannot be made void any more")]
    VersionUsed {
        /// The repository or the project.
        of: String,
        /// The version.
        version: DateVersion,
    },
    /// A day has no more numbers.
    #[error("project `{project}` has used up the versions of this day")]
    VersionsExhausted {
        /// The project.
        project: ProjectName,
    },
    /// A purpose or a reason that cannot be kept.
    #[error("a {what} is 1 to {MAX_NOTE_BYTES} bytes of text on one line")]
    NoteInvalid {
        /// Which.
        what: &'static str,
    },
    /// There is no such webhook.
    #[error("there is no webhook `{name}` in this project")]
    WebhookUnknown {
        /// Its name.
        name: WebhookName,
    },
    /// There is one already.
    #[error("there is a webhook `{name}` in this project already")]
    WebhookExists {
        /// Its name.
        name: WebhookName,
    },
    /// A webhook that could not work.
    #[error("the webhook is wrong: {reason}")]
    WebhookInvalid {
        /// What is wrong, and what is right.
        reason: String,
    },
    /// A webhook that sends nothing was asked to.
    #[error("the webhook `{name}` is disabled; enable it first")]
    WebhookDisabled {
        /// Its name.
        name: WebhookName,
    },
    /// There is no such delivery.
    #[error("this webhook has no delivery {id}")]
    DeliveryUnknown {
        /// Its number.
        id: i64,
    },
    /// A delivery is to be repeated that has not ended.
    #[error("delivery {id} still waits to be sent; it can be replayed when it has ended")]
    DeliveryWaits {
        /// Its number.
        id: i64,
    },
    /// There is no such hook.
    #[error("there is no hook `{name}` in this project")]
    HookUnknown {
        /// Its name.
        name: WebhookName,
    },
    /// Nobody who holds a hook's secret has sent this.
    #[error("there is no hook `{name}`, or what was sent is not signed with its secret")]
    HookRefused {
        /// Its name.
        name: WebhookName,
    },
    /// A body that a hook cannot read.
    #[error("hook `{name}` cannot read the body: {reason}")]
    HookBody {
        /// Its name.
        name: WebhookName,
        /// Where and why.
        reason: String,
    },
    /// The system gives no random bytes.
    #[error("cannot get random bytes for a secret")]
    Random,
    /// The program did not join what a use case needs.
    #[error("this server was put together without {what}")]
    NotWired {
        /// What is missing.
        what: &'static str,
    },
    /// A layer cannot be read now.
    #[error("cannot read layer `{digest}`")]
    Layer {
        /// Which.
        digest: Digest,
        /// Why not.
        source: wharf_layer::Error,
    },
    /// An image's layers cannot be read now.
    #[error("cannot read the layers of an image")]
    Image {
        /// Why not.
        source: wharf_layer::Error,
    },
    /// An image comes and goes so fast that nothing can be noted about it.
    #[error("image `{digest}` was forgotten each time that it was looked at")]
    Unsettled {
        /// Which.
        digest: Digest,
    },
    /// There is no such rebuild, or it does not concern the project.
    #[error("there is no rebuild {0} here")]
    RebuildUnknown(i64),
    /// A rebuild does not wait for this repository any more.
    #[error("rebuild {id} does not wait for `{repository}` any more")]
    RebuildAnswered {
        /// Which.
        id: i64,
        /// What was answered.
        repository: RepositoryName,
    },
    /// A catalog row does not read as what it must be.
    #[error("catalog row of {what} is malformed")]
    MalformedRow {
        /// Which.
        what: &'static str,
    },
}

impl Error {
    /// What sort of failure it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Catalog(error) => error.kind(),
            Self::Registry(error) => error.kind(),
            Self::Content(_) | Self::Layer { .. } | Self::Image { .. } | Self::Unsettled { .. } => Kind::Unavailable,
            Self::PolicyInvalid { .. }
            | Self::NoteInvalid { .. }
            | Self::WebhookInvalid { .. }
            | Self::HookBody { .. } => Kind::Invalid,
            Self::VersionUnknown { .. }
            | Self::WebhookUnknown { .. }
            | Self::DeliveryUnknown { .. }
            | Self::HookUnknown { .. }
            | Self::HookRefused { .. }
            | Self::RebuildUnknown(_) => Kind::NotFound,
            Self::PolicyChanged { .. }
            | Self::VersionUsed { .. }
            | Self::VersionsExhausted { .. }
            | Self::WebhookExists { .. }
            | Self::WebhookDisabled { .. }
            | Self::DeliveryWaits { .. }
            | Self::RebuildAnswered { .. } => Kind::Conflict,
            Self::TagRefused(_) => Kind::Denied,
            Self::Random | Self::NotWired { .. } | Self::MalformedRow { .. } => Kind::Internal,
        }
    }
}

impl From<Box<Violation>> for Error {
    fn from(violation: Box<Violation>) -> Self {
        Self::TagRefused(violation)
    }
}
