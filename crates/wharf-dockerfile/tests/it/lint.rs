//! Lint: every rule by its own examples, its page, and what settings and comments do.

use std::collections::BTreeSet;
use std::path::Path;

use wharf_dockerfile::ignore::Ignore;
use wharf_dockerfile::lint::settings::{Enforced, LabelType, Policy};
use wharf_dockerfile::lint::{Settings, apply, check, check_in, rules};
use wharf_dockerfile::{Severity, parse};

/// Settings under which every rule can find something.
fn settings_for(id: &str) -> Settings {
    let mut settings = Settings::default();
    settings.severities.insert(id.to_owned(), Severity::Error);
    if id == "WF1012" {
        settings.approved_bases = vec!["registry.example.com/base/*".to_owned()];
    }
    if id == "DL3026" {
        settings.trusted_registries = vec!["registry.example.com".to_owned()];
    }
    if ["DL3049", "DL3050", "DL3051"].contains(&id) {
        settings.label_schema.insert("com.example.owner".to_owned(), LabelType::Text);
        settings.has_strict_labels = true;
    }
    let typed = [
        ("DL3052", "org.opencontainers.image.url", LabelType::Url),
        ("DL3053", "org.opencontainers.image.created", LabelType::Time),
        ("DL3054", "org.opencontainers.image.licenses", LabelType::Licence),
        ("DL3055", "org.opencontainers.image.revision", LabelType::Hash),
        ("DL3056", "org.opencontainers.image.version", LabelType::Version),
        ("DL3058", "com.example.contact", LabelType::Mail),
    ];
    let mine = typed.into_iter().filter(|(rule, ..)| *rule == id);
    settings.label_schema.extend(mine.map(|(_, key, kind)| (key.to_owned(), kind)));
    settings
}

fn found(text: &str, settings: &Settings) -> BTreeSet<String> {
    check_in(&parse(text), settings, Some(&Ignore::parse("secret.txt\n")))
        .into_iter()
        .map(|finding| finding.id)
        .collect()
}

/// An example is a part of a file; where it has no FROM of its own it gets one, and a WORKDIR.
fn whole(example: &str) -> String {
    let begins = |keyword: &str| example.lines().any(|line| line.to_ascii_uppercase().starts_with(keyword));
    if begins("FROM ") { format!("{example}\n") } else { format!("FROM debian:13\nWORKDIR /srv\n{example}\n") }
}

#[test]
fn every_rule_finds_its_bad_example_and_not_its_good_one() {
    let mut ids = BTreeSet::new();
    let mut wrong = Vec::new();
    for rule in rules() {
        assert!(ids.insert(rule.id), "{} is there twice", rule.id);
        let settings = settings_for(rule.id);
        let (bad, good) = (found(&whole(rule.bad), &settings), found(&whole(rule.good), &settings));
        if !bad.contains(rule.id) {
            wrong.push(format!("{}: only {bad:?} in\n{}", rule.id, whole(rule.bad)));
        }
        if good.contains(rule.id) {
            wrong.push(format!("{}: found in\n{}", rule.id, whole(rule.good)));
        }
        assert!(!rule.why.is_empty() && !rule.title.ends_with('.'), "{}", rule.id);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let dl = ids.iter().filter(|id| id.starts_with("DL") && **id != "DL1000").count();
    assert_eq!(dl, 71, "hadolint's rules");
}

#[test]
fn every_rule_has_its_page() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/lint");
    let mut index = String::from(
        "# Rules of `wharf lint`\n\nHow they are used is told in [the guide](../guide/lint.md), and where they differ from hadolint's in\n[differences](differences.md). These pages are made from the rules themselves: `UPDATE_GOLDEN=1 cargo test -p wharf-dockerfile`.\n\n| rule | severity | demand |\n|---|---|---|\n",
    );
    for rule in rules() {
        compare(&folder.join(format!("{}.md", rule.id)), &rule.page());
        let severity = if rule.is_on { rule.severity.as_str() } else { "off" };
        index.push_str(&format!("| [{0}]({0}.md) | {severity} | {1} |\n", rule.id, rule.title));
    }
    compare(&folder.join("README.md"), &index);
    let known = |name: &str| {
        ["README.md", "differences.md"].contains(&name) || rules().any(|rule| name == format!("{}.md", rule.id))
    };
    for entry in std::fs::read_dir(&folder).expect("the folder is there") {
        let name = entry.expect("is listed").file_name();
        assert!(known(&name.to_string_lossy()), "no rule has the page {name:?}");
    }
}

#[expect(clippy::disallowed_methods, reason = "a developer asks for new golden files by this variable")]
fn compare(path: &Path, expected: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("is made");
        std::fs::write(path, expected).expect("is written");
    }
    let actual = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(actual, expected, "{} is not up to date: run with UPDATE_GOLDEN=1", path.display());
}

#[test]
fn comments_hide_findings_of_the_next_line_or_of_the_file() {
    let cases = [
        ("FROM debian\n", true),
        ("# hadolint ignore=DL3006\nFROM debian\n", false),
        ("# hadolint ignore=DL3007, DL3006\nFROM debian\n", false),
        ("#hadolint ignore=DL3006\nFROM debian\n", false),
        ("# hadolint ignore=DL3006\n\nFROM debian\n", true),
        ("# hadolint ignore=DL3006\n# why\nFROM debian\n", true),
        ("# hadolint ignore=DL3006 because\nFROM debian\n", true),
        ("# hadolint ignore=DL3007\nFROM debian\n", true),
        ("FROM debian\n# hadolint global ignore=DL3006\n", false),
    ];
    for (text, is_found) in cases {
        assert_eq!(found(text, &Settings::default()).contains("DL3006"), is_found, "{text}");
    }
    let settings = Settings { are_pragmas_off: true, ..Settings::default() };
    assert!(found("# hadolint ignore=DL3006\nFROM debian\n", &settings).contains("DL3006"));
}

