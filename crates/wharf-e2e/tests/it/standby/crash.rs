//! kill -9 of either of the two, in the middle of many pushes.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{Pair, wait};
use crate::command::variable;
use crate::crash::{push_until, verify};
use crate::random;

const PUSHERS: usize = 16;
const PATIENCE: Duration = Duration::from_secs(60);
/// How often the primary is killed, unless this variable says otherwise.
const ROUNDS: (&str, usize) = ("WHARF_E2E_CRASHES", 3);

#[test]
fn nothing_that_was_acknowledged_is_lost_when_the_primary_is_killed_under_16_pushers() {
    let rounds = variable(ROUNDS.0).map_or(ROUNDS.1, |number| number.parse().expect("a number"));
    let pair = Pair::new();
    let acknowledged = Mutex::new(Vec::new());
    let (mut name, mut other) = ("a", "b");
    let mut primary = pair.primary(name);
    let mut standby = pair.standby(other, &primary.address);
    pair.wait_until_level(other);
    for round in 0..rounds {
        let (client, is_over) = (primary.administrator(), AtomicBool::new(false));
        let before = acknowledged.lock().expect("no pusher panics").len();
        thread::scope(|scope| {
            for pusher in 0..PUSHERS {
                let (client, acknowledged, is_over) = (&client, &acknowledged, &is_over);
                scope.spawn(move || push_until(client, pusher, acknowledged, is_over));
            }
            // A slow machine has pushed nothing by then.
            let began = Instant::now();
            while acknowledged.lock().expect("no pusher panics").len() == before && began.elapsed() < PATIENCE {
                thread::sleep(Duration::from_millis(20));
            }
            thread::sleep(Duration::from_millis(100 + u64::from(random::bytes(1)[0]) * 3));
            primary.kill();
            is_over.store(true, Ordering::SeqCst);
        });
        assert_eq!(pair.take_over(other)["primary_stopped"], false);
        let pushed = acknowledged.lock().expect("no pusher panics");
        assert!(pushed.len() > before, "nothing was pushed before crash {round}");
        verify(&standby.administrator(), &pushed);
        drop(pushed);
        // The old one comes back as the standby of the new one.
        let of = format!("http://{}", standby.address);
        let settings = pair.settings(name, Some(&of));
        primary.set(|present| *present = settings);
        primary.restart();
        pair.wait_until_level(name);
        std::mem::swap(&mut primary, &mut standby);
        std::mem::swap(&mut name, &mut other);
    }
}

#[test]
fn a_standby_that_is_killed_at_any_time_goes_on_from_where_it_was() {
    let pair = Pair::with(&[("WHARF_STANDBY_AWAY_AFTER", "60s")]);
    let primary = pair.primary("a");
    let mut standby = pair.standby("b", &primary.address);
    pair.wait_until_level("b");
    let (client, is_over, acknowledged) = (primary.administrator(), AtomicBool::new(false), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for pusher in 0..PUSHERS {
            let (client, acknowledged, is_over) = (&client, &acknowledged, &is_over);
            scope.spawn(move || push_until(client, pusher, acknowledged, is_over));
        }
        for _ in 0..5 {
            thread::sleep(Duration::from_millis(100 + u64::from(random::bytes(1)[0]) * 2));
            standby.kill();
            standby.restart();
            wait("it follows", || pair.does("b", &["status"])["standby"]["is_following"] == true);
        }
        is_over.store(true, Ordering::SeqCst);
    });
    pair.wait_until_level("b");
    assert_eq!(standby.log().matches("copies the primary").count(), 1, "it went on, and copied nothing anew");
    pair.take_over("b");
    verify(&standby.administrator(), &acknowledged.lock().expect("no pusher panics"));
}
