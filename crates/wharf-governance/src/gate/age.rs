//! Gate `age`: an image was made not too long ago, so that it stands on patched packages.

use serde::Deserialize;
use serde_json::{Map, Value};
use wharf_context::Timestamp;
use wharf_db::Tx;

use super::{Case, Gate, Verdict, checked, read};
use crate::error::Error;
use crate::ports::BoxFuture;
use crate::span::Span;

/// Images that say they are older than this, the year 2000, do not tell: reproducible builders write a time of their own.
const TELLS_SINCE: Timestamp = Timestamp(946_684_800_000_000);

#[derive(Debug)]
pub(super) struct Age;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    at_most: Span,
}

impl Gate for Age {
    fn name(&self) -> &'static str {
        "age"
    }

    fn check_parameters(&self, parameters: &Map<String, Value>) -> Result<(), String> {
        read::<Parameters>(parameters).map(drop)
    }

    fn check<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        case: &'a Case<'_>,
        parameters: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<Verdict, Error>> {
        Box::pin(async move {
            let at_most = checked::<Parameters>(parameters)?.at_most;
            let created = case.image.configs.iter().filter_map(|config| config.created_at).min();
            let (made, source) = match created.filter(|created| *created >= TELLS_SINCE) {
                Some(created) => (created, "as it says itself"),
                None => (case.since, "since it came to where it stands, for it does not say when it was built"),
            };
            Ok(judge(made, tx.now(), at_most, source))
        })
    }
}

fn judge(made: Timestamp, now: Timestamp, at_most: Span, source: &str) -> Verdict {
    let days = now.seconds().saturating_sub(made.seconds()).max(0) / 86_400;
    let age = format!("it is {days} days old, {source}");
    if now.minus(at_most.duration()) <= made {
        return Verdict::pass(format!("{age}; {at_most} are allowed"));
    }
    Verdict::fail(format!("{age}, and only {at_most} are allowed"), "build it again on today's base and promote that")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::gate::Outcome;

    #[test]
    fn what_is_just_as_old_as_allowed_passes() {
        let now = TELLS_SINCE.plus(Duration::from_secs(100 * 86_400));
        let allowed = "30d".parse().expect("a span");
        let at = |days: u64| judge(now.minus(Duration::from_secs(days * 86_400)), now, allowed, "").outcome;
        assert_eq!((at(0), at(30), at(31)), (Outcome::Pass, Outcome::Pass, Outcome::Fail));
    }
}
