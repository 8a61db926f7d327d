//! Wharf beside Docker's own registry: the same work, on the same disk, in one run, in turns.
//!
//! It starts both servers itself, on loopback addresses and in folders of their own, and ends them. What is *not* here:
//! rates of a single part (see the `examples` of that part's crate), and whether answers are right beyond what keeps a
//! figure honest (the suites say that).
//!
//! Reading order: [`options`], [`server`], [`http`], [`load`], [`measure`], [`session`] (who is measured when),
//! [`figure`] and [`report`].

mod client;
mod content;
mod durability;
mod figure;
mod floor;
mod http;
mod load;
mod machine;
mod measure;
mod options;
mod process;
mod report;
mod server;
mod session;

use std::process::ExitCode;

use options::Options;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--help" || word == "-h") {
        eprint!("{}", options::USAGE);
        return ExitCode::SUCCESS;
    }
    match Options::parse(&words).and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wharf-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// One thread makes all the load, so that the servers have the other cores to themselves.
fn run(options: &Options) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(session::run(options))?;
    report::publish(options, &report)
}
