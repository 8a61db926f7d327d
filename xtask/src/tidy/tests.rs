//! Each rule on a small tree: what it lets pass, and what it finds where.

use std::path::PathBuf;

use super::tree::{Source, Tree};
use super::{Finding, Rule};

const LAW: (&str, &str) = (
    "xtask/arrows.toml",
    "[arrows]\nwharf-oci = []\nwharf-db = [\"wharf-oci\"]\nwharf-testkit = [\"wharf-db\"]\n[fences]\naxum = [\"wharf-db\"]\ntokio = [\"!wharf-oci\"]\n",
);
const OCI: (&str, &str) =
    ("crates/wharf-oci/Cargo.toml", "[package]\nname = \"wharf-oci\"\n[lints]\nworkspace = true\n");
const DB: (&str, &str) = (
    "crates/wharf-db/Cargo.toml",
    "[package]\nname = \"wharf-db\"\n[lints]\nworkspace = true\n[dependencies]\nwharf-oci.workspace = true\n\n[dev-dependencies]\nwharf-testkit.workspace = true\n",
);
const TESTKIT: (&str, &str) = (
    "crates/wharf-testkit/Cargo.toml",
    "[package]\nname = \"wharf-testkit\"\n[lints]\nworkspace = true\n[dependencies]\nwharf-db.workspace = true\n",
);

fn tree(files: &[(&str, &str)]) -> Tree {
    let files = files.iter().map(|(path, text)| Source { path: PathBuf::from(path), text: (*text).to_owned() });
    Tree { files: files.collect() }
}

/// The law and three packages that keep it, with `files` instead of or beside them.
fn workspace(files: &[(&str, &str)]) -> Tree {
    let kept = [LAW, OCI, DB, TESTKIT].into_iter().filter(|(path, _)| files.iter().all(|(other, _)| other != path));
    tree(&kept.chain(files.iter().copied()).collect::<Vec<_>>())
}

fn places(rule: Rule, tree: &Tree) -> Vec<(String, usize)> {
    let findings: Vec<Finding> = rule(tree).unwrap();
    findings.into_iter().map(|finding| (finding.file.display().to_string(), finding.line)).collect()
}

fn at(path: &str, line: usize) -> Vec<(String, usize)> {
    vec![(path.to_owned(), line)]
}

#[test]
fn declared_arrows_and_the_testkit_pass() {
    assert_eq!(places(super::arrows::check, &workspace(&[])), []);
}

#[test]
fn an_undeclared_arrow_is_found_at_its_line() {
    let oci = "[package]\nname = \"wharf-oci\"\n[dependencies]\nwharf-db.workspace = true\n";
    assert_eq!(places(super::arrows::check, &workspace(&[(OCI.0, oci)])), at(OCI.0, 4));
}

#[test]
fn the_testkit_is_for_tests_only() {
    let oci = "[package]\nname = \"wharf-oci\"\n[dependencies]\nwharf-testkit.workspace = true\n";
    assert_eq!(places(super::arrows::check, &workspace(&[(OCI.0, oci)])), at(OCI.0, 4));
}

#[test]
fn a_crate_without_a_line_in_the_law_is_found() {
    let new = ("crates/wharf-new/Cargo.toml", "[package]\nname = \"wharf-new\"\n");
    assert_eq!(places(super::arrows::check, &workspace(&[new])), at(new.0, 1));
}

#[test]
fn a_line_of_the_law_without_a_crate_is_found() {
    let law = (
        LAW.0,
        "[arrows]\nwharf-oci = []\nwharf-db = [\"wharf-oci\"]\nwharf-testkit = [\"wharf-db\"]\nwharf-gone = []\n",
    );
    assert_eq!(places(super::arrows::check, &workspace(&[law])), at(LAW.0, 5));
}

#[test]
fn fences_keep_out_by_list_and_by_exclusion() {
    let oci = "[package]\nname = \"wharf-oci\"\n[dependencies]\naxum.workspace = true\ntokio.workspace = true\n";
    let found = places(super::arrows::check, &workspace(&[(OCI.0, oci)]));
    assert_eq!(found, [(OCI.0.to_owned(), 4), (OCI.0.to_owned(), 5)]);
}

#[test]
fn versions_and_features_outside_of_the_workspace_are_found() {
    let root = ("Cargo.toml", "[workspace.dependencies]\nserde = \"1\"\n");
    let reasons = ("docs/dev/dependencies.md", "`serde`: because\n");
    let oci = "[package]\nname = \"wharf-oci\"\n[lints]\nworkspace = true\n[dependencies]\nserde = { workspace = true, features = [\"rc\"] }\n";
    assert_eq!(places(super::dependencies::check, &workspace(&[root, reasons, (OCI.0, oci)])), at(OCI.0, 6));
}

