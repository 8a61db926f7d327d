//! What a stranger wrote costs time and memory by its length, whatever it is.

use std::time::{Duration, Instant};

use wharf_dockerfile::expand::{Globals, Inputs};
use wharf_dockerfile::ignore::Ignore;
use wharf_dockerfile::parse;

/// A megabyte takes less than a second. What is not optimised gets a quarter of it, and its time on a busy machine.
const LENGTH: usize = if cfg!(debug_assertions) { 1 << 18 } else { 1 << 20 };
const LONGEST: Duration = Duration::from_secs(if cfg!(debug_assertions) { 5 } else { 1 });

/// Beginnings, what is repeated up to that length, and ends.
const SHAPES: &[(&str, &str, &str)] = &[
    ("", "a\n", ""),
    ("", "abc\n", ""),
    ("", "#\n", ""),
    ("", "\\\n", ""),
    ("RUN ", "\\\n", ""),
    ("RUN a", " \\\n# c\n", "b"),
    ("RUN a", "\\", ""),
    ("RUN ", "[", ""),
    ("RUN [\"a\"", ", \"a\"", "]"),
    ("RUN [\"", "\\", "\"]"),
    ("RUN ", "<<a ", "\n"),
    ("COPY ", "<<a ", "/d\n"),
    ("", "RUN <<a\n", ""),
    ("", "RUN <<a\na\n", ""),
    ("RUN <<a\n", "b\n", "a"),
    ("", "ONBUILD ", "RUN a"),
    ("RUN ", "--mount=a ", "b"),
    ("RUN --mount=", "a=b,", ",target=/c d"),
    ("COPY ", "--link ", "a b"),
    ("COPY ", "--x=\"", "a b"),
    ("COPY ", "a ", "b"),
    ("ENV ", "a=b ", ""),
    ("ENV a=", "$a", ""),
    ("ENV a=", "${a:-", ""),
    ("ENV a=", "${a#*", ""),
    ("ENV a=", "\"", ""),
    ("ENV a=", "'\"", ""),
    ("", "ENV a=$a$a$a\n", ""),
    ("ENV a=xxxxxxxxxxxxxxxx\n", "ENV a=$a$a\n", ""),
    ("ENV a=xxxxxxxxxxxxxxxx\n", "ENV a=${a//x/xx}\n", ""),
    ("ARG ", "a ", ""),
    ("EXPOSE ", "1-65535 ", ""),
    ("HEALTHCHECK ", "--interval=1s ", "CMD a"),
    ("", "FROM a AS b\n", ""),
];

#[test]
fn anything_is_read_and_expanded_in_linear_time() {
    for (start, repeated, end) in SHAPES {
        let text = format!("FROM a\n{start}{}{end}", repeated.repeat(LENGTH / repeated.len()));
        let began = Instant::now();
        let dockerfile = parse(&text);
        if dockerfile.is_valid() {
            assert_eq!(parse(&dockerfile.print()), dockerfile, "{start}{repeated}");
        }
        let mut scope = Globals::of(&dockerfile, &Inputs::default()).stage(&[]);
        let steps = dockerfile.instructions.iter().filter(|instruction| scope.step(instruction).is_ok());
        assert!(steps.count() <= dockerfile.instructions.len());
        assert!(began.elapsed() < LONGEST, "{start}{repeated}: {:?}", began.elapsed());
    }
}

#[test]
fn patterns_are_read_and_asked_in_linear_time() {
    for repeated in ["a\n", "!a\n", "**/*a*b\n", "[a-z]*\n", "a/b/../", "*", "**/", "\\", "!", "[", "[[\n"] {
        let text = repeated.repeat(LENGTH / repeated.len());
        let began = Instant::now();
        let ignore = Ignore::parse(&text);
        let visit = ignore.visit(&ignore.root(), "aaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        assert!(!ignore.can_skip(&visit, "a") || visit.is_ignored());
        assert!(began.elapsed() < LONGEST, "{repeated}: {:?}", began.elapsed());
    }
}
