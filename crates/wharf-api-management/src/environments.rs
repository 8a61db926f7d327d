//! `/api/v1/projects/{project}/environments`: the ladder, what stands where and when, and how two environments differ.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_governance::environment::Rung;
use wharf_governance::{Difference, Placement};
use wharf_oci::{EnvironmentName, Tag};

use crate::answer::Listed;
use crate::api::Api;
use crate::asked::{Asked, InventoryQuery};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::moment::Moment;
use crate::problem::Problem;
use crate::text;

/// A project's environments in order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Environments)]
pub(crate) struct EnvironmentsBody {
    /// Development first.
    environments: Vec<EnvironmentBody>,
}

/// An environment of a project.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Environment)]
pub(crate) struct EnvironmentBody {
    /// Its name.
    name: String,
    /// Whether a tag that was placed there never points to anything else.
    is_sealed: bool,
    /// The ways into it, as the policy writes them; those that are left out are as they are by default.
    #[schema(value_type = Object)]
    rules: Rung,
}

/// What stands in an environment, or stood there.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Placement)]
pub(crate) struct PlacementBody {
    /// Where.
    environment: String,
    /// Its repository, by the name in development.
    repository: String,
    /// What.
    digest: String,
    /// The tags that came with it.
    tags: Vec<String>,
    /// The release that it came with.
    release: Option<String>,
    /// The promotion that it came by.
    promotion: String,
    /// Since when.
    since: Moment,
    /// Until when; `null`: it stands there.
    until: Option<Moment>,
    /// `superseded` or `rolled_back`.
    ended: Option<&'static str>,
}

/// How two environments differ.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Differences)]
pub(crate) struct DifferencesBody {
    /// Repositories of which they do not hold the same.
    differences: Vec<DifferenceBody>,
}

/// How two environments differ in one repository.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Difference)]
pub(crate) struct DifferenceBody {
    /// Its name in development.
    repository: String,
    /// What stands in the one that was asked.
    here: Option<PlacementBody>,
    /// What stands in the other.
    there: Option<PlacementBody>,
}

/// What a difference takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DifferenceQuery {
    #[serde(deserialize_with = "text::parse")]
    with: EnvironmentName,
    #[serde(default, deserialize_with = "text::some")]
    at: Option<Moment>,
}

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
) -> Result<Json<EnvironmentsBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let ladder = api.governance.list_environments(&warrant).await?;
    let environments = ladder.rungs().iter().map(|rung| EnvironmentBody {
        name: rung.name.to_string(),
        is_sealed: rung.sealed,
        rules: rung.clone(),
    });
    Ok(Json(EnvironmentsBody { environments: environments.collect() }))
}

pub(crate) async fn inventory(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Environment>,
    Asked(query, uri): Asked<InventoryQuery>,
) -> Result<Listed<PlacementBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let moment = query.at.map(|Moment(moment)| moment);
    let page = api.governance.inventory(&warrant, (&at.environment, moment), &query.page()).await?;
    Ok(Listed::of_governance(page, &uri))
}

pub(crate) async fn difference(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Environment>,
    Asked(query, _): Asked<DifferenceQuery>,
) -> Result<Json<DifferencesBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let moment = query.at.map(|Moment(moment)| moment);
    let found = api.governance.differences(&warrant, (&at.environment, &query.with), moment).await?;
    Ok(Json(DifferencesBody { differences: found.into_iter().map(Into::into).collect() }))
}

impl From<Placement> for PlacementBody {
    fn from(placement: Placement) -> Self {
        Self {
            environment: placement.environment.to_string(),
            repository: placement.repository.to_string(),
            digest: placement.digest.to_string(),
            tags: placement.tags.iter().map(Tag::to_string).collect(),
            release: placement.release,
            promotion: placement.promotion,
            since: Moment(placement.since),
            until: placement.until.map(Moment),
            ended: placement.ended.map(|ended| ended.name()),
        }
    }
}

impl From<Difference> for DifferenceBody {
    fn from(difference: Difference) -> Self {
        let Difference { repository, here, there } = difference;
        Self { repository: repository.to_string(), here: here.map(Into::into), there: there.map(Into::into) }
    }
}
