//! A wire between two programs that can be cut, held, or made to talk nonsense.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How long a copier waits for bytes before it looks at the mode again.
const LOOK: Duration = Duration::from_millis(20);

/// What the wire does with what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Hands it on.
    Pass,
    /// Ends every connection, old and new.
    Cut,
    /// Takes new connections, and hands nothing on.
    Hold,
    /// Hands on requests, and answers nonsense to them.
    Garble,
    /// Hands it on, a little at a time.
    Trickle,
}

/// A port of this machine that leads to another one.
#[derive(Debug)]
pub(crate) struct Relay {
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    target: String,
    mode: Mutex<Mode>,
    is_over: AtomicBool,
    connections: AtomicUsize,
}

impl State {
    fn mode(&self) -> Mode {
        *self.mode.lock().expect("no copier panics")
    }
}

impl Relay {
    /// A relay to `target`, `HOST:PORT`, that hands on.
    pub(crate) fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let state = Arc::new(State {
            target: target.to_owned(),
            mode: Mutex::new(Mode::Pass),
            is_over: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
        });
        let accepting = Arc::clone(&state);
        thread::spawn(move || accept(&listener, &accepting));
        Self { address, state }
    }

    pub(crate) fn set(&self, mode: Mode) {
        *self.state.mode.lock().expect("no copier panics") = mode;
    }

    /// How many connections have been made so far.
    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::SeqCst);
        // Wakes the one that accepts.
        drop(TcpStream::connect(&self.address));
    }
}

fn accept(listener: &TcpListener, state: &Arc<State>) {
    for client in listener.incoming().flatten() {
        if state.is_over.load(Ordering::SeqCst) {
            return;
        }
        state.connections.fetch_add(1, Ordering::SeqCst);
        let Ok(target) = TcpStream::connect(&state.target) else { continue };
        let ways = [(&client, &target, false), (&target, &client, true)];
        for (from, to, is_answer) in ways {
            let (from, to) = (from.try_clone().expect("a handle"), to.try_clone().expect("a handle"));
            let state = Arc::clone(state);
            thread::spawn(move || {
                copy(&from, &to, &state, is_answer);
                for end in [from, to] {
                    drop(end.shutdown(Shutdown::Both));
                }
            });
        }
    }
}

fn copy(mut from: &TcpStream, mut to: &TcpStream, state: &State, is_answer: bool) {
    from.set_read_timeout(Some(LOOK)).expect("a timeout");
    let mut buffer = vec![0; 64 * 1024];
    while !state.is_over.load(Ordering::SeqCst) {
        let mode = state.mode();
        match mode {
            Mode::Cut => return,
            Mode::Hold => {
                thread::sleep(LOOK);
                continue;
            }
            Mode::Pass | Mode::Garble | Mode::Trickle => {}
        }
        let most = if mode == Mode::Trickle { 512 } else { buffer.len() };
        let length = match from.read(&mut buffer[..most]) {
            Ok(0) => return,
            Ok(length) => length,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            Err(_) => return,
        };
        // What was read before the mode changed is not to slip through.
        match state.mode() {
            Mode::Cut => return,
            Mode::Hold => {
                while state.mode() == Mode::Hold && !state.is_over.load(Ordering::SeqCst) {
                    thread::sleep(LOOK);
                }
            }
            Mode::Garble if is_answer => buffer[..length].fill(b'?'),
            Mode::Trickle => thread::sleep(Duration::from_millis(5)),
            Mode::Pass | Mode::Garble => {}
        }
        if to.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
}
