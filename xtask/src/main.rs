//! Development tasks: `tidy` checks the house rules that a compiler can't, `bench` and `seed` measure.
//!
//! Nothing here changes the checkout, except that a measurement may be told to write its figures into a file.

mod agreement;
mod bench;
mod tidy;

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask tidy                      check the house rules: arrows, sizes, names, tables, documents
       cargo xtask bench registry [OPTIONS]  measure Wharf beside its peers (--help tells the options)
       cargo xtask bench nodes [OPTIONS]     measure two nodes on one PostgreSQL and one bucket beside one
       cargo xtask seed [OPTIONS]            measure a catalog of a million manifests beside an empty one
       cargo xtask lint-agreement FOLDER     compare `wharf lint` with hadolint over a folder of Dockerfiles";

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace's root");
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["tidy"] => tidy::run(root),
        ["lint-agreement", options @ ..] => agreement::run(root, options),
        ["bench", what @ ("registry" | "nodes"), options @ ..] => bench::run(&[&[*what], options].concat()),
        ["seed", options @ ..] => bench::run(&[&["seed"], options].concat()),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}
