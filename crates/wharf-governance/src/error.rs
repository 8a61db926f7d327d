//! What can go wrong, on what.

use wharf_context::{Kind, Timestamp};
use wharf_oci::manifest::ManifestError;
use wharf_oci::{Digest, EnvironmentName, ProjectName, RepositoryName, Tag};

use crate::environment::NoWay;
use crate::promotion::State;
use crate::promotion::rule::{NotExecutor, Unfit};
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
    /// Who somebody is could not be found out.
    #[error("cannot find out who somebody is")]
    People(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There is no such tag.
    #[error("repository `{repository}` has no tag `{tag}`")]
    TagUnknown {
        /// Where.
        repository: RepositoryName,
        /// Which.
        tag: Tag,
    },
    /// A hold that cannot be set.
    #[error("the hold is wrong: {reason}")]
    HoldInvalid {
        /// Why.
        reason: String,
    },
    /// There is no such hold in the project.
    #[error("there is no hold {id}")]
    HoldUnknown {
        /// Its number.
        id: i64,
    },
    /// The hold was lifted before.
    #[error("hold {id} was lifted before")]
    HoldEnded {
        /// Its number.
        id: i64,
    },
    /// A hold is in the way.
    #[error("{sentence}")]
    Held {
        /// What must stay, and by which hold.
        sentence: String,
    },
    /// A report of what runs that means nothing.
    #[error("the report is wrong: {reason}")]
    ReportInvalid {
        /// Why.
        reason: String,
    },
    /// A run of retention goes on already.
    #[error("retention runs in project `{project}` already; wait for its end")]
    RetentionRunning {
        /// The project.
        project: ProjectName,
    },
    /// There is no such run of retention.
    #[error("there is no run {id} of retention; of each project the newest are kept")]
    RetentionUnknown {
        /// Its number.
        id: i64,
    },
    /// A repository that cannot be judged.
    #[error("repository `{repository}` has more than {max} tags, which retention does not judge")]
    TooManyTags {
        /// The repository.
        repository: RepositoryName,
        /// How many are judged.
        max: usize,
    },
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
    /// The server has no such environment.
    #[error("there is no environment `{0}` on this server")]
    EnvironmentUnknown(EnvironmentName),
    /// Nothing is placed in development.
    #[error("`{0}` is development: what stands there is what was pushed; list its tags")]
    NotPromotedThere(EnvironmentName),
    /// The ladder has no such way.
    #[error(transparent)]
    NoWay(NoWay),
    /// An environment cannot show a repository.
    #[error(
        "environment `{environment}` cannot show repository `{repository}`: the name would be too long, or is an environment's already"
    )]
    NoView {
        /// Which environment.
        environment: EnvironmentName,
        /// Which repository.
        repository: RepositoryName,
    },
    /// What is to go on does not stand where the way begins.
    #[error(
        "`{reference}` of repository `{repository}` does not stand in environment `{environment}`, where the way begins"
    )]
    NotThere {
        /// Its repository.
        repository: RepositoryName,
        /// By which tag or digest.
        reference: String,
        /// Where it should stand.
        environment: EnvironmentName,
    },
    /// What a release is to hold does not stand in development.
    #[error("`{reference}` of repository `{repository}` does not stand in development")]
    NotInDevelopment {
        /// Its repository.
        repository: RepositoryName,
        /// By which tag or digest.
        reference: String,
    },
    /// It stands there already.
    #[error("repository `{repository}` is in environment `{environment}` what it would become; there is nothing to do")]
    AlreadyThere {
        /// Its repository.
        repository: RepositoryName,
        /// Where.
        environment: EnvironmentName,
    },
    /// Nothing stood there before.
    #[error("nothing of repository `{repository}` stood in environment `{environment}` before what stands there now")]
    NothingBefore {
        /// Its repository.
        repository: RepositoryName,
        /// Where.
        environment: EnvironmentName,
    },
    /// A tag of a sealed environment points to something else.
    #[error(
        "environment `{environment}` is sealed, and its tag `{tag}` points to `{digest}` for good; promote a new version under a tag of its own"
    )]
    Sealed {
        /// Where.
        environment: EnvironmentName,
        /// Which tag.
        tag: Tag,
        /// What it points to.
        digest: Digest,
    },
    /// There is no such promotion.
    #[error("promotion `{id}` is not known in this project")]
    PromotionUnknown {
        /// Which.
        id: String,
    },
    /// The same is asked for already.
    #[error("the same is asked for already, by promotion `{id}`")]
    PromotionOpen {
        /// Which.
        id: String,
    },
    /// What was wanted is not possible any more, or not yet.
    #[error("promotion `{id}` is {}, and this is not possible then", state.name())]
    PromotionState {
        /// Which.
        id: String,
        /// Where it stands.
        state: State,
    },
    /// The promotion is not what the caller saw.
    #[error("promotion `{id}` was changed since you looked; look again")]
    PromotionMoved {
        /// Which.
        id: String,
    },
    /// Deciding or executing found that it cannot be.
    #[error("promotion `{id}` is {} now: {why}", state.name())]
    ApprovalVoid {
        /// Which.
        id: String,
        /// Where it stands.
        state: State,
        /// Why.
        why: String,
    },
    /// The approver named another digest.
    #[error(
        "promotion `{id}` is about digest `{digest}`, not about the one that you named; look at what you decide about"
    )]
    DigestEcho {
        /// Which.
        id: String,
        /// What it is about.
        digest: Digest,
    },
    /// The caller's word does not count.
    #[error(transparent)]
    Unfit(Unfit),
    /// The caller may not execute.
    #[error(transparent)]
    NotExecutor(NotExecutor),
    /// The caller has decided.
    #[error(
        "you have said something about promotion `{id}` already; each person decides once, whatever account they use"
    )]
    AlreadyDecided {
        /// Which.
        id: String,
    },
    /// Only people decide.
    #[error("only a person decides about this; machines may ask")]
    NotAPerson,
    /// The caller has changed the policy.
    #[error("you changed this project's policy and approve nothing under it until {}", moment(*until))]
    EditorWaits {
        /// Until when.
        until: Timestamp,
    },
    /// Only who asked takes back.
    #[error("promotion `{id}` was asked for by somebody else; reject it instead")]
    NotRequester {
        /// Which.
        id: String,
    },
    /// The window never opens.
    #[error("by its window and freezes, the policy lets nothing through within a year")]
    NeverOpens,
    /// The window is closed.
    #[error("the window is closed until {}", moment(*opens))]
    WindowClosed {
        /// When it opens.
        opens: Timestamp,
    },
    /// An earlier emergency was not looked at.
    #[error("the emergency passage is closed until somebody has reviewed its last use, promotion `{id}`")]
    ReviewOpen {
        /// Which.
        id: String,
    },
    /// There is no such review, or it is closed.
    #[error("there is no open review of promotion `{id}`")]
    ReviewUnknown {
        /// Which.
        id: String,
    },
    /// The caller had a part in what is reviewed.
    #[error("you had a part in this emergency; somebody else has to review it")]
    OwnReview,
    /// There is no such release.
    #[error("release `{version}` is not known in this project")]
    ReleaseUnknown {
        /// Which.
        version: String,
    },
    /// The version is taken.
    #[error("release `{version}` exists already")]
    ReleaseExists {
        /// Which.
        version: String,
    },
    /// The release stands.
    #[error("release `{version}` is sealed: its digests stand; make a new one")]
    ReleaseSealed {
        /// Which.
        version: String,
    },
    /// Somebody else has changed the release since it was read.
    #[error("release `{version}` is at revision {current} by now; read it again and apply the change to that")]
    ReleaseMoved {
        /// Which.
        version: String,
        /// The revision that it is at.
        current: i64,
    },
    /// A version that cannot be one.
    #[error("a version is made of letters, digits, `.`, `_`, `+` and `-`, and has 1 to {max_bytes} bytes")]
    VersionInvalid {
        /// How long it may be.
        max_bytes: usize,
    },
    /// A release of nothing, of too much, or of something twice.
    #[error("a release holds 1 to {max} repositories, each once")]
    ReleaseItems {
        /// How many.
        max: usize,
    },
    /// There is no such gate, or it takes no exceptions.
    #[error("there is no gate `{gate}` that takes exceptions")]
    GateUnknown {
        /// Which.
        gate: String,
    },
    /// There is no such exception, or it was taken back.
    #[error("exception {id} is not known in this project, or was taken back already")]
    ExceptionUnknown {
        /// Which.
        id: i64,
    },
    /// The end lies in the past.
    #[error("the end lies in the past")]
    EndPast,
    /// Nobody answers for it.
    #[error("say who answers for it: 1 to {max_bytes} bytes")]
    OwnerMissing {
        /// How long the name may be.
        max_bytes: usize,
    },
    /// Nobody said why.
    #[error("say why")]
    ReasonMissing,
    /// A text that cannot be kept.
    #[error("a reason or comment has at most {max_bytes} bytes and no NUL")]
    TextInvalid {
        /// How long it may be.
        max_bytes: usize,
    },
    /// A position in a list is not one that the list gave.
    #[error("this is not a position in the list; begin with the first page")]
    BadPage,
    /// A manifest does not read as one any more.
    #[error("the manifest `{digest}` does not read as one")]
    ManifestInvalid {
        /// Which.
        digest: Digest,
        /// Why.
        #[source]
        source: ManifestError,
    },
    /// Too many manifests at once.
    #[error("`{digest}` is made of more than {max} manifests; promote its parts")]
    TooManyManifests {
        /// Which.
        digest: Digest,
        /// How many are allowed.
        max: usize,
    },
    /// A config was not read yet.
    #[error("the config of an image in `{digest}` of repository `{repository}` was not read yet; try again")]
    ConfigUnread {
        /// Where.
        repository: RepositoryName,
        /// What is promoted.
        digest: Digest,
    },
    /// What others signed is not known.
    #[error(transparent)]
    Trust(#[from] wharf_trust::Error),
    /// What is attached was not read yet.
    #[error("what is attached to `{digest}` in repository `{repository}` was not read yet; try again")]
    AttestationsUnread {
        /// Where.
        repository: RepositoryName,
        /// What it is attached to.
        digest: Digest,
    },
    /// There is no such inquiry, or the token is not the one that was in it.
    #[error("there is no inquiry `{id}` with this token")]
    InquiryUnknown {
        /// Which.
        id: String,
    },
    /// The inquiry has an answer.
    #[error("inquiry `{id}` was answered already; a token is good for one answer")]
    InquiryAnswered {
        /// Which.
        id: String,
    },
    /// There is no such remote.
    #[error("remote `{name}` is not known in this project")]
    RemoteUnknown {
        /// Which.
        name: WebhookName,
    },
    /// Something of a remote is wrong.
    #[error("the remote cannot be kept: {reason}")]
    RemoteInvalid {
        /// What, and how it would be right.
        reason: String,
    },
    /// Another registry could not be brought what was promoted there.
    #[error("cannot carry it to `{remote}`")]
    Transfer {
        /// Where.
        remote: WebhookName,
        /// Why.
        #[source]
        source: wharf_oci::ContentError,
    },
    /// A document could not be signed.
    #[error("cannot sign the document")]
    Sign {
        /// Why.
        #[source]
        source: crate::ports::Failure,
    },
    /// A config that is too large to be one.
    #[error("the config of image `{digest}` has more than {max_bytes} bytes")]
    ConfigTooLarge {
        /// Which.
        digest: Digest,
        /// How many are allowed.
        max_bytes: u64,
    },
    /// A config's bytes could not be read.
    #[error("cannot read the config of image `{digest}`")]
    ReadConfig {
        /// Which.
        digest: Digest,
        /// Why.
        #[source]
        source: wharf_blob::Error,
    },
    /// What decided that an image leaves could not send it.
    #[error("cannot archive an image")]
    Leaving(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A catalog row does not read as what it must be.
    #[error("catalog row of {what} is malformed")]
    MalformedRow {
        /// Which.
        what: &'static str,
    },
}

fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.seconds()).map_or_else(|_| "later".to_owned(), |at| at.to_string())
}