#[test]
fn a_dependency_without_a_reason_or_a_user_is_found() {
    let root = ("Cargo.toml", "[workspace.dependencies]\nserde = \"1\"\nurl = \"2\"\n");
    let oci = "[package]\nname = \"wharf-oci\"\n[lints]\nworkspace = true\n[dependencies]\nserde.workspace = true\n";
    let found = places(super::dependencies::check, &workspace(&[root, (OCI.0, oci)]));
    assert_eq!(found, [("Cargo.toml".to_owned(), 2), ("Cargo.toml".to_owned(), 3)]);
}

#[test]
fn a_long_file_needs_a_reason_and_its_inline_tests_do_not_count() {
    let long = "fn one() {}\n".repeat(401);
    let mostly_tests = format!("//! Head.\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
    let files = [("crates/wharf-oci/src/long.rs", long.as_str()), ("crates/wharf-oci/src/short.rs", &mostly_tests)];
    assert_eq!(places(super::sizes::check, &tree(&files)), at(files[0].0, 400));
    let excused = ("xtask/sizes.toml", "[files]\n\"crates/wharf-oci/src/long.rs\" = \"a table\"\n");
    assert_eq!(places(super::sizes::check, &tree(&[files[0], files[1], excused])), []);
}

#[test]
fn no_reason_carries_a_file_over_the_wall() {
    let long = "fn one() {}\n".repeat(801);
    let excused = ("xtask/sizes.toml", "[files]\n\"crates/wharf-oci/src/long.rs\" = \"a table\"\n");
    let found = places(super::sizes::check, &tree(&[("crates/wharf-oci/src/long.rs", &long), excused]));
    assert_eq!(found, at("crates/wharf-oci/src/long.rs", 800));
}

#[test]
fn a_crate_over_its_wall_is_found_and_its_tests_do_not_count() {
    let long = "fn one() {}\n".repeat(799);
    let paths: Vec<String> = (0..26).map(|number| format!("crates/wharf-oci/src/noun{number}.rs")).collect();
    let excuses: String = paths.iter().map(|path| format!("\"{path}\" = \"a table\"\n")).collect();
    let excused = format!("[files]\n{excuses}");
    let others = [("xtask/sizes.toml", excused.as_str()), ("crates/wharf-oci/Cargo.toml", "")];
    let mut files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), long.as_str())).chain(others).collect();
    assert_eq!(places(super::sizes::check, &tree(&files)), at("crates/wharf-oci/Cargo.toml", 1));
    for (number, path) in
        ["crates/wharf-oci/src/noun0/tests.rs", "crates/wharf-oci/src/noun1/seed.rs"].iter().enumerate()
    {
        files[number].0 = path;
    }
    let excused = excused.lines().filter(|line| !line.contains("noun0.rs") && !line.contains("noun1.rs"));
    let excused = excused.chain([r#""crates/wharf-oci/src/noun1/seed.rs" = "a table""#]).collect::<Vec<_>>().join("\n");
    files[26].1 = &excused;
    assert_eq!(places(super::sizes::check, &tree(&files)), []);
}

#[test]
fn an_exception_that_is_not_needed_is_found() {
    let excused = ("xtask/sizes.toml", "[files]\n\"crates/wharf-oci/src/lib.rs\" = \"a table\"\n");
    let found = places(super::sizes::check, &tree(&[("crates/wharf-oci/src/lib.rs", "//! Head.\n"), excused]));
    assert_eq!(found, at("xtask/sizes.toml", 2));
}

#[test]
fn a_file_begins_with_what_it_is_for() {
    let found =
        places(super::heads::check, &tree(&[("crates/a/src/lib.rs", "use std::fmt;\n"), ("b.rs", "//! For.\n")]));
    assert_eq!(found, at("crates/a/src/lib.rs", 1));
}

#[test]
fn empty_names_are_found_in_paths_and_types() {
    let files = [
        ("crates/wharf-oci/src/common.rs", "//! Head.\n"),
        ("crates/wharf-oci/src/tag/mod.rs", "//! Head.\n"),
        ("crates/wharf-oci/src/tag.rs", "//! Head.\npub(crate) struct TagManager<'a>(&'a str);\nstruct Data;\n"),
    ];
    let found = places(super::names::check, &tree(&files));
    assert_eq!(found, [(files[0].0.to_owned(), 1), (files[1].0.to_owned(), 1), (files[2].0.to_owned(), 2)]);
}

#[test]
fn notes_are_found_as_words_only() {
    let note = concat!("// TO", "DO: later\nlet ", "TO", "DOS = 1;\n");
    assert_eq!(places(super::names::check, &tree(&[("crates/a/src/lib.rs", note)])), at("crates/a/src/lib.rs", 1));
}

const TAGS: &str = "-- Owner of every table here: wharf-db.\nCREATE TABLE tags (\n    id BIGINT\n);\n";

#[test]
fn a_table_is_named_by_its_owners_store_only() {
    let store = ("crates/wharf-db/src/tag/store.rs", "const GET: &str = \"SELECT id FROM tags\";\n");
    let migrations = [("migrations/sqlite/0001_db.sql", TAGS), ("migrations/postgres/0001_db.sql", TAGS)];
    assert_eq!(places(super::tables::check, &workspace(&[store, migrations[0], migrations[1]])), []);
    let foreign = ("crates/wharf-oci/src/store.rs", "// FROM tags\nconst GET: &str = \"SELECT id FROM tags\";\n");
    let found = places(super::tables::check, &workspace(&[foreign, migrations[0], migrations[1]]));
    assert_eq!(found, at(foreign.0, 2));
}

#[test]
fn a_statement_outside_of_a_store_is_found() {
    let files = [
        ("migrations/sqlite/0001.sql", "-- wharf-oci\nCREATE TABLE names (id BIGINT);\n"),
        ("migrations/postgres/0001.sql", "-- wharf-oci\nCREATE TABLE names (id BIGINT);\n"),
        ("crates/wharf-oci/src/name.rs", "const PUT: &str = \"INSERT INTO names (id) VALUES (?1)\";\n"),
    ];
    assert_eq!(places(super::tables::check, &workspace(&files)), at("crates/wharf-oci/src/name.rs", 1));
}

#[test]
fn migrations_have_an_owner_a_twin_and_no_foreign_keys_to_others() {
    let ownerless = ("migrations/sqlite/0001.sql", "CREATE TABLE tags (id BIGINT);\n");
    let twin = ("migrations/postgres/0001.sql", "CREATE TABLE tags (id BIGINT);\n");
    assert_eq!(places(super::tables::check, &workspace(&[ownerless, twin])).len(), 2);
    let alone = ("migrations/sqlite/0001.sql", TAGS);
    assert_eq!(places(super::tables::check, &workspace(&[alone])), at(alone.0, 1));
    let other = "-- wharf-oci\nCREATE TABLE names (\n    tag BIGINT REFERENCES tags (id)\n);\n";
    let files = [
        ("migrations/sqlite/0001.sql", TAGS),
        ("migrations/postgres/0001.sql", TAGS),
        ("migrations/sqlite/0002.sql", other),
        ("migrations/postgres/0002.sql", "-- wharf-oci\nCREATE TABLE names (\n    tag BIGINT\n);\n"),
    ];
    assert_eq!(places(super::tables::check, &workspace(&files)), at("migrations/sqlite/0002.sql", 3));
}

#[test]
fn routes_stand_in_the_table_the_golden_file_and_the_document() {
    let table = "route!(Get \"/projects\" projects::list)\n    route!(Put \"/projects/{project}\" projects::put)\n";
    let golden = "GET /api/v1/projects   200\n";
    let document = "| `GET /api/v1/projects` | lists |\n| `PUT /api/v1/projects/{project}` | puts |\n| `DELETE /api/v1/gone` | |\n";
    let endpoints = "path: \"/v2/<name>/tags/list\",\n";
    let files = [
        ("crates/wharf-api-management/src/route.rs", table),
        ("crates/wharf-api-management/tests/golden/access.txt", golden),
        ("docs/admin/api.md", document),
        ("crates/wharf-api-distribution/src/route.rs", endpoints),
    ];
    let found = places(super::routes::check, &tree(&files));
    assert_eq!(found, [(files[0].0.to_owned(), 2), (files[2].0.to_owned(), 3), (files[3].0.to_owned(), 1)]);
}

#[test]
fn documents_name_every_crate_once_and_link_to_what_exists() {
    let readme =
        "cargo run --release -- serve\ncargo test --workspace\n[map](ARCHITECTURE.md#crates) [gone](docs/gone.md)\n";
    let files = [
        ("README.md", readme),
        ("README.zh-CN.md", "cargo run --release -- serve\ncargo test --workspace\n"),
        ("ARCHITECTURE.md", "### wharf-oci\n### `wharf-db`\n### wharf-gone\n"),
        ("CONTRIBUTING.md", ""),
        ("SECURITY.md", ""),
        ("CHANGELOG.md", ""),
        OCI,
        DB,
        TESTKIT,
    ];
    let mut found = places(super::documents::check, &tree(&files));
    found.sort();
    let map = |line| ("ARCHITECTURE.md".to_owned(), line);
    assert_eq!(found, [map(1), map(3), ("README.md".to_owned(), 3)]);
}

#[test]
fn a_checkout_is_read_without_its_build_results() {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in
        [("target/debug/a.rs", "no head"), ("crates/a/src/lib.rs", "no head"), ("crates/a/blob.bin", "\u{0}")]
    {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let tree = Tree::read(folder.path()).unwrap();
    assert_eq!(places(super::heads::check, &tree), at("crates/a/src/lib.rs", 1));
}
