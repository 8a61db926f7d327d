//! What is wrong with an archive.

use crate::limits::{MAX_COMPONENT_BYTES, MAX_EXTENSION_BYTES, MAX_PATH_BYTES, MAX_XATTR_BYTES};

/// Why an archive is refused: it is broken, it reaches for what is outside, or two readers could see different things
/// in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It ends before it should.
    #[error("the archive ends in the middle")]
    Truncated,
    /// There is no end mark of two blocks of zeros, or something stands in or behind it.
    #[error("the archive does not end with two blocks of zeros and nothing behind them")]
    End,
    /// A header's sum is not the one that stands in it.
    #[error("a header's checksum is wrong")]
    Checksum,
    /// A header is of no known format, or of one that its own fields contradict.
    #[error("a header is neither plain, ustar nor GNU")]
    Format,
    /// A field is no number, or one that does not fit.
    #[error("`{0}` is not a number that fits")]
    Number(&'static str),
    /// A type of entry that runtimes do not know, or read differently.
    #[error("entries of type `{}` are not taken", char::from(*.0).escape_default())]
    Type(u8),
    /// An entry without content says that it has some.
    #[error("an entry that has no content has a size")]
    UnexpectedSize,
    /// A regular file whose name is a folder's.
    #[error("a file's name ends with `/`")]
    FileNamedAsFolder,
    /// A path begins with `/`.
    #[error("a path is absolute")]
    AbsolutePath,
    /// A path goes up.
    #[error("a path has a `..`")]
    ParentPath,
    /// A path has a NUL.
    #[error("a path has a NUL byte")]
    NulInPath,
    /// A path or a part of it is too long.
    #[error("a path has more than {MAX_PATH_BYTES} bytes, or a part of it more than {MAX_COMPONENT_BYTES}")]
    LongPath,
    /// A link has no target, or something that is not a folder has no name.
    #[error("a name is empty")]
    EmptyName,
    /// A hard link to itself or to the root.
    #[error("a hard link leads to itself or to the root")]
    LinkToItself,
    /// A character device with the numbers 0 and 0, which means deletion on overlay file systems.
    #[error("a device is a deletion mark of overlay file systems")]
    OverlayWhiteout,
    /// An extended attribute that overlay file systems keep for themselves.
    #[error("an extended attribute belongs to overlay file systems")]
    OverlayXattr,
    /// A whiteout that is not an empty file, hides nothing that can be, or stands in the middle of a path.
    #[error("a name that begins with `.wh.` is no whiteout")]
    Whiteout,
    /// An extension is larger than it may be.
    #[error("an extension header has more than {MAX_EXTENSION_BYTES} bytes")]
    LargeExtension,
    /// Extended attributes are larger than they may be.
    #[error("extended attributes of an entry have more than {MAX_XATTR_BYTES} bytes")]
    LargeXattrs,
    /// An extension that no entry follows, that comes twice, or that is mixed with one of another format.
    #[error("extension headers do not belong to one entry")]
    Extensions,
    /// A long name of GNU's is empty or has a NUL in the middle.
    #[error("a long name is malformed")]
    LongName,
    /// PAX records are malformed.
    #[error("a PAX record is malformed")]
    PaxRecord,
    /// A PAX record stands twice, or is empty where it matters.
    #[error("a PAX record stands twice or is empty")]
    PaxAmbiguous,
    /// A global PAX header says something that half of the readers apply.
    #[error("a global PAX header changes entries")]
    PaxGlobal,
    /// A sparse file: stored in five ways, none of which every reader knows.
    #[error("sparse files are not taken")]
    Sparse,
    /// A header and its PAX record state different sizes.
    #[error("a header and its PAX record state different sizes")]
    SizeMismatch,
}
