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
    #![proptest_config(ProptestConfig::with_cases(1500))]

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
}
