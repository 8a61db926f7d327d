//! `wharf bin`: what was deleted, and bringing it back.

use clap::{Args, Subcommand};
use serde_json::json;

use super::client::output::Column;
use super::client::{Client, Connection, Error};

const BINNED: [Column; 6] = [
    ("REPOSITORY", "repository", "-"),
    ("TAG", "tag", "-"),
    ("DIGEST", "digest", "-"),
    ("DELETED", "deleted_at", "-"),
    ("UNTIL", "restorable_until", "-"),
    ("TAG IS NOW", "tag_now", "-"),
];
const RESTORED: [Column; 2] = [("digest", "digest", "-"), ("manifests back", "manifests", "-")];

/// `wharf bin`.
#[derive(Debug, Args)]
pub(crate) struct Bin {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List what was deleted or moved and can be restored. With --json, one object per line.
    Ls {
        /// `PROJECT`, or one repository: `PROJECT/NAME`.
        place: String,
    },
    /// Bring a tag back as it was before it was deleted or moved, or a manifest.
    Restore {
        /// `REPOSITORY:TAG`, `REPOSITORY@DIGEST`, or both: the tag as it once pointed to that manifest.
        what: String,
        /// Move the tag back although it points to something else by now.
        #[arg(long)]
        overwrite: bool,
    },
    /// Take everything in a repository's bin out of it for good, so that its space comes back after the grace.
    Empty { repository: String },
}

impl Bin {
    pub(crate) fn run(self) -> Result<(), Error> {
        let client = self.connection.open()?;
        match self.verb {
            Verb::Ls { place } => {
                let query: Vec<_> = place.contains('/').then_some(("repository", place.as_str())).into_iter().collect();
                client.stream(&["projects", project(&place), "bin"], &query, &BINNED)
            }
            Verb::Restore { what, overwrite } => restore(&client, &what, overwrite),
            Verb::Empty { repository } => {
                let place = ["projects", project(&repository), "bin", "empty"];
                let emptied = client.post(&place, &json!({ "repository": repository }))?;
                client.output.one(&emptied, &[("manifests gone", "manifests", "-")])
            }
        }
    }
}

fn restore(client: &Client, what: &str, overwrite: bool) -> Result<(), Error> {
    let (repository, tag, digest) = split(what);
    let place = ["projects", project(repository), "bin", "restore"];
    let body = json!({ "repository": repository, "tag": tag, "digest": digest, "overwrite": overwrite });
    client.output.one(&client.post(&place, &body)?, &RESTORED)
}

/// The first part of a repository's name.
pub(super) fn project(place: &str) -> &str {
    place.split('/').next().unwrap_or(place)
}

/// `REPOSITORY[:TAG][@DIGEST]`. Whether the parts are well-formed is for the server to say.
pub(super) fn split(what: &str) -> (&str, Option<&str>, Option<&str>) {
    let (name, digest) = what.split_once('@').map_or((what, None), |(name, digest)| (name, Some(digest)));
    let (repository, tag) = name.split_once(':').map_or((name, None), |(name, tag)| (name, Some(tag)));
    (repository, tag, digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_restore_is_a_tag_a_digest_or_both() {
        assert_eq!(split("p/app:v1"), ("p/app", Some("v1"), None));
        assert_eq!(split("p/app@sha256:aa"), ("p/app", None, Some("sha256:aa")));
        assert_eq!(split("p/app:v1@sha256:aa"), ("p/app", Some("v1"), Some("sha256:aa")));
        assert_eq!((split("p/app"), project("p/app")), (("p/app", None, None), "p"));
    }
}
