//! `FROM`: where a stage begins, and on what.

use super::Reading;
use crate::diagnostic::Diagnostic;
use crate::flag::Takes;
use crate::span::Spanned;
use crate::word::plain;

/// `FROM [--platform=…] image [AS name]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct From {
    /// The platform of the base.
    pub platform: Option<Spanned<String>>,
    /// The base: an image's name, an earlier stage or `scratch`.
    pub image: Spanned<String>,
    /// `AS` as written, and the stage's name as written. Names are compared without regard to case.
    pub alias: Option<(Spanned<String>, Spanned<String>)>,
}

impl From {
    pub(super) fn read(mut reading: Reading<'_>) -> Result<Self, Diagnostic> {
        let flags = reading.flags(&[("platform", Takes::Value)]);
        let mut words = plain(&reading.arguments).into_iter();
        let (image, alias) = match (words.next(), words.next(), words.next(), words.next()) {
            (Some(image), None, ..) => (image, None),
            (Some(image), Some(keyword), Some(name), None) if keyword.eq_ignore_ascii_case("as") => {
                (image, Some((keyword, name)))
            }
            _ => return Err(reading.wrong("takes one image, and a name for the stage: `FROM IMAGE [AS NAME]`")),
        };
        if let Some((_, name)) = alias.as_ref().filter(|(_, name)| !is_stage_name(name)) {
            let message = format!("`{}` can't name a stage", **name);
            let hint = "a name begins with a letter and has letters, digits, `-`, `_` and `.`".to_owned();
            return Err(Diagnostic::error(name.span, message).hint(Some(hint)));
        }
        Ok(Self { platform: flags.value("platform"), image, alias })
    }

    /// The stage's name as written.
    pub fn name(&self) -> Option<&Spanned<String>> {
        self.alias.as_ref().map(|(_, name)| name)
    }
}

fn is_stage_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}
