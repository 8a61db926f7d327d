//! Reading: manifests, blobs, lists of tags.

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;

use super::{Side, samples};
use crate::client;
use crate::content::{Image, LargeBlob};
use crate::figure::{Sample, Unit};
use crate::http::{self, Body, Connection};
use crate::load::{Load, Outcome};

/// What `docker pull` accepts.
const ACCEPT: &str = "accept: application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json\r\n";

/// The layers of the image that is pulled: a manifest of about 2 KiB.
const LAYERS: [usize; 8] = [1 << 10; 8];

/// How many tags the repository of tags has, and how many connections push them.
const TAGS: usize = 10_000;
const PUSHERS: usize = 32;
const TAGS_LIST: &str = "/v2/bench/tags/tags/list";

/// What is asked for of an image.
#[derive(Debug, Clone, Copy)]
pub(super) enum By {
    Tag,
    Digest,
    Blob,
}

/// Pushes an image; gives the request that asks for it.
pub(super) async fn image(side: &Side, by: By) -> Result<Vec<u8>> {
    let (mut connection, image) = (Connection::open(side.server.address).await?, Image::new(&LAYERS));
    client::push_image(&mut connection, "bench/image", &image, "v1").await?;
    let line = match by {
        By::Tag => "GET /v2/bench/image/manifests/v1".to_owned(),
        By::Digest => format!("GET /v2/bench/image/manifests/{}", image.manifest.digest),
        By::Blob => format!("HEAD /v2/bench/image/blobs/{}", image.blobs[1].digest),
    };
    let request = request(side, &line);
    let wanted = if matches!(by, By::Blob) { Body::None } else { Body::Keep };
    let answer = connection.repeat(&request, wanted).await?.expect(200)?;
    ensure!(wanted == Body::None || answer.body == image.manifest.bytes, "the manifest came back as something else");
    Ok(request)
}

/// Pushes a blob; gives the request that asks for it. It is read once, which also brings it into the page cache.
pub(super) async fn blob(side: &Side, mebibytes: u64) -> Result<Vec<u8>> {
    let (mut connection, mut blob) = (Connection::open(side.server.address).await?, LargeBlob::new(mebibytes));
    client::push_large(&mut connection, "bench/large", &mut blob).await?;
    rustix::fs::sync();
    let request = request(side, &format!("GET /v2/bench/large/blobs/{}", blob.digest));
    ensure!(connection.digest_of(&request).await? == blob.digest, "the blob came back as something else");
    Ok(request)
}

/// Points many tags at one manifest, unless that was done before; gives the request that lists some of them.
pub(super) async fn tags(side: &Side, query: &str) -> Result<Vec<u8>> {
    let request = request(side, &format!("GET {TAGS_LIST}{query}"));
    let mut first = Connection::open(side.server.address).await?;
    if first.repeat(&request, Body::Keep).await?.status == 200 {
        return Ok(request);
    }
    let image = Image::new(&[1024]);
    client::push_image(&mut first, "bench/tags", &image, "t00000").await?;
    let pushing = (0..PUSHERS).map(async |begin| {
        let mut connection = Connection::open(side.server.address).await?;
        for number in (begin..TAGS).step_by(PUSHERS) {
            client::put_manifest(&mut connection, "bench/tags", &image.manifest, &format!("t{number:05}")).await?;
        }
        anyhow::Ok(())
    });
    try_join_all(pushing).await?;
    Ok(request)
}

/// All tags, page by page where the server has pages.
pub(super) async fn all_tags(side: &Side, load: Load) -> Result<Vec<Sample>> {
    let walk = load.run(&side.server, async |connection, _| {
        let (mut next, mut tags) = (Some(TAGS_LIST.to_owned()), 0);
        while let Some(path) = next {
            let answer = connection.ask("GET", &path, Body::Keep).await?.expect(200)?;
            // A tag's name is `t` and five digits; nothing else in the answer holds a `t0`.
            tags += answer.body.windows(3).filter(|three| *three == b"\"t0").count();
            next = answer.next;
        }
        ensure!(tags == TAGS, "{tags} tags came instead of {TAGS}");
        Ok(())
    });
    Ok(samples("whole lists", &walk.await?))
}

fn request(side: &Side, line: &str) -> Vec<u8> {
    let mut request = Vec::new();
    http::render(&mut request, side.server.address, line, ACCEPT);
    request
}

/// The same small request again and again.
pub(super) async fn repeat(side: &Side, load: Load, request: &[u8]) -> Result<Vec<Sample>> {
    let outcome = again(side, load, (request, Body::Drop)).await?;
    Ok(samples("requests", &outcome))
}

/// The same for HEAD.
pub(super) async fn heads(side: &Side, load: Load, request: &[u8]) -> Result<Vec<Sample>> {
    let outcome = again(side, load, (request, Body::None)).await?;
    Ok(samples("requests", &outcome))
}

/// A large blob again and again.
pub(super) async fn stream(side: &Side, load: Load, (request, mebibytes): (&[u8], u64)) -> Result<Vec<Sample>> {
    let outcome = again(side, load, (request, Body::Drop)).await?;
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let gigabytes = outcome.operations() * (mebibytes << 20) as f64 / 1e9;
    let per_gigabyte = outcome.server_seconds() / gigabytes;
    Ok(vec![
        Sample::new("all streams together", Unit::GigabytesPerSecond, gigabytes / outcome.elapsed_seconds()),
        Sample::new("server's CPU", Unit::CpuSecondsPerGigabyte, per_gigabyte),
        Sample::new("load generator's share of a core", Unit::Share, outcome.client_share()),
    ])
}

async fn again(side: &Side, load: Load, (request, body): (&[u8], Body)) -> Result<Outcome> {
    load.run(&side.server, async |connection, _| connection.repeat(request, body).await?.expect(200).map(drop)).await
}
