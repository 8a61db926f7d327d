//! A bucket that is away, silent or answers nonsense for a while: clients are told to come again, nothing is lost, and
//! service goes on without a restart.

use std::thread;
use std::time::{Duration, Instant};

use super::{BYTES, MIB, Shared, and};
use crate::http::Payload;
use crate::image::Algorithm;
use crate::random;
use crate::relay::{Mode, Relay};
use crate::server::Server;
use crate::specification::{Repository, with};

#[test]
fn a_bucket_in_trouble_costs_no_acknowledged_byte_and_no_restart() {
    let Some(mut shared) = Shared::new() else { return };
    let relay = Relay::to(shared.endpoint.split_once("://").expect("a URL").1);
    shared.endpoint = format!("http://{}", relay.address);
    let settings = and(shared.settings(), "WHARF_STORAGE_S3_IDLE_TIMEOUT", "1s");
    let node = Server::with(and(settings, "WHARF_STORAGE_S3_RETRIES", "1"));
    let client = node.administrator();
    let repository = Repository::new(&client, "trouble/app");
    let before = random::bytes(MIB);
    let digest = Algorithm::Sha256.digest(&before);
    let blob = format!("blobs/{digest}");
    repository.push(&digest, &before);
    for mode in [Mode::Cut, Mode::Hold, Mode::Garble] {
        let bytes = random::bytes(12 * MIB);
        let upload = repository.open();
        let upload = client.send("PATCH", &upload, &[BYTES], Payload::Sized(&bytes[..MIB])).expect(202).location();
        relay.set(mode);
        let pushed = client.send("PATCH", &upload, &[BYTES], Payload::Sized(&bytes[MIB..]));
        assert!(pushed.status >= 500, "{mode:?}: a push was answered with {}", pushed.status);
        let pulled = client.try_send("GET", &repository.at(&blob), &[], Payload::Empty);
        let is_refused = pulled.as_ref().is_ok_and(|answer| answer.status >= 500);
        assert!(is_refused || pulled.is_err(), "{mode:?}: a pull was answered with {pulled:?}");
        // What does not need the bucket goes on.
        client.get("/v2/").expect(200);
        relay.set(Mode::Pass);
        let start = Instant::now();
        while repository.get(&blob).status != 200 {
            assert!(start.elapsed() < Duration::from_secs(30), "after {mode:?} there is no service");
            thread::sleep(Duration::from_millis(50));
        }
        repository.has_blob(&digest, &before);
        // The upload goes on where its last acknowledged chunk ended.
        assert_eq!(client.get(&upload).expect(204).header("range"), Some(format!("0-{}", MIB - 1).as_str()));
        let whole = Algorithm::Sha256.digest(&bytes);
        let end = with(&upload, "digest", &whole);
        client.send("PUT", &end, &[BYTES], Payload::Sized(&bytes[MIB..])).expect(201);
        repository.has_blob(&whole, &bytes);
    }
}

#[test]
fn a_slow_bucket_is_slow_and_no_more() {
    let Some(mut shared) = Shared::new() else { return };
    let relay = Relay::to(shared.endpoint.split_once("://").expect("a URL").1);
    shared.endpoint = format!("http://{}", relay.address);
    let node = Server::with(shared.settings());
    let client = node.administrator();
    let repository = Repository::new(&client, "slow/app");
    relay.set(Mode::Trickle);
    let bytes = random::bytes(20_000);
    let digest = Algorithm::Sha256.digest(&bytes);
    repository.push(&digest, &bytes);
    repository.has_blob(&digest, &bytes);
}
