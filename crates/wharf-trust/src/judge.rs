//! Whether what is attached is what somebody asks for. Pure.
//!
//! An attestation of an index is one of all its images. Of several that are believed the latest counts: the one whose
//! statement was attached first last, so that an older one does not become the latest by being attached again.

use std::collections::BTreeMap;

use wharf_context::Timestamp;
use wharf_oci::{Digest, Pattern, RepositoryName};

use crate::attestation::Attestation;
use crate::git::{is_revision, normal_source};
use crate::predicate::{PROVENANCE, TestResult};
use crate::signers::AttestationPolicy;

/// The label, or annotation, that names the Git repository.
const SOURCE: &str = "org.opencontainers.image.source";
/// The one that names the commit.
const REVISION: &str = "org.opencontainers.image.revision";

/// Yes, and why; or no, why, and what to do about it.
pub type Judgement = Result<String, (String, &'static str)>;

/// What is asked about, with all that is attached to it.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Who is believed.
    pub policy: &'a AttestationPolicy,
    /// The repository's name in development.
    pub repository: &'a RepositoryName,
    /// What it is.
    pub digest: &'a Digest,
    /// Its annotations.
    pub annotations: &'a BTreeMap<String, String>,
    /// The images in it: itself, or those that it lists.
    pub images: &'a [Pictured<'a>],
    /// Attached to it, or to the images that it lists.
    pub attached: &'a [Attestation],
}

/// An image, and what it says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Pictured<'a> {
    /// Its manifest.
    pub digest: Digest,
    /// Its labels.
    pub labels: &'a BTreeMap<String, String>,
}

/// One attestation, and who is believed.
#[derive(Debug, Clone, Copy)]
struct Believed<'a> {
    attestation: &'a Attestation,
    signer: &'a str,
    since: Timestamp,
}

impl<'a> Evidence<'a> {
    /// The images that have to have it: what the index lists, or the thing itself.
    fn images(&self) -> Vec<Digest> {
        let images: Vec<Digest> = self.images.iter().map(|image| image.digest).collect();
        if images.is_empty() { vec![*self.digest] } else { images }
    }

    /// What is attached to an image, or to all of it, of one kind.
    fn of_kind(&self, image: Digest, kind: &str) -> impl Iterator<Item = &'a Attestation> {
        let (policy, digest) = (self.policy, *self.digest);
        let is_of_kind = move |found: &&'a Attestation| {
            let document = &found.document;
            policy.kind_of(&document.predicate_type, document.said.kind.as_deref()).is_some_and(|is| is == kind)
        };
        let attached = self.attached.iter().filter(move |found| found.subject == image || found.subject == digest);
        attached.filter(is_of_kind)
    }

    /// The latest attestation of a kind that is believed.
    fn latest(&self, image: Digest, kind: &str) -> Option<Believed<'a>> {
        let mut since: BTreeMap<&str, Timestamp> = BTreeMap::new();
        for found in self.of_kind(image, kind) {
            let first = since.entry(found.document.statement.as_str()).or_insert(found.attached_at);
            *first = (*first).min(found.attached_at);
        }
        let believed = self.of_kind(image, kind).filter_map(|attestation| {
            let since = since[attestation.document.statement.as_str()];
            let signer = self.signer((attestation, since), kind)?;
            Some(Believed { attestation, signer, since })
        });
        believed.max_by_key(|believed| (believed.since, believed.attestation.manifest))
    }

    /// Who of the policy's signers signed it and is believed about such things.
    fn signer(&self, (attestation, since): (&Attestation, Timestamp), kind: &str) -> Option<&'a str> {
        let signed = |fingerprint: &Digest| attestation.document.signed_by.contains(&fingerprint.to_string());
        let mut signers = self.policy.signers.iter();
        let found = signers.find(|(_, signer)| {
            signer.kinds.contains(kind)
                && signer.speaks_of(self.repository)
                && signer.covers(since)
                && signed(&signer.key.fingerprint())
        });
        found.map(|(name, _)| name.as_str())
    }

    /// Why there is none, in words.
    fn lack(&self, image: Digest, kind: &str) -> String {
        match self.of_kind(image, kind).last() {
            Some(found) => format!(
                "attestation `{}` of kind `{kind}` is attached, but no signer of the policy vouches for it",
                found.manifest
            ),
            None => format!("no attestation of kind `{kind}` is attached to `{image}`"),
        }
    }
}

