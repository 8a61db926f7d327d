//! Who is measured: Wharf as this checkout builds it, and the peers that this machine has.
//!
//! distribution v3 is installed through Go's module proxy where Go is, once, outside of the checkout.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::options::Options;
use crate::server::{Maker, Program, version};

const DISTRIBUTION: &str = "github.com/distribution/distribution/v3";

/// Where a system keeps programs that a user's search path may lack.
const SYSTEM: &str = "/usr/sbin";

/// The programs that take part, and why others do not.
pub(crate) struct Field {
    pub(crate) programs: Vec<Program>,
    pub(crate) absent: Vec<String>,
}

/// Finds, builds and installs them.
pub(crate) fn find(options: &Options, build: &Path) -> Result<Field> {
    let wharf = wharf(options, build)?;
    let sealed = Program { maker: Maker::Sealed, ..wharf.clone() };
    let mut programs = vec![wharf, distribution(options)?, sealed];
    let mut absent = Vec::new();
    match nginx() {
        Some(nginx) => programs.push(nginx),
        None => {
            absent.push("nginx is not here (`apt-get install nginx-light`): nothing is compared with it".to_owned())
        }
    }
    Ok(Field { programs, absent })
}

/// The program that was named, or the one that this checkout builds.
fn wharf(options: &Options, build: &Path) -> Result<Program> {
    let Some(path) = options.wharf.clone() else { return built_wharf(build) };
    let version = version(&path, "--version")?;
    Ok(Program { maker: Maker::Wharf, path, version })
}

/// Wharf as this checkout builds it.
pub(crate) fn built_wharf(build: &Path) -> Result<Program> {
    let path = build_wharf(build)?;
    let version = version(&path, "--version")?;
    Ok(Program { maker: Maker::Wharf, path, version })
}

fn build_wharf(build: &Path) -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--package", "wharf", "--target-dir"]).arg(build);
    ensure!(cargo.status().context("run cargo")?.success(), "wharf does not build");
    Ok(build.join("release/wharf"))
}

/// The one that was named, else version 3, else Debian's.
fn distribution(options: &Options) -> Result<Program> {
    let path = match &options.peer {
        Some(path) => path.clone(),
        None => install_distribution().unwrap_or_else(|error| {
            eprintln!("distribution v3 is not here: {error:#}; Debian's docker-registry takes its place");
            PathBuf::from("docker-registry")
        }),
    };
    let version = version(&path, "--version").context(
        "no peer is here: install Go, or `apt-get install docker-registry` on Debian, or name one with --peer PATH",
    )?;
    Ok(Program { maker: Maker::Distribution, path, version })
}

/// The newest version 3 that the module proxy has; without the proxy, the one that was installed before.
fn install_distribution() -> Result<PathBuf> {
    let cache = cache()?;
    let newest = match newest_distribution() {
        Ok(newest) => newest,
        Err(error) => return installed(&cache).with_context(|| format!("{error:#}")),
    };
    let folder = cache.join(&newest);
    let program = folder.join("registry");
    if !program.exists() {
        std::fs::create_dir_all(&folder)?;
        let mut go = Command::new("go");
        go.args(["install", &format!("{DISTRIBUTION}/cmd/registry@{newest}")]).env("GOBIN", &folder).current_dir("/");
        ensure!(go.status().context("run go")?.success(), "`go install` of {DISTRIBUTION} failed");
    }
    Ok(program)
}

fn newest_distribution() -> Result<String> {
    let mut go = Command::new("go");
    let output = go.args(["list", "-m", "-f", "{{.Version}}", &format!("{DISTRIBUTION}@v3")]).current_dir("/").output();
    let output = output.context("run go")?;
    ensure!(output.status.success(), "the module proxy does not tell of {DISTRIBUTION}");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Some version that was installed before.
fn installed(cache: &Path) -> Result<PathBuf> {
    let folders = std::fs::read_dir(cache).context("look for an installed one")?;
    let mut programs: Vec<PathBuf> = folders.flatten().map(|folder| folder.path().join("registry")).collect();
    programs.retain(|program| program.exists());
    programs.sort();
    programs.pop().context("none was installed before")
}

fn cache() -> Result<PathBuf> {
    let home = std::env::home_dir().context("nobody says whose home it would be kept in")?;
    Ok(home.join(".cache/wharf-bench/distribution"))
}

fn nginx() -> Option<Program> {
    [PathBuf::from("nginx"), Path::new(SYSTEM).join("nginx")].into_iter().find_map(|path| {
        let version = version(&path, "-v").ok()?;
        Some(Program { maker: Maker::Nginx, path, version })
    })
}
