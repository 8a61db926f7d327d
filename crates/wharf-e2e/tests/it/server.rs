//! `wharf serve` as a user starts it: on a port and in a folder of its own.

use std::ffi::OsString;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::command::{Program, variable};
use crate::http::{Client, Payload};
use crate::random;

/// How long a server may take until it answers.
const START: Duration = Duration::from_secs(30);
/// Where the catalog lies.
pub(crate) const DATABASE_URL: &str = "WHARF_DATABASE_URL";
/// The first user's name.
pub(crate) const ADMINISTRATOR: &str = "admin";

/// A running server; it ends with this value.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    settings: Settings,
    /// `127.0.0.1:PORT`, which every client takes for a registry that speaks plain HTTP.
    pub(crate) address: String,
    /// The administrator's password.
    pub(crate) password: String,
    /// What the clients of the test may fill.
    pub(crate) folder: TempDir,
}

/// What a test may choose about its server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// Where the data lies; a folder of the server's own by default.
    pub(crate) data: Option<PathBuf>,
    /// Further arguments of `serve`.
    pub(crate) arguments: Vec<&'static str>,
    /// Further variables.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// A program, with its arguments, that runs the server.
    pub(crate) wrapper: Vec<&'static str>,
    /// Whether it begins as a standby, which is never ready.
    pub(crate) is_standby: bool,
    /// The administrator's password, when the data have one already.
    pub(crate) password: Option<String>,
}

impl Server {
    /// Starts one with its defaults, on SQLite or, with `WHARF_TEST_POSTGRES`, on a fresh PostgreSQL database.
    pub(crate) fn start() -> Self {
        Self::with(Settings::default())
    }

    /// Starts one.
    pub(crate) fn with(settings: Settings) -> Self {
        Self::try_with(settings).unwrap_or_else(|reason| panic!("the server did not start: {reason}"))
    }

