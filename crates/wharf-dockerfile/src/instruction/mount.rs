//! `RUN --mount`: the options as written, and the mount that they make once their variables are expanded.

use crate::diagnostic::Diagnostic;
use crate::nearest::question;
use crate::span::{Span, Spanned};

/// One `--mount` as written: its options, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountFlag {
    /// The options.
    pub options: Vec<MountOption>,
}

/// One option of a mount: `key=value` or `key`. Quotes are removed, variables are not expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountOption {
    /// The name, in lower case.
    pub key: Spanned<String>,
    /// The value.
    pub value: Option<Spanned<String>>,
}

/// A mount, ready to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mount {
    /// Files of the build context, a stage, a named context or an image.
    Bind {
        /// Where they are from; the build context, if nothing is said.
        from: Option<String>,
        /// The folder or file there.
        source: Option<String>,
        /// Where they are seen, relative to the WORKDIR; empty: the WORKDIR itself.
        target: String,
        /// Whether the command may write; what it writes is thrown away.
        writable: bool,
    },
    /// A folder that later builds find again.
    Cache {
        /// Its name; the target, if nothing is said.
        id: Option<String>,
        /// Where it is seen, relative to the WORKDIR; empty: the WORKDIR itself.
        target: String,
        /// What it begins with: a stage, a named context or an image.
        from: Option<String>,
        /// The folder there.
        source: Option<String>,
        /// What happens when two want it.
        sharing: Sharing,
        /// Owner and mode of a new one.
        access: Access,
        /// Whether the command may not write.
        read_only: bool,
    },
    /// A folder in memory.
    Tmpfs {
        /// Where it is seen, relative to the WORKDIR; empty: the WORKDIR itself.
        target: String,
        /// How many bytes it may take.
        size_bytes: Option<u64>,
    },
    /// A secret, as a file or as a variable.
    Secret {
        /// Its name.
        id: String,
        /// The file; `None` when it is a variable only.
        target: Option<String>,
        /// The variable.
        env: Option<String>,
        /// Whether the build fails without it.
        required: bool,
        /// Owner and mode of the file.
        access: Access,
    },
    /// The socket of an SSH agent.
    Ssh {
        /// Which agent.
        id: String,
        /// Where its socket is seen.
        target: Option<String>,
        /// Whether the build fails without it.
        required: bool,
        /// Owner and mode of the socket.
        access: Access,
    },
}

/// What happens when two commands want the same cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharing {
    /// Both use it at once.
    #[default]
    Shared,
    /// The second gets another one.
    Private,
    /// The second waits.
    Locked,
}

/// Owner and mode, where the flag says something of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Access {
    /// The mode.
    pub mode: Option<u32>,
    /// The user.
    pub uid: Option<u32>,
    /// The group.
    pub gid: Option<u32>,
}

const KEYS: [&str; 19] = [
    "type",
    "from",
    "source",
    "src",
    "target",
    "dst",
    "destination",
    "readonly",
    "ro",
    "readwrite",
    "rw",
    "id",
    "sharing",
    "required",
    "mode",
    "uid",
    "gid",
    "size",
    "env",
];

const TYPES: [&str; 5] = ["bind", "cache", "tmpfs", "secret", "ssh"];

/// Reads the value of a `--mount`. What can be judged before variables are expanded is judged.
pub(super) fn read(value: &Spanned<String>, diagnostics: &mut Vec<Diagnostic>) -> Spanned<MountFlag> {
    let options = fields(value).into_iter().map(|field| option(&field)).collect();
    let flag = value.with(MountFlag { options });
    let unknown = flag.options.iter().find(|option| !KEYS.contains(&option.key.as_str()));
    if let Some(option) = unknown {
        let message = format!("unknown option `{}` of `--mount`", *option.key);
        diagnostics.push(Diagnostic::error(option.key.span, message).hint(question(&option.key, KEYS)));
    } else if !flag.options.iter().any(MountOption::has_variable) {
        diagnostics.extend(flag.mount(&|_, value| Ok(value.to_owned())).err());
    }
    flag
}

/// Splits at commas as CSV does: a field that begins with `"` ends with it, and may hold commas.
fn fields(value: &Spanned<String>) -> Vec<Spanned<String>> {
    let mut fields = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut start = 0;
    let mut characters = value.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' if quoted && characters.next_if(|(_, next)| *next == '"').is_some() => field.push('"'),
            '"' if quoted => quoted = false,
            '"' if field.is_empty() && at == start => quoted = true,
            ',' if !quoted => {
                fields.push(Spanned::new(std::mem::take(&mut field), part(value, start, at)));
                start = at + 1;
            }
            c => field.push(c),
        }
    }
    fields.push(Spanned::new(field, part(value, start, value.len())));
    fields
}

