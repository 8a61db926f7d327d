//! Configuration: what counts, what is refused, and what is shown.

use std::process::Command;

use super::server::{run, write};

/// `wharf config print --effective` with a file, variables and flags.
fn effective(file: &str, variables: &[(&str, &str)], flags: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("wharf.toml");
    write(&path, file);
    run(|command: &mut Command| {
        command.args(["config", "print", "--effective", "--config"]).arg(&path).args(flags);
        command.envs(variables.iter().copied());
    })
}

/// The line of `key`, without the padding before its origin.
fn line(shown: &str, key: &str) -> String {
    let line = shown.lines().find(|line| line.trim_start_matches("# ").starts_with(&format!("{key} ")));
    line.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

const FILE: &str = "[server]\nlisten = [\"127.0.0.1:1\"]\npublic_url = \"https://file.example\"\n";

#[test]
fn a_flag_counts_before_a_variable_before_the_file_before_the_default() {
    let flags = ["--public-url", "https://flag.example"];
    let variable = [("WHARF_SERVER_PUBLIC_URL", "https://variable.example")];
    for (variables, flags, value, origin) in [
        (&variable[..], &flags[..], "https://flag.example/", "flag --public-url"),
        (&variable[..], &[], "https://variable.example/", "variable WHARF_SERVER_PUBLIC_URL"),
        (&[], &[], "https://file.example/", "wharf.toml:3"),
    ] {
        let (code, shown, _) = effective(FILE, variables, flags);
        let line = line(&shown, "public_url");
        assert_eq!(code, 0);
        assert!(line.starts_with(&format!("public_url = \"{value}\"")) && line.ends_with(origin), "{line}");
    }
    let (_, shown, _) = effective("", &[], &[]);
    assert_eq!(line(&shown, "public_url"), "# public_url is not set # default");
}

#[test]
fn an_empty_variable_sets_nothing() {
    let (code, shown, _) = effective(FILE, &[("WHARF_SERVER_PUBLIC_URL", "")], &[]);
    assert!(code == 0 && line(&shown, "public_url").contains("file.example"), "{shown}");
}

#[test]
fn variables_hold_numbers_truth_values_lists_durations_and_sizes() {
    let variables = [
        ("WHARF_LIMITS_CONNECTIONS", "77"),
        ("WHARF_LOG_ACCESS", "false"),
        ("WHARF_SERVER_LISTEN", "127.0.0.1:1,[::1]:2"),
        ("WHARF_COLLECTION_GRACE", "90s"),
        ("WHARF_LIMITS_BODY_RATE", "4MiB"),
    ];
    let (code, shown, problems) = effective("", &variables, &[]);
    assert_eq!(code, 0, "{problems}");
    for expected in [
        "connections = 77 # variable WHARF_LIMITS_CONNECTIONS",
        "access = false # variable WHARF_LOG_ACCESS",
        "listen = [\"127.0.0.1:1\", \"[::1]:2\"] # variable WHARF_SERVER_LISTEN",
        "grace = \"1m30s\" # variable WHARF_COLLECTION_GRACE",
        "body_rate = \"4MiB\" # variable WHARF_LIMITS_BODY_RATE",
    ] {
        assert!(shown.lines().any(|line| line.split_whitespace().eq(expected.split(' '))), "{expected}\n{shown}");
    }
}

#[test]
fn an_unknown_key_is_refused_with_its_place_and_the_nearest_known_one() {
    for (file, variables, sentence) in [
        ("[server]\n\nlisten_on = \"x\"\n", &[][..], "`server.listen_on` ("),
        ("[server]\n\nlisten_on = \"x\"\n", &[], "wharf.toml:3) is not a setting; the nearest is `server.listen`"),
        ("[sever]\nlisten = \"x\"\n", &[], "the nearest is `server.listen`"),
        ("public_url = \"x\"\n", &[], "the nearest is `server.public_url`"),
        (
            "",
            &[("WHARF_SERVER_LISTN", "x")],
            "`WHARF_SERVER_LISTN` is not a setting; the nearest is `WHARF_SERVER_LISTEN`",
        ),
    ] {
        let (code, _, problems) = effective(file, variables, &[]);
        assert!(code == 3 && problems.contains(sentence), "{problems}");
    }
}

#[test]
fn a_value_that_does_not_fit_is_refused_with_its_origin() {
    for (file, variables, sentence) in [
        ("[limits]\nidle_timeout = \"soon\"\n", &[][..], "wharf.toml:2): `soon` is not a length of time"),
        ("[limits]\nbody_rate = -1\n", &[], "expected a number of bytes"),
        ("", &[("WHARF_LIMITS_CONNECTIONS", "many")], "(variable WHARF_LIMITS_CONNECTIONS): invalid type"),
        ("[tls]\nkey = \"k.pem\"\n", &[], "belong together"),
        ("[server]\npublic_url = \"https://a/b\"\n", &[], "without a path"),
        ("[server]\nlisten = []\n", &[], "name at least one address"),
        ("[log]\nlevel = \"=,=\"\n", &[], "`log.level`"),
    ] {
        let (code, _, problems) = effective(file, variables, &[]);
        assert!(code == 3 && problems.contains(sentence), "{sentence}: {problems}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let (code, _, problems) = effective("[server]\nx = 1\n[limits]\nidle_timeout = 5\n", &[("WHARF_Y", "1")], &[]);
    assert_eq!(code, 3);
    for part in ["`server.x`", "`limits.idle_timeout`", "`WHARF_Y`", "hint: "] {
        assert!(problems.contains(part), "{part}: {problems}");
    }
}

#[test]
fn secrets_are_never_shown() {
    for url in ["postgres://u:s3cret@db/w", "postgres://db/w?password=s3cret"] {
        let (code, shown, problems) = effective("", &[("WHARF_DATABASE_URL", url)], &[]);
        assert!(code == 0 && shown.contains("********"), "{shown}");
        assert!(!shown.contains("s3cret") && !problems.contains("s3cret"), "{shown}{problems}");
    }
}

#[test]
fn what_is_printed_can_be_read_again() {
    let (_, shown, _) = effective("", &[("WHARF_LIMITS_CONNECTIONS", "77")], &[]);
    let (code, again, problems) = effective(&shown, &[], &[]);
    assert_eq!(code, 0, "{problems}");
    let values = |text: &str| text.lines().map(|line| line.split(" #").next().map(str::to_owned)).collect::<Vec<_>>();
    let settings =
        |text: &str| values(text).into_iter().flatten().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
    assert_eq!(settings(&shown), settings(&again));
}

#[test]
fn check_says_yes_or_why_not() {
    let (code, said, _) = run(|command| {
        command.args(["config", "check"]);
    });
    assert_eq!((code, said.as_str()), (0, "the configuration is right\n"));
    let (code, _, problems) = run(|command| {
        command.args(["config", "check", "--config", "/nowhere.toml"]);
    });
    assert!(code == 3 && problems.contains("cannot read") && problems.contains("hint: "), "{problems}");
}
