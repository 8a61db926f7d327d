//! Any text as a `.dockerignore`, its last line as a path: never a panic, and a walk that skips finds the same as one that
//! does not.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_dockerfile::ignore::Ignore;

fuzz_target!(|text: &str| {
    let (patterns, path) = text.rsplit_once('\n').unwrap_or(("", text));
    let path = path.trim_matches('/');
    let ignore = Ignore::parse(patterns);
    let parts: Vec<&str> = path.split('/').collect();
    if parts.iter().any(|part| matches!(*part, "" | "." | "..")) {
        let _ignored = ignore.is_ignored(path);
        return;
    }
    let mut visit = ignore.root();
    let mut skipped = false;
    for end in 1..=parts.len() {
        let path = parts[..end].join("/");
        visit = ignore.visit(&visit, &path);
        assert!(!skipped || visit.is_ignored(), "a folder was skipped above `{path}`");
        skipped |= ignore.can_skip(&visit, &path);
    }
    assert_eq!(ignore.is_ignored(path), visit.is_ignored());
});
