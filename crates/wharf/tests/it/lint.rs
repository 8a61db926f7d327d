//! `wharf lint` from outside: places, settings, formats, exit codes.

use std::io::{BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
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

#[test]
fn approved_bases_count_by_environment() {
    let folder = folder(&[
        ("Dockerfile", "FROM registry.example.com/base/debian:13\nFROM debian:13\n"),
        ("policy.yaml", "approvedBases: {prod: [\"registry.example.com/base/*\"], test: [debian]}\n"),
    ]);
    let found = |environment: &str| {
        codes(&lint(folder.path(), &["--format", "json", "--policy", "policy.yaml", "--environment", environment]))
    };
    assert_eq!(found("prod"), ["Dockerfile WF1012"]);
    assert_eq!(found("test"), ["Dockerfile WF1012"]);
    let output = lint(folder.path(), &["--format", "json", "--policy", "policy.yaml", "--environment", "prod"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("`debian:13`"), "{output:?}");
}

#[test]
fn copying_what_the_ignore_file_leaves_out_is_told() {
    let folder = folder(&[("Dockerfile", "FROM debian:13\nCOPY a b /c/\n"), (".dockerignore", "b\n")]);
    assert_eq!(codes(&lint(folder.path(), &["--format", "json"])), ["Dockerfile CopyIgnoredFile"]);
    std::fs::write(folder.path().join("Dockerfile.dockerignore"), "c\n").expect("is written");
    assert_eq!(codes(&lint(folder.path(), &["--format", "json"])), Vec::<String>::new());
}

/// One message of the language server protocol.
fn message(reader: &mut impl std::io::BufRead) -> Value {
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.trim().parse().expect("a number");
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    serde_json::from_slice(&body).expect("JSON")
}

#[test]
fn an_editor_gets_findings_and_fixes() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_wharf"))
        .args(["lint", "--lsp", "--config", "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut input = child.stdin.take().expect("a pipe");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut say = |body: Value| {
        let body = body.to_string();
        write!(input, "Content-Length: {}\r\n\r\n{body}", body.len()).expect("is taken");
    };
    say(json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}}));
    assert_eq!(message(&mut output)["result"]["capabilities"]["codeActionProvider"], true);
    say(json!({"jsonrpc": "2.0", "method": "initialized", "params": {}}));
    let uri = "file:///app/Dockerfile";
    let document = json!({"uri": uri, "languageId": "dockerfile", "version": 1, "text": "FROM debian:13\n# \u{1f600}\nADD a /b\n"});
    say(json!({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": document}}));
    let told = message(&mut output);
    assert_eq!(told["method"], "textDocument/publishDiagnostics");
    let found = &told["params"]["diagnostics"][0];
    assert_eq!((&found["code"], &found["range"]["start"]["line"]), (&"DL3020".into(), &2.into()));
    let range = json!({"start": {"line": 2, "character": 0}, "end": {"line": 2, "character": 3}});
    let params = json!({"textDocument": {"uri": uri}, "range": range, "context": {"diagnostics": []}});
    say(json!({"jsonrpc": "2.0", "id": 2, "method": "textDocument/codeAction", "params": params}));
    let actions = message(&mut output);
    let edit = &actions["result"][0]["edit"]["changes"][uri][0];
    assert_eq!((&edit["newText"], &edit["range"]), (&"COPY".into(), &range), "{actions}");
    say(json!({"jsonrpc": "2.0", "id": 3, "method": "shutdown"}));
    assert_eq!(message(&mut output)["id"], 3);
    say(json!({"jsonrpc": "2.0", "method": "exit"}));
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}
