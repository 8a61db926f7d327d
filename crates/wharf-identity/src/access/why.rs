//! Why somebody may do something, or not: the judgement that decides, told.

use wharf_context::{Context, Permission, Power};
use wharf_oci::{ProjectName, RepositoryName, Tag};

use super::entitlement::Entitlement;
use super::rule::{Holdings, Obstacle, Subject};
use crate::account::Account;
use crate::authority::Authority;
use crate::authority::rule::{ProjectRight, SystemRight, in_project};
use crate::error::Error;
use crate::identity::Identity;
use crate::name::LoginName;
use crate::role::Role;
use crate::{robot, user};

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Who: a user's name, `PROJECT+ROBOT`, or `anonymous`.
    pub who: String,
    /// What they would do.
    pub power: Power,
    /// The project.
    pub project: ProjectName,
    /// The repository, where it is about one.
    pub repository: Option<RepositoryName>,
    /// The tag, where it is about one.
    pub tag: Option<Tag>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Whether they may.
    pub is_allowed: bool,
    /// What gives it to them.
    pub because: Vec<String>,
    /// Where they may not: what would give it to them elsewhere, and what is missing.
    pub missing: Vec<String>,
}

impl Identity {
    /// Why somebody may do something, or not. Everybody may ask about themselves; owners about their project;
    /// administrators and auditors about everything.
    pub async fn explain_access(&self, ctx: &Context, question: &Question) -> Result<Explanation, Error> {
        let authority = Authority::manage(&self.db, ctx, self.mode()).await?;
        let account = self.asked_about(&question.who).await?;
        let is_own = account.as_ref().is_some_and(|account| account.caller().id == ctx.caller.id);
        if !is_own && authority.require(SystemRight::SeeUsers).is_err() {
            authority.project(&self.db, &question.project, ProjectRight::ManageMembers).await?;
        }
        let Some(account) = account else {
            let missing = vec![format!("nobody is called `{}`, or they may not log in", question.who)];
            return Ok(Explanation { is_allowed: false, because: Vec::new(), missing });
        };
        let standing = super::store::standing(&self.db, &question.project, &account).await?;
        let holdings = Holdings::of(&account, standing.as_ref(), self.mode());
        let view = question.repository.as_ref().map(|repository| self.view(repository));
        let subject =
            Subject { tag: question.tag.as_ref(), ..view.as_ref().map(super::View::subject).unwrap_or_default() };
        let judgement = holdings.judge(question.power, &subject);
        let because = judgement.by.iter().map(ToString::to_string).collect();
        if judgement.is_given() {
            return Ok(Explanation { is_allowed: true, because, missing: Vec::new() });
        }
        let mut missing: Vec<String> =
            judgement.withheld.iter().map(|(entitlement, obstacle)| told(entitlement, obstacle)).collect();
        let is_seen = standing.is_some_and(|it| in_project(&account, &it, self.mode(), ProjectRight::See));
        missing.push(hint(question, &subject, is_seen));
        Ok(Explanation { is_allowed: false, because, missing })
    }

    /// The account of a log-in name, unless it may not log in.
    async fn asked_about(&self, who: &str) -> Result<Option<Account>, Error> {
        if who == "anonymous" {
            return Ok(Some(Account::Anonymous));
        }
        match LoginName::parse(who) {
            LoginName::User(name) => {
                let Some(found) = user::store::find(&self.db, &name).await? else { return Ok(None) };
                Ok(user::store::active(&self.db, found.id).await?.map(Account::User))
            }
            LoginName::Robot(project, name) => {
                let login = robot::store::find_login(&self.db, &project, &name).await?;
                let now = self.clock.now();
                Ok(login.filter(|login| login.is_active(now)).map(|login| Account::Robot(login.account)))
            }
            LoginName::Nobody => Ok(None),
        }
    }
}

/// What would have to be so. Whether a project exists that they may not see is not said.
fn hint(question: &Question, subject: &Subject<'_>, is_seen: bool) -> String {
    let power = question.power;
    if !is_seen {
        return format!("they see no project `{}`", question.project);
    }
    let is_one_of = |permissions: &[Permission]| permissions.iter().any(|it| power == Power::Content(*it));
    if subject.is_promoted && is_one_of(&[Permission::Overwrite, Permission::Delete]) {
        return "nobody does this in a promoted environment: images get there by promotion only".to_owned();
    }
    let is_push = subject.is_promoted && is_one_of(&[Permission::Push]);
    let needed = if is_push { Power::Content(Permission::Attach) } else { power };
    let roles = Role::ALL.into_iter().filter(|role| role.powers().contains(needed)).map(Role::name);
    let roles = roles.collect::<Vec<_>>().join("`, `");
    format!("they have no role with `{}` here; `{roles}` has it, and any role that is given it", needed.name())
}

fn told(entitlement: &Entitlement, obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::Repository => format!("{entitlement}: not this repository"),
        Obstacle::Environment => format!("{entitlement}: not this environment"),
        Obstacle::Tag => format!("{entitlement}: not this tag"),
        Obstacle::Reserved(role) => {
            format!("{entitlement}: the repository is reserved, only members of the role `{role}` pull from it")
        }
    }
}
