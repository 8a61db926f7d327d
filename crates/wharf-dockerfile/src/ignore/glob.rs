//! One pattern of an ignore file: `*` and `?` within a name, `**` across folders, `[a-z]`, and `\` for the next character.
//!
//! Docker has short cuts for simple patterns, and some of them mean something else than the long way: `**.md` matches
//! whatever ends in `.md`, but `x/**.md` only files called `.md`. They are kept.

/// So long may a pattern be. Paths are not longer than 4096 bytes.
const LENGTH: usize = 8192;

/// A pattern, ready to match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Matcher {
    /// Nothing special: the path itself.
    Exact(String),
    /// `x**`: whatever begins so.
    Prefix(String),
    /// `**x`: whatever ends so; a `/` at its beginning matches the beginning of the path, too.
    Suffix(String),
    /// All others.
    Glob(Vec<Token>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// This character.
    Literal(char),
    /// One of these characters, or none of them.
    Class { ranges: Vec<(char, char)>, negated: bool },
    /// Any character but `/`.
    One,
    /// Any characters but `/`.
    Within,
    /// Any characters.
    Rest,
    /// Nothing, or any characters and a `/`.
    Folders,
    /// The characters of `Folders`; always stands behind it.
    FolderNames,
}

impl Matcher {
    /// Reads a cleaned pattern.
    pub(super) fn parse(pattern: &str) -> Result<Self, String> {
        if pattern.len() > LENGTH {
            return Err(format!("a pattern is not longer than {LENGTH} bytes"));
        }
        let tokens = tokens(pattern)?;
        let literal = |tokens: &[Token]| tokens.iter().all(|token| matches!(token, Token::Literal(_)));
        let escaped = pattern.contains(['\\', '[', ']']);
        Ok(match tokens.as_slice() {
            all if literal(all) && !escaped => Self::Exact(pattern.to_owned()),
            [Token::Rest] => Self::Suffix(String::new()),
            [Token::Folders, Token::FolderNames, rest @ ..]
                if literal(rest) && !escaped && !pattern[2..].contains('*') =>
            {
                Self::Suffix(pattern[2..].to_owned())
            }
            [start @ .., Token::Rest] if literal(start) && !escaped => {
                Self::Prefix(pattern[..pattern.len() - 2].to_owned())
            }
            _ => Self::Glob(tokens),
        })
    }

    /// Whether the pattern matches the whole path.
    pub(super) fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => path == exact,
            Self::Prefix(prefix) => path.starts_with(prefix.as_str()),
            Self::Suffix(suffix) => path.ends_with(suffix.as_str()) || suffix.strip_prefix('/') == Some(path),
            Self::Glob(tokens) => {
                let mut states = States::start(tokens);
                path.chars().all(|c| states.advance(c)) && states.is_at_end()
            }
        }
    }

    /// Whether the pattern may match something below the folder at `path`.
    pub(super) fn may_match_below(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => exact.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')),
            Self::Prefix(prefix) => {
                let below = format!("{path}/");
                prefix.starts_with(&below) || below.starts_with(prefix.as_str())
            }
            Self::Suffix(_) => true,
            Self::Glob(tokens) => {
                let mut states = States::start(tokens);
                path.chars().chain(['/']).all(|c| states.advance(c))
            }
        }
    }
}

fn tokens(pattern: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '*' if rest.as_str().starts_with('*') => {
                rest.next();
                let after = rest.as_str();
                rest = after.strip_prefix('/').unwrap_or(after).chars();
                if rest.as_str().is_empty() {
                    push(&mut tokens, Token::Rest);
                } else if tokens.last() != Some(&Token::FolderNames) {
                    tokens.extend([Token::Folders, Token::FolderNames]);
                }
            }
            '*' => push(&mut tokens, Token::Within),
            '?' => tokens.push(Token::One),
            '[' => {
                let (class, length) = class(rest.as_str())?;
                tokens.push(class);
                rest = rest.as_str()[length..].chars();
            }
            '\\' => tokens.push(Token::Literal(rest.next().ok_or("`\\` needs a character behind it")?)),
            literal => tokens.push(Token::Literal(literal)),
        }
    }
    Ok(tokens)
}

