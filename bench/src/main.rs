//! Wharf beside Docker's own registry, nginx and plain tools: the same work, on the same disk, in one run, in turns.
//!
//! It starts all servers itself, on loopback addresses and in folders of their own, and ends them. What is *not* here:
//! rates of a single part (see the `examples` of that part's crate), and whether answers are right beyond what keeps a
//! figure honest (the suites say that).
//!
//! Reading order: [`row`] (what is measured and what it has to reach), [`options`], [`peers`], [`server`], [`http`],
//! [`load`], [`measure`], [`session`] (who is measured when), [`figure`], [`goal`] and [`report`].

mod client;
mod content;
mod durability;
mod figure;
mod floor;
mod goal;
mod http;
mod load;
mod machine;
mod measure;
mod nodes;
mod options;
mod peers;
mod process;
mod report;
mod row;
mod seeded;
mod server;
mod session;
mod standby;

use std::process::ExitCode;

use options::Options;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--help" || word == "-h") {
        eprint!("{}", options::USAGE);
        return ExitCode::SUCCESS;
    }
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wharf-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// One thread makes all the load, so that the servers have the other cores to themselves.
fn run(words: &[String]) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match words.split_first() {
        Some((task, words)) if task == "registry" => {
            let options = Options::parse(words)?;
            let report = runtime.block_on(session::run(&options))?;
            report::publish(&options, &report)
        }
        Some((task, words)) if task == "seed" => runtime.block_on(seeded::run(words)),
        Some((task, words)) if task == "standby" => runtime.block_on(standby::run(words)),
        Some((task, words)) if task == "nodes" => runtime.block_on(nodes::run(words)),
        _ => anyhow::bail!("what to measure? `registry`, `nodes`, `standby` or `seed`; see --help"),
    }
}
