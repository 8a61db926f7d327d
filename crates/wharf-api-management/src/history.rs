//! `/api/v1/projects/{project}/history/{digest}`: all that is known of a digest, from the push to where it stands.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_governance::History;
use wharf_oci::RepositoryName;

use crate::api::Api;
use crate::archives::ArchiveBody;
use crate::asked::Asked;
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::environments::PlacementBody;
use crate::moment::Moment;
use crate::problem::Problem;
use crate::promotions::PromotionBody;
use crate::text;

/// All that is known of a digest.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = History)]
pub(crate) struct HistoryBody {
    /// Its repository, by the name in development.
    repository: String,
    /// What it is about.
    digest: String,
    /// The push, as long as it stands in development or is in an archive.
    pushed: Option<PushedBody>,
    /// What its images say of themselves.
    images: Vec<ImageBody>,
    /// The tags that point at it in development or did, the latest first.
    tags: Vec<TagSpellBody>,
    /// What was asked for with it, the first first.
    promotions: Vec<PromotionBody>,
    /// Where it has stood, the first place first.
    placements: Vec<PlacementBody>,
    /// When it left for an archive, and came back, the first first.
    archives: Vec<ArchiveBody>,
}

/// A push.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Pushed)]
pub(crate) struct PushedBody {
    /// By which account.
    by: String,
    /// When.
    at: Moment,
    /// As what.
    media_type: String,
    /// All that it holds, each blob once.
    size_bytes: u64,
}

/// What an image says of itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImageConfig)]
pub(crate) struct ImageBody {
    /// Its manifest.
    digest: String,
    /// Its labels: `org.opencontainers.image.source` and `.revision` name its commit.
    labels: BTreeMap<String, String>,
    /// When it was built.
    created_at: Option<Moment>,
}

/// For how long a tag pointed at it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TagSpell)]
pub(crate) struct TagSpellBody {
    /// The tag.
    tag: String,
    /// Who pointed it there.
    changed_by: String,
    /// Since when.
    since: Moment,
    /// Until when; `null`: it still does.
    until: Option<Moment>,
}

/// What a history takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistoryQuery {
    #[serde(deserialize_with = "text::parse")]
    repository: RepositoryName,
}

pub(crate) async fn show(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::History>,
    Asked(query, _): Asked<HistoryQuery>,
) -> Result<Json<HistoryBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let history = api.governance.history(&warrant, &query.repository, &at.digest).await?;
    let archives = api.archives.archives_of(&warrant, &query.repository, &at.digest).await?;
    Ok(Json(HistoryBody { archives: archives.into_iter().map(Into::into).collect(), ..history.into() }))
}

impl From<History> for HistoryBody {
    fn from(history: History) -> Self {
        let pushed = history.pushed.map(|pushed| PushedBody {
            by: pushed.by,
            at: Moment(pushed.at),
            media_type: pushed.media_type,
            size_bytes: pushed.size_bytes,
        });
        let images = history.images.into_iter().map(|image| ImageBody {
            digest: image.digest.to_string(),
            labels: image.labels,
            created_at: image.created_at.map(Moment),
        });
        let tags = history.tags.into_iter().map(|spell| TagSpellBody {
            tag: spell.tag.to_string(),
            changed_by: spell.changed_by,
            since: Moment(spell.since),
            until: spell.until.map(Moment),
        });
        Self {
            repository: history.repository.to_string(),
            digest: history.digest.to_string(),
            pushed,
            images: images.collect(),
            tags: tags.collect(),
            promotions: history.promotions.into_iter().map(Into::into).collect(),
            placements: history.placements.into_iter().map(Into::into).collect(),
            archives: Vec::new(),
        }
    }
}
