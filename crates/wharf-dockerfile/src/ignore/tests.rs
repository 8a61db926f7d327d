//! What patterns match: the table says what docker does. It was put to docker's client row by row; only of `!**/a.c` below
//! `**` its old builder, which passes over the folder first, makes less than BuildKit.

use super::*;

/// Patterns, a path, and whether it is left out.
const TABLE: &[(&str, &str, bool)] = &[
    // Names and folders.
    ("a", "a", true),
    ("a", "b", false),
    ("a", "a/b/c", true),
    ("a", "b/a", false),
    ("a/b", "a/b", true),
    ("a/b", "a", false),
    ("a", "ab", false),
    ("a/", "a/b", true),
    ("/a", "a", true),
    ("./a", "a", true),
    ("a/./b//c", "a/b/c", true),
    ("a/../b", "b", true),
    ("  a  ", "a", true),
    ("..", "a", false),
    ("../a", "a", false),
    (".", "a", false),
    ("/", "a", false),
    // Wildcards in names.
    ("*", "a", true),
    ("*", "a/b", true),
    ("*.c", "a.c", true),
    ("*.c", "d/a.c", false),
    ("*/a.c", "d/a.c", true),
    ("*/a.c", "d/e/a.c", false),
    ("a*c", "abc", true),
    ("a*c", "a/c", false),
    ("a*b*c", "axbyc", true),
    ("a*b*c", "axbcy", false),
    ("?", "a", true),
    ("?", "ab", false),
    ("a?c", "a/c", false),
    ("?", "ä", true),
    ("[a-c]", "b", true),
    ("[a-c]", "d", false),
    ("[^a-c]", "d", true),
    ("[^a-c]", "b", false),
    ("[ab]x", "bx", true),
    ("a[\\]]", "a]", true),
    ("a]", "a]", true),
    ("\\*", "*", true),
    ("\\*", "a", false),
    ("a\\-c", "a-c", true),
    ("a.c", "abc", false),
    ("a+(b)", "a+(b)", true),
    ("$a{b}|c", "$a{b}|c", true),
    // Wildcards across folders.
    ("**", "a", true),
    ("**", "a/b/c", true),
    ("**/", "a/b", true),
    ("**/a", "a", true),
    ("**/a", "b/c/a", true),
    ("**/a", "b/ca", false),
    ("**/a", "a/x", true),
    ("**a", "ba", true),
    ("**a", "c/ba", true),
    ("**.c", "x/y.c", true),
    ("**.c", "y.c.d", false),
    ("a/**", "a", false),
    ("a/**", "a/b/c", true),
    ("a/**", "ab", false),
    ("a**", "abc/d", true),
    ("a/**/b", "a/b", true),
    ("a/**/b", "a/x/y/b", true),
    ("a/**/b", "a/xb", false),
    ("a**b", "ab", true),
    ("a**b", "axb", false),
    ("a**b", "ax/b", true),
    ("**/*.c", "a.c", true),
    ("**/*.c", "x/y/a.c", true),
    ("**/*.c", "x/a.cc", false),
    ("**/a/**", "x/a/b", true),
    ("**/a/**", "x/a", false),
    ("**/a*/b", "ax/b", true),
    ("**/**/a", "b/a", true),
    ("***", "a", true),
    ("**/?", "b/c", true),
    ("*/**", "a/b", true),
    ("*/**", "a", false),
    ("**/[ab]", "x/b", true),
    ("a/**/*.c/**", "a/b/x.c/d", true),
    // Exceptions: the last match wins, also below what was left out.
    ("a\n!a/b", "a/b", false),
    ("a\n!a/b", "a/c", true),
    ("a\n!a/b\na/b/c", "a/b/c", true),
    ("a\n!a/b\na/b/c", "a/b/d", false),
    ("!a\na", "a", true),
    ("*\n!a", "a/b", false),
    ("*\n!*.c", "a.c", false),
    ("*\n! a", "a", false),
    ("**\n!**/a.c", "x/a.c", false),
    ("a/*\n!a/b\na/b/*.c\n!a/b/x.c", "a/b/x.c", false),
    ("a/*\n!a/b\na/b/*.c\n!a/b/x.c", "a/b/y.c", true),
    ("!a", "a", false),
    // Comments, line ends, a mark of the byte order.
    ("#a", "#a", false),
    (" #a", "#a", true),
    ("\\#a", "#a", true),
    ("a#b", "a#b", true),
    ("a\r\nb\r\n", "b", true),
    ("\u{feff}a", "a", true),
    ("\n\n  \na\n\n", "a", true),
];

#[test]
fn paths_are_left_out_as_docker_does() {
    for (patterns, path, expected) in TABLE {
        let ignore = Ignore::parse(patterns);
        assert_eq!(ignore.diagnostics, [], "{patterns:?}");
        assert_eq!(ignore.is_ignored(path), *expected, "{patterns:?} on {path:?}");
    }
}

#[test]
fn a_folder_is_skipped_only_if_nothing_in_it_can_come_back() {
    let cases = [
        ("a", "a", true),
        ("a", "b", false),
        ("a\n!b", "a", true),
        ("a\n!a/b", "a", false),
        ("a\n!a/b/c", "a", false),
        ("a\n!a/b/c", "a/b", false),
        ("a\n!a/b/c", "a/d", true),
        ("a\n!ab", "a", true),
        ("*\n!**/x", "a", false),
        ("*\n!*.c", "a", true),
        ("*\n!*/x", "a", false),
        ("*\n!b*/x", "a", true),
        ("*\n!a/**", "a", false),
        ("*\n!a/x*", "a/b", true),
        ("*\n!a/*/x", "a/b", false),
    ];
    for (patterns, path, expected) in cases {
        let ignore = Ignore::parse(patterns);
        let visit = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let visit = visit.fold(ignore.root(), |visit, end| ignore.visit(&visit, &path[..end]));
        assert_eq!(ignore.can_skip(&visit, path), expected, "{patterns:?} on {path:?}");
    }
}

#[test]
fn patterns_that_are_none_are_told() {
    for pattern in ["!", "! ", "!/", "a\\", "[", "[a", "[]", "[^]", "[-a]", "[a-]", "[b-a]", "[\\"] {
        let ignore = Ignore::parse(&format!("x\n{pattern}\n"));
        assert_eq!(ignore.diagnostics.len(), 1, "{pattern}");
        assert_eq!(ignore.diagnostics[0].span, Span::new(2, 2 + pattern.trim().len()), "{pattern}");
        assert!(ignore.is_ignored("x"), "{pattern}");
    }
    assert_eq!(Ignore::parse(&"x".repeat(10_000)).diagnostics.len(), 1);
}

#[test]
fn the_dockerfiles_own_ignore_file_comes_first() {
    assert_eq!(file_names("build/a.Dockerfile"), ["build/a.Dockerfile.dockerignore", ".dockerignore"]);
}

#[test]
fn nothing_takes_long() {
    let path = "a".repeat(4096);
    for pattern in ["*a".repeat(4096), "**/a".repeat(2048), "a*?".repeat(2000), "*".repeat(8192), "[a-z]*".repeat(1300)]
    {
        let ignore = Ignore::parse(&format!("{pattern}b"));
        let start = std::time::Instant::now();
        assert!(!ignore.is_ignored(&path));
        assert!(start.elapsed().as_secs() < 2, "{}", &pattern[..8]);
    }
}
