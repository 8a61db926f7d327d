//! What predicates say: the Git repository and commit of a build, the result of a test. Pure; every byte is a stranger's.
//!
//! SLSA provenance 1.x and 0.2, in-toto's test result 0.1. What is ambiguous says nothing, and why.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::git::{is_revision, normal_source};

/// The kind of attestations that say where something was built from.
pub(crate) const PROVENANCE: &str = "provenance";
/// The kinds of test results that need no declaration.
pub(crate) const TESTS: [&str; 7] = ["unit", "integration", "sit", "uat", "load", "soak", "attack"];

const SLSA: [&str; 2] = ["https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"];
const TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";
/// The longest text that is kept of a predicate.
const MAX_TEXT_BYTES: usize = 512;
/// The most dependencies that are looked through for the one that was built.
const MAX_DEPENDENCIES: usize = 10_000;

/// What a predicate says, as far as gates ask.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The kind that it names itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// How a test ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<TestResult>,
    /// The Git repository, by its one name: host and path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The commit: 40 or 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Why it does not say what its type promises.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TestResult {
    /// As it should.
    Passed,
    /// As it should, but people should know something.
    Warned,
    /// Not as it should.
    Failed,
}

/// Whether a predicate type is read without a declaration.
pub(crate) fn is_known(predicate_type: &str) -> bool {
    SLSA.contains(&predicate_type) || predicate_type == TEST_RESULT
}

/// The kind of such a predicate.
pub(crate) fn kind_of<'a>(predicate_type: &str, named: Option<&'a str>) -> Option<&'a str> {
    if SLSA.contains(&predicate_type) {
        return Some(PROVENANCE);
    }
    named.filter(|_| predicate_type == TEST_RESULT)
}

/// Reads a predicate.
pub fn read(predicate_type: &str, predicate: &Value) -> Said {
    if !SLSA.contains(&predicate_type) {
        return test(predicate);
    }
    match built_from(predicate) {
        Ok((source, revision)) => Said { source: Some(source), revision: Some(revision), ..Said::default() },
        Err(problem) => Said { problem: Some(problem.to_owned()), ..Said::default() },
    }
}

fn test(predicate: &Value) -> Said {
    let result = match predicate["result"].as_str() {
        Some("PASSED") => Some(TestResult::Passed),
        Some("WARNED") => Some(TestResult::Warned),
        Some("FAILED") => Some(TestResult::Failed),
        Some(_) | None => None,
    };
    let problem = result.is_none().then(|| "its `result` is none of PASSED, WARNED, FAILED".to_owned());
    let kind = predicate["kind"].as_str().filter(|kind| kind.len() <= MAX_TEXT_BYTES && !kind.contains('\0'));
    Said { kind: kind.map(str::to_owned), result, problem, ..Said::default() }
}

/// Repository and commit of what was built. Several are ambiguous, unless the build was asked for by one of them.
fn built_from(predicate: &Value) -> Result<(String, String), &'static str> {
    let definition = &predicate["buildDefinition"];
    let asked = [&definition["externalParameters"]["configSource"], &predicate["invocation"]["configSource"]];
    if let Some(found) = asked.into_iter().find_map(commit) {
        return Ok(found);
    }
    let lists = [&definition["resolvedDependencies"], &predicate["materials"]];
    let all = lists.into_iter().filter_map(Value::as_array).flatten().take(MAX_DEPENDENCIES);
    let mut found: BTreeSet<(String, String)> = all.filter_map(commit).collect();
    if found.len() > 1 {
        let mut asked = BTreeSet::new();
        sources(&definition["externalParameters"], &mut asked);
        found.retain(|(source, _)| asked.contains(source));
    }
    match (found.pop_first(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(_), false) => Err("it names several commits and does not say which of them was built"),
        (None, _) => Err("it names no Git repository with a commit"),
    }
}

/// The repository and commit that a resource is, if it is one.
fn commit(resource: &Value) -> Option<(String, String)> {
    let uri = resource["uri"].as_str().filter(|uri| uri.len() <= MAX_TEXT_BYTES)?;
    let digest = &resource["digest"];
    let is_git = uri.starts_with("git+") || uri.split(['#', '@']).any(|part| part.ends_with(".git"));
    let revision = digest["gitCommit"].as_str().or_else(|| digest["sha1"].as_str().filter(|_| is_git))?;
    let revision = revision.to_ascii_lowercase();
    is_revision(&revision).then_some(())?;
    Some((source(uri)?, revision))
}

