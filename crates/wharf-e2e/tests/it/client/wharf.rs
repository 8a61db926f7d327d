//! wharf: its own client, against its own server and against Docker's registry, with other clients as second opinion.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::stored;
use crate::command::{Program, has};
use crate::layout::{self, TAG};
use crate::random;
use crate::server::{ADMINISTRATOR, Server, binary};

fn wharf(home: &Path) -> Program {
    Program::new(&binary().display().to_string(), home)
}

fn json(home: &Path, words: &[&str]) -> Value {
    let text = wharf(home).args(words).args(["--json"]).run();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{words:?}: {error}: {text}"))
}

/// Logs in as the administrator; the password comes by standard input.
pub(crate) fn log_in(server: &Server, home: &Path) {
    let password = server.folder.path().join("password");
    let line = r#"exec "$0" login --username "$1" --password-stdin "$2" < "$3""#;
    let words =
        [Path::new("-c"), Path::new(line), &binary(), Path::new(ADMINISTRATOR), Path::new(&server.address), &password];
    Program::new("sh", home).args(words).run();
}

/// Docker's registry, in which everybody may do everything.
struct DockerRegistry {
    child: Child,
    address: String,
}

impl DockerRegistry {
    fn start(home: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address").to_string();
        drop(listener);
        let folder = home.join(random::word());
        std::fs::create_dir_all(&folder).expect("a writable folder");
        let data = folder.join("data");
        let configuration = format!(
            "version: 0.1\nlog: {{level: warn}}\nhttp: {{addr: \"{address}\"}}\n\
             storage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n",
            data.display()
        );
        let file = folder.join("registry.yml");
        std::fs::write(&file, configuration).expect("a writable folder");
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("docker-registry starts");
        let start = Instant::now();
        while TcpStream::connect(&address).is_err() {
            assert!(start.elapsed() < Duration::from_secs(30), "docker-registry does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, address }
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A proxy that breaks connections to a server after `allowance` bytes, as long as there is one left.
struct Breaker {
    address: String,
    /// How many bytes clients have sent.
    sent: Arc<AtomicU64>,
}

impl Breaker {
    fn start(server: &str, breaks: i64, allowance: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address").to_string();
        let (sent, left) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicI64::new(breaks)));
        let (server, counter) = (server.to_owned(), Arc::clone(&sent));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(upstream) = TcpStream::connect(&server) else { continue };
                let (counter, left) = (Arc::clone(&counter), Arc::clone(&left));
                let pipes = [
                    (client.try_clone().expect("a handle"), upstream.try_clone().expect("a handle"), Some(counter)),
                    (upstream, client, None),
                ];
                for (from, to, counter) in pipes {
                    let left = Arc::clone(&left);
                    std::thread::spawn(move || pipe(from, to, counter.as_deref(), (&left, allowance)));
                }
            }
        });
        Self { address, sent }
    }
}

fn pipe(mut from: TcpStream, mut to: TcpStream, counter: Option<&AtomicU64>, (left, allowance): (&AtomicI64, u64)) {
    use std::io::{Read as _, Write as _};
    let (mut buffer, mut passed) = (vec![0; 16 * 1024], 0);
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
        passed += count as u64;
        if let Some(counter) = counter {
            counter.fetch_add(count as u64, Ordering::Relaxed);
        }
        if passed > allowance && left.fetch_sub(1, Ordering::Relaxed) > 0 {
            break;
        }
    }
    // Whoever is gone already is shut down already.
    drop(from.shutdown(Shutdown::Both));
    drop(to.shutdown(Shutdown::Both));
}

