//! Package managers of languages: pip, npm, yarn, gem, go.

use crate::diagnostic::Severity::{Info, Warning};
use crate::instruction::InstructionKind;
use crate::lint::finding::Findings;
use crate::lint::invocation::{Argument, Invocation, operands};
use crate::lint::packages::{first, missing_flag};
use crate::lint::rule::Rule;
use crate::lint::subject::{RunView, Subject};

pub(super) const RULES: &[&Rule] = &[&DL3013, &DL3016, &DL3028, &DL3042, &DL3060, &DL3062];

const DL3013: Rule =
    Rule::new("DL3013", Warning, "Give packages of pip a version, or install from a requirements file")
        .why("Without a version a build takes what the index has today, with everything that it depends on.")
        .examples("RUN pip install --no-cache-dir flask", "RUN pip install --no-cache-dir flask==3.1.2");
const DL3016: Rule = Rule::new("DL3016", Warning, "Give packages of npm a version")
    .why("Without a version a build takes what the registry calls `latest` today. `npm ci` with a lock file is better still.")
    .examples("RUN npm install -g serve", "RUN npm install -g serve@14.2.4");
const DL3028: Rule = Rule::new("DL3028", Warning, "Give packages of gem a version")
    .why("Without a version a build takes what the server has today.")
    .examples("RUN gem install puma", "RUN gem install puma:6.6.0");
const DL3042: Rule = Rule::new("DL3042", Warning, "Keep pip's cache out of the image")
    .why("pip keeps what it downloads for the next time, which a layer does not have. `--no-cache-dir` keeps nothing; a cache mount keeps it outside of the image.")
    .examples("RUN pip install flask==3.1.2", "RUN pip install --no-cache-dir flask==3.1.2");
const DL3060: Rule = Rule::new("DL3060", Info, "End a RUN that installs with `yarn cache clean`")
    .why("yarn keeps what it downloads for the next time, which a layer does not have. A cache mount keeps it outside of the image.")
    .examples("RUN yarn install --frozen-lockfile", "RUN yarn install --frozen-lockfile && yarn cache clean");
const DL3062: Rule = Rule::new("DL3062", Warning, "Give packages of go install a version")
    .why("`@latest`, and no version at all, are another program with every release.")
    .examples(
        "RUN go install golang.org/x/tools/cmd/goimports@latest",
        "RUN go install golang.org/x/tools/cmd/goimports@v0.38.0",
    );

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for run in &subject.runs {
        pip(subject, run, findings);
        npm(run, findings);
        gem(run, findings);
        yarn(run, findings);
        go(run, findings);
    }
}

fn no_version(package: &str) -> String {
    format!("`{package}` is installed in whatever version there is")
}

/// The arguments behind `pip install`, also of `python -m pip install`.
fn pip_install(command: &Invocation) -> Option<&[Argument]> {
    let arguments = command.arguments.as_slice();
    if command.name.starts_with("pip") && !command.name.starts_with("pipenv") {
        let at = arguments.iter().position(|argument| argument.text == "install")?;
        return Some(&arguments[at + 1..]);
    }
    let at = arguments
        .windows(3)
        .position(|words| words[0].text == "-m" && words[1].text == "pip" && words[2].text == "install")?;
    command.name.starts_with("python").then(|| &arguments[at + 3..])
}

/// Flags of pip that take a value.
const PIP_VALUES: [&str; 38] = [
    "abi",
    "b",
    "build",
    "e",
    "editable",
    "extra-index-url",
    "f",
    "find-links",
    "i",
    "index-url",
    "implementation",
    "no-binary",
    "only-binary",
    "platform",
    "prefix",
    "progress-bar",
    "proxy",
    "python-version",
    "root",
    "src",
    "t",
    "target",
    "trusted-host",
    "upgrade-strategy",
    "timeout",
    "retries",
    "cache-dir",
    "log",
    "global-option",
    "config-settings",
    "use-feature",
    "use-deprecated",
    "exists-action",
    "cert",
    "client-cert",
    "group",
    "keyring-provider",
    "report",
];

fn pip(subject: &Subject<'_>, run: &RunView<'_>, findings: &mut Findings) {
    let has_requirements = |arguments: &[Argument]| {
        let given = ["-r", "--requirement", "-c", "--constraint"];
        arguments.iter().any(|argument| {
            given.contains(&argument.text.as_str())
                || argument.text.starts_with("--requirement=")
                || argument.text.starts_with("--constraint=")
        })
    };
    let installs = run.commands.iter().filter_map(pip_install).filter(|arguments| !has_requirements(arguments));
    let packages = installs.flat_map(|arguments| operands(arguments, &PIP_VALUES));
    let unversioned = packages.filter(|package| !has_pip_version(&package.text));
    first(run, findings, &DL3013, unversioned, no_version);

    let keeps = |command: &Invocation| {
        let is_pip = pip_install(command).is_some() && !command.name.starts_with("pipx");
        is_pip && !command.has_flag(&["no-cache-dir"])
    };
    if !is_cache_off(subject, run) && !run.has_cache(&["/root/.cache/pip", "/root/.cache"]) {
        missing_flag((subject, run), findings, &DL3042, keeps, (&["install"], "--no-cache-dir"));
    }
}

fn has_pip_version(package: &str) -> bool {
    const COMPARISONS: [&str; 7] = ["==", ">=", "<=", ">", "<", "!=", "~="];
    let is_repository = ["git+", "hg+", "svn+", "bzr+"].iter().any(|scheme| package.starts_with(scheme));
    if is_repository {
        return package.contains('@');
    }
    package == "."
        || package.contains('/')
        || COMPARISONS.iter().any(|sign| package.contains(sign))
        || package.ends_with(".whl")
        || package.ends_with(".tar.gz")
}

