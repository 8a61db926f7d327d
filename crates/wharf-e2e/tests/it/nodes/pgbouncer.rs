//! A pgbouncer in transaction mode between the nodes and PostgreSQL.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{Shared, and};
use crate::command::{Program, has, id};
use crate::image::Algorithm;
use crate::random;
use crate::server::Server;
use crate::specification::Repository;

/// Fewer connections to PostgreSQL than the nodes have to pgbouncer.
const POOL: usize = 4;

/// A running pgbouncer; it ends with this value.
#[derive(Debug)]
struct Bouncer {
    child: Child,
    /// The same database, through it.
    url: String,
    _home: tempfile::TempDir,
}

impl Bouncer {
    /// One before the database at `postgres://USER@HOST:PORT/NAME`.
    fn before(url: &str) -> Self {
        let (user, rest) = url.split_once("://").and_then(|(_, rest)| rest.split_once('@')).expect("a user");
        let (server, name) = rest.split_once('/').expect("a database");
        let (host, port) = server.split_once(':').unwrap_or((server, "5432"));
        let home = tempfile::tempdir().expect("a temporary folder");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let listen = listener.local_addr().expect("a bound listener has an address").port();
        drop(listener);
        let (users, settings) = (home.path().join("users"), home.path().join("pgbouncer.ini"));
        std::fs::write(&users, format!("\"{user}\" \"\"\n")).expect("a writable folder");
        let text = format!(
            "[databases]\n{name} = host={host} port={port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {listen}\nunix_socket_dir =\nauth_type = trust\nauth_file = {}\n\
             pool_mode = transaction\ndefault_pool_size = {POOL}\n",
            users.display()
        );
        std::fs::write(&settings, text).expect("a writable folder");
        let child = start(home.path(), &settings);
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", listen)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(10), "pgbouncer does not answer");
            thread::sleep(Duration::from_millis(20));
        }
        Self { child, url: format!("postgres://{user}@127.0.0.1:{listen}/{name}"), _home: home }
    }
}

/// It refuses to run as root.
fn start(home: &Path, settings: &Path) -> Child {
    let mut command = Command::new("setpriv");
    if id() == "0" {
        Program::new("chown", home).args(["-R", "postgres:", &home.display().to_string()]).run();
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    }
    command.args([Path::new("/usr/sbin/pgbouncer"), Path::new("--quiet"), settings]).stdin(Stdio::null());
    command.spawn().expect("pgbouncer starts")
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn nodes_work_behind_a_pgbouncer_in_transaction_mode() {
    if !has(&["pgbouncer", "setpriv"]) {
        return;
    }
    let Some(mut shared) = Shared::new() else { return };
    let bouncer = Bouncer::before(&shared.database);
    shared.database.clone_from(&bouncer.url);
    let settings = || and(shared.settings(), "WHARF_DATABASE_PGBOUNCER", "true");
    let first = Server::with(settings());
    let key = first.folder.path().join("data/master.key").display().to_string();
    let second = Server::with(and(settings(), "WHARF_ENCRYPTION_MASTER_KEY_FILE", key));
    // One log-in before many at once: those would look like somebody who guesses passwords.
    for node in [&first, &second] {
        node.administrator().get("/v2/bouncer/app/tags/list").expect(404);
    }
    thread::scope(|scope| {
        for pusher in 0..8 {
            let (pushes, pulls) = (first.administrator(), second.administrator());
            scope.spawn(move || {
                for _ in 0..10 {
                    let bytes = random::bytes(2000);
                    let digest = Algorithm::Sha256.digest(&bytes);
                    let name = format!("bouncer/pusher{pusher}");
                    Repository::new(&pushes, &name).push(&digest, &bytes);
                    Repository::new(&pulls, &name).has_blob(&digest, &bytes);
                }
            });
        }
    });
}
