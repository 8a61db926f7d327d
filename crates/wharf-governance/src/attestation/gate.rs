//! The gates `provenance` and `tests`: what is known by signatures, of images that want to go on.

use serde::Deserialize;
use serde_json::{Map, Value};
use wharf_db::Tx;
use wharf_oci::{Digest, Pattern};

use super::rule::{self, Evidence, Wanted};
use super::{Attestation, attached};
use crate::error::Error;
use crate::gate::{Case, Gate, Verdict, checked, read};
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
            Ok(rule::provenance(&evidence(case, &attached), Wanted { is_signed: signed, sources: &sources }))
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
            Ok(rule::tests(&evidence(case, &attached), &kinds))
        })
    }
}

fn evidence<'a>(case: &'a Case<'_>, attached: &'a [Attestation]) -> Evidence<'a> {
    Evidence {
        policy: &case.policy.attestations,
        repository: case.repository,
        digest: case.digest,
        image: case.image,
        attached,
    }
}

/// What is attached to it, and to the images that it lists.
async fn all_attached(tx: &mut Tx<'_>, case: &Case<'_>) -> Result<Vec<Attestation>, Error> {
    let keys = case.policy.attestations.keys_digest();
    let images = case.image.configs.iter().map(|config| config.digest).filter(|digest| digest != case.digest);
    let subjects: Vec<Digest> = [*case.digest].into_iter().chain(images).collect();
    let mut all = Vec::new();
    for subject in &subjects {
        let place = (case.stands_in, case.repository);
        all.extend(attached(tx, case.project, place, (subject, &keys)).await?);
    }
    Ok(all)
}
