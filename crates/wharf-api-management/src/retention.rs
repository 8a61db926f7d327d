//! `/api/v1/projects/{project}/retention`: plans and runs, their verdicts, and why a tag stays or goes.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wharf_governance::retention::run::Outcome;
use wharf_governance::retention::{Item, ItemsQuery, NewRun, Run, Verdict};
use wharf_identity::Page;

use crate::answer::{Created, Listed};
use crate::api::Api;
use crate::asked::{Asked, ItemsAsked, NumberedQuery, OneTagQuery};
use crate::at::{self, At};
use crate::authenticate::LoggedIn;
use crate::body;
use crate::moment::Moment;
use crate::problem::Problem;
use crate::words::ActionWord;

/// A run of retention, or a plan: a run that ends before anything goes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RetentionRun)]
pub(crate) struct RunBody {
    /// Its number.
    run: i64,
    /// Whether it is a plan.
    is_plan: bool,
    /// `judging`, `executing`, `done` or `given_up`.
    state: String,
    /// The policy that it goes by.
    policy_revision: i64,
    started_by: String,
    started_at: Moment,
    ended_at: Option<Moment>,
    /// How much of the bytes that the project may use it used, in percent; nothing where there is no limit.
    fill_percent: Option<u32>,
    /// Tags that stay.
    keep: i64,
    /// Tags that are to go.
    delete: i64,
    /// Of these, those that have gone.
    done: i64,
    /// Of these, those that were left because something about them had changed.
    left: i64,
    /// Why it was given up.
    why: Option<String>,
}

/// What is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRetentionRun)]
pub(crate) struct NewRunBody {
    /// Whether it is only to be told what would go.
    #[serde(default)]
    is_plan: bool,
}

/// What was decided about a tag, and what came of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RetentionItem)]
pub(crate) struct ItemBody {
    repository: String,
    tag: String,
    /// What it pointed to.
    digest: String,
    action: ActionWord,
    /// The rule that decided.
    rule: Option<String>,
    because: String,
    /// `done`, or `left`; nothing where nothing was to be done, or has been yet.
    outcome: Option<String>,
    /// Why it was left.
    left_because: Option<String>,
}

/// What becomes of a tag by the rules in force.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RetentionVerdict)]
pub(crate) struct VerdictBody {
    action: ActionWord,
    /// The rule that decides.
    rule: Option<String>,
    because: String,
}

pub(crate) async fn list(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, uri): Asked<NumberedQuery>,
) -> Result<Listed<RunBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let (entries, next) = api.governance.list_retention(&warrant, (query.after, query.limit)).await?;
    Ok(Listed::of(Page { entries, next: next.map(|next| next.to_string()) }, &uri))
}

pub(crate) async fn start(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    body::Json(new): body::Json<NewRunBody>,
) -> Result<Created<RunBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let wanted = if new.is_plan { NewRun::Plan } else { NewRun::Run };
    let run = api.governance.start_retention(&ctx, &warrant, wanted).await?;
    let location = format!("/api/v1/projects/{}/retention/runs/{}", at.project, run.id);
    Ok(Created { location, body: run.into() })
}

pub(crate) async fn show(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::RetentionRun>,
) -> Result<Json<RunBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    Ok(Json(api.governance.get_retention(&warrant, at.run).await?.into()))
}

pub(crate) async fn list_items(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::RetentionRun>,
    Asked(query, uri): Asked<ItemsAsked>,
) -> Result<Listed<ItemBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let query = ItemsQuery { action: query.action.map(Into::into), after: query.after, limit: query.limit };
    let (entries, next) = api.governance.list_retention_items(&warrant, at.run, query).await?;
    Ok(Listed::of(Page { entries, next: next.map(|next| next.to_string()) }, &uri))
}

pub(crate) async fn explain(
    State(api): State<Api>,
    LoggedIn(ctx): LoggedIn,
    At(at): At<at::Project>,
    Asked(query, _): Asked<OneTagQuery>,
) -> Result<Json<VerdictBody>, Problem> {
    let warrant = api.identity.warrant(&ctx, &at.project).await?;
    let repository = api.own_repository(&at.project, &query.repository)?;
    let verdict = api.governance.explain_retention(&warrant, &repository, &query.tag).await?;
    let Verdict { action, rule, because } = verdict;
    Ok(Json(VerdictBody { action: action.into(), rule, because }))
}

impl From<Run> for RunBody {
    fn from(run: Run) -> Self {
        Self {
            run: run.id,
            is_plan: run.wanted == NewRun::Plan,
            state: run.state.name().to_owned(),
            policy_revision: run.policy_revision,
            started_by: run.started_by,
            started_at: Moment(run.started_at),
            ended_at: run.ended_at.map(Moment),
            fill_percent: run.fill_percent,
            keep: run.counts.keep,
            delete: run.counts.delete,
            done: run.counts.done,
            left: run.counts.left,
            why: run.why,
        }
    }
}

impl From<Item> for ItemBody {
    fn from(item: Item) -> Self {
        let (outcome, left_because) = match item.outcome {
            None => (None, None),
            Some(Outcome::Done) => (Some("done".to_owned()), None),
            Some(Outcome::Left(why)) => (Some("left".to_owned()), Some(why)),
        };
        Self {
            repository: item.repository.to_string(),
            tag: item.tag.to_string(),
            digest: item.digest.to_string(),
            action: item.verdict.action.into(),
            rule: item.verdict.rule,
            because: item.verdict.because,
            outcome,
            left_because,
        }
    }
}
