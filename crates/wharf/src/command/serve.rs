//! `wharf serve`: run the registry.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::welcome;
use crate::config::Config;
use crate::config::merge::{self, Loaded};
use crate::config::source::{Environment, Key, Origin, Setting};
use crate::control::Control;
use crate::data::Folder;
use crate::error::Error;
use crate::operator::desk::Desk;
use crate::server::Server;
use crate::server::listener::{self, Listener, Purpose};
use crate::server::notify::Supervisor;
use crate::server::tls::Tls;
use crate::standby::role::{Role, Start};
use crate::telemetry::Telemetry;
use crate::wire;

/// `wharf serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    flags: Flags,
}

/// Settings that may stand on the command line, for `wharf serve` and `wharf config`.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// Configuration file (TOML); also the variable WHARF_CONFIG.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address to listen on, `127.0.0.1:5000` by default; `:5000` is every address, `unix:PATH` a local socket. May be repeated.
    #[arg(long, value_name = "ADDR")]
    listen: Vec<String>,
    /// Folder of everything that Wharf keeps on this machine.
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// How clients reach this server: `https://registry.example.com`.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Follow the server with this URL, and take over when `wharf standby take-over` says so.
    #[arg(long, value_name = "URL")]
    standby_of: Option<String>,
    /// PEM file with the TLS certificate and its chain.
    #[arg(long, value_name = "FILE")]
    tls_certificate: Option<String>,
    /// PEM file with the certificate's key.
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// Let anonymous callers push, pull and delete; only on loopback addresses.
    #[arg(long)]
    open: bool,
    /// Like --open, on any address: for networks where everyone is trusted.
    #[arg(long)]
    force_open: bool,
    /// What is logged: `error`, `warn`, `info`, `debug`, `trace`, or directives.
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// How log lines look: `text` or `json`.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
}

