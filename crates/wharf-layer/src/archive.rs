//! Tar archives, read strictly: what is accepted here, every reader reads alike.
//!
//! The formats differ, and so do readers where a header is odd; a scanner that sees another tree than the runtime is
//! blind. So this reader takes what tar writers write (GNU tar, libarchive, Go, Python) and refuses the rest with a
//! [`Fault`] instead of guessing. It looks at one header at a time and never holds a file's content. What whiteouts mean
//! is not known here: see [`crate::layer`].
//! Spec: POSIX.1-2024, pax, "ustar Interchange Format" and "pax Extended Header"; GNU tar manual, "Basic Tar Format".

mod accept;
mod header;
mod number;
mod pax;

use std::io::{self, BufRead, BufReader, Read as _};

use self::accept::Extensions;
use self::header::Raw;
pub(crate) use self::header::{BLOCK_BYTES, Block};
use crate::compression::Decoder;
use crate::entry::Entry;
use crate::error::Error;
use crate::fault::Fault;
use crate::limits::{Limits, MAX_EXTENSION_BYTES};

/// Whether a block can be an archive's first.
pub(crate) fn is_header(block: &Block) -> bool {
    block.iter().any(|byte| *byte != 0) && Raw::parse(block).is_ok()
}

/// Where an archive's bytes come from.
pub(crate) trait Input: BufRead {
    /// Goes on behind `count` bytes. Whether they were there is known by the next read.
    fn pass(&mut self, count: u64) -> io::Result<()>;

    /// What a failed read was about.
    fn explain(&self, source: io::Error) -> Error;
}

impl Input for BufReader<Decoder<'_>> {
    fn pass(&mut self, count: u64) -> io::Result<()> {
        io::copy(&mut self.by_ref().take(count), &mut io::sink()).map(drop)
    }

    fn explain(&self, source: io::Error) -> Error {
        self.get_ref().explain(source)
    }
}

/// An archive, read from its beginning to its end.
pub(crate) struct Archive<I> {
    input: I,
    limits: Limits,
    headers: u64,
    /// Where the next byte of the input stands.
    offset: u64,
    /// Where the header stands that is being read.
    header: u64,
    /// How much of the present entry's content has not been taken.
    left: u64,
    /// The zeros behind that content.
    padding: u64,
}

impl<I: Input> Archive<I> {
    pub(crate) fn new(input: I, limits: Limits) -> Self {
        Self { input, limits, headers: 0, offset: 0, header: 0, left: 0, padding: 0 }
    }

    /// The next entry; `None` when the archive has ended as it must, with nothing behind its end mark. After an error
    /// there is nothing more to ask for.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, Error> {
        let mut extensions = Extensions::default();
        loop {
            self.pass_content()?;
            self.header = self.offset;
            let Some(raw) = self.read_header()? else {
                extensions.check_unused().map_err(|fault| self.refuse(fault))?;
                return self.read_end().map(|()| None);
            };
            self.expect_content(raw.size);
            if !accept::is_extension(raw.type_flag) {
                let entry = extensions.apply(raw).map_err(|fault| self.refuse(fault))?;
                self.expect_content(entry.content_bytes());
                return Ok(Some(entry));
            }
            let content = self.read_extension(raw.size)?;
            extensions.take(raw.type_flag, &content).map_err(|fault| self.refuse(fault))?;
        }
    }

    /// Where the present entry's content begins, in the uncompressed archive.
    pub(crate) fn content_offset(&self) -> u64 {
        self.offset
    }

    /// The next piece of the present entry's content; empty at its end.
    pub(crate) fn fill(&mut self) -> Result<&[u8], Error> {
        if self.left == 0 {
            return Ok(&[]);
        }
        let available = match self.input.fill_buf() {
            Ok(bytes) => bytes.len() as u64,
            Err(source) => return Err(self.input.explain(source)),
        };
        if available == 0 {
            return Err(self.refuse(Fault::Truncated));
        }
        let count = usize::try_from(available.min(self.left)).unwrap_or(usize::MAX);
        // The buffer is full: this reads nothing.
        let buffer = self.input.fill_buf().unwrap_or_default();
        Ok(&buffer[..count])
    }

    /// Goes on behind `count` bytes of what [`Self::fill`] gave.
    pub(crate) fn consume(&mut self, count: usize) {
        self.input.consume(count);
        self.left -= count as u64;
        self.offset += count as u64;
    }

    fn expect_content(&mut self, size: u64) {
        self.left = size;
        self.padding = size.next_multiple_of(BLOCK_BYTES as u64) - size;
    }

    fn pass_content(&mut self) -> Result<(), Error> {
        let count = std::mem::take(&mut self.left) + std::mem::take(&mut self.padding);
        if count > 0 {
            self.input.pass(count).map_err(|source| self.input.explain(source))?;
            self.offset += count;
        }
        Ok(())
    }

    fn read_header(&mut self) -> Result<Option<Raw>, Error> {
        let block = self.read_block()?;
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        self.headers += 1;
        if self.headers > self.limits.entries {
            return Err(Error::Limit { what: "headers", limit: self.limits.entries });
        }
        Raw::parse(&block).map(Some).map_err(|fault| self.refuse(fault))
    }

    fn read_block(&mut self) -> Result<Block, Error> {
        let mut block = [0; BLOCK_BYTES];
        self.read_exact(&mut block)?;
        Ok(block)
    }

    fn read_extension(&mut self, size: u64) -> Result<Vec<u8>, Error> {
        let size = usize::try_from(size).ok().filter(|size| *size as u64 <= MAX_EXTENSION_BYTES);
        let mut content = vec![0; size.ok_or_else(|| self.refuse(Fault::LargeExtension))?];
        self.read_exact(&mut content)?;
        self.left = 0;
        Ok(content)
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
        // An archive that ends and a stream that breaks off are told apart by the decoder, which checks its own end.
        let mut filled = 0;
        while filled < buffer.len() {
            match self.input.read(&mut buffer[filled..]) {
                Ok(0) => return Err(self.refuse(Fault::Truncated)),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.input.explain(source)),
            }
        }
        self.offset += filled as u64;
        Ok(())
    }

    /// The second block of zeros, and nothing but zeros behind it: something there would be seen by some readers only.
    /// Reading to the end also lets the decoder compare its checksums.
    fn read_end(&mut self) -> Result<(), Error> {
        if self.read_block()?.iter().any(|byte| *byte != 0) {
            return Err(self.refuse(Fault::End));
        }
        loop {
            let (count, is_zero) = match self.input.fill_buf() {
                Ok([]) => return Ok(()),
                Ok(rest) => (rest.len(), rest.iter().all(|byte| *byte == 0)),
                Err(source) => return Err(self.input.explain(source)),
            };
            if !is_zero {
                return Err(self.refuse(Fault::End));
            }
            self.input.consume(count);
        }
    }

    /// The fault, with the place of the header that is being read.
    pub(crate) fn refuse(&self, fault: Fault) -> Error {
        Error::Refused { offset: self.header, fault }
    }
}
