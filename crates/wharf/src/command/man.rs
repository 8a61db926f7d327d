//! `wharf man`: the manual, made of the same definition as the commands.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, CommandFactory as _};

use super::Cli;

/// `wharf man`.
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The folder that gets `wharf.1`, `wharf-serve.1` and the others; it is made if it is missing.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

impl Man {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        write(&self.folder)
    }
}

fn write(folder: &Path) -> anyhow::Result<()> {
    let wrote = || format!("cannot write the manual to `{}`", folder.display());
    std::fs::create_dir_all(folder).with_context(wrote)?;
    // `help` is every command's own flag, not a command with a page.
    clap_mangen::generate_to(Cli::command().disable_help_subcommand(true), folder).with_context(wrote)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// The names of all pages that a command and those below it should have.
    fn pages(command: &clap::Command, name: &str) -> Vec<String> {
        let below = command.get_subcommands().filter(|below| !below.is_hide_set());
        let below = below.flat_map(|below| pages(below, &format!("{name}-{}", below.get_name())));
        std::iter::once(format!("{name}.1")).chain(below).collect()
    }

    #[test]
    fn every_verb_has_a_page_that_a_reader_can_show() {
        let folder = tempfile::tempdir().expect("a folder");
        write(&folder.path().join("man1")).expect("is written");
        let pages = pages(&Cli::command(), "wharf");
        assert!(pages.contains(&"wharf-image-diff.1".to_owned()));
        for page in pages {
            let file = folder.path().join("man1").join(&page);
            assert!(file.is_file(), "{page} is missing");
            let shown = Command::new("man").env("MANWIDTH", "80").args(["--warnings", "-l"]).arg(&file).output();
            match shown {
                Ok(output) => assert!(output.status.success() && output.stderr.is_empty(), "{page}: {output:?}"),
                Err(error) => eprintln!("skipped: no man: {error}"),
            }
        }
    }
}
