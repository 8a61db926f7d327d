//! Files that people wrote: `WHARF_DOCKERFILE_CORPUS` names the folder that `.ci/corpus` collects.

use std::path::PathBuf;

use wharf_dockerfile::parse_bytes;

/// The folder, if there is one.
#[expect(clippy::disallowed_methods, reason = "the test is told by its runner where the corpus is")]
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("WHARF_DOCKERFILE_CORPUS").map(PathBuf::from);
    assert!(
        folder.is_some() || std::env::var_os("CI").is_none(),
        "in CI, WHARF_DOCKERFILE_CORPUS must name the corpus"
    );
    folder
}

#[test]
fn files_of_the_corpus_print_to_equal_trees() {
    let Some(folder) = folder() else {
        eprintln!("skipped: WHARF_DOCKERFILE_CORPUS names no folder; .ci/corpus collects one");
        return;
    };
    let mut count = 0;
    let mut refused = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let dockerfile = parse_bytes(&std::fs::read(&path).unwrap());
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        count += 1;
        if let Some(error) = dockerfile.errors().next() {
            refused.push(error.render(&name, dockerfile.source()));
            continue;
        }
        let again = wharf_dockerfile::parse(&dockerfile.print());
        assert_eq!(again, dockerfile, "{name}");
        assert!(again.is_valid(), "{name}");
    }
    eprintln!("{}\n{} of {count} files are refused", refused.concat(), refused.len());
    assert!(count >= 300, "{} holds {count} files", folder.display());
    assert!(refused.len() * 20 <= count, "more than one in twenty is refused");
}
