//! Compression of layers: found by the first bytes, compared with the media type, undone in this process.
//!
//! No program is called, and the memory for it is bounded: a zstd window has at most 128 MiB. Several gzip members and
//! several zstd frames are one stream, as for every runtime. What the bytes mean is not known here.

use std::fmt;
use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use crate::error::Error;
use crate::limits::Limits;

const PIECE_BYTES: usize = 128 * 1024;
/// 128 MiB: what `zstd` itself takes without `--long`.
const ZSTD_WINDOW_LOG: u32 = 27;
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
/// Docker's type for layers, which is used for every compression.
pub(crate) const ANY: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const ZSTD_MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// How an archive is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all.
    Plain,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

impl Compression {
    /// What the media type of a file system layer says; `None` where it is none.
    ///
    /// Docker's type says gzip and is used for every compression, by Docker too.
    pub fn of_media_type(media_type: &str) -> Option<Said> {
        let exact = |compression| Some(Said::Exactly(compression));
        let oci = ["application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.nondistributable.v1.tar"];
        match oci.iter().find_map(|prefix| media_type.strip_prefix(prefix)) {
            Some("") => return exact(Self::Plain),
            Some("+gzip") => return exact(Self::Gzip),
            Some("+zstd") => return exact(Self::Zstd),
            Some(_) | None => {}
        }
        let docker =
            ["application/vnd.docker.image.rootfs.diff.tar", "application/vnd.docker.image.rootfs.foreign.diff.tar"];
        match docker.iter().find_map(|prefix| media_type.strip_prefix(prefix)) {
            Some("" | ".gzip" | ".zstd") => Some(Said::Any),
            Some(_) | None => None,
        }
    }

    /// What the first bytes say. A name in a plain archive that begins like that is no name that anybody has.
    pub(crate) fn detect(first: &[u8]) -> Self {
        if first.starts_with(GZIP_MAGIC) {
            Self::Gzip
        } else if first.starts_with(ZSTD_MAGIC) {
            Self::Zstd
        } else {
            Self::Plain
        }
    }
}

/// Gives all bytes of an archive, compressed in any way or not at all, to `take`.
pub fn uncompressed(
    input: Box<dyn Read + '_>,
    limits: Limits,
    take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> Result<(), Error> {
    let mut decoder = Decoder::open(input, ANY, limits)?;
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let count = match decoder.read(&mut piece) {
            Ok(0) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(decoder.explain(source)),
            Ok(count) => count,
        };
        take(&piece[..count]).map_err(|source| Error::Take { source })?;
    }
}

/// What a media type says about compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It is this.
    Exactly(Compression),
    /// It may be any.
    Any,
}

/// Bytes counted as they are taken.
struct Counted<'a> {
    input: Box<dyn Read + 'a>,
    count: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.count += count as u64;
        Ok(count)
    }
}

type Compressed<'a> = BufReader<Counted<'a>>;

enum Inner<'a> {
    Plain(Compressed<'a>),
    Gzip(Box<MultiGzDecoder<Compressed<'a>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, Compressed<'a>>>),
}

/// Uncompressed bytes, as many as the limits allow.
pub(crate) struct Decoder<'a> {
    inner: Inner<'a>,
    limits: Limits,
    produced: u64,
    /// Why reading failed, where it was a limit: `io::Error` cannot say so.
    exceeded: Option<(&'static str, u64)>,
}

impl<'a> Decoder<'a> {
    /// Finds out the compression, and refuses another one than `media_type` says.
    pub(crate) fn open(mut input: Box<dyn Read + 'a>, media_type: &str, limits: Limits) -> Result<Self, Error> {
        let said = Compression::of_media_type(media_type)
            .ok_or_else(|| Error::MediaType { media_type: media_type.to_owned() })?;
        let failed = |source| Error::reading(Compression::Plain, source);
        let mut first = Vec::new();
        input.by_ref().take(ZSTD_MAGIC.len() as u64).read_to_end(&mut first).map_err(failed)?;
        let found = Compression::detect(&first);
        if let Said::Exactly(said) = said
            && said != found
        {
            return Err(Error::Compression { found, said, media_type: media_type.to_owned() });
        }
        let input = Counted { input: Box::new(io::Cursor::new(first).chain(input)), count: 0 };
        let input = BufReader::with_capacity(PIECE_BYTES, input);
        let inner = match found {
            Compression::Plain => Inner::Plain(input),
            Compression::Gzip => Inner::Gzip(Box::new(MultiGzDecoder::new(input))),
            Compression::Zstd => Inner::Zstd(Box::new(zstd_decoder(input)?)),
        };
        Ok(Self { inner, limits, produced: 0, exceeded: None })
    }

    pub(crate) fn compression(&self) -> Compression {
        match self.inner {
            Inner::Plain(_) => Compression::Plain,
            Inner::Gzip(_) => Compression::Gzip,
            Inner::Zstd(_) => Compression::Zstd,
        }
    }

    /// What an error of [`Read::read`] was about.
    pub(crate) fn explain(&self, source: io::Error) -> Error {
        if let Some((what, limit)) = self.exceeded {
            return Error::Limit { what, limit };
        }
        Error::reading(self.compression(), source)
    }

    fn consumed(&self) -> u64 {
        match &self.inner {
            Inner::Plain(input) => input.get_ref().count,
            Inner::Gzip(decoder) => decoder.get_ref().get_ref().count,
            Inner::Zstd(decoder) => decoder.get_ref().get_ref().count,
        }
    }

    fn excess(&self) -> Option<(&'static str, u64)> {
        let limits = &self.limits;
        if self.produced > limits.total_bytes {
            return Some(("bytes", limits.total_bytes));
        }
        let rated = self.produced > limits.unrated_bytes;
        let is_bomb = rated && self.produced > self.consumed().saturating_mul(limits.ratio);
        is_bomb.then_some(("times its compressed size", limits.ratio))
    }
}

fn zstd_decoder<'a>(input: Compressed<'a>) -> Result<zstd::stream::read::Decoder<'static, Compressed<'a>>, Error> {
    let failed = |source| Error::Read { compression: Compression::Zstd, source };
    let mut decoder = zstd::stream::read::Decoder::with_buffer(input).map_err(failed)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(failed)?;
    Ok(decoder)
}

impl Read for Decoder<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.inner {
            Inner::Plain(input) => input.read(buffer),
            Inner::Gzip(decoder) => decoder.read(buffer),
            Inner::Zstd(decoder) => decoder.read(buffer),
        }?;
        self.produced += count as u64;
        self.exceeded = self.excess();
        match self.exceeded {
            Some(_) => Err(io::ErrorKind::QuotaExceeded.into()),
            None => Ok(count),
        }
    }
}
