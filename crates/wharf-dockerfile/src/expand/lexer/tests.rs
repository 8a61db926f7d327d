//! What words become. The variables are PWD=/home, SHELL=bash, WORD=한국어, NULL= (empty), PATH=/a/b.c/d.c; nothing else is
//! set.

use super::*;
use crate::expand::Variables;

const ERROR: &str = "(error)";

fn variables() -> Variables {
    let pairs =
        [("PWD", "/home"), ("SHELL", "bash"), ("WORD", "한국어"), ("NULL", ""), ("PATH", "/a/b.c/d.c"), ("L", "1 2")];
    pairs.into_iter().collect()
}

fn check(table: &[(&str, &str)], escape: char, mode: Mode) {
    for (word, expected) in table {
        let text = lex(word, escape, mode, &variables(), &mut 0).map(|lexed| lexed.text);
        assert_eq!(text.as_deref().unwrap_or(ERROR), *expected, "{word:?}: {text:?}");
    }
}

/// Quotes and escapes.
const QUOTES: &[(&str, &str)] = &[
    ("", ""),
    ("hello", "hello"),
    ("he'll'o", "hello"),
    ("he'llo", ERROR),
    ("he\\'llo", "he'llo"),
    ("he\\\\'llo", ERROR),
    ("abc\\tdef", "abctdef"),
    ("\"abc\\tdef\"", "abc\\tdef"),
    ("\"abc\\\\tdef\"", "abc\\tdef"),
    ("'abc\\tdef'", "abc\\tdef"),
    ("'abc\\\\tdef'", "abc\\\\tdef"),
    ("hello\\", "hello"),
    ("hello\\\\", "hello\\"),
    ("\"hello", ERROR),
    ("\"hel'lo\"", "hel'lo"),
    ("'hel\"lo'", "hel\"lo"),
    ("\"a\\\"b\"", "a\"b"),
    ("'a\\'b'", ERROR),
    ("\"a\"'b'c", "abc"),
    ("\"\"", ""),
    ("''", ""),
    ("a\\ b", "a b"),
    ("\"a b\"", "a b"),
    ("한국어", "한국어"),
    ("\\한", "한"),
    ("a  b", "a  b"),
    ("a<b<<c", "a<b<<c"),
];

/// Names, with and without braces.
const NAMES: &[(&str, &str)] = &[
    ("$PWD", "/home"),
    ("${PWD}", "/home"),
    ("he$PWD", "he/home"),
    ("he$PWDx", "he"),
    ("he${PWD}x", "he/homex"),
    ("$PWD$PWD", "/home/home"),
    ("he\\$PWD", "he$PWD"),
    ("he\\\\$PWD", "he\\/home"),
    ("\"he$PWD\"", "he/home"),
    ("\"he\\$PWD\"", "he$PWD"),
    ("'he$PWD'", "he$PWD"),
    ("$WORD", "한국어"),
    ("안녕${WORD}하", "안녕한국어하"),
    ("$한", ""),
    ("$", "$"),
    ("he$", "he$"),
    ("$ x", "$ x"),
    ("$,x", "$,x"),
    ("\"$\"", "$"),
    ("$1", ""),
    ("$12x", "x"),
    ("$@", ""),
    ("$*a", "a"),
    ("$$", ""),
    ("$$PWD", "PWD"),
    ("$_x", ""),
    ("${PWD", ERROR),
    ("${", ERROR),
    ("${}", ERROR),
    ("${:-x}", ERROR),
    ("${{PWD}}", ERROR),
    ("${PWD }", ERROR),
    ("${PWD[0]}", ERROR),
    ("${PWD^}", ERROR),
    ("${PWD=x}", ERROR),
    ("${PWD:=x}", ERROR),
    ("${PWD:1}", ERROR),
    ("${PWD:", ERROR),
    ("${NULL}x", "x"),
    ("${NOTHING}x", "x"),
    ("$L", "1 2"),
];

/// Defaults, alternatives and demands.
const DEFAULTS: &[(&str, &str)] = &[
    ("${PWD:-x}", "/home"),
    ("${PWD-x}", "/home"),
    ("${NULL:-x}", "x"),
    ("${NULL-x}", ""),
    ("${NOTHING:-x}", "x"),
    ("${NOTHING-x}", "x"),
    ("${NOTHING:-}", ""),
    ("${NOTHING:-$PWD}", "/home"),
    ("${NOTHING:-${PWD}}", "/home"),
    ("${NOTHING:-${NULL:-${SHELL}}}", "bash"),
    ("${NOTHING:-'a}b'}", "a}b"),
    ("${NOTHING:-\"$PWD b\"}", "/home b"),
    ("${NOTHING:-a\\}b}", "a}b"),
    ("${NOTHING:-a:b-c}", "a:b-c"),
    ("${NOTHING:-a b}", "a b"),
    ("${NOTHING:-", ERROR),
    ("${NOTHING:-'}", ERROR),
    ("\"${NOTHING:-x}\"", "x"),
    ("'${NOTHING:-x}'", "${NOTHING:-x}"),
    ("${PWD:+x}", "x"),
    ("${PWD+x}", "x"),
    ("${NULL:+x}", ""),
    ("${NULL+x}", "x"),
    ("${NOTHING:+x}", ""),
    ("${NOTHING+x}", ""),
    ("${PWD:+$SHELL}", "bash"),
    ("${PWD:?x}", "/home"),
    ("${PWD?x}", "/home"),
    ("${NULL:?x}", ERROR),
    ("${NULL?x}", ""),
    ("${NOTHING:?x}", ERROR),
    ("${NOTHING?x}", ERROR),
    ("${NOTHING?}", ERROR),
];

