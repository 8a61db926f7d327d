//! `/api/v1/projects/{project}/holds`: what must stay as it is.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_governance::hold::Lifted;
use wharf_governance::{Hold, HoldsQuery, NewHold};
use wharf_identity::Page;
use wharf_oci::{Digest, ProjectName, Reference, RepositoryName, Tag};

use crate::answer::{Created, Listed};
use crate::api::Api;
use crate::asked::{Asked, EndedQuery};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::moment::Moment;
use crate::problem::Problem;
use crate::words::HoldWord;
use crate::{body, text};

/// A hold.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Hold)]
pub(crate) struct HoldBody {
    /// Its number.
    hold: i64,
    kind: HoldWord,
    repository: String,
    /// The tag that it is on.
    tag: Option<String>,
    /// The digest that it is on; of a tag, what that pointed to when the hold was set.
    digest: Option<String>,
    reason: String,
    set_by: String,
    set_at: Moment,
    /// When it ends by itself.
    until: Option<Moment>,
    lifted_by: Option<String>,
    lifted_at: Option<Moment>,
    lift_reason: Option<String>,
}

/// What to hold: a repository, a tag, or a digest, which is held in all repositories of the project.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewHold)]
pub(crate) struct NewHoldBody {
    kind: HoldWord,
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String)]
    repository: RepositoryName,
    #[serde(default, deserialize_with = "text::parse_if_any")]
    #[schema(value_type = Option<String>)]
    tag: Option<Tag>,
    #[serde(default, deserialize_with = "text::parse_if_any")]
    #[schema(value_type = Option<String>)]
    digest: Option<Digest>,
    /// Why; whoever is refused something by the hold reads it.
    reason: String,
    /// When it ends by itself; never, where nothing is said.
    until: Option<Moment>,
}

/// Why a hold is lifted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HoldLifting)]
pub(crate) struct LiftingBody {
    reason: String,
}

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, uri): Asked<EndedQuery>,
) -> Result<Listed<HoldBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let query =
        HoldsQuery { repository: query.repository, with_ended: query.ended, before: query.after, limit: query.limit };
    let (entries, next) = api.governance.list_holds(&warrant, &query).await?;
    Ok(Listed::of(Page { entries, next: next.map(|next| next.to_string()) }, &uri))
}

pub(crate) async fn show(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Hold>,
) -> Result<Json<HoldBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    Ok(Json(api.governance.get_hold(&warrant, at.hold).await?.into()))
}

pub(crate) async fn set(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    body::Json(new): body::Json<NewHoldBody>,
) -> Result<Created<HoldBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let new = new.read(&api, &at.project)?;
    let hold = api.governance.set_hold(&ctx, &warrant, &new).await?;
    let location = format!("/api/v1/projects/{}/holds/{}", at.project, hold.id);
    Ok(Created { location, body: hold.into() })
}

pub(crate) async fn lift(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Hold>,
    body::Json(lifting): body::Json<LiftingBody>,
) -> Result<Json<HoldBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    Ok(Json(api.governance.lift_hold(&ctx, &warrant, (at.hold, &lifting.reason)).await?.into()))
}

impl NewHoldBody {
    fn read(self, api: &Api, project: &ProjectName) -> Result<NewHold, Problem> {
        let repository = api.own_repository(project, &self.repository)?;
        let reference = match (self.tag, self.digest) {
            (Some(_), Some(_)) => return Err(Problem::invalid("a hold is on a `tag` or on a `digest`, not on both")),
            (Some(tag), None) => Some(Reference::Tag(tag)),
            (None, digest) => digest.map(Reference::Digest),
        };
        let until = self.until.map(|until| until.0);
        Ok(NewHold { kind: self.kind.into(), repository, reference, reason: self.reason, until })
    }
}

impl From<Hold> for HoldBody {
    fn from(hold: Hold) -> Self {
        let (lifted_by, lifted_at, lift_reason) = match hold.lifted {
            Some(Lifted { by, at, reason }) => (Some(by), Some(Moment(at)), Some(reason)),
            None => (None, None, None),
        };
        Self {
            hold: hold.id,
            kind: hold.kind.into(),
            repository: hold.repository.to_string(),
            tag: hold.tag.map(|tag| tag.to_string()),
            digest: hold.digest.map(|digest| digest.to_string()),
            reason: hold.reason,
            set_by: hold.set_by,
            set_at: Moment(hold.set_at),
            until: hold.until.map(Moment),
            lifted_by,
            lifted_at,
            lift_reason,
        }
    }
}
