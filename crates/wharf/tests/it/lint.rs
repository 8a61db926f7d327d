//! `wharf lint` from outside: places, settings, formats, exit codes.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("is made");
        std::fs::write(path, text).expect("is written");
    }
    folder
}

fn lint(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wharf"));
    command.current_dir(folder).arg("lint").args(arguments).env_remove("WHARF_LINT_POLICY").output().expect("it runs")
}

fn codes(output: &Output) -> Vec<String> {
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    findings
        .iter()
        .map(|finding| {
            format!("{} {}", finding["file"].as_str().expect("text"), finding["code"].as_str().expect("text"))
        })
        .collect()
}

#[test]
fn folders_are_searched_and_the_exit_code_tells_of_findings() {
    let folder = folder(&[
        ("a/Dockerfile", "FROM debian:13\n"),
        ("b/dev.Dockerfile", "FROM debian\n"),
        ("b/Dockerfile.dockerignore", "FROM debian\n"),
        (".git/Dockerfile", "FROM debian\n"),
    ]);
    let output = lint(folder.path(), &["--format", "json", "."]);
    assert_eq!(codes(&output), ["b/dev.Dockerfile DL3006"]);
    assert_eq!(output.status.code(), Some(10));
    assert_eq!(lint(folder.path(), &["a"]).status.code(), Some(0));
    assert_eq!(lint(folder.path(), &["--no-fail", "b"]).status.code(), Some(0));
    assert_eq!(lint(folder.path(), &["--fail-on", "error", "b"]).status.code(), Some(0));
    assert_eq!(lint(folder.path(), &["--fail-on", "loud", "b"]).status.code(), Some(2));
    let missing = lint(folder.path(), &["--format", "json", "nothing", "b"]);
    assert_eq!((codes(&missing).len(), missing.status.code()), (1, Some(1)));
}

#[test]
fn settings_are_found_above_and_a_policy_stands_over_them() {
    let folder = folder(&[
        (".hadolint.yaml", "ignored: [DL3006]\noverride: {info: [DL3057]}\n"),
        ("app/Dockerfile", "# hadolint ignore=DL3007\nFROM debian\nFROM debian:latest\n"),
        ("policy.yaml", "enforced: [DL3006, DL3007]\n"),
        ("wrong.yaml", "ignore: [DL3006]\n"),
    ]);
    let app = folder.path().join("app");
    assert_eq!(codes(&lint(&app, &["--format", "json"])), ["Dockerfile DL3007", "Dockerfile DL3057"]);
    let output = lint(&app, &["--format", "json", "--policy", "../policy.yaml", "--ignore", "DL3006"]);
    assert_eq!(codes(&output), ["Dockerfile DL3006", "Dockerfile DL3007", "Dockerfile DL3057"]);
    let output = lint(&app, &["--config", "../wrong.yaml"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`ignore`"), "{output:?}");
}

#[test]
fn files_are_mended_in_place() {
    let folder = folder(&[("Dockerfile", "from debian:13\nADD a /b\nENV A b\n")]);
    let output = lint(folder.path(), &["--fix"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = std::fs::read_to_string(folder.path().join("Dockerfile")).expect("is read");
    assert_eq!(text, "FROM debian:13\nCOPY a /b\nENV A=b\n");
}

#[test]
fn every_format_tells_of_the_finding() {
    let folder = folder(&[("Dockerfile", "FROM debian:13\n\nRUN a <b> \"&\" && \\\n  sudo c\n")]);
    let shown = |format: &str| String::from_utf8(lint(folder.path(), &["--format", format]).stdout).expect("UTF-8");
    assert!(shown("text").starts_with("Dockerfile:4:3: error: "), "{}", shown("text"));
    let sarif: Value = serde_json::from_str(&shown("sarif")).expect("JSON");
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "DL3004");
    assert_eq!(sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"], 4);
    assert!(
        shown("checkstyle").contains("<error line=\"4\" column=\"3\" severity=\"error\""),
        "{}",
        shown("checkstyle")
    );
    assert!(shown("checkstyle").contains("source=\"DL3004\""));
    assert!(shown("junit").contains("failures=\"1\""), "{}", shown("junit"));
    let climate: Value = serde_json::from_str(&shown("codeclimate")).expect("JSON");
    assert_eq!((&climate[0]["check_name"], &climate[0]["location"]["lines"]["begin"]), (&"DL3004".into(), &4.into()));
    assert!(shown("github").starts_with("::error file=Dockerfile,line=4,"), "{}", shown("github"));
    let json: Value = serde_json::from_str(&shown("json")).expect("JSON");
    assert_eq!((&json[0]["line"], &json[0]["instructionLine"]), (&4.into(), &3.into()));
}
