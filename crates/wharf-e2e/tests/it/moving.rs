//! Saving, restoring and moving a registry that people use meanwhile: nothing that was acknowledged is missing
//! afterwards, byte by byte, and nobody who reads is turned away.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::command::{Program, has, skip, variable};
use crate::http::{Client, Payload};
use crate::image::{Algorithm, Content, OCI_MANIFEST};
use crate::layout::{self, TAG};
use crate::random;
use crate::server::{ADMINISTRATOR, Server, Settings, binary, fresh_database};
use crate::specification::{Repository, with};

const PUSHERS: usize = 4;
const PATIENCE: Duration = Duration::from_secs(60);
const BYTES: (&str, &str) = ("Content-Type", "application/octet-stream");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Database {
    Sqlite,
    Postgres,
}

const SQLITE: (Database, Bytes) = (Database::Sqlite, Bytes::Files);
const POSTGRES: (Database, Bytes) = (Database::Postgres, Bytes::Files);
const MANY_NODES: (Database, Bytes) = (Database::Postgres, Bytes::Bucket);

/// Where the bytes of a place lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bytes {
    Files,
    Bucket,
}

/// A bucket, as `WHARF_TEST_S3=http://ID:SECRET@HOST:PORT/BUCKET` names it.
#[derive(Debug)]
struct Bucket {
    endpoint: String,
    id: String,
    secret: String,
    name: String,
}

impl Bucket {
    fn find() -> Option<Self> {
        let url = variable("WHARF_TEST_S3")?;
        let (scheme, rest) = url.split_once("://")?;
        let (login, rest) = rest.split_once('@')?;
        let (id, secret) = login.split_once(':')?;
        let (host, name) = rest.split_once('/')?;
        let [id, secret, name] = [id, secret, name].map(str::to_owned);
        Some(Self { endpoint: format!("{scheme}://{host}"), id, secret, name })
    }
}

/// A registry's place: its folder, its configuration, and where both keep what.
#[derive(Debug)]
struct Place {
    home: PathBuf,
    database: String,
    blobs: String,
    /// Further settings of the storage, and what opens it: variables.
    storage: Vec<(&'static str, String)>,
}

impl Place {
    /// A new one in `folder`, if there are such a database and such a storage.
    fn new(folder: &Path, name: &str, (database, bytes): (Database, Bytes)) -> Option<Self> {
        // Longer than the path of a socket may be.
        let home = folder.join("a".repeat(120)).join(name);
        std::fs::create_dir_all(home.join("data")).expect("a writable temporary folder");
        let database = match database {
            Database::Sqlite => format!("sqlite:{}", home.join("data/wharf.db").display()),
            Database::Postgres => fresh_database(&variable("WHARF_TEST_POSTGRES")?, &home),
        };
        let (blobs, storage) = match bytes {
            Bytes::Files => (format!("file:{}", home.join("data/blobs").display()), Vec::new()),
            Bytes::Bucket => {
                let bucket = Bucket::find()?;
                (format!("s3://{}/moving/{}", bucket.name, random::word()), vec![("s3_endpoint", bucket.endpoint)])
            }
        };
        let place = Self { home, database, blobs, storage };
        let mut configuration = format!(
            "[server]\ndata = {:?}\n[database]\nurl = {:?}\n[storage]\nurl = {:?}\n",
            place.data(),
            place.database,
            place.blobs
        );
        configuration.extend(place.storage.iter().map(|(key, value)| format!("{key} = {value:?}\n")));
        std::fs::write(place.configuration(), configuration).expect("a writable temporary folder");
        Some(place)
    }

    fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    fn configuration(&self) -> PathBuf {
        self.home.join("wharf.toml")
    }

    fn serve(&self, password: Option<String>) -> Result<Server, String> {
        let mut variables = vec![("WHARF_CONFIG", self.configuration().display().to_string())];
        // It opens the bucket when it moves there, too.
        variables.extend(credentials());
        // The test's own database is not for this place.
        variables.push(("WHARF_DATABASE_URL", self.database.clone()));
        Server::try_with(Settings { data: Some(self.data()), variables, password, ..Settings::default() })
    }

