//! What texts mean: each case is a text, what it is printed as, and what is said about it.

use wharf_dockerfile::{Dockerfile, InstructionKind, parse, parse_bytes};

fn messages(dockerfile: &Dockerfile) -> Vec<&str> {
    dockerfile.diagnostics.iter().map(|diagnostic| diagnostic.message.as_str()).collect()
}

/// Texts, and what they are printed as.
const TEXTS: &[(&str, &str)] = &[
    // Lines: indentation, continuation, comments and empty lines inside, white space behind the escape character.
    ("  FROM a\n\tRUN b", "FROM a\nRUN b\n"),
    ("FROM a\nRUN b \\\n  c \\ \t\n d", "FROM a\nRUN b   c  d\n"),
    ("FROM a\nRUN b \\\n# c\n\n  # d\n e\n", "FROM a\nRUN \\\n# c\n# d\nb  e\n"),
    ("FROM a\nRUN b \\\n\n\n c", "FROM a\nRUN b  c\n"),
    ("FROM a\nRUN b \\\\\nRUN c", "FROM a\nRUN b \\\\\nRUN c\n"),
    ("FROM a\n\\\nRUN b", "FROM a\nRUN b\n"),
    ("FROM a\nRUN b \\", "FROM a\nRUN b\n"),
    ("FROM a\nRUN b \\\n c # d", "FROM a\nRUN b  c # d\n"),
    ("\u{feff}FROM a\r\nRUN b \\\r\n c\r\n", "FROM a\nRUN b  c\n"),
    // Directives, and comments that look like them.
    ("# escape=`\nFROM a\nRUN b `\n c\\", "# escape=`\nFROM a\nRUN b  c\\\n"),
    ("#Escape = `\n# SYNTAX = docker/dockerfile:1 \nFROM a", "# escape=`\n# syntax=docker/dockerfile:1\nFROM a\n"),
    ("# x\n# escape=`\nFROM a", "# x\n# escape=`\nFROM a\n"),
    ("\n# escape=`\nFROM a", "\n# escape=`\nFROM a\n"),
    ("# check=skip=all\n#\n# end", "# check=skip=all\n#\n# end\n"),
    // FROM.
    ("FROM --platform=$BUILDPLATFORM a:1@sha256:0 AS Build", "FROM --platform=$BUILDPLATFORM a:1@sha256:0 AS Build\n"),
    ("from a as b", "from a as b\n"),
    ("ARG A=1 B\nFROM a$A", "ARG A=1 B\nFROM a$A\n"),
    // RUN and its forms.
    ("FROM a\nRUN [\"b\",\"c d\"]", "FROM a\nRUN [\"b\", \"c d\"]\n"),
    ("FROM a\nRUN ['b']", "FROM a\nRUN ['b']\n"),
    ("FROM a\nRUN [ -f x ]", "FROM a\nRUN [ -f x ]\n"),
    ("FROM a\nRUN", "FROM a\nRUN\n"),
    ("FROM a\nRUN --network=none --security=sandbox b", "FROM a\nRUN --network=none --security=sandbox b\n"),
    (
        "FROM a\nRUN --mount=type=cache,target=/c --device=x b",
        "FROM a\nRUN --mount=type=cache,target=/c --device=x b\n",
    ),
    ("FROM a\nRUN --mount='type=cache,target=/c d' b", "FROM a\nRUN --mount=type=cache,target=/c\\ d b\n"),
    (
        "FROM a\nRUN --mount=type=bind,\\\"source=a,b\\\",target=/c b",
        "FROM a\nRUN --mount=type=bind,\\\"source=a,b\\\",target=/c b\n",
    ),
    ("FROM a\nRUN --mount=ro b", "FROM a\nRUN --mount=ro b\n"),
    ("FROM a\nRUN -- --b", "FROM a\nRUN -- --b\n"),
    // Heredocs.
    ("FROM a\nRUN <<EOF\nb\n# c\n\nEOF\nRUN d", "FROM a\nRUN <<EOF\nb\n# c\n\nEOF\nRUN d\n"),
    ("FROM a\nRUN <<-'EOF' cat\n\tb\n\tEOF\n", "FROM a\nRUN <<-'EOF' cat\n\tb\nEOF\n"),
    ("FROM a\nCOPY <<b <<\"c\" /d/\nc\nb\nb\nc\n", "FROM a\nCOPY <<b <<\"c\" /d/\nc\nb\nb\nc\n"),
    ("FROM a\nRUN cat <<A <<B\n1\nA\n2\nB\nRUN c", "FROM a\nRUN cat <<A <<B\n1\nA\n2\nB\nRUN c\n"),
    ("FROM a\nRUN [\"<<EOF\"]\nRUN echo '<<EOF'", "FROM a\nRUN [\"<<EOF\"]\nRUN echo '<<EOF'\n"),
    ("FROM a\nONBUILD RUN <<E\nb\nE", "FROM a\nONBUILD RUN <<E\nb\nE\n"),
    ("FROM a\r\nRUN <<E\r\nb\r\nE\r\n", "FROM a\nRUN <<E\nb\r\nE\n"),
    // COPY and ADD.
    ("FROM a\nCOPY b  c\t/d", "FROM a\nCOPY b c /d\n"),
    ("FROM a\nCOPY [\"b c\", \"/d\"]", "FROM a\nCOPY [\"b c\", \"/d\"]\n"),
    (
        "FROM a\nCOPY --link --parents=true --from=b --chown=1:2 --chmod=u=rwX,go=rX --exclude=*.a --exclude=*.b c /d",
        "FROM a\nCOPY --from=b --chown=1:2 --chmod=u=rwX,go=rX --link --parents --exclude=*.a --exclude=*.b c /d\n",
    ),
    (
        "FROM a\nADD --checksum=sha256:0 --keep-git-dir=false --unpack --link=FALSE https://x /d",
        "FROM a\nADD --checksum=sha256:0 --link=false --keep-git-dir=false --unpack https://x /d\n",
    ),
    // Names and values.
    ("FROM a\nENV A=1 B=\"2 3\" C=4\\ 5", "FROM a\nENV A=1 B=\"2 3\" C=4\\ 5\n"),
    ("FROM a\nENV A  b c=d", "FROM a\nENV A b c=d\n"),
    ("FROM a\nLABEL \"a b\"=c d='e f'", "FROM a\nLABEL \"a b\"=c d='e f'\n"),
    ("FROM a\nARG A B=\"c d\"", "FROM a\nARG A B=\"c d\"\n"),
    // The rest.
    ("FROM a\nHEALTHCHECK NONE", "FROM a\nHEALTHCHECK NONE\n"),
    (
        "FROM a\nHEALTHCHECK --interval=1m --timeout=500ms --retries=3 CMD [\"b\"]",
        "FROM a\nHEALTHCHECK --interval=60s --timeout=0s500000000ns --retries=3 CMD [\"b\"]\n",
    ),
    ("FROM a\nHEALTHCHECK --start-period=0 cmd b c", "FROM a\nHEALTHCHECK --start-period=0s CMD b c\n"),
    ("FROM a\nCMD\nENTRYPOINT b\nSHELL [\"c\"]", "FROM a\nCMD\nENTRYPOINT b\nSHELL [\"c\"]\n"),
    ("FROM a\nEXPOSE 80 443/tcp $P", "FROM a\nEXPOSE 80 443/tcp $P\n"),
    ("FROM a\nVOLUME [\"/b\tc\"]", "FROM a\nVOLUME [\"/b\u{b}c\"]\n"),
    ("FROM a\nVOLUME /b /c\nVOLUME [\"/d e\"]", "FROM a\nVOLUME /b /c\nVOLUME [\"/d e\"]\n"),
    ("FROM a\nUSER b:c\nWORKDIR /d e\nSTOPSIGNAL SIGINT", "FROM a\nUSER b:c\nWORKDIR /d e\nSTOPSIGNAL SIGINT\n"),
    ("FROM a\nMAINTAINER b <c@d>\nONBUILD COPY e f", "FROM a\nMAINTAINER b <c@d>\nONBUILD COPY e f\n"),
];