/// Whether tests of all these kinds were passed, as somebody says who is believed.
pub fn tests(evidence: &Evidence<'_>, kinds: &[String]) -> Judgement {
    let (mut wrong, mut passed) = (Vec::new(), Vec::new());
    for kind in kinds {
        for image in evidence.images() {
            match evidence.latest(image, kind) {
                None => wrong.push(evidence.lack(image, kind)),
                Some(found) => match found.attestation.document.said.result {
                    Some(TestResult::Passed) => passed.push(format!("`{kind}` by {}", found.signer)),
                    Some(TestResult::Warned) => passed.push(format!("`{kind}` with warnings by {}", found.signer)),
                    Some(TestResult::Failed) => wrong.push(format!("`{kind}` failed, says {}", found.signer)),
                    None => wrong.push(format!("the result of `{kind}`, signed by {}, does not read", found.signer)),
                },
            }
        }
    }
    if wrong.is_empty() {
        passed.dedup();
        return Ok(format!("passed: {}", passed.join(", ")));
    }
    wrong.dedup();
    let fix =
        "run the tests and attach their signed results; `attestations.signers` of the policy says whom it believes";
    Err((wrong.join("; "), fix))
}

/// What `provenance` asks for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Whether labels are not enough.
    pub is_signed: bool,
    /// The Git repositories that it may come from; any where none is named.
    pub sources: &'a [Pattern],
}

/// Whether Git repository and commit of all images are known.
pub fn provenance(evidence: &Evidence<'_>, wanted: Wanted<'_>) -> Judgement {
    let (mut wrong, mut known) = (Vec::new(), Vec::new());
    for image in evidence.images() {
        match origin(evidence, image, wanted.is_signed) {
            Err(why) => wrong.push(why),
            Ok(origin) if !is_allowed(&origin.source, wanted.sources) => {
                wrong.push(format!("it is built from `{}`, which is not allowed ({})", origin.source, origin.told_by));
            }
            Ok(origin) => known.push(format!("{}@{} ({})", origin.source, origin.revision, origin.told_by)),
        }
    }
    if wrong.is_empty() {
        known.dedup();
        return Ok(known.join("; "));
    }
    wrong.dedup();
    let fix = if wanted.is_signed {
        "have the builder sign and attach its SLSA provenance; `attestations.signers` of the policy says whom it believes"
    } else {
        "build with the labels `org.opencontainers.image.source` and `org.opencontainers.image.revision`"
    };
    Err((wrong.join("; "), fix))
}

/// Where an image was built from, and who says so.
struct Origin {
    source: String,
    revision: String,
    told_by: String,
}

fn origin(evidence: &Evidence<'_>, image: Digest, is_signed: bool) -> Result<Origin, String> {
    if let Some(found) = evidence.latest(image, PROVENANCE) {
        let said = &found.attestation.document.said;
        return match (&said.source, &said.revision) {
            (Some(source), Some(revision)) => Ok(Origin {
                source: source.clone(),
                revision: revision.clone(),
                told_by: format!("attestation signed by {}", found.signer),
            }),
            _ => Err(format!(
                "the provenance signed by {} does not tell: {}",
                found.signer,
                said.problem.as_deref().unwrap_or("it is empty")
            )),
        };
    }
    if is_signed {
        return Err(evidence.lack(image, PROVENANCE));
    }
    let own = evidence.images.iter().find(|pictured| pictured.digest == image);
    let label = |name: &str| {
        let own = own.and_then(|pictured| pictured.labels.get(name));
        own.or_else(|| evidence.annotations.get(name)).map(String::as_str)
    };
    let (Some(source), Some(revision)) = (label(SOURCE), label(REVISION)) else {
        return Err(format!("`{image}` has neither a signed provenance nor the labels `{SOURCE}` and `{REVISION}`"));
    };
    let source = normal_source(source).ok_or_else(|| format!("label `{SOURCE}` names no repository"))?;
    if !is_revision(revision) {
        return Err(format!("label `{REVISION}` is no full commit id"));
    }
    Ok(Origin { source, revision: revision.to_owned(), told_by: "labels, which nobody signed".to_owned() })
}

fn is_allowed(source: &str, patterns: &[Pattern]) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(source))
}
