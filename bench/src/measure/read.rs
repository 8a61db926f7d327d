//! Reading: blobs, manifests, whole images.

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;

use super::{By, Side, samples};
use crate::client;
use crate::content::{Blob, Image, LargeBlobs};
use crate::figure::{Quantity, Sample};
use crate::http::{self, Body, Connection};
use crate::load::Load;
use crate::process;
use crate::server::{Maker, data};

/// What `docker pull` accepts.
const ACCEPT: &str = "accept: application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json\r\n";

/// The layers of the image that is pulled: 6 MiB, most of them in two of ten, as in images that people build.
const LAYERS: [usize; 10] =
    [1 << 10, 4 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20, 4 << 20];

/// What many pull at once.
const MANY_MEBIBYTES: u64 = 100;

/// Pushes a blob; gives the request that asks for it. It is read once, which also brings it into the page cache.
pub(super) async fn blob(side: &Side, kibibytes: u64) -> Result<Vec<Vec<u8>>> {
    let mut connection = Connection::open(side.server.address).await?;
    let (path, digest) = if kibibytes < 1024 {
        let blob = Blob::new(usize::try_from(kibibytes << 10)?);
        client::push_blob(&mut connection, "bench/read", &blob).await?;
        (format!("/v2/bench/read/blobs/{}", blob.digest), blob.digest)
    } else {
        large_blob(side, &mut connection, kibibytes >> 10).await?
    };
    rustix::fs::sync();
    let request = request(side, &format!("GET {path}"));
    ensure!(connection.digest_of(&request).await? == digest, "the blob came back as something else");
    Ok(vec![request])
}

async fn large_blob(side: &Side, connection: &mut Connection, mebibytes: u64) -> Result<(String, String)> {
    let blobs = LargeBlobs::of(mebibytes);
    let blob = blobs.next();
    if side.server.maker == Maker::Nginx {
        std::fs::write(data(&side.folder).join("blob"), blob.blocks().collect::<Vec<_>>().concat())?;
        return Ok(("/blob".to_owned(), blob.digest));
    }
    client::push_large(connection, "bench/read", &blob).await?;
    Ok((format!("/v2/bench/read/blobs/{}", blob.digest), blob.digest))
}

/// Pushes an image; gives the requests of a pull, one after the other.
pub(super) async fn image(side: &Side) -> Result<Vec<Vec<u8>>> {
    let (mut connection, image) = (Connection::open(side.server.address).await?, Image::new(&LAYERS));
    client::push_image(&mut connection, "bench/image", &image, "v1").await?;
    rustix::fs::sync();
    let blobs = image.blobs.iter().map(|blob| format!("GET /v2/bench/image/blobs/{}", blob.digest));
    let lines = std::iter::once("GET /v2/bench/image/manifests/v1".to_owned()).chain(blobs);
    Ok(lines.map(|line| request(side, &line)).collect())
}

/// Pushes an image; gives the request that asks for its manifest.
pub(super) async fn manifest(side: &Side, by: By, is_head: bool) -> Result<Vec<Vec<u8>>> {
    let (mut connection, image) = (Connection::open(side.server.address).await?, Image::new(&[1 << 10; 10]));
    client::push_image(&mut connection, "bench/manifest", &image, "v1").await?;
    let reference = match by {
        By::Tag => "v1",
        By::Digest => &image.manifest.digest,
    };
    let path = format!("/v2/bench/manifest/manifests/{reference}");
    let answer = connection.repeat(&request(side, &format!("GET {path}")), Body::Keep).await?.expect(200)?;
    ensure!(answer.body == image.manifest.bytes, "the manifest came back as something else");
    let method = if is_head { "HEAD" } else { "GET" };
    Ok(vec![request(side, &format!("{method} {path}"))])
}

/// Pushes an image and gives the request that asks for its manifest.
pub(crate) async fn manifest_by_tag(side: &Side) -> Result<Vec<u8>> {
    Ok(manifest(side, By::Tag, false).await?.remove(0))
}

/// A request as clients that pull send it.
pub(super) fn request(side: &Side, line: &str) -> Vec<u8> {
    let mut request = Vec::new();
    http::render(&mut request, side.server.address, line, ACCEPT);
    request
}

/// The same requests again and again, one after the other on each connection.
pub(super) async fn repeat(side: &Side, load: Load, requests: &[Vec<u8>], is_head: bool) -> Result<Vec<Sample>> {
    process::forget_peak(side.server.id())?;
    let body = if is_head { Body::None } else { Body::Drop };
    let outcome = load.run(&side.server, async |connection, _| {
        for request in requests {
            connection.repeat(request, body).await?.expect(200)?;
        }
        Ok(())
    });
    samples(&side.server, &outcome.await?)
}

/// Memory of a server of its own, of which many pull a large blob at once.
pub(super) async fn many(side: &Side, clients: usize) -> Result<Vec<Sample>> {
    let folder = tempfile::tempdir_in(&side.folder)?;
    let pushed_to = side.program.start(folder.path()).await?;
    let (blobs, mut connection) = (LargeBlobs::of(MANY_MEBIBYTES), Connection::open(pushed_to.address).await?);
    let blob = blobs.next();
    client::push_large(&mut connection, "bench/read", &blob).await?;
    pushed_to.end().await?;

    let server = side.program.start(folder.path()).await?;
    let path = format!("/v2/bench/read/blobs/{}", blob.digest);
    let pulling = (0..clients).map(async |_| {
        let mut connection = Connection::open(server.address).await?;
        connection.ask("GET", &path, Body::Drop).await?.expect(200)
    });
    try_join_all(pulling).await?;
    let peak = server.memory()?.peak_mebibytes();
    server.end().await?;
    Ok(vec![Sample::new(Quantity::Peak, peak)])
}
