//! Ending a container, and what becomes of it when others end.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wharf_runtime::*;

use crate::rig::{Rig, finish};

/// A process that goes on for ever, with another one beside it that ignores what it can, once both are running.
fn endless(rig: &Rig) -> Running {
    let mut running =
        rig.start(&rig.shell("trap '' TERM INT HUP; (trap '' TERM; sleep 1000) & echo started; sleep 1000; true"));
    let mut stdout = std::fs::File::from(running.stdout.take().unwrap());
    let mut started = [0; 8];
    stdout.read_exact(&mut started).unwrap();
    assert_eq!(&started, b"started\n");
    running.stdout = Some(stdout.into());
    running
}

/// The children of a process.
fn children(pid: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

/// Whether a process is there and not only waited for.
fn lives(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap().starts_with(" Z"))
}

fn eventually_gone(pids: &[u32]) {
    let start = Instant::now();
    while pids.iter().any(|pid| lives(*pid)) {
        assert!(start.elapsed() < Duration::from_secs(5), "{pids:?} still run");
        std::thread::yield_now();
    }
}

#[test]
fn root_stopping_kills_everything_in_the_container() {
    let Some(rig) = Rig::new() else { return };
    let running = endless(&rig);
    let stop = running.stop();
    std::thread::spawn(move || stop.stop());
    let exit = finish(running).exit.unwrap();
    assert_eq!((exit.status, exit.code()), (Status::Stopped, 137));
}

#[test]
fn root_what_is_dropped_is_killed() {
    let Some(rig) = Rig::new() else { return };
    let running = endless(&rig);
    let first = children(running.holder_id());
    let all: Vec<u32> = first.iter().copied().chain(first.iter().flat_map(|pid| children(*pid))).collect();
    assert!(all.len() >= 2, "{all:?}");
    drop(running);
    eventually_gone(&all);
}

#[test]
fn root_a_container_does_not_outlive_what_holds_it() {
    let Some(rig) = Rig::new() else { return };
    let mut running = endless(&rig);
    let holder = running.holder_id();
    let first = children(holder);
    assert_eq!(first.len(), 1);
    let pid = rustix::process::Pid::from_raw(i32::try_from(holder).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    assert!(matches!(running.wait(), Err(Error::Silent)));
    eventually_gone(&first);
}

/// The argument by which this test binary is asked to be a caller that is going to be killed.
const AS_CALLER: &str = "as-a-caller-that-is-killed";

#[test]
fn root_a_container_does_not_outlive_its_caller() {
    let Some(rig) = Rig::new() else { return };
    if std::env::args().any(|argument| argument == AS_CALLER) {
        let running = endless(&rig);
        println!("holder {} of {:?}", running.holder_id(), children(running.holder_id()));
        std::thread::park();
    }
    let name = "stop::root_a_container_does_not_outlive_its_caller";
    let mut caller = Command::new(std::env::current_exe().unwrap())
        .args([name, AS_CALLER, "--nocapture", "--test-threads=1"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let line =
        BufReader::new(caller.stdout.take().unwrap()).lines().map(Result::unwrap).find(|line| line.contains("holder "));
    let pids: Vec<u32> =
        line.unwrap().split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect();
    assert!(pids.len() == 2 && pids.iter().all(|pid| lives(*pid)), "{pids:?}");
    caller.kill().unwrap();
    caller.wait().unwrap();
    eventually_gone(&pids);
}

#[test]
fn root_output_waits_for_its_reader_and_a_child_cannot_hold_it_open() {
    let Some(rig) = Rig::new() else { return };
    // Four megabytes do not fit into a pipe.
    let done = finish(rig.start(&rig.shell("dd if=/dev/zero bs=1M count=4 2>/dev/null; sleep 1000 & exit 0")));
    assert_eq!(done.stdout.len(), 4 << 20);
    assert!(done.exit.unwrap().is_success());
}
