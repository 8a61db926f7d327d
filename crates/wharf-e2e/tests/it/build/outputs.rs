//! Where a build goes, and that others take it.

use super::{Bench, text};
use crate::client::podman::podman;
use crate::client::wharf::log_in;
use crate::command::{Program, has};
use crate::server::{Server, binary};

const DOCKERFILE: &str = "FROM base:1\nRUN echo hello > /greeting\nCMD [\"cat\", \"/greeting\"]\n";

#[test]
fn root_archives_are_taken_and_run_by_podman() {
    let Some(bench) = Bench::new() else { return };
    if !has(&["podman", "skopeo", "runc"]) {
        return;
    }
    let outputs = [
        "--output",
        "type=oci,dest=oci.tar",
        "--output",
        "type=docker,dest=docker.tar,compression=gzip",
        "--output",
        "type=tar,dest=files.tar",
    ];
    bench.build(DOCKERFILE, &outputs).args(["-t", "localhost/app:v1"]).run();
    // crun takes no machine whose cgroups are of both versions. An OCI archive says the tag only.
    for (archive, store, name) in [("docker.tar", "one", "localhost/app:v1"), ("oci.tar", "two", "localhost/v1:latest")]
    {
        podman(bench.path(), store).args(["load", "--quiet", "--input", archive]).run();
        let limits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"];
        let run = podman(bench.path(), store).args(["--runtime", "runc", "run", "--rm", "--network=none"]);
        assert_eq!(run.args(limits).args([name]).run(), "hello", "{archive}");
    }
    Program::new("skopeo", bench.path()).args(["copy", "--quiet", "oci-archive:oci.tar:v1", "dir:copied"]).run();
    let listed = Program::new("tar", bench.path()).args(["-tf", "files.tar"]).run();
    assert!(listed.lines().any(|line| line == "greeting"), "{listed}");
}

#[test]
fn root_a_registry_takes_what_is_pushed_and_gives_it_as_a_base() {
    let Some(bench) = Bench::new() else { return };
    let server = Server::start();
    let name = format!("{}/demo/app:v1", server.address);
    log_in(&server, bench.path());
    bench.build(DOCKERFILE, &["-t", &name, "--push"]).run();
    // Another node knows the image by the registry only.
    bench.write("Dockerfile", &format!("FROM {name}\nRUN cat /greeting > /again\n"));
    let words = ["build", "context", "--store", "other", "--output", "type=local,dest=tree"];
    Program::new(&binary().display().to_string(), bench.path()).args(words).run();
    assert_eq!(text(&bench.path().join("tree"), "again"), "hello\n");
}

#[test]
fn root_several_platforms_are_one_index_with_how_each_was_made() {
    let Some(bench) = Bench::new() else { return };
    bench.write("a", "a");
    let words = [
        "--platform",
        "linux/amd64,linux/arm64",
        "--provenance",
        "--output",
        "type=oci,tar=false,dest=layout",
        "-t",
        "x:1",
    ];
    bench.build("FROM scratch\nARG TARGETARCH\nCOPY a /$TARGETARCH\n", &words).run();
    let read = |digest: &str| {
        let path = bench.path().join("layout/blobs/sha256").join(digest.trim_start_matches("sha256:"));
        serde_json::from_slice::<serde_json::Value>(&std::fs::read(path).expect("a blob")).expect("JSON")
    };
    let index = std::fs::read(bench.path().join("layout/index.json")).expect("an index");
    let index: serde_json::Value = serde_json::from_slice(&index).expect("JSON");
    let root = index["manifests"].as_array().expect("a list").last().expect("an entry")["digest"].clone();
    let list = read(root.as_str().expect("a digest"));
    let manifests = list["manifests"].as_array().expect("a list");
    let platforms: Vec<&str> = manifests.iter().filter_map(|one| one["platform"]["architecture"].as_str()).collect();
    assert_eq!(platforms, ["amd64", "arm64", "unknown", "unknown"]);
    let attested = read(manifests[2]["digest"].as_str().expect("a digest"));
    let statement = read(attested["layers"][0]["digest"].as_str().expect("a digest"));
    assert_eq!(statement["predicateType"], "https://slsa.dev/provenance/v1");
    let subject = format!("sha256:{}", statement["subject"][0]["digest"]["sha256"].as_str().expect("a digest"));
    assert_eq!(manifests[0]["digest"], subject);
}