    /// `wharf admin …` for this place.
    fn admin(&self, words: &[&str]) -> Output {
        let mut command = Command::new(binary());
        let ours = std::env::vars_os().map(|(name, _)| name);
        for name in ours.filter(|name| name.to_string_lossy().starts_with("WHARF_")) {
            command.env_remove(name);
        }
        command.envs(credentials());
        command.arg("admin").args(words).arg("--config").arg(self.configuration()).stdin(Stdio::null());
        command.output().expect("the program runs")
    }

    #[track_caller]
    fn does(&self, words: &[&str]) -> serde_json::Value {
        let output = self.admin(&[words, &["--json"]].concat());
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    #[track_caller]
    fn refuses(&self, words: &[&str]) -> String {
        let output = self.admin(words);
        assert!(!output.status.success(), "{words:?} should have been refused");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// What opens the secrets of the catalog, which no backup has.
    fn bring_key_to(&self, other: &Self) {
        std::fs::copy(self.data().join("master.key"), other.data().join("master.key")).expect("the key is a file");
    }
}

/// What opens the bucket.
fn credentials() -> Vec<(&'static str, String)> {
    let bucket = Bucket::find();
    bucket.map_or_else(Vec::new, |bucket| {
        vec![("AWS_ACCESS_KEY_ID", bucket.id), ("AWS_SECRET_ACCESS_KEY", bucket.secret)]
    })
}

/// Something that the server has said is stored.
#[derive(Debug, Clone)]
struct Acknowledged {
    target: String,
    bytes: Vec<u8>,
}

/// What several pushers have pushed.
#[derive(Debug, Default)]
struct Pushed {
    acknowledged: Mutex<Vec<Acknowledged>>,
    is_over: AtomicBool,
}

impl Pushed {
    fn so_far(&self) -> Vec<Acknowledged> {
        self.acknowledged.lock().expect("no pusher panics").clone()
    }

    fn note(&self, target: String, bytes: &[u8]) {
        self.acknowledged.lock().expect("no pusher panics").push(Acknowledged { target, bytes: bytes.to_vec() });
    }

    /// Pushes images until it is over, or writes are refused.
    fn push(&self, client: &Client, pusher: usize) {
        let repository = Repository::new(client, &format!("moving/pusher{pusher}"));
        while !self.is_over.load(Ordering::SeqCst) {
            let Some(()) = self.push_image(&repository) else { return };
        }
    }

    fn push_image(&self, repository: &Repository<'_>) -> Option<()> {
        let mut content = Content::new(Algorithm::Sha256);
        content.image();
        content.blob("application/octet-stream", random::bytes(20_000));
        for (digest, bytes) in &content.blobs {
            let begun = send(repository.client, "POST", &repository.at("blobs/uploads/"), &[], b"")?;
            send(repository.client, "PUT", &with(&begun, "digest", digest), &[BYTES], bytes)?;
            self.note(repository.at(&format!("blobs/{digest}")), bytes);
        }
        let document = &content.documents[0].bytes;
        let target = repository.at(&format!("manifests/{}", random::word()));
        send(repository.client, "PUT", &target, &[("Content-Type", OCI_MANIFEST)], document)?;
        self.note(target, document);
        Some(())
    }

    #[track_caller]
    fn wait_for(&self, more: usize) {
        let (start, before) = (Instant::now(), self.so_far().len());
        while self.so_far().len() < before + more {
            assert!(start.elapsed() < PATIENCE, "pushes go on");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Where the answer leads; None when writes are refused.
fn send(client: &Client, method: &str, target: &str, headers: &[(&str, &str)], bytes: &[u8]) -> Option<String> {
    let payload = if bytes.is_empty() { Payload::Empty } else { Payload::Sized(bytes) };
    let answer = client.try_send(method, target, headers, payload).expect("the server answers");
    if answer.status == 503 {
        return None;
    }
    assert!(matches!(answer.status, 201 | 202), "{method} {target}: {} {}", answer.status, answer.text());
    Some(answer.location())
}

/// Ends the pushing when the test goes on, or fails.
struct EndOnDrop<'p>(&'p Pushed);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::SeqCst);
    }
}

#[track_caller]
fn verify(client: &Client, acknowledged: &[Acknowledged]) {
    assert!(!acknowledged.is_empty());
    for stored in acknowledged {
        let answer = client.send("GET", &stored.target, &[("Accept", OCI_MANIFEST)], Payload::Empty);
        assert_eq!(answer.status, 200, "{} was acknowledged: {}", stored.target, answer.text());
        assert!(answer.body == stored.bytes, "{} has other bytes", stored.target);
    }
}

fn restores(from: (Database, Bytes), to: (Database, Bytes)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let places = (Place::new(folder.path(), "old", from), Place::new(folder.path(), "new", to));
    let (Some(old), Some(new)) = places else { return skip("WHARF_TEST_POSTGRES or WHARF_TEST_S3 names no server") };
    let backup = folder.path().join("backup").display().to_string();
    let mut server = old.serve(None).expect("a new registry starts");
    let (client, pushed) = (server.administrator(), Pushed::default());
    let before = thread::scope(|scope| {
        let _end = EndOnDrop(&pushed);
        for pusher in 0..PUSHERS {
            let (client, pushed) = (&client, &pushed);
            scope.spawn(move || pushed.push(client, pusher));
        }
        pushed.wait_for(60);
        let first = old.does(&["backup", &backup]);
        pushed.wait_for(60);
        let before = pushed.so_far();
        let second = old.does(&["backup", &backup]);
        let number = |outcome: &serde_json::Value, name: &str| outcome[name].as_u64().expect("a number");
        assert!(number(&first, "copied_blobs") == number(&first, "blobs"));
        assert!(number(&second, "copied_blobs") < number(&second, "blobs"), "what was saved is not copied again");
        before
    });
    server.kill();
    if from.1 == Bytes::Files {
        std::fs::remove_dir_all(old.data().join("blobs")).expect("the old blobs can go");
    }
    assert!(new.refuses(&["restore", &backup]).contains("master key"));
    old.bring_key_to(&new);
    new.does(&["restore", &backup]);
    assert!(new.refuses(&["restore", &backup]).contains("not empty"));
    let restored = new.serve(Some(server.password.clone())).expect("a restored registry starts");
    verify(&restored.administrator(), &before);
    assert!(new.refuses(&["restore", &backup]).contains("in use"));
    // It is a registry like any other: it takes more, and can be saved again.
    assert!(Pushed::default().push_image(&Repository::new(&restored.administrator(), "moving/later")).is_some());
    new.does(&["backup", &folder.path().join("another").display().to_string()]);
}

#[test]
fn a_backup_of_sqlite_under_load_is_restored_to_sqlite() {
    restores(SQLITE, SQLITE);
}

#[test]
fn a_backup_of_sqlite_under_load_is_restored_to_postgresql() {
    restores(SQLITE, POSTGRES);
}

#[test]
fn a_backup_of_postgresql_under_load_is_restored_to_sqlite() {
    restores(POSTGRES, SQLITE);
}

#[test]
fn a_backup_of_postgresql_under_load_is_restored_to_postgresql() {
    restores(POSTGRES, POSTGRES);
}

#[test]
fn a_backup_of_several_nodes_place_is_restored_to_one_on_files() {
    restores(MANY_NODES, SQLITE);
}

#[test]
fn a_backup_of_one_on_files_is_restored_to_several_nodes_place() {
    restores(SQLITE, MANY_NODES);
}

/// Moves catalog and bytes under load; reads go on all the time.
fn moves(from: (Database, Bytes), to: (Database, Bytes)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let places = (Place::new(folder.path(), "old", from), Place::new(folder.path(), "new", to));
    let (Some(old), Some(new)) = places else { return skip("WHARF_TEST_POSTGRES or WHARF_TEST_S3 names no server") };
    let mut server = old.serve(None).expect("a new registry starts");
    let (client, pushed, reads) = (server.administrator(), Pushed::default(), AtomicUsize::new(0));
    thread::scope(|scope| {
        let (client, pushed, reads) = (&client, &pushed, &reads);
        let _end = EndOnDrop(pushed);
        for pusher in 0..PUSHERS {
            scope.spawn(move || pushed.push(client, pusher));
        }
        pushed.wait_for(60);
        let some = pushed.so_far();
        scope.spawn(move || {
            while !pushed.is_over.load(Ordering::SeqCst) {
                verify(client, &some);
                reads.fetch_add(some.len(), Ordering::SeqCst);
            }
        });
        let outcome = old.does(&["migrate", "--to", &new.configuration().display().to_string()]);
        assert!(outcome["catalog"].is_string() && outcome["bytes"].is_string(), "{outcome}");
        let begun = client.send("POST", "/v2/moving/app/blobs/uploads/", &[], Payload::Empty);
        assert_eq!((begun.status, begun.header("retry-after").is_some()), (503, true), "{}", begun.text());
        assert!(client.get("/readyz").expect(200).text().contains("read-only"));
    });
    assert!(reads.load(Ordering::SeqCst) > 0, "somebody read meanwhile");
    let acknowledged = pushed.so_far();
    verify(&client, &acknowledged);
    server.kill();
    let refused = old.serve(Some(server.password.clone())).expect_err("the old place is left");
    assert!(refused.contains("moved to"), "{refused}");
    old.bring_key_to(&new);
    let moved = new.serve(Some(server.password.clone())).expect("a moved registry starts");
    verify(&moved.administrator(), &acknowledged);
    assert!(Pushed::default().push_image(&Repository::new(&moved.administrator(), "moving/later")).is_some());
    drop(moved);
    old.does(&["migrate", "--abandon"]);
    let stayed = old.serve(Some(server.password.clone())).expect("a move can be taken back");
    verify(&stayed.administrator(), &acknowledged);
    assert!(Pushed::default().push_image(&Repository::new(&stayed.administrator(), "moving/later")).is_some());
}

#[test]
fn a_move_from_sqlite_to_postgresql_stops_no_reads_and_loses_nothing() {
    moves(SQLITE, POSTGRES);
}

#[test]
fn a_move_from_postgresql_to_sqlite_stops_no_reads_and_loses_nothing() {
    moves(POSTGRES, SQLITE);
}

#[test]
fn a_move_from_files_to_a_bucket_stops_no_reads_and_loses_nothing() {
    moves(SQLITE, MANY_NODES);
}

#[test]
fn a_move_from_a_bucket_to_files_stops_no_reads_and_loses_nothing() {
    moves(MANY_NODES, SQLITE);
}

#[test]
fn a_move_of_files_stops_no_reads_and_loses_nothing() {
    moves(SQLITE, SQLITE);
}

#[test]
fn bytes_alone_move_and_the_server_is_started_where_they_are() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = Place::new(folder.path(), "old", SQLITE).expect("SQLite is always there");
    let server = place.serve(None).expect("a new registry starts");
    let pushed = Pushed::default();
    pushed.push_image(&Repository::new(&server.administrator(), "moving/app")).expect("writes are taken");
    let elsewhere = format!("file:{}", folder.path().join("elsewhere").display());
    place.does(&["migrate", "--to-storage", &elsewhere]);
    let password = server.password.clone();
    drop(server);
    assert!(place.serve(Some(password.clone())).expect_err("the bytes are elsewhere").contains(&elsewhere));
    let variables = vec![("WHARF_DATABASE_URL", place.database.clone()), ("WHARF_STORAGE_URL", elsewhere)];
    std::fs::remove_dir_all(place.data().join("blobs")).expect("the old blobs can go");
    let settings = Settings { data: Some(place.data()), variables, password: Some(password), ..Settings::default() };
    verify(&Server::with(settings).administrator(), &pushed.so_far());
}

#[test]
fn a_damaged_backup_is_not_restored_unless_asked_to() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [old, new] = ["old", "new"].map(|name| Place::new(folder.path(), name, SQLITE).expect("SQLite"));
    let server = old.serve(None).expect("a new registry starts");
    Pushed::default().push_image(&Repository::new(&server.administrator(), "moving/app")).expect("writes are taken");
    let backup = folder.path().join("backup");
    old.does(&["backup", &backup.display().to_string()]);
    old.bring_key_to(&new);
    let largest = files_below(&backup.join("blobs/blobs")).into_iter().max_by_key(|(size, _)| *size);
    let (size, path) = largest.expect("there are blobs");
    std::fs::write(&path, random::bytes(size)).expect("a file of ours");
    let backup = backup.display().to_string();
    assert!(new.refuses(&["restore", &backup]).contains("not all of its bytes"));
    let outcome = new.does(&["restore", &backup, "--leave-out-damaged"]);
    assert_eq!(outcome["damaged"].as_array().map(Vec::len), Some(1), "{outcome}");
}

