//! Git repositories, by the `git` program: as contexts, and for ADD.
//!
//! The program asks nobody for a password, reads no configuration of the machine, and speaks only to servers: `file:` and
//! the helpers that a URL could name are off.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::Error;

/// What is fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remote {
    /// A file by HTTP.
    File(String),
    /// A repository.
    Git(Repository),
}

/// A repository, what of its history, and what of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its URL.
    pub url: String,
    /// A branch, a tag or a commit; what the server shows first where nothing is said.
    pub reference: Option<String>,
    /// A folder in it.
    pub folder: Option<String>,
}

impl Remote {
    /// Reads `https://…`, `https://….git#reference:folder`, `git@host:path`; `None`: it is a path.
    pub fn parse(text: &str) -> Option<Self> {
        let is_http = text.starts_with("http://") || text.starts_with("https://");
        let (url, fragment) = text.split_once('#').map_or((text, None), |(url, fragment)| (url, Some(fragment)));
        let is_git = text.starts_with("git://") || text.starts_with("ssh://") || text.starts_with("git@");
        let names_git = is_git || is_http && url.split('?').next().is_some_and(|path| path.ends_with(".git"));
        if !names_git {
            return is_http.then(|| Self::File(text.to_owned()));
        }
        let (reference, folder) = fragment.map_or((None, None), |fragment| {
            let (reference, folder) = fragment.split_once(':').map_or((fragment, None), |(a, b)| (a, Some(b)));
            (Some(reference).filter(|text| !text.is_empty()), folder.filter(|text| !text.is_empty()))
        });
        let (reference, folder) = (reference.map(str::to_owned), folder.map(str::to_owned));
        Some(Self::Git(Repository { url: url.to_owned(), reference, folder }))
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A URL may hold a password, which is nobody's business.
        let shown = self.url.split_once("://").and_then(|(scheme, rest)| {
            let (user, rest) = rest.split_once('@')?;
            (!user.contains('/')).then(|| format!("{scheme}://{rest}"))
        });
        f.write_str(shown.as_ref().unwrap_or(&self.url))?;
        match (&self.reference, &self.folder) {
            (None, None) => Ok(()),
            (reference, None) => write!(f, "#{}", reference.as_deref().unwrap_or_default()),
            (reference, Some(folder)) => write!(f, "#{}:{folder}", reference.as_deref().unwrap_or_default()),
        }
    }
}

impl Repository {
    fn refused(&self, reason: impl fmt::Display) -> Error {
        Error::Download { url: self.to_string(), source: reason.to_string().into() }
    }

    /// The commit that is meant, as the server says. Blocks.
    pub fn commit(&self) -> Result<String, Error> {
        let reference = self.reference.as_deref().unwrap_or("HEAD");
        if is_commit(reference) {
            return Ok(reference.to_owned());
        }
        let wanted = [
            reference.to_owned(),
            format!("refs/heads/{reference}"),
            format!("refs/tags/{reference}^{{}}"),
            format!("refs/tags/{reference}"),
        ];
        let mut command = git(Path::new("/"));
        command.args(["ls-remote", "--", &self.url]).args(&wanted[..2]).args([&wanted[3], &wanted[2]]);
        let listed = self.run(command)?;
        let find = |name: &String| {
            let mut lines = listed.lines().filter_map(|line| line.split_once('\t'));
            lines.find(|(_, found)| found == name).map(|(commit, _)| commit.to_owned())
        };
        // An annotated tag is of the commit that it names.
        let order = [&wanted[2], &wanted[1], &wanted[3], &wanted[0]];
        let found = order.into_iter().find_map(find).filter(|commit| is_commit(commit));
        found.ok_or_else(|| self.refused(format!("there is no branch, tag or commit `{reference}`")))
    }

