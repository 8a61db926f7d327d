//! helm: charts in the registry.

use std::path::Path;

use crate::command::{Program, has};
use crate::random;
use crate::server::{ADMINISTRATOR, Server};

fn helm(home: &Path) -> Program {
    Program::new("helm", home)
}

#[test]
fn helm_pushes_a_chart_and_pulls_the_same_archive() {
    if !has(&["helm"]) {
        return;
    }
    let server = Server::start();
    let home = server.subfolder("home");
    std::fs::create_dir_all(home.join("chart/templates")).expect("a writable folder");
    std::fs::create_dir_all(home.join("back")).expect("a writable folder");
    std::fs::write(home.join("chart/Chart.yaml"), "apiVersion: v2\nname: demo\nversion: 1.2.3\n")
        .expect("a writable folder");
    let template = format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x{}\n", random::word());
    std::fs::write(home.join("chart/templates/map.yaml"), template).expect("a writable folder");
    helm(&home).args(["package", "chart"]).run();
    let login = |password: &str| {
        helm(&home).args([
            "registry",
            "login",
            "--plain-http",
            "--username",
            ADMINISTRATOR,
            "--password",
            password,
            &server.address,
        ])
    };
    login("wrong").refused();
    login(&server.password).run();
    helm(&home).args(["push", "--plain-http", "demo-1.2.3.tgz", &format!("oci://{}/charts", server.address)]).run();
    let chart = format!("oci://{}/charts/demo", server.address);
    assert!(
        helm(&home)
            .args(["show", "chart", "--plain-http", &chart, "--version", "1.2.3"])
            .run()
            .contains("version: 1.2.3")
    );
    helm(&home).args(["pull", "--plain-http", &chart, "--version", "1.2.3", "--destination", "back"]).run();
    let read = |path: &str| std::fs::read(home.join(path)).expect("helm wrote it");
    assert!(read("demo-1.2.3.tgz") == read("back/demo-1.2.3.tgz"), "another archive came back");
}
