//! Lists of tags and repositories, long ones.
//!
//! Docker's registry takes minutes to be given a hundred thousand tags, so its files are laid as it lays them itself.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;

use super::{Side, read, samples};
use crate::client;
use crate::content::{Blob, Image};
use crate::figure::Sample;
use crate::http::{Body, Connection};
use crate::load::Load;
use crate::process;
use crate::row::{REPOSITORIES, TAGS};
use crate::server::{Maker, data};

/// How many tags one push points at a manifest where that can be done.
const TAGS_AT_ONCE: usize = 100;

/// How many connections make repositories.
const PUSHERS: usize = 16;

const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
const INDEX: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;

/// Points many tags at one manifest, unless that was done before; gives the request of a page from their middle.
pub(super) async fn tags(side: &Side, count: usize) -> Result<Vec<Vec<u8>>> {
    let repository = tagged(count);
    let mut connection = Connection::open(side.server.address).await?;
    let path = format!("/v2/{repository}/tags/list?n=100&last={}", tag(count / 2));
    let request = read::request(side, &format!("GET {path}"));
    // Docker's registry answers with an empty list where there is no repository.
    let before = connection.repeat(&request, Body::Keep).await?;
    if before.status != 200 || names(&before.body) == 0 {
        let image = Image::new(&[1024]);
        client::push_image(&mut connection, &repository, &image, &tag(0)).await?;
        if side.server.maker == Maker::Distribution {
            lay_tags(side, &repository, count, &image.manifest.digest)?;
        } else {
            put_tags(&mut connection, &repository, count, &image.manifest).await?;
        }
        rustix::fs::sync();
    }
    let answer = connection.repeat(&request, Body::Keep).await?.expect(200)?;
    ensure!(names(&answer.body) == 100, "a page of 100 tags has {} names: {}", names(&answer.body), answer.text());
    Ok(vec![request])
}

fn tagged(count: usize) -> String {
    format!("bench/tags{count}")
}

fn tag(number: usize) -> String {
    format!("t{number:06}")
}

async fn put_tags(connection: &mut Connection, repository: &str, count: usize, manifest: &Blob) -> Result<()> {
    let all: Vec<String> = (1..count).map(|number| format!("tag={}", tag(number))).collect();
    for some in all.chunks(TAGS_AT_ONCE) {
        let reference = format!("{}?{}", manifest.digest, some.join("&"));
        client::put_manifest(connection, repository, manifest, &reference).await?;
    }
    Ok(())
}

fn lay_tags(side: &Side, repository: &str, count: usize, digest: &str) -> Result<()> {
    let tags = laid(side, repository).join("_manifests/tags");
    for number in 1..count {
        let current = tags.join(tag(number)).join("current");
        std::fs::create_dir_all(&current)?;
        std::fs::write(current.join("link"), digest)?;
    }
    Ok(())
}

/// Where Docker's registry keeps a repository.
fn laid(side: &Side, repository: &str) -> PathBuf {
    data(&side.folder).join("docker/registry/v2/repositories").join(repository)
}

/// Names in a list: what stands between quotes and is neither the key nor the repository's own name.
fn names(body: &[u8]) -> usize {
    let list = body.iter().position(|byte| *byte == b'[').map_or(&[][..], |begin| &body[begin..]);
    list.iter().filter(|byte| **byte == b'"').count() / 2
}

/// All tags, page by page, as many at once as clients ask for.
pub(super) async fn walk(side: &Side, load: Load) -> Result<Vec<Sample>> {
    process::forget_peak(side.server.id())?;
    let load = Load { is_warmed_up: false, ..load };
    let walked = load.run(&side.server, async |connection, _| {
        let (mut next, mut tags) = (Some(format!("/v2/{}/tags/list?n=1000", tagged(TAGS))), 0);
        while let Some(path) = next {
            let answer = connection.ask("GET", &path, Body::Keep).await?.expect(200)?;
            tags += names(&answer.body);
            next = answer.next;
        }
        ensure!(tags == TAGS, "{tags} tags came instead of {TAGS}");
        Ok(())
    });
    samples(&side.server, &walked.await?)
}

/// Makes many repositories whose names come first; gives the request of one page of them all.
pub(super) async fn repositories(side: &Side) -> Result<Vec<Vec<u8>>> {
    if side.server.maker == Maker::Distribution {
        for number in 0..REPOSITORIES {
            std::fs::create_dir_all(laid(side, &repository(number)).join("_layers"))?;
            std::fs::create_dir_all(laid(side, &repository(number)).join("_manifests/revisions"))?;
        }
    } else {
        let pushing = (0..PUSHERS).map(|first| put_indexes(side, first));
        try_join_all(pushing).await?;
    }
    let request = read::request(side, &format!("GET /v2/_catalog?n={REPOSITORIES}"));
    let answer = Connection::open(side.server.address).await?.repeat(&request, Body::Keep).await?.expect(200)?;
    let count = names(&answer.body);
    ensure!(count == REPOSITORIES, "a page of {REPOSITORIES} repositories has {count}");
    Ok(vec![request])
}

async fn put_indexes(side: &Side, first: usize) -> Result<()> {
    let mut connection = Connection::open(side.server.address).await?;
    for number in (first..REPOSITORIES).step_by(PUSHERS) {
        let path = format!("/v2/{}/manifests/v1", repository(number));
        connection.give("PUT", &path, INDEX_TYPE, INDEX.as_bytes()).await?.expect(201)?;
    }
    Ok(())
}

fn repository(number: usize) -> String {
    format!("a/r{number:05}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_list_are_counted() {
        assert_eq!(names(br#"{"name":"bench/t1","tags":["a","b"]}"#), 2);
        assert_eq!(names(br#"{"repositories":[]}"#), 0);
        assert_eq!(names(b"{}"), 0);
    }
}