#[test]
fn texts_say_what_docker_reads() {
    for (text, expected) in TEXTS {
        let dockerfile = parse(text);
        let errors: Vec<_> = dockerfile.errors().map(|error| error.message.as_str()).collect();
        let fine = errors.is_empty() || errors == ["the file has no instruction"];
        assert!(fine, "{text:?}: {errors:?}");
        let printed = dockerfile.print();
        assert_eq!(&printed, expected, "{text:?}");
        assert_eq!(parse(&printed), dockerfile, "{text:?}");
    }
}

/// Texts, what is said of them, and the text that it is said of.
const WRONG: &[(&str, &str, &str)] = &[
    ("", "the file has no instruction", ""),
    ("# a\n", "the file has no instruction", ""),
    ("ARG a", "the file has no stage: it needs a `FROM`", ""),
    ("RUN a\nFROM b", "RUN stands before the first `FROM`, where only ARG may stand", "RUN"),
    ("FORM a", "unknown instruction `FORM`", "FORM"),
    ("FROM a\nRUNN b", "unknown instruction `RUNN`", "RUNN"),
    ("FROM", "FROM takes one image, and a name for the stage: `FROM IMAGE [AS NAME]`", "FROM"),
    ("FROM a b", "FROM takes one image, and a name for the stage: `FROM IMAGE [AS NAME]`", "FROM a b"),
    ("FROM a AS 1b", "`1b` can't name a stage", "1b"),
    ("FROM --plaform=b a", "unknown flag `--plaform` of FROM", "plaform"),
    ("FROM a\nENV A", "ENV must have two arguments, a name and a value", "ENV A"),
    ("FROM a\nENV A=1 B", "`B` has no `=`: ENV takes `NAME=VALUE`", "B"),
    ("FROM a\nENV =1", "a name of ENV is empty", "=1"),
    ("FROM a\nLABEL", "LABEL needs at least one `NAME=VALUE`", "LABEL"),
    ("FROM a\nARG =1", "a name of ARG is empty", "=1"),
    ("FROM a\nCOPY b", "COPY needs a source and a destination", "COPY b"),
    ("FROM a\nCOPY b <<c\nd\nc", "a heredoc can't be a destination", "<<c"),
    ("FROM a\nCOPY << c /d\ne\nc", "a heredoc is opened here, but is no source", "<< c"),
    ("FROM a\nRUN <<b\nc", "heredoc `<<b` has no end", "<<b"),
    ("FROM a\nRUN [1]", "a JSON array of an instruction holds strings only", "[1]"),
    ("FROM a\nSHELL b", "SHELL needs its words as a JSON array", "SHELL b"),
    ("FROM a\nSHELL []", "SHELL needs its words as a JSON array", "SHELL []"),
    ("FROM a\nHEALTHCHECK b", "HEALTHCHECK takes `NONE`, or `CMD` and a command", "HEALTHCHECK b"),
    ("FROM a\nHEALTHCHECK NONE b", "HEALTHCHECK NONE takes no arguments", "HEALTHCHECK NONE b"),
    ("FROM a\nHEALTHCHECK CMD", "HEALTHCHECK CMD needs a command", "HEALTHCHECK CMD"),
    ("FROM a\nHEALTHCHECK --interval=b CMD c", "`--interval=b` is no time", "b"),
    ("FROM a\nHEALTHCHECK --timeout=1ns CMD c", "`--timeout=1ns` is shorter than 1ms", "1ns"),
    ("FROM a\nHEALTHCHECK --retries=-1 CMD c", "`--retries=-1` is no number of retries", "-1"),
    ("FROM a\nONBUILD", "ONBUILD needs an instruction", "ONBUILD"),
    ("FROM a\nONBUILD onbuild RUN b", "ONBUILD can't stand behind ONBUILD", "onbuild"),
    ("FROM a\nONBUILD FROM b", "FROM can't stand behind ONBUILD", "FROM"),
    ("FROM a\nVOLUME [\"\"]", "VOLUME needs at least one folder, and none may be empty", "VOLUME [\"\"]"),
    ("FROM a\nWORKDIR", "WORKDIR needs an argument", "WORKDIR"),
    ("FROM a\nEXPOSE", "EXPOSE needs at least one port", "EXPOSE"),
    ("FROM a\nCMD --b", "unknown flag `--b` of CMD", "b"),
    ("FROM a\nARG --b C", "ARG has no flags: `--b` does nothing", "--b"),
    ("FROM a\nRUN --network=hst b", "`hst` is no value of `--network`; there are default, none, host", "hst"),
    ("FROM a\nRUN --mount=tpye=cache b", "unknown option `tpye` of `--mount`", "tpye"),
    (
        "FROM a\nRUN --mount=type=cahce,target=/b c",
        "`cahce` is no type of mount; there are bind, cache, tmpfs, secret, ssh",
        "cahce",
    ),
    ("FROM a\nRUN --mount=type=cache,size=1 b", "a mount of type `cache` has no option `size`", "type=cache,size=1"),
    ("FROM a\nRUN --mount=type=tmpfs,target=/b,size=x c", "`size=x`: it is a number of bytes, like `64m`", "x"),
    ("# escape=x\nFROM a", "`x` can't be the escape character; there are `\\` and `` ` ``", "x"),
    ("# escape=`\n# escape=`\nFROM a", "directive `escape` stands there twice", "# escape=`"),
    ("# syntax=x/y\nFROM a", "frontend `x/y` can't be run: the file is read as docker's own syntax", "x/y"),
    ("FROM a\n\\\n", "a line is continued, but there is no instruction", "\\"),
];