#[test]
fn the_check_directive_skips_build_checks_or_makes_errors_of_them() {
    let severities = |text: &str| -> Vec<(String, Severity)> {
        let findings = check(&parse(text), &Settings::default()).into_iter();
        findings
            .filter(|finding| finding.id == "MaintainerDeprecated" || finding.id == "DL4000")
            .map(|finding| (finding.id, finding.severity))
            .collect()
    };
    let build = |severity| ("MaintainerDeprecated".to_owned(), severity);
    let dl = ("DL4000".to_owned(), Severity::Error);
    let body = "FROM debian:13\nMAINTAINER me\n";
    assert_eq!(severities(body), [dl.clone(), build(Severity::Warning)]);
    assert_eq!(severities(&format!("# check=skip=all\n{body}")), std::slice::from_ref(&dl));
    assert_eq!(severities(&format!("# check=skip=maintainerdeprecated\n{body}")), std::slice::from_ref(&dl));
    assert_eq!(severities(&format!("# check=error=true\n{body}")), [dl, build(Severity::Error)]);
}

#[test]
fn what_a_policy_enforces_no_comment_and_no_setting_hides() {
    let text = "# hadolint ignore=DL3006,DL3007\nFROM debian\n";
    let mut settings = Settings { ignored: BTreeSet::from(["DL3006".to_owned()]), ..Settings::default() };
    settings.severities.insert("DL3006".to_owned(), Severity::Style);
    assert!(!found(text, &settings).contains("DL3006"));
    settings.policy = Policy { enforced: Enforced::Rules(BTreeSet::from(["DL3006".to_owned()])), ..Policy::default() };
    let findings = check(&parse(text), &settings);
    assert_eq!(
        findings.iter().map(|finding| (finding.id.as_str(), finding.severity)).collect::<Vec<_>>(),
        [("DL3006", Severity::Warning)]
    );
    settings.policy.enforced = Enforced::All;
    assert!(found(text, &settings).contains("DL3006"));
}

#[test]
fn fixes_mend_and_leave_nothing_to_mend() {
    let cases = [
        ("FROM a:1\nADD x /y\n", "FROM a:1\nCOPY x /y\n"),
        (
            "FROM a:1\nRUN apt-get install --no-install-recommends a=1\n",
            "FROM a:1\nRUN apt-get install -y --no-install-recommends a=1\n",
        ),
        ("FROM a:1\nCMD nginx -g x\n", "FROM a:1\nCMD [\"nginx\", \"-g\", \"x\"]\n"),
        ("FROM a:1 as b\nCMD [\"x\"]\n", "FROM a:1 AS b\nCMD [\"x\"]\n"),
        ("FROM a:1\nENV a b\n", "FROM a:1\nENV a=b\n"),
        ("FROM a:1\nMAINTAINER Ada\n", "FROM a:1\nLABEL org.opencontainers.image.authors=\"Ada\"\n"),
        ("FROM --platform=$TARGETPLATFORM a:1\n", "FROM a:1\n"),
        ("FROM a:1\nRUN x && \\\n  pip install y==1\n", "FROM a:1\nRUN x && \\\n  pip install --no-cache-dir y==1\n"),
        ("FROM a:1\nCOPY a b /c\n", "FROM a:1\nCOPY a b /c/\n"),
        ("FROM a:1\nRUN <<EOF\negrep a b\nEOF\n", "FROM a:1\nRUN <<EOF\ngrep -E a b\nEOF\n"),
        ("FROM a:1\nRUN echo \"`x`y\"\n", "FROM a:1\nRUN echo \"$(x)y\"\n"),
    ];
    for (before, after) in cases {
        let (text, count) = apply(before, &check(&parse(before), &Settings::default()));
        assert_eq!(text, after);
        assert!(count > 0);
        let rest = check(&parse(&text), &Settings::default());
        assert!(rest.iter().all(|finding| finding.fix.is_none()), "{text}: {rest:?}");
    }
}

#[test]
fn findings_stand_at_the_word_that_they_are_about() {
    let text = "FROM a:1\nRUN x && \\\n  # why\n  apt-get install -y --no-install-recommends \\\n    curl\n";
    let file = parse(text);
    let finding = check(&file, &Settings::default())
        .into_iter()
        .find(|finding| finding.id == "DL3008")
        .expect("curl has no version");
    assert_eq!(
        (file.text_at(finding.span), file.line(finding.span.start), file.line(finding.instruction.start)),
        ("curl", 5, 2)
    );
}

#[test]
fn hostile_files_are_linted_in_linear_time() {
    let deep = format!("FROM a\nRUN {}\n", "$(".repeat(50_000));
    let long = format!("FROM a\n{}", "RUN a | b\n".repeat(5000));
    let quotes = format!("FROM a\nRUN {}\n", "`\\`".repeat(50_000));
    let stages: String = (0..3000)
        .map(|n| format!("FROM s{} AS s{n}\nENV A{n}=b\nCOPY --from=s0 x.tar y.tar\nRUN echo $a\n", n - n.min(1)))
        .collect();
    for text in [deep, long, quotes, stages, "FROM a\nRUN \u{0}\u{fffd}'\n".to_owned()] {
        check(&parse(&text), &Settings::default());
    }
}
