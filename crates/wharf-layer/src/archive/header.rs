//! Headers: one block of 512 bytes, in the plain (V7), the ustar or GNU's format.
//!
//! The `tar` crate knows where the fields lie; what may stand in them is decided here.

use tar::{Header, UstarHeader};

use super::number;
use crate::fault::Fault;

pub(crate) const BLOCK_BYTES: usize = 512;

/// A block.
pub(crate) type Block = [u8; BLOCK_BYTES];

const CHECKSUM: std::ops::Range<usize> = 148..156;
/// Where a plain header ends, and where GNU's fields begin that only incremental and sparse archives use.
const PLAIN_END: usize = 257;
const GNU_END: usize = 345;

/// What a header says, before extensions.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Raw {
    pub(crate) type_flag: u8,
    pub(crate) path: Vec<u8>,
    pub(crate) link: Vec<u8>,
    pub(crate) size: u64,
    pub(crate) mode: u64,
    pub(crate) uid: u64,
    pub(crate) gid: u64,
    pub(crate) mtime: i64,
    pub(crate) device: (u64, u64),
}

impl Raw {
    /// Reads a block that is not all zeros.
    pub(crate) fn parse(block: &Block) -> Result<Self, Fault> {
        if number::parse(&block[CHECKSUM]) != Some(checksum(block)) {
            return Err(Fault::Checksum);
        }
        let header = Header::from_byte_slice(block);
        let old = header.as_old();
        let optional = |name, field: &[u8]| number::parse_optional(field).ok_or(Fault::Number(name));
        let (prefix, device) = match header.as_ustar() {
            Some(ustar) => (text(&ustar.prefix), device(ustar)?),
            None => (&[][..], gnu_or_plain_device(header, block)?),
        };
        Ok(Self {
            type_flag: old.linkflag[0],
            path: joined(prefix, text(&old.name)),
            link: text(&old.linkname).to_vec(),
            size: number::parse(&old.size).ok_or(Fault::Number("size"))?,
            mode: optional("mode", &old.mode)?,
            uid: optional("uid", &old.uid)?,
            gid: optional("gid", &old.gid)?,
            mtime: time(&old.mtime)?,
            device,
        })
    }
}

/// A time. Before 1970 it is a negative binary number.
fn time(field: &[u8; 12]) -> Result<i64, Fault> {
    if field[0] == 0xff {
        let low = field.last_chunk().expect("twelve bytes are at least eight");
        return Ok(i64::from_be_bytes(*low));
    }
    let seconds = number::parse_optional(field).ok_or(Fault::Number("mtime"))?;
    i64::try_from(seconds).map_err(|_| Fault::Number("mtime"))
}

/// The sum of a header's bytes, with spaces for the sum itself.
fn checksum(block: &Block) -> u64 {
    let counted = |(at, byte): (usize, &u8)| if CHECKSUM.contains(&at) { u64::from(b' ') } else { u64::from(*byte) };
    block.iter().enumerate().map(counted).sum()
}

fn device(ustar: &UstarHeader) -> Result<(u64, u64), Fault> {
    // Some writers leave rubbish behind the prefix; star's format has its own magic there, and a shorter prefix.
    if ustar.pad.iter().any(|byte| *byte != 0) {
        return Err(Fault::Format);
    }
    devices(&ustar.dev_major, &ustar.dev_minor)
}

/// GNU's format has times and a map of holes where ustar has the prefix: readers that mix them up see another name.
fn gnu_or_plain_device(header: &Header, block: &Block) -> Result<(u64, u64), Fault> {
    let (rest, device) = match header.as_gnu() {
        Some(gnu) => (&block[GNU_END..], devices(&gnu.dev_major, &gnu.dev_minor)?),
        None => (&block[PLAIN_END..], (0, 0)),
    };
    if rest.iter().any(|byte| *byte != 0) { Err(Fault::Format) } else { Ok(device) }
}

fn devices(major: &[u8], minor: &[u8]) -> Result<(u64, u64), Fault> {
    let number = |field| number::parse_optional(field).ok_or(Fault::Number("device"));
    Ok((number(major)?, number(minor)?))
}

/// A field's text, which ends before the first NUL.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn joined(prefix: &[u8], name: &[u8]) -> Vec<u8> {
    if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
}
