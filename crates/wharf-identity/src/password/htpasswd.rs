//! Reads htpasswd files: what other registries and web servers keep their users in.
//!
//! Only bcrypt entries (`htpasswd -B`) are taken. What `-m`, `-s`, `-d` and `-p` write is as good as no hash, and is
//! refused with the number of its line.

use std::collections::HashMap;
use std::fmt;

use super::PasswordHash;
use crate::name::{AccountNameError, UserName};

/// The largest file.
pub(crate) const MAX_HTPASSWD_BYTES: usize = 1024 * 1024;
/// The highest bcrypt cost that is taken: each step doubles the time of a log-in, and 13 is about half a second.
pub(crate) const MAX_BCRYPT_COST: u32 = 13;

const MIN_BCRYPT_COST: u32 = 4;
const BCRYPT_BYTES: usize = 60;

/// One line that cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HtpasswdError {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: HtpasswdReason,
}

impl fmt::Display for HtpasswdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HtpasswdReason {
    /// No `:`.
    #[error("an entry reads `name:hash`")]
    NoColon,
    /// The name is none.
    #[error("{0}")]
    Name(AccountNameError),
    /// The name stood on an earlier line.
    #[error("the name stands on line {0} already")]
    Duplicate(usize),
    /// `{SHA}`.
    #[error("the hash is unsalted SHA-1; make a new one with `htpasswd -B`")]
    Sha1,
    /// `$apr1$` or `$1$`.
    #[error("the hash is MD5 (apr1); make a new one with `htpasswd -B`")]
    Md5,
    /// `crypt()`, plain text or anything else.
    #[error("the hash is not bcrypt; make one with `htpasswd -B`")]
    NotBcrypt,
    /// `$2…` and broken.
    #[error("the bcrypt hash is malformed")]
    Malformed,
    /// Would take too long.
    #[error("bcrypt cost {0} is not between 4 and {MAX_BCRYPT_COST}")]
    Cost(u32),
}

/// Reads a whole file; every line that cannot be imported is reported.
pub(crate) fn parse(text: &str) -> Result<Vec<(UserName, PasswordHash)>, Vec<HtpasswdError>> {
    let (mut entries, mut errors, mut lines) = (Vec::new(), Vec::new(), HashMap::new());
    for (index, text) in text.lines().enumerate() {
        let (line, text) = (index + 1, text.trim());
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let entry = parse_line(text).and_then(|entry| match lines.insert(entry.0.clone(), line) {
            Some(earlier) => Err(HtpasswdReason::Duplicate(earlier)),
            None => Ok(entry),
        });
        match entry {
            Ok(entry) => entries.push(entry),
            Err(reason) => errors.push(HtpasswdError { line, reason }),
        }
    }
    if errors.is_empty() { Ok(entries) } else { Err(errors) }
}

fn parse_line(text: &str) -> Result<(UserName, PasswordHash), HtpasswdReason> {
    let (name, hash) = text.split_once(':').ok_or(HtpasswdReason::NoColon)?;
    let name: UserName = name.parse().map_err(HtpasswdReason::Name)?;
    Ok((name, parse_hash(hash)?))
}

fn parse_hash(hash: &str) -> Result<PasswordHash, HtpasswdReason> {
    if hash.starts_with("{SHA}") {
        return Err(HtpasswdReason::Sha1);
    }
    if hash.starts_with("$apr1$") || hash.starts_with("$1$") {
        return Err(HtpasswdReason::Md5);
    }
    let rest = ["$2y$", "$2b$", "$2a$"].iter().find_map(|prefix| hash.strip_prefix(prefix));
    let rest = rest.ok_or(HtpasswdReason::NotBcrypt)?;
    let (cost, digest) = rest.split_once('$').ok_or(HtpasswdReason::Malformed)?;
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'/';
    if hash.len() != BCRYPT_BYTES || cost.len() != 2 || !digest.bytes().all(is_digit) {
        return Err(HtpasswdReason::Malformed);
    }
    let cost: u32 = cost.parse().map_err(|_| HtpasswdReason::Malformed)?;
    if !(MIN_BCRYPT_COST..=MAX_BCRYPT_COST).contains(&cost) {
        return Err(HtpasswdReason::Cost(cost));
    }
    Ok(PasswordHash(hash.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "$2y$05$01234567890123456789012345678901234567890123456789012";

    fn reason(line: &str) -> HtpasswdReason {
        parse(line).expect_err("refused").remove(0).reason
    }

    #[test]
    fn bcrypt_entries_are_taken_between_comments_and_empty_lines() {
        let text = format!("# users\r\n\r\nAlice:{GOOD}\r\n bob:{} \n", GOOD.replace("$2y$", "$2b$"));
        let names: Vec<_> = parse(&text).expect("reads").into_iter().map(|(name, _)| name.to_string()).collect();
        assert_eq!(names, ["alice", "bob"]);
    }

    #[test]
    fn other_hashes_are_refused_by_what_they_are() {
        let table = [
            ("a:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", HtpasswdReason::Sha1),
            ("a:$apr1$tNrWuuVg$ZtGRWzLc9xGHzVDgBRgFH1", HtpasswdReason::Md5),
            ("a:rqXexS6ZhobKA", HtpasswdReason::NotBcrypt),
            ("a:password", HtpasswdReason::NotBcrypt),
            ("a:", HtpasswdReason::NotBcrypt),
            ("a:$2x$05$01234567890123456789012345678901234567890123456789012", HtpasswdReason::NotBcrypt),
            ("a:$2y$05$short", HtpasswdReason::Malformed),
            ("a:$2y$05$0123456789012345678901234567890123456789012345678901:", HtpasswdReason::Malformed),
            ("a:$2y$31$01234567890123456789012345678901234567890123456789012", HtpasswdReason::Cost(31)),
            ("alice", HtpasswdReason::NoColon),
            ("a+b:x", HtpasswdReason::Name(AccountNameError::Malformed)),
        ];
        for (line, wanted) in table {
            assert_eq!(reason(line), wanted, "{line}");
        }
    }

    #[test]
    fn every_bad_line_is_told_by_its_number() {
        let text = format!("a:{GOOD}\nnothing\nA:{GOOD}\n");
        let lines: Vec<_> = parse(&text).expect_err("refused").iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["line 2: an entry reads `name:hash`", "line 3: the name stands on line 1 already"]);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a:$2y{}SHA\\n0-9.]{0,200}|.{0,100}") {
            let lines = parse(&text).map_or_else(|errors| errors.len(), |entries| entries.len());
            prop_assert!(lines <= text.lines().count());
        }
    }
}