/// `PIP_NO_CACHE_DIR`, by ENV before the RUN, by the command, or by `export`.
fn is_cache_off(subject: &Subject<'_>, run: &RunView<'_>) -> bool {
    let is_on = |value: &str| {
        !["", "0", "off", "no", "false"].contains(&value.trim_matches(['"', '\'']).to_ascii_lowercase().as_str())
    };
    let stage = &subject.stages[run.stage];
    let before = stage.instructions[..run.position].iter().rev();
    let mut by_env = before.filter_map(|instruction| match &instruction.kind {
        InstructionKind::Env(env) => {
            env.pairs.iter().rev().find(|pair| pair.key.as_str() == "PIP_NO_CACHE_DIR").map(|pair| is_on(&pair.value))
        }
        _ => None,
    });
    let in_line = run
        .instruction
        .text
        .as_str()
        .split_once("PIP_NO_CACHE_DIR=")
        .is_some_and(|(_, rest)| is_on(rest.split([' ', ';', '&']).next().unwrap_or_default()));
    in_line
        || by_env.next().unwrap_or_else(|| {
            subject.parent(stage).is_some_and(|parent| parent_sets_cache_off(subject, parent.index, &is_on))
        })
}

fn parent_sets_cache_off(subject: &Subject<'_>, index: usize, is_on: &dyn Fn(&str) -> bool) -> bool {
    subject.stages[index].instructions.iter().any(|instruction| match &instruction.kind {
        InstructionKind::Env(env) => {
            env.pairs.iter().any(|pair| pair.key.as_str() == "PIP_NO_CACHE_DIR" && is_on(&pair.value))
        }
        _ => false,
    })
}

fn npm(run: &RunView<'_>, findings: &mut Findings) {
    let installs = run.commands.iter().filter(|command| command.name == "npm" && command.has(&["install"]));
    let packages = installs
        .flat_map(|command| command.operands(&["registry", "prefix", "loglevel", "omit", "include", "cache"]))
        .filter(|package| {
            let text = package.text.as_str();
            text != "install" && !has_npm_version(text)
        });
    first(run, findings, &DL3016, packages, no_version);
}

fn has_npm_version(package: &str) -> bool {
    let is_path =
        ["/", "./", "../", "~/"].iter().any(|start| package.starts_with(start)) || package == "." || package == "..";
    let is_archive = [".tgz", ".tar", ".tar.gz"].iter().any(|suffix| package.ends_with(suffix));
    let is_git = package.starts_with("git") && package.contains("://");
    if is_git {
        return package.contains('#');
    }
    is_path || is_archive || package.get(1..).is_some_and(|rest| rest.contains('@'))
}

fn gem(run: &RunView<'_>, findings: &mut Findings) {
    let is_install = |command: &&Invocation| command.name == "gem" && command.has(&["install", "i"]);
    let unpinned = |command: &&Invocation| {
        !command.has(&["-v", "--version"])
            && !command.texts().any(|text| text.starts_with("--version=") || text.starts_with("-v"))
    };
    let packages = run
        .commands
        .iter()
        .filter(is_install)
        .filter(unpinned)
        .flat_map(|command| command.operands(&["g", "file", "source", "s", "i", "install-dir", "n", "bindir"]));
    let packages = packages.filter(|package| {
        let text = package.text.as_str();
        !["install", "i", "--"].contains(&text) && !text.contains(':') && !text.ends_with(".gem")
    });
    first(run, findings, &DL3028, packages, no_version);
}

fn yarn(run: &RunView<'_>, findings: &mut Findings) {
    if run.has_cache(&["/usr/local/share/.cache/yarn", "/usr/local/share/.cache", "/root/.cache/yarn"]) {
        return;
    }
    let last = run.commands.iter().rposition(|command| command.name == "yarn" && command.has(&["install"]));
    let Some(index) = last else { return };
    let is_cleaned = run.commands[index + 1..]
        .iter()
        .any(|command| command.name == "yarn" && command.has(&["cache"]) && command.has(&["clean"]));
    if !is_cleaned {
        findings.add(
            &DL3060,
            run.instruction,
            run.place(run.commands[index].span),
            "yarn leaves its cache in the layer: no `yarn cache clean` follows",
        );
    }
}

fn go(run: &RunView<'_>, findings: &mut Findings) {
    const VALUES: [&str; 14] = [
        "tags",
        "ldflags",
        "gcflags",
        "asmflags",
        "o",
        "C",
        "p",
        "mod",
        "modfile",
        "overlay",
        "pkgdir",
        "toolexec",
        "exec",
        "buildmode",
    ];
    const VERBS: [&str; 3] = ["install", "get", "run"];
    let calls = run
        .commands
        .iter()
        .filter(|command| command.name == "go" && command.texts().next().is_some_and(|verb| VERBS.contains(&verb)));
    let packages = calls.flat_map(|command| {
        let mut is_value = false;
        let arguments = command.arguments[1..].iter().filter(move |argument| {
            let skipped = std::mem::take(&mut is_value);
            let flag = argument.text.strip_prefix('-').map(|flag| flag.trim_start_matches('-'));
            is_value = !skipped && flag.is_some_and(|flag| VALUES.contains(&flag));
            flag.is_none() && !skipped
        });
        // What follows the program of `go run` is the program's.
        let is_run = command.has(&["run"]);
        arguments.take(if is_run { 1 } else { usize::MAX })
    });
    let packages = packages.filter(|package| {
        let text = package.text.as_str();
        let version = text.split_once('@').map(|(_, version)| version);
        !text.starts_with(['.', '/'])
            && version.is_none_or(|version| ["latest", "upgrade", "patch", "none"].contains(&version))
            && !text.ends_with(".go")
    });
    first(run, findings, &DL3062, packages, no_version);
}
