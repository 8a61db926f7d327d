//! The shell of RUN: what is read, what is refused where, and that a stranger's script costs little.

use wharf_dockerfile::shell::{Command, PartKind, Problem, parse};

#[test]
fn scripts_that_people_write_are_read() {
    let scripts = [
        "apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*",
        "set -eux; case \"$(uname -m)\" in x86_64|amd64) a=b ;; *) exit 1;; esac; foo",
        "f() { echo hi; }; f && ( cd /x && ls ) || true",
        "x=(a b c); echo \"${x[@]}\" ${#x[@]}; [[ $a == b* && ! ( -f x ) ]] && y",
        "echo `foo \\`bar\\`` $((1+(2*3))) ${a:-$(b)} ${a##*/} ${!a} ${a/b/c}",
        "cat <<-EOF > /x\n\thello $(x)\n\tEOF\nfoo",
        "while read -r l; do x; done < <(foo)",
        "for ((i=0;i<3;i++)); do x; done; for i; do y; done",
        "a 2>&1 >/dev/null | tee x & wait; b",
        "echo foo# bar #comment\nx && #comment\n y",
        "find . \\( -name a -o -name b \\) -exec rm {} \\;",
        "if ! grep -q a b; then c; elif d; then e; else f; fi",
    ];
    for script in scripts {
        assert!(parse(script).is_ok(), "{script}: {:?}", parse(script));
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let cases = [
        ("echo 'a", 5, Problem::Unclosed("'")),
        ("echo $(a", 8, Problem::Unclosed(")")),
        ("if a; then b", 12, Problem::Unclosed("fi")),
        ("a; fi", 3, Problem::UnexpectedWord),
        ("echo (a)", 5, Problem::StrayParenthesis),
        ("f(a) { b; }", 2, Problem::FunctionParameters),
        ("a &&", 4, Problem::NoCommand),
        ("| a", 0, Problem::Unexpected('|')),
    ];
    for (script, at, problem) in cases {
        let error = parse(script).expect_err(script);
        assert_eq!((error.at, error.problem), (at, problem), "{script}");
    }
}

#[test]
fn words_keep_their_pieces_and_places() {
    let script = parse("echo 'a'\"b$C\"d\\ e").expect("it is right");
    let [Command::Simple(simple)] = script.statements[0].first.commands.as_slice() else { panic!("one command") };
    let word = &simple.words[1];
    assert_eq!((word.span.start, word.span.end), (5, 17));
    assert_eq!((word.unquoted().as_str(), word.literal()), ("ab${C}d e", None));
    assert!(matches!(&word.parts[0].kind, PartKind::Single(text) if text == "a"));
    assert!(matches!(&word.parts[1].kind, PartKind::Double(parts) if parts.len() == 2));
}

#[test]
fn hostile_scripts_end_soon() {
    for piece in [
        "(",
        "{ ",
        "$(",
        "`",
        "\\`",
        "\"$(",
        "if a; then ",
        "${a:-",
        "$((",
        "((",
        "[[ ",
        "<(",
        "a <<x\n",
        "a|",
        "a\\\n",
    ] {
        // What matters is that it answers, and does not overflow the stack.
        let _answer = parse(&piece.repeat(20_000));
    }
}
