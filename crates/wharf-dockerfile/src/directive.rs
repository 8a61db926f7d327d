//! The parser directives at the head of a file: `# syntax=`, `# escape=`, `# check=`.

use crate::span::{Span, Spanned};

/// The character that continues lines and takes the meaning from the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Escape {
    /// `\`, unless the file says otherwise.
    #[default]
    Backslash,
    /// `` ` ``, so that paths of Windows can be written.
    Backtick,
}

impl Escape {
    /// The character itself.
    pub fn character(self) -> char {
        match self {
            Self::Backslash => '\\',
            Self::Backtick => '`',
        }
    }
}

/// One directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// Which one.
    pub name: DirectiveName,
    /// Its value, as written.
    pub value: Spanned<String>,
    /// The whole line.
    pub span: Span,
}

/// The directives that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectiveName {
    /// Which frontend reads the file.
    Syntax,
    /// The escape character.
    Escape,
    /// How the build checks are set.
    Check,
}

impl DirectiveName {
    /// The name in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::Escape => "escape",
            Self::Check => "check",
        }
    }
}

impl Directive {
    /// Reads `line`, which begins with `#` and stands at byte `start`. `None`: it is a comment.
    pub(crate) fn parse(line: &str, start: usize) -> Option<Self> {
        let comment = line.strip_prefix('#')?.trim_start();
        let (name, value) = comment.split_once('=')?;
        let name = match name.trim_end().to_ascii_lowercase().as_str() {
            "syntax" => DirectiveName::Syntax,
            "escape" => DirectiveName::Escape,
            "check" => DirectiveName::Check,
            _ => return None,
        };
        let value = value.trim();
        if value.is_empty() {
            return None;
        }
        let at = start + line.trim_end().len() - value.len();
        let value = Spanned::new(value.to_owned(), Span::new(at, at + value.len()));
        Some(Self { name, value, span: Span::new(start, start + line.len()) })
    }
}

/// Whether the frontend that a `# syntax=` names is one that the parser stands in for: docker's own, in any version and
/// with the labs features, from any registry. Others are programs of their own and can't be run here.
pub fn is_builtin_syntax(value: &str) -> bool {
    let image = value.split_whitespace().next().unwrap_or_default();
    let image = image.split('@').next().unwrap_or_default();
    let name_start = image.rfind('/').map_or(0, |slash| slash + 1);
    let name = image[name_start..].split(':').next().unwrap_or_default();
    let namespace = image[..name_start].trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    namespace == "docker" && matches!(name, "dockerfile" | "dockerfile-upstream")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_told_from_comments() {
        let cases = [
            ("# syntax=docker/dockerfile:1", Some((DirectiveName::Syntax, "docker/dockerfile:1"))),
            ("#EsCaPe = ` ", Some((DirectiveName::Escape, "`"))),
            ("# check=skip=A,B;error=true", Some((DirectiveName::Check, "skip=A,B;error=true"))),
            ("# syntax=", None),
            ("# syntax docker/dockerfile", None),
            ("# other=x", None),
            ("## syntax=x", None),
        ];
        for (line, expected) in cases {
            let parsed = Directive::parse(line, 0);
            assert_eq!(parsed.as_ref().map(|d| (d.name, d.value.as_str())), expected, "{line}");
        }
        assert_eq!(Directive::parse("#escape = ` ", 10).map(|d| d.value.span), Some(Span::new(20, 21)));
    }

    #[test]
    fn dockers_own_frontend_is_built_in() {
        for value in [
            "docker/dockerfile",
            "docker/dockerfile:1.20-labs",
            "docker.io/docker/dockerfile:1@sha256:0000",
            "registry.local:5000/mirror/docker/dockerfile:1",
            "docker/dockerfile-upstream:master",
        ] {
            assert!(is_builtin_syntax(value), "{value}");
        }
        for value in ["tonistiigi/dockerfile", "docker/dockerfile2", "dockerfile", "", "docker/nix:1"] {
            assert!(!is_builtin_syntax(value), "{value}");
        }
    }
}