/// The place of a part of a flag's value. It is exact unless the value has quotes or line ends in it.
fn part(value: &Spanned<String>, start: usize, end: usize) -> Span {
    let clamp = |at: usize| (value.span.start + at).min(value.span.end);
    Span::new(clamp(start), clamp(end))
}

fn option(field: &Spanned<String>) -> MountOption {
    let (key, value) = match field.split_once('=') {
        Some((key, value)) => {
            let span = part(field, key.len() + 1, field.len());
            (key, Some(Spanned::new(value.to_owned(), span)))
        }
        None => (field.as_str(), None),
    };
    MountOption { key: Spanned::new(key.to_ascii_lowercase(), part(field, 0, key.len())), value }
}

impl MountOption {
    fn has_variable(&self) -> bool {
        self.value.as_ref().is_some_and(|value| value.contains('$'))
    }
}

/// Makes values of words: gets a word and its place.
pub(crate) type Expander<'a> = dyn Fn(Span, &str) -> Result<String, Diagnostic> + 'a;

#[derive(Default)]
struct Draft {
    kind: Option<String>,
    from: Option<String>,
    source: Option<String>,
    target: Option<String>,
    id: Option<String>,
    env: Option<String>,
    sharing: Option<Sharing>,
    required: Option<bool>,
    read_only: Option<bool>,
    size_bytes: Option<u64>,
    access: Access,
}

impl Spanned<MountFlag> {
    /// The mount that the flag asks for, once `expand` has made values of its words.
    pub(crate) fn mount(&self, expand: &Expander<'_>) -> Result<Mount, Diagnostic> {
        let mut draft = Draft::default();
        for option in &self.options {
            let value = match &option.value {
                Some(value) => Some(value.with(expand(value.span, value)?)),
                None => None,
            };
            draft.set(&option.key, value.as_ref())?;
        }
        draft.finish().map_err(|message| Diagnostic::error(self.span, message))
    }
}

