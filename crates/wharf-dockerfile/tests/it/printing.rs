//! What is printed reads as an equal tree, whatever it was made of.

use proptest::prelude::*;
use wharf_dockerfile::parse;

/// Pieces of the language, so that random texts hit its corners.
const PIECES: &[&str] = &[
    "FROM ",
    "RUN ",
    "COPY ",
    "ADD ",
    "ENV ",
    "ARG ",
    "LABEL ",
    "EXPOSE ",
    "HEALTHCHECK ",
    "CMD ",
    "ENTRYPOINT ",
    "ONBUILD ",
    "SHELL ",
    "USER ",
    "VOLUME ",
    "WORKDIR ",
    "STOPSIGNAL ",
    "MAINTAINER ",
    "NONE",
    "AS ",
    "--",
    "--mount=",
    "--from=",
    "--link",
    "--chown=",
    "type=cache,",
    "target=",
    "[\"",
    "\", \"",
    "\"]",
    "[",
    "]",
    "<<EOF",
    "<<-",
    "\nEOF\n",
    "EOF\n",
    "\n",
    "\r\n",
    " ",
    "\t",
    "\\\n",
    "\\",
    "`",
    "`\n",
    "# escape=`\n",
    "# syntax=x\n",
    "# c\n",
    "#",
    "\"",
    "'",
    "$A",
    "${A:-",
    "}",
    "=",
    "a",
    "b=c",
    "é",
    "\u{feff}",
    ",",
    "1s",
    "\u{a0}",
];

fn piece() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(PIECES);
    prop_oneof![9 => fixed.prop_map(|piece| (*piece).to_owned()), 1 => "[ -~\\n]{0,6}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_text_has_a_tree_and_valid_ones_print_to_an_equal_tree(pieces in prop::collection::vec(piece(), 0..40)) {
        let text = format!("FROM a\n{}", pieces.concat());
        let dockerfile = parse(&text);
        for instruction in &dockerfile.instructions {
            prop_assert!(text.get(instruction.span.start..instruction.span.end).is_some());
        }
        for diagnostic in &dockerfile.diagnostics {
            prop_assert!(!diagnostic.render("Dockerfile", &text).is_empty());
        }
        if dockerfile.is_valid() {
            let printed = dockerfile.print();
            prop_assert_eq!(&parse(&printed), &dockerfile, "printed: {:?}", printed);
        }
    }

    #[test]
    fn valid_instructions_print_to_an_equal_tree(lines in prop::collection::vec(line(), 1..8)) {
        let text = format!("FROM a\n{}", lines.concat());
        let dockerfile = parse(&text);
        if dockerfile.is_valid() {
            let printed = dockerfile.print();
            let again = parse(&printed);
            prop_assert_eq!(&again, &dockerfile, "printed: {:?}", printed);
            prop_assert_eq!(again.print(), printed);
        }
    }
}

/// Words, most of them with something that could end them early.
const WORDS: &[&str] = &[
    "a",
    "/b",
    "c=d",
    "\"e f\"",
    "'g h'",
    "i\\ j",
    "$K",
    "${L:-m n}",
    "--o",
    "-p",
    "#q",
    "[",
    "[\"r\"]",
    "\"s",
    "t'",
    "u\\\\",
    "`v",
    "\\\n",
    "\\\n# w\n",
    "\\ \n\n",
    "é",
    "a,b",
    "\\\"",
    "\t",
];

/// Flags of all instructions.
const FLAGS: &[&str] = &[
    "",
    "",
    "",
    "--link",
    "--from=a",
    "--chown=\"b c\"",
    "--chmod=d\\ e",
    "--mount=type=tmpfs,target=/a",
    "--mount='target=/b c'",
    "--mount=\\\"target=/a,b\\\"",
    "--network=none",
    "--interval=1.5s",
    "--retries=3",
    "--exclude=*",
    "--platform=a/b",
    "--",
];

/// What opens heredocs, and the lines behind it.
const HEREDOCS: &[(&str, &str)] = &[
    ("", ""),
    ("", ""),
    ("<<A", "b\nA\n"),
    ("<<-'A' <<B", "\tb\n\tA\r\nc\nB\n"),
    ("<<\"A B\"", "A B\n"),
    ("<<A cat", "A\n"),
];

const KEYWORDS: &[&str] = &[
    "RUN",
    "run",
    "COPY",
    "ADD",
    "ENV",
    "LABEL",
    "ARG",
    "CMD",
    "ENTRYPOINT",
    "EXPOSE",
    "HEALTHCHECK CMD",
    "HEALTHCHECK",
    "ONBUILD RUN",
    "ONBUILD COPY",
    "ONBUILD",
    "SHELL",
    "USER",
    "VOLUME",
    "WORKDIR",
    "STOPSIGNAL",
    "MAINTAINER",
    "FROM",
];

/// One instruction, often a valid one.
fn line() -> impl Strategy<Value = String> {
    let words = prop::collection::vec(prop::sample::select(WORDS), 0..5);
    let comment = prop::sample::select(&["", "", "# escape=`\n", "#\n", "\n"][..]);
    let heredoc = prop::sample::select(HEREDOCS);
    let parts = (comment, prop::sample::select(KEYWORDS), prop::sample::select(FLAGS), words, heredoc);
    parts.prop_map(|(comment, keyword, flag, words, (opening, lines))| {
        format!("{comment}{keyword} {flag} {} {opening}\n{lines}", words.join(" "))
    })
}
