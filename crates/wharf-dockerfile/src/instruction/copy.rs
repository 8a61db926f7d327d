//! `COPY` and `ADD`: files into the image.

use super::Reading;
use crate::diagnostic::Diagnostic;
use crate::flag::Takes;
use crate::heredoc::{Heredoc, Opening};
use crate::span::Spanned;

/// `COPY [flags] source… destination`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// The stage, its number, a named context or an image to copy from, instead of the build context.
    pub from: Option<Spanned<String>>,
    /// The owner of what is copied.
    pub chown: Option<Spanned<String>>,
    /// The mode of what is copied, octal or symbolic.
    pub chmod: Option<Spanned<String>>,
    /// Whether the files become a layer that does not depend on those below.
    pub link: Option<Spanned<bool>>,
    /// Whether the folders above a source are kept.
    pub parents: Option<Spanned<bool>>,
    /// Patterns of what is left out.
    pub exclude: Vec<Spanned<String>>,
    /// What is copied; at least one.
    pub sources: Vec<Source>,
    /// Where to.
    pub destination: Spanned<String>,
    /// Whether sources and destination stand in a JSON array.
    pub json: bool,
}

/// `ADD [flags] source… destination`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Add {
    /// The owner of what is added.
    pub chown: Option<Spanned<String>>,
    /// The mode of what is added, octal or symbolic.
    pub chmod: Option<Spanned<String>>,
    /// The digest that a download must have, or the commit of a repository.
    pub checksum: Option<Spanned<String>>,
    /// Whether the files become a layer that does not depend on those below.
    pub link: Option<Spanned<bool>>,
    /// Whether a repository keeps its `.git`.
    pub keep_git_dir: Option<Spanned<bool>>,
    /// Whether archives are unpacked; without it, local ones are and downloads are not.
    pub unpack: Option<Spanned<bool>>,
    /// Patterns of what is left out.
    pub exclude: Vec<Spanned<String>>,
    /// What is added: paths, URLs, repositories; at least one.
    pub sources: Vec<Source>,
    /// Where to.
    pub destination: Spanned<String>,
    /// Whether sources and destination stand in a JSON array.
    pub json: bool,
}

/// What a `COPY` or `ADD` takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A path, a pattern or, for ADD, a URL.
    Path(Spanned<String>),
    /// A file that stands in the Dockerfile.
    Heredoc(Heredoc),
}

impl Copy {
    pub(super) fn read(mut reading: Reading<'_>) -> Result<Self, Diagnostic> {
        let flags = reading.flags(&[
            ("from", Takes::Value),
            ("chown", Takes::Value),
            ("chmod", Takes::Value),
            ("link", Takes::Switch),
            ("parents", Takes::Switch),
            ("exclude", Takes::Values),
        ]);
        let (sources, destination, json) = transfer(&mut reading)?;
        Ok(Self {
            from: flags.value("from"),
            chown: flags.value("chown"),
            chmod: flags.value("chmod"),
            link: flags.switch("link"),
            parents: flags.switch("parents"),
            exclude: flags.values("exclude"),
            sources,
            destination,
            json,
        })
    }
}

impl Add {
    pub(super) fn read(mut reading: Reading<'_>) -> Result<Self, Diagnostic> {
        let flags = reading.flags(&[
            ("chown", Takes::Value),
            ("chmod", Takes::Value),
            ("checksum", Takes::Value),
            ("link", Takes::Switch),
            ("keep-git-dir", Takes::Switch),
            ("unpack", Takes::Switch),
            ("exclude", Takes::Values),
        ]);
        let (sources, destination, json) = transfer(&mut reading)?;
        Ok(Self {
            chown: flags.value("chown"),
            chmod: flags.value("chmod"),
            checksum: flags.value("checksum"),
            link: flags.switch("link"),
            keep_git_dir: flags.switch("keep-git-dir"),
            unpack: flags.switch("unpack"),
            exclude: flags.values("exclude"),
            sources,
            destination,
            json,
        })
    }
}

/// Sources, destination, and whether they stand in a JSON array.
fn transfer(reading: &mut Reading<'_>) -> Result<(Vec<Source>, Spanned<String>, bool), Diagnostic> {
    let (mut words, json) = reading.list()?;
    let destination = words.pop().filter(|_| !words.is_empty());
    let Some(destination) = destination else { return Err(reading.wrong("needs a source and a destination")) };
    if json {
        return Ok((words.into_iter().map(Source::Path).collect(), destination, true));
    }
    if Opening::parse(&destination).is_some() {
        return Err(Diagnostic::error(destination.span, "a heredoc can't be a destination"));
    }
    let mut heredocs = std::mem::take(&mut reading.heredocs).into_iter();
    let sources = words.into_iter().map(|word| source(word, &mut heredocs)).collect::<Result<_, _>>()?;
    if let Some(unused) = heredocs.next() {
        let hint = format!("write `<<{}` without blanks", unused.opening.name);
        return Err(
            Diagnostic::error(unused.opening.span, "a heredoc is opened here, but is no source").hint(Some(hint))
        );
    }
    Ok((sources, destination, false))
}

/// The heredocs of a line come in the order of their words.
fn source(word: Spanned<String>, heredocs: &mut impl Iterator<Item = Heredoc>) -> Result<Source, Diagnostic> {
    let Some(opening) = Opening::parse(&word) else { return Ok(Source::Path(word)) };
    match heredocs.find(|heredoc| heredoc.opening.name == opening.name) {
        Some(heredoc) => Ok(Source::Heredoc(heredoc)),
        None => Err(Diagnostic::error(word.span, format!("heredoc `{}` has no lines", *word))),
    }
}
