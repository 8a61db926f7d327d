//! Authority: what a caller may do in management, read inside the transaction that does it.
//!
//! Every management use case begins with [`Authority::manage`]; one that writes does so in its own transaction, so that
//! nothing changes between the check and the write. Content of repositories is decided in [`crate::access`].

pub(crate) mod rule;

use wharf_context::{CallerId, Context, Inspect, InspectProject, Maintain, MaintainProject, ProjectId};
use wharf_oci::ProjectName;

use self::rule::{ProjectRight, SystemRight};
use crate::access::rule::{Mode, Standing};
use crate::access::store;
use crate::account::Account;
use crate::error::Error;
use crate::identity::Identity;
use crate::name::UserName;
use crate::{robot, user};
use wharf_db::Reading;

/// Who asks, as their row says now.
#[derive(Debug)]
pub(crate) struct Authority {
    pub(crate) account: Account,
    mode: Mode,
}

impl Authority {
    /// Loads the caller of `ctx`. One who was disabled or deleted since they logged in is nobody.
    pub(crate) async fn load(from: impl Reading, ctx: &Context, mode: Mode) -> Result<Self, Error> {
        let account = match ctx.caller.id {
            CallerId::Anonymous => Some(Account::Anonymous),
            CallerId::System => Some(Account::System),
            CallerId::User(id) => user::store::active(from, id).await?.map(Account::User),
            CallerId::Robot(id) => robot::store::active(from, id).await?.map(Account::Robot),
        };
        Ok(Self { account: account.ok_or(Error::BadCredentials)?, mode })
    }

    /// The same for management: the credential must have been meant for it.
    pub(crate) async fn manage(from: impl Reading, ctx: &Context, mode: Mode) -> Result<Self, Error> {
        if !ctx.reach().management {
            return Err(Error::InsufficientScope { scope: "registry:management:*" });
        }
        Self::load(from, ctx, mode).await
    }

    /// Whether the caller is the user of that name.
    pub(crate) fn is_user(&self, name: &UserName) -> bool {
        match &self.account {
            Account::User(user) => user.name == *name,
            Account::Anonymous | Account::Robot(_) | Account::System => false,
        }
    }

    /// Checks a right in the whole system.
    pub(crate) fn require(&self, right: SystemRight) -> Result<(), Error> {
        if rule::in_system(&self.account, self.mode, right) { Ok(()) } else { Err(self.refusal(right.what())) }
    }

    /// Checks a right in one project. A project that the caller may not see does not exist.
    pub(crate) async fn project(
        &self,
        from: impl Reading,
        name: &ProjectName,
        right: ProjectRight,
    ) -> Result<Standing, Error> {
        let standing = store::standing(from, name, &self.account).await?;
        let has = |standing: &Standing, right| rule::in_project(&self.account, standing, self.mode, right);
        match standing {
            Some(standing) if has(&standing, right) => Ok(standing),
            Some(standing) if has(&standing, ProjectRight::See) => Err(self.refusal(right.what())),
            Some(_) | None if self.account == Account::Anonymous => Err(Error::LoginRequired),
            Some(_) | None => Err(Error::ProjectUnknown(name.clone())),
        }
    }

    /// Refuses callers who have not logged in.
    pub(crate) fn require_login(&self) -> Result<(), Error> {
        if self.account == Account::Anonymous { Err(Error::LoginRequired) } else { Ok(()) }
    }

    /// The error of a caller who may not `what`.
    pub(crate) fn refusal(&self, what: &'static str) -> Error {
        if self.account == Account::Anonymous { Error::LoginRequired } else { Error::Denied { what } }
    }
}

impl Identity {
    /// Whether the caller may see what concerns the whole registry: administrators and auditors.
    pub async fn inspect(&self, ctx: &Context) -> Result<Inspect, Error> {
        self.check(ctx, SystemRight::Inspect).await.map(|()| Inspect::granted())
    }

    /// Whether the caller may look after the whole registry: administrators.
    pub async fn maintain(&self, ctx: &Context) -> Result<Maintain, Error> {
        self.check(ctx, SystemRight::Maintain).await.map(|()| Maintain::granted())
    }

    /// Whether the caller may see what a project uses and may use: its members, administrators and auditors.
    pub async fn inspect_project(&self, ctx: &Context, name: &ProjectName) -> Result<InspectProject, Error> {
        let authority = Authority::manage(&self.db, ctx, self.mode()).await?;
        let standing = authority.project(&self.db, name, ProjectRight::SeeQuota).await?;
        Ok(InspectProject { id: standing.project, name: name.clone() })
    }

    /// Whether the caller may decide what a project may use: administrators.
    pub async fn maintain_project(&self, ctx: &Context, name: &ProjectName) -> Result<MaintainProject, Error> {
        let authority = Authority::manage(&self.db, ctx, self.mode()).await?;
        let standing = authority.project(&self.db, name, ProjectRight::See).await?;
        authority.require(SystemRight::Maintain)?;
        Ok(MaintainProject { id: standing.project, name: name.clone() })
    }

    /// Whether the caller may see what all repositories of a project hold and what was deleted there.
    pub async fn see_content(&self, ctx: &Context, project: &ProjectName) -> Result<ProjectId, Error> {
        let authority = Authority::manage(&self.db, ctx, self.mode()).await?;
        Ok(authority.project(&self.db, project, ProjectRight::SeeContent).await?.project)
    }

    /// Checks a right in advance, where something costly comes before the transaction that checks it again.
    pub(crate) async fn check(&self, ctx: &Context, right: SystemRight) -> Result<(), Error> {
        Authority::manage(&self.db, ctx, self.mode()).await?.require(right)
    }
}