    /// Starts one, or says why that failed.
    pub(crate) fn try_with(mut settings: Settings) -> Result<Self, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let is_chosen = settings.variables.iter().any(|(name, _)| *name == DATABASE_URL);
        if let Some(url) = variable("WHARF_TEST_POSTGRES").filter(|_| !is_chosen) {
            settings.variables.push((DATABASE_URL, fresh_database(&url, folder.path())));
        }
        let password = settings.password.clone().unwrap_or_else(|| random::word() + &random::word());
        std::fs::write(folder.path().join("password"), &password).expect("a writable temporary folder");
        let address = format!("127.0.0.1:{}", free_port());
        let child = spawn(&settings, &address, folder.path());
        let mut server = Self { child, settings, address, password, folder };
        server.wait()?;
        Ok(server)
    }

    /// Ends it at once, as a power cut or the kernel's memory killer does.
    pub(crate) fn kill(&mut self) {
        // A wrapper ends with it.
        self.try_signal("-KILL");
        self.child.wait().expect("the server is our child");
    }

    /// Ends it by a signal, and waits for its end.
    pub(crate) fn end(&mut self, signal: &str) {
        self.signal(signal);
        self.child.wait().expect("the server is our child");
    }

    /// Changes what it is started with the next time.
    pub(crate) fn set(&mut self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings);
    }

    /// Starts it again on the same data.
    pub(crate) fn restart(&mut self) {
        self.try_restart().unwrap_or_else(|reason| panic!("the server did not start again: {reason}"));
    }

    /// Starts it again, or says why that failed.
    pub(crate) fn try_restart(&mut self) -> Result<(), String> {
        self.child = spawn(&self.settings, &self.address, self.folder.path());
        self.wait()
    }

    /// The administrator as a caller.
    pub(crate) fn administrator(&self) -> Client {
        Client::new(&self.address, Some((ADMINISTRATOR, &self.password)))
    }

    /// The administrator's `Authorization` without a token.
    pub(crate) fn basic(&self) -> String {
        let credentials = format!("{ADMINISTRATOR}:{}", self.password);
        format!("Basic {}", data_encoding::BASE64.encode(credentials.as_bytes()))
    }

    /// Asks the management API as the administrator; what is asked for must be done.
    #[track_caller]
    pub(crate) fn manage(&self, method: &str, path: &str, document: &Value) -> Value {
        let authorization = self.basic();
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        let body = document.to_string();
        let payload = if document.is_null() { Payload::Empty } else { Payload::Sized(body.as_bytes()) };
        let answer = self.anonymous().exchange(method, &format!("/api/v1/{path}"), &headers, payload);
        let answer = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        assert!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.text());
        answer.json()
    }

    /// A caller without a name.
    pub(crate) fn anonymous(&self) -> Client {
        Client::new(&self.address, None)
    }

    /// A new folder inside of the test's own.
    pub(crate) fn subfolder(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(&path).expect("a writable temporary folder");
        path
    }

    /// What the server has printed.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    /// How many files and sockets it has open.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("a running server").count()
    }

    /// How much memory it has.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a running server");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the kernel tells it");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: &str) {
        assert!(self.try_signal(signal), "the server is gone");
    }

    /// Whether the signal found the server. A wrapper's child is the server itself.
    fn try_signal(&self, signal: &str) -> bool {
        let id = self.child.id().to_string();
        let home = self.folder.path();
        let children = Program::new("pgrep", home).args(["-P", &id]).output().stdout;
        let children = String::from_utf8_lossy(&children).into_owned();
        let ids = if self.settings.wrapper.is_empty() || children.is_empty() { id } else { children };
        Program::new("kill", home).args([signal]).args(ids.lines()).output().status.success()
    }

    fn wait(&mut self) -> Result<(), String> {
        let start = Instant::now();
        let client = self.anonymous();
        let path = if self.settings.is_standby { "/livez" } else { "/readyz" };
        while !client.try_send("GET", path, &[], Payload::Empty).is_ok_and(|answer| is_ready(answer.status)) {
            let end = self.child.try_wait().expect("the server is our child");
            if end.is_some() || start.elapsed() > START {
                return Err(format!("{end:?}:\n{}", self.log()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

fn is_ready(status: u16) -> bool {
    // The reference has no such route and is ready when it answers.
    status == 200 || variable(REFERENCE).is_some()
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|end| end.is_none()) {
            self.kill();
        }
        if std::thread::panicking() {
            eprintln!("the server's log:\n{}", self.log());
        }
    }
}

/// With this variable the tests run against another registry's program, Debian's `docker-registry`: a test about clients
/// that the reference fails is a wrong test. What only Wharf does (referrers, tokens, roles) fails there, of course.
const REFERENCE: &str = "WHARF_E2E_REFERENCE";

fn reference(address: &str, data: &Path, folder: &Path) -> Vec<OsString> {
    let password = std::fs::read_to_string(folder.join("password")).expect("it was written just now");
    let users = Program::new("htpasswd", folder).args(["-nbB", ADMINISTRATOR, &password]).run();
    std::fs::write(folder.join("htpasswd"), users).expect("a writable temporary folder");
    let configuration = format!(
        "version: 0.1\nlog: {{level: warn}}\nstorage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n\
         http: {{addr: \"{address}\"}}\nauth: {{htpasswd: {{realm: reference, path: htpasswd}}}}\n",
        data.display()
    );
    std::fs::write(folder.join("reference.yml"), configuration).expect("a writable temporary folder");
    ["docker-registry", "serve", "reference.yml"].map(OsString::from).into()
}

fn spawn(settings: &Settings, address: &str, folder: &Path) -> Child {
    let log = std::fs::File::options().create(true).append(true).open(folder.join("server.log")).expect("a log file");
    let data = settings.data.clone().unwrap_or_else(|| folder.join("data"));
    let mut words: Vec<OsString> = settings.wrapper.iter().map(OsString::from).collect();
    words.extend(match variable(REFERENCE) {
        Some(_) => reference(address, &data, folder),
        None => wharf(address, &data),
    });
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).args(&settings.arguments).current_dir(folder);
    // An unknown setting is an error, and this test's own variables are no settings.
    let ours = std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("WHARF_"));
    for name in ours {
        command.env_remove(name);
    }
    command.env("WHARF_ADMIN_PASSWORD_FILE", folder.join("password"));
    command.envs(settings.variables.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(log.try_clone().expect("a second handle")).stderr(log);
    command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn wharf(address: &str, data: &Path) -> Vec<OsString> {
    let words = [OsString::from("serve"), "--listen".into(), address.into(), "--data".into(), data.into()];
    std::iter::once(binary().into_os_string()).chain(words).collect()
}

/// The program under test: `WHARF_BIN`, or what `cargo test --workspace` has built beside this test.
pub(crate) fn binary() -> PathBuf {
    if let Some(path) = variable("WHARF_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().expect("the kernel knows this program's path");
    let profile = test.parent().and_then(Path::parent).expect("a test lies in target/PROFILE/deps");
    let binary = profile.join("wharf");
    assert!(
        binary.is_file(),
        "`{}` is missing: run `cargo build -p wharf` first, or name it in WHARF_BIN",
        binary.display()
    );
    binary
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound listener has an address").port()
}

/// A new, empty database of the server that `url` names.
pub(crate) fn fresh_database(url: &str, home: &Path) -> String {
    let name = format!("e2e_{}", random::word());
    Program::new("psql", home)
        .args([url, "--no-psqlrc", "--quiet", "--command", &format!("CREATE DATABASE {name}")])
        .run();
    let (server, _) = url.rsplit_once('/').expect("a PostgreSQL URL names a database");
    format!("{server}/{name}")
}
