//! `/api/v1/projects/{project}/rebuilds`: what newer bases ask to be rebuilt, and the answers.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_governance::lineage::Viewer;
use wharf_governance::rebuild::{ItemState, Rebuild, RebuildItem, RebuildState, RebuildView};
use wharf_identity::Page;
use wharf_oci::{Reference, RepositoryName};

use crate::answer::Listed;
use crate::api::Api;
use crate::asked::{Asked, NumberedQuery};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::lineage::entries;
use crate::moment::Moment;
use crate::problem::Problem;
use crate::{body, text};

/// That a newer base asks for what stands on the ones before.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rebuild)]
pub(crate) struct RebuildBody {
    id: i64,
    /// The base's repository.
    repository: String,
    /// The pattern of tags that the base is the newest of.
    line: String,
    tag: String,
    digest: String,
    state: RebuildStateWord,
    opened_at: Moment,
    closed_at: Option<Moment>,
}

/// How far a rebuild is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RebuildState)]
pub(crate) enum RebuildStateWord {
    Open,
    Done,
    /// A still newer base has taken its place.
    Overtaken,
}

/// A rebuild and what it asks for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RebuildDetails)]
pub(crate) struct RebuildViewBody {
    rebuild: RebuildBody,
    /// Wave by wave.
    items: Vec<RebuildItemBody>,
    /// How many more repositories it asks for, which the caller may not see.
    hidden_items: usize,
}

/// One repository that is to be rebuilt.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RebuildItem)]
pub(crate) struct RebuildItemBody {
    repository: String,
    /// From 1.
    wave: u32,
    /// The repositories whose new images it waits for.
    after: Vec<String>,
    tag: String,
    digest: String,
    state: ItemStateWord,
    /// Whether it was asked for longer ago than the policy allows.
    is_late: bool,
    wanted_at: Option<Moment>,
    /// The image that was built.
    answer: Option<String>,
    /// Who said so; `system` where the image was recognised.
    answered_by: Option<String>,
    answered_at: Option<Moment>,
}

/// How far one repository is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RebuildItemState)]
pub(crate) enum ItemStateWord {
    /// What it stands on comes first.
    Waiting,
    /// It was asked for.
    Wanted,
    Answered,
    /// A still newer base has taken the place of this one.
    Overtaken,
}

/// By which image a repository was rebuilt.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RebuildAnswer)]
pub(crate) struct AnswerBody {
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String)]
    repository: RepositoryName,
    /// A tag or a digest.
    #[serde(deserialize_with = "text::parse")]
    #[schema(value_type = String)]
    reference: Reference,
}

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, uri): Asked<NumberedQuery>,
) -> Result<Listed<RebuildBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let visibility = api.identity.visibility(&ctx).await?;
    let viewer = Viewer { warrant: &warrant, visibility: &visibility };
    let limit = entries(query.limit);
    let mut entries = api.governance.list_rebuilds(&viewer, query.after, limit + 1).await?;
    let has_more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| has_more).map(|last| last.id.to_string());
    Ok(Listed::of(Page { entries, next }, &uri))
}

pub(crate) async fn show(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Rebuild>,
) -> Result<Json<RebuildViewBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let visibility = api.identity.visibility(&ctx).await?;
    let viewer = Viewer { warrant: &warrant, visibility: &visibility };
    Ok(Json(api.governance.get_rebuild(&viewer, at.rebuild).await?.into()))
}

pub(crate) async fn answer(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Rebuild>,
    body::Json(answer): body::Json<AnswerBody>,
) -> Result<StatusCode, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let built = (&answer.repository, &answer.reference);
    api.governance.answer_rebuild(&ctx, &warrant, at.rebuild, built).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<Rebuild> for RebuildBody {
    fn from(rebuild: Rebuild) -> Self {
        Self {
            id: rebuild.id,
            repository: rebuild.repository.to_string(),
            line: rebuild.line,
            tag: rebuild.tag,
            digest: rebuild.digest.to_string(),
            state: match rebuild.state {
                RebuildState::Open => RebuildStateWord::Open,
                RebuildState::Done => RebuildStateWord::Done,
                RebuildState::Overtaken => RebuildStateWord::Overtaken,
            },
            opened_at: Moment(rebuild.opened_at),
            closed_at: rebuild.closed_at.map(Moment),
        }
    }
}

impl From<RebuildView> for RebuildViewBody {
    fn from(view: RebuildView) -> Self {
        let items = view.items.into_iter().map(|(item, is_late)| RebuildItemBody::of(item, is_late));
        Self { rebuild: view.rebuild.into(), items: items.collect(), hidden_items: view.hidden }
    }
}

impl RebuildItemBody {
    fn of(item: RebuildItem, is_late: bool) -> Self {
        Self {
            repository: item.repository.to_string(),
            wave: item.wave,
            after: item.after.iter().map(ToString::to_string).collect(),
            tag: item.tag,
            digest: item.digest.to_string(),
            state: match item.state {
                ItemState::Waiting => ItemStateWord::Waiting,
                ItemState::Wanted => ItemStateWord::Wanted,
                ItemState::Answered => ItemStateWord::Answered,
                ItemState::Overtaken => ItemStateWord::Overtaken,
            },
            is_late,
            wanted_at: item.wanted_at.map(Moment),
            answer: item.answer.map(|digest| digest.to_string()),
            answered_by: item.answered_by,
            answered_at: item.answered_at.map(Moment),
        }
    }
}
