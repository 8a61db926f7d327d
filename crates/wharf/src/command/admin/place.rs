//! Which registry is meant, and giving orders to it: to its server, or done here where none runs.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use serde_json::Value;
use tokio::sync::watch;

use crate::config::Config;
use crate::config::source::{Key, Origin, Setting};
use crate::control;
use crate::data::Folder;
use crate::error::Error;
use crate::operator::order::{CopyOptions, Order};
use crate::operator::step::Step;
use crate::telemetry::Telemetry;
use crate::wire::operator as wire;

use super::super::serve::environment;

/// How often people hear how far it is.
const SHOW_EVERY: Duration = Duration::from_secs(2);

/// Which registry: as `wharf serve` is told.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The server's configuration file; also the variable WHARF_CONFIG.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The server's data folder.
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Print what was done as JSON.
    #[arg(long)]
    json: bool,
}

/// How bytes are copied.
#[derive(Debug, Args)]
pub(crate) struct Copying {
    /// Blobs that are copied at the same time.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    parallel: u16,
    /// Bytes a second at most, all together: `50MiB`.
    #[arg(long, value_name = "SIZE")]
    rate: Option<String>,
    /// Read and hash what is there already, too, instead of looking at its size.
    #[arg(long)]
    verify: bool,
}

impl Copying {
    pub(super) fn options(&self) -> anyhow::Result<CopyOptions> {
        let rate = self.rate.as_deref().map(str::parse::<crate::config::size::Size>).transpose();
        let rate = rate.map_err(|error| anyhow::anyhow!("--rate: {error}"))?;
        let bytes_per_second = rate.map_or(0, |size| size.0);
        Ok(CopyOptions { parallel: self.parallel.into(), bytes_per_second, verify: self.verify })
    }
}

impl Place {
    /// The configuration that the server has, or has with `changes`.
    pub(crate) fn load(&self, changes: Vec<Setting>) -> Result<Config, Error> {
        let environment = environment();
        let named = environment.get("WHARF_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from);
        let file = self.config.clone().or(named);
        let data = self.data.clone().map(|data| setting("server", "data", data, "--data"));
        let settings = data.into_iter().chain(changes).collect();
        Ok(crate::config::merge::load(file.as_deref(), &environment, settings)?.config)
    }

    /// Gives an order to the server, or does it here when the data folder is free.
    pub(super) fn order(&self, order: Order) -> anyhow::Result<Value> {
        let config = self.load(Vec::new())?;
        run(&config, async {
            let mut show = Show::new();
            if let Some(outcome) = control::order(config.server.data(), &order, |step| show.step(step)).await? {
                return Ok(outcome);
            }
            refuse_missing(&config)?;
            let _folder = Folder::take(config.server.data())?;
            let (_holds, operator) = wire::operator_alone(&config, &environment()).await?;
            watched(show, async |teller| match order {
                Order::Backup(backup) => operator.back_up(backup, &teller).await,
                Order::Migrate(migrate) => operator.migrate(migrate, &teller).await,
                Order::Abandon => operator.abandon().await,
                Order::TakeOver | Order::StandbyStatus => bail!("only a server can do that"),
            })
            .await
        })
    }

    /// Shows what was done.
    #[expect(clippy::print_stdout, reason = "the outcome is for whoever ran the command")]
    pub(crate) fn show(&self, outcome: &Value, sentence: &str) {
        if self.json {
            println!("{outcome:#}");
        } else {
            println!("{sentence}");
        }
    }
}

/// A setting that a flag makes.
pub(super) fn setting(section: &str, name: &str, value: String, flag: &'static str) -> Setting {
    Setting { key: Key::new(section, name), value: toml::Value::String(value), origin: Origin::Flag(flag) }
}

/// Runs something to its end, with the log that the configuration asks for.
pub(crate) fn run<T>(config: &Config, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")?;
    let _inside = runtime.enter();
    let telemetry = Telemetry::start(config).context("start logging")?;
    let done = runtime.block_on(work);
    telemetry.finish();
    done
}

/// Does something and shows its steps meanwhile.
pub(super) async fn watched<T>(
    mut show: Show,
    work: impl AsyncFnOnce(watch::Sender<Step>) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let (teller, mut steps) = watch::channel(Step::Beginning);
    let mut work = std::pin::pin!(work(teller));
    loop {
        tokio::select! {
            done = &mut work => return done,
            Ok(()) = steps.changed() => show.step(&steps.borrow_and_update()),
        }
    }
}

/// A new catalog would be made where none is: the folder is most likely not the one that was meant.
fn refuse_missing(config: &Config) -> anyhow::Result<()> {
    let path = config.database.url().strip_prefix("sqlite:").map(std::path::Path::new);
    let missing = path.filter(|path| !path.exists());
    ensure!(missing.is_none(), "there is no catalog `{}`", missing.unwrap_or(std::path::Path::new("")).display());
    Ok(())
}

/// Tells people how far it is.
#[derive(Debug)]
pub(super) struct Show {
    shown: Option<Instant>,
    last: Step,
}

impl Show {
    pub(super) fn new() -> Self {
        Self { shown: None, last: Step::Beginning }
    }

    fn step(&mut self, step: &Step) {
        let is_new = *step == Step::ReadOnly || std::mem::discriminant(step) != std::mem::discriminant(&self.last);
        let is_due = self.shown.is_none_or(|shown| shown.elapsed() >= SHOW_EVERY);
        if *step == self.last || !(is_new || is_due) {
            return;
        }
        self.shown = Some(Instant::now());
        self.last = step.clone();
        eprintln!("{}", sentence(step));
    }
}

fn sentence(step: &Step) -> String {
    match step {
        Step::Beginning => "begins".to_owned(),
        Step::Rows { table, rows } => format!("catalog: {rows} rows of {table}"),
        Step::Bytes { blobs, of_blobs, bytes, of_bytes, copied_blobs, copied_bytes } => format!(
            "blobs: {blobs} of {of_blobs} ({} of {} MiB); copied {copied_blobs} ({} MiB)",
            bytes >> 20,
            of_bytes >> 20,
            copied_bytes >> 20
        ),
        Step::ReadOnly => "writes are refused from now on; reads go on".to_owned(),
    }
}