    /// Puts the files of a commit into `folder`, which is made. Gives the folder that was asked for. Blocks.
    pub fn fetch(&self, commit: &str, folder: &Path, keeps_git: bool) -> Result<PathBuf, Error> {
        std::fs::create_dir_all(folder).map_err(|source| Error::file("make", folder.display().to_string(), source))?;
        let mut init = git(folder);
        init.args(["init", "--quiet"]);
        self.run(init)?;
        let mut fetch = git(folder);
        fetch.args(["fetch", "--quiet", "--depth", "1", "--no-tags", "--", &self.url, commit]);
        if self.run(fetch).is_err() {
            // Servers need not give a commit by its number: then all that they show is fetched.
            let mut all = git(folder);
            all.args(["fetch", "--quiet", "--", &self.url, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]);
            self.run(all)?;
        }
        let mut checkout = git(folder);
        checkout.args(["checkout", "--quiet", "--force", "--detach", commit]);
        self.run(checkout)?;
        if !keeps_git {
            std::fs::remove_dir_all(folder.join(".git"))
                .map_err(|source| Error::file("remove `.git` in", folder.display().to_string(), source))?;
        }
        let Some(inner) = &self.folder else { return Ok(folder.to_owned()) };
        // A link of the repository does not lead out of it.
        let inside = std::fs::canonicalize(folder.join(inner.trim_start_matches('/')));
        let root = std::fs::canonicalize(folder);
        match (inside, root) {
            (Ok(inside), Ok(root)) if inside.starts_with(&root) && inside.is_dir() => Ok(inside),
            _ => Err(self.refused(format!("there is no folder `{inner}` in it"))),
        }
    }

    fn run(&self, mut command: Command) -> Result<String, Error> {
        let output = command.output().map_err(|error| self.refused(format!("cannot start `git`: {error}")))?;
        if !output.status.success() {
            return Err(self.refused(String::from_utf8_lossy(&output.stderr).trim()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// A folder's place in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// Where the repository comes from, without a password; its folder's name where it comes from nowhere.
    pub repository: String,
    /// The commit that is checked out.
    pub commit: String,
    /// When that was made, in seconds since 1970.
    pub committed_at: i64,
}

/// The commit that is checked out in a folder; none where there is no repository, or no `git`. Blocks.
pub fn checkout(folder: &Path) -> Option<Checkout> {
    let ask = |words: &[&str]| {
        let mut command = git(folder);
        // The folder may be somebody else's: nothing that its configuration names is run by these.
        let output =
            command.args(["-c", "safe.directory=*", "-c", "core.fsmonitor=false"]).args(words).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (output.status.success() && !text.is_empty()).then_some(text)
    };
    let shown = ask(&["show", "--no-patch", "--no-show-signature", "--format=%H %ct", "HEAD"])?;
    let (commit, committed_at) = shown.split_once(' ')?;
    let url = ask(&["config", "--get", "remote.origin.url"]).unwrap_or_default();
    let repository = Repository { url, reference: None, folder: None }.to_string();
    Some(Checkout { repository, commit: commit.to_owned(), committed_at: committed_at.parse().ok()? })
}

fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder).stdin(Stdio::null());
    command
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_ALLOW_PROTOCOL", "https:http:ssh:git")
        .env("GIT_LFS_SKIP_SMUDGE", "1");
    command.args(["-c", "core.autocrlf=false", "-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false"]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_files_or_repositories() {
        let git = |url: &str, reference: Option<&str>, folder: Option<&str>| {
            let (reference, folder) = (reference.map(str::to_owned), folder.map(str::to_owned));
            Some(Remote::Git(Repository { url: url.to_owned(), reference, folder }))
        };
        for (text, remote) in [
            ("a/b", None),
            ("https://x/y.tar", Some(Remote::File("https://x/y.tar".to_owned()))),
            ("https://x/y.git", git("https://x/y.git", None, None)),
            ("https://x/y.git#v1", git("https://x/y.git", Some("v1"), None)),
            ("https://x/y.git#:sub", git("https://x/y.git", None, Some("sub"))),
            ("git@x:y#v1:sub", git("git@x:y", Some("v1"), Some("sub"))),
        ] {
            assert_eq!(Remote::parse(text), remote, "{text}");
        }
        let secret = Repository { url: "https://me:password@x/y.git".to_owned(), reference: None, folder: None };
        assert_eq!(secret.to_string(), "https://x/y.git");
    }
}