/// Two of a kind in a row say no more than one.
fn push(tokens: &mut Vec<Token>, token: Token) {
    if tokens.last() != Some(&token) {
        tokens.push(token);
    }
}

/// Reads what stands behind `[`; says how long it is, `]` included.
fn class(text: &str) -> Result<(Token, usize), String> {
    let mut rest = text.chars();
    let negated = text.starts_with('^');
    if negated {
        rest.next();
    }
    let mut ranges = Vec::new();
    loop {
        if rest.as_str().starts_with(']') && !ranges.is_empty() {
            rest.next();
            return Ok((Token::Class { ranges, negated }, text.len() - rest.as_str().len()));
        }
        let first = class_character(&mut rest)?;
        let mut last = first;
        if rest.as_str().starts_with('-') {
            rest.next();
            last = class_character(&mut rest)?;
        }
        if first > last {
            return Err(format!("`{first}-{last}` in `[…]` goes backwards"));
        }
        ranges.push((first, last));
    }
}

fn class_character(rest: &mut std::str::Chars<'_>) -> Result<char, String> {
    let character = match rest.next() {
        Some('-' | ']') | None => None,
        Some('\\') => rest.next(),
        other => other,
    };
    character.ok_or_else(|| "`[` without its `]`, or nothing in it".to_owned())
}

/// Where in a pattern one may be after some characters of a path.
struct States<'a> {
    tokens: &'a [Token],
    now: Vec<usize>,
    next: Vec<usize>,
    /// The step in which a place was last entered.
    entered: Vec<u32>,
    step: u32,
}

impl<'a> States<'a> {
    fn start(tokens: &'a [Token]) -> Self {
        let entered = vec![0; tokens.len() + 1];
        let mut states = Self { tokens, now: Vec::new(), next: Vec::new(), entered, step: 1 };
        states.enter(0);
        std::mem::swap(&mut states.now, &mut states.next);
        states
    }

    fn enter(&mut self, mut place: usize) {
        loop {
            if self.entered[place] == self.step {
                return;
            }
            self.entered[place] = self.step;
            self.next.push(place);
            match self.tokens.get(place) {
                Some(Token::Within | Token::Rest) => place += 1,
                Some(Token::Folders) => {
                    // Its names stand between it and what follows; they are entered, too.
                    if self.entered[place + 1] != self.step {
                        self.entered[place + 1] = self.step;
                        self.next.push(place + 1);
                    }
                    place += 2;
                }
                Some(Token::Literal(_) | Token::Class { .. } | Token::One | Token::FolderNames) | None => return,
            }
        }
    }

    /// Takes one character; whether the pattern may still match.
    fn advance(&mut self, c: char) -> bool {
        self.step += 1;
        self.next.clear();
        let now = std::mem::take(&mut self.now);
        for place in &now {
            self.take(*place, c);
        }
        self.now = std::mem::replace(&mut self.next, now);
        !self.now.is_empty()
    }

    fn take(&mut self, place: usize, c: char) {
        match self.tokens.get(place) {
            Some(Token::Literal(literal)) if *literal == c => self.enter(place + 1),
            Some(Token::Class { ranges, negated })
                if ranges.iter().any(|(first, last)| (*first..=*last).contains(&c)) != *negated =>
            {
                self.enter(place + 1);
            }
            Some(Token::One) if c != '/' => self.enter(place + 1),
            Some(Token::Within) if c != '/' => self.enter(place),
            Some(Token::Rest) => self.enter(place),
            Some(Token::FolderNames) => {
                self.enter(place);
                if c == '/' {
                    self.enter(place + 1);
                }
            }
            _ => {}
        }
    }

    fn is_at_end(&self) -> bool {
        self.now.contains(&self.tokens.len())
    }
}