#[test]
fn what_is_wrong_is_said_once_and_where() {
    for (text, message, place) in WRONG {
        let dockerfile = parse(text);
        assert_eq!(messages(&dockerfile), [*message], "{text:?}");
        assert_eq!(dockerfile.text_at(dockerfile.diagnostics[0].span), *place, "{text:?}");
    }
}

#[test]
fn tokens_have_places_across_continued_lines() {
    let text = "FROM a\nCOPY --from=b \\\n  # c\n  d /e\n";
    let dockerfile = parse(text);
    let InstructionKind::Copy(copy) = &dockerfile.instructions[1].kind else { panic!("a COPY") };
    assert_eq!(dockerfile.text_at(copy.destination.span), "/e");
    assert_eq!(dockerfile.text_at(copy.from.as_ref().unwrap().span), "b");
    let position = dockerfile.position(copy.destination.span.start);
    assert_eq!((position.line, position.column), (4, 5));
    assert_eq!(dockerfile.text_at(dockerfile.instructions[1].span), "COPY --from=b \\\n  # c\n  d /e");
    assert_eq!(dockerfile.text_at(dockerfile.instructions[1].inner_comments[0].span), "# c");
}

#[test]
fn an_instruction_spans_its_heredocs() {
    let dockerfile = parse("FROM a\nRUN <<E cat\nb\nE\nRUN c");
    assert_eq!(dockerfile.text_at(dockerfile.instructions[1].span), "RUN <<E cat\nb\nE");
    let InstructionKind::Run(run) = &dockerfile.instructions[1].kind else { panic!("a RUN") };
    assert_eq!(dockerfile.text_at(run.heredocs[0].content.span), "b\n");
}

#[test]
fn stages_are_found_by_name_and_number() {
    let dockerfile = parse("ARG V=1\nFROM a AS One\nRUN b\nFROM one AS two\nFROM c AS ONE\nRUN d");
    let stages = dockerfile.stages();
    assert_eq!(stages.len(), 3);
    assert_eq!(dockerfile.preamble().len(), 1);
    assert_eq!(stages[0].instructions.len(), 1);
    assert_eq!(dockerfile.stage("one").map(|stage| stage.index), Some(2));
    assert_eq!(dockerfile.stage("1").map(|stage| stage.index), Some(1));
    assert!(dockerfile.stage("3").is_none());
}

#[test]
fn bytes_that_are_no_text_are_an_error_and_a_tree() {
    let dockerfile = parse_bytes(b"FROM a\nRUN \xff b\n");
    assert_eq!(messages(&dockerfile), ["the file is no UTF-8 here"]);
    assert_eq!(dockerfile.instructions.len(), 2);
}
