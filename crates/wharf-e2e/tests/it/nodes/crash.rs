//! Nodes that die and nodes that are replaced: whoever tries again gets on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use super::{MIB, Shared, nodes};
use crate::http::{Client, Payload};
use crate::image::Algorithm;
use crate::random;
use crate::server::Server;
use crate::specification::with;

const PUSHERS: usize = 6;
const ROUNDS: usize = 4;
const BYTES: (&str, &str) = ("Content-Type", "application/octet-stream");
/// How long a push may need with all its tries.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pushed and acknowledged.
#[derive(Debug)]
struct Stored {
    target: String,
    bytes: Vec<u8>,
}

/// Pushes while nodes end by `signal` one after the other and come back; every push gets on by trying again, at any node.
fn nodes_may_end_by(signal: &str) {
    let Some(shared) = Shared::new() else { return };
    let nodes: Vec<RwLock<Server>> = nodes(&shared, 2).into_iter().map(RwLock::new).collect();
    let clients: Vec<Client> = nodes.iter().map(|node| node.read().expect("nobody panics").administrator()).collect();
    let (stored, is_over) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    thread::scope(|scope| {
        for pusher in 0..PUSHERS {
            let (clients, stored, is_over) = (&clients, &stored, &is_over);
            scope.spawn(move || {
                while !is_over.load(Ordering::SeqCst) {
                    let pushed = push(clients, pusher);
                    stored.lock().expect("nobody panics").push(pushed);
                }
            });
        }
        for round in 0..ROUNDS {
            let before = stored.lock().expect("nobody panics").len();
            wait_for("a push", || stored.lock().expect("nobody panics").len() > before);
            // At another moment each time: in a chunk, between chunks, at an end.
            thread::sleep(Duration::from_millis(u64::from(random::bytes(1)[0])));
            let mut node = nodes[round % nodes.len()].write().expect("nobody panics");
            node.end(signal);
            node.restart();
        }
        is_over.store(true, Ordering::SeqCst);
    });
    let stored = stored.into_inner().expect("nobody panics");
    assert!(stored.len() >= ROUNDS);
    for Stored { target, bytes } in &stored {
        for client in &clients {
            assert!(client.get(target).expect(200).body == *bytes, "{target} has other bytes");
        }
    }
}

/// Pushes one blob in chunks, each by the next node; begins anew when that fails.
fn push(clients: &[Client], pusher: usize) -> Stored {
    let bytes = random::bytes(7 * MIB);
    let digest = Algorithm::Sha256.digest(&bytes);
    let start = Instant::now();
    for attempt in 0.. {
        let mut turn = clients.iter().cycle().skip(pusher + attempt);
        if try_push(&mut turn, pusher, &digest, &bytes).is_some() {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "a push does not get on, however often it is tried");
        thread::sleep(Duration::from_millis(50));
    }
    Stored { target: format!("/v2/crash/pusher{pusher}/blobs/{digest}"), bytes }
}

fn try_push<'c>(turn: &mut impl Iterator<Item = &'c Client>, pusher: usize, digest: &str, bytes: &[u8]) -> Option<()> {
    let mut ask = |method: &str, target: &str, payload: Payload<'_>, status: u16| {
        let answer = turn.next()?.try_send(method, target, &[BYTES], payload).ok()?;
        // What is refused for good would be refused again.
        assert!(answer.status == status || answer.status >= 404, "{method}: {} {}", answer.status, answer.text());
        (answer.status == status).then_some(answer)
    };
    let begun = ask("POST", &format!("/v2/crash/pusher{pusher}/blobs/uploads/"), Payload::Empty, 202)?;
    let mut upload = begun.location();
    for chunk in bytes.chunks(3 * MIB) {
        upload = ask("PATCH", &upload, Payload::Sized(chunk), 202)?.location();
    }
    ask("PUT", &with(&upload, "digest", digest), Payload::Empty, 201).map(drop)
}

fn wait_for(what: &str, is_there: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_there() {
        assert!(start.elapsed() < PATIENCE, "{what} does not come");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_node_that_is_killed_costs_clients_no_more_than_another_try() {
    nodes_may_end_by("-KILL");
}

#[test]
fn nodes_are_restarted_one_after_the_other_while_clients_push() {
    nodes_may_end_by("-TERM");
}
