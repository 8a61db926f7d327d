//! Gate `tag`: the tags that go along have a form that the project's tag rules accept.

use serde_json::{Map, Value};
use wharf_context::Timestamp;
use wharf_db::Tx;
use wharf_registry::Registry;

use super::{Case, Gate, Outcome, Verdict};
use crate::error::Error;
use crate::ports::BoxFuture;
use crate::tag_rule::rule::Pointing;

#[derive(Debug)]
pub(super) struct Tags;

impl Gate for Tags {
    fn name(&self) -> &'static str {
        "tag"
    }

    fn check_parameters(&self, parameters: &Map<String, Value>) -> Result<(), String> {
        if parameters.is_empty() { Ok(()) } else { Err("it takes no parameters".to_owned()) }
    }

    fn check<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        case: &'a Case<'_>,
        _: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<Verdict, Error>> {
        Box::pin(async move {
            let verdict = judge(case, tx.now());
            let Some(rule) = case.policy.tags.rule_of(case.repository) else { return Ok(verdict) };
            if verdict.outcome != Outcome::Pass {
                return Ok(verdict);
            }
            // The commit's tag may have stayed behind in development.
            let mut beside = Registry::tags_at(tx, case.project, case.stands_in, case.digest).await?;
            beside.extend(Registry::tags_at(tx, case.project, case.repository, case.digest).await?);
            Ok(match rule.keeps_back(case.tags, &beside) {
                Some(reason) => Verdict::fail(reason, "name the tags that go along, and push what is missing"),
                None => verdict,
            })
        })
    }
}

fn judge(case: &Case<'_>, now: Timestamp) -> Verdict {
    if case.tags.is_empty() {
        return Verdict::fail("no tag goes along, and a version is known by its tag", "name a tag instead of a digest");
    }
    let Some(rule) = case.policy.tags.rule_of(case.repository) else {
        return Verdict::pass("no tag rule is about this repository");
    };
    let (repository, wanted) = (case.repository, *case.digest);
    let pointing = |tag| Pointing { repository, tag, wanted, current: None, last: None, placed: &[] };
    match case.tags.iter().find_map(|tag| rule.judge(&pointing(tag), None, now).err()) {
        None => Verdict::pass("all tags that go along are as the tag rules say"),
        Some(violation) => {
            Verdict::fail(violation.to_string(), "give it a tag that the rule accepts, and promote that")
        }
    }
}