impl Flags {
    /// The configuration that counts.
    pub(crate) fn load(self) -> Result<Loaded, Error> {
        let environment = environment();
        let named = environment.get("WHARF_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from);
        let file = self.config.clone().or(named);
        merge::load(file.as_deref(), &environment, self.settings())
    }

    /// The configuration when nothing is set.
    pub(crate) fn defaults() -> Result<Loaded, Error> {
        let nothing_of_ours = environment().into_iter().filter(|(name, _)| !name.starts_with("WHARF_")).collect();
        merge::load(None, &nothing_of_ours, Vec::new())
    }

    /// What the flags set.
    fn settings(self) -> Vec<Setting> {
        let listen = self.listen.into_iter().map(toml::Value::String).collect::<Vec<_>>();
        let open = (self.open || self.force_open).then_some(toml::Value::Boolean(true));
        let text = |value: Option<String>| value.map(toml::Value::String);
        let all = [
            ("server", "listen", "--listen", (!listen.is_empty()).then_some(toml::Value::Array(listen))),
            ("server", "data", "--data", text(self.data)),
            ("server", "public_url", "--public-url", text(self.public_url)),
            ("standby", "of", "--standby-of", text(self.standby_of)),
            ("tls", "certificate", "--tls-certificate", text(self.tls_certificate)),
            ("tls", "key", "--tls-key", text(self.tls_key)),
            ("auth", "open", "--open", open),
            ("auth", "force_open", "--force-open", self.force_open.then_some(toml::Value::Boolean(true))),
            ("log", "level", "--log-level", text(self.log_level)),
            ("log", "format", "--log-format", text(self.log_format)),
        ];
        let set = all.into_iter().filter_map(|(section, name, flag, value)| {
            Some(Setting { key: Key::new(section, name), value: value?, origin: Origin::Flag(flag) })
        });
        set.collect()
    }
}

/// This process's variables. Those that are not text cannot be ours.
pub(crate) fn environment() -> Environment {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

impl Serve {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        // Before any thread: taking over sockets clears the variables that announce them.
        let environment = environment();
        let config = self.flags.load()?.config;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")?;
        let _inside = runtime.enter();
        let inherited = listener::inherited(&environment)?;
        let telemetry = Telemetry::start(&config).context("start logging")?;
        let served = runtime.block_on(serve(&config, &environment, inherited));
        telemetry.finish();
        // Work that nobody waits for must not hold up the end.
        runtime.shutdown_background();
        served
    }
}

#[expect(clippy::print_stdout, reason = "the address and the log-in line are for the person who starts the server")]
async fn serve(config: &Config, environment: &Environment, inherited: Vec<Listener>) -> anyhow::Result<()> {
    let folder = Folder::take(config.server.data())?;
    let tls = Tls::open(&config.tls)?;
    let listeners = listen(config, inherited)?;
    refuse_open_to_others(config, &listeners)?;
    let front = wire::Front::default();
    let pair = match wire::standby::start(config, folder.path()).await? {
        Start::Standby(role) => return follow(config, environment, (folder, listeners, tls), role).await,
        Start::Primary(role) => Some(wire::standby::Pair::open(config, folder.path(), role)?),
        Start::Alone | Start::Refused(_) => None,
    };
    let assembled = wire::assemble(config, environment, pair, &front).await?;
    let control = Control::open(folder.path())?;
    let desk = Desk::Registry(Box::new(assembled.operator.clone()), assembled.hub.clone());
    let control = tokio::spawn(control.serve(desk));
    print!("{}", welcome::render(config, &listeners, &folder, assembled.first_password.as_ref()));
    let server = Server::new(config, listeners, tls, front.answers_of(assembled.router.clone()));
    let served = server.run(&Supervisor::of(environment)).await.context("listen for signals");
    control.abort();
    assembled.notes.write().await;
    served
}

/// Serves as a standby, which may become a primary meanwhile.
#[expect(clippy::print_stdout, reason = "what it is stands there for the person who starts it")]
async fn follow(
    config: &Config,
    environment: &Environment,
    (folder, listeners, tls): (Folder, Vec<Listener>, Option<Tls>),
    role: Option<Role>,
) -> anyhow::Result<()> {
    let front = wire::Front::default();
    let standby = wire::standby::follow(config, environment, folder.path(), role, &front).await?;
    let control = tokio::spawn(Control::open(folder.path())?.serve(Desk::Standby(standby.clone())));
    print!("{}", welcome::render_standby(&folder, &standby.status().of));
    let server = Server::new(config, listeners, tls, front.answers());
    let served = server.run(&Supervisor::of(environment)).await.context("listen for signals");
    control.abort();
    if let Some(assembled) = standby.taken_over() {
        assembled.notes.write().await;
    }
    served
}

/// The sockets that were handed over, else those that are configured; and the one for metrics.
fn listen(config: &Config, inherited: Vec<Listener>) -> Result<Vec<Listener>, Error> {
    let is_for = |purpose| move |listener: &Listener| listener.purpose == purpose;
    let mut listeners = inherited;
    if !listeners.iter().any(is_for(Purpose::Registry)) {
        for address in &config.server.listen {
            listeners.push(Listener::bind(address, Purpose::Registry)?);
        }
    }
    if let Some(address) = &config.metrics.listen
        && !listeners.iter().any(is_for(Purpose::Metrics))
    {
        listeners.push(Listener::bind(address, Purpose::Metrics)?);
    }
    Ok(listeners)
}

/// `--open` is for one's own machine.
fn refuse_open_to_others(config: &Config, listeners: &[Listener]) -> Result<(), Error> {
    if !config.auth.open || config.auth.force_open {
        return Ok(());
    }
    if let Some(url) = config.server.public_url.as_ref().filter(|_| config.server.is_public()) {
        return Err(Error::OpenToOthers { address: url.to_string() });
    }
    let registry = listeners.iter().filter(|listener| listener.purpose == Purpose::Registry);
    let addresses = registry.filter_map(Listener::tcp_address);
    match addresses.into_iter().find(|address| !address.ip().to_canonical().is_loopback()) {
        Some(address) => Err(Error::OpenToOthers { address: address.to_string() }),
        None => Ok(()),
    }
}
