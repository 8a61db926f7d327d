//! Gate `soak`: it has stood long enough where it comes from.

use serde::Deserialize;
use serde_json::{Map, Value};
use wharf_context::Timestamp;
use wharf_db::Tx;

use super::{Case, Gate, Verdict, checked, read};
use crate::error::Error;
use crate::ports::BoxFuture;
use crate::span::Span;

#[derive(Debug)]
pub(super) struct Soak;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    at_least: Span,
}

impl Gate for Soak {
    fn name(&self) -> &'static str {
        "soak"
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
            let at_least = checked::<Parameters>(parameters)?.at_least;
            Ok(judge(case.since, tx.now(), at_least, case.from.as_str()))
        })
    }
}

fn judge(since: Timestamp, now: Timestamp, at_least: Span, from: &str) -> Verdict {
    let left = since.plus(at_least.duration()).seconds().saturating_sub(now.seconds());
    if left <= 0 {
        return Verdict::pass(format!("it has stood in `{from}` for {at_least} or longer"));
    }
    Verdict::fail(
        format!("it has to stand in `{from}` for {at_least}, and {} of it are left", hours(left)),
        "wait, or ask for an exception",
    )
}

fn hours(seconds: i64) -> String {
    format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Outcome;

    #[test]
    fn time_in_the_environment_before_counts() {
        let judge = |seconds: i64| judge(Timestamp(0), Timestamp(seconds * 1_000_000), Span::hours(1), "t");
        assert_eq!((judge(3_599).outcome, judge(3_600).outcome), (Outcome::Fail, Outcome::Pass));
        assert!(judge(0).reason.contains("1 h 0 min"), "{:?}", judge(0));
    }
}
