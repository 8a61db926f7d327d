//! A server of one test: the binary in a folder of its own, on a port that the kernel chose.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long anything may take that should be quick, on a machine that is busy.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A running `wharf serve`.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    welcome: Vec<String>,
    log: Arc<Mutex<String>>,
    folder: TempDir,
}

/// The binary with nothing of this process's environment that would change its mind.
pub(crate) fn wharf() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wharf"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("WHARF_") {
            command.env_remove(name);
        }
    }
    command.env_remove("LISTEN_FDS").env_remove("LISTEN_PID").env_remove("NOTIFY_SOCKET");
    command
}

impl Server {
    /// A server with these further arguments.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, |_| {})
    }

    /// A server whose command line and environment `prepare` completes.
    pub(crate) fn start_with(arguments: &[&str], prepare: impl FnOnce(&mut Command)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = wharf();
        command.args(["serve", "--data"]).arg(folder.path().join("data"));
        if !arguments.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        command.args(arguments);
        prepare(&mut command);
        Self::spawn(command, folder)
    }

    /// Starts `command` and reads its welcome.
    pub(crate) fn spawn(mut command: Command, folder: TempDir) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
        let log = collect(child.stderr.take().expect("piped"));
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut welcome = Vec::new();
        while let Some(Ok(line)) = lines.next() {
            let is_last = line.trim_start().starts_with("log in");
            welcome.push(line);
            if is_last {
                break;
            }
        }
        let address = value(&welcome, "listens").and_then(|address| address.parse().ok());
        let Some(address) = address else {
            panic!("no address in the welcome {welcome:?}; log: {}", log.lock().expect("a log"));
        };
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, welcome, log, folder }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the welcome says after `name`.
    pub(crate) fn welcome(&self, name: &str) -> Option<String> {
        value(&self.welcome, name)
    }

    /// The address that the welcome gives with this remark.
    pub(crate) fn welcome_of(&self, remark: &str) -> Option<SocketAddr> {
        let line = self.welcome.iter().find(|line| line.ends_with(remark))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        connect(self.address)
    }

    /// The answer's head and body to a plain GET on a connection of its own.
    pub(crate) fn get(&self, path: &str) -> String {
        ask(self.connect(), path)
    }

    /// The answer's head and body to a POST on a connection of its own.
    pub(crate) fn post(&self, path: &str, media_type: &str, body: &str) -> String {
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: {media_type}\r\n");
        let mut stream = self.connect();
        write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// Everything logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("a log").clone()
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Waits for the process to end by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the server ends", || {
            status = self.child.try_wait().expect("a child");
            status.is_some()
        });
        status.expect("it ended")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            self.child.kill().expect("our own child");
            self.child.wait().expect("our own child");
        }
    }
}

fn collect(mut stderr: ChildStderr) -> Arc<Mutex<String>> {
    let log = Arc::new(Mutex::new(String::new()));
    let sink = Arc::clone(&log);
    std::thread::spawn(move || {
        let mut bytes = [0; 8192];
        while let Ok(count @ 1..) = stderr.read(&mut bytes) {
            sink.lock().expect("a log").push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    });
    log
}

fn value(welcome: &[String], name: &str) -> Option<String> {
    let mut values = welcome.iter().filter_map(|line| line.trim_start().strip_prefix(name));
    values.next().map(|value| value.trim().to_owned())
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server accepts");
    stream.set_read_timeout(Some(SOON)).expect("a timeout");
    stream
}

/// Sends a GET that closes the connection and reads the whole answer.
pub(crate) fn ask(mut stream: impl std::io::Read + std::io::Write, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// Sends a GET on a connection that stays open and reads its answer's head and body.
pub(crate) fn ask_again(stream: &mut TcpStream, path: &str) -> String {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).expect("sent");
    read_answer(stream)
}

/// Reads one answer's head and body.
pub(crate) fn read_answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("a head");
        answer.push(byte[0]);
    }
    let head = String::from_utf8(answer).expect("text");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("a body");
    head + &String::from_utf8_lossy(&body)
}

/// Waits until `holds`.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < SOON, "{what}: not within {SOON:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Runs the binary to its end: exit code, standard output, standard error.
pub(crate) fn run(prepare: impl FnOnce(&mut Command)) -> (i32, String, String) {
    let mut command = wharf();
    prepare(&mut command);
    let output = command.stdin(Stdio::null()).output().expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code().expect("it ended by itself"), text(output.stdout), text(output.stderr))
}

/// Writes a file for one test.
pub(crate) fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("written");
}