impl Error {
    /// What sort of failure it is.
    #[expect(clippy::too_many_lines, reason = "a table with a line for each variant")]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Catalog(error) => error.kind(),
            Self::Registry(error) => error.kind(),
            Self::EnvironmentUnknown(_)
            | Self::NotThere { .. }
            | Self::NothingBefore { .. }
            | Self::PromotionUnknown { .. }
            | Self::ReviewUnknown { .. }
            | Self::ReleaseUnknown { .. }
            | Self::ExceptionUnknown { .. }
            | Self::VersionUnknown { .. }
            | Self::WebhookUnknown { .. }
            | Self::DeliveryUnknown { .. }
            | Self::HookUnknown { .. }
            | Self::HookRefused { .. }
            | Self::InquiryUnknown { .. }
            | Self::RemoteUnknown { .. }
            | Self::RebuildUnknown(_)
            | Self::TagUnknown { .. }
            | Self::HoldUnknown { .. }
            | Self::RetentionUnknown { .. } => Kind::NotFound,
            Self::Unfit(_)
            | Self::NotExecutor(_)
            | Self::NotAPerson
            | Self::EditorWaits { .. }
            | Self::NotRequester { .. }
            | Self::OwnReview
            | Self::TagRefused(_)
            | Self::Held { .. } => Kind::Denied,
            Self::PolicyChanged { .. }
            | Self::AlreadyThere { .. }
            | Self::Sealed { .. }
            | Self::PromotionOpen { .. }
            | Self::PromotionState { .. }
            | Self::PromotionMoved { .. }
            | Self::ApprovalVoid { .. }
            | Self::AlreadyDecided { .. }
            | Self::WindowClosed { .. }
            | Self::ReviewOpen { .. }
            | Self::ReleaseExists { .. }
            | Self::ReleaseSealed { .. }
            | Self::ReleaseMoved { .. }
            | Self::ConfigUnread { .. }
            | Self::AttestationsUnread { .. }
            | Self::InquiryAnswered { .. }
            | Self::VersionUsed { .. }
            | Self::VersionsExhausted { .. }
            | Self::WebhookExists { .. }
            | Self::WebhookDisabled { .. }
            | Self::DeliveryWaits { .. }
            | Self::RebuildAnswered { .. }
            | Self::HoldEnded { .. }
            | Self::RetentionRunning { .. } => Kind::Conflict,
            Self::PolicyInvalid { .. }
            | Self::NotPromotedThere(_)
            | Self::NoWay(_)
            | Self::NoView { .. }
            | Self::NotInDevelopment { .. }
            | Self::DigestEcho { .. }
            | Self::NeverOpens
            | Self::VersionInvalid { .. }
            | Self::ReleaseItems { .. }
            | Self::GateUnknown { .. }
            | Self::EndPast
            | Self::OwnerMissing { .. }
            | Self::ReasonMissing
            | Self::TextInvalid { .. }
            | Self::BadPage
            | Self::TooManyManifests { .. }
            | Self::ConfigTooLarge { .. }
            | Self::NoteInvalid { .. }
            | Self::WebhookInvalid { .. }
            | Self::HookBody { .. }
            | Self::RemoteInvalid { .. }
            | Self::HoldInvalid { .. }
            | Self::ReportInvalid { .. }
            | Self::TooManyTags { .. } => Kind::Invalid,
            Self::Trust(error) => error.kind(),
            Self::ReadConfig { .. }
            | Self::Content(_)
            | Self::Transfer { .. }
            | Self::Sign { .. }
            | Self::Layer { .. }
            | Self::Image { .. }
            | Self::Leaving(_)
            | Self::Unsettled { .. } => Kind::Unavailable,
            Self::People(_)
            | Self::ManifestInvalid { .. }
            | Self::Random
            | Self::NotWired { .. }
            | Self::MalformedRow { .. } => Kind::Internal,
        }
    }
}

impl From<Box<Violation>> for Error {
    fn from(violation: Box<Violation>) -> Self {
        Self::TagRefused(violation)
    }
}
