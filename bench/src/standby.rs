//! `standby`: what a standby costs: pushes of 1 KiB blobs to a server alone, to one with an asynchronous standby, and to one
//! with a synchronous one, in turns, all on this machine and on one disk.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::content::Blob;
use crate::figure::Rounds;
use crate::http::{Body, Connection};
use crate::load::Load;
use crate::report::STANDBY;
use crate::server::{Program, Server};
use crate::{client, machine, peers};

const ROUNDS: usize = 7;
const TIME: Duration = Duration::from_secs(2);
const CLIENTS: [usize; 2] = [1, 16];

/// How long a standby may take until it is level.
const PATIENCE: Duration = Duration::from_secs(30);

/// Any key and any token will do, as long as both of a pair have them.
const MASTER_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const TOKEN: &str = "not-a-secret-but-long-enough";

/// A server, and its standby if it has one.
struct Setup {
    name: &'static str,
    primary: Server,
    standby: Option<Server>,
}

/// Measures and tells.
pub(crate) async fn run(words: &[String]) -> Result<()> {
    let (mut into, mut wharf) = (None, None);
    for pair in words.chunks(2) {
        match pair {
            [word, value] if word == "--into" => into = Some(PathBuf::from(value)),
            [word, value] if word == "--wharf" => wharf = Some(PathBuf::from(value)),
            _ => bail!("`{}` is unknown or takes a value; see --help", pair[0]),
        }
    }
    let build = std::env::current_exe()?;
    let build = build.parent().and_then(Path::parent).context("the build's folder")?;
    let mut program = peers::built_wharf(build)?;
    program.path = wharf.unwrap_or(program.path);
    let folder = tempfile::Builder::new().prefix("standby-").tempdir_in(build)?;
    let setups = [
        start(&program, folder.path(), ("alone", None)).await?,
        start(&program, folder.path(), ("asynchronous", Some("asynchronous"))).await?,
        start(&program, folder.path(), ("synchronous", Some("synchronous"))).await?,
    ];
    let figures = measure(&setups).await?;
    for setup in setups {
        for server in setup.standby.into_iter().chain([setup.primary]) {
            server.end().await?;
        }
    }
    let head = machine::describe(folder.path())?.join("\n- ");
    STANDBY.put(into.as_deref(), &format!("\n- {head}\n\n{figures}\n"))
}

async fn start(program: &Program, folder: &Path, (name, mode): (&'static str, Option<&str>)) -> Result<Setup> {
    let folder = folder.join(name);
    std::fs::create_dir_all(&folder)?;
    let (key, token) = (folder.join("master.key"), folder.join("token"));
    std::fs::write(&key, MASTER_KEY)?;
    std::fs::write(&token, TOKEN)?;
    let text = |path: &Path| path.to_str().map(str::to_owned).context("the folder's name is not text");
    let (key, token) = (text(&key)?, text(&token)?);
    let mut settings = vec![("WHARF_ENCRYPTION_MASTER_KEY_FILE", key.as_str())];
    let Some(mode) = mode else {
        let primary = program.start_with(&folder.join("primary"), &settings).await?;
        return Ok(Setup { name, primary, standby: None });
    };
    settings.extend([("WHARF_STANDBY_TOKEN_FILE", token.as_str()), ("WHARF_STANDBY_MODE", mode)]);
    let primary = program.start_with(&folder.join("primary"), &settings).await?;
    let of = format!("http://{}", primary.address);
    settings.push(("WHARF_STANDBY_OF", &of));
    let standby = program.start_standby(&folder.join("standby"), &settings).await?;
    wait_until_level(&primary).await?;
    Ok(Setup { name, primary, standby: Some(standby) })
}

async fn wait_until_level(primary: &Server) -> Result<()> {
    let begun = Instant::now();
    loop {
        let mut connection = Connection::open(primary.address).await?;
        let answer = connection.ask("GET", "/metrics", Body::Keep).await?.expect(200)?;
        if String::from_utf8_lossy(&answer.body).contains("wharf_standby_level 1\n") {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "the standby was waited for in vain");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn measure(setups: &[Setup; 3]) -> Result<String> {
    let mut lines = vec![
        "| pushes of a 1 KiB blob per second | alone | asynchronous | synchronous | synchronous ÷ alone |".to_owned(),
    ];
    lines.push("|---|---|---|---|---|".to_owned());
    for connections in CLIENTS {
        let mut rounds = [Rounds::default(), Rounds::default(), Rounds::default()];
        for round in 0..ROUNDS {
            for turn in 0..setups.len() {
                // Each goes first as often as the others.
                let which = (round + turn) % setups.len();
                rounds[which].add(rate(&setups[which], connections).await?);
            }
        }
        let [alone, asynchronous, synchronous] = &rounds;
        let ratio = synchronous.ratio(alone).render();
        lines.push(format!(
            "| {connections} clients | {} | {} | {} | {ratio} |",
            alone.render(),
            asynchronous.render(),
            synchronous.render()
        ));
    }
    Ok(lines.join("\n"))
}

async fn rate(setup: &Setup, connections: usize) -> Result<f64> {
    let load = Load { connections, time: TIME, is_warmed_up: true };
    let pushed = load.run(&setup.primary, async |connection, turn| {
        let repository = format!("bench/push-{}", turn.connection);
        client::push_blob(connection, &repository, &Blob::new(1024)).await
    });
    Ok(pushed.await.with_context(|| format!("push to the server that is {}", setup.name))?.rate())
}
