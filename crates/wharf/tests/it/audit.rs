//! The audit log from outside: export and verify, filters, refusals and log-ins, kill -9, syslog over TLS.

use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use tempfile::TempDir;

use super::management::{Outcome, Shell, administrator};
use super::server::{Server, eventually, wharf, write};

/// A folder for exports, and what `wharf audit verify` says to one.
struct Exports(TempDir);

impl Exports {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Exports the log as lines.
    fn export(&self, admin: &Shell) -> Vec<String> {
        let path = self.path("whole.jsonl");
        admin.run(&format!("audit export --output {}", path.display())).done();
        let text = std::fs::read_to_string(&path).expect("written");
        text.lines().map(str::to_owned).collect()
    }

    /// Verifies lines, without a server.
    fn verify(&self, lines: &[String], keys: &[&str]) -> Outcome {
        let path = self.path("changed.jsonl");
        write(&path, &(lines.join("\n") + "\n"));
        verify(&path, keys)
    }
}

fn verify(path: &Path, keys: &[&str]) -> Outcome {
    let mut command = wharf();
    command.args(["audit", "verify", "--json"]).arg(path).env("WHARF_SERVER", "http://192.0.2.1:1");
    for key in keys {
        command.args(["--key", key]);
    }
    Outcome::of(&mut command)
}

/// Waits until the log has an entry.
fn entry(admin: &Shell, filter: &str) -> Value {
    let mut found = Value::Null;
    eventually(filter, || {
        found = admin.run(&format!("audit list --json {filter}")).json()[0].clone();
        !found.is_null()
    });
    found
}

#[test]
fn an_export_is_verified_without_the_server_and_every_change_of_it_is_found() {
    let server = Server::start(&[]);
    let admin = administrator(&server);
    for number in 0..12 {
        admin.run(&format!("project create shop{number}")).done();
    }
    let exports = Exports::new();
    let lines = exports.export(&admin);
    let whole = exports.verify(&lines, &[]).json();
    assert_eq!(whole["is_whole"], true);
    assert!(whole["rows"].as_u64().is_some_and(|rows| rows >= 13));
    let is_row = |line: &String| line.starts_with("{\"sequence\"");
    let rows: Vec<usize> = (0..lines.len()).filter(|at| is_row(&lines[*at])).collect();
    assert_eq!(whole["proven_to"], rows.len(), "the end is signed");

    let fault = |lines: &[String]| exports.verify(lines, &[]).failed(10);
    let mut changed = lines.clone();
    changed[rows[4]] = changed[rows[4]].replace("\"succeeded\"", "\"denied\"");
    assert!(fault(&changed).contains("row 5 was changed"));
    let mut missing = lines.clone();
    missing.remove(rows[4]);
    assert!(fault(&missing).contains("row 5 is missing"));
    let mut swapped = lines.clone();
    swapped.swap(rows[4], rows[5]);
    assert!(fault(&swapped).contains("row 5 is missing or not in its place"));
    let mut added = lines.clone();
    added.push(lines[rows[4]].clone());
    assert!(fault(&added).contains("not in its place"));
    let cut = &lines[..*rows.last().expect("rows")];
    assert!(fault(cut).contains("the end is missing"));
    let mut torn = lines.clone();
    torn[rows[4]].truncate(40);
    assert!(fault(&torn).contains("what stands behind row 4 is neither a row nor a checkpoint"));
    assert!(fault(&lines[1..]).contains("does not begin as"));

    // Keys that were noted: the right one, another, a file of them.
    let keys = admin.run("audit keys --json");
    let file = exports.path("keys.json");
    write(&file, &keys.done());
    let id = whole["key"].as_str().expect("a key").to_owned();
    exports.verify(&lines, &[&id]).done();
    exports.verify(&lines, &[file.to_str().expect("text")]).done();
    assert!(exports.verify(&lines, &["another"]).failed(10).contains("the end is missing"));

    admin.run("audit verify --from-server").done();
    let csv = admin.run("audit export --format csv").done();
    assert_eq!(csv.lines().next().and_then(|heads| heads.split(',').next()), Some("sequence"));
    assert!(csv.lines().count() > rows.len());
    let extract = admin.run("audit export --object shop1").done();
    assert_eq!(extract.lines().count(), 1);
    assert!(exports.verify(&[extract], &[]).failed(10).contains("does not begin as"));
}

#[test]
fn a_part_of_the_log_by_time_is_whole_too() {
    let server = Server::start(&[]);
    let admin = administrator(&server);
    admin.run("project create shop").done();
    let (exports, path) = (Exports::new(), "part.jsonl");
    let path = exports.path(path);
    let parts = [("2020-01-01", "2030-01-01"), ("2040-01-01", "2050-01-01"), ("2010-01-01", "2010-02-01")];
    let rows = parts.map(|(from, to)| {
        admin.run(&format!("audit export --from {from} --to {to} --output {}", path.display())).done();
        verify(&path, &[]).json()["rows"].clone()
    });
    assert!(rows[0].as_u64().is_some_and(|rows| rows >= 2));
    assert_eq!((&rows[1], &rows[2]), (&0.into(), &0.into()));
}