#[test]
fn wharf_copies_every_platform_through_two_registries_and_back() {
    if !has(&["skopeo", "docker-registry"]) {
        return;
    }
    let server = Server::start();
    let home = server.subfolder("home");
    let docker = DockerRegistry::start(&home);
    let made = layout::index(&home);
    let image = |host: &str, name: &str| format!("{host}/{name}");
    let source = format!("oci:{}:{TAG}", made.path.display());
    wharf(&home).args(["push", &source, &image(&server.address, "demo/many:v1")]).refused();
    log_in(&server, &home);
    let pushed = json(&home, &["push", &source, &image(&server.address, "demo/many:v1")]);
    assert_eq!((pushed["digest"].as_str(), &pushed["manifests"]), (Some(made.digest.as_str()), &Value::from(3)));
    assert_eq!(stored(&server, "demo/many", "v1").0, made.digest);
    // Between repositories of one registry nothing is sent again.
    let mounted =
        json(&home, &["copy", &image(&server.address, "demo/many:v1"), &image(&server.address, "demo/twice")]);
    assert_eq!((&mounted["copied_bytes"], &mounted["blobs"]["mounted"]), (&Value::from(0), &Value::from(4)));
    assert_eq!(mounted["destination"], image(&server.address, "demo/twice:v1"));
    json(&home, &["copy", &image(&server.address, "demo/many:v1"), &image(&docker.address, "other/many")]);
    let back = home.join("back");
    let words =
        [format!("docker://{}", image(&docker.address, "other/many:v1")), format!("oci:{}:{TAG}", back.display())];
    Program::new("skopeo", &home).args(["copy", "--all", "--src-tls-verify=false"]).args(words).run();
    layout::same(&made.path, &back);
    let back = home.join("back2");
    json(&home, &["pull", &image(&docker.address, "other/many:v1"), &format!("oci:{}:{TAG}", back.display())]);
    layout::same(&made.path, &back);
    let one = json(
        &home,
        &["copy", "--platform", "linux/arm64", &image(&docker.address, "other/many:v1"), "oci-archive:one.tar:v1"],
    );
    assert_eq!(one["manifests"], 1);
    let shown = Program::new("skopeo", &home).args(["inspect", "oci-archive:one.tar:v1"]).run();
    assert!(shown.contains(r#""Architecture": "arm64""#), "{shown}");
}

#[test]
fn wharf_takes_what_skopeo_brought_and_lists_tags_and_deletes() {
    if !has(&["skopeo", "docker-registry"]) {
        return;
    }
    let server = Server::start();
    let home = server.subfolder("home");
    let docker = DockerRegistry::start(&home);
    let made = layout::image(&home);
    // What skopeo stores, wharf finds.
    let words =
        ["login", "--tls-verify=false", "--username", ADMINISTRATOR, "--password", &server.password, &server.address];
    Program::new("skopeo", &home).args(words).run();
    for host in [&server.address, &docker.address] {
        let source = format!("oci:{}:{TAG}", made.path.display());
        let target = format!("docker://{host}/demo/app:v1");
        Program::new("skopeo", &home).args(["copy", "--dest-tls-verify=false", &source, &target]).run();
        let name = |rest: &str| format!("{host}/demo/app{rest}");
        assert_eq!(wharf(&home).args(["ls", host]).run(), name(""));
        assert_eq!(wharf(&home).args(["ls", &format!("{host}/nothing")]).run(), "");
        let shown = json(&home, &["inspect", &name(":v1")]);
        assert_eq!(shown["digest"].as_str(), Some(made.digest.as_str()));
        assert_eq!(shown["config"]["architecture"], "amd64");
        wharf(&home).args(["tag", &name(":v1"), "v2"]).run();
        assert_eq!(json(&home, &["tags", &name("")]), serde_json::json!(["v1", "v2"]));
        assert!(wharf(&home).args(["inspect", "--raw", &name(":v2")]).run().contains("schemaVersion"));
        wharf(&home).args(["rm", &name("")]).refused();
    }
    let name = |host: &str, rest: &str| format!("{host}/demo/app{rest}");
    wharf(&home).args(["rm", &name(&server.address, ":v2")]).run();
    assert_eq!(wharf(&home).args(["tags", &name(&server.address, "")]).run(), "v1");
    let said = wharf(&home).args(["rm", &name(&docker.address, ":v2")]).refused();
    assert!(said.contains("deletes manifests only"), "{said}");
    wharf(&home).args(["rm", &name(&docker.address, &format!("@{}", made.digest))]).run();
    wharf(&home).args(["inspect", &name(&docker.address, ":v1")]).refused();
}

#[test]
fn a_copy_goes_on_in_the_middle_of_a_blob_in_both_directions() {
    let server = Server::start();
    let home = server.subfolder("home");
    log_in(&server, &home);
    let size: u64 = 64 * 1024 * 1024;
    let content = random::bytes(usize::try_from(size).expect("it fits"));
    std::fs::write(home.join("large.bin"), &content).expect("a writable folder");
    let breaker = Breaker::start(&server.address, 3, size / 4);
    // The proxy is another host to clients, and the log-in is for the server.
    let config = std::fs::read_to_string(home.join("docker/config.json")).expect("the log-in is stored");
    let config = config.replace(&server.address, &breaker.address);
    std::fs::write(home.join("docker/config.json"), config).expect("a writable folder");
    let image = format!("{}/demo/large:v1", breaker.address);
    wharf(&home).args(["push", "large.bin", &image]).run();
    let sent = breaker.sent.load(Ordering::Relaxed);
    assert!(sent < size * 2, "{sent} bytes were sent for a blob of {size}");

    let breaker = Breaker::start(&server.address, 3, size / 4);
    let config = std::fs::read_to_string(home.join("docker/config.json")).expect("the log-in is stored");
    let old = image.split('/').next().expect("a host");
    std::fs::write(home.join("docker/config.json"), config.replace(old, &breaker.address)).expect("a writable folder");
    wharf(&home).args(["pull", &format!("{}/demo/large:v1", breaker.address), "back"]).run();
    assert!(std::fs::read(home.join("back/large.bin")).expect("it was written") == content, "other bytes came back");
}

#[test]
fn files_and_docker_archives_go_there_and_back() {
    if !has(&["skopeo"]) {
        return;
    }
    let server = Server::start();
    let home = server.subfolder("home");
    log_in(&server, &home);
    let (one, two) = (random::bytes(70_000), random::bytes(700_000));
    std::fs::write(home.join("one.json"), &one).expect("a writable folder");
    std::fs::write(home.join("two"), &two).expect("a writable folder");
    let report = format!("{}/demo/report:1", server.address);
    let kind = "application/vnd.example.report";
    let words = ["push", "--artifact-type", kind, "one.json:application/json", "two", "--chunk-size", "100kB", &report];
    wharf(&home).args(words).run();
    let shown = json(&home, &["inspect", &report]);
    assert_eq!(
        (&shown["artifact_type"], &shown["manifest"]["layers"][0]["mediaType"]),
        (&kind.into(), &"application/json".into())
    );
    wharf(&home).args(["pull", &report, "back"]).run();
    let read = |name: &str| std::fs::read(home.join("back").join(name)).expect("it was written");
    assert!(read("one.json") == one && read("two") == two, "other bytes came back");
    assert!(wharf(&home).args(["pull", &report, "back"]).refused().contains("is there already"));
    wharf(&home).args(["pull", "--force", &report, "back"]).run();

    let made = layout::image(&home);
    let app = format!("{}/demo/app:v1", server.address);
    wharf(&home).args([Path::new("push"), &made.path, Path::new(&app)]).run();
    wharf(&home).args(["pull", &app, "docker-archive:app.tar"]).run();
    let shown = Program::new("skopeo", &home).args(["inspect", "docker-archive:app.tar"]).run();
    assert!(shown.contains(r#""Architecture": "amd64""#), "{shown}");
    let pushed = json(&home, &["push", "app.tar", &format!("{}/demo/again:v2", server.address)]);
    assert_eq!(pushed["digest"].as_str(), Some(made.digest.as_str()), "an archive of ours keeps the manifest");
}

#[test]
fn charts_go_from_wharf_to_helm_and_back() {
    if !has(&["helm"]) {
        return;
    }
    let server = Server::start();
    let home = server.subfolder("home");
    std::fs::create_dir_all(home.join("chart/templates")).expect("a writable folder");
    let chart = "apiVersion: v2\nname: demo\nversion: 1.2.3+x\ndescription: a \"demo\"\n";
    std::fs::write(home.join("chart/Chart.yaml"), chart).expect("a writable folder");
    let template = format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x{}\n", random::word());
    std::fs::write(home.join("chart/templates/map.yaml"), template).expect("a writable folder");
    let helm = || Program::new("helm", &home);
    helm().args(["package", "chart"]).run();
    log_in(&server, &home);
    let words = ["registry", "login", "--plain-http", "--username", ADMINISTRATOR, "--password", &server.password];
    helm().args(words).args([&server.address]).run();
    let place = |name: &str| format!("{}/charts/{name}", server.address);
    let pushed = json(&home, &["push", "demo-1.2.3+x.tgz", &place("demo")]);
    assert_eq!(pushed["destination"], format!("{}:1.2.3_x", place("demo")), "helm writes versions so");
    let chart = format!("oci://{}", place("demo"));
    let folder = |name: &str| -> PathBuf {
        std::fs::create_dir_all(home.join(name)).expect("a writable folder");
        home.join(name)
    };
    let words = ["pull", "--plain-http", &chart, "--version", "1.2.3+x", "--destination"];
    helm().args(words).args([folder("by-helm")]).run();
    helm().args(["push", "--plain-http", "demo-1.2.3+x.tgz", &format!("oci://{}", place("helm"))]).run();
    wharf(&home).args(["pull", &place("helm/demo:1.2.3_x"), "by-wharf"]).run();
    let read = |path: &str| std::fs::read(home.join(path)).expect("it was written");
    let original = read("demo-1.2.3+x.tgz");
    assert!(read("by-helm/demo-1.2.3+x.tgz") == original, "helm got another archive");
    assert!(read("by-wharf/demo-1.2.3+x.tgz") == original, "wharf got another archive");
}

#[test]
fn log_ins_are_shared_with_other_clients_and_forgotten() {
    if !has(&["crane", "skopeo"]) {
        return;
    }
    let server = Server::start();
    let home = server.subfolder("home");
    let made = layout::image(&home);
    log_in(&server, &home);
    let image = format!("{}/demo/app:v1", server.address);
    Program::new("crane", &home).args([Path::new("push"), &made.path, Path::new(&image)]).run();
    assert_eq!(Program::new("crane", &home).args(["digest", &image]).run(), made.digest);
    let said = wharf(&home).args(["logout", &server.address]).run();
    assert!(said.contains("the log-in is forgotten"), "{said}");
    Program::new("crane", &home).args(["push"]).args([&made.path, Path::new(&image)]).refused();
    let said = wharf(&home).args(["inspect", &image]).refused();
    assert!(said.contains("wharf login"), "{said}");
}

#[test]
fn referrers_come_along_to_a_registry_that_keeps_no_list() {
    if !has(&["oras", "docker-registry"]) {
        return;
    }
    let server = Server::start();
    let home = server.subfolder("home");
    let docker = DockerRegistry::start(&home);
    log_in(&server, &home);
    std::fs::write(home.join("one.txt"), random::word()).expect("a writable folder");
    let image = format!("{}/demo/app:v1", server.address);
    wharf(&home).args(["push", "one.txt:text/plain", &image]).run();
    let oras = || Program::new("oras", &home);
    let words = ["attach", "--plain-http", "--artifact-type", "application/vnd.example.note", &image, "one.txt"];
    oras().args(words).run();
    let copied = json(&home, &["copy", "--referrers", &image, &format!("{}/demo/app", docker.address)]);
    assert_eq!(copied["manifests"], 2);
    let target = format!("{}/demo/app:v1", docker.address);
    let found = oras().args(["discover", "--plain-http", "--format", "json", &target]).run();
    assert!(found.contains("application/vnd.example.note"), "{found}");
}
