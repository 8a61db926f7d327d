//! The gate `external`: a foreign system agrees.

use serde::Deserialize;
use serde_json::{Map, Value};
use wharf_db::Tx;

use super::{Decision, check_webhook, of};
use crate::error::Error;
use crate::gate::{Case, Gate, Outcome, Verdict, checked, read};
use crate::ports::BoxFuture;
use crate::webhook::WebhookName;

/// The gate's name.
pub(super) const NAME: &str = "external";

/// The gate.
#[derive(Debug)]
pub(crate) struct ExternalGate;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExternalParameters {
    /// The webhook that the question goes to.
    #[serde(with = "crate::text")]
    pub(super) webhook: WebhookName,
    /// Its address: whoever may edit webhooks, but not the policy, cannot have somebody else asked.
    pub(super) url: String,
}

impl Gate for ExternalGate {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check_parameters(&self, parameters: &Map<String, Value>) -> Result<(), String> {
        read::<ExternalParameters>(parameters).map(drop)
    }

    fn check<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        case: &'a Case<'_>,
        parameters: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<Verdict, Error>> {
        Box::pin(async move {
            let parameters: ExternalParameters = checked(parameters)?;
            if let Err(why) = check_webhook(tx, case.project, &parameters).await? {
                return Ok(Verdict::fail(why, "have the webhook and the gate name one address"));
            }
            let asked = match case.promotion {
                Some(promotion) => of(tx, promotion, (case.repository, case.digest)).await?,
                None => None,
            };
            let name = &parameters.webhook;
            Ok(match asked.map(|asked| asked.answer) {
                None => pending(format!("`{name}` is asked when the promotion is asked for")),
                Some(None) => pending(format!("`{name}` was asked and has not answered")),
                Some(Some(answer)) if answer.decision == Decision::Allow => {
                    Verdict::pass(format!("`{name}` allows it: {}", answer.reason))
                }
                Some(Some(answer)) => Verdict::fail(
                    format!("`{name}` does not allow it: {}", answer.reason),
                    "put right what it says, and ask for another promotion",
                ),
            })
        })
    }
}

fn pending(reason: String) -> Verdict {
    let fix = "wait for the answer; the webhook's deliveries tell whether the question arrived".to_owned();
    Verdict { outcome: Outcome::Pending, reason, fix }
}