/// The one name of a repository in an URI of SPDX's form: `git+https://host/path@ref`, or with `#ref`.
fn source(uri: &str) -> Option<String> {
    let uri = uri.strip_prefix("git+").unwrap_or(uri);
    let uri = uri.split('#').next().unwrap_or(uri);
    let path_at = uri.find("://").map_or(0, |at| at + 3);
    let path_at = uri[path_at..].find('/').map_or(uri.len(), |at| path_at + at);
    let end = uri[path_at..].find('@').map_or(uri.len(), |at| path_at + at);
    normal_source(&uri[..end])
}

/// The repositories that parameters name, at any depth; how deep there is, the strict parser has limited.
fn sources(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => found.extend(source(text)),
        Value::Array(elements) => elements.iter().for_each(|element| sources(element, found)),
        Value::Object(members) => members.values().for_each(|member| sources(member, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
    const OTHER: &str = "76543210fedcba9876543210fedcba9876543210";

    fn from(predicate: &Value) -> (Option<String>, Option<String>) {
        let said = read(SLSA[0], predicate);
        assert_eq!(said.source.is_none(), said.problem.is_some(), "{said:?}");
        (said.source, said.revision)
    }

    fn expected(source: &str) -> (Option<String>, Option<String>) {
        (Some(source.to_owned()), Some(COMMIT.to_owned()))
    }

    #[test]
    fn provenance_of_builders_names_repository_and_commit() {
        let git = |uri: &str| json!({ "uri": uri, "digest": { "gitCommit": COMMIT } });
        let one = |uri: &str| {
            json!({ "buildDefinition": { "resolvedDependencies": [
            { "uri": "pkg:docker/debian@12", "digest": { "sha256": "ab" } }, git(uri)] } })
        };
        // As GitHub's, GitLab's and Tekton's builders write it.
        for uri in [
            "git+https://git.example.com/pay/app@refs/heads/main",
            "https://git.example.com/pay/app.git#main",
            "git+ssh://git@git.example.com:22/pay/app.git",
        ] {
            assert_eq!(from(&one(uri)), expected("git.example.com/pay/app"), "{uri}");
        }
        // As BuildKit writes it, both versions.
        let config = json!({ "uri": "https://git.example.com/pay/app.git#v1", "digest": { "sha1": COMMIT } });
        let first = json!({ "invocation": { "configSource": config }, "materials": [git("git+https://x.example/y")] });
        let second = json!({ "buildDefinition": { "externalParameters": { "configSource": config } } });
        assert_eq!(
            (from(&first), from(&second)),
            (expected("git.example.com/pay/app"), expected("git.example.com/pay/app"))
        );
    }

    #[test]
    fn of_several_repositories_the_one_that_was_asked_for_counts() {
        let mut two = json!({ "buildDefinition": { "externalParameters": {}, "resolvedDependencies": [
            { "uri": "git+https://git.example.com/pay/app@main", "digest": { "gitCommit": COMMIT } },
            { "uri": "git+https://git.example.com/ci/steps@v1", "digest": { "gitCommit": OTHER } } ] } });
        assert_eq!(from(&two), (None, None), "ambiguous");
        two["buildDefinition"]["externalParameters"]["workflow"] =
            json!({ "repository": "https://git.example.com/pay/app" });
        assert_eq!(from(&two), expected("git.example.com/pay/app"));
        for silent in [
            json!({}),
            json!(null),
            json!([1]),
            json!({ "materials": [{ "uri": 7 }, { "digest": {} }] }),
            json!({ "materials": [{ "uri": "git+https://a.example/b", "digest": { "sha1": "main" } }] }),
        ] {
            assert_eq!(from(&silent), (None, None), "{silent}");
        }
    }

    #[test]
    fn a_test_result_has_one_of_three_words() {
        let said = read(TEST_RESULT, &json!({ "result": "PASSED", "kind": "load" }));
        assert_eq!((said.result, said.kind.as_deref()), (Some(TestResult::Passed), Some("load")));
        for bad in [json!({ "result": "passed" }), json!({}), json!({ "result": true }), json!("PASSED")] {
            let said = read("https://example.com/load/v1", &bad);
            assert!(said.result.is_none() && said.problem.is_some(), "{bad}");
        }
    }
}
