//! The gate `standard`: what is not as the standards of its repository say does not come into an environment.

use serde_json::{Map, Value};
use wharf_db::Tx;
use wharf_oci::{Digest, RepositoryName};

use super::{hash, policy, store};
use crate::error::Error;
use crate::gate::{Case, Gate, Outcome, Verdict};
use crate::lineage::reach;
use crate::ports::BoxFuture;

/// The gate.
#[derive(Debug)]
pub(crate) struct StandardGate;

impl Gate for StandardGate {
    fn name(&self) -> &'static str {
        "standard"
    }

    fn check_parameters(&self, parameters: &Map<String, Value>) -> Result<(), String> {
        match parameters.keys().next() {
            Some(other) => {
                Err(format!("the gate `standard` takes no `{other}`: what it asks for is the section `standards`"))
            }
            None => Ok(()),
        }
    }

    fn check<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        case: &'a Case<'_>,
        _: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<Verdict, Error>> {
        Box::pin(ask(tx, case))
    }
}

async fn ask(tx: &mut Tx<'_>, case: &Case<'_>) -> Result<Verdict, Error> {
    let standards = &case.policy.standards;
    if policy::applicable(standards, case.repository).next().is_none() {
        return Ok(Verdict::pass("no standard is for this repository"));
    }
    if case.image.configs.is_empty() {
        return Ok(Verdict::pass("it is no image"));
    }
    let images = reach::images_of(tx, case.digest).await?;
    let current = hash(standards, case.repository);
    let mut complaints = Vec::new();
    for image in &images {
        match store::get(tx, (case.project, case.repository), image).await? {
            Some((about, check)) if about == current => complaints.extend(told(&check)),
            Some(_) | None => return Ok(unchecked(case.repository, image)),
        }
    }
    if images.len() < case.image.configs.len() {
        return Ok(unchecked(case.repository, case.digest));
    }
    if complaints.is_empty() {
        return Ok(Verdict::pass("it is as its standards say"));
    }
    Ok(Verdict::fail(complaints.join("; "), "correct the image; docs/admin/policy.md says what each rule asks for"))
}

fn told(check: &super::StandardCheck) -> Vec<String> {
    let results = check.results.iter().flat_map(|result| {
        result.complaints.iter().map(move |one| format!("{}: {}: {}", result.standard, one.rule, one.reason))
    });
    check.problem.iter().map(|problem| format!("it cannot be read: {problem}")).chain(results).collect()
}

fn unchecked(repository: &RepositoryName, digest: &Digest) -> Verdict {
    let fix = format!("ask for it by `wharf standard check {repository}@{digest}`");
    Verdict {
        outcome: Outcome::Pending,
        reason: "it has not been compared with the standards in force".to_owned(),
        fix,
    }
}
