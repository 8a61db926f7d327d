//! `/api/v1/inquiries/{inquiry}`: what a foreign system answers that was asked about a promotion.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use wharf_governance::inquiry::{Answer, Decision};

use crate::api::Api;
use crate::at::{self, At};
use crate::authenticate::Caller;
use crate::body;
use crate::problem::Problem;

/// A foreign system's answer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InquiryAnswer)]
pub(crate) struct AnswerBody {
    /// The token that was in the question; it is good for one answer.
    token: String,
    decision: DecisionWord,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 1000)]
    reason: String,
}

/// Yes or no.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = InquiryDecision)]
pub(crate) enum DecisionWord {
    /// It may go on.
    Allow,
    /// It may not.
    Deny,
}

pub(crate) async fn answer(
    State(api): State<Api>,
    Caller(ctx): Caller,
    At(at): At<at::Inquiry>,
    body::Json(answer): body::Json<AnswerBody>,
) -> Result<StatusCode, Problem> {
    let AnswerBody { token, decision, reason } = answer;
    let decision = match decision {
        DecisionWord::Allow => Decision::Allow,
        DecisionWord::Deny => Decision::Deny,
    };
    api.governance.answer_inquiry(&ctx, &at.inquiry, &token, &Answer { decision, reason }).await?;
    Ok(StatusCode::NO_CONTENT)
}
