//! `/api/v1/access/why`: whether somebody may do something, and for what reasons.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use wharf_context::Power;
use wharf_identity::{Explanation, Question};
use wharf_oci::{RepositoryName, Tag};

use crate::api::Api;
use crate::asked::{AccessQuery, Asked};
use crate::authenticate::LoggedIn;
use crate::problem::Problem;

/// Whether somebody may do something.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccessExplanation)]
pub(crate) struct ExplanationBody {
    is_allowed: bool,
    /// What gives it to them.
    because: Vec<String>,
    /// Where they may not: what would give it to them elsewhere, and what is missing.
    missing: Vec<String>,
}

pub(crate) async fn why(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    Asked(query, _): Asked<AccessQuery>,
) -> Result<Json<ExplanationBody>, Problem> {
    let question = question(&api, query)?;
    Ok(Json(api.identity.explain_access(&ctx, &question).await?.into()))
}

/// `PROJECT` for an action in a whole project, else `REPOSITORY` or `REPOSITORY:TAG`.
fn question(api: &Api, query: AccessQuery) -> Result<Question, Problem> {
    let AccessQuery { who, action, on } = query;
    let (name, tag) = on.split_once(':').map_or((on.as_str(), None), |(name, tag)| (name, Some(tag)));
    let tag = tag.map(str::parse::<Tag>).transpose().map_err(|error| Problem::invalid(format!("`on`: {error}")))?;
    let written = name.parse::<RepositoryName>().map_err(|error| Problem::invalid(format!("`on`: {error}")))?;
    let repository = api.one_name(&written);
    let project = api.identity.settings().environments.project(&repository);
    let is_whole = matches!(action, Power::Governance(_)) && !name.contains('/');
    Ok(Question { who, power: action, project, repository: (!is_whole).then_some(repository), tag })
}

impl From<Explanation> for ExplanationBody {
    fn from(explanation: Explanation) -> Self {
        let Explanation { is_allowed, because, missing } = explanation;
        Self { is_allowed, because, missing }
    }
}