/// What lies below at this moment, while others write there: what is not there yet or no longer does not count.
fn files_below(folder: &Path) -> Vec<(usize, PathBuf)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("an entry"));
    let below = entries.flat_map(|entry| {
        let Ok(facts) = entry.metadata() else { return Vec::new() };
        let size = usize::try_from(facts.len()).expect("a small file");
        if facts.is_dir() { files_below(&entry.path()) } else { vec![(size, entry.path())] }
    });
    below.collect()
}

#[test]
fn skopeo_pulls_from_a_restored_registry_what_it_pushed() {
    if !has(&["skopeo"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [old, new] = ["old", "new"].map(|name| Place::new(folder.path(), name, SQLITE).expect("SQLite"));
    let mut server = old.serve(None).expect("a new registry starts");
    let made = layout::image(&server.subfolder("made"));
    let local = |path: &Path| format!("oci:{}:{TAG}", path.display());
    let copy = |server: &Server, option: &str, from: &str, to: &str| {
        let credentials = format!("{ADMINISTRATOR}:{}", server.password);
        let words = ["copy", option, &credentials, from, to].map(str::to_owned);
        let plain = ["--src-tls-verify=false".to_owned(), "--dest-tls-verify=false".to_owned()];
        Program::new("skopeo", &server.subfolder("home")).args(words.into_iter().chain(plain)).run();
    };
    copy(&server, "--dest-creds", &local(&made.path), &format!("docker://{}/demo/app:v1", server.address));
    let backup = folder.path().join("backup").display().to_string();
    old.does(&["backup", &backup]);
    server.kill();
    // Without a server the command does it by itself.
    old.does(&["backup", &backup]);
    old.bring_key_to(&new);
    new.does(&["restore", &backup]);
    let restored = new.serve(Some(server.password.clone())).expect("a restored registry starts");
    let back = folder.path().join("back");
    copy(&restored, "--src-creds", &format!("docker://{}/demo/app:v1", restored.address), &local(&back));
    layout::same(&made.path, &back);
}

#[test]
fn a_move_that_is_killed_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = Place::new(folder.path(), "old", SQLITE).expect("SQLite is always there");
    let mut server = place.serve(None).expect("a new registry starts");
    let (client, pushed) = (server.administrator(), Pushed::default());
    let repository = Repository::new(&client, "moving/app");
    for _ in 0..20 {
        pushed.push_image(&repository).expect("writes are taken");
    }
    let target = folder.path().join("elsewhere");
    let elsewhere = format!("file:{}", target.display());
    let words = ["migrate", "--to-storage", &elsewhere];
    let stored = || files_below(&target.join("blobs")).len();
    thread::scope(|scope| {
        let killed = scope.spawn(|| place.refuses(&[&words[..], &["--rate", "100KiB", "--parallel", "1"]].concat()));
        let start = Instant::now();
        while stored() < 10 {
            assert!(start.elapsed() < PATIENCE, "blobs are copied");
            thread::sleep(Duration::from_millis(5));
        }
        server.kill();
        let said = killed.join().expect("no panic");
        assert!(said.contains("goes on where it stopped"), "{said}");
    });
    let before = stored();
    let mut server = place.serve(Some(server.password.clone())).expect("the registry starts again");
    let outcome = place.does(&words);
    let number = |name: &str| outcome[name].as_u64().and_then(|number| usize::try_from(number).ok()).expect("a number");
    assert!(before >= 10 && number("copied_blobs") == number("blobs") - before, "{before} were there: {outcome}");
    verify(&server.administrator(), &pushed.so_far());
    server.kill();
}
