//! `seed`: what a catalog costs that has grown. The same requests on a catalog of a million manifests and on one of a
//! thousand, in turns.
//!
//! The rows are made by `wharf-registry`'s own example `seed`, because nobody else may write its tables.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::content::Image;
use crate::figure::Rounds;
use crate::http::{Body, Connection};
use crate::load::Load;
use crate::report::SEEDED;
use crate::server::{Program, Server, data};
use crate::{client, machine, peers};

/// What the generator puts into each repository.
const MANIFESTS_EACH: usize = 1_000;

/// How often each figure is measured on each catalog, and how long.
const ROUNDS: usize = 9;
const TIME: Duration = Duration::from_secs(1);

/// With how many clients.
const CLIENTS: [usize; 2] = [1, 16];

/// How many times the empty catalog's latency the full one's may be.
const GOAL: f64 = 2.0;

/// The choices of one run.
#[derive(Debug)]
struct Options {
    manifests: usize,
    /// Of the full one and of the empty one.
    databases: Option<[String; 2]>,
    into: Option<PathBuf>,
}

/// A server on a catalog of this size.
struct Side {
    server: Server,
    repositories: usize,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
enum Question {
    Manifest,
    TagsPage,
}

impl Options {
    fn parse(words: &[String]) -> Result<Self> {
        let mut options = Self { manifests: 1_000_000, databases: None, into: None };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().cloned().with_context(|| format!("`{word}` takes a value; see --help"));
            match word.as_str() {
                "--manifests" => options.manifests = value()?.parse().context("`--manifests` is a number")?,
                "--databases" => options.databases = Some([value()?, value()?]),
                "--into" => options.into = Some(value()?.into()),
                _ => bail!("`{word}` is unknown; see --help"),
            }
        }
        Ok(options)
    }
}

/// Fills two catalogs and measures both.
pub(crate) async fn run(words: &[String]) -> Result<()> {
    let options = Options::parse(words)?;
    let build = std::env::current_exe()?;
    let build = build.parent().and_then(Path::parent).context("the build's folder")?;
    let (program, seed) = (peers::built_wharf(build)?, build_seed(build)?);
    let folder = tempfile::Builder::new().prefix("seed-").tempdir_in(build)?;
    let mut sides = Vec::new();
    let mut lines = machine::describe(folder.path())?;
    for (place, manifests) in [options.manifests, MANIFESTS_EACH].into_iter().enumerate() {
        let database = options.databases.as_ref().map(|databases| databases[place].clone());
        let begun = Instant::now();
        sides.push(side(&program, &seed, (&folder.path().join(place.to_string()), database, manifests)).await?);
        lines.push(format!("{manifests} manifests were made in {:.0} s", begun.elapsed().as_secs_f64()));
    }
    let kind = if options.databases.is_some() { "PostgreSQL" } else { "SQLite" };
    let mut text = format!("\n### {kind}, {} manifests\n\n- {}\n", options.manifests, lines.join("\n- "));
    text += "\n| 99 % are answered within, ms | clients | full | almost empty | full ÷ empty | goal |\n|---|---|---|---|---|---|\n";
    for question in [Question::Manifest, Question::TagsPage] {
        for clients in CLIENTS {
            let rounds = measure(&sides, question, clients).await?;
            writeln!(text, "{}", line(question, clients, &rounds))?;
        }
    }
    for side in sides {
        side.server.end().await?;
    }
    SEEDED.put(options.into.as_deref(), &text)
}

fn build_seed(build: &Path) -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--package", "wharf-registry", "--features", "seed", "--example", "seed"]);
    ensure!(
        cargo.arg("--target-dir").arg(build).status().context("run cargo")?.success(),
        "the generator does not build"
    );
    Ok(build.join("release/examples/seed"))
}

/// Lets Wharf make the catalog, fills it, and starts Wharf again.
async fn side(
    program: &Program,
    seed: &Path,
    (folder, database, manifests): (&Path, Option<String>, usize),
) -> Result<Side> {
    eprintln!("{manifests} manifests");
    let url = database.unwrap_or_else(|| format!("sqlite:{}", data(folder).join("wharf.db").display()));
    let settings = [("WHARF_DATABASE_URL", url.as_str())];
    let server = program.start_with(folder, &settings).await?;
    let mut connection = Connection::open(server.address).await?;
    client::push_image(&mut connection, "seed/template", &Image::new(&[1024]), "v1").await?;
    server.end().await?;
    let status = Command::new(seed).args([&url, &manifests.to_string()]).status().context("run the generator")?;
    ensure!(status.success(), "the generator failed");
    let server = program.start_with(folder, &settings).await?;
    Ok(Side { server, repositories: manifests.div_ceil(MANIFESTS_EACH) })
}

/// The 99th percentiles of all rounds, of the full catalog and of the empty one.
async fn measure(sides: &[Side], question: Question, clients: usize) -> Result<[Rounds; 2]> {
    let mut rounds = [Rounds::default(), Rounds::default()];
    for round in 0..ROUNDS {
        for turn in 0..2 {
            let place = (round + turn) % 2;
            let side = &sides[place];
            let load = Load { connections: clients, time: TIME, is_warmed_up: true };
            let serial = std::cell::Cell::new(round);
            let outcome = load.run(&side.server, async |connection, _| {
                serial.set(serial.get() + 1);
                let path = question.path(serial.get(), side.repositories);
                connection.ask("GET", &path, Body::Drop).await?.expect(200).map(drop)
            });
            rounds[place].add(outcome.await?.percentile(99));
        }
    }
    Ok(rounds)
}

impl Question {
    fn name(self) -> &'static str {
        match self {
            Self::Manifest => "manifest GET by tag",
            Self::TagsPage => "one page of 100 tags",
        }
    }

    /// The path of the question with this number: a thousand of them, spread over all repositories.
    fn path(self, number: usize, repositories: usize) -> String {
        let place = number % 1000;
        let repository = place * 7919 % repositories;
        let tag = place * 613 % MANIFESTS_EACH;
        match self {
            Self::Manifest => format!("/v2/seed/r{repository:06}/manifests/v{tag:04}"),
            Self::TagsPage => format!("/v2/seed/r{repository:06}/tags/list?n=100&last=v{tag:04}"),
        }
    }
}

fn line(question: Question, clients: usize, [full, empty]: &[Rounds; 2]) -> String {
    let ratio = full.ratio(empty);
    let verdict = if ratio.median().is_some_and(|ratio| ratio <= GOAL) { "≤ 2 ✓" } else { "≤ 2 ✗" };
    let [full, empty, ratio] = [full, empty, &ratio].map(Rounds::render);
    format!("| {} | {clients} | {full} | {empty} | {ratio} | {verdict} |", question.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_spread_and_stay_within_the_catalog() {
        let paths: std::collections::BTreeSet<_> =
            (0..1000).map(|number| Question::Manifest.path(number, 1000)).collect();
        assert_eq!(paths.len(), 1000);
        assert!(Question::TagsPage.path(5, 1).starts_with("/v2/seed/r000000/tags/list?n=100&last=v"));
    }

    #[test]
    fn options_are_read() {
        let words = ["--manifests", "5", "--databases", "a", "b"].map(str::to_owned);
        let options = Options::parse(&words).expect("valid");
        assert_eq!((options.manifests, options.databases), (5, Some(["a".to_owned(), "b".to_owned()])));
        assert!(Options::parse(&["--manifests".to_owned()]).is_err());
    }
}
