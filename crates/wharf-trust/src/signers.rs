//! The policy's section `attestations`: whom a project believes, and about what. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use wharf_context::Timestamp;
use wharf_oci::{Algorithm, Digest, Pattern, RepositoryName};

use crate::key::PublicKey;
use crate::predicate::{self, PROVENANCE};

/// The most signers of one policy: each costs whoever verifies.
const MAX_SIGNERS: usize = 20;
const MAX_KINDS: usize = 50;
const MAX_WORD_BYTES: usize = 64;
const MAX_TYPE_BYTES: usize = 512;

/// Whom a project believes, and about what.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttestationPolicy {
    /// Those who sign, each by a name for people.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub signers: BTreeMap<String, Signer>,
    /// Kinds of attestations that have a predicate type of their own.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub kinds: BTreeMap<String, String>,
}

/// Somebody who signs, by one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signer {
    /// The key.
    pub key: PublicKey,
    /// The kinds of attestations that are believed from it.
    pub kinds: BTreeSet<String>,
    /// For which repositories, by their names in development; for all of the project where nothing is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<Pattern>,
    /// The first day whose attestations count (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::text")]
    pub from: Option<Date>,
    /// The last day whose attestations count (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::text")]
    pub until: Option<Date>,
}

impl AttestationPolicy {
    /// Whether it means something; the sentence says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        if self.signers.len() > MAX_SIGNERS || self.kinds.len() > MAX_KINDS {
            return Err(format!("`attestations` has at most {MAX_SIGNERS} signers and {MAX_KINDS} kinds"));
        }
        if let Some(word) = self.signers.keys().chain(self.kinds.keys()).find(|word| !is_word(word)) {
            return Err(format!("`{}` in `attestations` is no name", word.escape_debug()));
        }
        for (kind, predicate_type) in &self.kinds {
            let is_type = (1..=MAX_TYPE_BYTES).contains(&predicate_type.len()) && !predicate_type.contains('\0');
            if !is_type || predicate::is_known(predicate_type) || kind == PROVENANCE {
                return Err(format!("`attestations.kinds.{kind}`: it needs a predicate type that no other kind has"));
            }
        }
        if self.kinds.values().collect::<BTreeSet<_>>().len() < self.kinds.len() {
            return Err("`attestations.kinds`: two kinds have one predicate type".to_owned());
        }
        self.signers.iter().try_for_each(|(name, signer)| {
            signer.check(self).map_err(|reason| format!("`attestations.signers.{name}`: {reason}"))
        })
    }

    /// Whether attestations of a kind can be had at all.
    pub(crate) fn knows(&self, kind: &str) -> bool {
        kind == PROVENANCE || predicate::TESTS.contains(&kind) || self.kinds.contains_key(kind)
    }

    /// The kind of an attestation.
    pub(crate) fn kind_of<'a>(&'a self, predicate_type: &str, named: Option<&'a str>) -> Option<&'a str> {
        let own = self.kinds.iter().find(|(_, own)| *own == predicate_type);
        own.map(|(kind, _)| kind.as_str()).or_else(|| predicate::kind_of(predicate_type, named))
    }

    /// The keys, by what they are known by.
    pub fn keys(&self) -> BTreeMap<Digest, &PublicKey> {
        self.signers.values().map(|signer| (signer.key.fingerprint(), &signer.key)).collect()
    }

    /// What the set of keys is known by: what was verified with one set says nothing about another.
    pub fn keys_digest(&self) -> Digest {
        let all: Vec<u8> = self.keys().keys().flat_map(Digest::to_bytes).collect();
        Digest::of(Algorithm::Sha256, &all)
    }
}

impl Signer {
    fn check(&self, policy: &AttestationPolicy) -> Result<(), String> {
        if self.kinds.is_empty() {
            return Err("`kinds` says what is believed from it".to_owned());
        }
        if let Some(kind) = self.kinds.iter().find(|kind| !policy.knows(kind)) {
            return Err(format!("there is no kind `{}`; those there are: {}", kind.escape_debug(), policy.all_kinds()));
        }
        if self.from.zip(self.until).is_some_and(|(from, until)| until < from) {
            return Err("`until` is before `from`".to_owned());
        }
        Ok(())
    }

    /// Whether it may speak about a repository.
    pub(crate) fn speaks_of(&self, repository: &RepositoryName) -> bool {
        self.repositories.is_empty() || self.repositories.iter().any(|pattern| pattern.matches(repository.as_str()))
    }

    /// Whether what was attached at a moment counts.
    pub(crate) fn covers(&self, at: Timestamp) -> bool {
        let Ok(instant) = jiff::Timestamp::from_microsecond(at.0) else { return false };
        let day = instant.to_zoned(jiff::tz::TimeZone::UTC).date();
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }
}

impl AttestationPolicy {
    pub(crate) fn all_kinds(&self) -> String {
        let own = self.kinds.keys().map(String::as_str);
        [PROVENANCE].into_iter().chain(predicate::TESTS).chain(own).collect::<Vec<_>>().join(", ")
    }
}

fn is_word(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=MAX_WORD_BYTES).contains(&text.len()) && text.bytes().all(is_letter)
}