#[test]
fn refusals_and_log_ins_are_in_the_log_with_who_and_from_where() {
    let server = Server::start(&[]);
    let admin = administrator(&server);
    admin.run("project create shop").done();
    let robot = admin.run("robot create shop+ci --permission pull --json").json();
    let logged_in = entry(&admin, "--action login --person admin");
    assert_eq!((&logged_in["remote"], &logged_in["outcome"]), (&"127.0.0.1".into(), &"succeeded".into()));

    let wrong = Shell::at(&server);
    wrong.log_in("admin", "not the password");
    for _ in 0..3 {
        wrong.run("whoami").failed(6);
    }
    let refused = entry(&admin, "--action login --outcome denied --object admin");
    assert_eq!(
        (&refused["caller"], &refused["details"]["reason"]),
        (&"anonymous".into(), &"wrong name or password".into())
    );

    let ci = Shell::at(&server);
    ci.log_in("shop+ci", robot["secret"].as_str().expect("a secret"));
    ci.run("user list").failed(6);
    let refused = entry(&admin, "--person shop+ci --outcome denied");
    assert_eq!((&refused["action"], &refused["resource"]), (&"list_users".into(), &"/api/v1/users".into()));
}

#[test]
fn a_change_says_what_was_before_and_what_is_now() {
    let server = Server::start(&[]);
    let admin = administrator(&server);
    admin.run("project create shop").done();
    admin.run("user create alice --no-password").done();
    admin.run("project member add shop alice guest").done();
    admin.run("project member add shop alice owner").done();
    admin.run("project set shop --public").done();
    let details = |filter: &str| admin.run(&format!("audit list --json {filter}")).json()[0]["details"].clone();
    let member = details("--action member.put");
    assert_eq!((&member["before"]["role"], &member["after"]["role"]), (&"guest".into(), &"owner".into()));
    let project = details("--action project.update");
    assert_eq!((&project["before"]["is_public"], &project["after"]["is_public"]), (&false.into(), &true.into()));
    assert_eq!(details("--action user.create")["after"]["is_disabled"], false);
}

#[test]
fn a_server_that_was_killed_among_its_writers_goes_on_with_the_chain() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let server = |port: &str| {
        let mut command = wharf();
        command.args(["serve", "--listen", port, "--data"]).arg(&data);
        Server::spawn(command, tempfile::tempdir().expect("a folder"))
    };
    let first = server("127.0.0.1:0");
    let admin = Arc::new(administrator(&first));
    let address = first.address().to_string();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let admin = Arc::clone(&admin);
            std::thread::spawn(move || {
                let begun = Instant::now();
                let mut made = 0;
                while begun.elapsed() < Duration::from_secs(3) {
                    if admin.run(&format!("project create w{writer}-{made}")).code != 0 {
                        break;
                    }
                    made += 1;
                }
                made
            })
        })
        .collect();
    std::thread::sleep(Duration::from_millis(1_300));
    drop(first);
    let made: u64 = writers.into_iter().map(|writer| writer.join().expect("no writer panics")).sum();
    assert!(made > 0);
    let _second = server(&address);
    let exports = Exports::new();
    let lines = exports.export(&admin);
    let whole = exports.verify(&lines, &[]).json();
    let created = lines.iter().filter(|line| line.contains("\"action\":\"project.create\"")).count();
    // What was answered is there; what was asked for at the last moment may be.
    assert!(whole["is_whole"] == true && created as u64 >= made && created as u64 <= made + 4, "{created} of {made}");
}

/// A syslog receiver over TLS that keeps what it is sent.
fn receiver(folder: &Path) -> (u16, Arc<Mutex<Vec<u8>>>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    write(&folder.join("ca.pem"), &cert.pem());
    let chain = vec![CertificateDer::from(cert.der().to_vec())];
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).expect("fits"));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keeper = Arc::clone(&kept);
    std::thread::spawn(move || {
        for (number, connection) in listener.incoming().enumerate() {
            let Ok(connection) = connection else { return };
            if number == 0 {
                // The first batch is lost on its way: it must come again.
                continue;
            }
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).expect("a side"), connection);
            let mut batch = Vec::new();
            drop(stream.read_to_end(&mut batch));
            keeper.lock().expect("kept").extend(batch);
            stream.conn.send_close_notify();
            drop(std::io::Write::flush(&mut stream));
        }
    });
    (port, kept)
}

/// The messages of a stream, each behind its length.
fn messages(stream: &[u8]) -> Vec<String> {
    let (mut rest, mut found) = (stream, Vec::new());
    while let Some(space) = rest.iter().position(|byte| *byte == b' ') {
        let length: usize = std::str::from_utf8(&rest[..space]).expect("digits").parse().expect("a length");
        found.push(String::from_utf8(rest[space + 1..space + 1 + length].to_vec()).expect("UTF-8"));
        rest = &rest[space + 1 + length..];
    }
    found
}

#[test]
fn syslog_is_sent_the_whole_log_over_tls_and_again_what_was_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let (port, kept) = receiver(folder.path());
    let prepare = |command: &mut Command| {
        command.env("WHARF_AUDIT_SYSLOG", format!("tls://localhost:{port}"));
        command.env("WHARF_AUDIT_SYSLOG_AUTHORITIES", folder.path().join("ca.pem"));
    };
    let server = Server::start_with(&[], prepare);
    let admin = administrator(&server);
    admin.run("project create shop").done();
    admin.run("project create market").done();
    let sent = || messages(&kept.lock().expect("kept"));
    eventually("the log is sent", || sent().iter().any(|message| message.contains("\"resource\":\"market\"")));
    let exports = Exports::new();
    let lines = exports.export(&admin);
    let sent = sent();
    for (number, message) in sent.iter().enumerate() {
        let (head, body) = message.split_once(" - {").expect("a body");
        assert!(head.starts_with("<109>1 20") && head.contains(" wharf - "), "{head}");
        assert_eq!(lines.iter().filter(|line| **line == format!("{{{body}")).count(), 1, "message {number} is a line");
    }
    assert!(server.log().contains("the audit log was not sent"), "the first connection was lost");
}