impl Draft {
    fn set(&mut self, key: &Spanned<String>, value: Option<&Spanned<String>>) -> Result<(), Diagnostic> {
        match (key.as_str(), value) {
            ("readonly" | "ro", value) => self.read_only = Some(switch(key, value)?),
            ("readwrite" | "rw", value) => self.read_only = Some(!switch(key, value)?),
            ("required", value) => self.required = Some(switch(key, value)?),
            (name, None) => return Err(Diagnostic::error(key.span, format!("option `{name}` needs a value"))),
            ("type", Some(value)) => self.kind = Some(kind(value)?),
            ("from", Some(value)) => self.from = Some(value.value.clone()),
            ("source" | "src", Some(value)) => self.source = Some(value.value.clone()),
            ("target" | "dst" | "destination", Some(value)) => self.target = Some(value.value.clone()),
            ("id", Some(value)) => self.id = Some(value.value.clone()),
            ("env", Some(value)) => self.env = Some(value.value.clone()),
            ("sharing", Some(value)) => self.sharing = Some(sharing(value)?),
            ("mode", Some(value)) => self.access.mode = Some(number(key, value, 8)?),
            ("uid", Some(value)) => self.access.uid = Some(number(key, value, 10)?),
            ("gid", Some(value)) => self.access.gid = Some(number(key, value, 10)?),
            ("size", Some(value)) => self.size_bytes = Some(size(value)?),
            (name, Some(_)) => {
                let message = format!("unknown option `{name}` of `--mount`");
                return Err(Diagnostic::error(key.span, message).hint(question(name, KEYS)));
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Mount, String> {
        let kind = self.kind.clone().unwrap_or_else(|| "bind".to_owned());
        self.object(&kind)?;
        let target = self.target.clone().filter(|target| !target.is_empty());
        let place = target.clone().unwrap_or_default();
        Ok(match kind.as_str() {
            "cache" => Mount::Cache {
                id: self.id.clone(),
                target: place,
                from: self.from.clone(),
                source: self.source.clone(),
                sharing: self.sharing.unwrap_or_default(),
                access: self.access,
                read_only: self.read_only.unwrap_or(false),
            },
            "tmpfs" => Mount::Tmpfs { target: place, size_bytes: self.size_bytes },
            "secret" => self.secret(target)?,
            "ssh" => Mount::Ssh {
                id: self.id.or(self.source).unwrap_or_else(|| "default".to_owned()),
                target,
                required: self.required.unwrap_or(false),
                access: self.access,
            },
            _ => Mount::Bind {
                from: self.from.clone(),
                source: self.source.clone(),
                target: place,
                writable: self.read_only == Some(false),
            },
        })
    }

    fn secret(self, target: Option<String>) -> Result<Mount, String> {
        if self.id.is_some() && self.source.is_some() {
            return Err("a mount of type `secret` takes `id` or `source`, not both".to_owned());
        }
        let basename = || target.as_deref().and_then(|target| target.rsplit('/').next()).map(str::to_owned);
        let id = self.id.or(self.source).or_else(basename).filter(|id| !id.is_empty());
        let Some(id) = id else { return Err("a mount of type `secret` needs an `id` or a `target`".to_owned()) };
        let target = target.or_else(|| self.env.is_none().then(|| format!("/run/secrets/{id}")));
        let required = self.required.unwrap_or(false);
        Ok(Mount::Secret { id, target, env: self.env, required, access: self.access })
    }

    /// Which options the type of mount does not have.
    fn object(&self, kind: &str) -> Result<(), String> {
        let access = self.access != Access::default();
        let foreign = [
            ("mode`, `uid` or `gid", access && !matches!(kind, "cache" | "secret" | "ssh")),
            ("sharing", self.sharing.is_some() && kind != "cache"),
            ("size", self.size_bytes.is_some() && kind != "tmpfs"),
            ("required", self.required.is_some() && !matches!(kind, "secret" | "ssh")),
            ("env", self.env.is_some() && kind != "secret"),
            ("from", self.from.is_some() && matches!(kind, "secret" | "ssh" | "tmpfs")),
        ];
        match foreign.iter().find(|(_, is_foreign)| *is_foreign) {
            Some((option, _)) => Err(format!("a mount of type `{kind}` has no option `{option}`")),
            None => Ok(()),
        }
    }
}

fn switch(key: &Spanned<String>, value: Option<&Spanned<String>>) -> Result<bool, Diagnostic> {
    let Some(value) = value else { return Ok(true) };
    // What Go's ParseBool takes.
    match value.as_str() {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        other => Err(Diagnostic::error(value.span, format!("`{}={other}`: it is `true` or `false`", **key))),
    }
}

fn kind(value: &Spanned<String>) -> Result<String, Diagnostic> {
    let kind = value.to_ascii_lowercase();
    if TYPES.contains(&kind.as_str()) {
        return Ok(kind);
    }
    let message = format!("`{}` is no type of mount; there are {}", **value, TYPES.join(", "));
    Err(Diagnostic::error(value.span, message).hint(question(value, TYPES)))
}

fn sharing(value: &Spanned<String>) -> Result<Sharing, Diagnostic> {
    match value.to_ascii_lowercase().as_str() {
        "shared" => Ok(Sharing::Shared),
        "private" => Ok(Sharing::Private),
        "locked" => Ok(Sharing::Locked),
        other => {
            let known = ["shared", "private", "locked"];
            let message = format!("`sharing={other}`: there are {}", known.join(", "));
            Err(Diagnostic::error(value.span, message).hint(question(other, known)))
        }
    }
}

fn number(key: &Spanned<String>, value: &Spanned<String>, radix: u32) -> Result<u32, Diagnostic> {
    let digits = value.chars().all(|c| c.is_digit(radix));
    u32::from_str_radix(value, radix).ok().filter(|_| digits).ok_or_else(|| {
        let kind = if radix == 8 { "an octal number" } else { "a number" };
        Diagnostic::error(value.span, format!("`{}={}`: it is {kind}", **key, **value))
    })
}

/// `64m`, `1.5GiB`, `1024`: units count by 1024.
fn size(value: &Spanned<String>) -> Result<u64, Diagnostic> {
    let wrong = || Diagnostic::error(value.span, format!("`size={}`: it is a number of bytes, like `64m`", **value));
    let text = value.trim().to_ascii_lowercase();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..digits].parse().map_err(|_| wrong())?;
    let unit = text[digits..].trim_start();
    let letter = unit.strip_suffix("ib").or_else(|| unit.strip_suffix('b')).unwrap_or(unit);
    let power = ["", "k", "m", "g", "t", "p"].iter().position(|known| *known == letter).ok_or_else(wrong)?;
    let bytes = (0..power).fold(number, |bytes, _| bytes * 1024.0);
    // The largest integer up to which every one is exact in a float.
    if !(0.0..=9_007_199_254_740_992.0).contains(&bytes) {
        return Err(wrong());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was just checked")]
    Ok(bytes as u64)
}
