//! What the documents say of the program is compared with what the program says.

use std::path::Path;

use crate::command::{Program, has};
use crate::server::{ADMINISTRATOR, Server, binary};

fn document(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What the program prints, far away from any configuration.
fn said(words: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = binary().display().to_string();
    Program::new("env", folder.path()).args(["-i", &program]).args(words).run()
}

/// `section` and `name` of every key that `wharf config print` shows.
fn keys() -> Vec<(String, String)> {
    let mut keys = Vec::new();
    let mut section = String::new();
    for line in said(&["config", "print"]).lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        } else if let Some(name) = line.trim_start_matches("# ").split(' ').next().filter(|name| !name.is_empty()) {
            keys.push((section.clone(), name.to_owned()));
        }
    }
    keys
}

#[test]
fn every_key_of_the_configuration_is_described() {
    let text = document("docs/admin/configuration.md");
    let keys = keys();
    assert!(keys.len() > 20, "{keys:?}");
    let missing = keys.iter().filter(|(section, name)| {
        let own = text
            .split("\n## ")
            .filter(|part| part.lines().next().is_some_and(|head| head.contains(&format!("`[{section}]`"))));
        !own.into_iter()
            .any(|part| part.contains(&format!("| `{name}` |")) || part.contains(&format!("| `{section}.{name}` |")))
    });
    assert_eq!(missing.collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "not in docs/admin/configuration.md");
}

/// Section, name and default of every row of the configuration's page, as it stands there.
fn rows(text: &str) -> Vec<(String, String, String)> {
    let mut rows = Vec::new();
    let mut section = String::new();
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("## `[") {
            section = head.split(']').next().unwrap_or_default().to_owned();
        }
        let mut cells = line.strip_prefix("| `").unwrap_or_default().split(" | ");
        if let (Some(key), Some(default), Some(_)) = (cells.next(), cells.next(), cells.next()) {
            let key = key.trim_end_matches('`');
            let (section, name) = key.split_once('.').unwrap_or((&section, key));
            rows.push((section.to_owned(), name.to_owned(), default.to_owned()));
        }
    }
    rows
}

/// What `wharf config print` shows for a key, as the page would write it; `None` if there is no such key.
fn shown_default(shown: &str, section: &str, name: &str) -> Option<String> {
    let own = shown.split(&format!("[{section}]\n")).nth(1)?.split("\n[").next()?;
    let mut lines = own.lines().map(|line| line.trim_start_matches("# "));
    let found = lines.find_map(|line| line.strip_prefix(&format!("{name} ")))?;
    let value = found.split(" # ").next().unwrap_or_default().trim();
    Some(if value == "is not set" { "unset".to_owned() } else { value.trim_start_matches("= ").replace('"', "") })
}

#[test]
fn every_key_on_the_page_exists_and_has_the_default_that_stands_there() {
    let shown = said(&["config", "print"]);
    let mut wrong = Vec::new();
    for (section, name, default) in rows(&document("docs/admin/configuration.md")) {
        let default = default.trim_matches('`').replace('"', "");
        // Said in words, because it depends on who asks or on another key.
        let depends = default.contains("DATA") || (default.contains(' ') && !default.starts_with('['));
        match shown_default(&shown, &section, &name) {
            None => wrong.push(format!("there is no `{section}.{name}`")),
            Some(value) if value != default && !depends => wrong.push(format!("`{section}.{name}` is {value}")),
            Some(_) => {}
        }
    }
    assert_eq!(wrong, [""; 0], "in docs/admin/configuration.md");
}

#[test]
fn every_metric_is_described() {
    let page = document("docs/admin/metrics.md");
    let text = Server::start().anonymous().get("/metrics").expect(200).text();
    let names = text.lines().filter(|line| line.starts_with("wharf_")).filter_map(|line| line.split(['{', ' ']).next());
    let series =
        |name: &str| ["_bucket", "_count", "_sum"].iter().fold(name.to_owned(), |name, end| name.replace(end, ""));
    let missing: Vec<String> = names.map(series).filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert_eq!(missing, [""; 0], "not in docs/admin/metrics.md");
}

#[test]
fn every_verb_stands_in_the_list_of_pages() {
    let list = document("docs/README.md");
    let help = said(&["--help"]);
    let verbs = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or_default();
    // A verb is indented by two; what its description runs over into stands further in.
    let verbs = verbs.lines().filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    let verbs: Vec<&str> = verbs.filter(|verb| *verb != "help").collect();
    assert!(verbs.len() > 20, "{verbs:?}");
    let is_named = |verb: &&str| list.contains(&format!("`wharf {verb}")) || list.contains(&format!("`{verb}`"));
    let missing: Vec<&str> = verbs.into_iter().filter(|verb| !is_named(verb)).collect();
    assert_eq!(missing, [""; 0], "not in docs/README.md");
}

#[test]
fn every_flag_of_serve_is_described() {
    let text = document("docs/admin/configuration.md");
    let help = said(&["serve", "--help"]);
    let flags = help.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 2 && *word != "--help");
    let missing: Vec<&str> = flags.filter(|flag| !text.contains(flag.trim_end_matches([',', '.', ';']))).collect();
    assert_eq!(missing, [""; 0], "not in docs/admin/configuration.md");
}

/// The commands of a guide's code blocks, as one script; what only sets variables is left out.
pub(crate) fn commands(guide: &str) -> String {
    let text = document(guide);
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.filter(|block| !block.lines().any(|line| line.starts_with("export "))).collect()
}

#[test]
fn the_commands_of_the_access_guide_do_what_they_say() {
    if !has(&["htpasswd", "sh"]) {
        return;
    }
    let server = Server::start();
    let home = server.subfolder("home");
    // The guide says `wharf`.
    std::os::unix::fs::symlink(binary(), home.join("wharf")).expect("a writable folder");
    let settings = [
        format!("PATH={}:{}", home.display(), crate::command::variable("PATH").unwrap_or_default()),
        format!("WHARF_SERVER=http://{}", server.address),
        format!("WHARF_USERNAME={ADMINISTRATOR}"),
        format!("WHARF_PASSWORD_FILE={}", server.folder.path().join("password").display()),
    ];
    let script = commands("docs/admin/access.md");
    let said = Program::new("env", &home).args(["-i"]).args(&settings).args(["sh", "-eu", "-c", &script]).run();
    assert!(said.contains("payments+ci"), "{said}");
    let client = server.administrator();
    for user in ["ann", "eve", "bob"] {
        let target = format!("/api/v1/users/{user}");
        let answer =
            client.exchange("GET", &target, &[("Authorization", &server.basic())], crate::http::Payload::Empty);
        answer.expect("the server answers").expect(200);
    }
}
