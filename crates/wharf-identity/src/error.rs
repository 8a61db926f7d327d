//! What can go wrong, on what.

use std::time::Duration;

use wharf_context::Kind;
use wharf_oci::{EnvironmentName, ProjectName, RepositoryPattern};

use crate::key::jws::TokenError;
use crate::member::MemberName;
use crate::name::{GroupName, RobotName, UserName};
use crate::password::htpasswd::HtpasswdError;
use crate::person::PersonName;
use crate::role::RoleName;

/// An error of identity.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Name and password, or the token, belong to nobody. It is not said which of them is wrong.
    #[error("user name or password is wrong")]
    BadCredentials,
    /// Nobody is logged in.
    #[error("log in to do this")]
    LoginRequired,
    /// The bearer token is not accepted.
    #[error("the token is not accepted")]
    Token(#[source] TokenError),
    /// The token was not issued for this: the client should ask for another with this scope.
    #[error("the token does not cover `{scope}`")]
    InsufficientScope {
        /// What to ask for.
        scope: &'static str,
    },
    /// Too many failed log-ins.
    #[error("too many failed log-ins; try again in {} s", retry_after.as_secs().max(1))]
    Throttled {
        /// After which time one more is looked at.
        retry_after: Duration,
    },
    /// Too many log-ins at this moment.
    #[error("too many log-ins at this moment; try again soon")]
    Busy,
    /// The caller is known, sees the thing, and may not.
    #[error("you may not {what}")]
    Denied {
        /// What.
        what: &'static str,
    },
    /// There is no such project, or the caller may not know that there is.
    #[error("project `{0}` is not known")]
    ProjectUnknown(ProjectName),
    /// No such job was given up.
    #[error("there is no dead job {0}")]
    JobUnknown(i64),
    /// There is no such user.
    #[error("user `{0}` is not known")]
    UserUnknown(UserName),
    /// There is no such group.
    #[error("group `{0}` is not known")]
    GroupUnknown(GroupName),
    /// The project has no such robot.
    #[error("robot `{project}+{robot}` is not known")]
    RobotUnknown {
        /// Its project.
        project: ProjectName,
        /// Its name.
        robot: RobotName,
    },
    /// The project has no such member.
    #[error("`{member}` is not a member of project `{project}`")]
    MemberUnknown {
        /// The project.
        project: ProjectName,
        /// Who is not one.
        member: MemberName,
    },
    /// There is no such role.
    #[error("role `{0}` is not known")]
    RoleUnknown(RoleName),
    /// The project has given no such role.
    #[error("project `{project}` has no role that was given under number {id}")]
    AssignmentUnknown {
        /// The project.
        project: ProjectName,
        /// Its number.
        id: i64,
    },
    /// The project has no such reservation.
    #[error("project `{project}` reserves no repositories `{pattern}`")]
    ReservationUnknown {
        /// The project.
        project: ProjectName,
        /// Which are not reserved.
        pattern: RepositoryPattern,
    },
    /// There is no such person.
    #[error("person `{0}` is not known")]
    PersonUnknown(PersonName),
    /// Nobody logs in so, or the identity is not this person's.
    #[error("`{login}` is not known, or not an identity of this person")]
    AccountUnknown {
        /// What it logs in as.
        login: String,
    },
    /// There is no such environment.
    #[error("there is no environment `{0}`")]
    EnvironmentUnknown(EnvironmentName),
    /// Somebody has the role.
    #[error("role `{0}` was given to somebody, or repositories are reserved for it; take it from them first")]
    RoleInUse(RoleName),
    /// The name is in use.
    #[error("{what} `{name}` exists already")]
    Exists {
        /// Sort of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// Environments have this name.
    #[error("`{0}` is reserved for an environment and cannot be a project's name; choose another first part")]
    ReservedProject(ProjectName),
    /// The settings name an environment as a project is named already.
    #[error("project `{0}` is there already, so no environment can have its name; name the environment otherwise")]
    EnvironmentIsProject(ProjectName),
    /// The project has repositories.
    #[error("project `{0}` has repositories; delete them first")]
    ProjectInUse(ProjectName),
    /// Somebody has to be left who may do everything.
    #[error("`{0}` is the last administrator; make another one first")]
    LastAdministrator(UserName),
    /// Another request changed the row meanwhile.
    #[error("{what} was changed by another request meanwhile; look again")]
    Changed {
        /// What.
        what: &'static str,
    },
    /// The new password is not good enough.
    #[error("{reason}")]
    WeakPassword {
        /// Why.
        reason: &'static str,
    },
    /// The htpasswd file cannot be imported; nothing of it was.
    #[error("{} of the file cannot be imported, the first is {}", lines(.0.len()), .0.first().map(ToString::to_string).unwrap_or_default())]
    Htpasswd(Vec<HtpasswdError>),
    /// The htpasswd file is too large.
    #[error("an htpasswd file has at most {max_bytes} bytes")]
    HtpasswdTooLarge {
        /// The limit.
        max_bytes: usize,
    },
    /// A pattern that reaches out of its project, or too many of them.
    #[error(
        "in project `{project}` there are at most {max} patterns in one list, those of repositories beginning with `{project}/`"
    )]
    RobotRepositories {
        /// The project.
        project: ProjectName,
        /// The limit.
        max: usize,
    },
    /// A robot's end lies in the past.
    #[error("the expiry lies in the past")]
    ExpiryPast,
    /// The position in a list is not one that the list gave.
    #[error("this is not a position in the list; begin with the first page")]
    BadPage,
    /// A token was asked for another service.
    #[error("this is service `{ours}`; it issues no tokens for others")]
    OtherService {
        /// Our name.
        ours: String,
    },
    /// The settings cannot work.
    #[error("identity settings: {reason}")]
    Settings {
        /// Why.
        reason: &'static str,
    },
    /// Nothing was given that tells whether a project is in use.
    #[error("projects cannot be deleted: nothing tells whether they are in use")]
    ProjectUseUnknown,
    /// Nothing was given that opens what is sealed in the catalog.
    #[error("this server was given no keyring")]
    NoKeyring,
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes")]
    Random,
    /// The thread that hashed a password ended unexpectedly.
    #[error("hashing a password ended unexpectedly")]
    Hashing {
        /// How.
        #[source]
        source: tokio::task::JoinError,
    },
    /// A catalog row does not read as what it must be.
    #[error("catalog row of {what} is malformed")]
    MalformedRow {
        /// Which.
        what: &'static str,
    },
    /// Claims cannot be written as JSON.
    #[error("cannot write a token's claims")]
    Claims(#[source] serde_json::Error),
    /// The catalog failed.
    #[error("cannot use the catalog")]
    Catalog(#[from] wharf_db::Error),
}

fn lines(count: usize) -> String {
    if count == 1 { "1 line".to_owned() } else { format!("{count} lines") }
}

impl Error {
    /// What sort of failure it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::BadCredentials | Self::LoginRequired | Self::Token(_) | Self::InsufficientScope { .. } => {
                Kind::Unauthenticated
            }
            Self::Throttled { .. } | Self::Busy => Kind::Throttled,
            Self::Denied { .. } => Kind::Denied,
            Self::ProjectUnknown(_)
            | Self::UserUnknown(_)
            | Self::GroupUnknown(_)
            | Self::JobUnknown(_)
            | Self::RobotUnknown { .. }
            | Self::RoleUnknown(_)
            | Self::AssignmentUnknown { .. }
            | Self::ReservationUnknown { .. }
            | Self::PersonUnknown(_)
            | Self::AccountUnknown { .. }
            | Self::MemberUnknown { .. } => Kind::NotFound,
            Self::Exists { .. }
            | Self::RoleInUse(_)
            | Self::ProjectInUse(_)
            | Self::LastAdministrator(_)
            | Self::Changed { .. } => Kind::Conflict,
            Self::ReservedProject(_)
            | Self::WeakPassword { .. }
            | Self::Htpasswd(_)
            | Self::HtpasswdTooLarge { .. }
            | Self::RobotRepositories { .. }
            | Self::EnvironmentUnknown(_)
            | Self::ExpiryPast
            | Self::BadPage
            | Self::OtherService { .. } => Kind::Invalid,
            Self::Settings { .. }
            | Self::EnvironmentIsProject(_)
            | Self::ProjectUseUnknown
            | Self::NoKeyring
            | Self::Random
            | Self::Hashing { .. }
            | Self::MalformedRow { .. }
            | Self::Claims(_) => Kind::Internal,
            Self::Catalog(error) => error.kind(),
        }
    }

    /// After which time the same request may pass, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        if let Self::Throttled { retry_after } = self {
            return Some(*retry_after);
        }
        matches!(self, Self::Busy).then_some(Duration::from_secs(1))
    }
}
