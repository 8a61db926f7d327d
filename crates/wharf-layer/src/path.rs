//! Paths of entries, below the root of a layer.

use std::fmt;
use std::str::FromStr;

use crate::fault::Fault;
use crate::limits::{MAX_COMPONENT_BYTES, MAX_PATH_BYTES};

/// A path below the root: components joined by `/`, none of them empty, `.` or `..`. The root itself is empty. The bytes
/// need not be UTF-8.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryPath(Box<[u8]>);

impl EntryPath {
    /// Reads a path as it stands in an archive: `./a//b/` is `a/b`.
    pub fn parse(raw: &[u8]) -> Result<Self, Fault> {
        if raw.contains(&0) {
            return Err(Fault::NulInPath);
        }
        if raw.starts_with(b"/") {
            return Err(Fault::AbsolutePath);
        }
        if raw.len() > MAX_PATH_BYTES {
            return Err(Fault::LongPath);
        }
        let mut path = Vec::with_capacity(raw.len());
        for component in raw.split(|byte| *byte == b'/') {
            match component {
                b"" | b"." => continue,
                b".." => return Err(Fault::ParentPath),
                long if long.len() > MAX_COMPONENT_BYTES => return Err(Fault::LongPath),
                _ => {}
            }
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(component);
        }
        Ok(Self(path.into()))
    }

    /// The root.
    pub fn root() -> Self {
        Self(Box::default())
    }

    /// The path's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether it is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The names on the way; none for the root.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|byte| *byte == b'/').filter(|component| !component.is_empty())
    }

    /// The folder it is in, and its name there; `None` for the root.
    pub fn split(&self) -> Option<(Self, &[u8])> {
        let slash = self.0.iter().rposition(|byte| *byte == b'/');
        let (parent, name) = match slash {
            _ if self.is_root() => return None,
            Some(slash) => (&self.0[..slash], &self.0[slash + 1..]),
            None => (&self.0[..0], &self.0[..]),
        };
        Some((Self(parent.into()), name))
    }

    /// The path of `name` in this folder.
    pub fn join(&self, name: &[u8]) -> Self {
        let mut path = self.0.to_vec();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(name);
        Self(path.into())
    }
}

impl FromStr for EntryPath {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        Self::parse(text.as_bytes())
    }
}

impl fmt::Display for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(&self.0, f)
    }
}

impl fmt::Debug for EntryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

/// Bytes as text: what is no UTF-8 and what moves a cursor is escaped, and so is the backslash, so that no two names look
/// alike.
pub(crate) fn show(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => f.write_str("\\\\")?,
                control if control.is_control() => write!(f, "{}", control.escape_default())?,
                plain => write!(f, "{plain}")?,
            }
        }
        for byte in chunk.invalid() {
            write!(f, "\\x{byte:02x}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_made_plain_and_stay_below_the_root() {
        let name = [b'a'; MAX_COMPONENT_BYTES + 1];
        let long = [b'a', b'/'].repeat(MAX_PATH_BYTES / 2);
        for (raw, path) in [
            (&b""[..], Ok("")),
            (b".", Ok("")),
            (b"./", Ok("")),
            (b"a", Ok("a")),
            (b"./a//b/./c/", Ok("a/b/c")),
            (b"..a/b..", Ok("..a/b..")),
            (b"a\\b\n", Ok("a\\\\b\\n")),
            (b"\xffz\xe4", Ok("\\xffz\\xe4")),
            (b"/", Err(Fault::AbsolutePath)),
            (b"/a", Err(Fault::AbsolutePath)),
            (b"..", Err(Fault::ParentPath)),
            (b"a/../b", Err(Fault::ParentPath)),
            (b"a/..", Err(Fault::ParentPath)),
            (b"a\0b", Err(Fault::NulInPath)),
            (&name, Err(Fault::LongPath)),
            (&[&long[..], b"a"].concat(), Err(Fault::LongPath)),
        ] {
            assert_eq!(EntryPath::parse(raw).map(|path| path.to_string()), path.map(str::to_owned), "{raw:?}");
        }
        assert!(EntryPath::parse(&name[1..]).is_ok() && EntryPath::parse(&long).is_ok());
    }

    #[test]
    fn a_path_is_its_folder_and_its_name() {
        let path = EntryPath::parse(b"a/b/c").expect("a path");
        let (parent, name) = path.split().expect("not the root");
        assert_eq!((parent.to_string().as_str(), name), ("a/b", &b"c"[..]));
        assert_eq!(parent.join(name), path);
        let top = EntryPath::parse(b"a").expect("a path");
        let (root, name) = top.split().expect("not the root");
        assert!(root.is_root() && root.split().is_none() && root.join(name) == top);
        assert_eq!(path.components().count(), 3);
        assert_eq!(root.components().count(), 0);
    }
}