/// Ends cut off, and replacements.
const PATTERNS: &[(&str, &str)] = &[
    ("${PATH#/a}", "/b.c/d.c"),
    ("${PATH#*/}", "a/b.c/d.c"),
    ("${PATH##*/}", "d.c"),
    ("${PATH%.c}", "/a/b.c/d"),
    ("${PATH%.*}", "/a/b.c/d"),
    ("${PATH%%.*}", "/a/b"),
    ("${PATH%%x}", "/a/b.c/d.c"),
    ("${PATH#}", "/a/b.c/d.c"),
    ("${PATH##}", "/a/b.c/d.c"),
    ("${PATH%?}", "/a/b.c/d."),
    ("${PATH#$PWD}", "/a/b.c/d.c"),
    ("${SHELL#\"ba\"}", "sh"),
    ("${SHELL#\\?}", "bash"),
    ("${SHELL#\\x}", ERROR),
    ("${NOTHING#x}", ""),
    ("${NULL%x}", ""),
    ("${WORD#?}", "국어"),
    ("${WORD%?}", "한국"),
    ("${SHELL#b}${SHELL%h}", "ashbas"),
    ("${PATH:#/a}", "/b.c/d.c"),
    ("${PATH/.c/}", "/a/b/d.c"),
    ("${PATH//.c/}", "/a/b/d"),
    ("${PATH//.c/.o}", "/a/b.o/d.o"),
    ("${PATH/\\//-}", "-a/b.c/d.c"),
    ("${PATH//\\//-}", "-a-b.c-d.c"),
    ("${PATH//?.c/x}", "/a/x/x"),
    ("${PATH/b*c/x}", "/a/x"),
    ("${PATH//z/x}", "/a/b.c/d.c"),
    ("${SHELL/$SHELL/$PWD}", "/home"),
    ("${SHELL//b/\\/}", "\\/ash"),
    ("${SHELL/b}", ERROR),
    ("${SHELL//}", ERROR),
    ("${SHELL///}", "bash"),
    ("${SHELL/a/b", ERROR),
    ("${NOTHING/a/b}", ""),
];

#[test]
fn words_are_unquoted_and_expanded() {
    for table in [QUOTES, NAMES, DEFAULTS, PATTERNS] {
        check(table, '\\', Mode::default());
    }
}

#[test]
fn a_backtick_escapes_where_the_file_says_so() {
    let table =
        [("a`$PWD", "a$PWD"), ("a\\$PWD", "a\\/home"), ("c:\\d", "c:\\d"), ("\"a`\"b\"", "a\"b"), ("${NO:-`}}", "}")];
    check(&table, '`', Mode::default());
}

#[test]
fn files_keep_their_quotes_and_lose_their_escapes() {
    let table =
        [("'$PWD' \"x\"\n", "'/home' \"x\"\n"), ("a\\nb \\$PWD", "anb $PWD"), ("it's", "it's"), ("<< x", "<< x")];
    check(&table, '\\', Mode { plain_quotes: true, ..Mode::default() });
}

#[test]
fn words_split_at_values_but_not_in_quotes() {
    let table: &[(&str, &[&str])] = &[
        ("", &[]),
        ("a b", &["a", "b"]),
        (" a  b ", &["a", "b"]),
        ("a\\ b", &["a b"]),
        ("'a b' c", &["a b", "c"]),
        ("a'b c'd", &["ab cd"]),
        ("$L", &["1", "2"]),
        ("\"$L\"", &["1 2"]),
        ("a$L", &["a1", "2"]),
        ("a${L}b", &["a1", "2b"]),
        ("\"\" a", &["a"]),
        ("$NULL a", &["a"]),
        ("a \\\n", &["a", "\n"]),
    ];
    for (text, expected) in table {
        let lexed = lex(text, '\\', Mode::default(), &variables(), &mut 0).unwrap();
        let words: Vec<_> = lexed.words.iter().map(|(_, word)| word.as_str()).collect();
        assert_eq!(words, *expected, "{text:?}");
    }
}

#[test]
fn what_has_no_value_is_told() {
    let lexed = lex("$PWD ${A:-$B} ${C+x} '$D' \\$E ${NULL:-$F}", '\\', Mode::default(), &variables(), &mut 0).unwrap();
    assert_eq!(lexed.undefined.iter().map(String::as_str).collect::<Vec<_>>(), ["A", "B", "C", "F"]);
}

#[test]
fn errors_say_what_is_missing() {
    let table = [
        ("${A:?set it}", "variable `A`: set it"),
        ("${A?}", "variable `A`: must be set"),
        ("${NULL:?}", "variable `NULL`: must not be empty"),
        ("'a", "a `'` has no other one that ends it"),
        ("${A", "`}` is missing"),
    ];
    for (word, message) in table {
        assert_eq!(lex(word, '\\', Mode::default(), &variables(), &mut 0), Err(message.to_owned()), "{word}");
    }
}

#[test]
fn depth_length_and_patterns_are_bounded() {
    let deep = "${A:-".repeat(100_000);
    assert!(lex(&deep, '\\', Mode::default(), &variables(), &mut 0).is_err());
    let long: Variables = [("A", "x".repeat(1 << 19).as_str())].into_iter().collect();
    assert!(lex("$A", '\\', Mode::default(), &long, &mut 0).is_ok());
    assert!(lex("$A$A$A", '\\', Mode::default(), &long, &mut 0).is_err());
    assert!(lex("${A//x/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx}", '\\', Mode::default(), &long, &mut 0).is_err());
    assert!(lex(&format!("${{A#{}}}", "*x".repeat(600)), '\\', Mode::default(), &long, &mut 0).is_err());
}
