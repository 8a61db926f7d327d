//! A second machine that follows, and takes over: nothing that was acknowledged is lost.

mod crash;
mod fault;
mod going_back;
mod refusal;
mod secure;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::http::Payload;
use crate::image::{Algorithm, Content, OCI_MANIFEST};
use crate::random;
use crate::server::{DATABASE_URL, Server, Settings, binary};
use crate::specification::Repository;

/// How long something may take that has to come about.
const PATIENCE: Duration = Duration::from_secs(60);

/// What two servers share.
#[derive(Debug)]
struct Pair {
    folder: TempDir,
    password: String,
    /// Further settings of both.
    variables: Vec<(&'static str, String)>,
}

impl Pair {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(variables: &[(&'static str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("token"), random::word() + &random::word() + &random::word())
            .expect("a writable temporary folder");
        std::fs::write(folder.path().join("master.key"), random::bytes(32)).expect("a writable temporary folder");
        let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { folder, password: random::word() + &random::word(), variables }
    }

    fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the server `name` is started with; `of` is whom it follows.
    fn settings(&self, name: &str, of: Option<&str>) -> Settings {
        let data = self.data(name);
        let mut variables = vec![
            (DATABASE_URL, format!("sqlite:{}", data.join("wharf.db").display())),
            ("WHARF_STANDBY_TOKEN_FILE", self.folder.path().join("token").display().to_string()),
            ("WHARF_ENCRYPTION_MASTER_KEY_FILE", self.folder.path().join("master.key").display().to_string()),
            ("WHARF_STANDBY_AWAY_AFTER", "6s".to_owned()),
        ];
        variables.extend(of.map(|of| ("WHARF_STANDBY_OF", of.to_owned())));
        variables.extend(self.variables.iter().cloned());
        let password = Some(self.password.clone());
        Settings { data: Some(data), variables, password, is_standby: of.is_some(), ..Settings::default() }
    }

    fn primary(&self, name: &str) -> Server {
        Server::with(self.settings(name, None))
    }

    fn standby(&self, name: &str, of: &str) -> Server {
        Server::with(self.settings(name, Some(&format!("http://{of}"))))
    }

    /// `wharf standby …` on the machine `name`.
    fn run(&self, name: &str, words: &[&str]) -> Output {
        let settings = self.settings(name, None);
        let mut command = Command::new(binary());
        let ours = std::env::vars_os().map(|(name, _)| name);
        for name in ours.filter(|name| name.to_string_lossy().starts_with("WHARF_")) {
            command.env_remove(name);
        }
        command.envs(settings.variables).arg("standby").args(words).arg("--data").arg(self.data(name));
        command.stdin(Stdio::null()).output().expect("the program runs")
    }

    #[track_caller]
    fn does(&self, name: &str, words: &[&str]) -> Value {
        let output = self.run(name, &[words, &["--json"]].concat());
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    #[track_caller]
    fn refuses(&self, name: &str, words: &[&str]) -> String {
        let output = self.run(name, words);
        assert!(!output.status.success(), "{words:?} should have been refused");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Waits until the standby `name` has all that its primary has.
    #[track_caller]
    fn wait_until_level(&self, name: &str) {
        wait(&format!("{name} is on a level"), || {
            let status = self.does(name, &["status"])["standby"].clone();
            status["is_whole"] == true && status["is_following"] == true && status["behind_items"] == 0
        });
    }

    #[track_caller]
    fn take_over(&self, name: &str) -> Value {
        self.does(name, &["take-over"])
    }
}

/// Waits until something has come about.
#[track_caller]
fn wait(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "this did not come about: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The server at another address than it was started with knows the same people.
fn readyz(server: &Server) -> (u16, String) {
    let answer = server.anonymous().send("GET", "/readyz", &[], Payload::Empty);
    (answer.status, answer.text())
}

/// An image with some larger layer, under the tag `v1`.
fn push(server: &Server, repository: &str) -> Content {
    let client = server.administrator();
    let repository = Repository::new(&client, repository);
    let mut content = Content::new(Algorithm::Sha256);
    content.image();
    content.blob("application/octet-stream", random::bytes(300_000));
    for (digest, bytes) in &content.blobs {
        repository.push(digest, bytes);
    }
    repository.put("v1", OCI_MANIFEST, &content.documents[0].bytes).expect(201);
    content
}

#[track_caller]
fn has(server: &Server, repository: &str, content: &Content) {
    let client = server.administrator();
    let repository = Repository::new(&client, repository);
    for (digest, bytes) in &content.blobs {
        repository.has_blob(digest, bytes);
    }
    let manifest = repository.get("manifests/v1").expect(200);
    assert!(manifest.body == content.documents[0].bytes, "the tag leads to another manifest");
}

/// How many bytes of blobs lie in a data folder.
fn blobs(data: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![data.join("blobs/blobs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else if let Ok(bytes) = std::fs::read(entry.path()) {
                found.push((entry.file_name().to_string_lossy().into_owned(), bytes));
            }
        }
    }
    found.sort();
    found
}

/// The value of a metric.
fn metric(server: &Server, name: &str) -> Option<f64> {
    let text = server.anonymous().get("/metrics").expect(200).text();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    line.and_then(|value| value.parse().ok())
}

#[test]
fn a_standby_follows_from_empty_and_takes_over_with_everything() {
    let pair = Pair::new();
    let primary = pair.primary("a");
    let standby = pair.standby("b", &primary.address);
    pair.wait_until_level("b");
    let refused = standby.anonymous().get("/v2/").expect(503);
    assert!(refused.text().contains(&primary.address), "{}", refused.text());
    assert_eq!((readyz(&standby).0, readyz(&primary).0), (503, 200));
    assert!(readyz(&standby).1.contains("following: ok"));
    let content = push(&primary, "shop/app");
    primary.manage("POST", "users", &serde_json::json!({ "name": "ada", "password": "a long password" }));
    pair.wait_until_level("b");
    assert_eq!(blobs(&pair.data("a")), blobs(&pair.data("b")));
    for server in [&primary, &standby] {
        assert_eq!(metric(server, "wharf_standby_level"), Some(1.0));
        assert_eq!(metric(server, "wharf_standby_epoch"), Some(1.0));
        assert!(metric(server, "wharf_standby_lag_seconds").is_some_and(|lag| lag < 5.0));
    }
    let taken = pair.take_over("b");
    assert_eq!(taken["epoch"], 2);
    assert_eq!(taken["primary_stopped"], true);
    assert_eq!(pair.take_over("b")["epoch"], 2, "twice is once");
    assert_eq!(readyz(&standby).0, 200);
    has(&standby, "shop/app", &content);
    assert_eq!(standby.manage("GET", "users/ada", &Value::Null)["name"], "ada");
    let more = push(&standby, "shop/more");
    has(&standby, "shop/more", &more);
    assert!(
        metric(&standby, "wharf_db_commits_total").is_some_and(|commits| commits > 0.0),
        "it is a registry like any other"
    );
}

#[test]
fn a_standby_follows_from_a_full_primary() {
    let pair = Pair::new();
    let primary = pair.primary("a");
    let contents: Vec<_> = (0..8).map(|number| push(&primary, &format!("full/app{number}"))).collect();
    let mut standby = pair.standby("b", &primary.address);
    pair.wait_until_level("b");
    assert_eq!(blobs(&pair.data("a")), blobs(&pair.data("b")));
    // Also one that begins again, as its role and position are on its disk.
    standby.kill();
    standby.restart();
    pair.wait_until_level("b");
    pair.take_over("b");
    for (number, content) in contents.iter().enumerate() {
        has(&standby, &format!("full/app{number}"), content);
    }
}
