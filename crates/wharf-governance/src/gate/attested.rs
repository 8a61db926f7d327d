//! The gates `provenance` and `tests`: what is known by signatures, of images that want to go on.

use serde::Deserialize;
use serde_json::{Map, Value};
use wharf_db::Tx;
use wharf_oci::{Digest, Pattern};
use wharf_trust::{Attestation, Evidence, Judgement, Pictured, Wanted, attached, judge};

use super::{Case, Gate, Verdict, checked, read};
use crate::error::Error;
use crate::ports::BoxFuture;

/// The most kinds of tests that one gate asks for.
const MAX_KINDS: usize = 20;

/// Gate `provenance`: the Git repository and commit of each image are known.
#[derive(Debug)]
pub(crate) struct ProvenanceGate;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProvenanceParameters {
    /// Whether a signed attestation is needed, and labels are not enough.
    #[serde(default)]
    signed: bool,
    /// The Git repositories that it may be built from, as host and path.
    #[serde(default)]
    sources: Vec<Pattern>,
}

/// Gate `tests`: tests of some kinds were passed.
#[derive(Debug)]
pub(crate) struct TestsGate;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TestsParameters {
    /// The kinds of tests.
    kinds: Vec<String>,
}

impl Gate for ProvenanceGate {
    fn name(&self) -> &'static str {
        "provenance"
    }

    fn check_parameters(&self, parameters: &Map<String, Value>) -> Result<(), String> {
        read::<ProvenanceParameters>(parameters).map(drop)
    }

    fn check<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        case: &'a Case<'_>,
        parameters: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<Verdict, Error>> {
        Box::pin(async move {
            let ProvenanceParameters { signed, sources } = checked(parameters)?;
            let attached = all_attached(tx, case).await?;
            let wanted = Wanted { is_signed: signed, sources: &sources };
            Ok(verdict(judge::provenance(&evidence(case, &pictured(case), &attached), wanted)))
        })
    }
}

impl Gate for TestsGate {
    fn name(&self) -> &'static str {
        "tests"
    }

    fn check_parameters(&self, parameters: &Map<String, Value>) -> Result<(), String> {
        let TestsParameters { kinds } = read(parameters)?;
        if kinds.is_empty() || kinds.len() > MAX_KINDS {
            return Err(format!("`kinds` names 1 to {MAX_KINDS} kinds of tests"));
        }
        Ok(())
    }

    fn check<'a>(
        &'a self,
        tx: &'a mut Tx<'_>,
        case: &'a Case<'_>,
        parameters: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<Verdict, Error>> {
        Box::pin(async move {
            let TestsParameters { kinds } = checked(parameters)?;
            let attached = all_attached(tx, case).await?;
            Ok(verdict(judge::tests(&evidence(case, &pictured(case), &attached), &kinds)))
        })
    }
}

fn verdict(judgement: Judgement) -> Verdict {
    match judgement {
        Ok(reason) => Verdict::pass(reason),
        Err((reason, fix)) => Verdict::fail(reason, fix),
    }
}

/// The images, and what they say of themselves.
fn pictured<'a>(case: &'a Case<'_>) -> Vec<Pictured<'a>> {
    case.image.configs.iter().map(|config| Pictured { digest: config.digest, labels: &config.labels }).collect()
}

fn evidence<'a>(case: &'a Case<'_>, images: &'a [Pictured<'a>], attached: &'a [Attestation]) -> Evidence<'a> {
    Evidence {
        policy: &case.policy.attestations,
        repository: case.repository,
        digest: case.digest,
        annotations: &case.image.annotations,
        images,
        attached,
    }
}

/// What is attached to it, and to the images that it lists.
async fn all_attached(tx: &mut Tx<'_>, case: &Case<'_>) -> Result<Vec<Attestation>, Error> {
    let images = case.image.configs.iter().map(|config| config.digest).filter(|digest| digest != case.digest);
    let subjects: Vec<Digest> = [*case.digest].into_iter().chain(images).collect();
    let mut all = Vec::new();
    for subject in &subjects {
        let place = (case.stands_in, case.repository);
        let found = attached(tx, case.project, place, subject, &case.policy.attestations).await?;
        let unread = || Error::AttestationsUnread { repository: case.stands_in.clone(), digest: *subject };
        all.extend(found.ok_or_else(unread)?);
    }
    Ok(all)
}
