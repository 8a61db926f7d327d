//! What Git servers and build systems say in their bodies, read into commits. Pure; every byte is a stranger's.
//!
//! GitHub's push events, which Gitea, Forgejo and Gogs send in the same form; GitLab's pushes and tag pushes; and a small form
//! of our own for everything else. What is no push (a ping, an issue) tells of no commit and is taken without a word.

use serde::Deserialize;
use wharf_context::Timestamp;
use wharf_oci::json;

use crate::sender::Sender;

/// The most commits that are kept of one body: the last ones.
const MOST_COMMITS: usize = 250;
const MAX_TEXT_CHARS: usize = 200;
const MAX_SOURCE_BYTES: usize = 512;
const MAX_REF_BYTES: usize = 255;

/// A commit that somebody told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The repository, by [`normal_source`].
    pub source: String,
    /// The commit's id: 40 or 64 hex digits.
    pub revision: String,
    /// The ref that it was pushed to: `refs/heads/main`, `refs/tags/v1`.
    pub git_ref: String,
    /// Who wrote it.
    pub author: String,
    /// The first line of its message.
    pub title: String,
    /// When it was made, as its author says.
    pub made_at: Option<Timestamp>,
}

/// Reads a body. The sentence says why it is none of this sender.
pub fn parse(sender: Sender, event: Option<&str>, body: &[u8]) -> Result<Vec<Commit>, String> {
    let text = json::check(body).map_err(|error| error.to_string())?;
    match sender {
        Sender::GitHub => match event {
            Some("push") => read::<GitHubPush>(text)?.commits(),
            Some(_) => Ok(Vec::new()),
            None => Err("the header `X-GitHub-Event` or `X-Gitea-Event` is missing".to_owned()),
        },
        Sender::GitLab => match read::<GitLabKind>(text)?.object_kind.as_str() {
            "push" | "tag_push" => read::<GitLabPush>(text)?.commits(),
            _ => Ok(Vec::new()),
        },
        Sender::Signed => read::<Told>(text)?.commits(),
    }
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// One name for a repository, however it is written: host and path, without scheme, user, the scheme's port and `.git`.
pub fn normal_source(text: &str) -> Option<String> {
    let text = text.trim();
    let (is_url, rest) = text.split_once("://").map_or((false, text), |(_, rest)| (true, rest));
    let rest = rest.rsplit_once('@').filter(|(user, _)| !user.contains('/')).map_or(rest, |(_, rest)| rest);
    let (host, path) = rest.split_at(host_end(rest, is_url)?);
    let host = host.to_ascii_lowercase();
    let host = [":443", ":80", ":22"].iter().find_map(|port| host.strip_suffix(port)).unwrap_or(&host);
    let mut path = path.trim_matches(['/', ':']);
    while let Some(shorter) = path.strip_suffix(".git").or_else(|| path.strip_suffix('/')) {
        path = shorter;
    }
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    let is_path = |c: char| !c.is_whitespace() && !c.is_control();
    let is_fit =
        !host.is_empty() && !host.ends_with(':') && host.chars().all(is_host) && text.len() <= MAX_SOURCE_BYTES;
    let has_path = !path.is_empty() && path.chars().all(is_path) && !path.contains("://");
    (is_fit && has_path).then(|| format!("{host}/{path}"))
}

/// Where the host ends: at a slash or, as git takes `git@host:path`, at a colon that no port follows.
fn host_end(rest: &str, is_url: bool) -> Option<usize> {
    let slash = rest.find('/');
    let head = &rest[..slash.unwrap_or(rest.len())];
    let colon = head.find(':').filter(|at| !is_url && !head[at + 1..].bytes().all(|byte| byte.is_ascii_digit()));
    colon.or(slash)
}

/// Whether a text is a commit's id.
pub fn is_revision(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A deleted branch has only zeros for its newest commit.
fn is_nothing(revision: &str) -> bool {
    revision.bytes().all(|byte| byte == b'0')
}

#[derive(Deserialize)]
struct GitHubPush {
    r#ref: String,
    after: String,
    repository: GitHubRepository,
    #[serde(default)]
    commits: Vec<PushedCommit>,
    #[serde(default)]
    head_commit: Option<PushedCommit>,
}

#[derive(Deserialize)]
struct GitHubRepository {
    #[serde(default)]
    clone_url: Option<String>,
    #[serde(default)]
    html_url: Option<String>,
}

#[derive(Deserialize)]
struct GitLabKind {
    #[serde(default)]
    object_kind: String,
}

#[derive(Deserialize)]
struct GitLabPush {
    r#ref: String,
    after: String,
    #[serde(default)]
    checkout_sha: Option<String>,
    project: GitLabProject,
    #[serde(default)]
    commits: Vec<PushedCommit>,
}

#[derive(Deserialize)]
struct GitLabProject {
    #[serde(default)]
    git_http_url: Option<String>,
    #[serde(default)]
    web_url: Option<String>,
}

/// A commit in a push: both families write it alike.
#[derive(Deserialize)]
struct PushedCommit {
    id: String,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    timestamp: Option<String>,
    #[serde(default)]
    author: Option<Author>,
}

#[derive(Deserialize)]
struct Author {
    #[serde(default)]
    name: Option<String>,
}

/// The form of our own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    source: String,
    revision: String,
    #[serde(default)]
    r#ref: Option<String>,
    #[serde(default)]
    author: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    time: Option<String>,
}

impl GitHubPush {
    fn commits(self) -> Result<Vec<Commit>, String> {
        let source = self.repository.clone_url.or(self.repository.html_url);
        pushed(source, (self.r#ref, self.after), self.commits.into_iter().chain(self.head_commit))
    }
}

impl GitLabPush {
    fn commits(self) -> Result<Vec<Commit>, String> {
        let source = self.project.git_http_url.or(self.project.web_url);
        // Of an annotated tag, `after` is the tag's own id.
        let newest = self.checkout_sha.unwrap_or(self.after);
        pushed(source, (self.r#ref, newest), self.commits.into_iter())
    }
}

impl Told {
    fn commits(self) -> Result<Vec<Commit>, String> {
        let commit = Commit {
            source: normal_source(&self.source).ok_or("`source` is no repository's address")?,
            revision: self.revision.to_ascii_lowercase(),
            git_ref: fit_ref(self.r#ref.unwrap_or_default())?,
            author: line(self.author),
            title: line(self.title),
            made_at: self.time.as_deref().and_then(moment),
        };
        if !is_revision(&commit.revision) {
            return Err("`revision` is no commit's id".to_owned());
        }
        Ok(vec![commit])
    }
}

/// The commits of a push; the newest one also where the list leaves it out, as for a tag.
fn pushed(
    source: Option<String>,
    (git_ref, newest): (String, String),
    listed: impl Iterator<Item = PushedCommit>,
) -> Result<Vec<Commit>, String> {
    if is_nothing(&newest) {
        return Ok(Vec::new());
    }
    let source = source.as_deref().and_then(normal_source).ok_or("it names no repository's address")?;
    let git_ref = fit_ref(git_ref)?;
    let mut commits: Vec<Commit> = Vec::new();
    for pushed in listed.filter(|pushed| is_revision(&pushed.id)) {
        if commits.iter().any(|known| known.revision == pushed.id) {
            continue;
        }
        commits.push(Commit {
            source: source.clone(),
            git_ref: git_ref.clone(),
            author: line(pushed.author.and_then(|author| author.name)),
            title: line(pushed.message),
            made_at: pushed.timestamp.as_deref().and_then(moment),
            revision: pushed.id,
        });
    }
    if is_revision(&newest) && commits.iter().all(|commit| commit.revision != newest) {
        let (author, title) = (String::new(), String::new());
        commits.push(Commit { source, git_ref, author, title, made_at: None, revision: newest });
    }
    Ok(commits.split_off(commits.len().saturating_sub(MOST_COMMITS)))
}

fn fit_ref(text: String) -> Result<String, String> {
    let is_fit = text.len() <= MAX_REF_BYTES && text.chars().all(|c| !c.is_whitespace() && !c.is_control());
    if is_fit { Ok(text) } else { Err("its ref is none".to_owned()) }
}

/// The first line, not too long, without what a terminal would obey.
fn line(text: Option<String>) -> String {
    let text = text.unwrap_or_default();
    let first = text.trim().lines().next().unwrap_or_default();
    first.chars().filter(|c| !c.is_control()).take(MAX_TEXT_CHARS).collect()
}

fn moment(text: &str) -> Option<Timestamp> {
    text.parse::<jiff::Timestamp>().ok().map(|moment| Timestamp(moment.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "6113728f27ae82c7b1a177c8d03f9e96e0adf246";

    fn github(event: &str, body: &serde_json::Value) -> Result<Vec<Commit>, String> {
        parse(Sender::GitHub, Some(event), body.to_string().as_bytes())
    }

    #[test]
    fn a_push_of_github_tells_its_commits() {
        let body = serde_json::json!({
            "ref": "refs/heads/main", "after": ID,
            "repository": { "clone_url": "https://github.com/Octo/Hello.git", "extra": [1] },
            "commits": [{
                "id": ID, "message": "Fix it\n\nlong", "timestamp": "2026-01-01T01:00:00+01:00",
                "author": { "name": "Mona", "email": "m@example.com" },
            }],
        });
        let wanted = Commit {
            source: "github.com/Octo/Hello".to_owned(),
            revision: ID.to_owned(),
            git_ref: "refs/heads/main".to_owned(),
            author: "Mona".to_owned(),
            title: "Fix it".to_owned(),
            made_at: Some(Timestamp(1_767_225_600_000_000)),
        };
        assert_eq!(github("push", &body), Ok(vec![wanted]));
        assert_eq!(github("ping", &serde_json::json!({ "zen": "Keep it." })), Ok(Vec::new()));
        assert!(parse(Sender::GitHub, None, b"{}").is_err());
    }

    #[test]
    fn a_tag_of_gitlab_tells_the_commit_it_is_of_and_a_deleted_branch_none() {
        let of = |after: &str, checkout: Option<&str>| {
            let body = serde_json::json!({
                "object_kind": "tag_push", "ref": "refs/tags/v1", "after": after, "checkout_sha": checkout,
                "project": { "git_http_url": "https://gitlab.example.com/pay/app.git" },
            });
            parse(Sender::GitLab, None, body.to_string().as_bytes())
        };
        let commits = of(&"1".repeat(40), Some(ID)).expect("reads");
        assert_eq!((commits.len(), commits[0].revision.as_str()), (1, ID));
        assert_eq!(commits[0].source, "gitlab.example.com/pay/app");
        assert_eq!(of(&"0".repeat(40), None), Ok(Vec::new()));
        assert_eq!(parse(Sender::GitLab, None, br#"{"object_kind":"issue"}"#), Ok(Vec::new()));
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for body in ["", "[]", "{", r#"{"ref":1}"#, r#"{"ref":"a","ref":"b"}"#] {
            assert!(parse(Sender::GitHub, Some("push"), body.as_bytes()).is_err(), "{body}");
            assert!(parse(Sender::Signed, None, body.as_bytes()).is_err(), "{body}");
        }
        assert!(parse(Sender::Signed, None, br#"{"source":"https://x/y","revision":"main"}"#).is_err());
    }

    #[test]
    fn a_repository_has_one_name() {
        for text in [
            "https://git.example.com/pay/app.git",
            "https://user:token@git.example.com/pay/app",
            "http://GIT.example.com:80/pay/app/",
            "git@git.example.com:pay/app.git",
            "ssh://git@git.example.com:22/pay/app.git",
            "git.example.com/pay/app",
        ] {
            assert_eq!(normal_source(text).as_deref(), Some("git.example.com/pay/app"), "{text}");
        }
        for bad in ["", "app", "https://", "https://host", "https://host/", "https://host/a b", "@"] {
            assert_eq!(normal_source(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(body in ".{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for sender in Sender::ALL {
                drop(parse(sender, Some("push"), body.as_bytes()));
                drop(parse(sender, Some("push"), &bytes));
            }
            if let Some(source) = normal_source(&body) {
                prop_assert!(source.contains('/') && !source.ends_with(".git"), "{}", source);
            }
        }
    }
}
